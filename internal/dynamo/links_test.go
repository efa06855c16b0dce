package dynamo_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// mail makes a link to an invitation, as the courier does before it sends the mail.
func (w *world) mail(t *testing.T, i roster.Invitation) roster.LinkHash {
	t.Helper()
	_, hash := roster.NewLinkToken()
	if err := w.over(t).PutLink(t.Context(), hash, roster.Link{Ref: i.Ref(), ID: i.ID, ExpiresAt: i.ValidUntil}); err != nil {
		t.Fatal(err)
	}
	return hash
}

// come returns the user as one who takes up the account.
func (w *world) come(user roster.User) roster.User {
	after := *user.Clone()
	after.Status, after.Name, after.RegisteredAt = roster.StatusActive, "Who Came", w.clock.Now()
	return after
}

// accept accepts an invitation without a link of its own, as the user was read.
func (w *world) accept(t *testing.T, i roster.Invitation, user roster.User) (roster.User, error) {
	t.Helper()
	return w.AcceptInvitation(t.Context(), i, roster.LinkHash{}, user, w.come(user), roster.Credential{PasswordHash: "$argon2id$mine"}, roster.Stamp{Via: "invitations"})
}

// wantDead fails the test unless err is that of a dead link.
func wantDead(t *testing.T, what string, err error) {
	t.Helper()
	want := roster.DeadLink(nil)
	if e, ok := errors.AsType[*roster.Error](err); !ok || e.Kind != want.Kind || e.Message != want.Message {
		t.Errorf("%s gives %v, want %v", what, err, want)
	}
}

func TestLinkLeadsToItsInvitation(t *testing.T) {
	w := newWorld(t)
	user, i := w.invite(t, w.child, 42)
	end := i.ValidUntil.Truncate(time.Second).Add(time.Second) // what is not a whole second is rounded up
	for name, i := range map[string]roster.Invitation{"invite": i, "reset": w.put(t, w.reset(user)), "sign-up": w.put(t, w.signUp(w.child, "Stranger@example.com"))} {
		hash := w.mail(t, i)
		link, err := w.Link(t.Context(), hash)
		if want := (roster.Link{Ref: i.Ref(), ID: i.ID, ExpiresAt: end}); err != nil || link != want {
			t.Errorf("%s: the link leads to %+v, %v, want %+v", name, link, err, want)
		}
		if got := w.invitation(t, link.Ref); got.ID != link.ID {
			t.Errorf("%s: the link leads to the invitation %v, want %v", name, got.ID, link.ID)
		}
	}
	_, unknown := roster.NewLinkToken()
	_, err := w.Link(t.Context(), unknown)
	wantKind(t, "an unknown link", err, roster.KindNotFound)
	hash := w.mail(t, i)
	w.clock.Set(end.Add(-time.Second))
	if _, err := w.Link(t.Context(), hash); err != nil {
		t.Errorf("a second before its end the link gives %v", err)
	}
	w.clock.Set(end)
	_, err = w.Link(t.Context(), hash)
	wantKind(t, "an old link", err, roster.KindNotFound)
}

