package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

func names(users []roster.User) string {
	var names []string
	for _, u := range users {
		names = append(names, u.GivenName)
	}
	return strings.Join(names, " ")
}

func TestProfileIsTheUserWithItsRoleAndOrganization(t *testing.T) {
	w := world.New(t)
	for _, test := range []struct{ name, role, organization string }{
		{world.AnnAdmin, "Admin", "Acme"}, {world.OttoAuditor, "Auditor", "Acme"}, {world.CidStaff, "Staff", "Cedar"}, {world.EveAdmin, "Admin", "Elm"},
	} {
		p := w.As(t, test.name)
		got, err := w.Directory.Profile(t.Context(), &p)
		if err != nil {
			t.Fatalf("Profile as %s: %v", test.name, err)
		}
		if got.User.Name != test.name || got.Role.Name != test.role || got.Organization.Name != test.organization {
			t.Errorf("Profile as %s = %s, %s, %s, want %s, %s", test.name, got.User.Name, got.Role.Name, got.Organization.Name, test.role, test.organization)
		}
	}
}

func TestProfileFailures(t *testing.T) {
	w := world.New(t)
	ann := w.As(t, world.AnnAdmin)
	gone := ann
	gone.User = 4711
	client := world.Client(world.Acme)
	broken := w.Ports
	broken.Users = changed{w.Ports.Users, func(u *roster.User) { u.Roles = []roster.RoleID{77} }}
	homeless := w.Ports
	homeless.Users = changed{w.Ports.Users, func(u *roster.User) { u.Path = roster.OrgPath{world.Acme, 999} }}
	for _, test := range []struct {
		name      string
		directory *directory.Directory
		caller    roster.Principal
		want      roster.Kind
	}{
		{"a client has none", w.Directory, client, roster.KindForbidden},
		{"a user who is gone has none", w.Directory, gone, roster.KindUnauthenticated},
		{"a role that is gone is our fault", directory.New(broken), ann, roster.KindInternal},
		{"an organization that is gone is our fault", directory.New(homeless), ann, roster.KindInternal},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.directory.Profile(t.Context(), &test.caller); roster.KindOf(err) != test.want || err == nil {
				t.Errorf("Profile = %v, want kind %v", err, test.want)
			}
		})
	}
}

// changed is Users with a change.
type changed struct {
	directory.Users
	change func(*roster.User)
}

func (c changed) User(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error) {
	u, err := c.Users.User(ctx, tenant, id)
	c.change(&u)
	return u, err
}

func TestListUsersCoversTheCallersOrganizationOrItsTree(t *testing.T) {
	w := world.New(t)
	for _, test := range []struct {
		caller    roster.Principal
		own, tree string
	}{
		{world.Client(world.Acme), "Ann Sam Uma Otto Pia Sue", "Ann Sam Uma Otto Pia Sue Bob Bea Cid Dot"},
		{world.Client(world.Birch), "Bob Bea", "Bob Bea Cid"},
		{world.Client(world.Cedar), "Cid", "Cid"},
		{world.Client(world.Elm), "Eve", "Eve"},
		{w.As(t, world.BobAdmin), "Bob Bea", "Bob Bea Cid"},
	} {
		for subtree, want := range map[bool]string{false: test.own, true: test.tree} {
			page, err := w.Directory.ListUsers(t.Context(), &test.caller, subtree, roster.Page{Limit: 50})
			if err != nil || names(page.Users) != want || page.Total != len(strings.Fields(want)) {
				t.Errorf("ListUsers of %v, subtree %v = %s (%d), %v, want %s", test.caller.Path, subtree, names(page.Users), page.Total, err, want)
			}
		}
	}
}

func TestSearchUsersNeverLeavesTheCallersTree(t *testing.T) {
	w := world.New(t)
	for _, scope := range []roster.Scope{{}, {Org: world.Acme, Subtree: true}, {Org: world.Dogwood}, {Org: world.Elm, Subtree: true}} {
		p := world.Client(world.Birch)
		page, err := w.Directory.SearchUsers(t.Context(), &p, roster.Query{Text: "example", Scope: scope, Page: roster.Page{Limit: 50}})
		if err != nil || names(page.Users) != "Bob Bea Cid" {
			t.Errorf("SearchUsers in %+v = %s, %v, want Bob Bea Cid", scope, names(page.Users), err)
		}
	}
}

func TestUserIsFoundInTheCallersTreeAlone(t *testing.T) {
	w := world.New(t)
	everybody := world.Users()
	for _, caller := range []roster.Principal{
		world.Client(world.Acme), world.Client(world.Birch), world.Client(world.Cedar), world.Client(world.Dogwood), world.Client(world.Elm),
		w.As(t, world.SamStaff), w.As(t, world.CidStaff), w.As(t, world.EveAdmin),
	} {
		for i := range everybody {
			u := w.User(t, everybody[i].Name)
			got, err := w.Directory.User(t.Context(), &caller, u.ID)
			if u.Tenant == caller.Tenant && u.Path.Contains(caller.Org()) {
				if diff := cmp.Diff(u, got); err != nil || diff != "" {
					t.Errorf("User(%s) as %v: %v (-want +got)\n%s", u.Name, caller.Path, err, diff)
				}
				continue
			}
			if want := roster.NotFound("user"); err == nil || err.Error() != want.Error() || !cmp.Equal(got, roster.User{}) {
				t.Errorf("User(%s) as %v = %v, %v, want exactly %v", u.Name, caller.Path, got, err, want)
			}
		}
	}
}

