package app_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/lambdaio"
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
