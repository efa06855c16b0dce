package dynamo_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func identity(value string) roster.Identity { return roster.Identity{Type: "azure", Value: value} }

func TestCreateUserWritesAllOfIt(t *testing.T) {
	w := newWorld(t)
	before := w.keys(t)
	user := w.create(t, w.child, 42, func(u *roster.User) {
		u.Email, u.Identities = "Jane@Example.com", []roster.Identity{identity("jane#1"), identity("jane#1")}
	})
	want := []string{
		"EMAIL#jane@example.com CLAIM", "T#7#IDENTITY#8#azure#jane%231 CLAIM", "T#7#USER#42 CREDENTIAL", "T#7#USER#42 USER",
	}
	if got := w.added(t, before); !slices.Equal(got, want) {
		t.Errorf("the items of a new user are %q, want %q", got, want)
	}
	got, err := w.User(t.Context(), 7, 42)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(user, got); diff != "" {
		t.Errorf("what CreateUser returned is not what stands (-returned +stands):\n%s", diff)
	}
	if want := (roster.Revision{Version: 1, ChangedAt: w.clock.Now(), Stamp: rostertest.Stamp()}); got.Revision != want {
		t.Errorf("the first revision is %v, want %v", got.Revision, want)
	}
	if tenant, id, err := w.EmailOwner(t.Context(), "JANE@example.COM"); tenant != 7 || id != 42 || err != nil {
		t.Errorf("the address is that of user %d of tenant %d, %v", id, tenant, err)
	}
	if id, err := w.IdentityOwner(t.Context(), 7, 8, identity("jane#1")); id != 42 || err != nil {
		t.Errorf("the identity is that of user %d, %v", id, err)
	}
	if c, err := w.Credential(t.Context(), 7, 42); c.PasswordHash != "$argon2id$" || c.User != 42 || err != nil {
		t.Errorf("the credential is %v, %v", c, err)
	}
}

func TestAnyUserCanBeCreatedAndReadBack(t *testing.T) {
	w := newWorld(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		user := dynamo.AnyUser().Draw(rt, "user")
		user.Tenant, user.Path, user.ID = 7, w.child, roster.UserID(1000+n)
		user.Email = roster.Email(fmt.Sprintf("%d-%s", n, user.Email))
		user.Identities = nil // any text, so maybe too long for a key
		user.ExpiresAt, user.DeletedAt = time.Time{}, time.Time{}
		created, _, err := w.CreateUser(t.Context(), roster.NewUser{User: user}, user.Revision.Stamp, nil)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := w.User(t.Context(), 7, user.ID)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(created, got); diff != "" {
			rt.Fatalf("what CreateUser returned is not what stands (-returned +stands):\n%s", diff)
		}
		user.Revision = created.Revision
		if user.CreatedAt.IsZero() {
			user.CreatedAt = created.CreatedAt
		}
		if user.UpdatedAt.IsZero() {
			user.UpdatedAt = created.UpdatedAt
		}
		if diff := cmp.Diff(user, created); diff != "" {
			rt.Fatalf("what CreateUser returned is not what it was given (-given +returned):\n%s", diff)
		}
	})
}

func TestCreateUserRefusesWhatIsTaken(t *testing.T) {
	w := newWorld(t)
	w.create(t, w.child, 42, func(u *roster.User) { u.Email, u.Identities = "jane@example.com", []roster.Identity{identity("jane")} })
	before := w.keys(t)
	for name, tt := range map[string]struct {
		user    roster.User
		kind    roster.Kind
		message string
	}{
		"address": {
			rostertest.User(w.root, 43, func(u *roster.User) { u.Email = "JANE@example.com" }),
			roster.KindConflict, "the e-mail address JANE@example.com is taken",
		},
		"identity": {
			rostertest.User(w.child, 43, func(u *roster.User) { u.Identities = []roster.Identity{identity("jane")} }),
			roster.KindConflict, "the identity azure jane is taken",
		},
		"id":                  {rostertest.User(w.child, 42, func(u *roster.User) { u.Email = "other@example.com" }), roster.KindConflict, "the user id 42 is taken"},
		"no such org":         {rostertest.User(roster.OrgPath{7, 9}, 43), roster.KindNotFound, "organization not found"},
		"no such tenant":      {rostertest.User(roster.OrgPath{6}, 43), roster.KindNotFound, "organization not found"},
		"org elsewhere":       {rostertest.User(roster.OrgPath{7, 9, 8}, 43), roster.KindInvalid, "organization 8 is not at 7/9/8"},
		"org of nobody":       {roster.User{Tenant: 7, ID: 43}, roster.KindInvalid, "organization is required"},
		"too many identities": {rostertest.User(w.child, 43, manyIdentities), roster.KindInvalid, "identities must change by at most 90 at a time"},
	} {
		_, _, err := w.CreateUser(t.Context(), newcomer(tt.user), rostertest.Stamp(), nil)
		wantKind(t, name, err, tt.kind)
		if e, ok := errors.AsType[*roster.Error](err); ok && e.Message != tt.message {
			t.Errorf("%s: the message is %q, want %q", name, e.Message, tt.message)
		}
	}
	if added := w.added(t, before); len(added) != 0 {
		t.Errorf("refused users left %q", added)
	}
	// The same identity in another organization is another one.
	w.create(t, w.root, 44, func(u *roster.User) { u.Identities = []roster.Identity{identity("jane")} })
}

