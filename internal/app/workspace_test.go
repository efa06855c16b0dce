package app_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	dialect "github.com/rosterhq/roster/internal/api/workspace"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

// apiKey is what a program gets its tokens in the workspace dialect by.
type apiKey struct {
	client roster.Client
	secret string
	user   roster.User
}

// newAPIKey makes an API key of the tenant's root with that role.
func (h *house) newAPIKey(t testing.TB, role roster.RoleID, viewAll bool) apiKey {
	t.Helper()
	table := h.config.NewTable(h.env.Now, h.config.Logger(h.log))
	secret, hash := oauth2.NewClientSecret()
	id := rand.Text()
	now := h.env.Now().UTC().Truncate(time.Millisecond)
	path := h.tenant.Organization.Path
	user, client, err := table.CreateServiceUser(t.Context(), roster.NewUser{User: roster.User{
		Tenant: h.tenant.Organization.Tenant, Path: path, Email: roster.Email(id + "@api.invalid"), Name: "Robot", GivenName: "Robot", Roles: []roster.RoleID{role},
		Status: roster.StatusActive, DeviceType: roster.DeviceTypeAPI, ViewAll: viewAll, CreatedAt: now, UpdatedAt: now, RegisteredAt: now,
	}}, roster.Client{ID: roster.ClientID(id), Path: path, Name: "Robot", SecretHash: hash, CreatedAt: now}, roster.Stamp{By: "test", Via: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return apiKey{client, secret, user}
}

// workspacePair is the answer of the dialect's token calls.
type workspacePair struct{ AccessToken, RefreshToken string }

// workspaceTokens sends a sample of the dialect's token calls, with the key and the refresh token in the place of the sample's.
func (h *house) workspaceTokens(t testing.TB, file string, key apiKey, refresh string) workspacePair {
	t.Helper()
	var event lambdaio.Request
	if err := json.Unmarshal(sample(t, file), &event); err != nil {
		t.Fatal(err)
	}
	event.Body = strings.NewReplacer("roster-sample-client", string(key.client.ID), "sample-secret", key.secret).Replace(event.Body)
	if at := strings.Index(event.Body, "rrt_"); at >= 0 {
		event.Body = event.Body[:at] + refresh + `"}`
	}
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	response := invoke(t, h.tokens, string(payload))
	var pair workspacePair
	if err := json.Unmarshal([]byte(response.Body), &pair); err != nil || response.StatusCode != http.StatusOK || pair.AccessToken == "" || pair.RefreshToken == "" {
		t.Fatalf("%s: %d %s (%v)", file, response.StatusCode, response.Body, err)
	}
	return pair
}

// TestWorkspaceFromTokenToAnswer takes every sample of the workspace dialect through the functions, with a token of each of its calls.
func TestWorkspaceFromTokenToAnswer(t *testing.T) {
	h := build(t)
	key := h.newAPIKey(t, roster.RoleStaff, true)
	first := h.workspaceTokens(t, "tokens-workspace.json", key, "")
	second := h.workspaceTokens(t, "tokens-workspace-refresh.json", key, first.RefreshToken)
	ids := strings.NewReplacer(dialect.UserID(sampleUser), dialect.UserID(h.tenant.Admin.ID), dialect.UserID(sampleFriend), dialect.UserID(key.user.ID))
	about := func(e *lambdaio.Request) {
		e.Path = ids.Replace(e.Path)
		for name, value := range e.PathParameters {
			e.PathParameters[name] = ids.Replace(value)
		}
		for _, values := range e.MultiValueQueryStringParameters {
			for i := range values {
				values[i] = ids.Replace(values[i])
			}
		}
	}
	for _, token := range []string{first.AccessToken, second.AccessToken} {
		for file, has := range map[string][]string{
			"workspace-list.json":          {`"total":2`, `"workspaceName":"Acme"`, `"deviceType":"API"`, `"legacyViewAll":true`, `"page":1,"next":null,"prev":null,"pageSize":30`},
			"workspace-list-filtered.json": {`"total":1`, `"role":"ADMIN"`, `"pageSize":10`},
			"workspace-user.json":          {`"id":"` + dialect.UserID(h.tenant.Admin.ID) + `","legacyId":` + h.tenant.Admin.ID.String(), `"deviceUserId":null`},
			"workspace-me.json":            {`"id":"` + dialect.UserID(key.user.ID) + `"`, `"role":"OPERATOR"`, `"status":"ACTIVE","isSuspended":false`},
		} {
			response := h.askOf(t, h.workspace, file, token, about)
			if response.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %s", file, response.StatusCode, response.Body)
			}
			for _, has := range has {
				if !strings.Contains(response.Body, has) {
					t.Errorf("%s: %s, want %s", file, response.Body, has)
				}
			}
		}
	}
	// A token of one call works in all dialects.
	if response := h.askOf(t, h.workspace, "workspace-list.json", h.token(t, "tokens-customers.json"), nil); response.StatusCode != http.StatusOK || !strings.Contains(response.Body, `"total":2`) {
		t.Errorf("the list with a token of the customers dialect: %d %s", response.StatusCode, response.Body)
	}
	if response := h.ask(t, "organization-profile.json", first.AccessToken, nil); response.StatusCode != http.StatusOK || !strings.Contains(response.Body, `"name":"Robot"`) {
		t.Errorf("the profile with a token of the workspace dialect: %d %s", response.StatusCode, response.Body)
	}
	if response := h.askCustomers(t, "customers-list.json", second.AccessToken, h.atCustomer(0, "")); response.StatusCode != http.StatusOK {
		t.Errorf("the customers dialect with a token of the workspace dialect: %d %s", response.StatusCode, response.Body)
	}
	for _, secret := range []string{key.secret, first.AccessToken, first.RefreshToken, second.AccessToken, second.RefreshToken} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log holds the secret %s", secret)
		}
	}
	if !strings.Contains(h.log.String(), `"route":"GET /users/{id}"`) {
		t.Errorf("the log does not tell the route:\n%s", h.log)
	}
}

