package oauth2_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

// forge signs claims with any key and header. A nil header value takes the header away.
func forge(t *testing.T, alg jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	options := &jose.SignerOptions{}
	for name, value := range header {
		if value != nil {
			options.WithHeader(name, value)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func thumbprint(t *testing.T, key keySigner) string {
	t.Helper()
	id, err := oauth2.Thumbprint(&key.PrivateKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// goodClaims are those of a token for the root client, and goodHeader is its header: the cases below spoil one thing each.
func goodClaims(w *world) map[string]any {
	now := w.now.Now().Unix()
	return map[string]any{
		"iss": issuer, "aud": issuer, "sub": "root-client", "client_id": "root-client", "jti": "forged",
		"iat": now, "exp": now + 900, "tenant": tenant,
	}
}

func goodHeader(t *testing.T, key keySigner) map[jose.HeaderKey]any {
	return map[jose.HeaderKey]any{jose.HeaderType: "at+jwt", "kid": thumbprint(t, key)}
}

func TestForgedTokens(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	good := w.clientTokens(t, w.root).AccessToken // publishes the key
	header := func(change func(map[jose.HeaderKey]any)) map[jose.HeaderKey]any {
		h := goodHeader(t, w.signer)
		change(h)
		return h
	}
	rs256 := func(header map[jose.HeaderKey]any) string {
		return forge(t, jose.RS256, w.signer.PrivateKey, header, goodClaims(w))
	}
	der, err := x509.MarshalPKIXPublicKey(&w.signer.PrivateKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	otherParts := strings.Split(w.clientTokens(t, w.branch).AccessToken, ".")
	none := "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + parts[1] + "."

	w.principal(t, rs256(goodHeader(t, w.signer))) // the forger's tools are right
	w.principal(t, rs256(header(func(h map[jose.HeaderKey]any) { h[jose.HeaderType] = "application/AT+JWT" })))
	w.principal(t, "Bearer "+good)
	w.principal(t, "bearer  "+good)

	tests := []struct{ name, token, about string }{
		{"empty", "", "malformed"},
		{"not a JWT", "opaque", "malformed"},
		{"two parts", parts[0] + "." + parts[1], "malformed"},
		{"four parts", good + ".x", "malformed"},
		{"very long", strings.Repeat("x", 9000), "too long"},
		{"wrong scheme", "Basic " + good, "Bearer"},
		{"Bearer without a token", "Bearer ", "Bearer"},
		{"Bearer and two tokens", "Bearer " + good + " " + good, "Bearer"},
		{"signature of another token", parts[0] + "." + parts[1] + "." + otherParts[2], "wrong signature"},
		{"claims of another token", parts[0] + "." + otherParts[1] + "." + parts[2], "wrong signature"},
		{"no signature", parts[0] + "." + parts[1] + ".", "wrong signature"},
		{"alg none", none, "RS256"},
		{"HS256 with the public key as secret", forge(t, jose.HS256, der, goodHeader(t, w.signer), goodClaims(w)), "RS256"},
		{"PS256 with the right key", forge(t, jose.PS256, w.signer.PrivateKey, goodHeader(t, w.signer), goodClaims(w)), "RS256"},
		{"RS512 with the right key", forge(t, jose.RS512, w.signer.PrivateKey, goodHeader(t, w.signer), goodClaims(w)), "RS256"},
		{"another key under the right kid", forge(t, jose.RS256, testKey(2).PrivateKey, goodHeader(t, w.signer), goodClaims(w)), "wrong signature"},
		{"another key under its own kid", forge(t, jose.RS256, testKey(2).PrivateKey, goodHeader(t, testKey(2)), goodClaims(w)), "unknown key"},
		{"no kid", rs256(header(func(h map[jose.HeaderKey]any) { h["kid"] = nil })), "unknown key"},
		{"typ JWT", rs256(header(func(h map[jose.HeaderKey]any) { h[jose.HeaderType] = "JWT" })), "not an access token"},
		{"no typ", rs256(header(func(h map[jose.HeaderKey]any) { h[jose.HeaderType] = nil })), "not an access token"},
		{"typ of another type", rs256(header(func(h map[jose.HeaderKey]any) { h[jose.HeaderType] = 7 })), "not an access token"},
		{"unknown critical header", rs256(header(func(h map[jose.HeaderKey]any) { h["crit"] = []string{"exp"}; h["exp"] = 1 })), "access token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.unauthenticated(t, tt.token, tt.about) })
	}
}

func TestClaimsThatDoNotHold(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	w.clientTokens(t, w.root)
	seconds := func(d time.Duration) int64 { return w.now.Now().Add(d).Unix() }
	with := func(pairs ...any) map[string]any {
		c := goodClaims(w)
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == nil {
				delete(c, pairs[i].(string))
			} else {
				c[pairs[i].(string)] = pairs[i+1]
			}
		}
		return c
	}
	tests := []struct {
		name   string
		claims map[string]any
		about  string // empty for a token that is good
	}{
		{"good", with(), ""},
		{"several audiences", with("aud", []string{"x", issuer}), ""},
		{"just expired, within the leeway", with("exp", seconds(-9*time.Second)), ""},
		{"from a clock that is a little ahead", with("iat", seconds(9*time.Second), "nbf", seconds(9*time.Second)), ""},
		{"user", with("sub", "7001", "user", 7001), ""},
		{"another issuer", with("iss", "https://evil.example"), "issuer"},
		{"issuer with a slash", with("iss", issuer+"/"), "issuer"},
		{"no issuer", with("iss", nil), "issuer"},
		{"another audience", with("aud", "https://other.example"), "audience"},
		{"other audiences", with("aud", []string{"a", "b"}), "audience"},
		{"no audience", with("aud", nil), "audience"},
		{"expired", with("exp", seconds(-10*time.Second)), "expired"},
		{"no expiry", with("exp", nil), "lacks"},
		{"expiry as text", with("exp", "tomorrow"), "malformed"},
		{"expiry beyond any time", with("exp", 1e300), "malformed"},
		{"issued in the future", with("iat", seconds(11*time.Second)), "not valid yet"},
		{"not valid yet", with("nbf", seconds(11*time.Second)), "not valid yet"},
		{"no time of issue", with("iat", nil), "lacks"},
		{"no jti", with("jti", nil), "lacks"},
		{"no client", with("client_id", nil), "lacks"},
		{"no tenant", with("tenant", nil), "lacks"},
		{"negative tenant", with("tenant", -5), "lacks"},
		{"negative user", with("user", -5, "sub", "-5"), "lacks"},
		{"no subject", with("sub", nil), "subject"},
		{"subject is not the client", with("sub", "branch-client"), "subject"},
		{"subject is not the user", with("user", 7001), "subject"},
		{"subject looks like a user", with("sub", "7001"), "subject"},
		{"unknown client", with("client_id", "gone", "sub", "gone"), "client is unknown"},
		{"client of another tenant", with("tenant", 9000), "tenant"},
		{"unknown user", with("sub", "42", "user", 42), "user is gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token := forge(t, jose.RS256, w.signer.PrivateKey, goodHeader(t, w.signer), tt.claims)
			if tt.about == "" {
				w.principal(t, token)
				return
			}
			w.unauthenticated(t, token, tt.about)
		})
	}
}

// TestDuplicateClaims signs a payload in which a claim occurs twice, as an encoder would not write it.
func TestDuplicateClaims(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	w.clientTokens(t, w.root)
	claims := goodClaims(w)
	delete(claims, "tenant")
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string]string{
		"twice":        strings.Replace(string(text), "{", `{"tenant":9000,"tenant":1000,`, 1),
		"another case": strings.Replace(string(text), "{", `{"TENANT":1000,`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: w.signer.PrivateKey, KeyID: thumbprint(t, w.signer)}},
				(&jose.SignerOptions{}).WithType("at+jwt"))
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer.Sign([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			token, err := signed.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			w.unauthenticated(t, token, "claim")
		})
	}
}

func TestExpiry(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		token := w.clientTokens(t, w.root).AccessToken
		w.now.advance(15*time.Minute + 9*time.Second)
		w.principal(t, token)
		w.now.advance(time.Second)
		w.unauthenticated(t, token, "expired")
	})
}

