package workspace_test

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
	"github.com/rosterhq/roster/internal/api/workspace"
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
	document, err := workspace.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	return openapitest.New(t, document).Handler(t, bare(d))
}

// bare is the dialect over d.
func bare(d *directory.Directory) http.Handler {
	return workspace.New(d, workspace.Options{Now: func() time.Time { return world.Now }})
}

// pathOf returns the path of a user.
func pathOf(id roster.UserID) string { return workspace.UsersPath + "/" + workspace.UserID(id) }

// send sends a request of the caller; header holds names and values by turns.
func send(h http.Handler, p roster.Principal, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
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
	return send(h, p, http.MethodGet, target, header...)
}

// tester is what a *testing.T and a *rapid.T have in common.
type tester interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// read decodes the body of a 200.
func read[T any](t tester, w *httptest.ResponseRecorder) T {
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

// refuse fails the test unless the answer is an error of that status, code and message, with those issues.
func refuse(t testing.TB, w *httptest.ResponseRecorder, status int, code, message string, issues ...string) {
	t.Helper()
	var e workspace.ErrorResponse
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("the answer is %d %s, want an error", w.Code, w.Body)
	}
	var got []string
	for _, issue := range e.Issues {
		got = append(got, strings.Join(issue.Path, ".")+" "+issue.Message)
	}
	if diff := cmp.Diff(issues, got); diff != "" || w.Code != status || e.Code != code || e.Message != message {
		t.Errorf("the answer is %d %s, want %d %s %q (issues -want +got)\n%s", w.Code, w.Body, status, code, message, diff)
	}
}

func TestTheDocumentIsTheOneThatIsPinned(t *testing.T) {
	document, err := workspace.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := os.ReadFile("../../../infra/openapi/workspace.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(document, pinned) {
		t.Errorf("infra/openapi/workspace.json is not what the dialect says of itself; if that is meant, run make openapi (-pinned +now)\n%s",
			cmp.Diff(string(pinned), string(document)))
	}
}

func TestTheDocumentDescribesEveryStatus(t *testing.T) {
	document, err := workspace.OpenAPI()
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
	want := map[string]string{"get /users": "200 400 401 429 500 503", "get /users/{id}": "200 304 400 401 403 404 429 500 503"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the statuses of the document (-want +got)\n%s", diff)
	}
	if !bytes.Contains(document, []byte("POST "+workspace.TokenPath)) || bytes.Contains(document, []byte("/oauth2/token")) {
		t.Errorf("the document does not send callers to %s alone", workspace.TokenPath)
	}
}
