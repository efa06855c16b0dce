package dynamo_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// pending makes a user one who was invited and has not come yet.
func pending(u *roster.User) { u.Status, u.RegisteredAt = roster.StatusPending, time.Time{} }

// offer is an invitation as a use case asks for it: valid for a week.
func (w *world) offer() roster.Invitation {
	return roster.Invitation{Locale: "de_DE", InvitedBy: 1, ValidUntil: w.clock.Now().Add(7 * 24 * time.Hour)}
}

// invite creates the n-th user, Pending and invited, or fails the test. It returns both as stored.
func (w *world) invite(t *testing.T, path roster.OrgPath, n int) (roster.User, roster.Invitation) {
	t.Helper()
	table := w.another(t)
	user, _, err := table.CreateInvitedUser(t.Context(), newcomer(rostertest.User(path, n, pending)), w.offer(), nil, rostertest.Stamp(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return user, w.invitation(t, inviteRef(user.ID))
}

// another returns a Table as another process would have it, a millisecond later: in the same one both can make the same ids.
func (w *world) another(t *testing.T) *dynamo.Table {
	w.clock.Advance(time.Millisecond)
	return w.over(t)
}

func inviteRef(id roster.UserID) roster.InvitationRef {
	return roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeInvite, User: id}
}

// invitation returns the invitation in a place, or fails the test.
func (w *world) invitation(t *testing.T, ref roster.InvitationRef) roster.Invitation {
	t.Helper()
	i, err := w.over(t).Invitation(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// put writes an invitation that belongs to no Pending user, and returns it as stored.
func (w *world) put(t *testing.T, i roster.Invitation) roster.Invitation {
	t.Helper()
	if err := w.another(t).PutInvitation(t.Context(), &i, nil, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	return i
}

// signUp is the invitation of a stranger to make an account below an organization.
func (w *world) signUp(path roster.OrgPath, email roster.Email) roster.Invitation {
	i := w.offer()
	i.Tenant, i.Purpose, i.Path, i.Email = 7, roster.PurposeSignUp, path, email
	return i
}

// reset is the mail for a new password.
func (w *world) reset(user roster.User) roster.Invitation {
	i := w.offer()
	i.Tenant, i.Purpose, i.Path, i.User, i.Email = 7, roster.PurposeReset, user.Path, user.ID, user.Email
	return i
}

func TestCreateInvitedUserWritesUserAndInvitation(t *testing.T) {
	w := newWorld(t)
	before := w.keys(t)
	user, i := w.invite(t, w.child, 42)
	if added, want := w.added(t, before), []string{"EMAIL#user-42@tenant-7.example.com CLAIM", "T#7#USER#42 INVITATION", "T#7#USER#42 USER"}; !slices.Equal(added, want) {
		t.Errorf("it left %q, want %q", added, want)
	}
	want := w.offer()
	want.Tenant, want.ID, want.Purpose, want.Path, want.User, want.Email = 7, i.ID, roster.PurposeInvite, w.child, 42, user.Email
	want.CreatedAt, want.Delivery = w.clock.Now(), roster.DeliveryQueued
	want.Revision = roster.Revision{Version: 1, ChangedAt: w.clock.Now(), Stamp: rostertest.Stamp()}
	if diff := cmp.Diff(want, i); diff != "" || i.ID == 0 {
		t.Errorf("the invitation differs (-want +got):\n%s", diff)
	}
	if got, err := w.User(t.Context(), 7, 42); err != nil || !cmp.Equal(got, user) {
		t.Errorf("the user is %v, %v, want %v", got, err, user)
	}
	w.mustFit(t)
}

func TestCreateInvitedUserIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	w.invite(t, w.child, 42)
	before := w.keys(t)
	create := func(quotas []roster.Quota, changes ...func(*roster.User)) error {
		_, _, err := w.CreateInvitedUser(t.Context(), newcomer(rostertest.User(w.child, 43, changes...)), w.offer(), quotas, rostertest.Stamp(), nil)
		return err
	}
	wantTaken(t, create(oneQuota(5), pending, func(u *roster.User) { u.Email = "USER-42@tenant-7.example.com" }), "email")
	wantKind(t, "a taken id", create(oneQuota(5), pending, func(u *roster.User) { u.ID = 42 }), roster.KindConflict)
	wantKind(t, "an organization that does not stand", create(nil, pending, func(u *roster.User) { u.Path = roster.OrgPath{7, 99} }), roster.KindNotFound)
	wantKind(t, "no quota left", create(oneQuota(0), pending), roster.KindTooMany)
	wantKind(t, "an active user", create(nil), roster.KindInternal)
	_, _, err := w.CreateInvitedUser(t.Context(), newcomer(rostertest.User(w.child, 43, pending)), roster.Invitation{}, nil, rostertest.Stamp(), nil)
	wantKind(t, "an invitation without an end", err, roster.KindInternal)
	if added := w.added(t, before); len(added) != 0 {
		t.Errorf("the refused left %q", added)
	}
}

func TestInviteAgainEndsTheOneBefore(t *testing.T) {
	w := newWorld(t)
	user, first := w.invite(t, w.child, 42)
	if err := w.MarkInvitation(t.Context(), first.Ref(), first.ID, roster.DeliverySent, "message-1", ""); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	same, replayed, err := w.InviteAgain(t.Context(), user, user, w.offer(), nil, rostertest.Stamp(), nil)
	if err != nil || replayed || !cmp.Equal(same, user) {
		t.Fatalf("inviting again gives %v, replayed %v, %v, want the user as it was", same, replayed, err)
	}
	second := w.invitation(t, first.Ref())
	if second.ID == first.ID || second.Delivery != roster.DeliveryQueued || second.MessageID != "" || second.Revision.Version != 1 {
		t.Errorf("after %+v comes %+v", first, second)
	}
	_, err = w.accept(t, first, user)
	wantDead(t, "the one before", err)

	after := *user.Clone()
	after.Name, after.Path = "New Name", w.root
	moved, _, err := w.InviteAgain(t.Context(), user, after, w.offer(), nil, rostertest.Stamp(), nil)
	if err != nil || moved.Name != "New Name" || moved.Revision.Version != 2 || !moved.UpdatedAt.Equal(w.clock.Now()) {
		t.Errorf("inviting another name gives %+v, %v", moved, err)
	}
	third := w.invitation(t, first.Ref())
	if third.Org() != 7 || third.ID == second.ID {
		t.Errorf("the invitation is %+v", third)
	}
	_, _, err = w.InviteAgain(t.Context(), user, after, w.offer(), nil, rostertest.Stamp(), nil)
	wantVersionChanged(t, "a user as it was before", err)
	_, _, err = w.InviteAgain(t.Context(), user, user, w.offer(), nil, rostertest.Stamp(), nil)
	wantVersionChanged(t, "the same user as it was before", err)
	after = *moved.Clone()
	after.Status = roster.StatusActive
	_, _, err = w.InviteAgain(t.Context(), moved, after, w.offer(), nil, rostertest.Stamp(), nil)
	wantKind(t, "an active user", err, roster.KindInternal)
	_, _, err = w.InviteAgain(t.Context(), moved, moved, w.offer(), oneQuota(0), rostertest.Stamp(), nil)
	wantKind(t, "no quota left", err, roster.KindTooMany)
	if got := w.invitation(t, first.Ref()); !cmp.Equal(got, third) {
		t.Errorf("the refused left %+v, want %+v still", got, third)
	}
	w.mustFit(t)
}

func wantVersionChanged(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, roster.ErrVersionChanged) {
		t.Errorf("%s gives %v, want a changed version", what, err)
	}
}

func TestInviteAgainOnce(t *testing.T) {
	w := newWorld(t)
	user, _ := w.invite(t, w.child, 42)
	after := *user.Clone()
	after.Title = "Again"
	quotas := oneQuota(5)
	first, replayed, err := w.InviteAgain(t.Context(), user, after, w.offer(), quotas, rostertest.Stamp(), once(1, 1))
	if err != nil || replayed {
		t.Fatalf("the first time gives %v, replayed %v", err, replayed)
	}
	i := w.invitation(t, inviteRef(42))
	// It comes again as a use case does, which reads the user anew.
	again, replayed, err := w.InviteAgain(t.Context(), first, first, w.offer(), quotas, rostertest.Stamp(), once(1, 1))
	if err != nil || !replayed || !cmp.Equal(first, again) {
		t.Errorf("the second time gives %v, replayed %v, %v, want %v", again, replayed, err, first)
	}
	if got := w.invitation(t, inviteRef(42)); got.ID != i.ID {
		t.Errorf("the second time makes another invitation")
	}
	if n := w.counted(t, quotas[0]); n != "1" {
		t.Errorf("the two count as %s", n)
	}
	_, _, err = w.InviteAgain(t.Context(), first, first, w.offer(), quotas, rostertest.Stamp(), once(1, 2))
	wantKind(t, "another request under the key", err, roster.KindUnprocessable)
	if _, replayed, err := w.InviteAgain(t.Context(), first, first, w.offer(), quotas, rostertest.Stamp(), once(2, 1)); err != nil || replayed {
		t.Errorf("under another key it gives %v, replayed %v", err, replayed)
	}
}

func TestPutInvitationReplacesWhatStandsInItsPlace(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42)
	for name, i := range map[string]roster.Invitation{"sign-up": w.signUp(w.child, "Stranger@example.com"), "reset": w.reset(user)} {
		before := w.keys(t)
		first := w.put(t, i)
		second := w.put(t, i)
		if first.ID == 0 || second.ID == 0 || first.ID == second.ID || first.Revision.Stamp != rostertest.Stamp() {
			t.Errorf("%s: after %+v comes %+v", name, first, second)
		}
		if got := w.invitation(t, first.Ref()); !cmp.Equal(got, second) {
			t.Errorf("%s: the invitation is %+v, want %+v", name, got, second)
		}
		if added := w.added(t, before); len(added) != 1 {
			t.Errorf("%s: it left %q", name, added)
		}
	}
	// The address is the same however it is written.
	ref := w.signUp(w.child, "Stranger@example.com")
	other := w.signUp(w.child, "STRANGER@EXAMPLE.COM")
	if ref.Ref() != other.Ref() {
		t.Errorf("%v is another place than %v", ref.Ref(), other.Ref())
	}
	nowhere := w.signUp(roster.OrgPath{7, 99}, "stranger@example.com")
	wantKind(t, "a sign-up nowhere", w.PutInvitation(t.Context(), &nowhere, nil, rostertest.Stamp()), roster.KindNotFound)
	if err := w.PutInvitation(t.Context(), nil, nil, rostertest.Stamp()); err != nil {
		t.Errorf("nothing to write gives %v", err)
	}
	w.mustFit(t)
}

func TestPutInvitationOnlyForPendingUsers(t *testing.T) {
	w := newWorld(t)
	user, first := w.invite(t, w.child, 42)
	i := first
	i.ID = 0
	w.clock.Advance(time.Millisecond)
	if err := w.PutInvitation(t.Context(), &i, nil, rostertest.Stamp()); err != nil || i.ID == first.ID || i.ID == 0 {
		t.Errorf("for a Pending user it gives %v and the id %v", err, i.ID)
	}
	elsewhere := i
	elsewhere.Path = w.root
	wantVersionChanged(t, "for a user who is elsewhere", w.PutInvitation(t.Context(), &elsewhere, nil, rostertest.Stamp()))
	if _, err := w.accept(t, i, user); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "for an active user", w.PutInvitation(t.Context(), &i, nil, rostertest.Stamp()), roster.KindNotFound)
	i.User = 99
	wantKind(t, "for nobody", w.PutInvitation(t.Context(), &i, nil, rostertest.Stamp()), roster.KindNotFound)
	w.mustFit(t)
}

