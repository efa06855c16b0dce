package dynamo_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// onRoads runs a test on a world of its own on each sort of road to the table, the first of them sound. After each,
// everything in the table must fit together.
func onRoads(t *testing.T, test func(t *testing.T, w *world, sound bool)) {
	likely := func(kind rostertest.FaultKind, operation string, probability float64) rostertest.Fault {
		return rostertest.Fault{Kind: kind, Operation: operation, Probability: probability}
	}
	roads := []struct {
		name   string
		faults []rostertest.Fault
	}{
		{"sound", nil},
		{"throttled", []rostertest.Fault{likely(rostertest.Throttled, "", 0.3)}},
		{"timeouts", []rostertest.Fault{likely(rostertest.TimedOut, "", 0.3)}},
		{"lost answers", []rostertest.Fault{likely(rostertest.LostAnswer, "", 0.3)}},
		{"conflicts", []rostertest.Fault{
			likely(rostertest.TransactionConflict, "TransactWriteItems", 0.4),
			likely(rostertest.TransactionConflict, "PutItem", 0.4), likely(rostertest.TransactionConflict, "UpdateItem", 0.4),
		}},
		{"everything", []rostertest.Fault{
			likely(rostertest.TransactionConflict, "TransactWriteItems", 0.15), likely(rostertest.LostAnswer, "", 0.15),
			likely(rostertest.Throttled, "", 0.1), likely(rostertest.TimedOut, "", 0.1), likely(rostertest.ServerError, "", 0.05),
		}},
	}
	for _, road := range roads {
		t.Run(road.name, func(t *testing.T) {
			faults := rostertest.NewFaults(1)
			w := newWorld(t, rostertest.WithTransport(faults), func(o *dynamodb.Options) { hasty(o) })
			if _, err := w.Organization(t.Context(), 7, 8); err != nil { // as if it had been used before
				t.Fatal(err)
			}
			faults.Set(road.faults...)
			test(t, w, road.faults == nil)
			if road.faults != nil && faults.Injected() == 0 {
				t.Error("nothing went wrong on the road")
			}
			w.mustFit(t)
		})
	}
}

// wantAnyKind fails the test unless err is of one of the kinds, or of KindUnavailable where the road is not sound.
func wantAnyKind(t *testing.T, what string, err error, sound bool, kinds ...roster.Kind) {
	t.Helper()
	if !sound {
		kinds = append(kinds, roster.KindUnavailable)
	}
	if !slices.Contains(kinds, roster.KindOf(err)) {
		t.Errorf("%s gives %v, want one of the kinds %v", what, err, kinds)
	}
}

func TestOneOfManyTakesAnAddress(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]bool{"alone": false, "with an organization": true} {
		t.Run(name, func(t *testing.T) {
			onRoads(t, func(t *testing.T, w *world, sound bool) { takeOneAddress(t, w, sound, with) })
		})
	}
}

// takeOneAddress lets 200 create a user of the same e-mail address, at once, in organization 8 or each with an organization
// of its own.
func takeOneAddress(t *testing.T, w *world, sound, withOrganization bool) {
	const many = 200
	before := w.keys(t)
	errs := make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			n := newcomer(rostertest.User(w.child, 0, func(u *roster.User) { u.Email = "Same@example.com" }))
			if withOrganization {
				_, _, _, errs[i] = w.CreateUserWithOrganization(t.Context(), roster.Organization{Tenant: 7, Path: w.child, Name: "Own"}, n, rostertest.Stamp(), nil)
			} else {
				_, _, errs[i] = w.CreateUser(t.Context(), n, rostertest.Stamp(), nil)
			}
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !sound && roster.KindOf(err) == roster.KindUnavailable:
		default:
			wantTaken(t, err, "email")
		}
	}
	// On a bad road the one who won may never have heard of it.
	if won > 1 || sound && won != 1 {
		t.Errorf("%d of %d won", won, many)
	}
	want := 3 // user, credential, claim
	if withOrganization {
		want = 4
	}
	if added := w.added(t, before); len(added) != want {
		t.Errorf("they left %q, want %d items", added, want)
	}
	if _, _, err := w.over(t).EmailOwner(t.Context(), "same@example.com"); err != nil {
		t.Errorf("the address is nobody's: %v", err)
	}
}

