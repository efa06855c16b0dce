package customers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// matrix is who may do what to whom: the status of each operation, for each caller, by where the target is.
//
// The users who call belong to Birch, which has Acme above, Dogwood beside, Cedar below and Fir below that; Elm is another
// tenant's. Mover is a custom role that may view and delete users. The programs that call are one of Birch and one of Cedar.
// An operation whose name ends in -there names the target's own customer in its path, the others name the caller's; the
// target is a user with the role User. Who is named with another customer than its own is not there.
const matrix = `
operation       caller           own  child  grandchild  parent  sibling  other-tenant

list-there      Admin            200  403    403         403     403      403
list-there      Staff            200  403    403         403     403      403
list-there      User             403  403    403         403     403      403
list-there      Mover            200  403    403         403     403      403
list-there      client           200  403    403         403     403      403
list-there      sub-org-client   403  200    403         403     403      403

look-up-there   Admin            200  403    403         403     403      403
look-up-there   Staff            200  403    403         403     403      403
look-up-there   User             403  403    403         403     403      403
look-up-there   Mover            200  403    403         403     403      403
look-up-there   client           200  403    403         403     403      403
look-up-there   sub-org-client   403  200    403         403     403      403

look-up         Admin            200  404    404         404     404      404
look-up         Staff            200  404    404         404     404      404
look-up         User             403  403    403         403     403      403
look-up         Mover            200  404    404         404     404      404
look-up         client           200  404    404         404     404      404
look-up         sub-org-client   404  200    404         404     404      404

get-there       Admin            200  403    403         403     403      403
get-there       Staff            200  403    403         403     403      403
get-there       User             403  403    403         403     403      403
get-there       Mover            200  403    403         403     403      403
get-there       client           200  403    403         403     403      403
get-there       sub-org-client   403  200    403         403     403      403

get             Admin            200  404    404         404     404      404
get             Staff            200  404    404         404     404      404
get             User             403  403    403         403     403      403
get             Mover            200  404    404         404     404      404
get             client           200  404    404         404     404      404
get             sub-org-client   404  200    404         404     404      404

update-there    Admin            200  403    403         403     403      403
update-there    Staff            200  403    403         403     403      403
update-there    User             403  403    403         403     403      403
update-there    Mover            403  403    403         403     403      403
update-there    client           200  403    403         403     403      403
update-there    sub-org-client   403  200    403         403     403      403

update          Admin            200  404    404         404     404      404
update          Staff            200  404    404         404     404      404
update          User             403  403    403         403     403      403
update          Mover            403  403    403         403     403      403
update          client           200  404    404         404     404      404
update          sub-org-client   404  200    404         404     404      404

update-v2       Admin            200  404    404         404     404      404
update-v2       Staff            200  404    404         404     404      404
update-v2       User             403  403    403         403     403      403
update-v2       Mover            403  403    403         403     403      403
update-v2       client           200  404    404         404     404      404
update-v2       sub-org-client   404  200    404         404     404      404

make-admin      Admin            200  404    404         404     404      404
make-admin      Staff            403  404    404         404     404      404
make-admin      User             403  403    403         403     403      403
make-admin      Mover            403  403    403         403     403      403
make-admin      client           200  404    404         404     404      404
make-admin      sub-org-client   404  200    404         404     404      404

delete-there    Admin            200  403    403         403     403      403
delete-there    Staff            403  403    403         403     403      403
delete-there    User             403  403    403         403     403      403
delete-there    Mover            200  403    403         403     403      403
delete-there    client           200  403    403         403     403      403
delete-there    sub-org-client   403  200    403         403     403      403

delete          Admin            200  404    404         404     404      404
delete          Staff            403  403    403         403     403      403
delete          User             403  403    403         403     403      403
delete          Mover            200  404    404         404     404      404
delete          client           200  404    404         404     404      404
delete          sub-org-client   404  200    404         404     404      404
`

// targets are the organizations of the matrix's columns.
var targets = []struct {
	name string
	org  roster.OrgID
}{
	{"own", world.Birch}, {"child", world.Cedar}, {"grandchild", world.Fir}, {"parent", world.Acme}, {"sibling", world.Dogwood}, {"other-tenant", world.Elm},
}

// attempt is one cell of the matrix.
type attempt struct {
	t      *testing.T
	w      *world.World
	h      http.Handler
	caller roster.Principal
	org    roster.OrgID
	there  bool // whether the path names the target's customer
}

// customer is the path of the users of the customer that the attempt names.
func (a *attempt) customer() string {
	if a.there {
		return usersOf(a.org)
	}
	return usersOf(a.caller.Org())
}

// user puts a new user into the target organization, who can be looked up by its own id.
func (a *attempt) user() string {
	u := a.w.NewUser(a.t, a.org, roster.RoleUser, func(u *roster.User) {
		u.Identities = []roster.Identity{{Type: "juris", Value: u.ID.String()}}
	})
	return a.customer() + "/" + customers.UserID(u.ID)
}

func (a *attempt) send(method, target, body string) *httptest.ResponseRecorder {
	return send(a.h, a.caller, method, target, body)
}

