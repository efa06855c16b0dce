package oauth2_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

const (
	workspaceToken   = "/auth/token"
	workspaceRefresh = "/auth/token/refresh"
	branchName       = "Organization 2000"
)

// apiKey is a client that acts as a service user.
type apiKey struct {
	clientWithSecret
	user roster.User
}

// newAPIKey makes an API key of the organization 1000/2000.
func (w *world) newAPIKey(t testing.TB) apiKey {
	t.Helper()
	user := roster.User{
		Tenant: tenant, ID: 7100, Path: roster.OrgPath{1000, 2000}, Email: "robot@example.com", Name: "Robot", Roles: []roster.RoleID{roster.RoleStaff},
		Status: roster.StatusActive, DeviceType: roster.DeviceTypeAPI, CreatedAt: w.now.Now(), UpdatedAt: w.now.Now(), RegisteredAt: w.now.Now(),
	}
	w.AddUser(t, user, nil)
	return apiKey{w.addClient(t, roster.Client{ID: "robot-key", Tenant: tenant, Path: roster.OrgPath{1000, 2000}, ServiceUser: user.ID}), user}
}

// workspaceAnswer is what a token call of the workspace dialect answered.
type workspaceAnswer struct {
	status int
	header http.Header
	body   string

	AccessToken             string
	ExpiresInSeconds        int
	RefreshToken            string
	RefreshExpiresInSeconds int
	Message                 string
	Code                    string
	Issues                  []struct {
		Message string
		Path    []string
	}
}

// askWorkspace sends a body to one of the two calls.
func (w *world) askWorkspace(t testing.TB, path, body string, header ...string) workspaceAnswer {
	t.Helper()
	return w.serveWorkspace(t, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)), header...)
}

