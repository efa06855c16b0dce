package dynamo_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// newUsers returns n users of the path from the first on, every second with a password.
func newUsers(path roster.OrgPath, first, n int) []roster.NewUser {
	users := make([]roster.NewUser, n)
	for i := range users {
		users[i].User = rostertest.User(path, first+i)
		if i%2 == 0 {
			users[i].Credential = &roster.Credential{PasswordHash: fmt.Sprint("hash ", first+i)}
		}
	}
	return users
}

func TestCreateUsersRefusesEachByItself(t *testing.T) {
	w := newWorld(t)
	taken := w.create(t, w.child, 50)
	users := newUsers(w.child, 100, 120)
	want := make(map[int]roster.Kind)
	refuse := func(i int, kind roster.Kind, change func(u *roster.User)) {
		change(&users[i].User)
		want[i] = kind
	}
	refuse(3, roster.KindConflict, func(u *roster.User) { u.Email = taken.Email })
	refuse(4, roster.KindConflict, func(u *roster.User) { u.ID = taken.ID })
	refuse(5, roster.KindConflict, func(u *roster.User) { u.Email = users[0].User.Email }) // earlier in the same call
	refuse(70, roster.KindConflict, func(u *roster.User) { u.ID = users[69].User.ID })
	refuse(71, roster.KindNotFound, func(u *roster.User) { u.Path = roster.OrgPath{7, 99} })
	refuse(72, roster.KindInvalid, func(u *roster.User) { u.Path = roster.OrgPath{7, 9, 8} })
	refuse(119, roster.KindConflict, func(u *roster.User) { u.Email = taken.Email })
	users[118].User.ID = 0
	before := w.keys(t)

	results := w.CreateUsers(t.Context(), users, rostertest.Stamp())
	wantItems := 0
	for i, r := range results {
		if kind, refused := want[i]; refused {
			wantKind(t, fmt.Sprint("user ", i), r.Err, kind)
			continue
		}
		if r.Err != nil || r.Existed {
			t.Errorf("user %d: %v, existed %v", i, r.Err, r.Existed)
			continue
		}
		wantItems += 2
		if users[i].Credential != nil {
			wantItems++
		}
		if got, err := w.User(t.Context(), 7, r.User.ID); err != nil || !cmp.Equal(r.User, got) {
			t.Errorf("user %d is %v, %v, want %v", i, got, err, r.User)
		}
	}
	if got := len(w.added(t, before)); got != wantItems {
		t.Errorf("the users have %d items, want %d", got, wantItems)
	}
}

func TestCreateUsersAgainHasNothingToDo(t *testing.T) {
	w := newWorld(t)
	users := newUsers(w.child, 100, 60)
	users[7].User.CreatedAt = users[7].User.CreatedAt.AddDate(0, 0, -1)
	users[7].User.DeletedAt, users[7].User.ExpiresAt = w.clock.Now(), w.clock.Now().Add(dynamo.DefaultRetention)
	if err := dynamo.FirstError(w.CreateUsers(t.Context(), users[:31], rostertest.Stamp())); err != nil {
		t.Fatal(err)
	}
	before := w.keys(t)
	if slices.Contains(before, "EMAIL#user-107@tenant-7.example.com CLAIM") {
		t.Error("a deleted user claims its address")
	}
	users[3].User.Name = "Changed in the file"
	users[4].Credential = &roster.Credential{PasswordHash: "changed in the file"}
	results := w.CreateUsers(t.Context(), users, rostertest.Stamp())
	for i, r := range results {
		switch {
		case i == 3, i == 4:
			wantKind(t, fmt.Sprint("user ", i), r.Err, roster.KindConflict)
		case r.Err != nil:
			t.Errorf("user %d: %v", i, r.Err)
		case r.Existed != (i < 31):
			t.Errorf("user %d existed: %v", i, r.Existed)
		}
	}
	for _, r := range w.CreateUsers(t.Context(), users[:3], roster.Stamp{By: "somebody else"}) {
		if !r.Existed || r.User.Revision.Stamp != rostertest.Stamp() {
			t.Errorf("the user is %v, existed %v", r.User.Revision, r.Existed)
		}
	}
}

func TestCreateUsersFromSeveralGoroutines(t *testing.T) {
	w := newWorld(t)
	before := w.keys(t)
	users := newUsers(w.child, 100, 200)
	// All have the same users, in another order each: whoever comes first writes, and the others find them.
	created := make([]int, 4)
	var all sync.WaitGroup
	for g := range created {
		mine := slices.Clone(users)
		slices.SortFunc(mine, func(a, b roster.NewUser) int {
			return int(a.User.ID*7919%(101+roster.UserID(g)) - b.User.ID*7919%(101+roster.UserID(g)))
		})
		all.Go(func() {
			for _, r := range w.CreateUsers(t.Context(), mine, rostertest.Stamp()) {
				if r.Err != nil {
					t.Error(r.Err)
				} else if !r.Existed {
					created[g]++
				}
			}
		})
	}
	all.Wait()
	if sum := created[0] + created[1] + created[2] + created[3]; sum != 200 {
		t.Errorf("%v users were created, want 200 together", created)
	}
	if got := len(w.added(t, before)); got != 500 {
		t.Errorf("200 users with 100 passwords have %d items, want 500", got)
	}
}

func TestCreateUsersEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i, r := range w.CreateUsers(ctx, newUsers(w.child, 100, 5), rostertest.Stamp()) {
		if r.Err == nil {
			t.Errorf("user %d was created", i)
		}
	}
}

func TestCreateUsersOfNobodyDoesNothing(t *testing.T) {
	w := newWorld(t)
	if results := w.CreateUsers(t.Context(), nil, rostertest.Stamp()); len(results) != 0 {
		t.Errorf("results %v", results)
	}
}
