package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

func TestEachDialectInOneProcessHasItsOwnErrorBody(t *testing.T) {
	plain, coded := dialect("plain", plainBody, api.Options{}, nothing), dialect("coded", codedBody, api.Options{}, nothing)
	for _, test := range []struct {
		name, method, target, body string
		status                     int
		plain, coded               string
	}{
		{"our check", "GET", "/things/ab?id=0", "", 400, `{"error":{"message":"id must be between 1 and 9007199254740991"}}`,
			`{"code":400,"kind":"invalid","issues":["id: must be between 1 and 9007199254740991"]}`},
		{"a field", "POST", "/things", `{"name":"","place":{"zip":0}}`, 400,
			`{"error":{"message":"name must have 1 to 10 characters; place.zip must be between 1 and 9007199254740991"}}`,
			`{"code":400,"kind":"invalid","issues":["name: must have 1 to 10 characters","place.zip: must be between 1 and 9007199254740991"]}`},
		{"no such path", "GET", "/nowhere", "", 404, `{"error":{"message":"path not found"}}`, `{"code":404,"kind":"not found"}`},
		{"no such method", "PUT", "/things", "", 405, `{"error":{"message":"method not allowed"}}`, `{"code":405,"kind":"invalid"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, side := range []struct {
				a    *served
				want string
			}{{plain, test.plain}, {coded, test.coded}, {plain, test.plain}} {
				w := send(t, side.a, request(test.method, test.target, test.body))
				if got := strings.TrimSpace(w.Body.String()); w.Code != test.status || got != side.want {
					t.Errorf("%s %s = %d %s, want %d %s", test.method, test.target, w.Code, got, test.status, side.want)
				}
			}
		})
	}
}

func TestTheDocumentHasTheDialectsErrorBodyAndNoOther(t *testing.T) {
	document, err := dialect("coded", codedBody, api.Options{}, nothing).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{"ErrorModel", "ErrorDetail", "problem+json", "$schema"} {
		if bytes.Contains(document, []byte(unwanted)) {
			t.Errorf("the document names %s", unwanted)
		}
	}
	if !bytes.Contains(document, []byte(`"#/components/schemas/CodedError"`)) {
		t.Errorf("the document does not refer to CodedError")
	}
	again, err := dialect("coded", codedBody, api.Options{}, nothing).OpenAPI()
	if err != nil || !bytes.Equal(document, again) {
		t.Errorf("the document is not the same bytes the second time")
	}
}

func TestEveryKindHasItsStatus(t *testing.T) {
	for kind, want := range map[roster.Kind]int{
		roster.KindInternal: 500, roster.KindInvalid: 400, roster.KindUnauthenticated: 401, roster.KindForbidden: 403,
		roster.KindNotFound: 404, roster.KindConflict: 409, roster.KindPreconditionFailed: 412, roster.KindGone: 410,
		roster.KindTooMany: 429, roster.KindUnavailable: 503, roster.KindUnprocessable: 422, roster.Kind(200): 500,
	} {
		fail := func(context.Context, *roster.Principal) error {
			return fmt.Errorf("doing it: %w", &roster.Error{Kind: kind, Message: "the message", Cause: errors.New("the cause")})
		}
		w := send(t, dialect("plain", plainBody, api.Options{}, fail), request("GET", "/things/ab?id=1", ""))
		wantMessage := "the message"
		if want == 500 {
			wantMessage = "internal error"
		}
		if got := message(t, w); w.Code != want || got != wantMessage || api.Status(kind) != want {
			t.Errorf("an error of kind %v is answered %d %q, want %d %q", kind, w.Code, got, want, wantMessage)
		}
		if got := w.Header().Get("WWW-Authenticate"); (got == "Bearer") != (want == 401) {
			t.Errorf("an error of kind %v is answered with WWW-Authenticate %q", kind, got)
		}
	}
	if unnamed := roster.Kind(11).String(); unnamed != "unknown" {
		t.Errorf("there is a kind %q that this test does not cover", unnamed)
	}
}

func TestAnUnknownErrorIsInternalAndItsTextIsLoggedButNotSent(t *testing.T) {
	var log bytes.Buffer
	fail := func(context.Context, *roster.Principal) error { return errors.New("table arn:aws:secret is on fire") }
	a := dialect("plain", plainBody, api.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))}, fail)
	w := send(t, a, request("GET", "/things/ab?id=1", ""))
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("the answer is %d %s, want 500 without the text", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "table arn:aws:secret is on fire") {
		t.Errorf("the log line is %s, want it to have the text", log.String())
	}
}

func TestRetryAfterIsWholeSecondsRoundedUp(t *testing.T) {
	for _, test := range []struct {
		wait time.Duration
		want string
	}{{0, "1"}, {time.Millisecond, "1"}, {1500 * time.Millisecond, "2"}, {time.Minute, "60"}} {
		for _, kind := range []roster.Kind{roster.KindTooMany, roster.KindUnavailable} {
			fail := func(context.Context, *roster.Principal) error {
				return &roster.Error{Kind: kind, RetryAfter: test.wait}
			}
			w := send(t, dialect("plain", plainBody, api.Options{}, fail), request("GET", "/things/ab?id=1", ""))
			if got := w.Header().Get("Retry-After"); got != test.want {
				t.Errorf("Retry-After of %v, %v = %q, want %q", kind, test.wait, got, test.want)
			}
		}
	}
}