func TestInvitationsOfPagesAreLawful(t *testing.T) {
	w := newWorld(t)
	for n := range 20 {
		w.invite(t, w.child, 100+n)
		w.put(t, w.signUp(w.child, roster.Email(rand.Text()+"@example.com")))
	}
	w.invite(t, w.root, 200)
	w.put(t, w.reset(w.create(t, w.child, 201))) // which is nobody's to list
	short := w.signUp(w.child, "late@example.com")
	short.ValidUntil = w.clock.Now().Add(time.Hour)
	w.put(t, short)
	walk := func(limit int) []roster.InvitationID {
		t.Helper()
		var ids []roster.InvitationID
		for after, pages := roster.InvitationID(0), 0; ; pages++ {
			page, err := w.InvitationsOf(t.Context(), 7, 8, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Invitations) > limit {
				t.Errorf("a page of %d has %d", limit, len(page.Invitations))
			}
			for _, i := range page.Invitations {
				if i.Org() != 8 || i.Purpose == roster.PurposeReset {
					t.Errorf("organization 8 has the invitation %+v", i)
				}
				ids = append(ids, i.ID)
			}
			if page.Next == 0 {
				return ids
			}
			if page.Next <= after || pages > 60 {
				t.Fatalf("after %v comes %v, on page %d", after, page.Next, pages)
			}
			after = page.Next
		}
	}
	for _, limit := range []int{1, 7, 40, 41, 1000} {
		if ids := walk(limit); len(ids) != 41 || !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != 41 {
			t.Errorf("pages of %d show %v, want 41 of them", limit, ids)
		}
	}
	w.clock.Advance(time.Hour)
	if ids := walk(7); len(ids) != 40 {
		t.Errorf("when the time of one is over, %d are left, want 40", len(ids))
	}
}

