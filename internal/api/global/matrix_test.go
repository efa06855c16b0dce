package global_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// matrix is what callers get: the status, and where the users of that type are that they see.
//
// The users who call belong to Birch, which has Acme above, Dogwood beside, Cedar below and Fir below that; Elm is another
// tenant's. Mover is a custom role that may view users among others. The programs that call are one of Birch and one of Cedar.
const matrix = `
type          caller           status  own  child  grandchild  parent  sibling  other-tenant

any           Admin            200     yes  yes    yes         no      no       no
any           Staff            200     yes  yes    yes         no      no       no
any           User             403     -    -      -           -       -        -
any           Mover            200     yes  yes    yes         no      no       no
any           client           200     yes  yes    yes         no      no       no
any           sub-org-client   200     no   yes    yes         no      no       no

organization  Admin            200     yes  no     no          no      no       no
organization  Staff            200     yes  no     no          no      no       no
organization  User             403     -    -      -           -       -        -
organization  Mover            200     yes  no     no          no      no       no
organization  client           200     yes  no     no          no      no       no
organization  sub-org-client   200     no   yes    no          no      no       no

client        Admin            200     no   yes    yes         no      no       no
client        Staff            200     no   yes    yes         no      no       no
client        User             403     -    -      -           -       -        -
client        Mover            200     no   yes    yes         no      no       no
client        client           200     no   yes    yes         no      no       no
client        sub-org-client   200     no   no     yes         no      no       no
`

// targets are the organizations of the matrix's columns.
var targets = []roster.OrgID{world.Birch, world.Cedar, world.Fir, world.Acme, world.Dogwood, world.Elm}

func TestTheAuthorizationMatrix(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	callers := map[string]roster.Principal{"client": world.Client(world.Birch), "sub-org-client": world.Client(world.Cedar)}
	for name, role := range map[string]roster.RoleID{"Admin": roster.RoleAdmin, "Staff": roster.RoleStaff, "User": roster.RoleUser, "Mover": world.Mover} {
		u := w.NewUser(t, world.Birch, role)
		callers[name] = w.Principal(&u)
	}
	there := make([]roster.User, len(targets))
	for i, org := range targets {
		there[i] = w.NewUser(t, org, roster.RoleUser)
	}
	lines := 0
	for _, line := range strings.Split(strings.TrimSpace(matrix), "\n")[1:] {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		lines++
		caller, ok := callers[fields[1]]
		if !ok || len(fields) != 3+len(targets) {
			t.Fatalf("the line %q names nobody, or nothing", line)
		}
		// By id too: a filter must not reach further than the list.
		for i, want := range fields[3:] {
			for _, query := range []string{"?limit=1000", "?filter=id:" + there[i].ID.String()} {
				answer := get(h, caller, users+"/"+fields[0]+query)
				if got := fmt.Sprint(answer.Code); got != fields[2] {
					t.Fatalf("%s%s by %s is answered %s %s, want %s", fields[0], query, fields[1], got, answer.Body, fields[2])
				}
				if answer.Code == http.StatusForbidden {
					refuse(t, answer, 403, "this needs the permission ORG_VIEW_USERS")
					continue
				}
				sees := false
				for _, u := range read(t, answer).Collection {
					sees = sees || u.ID == int64(there[i].ID)
				}
				if sees != (want == "yes") {
					t.Errorf("%s%s by %s shows the user of organization %s: %t, want %s", fields[0], query, fields[1], targets[i], sees, want)
				}
			}
		}
	}
	if want := 3 * len(callers); lines != want {
		t.Errorf("the matrix has %d lines, want %d", lines, want)
	}
}

func TestWithoutAPrincipal(t *testing.T) {
	h := serve(t, world.New(t).Directory)
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, anyone, nil))
	refuse(t, answer, 401, "a bearer token is required")
	if answer.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("without a principal the answer's header is %v", answer.Header())
	}
}
