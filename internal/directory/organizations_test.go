package directory_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

func TestOrganizationsAreTheCallersTree(t *testing.T) {
	w := world.New(t)
	for org, want := range map[roster.OrgID]string{
		world.Acme: "Acme Birch Cedar Fir Dogwood", world.Birch: "Birch Cedar Fir", world.Fir: "Fir", world.Dogwood: "Dogwood", world.Elm: "Elm",
	} {
		p := world.Client(org)
		page, err := w.Directory.Organizations(t.Context(), &p, roster.Page{Limit: 10})
		var names []string
		for _, o := range page.Organizations {
			names = append(names, o.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want || page.Total != len(names) {
			t.Errorf("Organizations of %s = %s (%d), %v, want %s", org, got, page.Total, err, want)
		}
	}
}

func TestCreateOrganization(t *testing.T) {
	w := world.New(t)
	p := w.As(t, world.BobAdmin)
	got, replayed, err := w.Directory.CreateOrganization(t.Context(), &p, roster.NewOrganizationForm{Name: "Hazel", Parent: world.Cedar}, write())
	if err != nil || replayed {
		t.Fatalf("CreateOrganization = %v, %v", replayed, err)
	}
	want := roster.Organization{
		Tenant: 100, ID: got.ID, Name: "Hazel", Path: roster.OrgPath{world.Acme, world.Birch, world.Cedar, got.ID}, CreatedAt: world.Now,
		Revision: roster.Revision{Version: 1, ChangedAt: world.Now, Stamp: roster.Stamp{By: "user:1007", Via: "test", RequestID: "request-2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CreateOrganization (-want +got)\n%s", diff)
	}
	if stored, err := w.Table.Organization(t.Context(), 100, got.ID); err != nil || !cmp.Equal(stored, got) {
		t.Errorf("it is stored as %+v, %v", stored, err)
	}
	own, _, err := w.Directory.CreateOrganization(t.Context(), &p, roster.NewOrganizationForm{Name: "Ivy"}, write())
	if err != nil || own.Parent() != world.Birch {
		t.Errorf("without a parent it is %+v, %v", own, err)
	}
}

func TestATreeGoesNoDeeperThanItMay(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	parent := world.Fir
	for depth := len(world.Path(world.Fir)); ; depth++ {
		o, _, err := w.Directory.CreateOrganization(t.Context(), &p, roster.NewOrganizationForm{Name: "Deeper", Parent: parent}, write())
		if depth == roster.MaxDepth {
			if roster.KindOf(err) != roster.KindInvalid {
				t.Errorf("below %d levels: %v, want invalid", depth, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("below %d levels: %v", depth, err)
		}
		parent = o.ID
	}
}

func TestRolesAreTheBuiltInOnesAndTheTenants(t *testing.T) {
	w := world.New(t)
	for org, want := range map[roster.OrgID]string{world.Acme: "Admin Staff User Auditor Mover", world.Cedar: "Admin Staff User Auditor Mover", world.Elm: "Admin Staff User"} {
		p := world.Client(org)
		roles, err := w.Directory.Roles(t.Context(), &p)
		var names []string
		for _, r := range roles {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("Roles of %s = %s, %v, want %s", org, got, err, want)
		}
	}
}

// trail is an audit trail that says what it was asked.
type trail struct {
	tenant roster.TenantID
	org    roster.OrgID
	before string
	limit  int
}

func (a *trail) AuditEntries(_ context.Context, tenant roster.TenantID, org roster.OrgID, before string, limit int) (roster.AuditPage, error) {
	*a = trail{tenant, org, before, limit}
	return roster.AuditPage{Entries: []roster.AuditEntry{{Subject: "user:1"}}, Next: "next"}, nil
}

func TestTheAuditTrailIsThatOfAnOrganizationInTheCallersTree(t *testing.T) {
	w := world.New(t)
	ports := w.Ports
	asked := &trail{}
	ports.Audit = asked
	d := directory.New(ports)
	p := world.Client(world.Birch)
	for _, test := range []struct {
		org   roster.OrgID
		limit int
		want  string
		asks  trail
	}{
		{0, 50, "done", trail{100, world.Birch, "cursor", 50}},
		{world.Birch, 1, "done", trail{100, world.Birch, "cursor", 1}},
		{world.Fir, roster.MaxLimit, "done", trail{100, world.Fir, "cursor", roster.MaxLimit}},
		{world.Acme, 50, "not found", trail{}},
		{world.Dogwood, 50, "not found", trail{}},
		{world.Elm, 50, "not found", trail{}},
		{4711, 50, "not found", trail{}},
		{world.Birch, 0, "invalid", trail{}},
		{world.Birch, roster.MaxLimit + 1, "invalid", trail{}},
	} {
		*asked = trail{}
		page, err := d.AuditEntries(t.Context(), &p, test.org, "cursor", test.limit)
		if got := outcome(err); got != test.want || *asked != test.asks || err == nil && page.Next != "next" {
			t.Errorf("AuditEntries of %s, limit %d = %+v, %v, having asked %+v; want %s, %+v", test.org, test.limit, page, err, *asked, test.want, test.asks)
		}
	}
}

// fixedTrail is an audit trail of these entries.
type fixedTrail []roster.AuditEntry

func (f fixedTrail) AuditEntries(context.Context, roster.TenantID, roster.OrgID, string, int) (roster.AuditPage, error) {
	return roster.AuditPage{Entries: slices.Clone(f)}, nil
}

func TestTheAuditTrailSaysNothingOfWhatIsAboveOrBeside(t *testing.T) {
	w := world.New(t)
	ports := w.Ports
	ports.Audit = fixedTrail{
		{Org: world.Birch, Subject: "organization:" + world.Birch.String(), Fields: []roster.FieldChange{
			{Field: "name", New: "Birch"}, {Field: "parent", New: world.Acme.String()},
		}},
		{Org: world.Birch, Subject: "user:7", Fields: []roster.FieldChange{
			{Field: "organization", Old: world.Dogwood.String(), New: world.Birch.String()}, {Field: "title", New: "Chef"},
		}},
	}
	d := directory.New(ports)
	for org, want := range map[roster.OrgID][][]roster.FieldChange{
		world.Birch: {
			{{Field: "name", New: "Birch"}},
			{{Field: "organization", New: world.Birch.String()}, {Field: "title", New: "Chef"}},
		},
		world.Acme: {
			{{Field: "name", New: "Birch"}, {Field: "parent", New: world.Acme.String()}},
			{{Field: "organization", Old: world.Dogwood.String(), New: world.Birch.String()}, {Field: "title", New: "Chef"}},
		},
	} {
		p := world.Client(org)
		page, err := d.AuditEntries(t.Context(), &p, world.Birch, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		for i, entry := range page.Entries {
			if diff := cmp.Diff(want[i], entry.Fields); diff != "" {
				t.Errorf("entry %d as %s sees it (-want +got):\n%s", i, org, diff)
			}
		}
	}
}

func TestEveryUseCaseNeedsItsPermission(t *testing.T) {
	w := world.New(t)
	for permission, do := range map[roster.Permission][]func(*roster.Principal) error{
		roster.OrgView: {
			func(p *roster.Principal) error {
				_, err := w.Directory.Organizations(t.Context(), p, roster.Page{Limit: 1})
				return err
			},
		},
		roster.OrgCreate: {
			func(p *roster.Principal) error {
				_, _, err := w.Directory.CreateOrganization(t.Context(), p, roster.NewOrganizationForm{Name: "Hazel"}, write())
				return err
			},
		},
		roster.RoleView: {func(p *roster.Principal) error { _, err := w.Directory.Roles(t.Context(), p); return err }},
		roster.OrgViewAudit: {func(p *roster.Principal) error {
			_, err := w.Directory.AuditEntries(t.Context(), p, 0, "", 1)
			return err
		}},
		roster.OrgInviteUsers: {
			func(p *roster.Principal) error {
				_, err := w.Directory.CreateUser(t.Context(), p, member(world.Acme, roster.RoleUser), write())
				return err
			},
			func(p *roster.Principal) error {
				_, err := w.Directory.CreateUserWithOrganization(t.Context(), p, roster.NewOwnerForm{NewUserForm: person("")}, write())
				return err
			},
		},
		roster.OrgEditUsers: {
			func(p *roster.Principal) error {
				return role(roster.RoleUser).do(t.Context(), w.Directory, p, &roster.User{ID: 1003}, write())
			},
			func(p *roster.Principal) error {
				return status(roster.StatusActive).do(t.Context(), w.Directory, p, &roster.User{ID: 1003}, write())
			},
		},
		roster.OrgTransferUsers: {func(p *roster.Principal) error {
			return transfer(world.Acme, roster.RoleUser).do(t.Context(), w.Directory, p, &roster.User{ID: 1003}, write())
		}},
		roster.OrgDeleteUsers: {
			func(p *roster.Principal) error {
				return remove.do(t.Context(), w.Directory, p, &roster.User{ID: 1003}, write())
			},
			func(p *roster.Principal) error {
				return restore.do(t.Context(), w.Directory, p, &roster.User{ID: 1003}, write())
			},
		},
	} {
		for i, use := range do {
			p := world.Client(world.Acme)
			p.Permissions &^= roster.Permissions(permission)
			if err := use(&p); err == nil || err.Error() != "forbidden: this needs the permission "+permission.String() {
				t.Errorf("use case %d without %s: %v", i, permission, err)
			}
		}
	}
}
