package oauth2_test

import (
	"errors"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

var (
	_ oauth2.Store         = (*dynamo.Table)(nil)
	_ oauth2.VerifierStore = (*dynamo.Table)(nil)
)

func TestMain(m *testing.M) { rostertest.Main(m) }

// organizations are those that each backend has.
var organizations = []roster.OrgPath{{1000}, {1000, 2000}, {1000, 2001}, {1000, 2000, 3000}, {9000}}

// backends returns the stores that the tests run on: one in memory, and the table.
func backends() map[string]func(testing.TB, *fakeClock) backend {
	return map[string]func(testing.TB, *fakeClock) backend{
		"memory": func(testing.TB, *fakeClock) backend { return newMemory() },
		"table": func(t testing.TB, clock *fakeClock) backend {
			b := table{rostertest.TableWith(t, dynamo.Options{Now: clock.Now})}
			for _, path := range organizations {
				b.addOrganization(t, path)
			}
			return b
		},
	}
}

// table is the backend of a deployed directory.
type table struct{ *dynamo.Table }

func (b table) addOrganization(t testing.TB, path roster.OrgPath) {
	t.Helper()
	organization := rostertest.Organization(path[:len(path)-1], path.Last())
	if _, _, err := b.CreateOrganization(t.Context(), organization, rostertest.Stamp(), nil); err != nil {
		t.Fatalf("CreateOrganization(%v): %v", path, err)
	}
}

func (b table) AddClient(t testing.TB, client roster.Client) {
	t.Helper()
	if _, err := b.CreateClient(t.Context(), client, rostertest.Stamp()); err != nil {
		t.Fatalf("CreateClient: %v", err)
	}
}

func (b table) AddIntegrationToken(t testing.TB, token roster.IntegrationToken) {
	t.Helper()
	if _, err := b.CreateIntegrationToken(t.Context(), token, rostertest.Stamp()); err != nil {
		t.Fatalf("CreateIntegrationToken: %v", err)
	}
}

func (b table) EndIntegrationToken(t testing.TB, token roster.IntegrationToken) {
	t.Helper()
	if err := b.RevokeIntegrationToken(t.Context(), tenant, token.Client, token.ID, token.CreatedAt, rostertest.Stamp()); err != nil {
		t.Fatalf("RevokeIntegrationToken: %v", err)
	}
}

func (b table) RevokeClientForTest(t testing.TB, id roster.ClientID, at time.Time) {
	t.Helper()
	if err := b.RevokeClient(t.Context(), tenant, id, at, rostertest.Stamp()); err != nil {
		t.Fatalf("RevokeClient: %v", err)
	}
}

func (b table) AddUser(t testing.TB, user roster.User, credential *roster.Credential) {
	t.Helper()
	if _, _, err := b.CreateUser(t.Context(), roster.NewUser{User: user, Credential: credential}, rostertest.Stamp(), nil); err != nil {
		t.Fatalf("CreateUser: %v", err)
	}
}

func (b table) ChangeUser(t testing.TB, tenant roster.TenantID, id roster.UserID, change func(*roster.User)) {
	t.Helper()
	before, err := b.User(t.Context(), tenant, id)
	if err != nil {
		t.Fatalf("User: %v", err)
	}
	after := *before.Clone()
	change(&after)
	if _, err := b.UpdateUser(t.Context(), before, after, rostertest.Stamp()); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
}

func (b table) RemoveUser(t testing.TB, tenant roster.TenantID, id roster.UserID) {
	t.Helper()
	for {
		before, err := b.User(t.Context(), tenant, id)
		if err != nil {
			t.Fatalf("User: %v", err)
		}
		_, err = b.DeleteUser(t.Context(), before, rostertest.Stamp())
		if err == nil {
			return
		}
		// A log-in that is noted at the same moment comes first.
		if !errors.Is(err, roster.ErrVersionChanged) {
			t.Fatalf("DeleteUser: %v", err)
		}
	}
}

func (b table) BringBack(t testing.TB, user roster.User) {
	t.Helper()
	deleted, err := b.UserEvenDeleted(t.Context(), user.Tenant, user.ID)
	if err != nil {
		t.Fatalf("UserEvenDeleted: %v", err)
	}
	if _, err := b.RestoreUser(t.Context(), deleted, rostertest.Stamp()); err != nil {
		t.Fatalf("RestoreUser: %v", err)
	}
}

func (b table) SetCredential(t testing.TB, credential roster.Credential) {
	t.Helper()
	if err := b.PutCredential(t.Context(), credential, rostertest.Stamp()); err != nil {
		t.Fatalf("PutCredential: %v", err)
	}
}

func (b table) AddRole(t testing.TB, role roster.Role) {
	t.Helper()
	if _, err := b.CreateRole(t.Context(), role, rostertest.Stamp()); err != nil {
		t.Fatalf("CreateRole: %v", err)
	}
}

// TestTableCosts pins what tokens cost at the table, indexes included.
func TestTableCosts(t *testing.T) {
	clock := newFakeClock()
	w := newWorld(t, backends()["table"](t, clock), clock)
	w.principal(t, w.clientTokens(t, w.root).AccessToken) // the key is published and read
	org, user := w.clientTokens(t, w.branch), w.userTokens(t, w.branch)
	cost := func(what func(*world)) roster.Cost {
		meter := &roster.Meter{}
		measured := *w
		measured.ctx = roster.WithMeter(t.Context(), meter)
		what(&measured)
		cost := meter.Cost()
		cost.Time = 0
		return cost
	}
	refresh := func(pair answer) func(*world) {
		return func(w *world) {
			w.grant(t, w.branch, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
		}
	}
	tests := []struct {
		name string
		what func(*world)
		want roster.Cost
	}{
		{"client's token checked", func(w *world) { w.principal(t, org.AccessToken) }, roster.Cost{Calls: 2, Reads: 1}},
		{"user's token checked", func(w *world) { w.principal(t, user.AccessToken) }, roster.Cost{Calls: 3, Reads: 2}},
		{"client_credentials", func(w *world) { w.clientTokens(t, w.branch) }, roster.Cost{Calls: 2, Reads: 0.5, Writes: 1, TableWrites: 1}},
		{"refresh of a client", refresh(org), roster.Cost{Calls: 3, Reads: 1.5, Writes: 1, TableWrites: 1}},
		{"log-in", func(w *world) { w.userTokens(t, w.branch) }, roster.Cost{Calls: 6, Reads: 3.5, Writes: 1, TableWrites: 1}},
		{"refresh of a user", refresh(user), roster.Cost{Calls: 5, Reads: 3.5, Writes: 1, TableWrites: 1}},
		{"first log-in after an import", func(w *world) { w.importHash(t, importedHash); w.userTokens(t, w.branch) }, roster.Cost{Calls: 7, Reads: 3.5, Writes: 2, TableWrites: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cost(tt.what); got != tt.want {
				t.Errorf("cost = %+v, want %+v", got, tt.want)
			}
		})
	}
}
