package people

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

var now = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

func TestSameSeedSamePeople(t *testing.T) {
	config := Config{Seed: 7, Now: now, Organizations: 40, Users: 2000}
	a, b := New(config), New(config)
	if diff := cmp.Diff(a.Organizations(), b.Organizations()); diff != "" {
		t.Errorf("organizations of one seed differ (-first +second):\n%s", diff)
	}
	first, again := slices.Collect(a.Users()), slices.Collect(a.Users())
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("a second walk differs (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(first, slices.Collect(b.Users())); diff != "" {
		t.Errorf("users of one seed differ (-first +second):\n%s", diff)
	}
	other := New(Config{Seed: 8, Now: now, Organizations: 40, Users: 2000})
	if reflect.DeepEqual(first, slices.Collect(other.Users())) {
		t.Error("another seed made the same users")
	}
}

func TestEverybodyKeepsTheRules(t *testing.T) {
	for _, config := range []Config{
		{Seed: 1, Now: now, Organizations: 1, Users: 500},
		{Seed: 2, Now: now, Organizations: 2, Users: 500},
		{Seed: 3, Now: now, Organizations: 60, Users: 20_000},
		{Seed: 4, Now: now, Tenant: 4711, Organizations: 1000, Users: 3000},
		{Seed: 5, Now: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Organizations: 5, Users: 3000},
	} {
		p := New(config)
		paths := map[roster.OrgID]roster.OrgPath{}
		for i, o := range p.Organizations() {
			if err := o.Validate(); err != nil {
				t.Fatalf("seed %d: organization %+v: %v", config.Seed, o, err)
			}
			if i > 0 && paths[o.Parent()] == nil {
				t.Fatalf("seed %d: organization %d comes before its parent", config.Seed, o.ID)
			}
			if paths[o.ID] != nil || len(o.Path) > 4 {
				t.Fatalf("seed %d: organization %+v: twice, or too deep", config.Seed, o)
			}
			paths[o.ID] = o.Path
		}
		if len(paths) != config.Organizations {
			t.Errorf("seed %d: %d organizations, want %d", config.Seed, len(paths), config.Organizations)
		}
		checkUsers(t, p, paths)
	}
}

func checkUsers(t *testing.T, p *Population, paths map[roster.OrgID]roster.OrgPath) {
	t.Helper()
	addresses, identities := map[string]bool{}, map[roster.Identity]bool{}
	groups := map[roster.GroupID]bool{}
	for _, g := range p.Groups() {
		if err := g.Validate(); err != nil || groups[g.ID] || g.Tenant != p.Tenant() || g.CreatedAt.IsZero() {
			t.Fatalf("group %+v: %v, or twice", g, err)
		}
		groups[g.ID] = true
	}
	warehouses := map[roster.WarehouseID]bool{}
	for _, w := range p.Warehouses() {
		if err := w.Validate(); err != nil || warehouses[w.ID] || w.Tenant != p.Tenant() || w.CreatedAt.IsZero() {
			t.Fatalf("warehouse %+v: %v, or twice", w, err)
		}
		warehouses[w.ID] = true
	}
	var previous roster.UserID
	n := 0
	for u := range p.Users() {
		n++
		if err := u.Validate(); err != nil {
			t.Fatalf("user %+v: %v", u, err)
		}
		if u.ID <= previous || !u.ID.Time().Equal(u.CreatedAt) {
			t.Fatalf("user %d after %d, created at %v: ids must grow and tell the time", u.ID, previous, u.CreatedAt)
		}
		previous = u.ID
		if addresses[u.Email.Key()] || !strings.Contains(string(u.Email), ".example") {
			t.Fatalf("address %s: given out twice, or not an example's", u.Email)
		}
		addresses[u.Email.Key()] = true
		for _, i := range u.Identities {
			if identities[i] {
				t.Fatalf("identity %v given out twice", i)
			}
			identities[i] = true
		}
		for _, g := range u.Groups {
			if !groups[g] {
				t.Fatalf("user %d is in group %d, which is none", u.ID, g)
			}
		}
		if u.DefaultWarehouse != 0 && !warehouses[u.DefaultWarehouse] {
			t.Fatalf("user %d works at warehouse %d, which is none", u.ID, u.DefaultWarehouse)
		}
		if !slices.Equal(paths[u.Org()], u.Path) || u.Tenant != p.Tenant() {
			t.Fatalf("user %d stands at %v of tenant %d", u.ID, u.Path, u.Tenant)
		}
		checkTimes(t, &u, p.config.Now)
	}
	if n != p.config.Users {
		t.Errorf("%d users, want %d", n, p.config.Users)
	}
}

func checkTimes(t *testing.T, u *roster.User, now time.Time) {
	t.Helper()
	ordered := !u.UpdatedAt.Before(u.CreatedAt)
	if u.Status == roster.StatusPending {
		ordered = ordered && u.RegisteredAt.IsZero() && u.LastLoginAt.IsZero()
	} else {
		ordered = ordered && !u.RegisteredAt.Before(u.CreatedAt) && (u.LastLoginAt.IsZero() || !u.LastLoginAt.Before(u.RegisteredAt))
	}
	for _, at := range []time.Time{u.CreatedAt, u.UpdatedAt, u.RegisteredAt, u.LastLoginAt} {
		ordered = ordered && !at.After(now) && at.Equal(at.Truncate(time.Millisecond))
	}
	// A made-up past may be shorter than it should be when now is just after ids began; see Config.Now.
	if !ordered && now.Year() > 2020 {
		t.Fatalf("user %d: created %v, updated %v, registered %v, last login %v, now %v, %v",
			u.ID, u.CreatedAt, u.UpdatedAt, u.RegisteredAt, u.LastLoginAt, now, u.Status)
	}
}

func TestPeopleAreAMixedCrowd(t *testing.T) {
	var foreign, pending, inactive, admins int
	firsts, lasts := map[string]int{}, map[string]int{}
	p := New(Config{Seed: 11, Now: now, Organizations: 50, Users: 50_000})
	for u := range p.Users() {
		firsts[u.GivenName]++
		lasts[u.FamilyName]++
		if strings.ContainsFunc(u.Name, func(r rune) bool { return r > 127 }) {
			foreign++
		}
		if u.Status == roster.StatusPending {
			pending++
		}
		if u.StatusAt(now) == roster.StatusInactive {
			inactive++
		}
		if u.Role() == roster.RoleAdmin {
			admins++
		}
	}
	t.Logf("%d first and %d last names; of 50,000: %d not in ASCII, %d pending, %d inactive, %d admins",
		len(firsts), len(lasts), foreign, pending, inactive, admins)
	if len(firsts) < 200 || len(lasts) < 350 || foreign < 2000 || pending < 1000 || inactive < 1000 || admins < 50 {
		t.Error("too much alike")
	}
}

func BenchmarkUsers(b *testing.B) {
	n := 0
	p := New(Config{Seed: 1, Now: now, Organizations: 1000, Users: b.N})
	b.ReportAllocs()
	b.ResetTimer()
	for range p.Users() {
		n++
	}
	if n != b.N {
		b.Fatal(n)
	}
}
