package dynamo

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"time"

	"github.com/aws/smithy-go"
)

// A shard of a tenant's feed is one partition of the index, which gives 3,000 read units a second to all who read it together. Whoever
// reads more than feedBurst of it goes on at feedRate, so that cold processes that load a large tenant at the same time leave
// something to the looks of warm ones; and when the partition has had enough all the same, its readers slow down and wait, each for a
// time of its own.
const (
	// feedRate is in read units a second: 8 MB, of each of four shards.
	feedRate = 1000
	// feedBurst is what is read as fast as it comes: 12 MB of a shard, some 100,000 users in four.
	feedBurst = 1500
	// slowestRate is the least that a reader slows down to.
	slowestRate = 125
)

// pace is a token bucket of read units, for one reading of a shard.
type pace struct {
	rate   float64 // units a second
	tokens float64
	filled time.Time
}

func newPace(now time.Time) *pace { return &pace{rate: feedRate, tokens: feedBurst, filled: now} }

// spend takes the units that a page has consumed, and returns how long to wait before the next one: until the bucket is out of debt.
func (p *pace) spend(now time.Time, units float64) time.Duration {
	if elapsed := now.Sub(p.filled).Seconds(); elapsed > 0 {
		p.tokens = min(feedBurst, p.tokens+elapsed*p.rate)
	}
	p.filled = now
	if p.tokens -= units; p.tokens >= 0 {
		return 0
	}
	return time.Duration(-p.tokens / p.rate * float64(time.Second))
}

// slow halves the rate, after the table has refused to answer faster. What has been saved up is gone.
func (p *pace) slow() {
	p.rate = max(slowestRate, p.rate/2)
	p.tokens = min(0, p.tokens)
}

// patientTries bounds how often a large read or write is tried that the table refuses for being too fast, beyond the SDK's own tries. With
// pauses of up to 0.2, 0.4 ... 3.2 s, the last comes about three seconds after the first.
const (
	patientTries = 6
	patientPause = 200 * time.Millisecond
)

// patiently does a call again that the table refuses for being too fast, after a pause anywhere between nothing and a bound that grows
// ("full jitter"), since those who were refused together must not come back together.
func (t *Table) patiently(ctx context.Context, call func() error) error {
	for try := 0; ; try++ {
		err := call()
		if err == nil || !tooFast(err) || try == patientTries-1 {
			return err
		}
		if paused := t.pause(ctx, mathrand.N(patientPause<<try)); paused != nil {
			return failed("waiting to try again", paused)
		}
	}
}

// tooFast reports whether the table refused a call because there were too many.
func tooFast(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && throttling(api.ErrorCode())
}
