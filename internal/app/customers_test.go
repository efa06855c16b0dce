package app_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dialect "github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// The ids that the sample events of the customers dialect have.
const (
	sampleCustomer = roster.OrgID(101)
	sampleUser     = roster.UserID(4810363371520)
	sampleFriend   = roster.UserID(4810363371521)
)

// atCustomer returns a change of a sample event to one that is about the tenant at hand: its organization in the place of the
// sample's customer, a user in the place of the sample's user, in the state of that entity tag, and the Admin in the place of the other
// user.
func (h *house) atCustomer(user roster.UserID, etag string) func(*lambdaio.Request) {
	ids := strings.NewReplacer(
		dialect.OrganizationID(sampleCustomer), dialect.OrganizationID(h.tenant.Organization.ID),
		dialect.UserID(sampleUser), dialect.UserID(user), dialect.UserID(sampleFriend), dialect.UserID(h.tenant.Admin.ID),
	)
	return func(e *lambdaio.Request) {
		e.Path, e.Body = ids.Replace(e.Path), ids.Replace(e.Body)
		for name, value := range e.PathParameters {
			e.PathParameters[name] = ids.Replace(value)
		}
		if e.MultiValueHeaders["If-Match"] != nil {
			e.MultiValueHeaders["If-Match"] = []string{etag}
		}
	}
}

func (h *house) askCustomers(t testing.TB, file, token string, change func(*lambdaio.Request)) lambdaio.Response {
	t.Helper()
	return h.askOf(t, h.customers, file, token, change)
}

