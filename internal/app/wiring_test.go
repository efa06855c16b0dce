package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/authorizer"
	"github.com/rosterhq/roster/internal/app/bounces"
	"github.com/rosterhq/roster/internal/app/changes"
	"github.com/rosterhq/roster/internal/app/courier"
	"github.com/rosterhq/roster/internal/app/customers"
	"github.com/rosterhq/roster/internal/app/global"
	"github.com/rosterhq/roster/internal/app/invitations"
	"github.com/rosterhq/roster/internal/app/notifications"
	"github.com/rosterhq/roster/internal/app/organization"
	"github.com/rosterhq/roster/internal/app/tokens"
	"github.com/rosterhq/roster/internal/app/workspace"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

// house is all functions on one table, with a tenant in it.
type house struct {
	authorizer   lambdaio.AuthorizerHandler
	organization lambdaio.Handler
	customers    lambdaio.Handler
	workspace    lambdaio.Handler
	global       lambdaio.Handler
	tokens       lambdaio.Handler
	log          *lockedLog
	env          app.Environment
	config       *app.Config

	tenant       roster.NewTenant
	clientSecret string
}

const password = "a sample password"

func build(t testing.TB) *house {
	t.Helper()
	return buildAt(t, time.Now)
}

// buildAt is build with a clock for all functions.
func buildAt(t testing.TB, now func() time.Time) *house {
	t.Helper()
	return buildOn(t, now, rostertest.CreateTable(t))
}

