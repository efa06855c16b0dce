package organization_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// matrix is who may do what to whom: the status of each operation, for each caller, by where the target is.
//
// The users who call belong to Birch, which has Acme above, Dogwood beside, Cedar below and Fir below that; Elm is another
// tenant's. Mover is a custom role that may view, transfer and delete users and read the audit trail. The programs that call
// are one of Birch and one of Cedar. The target is a user with the role User, or an organization. Operations that have no
// target have one status.
const matrix = `
operation           caller           own  child  grandchild  parent  sibling  other-tenant

get-profile         Admin            200
get-profile         Staff            200
get-profile         User             200
get-profile         Mover            200
get-profile         client           403
get-profile         sub-org-client   403

list-users          Admin            200
list-users          Staff            200
list-users          User             403
list-users          Mover            200
list-users          client           200
list-users          sub-org-client   200

search-users        Admin            200
search-users        Staff            200
search-users        User             403
search-users        Mover            200
search-users        client           200
search-users        sub-org-client   200

get-user            Admin            200  200    200         404     404      404
get-user            Staff            200  200    200         404     404      404
get-user            User             403  403    403         403     403      403
get-user            Mover            200  200    200         404     404      404
get-user            client           200  200    200         404     404      404
get-user            sub-org-client   404  200    200         404     404      404

create              Admin            201
create              Staff            403
create              User             403
create              Mover            403
create              client           201
create              sub-org-client   201

create-in-org       Admin            201  201    201         404     404      404
create-in-org       Staff            201  201    201         404     404      404
create-in-org       User             403  403    403         403     403      403
create-in-org       Mover            403  403    403         403     403      403
create-in-org       client           201  201    201         404     404      404
create-in-org       sub-org-client   404  201    201         404     404      404

role                Admin            200  200    200         404     404      404
role                Staff            200  200    200         404     404      404
role                User             403  403    403         403     403      403
role                Mover            403  403    403         403     403      403
role                client           200  200    200         404     404      404
role                sub-org-client   404  200    200         404     404      404

transfer-from       Admin            201  201    201         404     404      404
transfer-from       Staff            403  403    403         403     403      403
transfer-from       User             403  403    403         403     403      403
transfer-from       Mover            201  201    201         404     404      404
transfer-from       client           201  201    201         404     404      404
transfer-from       sub-org-client   404  201    201         404     404      404

transfer-to         Admin            201  201    201         404     404      404
transfer-to         Staff            403  403    403         403     403      403
transfer-to         User             403  403    403         403     403      403
transfer-to         Mover            201  201    201         404     404      404
transfer-to         client           201  201    201         404     404      404
transfer-to         sub-org-client   404  201    201         404     404      404

suspend             Admin            200  200    200         404     404      404
suspend             Staff            200  200    200         404     404      404
suspend             User             403  403    403         403     403      403
suspend             Mover            403  403    403         403     403      403
suspend             client           200  200    200         404     404      404
suspend             sub-org-client   404  200    200         404     404      404

remove              Admin            204  204    204         404     404      404
remove              Staff            403  403    403         403     403      403
remove              User             403  403    403         403     403      403
remove              Mover            204  204    204         404     404      404
remove              client           204  204    204         404     404      404
remove              sub-org-client   404  204    204         404     404      404

restore             Admin            200  200    200         404     404      404
restore             Staff            403  403    403         403     403      403
restore             User             403  403    403         403     403      403
restore             Mover            200  200    200         404     404      404
restore             client           200  200    200         404     404      404
restore             sub-org-client   404  200    200         404     404      404

create-organization Admin            201  201    201         404     404      404
create-organization Staff            403  403    403         403     403      403
create-organization User             403  403    403         403     403      403
create-organization Mover            403  403    403         403     403      403
create-organization client           201  201    201         404     404      404
create-organization sub-org-client   404  201    201         404     404      404

list-organizations  Admin            200
list-organizations  Staff            200
list-organizations  User             403
list-organizations  Mover            403
list-organizations  client           200
list-organizations  sub-org-client   200

list-roles          Admin            200
list-roles          Staff            200
list-roles          User             403
list-roles          Mover            403
list-roles          client           200
list-roles          sub-org-client   200

audit               Admin            200  200    200         404     404      404
audit               Staff            403  403    403         403     403      403
audit               User             403  403    403         403     403      403
audit               Mover            200  200    200         404     404      404
audit               client           200  200    200         404     404      404
audit               sub-org-client   404  200    200         404     404      404

invite              Admin            201  201    201         404     404      404
invite              Staff            201  201    201         404     404      404
invite              User             403  403    403         403     403      403
invite              Mover            403  403    403         403     403      403
invite              client           201  201    201         404     404      404
invite              sub-org-client   404  201    201         404     404      404

register            Admin            204
register            Staff            403
register            User             403
register            Mover            403
register            client           204
register            sub-org-client   204

reset-password      Admin            204  204    204         204     204      204
reset-password      Staff            204  204    204         204     204      204
reset-password      User             403  403    403         403     403      403
reset-password      Mover            403  403    403         403     403      403
reset-password      client           204  204    204         204     204      204
reset-password      sub-org-client   204  204    204         204     204      204

list-invitations    Admin            200  200    200         404     404      404
list-invitations    Staff            200  200    200         404     404      404
list-invitations    User             403  403    403         403     403      403
list-invitations    Mover            200  200    200         404     404      404
list-invitations    client           200  200    200         404     404      404
list-invitations    sub-org-client   404  200    200         404     404      404

change-password     Admin            204
change-password     Staff            204
change-password     User             204
change-password     Mover            204
change-password     client           403
change-password     sub-org-client   403

push                Admin            204  204    204         404     404      404
push                Staff            204  204    204         404     404      404
push                User             403  403    403         403     403      403
push                Mover            403  403    403         403     403      403
push                client           204  204    204         404     404      404
push                sub-org-client   404  204    204         404     404      404

register-device     Admin            204
register-device     Staff            204
register-device     User             204
register-device     Mover            204
register-device     client           403
register-device     sub-org-client   403
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
}

// user puts a new user into the target organization.
func (a *attempt) user() string { return a.userOf(a.org) }

func (a *attempt) userOf(org roster.OrgID) string {
	u := a.w.NewUser(a.t, org, roster.RoleUser)
	return u.ID.String()
}

// removedUser puts a user into the target organization and removes it.
func (a *attempt) removedUser() string {
	u := a.w.NewUser(a.t, a.org, roster.RoleUser)
	if _, err := a.w.Table.DeleteUser(a.t.Context(), u, rostertest.Stamp()); err != nil {
		a.t.Fatal(err)
	}
	return u.ID.String()
}

func (a *attempt) get(target string) *httptest.ResponseRecorder { return get(a.h, a.caller, target) }

func (a *attempt) send(method, target, body string) *httptest.ResponseRecorder {
	return send(a.h, a.caller, method, target, body)
}

// operations does each operation of the matrix.
var operations = map[string]func(*attempt) *httptest.ResponseRecorder{
	"get-profile":  func(a *attempt) *httptest.ResponseRecorder { return a.get(profilePath) },
	"list-users":   func(a *attempt) *httptest.ResponseRecorder { return a.get(listPath) },
	"search-users": func(a *attempt) *httptest.ResponseRecorder { return a.get(searchPath + "?query=a") },
	"get-user":     func(a *attempt) *httptest.ResponseRecorder { return a.get(userPath + "?userId=" + a.user()) },
	"create":       func(a *attempt) *httptest.ResponseRecorder { return a.send("POST", createPath, person(newEmail(), "")) },
	"create-in-org": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("POST", createInOrgPath, person(newEmail(), fmt.Sprintf(`"orgId":%d,"roleId":3`, a.org)))
	},
	"role": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("PUT", rolePath+"?roleId=50&userId="+a.user(), "")
	},
	"transfer-from": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("POST", transferPath, fmt.Sprintf(`{"userId":%s,"targetOrgId":%d,"roleId":3}`, a.user(), a.caller.Org()))
	},
	"transfer-to": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("POST", transferPath, fmt.Sprintf(`{"userId":%s,"targetOrgId":%d,"roleId":3}`, a.userOf(a.caller.Org()), a.org))
	},
	"suspend": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("PUT", statusPath, `{"userId":`+a.user()+`,"status":"Suspended"}`)
	},
	"remove": func(a *attempt) *httptest.ResponseRecorder { return a.send("DELETE", listPath+"?userId="+a.user(), "") },
	"restore": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("POST", restorePath, `{"userId":`+a.removedUser()+`}`)
	},
	"create-organization": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("POST", createOrgPath, fmt.Sprintf(`{"name":"Branch","parentId":%d}`, a.org))
	},
	"list-organizations": func(a *attempt) *httptest.ResponseRecorder { return a.get(organizationsPath) },
	"list-roles":         func(a *attempt) *httptest.ResponseRecorder { return a.get(rolesPath) },
	"audit": func(a *attempt) *httptest.ResponseRecorder {
		return a.get(fmt.Sprintf("%s?orgId=%d", auditPath, a.org))
	},
	"invite": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("POST", invitePath, invitee(newEmail(), fmt.Sprintf(`"orgId":%d`, a.org)))
	},
	"register": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("POST", registerPath, `{"email":"`+newEmail()+`"}`)
	},
	"reset-password": func(a *attempt) *httptest.ResponseRecorder {
		u := a.w.NewUser(a.t, a.org, roster.RoleUser)
		return a.send("POST", resetPath, fmt.Sprintf(`{"email":%q}`, u.Email))
	},
	"list-invitations": func(a *attempt) *httptest.ResponseRecorder {
		return a.get(fmt.Sprintf("%s?orgId=%d", invitationsPath, a.org))
	},
	"change-password": func(a *attempt) *httptest.ResponseRecorder {
		if a.caller.UserScoped() {
			setPassword(a.t, a.w, a.caller, "an old password")
		}
		return a.send("PUT", passwordPath, `{"oldPassword":"an old password","newPassword":"a new password"}`)
	},
	"push": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("POST", pushPath, push(a.user()))
	},
	"register-device": func(a *attempt) *httptest.ResponseRecorder {
		return a.send("POST", devicePath, `{"token":"`+newEmail()+`"}`)
	},
}

// aboutOneself are the operations that need no permission, but a token that speaks for a user.
var aboutOneself = map[string]bool{"get-profile": true, "change-password": true, "register-device": true}

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
	header := strings.Fields(lines[0])[2:]
	for i, name := range header {
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
		operation, caller, cells := fields[0], fields[1], fields[2:]
		seen[operation]++
		for i, want := range cells {
			a := &attempt{t: t, w: w, h: h, caller: callers[caller], org: targets[i].org}
			if a.caller.Tenant == 0 || operations[operation] == nil {
				t.Fatalf("the line %q names nobody, or nothing", line)
			}
			answer := operations[operation](a)
			if got := fmt.Sprint(answer.Code); got != want {
				t.Errorf("%s by %s, target %s, is answered %s %s, want %s", operation, caller, targets[i].name, got, answer.Body, want)
			}
			if answer.Code == http.StatusForbidden && !strings.Contains(answer.Body.String(), "permission") && !aboutOneself[operation] {
				t.Errorf("%s by %s is forbidden with %s, which does not name a permission", operation, caller, answer.Body)
			}
		}
	}
	for name := range operations {
		if seen[name] != len(callers) {
			t.Errorf("%s has %d lines, want one for each of %d callers", name, seen[name], len(callers))
		}
	}
	w.Check(t)
}