// TestCustomersFromTokenToAnswer takes every sample of the customers dialect through the functions, one after the other.
func TestCustomersFromTokenToAnswer(t *testing.T) {
	h := build(t)
	token := h.token(t, "tokens-customers.json")
	list := h.askCustomers(t, "customers-list.json", token, h.atCustomer(0, "")) // loads the replica, which must see what follows
	if list.StatusCode != http.StatusOK || !strings.Contains(list.Body, `"email":"ada@example.com"`) {
		t.Fatalf("the list: %d %s", list.StatusCode, list.Body)
	}
	created := h.ask(t, "organization-create-in-org.json", token, h.about(0, ""))
	var user struct{ ID roster.UserID }
	if err := json.Unmarshal([]byte(created.Body), &user); err != nil || created.StatusCode != http.StatusCreated {
		t.Fatalf("create-in-org: %d %s (%v)", created.StatusCode, created.Body, err)
	}
	id, admin := dialect.UserID(user.ID), dialect.UserID(h.tenant.Admin.ID)
	for _, step := range []struct {
		file   string
		status int
		has    []string
	}{
		{"customers-user.json", http.StatusOK, []string{`"_id":"` + id + `"`, `"fullName":"Acme"`, `"name":"iad"`, `"name":"user"`, `"delegates":[]`}},
		{"customers-lookup.json", http.StatusNotFound, []string{`"statusCode":404`, `"error":"Not Found"`}},
		{"customers-update.json", http.StatusOK, []string{`"firstName":"Zoë"`, `"name":"staff"`, `"delegates":[{"_id":"` + admin + `"`, `"permissions":[]`}},
		{"customers-lookup.json", http.StatusOK, []string{`"type":"aderant"`, `"value":"9876"`, `"userId":"` + id + `"`}},
		{"customers-update-delegates.json", http.StatusOK, []string{`"seniority":"senior"`, `"claim":"timeline:entries:read:own"`}},
		{"customers-list.json", http.StatusOK, []string{admin, `"delegators":[{"_id":"` + id + `"`}},
		{"customers-list-integration.json", http.StatusOK, []string{`[]`}},
		{"customers-remove.json", http.StatusOK, []string{`"_id":"` + id + `"`, `"seniority":"senior"`}},
		{"customers-remove.json", http.StatusNotFound, []string{`"statusCode":404`}},
		{"customers-user.json", http.StatusNotFound, nil},
		{"customers-lookup.json", http.StatusNotFound, nil},
	} {
		etag := "*"
		if step.status == http.StatusOK && (strings.HasPrefix(step.file, "customers-update") || step.file == "customers-remove.json") {
			stale := h.askCustomers(t, step.file, token, h.atCustomer(user.ID, `"999-1"`))
			if stale.StatusCode != http.StatusPreconditionFailed {
				t.Errorf("%s of a state that is not there: %d %s, want 412", step.file, stale.StatusCode, stale.Body)
			}
			etag = h.askCustomers(t, "customers-user.json", token, h.atCustomer(user.ID, "")).MultiValueHeaders["Etag"][0]
		}
		response := h.askCustomers(t, step.file, token, h.atCustomer(user.ID, etag))
		if response.StatusCode != step.status {
			t.Fatalf("%s: %d %s, want %d", step.file, response.StatusCode, response.Body, step.status)
		}
		for _, has := range step.has {
			if !strings.Contains(response.Body, has) || has == "[]" && strings.TrimSpace(response.Body) != has {
				t.Errorf("%s: %s, want it to have %s", step.file, response.Body, has)
			}
		}
	}
	for _, secret := range []string{h.clientSecret, token, "Zoë"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	if !strings.Contains(h.log.String(), `"route":"PATCH /api/v2/customers/{customerId}/users/{userId}"`) {
		t.Errorf("the log does not name routes:\n%s", h.log)
	}
}

// TestCustomersOfOthers gives the function ids that are not the caller's, or none at all.
func TestCustomersOfOthers(t *testing.T) {
	h := build(t)
	token := h.token(t, "tokens-customers.json")
	own := dialect.OrganizationID(h.tenant.Organization.ID)
	for _, test := range []struct {
		name, file, customer, user string
		status                     int
	}{
		{"another customer", "customers-list.json", dialect.OrganizationID(h.tenant.Organization.ID ^ 1), "", http.StatusForbidden},
		{"no id", "customers-list.json", "acme", "", http.StatusBadRequest},
		{"the id of a user", "customers-list.json", dialect.UserID(h.tenant.Admin.ID), "", http.StatusBadRequest},
		{"upper case", "customers-list.json", strings.ToUpper(own), "", http.StatusOK},
		{"unknown user", "customers-user.json", own, dialect.UserID(h.tenant.Admin.ID + 1), http.StatusNotFound},
		{"no user id", "customers-user.json", own, "1", http.StatusBadRequest},
		{"lookup is no user", "customers-user.json", own, "lookup", http.StatusBadRequest},
	} {
		response := h.askCustomers(t, test.file, token, func(e *lambdaio.Request) {
			e.PathParameters["customerId"] = test.customer
			e.Path = "/api/v1/customers/" + test.customer + "/users"
			if test.user != "" {
				e.PathParameters["userId"] = test.user
				e.Path += "/" + test.user
			}
		})
		var body struct {
			StatusCode int
			Error      string
		}
		if response.StatusCode != test.status {
			t.Errorf("%s: %d %s, want %d", test.name, response.StatusCode, response.Body, test.status)
		}
		if test.status == http.StatusOK {
			continue
		}
		if err := json.Unmarshal([]byte(response.Body), &body); err != nil || body.StatusCode != test.status || body.Error != http.StatusText(test.status) {
			t.Errorf("%s: %s (%v), want the dialect's body", test.name, response.Body, err)
		}
	}
}

// TestCustomersWithoutACaller asks as nobody, which the gateway never lets through.
func TestCustomersWithoutACaller(t *testing.T) {
	h := build(t)
	var event lambdaio.Request
	if err := json.Unmarshal(sample(t, "customers-list.json"), &event); err != nil {
		t.Fatal(err)
	}
	event.RequestContext.Authorizer = nil
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	if response := invoke(t, h.customers, string(payload)); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s, want 401", response.StatusCode, response.Body)
	}
}

// TestCustomersSayWhereTheyAre holds that the Region of the environment gets to the dialect, which has a name for it.
func TestCustomersSayWhereTheyAre(t *testing.T) {
	h := buildOn(t, time.Now, rostertest.CreateTable(t), "AWS_REGION", "ap-southeast-2")
	list := h.askCustomers(t, "customers-list.json", h.token(t, "tokens-customers.json"), h.atCustomer(0, ""))
	if list.StatusCode != http.StatusOK || !strings.Contains(list.Body, `"name":"syd"`) {
		t.Errorf("%d %s, want a tenant in syd", list.StatusCode, list.Body)
	}
}

// TestTheTokenCallIsWhereTheDescriptionSays holds the three places together that name the path of the token call.
func TestTheTokenCallIsWhereTheDescriptionSays(t *testing.T) {
	h := build(t)
	if e := events(t)["tokens-customers.json"]; e.Resource != dialect.TokenPath {
		t.Errorf("the sample is about %s, the description has %s", e.Resource, dialect.TokenPath)
	}
	response := invoke(t, h.tokens, string(sample(t, "tokens-customers.json"))) // its client does not exist
	if response.StatusCode != http.StatusUnauthorized || !slices.Contains(response.MultiValueHeaders["Content-Type"], "application/json;charset=UTF-8") {
		t.Errorf("%d %v %s, want 401 in JSON", response.StatusCode, response.MultiValueHeaders, response.Body)
	}
}
