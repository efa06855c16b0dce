package dynamo_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// once returns the Once of a key and of a request under it.
func once(key, request byte) *roster.Once {
	return &roster.Once{Key: [32]byte{key}, Fingerprint: [32]byte{request}}
}

// made is what a creation returned.
type made struct {
	organization roster.Organization
	user         roster.User
	notification roster.Notification
}

// creations are the creations that take a Once. Each creates another thing for another n.
func creations(w *world) map[string]func(ctx context.Context, n int, o *roster.Once) (made, bool, error) {
	fresh := func(u *roster.User) { u.ID = 0 }
	return map[string]func(ctx context.Context, n int, o *roster.Once) (made, bool, error){
		"user": func(ctx context.Context, n int, o *roster.Once) (made, bool, error) {
			user, replayed, err := w.CreateUser(ctx, newcomer(rostertest.User(w.child, n, fresh)), rostertest.Stamp(), o)
			return made{user: user}, replayed, err
		},
		"invited user": func(ctx context.Context, n int, o *roster.Once) (made, bool, error) {
			newcomer := roster.NewUser{User: rostertest.User(w.child, n, fresh, pending)}
			user, replayed, err := w.CreateInvitedUser(ctx, newcomer, w.offer(), nil, rostertest.Stamp(), o)
			return made{user: user}, replayed, err
		},
		"notification": func(ctx context.Context, n int, o *roster.Once) (made, bool, error) {
			notification, replayed, err := w.CreateNotification(ctx, news(1), rostertest.Stamp(), o)
			return made{notification: notification}, replayed, err
		},
		"user with organization": func(ctx context.Context, n int, o *roster.Once) (made, bool, error) {
			organization := roster.Organization{Tenant: 7, Path: w.child, Name: "Of one's own"}
			organization, user, replayed, err := w.CreateUserWithOrganization(ctx, organization, newcomer(rostertest.User(w.child, n, fresh)), rostertest.Stamp(), o)
			return made{organization: organization, user: user}, replayed, err
		},
		"organization": func(ctx context.Context, n int, o *roster.Once) (made, bool, error) {
			organization, replayed, err := w.CreateOrganization(ctx, roster.Organization{Tenant: 7, Path: w.child, Name: "New"}, rostertest.Stamp(), o)
			return made{organization: organization}, replayed, err
		},
	}
}

func TestOnceGivesTheFirstAnswerAgain(t *testing.T) {
	w := newWorld(t)
	key := byte(0)
	for name, create := range creations(w) {
		t.Run(name, func(t *testing.T) {
			key++
			first, replayed, err := create(t.Context(), 100+int(key), once(key, 1))
			if err != nil || replayed {
				t.Fatalf("the first time gives %v, replayed %v", err, replayed)
			}
			if first.user.ID != 0 { // it is the answer of then that comes again
				first.user = *first.user.Clone()
				renamed := first.user
				renamed.Name = "Renamed"
				if _, err := w.UpdateUser(t.Context(), first.user, renamed, rostertest.Stamp()); err != nil {
					t.Fatal(err)
				}
			}
			before := w.keys(t)
			again, replayed, err := create(t.Context(), 100+int(key), once(key, 1))
			if err != nil || !replayed || !cmp.Equal(first, again, cmp.AllowUnexported(made{})) {
				t.Errorf("the second time gives %v, %v, replayed %v, want %v", again, err, replayed, first)
			}
			_, _, err = create(t.Context(), 100+int(key), once(key, 2))
			wantKind(t, "another request under the key", err, roster.KindUnprocessable)
			if added := w.added(t, before); len(added) != 0 {
				t.Errorf("the repeats left %q", added)
			}
			w.clock.Advance(roster.OnceFor + time.Second)
			if _, replayed, err := create(t.Context(), 200+int(key), once(key, 2)); err != nil || replayed {
				t.Errorf("when the record has expired, it gives %v, replayed %v", err, replayed)
			}
		})
	}
	w.mustFit(t)
}

