package organization_test

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
	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

const (
	profilePath = organization.BasePath + "/user/profile"
	listPath    = organization.BasePath + "/users"
	searchPath  = organization.BasePath + "/search/users"
	userPath    = organization.BasePath + "/user"

	createPath        = organization.BasePath + "/users/create"
	createInOrgPath   = organization.BasePath + "/users/create-in-org"
	rolePath          = organization.BasePath + "/users/role"
	transferPath      = organization.BasePath + "/users/transfer"
	statusPath        = organization.BasePath + "/users/status"
	restorePath       = organization.BasePath + "/users/restore"
	createOrgPath     = organization.BasePath + "/create"
	organizationsPath = organization.BasePath + "/organizations"
	rolesPath         = organization.BasePath + "/roles"
	auditPath         = organization.BasePath + "/audit"

	invitePath      = organization.BasePath + "/users/invite"
	registerPath    = organization.BasePath + "/users/register"
	resetPath       = organization.BasePath + "/users/reset-password"
	invitationsPath = organization.BasePath + "/invitations"
	passwordPath    = organization.BasePath + "/user/password"
	pushPath        = organization.BasePath + "/users/send-push-notification"
	devicePath      = organization.BasePath + "/users/fcm-token/register"
)

type group struct {
	name  string
	new   func(*directory.Directory, api.Options) http.Handler
	paths []string
}

// groups are the handlers of the dialect's groups of operations, and the paths of the groups but that of New.
var groups = []group{
	{"users", organization.New, nil},
	{"invitations", organization.NewInvitations, []string{invitePath, registerPath, resetPath, invitationsPath, passwordPath}},
	{"notifications", organization.NewNotifications, []string{pushPath, devicePath}},
}

// groupOf returns the index in groups of the one that has the path.
func groupOf(path string) int {
	return max(0, slices.IndexFunc(groups, func(g group) bool { return slices.Contains(g.paths, path) }))
}

// whole is the dialect over d as the gateway makes one of its groups.
func whole(d *directory.Directory, o api.Options) http.Handler {
	var handlers []http.Handler
	for _, g := range groups {
		handlers = append(handlers, g.new(d, o))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[groupOf(r.URL.Path)].ServeHTTP(w, r)
	})
}

func TestMain(m *testing.M) { rostertest.Main(m) }

// serve is the dialect over d, with every answer held against the document.
func serve(t testing.TB, d *directory.Directory) http.Handler {
	t.Helper()
	document, err := organization.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	handler := whole(d, api.Options{Now: func() time.Time { return world.Now }})
	return openapitest.New(t, document).Handler(t, handler)
}

// get sends a GET of the caller; header holds names and values by turns.
func get(h http.Handler, p roster.Principal, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawQuery = path, query
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(api.WithPrincipal(r.Context(), p)))
	return w
}

// send sends a request with a body of the caller, empty for none; header holds names and values by turns.
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

var ids = &roster.IDSource{}

// newEmail returns an address that nobody has yet.
func newEmail() string { return "new-" + ids.NewUserID().String() + "@example.com" }

// person is the body of a creation, with more fields if there are any.
func person(email, more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"email":"` + email + `","password":"mySecretPassword123","name":"Nina Newcomer"` + more + `}`
}

// readAs decodes the body of an answer of that status.
func readAs[T any](t testing.TB, status int, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	decoder := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); w.Code != status || err != nil {
		t.Fatalf("the answer is %d %s, %v, want %d", w.Code, w.Body, err, status)
	}
	return v
}

// read decodes the body of a 200.
func read[T any](t testing.TB, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	decoder := json.NewDecoder(w.Body)
	decoder.DisallowUnknownFields()
	if w.Code != http.StatusOK {
		t.Fatalf("the answer is %d %s, want 200", w.Code, w.Body)
	}
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("decoding the answer: %v", err)
	}
	return v
}

// failure returns the message of an error body.
func failure(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var e organization.ErrorResponse
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code < 400 {
		t.Fatalf("the answer is %d %s, want an error", w.Code, w.Body)
	}
	return e.Error.Message
}

// TestEachGroupAnswersItsOwn holds that the handler of a group knows every operation of its own, and no other.
func TestEachGroupAnswersItsOwn(t *testing.T) {
	document, err := organization.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	answered := map[string]int{}
	for i, g := range groups {
		h := g.new(directory.New(directory.Ports{}), api.Options{})
		for path, methods := range d.Paths {
			for method := range methods {
				answer := httptest.NewRecorder()
				h.ServeHTTP(answer, httptest.NewRequest(strings.ToUpper(method), path, nil)) // nobody asks, so nothing is done
				want := http.StatusNotFound
				if groupOf(path) == i {
					want = http.StatusUnauthorized
					answered[g.name]++
				}
				if answer.Code != want {
					t.Errorf("%s answers %s %s with %d, want %d", g.name, method, path, answer.Code, want)
				}
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"users": 15, "invitations": 5, "notifications": 2}, answered); diff != "" {
		t.Errorf("operations (-want +got)\n%s", diff)
	}
}

func TestTheDocumentIsTheOneThatIsPinned(t *testing.T) {
	document, err := organization.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := os.ReadFile("../../../infra/openapi/organization.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(document, pinned) {
		t.Errorf("infra/openapi/organization.json is not what the dialect says of itself; if that is meant, run make openapi (-pinned +now)\n%s",
			cmp.Diff(string(pinned), string(document)))
	}
}

func TestTheDocumentDescribesEveryStatus(t *testing.T) {
	document, err := organization.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID, Summary, Description string
			Responses                         map[string]struct {
				Description string
				Content     map[string]struct{ Schema, Example, Examples json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"get " + profilePath:       "200 304 401 403 429 500 503",
		"get " + listPath:          "200 400 401 403 429 500 503",
		"get " + searchPath:        "200 400 401 403 429 500 503",
		"get " + userPath:          "200 304 400 401 403 404 429 500 503",
		"post " + createPath:       "200 201 400 401 403 409 422 429 500 503",
		"post " + createInOrgPath:  "201 400 401 403 404 409 422 429 500 503",
		"put " + rolePath:          "200 400 401 403 404 409 412 429 500 503",
		"post " + transferPath:     "201 400 401 403 404 409 412 429 500 503",
		"put " + statusPath:        "200 400 401 403 404 409 412 429 500 503",
		"delete " + listPath:       "204 400 401 403 404 409 412 429 500 503",
		"post " + restorePath:      "200 400 401 403 404 409 412 429 500 503",
		"post " + createOrgPath:    "201 400 401 403 404 409 422 429 500 503",
		"get " + organizationsPath: "200 400 401 403 429 500 503",
		"get " + rolesPath:         "200 401 403 429 500 503",
		"get " + auditPath:         "200 400 401 403 404 429 500 503",
		"post " + invitePath:       "201 400 401 403 404 409 422 429 500 503",
		"post " + registerPath:     "204 400 401 403 429 500 503",
		"post " + resetPath:        "204 400 401 403 429 500 503",
		"get " + invitationsPath:   "200 400 401 403 404 429 500 503",
		"put " + passwordPath:      "204 400 401 403 429 500 503",
		"post " + pushPath:         "204 400 401 403 404 409 422 429 500 503",
		"post " + devicePath:       "204 400 401 403 429 500 503",
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
				bare := status == "304" || status == "204"
				if response.Description == "" || !bare && (content.Schema == nil || content.Example == nil && content.Examples == nil) {
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
