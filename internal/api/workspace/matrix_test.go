package workspace_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api/workspace"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// matrix is whom a caller of Birch sees: the status of a get of each target, and how many users a list has. Birch has Acme above,
// Dogwood beside and Cedar below; Elm is another tenant's. Mover is a custom role that may view users, for other dialects. The ones
// marked + have ViewAll; second-Admin has the role Admin beside its main one.
const matrix = `
caller          me   self  colleague  deleted  child  parent  sibling  other-tenant  unknown  list

Admin           200  200   200        404      404    404     404      404           404      all
Staff           200  200   404        404      404    404     404      404           404      1
Staff+          200  200   200        404      404    404     404      404           404      all
User            200  200   404        404      404    404     404      404           404      1
User+           200  200   200        404      404    404     404      404           404      all
Mover           200  200   404        404      404    404     404      404           404      1
Mover+          200  200   200        404      404    404     404      404           404      all
second-Admin    200  200   200        404      404    404     404      404           404      all
client          403  -     200        404      404    404     404      404           404      all
other-client    403  -     404        404      200    404     404      404           404      child
`

func TestMatrix(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	colleague := w.NewUser(t, world.Birch, roster.RoleUser)
	deleted := w.NewUser(t, world.Birch, roster.RoleUser)
	if admin := w.As(t, world.AnnAdmin); w.Directory.RemoveUser(t.Context(), &admin, deleted.ID, roster.Write{Via: "test"}) != nil {
		t.Fatal("the user could not be deleted")
	}
	callers := map[string]roster.Principal{"client": world.Client(world.Birch), "other-client": world.Client(world.Cedar)}
	for name, role := range map[string]roster.RoleID{"Admin": roster.RoleAdmin, "Staff": roster.RoleStaff, "User": roster.RoleUser, "Mover": world.Mover} {
		user := w.NewUser(t, world.Birch, role)
		plus := w.NewUser(t, world.Birch, role, func(u *roster.User) { u.ViewAll = true })
		callers[name], callers[name+"+"] = w.Principal(&user), w.Principal(&plus)
	}
	second := w.NewUser(t, world.Birch, roster.RoleUser, func(u *roster.User) { u.Roles = append(u.Roles, roster.RoleAdmin) })
	callers["second-Admin"] = w.Principal(&second)
	targets := map[string]roster.UserID{
		"colleague": colleague.ID, "deleted": deleted.ID, "child": w.User(t, world.CidStaff).ID, "parent": w.User(t, world.AnnAdmin).ID,
		"sibling": w.User(t, world.DotAdmin).ID, "other-tenant": w.User(t, world.EveAdmin).ID, "unknown": 4711,
	}
	sizes := map[string]int{"all": 12, "1": 1, "child": 1} // Birch's two of the cast, the colleague, and nine callers
	rows := strings.Split(strings.TrimSpace(matrix), "\n")
	columns := strings.Fields(rows[0])
	checked := 0
	for _, row := range rows[2:] {
		cells := strings.Fields(row)
		p, ok := callers[cells[0]]
		if !ok {
			t.Fatalf("there is no caller %s", cells[0])
		}
		for i, cell := range cells[1:] {
			column := columns[i+1]
			path := pathOf(targets[column])
			switch column {
			case "me":
				path = workspace.UsersPath + "/me"
			case "self":
				path = pathOf(p.User)
			case "list":
				page := read[workspace.UserPage](t, get(h, p, workspace.UsersPath))
				if page.Total != sizes[cell] || len(page.Results) != sizes[cell] || cell == "1" && page.Results[0].ID != workspace.UserID(p.User) {
					t.Errorf("%s sees %+v, want %d users", cells[0], page, sizes[cell])
				}
				checked++
				continue
			}
			if cell == "-" {
				continue
			}
			answer := get(h, p, path)
			switch cell {
			case "200":
				read[workspace.User](t, answer)
			case "403":
				refuse(t, answer, 403, "FORBIDDEN", "this needs a token that speaks for a user")
			case "404":
				refuse(t, answer, 404, "NOT_FOUND", "Not found")
			}
			checked++
		}
	}
	if checked != 98 {
		t.Errorf("%d cells were checked, want 98", checked)
	}
}

func TestWithoutATokenNothingIsAnswered(t *testing.T) {
	h := bare(nil)
	for _, target := range []string{workspace.UsersPath, workspace.UsersPath + "/me", pathOf(1001), workspace.UsersPath + "?page=x"} {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, target, nil))
		refuse(t, answer, 401, "UNAUTHORIZED", "a bearer token is required")
		if answer.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: headers %v, want WWW-Authenticate: Bearer", target, answer.Header())
		}
	}
}

func TestOtherMethodsAndPaths(t *testing.T) {
	h := bare(nil)
	p := world.Client(world.Acme)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for _, target := range []string{workspace.UsersPath, workspace.UsersPath + "/me"} {
			answer := send(h, p, method, target)
			refuse(t, answer, 405, "METHOD_NOT_SUPPORTED", "method not allowed")
			if allow := answer.Header().Get("Allow"); allow != "GET, HEAD, OPTIONS" {
				t.Errorf("%s %s: Allow is %s", method, target, allow)
			}
		}
	}
	for _, target := range []string{"/", "/user", workspace.UsersPath + "/", workspace.UsersPath + "/me/devices", workspace.UsersPath + "//me"} {
		refuse(t, get(h, p, target), 404, "NOT_FOUND", "Not found")
	}
}
