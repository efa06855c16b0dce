package quota

import (
	"context"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Store keeps the count of the permits that all environments have leased. It is safe for concurrent use.
type Store interface {
	// LeasePermits takes permits from those of the minute, all that are asked for or what there is yet, and returns how many it
	// took: zero if none was left. taken is how many are taken then, by everybody: the limit once none is left. A store that does not
	// answer is a KindUnavailable error.
	LeasePermits(ctx context.Context, lease roster.PermitLease) (leased, taken int64, err error)
}

// DefaultLimit is how many requests an organization may make in a minute where nothing else is said (CONTRACT 1.6).
const DefaultLimit = 10_000

// Limiter gives out permits in one environment. It is safe for concurrent use. Build it with New; a nil Limiter lets everything
// through, with permits that say nothing.
type Limiter struct {
	store Store
	limit int64
	now   func() time.Time

	mu       sync.Mutex
	minute   time.Time       // that of the accounts, guarded by mu
	accounts map[of]*account // of the organizations that asked in the minute, guarded by mu
}

// of says whose requests are counted.
type of struct {
	tenant roster.TenantID
	org    roster.OrgID
}

// New returns a Limiter that lets through limit requests a minute, 1 or more, of each organization. now tells the time.
func New(store Store, limit int64, now func() time.Time) *Limiter {
	return &Limiter{store: store, limit: limit, now: now}
}

// account is what the environment has leased for an organization in a minute.
type account struct {
	of
	minute time.Time
	// turn holds one value. Who has taken it out may use what is below, and is the only one that leases.
	turn chan struct{}
	// leased is how many permits there were in all leases of the minute, left how many of them are unused.
	leased, left int64
	// taken is how many were taken by everybody, as of the last lease.
	taken int64
}

// Take returns a permit for one request. Where none is left in this minute it is a KindTooMany error that says when the next
// minute begins, with the permit that was not given; where that cannot be found out it is KindUnavailable.
func (l *Limiter) Take(ctx context.Context, tenant roster.TenantID, org roster.OrgID) (roster.Permit, error) {
	if l == nil {
		return roster.Permit{}, nil
	}
	for {
		a := l.account(of{tenant, org})
		select {
		case <-a.turn:
		case <-ctx.Done():
			return roster.Permit{}, roster.Unavailable("the directory is busy, try again shortly", ctx.Err())
		}
		permit, over, err := l.take(ctx, a)
		a.turn <- struct{}{}
		if !over {
			return permit, err
		}
		// The minute was over before its permit was there, which let nobody through.
	}
}

// account returns the account of an organization in this minute. Those of another minute are forgotten.
func (l *Limiter) account(whose of) *account {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := minuteOf(l.now()); l.accounts == nil || !l.minute.Equal(now) {
		l.minute, l.accounts = now, map[of]*account{}
	}
	a := l.accounts[whose]
	if a == nil {
		a = &account{of: whose, minute: l.minute, turn: make(chan struct{}, 1)}
		a.turn <- struct{}{}
		l.accounts[whose] = a
	}
	return a
}

// take takes a permit from an account whose turn the caller has. over says that the account's minute is not the one it is.
func (l *Limiter) take(ctx context.Context, a *account) (permit roster.Permit, over bool, err error) {
	if _, over := a.reset(l.now()); over {
		return roster.Permit{}, true, nil
	}
	if a.left == 0 && a.taken < l.limit {
		if err := l.lease(ctx, a); err != nil {
			return roster.Permit{}, false, err
		}
	}
	reset, over := a.reset(l.now())
	if over {
		return roster.Permit{}, true, nil
	}
	if a.left == 0 {
		return roster.Permit{Limit: l.limit, Reset: reset}, false, roster.TooManyRequests(reset)
	}
	a.left--
	return roster.Permit{Limit: l.limit, Remaining: l.limit - a.taken + a.left, Reset: reset}, false, nil
}

// lease gets the account a block of permits. After it, taken says whether another attempt can get any.
func (l *Limiter) lease(ctx context.Context, a *account) error {
	leased, taken, err := l.store.LeasePermits(ctx, roster.PermitLease{
		Tenant: a.tenant, Org: a.org, Minute: a.minute, Permits: l.block(a), Limit: l.limit,
	})
	if err != nil {
		return err
	}
	a.leased, a.left, a.taken = a.leased+leased, leased, taken
	return nil
}

// The shares that bound a block: of the limit for the least, of what is left for the most. With the first, 150 environments
// that get one request each are all served.
const (
	leastShare = 150
	mostShare  = 16
)

// block returns how many permits to lease. The more an account has used, the more it will; the less is left, the more would be
// missed by others. It is a third more than what was used: with less, 64 environments that use up the default limit write more often than once
// per 50 requests; with more, they keep more from one another.
func (l *Limiter) block(a *account) int64 {
	least := max(l.limit/leastShare, 1)
	return max(min(a.leased+a.leased/3, (l.limit-a.taken)/mostShare), least)
}

// reset returns how long the account's minute lasts yet. over says that it is another one now.
func (a *account) reset(now time.Time) (reset time.Duration, over bool) {
	return a.minute.Add(time.Minute).Sub(now), !minuteOf(now).Equal(a.minute)
}

func minuteOf(at time.Time) time.Time { return at.UTC().Truncate(time.Minute) }
