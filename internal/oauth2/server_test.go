package oauth2_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

func TestClientAuthentication(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		revoked := w.addClient(t, roster.Client{ID: "revoked-client", Tenant: tenant, Path: roster.OrgPath{1000}})
		w.RevokeClientForTest(t, revoked.ID, w.now.Now())
		id, secret := string(w.root.ID), w.root.secret
		cc := []string{"grant_type", "client_credentials"}
		with := func(more ...string) []string { return append(append([]string{}, cc...), more...) }
		tests := []struct {
			name          string
			authorization string
			form          []string
			want          string // error code, empty for success
		}{
			{"basic", basic(id, secret), cc, ""},
			{"basic, scheme in another case", "bAsIc" + strings.TrimPrefix(basic(id, secret), "Basic"), cc, ""},
			{"basic and its own client_id", basic(id, secret), with("client_id", id), ""},
			{"parameters", "", with("client_id", id, "client_secret", secret), ""},
			{"form-encoded basic", basic("root%2Dclient", secret), cc, ""},
			{"both", basic(id, secret), with("client_id", id, "client_secret", secret), "invalid_request"},
			{"basic and another client_id", basic(id, secret), with("client_id", "branch-client"), "invalid_request"},
			{"none", "", cc, "invalid_client"},
			{"no secret", "", with("client_id", id), "invalid_client"},
			{"wrong secret", basic(id, secret+"x"), cc, "invalid_client"},
			{"wrong secret in parameters", "", with("client_id", id, "client_secret", "x"), "invalid_client"},
			{"another client's secret", basic("branch-client", secret), cc, "invalid_client"},
			{"unknown client", basic("nobody", secret), cc, "invalid_client"},
			{"empty client id", basic("", secret), cc, "invalid_client"},
			{"very long client id", basic(strings.Repeat("x", 4000), secret), cc, "invalid_client"},
			{"revoked client", basic("revoked-client", revoked.secret), cc, "invalid_client"},
			{"bearer", "Bearer " + secret, cc, "invalid_client"},
			{"broken base64", "Basic !!!", cc, "invalid_client"},
			{"broken form encoding", basic(id, "%zz"), cc, "invalid_client"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				r := formRequest("/oauth2/token", tt.form...)
				if tt.authorization != "" {
					r.Header.Set("Authorization", tt.authorization)
				}
				a := serve(t, w.server, r)
				if tt.want == "" {
					if a.status != http.StatusOK {
						t.Fatalf("got %d %s, want 200", a.status, a.body)
					}
					return
				}
				refused(t, a, tt.want)
				challenge := a.header.Get("WWW-Authenticate")
				if want := tt.want == "invalid_client" && tt.authorization != ""; strings.HasPrefix(challenge, "Basic ") != want {
					t.Errorf("WWW-Authenticate = %q, want a Basic challenge: %v", challenge, want)
				}
			})
		}
	})
}

func basic(id, secret string) string {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.SetBasicAuth(id, secret)
	return r.Header.Get("Authorization")
}

