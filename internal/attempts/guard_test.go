package attempts_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/attempts"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

var _ attempts.Store = (*dynamo.Table)(nil)

const (
	tenant = roster.TenantID(7)
	jane   = roster.Email("jane@example.com")
)

// lasting is a time that the true clock, by which DynamoDB Local expires items, does not reach.
var lasting = time.Date(2100, time.January, 31, 22, 4, 5, 0, time.UTC)

// world is a guard at a table.
type world struct {
	*attempts.Guard
	*rostertest.Clock
	table *dynamo.Table
}

func newWorld(t testing.TB) *world {
	t.Helper()
	clock := rostertest.NewClock(lasting)
	table := rostertest.TableWith(t, dynamo.Options{Now: clock.Now})
	return &world{attempts.New(table, clock.Now), clock, table}
}

func from(ctx context.Context, address string) context.Context {
	return roster.WithSource(ctx, netip.MustParseAddr(address))
}

// fataler is a test of package testing or rapid.
type fataler interface {
	Fatal(...any)
	Helper()
}

// guess tries a secret and returns how long to wait until it is looked at, zero if it was.
func guess(t fataler, ctx context.Context, right bool, ask func(context.Context) (roster.Attempt, error)) time.Duration {
	t.Helper()
	attempt, err := ask(ctx)
	if e, ok := errors.AsType[*roster.Error](err); ok && e.Kind == roster.KindTooMany && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	if err != nil {
		t.Fatal(err)
	}
	told := attempt.Failed
	if right {
		told = attempt.Succeeded
	}
	if err := told(ctx); err != nil {
		t.Fatal(err)
	}
	return 0
}

func (w *world) password(email roster.Email) func(context.Context) (roster.Attempt, error) {
	return func(ctx context.Context) (roster.Attempt, error) { return w.Password(ctx, tenant, email) }
}

func (w *world) secret(id roster.ClientID) func(context.Context) (roster.Attempt, error) {
	return func(ctx context.Context) (roster.Attempt, error) { return w.ClientSecret(ctx, id) }
}

func TestWrongPasswordsOfAnAccountWaitLongerAndLonger(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context() // from nowhere: the account alone counts
	for i := range 5 {
		if wait := guess(t, ctx, false, w.password(jane)); wait != 0 {
			t.Fatalf("guess %d must wait %v", i, wait)
		}
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		want *= time.Second
		if wait := guess(t, ctx, true, w.password("Jane@Example.com")); wait != want {
			t.Fatalf("after %d wrong ones even the right one waits %v, want %v", 5+i, wait, want)
		}
		w.Advance(want - time.Millisecond)
		if wait := guess(t, ctx, false, w.password(jane)); wait != time.Millisecond {
			t.Fatalf("a millisecond before, one waits %v", wait)
		}
		w.Advance(time.Millisecond)
		if wait := guess(t, ctx, false, w.password(jane)); wait != 0 {
			t.Fatalf("after the wait, one waits %v more", wait)
		}
	}
	for name, other := range map[string]func(context.Context) (roster.Attempt, error){
		"another address": w.password("john@example.com"),
		"another tenant":  func(ctx context.Context) (roster.Attempt, error) { return w.Password(ctx, 8, jane) },
		"a client":        w.secret(roster.ClientID(jane)),
	} {
		if wait := guess(t, ctx, false, other); wait != 0 {
			t.Errorf("%s waits %v", name, wait)
		}
	}
	w.Advance(5 * time.Minute)
	if wait := guess(t, ctx, true, w.password(jane)); wait != 0 {
		t.Fatalf("after the wait, the right one waits %v", wait)
	}
	for range 5 {
		if wait := guess(t, ctx, false, w.password(jane)); wait != 0 {
			t.Fatalf("the right one has not made good for the wrong ones: %v", wait)
		}
	}
	if wait := guess(t, ctx, false, w.password(jane)); wait != time.Second {
		t.Errorf("after five more, one waits %v", wait)
	}
	w.Advance(24*time.Hour + time.Second)
	for range 5 {
		if wait := guess(t, ctx, false, w.password(jane)); wait != 0 {
			t.Errorf("a day later, one waits %v", wait)
		}
	}
	w.mustFit(t)
}

