package dynamo_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// attemptsWorld is a table whose clock no true one, by which DynamoDB Local expires items, reaches.
func attemptsWorld(t *testing.T) (*dynamo.Table, *rostertest.Clock, *rostertest.Faults) {
	t.Helper()
	clock, faults := rostertest.NewClock(time.Date(2100, time.January, 31, 22, 4, 5, 0, time.UTC)), rostertest.NewFaults(1)
	return rostertest.TableWith(t, dynamo.Options{Now: clock.Now}, rostertest.WithTransport(faults)), clock, faults
}

// counted returns how the key stands.
func counted(t *testing.T, table *dynamo.Table, k roster.AttemptKey) roster.AttemptCount {
	t.Helper()
	counts, err := table.Attempts(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return counts[0]
}

func TestAttemptsAreCounted(t *testing.T) {
	table, clock, _ := attemptsWorld(t)
	sliding, fixed := roster.AttemptKey{1}, roster.AttemptKey{2}
	count := func(k roster.AttemptKey, slides bool) {
		t.Helper()
		now := clock.Now()
		cost := rostertest.CostOf(t, func(ctx context.Context) error {
			return table.CountAttempt(ctx, k, now, now.Add(time.Minute), slides)
		})
		if cost.Calls != 1 || cost.Writes != 1 {
			t.Errorf("counting one costs %+v, want one write unit", cost)
		}
	}
	first := clock.Now()
	for range 3 {
		count(sliding, true)
		count(fixed, false)
		clock.Advance(10 * time.Second)
	}
	last := first.Add(20 * time.Second)
	for k, want := range map[roster.AttemptKey]roster.AttemptCount{
		sliding: {Failures: 3, LastAt: last, ExpiresAt: last.Add(time.Minute)},
		fixed:   {Failures: 3, LastAt: last, ExpiresAt: first.Add(time.Minute)},
		{3}:     {},
	} {
		if got := counted(t, table, k); got != want {
			t.Errorf("%x stands at %+v, want %+v", k[:1], got, want)
		}
	}
	if err := table.UncountAttempt(t.Context(), fixed); err != nil || counted(t, table, fixed).Failures != 2 {
		t.Errorf("one less: %+v, %v", counted(t, table, fixed), err)
	}
	for range 3 { // what is not there is not counted down
		if err := table.UncountAttempt(t.Context(), fixed); err != nil {
			t.Error(err)
		}
	}
	for _, err := range []error{table.ForgetAttempts(t.Context(), sliding), table.ForgetAttempts(t.Context(), roster.AttemptKey{3}), table.UncountAttempt(t.Context(), roster.AttemptKey{3})} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, k := range []roster.AttemptKey{sliding, fixed, {3}} {
		if got := counted(t, table, k); got != (roster.AttemptCount{}) {
			t.Errorf("%x stands at %+v, want none", k[:1], got)
		}
	}
}

// TestExpiredAttemptsBeginAnew counts where an expired count is still there, as DynamoDB leaves it for days.
func TestExpiredAttemptsBeginAnew(t *testing.T) {
	table, clock, _ := attemptsWorld(t)
	k := roster.AttemptKey{1}
	for range 2 {
		if err := table.CountAttempt(t.Context(), k, clock.Now(), clock.Now().Add(time.Minute), false); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(time.Minute)
	if got := counted(t, table, k); got != (roster.AttemptCount{}) {
		t.Errorf("an expired count is %+v, want none", got)
	}
	var wg sync.WaitGroup
	for range 8 { // of whom one makes it begin anew
		wg.Go(func() {
			if err := table.CountAttempt(t.Context(), k, clock.Now(), clock.Now().Add(time.Minute), false); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, want := counted(t, table, k), (roster.AttemptCount{Failures: 8, LastAt: clock.Now(), ExpiresAt: clock.Now().Add(time.Minute)}); got != want {
		t.Errorf("after eight more it is %+v, want %+v", got, want)
	}
}

// TestOneReservationWins lets many reserve what they have all seen.
func TestOneReservationWins(t *testing.T) {
	table, clock, _ := attemptsWorld(t)
	k := roster.AttemptKey{1}
	if err := table.CountAttempt(t.Context(), k, clock.Now(), clock.Now().Add(time.Minute), true); err != nil {
		t.Fatal(err)
	}
	seen := counted(t, table, k)
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			current, ok, err := table.ReserveAttempt(t.Context(), k, seen, clock.Now(), clock.Now().Add(time.Minute))
			switch {
			case err != nil:
				t.Error(err)
			case ok:
				won.Add(1)
			case current.Failures != 2:
				t.Errorf("who loses is told %+v", current)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || counted(t, table, k).Failures != 2 {
		t.Errorf("%d have reserved one, and it stands at %+v", won.Load(), counted(t, table, k))
	}
}

// TestALostReservationIsCounted loses the answer to a reservation, which the SDK then repeats: it is told that somebody was faster, so
// that nothing is looked at for it alone, and what it counted stays.
func TestALostReservationIsCounted(t *testing.T) {
	table, clock, faults := attemptsWorld(t)
	k := roster.AttemptKey{1}
	if err := table.CountAttempt(t.Context(), k, clock.Now(), clock.Now().Add(time.Minute), true); err != nil {
		t.Fatal(err)
	}
	seen := counted(t, table, k)
	faults.Set(rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "UpdateItem", Times: 1})
	clock.Advance(time.Second)
	current, ok, err := table.ReserveAttempt(t.Context(), k, seen, clock.Now(), clock.Now().Add(time.Minute))
	if err != nil || ok || current != (roster.AttemptCount{Failures: 2, LastAt: clock.Now(), ExpiresAt: clock.Now().Add(time.Minute)}) || faults.Injected() != 1 {
		t.Errorf("reserved: %v, %+v, %v after %d faults", ok, current, err, faults.Injected())
	}
	if _, ok, err := table.ReserveAttempt(t.Context(), k, current, clock.Now(), clock.Now().Add(time.Minute)); !ok || err != nil {
		t.Errorf("by what it was told: %v, %v", ok, err)
	}
	if got := counted(t, table, k); got.Failures != 3 {
		t.Errorf("it stands at %+v, want 3", got)
	}
}
