package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

func TestAPanicBecomesA500(t *testing.T) {
	var log bytes.Buffer
	panicking := func(context.Context, *roster.Principal) error { panic("oh no") }
	a := dialect("plain", plainBody, api.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))}, panicking)
	w := send(t, a, request("GET", "/things/ab?id=1", ""))
	if got := message(t, w); w.Code != 500 || got != "internal error" {
		t.Errorf("a panic is answered %d %q, want 500", w.Code, got)
	}
	if line := log.String(); !strings.Contains(line, "oh no") || !strings.Contains(line, "api_test.go") {
		t.Errorf("the log line of a panic is %s, want what it said and where", line)
	}
}

func TestAnAnswerThatCannotBeMarshalledIsA500(t *testing.T) {
	a := api.New(api.Dialect{Name: "plain", Title: "t", Version: "1", ErrorBody: plainBody}, api.Options{})
	type output struct {
		ETag string `header:"ETag"`
		Body struct {
			Number float64 `json:"number"`
		}
	}
	api.Register(a, api.Operation{ID: "x", Method: "GET", Path: "/x", Success: "x"}, func(context.Context, *roster.Principal, *struct{}) (*output, error) {
		zero := 0.0
		o := &output{ETag: `"1"`}
		o.Body.Number = 1 / zero
		return o, nil
	})
	w := send(t, &served{API: a}, request("GET", "/x", ""))
	if got := message(t, w); w.Code != 500 || got != "internal error" || w.Header().Get("ETag") != "" {
		t.Errorf("the answer is %d %s %v, want a clean 500", w.Code, w.Body, w.Header())
	}
}

func TestWithoutAPrincipalNothingIsServed(t *testing.T) {
	called := false
	a := dialect("plain", plainBody, api.Options{}, func(context.Context, *roster.Principal) error { called = true; return nil })
	r := request("GET", "/things/ab?id=0", "")
	w := send(t, a, r.WithContext(context.Background()))
	if got := message(t, w); w.Code != 401 || got != "a bearer token is required" || w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("the answer is %d %q %v, want 401", w.Code, got, w.Header())
	}
	if called {
		t.Error("the operation was called")
	}
}

func TestThePrincipalArrives(t *testing.T) {
	var got roster.Principal
	a := dialect("plain", plainBody, api.Options{}, func(ctx context.Context, p *roster.Principal) error {
		got = *p
		if from, ok := api.PrincipalFrom(ctx); !ok || from.Client != p.Client {
			t.Errorf("PrincipalFrom = %v, %v", from, ok)
		}
		if id := api.RequestIDFrom(ctx); id != "request-1" {
			t.Errorf("RequestIDFrom = %q", id)
		}
		return nil
	})
	send(t, a, request("GET", "/things/ab?id=1", ""))
	if diff := cmp.Diff(caller, got); diff != "" {
		t.Errorf("the principal (-want +got)\n%s", diff)
	}
	if _, ok := api.PrincipalFrom(context.Background()); ok {
		t.Error("PrincipalFrom finds a principal in an empty context")
	}
}

func TestPathsAndMethods(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{}, nothing)
	for _, test := range []struct {
		method, target string
		status         int
		allow          string
	}{
		{"GET", "/", 404, ""},
		{"GET", "/thing", 404, ""},
		{"GET", "/things/", 404, ""},
		{"GET", "/things/ab/", 404, ""},
		{"GET", "//things/ab?id=1", 404, ""},
		{"GET", "/things//ab?id=1", 404, ""},
		{"GET", "/things/./ab?id=1", 404, ""},
		{"GET", "/x/../things/ab?id=1", 404, ""},
		{"GET", "/things/..", 404, ""},
		{"GET", "*", 404, ""},
		{"CONNECT", "/things", 405, "DELETE, OPTIONS, POST"},
		{"GET", "/things", 405, "DELETE, OPTIONS, POST"},
		{"HEAD", "/things", 405, "DELETE, OPTIONS, POST"},
		{"POST", "/things/ab", 405, "GET, HEAD, OPTIONS"},
		{"BREW", "/things/ab", 405, "GET, HEAD, OPTIONS"},
		{"get", "/things/ab", 405, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/things/ab", 204, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/nowhere", 404, ""},
		{"HEAD", "/things/ab?id=1", 200, ""},
		{"HEAD", "/things/ab?id=0", 400, ""},
		{"DELETE", "/things", 204, ""},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			w := send(t, a, request(test.method, test.target, ""))
			if w.Code != test.status || w.Header().Get("Allow") != test.allow {
				t.Errorf("the answer is %d, Allow %q, want %d, Allow %q", w.Code, w.Header().Get("Allow"), test.status, test.allow)
			}
		})
	}
}

