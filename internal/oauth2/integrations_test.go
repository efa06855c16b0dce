package oauth2_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

// integration is an integration of the organization 1000/2000 with a token.
type integration struct {
	roster.Client
	record roster.IntegrationToken
	token  string
}

// integrate makes an integration whose token lives that long, zero for ever.
func (w *world) integrate(t testing.TB, lifetime time.Duration) integration {
	t.Helper()
	i := integration{Client: roster.Client{
		ID: "integration-1", Name: "Sync", Tenant: tenant, Path: roster.OrgPath{1000, 2000}, Integration: true, CreatedAt: w.now.Now(),
	}}
	w.AddClient(t, i.Client)
	i.record = roster.IntegrationToken{ID: "token-1", Tenant: tenant, Client: i.ID, Name: "first", CreatedAt: w.now.Now()}
	if lifetime != 0 {
		i.record.ExpiresAt = w.now.Now().Truncate(time.Second).Add(lifetime)
	}
	i.token = w.mintFor(t, i.Client, i.record)
	w.AddIntegrationToken(t, i.record)
	return i
}

func (w *world) mintFor(t testing.TB, client roster.Client, record roster.IntegrationToken) string {
	t.Helper()
	integrations, err := oauth2.NewIntegrations(oauth2.IntegrationsConfig{Store: w.backend, Signer: w.signer, Issuer: issuer, Now: w.now.Now})
	if err != nil {
		t.Fatal(err)
	}
	token, err := integrations.Mint(t.Context(), client, record)
	if err != nil {
		t.Fatalf("Mint: %v", err)
	}
	return token
}

// integrationClaims are those of a token of integrate that never expires: the cases below spoil one thing each.
func integrationClaims(w *world) map[string]any {
	return map[string]any{
		"iss": issuer, "aud": issuer, "sub": "integration-1", "client_id": "integration-1", "jti": "token-1",
		"iat": w.now.Now().Unix(), "tenant": tenant, "integration": true,
	}
}

func TestIntegrationTokenSpeaksForItsOrganization(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		i := w.integrate(t, 0)
		want := roster.Principal{Tenant: tenant, Client: i.ID, TokenID: "token-1", Path: roster.OrgPath{1000, 2000}, Permissions: roster.AllPermissions}
		got := w.principal(t, "Bearer "+i.token)
		if got.Tenant != want.Tenant || got.Client != want.Client || got.TokenID != want.TokenID || got.Path.String() != want.Path.String() ||
			got.Permissions != want.Permissions || got.UserScoped() {
			t.Errorf("Principal = %+v, want %+v", got, want)
		}
		w.now.advance(50 * 365 * 24 * time.Hour)
		w.principal(t, i.token)

		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(i.token, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]any
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		if _, expires := claims["exp"]; expires || claims["integration"] != true || claims["aud"] != issuer || claims["sub"] != "integration-1" {
			t.Errorf("the token says %v", claims)
		}
	})
}

func TestIntegrationTokenThatMayNotBeUsed(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, tt := range []struct {
		name     string
		lifetime time.Duration
		change   func(*testing.T, *world, integration)
		about    string // empty if the token still holds
	}{
		{"nothing", year, func(*testing.T, *world, integration) {}, ""},
		{"its last second", year, func(_ *testing.T, w *world, _ integration) { w.now.advance(year - time.Second) }, ""},
		{"expired", year, func(_ *testing.T, w *world, _ integration) { w.now.advance(year + 10*time.Second) }, "expired"},
		{"the token revoked", 0, func(t *testing.T, w *world, i integration) { w.EndIntegrationToken(t, i.record) }, "token was revoked"},
		{"the token revoked, long ago", 0, func(t *testing.T, w *world, i integration) {
			w.EndIntegrationToken(t, i.record)
			w.now.advance(50 * year)
		}, "token was revoked"},
		{"the integration deactivated", 0, func(t *testing.T, w *world, i integration) { w.RevokeClientForTest(t, i.ID, w.now.Now()) }, "client was revoked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, w *world) {
				i := w.integrate(t, tt.lifetime)
				tt.change(t, w, i)
				if tt.about == "" {
					w.principal(t, i.token)
					return
				}
				w.unauthenticated(t, i.token, tt.about)
			})
		})
	}
}

