package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

// two dialects with different error bodies, which live in one process.

type plainError struct {
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
}

func plainBody(p api.Problem) any {
	var e plainError
	e.Error.Message = p.Message
	return e
}

type codedError struct {
	Code   int      `json:"code"`
	Kind   string   `json:"kind"`
	Issues []string `json:"issues,omitempty"`
}

func codedBody(p api.Problem) any {
	e := codedError{Code: p.Status, Kind: p.Kind.String()}
	for _, f := range p.Fields {
		e.Issues = append(e.Issues, f.Field+": "+f.Message)
	}
	return e
}

type thingInput struct {
	Kind    string   `path:"kind" minLength:"2" maxLength:"4"`
	ID      int64    `query:"id" required:"true" minimum:"1" maximum:"9007199254740991"`
	Page    int32    `query:"page" default:"0" minimum:"0"`
	Flag    bool     `query:"flag" default:"false"`
	Order   string   `query:"order" default:"ASC" enum:"ASC,DESC"`
	Text    string   `query:"text" maxLength:"5"`
	Ratio   float64  `query:"ratio" default:"0.5"`
	Tags    []string `query:"tags" maxItems:"3"`
	Filters []string `query:"filter,explode"`
}

type thingOutput struct {
	Body thing
}

type thing struct {
	Kind    string   `json:"kind"`
	ID      int64    `json:"id"`
	Page    int32    `json:"page"`
	Flag    bool     `json:"flag"`
	Order   string   `json:"order"`
	Text    string   `json:"text"`
	Ratio   float64  `json:"ratio"`
	Tags    []string `json:"tags" nullable:"true"`
	Filters []string `json:"filters" nullable:"true"`
}

type makeBody struct {
	Name  string    `json:"name" minLength:"1" maxLength:"10"`
	Size  int32     `json:"size,omitempty" minimum:"0"`
	Share float64   `json:"share,omitempty"`
	Loud  bool      `json:"loud,omitempty"`
	Mood  string    `json:"mood,omitempty" enum:"GOOD,BAD"`
	Tags  []string  `json:"tags,omitempty" nullable:"false"`
	Place makePlace `json:"place,omitzero"`
}

type makePlace struct {
	City string `json:"city,omitempty"`
	Zip  int64  `json:"zip" minimum:"1" maximum:"9007199254740991"`
}

// serve is what the operations of a test do when they are called.
type serve func(ctx context.Context, p *roster.Principal) error

func dialect(name string, body func(api.Problem) any, o api.Options, do serve) *served {
	a := api.New(api.Dialect{
		Name: name, Title: name, Version: "1", ErrorBody: body, FieldNames: map[string]string{"core": "place.zip"}, Statuses: map[int]int{415: 400},
	}, o)
	problems := map[int]string{400: "bad", 403: "no", 404: "none", 409: "clash", 410: "gone", 412: "stale", 413: "large", 415: "type", 422: "other"}
	api.Register(a, api.Operation{ID: "thing", Method: "GET", Path: "/things/{kind}", Success: "a thing", Errors: problems},
		func(ctx context.Context, p *roster.Principal, in *thingInput) (*thingOutput, error) {
			if err := do(ctx, p); err != nil {
				return nil, err
			}
			return &thingOutput{Body: thing(*in)}, nil
		})
	api.Register(a, api.Operation{ID: "make", Method: "POST", Path: "/things", Status: http.StatusCreated, Success: "made", Errors: problems,
		Body: makeBody{}, BodyExample: makeBody{Name: "chair"}},
		func(ctx context.Context, p *roster.Principal, in *api.Creating) (*thingOutput, error) {
			body, broken := api.Body[makeBody](ctx)
			if err := broken.Err(); err != nil {
				return nil, err
			}
			return &thingOutput{Body: thing{Kind: body.Name}}, do(ctx, p)
		})
	api.Register(a, api.Operation{ID: "drop", Method: "DELETE", Path: "/things", Status: http.StatusNoContent, Success: "dropped"},
		func(ctx context.Context, p *roster.Principal, _ *struct{}) (*struct{}, error) { return nil, do(ctx, p) })
	return &served{API: a}
}

// served is an API with the validator of its document, made once.
type served struct {
	*api.API
	validator *openapitest.Validator
}

func nothing(context.Context, *roster.Principal) error { return nil }

var caller = roster.Principal{Tenant: 7, Path: roster.OrgPath{7}, Client: "client-1", Permissions: roster.AllPermissions}

func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	// As a server would: the target may hold what http.NewRequest refuses.
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawQuery = path, query
	r.RequestURI = target
	return r.WithContext(api.WithRequestID(api.WithPrincipal(r.Context(), caller), "request-1"))
}

// send sends the request through the dialect, holds the answer against the dialect's document, and returns it.
func send(t *testing.T, a *served, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	if a.validator == nil {
		document, err := a.OpenAPI()
		if err != nil {
			t.Fatal(err)
		}
		a.validator = openapitest.New(t, document)
	}
	w := httptest.NewRecorder()
	a.validator.Handler(t, a).ServeHTTP(w, r)
	return w
}

func message(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var e plainError
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("the answer %s is no error body: %v", w.Body, err)
	}
	return e.Error.Message
}