func TestAHiddenUserAndAnUnknownOneAreTheSameError(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Birch)
	_, hidden := w.Directory.User(t.Context(), &p, w.User(t, world.AnnAdmin).ID)
	_, foreign := w.Directory.User(t.Context(), &p, w.User(t, world.EveAdmin).ID)
	_, unknown := w.Directory.User(t.Context(), &p, 4711)
	for _, err := range []error{hidden, foreign} {
		if fmt.Sprintf("%#v", err) == "" || err.Error() != unknown.Error() || errors.Unwrap(err) != nil {
			t.Errorf("a hidden user is %v, an unknown one %v", err, unknown)
		}
	}
}

func TestReadingUsersNeedsThePermission(t *testing.T) {
	w := world.New(t)
	p := w.As(t, world.UmaUser)
	_, list := w.Directory.ListUsers(t.Context(), &p, true, roster.Page{Limit: 1})
	_, search := w.Directory.SearchUsers(t.Context(), &p, roster.Query{Text: "a", Page: roster.Page{Limit: 1}})
	_, own := w.Directory.User(t.Context(), &p, p.User)
	_, unknown := w.Directory.User(t.Context(), &p, 4711)
	for what, err := range map[string]error{"ListUsers": list, "SearchUsers": search, "User": own, "User of nobody": unknown} {
		if roster.KindOf(err) != roster.KindForbidden || err == nil || !strings.Contains(err.Error(), "ORG_VIEW_USERS") {
			t.Errorf("%s without the permission = %v, want forbidden, naming ORG_VIEW_USERS", what, err)
		}
	}
}

func TestWhatIsInvalidIsRefusedBeforeItCosts(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	meter := &roster.Meter{}
	ctx := roster.WithMeter(t.Context(), meter)
	_, noLimit := w.Directory.ListUsers(ctx, &p, true, roster.Page{})
	_, tooLong := w.Directory.SearchUsers(ctx, &p, roster.Query{Text: strings.Repeat("a", 256), Page: roster.Page{Limit: 1}})
	_, zero := w.Directory.User(ctx, &p, 0)
	_, beyond := w.Directory.User(ctx, &p, roster.MaxUserID+1)
	for what, err := range map[string]error{"no limit": noLimit, "256 characters": tooLong, "id 0": zero, "id 2^53": beyond} {
		if roster.KindOf(err) != roster.KindInvalid {
			t.Errorf("%s = %v, want invalid", what, err)
		}
	}
	if cost := meter.Cost(); cost.Calls != 0 {
		t.Errorf("refusing cost %+v, want no call to the table", cost)
	}
}

func TestAWarmSearchCostsOneLookAtEachShardOfTheFeed(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	search := func(ctx context.Context) error {
		_, err := w.Directory.SearchUsers(ctx, &p, roster.Query{Text: "a", Page: roster.Page{Limit: 50}})
		return err
	}
	rostertest.CostOf(t, search)
	if cost := rostertest.CostOf(t, search); cost.Calls != roster.Shards || cost.Reads > roster.Shards*0.5 || cost.Writes != 0 {
		t.Errorf("a warm search costs %+v, want %d reads of 0.5 RRU", cost, roster.Shards)
	}
}

func TestWhatReadsCost(t *testing.T) {
	w := world.New(t)
	client, ann, otto := world.Client(world.Acme), w.As(t, world.AnnAdmin), w.As(t, world.OttoAuditor)
	for _, test := range []struct {
		name  string
		do    func(context.Context) error
		calls int
	}{
		{"a user", func(ctx context.Context) error { _, err := w.Directory.User(ctx, &client, 1001); return err }, 1},
		{"a user that is hidden", func(ctx context.Context) error {
			birch := world.Client(world.Birch)
			if _, err := w.Directory.User(ctx, &birch, 1001); roster.KindOf(err) != roster.KindNotFound {
				return err
			}
			return nil
		}, 1},
		{"a profile", func(ctx context.Context) error { _, err := w.Directory.Profile(ctx, &ann); return err }, 2},
		{"a profile with a custom role", func(ctx context.Context) error { _, err := w.Directory.Profile(ctx, &otto); return err }, 3},
	} {
		if cost := rostertest.CostOf(t, test.do); cost.Calls != test.calls || cost.Reads != float64(test.calls) || cost.Writes != 0 {
			t.Errorf("reading %s costs %+v, want %d reads of 1 RRU", test.name, cost, test.calls)
		}
	}
}
