package dynamo_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// hasty makes a client try as often as it would, but without the pauses of seconds.
func hasty(o *dynamodb.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
	})
}

// faultyWorld returns a world whose road to the table is sound, until faults are set on it.
func faultyWorld(t *testing.T) (*world, *rostertest.Faults) {
	faults := rostertest.NewFaults(1)
	return newWorld(t, rostertest.WithTransport(faults), hasty), faults
}

func TestConflictsAreTriedAgain(t *testing.T) {
	w, faults := faultyWorld(t)
	faults.Set(rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems", Times: 3, Leg: 1})
	user := w.create(t, w.child, 42)
	if n := faults.Injected(); n != 3 {
		t.Errorf("%d conflicts were met, want 3", n)
	}
	faults.Set(rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "PutItem", Times: 2})
	user.Title = "Tried again"
	if _, err := w.UpdateUser(t.Context(), user, user, rostertest.Stamp()); err != nil {
		t.Errorf("an update that meets a transaction gives %v", err)
	}
	faults.Set(rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "UpdateItem", Times: 2})
	if err := w.RecordLogin(t.Context(), 7, 42, w.clock.Now()); err != nil {
		t.Errorf("a login that meets a transaction gives %v", err)
	}
}

func TestConflictsWithoutEndAreUnavailable(t *testing.T) {
	w, faults := faultyWorld(t)
	before := w.keys(t)
	faults.Set(rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems"})
	sent := faults.Requests("")
	_, _, err := w.CreateUser(t.Context(), newcomer(rostertest.User(w.root, 42)), rostertest.Stamp(), nil)
	wantKind(t, "a conflict without end", err, roster.KindUnavailable)
	if e, ok := errors.AsType[*roster.Error](err); ok && e.RetryAfter <= 0 {
		t.Error("the error does not say when to try again")
	}
	if tries := faults.Requests("") - sent; tries < 3 || tries > 20 {
		t.Errorf("it was tried %d times", tries)
	}
	if added := w.added(t, before); len(added) != 0 {
		t.Errorf("it left %q", added)
	}
}

func TestWaitingForAConflictEndsWithTheContext(t *testing.T) {
	w, faults := faultyWorld(t)
	faults.Set(rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems"})
	ctx, cancel := context.WithCancel(t.Context())
	table := w.over(t, rostertest.WithTransport(faults), hasty)
	cancel()
	if _, _, err := table.CreateUser(ctx, newcomer(rostertest.User(w.root, 42)), rostertest.Stamp(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled write gives %v", err)
	}
}

func TestWhatTheTableCannotDoNowIsUnavailable(t *testing.T) {
	w, faults := faultyWorld(t)
	user := w.create(t, w.child, 42)
	invited, invitation := w.invite(t, w.child, 44)
	for name, kind := range map[string]rostertest.FaultKind{
		"throttled": rostertest.Throttled, "server error": rostertest.ServerError, "503": rostertest.Unavailable, "no answer": rostertest.TimedOut,
	} {
		faults.Set(rostertest.Fault{Kind: kind})
		for what, do := range map[string]func() error{
			"User":       func() error { _, err := w.User(t.Context(), 7, 42); return err },
			"UsersOf":    func() error { _, _, err := w.UsersOf(t.Context(), 7, 8, 0, 5); return err },
			"Changes":    func() error { return w.Changes(t.Context(), 7, 0, time.Time{}, nil) },
			"UpdateUser": func() error { _, err := w.UpdateUser(t.Context(), user, user, rostertest.Stamp()); return err },
			"DeleteUser": func() error { _, err := w.DeleteUser(t.Context(), user, rostertest.Stamp()); return err },
			"CreateUser": func() error {
				_, _, err := w.CreateUser(t.Context(), newcomer(rostertest.User(w.root, 43)), rostertest.Stamp(), nil)
				return err
			},
			"RecordLogin": func() error { return w.RecordLogin(t.Context(), 7, 42, w.clock.Now()) },
			"CreateInvitedUser": func() error {
				_, _, err := w.CreateInvitedUser(t.Context(), newcomer(rostertest.User(w.root, 43, pending)), w.offer(), nil, rostertest.Stamp(), nil)
				return err
			},
			"Invitation":       func() error { _, err := w.Invitation(t.Context(), invitation.Ref()); return err },
			"InvitationsOf":    func() error { _, err := w.InvitationsOf(t.Context(), 7, 8, 0, 5); return err },
			"RemoveInvitation": func() error { return w.RemoveInvitation(t.Context(), invitation) },
			"MarkInvitation": func() error {
				return w.MarkInvitation(t.Context(), invitation.Ref(), invitation.ID, roster.DeliverySent, "m", "")
			},
			"AcceptInvitation": func() error { _, err := w.accept(t, invitation, invited); return err },
			"Link":             func() error { _, err := w.Link(t.Context(), roster.LinkHash{1}); return err },
			"RegisterDevice":   func() error { return w.RegisterDevice(t.Context(), phone(7, 42, "a"), rostertest.Stamp()) },
			"Devices":          func() error { _, err := w.Devices(t.Context(), 7, 42); return err },
			"CreateNotification": func() error {
				_, _, err := w.CreateNotification(t.Context(), news(42), rostertest.Stamp(), nil)
				return err
			},
			"MarkNotification": func() error {
				return w.MarkNotification(t.Context(), roster.NotificationRef{Tenant: 7, User: 42, ID: 1}, roster.DeliverySent)
			},
			"Credentials": func() error { _, err := w.Credentials(t.Context(), 7, []roster.UserID{42}); return err },
		} {
			wantKind(t, name+": "+what, do(), roster.KindUnavailable)
		}
	}
}

func TestPassingFaultsAreNotSeen(t *testing.T) {
	w, faults := faultyWorld(t)
	for name, kind := range map[string]rostertest.FaultKind{"throttled": rostertest.Throttled, "server error": rostertest.ServerError, "no answer": rostertest.TimedOut} {
		faults.Set(rostertest.Fault{Kind: kind, Times: 1})
		if _, err := w.User(t.Context(), 7, 1); err != nil {
			t.Errorf("%s once: User gives %v", name, err)
		}
		faults.Set(rostertest.Fault{Kind: kind, Times: 1})
		meter := &roster.Meter{}
		shows := 0
		if err := w.Changes(roster.WithMeter(t.Context(), meter), 7, 0, time.Time{}, func(roster.Change) error { shows++; return nil }); err != nil || shows == 0 {
			t.Errorf("%s once: Changes shows %d, %v", name, shows, err)
		}
		if cost := meter.Cost(); cost.Calls != 2 || cost.Reads != 0.5 {
			t.Errorf("%s once: Changes costs %+v, want 2 calls and 0.5 RRU", name, cost)
		}
	}
}

func TestLostAnswersChangeNothing(t *testing.T) {
	w, faults := faultyWorld(t)
	before := w.keys(t)
	lose := func() { faults.Set(rostertest.Fault{Kind: rostertest.LostAnswer, Times: 1}) }
	lose()
	user, _, err := w.CreateUser(t.Context(), newcomer(rostertest.User(w.child, 42)), rostertest.Stamp(), nil)
	if err != nil {
		t.Fatalf("creating: %v", err)
	}
	if added := w.added(t, before); len(added) != 3 {
		t.Errorf("the user's items are %q", added)
	}
	for name, change := range map[string]func(*roster.User){
		"rename": func(u *roster.User) { u.Name = "Renamed" }, "e-mail": func(u *roster.User) { u.Email = "new@example.com" },
	} {
		after := *user.Clone()
		change(&after)
		lose()
		updated, err := w.UpdateUser(t.Context(), user, after, rostertest.Stamp())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if updated.Revision.Version != user.Revision.Version+1 {
			t.Errorf("%s: version %d follows %d", name, updated.Revision.Version, user.Revision.Version)
		}
		user = updated
	}
	lose()
	if err := w.RecordLogin(t.Context(), 7, 42, w.clock.Now()); err != nil {
		t.Errorf("login: %v", err)
	}
	if user, err = w.User(t.Context(), 7, 42); err != nil || user.LastLoginAt.IsZero() {
		t.Errorf("after the login the user is %v, %v", user.LastLoginAt, err)
	}
	lose()
	if _, err := w.DeleteUser(t.Context(), user, rostertest.Stamp()); err != nil {
		t.Errorf("deleting: %v", err)
	}
	lose()
	own := roster.Organization{Tenant: 7, Path: w.root, Name: "Own"}
	if _, _, replayed, err := w.CreateUserWithOrganization(t.Context(), own, newcomer(rostertest.User(w.root, 43)), rostertest.Stamp(), nil); err != nil || replayed {
		t.Errorf("user with organization: %v, replayed %v", err, replayed)
	}
	lose()
	if _, _, err := w.CreateOrganization(t.Context(), rostertest.Organization(w.root, 30), rostertest.Stamp(), nil); err != nil {
		t.Errorf("organization: %v", err)
	}
	w.loseAnswersAboutMessages(t, lose)
	for _, r := range w.CreateUsers(t.Context(), newUsers(w.child, 100, 40), rostertest.Stamp()) {
		if r.Err != nil || r.Existed {
			t.Errorf("bulk: %+v", r)
		}
	}
}

// loseAnswersAboutMessages does everything there is to do with a message or a device, and each time lose makes the first answer
// be lost.
func (w *world) loseAnswersAboutMessages(t *testing.T, lose func()) {
	t.Helper()
	user, invitation := w.invite(t, w.child, 50)
	n, signUp := w.notify(t, news(1)), w.put(t, w.signUp(w.root, "lost@example.com"))
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"inviting", func() error {
			_, replayed, err := w.CreateInvitedUser(t.Context(), newcomer(rostertest.User(w.child, 51, pending)), w.offer(), oneQuota(5), rostertest.Stamp(), once(9, 1))
			if replayed {
				t.Error("it replays itself")
			}
			return err
		}},
		{"a mark", func() error {
			return w.MarkInvitation(t.Context(), invitation.Ref(), invitation.ID, roster.DeliverySent, "message", "")
		}},
		{"a link", func() error {
			return w.PutLink(t.Context(), roster.LinkHash{1}, roster.Link{Ref: invitation.Ref(), ID: invitation.ID, ExpiresAt: invitation.ValidUntil})
		}},
		{"accepting", func() error { _, err := w.accept(t, invitation, user); return err }},
		{"signing up", func() error {
			_, _, err := w.AcceptSignUp(t.Context(), signUp, roster.LinkHash{}, roster.Organization{Name: "Own"}, newcomer(rostertest.User(w.root, 0)), rostertest.Stamp())
			return err
		}},
		{"registering", func() error { return w.RegisterDevice(t.Context(), phone(7, 50, "a"), rostertest.Stamp()) }},
		{"notifying", func() error {
			_, replayed, err := w.CreateNotification(t.Context(), news(50), rostertest.Stamp(), nil)
			if replayed {
				t.Error("it replays itself")
			}
			return err
		}},
		{"a mark of a device", func() error {
			return w.MarkDevice(t.Context(), n.Ref(), phone(7, 1, "a").Hash, roster.DeviceDelivery{Delivery: roster.DeliverySent})
		}},
		{"a mark of a notification", func() error { return w.MarkNotification(t.Context(), n.Ref(), roster.DeliverySent) }},
		{"removing a device", func() error { return w.removeDevice(t, 50, "a") }},
	} {
		lose()
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
	if counted := w.counted(t, oneQuota(5)[0]); counted != "1" {
		t.Errorf("one invitation counts as %s", counted)
	}
	if got, err := w.over(t).Notification(t.Context(), n.Ref()); err != nil || got.Revision.Version != 3 {
		t.Errorf("the notification is %+v, %v", got, err)
	}
	w.mustFit(t)
}

func TestBulkOverABadRoadLosesAndRepeatsNothing(t *testing.T) {
	w, faults := faultyWorld(t)
	before := w.keys(t)
	faults.Set(
		rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems", Probability: 0.3},
		rostertest.Fault{Kind: rostertest.LostAnswer, Probability: 0.2},
		rostertest.Fault{Kind: rostertest.Throttled, Probability: 0.2},
		rostertest.Fault{Kind: rostertest.TimedOut, Probability: 0.2},
	)
	users := newUsers(w.child, 100, 300)
	for pass := 0; len(users) > 0; pass++ {
		if pass == 20 {
			t.Fatalf("%d users are not written after %d passes", len(users), pass)
		}
		results := w.CreateUsers(t.Context(), users, rostertest.Stamp())
		var left = users[:0:0]
		for i, r := range results {
			if r.Err != nil {
				if roster.KindOf(r.Err) != roster.KindUnavailable {
					t.Fatalf("user %v: %v", users[i].User.ID, r.Err)
				}
				left = append(left, users[i])
			}
		}
		users = left
	}
	added := w.added(t, before)
	if len(added) != 750 || len(slices.Compact(added)) != 750 {
		t.Errorf("300 users with 150 passwords have %d items, want 750", len(added))
	}
	if faults.Injected() == 0 {
		t.Error("nothing went wrong")
	}
}