func TestTransferAgainstDelete(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		const users = 10
		var all sync.WaitGroup
		for n := range users {
			user := w.createSoundly(t, w.child, 100+n, func(u *roster.User) { u.Identities = []roster.Identity{identity(fmt.Sprint("id ", n))} })
			for range 3 {
				all.Go(func() {
					after := *user.Clone()
					after.Path = w.root
					if _, err := w.UpdateUser(t.Context(), user, after, rostertest.Stamp()); err != nil {
						wantAnyKind(t, "a transfer", err, sound, roster.KindConflict, roster.KindNotFound)
					}
				})
				all.Go(func() {
					if _, err := w.DeleteUser(t.Context(), user, rostertest.Stamp()); err != nil {
						wantAnyKind(t, "a delete", err, sound, roster.KindConflict, roster.KindNotFound)
					}
				})
			}
		}
		all.Wait()
		for n := range users {
			user, err := w.over(t).UserEvenDeleted(t.Context(), 7, roster.UserID(100+n))
			if err != nil {
				t.Fatal(err)
			}
			if moved := user.Org() == 7; sound && (user.Revision.Version != 2 || moved == user.Deleted()) {
				t.Errorf("user %v is in version %d, moved %v and deleted %v", user.ID, user.Revision.Version, moved, user.Deleted())
			}
		}
	})
}

// createSoundly is create over a sound road.
func (w *world) createSoundly(t *testing.T, path roster.OrgPath, n int, changes ...func(*roster.User)) roster.User {
	t.Helper()
	sound := *w
	sound.Table = w.over(t)
	return sound.create(t, path, n, changes...)
}

func TestRoleAgainstRole(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		roles := []roster.RoleID{roster.RoleAdmin, roster.RoleStaff, roster.RoleUser}
		user := w.createSoundly(t, w.root, 42)
		const each = 8
		var all sync.WaitGroup
		var mu sync.Mutex
		written := 0
		for i := range each * len(roles) {
			all.Go(func() {
				_, err := w.changeUser(t, user.ID, func(u *roster.User) { u.Roles = []roster.RoleID{roles[i%len(roles)]} })
				if err != nil {
					wantAnyKind(t, "a change of role", err, sound, roster.KindConflict)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				written++
			})
		}
		all.Wait()
		got, err := w.over(t).User(t.Context(), 7, user.ID)
		if err != nil {
			t.Fatal(err)
		}
		if sound && got.Revision.Version != int64(1+written) {
			t.Errorf("%d changes were written, and the user is in version %d", written, got.Revision.Version)
		}
		if want := map[bool]string{true: "2", false: "1"}[slices.Contains(got.Roles, roster.RoleAdmin)]; w.admins(t) != want {
			t.Errorf("with the roles %v there are %s Admins, want %s", got.Roles, w.admins(t), want)
		}
	})
}

// changeUser reads a user, changes it and writes it, as a use case does, until nobody else was faster.
func (w *world) changeUser(t *testing.T, id roster.UserID, change func(*roster.User)) (roster.User, error) {
	for {
		before, err := w.User(t.Context(), 7, id)
		if err != nil {
			return roster.User{}, err
		}
		after := *before.Clone()
		change(&after)
		stamp := rostertest.Stamp()
		stamp.RequestID = rand.Text() // two requests never write the same item
		user, err := w.UpdateUser(t.Context(), before, after, stamp)
		if !errors.Is(err, roster.ErrVersionChanged) {
			return user, err
		}
	}
}

func TestTheLastOfManyAdminsStays(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		const admins = 12 // and user 1
		for n := range admins {
			w.createSoundly(t, w.root, 100+n, admin)
		}
		leave := []func(*roster.User){
			func(u *roster.User) { u.Roles = []roster.RoleID{roster.RoleStaff} },
			func(u *roster.User) { u.Status = roster.StatusSuspended },
			func(u *roster.User) { u.Path = w.child },
		}
		var all sync.WaitGroup
		for _, id := range append(ids(100, admins), 1) {
			for way := range len(leave) + 1 {
				all.Go(func() {
					var err error
					if way < len(leave) {
						_, err = w.changeUser(t, id, leave[way])
					} else {
						err = w.deleteUser(t, id)
					}
					if err != nil {
						wantAnyKind(t, "leaving", err, sound, roster.KindConflict, roster.KindNotFound)
					}
				})
			}
		}
		all.Wait()
		left := 0
		users, _, err := w.over(t).UsersOf(t.Context(), 7, 7, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			if slices.Contains(u.Roles, roster.RoleAdmin) && u.Status == roster.StatusActive {
				left++
			}
		}
		if left < 1 || sound && left != 1 || w.admins(t) != fmt.Sprint(left) {
			t.Errorf("%d Admins are left, counted are %s, want one", left, w.admins(t))
		}
	})
}

