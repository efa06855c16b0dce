package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// writeSamples are the sample events of requests that change something, by file.
func writeSamples(t *testing.T) map[string]proxyEvent {
	t.Helper()
	files, err := filepath.Glob("../../../events/organization-*.json")
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]proxyEvent{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var event proxyEvent
		if err := json.Unmarshal(text, &event); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if event.Method != http.MethodGet {
			samples[filepath.Base(file)] = event
		}
	}
	if len(samples) < 8 {
		t.Fatalf("only %d samples of writes", len(samples))
	}
	return samples
}

// TestWritesArriveAsTheirSamples sends each sample of a write and compares the event that becomes of it: method, route, query,
// body, and the headers that decide whether and how often it happens.
func TestWritesArriveAsTheirSamples(t *testing.T) {
	server := fromTemplate(t, says(allowAll), nil)
	for file, want := range writeSamples(t) {
		body, query := "", make([]string, 0)
		if want.Body != nil {
			body = *want.Body
		}
		for name, value := range want.Query {
			query = append(query, name+"="+value)
		}
		headers := []string{"Authorization", "Bearer x"}
		checked := []string{"Content-Type", "Idempotency-Key", "If-Match"}
		for _, name := range checked {
			if value, there := want.Headers[name]; there {
				headers = append(headers, strings.ToLower(name), value)
			}
		}
		response, text := send(t, want.Method, server.URL+want.Path+"?"+strings.Join(query, "&"), body, headers...)
		var got proxyEvent
		if err := json.Unmarshal([]byte(text), &got); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s (%v)", file, response.StatusCode, text, err)
			continue
		}
		if got.Method != want.Method || got.Resource != want.Resource || got.Path != want.Path || got.RequestContext.Method != want.Method {
			t.Errorf("%s: arrived as %s %s of %s", file, got.Method, got.Path, got.Resource)
		}
		if (got.Body == nil) != (want.Body == nil) || got.Body != nil && *got.Body != body || got.IsBase64Encoded {
			t.Errorf("%s: the body arrived as %v", file, got.Body)
		}
		for name, value := range want.Query {
			if got.Query[name] != value {
				t.Errorf("%s: %s arrived as %q", file, name, got.Query[name])
			}
		}
		for _, name := range checked {
			if values := got.MultiHeaders[name]; got.Headers[name] != want.Headers[name] || want.Headers[name] != "" && len(values) != 1 {
				t.Errorf("%s: %s arrived as %q, %q, want %q", file, name, got.Headers[name], values, want.Headers[name])
			}
		}
	}
}

// TestWritesNeedAToken holds that no write gets to its function without one, and not under another method.
func TestWritesNeedAToken(t *testing.T) {
	var calls atomic.Int32
	server := fromTemplate(t, says(allowAll), func(c *Config) {
		for i := range c.Routes {
			c.Routes[i].Function = function(func(context.Context, []byte) ([]byte, error) {
				calls.Add(1)
				return []byte(`{"statusCode":200}`), nil
			})
		}
	})
	for file, e := range writeSamples(t) {
		if response, body := send(t, e.Method, server.URL+e.Path, "{}"); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d %s", file, response.StatusCode, body)
		}
		response, body := send(t, http.MethodPatch, server.URL+e.Path, "{}", "Authorization", "Bearer x")
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("PATCH %s: %d %s", e.Path, response.StatusCode, body)
		}
		universalBody(t, response, body)
	}
	if n := calls.Load(); n > 0 {
		t.Errorf("a function was called %d times", n)
	}
}

// TestAnswersOfWritesAreSent holds what only writes answer with: 201 with an entity tag, and 204 without a body.
func TestAnswersOfWritesAreSent(t *testing.T) {
	answers := map[string]string{
		http.MethodPost:   `{"statusCode":201,"multiValueHeaders":{"Etag":["\"1-1\""],"Content-Type":["application/json"]},"body":"{\"id\":1}"}`,
		http.MethodDelete: `{"statusCode":204,"multiValueHeaders":{}}`,
	}
	server := fromTemplate(t, says(allowAll), func(c *Config) {
		for i := range c.Routes {
			if answer, ok := answers[c.Routes[i].Method]; ok {
				c.Routes[i].Function = says(answer)
			}
		}
	})
	response, body := send(t, "POST", server.URL+"/api/v1/organization/users/create", "{}", "Authorization", "Bearer x")
	if response.StatusCode != http.StatusCreated || response.Header.Get("ETag") != `"1-1"` || body != `{"id":1}` {
		t.Errorf("POST: %d %v %s", response.StatusCode, response.Header, body)
	}
	response, body = send(t, "DELETE", server.URL+"/api/v1/organization/users?userId=1", "", "Authorization", "Bearer x")
	if response.StatusCode != http.StatusNoContent || body != "" {
		t.Errorf("DELETE: %d %q", response.StatusCode, body)
	}
}