// buildOn is buildAt on a table, with more names and values in the functions' environment.
func buildOn(t testing.TB, now func() time.Time, table string, more ...string) *house {
	t.Helper()
	h := &house{log: &lockedLog{}}
	key := filepath.Join(t.TempDir(), "key.pem")
	if err := oauth2.GenerateKeyFile(key); err != nil {
		t.Fatal(err)
	}
	more = append(more, "ROSTER_ISSUER", "https://roster.example", "ROSTER_SIGNING_KEY_FILE", key)
	env := app.Environment{Log: h.log, Now: now, Getenv: environment(table, rostertest.Endpoint(t), more...)}
	h.env = env
	var err error
	if h.tokens, err = tokens.New(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if h.authorizer, err = authorizer.New(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if h.organization, err = organization.New(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if h.customers, err = customers.New(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if h.workspace, err = workspace.New(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if h.global, err = global.New(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	config, err := app.Load(env.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	h.config = config
	h.found(t, config)
	return h
}

// found makes the tenant.
func (h *house) found(t testing.TB, config *app.Config) {
	t.Helper()
	table := config.NewTable(time.Now, config.Logger(h.log))
	hash, err := oauth2.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	secret, secretHash := oauth2.NewClientSecret()
	h.clientSecret = secret
	now := time.Now().UTC().Truncate(time.Millisecond)
	admin := roster.User{
		Email: "ada@example.com", Name: "Ada Müller & Co", GivenName: "Ada", FamilyName: "Müller & Co", Roles: []roster.RoleID{roster.RoleAdmin},
		Status: roster.StatusActive, CreatedAt: now, UpdatedAt: now, RegisteredAt: now,
	}
	created, err := table.CreateTenant(t.Context(), roster.NewTenant{
		Organization: roster.Organization{Name: "Acme", CreatedAt: now},
		Admin:        admin,
		Credential:   roster.Credential{PasswordHash: hash, ChangedAt: now},
		Client:       roster.Client{ID: roster.ClientID(rand.Text()), Name: "Client", SecretHash: secretHash, CreatedAt: now},
	}, roster.Stamp{By: "test", Via: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h.tenant = created
}

// token asks for an access token with a sample event, in which the sample's credentials are replaced by the tenant's own.
func (h *house) token(t testing.TB, file string) string {
	t.Helper()
	basic := base64.StdEncoding.EncodeToString([]byte(string(h.tenant.Client.ID) + ":" + h.clientSecret))
	payload := strings.NewReplacer(
		"cm9zdGVyLXNhbXBsZS1jbGllbnQ6c2FtcGxlLXNlY3JldA==", basic,
		"roster-sample-client", string(h.tenant.Client.ID), "sample-secret", h.clientSecret,
	).Replace(string(sample(t, file)))
	response := invoke(t, h.tokens, payload)
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(response.Body), &answer); err != nil || response.StatusCode != http.StatusOK || answer.AccessToken == "" {
		t.Fatalf("%s: %d %s (%v)", file, response.StatusCode, response.Body, err)
	}
	return answer.AccessToken
}

// judge asks the authorizer about a token with a sample event, and returns what it hands to the functions.
func (h *house) judge(t testing.TB, token string) lambdaio.AuthorizerResponse {
	t.Helper()
	var event lambdaio.AuthorizerRequest
	if err := json.Unmarshal(sample(t, "authorizer-bearer.json"), &event); err != nil {
		t.Fatal(err)
	}
	event.MultiValueHeaders["Authorization"] = []string{"Bearer " + token}
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	output, err := h.authorizer.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatalf("the authorizer failed: %v\n%s", err, h.log)
	}
	var response lambdaio.AuthorizerResponse
	if err := json.Unmarshal(output, &response); err != nil {
		t.Fatalf("%s: %v", output, err)
	}
	return response
}

// ask sends a sample event to the organization function as a caller with that token.
func (h *house) ask(t testing.TB, file, token string, change func(*lambdaio.Request)) lambdaio.Response {
	t.Helper()
	return h.askOf(t, h.organization, file, token, change)
}

// askOf is ask of another function.
func (h *house) askOf(t testing.TB, function lambdaio.Handler, file, token string, change func(*lambdaio.Request)) lambdaio.Response {
	t.Helper()
	var event lambdaio.Request
	if err := json.Unmarshal(sample(t, file), &event); err != nil {
		t.Fatal(err)
	}
	event.RequestContext.Authorizer = h.judge(t, token).Context
	if change != nil {
		change(&event)
	}
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return invoke(t, function, string(payload))
}

func invoke(t testing.TB, h lambdaio.Handler, payload string) lambdaio.Response {
	t.Helper()
	output, err := h.Invoke(context.Background(), []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	var response lambdaio.Response
	if err := json.Unmarshal(output, &response); err != nil {
		t.Fatalf("%s: %v", output, err)
	}
	return response
}

func TestFromTokenToAnswer(t *testing.T) {
	h := build(t)
	for _, file := range []string{"tokens-client-credentials.json", "tokens-client-credentials-query.json"} {
		token := h.token(t, file)
		if effect := h.judge(t, token).PolicyDocument.Statement[0].Effect; effect != "Allow" {
			t.Fatalf("%s: the authorizer says %s", file, effect)
		}
	}
	client, user := h.token(t, "tokens-client-credentials.json"), h.token(t, "tokens-user-credentials.json")
	for _, test := range []struct {
		file, token string
		status      int
		has         string
	}{
		{"organization-search.json", client, http.StatusOK, `"totalElements":1`},
		{"organization-search.json", user, http.StatusOK, `"email":"ada@example.com"`},
		{"organization-search-repeated.json", client, http.StatusBadRequest, "query"},
		{"organization-list.json", client, http.StatusOK, `"totalElements":1`},
		{"organization-profile.json", user, http.StatusOK, `"orgName":"Acme"`},
		{"organization-profile.json", client, http.StatusForbidden, `"error":`},
		{"organization-user.json", client, http.StatusNotFound, `"error":`},
	} {
		response := h.ask(t, test.file, test.token, nil)
		if response.StatusCode != test.status || !strings.Contains(response.Body, test.has) {
			t.Errorf("%s: %d %s, want %d with %s", test.file, response.StatusCode, response.Body, test.status, test.has)
		}
	}
	own := h.ask(t, "organization-user.json", client, func(e *lambdaio.Request) {
		e.MultiValueQueryStringParameters = url.Values{"userId": {h.tenant.Admin.ID.String()}}
	})
	if own.StatusCode != http.StatusOK || len(own.MultiValueHeaders["Etag"]) != 1 {
		t.Errorf("the admin: %d %v %s", own.StatusCode, own.MultiValueHeaders, own.Body)
	}
	if id := "c2f8a1d4-5b6e-4f70-8a91-"; strings.Count(h.log.String(), `"requestId":"`+id) < 10 {
		t.Errorf("the log lines do not carry the gateway's request ids:\n%s", h.log)
	}
	for _, secret := range []string{h.clientSecret, client, user, "a+sample+password", password} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log holds the secret %s", secret)
		}
	}
}

func TestTokenEndpointsAnswerTheirSamples(t *testing.T) {
	h := build(t)
	for file, want := range map[string]struct {
		status int
		has    string
	}{
		"tokens-client-credentials.json": {http.StatusBadRequest, "invalid_client"}, // the sample's client does not exist
		"tokens-refresh.json":            {http.StatusBadRequest, "invalid_client"},
		"tokens-revoke.json":             {http.StatusBadRequest, "invalid_client"},
		"tokens-workspace.json":          {http.StatusUnauthorized, `"code":"UNAUTHORIZED"`},
		"tokens-workspace-refresh.json":  {http.StatusUnauthorized, `"code":"UNAUTHORIZED"`},
		"tokens-jwks.json":               {http.StatusOK, `"kid"`},
		"tokens-metadata.json":           {http.StatusOK, `"issuer":"https://roster.example"`},
	} {
		response := invoke(t, h.tokens, string(sample(t, file)))
		if response.StatusCode != want.status || !strings.Contains(response.Body, want.has) {
			t.Errorf("%s: %d %s, want %d with %s", file, response.StatusCode, response.Body, want.status, want.has)
		}
	}
}

func TestForgedTokensAreDenied(t *testing.T) {
	h := build(t)
	token := h.token(t, "tokens-client-credentials.json")
	dot := strings.LastIndexByte(token, '.')
	for name, bad := range map[string]string{
		"signature": token[:dot+1] + strings.Repeat("A", len(token)-dot-1),
		"no token":  "x",
		"no alg":    "eyJhbGciOiJub25lIn0." + strings.Split(token, ".")[1] + ".",
	} {
		response := h.judge(t, bad)
		if effect := response.PolicyDocument.Statement[0].Effect; effect != "Deny" || response.Context[lambdaio.ReasonKey] == "" {
			t.Errorf("%s: %s %v", name, effect, response.Context)
		}
	}
}

func TestWithoutACallerNothingIsAnswered(t *testing.T) {
	h := build(t)
	var event lambdaio.Request
	if err := json.Unmarshal(sample(t, "organization-search.json"), &event); err != nil {
		t.Fatal(err)
	}
	event.RequestContext.Authorizer = nil
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	if response := invoke(t, h.organization, string(payload)); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s, want 401", response.StatusCode, response.Body)
	}
}

func TestConstructorsNameWhatTheyMiss(t *testing.T) {
	env := app.Environment{Log: &bytes.Buffer{}, Now: time.Now, Getenv: func(string) string { return "" }}
	for name, construct := range map[string]func() error{
		"bounces":       func() error { _, err := bounces.New(t.Context(), env); return err },
		"courier":       func() error { _, err := courier.New(t.Context(), env); return err },
		"customers":     func() error { _, err := customers.New(t.Context(), env); return err },
		"global":        func() error { _, err := global.New(t.Context(), env); return err },
		"invitations":   func() error { _, err := invitations.New(t.Context(), env); return err },
		"notifications": func() error { _, err := notifications.New(t.Context(), env); return err },
		"authorizer":    func() error { _, err := authorizer.New(t.Context(), env); return err },
		"organization":  func() error { _, err := organization.New(t.Context(), env); return err },
		"changes":       func() error { _, err := changes.New(t.Context(), env); return err },
		"tokens":        func() error { _, err := tokens.New(t.Context(), env); return err },
		"workspace":     func() error { _, err := workspace.New(t.Context(), env); return err },
	} {
		if err := construct(); err == nil || !strings.Contains(err.Error(), "ROSTER_TABLE: is required") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWarmSearchAllocatesLittle pins DESIGN section 9's 200 allocations for a warm call without those of the table's client, by
// answering one that needs no table: a bad parameter takes the same way through lambdaio, api and huma.
func TestWarmSearchAllocatesLittle(t *testing.T) {
	h := build(t)
	token := h.token(t, "tokens-client-credentials.json")
	var event lambdaio.Request
	if err := json.Unmarshal(sample(t, "organization-search.json"), &event); err != nil {
		t.Fatal(err)
	}
	event.RequestContext.Authorizer = h.judge(t, token).Context
	event.MultiValueQueryStringParameters["size"] = []string{"0"}
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	if response := invoke(t, h.organization, string(payload)); response.StatusCode != http.StatusBadRequest {
		t.Fatalf("%d %s", response.StatusCode, response.Body)
	}
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := h.organization.Invoke(context.Background(), payload); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 200 {
		t.Errorf("a call makes %v allocations, want at most 200", allocations)
	}
	t.Logf("%v allocations", allocations)
}
