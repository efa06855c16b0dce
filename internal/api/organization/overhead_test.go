package organization_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// canned is a table and a replica that take no time: what is left is the overhead.
type canned struct {
	directory.Users
	directory.Search
	page roster.UserPage
}

func (c *canned) SearchUsers(context.Context, roster.TenantID, roster.Query) (roster.UserPage, error) {
	return c.page, nil
}

func (c *canned) User(context.Context, roster.TenantID, roster.UserID) (roster.User, error) {
	return c.page.Users[0], nil
}

// sink is a ResponseWriter that counts.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) Write(p []byte) (int, error) {
	s.bytes += len(p)
	return len(p), nil
}

// overhead returns a function that sends one search through a dialect that logs, whose answer has about 2 KB.
func overhead(t testing.TB) func() {
	c := &canned{}
	for i := range 19 {
		u := world.Users()[i%10]
		u.ID = roster.UserID(7311234567890123 + i)
		u.Email = roster.Email("user" + strconv.Itoa(i) + "@example.com")
		c.page.Users = append(c.page.Users, u)
	}
	c.page.Total = len(c.page.Users)
	h := organization.New(directory.New(directory.Ports{Users: c, Search: c}), api.Options{Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	r := httptest.NewRequest(http.MethodGet, searchPath+"?query=ann%20b&sortBy=Name&sortOrder=DESC&page=3&size=20", nil)
	r = r.WithContext(api.WithRequestID(api.WithPrincipal(r.Context(), world.Client(world.Acme)), "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"))
	send := func() {
		w := &sink{header: http.Header{}}
		h.ServeHTTP(w, r)
		if w.status != http.StatusOK || w.bytes < 1900 || w.bytes > 2200 {
			t.Fatalf("the answer is %d of %d bytes, want 200 of 2 KB", w.status, w.bytes)
		}
	}
	send()
	return send
}

// TestAWarmRequestAllocatesLittle holds the bar of the design: at most 200 allocations for an answer of 2 KB, outside the
// table and the replica.
func TestAWarmRequestAllocatesLittle(t *testing.T) {
	send := overhead(t)
	if got := testing.AllocsPerRun(100, send); got > 100 {
		t.Errorf("a search makes %.0f allocations, want at most 100", got)
	}
}

// BenchmarkWarmRequest is to stay below 50 µs on one core.
func BenchmarkWarmRequest(b *testing.B) {
	send := overhead(b)
	b.ReportAllocs()
	for b.Loop() {
		send()
	}
}

// BenchmarkBuild is what a cold start pays for the dialect.
func BenchmarkBuild(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		organization.New(nil, api.Options{})
	}
}
