package customers_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

// serve is the dialect over d, with every answer held against the document.
func serve(t testing.TB, d *directory.Directory) http.Handler {
	t.Helper()
	document, err := customers.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	return openapitest.New(t, document).Handler(t, bare(d))
}

// bare is the dialect over d.
func bare(d *directory.Directory) http.Handler {
	return customers.New(d, customers.Options{Options: api.Options{Now: func() time.Time { return world.Now }}, Region: "eu-west-2"})
}

// usersOf returns the path of the users of a customer.
func usersOf(customer roster.OrgID) string {
	return customers.BasePath + "/" + customers.OrganizationID(customer) + "/users"
}

// pathOf returns the path of a user, by the customer that it belongs to.
func pathOf(u roster.User) string { return usersOf(u.Org()) + "/" + customers.UserID(u.ID) }

// pathV2Of is pathOf in version 2.
func pathV2Of(u roster.User) string {
	return strings.Replace(pathOf(u), customers.BasePath, customers.BasePathV2, 1)
}

// send sends a request of the caller with a body, empty for none; header holds names and values by turns.
func send(h http.Handler, p roster.Principal, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawQuery = path, query
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(api.WithRequestID(api.WithPrincipal(r.Context(), p), "request-7")))
	return w
}

func get(h http.Handler, p roster.Principal, target string, header ...string) *httptest.ResponseRecorder {
	return send(h, p, http.MethodGet, target, "", header...)
}

// read decodes the body of a 200.
func read[T any](t testing.TB, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if w.Code != http.StatusOK {
		t.Fatalf("the answer is %d %s, want 200", w.Code, w.Body)
	}
	decoder := json.NewDecoder(w.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("decoding the answer: %v", err)
	}
	return v
}

// failure returns the messages of an error body, of which there is one unless the request breaks rules.
func failure(t testing.TB, w *httptest.ResponseRecorder) []string {
	t.Helper()
	var e customers.ErrorResponse
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code < 400 || e.StatusCode != w.Code || e.Error != http.StatusText(w.Code) {
		t.Fatalf("the answer is %d %s, want an error", w.Code, w.Body)
	}
	if len(e.Message.Rules) > 0 {
		return e.Message.Rules
	}
	return []string{e.Message.Text}
}

// refuse fails the test unless the answer is an error of that status, with those messages.
func refuse(t testing.TB, w *httptest.ResponseRecorder, status int, messages ...string) {
	t.Helper()
	if diff := cmp.Diff(messages, failure(t, w)); diff != "" || w.Code != status {
		t.Errorf("the answer is %d, want %d (-want +got)\n%s", w.Code, status, diff)
	}
}

func TestTheDocumentIsTheOneThatIsPinned(t *testing.T) {
	document, err := customers.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := os.ReadFile("../../../infra/openapi/customers.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(document, pinned) {
		t.Errorf("infra/openapi/customers.json is not what the dialect says of itself; if that is meant, run make openapi (-pinned +now)\n%s",
			cmp.Diff(string(pinned), string(document)))
	}
}

const (
	listRoute   = customers.BasePath + "/{customerId}/users"
	lookupRoute = listRoute + "/lookup"
	userRoute   = listRoute + "/{userId}"
	userRouteV2 = customers.BasePathV2 + "/{customerId}/users/{userId}"
)

func TestTheDocumentDescribesEveryStatus(t *testing.T) {
	document, err := customers.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID, Summary, Description string
			Responses                         map[string]struct {
				Description string
				Content     map[string]struct{ Schema, Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"get " + listRoute:     "200 400 401 403 429 500 503",
		"get " + lookupRoute:   "200 400 401 403 404 429 500 503",
		"get " + userRoute:     "200 304 400 401 403 404 429 500 503",
		"patch " + userRoute:   "200 400 401 403 404 409 412 429 500 503",
		"patch " + userRouteV2: "200 400 401 403 404 409 412 429 500 503",
		"delete " + userRoute:  "200 400 401 403 404 409 412 429 500 503",
	}
	got := map[string]string{}
	for path, item := range d.Paths {
		for method, operation := range item {
			if operation.OperationID == "" || operation.Summary == "" || operation.Description == "" {
				t.Errorf("%s %s lacks an id, summary or description", method, path)
			}
			var statuses []string
			for status, response := range operation.Responses {
				statuses = append(statuses, status)
				content := response.Content["application/json"]
				if response.Description == "" || status != "304" && (content.Schema == nil || content.Example == nil) {
					t.Errorf("%s of %s lacks a description, schema or example", status, path)
				}
			}
			slices.Sort(statuses)
			got[method+" "+path] = strings.Join(statuses, " ")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the statuses of the document (-want +got)\n%s", diff)
	}
}

// TestTheDocumentKnowsTheTypesOfIdentities holds that every enumeration of them in the document is the core's.
func TestTheDocumentKnowsTheTypesOfIdentities(t *testing.T) {
	document, err := customers.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	type schema struct {
		Enum       []string
		Properties map[string]schema
	}
	var d struct {
		Components struct{ Schemas map[string]json.RawMessage }
		Paths      map[string]map[string]struct {
			Parameters []struct {
				Name   string
				Schema schema
			}
		}
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	enums := map[string][]string{}
	for _, name := range []string{"Identity", "NewIdentity", "FoundIdentity"} {
		var s struct{ Properties struct{ Type schema } }
		if err := json.Unmarshal(d.Components.Schemas[name], &s); err != nil {
			t.Fatal(err)
		}
		enums[name] = s.Properties.Type.Enum
	}
	for _, p := range d.Paths[lookupRoute]["get"].Parameters {
		if p.Name == "type" {
			enums["the look-up"] = p.Schema.Enum
		}
	}
	if len(enums) != 4 {
		t.Fatalf("found the types of %d enumerations, want 4", len(enums))
	}
	for name, got := range enums {
		if diff := cmp.Diff(roster.IdentityTypes(), got); diff != "" {
			t.Errorf("the types that %s knows (-want +got)\n%s", name, diff)
		}
	}
}

func TestTheDocumentSaysWhereTokensAre(t *testing.T) {
	document, err := customers.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(document, []byte("POST "+customers.TokenPath)) || bytes.Contains(document, []byte("/oauth2/token")) {
		t.Errorf("the document does not send callers to %s alone", customers.TokenPath)
	}
}
