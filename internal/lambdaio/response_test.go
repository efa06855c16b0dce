package lambdaio

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnswersAreThoseOfNetHTTP runs each handler behind the bridge and behind net/http's own server, and compares.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	for _, test := range []struct {
		name    string
		method  string
		handler http.HandlerFunc
	}{
		{"writes nothing", "GET", func(http.ResponseWriter, *http.Request) {}},
		{"body without status", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"a":1}`)
		}},
		{"status and body", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, `{"a":1}`)
		}},
		{"second WriteHeader", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusTeapot)
		}},
		{"headers after WriteHeader", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Early", "yes")
			w.WriteHeader(http.StatusOK)
			w.Header().Set("X-Late", "yes")
			w.Header().Add("X-Early", "no")
		}},
		{"headers after Write", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "a")
			w.Header().Set("X-Late", "yes")
		}},
		{"headers after Flush", "GET", func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			w.WriteHeader(http.StatusTeapot)
			w.Header().Set("X-Late", "yes")
		}},
		{"early hints", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusCreated)
		}},
		{"no content", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic(err)
			}
		}},
		{"HEAD", "HEAD", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Etag", `"1"`)
			_, _ = io.WriteString(w, `{"a":1}`)
		}},
		{"repeated header", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Set-Cookie", "a=1")
			w.Header().Add("Set-Cookie", "b=2")
			w.WriteHeader(http.StatusOK)
		}},
		{"line break in a header", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Split", "a\r\nb")
			w.WriteHeader(http.StatusOK)
		}},
		{"binary", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write([]byte("\x89PNG\r\n\xff"))
		}},
		{"binary that is valid UTF-8", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write([]byte("\x00\x01\x7f"))
		}},
		{"mux not found", "GET", http.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			request, err := http.NewRequest(test.method, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer want.Body.Close()
			wantBody, err := io.ReadAll(want.Body)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"Date", "Content-Length"} { // the server adds them, as the gateway does
				want.Header.Del(name)
			}
			event := get("/")
			event.HTTPMethod = test.method
			got := invoke(t, HTTP(test.handler, quiet()), event)
			if got.StatusCode != want.StatusCode {
				t.Errorf("status %d, net/http has %d", got.StatusCode, want.StatusCode)
			}
			if body := bodyOf(t, got); body != string(wantBody) {
				t.Errorf("body %q, net/http has %q", body, wantBody)
			}
			if got.MultiValueHeaders == nil {
				got.MultiValueHeaders = map[string][]string{}
			}
			// net/http's client strips line breaks' remains differently from nothing else, so compare as maps.
			if diff := cmp.Diff(map[string][]string(want.Header), got.MultiValueHeaders); diff != "" {
				t.Errorf("headers differ (-net/http +got):\n%s", diff)
			}
		})
	}
}

func bodyOf(t testing.TB, response Response) string {
	t.Helper()
	if !response.IsBase64Encoded {
		return response.Body
	}
	body, err := base64.StdEncoding.DecodeString(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestContentTypeIsNeverGuessed(t *testing.T) {
	response := invoke(t, HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"a":1}`)
	}), quiet()), get("/"))
	if got := response.MultiValueHeaders["Content-Type"]; len(got) != 1 || got[0] != "application/octet-stream" {
		t.Errorf("Content-Type = %v, want application/octet-stream: nobody said what it is", got)
	}
}

func TestBinaryIsBase64(t *testing.T) {
	response := invoke(t, HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte{0xff, 0xfe})
	}), quiet()), get("/"))
	if !response.IsBase64Encoded || response.Body != "//4=" {
		t.Errorf("got %q, base64 %v", response.Body, response.IsBase64Encoded)
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		logged  string
	}{
		{"before writing", func(http.ResponseWriter, *http.Request) { panic("secret detail") }, "secret detail"},
		{"after writing", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Half", "written")
			_, _ = io.WriteString(w, "half")
			panic(errors.New("secret detail"))
		}, "secret detail"},
		{"runtime error", func(_ http.ResponseWriter, r *http.Request) { _ = r.TransferEncoding[len(r.URL.Path)] }, "index out of range"},
		{"abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "gave up"},
		{"no such status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(7) }, "invalid status code 7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			response := invoke(t, HTTP(test.handler, Options{Log: slog.New(slog.NewJSONHandler(&log, nil))}), get("/"))
			if response.StatusCode != http.StatusInternalServerError || len(response.MultiValueHeaders["X-Half"]) > 0 {
				t.Errorf("got %d, headers %v; want 500 and nothing of what was half written", response.StatusCode, response.MultiValueHeaders)
			}
			checkErrorBody(t, response)
			if strings.Contains(response.Body, "secret") {
				t.Errorf("the body %s tells the caller too much", response.Body)
			}
			if !strings.Contains(log.String(), test.logged) {
				t.Errorf("log = %s, want it to say %q", log.String(), test.logged)
			}
		})
	}
}

func TestAnswerTooLargeForLambda(t *testing.T) {
	write := func(body []byte) Response {
		return invoke(t, HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}), quiet()), get("/"))
	}
	fits := write(bytes.Repeat([]byte("x"), MaxResponseBytes-64))
	if fits.StatusCode != http.StatusOK {
		t.Errorf("just under the limit: status %d, want 200", fits.StatusCode)
	}
	// Half the limit in bytes, but every one of them is escaped in the event's JSON.
	for name, body := range map[string][]byte{
		"plain":  bytes.Repeat([]byte("x"), MaxResponseBytes),
		"quotes": bytes.Repeat([]byte(`"`), MaxResponseBytes/2),
		"binary": bytes.Repeat([]byte{0xff}, MaxResponseBytes*3/4+4),
	} {
		response := write(body)
		if response.StatusCode != http.StatusInternalServerError {
			t.Errorf("%s: status %d, want 500", name, response.StatusCode)
			continue
		}
		checkErrorBody(t, response)
	}
}

func FuzzEncodedSizeIsThatOfJSON(f *testing.F) {
	f.Add([]byte(`{"a":"b\n"}`))
	f.Add([]byte("\u2028\u2029\x00\x1f\x7f\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		a := answer{body: body}
		response := HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }), quiet())
		got, err := response(context.Background(), get("/"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := encode(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		if want := len(text) - len(`""`); a.encodedSize() != want {
			t.Errorf("encodedSize() of %q = %d, want %d", body, a.encodedSize(), want)
		}
	})
}

// TestWarmCallAllocatesLittle pins the bridge's own share of DESIGN section 9's 200 allocations per warm call: the event's
// JSON in, the answer's JSON out, around a handler that writes 2 KB.
func TestWarmCallAllocatesLittle(t *testing.T) {
	call := warmCall(t)
	if allocations := testing.AllocsPerRun(200, call); allocations > 110 {
		t.Errorf("a warm call makes %v allocations, want at most 110", allocations)
	}
}

func BenchmarkWarmCall(b *testing.B) {
	call := warmCall(b)
	b.ReportAllocs()
	for b.Loop() {
		call()
	}
}

func warmCall(t testing.TB) func() {
	event, err := os.ReadFile("../../events/organization-search.json")
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte(`{"id":4810363371520,"name":"x"},`), 64)
	h := HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}), quiet())
	return func() {
		if _, err := h.Invoke(context.Background(), event); err != nil {
			t.Fatal(err)
		}
	}
}
