package oauth2_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

// turnstile lets so many requests through, in a minute of which 30.5 s are left.
type turnstile struct {
	left int
	took []roster.OrgID
}

func (q *turnstile) Take(_ context.Context, of roster.TenantID, org roster.OrgID) (roster.Permit, error) {
	q.took = append(q.took, org)
	p := roster.Permit{Limit: 9, Reset: 30*time.Second + 500*time.Millisecond}
	if of != tenant || q.left == 0 {
		return p, roster.TooManyRequests(p.Reset)
	}
	q.left--
	p.Remaining = int64(q.left)
	return p, nil
}

// judgements are what was told of attempts: by what they were of, true for those that succeeded.
type judgements struct {
	mu   sync.Mutex
	told []string
	wait time.Duration
}

func (j *judgements) begin(of string) (roster.Attempt, error) {
	if j.wait > 0 {
		return roster.Attempt{}, roster.TooManyAttempts(j.wait)
	}
	tell := func(what string) func(context.Context) error {
		return func(context.Context) error {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.told = append(j.told, of+what)
			return nil
		}
	}
	return roster.Attempt{Failed: tell(" failed"), Succeeded: tell(" succeeded")}, nil
}

func (j *judgements) Password(_ context.Context, _ roster.TenantID, email roster.Email) (roster.Attempt, error) {
	return j.begin(email.Key())
}

func (j *judgements) ClientSecret(_ context.Context, id roster.ClientID) (roster.Attempt, error) {
	return j.begin(string(id))
}

// limit puts another server in front of the world's store, with those limits.
func (w *world) limit(t testing.TB, q oauth2.Quota, a oauth2.Attempts) {
	t.Helper()
	server, err := oauth2.NewServer(oauth2.Config{Store: w.backend, Signer: w.signer, Issuer: issuer, Now: w.now.Now, Quota: q, Attempts: a})
	if err != nil {
		t.Fatal(err)
	}
	w.server = server.Handler()
}

// send sends a body, a form or an object, and returns the answer as it is.
func (w *world) send(path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, r.WithContext(w.ctx))
	return answer
}

func limitsOf(answer *httptest.ResponseRecorder) []string {
	var all []string
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"} {
		all = append(all, answer.Header().Get(name))
	}
	return all
}

// limitedCalls are requests of the key to every endpoint, with a secret that may be wrong, and a refresh token.
func limitedCalls(t testing.TB, key apiKey) map[string]func(secret, refresh string) (path, body string) {
	return map[string]func(string, string) (string, string){
		"token": func(secret, _ string) (string, string) {
			return "/oauth2/token", encode("grant_type", "client_credentials", "client_id", string(key.ID), "client_secret", secret)
		},
		"revoke": func(secret, _ string) (string, string) {
			return "/oauth2/revoke", encode("token", "nothing", "client_id", string(key.ID), "client_secret", secret)
		},
		"customers": func(secret, _ string) (string, string) {
			return "/api/v1/oauth/token", object(t, "grant_type", "client_credentials", "audience", issuer, "client_id", string(key.ID), "client_secret", secret)
		},
		"workspace": func(secret, _ string) (string, string) {
			return workspaceToken, object(t, "workspace", branchName, "apiKeyId", string(key.ID), "apiKeySecret", secret)
		},
		"refresh": func(secret, refresh string) (string, string) {
			if secret != key.secret {
				refresh = "rrt_" + strings.Repeat("A", 64)
			}
			return workspaceRefresh, object(t, "workspace", branchName, "refreshToken", refresh)
		},
	}
}

// refusals are the bodies of a 429 by endpoint, but for what they say.
var refusals = map[string]string{
	"token":     `{"error":"temporarily_unavailable","error_description":"%s"}`,
	"revoke":    `{"error":"temporarily_unavailable","error_description":"%s"}`,
	"customers": `{"statusCode":429,"message":"%s","error":"Too Many Requests"}`,
	"workspace": `{"message":"%s","code":"TOO_MANY_REQUESTS"}`,
	"refresh":   `{"message":"%s","code":"TOO_MANY_REQUESTS"}`,
}