func manyIdentities(u *roster.User) {
	for i := range 100 {
		u.Identities = append(u.Identities, identity(fmt.Sprint(i)))
	}
}

func TestAssignedIDsThatCollideAreAssignedAgain(t *testing.T) {
	w := newWorld(t)
	source := func() *roster.IDSource {
		return &roster.IDSource{Now: w.clock.Now, Random: bytes.NewReader(slices.Repeat([]byte{0, 0, 1, 0}, 100))}
	}
	var ids []roster.UserID
	for n := range 4 {
		// Each is another process, whose ids begin where those of the others did.
		process := dynamo.New(rostertest.Client(t), w.name, dynamo.Options{Now: w.clock.Now, IDs: source()})
		user, _, err := process.CreateUser(t.Context(), newcomer(rostertest.User(w.child, 100+n, func(u *roster.User) { u.ID = 0 })), rostertest.Stamp(), nil)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, user.ID)
		results := process.CreateUsers(t.Context(), []roster.NewUser{{User: rostertest.User(w.child, 200+n, func(u *roster.User) { u.ID = 0 })}}, rostertest.Stamp())
		if results[0].Err != nil || results[0].Existed {
			t.Fatal(results[0])
		}
		ids = append(ids, results[0].User.ID)
	}
	slices.Sort(ids)
	if distinct := slices.Compact(slices.Clone(ids)); len(distinct) != len(ids) {
		t.Errorf("ids %v were assigned, some twice", ids)
	}
}

func TestOfManyWhoTakeOneAddressOneWins(t *testing.T) {
	w := newWorld(t)
	before := w.keys(t)
	const many = 50
	results := make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			user := rostertest.User(w.child, 0, func(u *roster.User) { u.Email = roster.Email("same@example.com") })
			_, _, results[i] = w.CreateUser(t.Context(), newcomer(user), rostertest.Stamp(), nil)
		})
	}
	all.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else {
			wantKind(t, "losing", err, roster.KindConflict)
		}
	}
	if added := w.added(t, before); won != 1 || len(added) != 3 {
		t.Errorf("%d won and left %q, want one, with a user, a claim and a credential", won, added)
	}
}

func TestUpdateUserMovesItsClaims(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42, func(u *roster.User) {
		u.Email, u.Identities = "old@example.com", []roster.Identity{identity("keep"), identity("drop")}
	})
	before := w.keys(t)
	w.clock.Advance(time.Hour)

	after := *user.Clone()
	after.Email, after.Identities = "new@example.com", []roster.Identity{identity("keep"), identity("add")}
	updated, err := w.UpdateUser(t.Context(), user, after, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"EMAIL#new@example.com CLAIM", "T#7#IDENTITY#8#azure#add CLAIM"}
	if got := w.added(t, before); !slices.Equal(got, want) || len(w.keys(t)) != len(before) {
		t.Errorf("the update added %q, want %q in the place of two", got, want)
	}
	if updated.Revision.Version != 2 || !updated.UpdatedAt.Equal(w.clock.Now()) || !updated.Revision.ChangedAt.Equal(w.clock.Now()) {
		t.Errorf("the update is %v of %v, want version 2 of now", updated.Revision, updated.UpdatedAt)
	}

	// A transfer takes the identities along, since they are the organization's.
	moved := *updated.Clone()
	moved.Path = w.root
	if moved, err = w.UpdateUser(t.Context(), updated, moved, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.IdentityOwner(t.Context(), 7, 8, identity("keep")); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("the identity is still one in the old organization: %v", err)
	}
	if id, err := w.IdentityOwner(t.Context(), 7, 7, identity("keep")); id != 42 || err != nil {
		t.Errorf("in the new organization the identity is that of %v, %v", id, err)
	}

	lost := *moved.Clone()
	lost.Path = roster.OrgPath{7, 99}
	_, err = w.UpdateUser(t.Context(), moved, lost, rostertest.Stamp())
	wantKind(t, "a transfer to nowhere", err, roster.KindNotFound)
}