func TestIntegrationTokenThatWasSignedAndNeverRecorded(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		i := w.integrate(t, 0)
		i.record.ID = "token-2"
		token := w.mintFor(t, i.Client, i.record)
		w.unauthenticated(t, token, "unknown")
		w.AddIntegrationToken(t, i.record)
		w.principal(t, token)
	})
}

func TestIntegrationClaimsThatDoNotHold(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	w.integrate(t, 0)
	expiring := roster.IntegrationToken{ID: "expiring", Tenant: tenant, Client: "integration-1", ExpiresAt: w.now.Now().Truncate(time.Second).Add(time.Hour)}
	w.AddIntegrationToken(t, expiring)
	w.AddIntegrationToken(t, roster.IntegrationToken{ID: "ordinary", Tenant: tenant, Client: "root-client"})
	for _, tt := range []struct {
		name   string
		change map[string]any // nil takes a claim away
		about  string         // empty for a token that is good
	}{
		{"good", nil, ""},
		{"good until its time", map[string]any{"jti": "expiring", "exp": expiring.ExpiresAt.Unix()}, ""},
		{"another audience", map[string]any{"aud": "https://other.example"}, "audience"},
		{"another issuer", map[string]any{"iss": "https://evil.example"}, "issuer"},
		{"no time of issue", map[string]any{"iat": nil}, "lacks"},
		{"no jti", map[string]any{"jti": nil}, "lacks"},
		{"expired", map[string]any{"exp": w.now.Now().Unix() - 10}, "expired"},
		{"an expiry that is not recorded", map[string]any{"exp": w.now.Now().Unix() + 900}, "another expiry"},
		{"a later expiry than is recorded", map[string]any{"jti": "expiring", "exp": expiring.ExpiresAt.Unix() + 1}, "another expiry"},
		{"no expiry where one is recorded", map[string]any{"jti": "expiring"}, "another expiry"},
		{"another tenant", map[string]any{"tenant": 9000}, "tenant"},
		{"a user", map[string]any{"user": 7001, "sub": "7001"}, "speaks for a user"},
		{"no mark of an integration", map[string]any{"integration": nil}, "lacks"},
		{"no mark, with an expiry", map[string]any{"integration": nil, "exp": w.now.Now().Unix() + 900}, "kind"},
		{"the mark as text", map[string]any{"integration": "true"}, "malformed"},
		{"an ordinary client without an expiry", map[string]any{"integration": nil, "client_id": "root-client", "sub": "root-client"}, "lacks"},
		{"an ordinary client with the mark", map[string]any{"client_id": "root-client", "sub": "root-client", "jti": "ordinary"}, "kind"},
		{"an ordinary client with the mark and no record", map[string]any{"client_id": "root-client", "sub": "root-client"}, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims := integrationClaims(w)
			for name, value := range tt.change {
				if claims[name] = value; value == nil {
					delete(claims, name)
				}
			}
			token := forge(t, jose.RS256, w.signer.PrivateKey, goodHeader(t, w.signer), claims)
			if tt.about == "" {
				w.principal(t, token)
				return
			}
			w.unauthenticated(t, token, tt.about)
		})
	}
}

