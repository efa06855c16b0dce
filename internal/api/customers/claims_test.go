package customers_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// TestEveryPermissionHasAClaimOfItsOwn looks at what an Admin, who holds all of them, is shown.
func TestEveryPermissionHasAClaimOfItsOwn(t *testing.T) {
	w := world.New(t)
	ann := read[customers.User](t, get(serve(t, w.Directory), world.Client(world.Acme), pathOf(w.User(t, world.AnnAdmin))))
	permissions := ann.Roles[0].Permissions
	if len(permissions) != roster.AllPermissions.Len() {
		t.Errorf("an Admin has %d permissions, want %d", len(permissions), roster.AllPermissions.Len())
	}
	seen := map[string]bool{}
	for _, p := range permissions {
		parts := strings.Split(p.Claim, ":")
		if len(parts) != 4 || slices.Contains(parts, "") || !slices.Contains([]string{"read", "write", "impersonate"}, parts[2]) {
			t.Errorf("the claim %q is not made of service, namespace, action and scope", p.Claim)
		}
		if p.Description == "" || seen[p.Claim] || seen[p.Description] || seen[p.ID] || p.ID != customers.PermissionID(p.Claim) {
			t.Errorf("%+v is not described, or is another one's too", p)
		}
		seen[p.Claim], seen[p.Description], seen[p.ID] = true, true, true
	}
}

func TestRolesHaveNamesInKebabCase(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	for id, names := range map[roster.RoleID][2]string{
		60: {"Head of Things", "head-of-things"}, 61: {"Site  Manager (2)", "site-manager-2"}, 62: {"-CFO-", "cfo"}, 63: {"Älteste*r", "älteste-r"}, 64: {"R&D", "r-d"},
	} {
		if _, err := w.Table.CreateRole(t.Context(), roster.Role{Tenant: roster.TenantID(world.Acme), ID: id, Name: names[0], CreatedAt: world.Now}, rostertest.Stamp()); err != nil {
			t.Fatal(err)
		}
		u := w.NewUser(t, world.Acme, id)
		want := []customers.RoleDigest{{ID: customers.RoleID(id), Name: names[1], Permissions: []customers.PermissionDigest{}}}
		if diff := cmp.Diff(want, read[customers.User](t, get(h, client, pathOf(u))).Roles); diff != "" {
			t.Errorf("the roles of a user who has %q (-want +got)\n%s", names[0], diff)
		}
	}
}