func (w *world) mustFit(t *testing.T) {
	t.Helper()
	if _, err := w.table.Check(t.Context(), func(f dynamo.Finding) error { t.Error(f); return nil }); err != nil {
		t.Error(err)
	}
}

func TestWrongSecretsOfClientsAndFromAddresses(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name, address, same, other string
		free                       int
		ask                        func(i int) func(context.Context) (roster.Attempt, error)
	}{
		{"secrets", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", 20, func(i int) func(context.Context) (roster.Attempt, error) {
			return w.secret(roster.ClientID(fmt.Sprintf("client-%d", i)))
		}},
		{"passwords", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1", 100, func(i int) func(context.Context) (roster.Attempt, error) {
			return w.password(roster.Email(fmt.Sprintf("user%d@example.com", i)))
		}},
	} {
		ctx := from(t.Context(), tt.address)
		for i := range tt.free {
			if wait := guess(t, ctx, false, tt.ask(i)); wait != 0 {
				t.Fatalf("%s: guess %d waits %v", tt.name, i, wait)
			}
		}
		if wait := guess(t, from(t.Context(), tt.same), true, tt.ask(-1)); wait != time.Second {
			t.Errorf("%s: of another account from the same address one waits %v", tt.name, wait)
		}
		if wait := guess(t, from(t.Context(), tt.other), true, tt.ask(-1)); wait != 0 {
			t.Errorf("%s: from another address one waits %v", tt.name, wait)
		}
		w.Advance(time.Second)
		if wait := guess(t, ctx, true, tt.ask(-2)); wait != 0 {
			t.Errorf("%s: after the wait one waits %v", tt.name, wait)
		}
		// The right one made good for itself, not for those before.
		w.Advance(time.Second)
		if wait := guess(t, ctx, false, tt.ask(-3)); wait != 0 {
			t.Errorf("%s: after the right one, one waits %v", tt.name, wait)
		}
		if wait := guess(t, ctx, false, tt.ask(-4)); wait != 2*time.Second {
			t.Errorf("%s: after one more, one waits %v", tt.name, wait)
		}
		w.Advance(15 * time.Minute)
		if wait := guess(t, ctx, false, tt.ask(-5)); wait != 0 {
			t.Errorf("%s: a quarter of an hour later, one waits %v", tt.name, wait)
		}
	}
	w.mustFit(t)
}

