package oauth2_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

const customersToken = "/api/v1/oauth/token"

// tokenRequest is the body of the customers dialect's token call.
func tokenRequest(t testing.TB, as clientWithSecret) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{
		"client_id": string(as.ID), "client_secret": as.secret, "audience": issuer, "grant_type": "client_credentials",
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// customersAnswer is what the call answered.
type customersAnswer struct {
	status  int
	header  http.Header
	body    string
	members map[string]any
}

// messages are what an error body says, as a list.
func (a customersAnswer) messages(t testing.TB) []string {
	t.Helper()
	switch message := a.members["message"].(type) {
	case string:
		return []string{message}
	case []any:
		var all []string
		for _, m := range message {
			all = append(all, m.(string))
		}
		return all
	default:
		t.Fatalf("message of %s, want a string or a list of them", a.body)
		return nil
	}
}

func (w *world) askCustomers(t testing.TB, body string, header ...string) customersAnswer {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, customersToken, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return serveCustomers(t, w.server, r.WithContext(w.ctx))
}

func serveCustomers(t testing.TB, handler http.Handler, r *http.Request) customersAnswer {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	a := customersAnswer{status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
	if err := json.Unmarshal(recorder.Body.Bytes(), &a.members); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return a
}

// customersRefused fails the test unless the answer is the dialect's error body with that status and those messages.
func customersRefused(t testing.TB, a customersAnswer, status int, messages ...string) {
	t.Helper()
	if a.status != status || a.members["statusCode"] != float64(status) || a.members["error"] != http.StatusText(status) || len(a.members) != 3 {
		t.Errorf("got %d %s, want the dialect's body for %d", a.status, a.body, status)
	}
	if got := a.messages(t); len(messages) > 0 && !slices.Equal(got, messages) {
		t.Errorf("message %q, want %q", got, messages)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", got)
	}
}

func TestCustomersToken(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		a := w.askCustomers(t, tokenRequest(t, w.branch))
		token, ok := a.members["access_token"].(string)
		if !ok || a.status != http.StatusOK || a.members["expires_in"] != 900.0 || a.members["token_type"] != "Bearer" || len(a.members) != 3 {
			t.Fatalf("got %d %s, want a Bearer token for 900 seconds and no more", a.status, a.body)
		}
		want := http.Header{
			"Cache-Control": {"no-store"}, "Pragma": {"no-cache"}, "Content-Type": {"application/json;charset=UTF-8"},
			"Server-Timing": a.header["Server-Timing"], // see TestOnlyWhoIsLetInIsToldTheCost
		}
		if diff := cmp.Diff(want, a.header); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		got, other := w.principal(t, token), w.principal(t, w.clientTokens(t, w.branch).AccessToken)
		if got.TokenID == "" || got.TokenID == other.TokenID {
			t.Errorf("jti %q and %q, want two", got.TokenID, other.TokenID)
		}
		got.TokenID = other.TokenID
		if diff := cmp.Diff(other, got); diff != "" {
			t.Errorf("Principal by the standard endpoint and by this one (-standard +this):\n%s", diff)
		}
		if a := w.post(t, "/oauth2/revoke", w.branch, "token", token); a.status != http.StatusOK {
			t.Fatalf("revoking: %d %s", a.status, a.body)
		}
		w.unauthenticated(t, token, "revoked")
	})
}

func TestCustomersTokenKeepsNothing(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	if a := w.askCustomers(t, tokenRequest(t, w.root)); a.status != http.StatusOK || store.count("CreateGrant") != 0 {
		t.Errorf("%d %s and %d grants, want a token without a family", a.status, a.body, store.count("CreateGrant"))
	}
}

func TestCustomersTokenOfAServiceUser(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		robot := w.addUser(t, 7002, "robot@example.com", roster.OrgPath{1000, 2000})
		client := w.addClient(t, roster.Client{ID: "robot-client", Tenant: tenant, Path: roster.OrgPath{1000}, ServiceUser: robot.ID})
		token, _ := w.askCustomers(t, tokenRequest(t, client)).members["access_token"].(string)
		if p := w.principal(t, token); p.User != robot.ID || p.Permissions.Has(roster.OrgDeleteUsers) {
			t.Errorf("Principal = %+v, want the service user with its role", p)
		}
		w.ChangeUser(t, tenant, robot.ID, func(u *roster.User) { u.Status = roster.StatusSuspended })
		customersRefused(t, w.askCustomers(t, tokenRequest(t, client)), http.StatusBadRequest, "the user is not active")
	})
}