// deleteUser reads a user and deletes it, until nobody else was faster.
func (w *world) deleteUser(t *testing.T, id roster.UserID) error {
	for {
		before, err := w.User(t.Context(), 7, id)
		if err != nil {
			return err
		}
		if _, err = w.DeleteUser(t.Context(), before, rostertest.Stamp()); !errors.Is(err, roster.ErrVersionChanged) {
			return err
		}
	}
}

// ids returns n ids from first on.
func ids(first, n int) []roster.UserID {
	list := make([]roster.UserID, n)
	for i := range list {
		list[i] = roster.UserID(first + i)
	}
	return list
}

// admin makes a user an Admin.
func admin(u *roster.User) { u.Roles = []roster.RoleID{roster.RoleAdmin} }

// TestMixedWritesFitTogether lets several write whatever there is to write to few users and few addresses, so that they meet.
func TestMixedWritesFitTogether(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		var all sync.WaitGroup
		for writer := range 4 {
			all.Go(func() {
				random := newRandom(writer)
				for range 40 {
					if err := w.writeSomething(t, random); err != nil {
						wantAnyKind(t, "a write", err, sound, roster.KindConflict, roster.KindNotFound)
					}
				}
			})
		}
		all.Wait()
	})
}

func newRandom(seed int) *mathrand.Rand { return mathrand.New(mathrand.NewPCG(uint64(seed), 1)) }

// writeSomething does one write, drawn by random, to one of few users or addresses.
func (w *world) writeSomething(t *testing.T, random *mathrand.Rand) error {
	n := 100 + random.IntN(12)
	id := roster.UserID(n)
	path := []roster.OrgPath{w.root, w.child}[random.IntN(2)]
	address := roster.Email(fmt.Sprintf("address-%d@example.com", random.IntN(12)))
	role := []roster.RoleID{roster.RoleAdmin, roster.RoleUser}[random.IntN(2)]
	dress := func(u *roster.User) {
		u.Email, u.Roles = address, []roster.RoleID{role}
		u.Identities = []roster.Identity{identity(fmt.Sprint(random.IntN(6)))}
	}
	switch random.IntN(12) {
	case 0:
		_, _, err := w.CreateUser(t.Context(), newcomer(rostertest.User(path, n, dress)), rostertest.Stamp(), nil)
		return err
	case 1:
		_, _, _, err := w.CreateUserWithOrganization(t.Context(), roster.Organization{Tenant: 7, Path: path, Name: "Own"},
			newcomer(rostertest.User(path, n, dress)), rostertest.Stamp(), once(byte(random.IntN(200)), 1))
		return err
	case 2:
		users := newUsers(path, n, 3)
		for i := range users {
			users[i].User.Roles = []roster.RoleID{role}
		}
		return dynamo.FirstError(w.CreateUsers(t.Context(), users, rostertest.Stamp()))
	case 3:
		return w.deleteUser(t, id)
	case 4:
		deleted, err := w.UserEvenDeleted(t.Context(), 7, id)
		if err != nil || !deleted.Deleted() {
			return err
		}
		_, err = w.RestoreUser(t.Context(), deleted, rostertest.Stamp())
		return err
	case 5:
		return w.RecordLogin(t.Context(), 7, id, w.clock.Now())
	case 6:
		return w.PutCredential(t.Context(), roster.Credential{Tenant: 7, User: id, PasswordHash: "$argon2id$new"}, rostertest.Stamp())
	case 7:
		_, err := w.changeUser(t, id, func(u *roster.User) { u.Path = path })
		return err
	case 8, 9, 10:
		return w.writeMessage(t, random)
	default:
		_, err := w.changeUser(t, id, dress)
		return err
	}
}