func TestUpdateUserIsOptimistic(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42)
	other := w.create(t, w.child, 43)
	renamed := *user.Clone()
	renamed.Name = "Somebody Else"
	first, err := w.UpdateUser(t.Context(), user, renamed, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	for name, email := range map[string]roster.Email{"alone": user.Email, "with a claim": "new@example.com"} {
		late := *user.Clone()
		late.Title, late.Email = "Late", email
		if _, err := w.UpdateUser(t.Context(), user, late, rostertest.Stamp()); !errors.Is(err, roster.ErrVersionChanged) {
			t.Errorf("%s: an update of what was changed meanwhile gives %v, want ErrVersionChanged", name, err)
		}
	}
	taken := *first.Clone()
	taken.Email = other.Email
	_, err = w.UpdateUser(t.Context(), first, taken, rostertest.Stamp())
	wantKind(t, "taking another's address", err, roster.KindConflict)
	if errors.Is(err, roster.ErrVersionChanged) {
		t.Error("an address that is taken reads like a version that changed")
	}
	if _, err := w.DeleteUser(t.Context(), first, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	_, err = w.UpdateUser(t.Context(), first, renamed, rostertest.Stamp())
	wantKind(t, "an update of what was deleted meanwhile", err, roster.KindNotFound)
}

func TestOneOfManyUpdatesWins(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42)
	results := make([]error, 20)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			mine := *user.Clone()
			mine.Title = fmt.Sprint("Title ", i)
			_, results[i] = w.UpdateUser(t.Context(), user, mine, rostertest.Stamp())
		})
	}
	all.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, roster.ErrVersionChanged) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d updates of one version won", won, len(results))
	}
}

