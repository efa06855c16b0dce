package openapitest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

const document = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/things":{"get":{"responses":{
	"200":{"description":"ok","content":{"application/json":{"schema":{"type":"object","required":["id"],"additionalProperties":false,
		"properties":{"id":{"type":"integer","minimum":1},"status":{"type":"string","enum":["on","off"]}}}}}},
	"401":{"description":"who","content":{"application/json":{"schema":{"type":"object","required":["error"],"properties":{"error":{"type":"string"}}}}}}
}}}}}`

// complaints is a testing.TB that keeps what it is told instead of failing.
type complaints struct {
	testing.TB
	texts []string
}

func (c *complaints) Helper() {}

func (c *complaints) Errorf(format string, arguments ...any) {
	c.texts = append(c.texts, fmt.Sprintf(format, arguments...))
}

func TestAnswersThatTheDocumentDoesNotAllowAreFound(t *testing.T) {
	for _, test := range []struct {
		name, method, path string
		status             int
		body               string
		header             string
		want               string // part of the complaint, none if empty
	}{
		{"a good answer", "GET", "/things", 200, `{"id":1,"status":"on"}`, "", ""},
		{"a good error", "GET", "/things", 401, `{"error":"who?"}`, "", ""},
		{"a good error of no operation", "GET", "/nothing", 404, `{"error":"none"}`, "", ""},
		{"a good error of another method", "POST", "/things", 405, `{"error":"none"}`, "", ""},
		{"an undocumented status", "GET", "/things", 500, `{"error":"oh"}`, "", "does not allow"},
		{"a missing property", "GET", "/things", 200, `{}`, "", "does not allow"},
		{"an unknown property", "GET", "/things", 200, `{"id":1,"secret":2}`, "", "does not allow"},
		{"a wrong type", "GET", "/things", 200, `{"id":"1"}`, "", "does not allow"},
		{"out of range", "GET", "/things", 200, `{"id":0}`, "", "does not allow"},
		{"an unknown value", "GET", "/things", 200, `{"id":1,"status":"dim"}`, "", "does not allow"},
		{"null", "GET", "/things", 200, `null`, "", "does not allow"},
		{"no JSON", "GET", "/things", 200, `ok`, "", "does not allow"},
		{"another error body", "GET", "/things", 401, `{"message":"who?"}`, "", "does not allow"},
		{"another error body of no operation", "GET", "/things/", 404, `{"message":"none"}`, "", "no error body"},
		{"another status of no operation", "GET", "/things/1", 200, `{"error":"none"}`, "", "want 404 or 405"},
		{"a header of huma's", "GET", "/things", 200, `{"id":1}`, "Link", "Link"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &complaints{TB: t}
			h := openapitest.New(t, []byte(document)).Handler(c, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Cache-Control", "no-store")
				w.Header().Set("Content-Length", strconv.Itoa(len(test.body)))
				if test.header != "" {
					w.Header().Set(test.header, "x")
				}
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
			got := strings.Join(c.texts, "\n")
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("the complaint is %q, want %q", got, test.want)
			}
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("the answer came through as %d %s", w.Code, w.Body)
			}
		})
	}
}