func TestPrincipalFollowsWhatTheTokenNames(t *testing.T) {
	type change func(t *testing.T, w *world)
	status := func(s roster.Status) change {
		return func(t *testing.T, w *world) {
			w.ChangeUser(t, tenant, w.alice.ID, func(u *roster.User) { u.Status = s })
		}
	}
	move := func(path ...roster.OrgID) change {
		return func(t *testing.T, w *world) {
			w.ChangeUser(t, tenant, w.alice.ID, func(u *roster.User) { u.Path = path })
		}
	}
	tests := []struct {
		name   string
		change change
		about  string // empty if the token still holds
	}{
		{"suspended", status(roster.StatusSuspended), "not active"},
		{"pending again", status(roster.StatusPending), "not active"},
		{"moved out of the client's tree", move(1000, 2001), "outside"},
		{"moved within the client's tree", move(1000, 2000), ""},
		{"deleted", func(t *testing.T, w *world) { w.RemoveUser(t, tenant, w.alice.ID) }, "gone"},
		{"client revoked", func(t *testing.T, w *world) { w.RevokeClientForTest(t, w.branch.ID, w.now.Now()) }, "client was revoked"},
	}
	onEach(t, func(t *testing.T, w *world) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				w := w.another(t)
				token := w.userTokens(t, w.branch).AccessToken
				w.principal(t, token)
				tt.change(t, w)
				if tt.about == "" {
					if p := w.principal(t, token); p.Org() != 2000 {
						t.Errorf("Principal.Path = %v, want the user's new one", p.Path)
					}
					return
				}
				w.unauthenticated(t, token, tt.about)
			})
		}
	})
}

