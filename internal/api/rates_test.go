package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// rates is a quota of two requests a minute, of which 30.5 s are left.
type rates struct {
	took []roster.OrgID
	err  error
}

func (q *rates) Take(_ context.Context, tenant roster.TenantID, org roster.OrgID) (roster.Permit, error) {
	if q.err != nil {
		return roster.Permit{}, q.err
	}
	q.took = append(q.took, org)
	p := roster.Permit{Limit: 2, Remaining: int64(max(2-len(q.took), 0)), Reset: 30*time.Second + 500*time.Millisecond}
	if len(q.took) > 2 {
		return p, roster.TooManyRequests(p.Reset)
	}
	return p, nil
}

// ratesOf returns what an answer says of the quota.
func ratesOf(w *httptest.ResponseRecorder) []string {
	var all []string
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"} {
		all = append(all, w.Header().Get(name))
	}
	return all
}

func TestEveryOperationTakesAPermit(t *testing.T) {
	calls := 0
	handler := func(context.Context, *roster.Principal) error { calls++; return nil }
	q := &rates{}
	a := dialect("plain", plainBody, api.Options{Quota: q}, handler)
	for i, step := range []struct {
		path   string
		status int
		want   []string
	}{
		{"/things/ab?id=1", 200, []string{"2", "1", "31", ""}},
		{"/things/ab?id=none", 400, []string{"2", "0", "31", ""}}, // refused requests count
		{"/things/ab?id=1", 429, []string{"2", "0", "31", "31"}},
		{"/things/ab?id=none", 429, []string{"2", "0", "31", "31"}}, // nothing else was looked at
	} {
		w := send(t, a, request("GET", step.path, ""))
		if diff := cmp.Diff(step.want, ratesOf(w)); w.Code != step.status || diff != "" {
			t.Errorf("step %d: %d, want %d; limit, remaining, reset and retry (-want +got)\n%s", i, w.Code, step.status, diff)
		}
		if w.Code == 429 && message(t, w) != "too many requests of this organization" {
			t.Errorf("step %d: %s", i, w.Body)
		}
	}
	if calls != 1 {
		t.Errorf("the handler was called %d times, want once", calls)
	}
	r := request("GET", "/things/ab?id=0", "")
	w := send(t, a, r.WithContext(context.Background()))
	if len(q.took) != 4 || w.Header().Get("X-RateLimit-Limit") != "" {
		t.Errorf("a request of nobody took a permit: %v", q.took)
	}
	q.err = roster.Unavailable("busy", nil)
	if w := send(t, a, request("GET", "/things/ab?id=1", "")); w.Code != 503 || calls != 1 || w.Header().Get("X-RateLimit-Limit") != "" {
		t.Errorf("without the table: %d %v", w.Code, w.Header())
	}
}

func TestAPageTakesOnePermit(t *testing.T) {
	q := &rates{}
	page := api.Pages{
		Name: "pages", Route: "/pages/{secret}",
		Answer: func(_ http.ResponseWriter, r *http.Request) error {
			for range 2 {
				if err := api.Admit(r.Context(), 7, 9); err != nil {
					return err
				}
			}
			return nil
		},
		Fail: func(w http.ResponseWriter, _ *http.Request, _ error, p api.Problem) { w.WriteHeader(p.Status) },
	}.Handler(api.Options{Quota: q})
	for i, want := range [][]string{{"2", "1", "31", ""}, {"2", "0", "31", ""}, {"2", "0", "31", "31"}} {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest("GET", "/pages/x", nil))
		if diff := cmp.Diff(want, ratesOf(w)); diff != "" || (w.Code == 429) != (i == 2) {
			t.Errorf("page %d: %d (-want +got)\n%s", i, w.Code, diff)
		}
	}
	if diff := cmp.Diff([]roster.OrgID{9, 9, 9}, q.took); diff != "" {
		t.Errorf("permits (-want +got)\n%s", diff)
	}
}

func TestTheDocumentShowsTheRateHeaders(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{}, func(context.Context, *roster.Principal) error { return nil })
	text, err := a.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct{ Headers map[string]any }
		}
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&document); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for path, methods := range document.Paths {
		for method, op := range methods {
			for status, response := range op.Responses {
				seen++
				for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
					if _, has := response.Headers[name]; has != (status != "401") {
						t.Errorf("%s %s %s: header %s: %v", method, path, status, name, has)
					}
				}
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d answers", seen)
	}
}
