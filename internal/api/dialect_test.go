package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

type nothingInput struct {
	ID string `path:"id" pattern:"^[a-z]$" patternDescription:"a letter"`
}

type mixedBody struct {
	Names []string   `json:"names,omitempty" nullable:"false" pattern:"^x$" minLength:"1"`
	Text  *string    `json:"text,omitempty"`
	May   *string    `json:"may,omitempty" nullable:"true"`
	Inner *makePlace `json:"inner,omitempty"`
}

type mixedOutput struct{ Body mixedBody }

// strict is a dialect that refuses nulls, with larger bodies, and a path beside one with a parameter.
func strict() *served {
	a := api.New(api.Dialect{
		Name: "strict", Title: "strict", Version: "1", ErrorBody: plainBody, FieldNames: map[string]string{"list": "names"},
		MaxBody: 100 << 10, RefuseNull: true, TokenPath: "/elsewhere/token",
	}, api.Options{})
	problems := map[int]string{400: "bad", 413: "large"}
	api.Register(a, api.Operation{ID: "fixed", Method: "GET", Path: "/things/fixed", Success: "fixed", Status: http.StatusNoContent, Errors: problems},
		func(context.Context, *roster.Principal, *struct{}) (*struct{}, error) { return nil, nil })
	api.Register(a, api.Operation{ID: "get", Method: "GET", Path: "/things/{id}", Success: "one", Status: http.StatusNoContent, Errors: problems},
		func(context.Context, *roster.Principal, *nothingInput) (*struct{}, error) { return nil, nil })
	api.Register(a, api.Operation{ID: "change", Method: "PATCH", Path: "/things/{id}", Success: "one", Errors: problems, Body: mixedBody{}, BodyExample: mixedBody{}},
		func(ctx context.Context, _ *roster.Principal, _ *nothingInput) (*mixedOutput, error) {
			body, broken := api.Body[mixedBody](ctx)
			for i, name := range body.Names {
				if name != "x" && len(broken) == 0 {
					broken.Add("list["+string(rune('0'+i))+"].first", "is no x")
				}
			}
			if err := broken.Err(); err != nil {
				return nil, err
			}
			return &mixedOutput{Body: body}, nil
		})
	return &served{API: a}
}

func TestADialectCanRefuseNulls(t *testing.T) {
	a := strict()
	for _, test := range []struct {
		body   string
		status int
		want   string
	}{
		{`{}`, 200, ""},
		{`{"may":null}`, 200, ""},
		{`{"text":null}`, 400, "text must not be null"},
		{`{"names":null,"inner":null}`, 400, "names must not be null; inner must not be null"},
		{`{"names":[null]}`, 400, "names[0] is required"},
		{`{"inner":{"zip":null,"city":null}}`, 400, "inner.zip is required; inner.city must not be null"},
		{`{"other":null}`, 400, "other is not a field that this takes"},
	} {
		w := send(t, a, request("PATCH", "/things/a", test.body))
		if w.Code != test.status || test.want != "" && message(t, w) != test.want {
			t.Errorf("%s is answered %d %s, want %d %q", test.body, w.Code, w.Body, test.status, test.want)
		}
	}
}

func TestADialectCanHaveLargerBodies(t *testing.T) {
	a := strict()
	body := func(size int) string { return `{"text":"` + strings.Repeat("a", size-11) + `"}` }
	if w := send(t, a, request("PATCH", "/things/a", body(100<<10))); w.Code != 200 {
		t.Errorf("the largest body is answered %d %.100s", w.Code, w.Body)
	}
	if w := send(t, a, request("PATCH", "/things/a", body(100<<10+1))); w.Code != 413 || message(t, w) != "body must have at most 102400 bytes" {
		t.Errorf("a larger body is answered %d %.100s", w.Code, w.Body)
	}
}

// TestElementsHaveTheNameOfTheirList holds that of both directions, and that the pattern of a body's text is not for this package.
func TestElementsHaveTheNameOfTheirList(t *testing.T) {
	a := strict()
	for body, want := range map[string]string{
		`{"names":["x",5]}`: "names[1] must be a string", `{"names":["x","y"]}`: "names[1].first is no x", `{"list":["x"]}`: "list is not a field that this takes",
		`{"names":[""]}`: "names[0] must have at least 1 characters",
	} {
		if w := send(t, a, request("PATCH", "/things/a", body)); w.Code != 400 || message(t, w) != want {
			t.Errorf("%s is answered %d %s, want %q", body, w.Code, w.Body, want)
		}
	}
}

func TestAPathBesideOneWithAParameter(t *testing.T) {
	a := strict()
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/things/fixed", 204, ""}, {"GET", "/things/a", 204, ""}, {"GET", "/things/A", 400, ""},
		{"PATCH", "/things/fixed", 400, ""}, // where fixed is no id
		{"POST", "/things/fixed", 405, "GET, HEAD, OPTIONS"}, {"POST", "/things/a", 405, "GET, HEAD, OPTIONS, PATCH"},
		{"OPTIONS", "/things/fixed", 204, "GET, HEAD, OPTIONS"}, {"GET", "/things/", 404, ""}, {"GET", "/things/a/b", 404, ""},
	} {
		w := send(t, a, request(test.method, test.path, "{}"))
		if w.Code != test.status || w.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s is answered %d %v %s, want %d, Allow %q", test.method, test.path, w.Code, w.Header(), w.Body, test.status, test.allow)
		}
	}
}

func TestTheDocumentNamesTheTokenCall(t *testing.T) {
	for want, a := range map[string]*served{"POST /elsewhere/token,": strict(), "POST /oauth2/token,": dialect("plain", plainBody, api.Options{}, nothing)} {
		document, err := a.OpenAPI()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(document), want) {
			t.Errorf("the document does not have %q", want)
		}
	}
}