func TestRemoveInvitationOnlyThatOne(t *testing.T) {
	w := newWorld(t)
	_, first := w.invite(t, w.child, 42)
	other := first
	other.ID++
	wantKind(t, "another id", w.RemoveInvitation(t.Context(), other), roster.KindNotFound)
	if err := w.RemoveInvitation(t.Context(), first); err != nil {
		t.Errorf("removing gives %v", err)
	}
	_, err := w.Invitation(t.Context(), first.Ref())
	wantKind(t, "what was removed", err, roster.KindNotFound)
	wantKind(t, "removing again", w.RemoveInvitation(t.Context(), first), roster.KindNotFound)
	w.mustFit(t)
}

func TestMarkInvitationNotesOnce(t *testing.T) {
	w := newWorld(t)
	_, i := w.invite(t, w.child, 42)
	w.clock.Advance(time.Second)
	mark := func(id roster.InvitationID, delivery roster.Delivery, message, reason string) roster.Invitation {
		t.Helper()
		if err := w.MarkInvitation(t.Context(), i.Ref(), id, delivery, message, reason); err != nil {
			t.Errorf("marking gives %v", err)
		}
		return w.invitation(t, i.Ref())
	}
	if got := mark(i.ID+1, roster.DeliverySent, "message-0", ""); !cmp.Equal(got, i) {
		t.Errorf("a mark of another mail makes it %+v", got)
	}
	want := i
	want.Delivery, want.DeliveredAt, want.MessageID = roster.DeliverySent, w.clock.Now(), "message-1"
	want.Revision = roster.Revision{Version: 2, ChangedAt: w.clock.Now(), Stamp: roster.Stamp{By: "courier", Via: "mail"}}
	if diff := cmp.Diff(want, mark(i.ID, roster.DeliverySent, "message-1", "")); diff != "" {
		t.Errorf("it is (-want +got):\n%s", diff)
	}
	if got := mark(i.ID, roster.DeliveryRefused, "message-2", "no"); !cmp.Equal(got, want) {
		t.Errorf("a second mark makes it %+v", got)
	}
	if err := w.MarkInvitation(t.Context(), inviteRef(99), i.ID, roster.DeliverySent, "x", ""); err != nil {
		t.Errorf("a mark of nothing gives %v", err)
	}
	long := w.put(t, w.signUp(w.root, "long@example.com"))
	if err := w.MarkInvitation(t.Context(), long.Ref(), long.ID, roster.DeliveryRefused, "", "\xff"+strings.Repeat("é", 2000)); err != nil {
		t.Errorf("a long reason gives %v", err)
	}
	if got := w.invitation(t, long.Ref()); got.Delivery != roster.DeliveryRefused || !strings.HasPrefix(got.Reason, "\uFFFDé") || len(got.Reason) > 1100 {
		t.Errorf("the long reason makes it %+v", got)
	}
}