// TestGuessesAtTheSameMoment lets 64 guess at once, again and again, once one was wrong: of all of them no more are looked at than
// one after the other would be.
func TestGuessesAtTheSameMoment(t *testing.T) {
	w := newWorld(t)
	ctx := from(t.Context(), "192.0.2.1")
	guess(t, ctx, false, w.password(jane))
	for _, want := range []int64{4, 0, 1} {
		var looked atomic.Int64
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if guess(t, ctx, false, w.password(jane)) == 0 {
					looked.Add(1)
				}
			})
		}
		wg.Wait()
		if got := looked.Load(); got != want {
			t.Errorf("%d of 64 guesses are looked at, want %d", got, want)
		}
		if want == 0 {
			w.Advance(time.Second)
		}
	}
	// Those that are the first of all are looked at, and every one of them is counted.
	begun := make([]roster.Attempt, 8)
	for i := range begun {
		var err error
		if begun[i], err = w.ClientSecret(ctx, "portal"); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for _, attempt := range begun {
		wg.Go(func() {
			if err := attempt.Failed(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	counts, err := w.table.Attempts(ctx, roster.NewAttemptKey("client", "portal"))
	if err != nil || counts[0].Failures != 8 {
		t.Errorf("%+v, %v, want 8 counted", counts, err)
	}
}

// TestWhatRightSecretsCost pins that nothing is written for one, unless others were wrong.
func TestWhatRightSecretsCost(t *testing.T) {
	w := newWorld(t)
	ctx := from(t.Context(), "192.0.2.1")
	cost := func(right bool) roster.Cost {
		meter := &roster.Meter{}
		guess(t, roster.WithMeter(ctx, meter), right, w.password(jane))
		c := meter.Cost()
		c.Time = 0
		return c
	}
	if got := cost(true); got.Calls != 1 || got.Writes != 0 || got.Reads > 2 {
		t.Errorf("a right one costs %+v, want one read of two items", got)
	}
	if got := cost(false); got.Calls != 3 || got.Writes != 2 {
		t.Errorf("a wrong one costs %+v, want two writes", got)
	}
	if got := cost(true); got.Calls != 3 || got.Writes != 2 {
		t.Errorf("a right one after a wrong one costs %+v, want a write before and one after", got)
	}
	if got := cost(true); got.Calls != 1 || got.Writes != 0 {
		t.Errorf("the next one costs %+v, want one read", got)
	}
}

// TestWithoutTheTableNothingIsLookedAt holds that no failure of the table is a free pass.
func TestWithoutTheTableNothingIsLookedAt(t *testing.T) {
	faults := rostertest.NewFaults(1)
	table := rostertest.TableWith(t, dynamo.Options{}, rostertest.WithTransport(faults))
	g := attempts.New(table, time.Now)
	faults.Set(rostertest.Fault{Kind: rostertest.Unavailable, Operation: "BatchGetItem"})
	if _, err := g.Password(t.Context(), tenant, jane); roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("without reads: %v", err)
	}
	faults.Set()
	attempt, err := g.Password(t.Context(), tenant, jane)
	if err != nil {
		t.Fatal(err)
	}
	faults.Set(rostertest.Fault{Kind: rostertest.Unavailable, Operation: "UpdateItem"})
	if err := attempt.Failed(t.Context()); roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("without writes: %v", err)
	}
}

// TestALostReservationLocksNobodyOut loses the answer to the write that counts a right secret before it is looked at: it counts twice,
// and is good all the same.
func TestALostReservationLocksNobodyOut(t *testing.T) {
	clock, faults := rostertest.NewClock(lasting), rostertest.NewFaults(1)
	table := rostertest.TableWith(t, dynamo.Options{Now: clock.Now}, rostertest.WithTransport(faults))
	w := &world{attempts.New(table, clock.Now), clock, table}
	guess(t, t.Context(), false, w.password(jane))
	faults.Set(rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "UpdateItem", Times: 1})
	for i, right := range []bool{false, true} {
		if wait := guess(t, t.Context(), right, w.password(jane)); wait != 0 || faults.Injected() != 1 {
			t.Errorf("guess %d waits %v after %d faults", i, wait, faults.Injected())
		}
	}
	counts, err := table.Attempts(t.Context(), roster.NewAttemptKey("account", tenant.String(), jane.Key()))
	if err != nil || counts[0].Failures != 0 {
		t.Errorf("%+v, %v, want none after the right one", counts, err)
	}
}

// TestNoPatienceHelps lets somebody guess at any times for a day: the number of guesses looked at is bounded by the rule.
func TestNoPatienceHelps(t *testing.T) {
	w := newWorld(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		account := w.password(roster.Email(fmt.Sprintf("victim%d@example.com", n)))
		looked, elapsed := 0, time.Duration(0)
		for range 30 {
			if guess(t, context.Background(), false, account) == 0 {
				looked++
			}
			pause := time.Duration(rapid.Int64Range(0, 200).Draw(t, "pause")) * time.Second
			w.Advance(pause)
			elapsed += pause
		}
		// 5 at once, 9 while the wait grows to its most, and one in each five minutes.
		if most := 5 + 9 + int(elapsed/(5*time.Minute)) + 1; looked > most {
			t.Errorf("%d guesses looked at in %v, want %d at most", looked, elapsed, most)
		}
	})
}