func TestPermissionsAreThoseOfAllRoles(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.AddRole(t, roster.Role{Tenant: tenant, ID: 101, Name: "Pusher", Permissions: roster.Permissions(roster.OrgNotifyUsers), CreatedAt: w.now.Now()})
		w.AddRole(t, roster.Role{Tenant: tenant, ID: 102, Name: "Mover", Permissions: roster.Permissions(roster.OrgTransferUsers), CreatedAt: w.now.Now()})
		w.ChangeUser(t, tenant, w.alice.ID, func(u *roster.User) { u.Roles = []roster.RoleID{roster.RoleUser, 101, 102, 999} })
		user, _ := roster.BuiltinRole(roster.RoleUser)
		want := user.Permissions.Union(roster.Permissions(roster.OrgNotifyUsers, roster.OrgTransferUsers))
		if p := w.principal(t, w.userTokens(t, w.branch).AccessToken); p.Permissions != want {
			t.Errorf("permissions = %v, want %v", p.Permissions.Names(), want.Names())
		}
	})
}

func TestVerifierFaultsAreNotTheCallers(t *testing.T) {
	for _, method := range []string{"SigningKeys", "Client", "User", "Role", "TokenRevoked"} {
		t.Run(method, func(t *testing.T) {
			store := newMemory()
			w := newMemoryWorld(t, store)
			w.ChangeUser(t, tenant, w.alice.ID, func(u *roster.User) { u.Roles = []roster.RoleID{101} })
			token := w.userTokens(t, w.branch).AccessToken
			for _, fault := range []error{roster.Unavailable("throttled", nil), errors.New("broken"), context.DeadlineExceeded} {
				store.failWith(func(m string) error {
					if m == method {
						return fault
					}
					return nil
				})
				if _, err := w.verifier.Principal(t.Context(), token); !errors.Is(err, fault) || roster.KindOf(err) != roster.KindOf(fault) {
					t.Errorf("Principal: %v, want %v", err, fault)
				}
			}
			store.failWith(nil)
			w.principal(t, token)
		})
	}
}