// TestEveryEndpointTakesAPermit holds that each request of a known client takes one of the client's organization, that each endpoint refuses
// in its own way once there is none, and that nobody else's request takes any or is told how many there are.
func TestEveryEndpointTakesAPermit(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	key := w.newAPIKey(t)
	refresh := given(t, w.keyTokens(t, branchName, key.clientWithSecret)).RefreshToken
	for name, call := range limitedCalls(t, key) {
		q := &turnstile{left: 1}
		w.limit(t, q, nil)
		path, body := call("wrong", refresh)
		stranger := w.send(path, body)
		if diff := cmp.Diff([]string{"", "", "", ""}, limitsOf(stranger)); diff != "" || stranger.Code/100 != 4 || len(q.took) != 0 {
			t.Errorf("%s of a stranger: %d, took %v (-want +got)\n%s", name, stranger.Code, q.took, diff)
		}
		path, body = call(key.secret, refresh)
		one := w.send(path, body)
		if diff := cmp.Diff([]string{"9", "0", "31", ""}, limitsOf(one)); diff != "" || one.Code != http.StatusOK || !slices.Equal(q.took, []roster.OrgID{2000}) {
			t.Errorf("%s: %d %s, took %v (-want +got)\n%s", name, one.Code, one.Body, q.took, diff)
		}
		if name == "refresh" { // which has spent it
			q.left = 1
			refresh = given(t, w.keyTokens(t, branchName, key.clientWithSecret)).RefreshToken
			path, body = call(key.secret, refresh)
		}
		none, want := w.send(path, body), fmt.Sprintf(refusals[name], "too many requests of this organization")
		if diff := cmp.Diff([]string{"9", "0", "31", "31"}, limitsOf(none)); diff != "" || none.Code != http.StatusTooManyRequests || none.Body.String() != want {
			t.Errorf("%s without a permit: %d %s, want %s (-want +got)\n%s", name, none.Code, none.Body, want, diff)
		}
		if name == "refresh" {
			q.left = 1
			given(t, w.refreshed(t, branchName, refresh)) // it was not spent
		}
	}
}

// TestDeadRefreshTokensTakeNoPermit holds that whoever finds a refresh token that is of no use cannot use up an organization's requests by
// the one call that asks for no secret.
func TestDeadRefreshTokensTakeNoPermit(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	key := w.newAPIKey(t)
	spent := given(t, w.keyTokens(t, branchName, key.clientWithSecret)).RefreshToken
	given(t, w.refreshed(t, branchName, spent))
	old := given(t, w.keyTokens(t, branchName, key.clientWithSecret)).RefreshToken
	q := &turnstile{left: 9}
	for name, ask := range map[string]func() workspaceAnswer{
		"spent, which ends the family": func() workspaceAnswer { return w.refreshed(t, branchName, spent) },
		"of an ended family":           func() workspaceAnswer { return w.refreshed(t, branchName, spent) },
		"in another workspace":         func() workspaceAnswer { return w.refreshed(t, "1000", old) },
		"expired": func() workspaceAnswer {
			w.now.advance(oauth2.DefaultRefreshTokenTTL)
			return w.refreshed(t, branchName, old)
		},
	} {
		w.limit(t, q, nil)
		a := ask()
		workspaceRefused(t, a, http.StatusUnauthorized, "UNAUTHORIZED")
		if len(q.took) != 0 || a.header.Get("X-RateLimit-Limit") != "" {
			t.Errorf("a refresh token %s took %v: %v", name, q.took, a.header)
		}
	}
}