func TestFeedbackMarksInvitationAndUser(t *testing.T) {
	w := newWorld(t)
	user, i := w.invite(t, w.child, 42)
	if err := w.MarkInvitation(t.Context(), i.Ref(), i.ID, roster.DeliverySent, "message-1", ""); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	tell := func(delivery roster.Delivery, change ...func(*roster.Feedback)) (roster.Invitation, roster.User) {
		t.Helper()
		f := roster.Feedback{Delivery: delivery, Email: "USER-42@tenant-7.example.com", Ref: i.Ref(), ID: i.ID, Reason: "no such mailbox"}
		for _, c := range change {
			c(&f)
		}
		if err := w.RecordFeedback(t.Context(), f); err != nil {
			t.Errorf("feedback gives %v", err)
		}
		u, err := w.User(t.Context(), 7, 42)
		if err != nil {
			t.Fatal(err)
		}
		return w.invitation(t, i.Ref()), u
	}
	if _, u := tell(roster.DeliveryBounced, func(f *roster.Feedback) { f.Email, f.ID = "other@example.com", 1 }); !cmp.Equal(u, user) {
		t.Errorf("feedback about another address makes the user %+v", u)
	}
	if got, u := tell(roster.DeliveryComplained, func(f *roster.Feedback) { f.ID = 1 }); got.Delivery != roster.DeliverySent || !u.EmailComplained || u.EmailBounced {
		t.Errorf("a complaint about an older mail makes the invitation %+v and the user %+v", got, u)
	}
	got, u := tell(roster.DeliveryBounced)
	if got.Delivery != roster.DeliveryBounced || got.Reason != "no such mailbox" || got.MessageID != "message-1" || !got.DeliveredAt.Equal(w.clock.Now()) {
		t.Errorf("a bounce makes the invitation %+v", got)
	}
	if stamp := (roster.Stamp{By: "mail", Via: "bounces"}); !u.EmailBounced || !u.EmailComplained || u.Revision.Stamp != stamp || got.Revision.Stamp != stamp {
		t.Errorf("a bounce makes the user %+v", u)
	}
	if again, unchanged := tell(roster.DeliveryBounced); !cmp.Equal(again, got) || !cmp.Equal(unchanged, u) {
		t.Errorf("told again it makes the invitation %+v and the user %+v", again, unchanged)
	}
	moved := u
	moved.Email = "new@example.com"
	if moved, err := w.UpdateUser(t.Context(), u, moved, rostertest.Stamp()); err != nil || moved.EmailBounced || moved.EmailComplained {
		t.Errorf("with a new address the user is %+v, %v", moved, err)
	}
	late := roster.Feedback{Delivery: roster.DeliveryBounced, Email: u.Email, Ref: i.Ref(), ID: i.ID}
	if err := w.RecordFeedback(t.Context(), late); err != nil {
		t.Errorf("feedback about an invitation that is gone gives %v", err)
	}
	if u, err := w.User(t.Context(), 7, 42); err != nil || u.EmailBounced {
		t.Errorf("a bounce of the old address marks the new one: %+v, %v", u, err)
	}
	if err := w.RecordFeedback(t.Context(), roster.Feedback{Delivery: roster.DeliveryBounced, Email: "a@example.com", Ref: inviteRef(99), ID: 1}); err != nil {
		t.Errorf("feedback about nobody gives %v", err)
	}
	s := w.put(t, w.signUp(w.root, "stranger@example.com"))
	if err := w.RecordFeedback(t.Context(), roster.Feedback{Delivery: roster.DeliveryRefused, Email: s.Email, Ref: s.Ref(), ID: s.ID}); err != nil {
		t.Errorf("feedback about a stranger gives %v", err)
	}
	if got := w.invitation(t, s.Ref()); got.Delivery != roster.DeliveryRefused {
		t.Errorf("a mail that was not sent after all is %v", got.Delivery)
	}
	w.mustFit(t)
}

