package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// pages returns a page that answers with what answer does, and tells of a failure by its status and message.
func pages(log *bytes.Buffer, answer func(http.ResponseWriter, *http.Request) error) http.Handler {
	return api.Pages{
		Name: "pages", Route: "/pages/{secret}", Answer: answer,
		Fail: func(w http.ResponseWriter, _ *http.Request, _ error, p api.Problem) {
			w.WriteHeader(p.Status)
			fmt.Fprintf(w, "%d %s", p.Status, p.Message)
		},
	}.Handler(api.Options{Log: slog.New(slog.NewJSONHandler(log, nil))})
}

func TestAPageIsAnsweredWhole(t *testing.T) {
	var log bytes.Buffer
	for _, test := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request) error
		status int
		body   string
		header http.Header
		kind   string
	}{
		{"a page", func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("X-Page", "1")
			w.WriteHeader(http.StatusAccepted)
			_, err := io.WriteString(w, "hello")
			return err
		}, 202, "hello", http.Header{"X-Page": {"1"}}, ""},
		{"an error", func(http.ResponseWriter, *http.Request) error { return roster.NotFound("page") }, 404, "404 page not found", http.Header{}, "not found"},
		{"an error after something was written", func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("X-Page", "1")
			_, _ = io.WriteString(w, "half a pa")
			return &roster.Error{Kind: roster.KindUnavailable, Message: "later", RetryAfter: 90 * time.Second}
		}, 503, "503 later", http.Header{"Retry-After": {"90"}}, "unavailable"},
		{"another error", func(http.ResponseWriter, *http.Request) error { return errors.New("planted") }, 500, "500 internal error", http.Header{}, "internal"},
		{"a panic", func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, "half a pa")
			panic("planted")
		}, 500, "500 internal error", http.Header{}, "internal"},
		{"a method", func(http.ResponseWriter, *http.Request) error { return api.MethodNotAllowed() }, 405, "405 method not allowed", http.Header{}, "invalid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			log.Reset()
			w := httptest.NewRecorder()
			pages(&log, test.answer).ServeHTTP(w, httptest.NewRequest("GET", "/pages/token", nil))
			want := test.header.Clone()
			want.Set("Cache-Control", "no-store")
			want.Set("Content-Length", fmt.Sprint(len(test.body)))
			want.Set("Server-Timing", `table;dur=0.00;desc="0 calls, 0 RRU, 0 WRU"`)
			if diff := cmp.Diff(want, w.Header()); diff != "" || w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("the answer is %d %q, want %d %q; headers (-want +got)\n%s", w.Code, w.Body, test.status, test.body, diff)
			}
			var line map[string]any
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatalf("the log is not one line: %s", log.String())
			}
			kind, _ := line["kind"].(string)
			if line["dialect"] != "pages" || line["route"] != "/pages/{secret}" || line["status"] != float64(test.status) || kind != test.kind {
				t.Errorf("the log says %s", log.String())
			}
			if strings.Contains(log.String(), "token") || strings.Contains(log.String(), "planted") != (test.status == 500) {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

func TestTheCostOfAPageCanBeHidden(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		var log bytes.Buffer
		handler := pages(&log, func(_ http.ResponseWriter, r *http.Request) error {
			roster.MeterFrom(r.Context()).Add(roster.Cost{Calls: 2, Reads: 1.5})
			if hidden {
				api.HideCost(r.Context())
			}
			return nil
		})
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/pages/token", nil))
		if got := w.Header().Get("Server-Timing"); (got == "") != hidden {
			t.Errorf("hidden %v: Server-Timing is %q", hidden, got)
		}
		if !strings.Contains(log.String(), `"tableCalls":2`) {
			t.Errorf("hidden %v: the log says %s", hidden, log.String())
		}
	}
	api.HideCost(t.Context()) // of no request: nothing happens
}

func TestForms(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name, contentType, encoding, body string
		want                              map[string][]string
		status                            int
	}{
		{"a form", form, "", "a=1+2&b=%C3%A9&a=3", map[string][]string{"a": {"1 2", "3"}, "b": {"é"}}, 200},
		{"in UTF-8", form + "; charset=UTF-8", "identity", "a=1", map[string][]string{"a": {"1"}}, 200},
		{"empty", form, "", "", map[string][]string{}, 200},
		{"as large as may be", form, "", "a=" + strings.Repeat("x", 64<<10-2), map[string][]string{"a": {strings.Repeat("x", 64<<10-2)}}, 200},
		{"too large", form, "", "a=" + strings.Repeat("x", 64<<10-1), nil, 413},
		{"in another charset", form + "; charset=latin1", "", "a=1", nil, 415},
		{"packed", form, "gzip", "a=1", nil, 415},
		{"a bad escape", form, "", "a=%secret", nil, 400},
		{"a semicolon", form, "", "a=1;b=secret", nil, 400},
		{"a value that is no text", form, "", "a=%ff", nil, 400},
		{"a name that is no text", form, "", "%ff=a", nil, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			r := httptest.NewRequest("POST", "/pages/token", strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.contentType)
			if test.encoding != "" {
				r.Header.Set("Content-Encoding", test.encoding)
			}
			if !api.IsForm(r) {
				t.Errorf("%s is no form", test.contentType)
			}
			w := httptest.NewRecorder()
			pages(&log, func(_ http.ResponseWriter, r *http.Request) error {
				values, err := api.ReadForm(r)
				if err == nil {
					if diff := cmp.Diff(test.want, map[string][]string(values)); diff != "" {
						t.Errorf("the form (-want +got)\n%s", diff)
					}
				}
				return err
			}).ServeHTTP(w, r)
			if w.Code != test.status || strings.Contains(w.Body.String()+log.String(), "secret=") || strings.Contains(w.Body.String(), "%se") {
				t.Errorf("the answer is %d %s, want %d", w.Code, w.Body, test.status)
			}
		})
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Content-Type", "application/json")
	if api.IsForm(r) {
		t.Error("JSON is a form")
	}
}

func TestABodyOutsideOfAnOperation(t *testing.T) {
	type body struct {
		Name  string `json:"name"`
		Color string `json:"color,omitempty" enum:"red,green"`
	}
	reader := api.NewBodyReader[body]()
	for _, test := range []struct {
		sent   string
		want   body
		broken roster.FieldErrors
		fails  string
	}{
		{sent: `{"name":"a","color":"red"}`, want: body{"a", "red"}},
		{sent: `{"name":"a","color":null}`, want: body{"a", ""}},
		{sent: `{"color":"blue","color":"red","x":1}`, want: body{"", "red"}, broken: roster.FieldErrors{
			{Field: "color", Message: "must be one of red, green"}, {Field: "color", Message: "must be given once"},
			{Field: "x", Message: "is not a field that this takes"}, {Field: "name", Message: "is required"},
		}},
		{sent: `{"name":5}`, broken: roster.FieldErrors{{Field: "name", Message: "must be a string"}}},
		{sent: `[]`, fails: "body must be a JSON object"},
		{sent: ``, fails: "body is required"},
	} {
		got, broken, err := reader.Read(httptest.NewRequest("POST", "/", strings.NewReader(test.sent)))
		if (err != nil || test.fails != "") && (err == nil || !strings.Contains(err.Error(), test.fails) || test.fails == "") {
			t.Errorf("%s: the error is %v, want %q", test.sent, err, test.fails)
		}
		if diff := cmp.Diff(test.broken, broken); diff != "" || got != test.want {
			t.Errorf("%s is read as %+v, want %+v; broken (-want +got)\n%s", test.sent, got, test.want, diff)
		}
	}
}