func TestParametersMayBeInQueryOrBody(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	credentials := []string{"client_id", string(w.root.ID), "client_secret", w.root.secret}
	tests := []struct {
		name, query, contentType, body, want string
	}{
		{"all in the query", encode(append(credentials, "grant_type", "client_credentials")...), "", "", ""},
		{"query, with an empty body of another type", encode(append(credentials, "grant_type", "client_credentials")...), "application/json", "", ""},
		{"all in the body", "", "application/x-www-form-urlencoded", encode(append(credentials, "grant_type", "client_credentials")...), ""},
		{"body with a charset", "", "application/x-www-form-urlencoded; charset=utf-8", encode(append(credentials, "grant_type", "client_credentials")...), ""},
		{"some here, some there", "grant_type=client_credentials", "application/x-www-form-urlencoded", encode(credentials...), ""},
		{"unknown parameters are ignored", "grant_type=client_credentials&color=blue&scope=all", "application/x-www-form-urlencoded", encode(credentials...), ""},
		{"empty parameters are ignored", "grant_type=client_credentials&username=", "application/x-www-form-urlencoded", encode(credentials...), ""},
		{"twice in the query", "grant_type=client_credentials&grant_type=client_credentials", "application/x-www-form-urlencoded", encode(credentials...), "grant_type occurs more than once"},
		{"twice in the body", "", "application/x-www-form-urlencoded", "grant_type=a&grant_type=b", "grant_type occurs more than once"},
		{"once in each", "grant_type=client_credentials", "application/x-www-form-urlencoded", encode(append(credentials, "grant_type", "client_credentials")...), "grant_type occurs more than once"},
		{"once in each, empty", "grant_type=client_credentials", "application/x-www-form-urlencoded", encode(append(credentials, "grant_type", "")...), "grant_type occurs more than once"},
		{"strange name twice", "%22%0a=1&%22%0a=2", "", "", "a parameter occurs more than once"},
		{"JSON body", "", "application/json", `{"grant_type":"client_credentials"}`, "must be application/x-www-form-urlencoded"},
		{"no content type", "", "", "grant_type=client_credentials", "must be application/x-www-form-urlencoded"},
		{"broken content type", "", ";;", "grant_type=client_credentials", "must be application/x-www-form-urlencoded"},
		{"broken escape in the query", "grant_type=%zz", "", "", "query string is malformed"},
		{"broken escape in the body", "", "application/x-www-form-urlencoded", "grant_type=%zz", "body is malformed"},
		{"semicolons", "", "application/x-www-form-urlencoded", "a=1;b=2", "body is malformed"},
		{"not UTF-8", "grant_type=%ff", "", "", "grant_type is not valid UTF-8"},
		{"too long", "", "application/x-www-form-urlencoded", "grant_type=" + strings.Repeat("x", 64<<10), "longer than 65536 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/oauth2/token?"+tt.query, strings.NewReader(tt.body))
			if tt.contentType != "" {
				r.Header.Set("Content-Type", tt.contentType)
			}
			a := serve(t, w.server, r)
			if tt.want == "" {
				if a.status != http.StatusOK {
					t.Fatalf("got %d %s, want 200", a.status, a.body)
				}
				return
			}
			refused(t, a, "invalid_request")
			if !strings.Contains(a.ErrorDescription, tt.want) {
				t.Errorf("error_description = %q, want it to say %q", a.ErrorDescription, tt.want)
			}
		})
	}
}

func TestGrantType(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	refused(t, w.post(t, "/oauth2/token", w.root), "invalid_request")
	refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "password", "username", email, "password", password), "unsupported_grant_type")
	refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "CLIENT_CREDENTIALS"), "unsupported_grant_type")
	refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "authorization_code", "code", "x"), "unsupported_grant_type")
	refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "user_credentials", "password", password), "invalid_request")
	refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "user_credentials", "username", email), "invalid_request")
	refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "refresh_token"), "invalid_request")
}

func TestOtherMethodsAreRefused(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	for path, allow := range map[string]string{
		"/oauth2/token": "POST", "/oauth2/revoke": "POST",
		"/.well-known/jwks.json": "GET, HEAD", "/.well-known/oauth-authorization-server": "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			if strings.Contains(allow, method) {
				continue
			}
			a := serve(t, w.server, httptest.NewRequest(method, path, nil))
			if got := a.header.Get("Allow"); a.status != http.StatusMethodNotAllowed || got != allow {
				t.Errorf("%s %s: %d, Allow %q, want 405 and %q", method, path, a.status, got, allow)
			}
		}
	}
}

