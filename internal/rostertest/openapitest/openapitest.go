// Package openapitest holds every answer of a handler against the handler's own OpenAPI document, so that in a dialect's
// tests no answer escapes it. The documents are made by package api; what the answers mean is tested beside each dialect.
package openapitest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Validator knows one document.
type Validator struct {
	document *openapi3.T
	// failure is the schema of every error body, for answers that belong to no operation.
	failure *openapi3.Schema
}

// New returns the validator of an OpenAPI 3.1 document in JSON. It fails the test if the document is not a valid one.
func New(t testing.TB, document []byte) *Validator {
	t.Helper()
	loaded, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatalf("loading the OpenAPI document: %v", err)
	}
	if err := loaded.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatalf("the OpenAPI document is not valid: %v", err)
	}
	v := &Validator{document: loaded}
	for _, item := range loaded.Paths.Map() {
		for _, operation := range item.Operations() {
			v.failure = operation.Responses.Value("401").Value.Content.Get("application/json").Schema.Value
		}
	}
	return v
}

// Handler returns a handler that answers like h and fails the test for every answer that the document does not allow: an
// undocumented status, a body that breaks its schema, an error body that is not the document's, or a header that no
// answer may carry.
func (v *Validator) Handler(t testing.TB, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Helper()
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		answer := recorder.Result()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatalf("reading the answer to %s %s: %v", r.Method, r.URL, err)
		}
		v.check(t, r, answer, body)
		for name, values := range answer.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(body)
	})
}

// route returns the operation of the document that the request belongs to, nil if there is none. The routers of kin-openapi
// are too kind: they find /users for /users/.
func (v *Validator) route(r *http.Request) *routers.Route {
	var found *routers.Route
	for path, item := range v.document.Paths.Map() {
		operation := item.GetOperation(r.Method)
		// A path with fewer parameters is found before one with more, as ServeMux does.
		if operation != nil && matches(path, r.URL.Path) && (found == nil || strings.Count(path, "{") < strings.Count(found.Path, "{")) {
			found = &routers.Route{Spec: v.document, Path: path, PathItem: item, Method: r.Method, Operation: operation}
		}
	}
	return found
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && (!strings.HasPrefix(want[i], "{") || got[i] == "") {
			return false
		}
	}
	return true
}

func (v *Validator) check(t testing.TB, r *http.Request, answer *http.Response, body []byte) {
	t.Helper()
	v.checkHeaders(t, r, answer, body)
	if r.Method == http.MethodHead || answer.StatusCode == http.StatusNoContent {
		if len(body) != 0 {
			t.Errorf("%s %s answered %d with %d bytes, want none", r.Method, r.URL, answer.StatusCode, len(body))
		}
		return
	}
	route := v.route(r)
	if route == nil {
		v.checkFailure(t, r, answer, body)
		return
	}
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 answer.StatusCode,
		Header:                 answer.Header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		t.Errorf("%s %s answered %d %s, which the document does not allow: %v", r.Method, r.URL, answer.StatusCode, body, err)
	}
}

// checkFailure holds an answer that belongs to no operation against the schema of error bodies.
func (v *Validator) checkFailure(t testing.TB, r *http.Request, answer *http.Response, body []byte) {
	t.Helper()
	if answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("%s %s belongs to no operation and was answered %d, want 404 or 405", r.Method, r.URL, answer.StatusCode)
	}
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: v.failureRoute()},
		Status:                 answer.StatusCode,
		Header:                 answer.Header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
	})
	if err != nil {
		t.Errorf("%s %s answered %d %s, which is no error body: %v", r.Method, r.URL, answer.StatusCode, body, err)
	}
}

// failureRoute is an operation whose only answer is an error.
func (v *Validator) failureRoute() *routers.Route {
	content := openapi3.Content{"application/json": openapi3.NewMediaType().WithSchema(v.failure)}
	description := "any failure"
	responses := openapi3.NewResponses(openapi3.WithName("default", &openapi3.Response{Description: &description, Content: content}))
	return &routers.Route{Spec: &openapi3.T{OpenAPI: "3.1.0"}, Operation: &openapi3.Operation{Responses: responses}}
}

func (v *Validator) checkHeaders(t testing.TB, r *http.Request, answer *http.Response, body []byte) {
	t.Helper()
	for _, name := range []string{"Link", "Server", "X-Powered-By"} {
		if value := answer.Header.Get(name); value != "" {
			t.Errorf("%s %s answered with the header %s: %s, want none", r.Method, r.URL, name, value)
		}
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s %s answered with Cache-Control %q, want no-store", r.Method, r.URL, got)
	}
	if answer.StatusCode == http.StatusNoContent || answer.StatusCode == http.StatusNotModified {
		return
	}
	if got := answer.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s answered with Content-Type %q, want application/json", r.Method, r.URL, got)
	}
	if got := answer.Header.Get("Content-Length"); r.Method != http.MethodHead && got != strconv.Itoa(len(body)) {
		t.Errorf("%s %s answered with Content-Length %q, want %d", r.Method, r.URL, got, len(body))
	}
	if bytes.Contains(body, []byte("$schema")) {
		t.Errorf("%s %s answered %s, which names a $schema", r.Method, r.URL, body)
	}
}