func (w *world) serveWorkspace(t testing.TB, r *http.Request, header ...string) workspaceAnswer {
	t.Helper()
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	w.server.ServeHTTP(recorder, r.WithContext(w.ctx))
	a := workspaceAnswer{status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
	if err := json.Unmarshal(recorder.Body.Bytes(), &a); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return a
}

// object returns a JSON object of names and values in turn.
func object(t testing.TB, members ...string) string {
	t.Helper()
	m := map[string]string{}
	for i := 0; i < len(members); i += 2 {
		m[members[i]] = members[i+1]
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (w *world) keyTokens(t testing.TB, workspace string, key clientWithSecret) workspaceAnswer {
	t.Helper()
	return w.askWorkspace(t, workspaceToken, object(t, "workspace", workspace, "apiKeyId", string(key.ID), "apiKeySecret", key.secret))
}

func (w *world) refreshed(t testing.TB, workspace, token string) workspaceAnswer {
	t.Helper()
	return w.askWorkspace(t, workspaceRefresh, object(t, "workspace", workspace, "refreshToken", token))
}

// given fails the test unless the answer is a pair.
func given(t testing.TB, a workspaceAnswer) workspaceAnswer {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(a.body), &members); err != nil || a.status != http.StatusOK || len(members) != 4 || a.AccessToken == "" || a.RefreshToken == "" ||
		a.ExpiresInSeconds != 900 || a.RefreshExpiresInSeconds != 30*24*3600 {
		t.Fatalf("got %d %s, want a pair for 900 seconds and 30 days", a.status, a.body)
	}
	return a
}

// workspaceRefused fails the test unless the answer is the dialect's error body, without issues.
func workspaceRefused(t testing.TB, a workspaceAnswer, status int, code string) {
	t.Helper()
	if a.status != status || a.Code != code || a.Message == "" || a.Issues != nil || a.AccessToken != "" {
		t.Errorf("got %d %s, want %d with code %s", a.status, a.body, status, code)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", got)
	}
}

func TestWorkspaceToken(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		key := w.newAPIKey(t)
		for _, workspace := range []string{branchName, "2000"} {
			a := given(t, w.keyTokens(t, workspace, key.clientWithSecret))
			want := http.Header{
				"Cache-Control": {"no-store"}, "Pragma": {"no-cache"}, "Content-Type": {"application/json;charset=UTF-8"},
				"Server-Timing": a.header["Server-Timing"], // see TestOnlyWhoIsLetInIsToldTheCost
			}
			if diff := cmp.Diff(want, a.header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			got, other := w.principal(t, a.AccessToken), w.principal(t, w.clientTokens(t, key.clientWithSecret).AccessToken)
			if got.User != key.user.ID || got.TokenID == other.TokenID {
				t.Errorf("Principal = %+v, want the service user with a token of its own", got)
			}
			got.TokenID = other.TokenID
			if diff := cmp.Diff(other, got); diff != "" {
				t.Errorf("Principal by the standard endpoint and by this one (-standard +this):\n%s", diff)
			}
		}
	})
}

// TestWorkspaceTokenIsForKeysOnly holds that whatever is wrong reads the same, and takes the same reads.
func TestWorkspaceTokenIsForKeysOnly(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	key := w.newAPIKey(t)
	revoked := w.addClient(t, roster.Client{ID: "revoked-key", Tenant: tenant, Path: roster.OrgPath{1000, 2000}, ServiceUser: key.user.ID})
	w.RevokeClientForTest(t, revoked.ID, w.now.Now())
	first := ""
	for _, test := range []struct {
		name, workspace string
		as              clientWithSecret
	}{
		{"wrong secret", branchName, clientWithSecret{key.Client, key.secret + "x"}},
		{"another client's secret", branchName, clientWithSecret{key.Client, w.branch.secret}},
		{"unknown client", branchName, clientWithSecret{roster.Client{ID: "nobody"}, key.secret}},
		{"very long client id", branchName, clientWithSecret{roster.Client{ID: roster.ClientID(strings.Repeat("x", 4000))}, key.secret}},
		{"revoked client", branchName, revoked},
		{"wrong workspace", "Organization 1000", key.clientWithSecret},
		{"another workspace's id", "1000", key.clientWithSecret},
		{"id that is not spelled so", "02000", key.clientWithSecret},
		{"another case", strings.ToLower(branchName), key.clientWithSecret},
		{"no organization", "0", clientWithSecret{roster.Client{ID: "nobody"}, key.secret}},
		{"a client without a user, elsewhere", branchName, w.root},
	} {
		clients, organizations := store.count("Client"), store.count("Organization")
		a := w.keyTokens(t, test.workspace, test.as)
		workspaceRefused(t, a, http.StatusUnauthorized, "UNAUTHORIZED")
		if first == "" {
			first = a.body
		}
		if a.body != first {
			t.Errorf("%s reads %s, want %s", test.name, a.body, first)
		}
		if c, o := store.count("Client")-clients, store.count("Organization")-organizations; (c != 1 || o != 1) && len(test.as.ID) < 129 || c > 1 {
			t.Errorf("%s takes %d reads of a client and %d of an organization, want one of each", test.name, c, o)
		}
	}
	workspaceRefused(t, w.keyTokens(t, branchName, w.branch), http.StatusForbidden, "FORBIDDEN")
	if n := store.count("CreateGrant"); n != 0 {
		t.Errorf("%d grants were stored", n)
	}
}

func TestWorkspaceTokenOfAUserWhoMayNot(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		key := w.newAPIKey(t)
		a := given(t, w.keyTokens(t, branchName, key.clientWithSecret))
		w.ChangeUser(t, tenant, key.user.ID, func(u *roster.User) { u.Status = roster.StatusSuspended })
		workspaceRefused(t, w.keyTokens(t, branchName, key.clientWithSecret), http.StatusUnauthorized, "UNAUTHORIZED")
		workspaceRefused(t, w.refreshed(t, branchName, a.RefreshToken), http.StatusUnauthorized, "UNAUTHORIZED")
		w.ChangeUser(t, tenant, key.user.ID, func(u *roster.User) { u.Status = roster.StatusActive })
		given(t, w.refreshed(t, branchName, a.RefreshToken)) // which was not spent
	})
}

func TestWorkspaceRefresh(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		key := w.newAPIKey(t)
		a := given(t, w.keyTokens(t, branchName, key.clientWithSecret))
		for i := range 3 {
			before := w.principal(t, a.AccessToken)
			b := given(t, w.refreshed(t, []string{branchName, "2000"}[i%2], a.RefreshToken))
			after := w.principal(t, b.AccessToken)
			if after.TokenID == before.TokenID || a.RefreshToken == b.RefreshToken {
				t.Error("a refresh gives what there was before")
			}
			after.TokenID = before.TokenID
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("Principal before and after (-before +after):\n%s", diff)
			}
			a = b
		}
		// With the client's credentials the standard endpoint takes them too, and what it gives stays of this family.
		b := w.grant(t, key.clientWithSecret, "grant_type", "refresh_token", "refresh_token", a.RefreshToken)
		given(t, w.refreshed(t, branchName, b.RefreshToken))
	})
}

