package roster

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// Meter adds up what one request cost at the table. Package dynamo adds to the meter in a call's context; package api
// puts one there and reports it. It is safe for concurrent use, and a nil Meter counts nothing.
type Meter struct {
	mu    sync.Mutex
	cost  Cost      // guarded by mu
	open  int       // calls under way, guarded by mu
	since time.Time // when open last became positive, guarded by mu
}

// Cost is what a Meter has counted.
type Cost struct {
	// Calls is the number of requests to the table, retries included.
	Calls int
	// Reads and Writes are consumed capacity units (RRU and WRU), indexes included.
	Reads, Writes float64
	// TableWrites are the WRU of the table alone, without its indexes.
	TableWrites float64
	// Time is the time during which at least one call was under way.
	Time time.Duration
}

// ServerTiming returns the cost for the header Server-Timing, by which a caller sees what a request cost at the table (W3C Server
// Timing): milliseconds, calls, and read and write units.
func (c Cost) ServerTiming() string {
	// Every answer has one: this allocates once.
	text := make([]byte, 0, 64)
	text = strconv.AppendFloat(append(text, "table;dur="...), float64(c.Time)/float64(time.Millisecond), 'f', 2, 64)
	text = strconv.AppendInt(append(text, `;desc="`...), int64(c.Calls), 10)
	text = strconv.AppendFloat(append(text, " calls, "...), c.Reads, 'f', -1, 64)
	text = strconv.AppendFloat(append(text, " RRU, "...), c.Writes, 'f', -1, 64)
	return string(append(text, ` WRU"`...))
}

// Begin counts a call to the table that begins at that time. End must follow.
func (m *Meter) Begin(at time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cost.Calls++
	if m.open == 0 {
		m.since = at
	}
	m.open++
}

// End says that a call has ended, well or not. Calls side by side share their time.
func (m *Meter) End(at time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open--
	if m.open == 0 {
		m.cost.Time += at.Sub(m.since)
	}
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