func TestTokenAnswer(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	a := w.clientTokens(t, w.root)
	if a.TokenType != "Bearer" || a.ExpiresIn != 900 || a.AccessToken == "" || a.RefreshToken == "" {
		t.Errorf("answer = %s, want a Bearer pair for 900 seconds", a.body)
	}
	want := http.Header{
		"Cache-Control": {"no-store"}, "Pragma": {"no-cache"}, "Content-Type": {"application/json;charset=UTF-8"},
		"Server-Timing": a.header["Server-Timing"], // see TestOnlyWhoIsLetInIsToldTheCost
	}
	if diff := cmp.Diff(want, a.header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// TestOnlyWhoIsLetInIsToldTheCost holds the header Server-Timing to the answers that give something out: how many calls a refusal took,
// or a revocation, which is answered alike for any token, would tell a stranger which accounts and tokens there are.
func TestOnlyWhoIsLetInIsToldTheCost(t *testing.T) {
	clock := newFakeClock()
	w := newWorld(t, backends()["table"](t, clock), clock)
	pair := w.clientTokens(t, w.root)
	keys, metadata := serve(t, w.server, httptest.NewRequest("GET", "/.well-known/jwks.json", nil)), serve(t, w.server, httptest.NewRequest("GET", "/.well-known/oauth-authorization-server", nil))
	for name, a := range map[string]answer{"token": pair, "keys": keys, "metadata": metadata} {
		if got := a.header.Get("Server-Timing"); !regexp.MustCompile(`^table;dur=[0-9.]+;desc="\d+ calls, [0-9.]+ RRU, [0-9.]+ WRU"$`).MatchString(got) {
			t.Errorf("%s: Server-Timing = %q, want what it cost", name, got)
		}
	}
	if got := pair.header.Get("Server-Timing"); strings.Contains(got, `"0 calls`) {
		t.Errorf("a token cost %q, want calls", got)
	}
	refused := w.post(t, "/oauth2/token", w.branch, "grant_type", "refresh_token", "refresh_token", "nobody's")
	revoked := w.post(t, "/oauth2/revoke", w.root, "token", pair.RefreshToken)
	for name, a := range map[string]answer{"refusal": refused, "revocation": revoked} {
		if got := a.header.Values("Server-Timing"); got != nil {
			t.Errorf("%s, answered %d: Server-Timing = %q, want none", name, a.status, got)
		}
	}
}

func TestStoreFaults(t *testing.T) {
	forms := map[string][]string{
		"client":  {"grant_type", "client_credentials"},
		"user":    {"grant_type", "user_credentials", "username", email, "password", password},
		"refresh": {"grant_type", "refresh_token", "refresh_token", ""},
	}
	tests := []struct{ form, method string }{
		{"client", "Client"}, {"client", "CreateGrant"}, {"client", "SigningKeys"}, {"client", "PutSigningKey"},
		{"user", "EmailOwner"}, {"user", "User"}, {"user", "Credential"}, {"user", "CreateGrant"},
		{"refresh", "Grant"}, {"refresh", "RotateGrant"}, {"refresh", "User"}, {"refresh", "Credential"},
	}
	for _, tt := range tests {
		t.Run(tt.form+"/"+tt.method, func(t *testing.T) {
			store := newMemory()
			w := newMemoryWorld(t, store)
			form := forms[tt.form]
			if tt.form == "refresh" {
				form = []string{"grant_type", "refresh_token", "refresh_token", w.userTokens(t, w.root).RefreshToken}
			}
			fault := roster.Unavailable("the table does not answer", nil)
			var broken error = fault
			store.failWith(func(method string) error {
				if method == tt.method {
					return broken
				}
				return nil
			})
			a := w.post(t, "/oauth2/token", w.root, form...)
			if a.status != http.StatusServiceUnavailable || a.Error != "temporarily_unavailable" || a.header.Get("Retry-After") == "" {
				t.Errorf("unavailable: got %d %s %v, want 503", a.status, a.body, a.header)
			}
			broken = &roster.Error{Kind: roster.KindInternal, Message: "planted detail"}
			a = w.post(t, "/oauth2/token", w.root, form...)
			if a.status != http.StatusInternalServerError || strings.Contains(a.body, "planted") {
				t.Errorf("internal: got %d %s, want 500 without the cause", a.status, a.body)
			}
			if !strings.Contains(w.log.String(), "planted detail") {
				t.Error("the cause is not in the log")
			}
			store.failWith(nil)
			if a = w.post(t, "/oauth2/token", w.root, form...); a.status != http.StatusOK {
				t.Errorf("after the fault: got %d %s, want 200", a.status, a.body)
			}
		})
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	pair := w.userTokens(t, w.root)
	next := w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
	w.post(t, "/oauth2/token", w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
	w.post(t, "/oauth2/token", w.root, "grant_type", "user_credentials", "username", email, "password", "planted wrong password")
	w.post(t, "/oauth2/token", w.root, "grant_type", "user_credentials", "username", "planted@example.com", "password", password)
	w.post(t, "/oauth2/token", clientWithSecret{roster.Client{ID: "planted-client"}, "planted-secret"}, "grant_type", "client_credentials")
	w.post(t, "/oauth2/token", w.root, "grant_type", "planted-grant")
	w.post(t, "/oauth2/revoke", w.root, "token", next.AccessToken)
	w.post(t, "/oauth2/revoke", w.root, "token", next.RefreshToken)
	log := strings.ToLower(w.log.String())
	for _, secret := range []string{
		w.root.secret, password, email, "alice", "planted", pair.AccessToken, pair.RefreshToken, next.AccessToken, next.RefreshToken,
	} {
		if strings.Contains(log, strings.ToLower(secret)) || strings.Contains(log, strings.ToLower(url.QueryEscape(secret))) {
			t.Errorf("the log contains %q:\n%s", secret, log)
		}
	}
	for _, fact := range []string{`"endpoint":"token"`, `"endpoint":"revoke"`, `"client":"root-client"`, `"user":7001`, `"replayed":true`, `"error":"invalid_grant"`} {
		if !strings.Contains(log, fact) {
			t.Errorf("the log lacks %s:\n%s", fact, log)
		}
	}
}

func TestNewServerNamesWhatIsWrong(t *testing.T) {
	good := oauth2.Config{Store: newMemory(), Signer: testKey(0), Issuer: issuer}
	tests := []struct {
		name   string
		change func(*oauth2.Config)
		want   string // empty for success
	}{
		{"as it is", func(*oauth2.Config) {}, ""},
		{"issuer with a path", func(c *oauth2.Config) { c.Issuer = "https://x.example/Prod/" }, ""},
		{"http on this machine", func(c *oauth2.Config) { c.Issuer = "http://127.0.0.1:8080" }, ""},
		{"http on localhost", func(c *oauth2.Config) { c.Issuer = "http://localhost:8080" }, ""},
		{"http elsewhere", func(c *oauth2.Config) { c.Issuer = "http://roster.example" }, "must be https"},
		{"no issuer", func(c *oauth2.Config) { c.Issuer = "" }, "issuer"},
		{"issuer with a query", func(c *oauth2.Config) { c.Issuer = issuer + "?x" }, "issuer"},
		{"no store", func(c *oauth2.Config) { c.Store = nil }, "store"},
		{"no signer", func(c *oauth2.Config) { c.Signer = nil }, "signer"},
		{"half a second", func(c *oauth2.Config) { c.AccessTokenTTL = 1500 * time.Millisecond }, "access token lifetime"},
		{"negative", func(c *oauth2.Config) { c.AccessTokenTTL = -time.Second }, "access token lifetime"},
		{"negative refresh", func(c *oauth2.Config) { c.RefreshTokenTTL = -time.Second }, "refresh token lifetime"},
		{"negative hashes", func(c *oauth2.Config) { c.Hashes = -1 }, "hashes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			_, err := oauth2.NewServer(c)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("NewServer: %v, want an error about %q", err, tt.want)
			}
		})
	}
}
