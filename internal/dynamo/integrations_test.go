package dynamo_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestIntegrationsAndTheirTokens(t *testing.T) {
	w := newWorld(t)
	stamp, at := rostertest.Stamp(), w.clock.Now()
	first := roster.Revision{Version: 1, ChangedAt: at, Stamp: stamp}
	client := roster.Client{ID: "integration-1", Tenant: 7, Path: w.child, Name: "Sync", Integration: true}
	token := roster.IntegrationToken{ID: "a#1", Tenant: 7, Client: client.ID, Name: "2026", ExpiresAt: at.Add(time.Hour).Truncate(time.Second)}
	made, record, err := w.CreateIntegration(t.Context(), client, token, stamp)
	if err != nil {
		t.Fatal(err)
	}
	client.CreatedAt, client.Revision = at, first
	token.CreatedAt, token.Revision = at, first
	if diff := cmp.Diff(client, made); diff != "" {
		t.Errorf("the integration (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(token, record); diff != "" {
		t.Errorf("its token (-want +got):\n%s", diff)
	}
	if got, err := w.Client(t.Context(), client.ID); err != nil || !cmp.Equal(got, client) {
		t.Errorf("the integration read back is %+v, %v", got, err)
	}
	if got, err := w.IntegrationToken(t.Context(), client.ID, "a#1"); err != nil || !cmp.Equal(got, token) {
		t.Errorf("the token read back is %+v, %v", got, err)
	}

	w.clock.Advance(time.Second)
	forEver, err := w.CreateIntegrationToken(t.Context(), roster.IntegrationToken{ID: "b", Tenant: 7, Client: client.ID, Name: "for ever"}, stamp)
	if err != nil || !forEver.ExpiresAt.IsZero() || !forEver.CreatedAt.Equal(w.clock.Now()) {
		t.Fatalf("a token for ever is %+v, %v", forEver, err)
	}
	if got, err := w.IntegrationTokens(t.Context(), client.ID); err != nil || !cmp.Equal(got, []roster.IntegrationToken{token, forEver}) {
		t.Errorf("the tokens are %+v, %v", got, err)
	}
	if got, err := w.IntegrationTokens(t.Context(), "client-7"); err != nil || len(got) != 0 {
		t.Errorf("the tokens of a client are %+v, %v", got, err)
	}

	revoked := w.clock.Now().Add(time.Minute)
	for range 2 { // the second time changes nothing that counts
		if err := w.RevokeIntegrationToken(t.Context(), 7, client.ID, "b", revoked, stamp); err != nil {
			t.Fatal(err)
		}
		revoked = revoked.Add(time.Minute)
	}
	got, err := w.IntegrationToken(t.Context(), client.ID, "b")
	if err != nil || !got.RevokedAt.Equal(forEver.CreatedAt.Add(time.Minute)) {
		t.Errorf("the revoked token is %+v, %v", got, err)
	}

	_, err = w.IntegrationToken(t.Context(), client.ID, "c")
	wantKind(t, "no such token", err, roster.KindNotFound)
	wantKind(t, "revoking no such token", w.RevokeIntegrationToken(t.Context(), 7, client.ID, "c", revoked, stamp), roster.KindNotFound)
	wantKind(t, "revoking another tenant's token", w.RevokeIntegrationToken(t.Context(), 8, client.ID, "a#1", revoked, stamp), roster.KindNotFound)
	_, err = w.CreateIntegrationToken(t.Context(), token, stamp)
	wantKind(t, "a token id that is taken", err, roster.KindConflict)
	_, _, err = w.CreateIntegration(t.Context(), roster.Client{ID: "integration-2", Tenant: 7, Path: roster.OrgPath{7, 99}, Integration: true}, token, stamp)
	wantKind(t, "an organization that is not there", err, roster.KindNotFound)
	_, _, err = w.CreateIntegration(t.Context(), client, roster.IntegrationToken{ID: "d", Tenant: 7, Client: client.ID}, stamp)
	wantKind(t, "an id that is taken", err, roster.KindConflict)
	_, err = w.IntegrationToken(t.Context(), client.ID, "d")
	wantKind(t, "the token of an integration that was not made", err, roster.KindNotFound)
	w.mustFit(t)
}
