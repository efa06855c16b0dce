package attempts

import (
	"context"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Store keeps the counts. It is safe for concurrent use; one that does not answer is a KindUnavailable error.
type Store interface {
	// Attempts returns how the keys, which differ, stand, as last written, in their order. What has expired is none.
	Attempts(ctx context.Context, keys ...roster.AttemptKey) ([]roster.AttemptCount, error)
	// ReserveAttempt counts one more at a time if the key stands as seen, and reports whether it does; if not, it returns how it
	// stands. Of several calls with one seen, one counts.
	ReserveAttempt(ctx context.Context, key roster.AttemptKey, seen roster.AttemptCount, at, expires time.Time) (roster.AttemptCount, bool, error)
	// CountAttempt counts one more at a time, however the key stands. expires is when it expires if nothing is counted yet, or if
	// it slides.
	CountAttempt(ctx context.Context, key roster.AttemptKey, at, expires time.Time, slides bool) error
	// ForgetAttempts makes the count none.
	ForgetAttempts(ctx context.Context, key roster.AttemptKey) error
	// UncountAttempt counts one less.
	UncountAttempt(ctx context.Context, key roster.AttemptKey) error
}

// Guard slows those who guess. It is safe for concurrent use. Build it with New.
type Guard struct {
	store Store
	now   func() time.Time
}

// New returns a Guard. now tells the time.
func New(store Store, now func() time.Time) *Guard { return &Guard{store: store, now: now} }

// Password is asked before the password is looked at that is said to be of the tenant's user with that address, whether or not there is
// one. It is a KindTooMany error, with the time to wait, if too many were wrong.
func (g *Guard) Password(ctx context.Context, tenant roster.TenantID, email roster.Email) (roster.Attempt, error) {
	return g.begin(ctx, &ofAddressForPasswords, "password", subject{
		rule: &ofAccount, key: roster.NewAttemptKey("account", tenant.String(), email.Key()),
	})
}

// ClientSecret is asked before the secret is looked at that is said to be of that client, as Password is.
func (g *Guard) ClientSecret(ctx context.Context, id roster.ClientID) (roster.Attempt, error) {
	return g.begin(ctx, &ofAddressForSecrets, "secret", subject{rule: &ofClient, key: roster.NewAttemptKey("client", string(id))})
}

// subject is what wrong secrets are counted for.
type subject struct {
	*rule
	key roster.AttemptKey
	// counted says that the attempt is counted already.
	counted bool
}

// begin decides whether a secret of that kind may be looked at, by what it is of and by where it comes from.
func (g *Guard) begin(ctx context.Context, ofAddress *rule, kind string, of subject) (roster.Attempt, error) {
	subjects := []subject{of}
	if source := roster.SourceFrom(ctx); source.IsValid() {
		subjects = append(subjects, subject{rule: ofAddress, key: roster.NewAttemptKey("address", kind, network(source))})
	}
	keys := make([]roster.AttemptKey, len(subjects))
	for i := range subjects {
		keys[i] = subjects[i].key
	}
	counts, err := g.store.Attempts(ctx, keys...)
	if err != nil {
		return roster.Attempt{}, err
	}
	// Whoever is to wait is told so before anything is written: asking within the wait does not make it longer.
	var wait time.Duration
	for i := range subjects {
		wait = max(wait, subjects[i].left(counts[i], g.now()))
	}
	if wait > 0 {
		return roster.Attempt{}, roster.TooManyAttempts(wait)
	}
	for i := range subjects {
		if err := g.reserve(ctx, &subjects[i], counts[i]); err != nil {
			return roster.Attempt{}, err
		}
	}
	return roster.Attempt{
		Failed:    func(ctx context.Context) error { return g.failed(ctx, subjects) },
		Succeeded: func(ctx context.Context) error { return g.succeeded(ctx, subjects) },
	}, nil
}

// maxRaces is how often a reservation is tried anew that somebody else was faster with. Each time one more is counted, so before
// that the rule has made them wait.
const maxRaces = 100

// reserve counts the attempt before it is looked at, where the rule wants it.
func (g *Guard) reserve(ctx context.Context, s *subject, seen roster.AttemptCount) error {
	for range maxRaces {
		if seen.Failures < s.reserved {
			return nil
		}
		now := g.now()
		if wait := s.left(seen, now); wait > 0 {
			return roster.TooManyAttempts(wait)
		}
		current, ok, err := g.store.ReserveAttempt(ctx, s.key, seen, now, s.expires(seen, now))
		if err != nil {
			return err
		}
		if ok {
			s.counted = true
			return nil
		}
		seen = current
	}
	return roster.TooManyAttempts(time.Second)
}

// failed counts a wrong secret for whatever it is not counted yet.
func (g *Guard) failed(ctx context.Context, subjects []subject) error {
	now := g.now()
	for i := range subjects {
		s := &subjects[i]
		if s.counted {
			continue
		}
		if err := g.store.CountAttempt(ctx, s.key, now, now.Add(s.window), s.slides); err != nil {
			return err
		}
	}
	return nil
}

// succeeded makes good for wrong secrets, or for the attempt alone.
func (g *Guard) succeeded(ctx context.Context, subjects []subject) error {
	for i := range subjects {
		s := &subjects[i]
		if !s.counted {
			continue
		}
		undo := g.store.UncountAttempt
		if s.forgiven {
			undo = g.store.ForgetAttempts
		}
		if err := undo(ctx, s.key); err != nil {
			return err
		}
	}
	return nil
}
