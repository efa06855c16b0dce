package roster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

func TestEveryPermissionHasANameOfItsOwn(t *testing.T) {
	names := roster.AllPermissions.Names()
	if len(names) != roster.AllPermissions.Len() {
		t.Fatalf("AllPermissions has %d names, want %d", len(names), roster.AllPermissions.Len())
	}
	set, unknown := roster.ParsePermissions(names)
	if set != roster.AllPermissions || len(unknown) != 0 {
		t.Errorf("ParsePermissions(all names) = %x, %v, want all and none unknown", set, unknown)
	}
	seen := map[string]bool{"": true}
	for _, n := range names {
		if seen[n] {
			t.Errorf("permission name %q is empty or used twice", n)
		}
		seen[n] = true
	}
}

func TestPermissionSets(t *testing.T) {
	staff, _ := roster.BuiltinRole(roster.RoleStaff)
	if !staff.Permissions.Has(roster.OrgViewUsers) || staff.Permissions.Has(roster.OrgDeleteUsers) {
		t.Errorf("Staff holds %v", staff.Permissions.Names())
	}
	if !roster.AllPermissions.Covers(staff.Permissions) || staff.Permissions.Covers(roster.AllPermissions) {
		t.Error("Covers is not the subset relation")
	}
	if _, unknown := roster.ParsePermissions([]string{"ORG_VIEW", "NO_SUCH"}); !cmp.Equal(unknown, []string{"NO_SUCH"}) {
		t.Errorf("unknown = %v, want NO_SUCH", unknown)
	}
}

func TestOnlyAdminMayDoEverything(t *testing.T) {
	for _, r := range roster.BuiltinRoles() {
		if got, want := r.Permissions == roster.AllPermissions, r.ID == roster.RoleAdmin; got != want {
			t.Errorf("role %s holds every permission: %v, want %v", r.Name, got, want)
		}
	}
	if _, ok := roster.BuiltinRole(4); ok {
		t.Error("BuiltinRole(4) exists")
	}
}