// operations does each operation of the matrix, by its name without -there.
var operations = map[string]func(*attempt) *httptest.ResponseRecorder{
	"list": func(a *attempt) *httptest.ResponseRecorder { return a.send("GET", a.customer(), "") },
	"look-up": func(a *attempt) *httptest.ResponseRecorder {
		u := a.user()
		id, _ := customers.ParseUserID(u[strings.LastIndexByte(u, '/')+1:])
		return a.send("GET", a.customer()+"/lookup?type=juris&value="+id.String(), "")
	},
	"get":    func(a *attempt) *httptest.ResponseRecorder { return a.send("GET", a.user(), "") },
	"update": func(a *attempt) *httptest.ResponseRecorder { return a.send("PATCH", a.user(), `{"jobTitle":"Other"}`) },
	"update-v2": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("PATCH", strings.Replace(a.user(), customers.BasePath, customers.BasePathV2, 1), `{"jobTitle":"Other"}`)
	},
	"make-admin": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("PATCH", a.user(), `{"roleIds":["`+customers.RoleID(roster.RoleAdmin)+`"]}`)
	},
	"delete": func(a *attempt) *httptest.ResponseRecorder { return a.send("DELETE", a.user(), "") },
}

// callers returns the callers of the matrix's lines.
func callers(t *testing.T, w *world.World) map[string]roster.Principal {
	callers := map[string]roster.Principal{"client": world.Client(world.Birch), "sub-org-client": world.Client(world.Cedar)}
	for name, role := range map[string]roster.RoleID{"Admin": roster.RoleAdmin, "Staff": roster.RoleStaff, "User": roster.RoleUser, "Mover": world.Mover} {
		u := w.NewUser(t, world.Birch, role)
		callers[name] = w.Principal(&u)
	}
	return callers
}

func TestTheAuthorizationMatrix(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	callers := callers(t, w)
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	for i, name := range strings.Fields(lines[0])[2:] {
		if targets[i].name != name {
			t.Fatalf("column %d is %s, want %s", i, name, targets[i].name)
		}
	}
	seen := map[string]int{}
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		caller, cells := fields[1], fields[2:]
		operation, there := strings.CutSuffix(fields[0], "-there")
		if callers[caller].Tenant == 0 || operations[operation] == nil || len(cells) != len(targets) {
			t.Fatalf("the line %q names nobody, or nothing", line)
		}
		seen[operation]++
		for i, want := range cells {
			a := &attempt{t: t, w: w, h: h, caller: callers[caller], org: targets[i].org, there: there}
			answer := operations[operation](a)
			if got := fmt.Sprint(answer.Code); got != want {
				t.Errorf("%s by %s, target %s, is answered %s %s, want %s", fields[0], caller, targets[i].name, got, answer.Body, want)
			}
			if body := answer.Body.String(); answer.Code == http.StatusForbidden && !strings.Contains(body, "permission") && !strings.Contains(body, "customer") {
				t.Errorf("%s by %s is forbidden with %s, which names neither a permission nor the customer", fields[0], caller, body)
			}
		}
	}
	for name := range operations {
		if n := seen[name]; n == 0 || n%len(callers) != 0 {
			t.Errorf("%s has %d lines, want one for each of %d callers", name, n, len(callers))
		}
	}
	w.Check(t)
}

// TestWhoIsElsewhereIsNotThere holds that the answer is the same, word by word, for a user of another customer and for none.
func TestWhoIsElsewhereIsNotThere(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	caller := world.Client(world.Acme)
	for _, id := range []roster.UserID{w.User(t, world.BobAdmin).ID, w.User(t, world.EveAdmin).ID, 424242} {
		path := usersOf(world.Acme) + "/" + customers.UserID(id)
		refuse(t, get(h, caller, path), 404, "user not found")
		refuse(t, send(h, caller, "PATCH", path, `{"pod":"x"}`), 404, "user not found")
		refuse(t, send(h, caller, "DELETE", path, ""), 404, "user not found")
	}
	// A customer that there is cannot be told from one that there is not.
	for _, org := range []roster.OrgID{world.Birch, world.Elm, 424242} {
		refuse(t, get(h, caller, usersOf(org)), 403, "this token is for another customer")
	}
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	uma := w.As(t, world.UmaUser)
	for _, test := range []struct{ method, target, permission string }{
		{"GET", usersOf(world.Acme), "ORG_VIEW_USERS"}, {"GET", usersOf(world.Acme) + "/lookup?type=zoom&value=1", "ORG_VIEW_USERS"},
		{"GET", pathOf(w.User(t, world.AnnAdmin)), "ORG_VIEW_USERS"}, {"PATCH", pathOf(w.User(t, world.UmaUser)), "ORG_EDIT_USERS"},
		{"PATCH", pathV2Of(w.User(t, world.UmaUser)), "ORG_EDIT_USERS"}, {"DELETE", pathOf(w.User(t, world.UmaUser)), "ORG_DELETE_USERS"},
	} {
		refuse(t, send(h, uma, test.method, test.target, "{}"), 403, "this needs the permission "+test.permission)
	}
}

func TestWithoutAPrincipal(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	ann := w.User(t, world.AnnAdmin)
	for _, line := range []string{
		"GET " + usersOf(world.Acme), "GET " + usersOf(world.Acme) + "/lookup", "GET " + pathOf(ann), "PATCH " + pathOf(ann), "PATCH " + pathV2Of(ann), "DELETE " + pathOf(ann),
	} {
		method, target, _ := strings.Cut(line, " ")
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest(method, target, strings.NewReader("{}")))
		refuse(t, answer, 401, "a bearer token is required")
		if answer.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s without a principal is answered %v", line, answer.Header())
		}
	}
}