func TestOnceOfOneTenantIsNoneOfAnother(t *testing.T) {
	w := newWorld(t)
	if _, err := w.CreateTenant(t.Context(), rostertest.Tenant(20), rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []roster.OrgPath{w.root, {20}} {
		user, replayed, err := w.CreateUser(t.Context(), newcomer(rostertest.User(path, 42)), rostertest.Stamp(), once(1, 1))
		if err != nil || replayed || user.Tenant != roster.TenantID(path[0]) {
			t.Errorf("in %v it gives %v of tenant %v, replayed %v", path, err, user.Tenant, replayed)
		}
	}
}

func TestOnceIsNotUsedUpByARefusal(t *testing.T) {
	w := newWorld(t)
	taken := w.create(t, w.child, 42)
	n := newcomer(rostertest.User(w.child, 43, func(u *roster.User) { u.Email = taken.Email }))
	for range 2 {
		_, _, err := w.CreateUser(t.Context(), n, rostertest.Stamp(), once(1, 1))
		wantTaken(t, err, "email")
	}
	n.User.Email = "free@example.com"
	if _, replayed, err := w.CreateUser(t.Context(), n, rostertest.Stamp(), once(1, 2)); err != nil || replayed {
		t.Errorf("under the same key another request gives %v, replayed %v", err, replayed)
	}
}

// wantTaken fails the test unless err is roster.Taken of that field.
func wantTaken(t *testing.T, err error, field string) {
	t.Helper()
	e, ok := errors.AsType[*roster.Error](err)
	if !ok || e.Kind != roster.KindConflict || len(e.Fields) != 1 || e.Fields[0].Field != field {
		t.Errorf("it gives %v, want a conflict about the field %s", err, field)
	}
}

func TestOnceThatMeetsItsTwinIsStillRunning(t *testing.T) {
	w, faults := faultyWorld(t)
	key := byte(0)
	for name, create := range creations(w) {
		key++
		faults.Set(rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems", Leg: 0})
		_, _, err := create(t.Context(), 100+int(key), once(key, 1))
		want := roster.OnceStillRunning(nil)
		if e, ok := errors.AsType[*roster.Error](err); !ok || e.Kind != want.Kind || e.Message != want.Message {
			t.Errorf("%s: a conflict on the record without end gives %v, want %v", name, err, want)
		}
		// On another leg it is just a busy table.
		faults.Set(rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems", Leg: 1})
		_, _, err = create(t.Context(), 100+int(key), once(key, 1))
		wantKind(t, name+": a conflict elsewhere without end", err, roster.KindUnavailable)
		faults.Set(rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems", Times: 3})
		if _, replayed, err := create(t.Context(), 100+int(key), once(key, 1)); err != nil || replayed {
			t.Errorf("%s: conflicts that end give %v, replayed %v", name, err, replayed)
		}
	}
}

func TestOnceAnswersWhoNeverHeardOfTheFirst(t *testing.T) {
	w, faults := faultyWorld(t)
	key := byte(0)
	for name, create := range creations(w) {
		key++
		// One answer that is lost nobody sees, since the SDK asks again with the same token.
		faults.Set(rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "TransactWriteItems", Times: 1})
		if _, replayed, err := create(t.Context(), 100+int(key), once(key, 1)); err != nil || replayed {
			t.Errorf("%s: with one answer lost it gives %v, replayed %v", name, err, replayed)
		}
		// When all are lost, the caller may ask again.
		key++
		before := w.keys(t)
		faults.Set(rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "TransactWriteItems"})
		_, _, err := create(t.Context(), 100+int(key), once(key, 1))
		wantKind(t, name+": with all answers lost", err, roster.KindUnavailable)
		faults.Set()
		added := w.added(t, before)
		if _, replayed, err := create(t.Context(), 100+int(key), once(key, 1)); err != nil || !replayed {
			t.Errorf("%s: asked again it gives %v, replayed %v", name, err, replayed)
		}
		if more := w.added(t, before); len(more) != len(added) || len(added) < 2 {
			t.Errorf("%s: the first left %q, the second %q", name, added, more)
		}
	}
	w.mustFit(t)
}

func TestOneOfManyTwinsCreates(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		key := byte(0)
		for name, create := range creations(w) {
			key++
			before := w.keys(t)
			const many = 50
			answers, replays, errs := make([]made, many), make([]bool, many), make([]error, many)
			var all sync.WaitGroup
			for i := range many {
				all.Go(func() { answers[i], replays[i], errs[i] = create(t.Context(), 100+int(key), once(key, 1)) })
			}
			all.Wait()
			first := -1
			created := 0
			for i := range many {
				switch {
				case errs[i] != nil:
					if kind := roster.KindOf(errs[i]); sound || kind != roster.KindUnavailable && kind != roster.KindConflict {
						t.Errorf("%s: a twin gets %v", name, errs[i])
					}
					if e, ok := errors.AsType[*roster.Error](errs[i]); ok && len(e.Fields) > 0 {
						t.Errorf("%s: a twin is told that %v", name, e.Fields)
					}
					continue
				case !replays[i]:
					created++
				}
				if first < 0 {
					first = i
				}
				if !cmp.Equal(answers[first], answers[i], cmp.AllowUnexported(made{})) {
					t.Errorf("%s: one gets %v, another %v", name, answers[first], answers[i])
				}
			}
			if created > 1 || sound && created != 1 || first < 0 {
				t.Errorf("%s: %d of %d twins created", name, created, many)
			}
			want := map[string]int{"user": 4, "user with organization": 5, "organization": 2, "invited user": 4, "notification": 2}[name]
			if added := w.added(t, before); len(added) != want {
				t.Errorf("%s: the twins left %q, want %d items", name, added, want)
			}
		}
	})
}
