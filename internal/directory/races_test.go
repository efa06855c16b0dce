package directory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// together runs do for 0 to n-1, all at once, and returns what came of each.
func together(n int, do func(i int) error) []error {
	results := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			results[i] = do(i)
		})
	}
	close(start)
	group.Wait()
	return results
}

// tally counts results by how they ended.
func tally(results []error) map[string]int {
	counts := map[string]int{}
	for _, err := range results {
		counts[outcome(err)]++
	}
	return counts
}

func TestManyCreateTheSameAddressAndOneDoes(t *testing.T) {
	w := world.New(t)
	const callers = 60
	ids := make([]roster.UserID, callers)
	existed := make([]bool, callers)
	email := roster.Email("race@example.com")
	results := together(callers, func(i int) error {
		p := world.Client(world.Acme)
		if i%2 == 0 {
			form := member(world.Birch, roster.RoleUser)
			form.Email = email
			c, err := w.Directory.CreateUser(t.Context(), &p, form, write())
			ids[i] = c.User.ID
			return err
		}
		c, err := w.Directory.CreateUserWithOrganization(t.Context(), &p, roster.NewOwnerForm{NewUserForm: person(email)}, write())
		ids[i], existed[i] = c.User.ID, c.Existed
		return err
	})
	created := 0
	_, owner, err := w.Table.EmailOwner(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range results {
		switch {
		case err == nil && !existed[i]:
			created++
			fallthrough
		case err == nil:
			if ids[i] != owner {
				t.Errorf("caller %d was given user %s, the address is that of %s", i, ids[i], owner)
			}
		case roster.KindOf(err) != roster.KindConflict || !strings.Contains(err.Error(), "is taken"):
			t.Errorf("caller %d: %v", i, err)
		}
	}
	if created != 1 {
		t.Errorf("%d callers created the user, want one: %v", created, tally(results))
	}
	p := world.Client(world.Acme)
	page, err := w.Directory.SearchUsers(t.Context(), &p, roster.Query{Text: string(email), Page: roster.Page{Limit: 10}})
	if err != nil || page.Total != 1 {
		t.Errorf("the search finds %d users, %v", page.Total, err)
	}
	w.Check(t)
}

func TestManyUseTheSameKeyAndOneCreates(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	form := member(world.Birch, roster.RoleUser)
	const callers = 30
	ids := make([]roster.UserID, callers)
	replayed := make([]bool, callers)
	results := together(callers, func(i int) error {
		c, err := w.Directory.CreateUser(t.Context(), &p, form, write(once(1, 1)))
		ids[i], replayed[i] = c.User.ID, c.Replayed
		return err
	})
	created := 0
	var id roster.UserID
	for i, err := range results {
		if err == nil && !replayed[i] {
			created, id = created+1, ids[i]
		}
		// A twin that has not ended is a conflict by the contract.
		if err != nil && roster.KindOf(err) != roster.KindConflict && roster.KindOf(err) != roster.KindUnavailable {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	for i, err := range results {
		if err == nil && ids[i] != id {
			t.Errorf("caller %d was given user %s, want %s", i, ids[i], id)
		}
	}
	if created != 1 {
		t.Errorf("%d callers created the user, want one: %v", created, tally(results))
	}
	w.Check(t)
}

func TestRoleAgainstRole(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	u := w.NewUser(t, world.Birch, roster.RoleUser)
	roles := []roster.RoleID{roster.RoleAdmin, roster.RoleStaff, world.Auditor, world.Mover}
	results := together(24, func(i int) error {
		_, err := w.Directory.ChangeRole(t.Context(), &p, u.ID, roles[i%len(roles)], write())
		return err
	})
	for i, err := range results {
		if err != nil && !errors.Is(err, roster.ErrVersionChanged) {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	got, err := w.Table.User(t.Context(), u.Tenant, u.ID)
	done := tally(results)["done"]
	if err != nil || len(got.Roles) != 1 || !slices.Contains(roles, got.Role()) {
		t.Errorf("the user is left with the roles %v, %v", got.Roles, err)
	}
	if writes := int(got.Revision.Version - 1); writes > done || writes < 1 {
		t.Errorf("%d of the callers were told that it is done, and there are %d writes", done, writes)
	}
	if done < 12 {
		t.Errorf("only %d of 24 got through: %v", done, results)
	}
	w.Check(t)
}

func TestTransferAgainstDelete(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	for range 12 {
		u := w.NewUser(t, world.Birch, roster.RoleUser)
		results := together(6, func(i int) error {
			if i%2 == 0 {
				return w.Directory.RemoveUser(t.Context(), &p, u.ID, write())
			}
			_, err := w.Directory.TransferUser(t.Context(), &p, roster.TransferForm{User: u.ID, Organization: world.Dogwood, Role: roster.RoleUser}, write())
			return err
		})
		removed := 0
		for i, err := range results {
			switch {
			case err == nil && i%2 == 0:
				removed++
			case err != nil && roster.KindOf(err) != roster.KindNotFound && !errors.Is(err, roster.ErrVersionChanged):
				t.Errorf("caller %d: %v", i, err)
			}
		}
		got, err := w.Table.UserEvenDeleted(t.Context(), u.Tenant, u.ID)
		if removed != 1 || err != nil || !got.Deleted() {
			t.Errorf("%d callers removed the user, which is %+v, %v; want one, and removed", removed, got, err)
		}
		if _, _, err := w.Table.EmailOwner(t.Context(), u.Email); roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("the address of the removed user: %v, want it free", err)
		}
	}
	w.Check(t)
}

func TestTheLastAdminStaysWhateverIsTriedAtOnce(t *testing.T) {
	w := world.New(t)
	ways := []deed{role(roster.RoleStaff), status(roster.StatusSuspended), remove, transfer(world.Birch, roster.RoleAdmin)}
	admins := []roster.User{w.User(t, world.AnnAdmin)}
	for range 7 {
		admins = append(admins, w.NewUser(t, world.Acme, roster.RoleAdmin))
	}
	standing := func() []string {
		t.Helper()
		var names []string
		for i := range admins {
			u, err := w.Table.UserEvenDeleted(t.Context(), admins[i].Tenant, admins[i].ID)
			if err != nil {
				t.Fatal(err)
			}
			if !u.Deleted() && u.Status == roster.StatusActive && slices.Contains(u.Roles, roster.RoleAdmin) && u.Org() == world.Acme {
				names = append(names, u.Name)
			}
		}
		return names
	}
	// Each Admin is attacked in three ways at once: by a program and by the two Admins beside it.
	results := together(3*len(admins), func(i int) error {
		target := admins[i%len(admins)]
		p := world.Client(world.Acme)
		if by := i / len(admins); by > 0 {
			p = w.Principal(&admins[(i+by)%len(admins)])
		}
		return ways[i%len(ways)].do(t.Context(), w.Directory, &p, &target, write())
	})
	if left := standing(); len(left) != 1 {
		t.Fatalf("the Admins left are %v, want one: %v", left, tally(results))
	}
	refused := 0
	for i, err := range results {
		switch {
		case err == nil, roster.KindOf(err) == roster.KindNotFound, errors.Is(err, roster.ErrVersionChanged):
		case err.Error() == roster.LastAdmin().Error():
			refused++
		default:
			t.Errorf("attack %d: %v", i, err)
		}
	}
	if refused == 0 {
		t.Errorf("nobody was told of the last Admin: %v", tally(results))
	}
	t.Run("and is replaced by another", func(t *testing.T) {
		p := world.Client(world.Acme)
		next := w.NewUser(t, world.Acme, roster.RoleUser)
		last := admins[slices.IndexFunc(admins, func(u roster.User) bool { return u.Name == standing()[0] })]
		if err := remove.do(t.Context(), w.Directory, &p, &last, write()); err == nil || err.Error() != roster.LastAdmin().Error() {
			t.Errorf("removing the last one: %v", err)
		}
		if err := role(roster.RoleAdmin).do(t.Context(), w.Directory, &p, &next, write()); err != nil {
			t.Fatal(err)
		}
		if err := remove.do(t.Context(), w.Directory, &p, &last, write()); err != nil {
			t.Errorf("removing the last but one: %v", err)
		}
	})
	t.Run("and a sub-organization may be without", func(t *testing.T) {
		p, bob := world.Client(world.Acme), w.User(t, world.BobAdmin)
		if err := remove.do(t.Context(), w.Directory, &p, &bob, write()); err != nil {
			t.Errorf("removing the only Admin of Birch: %v", err)
		}
	})
	w.Check(t)
}

func TestEverySingleWayToLoseTheLastAdminIsRefused(t *testing.T) {
	w := world.New(t)
	p, ann := world.Client(world.Acme), w.User(t, world.AnnAdmin)
	for _, d := range []deed{role(roster.RoleStaff), role(world.Auditor), status(roster.StatusSuspended), remove, transfer(world.Birch, roster.RoleAdmin), transfer(world.Acme, roster.RoleUser)} {
		if err := d.do(t.Context(), w.Directory, &p, &ann, write()); err == nil || err.Error() != roster.LastAdmin().Error() {
			t.Errorf("%s: %v, want %v", d.name, err, roster.LastAdmin())
		}
	}
	if got, err := w.Table.User(t.Context(), ann.Tenant, ann.ID); err != nil || fmt.Sprint(got) != fmt.Sprint(ann) {
		t.Errorf("Ann is %+v, %v", got, err)
	}
	w.Check(t)
}