func TestCustomersTokenIsForItsClientsOnly(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		revoked := w.addClient(t, roster.Client{ID: "revoked-client", Tenant: tenant, Path: roster.OrgPath{1000}})
		w.RevokeClientForTest(t, revoked.ID, w.now.Now())
		for name, as := range map[string]clientWithSecret{
			"wrong secret":            {w.root.Client, w.root.secret + "x"},
			"another client's secret": {w.root.Client, w.branch.secret},
			"unknown client":          {roster.Client{ID: "nobody"}, w.root.secret},
			"very long client id":     {roster.Client{ID: roster.ClientID(strings.Repeat("x", 4000))}, w.root.secret},
			"revoked client":          revoked,
		} {
			t.Run(name, func(t *testing.T) {
				customersRefused(t, w.askCustomers(t, tokenRequest(t, as)), http.StatusUnauthorized, "client authentication failed")
			})
		}
	})
}

func TestCustomersTokenBody(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	good := tokenRequest(t, w.root)
	with := func(member string) string { return strings.TrimSuffix(good, "}") + "," + member + "}" }
	without := func(name string) string {
		var members map[string]string
		if err := json.Unmarshal([]byte(good), &members); err != nil {
			t.Fatal(err)
		}
		delete(members, name)
		body, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	replaced := func(name, value string) string {
		return strings.TrimSuffix(without(name), "}") + fmt.Sprintf(",%q:%s}", name, value)
	}
	const notAnObject = "the body must be a JSON object in UTF-8"
	for _, tt := range []struct {
		name, body string
		want       []string // none for success
	}{
		{"as documented", good, nil},
		{"with spaces", " \n{ " + strings.NewReplacer(`":"`, "\" :\t\"", `","`, "\" ,\n\"").Replace(strings.ReplaceAll(good[1:], issuer, `https:\/\/roster.example`)), nil},
		{"unknown members", with(`"scope":["read:users"],"organization":null,"connection":{"a":1,"a":2},"scope":7`), nil},
		{"nothing", `{}`, []string{"client_id is required", "client_secret is required", "audience is required", "grant_type is required"}},
		{"no client_id", without("client_id"), []string{"client_id is required"}},
		{"no client_secret", without("client_secret"), []string{"client_secret is required"}},
		{"no audience", without("audience"), []string{"audience is required"}},
		{"no grant_type", without("grant_type"), []string{"grant_type is required"}},
		{"another case", strings.Replace(good, "client_id", "Client_ID", 1), []string{"client_id is required"}},
		{"empty", replaced("client_id", `""`), []string{"client_id must not be empty"}},
		{"null", replaced("client_secret", `null`), []string{"client_secret must be a string"}},
		{"a number", replaced("client_id", `17`), []string{"client_id must be a string"}},
		{"a list", replaced("audience", `["`+issuer+`"]`), []string{"audience must be a string"}},
		{"an object", replaced("grant_type", `{"type":"client_credentials"}`), []string{"grant_type must be a string"}},
		{"twice", with(`"client_id":"root-client"`), []string{"client_id occurs more than once"}},
		{"twice, by another spelling", with(`"\u0063lient_secret":"x"`), []string{"client_secret occurs more than once"}},
		{"wrong audience", replaced("audience", `"https://timetable.example"`), []string{"audience must be https://roster.example"}},
		{"audience with a slash", replaced("audience", `"https://roster.example/"`), []string{"audience must be https://roster.example"}},
		{"another grant", replaced("grant_type", `"user_credentials"`), []string{"grant_type must be client_credentials"}},
		{"no grant", replaced("grant_type", `"password"`), []string{"grant_type must be client_credentials"}},
		{"several faults", `{"client_id":1,"client_secret":"x","audience":"x"}`, []string{"client_id must be a string", "audience must be https://roster.example", "grant_type is required"}},
		{"no body", ``, []string{notAnObject}},
		{"a string", `"client_id"`, []string{notAnObject}},
		{"a list of one", `[` + good + `]`, []string{notAnObject}},
		{"null itself", `null`, []string{notAnObject}},
		{"cut short", good[:len(good)-1], []string{notAnObject}},
		{"two objects", good + good, []string{notAnObject}},
		{"not UTF-8", with("\"x\":\"\xff\""), []string{notAnObject}},
		{"a form", encode("client_id", string(w.root.ID), "client_secret", w.root.secret), []string{notAnObject}},
		{"too long", with(`"x":"` + strings.Repeat("x", 64<<10) + `"`), []string{"the body is longer than 65536 bytes"}},
		{"as long as may be", with(`"x":"` + strings.Repeat("x", 64<<10-len(with(`"x":""`))) + `"`), nil},
		{"deep", with(`"x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000)), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := w.askCustomers(t, tt.body)
			if tt.want != nil {
				customersRefused(t, a, http.StatusBadRequest, tt.want...)
				return
			}
			if a.status != http.StatusOK {
				t.Fatalf("got %d %s, want 200", a.status, a.body)
			}
		})
	}
	// A list of rules is a list even where it has one.
	if a := w.askCustomers(t, without("audience")); !strings.Contains(a.body, `"message":["audience is required"]`) {
		t.Errorf("body %s, want the message as a list", a.body)
	}
	if a := w.askCustomers(t, `[]`); !strings.Contains(a.body, `"message":"`+notAnObject+`"`) {
		t.Errorf("body %s, want the message as a string", a.body)
	}
}

func TestCustomersTokenContentType(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	for contentType, taken := range map[string]bool{
		"":                                  true,
		"application/json":                  true,
		"application/json; charset=UTF-8":   true,
		"Application/JSON":                  true,
		"application/json; charset=latin1":  false,
		"application/x-www-form-urlencoded": false,
		"text/plain":                        false,
		"json":                              false,
		";;":                                false,
	} {
		a := w.askCustomers(t, tokenRequest(t, w.root), "Content-Type", contentType)
		if taken && a.status != http.StatusOK {
			t.Errorf("%q: %d %s, want 200", contentType, a.status, a.body)
		}
		if !taken {
			customersRefused(t, a, http.StatusBadRequest, "Content-Type must be application/json")
		}
	}
}

// TestCustomersTokenHasOneWayIn gives what other endpoints take where this one does not look.
func TestCustomersTokenHasOneWayIn(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	for _, authorization := range []string{"Bearer an.old.token", basic("branch-client", w.branch.secret), "nonsense"} {
		if a := w.askCustomers(t, tokenRequest(t, w.root), "Authorization", authorization); a.status != http.StatusOK {
			t.Errorf("with Authorization %q: %d %s, want 200", authorization, a.status, a.body)
		}
	}
	query := encode("client_id", string(w.root.ID), "client_secret", w.root.secret, "audience", issuer, "grant_type", "client_credentials")
	r := httptest.NewRequest(http.MethodPost, customersToken+"?"+query, strings.NewReader(`{}`))
	customersRefused(t, serveCustomers(t, w.server, r), http.StatusBadRequest)
	r = httptest.NewRequest(http.MethodPost, customersToken, strings.NewReader(`{"audience":"`+issuer+`","grant_type":"client_credentials"}`))
	r.Header.Set("Authorization", basic(string(w.root.ID), w.root.secret))
	customersRefused(t, serveCustomers(t, w.server, r), http.StatusBadRequest, "client_id is required", "client_secret is required")
}

func TestCustomersTokenTakesPostOnly(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		a := serveCustomers(t, w.server, httptest.NewRequest(method, customersToken, nil))
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" || a.members["statusCode"] != 405.0 || a.members["error"] != "Method Not Allowed" {
			t.Errorf("%s: %d %v %s, want 405 and Allow: POST", method, a.status, a.header, a.body)
		}
	}
}

func TestCustomersTokenFaults(t *testing.T) {
	for _, method := range []string{"Client", "SigningKeys", "PutSigningKey"} {
		t.Run(method, func(t *testing.T) {
			store := newMemory()
			w := newMemoryWorld(t, store)
			var broken error = roster.Unavailable("the table does not answer", nil)
			store.failWith(func(m string) error {
				if m == method {
					return broken
				}
				return nil
			})
			a := w.askCustomers(t, tokenRequest(t, w.root))
			customersRefused(t, a, http.StatusServiceUnavailable)
			if a.header.Get("Retry-After") == "" {
				t.Errorf("headers %v, want Retry-After", a.header)
			}
			broken = &roster.Error{Kind: roster.KindInternal, Message: "planted detail"}
			a = w.askCustomers(t, tokenRequest(t, w.root))
			customersRefused(t, a, http.StatusInternalServerError)
			if strings.Contains(a.body, "planted") || !strings.Contains(w.log.String(), "planted detail") {
				t.Errorf("the cause is for the log, not for the answer: %s\n%s", a.body, w.log)
			}
			store.failWith(nil)
			if a = w.askCustomers(t, tokenRequest(t, w.root)); a.status != http.StatusOK {
				t.Errorf("after the fault: %d %s, want 200", a.status, a.body)
			}
		})
	}
}

func TestCustomersTokenLogsNoSecrets(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	token, _ := w.askCustomers(t, tokenRequest(t, w.root)).members["access_token"].(string)
	w.askCustomers(t, tokenRequest(t, clientWithSecret{roster.Client{ID: "planted-client"}, "planted-secret"}))
	w.askCustomers(t, `{"client_id":"planted-id","client_secret":"planted-secret","audience":"planted-audience","grant_type":"planted-grant"}`)
	w.askCustomers(t, `planted nonsense`, "Authorization", "Bearer planted-token")
	log := w.log.String()
	for _, secret := range []string{w.root.secret, token, "planted"} {
		if secret == "" || strings.Contains(log, secret) {
			t.Errorf("the log contains %q:\n%s", secret, log)
		}
	}
	for _, fact := range []string{
		`"endpoint":"customers token"`, `"client":"root-client"`, `"tenant":1000`, `"grant":"client_credentials"`, `"status":200`,
		`"error":"invalid_client"`, `"status":401`, `"error":"invalid_request"`, `"status":400`,
	} {
		if !strings.Contains(log, fact) {
			t.Errorf("the log lacks %s:\n%s", fact, log)
		}
	}
	if n := strings.Count(log, "\n"); n != 4 {
		t.Errorf("%d lines for 4 requests:\n%s", n, log)
	}
}

// TestCustomersTokenIsForTheConfiguredAudience checks that the audience asked for is the one of the tokens, not the issuer.
func TestCustomersTokenIsForTheConfiguredAudience(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	server, err := oauth2.NewServer(oauth2.Config{Store: w.backend, Signer: w.signer, Issuer: issuer, Audience: "everybody", Now: w.now.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.server = server.Handler()
	customersRefused(t, w.askCustomers(t, tokenRequest(t, w.root)), http.StatusBadRequest, "audience must be everybody")
	a := w.askCustomers(t, strings.Replace(tokenRequest(t, w.root), issuer, "everybody", 1))
	token, _ := a.members["access_token"].(string)
	verifier := oauth2.NewVerifier(oauth2.VerifierConfig{Store: w.backend, Issuer: issuer, Audience: "everybody", Now: w.now.Now})
	if p, err := verifier.Principal(w.ctx, token); err != nil || p.Client != w.root.ID {
		t.Errorf("%d %s: Principal = %+v, %v", a.status, a.body, p, err)
	}
	w.now.advance(oauth2.DefaultAccessTokenTTL + time.Minute)
	if _, err := verifier.Principal(w.ctx, token); roster.KindOf(err) != roster.KindUnauthenticated {
		t.Errorf("after its time: %v, want unauthenticated", err)
	}
}

// FuzzCustomersToken gives the endpoint bodies of any sort: it answers each in the dialect's way, and none with a fault.
func FuzzCustomersToken(f *testing.F) {
	w := newMemoryWorld(f, newMemory())
	for _, seed := range []string{``, `{}`, `null`, `{"client_id":"a","client_id":"b"}`, `{"":""}`, `[1]`, "\xff", tokenRequest(f, w.root)} {
		f.Add(seed)
	}
	w.ctx = f.Context()
	f.Fuzz(func(t *testing.T, body string) {
		a := w.askCustomers(t, body)
		switch a.status {
		case http.StatusOK:
			if a.members["token_type"] != "Bearer" {
				t.Errorf("%q: %s", body, a.body)
			}
		case http.StatusBadRequest, http.StatusUnauthorized:
			customersRefused(t, a, a.status)
		default:
			t.Errorf("%q: %d %s", body, a.status, a.body)
		}
	})
}
