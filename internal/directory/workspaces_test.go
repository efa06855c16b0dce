package directory_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// colleagues returns the names that SearchColleagues finds, in id order.
func colleagues(t *testing.T, d *directory.Directory, p roster.Principal, q roster.Query) []string {
	t.Helper()
	q.Page.Limit = roster.MaxLimit
	page, err := d.SearchColleagues(t.Context(), &p, q)
	if err != nil {
		t.Fatalf("SearchColleagues(%+v): %v", q, err)
	}
	if page.Workspace.ID != p.Org() || page.Total != len(page.Users) {
		t.Errorf("SearchColleagues(%+v) = %+v, want all of %s", q, page, p.Org())
	}
	var names []string
	for _, u := range page.Users {
		names = append(names, u.Name)
	}
	return names
}

func TestColleaguesAreThoseOfTheCallersOwnOrganization(t *testing.T) {
	w := world.New(t)
	all := []string{world.AnnAdmin, world.SamStaff, world.UmaUser, world.OttoAuditor, world.PiaPending, world.SueSuspended}
	for _, test := range []struct {
		caller roster.Principal
		query  roster.Query
		want   []string
	}{
		{world.Client(world.Acme), roster.Query{}, all},
		{world.Client(world.Acme), roster.Query{Scope: roster.Scope{Org: world.Acme, Subtree: true}}, all},
		{world.Client(world.Birch), roster.Query{Scope: roster.Scope{Org: world.Acme}}, []string{world.BobAdmin, world.BeaUser}},
		{w.As(t, world.AnnAdmin), roster.Query{}, all},
		{w.As(t, world.SamStaff), roster.Query{}, []string{world.SamStaff}},
		{w.As(t, world.SamStaff), roster.Query{Scope: roster.Scope{Org: world.Birch}}, []string{world.SamStaff}},
		{w.As(t, world.SamStaff), roster.Query{Text: "ann"}, nil},
		{w.As(t, world.OttoAuditor), roster.Query{}, []string{world.OttoAuditor}},
		{w.As(t, world.SueSuspended), roster.Query{}, []string{world.SueSuspended}}, // whom no verifier lets through
	} {
		if diff := cmp.Diff(test.want, colleagues(t, w.Directory, test.caller, test.query)); diff != "" {
			t.Errorf("colleagues of %+v by %+v (-want +got)\n%s", test.caller, test.query, diff)
		}
	}
}

// TestASearchOfColleaguesLeavesTheQueryAsItWas holds that the caller's own filters do not grow, however much room is behind them.
func TestASearchOfColleaguesLeavesTheQueryAsItWas(t *testing.T) {
	w := world.New(t)
	filters := make([]roster.Filter, 1, 4)
	filters[0] = roster.Filter{Field: roster.FieldStatus, Operator: roster.Equal, Values: []roster.Value{{Number: int64(roster.StatusActive)}}}
	colleagues(t, w.Directory, w.As(t, world.SamStaff), roster.Query{Filters: filters})
	if behind := filters[:2][1]; behind.Field != 0 {
		t.Errorf("behind the filters is %+v", behind)
	}
	p := w.As(t, world.AnnAdmin)
	if _, err := w.Directory.SearchColleagues(t.Context(), &p, roster.Query{}); roster.KindOf(err) != roster.KindInvalid {
		t.Errorf("a query without a page: %v, want invalid", err)
	}
	if _, err := w.Directory.Colleague(t.Context(), &p, 0); roster.KindOf(err) != roster.KindInvalid {
		t.Errorf("the user 0: %v, want invalid", err)
	}
}

// promoted is a search in which every user is an Admin who may see everybody.
type promoted struct{ directory.Search }

func (p promoted) View(ctx context.Context, tenant roster.TenantID) (directory.View, error) {
	view, err := p.Search.View(ctx, tenant)
	return everyAdmin{view}, err
}

type everyAdmin struct{ directory.View }

func (v everyAdmin) User(id roster.UserID) (roster.User, bool) {
	u, ok := v.View.User(id)
	u.Roles, u.ViewAll = []roster.RoleID{roster.RoleAdmin}, true
	return u, ok
}

// TestWhoSeesWhomIsNeverDecidedByTheReplica gives callers a replica, and a token, by which they may see everybody.
func TestWhoSeesWhomIsNeverDecidedByTheReplica(t *testing.T) {
	w := world.New(t)
	ports := w.Ports
	ports.Search = promoted{ports.Search}
	d := directory.New(ports)
	p := w.As(t, world.UmaUser)
	p.Permissions = roster.AllPermissions
	if diff := cmp.Diff([]string{world.UmaUser}, colleagues(t, d, p, roster.Query{})); diff != "" {
		t.Errorf("Uma's colleagues (-want +got)\n%s", diff)
	}
	if got, err := d.Colleague(t.Context(), &p, w.User(t, world.AnnAdmin).ID); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("Uma sees %+v, %v, want nobody", got, err)
	}
}
