package oauth2_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

func (w *world) revoke(t testing.TB, as clientWithSecret, token string, more ...string) {
	t.Helper()
	a := w.post(t, "/oauth2/revoke", as, append([]string{"token", token}, more...)...)
	if a.status != http.StatusOK || a.body != "" {
		t.Fatalf("POST /oauth2/revoke: %d %s, want 200 and no body", a.status, a.body)
	}
}

func TestRevokeAccessToken(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		pair, other := w.userTokens(t, w.branch), w.userTokens(t, w.branch)
		w.revoke(t, w.branch, pair.AccessToken)
		w.revoke(t, w.branch, pair.AccessToken)
		w.unauthenticated(t, pair.AccessToken, "revoked")
		w.principal(t, other.AccessToken)
		w.grant(t, w.branch, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
	})
}

func TestRevokeRefreshToken(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		first, other := w.userTokens(t, w.branch), w.userTokens(t, w.branch)
		second := w.grant(t, w.branch, "grant_type", "refresh_token", "refresh_token", first.RefreshToken)
		w.revoke(t, w.branch, second.RefreshToken)
		w.revoke(t, w.branch, second.RefreshToken)
		refused(t, w.post(t, "/oauth2/token", w.branch, "grant_type", "refresh_token", "refresh_token", second.RefreshToken), "invalid_grant")
		w.unauthenticated(t, first.AccessToken, "revoked")
		w.unauthenticated(t, second.AccessToken, "revoked")
		w.principal(t, other.AccessToken)
	})
}

func TestRevokeASpentRefreshTokenEndsTheFamily(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		first := w.clientTokens(t, w.root)
		second := w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", first.RefreshToken)
		w.revoke(t, w.root, first.RefreshToken)
		refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "refresh_token", "refresh_token", second.RefreshToken), "invalid_grant")
	})
}

func TestRevokeIgnoresWhatItCannotRevoke(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		expired := w.clientTokens(t, w.root)
		w.now.advance(24 * time.Hour)
		pair := w.clientTokens(t, w.root)
		for _, token := range []string{"x", "rrt_", "rrt_x", "a.b.c", pair.RefreshToken + "A", pair.AccessToken + "A", expired.AccessToken} {
			w.revoke(t, w.root, token)
		}
		w.principal(t, pair.AccessToken)
		w.revoke(t, w.root, pair.AccessToken, "token_type_hint", "refresh_token") // a wrong hint does no harm
		w.revoke(t, w.root, "x", "token_type_hint", "no such type")
		w.unauthenticated(t, pair.AccessToken, "revoked")
	})
}

func TestRevokeRefused(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		pair := w.clientTokens(t, w.root)
		refused(t, w.post(t, "/oauth2/revoke", w.root), "invalid_request")
		refused(t, w.post(t, "/oauth2/revoke", w.branch, "token", pair.RefreshToken), "invalid_grant")
		refused(t, w.post(t, "/oauth2/revoke", w.branch, "token", pair.AccessToken), "invalid_grant")
		refused(t, w.post(t, "/oauth2/revoke", clientWithSecret{w.root.Client, "wrong"}, "token", pair.RefreshToken), "invalid_client")
		refused(t, serve(t, w.server, formRequest("/oauth2/revoke", "token", pair.RefreshToken)), "invalid_client")
		w.principal(t, pair.AccessToken)
		w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
	})
}

func TestRevokeTellsWhenItCannotBeDone(t *testing.T) {
	for _, method := range []string{"Client", "Grant", "RevokeGrant", "RevokeToken", "SigningKeys"} {
		t.Run(method, func(t *testing.T) {
			store := newMemory()
			w := newMemoryWorld(t, store)
			pair := w.clientTokens(t, w.root)
			token := pair.RefreshToken
			if method == "SigningKeys" {
				token = pair.AccessToken
			}
			store.failWith(func(m string) error {
				if m == method {
					return roster.Unavailable("throttled", nil)
				}
				return nil
			})
			if a := w.post(t, "/oauth2/revoke", w.root, "token", token); a.status != http.StatusServiceUnavailable {
				t.Errorf("got %d %s, want 503 (RFC 7009, section 2.2.1)", a.status, a.body)
			}
		})
	}
}

func TestRevokeByQuery(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	pair := w.clientTokens(t, w.root)
	query := encode("client_id", string(w.root.ID), "client_secret", w.root.secret, "token", pair.AccessToken)
	if a := serve(t, w.server, httptest.NewRequest(http.MethodPost, "/oauth2/revoke?"+query, nil)); a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	w.unauthenticated(t, pair.AccessToken, "revoked")
}
