package global_test

import (
	"regexp"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// TestEveryPermissionHasAPathOfItsOwn looks at what an Admin, who holds all of them, is shown.
func TestEveryPermissionHasAPathOfItsOwn(t *testing.T) {
	w := world.New(t)
	list := read(t, get(serve(t, w.Directory), world.Client(world.Acme), ours+"?fields:roles=all&filter=id:1001"))
	if len(list.Included.OrganizationRole) != 1 {
		t.Fatalf("an Admin has the roles %+v", list.Included)
	}
	permissions := list.Included.OrganizationRole[0].Permissions
	if len(permissions) != roster.AllPermissions.Len() {
		t.Errorf("an Admin has %d permissions, want %d", len(permissions), roster.AllPermissions.Len())
	}
	form := regexp.MustCompile(`^[a-z_]+(/[a-z_]+)*$`)
	seen := map[string]bool{}
	for _, path := range permissions {
		if !form.MatchString(path) || seen[path] {
			t.Errorf("%q is no path, or two permissions'", path)
		}
		seen[path] = true
	}
}
