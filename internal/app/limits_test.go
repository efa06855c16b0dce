package app_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/app/invitations"
	"github.com/rosterhq/roster/internal/app/notifications"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// askTokens sends a sample event with the client's credentials to the tokens function, changed.
func (h *house) askTokens(t testing.TB, file string, change func(*lambdaio.Request)) lambdaio.Response {
	t.Helper()
	var event lambdaio.Request
	if err := json.Unmarshal(sample(t, file), &event); err != nil {
		t.Fatal(err)
	}
	change(&event)
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return invoke(t, h.tokens, string(payload))
}

// ratesOf returns what an answer says of the quota: limit, remaining, reset, and when to try again.
func ratesOf(r lambdaio.Response) []string {
	var all []string
	for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Retry-After"} {
		all = append(all, strings.Join(r.MultiValueHeaders[name], ","))
	}
	return all
}

// logIn asks for tokens with those credentials in the body, from an address.
func (h *house) logIn(t testing.TB, secret, user, password, address string) lambdaio.Response {
	t.Helper()
	return h.askTokens(t, "tokens-user-credentials.json", func(r *lambdaio.Request) {
		delete(r.Headers, "Authorization")
		delete(r.MultiValueHeaders, "Authorization")
		r.Body = url.Values{
			"grant_type": {"user_credentials"}, "client_id": {string(h.tenant.Client.ID)}, "client_secret": {secret},
			"username": {user}, "password": {password},
		}.Encode()
		r.RequestContext.Identity.SourceIP = address
		r.MultiValueHeaders["X-Forwarded-For"] = []string{rand.Text()} // whatever the caller made up
	})
}

// TestRequestsOfAnOrganizationAreBounded holds that all functions count in one place, and refuse each in its own way.
func TestRequestsOfAnOrganizationAreBounded(t *testing.T) {
	clock := rostertest.NewClock(time.Now().Truncate(time.Minute).Add(20 * time.Second))
	h := buildOn(t, clock.Now, rostertest.CreateTable(t), "ROSTER_REQUESTS_PER_MINUTE", "4")
	token := h.token(t, "tokens-client-credentials.json") // the first
	list := func() lambdaio.Response { return h.ask(t, "organization-list.json", token, nil) }
	customers := func() lambdaio.Response { return h.askCustomers(t, "customers-list.json", token, h.atCustomer(0, "")) }
	grant := func() lambdaio.Response {
		return h.logIn(t, h.clientSecret, "ada@example.com", password, "192.0.2.1")
	}
	for i, step := range []struct {
		ask    func() lambdaio.Response
		status int
		rates  []string
		has    string
	}{
		{list, http.StatusOK, []string{"4", "2", "40", ""}, ""},
		{customers, http.StatusOK, []string{"4", "1", "40", ""}, ""},
		{grant, http.StatusOK, []string{"4", "0", "40", ""}, "access_token"},
		{list, http.StatusTooManyRequests, []string{"4", "0", "40", "40"}, `{"error":{"message":"too many requests of this organization"}}`},
		{customers, http.StatusTooManyRequests, []string{"4", "0", "40", "40"}, `"statusCode":429,"message":"too many requests of this organization","error":"Too Many Requests"`},
		{grant, http.StatusTooManyRequests, []string{"4", "0", "40", "40"}, `{"error":"temporarily_unavailable","error_description":"too many requests of this organization"}`},
	} {
		r := step.ask()
		if got := ratesOf(r); r.StatusCode != step.status || !slices.Equal(got, step.rates) || !strings.Contains(r.Body, step.has) {
			t.Errorf("step %d: %d %q %s, want %d %q", i, r.StatusCode, got, r.Body, step.status, step.rates)
		}
	}
	clock.Advance(40 * time.Second)
	if r := list(); r.StatusCode != http.StatusOK {
		t.Errorf("in the next minute: %d %s", r.StatusCode, r.Body)
	}
}