func TestHeadSaysHowLongTheAnswerToGetIs(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{}, nothing)
	get, head := send(t, a, request("GET", "/things/ab?id=1", "")), send(t, a, request("HEAD", "/things/ab?id=1", ""))
	if diff := cmp.Diff(get.Header(), head.Header()); diff != "" {
		t.Errorf("the headers of HEAD differ from those of GET (-get +head)\n%s", diff)
	}
}

func TestAnswersAreJSONWhateverIsAccepted(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{}, nothing)
	for _, accept := range []string{"", "text/html", "json", "application/problem+json", "*/*;q=0", "\x00", "application/json;q=0.1, text/xml"} {
		for _, target := range []string{"/things/ab?id=1", "/things/ab?id=0", "/things/ab?id=1&tags=a,b,c,d", "/nowhere"} {
			r := request("GET", target, "")
			r.Header.Set("Accept", accept)
			send(t, a, r) // which holds the content type against the document
		}
	}
}

func TestRequestsAreServedSideBySide(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{Log: slog.New(slog.NewJSONHandler(io.Discard, nil))}, nothing)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 20 {
				w := httptest.NewRecorder()
				a.ServeHTTP(w, request("POST", "/things", `{"name":"name`+strconv.Itoa(i)+`"}`))
				if want := `"kind":"name` + strconv.Itoa(i) + `"`; w.Code != http.StatusCreated || !strings.Contains(w.Body.String(), want) {
					t.Errorf("the answer is %d %s, want 201 with %s", w.Code, w.Body, want)
				}
				w = httptest.NewRecorder()
				a.ServeHTTP(w, request("GET", "/things/ab?id="+strconv.Itoa(i), ""))
				if valid := i > 0; valid != (w.Code == http.StatusOK) {
					t.Errorf("GET with id %d is answered %d", i, w.Code)
				}
			}
		})
	}
	group.Wait()
}

func TestOneLogLineTellsOfARequest(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1e9, 0)
	clock := func() time.Time { now = now.Add(3 * time.Millisecond); return now }
	work := func(ctx context.Context, p *roster.Principal) error {
		roster.MeterFrom(ctx).Add(roster.Cost{Calls: 2, Reads: 1.5, Writes: 4, TableWrites: 2, Time: 2 * time.Millisecond})
		api.Note(ctx, slog.String("fact", "noted"))
		return roster.Conflict("taken")
	}
	a := dialect("plain", plainBody, api.Options{Log: slog.New(slog.NewJSONHandler(&log, nil)), Now: clock}, work)
	r := request("GET", "/things/ab?id=4711&text=hush", "")
	r.Header.Set("Authorization", "Bearer hush")
	send(t, a, r)
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("the log is %s, want one line of JSON: %v", log.String(), err)
	}
	delete(line, "time")
	want := map[string]any{
		"level": "INFO", "msg": "request", "requestId": "request-1", "dialect": "plain", "method": "GET", "route": "GET /things/{kind}",
		"tenant": 7.0, "actor": "client:client-1", "status": 409.0, "kind": "conflict", "duration": 3e6,
		"tableCalls": 2.0, "tableReads": 1.5, "tableWrites": 4.0, "tableTime": 2e6, "fact": "noted",
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("the log line (-want +got)\n%s", diff)
	}
	if strings.Contains(log.String(), "hush") || strings.Contains(log.String(), "4711") {
		t.Errorf("the log line %s holds what the caller sent", log.String())
	}
}

func TestTheReplicasAgeIsLoggedWhereItIsKnown(t *testing.T) {
	var log bytes.Buffer
	var a *served
	options := api.Options{
		Log:        slog.New(slog.NewJSONHandler(&log, nil)),
		ReplicaAge: func(t roster.TenantID) (time.Duration, bool) { return time.Second, t == 7 },
	}
	a = dialect("plain", plainBody, options, func(ctx context.Context, p *roster.Principal) error {
		a.NoteReplicaAge(ctx, p.Tenant)
		a.NoteReplicaAge(ctx, 8)
		return nil
	})
	send(t, a, request("GET", "/things/ab?id=1", ""))
	if got := strings.Count(log.String(), `"replicaAge":1000000000`); got != 1 {
		t.Errorf("the log line is %s, want one replicaAge", log.String())
	}
}