// TestVerifierReads pins what one check costs: the keys once, then one read per thing the token names.
func TestVerifierReads(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	org, user := w.clientTokens(t, w.branch).AccessToken, w.userTokens(t, w.branch).AccessToken
	if err := w.verifier.LoadKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := func(token string) (n int) {
		methods := []string{"SigningKeys", "Client", "User", "Role", "TokenRevoked"}
		for _, m := range methods {
			n -= store.count(m)
		}
		w.principal(t, token)
		for _, m := range methods {
			n += store.count(m)
		}
		return n
	}
	if got := calls(org); got != 2 {
		t.Errorf("a client's token costs %d reads, want 2", got)
	}
	if got := calls(user); got != 3 {
		t.Errorf("a user's token costs %d reads, want 3", got)
	}
}

func TestVerifierWithoutAnIssuerAcceptsNothing(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	w.clientTokens(t, w.root)
	w.verifier = oauth2.NewVerifier(oauth2.VerifierConfig{Store: w.backend, Now: w.now.Now})
	claims := goodClaims(w)
	claims["iss"], claims["aud"] = "", ""
	w.unauthenticated(t, forge(t, jose.RS256, w.signer.PrivateKey, goodHeader(t, w.signer), claims), "issuer")
}

func TestVerifierWithItsOwnAudience(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	server, err := oauth2.NewServer(oauth2.Config{Store: w.backend, Signer: w.signer, Issuer: issuer + "/", Audience: "directory", Now: w.now.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.server = server.Handler()
	token := w.clientTokens(t, w.root).AccessToken
	w.unauthenticated(t, token, "audience")
	w.verifier = oauth2.NewVerifier(oauth2.VerifierConfig{Store: w.backend, Issuer: issuer + "/", Audience: "directory", Now: w.now.Now})
	w.principal(t, token)
}

func TestBearerToken(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "BEARER   a.b-c_d~e+f/g==": "a.b-c_d~e+f/g==",
		"": "", "Bearer": "", "Bearer ": "", "Bearerabc": "", "Basic abc": "", "Bearer a b": "", "Bearer a=b": "", "Bearer ==": "",
		"Bearer\tabc": "", " Bearer abc": "", "Bearer abc ": "", "Bearer \"abc\"": "", "Bearer é": "",
	} {
		if got, ok := oauth2.BearerToken(header); got != want || ok != (want != "") {
			t.Errorf("BearerToken(%q) = %q, %v, want %q", header, got, ok, want)
		}
	}
}

func FuzzBearerToken(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "bearer  a.b.c==", "Basic x", "Bearer \x00", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, ok := oauth2.BearerToken(header)
		if !ok {
			if token != "" {
				t.Fatalf("BearerToken(%q) = %q, false", header, token)
			}
			return
		}
		if token == "" || strings.ContainsAny(token, " \t\r\n,;\"") || !strings.HasSuffix(header, " "+token) {
			t.Fatalf("BearerToken(%q) = %q", header, token)
		}
		if again, ok := oauth2.BearerToken("Bearer " + token); !ok || again != token {
			t.Fatalf("BearerToken of its own answer %q = %q, %v", token, again, ok)
		}
	})
}

// FuzzPrincipal presents anything at all to a verifier. Whatever it is, it is refused, without a fault.
func FuzzPrincipal(f *testing.F) {
	store := newMemory()
	key := testKey(0)
	verifier := oauth2.NewVerifier(oauth2.VerifierConfig{Store: store, Issuer: issuer})
	for _, seed := range []string{"", "a.b.c", "Bearer a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.e30.AAAA"} {
		f.Add(seed)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PrivateKey.PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	id, err := oauth2.Thumbprint(&key.PrivateKey.PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	store.keys[id] = roster.SigningKey{ID: id, Algorithm: "RS256", PublicKey: der}
	f.Fuzz(func(t *testing.T, bearer string) {
		if p, err := verifier.Principal(t.Context(), bearer); roster.KindOf(err) != roster.KindUnauthenticated {
			t.Fatalf("Principal(%q) = %+v, %v, want unauthenticated", bearer, p, err)
		}
	})
}