// TestWhatAttemptsAreTold holds that everything that a client proves itself with counts, the workspace included: one that is wrong must
// not tell, by being refused for ever in the same way, that the secret is right.
func TestWhatAttemptsAreTold(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	key := w.newAPIKey(t)
	calls := limitedCalls(t, key)
	sent := func(name, secret string) func() {
		return func() { path, body := calls[name](secret, "x"); w.send(path, body) }
	}
	user := func(name, password string) func() {
		return func() {
			w.send("/oauth2/token", encode("grant_type", "user_credentials", "client_id", string(w.root.ID), "client_secret", w.root.secret, "username", name, "password", password))
		}
	}
	for name, test := range map[string]struct {
		ask  func()
		told []string
	}{
		"token":               {sent("token", key.secret), []string{"robot-key succeeded"}},
		"token, wrong":        {sent("token", "x"), []string{"robot-key failed"}},
		"revoke, wrong":       {sent("revoke", "x"), []string{"robot-key failed"}},
		"customers, wrong":    {sent("customers", "x"), []string{"robot-key failed"}},
		"workspace":           {sent("workspace", key.secret), []string{"robot-key succeeded"}},
		"workspace, wrong":    {sent("workspace", "x"), []string{"robot-key failed"}},
		"another workspace":   {func() { w.keyTokens(t, "Organization 1000", key.clientWithSecret) }, []string{"robot-key failed"}},
		"unknown client":      {func() { w.keyTokens(t, branchName, clientWithSecret{roster.Client{ID: "nobody"}, "x"}) }, []string{"nobody failed"}},
		"a user":              {user(email, password), []string{"root-client succeeded", "alice.liddell@example.com succeeded"}},
		"a user's wrong one":  {user(email, "x"), []string{"root-client succeeded", "alice.liddell@example.com failed"}},
		"nobody's":            {user("nobody@example.com", password), []string{"root-client succeeded", "nobody@example.com failed"}},
		"a user of elsewhere": {user("not an address", password), []string{"root-client succeeded", "not an address failed"}},
	} {
		j, q := &judgements{}, &turnstile{left: 9}
		w.limit(t, q, j)
		test.ask()
		if diff := cmp.Diff(test.told, j.told); diff != "" {
			t.Errorf("%s: told (-want +got)\n%s", name, diff)
		}
		if known := strings.HasSuffix(test.told[0], "succeeded"); known != (len(q.took) == 1) {
			t.Errorf("%s took permits of %v", name, q.took)
		}
	}
}

// TestWithinTheWaitNothingIsLookedAt holds that the right secret is refused like any other, by each endpoint in its own way.
func TestWithinTheWaitNothingIsLookedAt(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	key := w.newAPIKey(t)
	for name, call := range limitedCalls(t, key) {
		if name == "refresh" { // no secret is shown there
			continue
		}
		q := &turnstile{left: 9}
		w.limit(t, q, &judgements{wait: 1500 * time.Millisecond})
		path, body := call(key.secret, "")
		answer := w.send(path, body)
		want := fmt.Sprintf(refusals[name], "too many wrong attempts, try again later")
		if diff := cmp.Diff([]string{"", "", "", "2"}, limitsOf(answer)); diff != "" || answer.Code != http.StatusTooManyRequests || answer.Body.String() != want || len(q.took) != 0 {
			t.Errorf("%s within the wait: %d %s, want %s (-want +got)\n%s", name, answer.Code, answer.Body, want, diff)
		}
	}
}

// unanswered are attempts that cannot be told.
type unanswered struct{ failed, succeeded error }

func (u unanswered) Password(context.Context, roster.TenantID, roster.Email) (roster.Attempt, error) {
	return u.ClientSecret(context.Background(), "")
}

func (u unanswered) ClientSecret(context.Context, roster.ClientID) (roster.Attempt, error) {
	return roster.Attempt{
		Failed:    func(context.Context) error { return u.failed },
		Succeeded: func(context.Context) error { return u.succeeded },
	}, nil
}

// TestWhatCannotBeCountedIsNotTold holds that a store which does not answer neither tells a wrong secret nor locks a right one out.
func TestWhatCannotBeCountedIsNotTold(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	key := w.newAPIKey(t)
	busy := roster.Unavailable("busy", nil)
	w.limit(t, nil, unanswered{failed: busy, succeeded: busy})
	for _, form := range [][]string{
		{"grant_type", "client_credentials", "client_id", string(key.ID), "client_secret", "x"},
		{"grant_type", "user_credentials", "client_id", string(w.root.ID), "client_secret", w.root.secret, "username", email, "password", "x"},
	} {
		if a := w.send("/oauth2/token", encode(form...)); a.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", form[1], a.Code, a.Body)
		}
	}
	given(t, w.keyTokens(t, branchName, key.clientWithSecret))
	w.userTokens(t, w.root)
}
