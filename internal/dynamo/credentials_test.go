package dynamo_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// imported returns a world with user 42, whose password is a day old and has the hash "old".
func imported(t *testing.T) (*world, roster.Credential) {
	t.Helper()
	w := newWorld(t)
	w.create(t, w.child, 42)
	c := roster.Credential{Tenant: 7, User: 42, PasswordHash: "old", ChangedAt: w.clock.Now().Add(-24 * time.Hour)}
	if err := w.PutCredential(t.Context(), c, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	return w, c
}

func TestReplaceCredentialKeepsTheAgeOfThePassword(t *testing.T) {
	w, want := imported(t)
	cost := rostertest.CostOf(t, func(ctx context.Context) error { return w.ReplaceCredential(ctx, 7, 42, "old", "new") })
	if cost.Calls != 1 || cost.Writes != 1 || cost.Reads != 0 {
		t.Errorf("it costs %+v, want 1 WRU in 1 call", cost)
	}
	want.PasswordHash = "new"
	if got, err := w.Credential(t.Context(), 7, 42); got != want || err != nil {
		t.Errorf("the credential is %v, %v, want %v", got, err, want)
	}
}

func TestReplaceCredentialOnlyOfThatHash(t *testing.T) {
	w, want := imported(t)
	before := w.keys(t)
	wantKind(t, "replacing another hash", w.ReplaceCredential(t.Context(), 7, 42, "older", "new"), roster.KindConflict)
	wantKind(t, "replacing the hash of nobody", w.ReplaceCredential(t.Context(), 7, 99, "old", "new"), roster.KindConflict)
	wantKind(t, "replacing the hash in another tenant", w.ReplaceCredential(t.Context(), 8, 42, "old", "new"), roster.KindConflict)
	if got, err := w.Credential(t.Context(), 7, 42); got != want || err != nil {
		t.Errorf("the credential is %v, %v, want %v still", got, err, want)
	}
	if added := w.added(t, before); len(added) != 0 {
		t.Errorf("items appeared: %q", added)
	}
}

func TestReplaceCredentialNeverOutlivesItsUser(t *testing.T) {
	w, _ := imported(t)
	user, err := w.User(t.Context(), 7, 42)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeleteUser(t.Context(), user, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "replacing the hash of a deleted user", w.ReplaceCredential(t.Context(), 7, 42, "old", "new"), roster.KindConflict)
	_, err = w.Credential(t.Context(), 7, 42)
	wantKind(t, "Credential of a deleted user", err, roster.KindNotFound)
}

func TestOneOfManyReplacesACredential(t *testing.T) {
	w, _ := imported(t)
	var (
		won  atomic.Int32
		wait sync.WaitGroup
	)
	for n := range 16 {
		wait.Go(func() {
			err := w.ReplaceCredential(t.Context(), 7, 42, "old", string(rune('a'+n)))
			if err == nil {
				won.Add(1)
			} else if roster.KindOf(err) != roster.KindConflict {
				t.Errorf("a loser gets %v, want a conflict", err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won, want 1", won.Load())
	}
}

// TestReplaceCredentialMeetsItsOwnWork loses the answer of the first try, so that the SDK's second one finds the hash replaced.
func TestReplaceCredentialMeetsItsOwnWork(t *testing.T) {
	w, want := imported(t)
	faults := rostertest.NewFaults(1, rostertest.Fault{Kind: rostertest.LostAnswer, Times: 1})
	table := w.over(t, rostertest.WithTransport(faults))
	if err := table.ReplaceCredential(t.Context(), 7, 42, "old", "new"); err != nil || faults.Injected() != 1 {
		t.Errorf("ReplaceCredential = %v after %d lost answers, want none after 1", err, faults.Injected())
	}
	want.PasswordHash = "new"
	if got, err := w.Credential(t.Context(), 7, 42); got != want || err != nil {
		t.Errorf("the credential is %v, %v, want %v", got, err, want)
	}
}