func TestIntegrationTokenOutlivesTheRotationOfItsKey(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	i := w.integrate(t, 0)
	ordinary := w.clientTokens(t, w.root).AccessToken
	id := thumbprint(t, w.signer)
	w.now.advance(time.Hour)
	key := store.keys[id]
	key.RetiredAt = w.now.Now()
	store.keys[id] = key
	w.now.advance(24 * time.Hour)

	w.principal(t, i.token)
	w.unauthenticated(t, ordinary, "expired")
	fresh := func(claims map[string]any) string {
		return forge(t, jose.RS256, w.signer.PrivateKey, goodHeader(t, w.signer), claims)
	}
	w.unauthenticated(t, fresh(goodClaims(w)), "unknown key")
	w.unauthenticated(t, fresh(integrationClaims(w)), "after its retirement")
	at := integrationClaims(w)
	at["iat"] = key.RetiredAt.Unix()
	w.unauthenticated(t, fresh(at), "after its retirement")
	at["iat"] = key.RetiredAt.Unix() - 1
	w.principal(t, fresh(at))

	delete(store.keys, id)
	w.now.advance(6 * time.Minute) // what was read of the keys is forgotten
	w.unauthenticated(t, i.token, "unknown key")
}

func TestIntegrationGetsNothingFromTheTokenEndpoints(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		i := w.integrate(t, 0)
		// Also not if something stands in the place of a secret.
		secret, hash := oauth2.NewClientSecret()
		odd := roster.Client{ID: "integration-2", Name: "Odd", Tenant: tenant, Path: roster.OrgPath{1000}, Integration: true, SecretHash: hash, CreatedAt: w.now.Now()}
		w.AddClient(t, odd)
		for _, client := range []clientWithSecret{{i.Client, i.token}, {i.Client, "x"}, {odd, secret}} {
			a := w.post(t, "/oauth2/token", client, "grant_type", "client_credentials")
			if a.status != http.StatusBadRequest || !strings.Contains(string(a.body), "invalid_client") {
				t.Errorf("%s: %d %s, want 400 invalid_client", client.ID, a.status, a.body)
			}
			if a := w.post(t, "/oauth2/revoke", client, "token", i.token); !strings.Contains(string(a.body), "invalid_client") {
				t.Errorf("%s revokes: %d %s, want invalid_client", client.ID, a.status, a.body)
			}
		}
		// A token of an integration is no other client's to revoke.
		if a := w.post(t, "/oauth2/revoke", w.branch, "token", i.token); !strings.Contains(string(a.body), "invalid_grant") {
			t.Errorf("another client revokes: %d %s, want invalid_grant", a.status, a.body)
		}
		w.principal(t, i.token)
	})
}

// TestIntegrationTokenCostsAsManyReadsAsAnyClients pins that the record takes the place of the revocation.
func TestIntegrationTokenCostsAsManyReadsAsAnyClients(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	i := w.integrate(t, 0)
	w.principal(t, i.token) // reads the keys
	before := store.count("Client") + store.count("IntegrationToken") + store.count("TokenRevoked") + store.count("SigningKeys")
	w.principal(t, i.token)
	after := store.count("Client") + store.count("IntegrationToken") + store.count("TokenRevoked") + store.count("SigningKeys")
	if got := after - before; got != 2 {
		t.Errorf("an integration's token costs %d reads, want 2", got)
	}
	store.failWith(func(method string) error {
		if method == "IntegrationToken" {
			return roster.Unavailable("throttled", nil)
		}
		return nil
	})
	if _, err := w.verifier.Principal(t.Context(), i.token); roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("when the record cannot be read: %v, want unavailable", err)
	}
}

func TestIntegrationsNeedWhatTheyAreMadeOf(t *testing.T) {
	store := newMemory()
	for name, config := range map[string]oauth2.IntegrationsConfig{
		"no store":        {Signer: testKey(0), Issuer: issuer},
		"no signer":       {Store: store, Issuer: issuer},
		"no issuer":       {Store: store, Signer: testKey(0)},
		"an http issuer":  {Store: store, Signer: testKey(0), Issuer: "http://roster.example"},
		"no such address": {Store: store, Signer: testKey(0), Issuer: "roster"},
	} {
		if _, err := oauth2.NewIntegrations(config); err == nil {
			t.Errorf("%s: NewIntegrations succeeds", name)
		}
	}
}
