package global_test

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
	"github.com/rosterhq/roster/internal/api/global"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

// The paths of the types of users.
const (
	users    = global.BasePath + "/system/users"
	anyone   = users + "/any"
	ours     = users + "/organization"
	clients  = users + "/client"
	template = users + "/{type}"
)

// serve is the dialect over d, with every answer held against the document.
func serve(t testing.TB, d *directory.Directory) http.Handler {
	t.Helper()
	document, err := global.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	return openapitest.New(t, document).Handler(t, bare(d))
}

// bare is the dialect over d. Its clock goes on by a quarter of a second whenever it is read.
func bare(d *directory.Directory) http.Handler {
	var ticks time.Duration
	return global.New(d, global.Options{Now: func() time.Time {
		ticks++
		return world.Now.Add(ticks * time.Second / 4)
	}})
}

func send(h http.Handler, p roster.Principal, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawQuery = path, query
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(api.WithRequestID(api.WithPrincipal(r.Context(), p), "request-7")))
	return w
}

func get(h http.Handler, p roster.Principal, target string) *httptest.ResponseRecorder {
	return send(h, p, http.MethodGet, target)
}

// read decodes the body of a 200.
func read(t tester, w *httptest.ResponseRecorder) global.UserList {
	t.Helper()
	var v global.UserList
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

// failure returns what is wrong by an error body: each detail in one line, or the message where there is none.
func failure(t testing.TB, w *httptest.ResponseRecorder) []string {
	t.Helper()
	var e global.ErrorResponse
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code < 400 || len(e.Errors) != 1 || e.Errors[0].Type != "application" {
		t.Fatalf("the answer is %d %s, want an error", w.Code, w.Body)
	}
	if len(e.Errors[0].Details) == 0 {
		return []string{e.Errors[0].Message}
	}
	var details []string
	for _, d := range e.Errors[0].Details {
		details = append(details, d.Key+" "+d.Message)
	}
	if got, want := e.Errors[0].Message, strings.Join(details, "; "); got != want {
		t.Errorf("the message is %s, want that of the details, %s", got, want)
	}
	return details
}

// refuse fails the test unless the answer is an error of that status, with those messages.
func refuse(t testing.TB, w *httptest.ResponseRecorder, status int, messages ...string) {
	t.Helper()
	if diff := cmp.Diff(messages, failure(t, w)); diff != "" || w.Code != status {
		t.Errorf("the answer is %d, want %d (-want +got)\n%s", w.Code, status, diff)
	}
}

func TestTheDocumentIsTheOneThatIsPinned(t *testing.T) {
	document, err := global.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := os.ReadFile("../../../infra/openapi/global.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(document, pinned) {
		t.Errorf("infra/openapi/global.json is not what the dialect says of itself; if that is meant, run make openapi (-pinned +now)\n%s",
			cmp.Diff(string(pinned), string(document)))
	}
}

func TestTheDocumentDescribesEveryStatus(t *testing.T) {
	document, err := global.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID, Summary, Description string
			Parameters                        []struct{ Name, Description string }
			Responses                         map[string]struct {
				Description string
				Content     map[string]struct{ Schema, Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	list, ok := d.Paths[template]["get"]
	if !ok || len(d.Paths) != 1 || len(d.Paths[template]) != 1 {
		t.Fatalf("the document has other operations than GET %s", template)
	}
	if list.OperationID == "" || list.Summary == "" || list.Description == "" {
		t.Error("the list lacks an id, summary or description")
	}
	var statuses, parameters []string
	for status, response := range list.Responses {
		statuses = append(statuses, status)
		content := response.Content["application/json"]
		if response.Description == "" || content.Schema == nil || content.Example == nil {
			t.Errorf("%s lacks a description, schema or example", status)
		}
	}
	slices.Sort(statuses)
	if got, want := strings.Join(statuses, " "), "200 400 401 403 404 429 500 503"; got != want {
		t.Errorf("the statuses are %s, want %s", got, want)
	}
	for _, p := range list.Parameters {
		parameters = append(parameters, p.Name)
		if p.Description == "" {
			t.Errorf("%s lacks a description", p.Name)
		}
	}
	want := []string{"type", "fields", "fields:roles", "fields:default_warehouse", "fields:merchant", "is_deleted", "deleted", "filter", "sort", "count", "cursor_end", "cursor_start", "limit"}
	if diff := cmp.Diff(want, parameters); diff != "" {
		t.Errorf("the parameters (-want +got)\n%s", diff)
	}
}
