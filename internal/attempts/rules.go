package attempts

import (
	"net/netip"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// rule says how wrong secrets slow what they are counted for.
type rule struct {
	// free is how many may be wrong before each further one must wait, the first a second and each one twice as long as the
	// one before, but no longer than most.
	free int64
	most time.Duration
	// reserved is from how many wrong ones on an attempt is counted before it is looked at.
	reserved int64
	// window is how long they are remembered: from the last one if it slides, else from the first one.
	window time.Duration
	slides bool
	// forgiven says that a right secret makes good for all wrong ones.
	forgiven bool
}

// The rules. A window that slides never ends while somebody goes on guessing; that of an address ends, since others may have
// the address, and nobody's right secret makes good for it.
var (
	ofAccount = rule{free: 5, reserved: 1, most: 5 * time.Minute, window: 24 * time.Hour, slides: true, forgiven: true}
	ofClient  = rule{free: 5, reserved: 1, most: time.Minute, window: time.Hour, slides: true, forgiven: true}

	ofAddressForPasswords = rule{free: 100, reserved: 50, most: 5 * time.Minute, window: 15 * time.Minute}
	ofAddressForSecrets   = rule{free: 20, reserved: 10, most: 5 * time.Minute, window: 15 * time.Minute}
)

// wait returns how long to wait after so many wrong secrets.
func (r *rule) wait(failures int64) time.Duration {
	if failures < r.free {
		return 0
	}
	return min(time.Second<<min(failures-r.free, 30), r.most)
}

// left returns how much of the wait is left at now.
func (r *rule) left(c roster.AttemptCount, now time.Time) time.Duration {
	wait := r.wait(c.Failures)
	if wait == 0 {
		return 0
	}
	// The clock of who counted may be ahead of this one.
	return min(c.LastAt.Add(wait).Sub(now), wait)
}

// expires returns when the wrong secrets are forgotten, of which one more is counted at now.
func (r *rule) expires(c roster.AttemptCount, now time.Time) time.Time {
	if r.slides || c.Failures == 0 {
		return now.Add(r.window)
	}
	return c.ExpiresAt
}

// network returns what an address is counted as: an IPv6 one as its /64, of which whoever has one address has them all.
func network(source netip.Addr) string {
	source = source.Unmap().WithZone("")
	if source.Is4() {
		return source.String()
	}
	prefix, err := source.Prefix(64)
	if err != nil {
		return source.String()
	}
	return prefix.String()
}
