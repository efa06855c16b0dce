package oauth2_test

import (
	"net/http"
	"testing"
)

// BenchmarkPrincipal is what the authorizer does for a request, without the time the table takes.
func BenchmarkPrincipal(b *testing.B) {
	w := newMemoryWorld(b, newMemory())
	token := w.clientTokens(b, w.root).AccessToken
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.verifier.Principal(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefresh is a refresh, signature with a local key included, without the time the table takes.
func BenchmarkRefresh(b *testing.B) {
	w := newMemoryWorld(b, newMemory())
	pair := w.clientTokens(b, w.root)
	b.ReportAllocs()
	for b.Loop() {
		pair = w.post(b, "/oauth2/token", w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
		if pair.status != http.StatusOK {
			b.Fatal(pair.body)
		}
	}
}
