package roster_test

import (
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

func TestBelowIsTheNextOrganizationOnThePath(t *testing.T) {
	path := roster.OrgPath{7, 8, 9}
	for org, want := range map[roster.OrgID]roster.OrgID{7: 8, 8: 9, 9: 0, 10: 0, 0: 0} {
		if got := path.Below(org); got != want {
			t.Errorf("%v.Below(%d) = %d, want %d", path, org, got, want)
		}
	}
	if got := (roster.OrgPath)(nil).Below(7); got != 0 {
		t.Errorf("no path leads to %d below 7", got)
	}
}