// TestAPermitCostsAWriteAMinute pins what the quota adds to what requests cost (see TestReadsCostTheSameInEveryTenant).
func TestAPermitCostsAWriteAMinute(t *testing.T) {
	clock := rostertest.NewClock(time.Now().Truncate(time.Minute))
	h := buildOn(t, clock.Now, rostertest.CreateTable(t))
	token := h.token(t, "tokens-user-credentials.json")
	get := func() string {
		r := h.ask(t, "organization-profile.json", token, nil)
		_, cost, _ := strings.Cut(r.MultiValueHeaders["Server-Timing"][0], "desc=")
		return cost
	}
	first, second := get(), get()
	if !strings.Contains(first, " 1 WRU") || !strings.Contains(second, " 0 WRU") {
		t.Errorf("the first request of a minute costs %s, the second %s, want 1 and 0 WRU", first, second)
	}
	clock.Advance(time.Minute)
	if again := get(); again != first {
		t.Errorf("the first request of the next minute costs %s, want %s", again, first)
	}
}

// TestWrongSecretsAreSlowed guesses through the tokens function.
func TestWrongSecretsAreSlowed(t *testing.T) {
	clock := rostertest.NewClock(time.Now())
	h := buildOn(t, clock.Now, rostertest.CreateTable(t))
	const slowed = `{"error":"temporarily_unavailable","error_description":"too many wrong attempts, try again later"}`
	expect := func(what string, r lambdaio.Response, status int, wait, has string) {
		t.Helper()
		if got := ratesOf(r)[3]; r.StatusCode != status || got != wait || !strings.Contains(r.Body, has) {
			t.Errorf("%s: %d %s, retry after %q; want %d %s, %q", what, r.StatusCode, r.Body, got, status, has, wait)
		}
	}
	// Whether or not there is somebody of that address.
	for _, user := range []string{"ada@example.com", "nobody@example.com"} {
		for range 5 {
			expect(user, h.logIn(t, h.clientSecret, user, "wrong", "192.0.2.1"), http.StatusBadRequest, "", "invalid_grant")
		}
		expect(user+" again", h.logIn(t, h.clientSecret, user, password, "192.0.2.2"), http.StatusTooManyRequests, "1", slowed)
	}
	clock.Advance(time.Second)
	expect("the right one", h.logIn(t, h.clientSecret, "ada@example.com", password, "192.0.2.1"), http.StatusOK, "", "access_token")
	for range 5 {
		expect("a client", h.logIn(t, "wrong", "ada@example.com", password, "192.0.2.1"), http.StatusBadRequest, "", "invalid_client")
	}
	expect("the client", h.logIn(t, h.clientSecret, "ada@example.com", password, "192.0.2.1"), http.StatusTooManyRequests, "1", slowed)
	clock.Advance(time.Second)
	expect("the client later", h.logIn(t, h.clientSecret, "ada@example.com", password, "192.0.2.1"), http.StatusOK, "", "access_token")
}