func TestWorkspaceRefreshTokensWorkOnce(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		key := w.newAPIKey(t)
		a := given(t, w.keyTokens(t, branchName, key.clientWithSecret))
		b := given(t, w.refreshed(t, branchName, a.RefreshToken))
		// In a wrong workspace nothing is spent or ended.
		workspaceRefused(t, w.refreshed(t, "1000", a.RefreshToken), http.StatusUnauthorized, "UNAUTHORIZED")
		workspaceRefused(t, w.refreshed(t, "1000", b.RefreshToken), http.StatusUnauthorized, "UNAUTHORIZED")
		c := given(t, w.refreshed(t, branchName, b.RefreshToken))
		workspaceRefused(t, w.refreshed(t, branchName, a.RefreshToken), http.StatusUnauthorized, "UNAUTHORIZED")
		workspaceRefused(t, w.refreshed(t, branchName, c.RefreshToken), http.StatusUnauthorized, "UNAUTHORIZED")
		w.unauthenticated(t, c.AccessToken, "revoked")
		if !strings.Contains(w.log.String(), `"replayed":true`) {
			t.Errorf("the log does not tell of the replay:\n%s", w.log)
		}
	})
}

// TestWorkspaceRefreshRaces gives one refresh token to many: one gets a pair, and the family is ended.
func TestWorkspaceRefreshRaces(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		key := w.newAPIKey(t)
		a := given(t, w.keyTokens(t, branchName, key.clientWithSecret))
		answers := make([]workspaceAnswer, 6)
		var wait sync.WaitGroup
		for i := range answers {
			wait.Go(func() { answers[i] = w.refreshed(t, branchName, a.RefreshToken) })
		}
		wait.Wait()
		winners := 0
		for _, b := range answers {
			if b.status != http.StatusOK {
				workspaceRefused(t, b, http.StatusUnauthorized, "UNAUTHORIZED")
				continue
			}
			winners++
			workspaceRefused(t, w.refreshed(t, branchName, b.RefreshToken), http.StatusUnauthorized, "UNAUTHORIZED")
		}
		if winners > 1 {
			t.Errorf("%d of %d requests with one token got a pair", winners, len(answers))
		}
	})
}

// TestWorkspaceRefreshTakesItsOwnFamiliesOnly holds refresh tokens of clients that have to authenticate away from a call that asks for no
// authentication (RFC 6749, section 6), and their families from being ended there.
func TestWorkspaceRefreshTakesItsOwnFamiliesOnly(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		key := w.newAPIKey(t)
		for name, family := range map[string]struct {
			as        clientWithSecret
			workspace string
			pair      answer
		}{
			"a client's": {w.branch, branchName, w.clientTokens(t, w.branch)},
			"a user's":   {w.root, "1000", w.userTokens(t, w.root)},
			"the key's":  {key.clientWithSecret, branchName, w.clientTokens(t, key.clientWithSecret)},
		} {
			next := w.grant(t, family.as, "grant_type", "refresh_token", "refresh_token", family.pair.RefreshToken)
			for _, token := range []string{next.RefreshToken, family.pair.RefreshToken} {
				a := w.refreshed(t, family.workspace, token)
				workspaceRefused(t, a, http.StatusUnauthorized, "UNAUTHORIZED")
			}
			if a := w.post(t, "/oauth2/token", family.as, "grant_type", "refresh_token", "refresh_token", next.RefreshToken); a.status != http.StatusOK {
				t.Errorf("%s family, after the refresh call of the workspace dialect saw its tokens: %d %s", name, a.status, a.body)
			}
		}
	})
}

func TestWorkspaceRefreshEnds(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		key := w.newAPIKey(t)
		old := given(t, w.keyTokens(t, branchName, key.clientWithSecret))
		w.now.advance(oauth2.DefaultRefreshTokenTTL)
		workspaceRefused(t, w.refreshed(t, branchName, old.RefreshToken), http.StatusUnauthorized, "UNAUTHORIZED")
		a := given(t, w.keyTokens(t, branchName, key.clientWithSecret))
		if b := w.post(t, "/oauth2/revoke", key.clientWithSecret, "token", a.RefreshToken); b.status != http.StatusOK {
			t.Fatalf("revoking: %d %s", b.status, b.body)
		}
		workspaceRefused(t, w.refreshed(t, branchName, a.RefreshToken), http.StatusUnauthorized, "UNAUTHORIZED")
		a = given(t, w.keyTokens(t, branchName, key.clientWithSecret))
		w.RevokeClientForTest(t, key.ID, w.now.Now())
		workspaceRefused(t, w.refreshed(t, branchName, a.RefreshToken), http.StatusUnauthorized, "UNAUTHORIZED")
		for _, token := range []string{"x", "rrt_", "rrt_" + strings.Repeat("A", 64), a.RefreshToken + "A", a.AccessToken} {
			workspaceRefused(t, w.refreshed(t, branchName, token), http.StatusUnauthorized, "UNAUTHORIZED")
		}
	})
}

