package dynamo

import (
	"testing"
	"time"
)

// Over any time, a reader takes no more than the burst and what the rate gives.
func TestPaceKeepsToItsRate(t *testing.T) {
	now := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	start := now
	p := newPace(now)
	spent, free := 0.0, 0.0
	for range 200 { // pages of a MB
		wait := p.spend(now, 128)
		spent += 128
		if wait == 0 {
			free = spent
		}
		now = now.Add(wait)
	}
	if elapsed := now.Sub(start).Seconds(); spent > feedBurst+feedRate*elapsed+128 || spent < feedRate*elapsed {
		t.Errorf("%v units were read in %v s", spent, elapsed)
	}
	if free < feedBurst-128 || free > feedBurst {
		t.Errorf("%v units were read as fast as they came, want about %d", free, feedBurst)
	}
	p.slow()
	if wait, want := p.spend(now, 128), time.Duration(128/(feedRate/2.0)*float64(time.Second)); wait < want-time.Millisecond {
		t.Errorf("slowed down, a page is followed by a wait of %v, want at least %v", wait, want)
	}
	for range 20 {
		p.slow()
	}
	if p.rate != slowestRate {
		t.Errorf("slowed down without end, the rate is %v", p.rate)
	}
	now = now.Add(time.Hour)
	if p.spend(now, 1); p.tokens > feedBurst {
		t.Errorf("after an hour of nothing, %v units are saved up", p.tokens)
	}
}