// TestEverySampleIsRefusedInItsDialectsWay uses up the permits of the tenant, and then sends every sample of a request that takes one but
// those of pages, whose link there is not (package api/invitations has them): nothing but the quota is looked at.
func TestEverySampleIsRefusedInItsDialectsWay(t *testing.T) {
	clock := rostertest.NewClock(time.Now().Truncate(time.Minute).Add(29500 * time.Millisecond))
	h := buildOn(t, clock.Now, rostertest.CreateTable(t), "ROSTER_REQUESTS_PER_MINUTE", "2")
	token := h.token(t, "tokens-client-credentials.json")
	key := h.newAPIKey(t, roster.RoleAdmin, true)
	refresh := h.workspaceTokens(t, "tokens-workspace.json", key, "").RefreshToken
	var invite, notify lambdaio.Handler
	for _, err := range []error{construct(t, invitations.New, h.env, &invite), construct(t, notifications.New, h.env, &notify)} {
		if err != nil {
			t.Fatal(err)
		}
	}

	const (
		ofOrganization = `{"error":{"message":"too many requests of this organization"}}`
		ofCustomers    = `{"statusCode":429,"message":"too many requests of this organization","error":"Too Many Requests"}`
		ofWorkspace    = `{"message":"too many requests of this organization","code":"TOO_MANY_REQUESTS"}`
		ofGlobal       = `{"errors":[{"type":"application","message":"too many requests of this organization"}]}`
		ofTokens       = `{"error":"temporarily_unavailable","error_description":"too many requests of this organization"}`
	)
	basic := base64.StdEncoding.EncodeToString([]byte(string(key.client.ID) + ":" + key.secret))
	credentials := strings.NewReplacer("cm9zdGVyLXNhbXBsZS1jbGllbnQ6c2FtcGxlLXNlY3JldA==", basic, "roster-sample-client", string(key.client.ID),
		"sample-secret", key.secret, "rrt_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxl", refresh)
	samples, err := os.ReadDir("../../events")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, entry := range samples {
		file := entry.Name()
		function, _, _ := strings.Cut(file, "-")
		var answer lambdaio.Response
		var want string
		switch function {
		case "organization":
			answer, want = h.ask(t, file, token, nil), ofOrganization
		case "invitations":
			if strings.HasPrefix(file, "invitations-accept") || strings.HasPrefix(file, "invitations-page") {
				continue
			}
			answer, want = h.askOf(t, invite, file, token, nil), ofOrganization
		case "notifications":
			answer, want = h.askOf(t, notify, file, token, nil), ofOrganization
		case "customers":
			answer, want = h.askCustomers(t, file, token, nil), ofCustomers
		case "workspace":
			answer, want = h.askOf(t, h.workspace, file, token, nil), ofWorkspace
		case "global":
			answer, want = h.askGlobal(t, file, token, nil), ofGlobal
		case "tokens":
			switch file {
			case "tokens-jwks.json", "tokens-metadata.json": // nobody is known to ask for these
				continue
			case "tokens-customers.json":
				want = ofCustomers
			case "tokens-workspace.json", "tokens-workspace-refresh.json":
				want = ofWorkspace
			default:
				want = ofTokens
			}
			answer = invoke(t, h.tokens, credentials.Replace(string(sample(t, file))))
		default:
			continue
		}
		seen[function]++
		if got := ratesOf(answer); answer.StatusCode != http.StatusTooManyRequests || strings.TrimSpace(answer.Body) != want || !slices.Equal(got, []string{"2", "0", "31", "31"}) {
			t.Errorf("%s: %d %q %s, want 429 %s", file, answer.StatusCode, got, answer.Body, want)
		}
	}
	if diff := cmp.Diff([]string{"customers", "global", "invitations", "notifications", "organization", "tokens", "workspace"}, slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("functions (-want +got)\n%s", diff)
	}
}

// TestWrongOldPasswordsAreSlowed holds that the change of one's own password counts with the log-ins, and from where it is asked for.
func TestWrongOldPasswordsAreSlowed(t *testing.T) {
	clock := rostertest.NewClock(time.Now())
	h := buildOn(t, clock.Now, rostertest.CreateTable(t))
	token := h.token(t, "tokens-user-credentials.json")
	var invite lambdaio.Handler
	if err := construct(t, invitations.New, h.env, &invite); err != nil {
		t.Fatal(err)
	}
	change := func(old string) lambdaio.Response {
		return h.askOf(t, invite, "invitations-change-password.json", token, func(r *lambdaio.Request) {
			r.Body = `{"oldPassword":"` + old + `","newPassword":"quite another password"}`
		})
	}
	for i := range 4 {
		if r := change("wrong"); r.StatusCode != http.StatusBadRequest || ratesOf(r)[3] != "" {
			t.Errorf("wrong password %d: %d %s", i, r.StatusCode, r.Body)
		}
	}
	if r := h.logIn(t, h.clientSecret, "ada@example.com", "wrong", "192.0.2.9"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("the fifth, at the token endpoint: %d %s", r.StatusCode, r.Body)
	}
	const slowed = `{"error":{"message":"too many wrong attempts, try again later"}}`
	if r := change(password); r.StatusCode != http.StatusTooManyRequests || strings.TrimSpace(r.Body) != slowed || ratesOf(r)[3] != "1" || ratesOf(r)[0] == "" {
		t.Errorf("within the wait: %d %q %s", r.StatusCode, ratesOf(r), r.Body)
	}
	clock.Advance(time.Second)
	if r := change(password); r.StatusCode != http.StatusNoContent {
		t.Errorf("after the wait: %d %s", r.StatusCode, r.Body)
	}
	if r := h.logIn(t, h.clientSecret, "ada@example.com", "quite another password", "192.0.2.9"); r.StatusCode != http.StatusOK {
		t.Errorf("with the new one: %d %s", r.StatusCode, r.Body)
	}
}
