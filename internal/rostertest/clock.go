package rostertest

import (
	"sync"
	"time"
)

// Clock is a clock that stands still until it is told otherwise. Its Now goes where a constructor takes one. It is safe
// for concurrent use; the zero Clock stands at the zero time.
type Clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

// NewClock returns a clock that stands at now, or at 2026-01-02 03:04:05 UTC if now is the zero time.
func NewClock(now time.Time) *Clock {
	if now.IsZero() {
		now = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	}
	return &Clock{now: now}
}

// Now returns where the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set puts the clock to now, also backwards.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// Advance moves the clock by d, backwards if it is negative, and returns where it then stands.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}
