package gateway

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Measured is what came of one class of requests.
type Measured struct {
	samples []sample
	elapsed time.Duration
}

// Measure sends requests of a class from a number of clients at a time, after some that do not count, and stops sending after at
// most limit.
func (s *Server) Measure(ctx context.Context, c Class, requests, clients int, limit time.Duration) (Measured, error) {
	for n := range c.distinct {
		if _, err := s.ask(ctx, c.Request(n), nil); err != nil {
			return Measured{}, err
		}
	}
	next := make(chan Request)
	var mu sync.Mutex
	var m Measured
	var failed error
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for r := range next {
				one, err := s.ask(ctx, r, nil)
				mu.Lock()
				m.samples, failed = append(m.samples, one), cmp.Or(failed, err)
				mu.Unlock()
			}
		})
	}
	began := time.Now()
	for n := 0; n < requests && time.Since(began) < limit && ctx.Err() == nil; n++ {
		next <- c.Request(n)
	}
	close(next)
	wg.Wait()
	m.elapsed = time.Since(began)
	return m, cmp.Or(failed, ctx.Err())
}

// Requests returns how many requests were measured.
func (m Measured) Requests() int { return len(m.samples) }

// Rate returns the requests per second of all clients together.
func (m Measured) Rate() float64 { return float64(len(m.samples)) / m.elapsed.Seconds() }

// Quantile returns the latency below which the share q of the requests lies.
func (m Measured) Quantile(q float64) time.Duration {
	took := make([]time.Duration, len(m.samples))
	for i := range m.samples {
		took[i] = m.samples[i].took
	}
	slices.Sort(took)
	return took[min(int(q*float64(len(took))), len(took)-1)]
}

// TableShare returns the part of the time in which a call to the table was under way.
func (m Measured) TableShare() float64 {
	var table, all time.Duration
	for i := range m.samples {
		table, all = table+m.samples[i].table, all+m.samples[i].took
	}
	return float64(table) / float64(all)
}

// Units returns the capacity units that a request took on average, those of indexes included.
func (m Measured) Units() (reads, writes float64) {
	for i := range m.samples {
		reads, writes = reads+m.samples[i].reads, writes+m.samples[i].writes
	}
	n := float64(len(m.samples))
	return reads / n, writes / n
}