func TestACaseOfTheAddressEndsNoBounce(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42, func(u *roster.User) { u.EmailBounced = true })
	after := user
	after.Email = "User-42@tenant-7.example.com"
	if got, err := w.UpdateUser(t.Context(), user, after, rostertest.Stamp()); err != nil || !got.EmailBounced {
		t.Errorf("the same address in other letters makes the user %+v, %v", got, err)
	}
}

// TestTheInvitationFollowsItsUser transfers, suspends and deletes Pending users.
func TestTheInvitationFollowsItsUser(t *testing.T) {
	w := newWorld(t)
	user, i := w.invite(t, w.child, 42)
	w.clock.Advance(time.Second)
	after := *user.Clone()
	after.Path = w.root
	moved, err := w.UpdateUser(t.Context(), user, after, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	got := w.invitation(t, i.Ref())
	want := i
	want.Path, want.Revision = w.root, roster.Revision{Version: 2, ChangedAt: w.clock.Now(), Stamp: rostertest.Stamp()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the transfer the invitation is (-want +got):\n%s", diff)
	}
	for org, want := range map[roster.OrgID]int{7: 1, 8: 0} {
		if page, err := w.InvitationsOf(t.Context(), 7, org, 0, 10); err != nil || len(page.Invitations) != want {
			t.Errorf("organization %v has the invitations %v, %v, want %d", org, page.Invitations, err, want)
		}
	}
	w.mustFit(t)
	suspended := *moved.Clone()
	suspended.Status = roster.StatusSuspended
	if _, err := w.UpdateUser(t.Context(), moved, suspended, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	_, err = w.Invitation(t.Context(), i.Ref())
	wantKind(t, "the invitation of a suspended user", err, roster.KindNotFound)

	user, i = w.invite(t, w.child, 43)
	if _, err := w.DeleteUser(t.Context(), user, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	_, err = w.Invitation(t.Context(), i.Ref())
	wantKind(t, "the invitation of a deleted user", err, roster.KindNotFound)

	user, i = w.invite(t, w.child, 45)
	readdressed := *user.Clone()
	readdressed.Email = "USER-45@tenant-7.example.com"
	user, err = w.UpdateUser(t.Context(), user, readdressed, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	if got := w.invitation(t, i.Ref()); !cmp.Equal(i, got) {
		t.Errorf("the same address in other letters makes the invitation %+v, want %+v", got, i)
	}
	readdressed.Email, readdressed.Path = "elsewhere@example.com", w.root
	if _, err := w.UpdateUser(t.Context(), user, readdressed, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	_, err = w.Invitation(t.Context(), i.Ref())
	wantKind(t, "the invitation of a user with another address", err, roster.KindNotFound)
	w.mustFit(t)

	// One without an invitation, as an import brings them, moves too.
	imported := w.create(t, w.child, 44, pending)
	after = *imported.Clone()
	after.Path = w.root
	if _, err := w.UpdateUser(t.Context(), imported, after, rostertest.Stamp()); err != nil {
		t.Errorf("a transfer without an invitation gives %v", err)
	}
	w.mustFit(t)
}