// TestWorkspaceWithoutACaller asks as nobody, which the gateway never lets through.
func TestWorkspaceWithoutACaller(t *testing.T) {
	h := build(t)
	for _, file := range []string{"workspace-list.json", "workspace-user.json", "workspace-me.json"} {
		var event lambdaio.Request
		if err := json.Unmarshal(sample(t, file), &event); err != nil {
			t.Fatal(err)
		}
		event.RequestContext.Authorizer = nil
		payload, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		response := invoke(t, h.workspace, string(payload))
		if response.StatusCode != http.StatusUnauthorized || !strings.Contains(response.Body, `"code":"UNAUTHORIZED"`) {
			t.Errorf("%s: %d %s, want 401", file, response.StatusCode, response.Body)
		}
	}
}

// workspaceCosts pins what reads of the workspace dialect cost, given a token of the organization's client and a list.
func (h *house) workspaceCosts(t *testing.T, client string, list func(token string, query map[string][]string) lambdaio.Response) {
	t.Helper()
	const looks, look = roster.Shards, 0.5 * roster.Shards
	admin := h.token(t, "tokens-user-credentials.json")
	h.askOf(t, h.workspace, "workspace-me.json", admin, nil)
	// The log-in changed the Admin, so that one shard has something more to read at the first look.
	list(client, nil)
	for _, query := range []map[string][]string{nil, {"role": {"OPERATOR"}, "status": {"INACTIVE"}, "sortBy": {"role"}, "page": {"2"}}, {"ids": {dialect.UserID(h.tenant.Admin.ID)}}} {
		if got, want := costOf(t, "a list in dialect 3, for a client", list(client, query)), (cost{calls: looks, reads: look}); got != want {
			t.Errorf("a list of colleagues, %v, costs %+v, want %+v", query, got, want)
		}
		if got, want := costOf(t, "a list in dialect 3, for a user", list(admin, query)), (cost{calls: 1 + looks, reads: 1 + look}); got != want {
			t.Errorf("a list of colleagues for a user, %v, costs %+v, want %+v", query, got, want)
		}
	}
}