// TestATokenIsALogInOfAServiceUser holds that API users, who log in in no other way, do not count as inactive while they work.
func TestATokenIsALogInOfAServiceUser(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		key := w.newAPIKey(t)
		var refresh, standard string
		for name, ask := range map[string]func(){
			"the token call":        func() { refresh = given(t, w.keyTokens(t, branchName, key.clientWithSecret)).RefreshToken },
			"the refresh call":      func() { given(t, w.refreshed(t, branchName, refresh)) },
			"the standard endpoint": func() { standard = w.clientTokens(t, key.clientWithSecret).RefreshToken },
			"its refresh": func() {
				w.grant(t, key.clientWithSecret, "grant_type", "refresh_token", "refresh_token", standard)
			},
			"the customers dialect": func() { w.askCustomers(t, tokenRequest(t, key.clientWithSecret)) },
		} {
			refresh = given(t, w.keyTokens(t, branchName, key.clientWithSecret)).RefreshToken
			standard = w.clientTokens(t, key.clientWithSecret).RefreshToken
			w.now.advance(time.Hour)
			ask()
			user, err := w.backend.User(t.Context(), tenant, key.user.ID)
			if err != nil || !user.LastLoginAt.Equal(w.now.Now()) {
				t.Errorf("after %s the user has logged in at %v (%v), want %v", name, user.LastLoginAt, err, w.now.Now())
			}
		}
	})
}

func TestWorkspaceBodies(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	key := w.newAPIKey(t)
	good := object(t, "workspace", branchName, "apiKeyId", string(key.ID), "apiKeySecret", key.secret)
	with := func(member string) string { return strings.TrimSuffix(good, "}") + "," + member + "}" }
	for _, test := range []struct {
		name, body string
		status     int
		issues     string
	}{
		{"as documented", good, 200, ""},
		{"unknown members", with(`"scope":[1],"refreshToken":7`), 200, ""},
		{"nothing", `{}`, 400, "workspace is required; apiKeyId is required; apiKeySecret is required"},
		{"another case", strings.Replace(good, "apiKeyId", "apikeyid", 1), 400, "apiKeyId is required"},
		{"empty", `{"workspace":"","apiKeyId":"","apiKeySecret":""}`, 400, "workspace must not be empty; apiKeyId must not be empty; apiKeySecret must not be empty"},
		{"other types", `{"workspace":7,"apiKeyId":null,"apiKeySecret":["x"]}`, 400, "workspace must be a string; apiKeyId must be a string; apiKeySecret must be a string"},
		{"twice", with(`"apiKeyId":"x"`), 400, "apiKeyId occurs more than once"},
		{"no body", ``, 400, ""},
		{"a list", `[]`, 400, ""},
		{"null", `null`, 400, ""},
		{"cut short", good[:len(good)-1], 400, ""},
		{"not UTF-8", with("\"x\":\"\xff\""), 400, ""},
		{"too long", with(`"x":"` + strings.Repeat("x", 64<<10) + `"`), 413, ""},
	} {
		a := w.askWorkspace(t, workspaceToken, test.body)
		var issues []string
		for _, issue := range a.Issues {
			issues = append(issues, strings.Join(issue.Path, ".")+" "+issue.Message)
		}
		if got := strings.Join(issues, "; "); a.status != test.status || got != test.issues {
			t.Errorf("%s: %d %s, want %d with the issues %q", test.name, a.status, a.body, test.status, test.issues)
		}
		code := map[int]string{200: "", 400: "BAD_REQUEST", 413: "PAYLOAD_TOO_LARGE"}[test.status]
		if a.Code != code || (a.Message == "Input validation failed") != (test.issues != "") {
			t.Errorf("%s: %s, want the code %s", test.name, a.body, code)
		}
	}
	if a := w.askWorkspace(t, workspaceRefresh, `{"refreshToken":1}`); a.status != 400 || len(a.Issues) != 2 || a.Issues[0].Path[0] != "workspace" || a.Issues[1].Path[0] != "refreshToken" {
		t.Errorf("a bad body of the refresh call: %d %s", a.status, a.body)
	}
	for _, path := range []string{workspaceToken, workspaceRefresh} {
		workspaceRefused(t, w.askWorkspace(t, path, good, "Content-Type", "application/x-www-form-urlencoded"), 415, "UNSUPPORTED_MEDIA_TYPE")
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			a := w.serveWorkspace(t, httptest.NewRequest(method, path, nil))
			if a.status != 405 || a.header.Get("Allow") != "POST" || a.Code != "METHOD_NOT_SUPPORTED" {
				t.Errorf("%s %s: %d %v %s, want 405 and Allow: POST", method, path, a.status, a.header, a.body)
			}
		}
	}
}

