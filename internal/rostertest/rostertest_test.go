package rostertest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

func TestTableIsTheTestsOwn(t *testing.T) {
	one, other := rostertest.Table(t), rostertest.Table(t)
	tenant, err := one.CreateTenant(t.Context(), rostertest.Tenant(7), rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.User(t.Context(), 7, tenant.Admin.ID); err != nil {
		t.Errorf("the user of the first table: %v", err)
	}
	if _, err := other.User(t.Context(), 7, tenant.Admin.ID); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("the same user of the second table: %v, want %v", err, roster.KindNotFound)
	}
}

func TestCostOfCountsWhatTheTableCharges(t *testing.T) {
	table := rostertest.Table(t)
	tenant, err := table.CreateTenant(t.Context(), rostertest.Tenant(7), rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	cost := rostertest.CostOf(t, func(ctx context.Context) error {
		_, err := table.User(ctx, 7, tenant.Admin.ID)
		return err
	})
	if cost.Calls != 1 || cost.Reads != 1 {
		t.Errorf("a user costs %+v, want one call of 1 RRU", cost)
	}
}

func TestTheNounsAreValidAndDiffer(t *testing.T) {
	tenant := rostertest.Tenant(7)
	below := rostertest.Organization(tenant.Organization.Path, 8)
	for _, o := range []roster.Organization{tenant.Organization, below} {
		if err := o.Validate(); err != nil {
			t.Errorf("organization %d: %v", o.ID, err)
		}
	}
	one := rostertest.User(below.Path, 1)
	other := rostertest.User(below.Path, 2, func(u *roster.User) { u.Status = roster.StatusSuspended })
	for _, u := range []roster.User{tenant.Admin, one, other} {
		if err := u.Validate(); err != nil {
			t.Errorf("user %d: %v", u.ID, err)
		}
	}
	if one.ID == other.ID || one.Email == other.Email || one.Name == other.Name {
		t.Errorf("the users %v and %v share an id, an e-mail address or a name", one, other)
	}
	if other.Status != roster.StatusSuspended {
		t.Errorf("the change was not applied: %v", other.Status)
	}
	if p := rostertest.Principal(tenant.Organization.Path, 1); !p.Reaches(below.Path) || p.Tenant != 7 {
		t.Errorf("the principal %+v does not reach the organization below", p)
	}
}

func TestClockStandsUntilItIsMoved(t *testing.T) {
	clock := rostertest.NewClock(time.Time{})
	start := clock.Now()
	if start.IsZero() || !clock.Now().Equal(start) {
		t.Errorf("Now = %v, then %v", start, clock.Now())
	}
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() { clock.Advance(time.Second) })
	}
	wait.Wait()
	if want := start.Add(10 * time.Second); !clock.Now().Equal(want) {
		t.Errorf("Now = %v, want %v", clock.Now(), want)
	}
	clock.Set(start)
	if !clock.Now().Equal(start) {
		t.Errorf("Now = %v, want %v", clock.Now(), start)
	}
}