func TestDeletedUserIsGoneUntilItIsRestored(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42, func(u *roster.User) { u.Identities = []roster.Identity{identity("jane")} })
	w.clock.Advance(time.Minute)
	deleted, err := w.DeleteUser(t.Context(), user, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	if !deleted.DeletedAt.Equal(w.clock.Now()) || deleted.ExpiresAt.Sub(deleted.DeletedAt).Round(time.Minute) != dynamo.DefaultRetention {
		t.Errorf("deleted at %v until %v", deleted.DeletedAt, deleted.ExpiresAt)
	}
	_, err = w.User(t.Context(), 7, 42)
	wantKind(t, "User", err, roster.KindNotFound)
	_, _, err = w.EmailOwner(t.Context(), user.Email)
	wantKind(t, "EmailOwner", err, roster.KindNotFound)
	_, err = w.IdentityOwner(t.Context(), 7, 8, identity("jane"))
	wantKind(t, "IdentityOwner", err, roster.KindNotFound)
	_, err = w.Credential(t.Context(), 7, 42)
	wantKind(t, "Credential", err, roster.KindNotFound)
	wantKind(t, "PutCredential", w.PutCredential(t.Context(), roster.Credential{Tenant: 7, User: 42, PasswordHash: "x"}, rostertest.Stamp()), roster.KindNotFound)
	wantKind(t, "RecordLogin", w.RecordLogin(t.Context(), 7, 42, w.clock.Now()), roster.KindNotFound)
	_, err = w.DeleteUser(t.Context(), deleted, rostertest.Stamp())
	wantKind(t, "DeleteUser again", err, roster.KindNotFound)
	if users, _, err := w.UsersOf(t.Context(), 7, 8, 0, 10); len(users) != 0 || err != nil {
		t.Errorf("the organization has the users %v, %v", users, err)
	}
	if users, _, err := w.DeletedUsersOf(t.Context(), 7, 8, 0, 10); len(users) != 1 || err != nil {
		t.Errorf("the organization has the deleted users %v, %v", users, err)
	}
	if got, err := w.UserEvenDeleted(t.Context(), 7, 42); err != nil || !cmp.Equal(deleted, got) {
		t.Errorf("UserEvenDeleted gives %v, %v, want %v", got, err, deleted)
	}

	restored, err := w.RestoreUser(t.Context(), deleted, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.User(t.Context(), 7, 42); err != nil || !cmp.Equal(restored, got) || restored.Revision.Version != 3 {
		t.Errorf("the restored user is %v, %v, want %v, version 3", got, err, restored)
	}
	if _, id, err := w.EmailOwner(t.Context(), user.Email); id != 42 || err != nil {
		t.Errorf("the restored user's address is that of %v, %v", id, err)
	}
	if users, _, err := w.UsersOf(t.Context(), 7, 8, 0, 10); len(users) != 1 || err != nil {
		t.Errorf("the organization has the users %v, %v", users, err)
	}
}

func TestRestoreUserNamesWhatWasTaken(t *testing.T) {
	w := newWorld(t)
	deleted, err := w.DeleteUser(t.Context(), w.create(t, w.child, 42), rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	w.create(t, w.child, 43, func(u *roster.User) { u.Email = deleted.Email })
	_, err = w.RestoreUser(t.Context(), deleted, rostertest.Stamp())
	wantKind(t, "restoring", err, roster.KindConflict)
	if e, ok := errors.AsType[*roster.Error](err); ok && e.Message != "the e-mail address "+string(deleted.Email)+" is taken" {
		t.Errorf("the message is %q", e.Message)
	}
}

func TestUserIsGoneWhenItsRetentionIsOver(t *testing.T) {
	w := newWorld(t)
	deleted, err := w.DeleteUser(t.Context(), w.create(t, w.child, 42), rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Set(deleted.ExpiresAt) // and the time to live has removed nothing yet
	_, err = w.UserEvenDeleted(t.Context(), 7, 42)
	wantKind(t, "UserEvenDeleted", err, roster.KindNotFound)
	if users, _, err := w.DeletedUsersOf(t.Context(), 7, 8, 0, 10); len(users) != 0 || err != nil {
		t.Errorf("the organization has the deleted users %v, %v", users, err)
	}
}

func TestRecordLoginWritesOnceAMinute(t *testing.T) {
	w := newWorld(t)
	created := w.create(t, w.child, 42)
	login := func(after time.Duration) roster.User {
		t.Helper()
		if err := w.RecordLogin(t.Context(), 7, 42, w.clock.Advance(after)); err != nil {
			t.Fatal(err)
		}
		user, err := w.User(t.Context(), 7, 42)
		if err != nil {
			t.Fatal(err)
		}
		return user
	}
	// Whoever asked for what was before has nothing to do with a login.
	stamp := rostertest.Stamp()
	stamp.ForwardedFor = "client:elsewhere"
	created, err := w.UpdateUser(t.Context(), created, created, stamp)
	if err != nil || created.Revision.Stamp != stamp {
		t.Fatalf("the update is stamped %+v, %v, want %+v", created.Revision.Stamp, err, stamp)
	}
	first := login(time.Second)
	if !first.LastLoginAt.Equal(w.clock.Now()) || first.Revision.Version != 3 || !first.Revision.ChangedAt.Equal(w.clock.Now()) {
		t.Errorf("after the first login the user is %v, %v", first.LastLoginAt, first.Revision)
	}
	if want := (roster.Stamp{By: "user:42", Via: "login"}); first.Revision.Stamp != want || !first.UpdatedAt.Equal(created.UpdatedAt) {
		t.Errorf("after the first login the user is of %v by %v, want by %v and not updated", first.UpdatedAt, first.Revision.Stamp, want)
	}
	if again := login(59 * time.Second); !cmp.Equal(again, first) {
		t.Errorf("a login within the minute changed the user to %v", again)
	}
	if later := login(time.Second); !later.LastLoginAt.Equal(w.clock.Now()) || later.Revision.Version != 4 {
		t.Errorf("after a minute the user is %v, %v", later.LastLoginAt, later.Revision)
	}
	wantKind(t, "a login of nobody", w.RecordLogin(t.Context(), 7, 99, w.clock.Now()), roster.KindNotFound)
}

func TestLoginNeverRunsTheFeedBackwards(t *testing.T) {
	w := newWorld(t)
	created := w.create(t, w.child, 42)
	w.clock.Advance(-time.Hour) // the clock of another process
	if err := w.RecordLogin(t.Context(), 7, 42, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	user, err := w.User(t.Context(), 7, 42)
	if err != nil {
		t.Fatal(err)
	}
	if want := created.Revision.ChangedAt.Add(time.Millisecond); !user.Revision.ChangedAt.Equal(want) || user.LastLoginAt.IsZero() {
		t.Errorf("the login is at %v in the feed, want %v", user.Revision.ChangedAt, want)
	}
	user.Title = "Updated"
	updated, err := w.UpdateUser(t.Context(), user, user, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	if want := user.Revision.ChangedAt.Add(time.Millisecond); !updated.Revision.ChangedAt.Equal(want) {
		t.Errorf("the update is at %v in the feed, want %v", updated.Revision.ChangedAt, want)
	}
}

func TestPutCredentialReplacesThePassword(t *testing.T) {
	w := newWorld(t)
	w.create(t, w.child, 42)
	if err := w.PutCredential(t.Context(), roster.Credential{Tenant: 7, User: 42, PasswordHash: "new"}, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	want := roster.Credential{Tenant: 7, User: 42, PasswordHash: "new", ChangedAt: w.clock.Now()}
	if got, err := w.Credential(t.Context(), 7, 42); got != want || err != nil {
		t.Errorf("the credential is %v, %v, want %v", got, err, want)
	}
	if got, err := w.Credentials(t.Context(), 7, []roster.UserID{1, 42, 99}); len(got) != 1 || got[42] != want || err != nil {
		t.Errorf("the credentials are %v, %v", got, err)
	}
	wantKind(t, "a password of nobody", w.PutCredential(t.Context(), roster.Credential{Tenant: 7, User: 99, PasswordHash: "x"}, rostertest.Stamp()), roster.KindNotFound)
}

func TestUsersOfPagesAreLawful(t *testing.T) {
	w := newWorld(t)
	var users []roster.NewUser
	for n := range 50 {
		users = append(users, roster.NewUser{User: rostertest.User(w.child, 100+n)}, roster.NewUser{User: rostertest.User(w.root, 200+n)})
	}
	if err := dynamo.FirstError(w.CreateUsers(t.Context(), users, rostertest.Stamp())); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 7, 25, 50, 51, 1000} {
		var ids []roster.UserID
		for after, pages := roster.UserID(0), 0; ; pages++ {
			page, next, err := w.UsersOf(t.Context(), 7, 8, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > limit {
				t.Errorf("a page of %d has %d users", limit, len(page))
			}
			for _, u := range page {
				ids = append(ids, u.ID)
			}
			if next == 0 {
				break
			}
			if next <= after || pages > 60 {
				t.Fatalf("after %v comes %v, on page %d", after, next, pages)
			}
			if after == 0 && limit == 7 {
				// A write between two pages: whoever comes in front is missed, nobody is lost or repeated.
				w.create(t, w.child, 99)
			}
			after = next
		}
		want := 50
		if limit > 7 {
			want = 51
		}
		if len(ids) != want || !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != want {
			t.Errorf("pages of %d show %v", limit, ids)
		}
	}
}

// basePoint is the base point of the curve P-256 (SEC 2, section 2.4.2), a public key like any other.
const basePoint = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

// TestTheLargestUserFits holds the field rules to what DynamoDB takes: 400 KB.
func TestTheLargestUserFits(t *testing.T) {
	w := newWorld(t)
	wide := func(n int) string { return strings.Repeat("𝒳", n) }
	for n, claims := range map[int]int{5: 40, 100: 2} { // the bytes that a claim takes, and how many each of 1,000 delegates has
		user := rostertest.User(w.child, n, func(u *roster.User) {
			u.Nickname, u.Username, u.Title, u.Seniority, u.Department = wide(100), wide(100), wide(100), wide(100), wide(100)
			u.Office, u.Subdepartment, u.Pod, u.DeviceUserID = wide(100), wide(100), wide(100), wide(100)
			u.PublicKey = basePoint
			u.Name, u.GivenName, u.FamilyName = wide(100), wide(100), wide(100)
			u.Address = roster.Address{Full: wide(512), Country: wide(74), City: wide(50), State: wide(40), Zip: wide(12)}
			for i := range 1000 {
				u.Groups = append(u.Groups, roster.MaxGroupID-roster.GroupID(i))
				d := roster.Delegate{User: roster.MaxUserID - roster.UserID(i)}
				for range claims {
					d.Permissions = append(d.Permissions, strings.Repeat("x", n-4))
				}
				u.Delegates = append(u.Delegates, d)
			}
			for i := range 45 {
				u.Identities = append(u.Identities, roster.Identity{Type: "external-billing-system", Value: fmt.Sprintf("%02d", i) + strings.Repeat("%#", 36) + wide(181)})
			}
		})
		if err := user.Validate(); err != nil {
			t.Fatal(err)
		}
		created, _, err := w.CreateUser(t.Context(), newcomer(user), rostertest.Stamp(), nil)
		if err != nil {
			t.Fatalf("with %d claims of each delegate: %v", claims, err)
		}
		if _, err := w.DeleteUser(t.Context(), created, rostertest.Stamp()); err != nil {
			t.Fatalf("deleting: %v", err)
		}
	}
	w.mustFit(t)
}