func TestWorkspaceFaults(t *testing.T) {
	for _, method := range []string{"Client", "Organization", "User", "SigningKeys", "CreateGrant", "Grant", "Credential", "RotateGrant"} {
		t.Run(method, func(t *testing.T) {
			store := newMemory()
			w := newMemoryWorld(t, store)
			key := w.newAPIKey(t)
			ask := func() workspaceAnswer { return w.keyTokens(t, branchName, key.clientWithSecret) }
			if method == "Grant" || method == "Credential" || method == "RotateGrant" {
				token := given(t, ask()).RefreshToken
				ask = func() workspaceAnswer { return w.refreshed(t, branchName, token) }
			}
			var broken error = roster.Unavailable("the table does not answer", nil)
			store.failWith(func(m string) error {
				if m == method {
					return broken
				}
				return nil
			})
			a := ask()
			workspaceRefused(t, a, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE")
			if a.header.Get("Retry-After") == "" {
				t.Errorf("headers %v, want Retry-After", a.header)
			}
			broken = &roster.Error{Kind: roster.KindInternal, Message: "planted detail"}
			a = ask()
			workspaceRefused(t, a, http.StatusInternalServerError, "INTERNAL_SERVER_ERROR")
			if strings.Contains(a.body, "planted") || !strings.Contains(w.log.String(), "planted detail") {
				t.Errorf("the cause is for the log, not for the answer: %s\n%s", a.body, w.log)
			}
			store.failWith(nil)
			given(t, ask())
		})
	}
}

// TestAFailedNoteLocksNobodyOut holds that a log-in which cannot be noted is one all the same.
func TestAFailedNoteLocksNobodyOut(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	key := w.newAPIKey(t)
	store.failWith(func(m string) error {
		if m == "RecordLogin" {
			return roster.Unavailable("the table does not answer", nil)
		}
		return nil
	})
	a := given(t, w.keyTokens(t, branchName, key.clientWithSecret))
	given(t, w.refreshed(t, branchName, a.RefreshToken))
	if !strings.Contains(w.log.String(), `"unrecorded":`) {
		t.Errorf("the log does not tell of it:\n%s", w.log)
	}
}

func TestWorkspaceCallsLogNoSecrets(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	key := w.newAPIKey(t)
	a := given(t, w.keyTokens(t, branchName, key.clientWithSecret))
	b := given(t, w.refreshed(t, branchName, a.RefreshToken))
	w.askWorkspace(t, workspaceToken, object(t, "workspace", "planted-workspace", "apiKeyId", "planted-id", "apiKeySecret", "planted-secret"))
	w.askWorkspace(t, workspaceRefresh, `planted nonsense`, "Authorization", "Bearer planted-token")
	log := w.log.String()
	for _, secret := range []string{key.secret, a.AccessToken, a.RefreshToken, b.AccessToken, b.RefreshToken, "planted"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %q:\n%s", secret, log)
		}
	}
	for _, fact := range []string{`"endpoint":"workspace token"`, `"endpoint":"workspace refresh"`, `"client":"robot-key"`, `"tenant":1000`, `"grant":"refresh_token"`, `"status":401`} {
		if !strings.Contains(log, fact) {
			t.Errorf("the log lacks %s:\n%s", fact, log)
		}
	}
}

// FuzzWorkspaceCalls gives both calls bodies of any sort: they answer each in the dialect's way, and none with a fault.
func FuzzWorkspaceCalls(f *testing.F) {
	w := newMemoryWorld(f, newMemory())
	key := w.newAPIKey(f)
	for _, seed := range []string{``, `{}`, `null`, `{"workspace":"a","workspace":"b"}`, `[1]`, "\xff", `{"workspace":"2000","refreshToken":"rrt_` + strings.Repeat("A", 64) + `"}`,
		object(f, "workspace", branchName, "apiKeyId", string(key.ID), "apiKeySecret", key.secret)} {
		f.Add(seed)
	}
	w.ctx = f.Context()
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{workspaceToken, workspaceRefresh} {
			a := w.askWorkspace(t, path, body)
			switch fmt.Sprint(a.status, " ", a.Code) {
			case "200 ", "400 BAD_REQUEST", "401 UNAUTHORIZED", "413 PAYLOAD_TOO_LARGE":
			default:
				t.Errorf("%q: %d %s", body, a.status, a.body)
			}
		}
	})
}