func TestAcceptInvitationMakesTheUserActive(t *testing.T) {
	w := newWorld(t)
	user, i := w.invite(t, w.child, 42)
	flagged := *user.Clone()
	flagged.EmailBounced, flagged.EmailComplained = true, true
	user, err := w.UpdateUser(t.Context(), user, flagged, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	hash := w.mail(t, i)
	w.clock.Advance(time.Hour)
	want := w.come(user)
	got, err := w.AcceptInvitation(t.Context(), i, hash, user, want, roster.Credential{PasswordHash: "$argon2id$mine"}, roster.Stamp{Via: "invitations", RequestID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	want.EmailBounced, want.EmailComplained, want.UpdatedAt = false, false, w.clock.Now()
	want.Revision = roster.Revision{Version: 3, ChangedAt: w.clock.Now(), Stamp: roster.Stamp{By: "user:42", Via: "invitations", RequestID: "r"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the user differs (-want +got):\n%s", diff)
	}
	if stored, err := w.User(t.Context(), 7, 42); err != nil || !cmp.Equal(stored, got) {
		t.Errorf("stored is %+v, %v, want %+v", stored, err, got)
	}
	if c, err := w.Credential(t.Context(), 7, 42); err != nil || c != (roster.Credential{Tenant: 7, User: 42, PasswordHash: "$argon2id$mine", ChangedAt: w.clock.Now()}) {
		t.Errorf("the password is %+v, %v", c, err)
	}
	_, err = w.Invitation(t.Context(), i.Ref())
	wantKind(t, "the invitation", err, roster.KindNotFound)
	_, err = w.Link(t.Context(), hash)
	wantKind(t, "the link", err, roster.KindNotFound)
	_, err = w.accept(t, i, got)
	wantDead(t, "accepting again", err)
	w.mustFit(t)
}

func TestAcceptInvitationRefuses(t *testing.T) {
	w := newWorld(t)
	user, i := w.invite(t, w.child, 42)
	other, _ := w.invite(t, w.child, 43)
	before := w.raw(t, "T#7#USER#42 USER")

	newer := i
	newer.ID++
	_, err := w.accept(t, newer, user)
	wantDead(t, "an invitation that another stands in the place of", err)
	old := i
	old.Email = "old@example.com"
	_, err = w.accept(t, old, user)
	wantDead(t, "an invitation that went to another address", err)
	stale := user
	stale.Revision.Version++
	_, err = w.accept(t, i, stale)
	wantVersionChanged(t, "a user that somebody wrote", err)
	_, err = w.accept(t, i, other)
	wantKind(t, "another user", err, roster.KindInternal)
	_, err = w.accept(t, w.signUp(w.child, user.Email), user)
	wantKind(t, "a sign-up", err, roster.KindInternal)
	elsewhere := w.come(user)
	elsewhere.Path = w.root
	_, err = w.AcceptInvitation(t.Context(), i, roster.LinkHash{}, user, elsewhere, roster.Credential{PasswordHash: "x"}, roster.Stamp{})
	wantKind(t, "a transfer", err, roster.KindInternal)
	_, _, err = w.AcceptSignUp(t.Context(), i, roster.LinkHash{}, roster.Organization{Name: "Own"}, newcomer(rostertest.User(w.child, 0)), roster.Stamp{})
	wantKind(t, "a sign-up by an invitation", err, roster.KindInternal)
	w.clock.Set(i.ValidUntil)
	_, err = w.accept(t, i, user)
	wantDead(t, "an invitation whose time is over", err)
	if got := w.raw(t, "T#7#USER#42 USER"); !reflect.DeepEqual(got, before) {
		t.Errorf("the refused made the user %v, want %v still", got, before)
	}
	_, err = w.Credential(t.Context(), 7, 42)
	wantKind(t, "a password", err, roster.KindNotFound)
	w.clock.Advance(-time.Millisecond)
	if _, err := w.accept(t, i, user); err != nil {
		t.Errorf("a millisecond before its end it gives %v", err)
	}
}

func TestResetIsOverOnceThePasswordIsSet(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42)
	i := w.put(t, w.reset(user))
	c := roster.Credential{Tenant: 7, User: 42, PasswordHash: "$argon2id$own", ChangedAt: i.CreatedAt.Add(time.Millisecond)}
	if err := w.PutCredential(t.Context(), c, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	reset := func() error {
		_, err := w.AcceptInvitation(t.Context(), i, roster.LinkHash{}, user, user, roster.Credential{PasswordHash: "$argon2id$new"}, roster.Stamp{})
		return err
	}
	wantDead(t, "a link that was asked for before", reset())
	if got, err := w.Credential(t.Context(), 7, 42); err != nil || got != c {
		t.Errorf("the password is %+v, %v, want %+v", got, err, c)
	}
	w.clock.Advance(time.Millisecond)
	i = w.put(t, w.reset(user))
	if err := reset(); err != nil {
		t.Errorf("a link that was asked for in that millisecond gives %v", err)
	}
}

func TestResetSetsThePasswordAndNothingElse(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42)
	i := w.put(t, w.reset(user))
	hash := w.mail(t, i)
	// A login in between is no reason to begin again.
	w.clock.Advance(time.Hour)
	if err := w.RecordLogin(t.Context(), 7, 42, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	want := w.raw(t, "T#7#USER#42 USER")
	got, err := w.AcceptInvitation(t.Context(), i, hash, user, user, roster.Credential{PasswordHash: "$argon2id$new"}, roster.Stamp{Via: "invitations"})
	if err != nil || !cmp.Equal(got, user) {
		t.Errorf("it gives %+v, %v", got, err)
	}
	if stored := w.raw(t, "T#7#USER#42 USER"); !reflect.DeepEqual(stored, want) {
		t.Errorf("it made the user %v, want %v still", stored, want)
	}
	if c, err := w.Credential(t.Context(), 7, 42); err != nil || c.PasswordHash != "$argon2id$new" || !c.ChangedAt.Equal(w.clock.Now()) {
		t.Errorf("the password is %+v, %v", c, err)
	}
	for _, item := range w.keys(t) {
		if item == "T#7#USER#42 RESET" || len(item) > 5 && item[:5] == "LINK#" {
			t.Errorf("%s is left", item)
		}
	}
	_, err = w.AcceptInvitation(t.Context(), i, hash, user, user, roster.Credential{PasswordHash: "x"}, roster.Stamp{})
	wantDead(t, "once more", err)
	w.mustFit(t)
}

func TestResetEndsWhatIsKnownOfTheAddress(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42, func(u *roster.User) { u.EmailBounced = true })
	got, err := w.AcceptInvitation(t.Context(), w.put(t, w.reset(user)), roster.LinkHash{}, user, user, roster.Credential{PasswordHash: "x"}, roster.Stamp{})
	if err != nil || got.EmailBounced || got.Revision.Version != 2 {
		t.Errorf("it gives %+v, %v", got, err)
	}
}

// TestResetOfAUserWhoIsAnotherByNow changes the user after it was read.
func TestResetOfAUserWhoIsAnotherByNow(t *testing.T) {
	w := newWorld(t)
	accept := func(i roster.Invitation, user roster.User) error {
		_, err := w.AcceptInvitation(t.Context(), i, roster.LinkHash{}, user, user, roster.Credential{PasswordHash: "$argon2id$stolen"}, roster.Stamp{})
		return err
	}
	for n, change := range map[int]func(*roster.User){
		42: func(u *roster.User) { u.Email = "new@example.com" },
		43: func(u *roster.User) { u.Status = roster.StatusSuspended },
	} {
		user := w.create(t, w.child, n)
		i := w.put(t, w.reset(user))
		if _, err := w.changeUser(t, user.ID, change); err != nil {
			t.Fatal(err)
		}
		wantVersionChanged(t, "a changed user", accept(i, user))
		if c, err := w.Credential(t.Context(), 7, user.ID); err != nil || c.PasswordHash != "$argon2id$" {
			t.Errorf("the password is %+v, %v", c, err)
		}
	}
	user := w.create(t, w.child, 44)
	i := w.put(t, w.reset(user))
	if _, err := w.DeleteUser(t.Context(), user, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	wantDead(t, "a deleted user", accept(i, user))
	_, err := w.Credential(t.Context(), 7, 44)
	wantKind(t, "a password", err, roster.KindNotFound)
	w.mustFit(t)
}

func TestAcceptSignUpMakesUserAndOrganization(t *testing.T) {
	w := newWorld(t)
	i := w.put(t, w.signUp(w.child, "Stranger@example.com"))
	hash := w.mail(t, i)
	before := w.keys(t)
	o, user, err := w.AcceptSignUp(t.Context(), i, hash, roster.Organization{Name: "Own"}, newcomer(rostertest.User(w.root, 0, func(u *roster.User) { u.Email = "other@example.com" })), roster.Stamp{Via: "invitations"})
	if err != nil {
		t.Fatal(err)
	}
	if o.ID == 0 || !slices.Equal(o.Path, w.child.Child(o.ID)) || o.Tenant != 7 || user.ID == 0 || !slices.Equal(user.Path, o.Path) || user.Email != "Stranger@example.com" {
		t.Errorf("it makes %+v and %+v", o, user)
	}
	if by := "user:" + user.ID.String(); user.Revision.Stamp.By != by || o.Revision.Stamp.By != by {
		t.Errorf("it is by %q and %q, want %s", user.Revision.Stamp.By, o.Revision.Stamp.By, by)
	}
	after := w.keys(t)
	if len(after) != len(before)+2 { // user, credential, claim and organization for the invitation and the link
		t.Errorf("before\n%q\nafter\n%q", before, after)
	}
	_, _, err = w.AcceptSignUp(t.Context(), i, hash, roster.Organization{Name: "Own"}, newcomer(rostertest.User(w.root, 0)), roster.Stamp{})
	wantDead(t, "once more", err)

	// Who got an account in another way keeps it, and the invitation.
	taken := w.put(t, w.signUp(w.child, "STRANGER@example.com"))
	_, _, err = w.AcceptSignUp(t.Context(), taken, hash, roster.Organization{Name: "Own"}, newcomer(rostertest.User(w.root, 0)), roster.Stamp{})
	wantTaken(t, err, "email")
	w.invitation(t, taken.Ref())
	given := w.put(t, w.signUp(w.root, "second@example.com"))
	o, _, err = w.AcceptSignUp(t.Context(), given, hash, roster.Organization{ID: 77, Name: "Given"}, newcomer(rostertest.User(w.root, 0)), roster.Stamp{By: "client:x"})
	if err != nil || !slices.Equal(o.Path, roster.OrgPath{7, 77}) || o.Revision.Stamp.By != "client:x" {
		t.Errorf("with an id it makes %+v, %v", o, err)
	}
	w.mustFit(t)
}
