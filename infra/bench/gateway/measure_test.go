package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// newServer returns a Server whose requests go to handler.
func newServer(t *testing.T, handler http.HandlerFunc) *Server {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	s := &Server{client: web.Client(), token: "token"}
	s.demo.BaseURL = web.URL
	return s
}

func TestMeasureCountsWhatItSentAfterTheFirst(t *testing.T) {
	var got atomic.Int64
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		got.Add(1)
		if r.Header.Get("Authorization") != "Bearer token" {
			t.Errorf("Authorization = %q", r.Header.Get("Authorization"))
		}
		w.Header().Set("Server-Timing", `table;dur=0.25;desc="4 calls, 2.0 RRU, 4 WRU"`)
	})
	c := fixed("two", Request{Method: http.MethodGet, Path: "/a"}, Request{Method: http.MethodGet, Path: "/b"})
	m, err := s.Measure(t.Context(), c, 20, 3, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if m.Requests() != 20 || got.Load() != 22 {
		t.Errorf("%d requests count of %d, want 20 of 22", m.Requests(), got.Load())
	}
	if reads, writes := m.Units(); reads != 2 || writes != 4 {
		t.Errorf("a request takes %v RRU and %v WRU, want 2 and 4", reads, writes)
	}
	if m.Rate() <= 0 || m.TableShare() <= 0 || m.Quantile(0.5) > m.Quantile(0.99) {
		t.Errorf("rate %v, share of the table %v, p50 %v, p99 %v", m.Rate(), m.TableShare(), m.Quantile(0.5), m.Quantile(0.99))
	}
}

func TestMeasureEndsAtItsLimitAndAtARefusal(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, "slow down")
		}
	})
	m, err := s.Measure(t.Context(), fixed("get", Request{Method: http.MethodGet, Path: "/"}), 1<<30, 2, 20*time.Millisecond)
	if err != nil || m.Requests() == 0 {
		t.Errorf("after its limit: %d requests, %v", m.Requests(), err)
	}
	write := Class{Name: "write", Request: func(int) Request { return Request{Method: http.MethodPost, Path: "/"} }}
	if _, err := s.Measure(t.Context(), write, 1, 1, time.Minute); err == nil || !strings.Contains(err.Error(), "status 429: slow down") {
		t.Errorf("a refused request gives %v", err)
	}
}

func TestQuantile(t *testing.T) {
	var m Measured
	for i := range 100 {
		m.samples = append(m.samples, sample{took: time.Duration(100 - i)})
	}
	if p50, p99 := m.Quantile(0.5), m.Quantile(0.99); p50 != 51 || p99 != 100 {
		t.Errorf("of 1 to 100, p50 = %d and p99 = %d, want 51 and 100", p50, p99)
	}
}

func TestCustomersID(t *testing.T) {
	if got, want := customersID(0x46000000001), "757365720000046000000001"; got != want { // as in events/customers-update.json
		t.Errorf("customersID = %s, want %s", got, want)
	}
}
