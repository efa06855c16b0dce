package roster

import (
	"context"
	"sync"
	"time"
)

// Meter adds up what one request cost at the table. Package dynamo adds to the meter in a call's context; package api
// puts one there and reports it. It is safe for concurrent use, and a nil Meter counts nothing.
type Meter struct {
	mu   sync.Mutex
	cost Cost // guarded by mu
}

// Cost is what a Meter has counted.
type Cost struct {
	// Calls is the number of requests to the table, retries included.
	Calls int
	// Reads and Writes are consumed capacity units (RRU and WRU), indexes included.
	Reads, Writes float64
	// TableWrites are the WRU of the table alone, without its indexes.
	TableWrites float64
	// Time is the time spent waiting for the table; calls side by side count one by one.
	Time time.Duration
}

// Add adds c to the meter.
func (m *Meter) Add(c Cost) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cost.Calls += c.Calls
	m.cost.Reads += c.Reads
	m.cost.Writes += c.Writes
	m.cost.TableWrites += c.TableWrites
	m.cost.Time += c.Time
}

// Cost returns what has been counted so far.
func (m *Meter) Cost() Cost {
	if m == nil {
		return Cost{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cost
}

type meterKey struct{}

// WithMeter returns a context whose table calls are counted by m.
func WithMeter(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, meterKey{}, m)
}

// MeterFrom returns the context's meter, nil where there is none.
func MeterFrom(ctx context.Context) *Meter {
	m, _ := ctx.Value(meterKey{}).(*Meter)
	return m
}
