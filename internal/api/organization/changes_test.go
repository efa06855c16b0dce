package organization_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// change is a change of one user, of which there is one for every operation.
type change struct {
	name   string
	status int
	// request returns the method, target and body.
	request func(id roster.UserID) (method, target, body string)
	// after is what the answer must show, by the wire name.
	after func(*organization.UserDetails)
}

func changesOfAUser() []change {
	return []change{
		{"role", 200, func(id roster.UserID) (string, string, string) {
			return "PUT", fmt.Sprintf("%s?userId=%d&roleId=2", rolePath, id), ""
		}, func(u *organization.UserDetails) { u.RoleID = 2 }},
		{"transfer", 201, func(id roster.UserID) (string, string, string) {
			return "POST", transferPath, fmt.Sprintf(`{"userId":%d,"targetOrgId":120,"roleId":1}`, id)
		}, func(u *organization.UserDetails) { u.OrgID, u.RoleID = 120, 1 }},
		{"suspend", 200, func(id roster.UserID) (string, string, string) {
			return "PUT", statusPath, fmt.Sprintf(`{"userId":%d,"status":"Suspended"}`, id)
		}, func(u *organization.UserDetails) { u.Status = "Suspended" }},
		{"remove", 204, func(id roster.UserID) (string, string, string) {
			return "DELETE", fmt.Sprintf("%s?userId=%d", listPath, id), ""
		}, nil},
		{"restore", 200, func(id roster.UserID) (string, string, string) {
			return "POST", restorePath, fmt.Sprintf(`{"userId":%d}`, id)
		}, func(*organization.UserDetails) {}},
	}
}

func TestChangesOfAUser(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	for _, c := range changesOfAUser() {
		t.Run(c.name, func(t *testing.T) {
			u := w.NewUser(t, world.Birch, roster.RoleUser)
			target := fmt.Sprintf("%s?userId=%d", userPath, u.ID)
			before := read[organization.UserDetails](t, get(h, client, target))
			method, path, body := c.request(u.ID)
			answer := send(h, client, method, path, body)
			if answer.Code != c.status {
				t.Fatalf("the answer is %d %s, want %d", answer.Code, answer.Body, c.status)
			}
			now := get(h, client, target)
			if c.after == nil {
				if now.Code != 404 || answer.Body.Len() != 0 {
					t.Errorf("then the user is answered %d %s", now.Code, now.Body)
				}
				return
			}
			got := readAs[organization.UserDetails](t, c.status, answer)
			want := before
			c.after(&want)
			want.LastModifiedTs = got.LastModifiedTs
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the answer (-want +got)\n%s", diff)
			}
			if now.Body.String() != answer.Body.String() || now.Header().Get("ETag") != answer.Header().Get("ETag") {
				t.Errorf("the answer is %s %s, but there is %s %s", answer.Body, answer.Header().Get("ETag"), now.Body, now.Header().Get("ETag"))
			}
		})
	}
}

func TestChangesHonourIfMatch(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	for _, c := range changesOfAUser() {
		for _, test := range []struct {
			name   string
			header func(tag string) []string
			holds  bool
		}{
			{"the tag", func(tag string) []string { return []string{"If-Match", tag} }, true},
			{"any", func(string) []string { return []string{"If-Match", "*"} }, true},
			{"one of several", func(tag string) []string { return []string{"If-Match", `"x", ` + tag} }, true},
			{"one of several lines", func(tag string) []string { return []string{"If-Match", `"x"`, "If-Match", tag} }, true},
			{"none", func(string) []string { return nil }, true},
			{"a stale one", func(string) []string { return []string{"If-Match", `"0-1"`} }, false},
			{"a weak one", func(tag string) []string { return []string{"If-Match", "W/" + tag} }, false},
			{"what is no tag", func(tag string) []string { return []string{"If-Match", tag[1:]} }, false},
		} {
			t.Run(c.name+"/"+test.name, func(t *testing.T) {
				u := w.NewUser(t, world.Birch, roster.RoleUser)
				target := fmt.Sprintf("%s?userId=%d", userPath, u.ID)
				before := get(h, client, target)
				method, path, body := c.request(u.ID)
				answer := send(h, client, method, path, body, test.header(before.Header().Get("ETag"))...)
				if test.holds {
					if answer.Code != c.status {
						t.Errorf("the answer is %d %s, want %d", answer.Code, answer.Body, c.status)
					}
					return
				}
				if got := failure(t, answer); answer.Code != http.StatusPreconditionFailed || got != "the user is not in the state that If-Match asks for" {
					t.Errorf("the answer is %d %q, want 412", answer.Code, got)
				}
				if now := get(h, client, target); now.Body.String() != before.Body.String() || now.Header().Get("ETag") != before.Header().Get("ETag") {
					t.Errorf("the user was changed from %s to %s", before.Body, now.Body)
				}
			})
		}
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	acme, ann, sam := world.Client(world.Acme), w.As(t, world.AnnAdmin), w.As(t, world.SamStaff)
	for _, test := range []struct {
		name                 string
		caller               roster.Principal
		method, target, body string
		status               int
		want                 string
	}{
		{"a role that there is not", acme, "PUT", rolePath + "?userId=1003&roleId=77", "", 404, "role not found"},
		{"a role for nobody", acme, "PUT", rolePath + "?userId=4711&roleId=3", "", 404, "user not found"},
		{"a role that holds more", sam, "PUT", rolePath + "?userId=1003&roleId=1", "", 403, "the role Admin holds permissions that you lack: "},
		{"the last Admin's role", acme, "PUT", rolePath + "?userId=1001&roleId=3", "", 409, "the last Admin of the root organization must stay Admin"},
		{"one's own role", ann, "PUT", rolePath + "?userId=1001&roleId=3", "", 403, "you cannot take the permission ORG_EDIT_USERS from yourself"},
		{"a transfer with a role that there is not", acme, "POST", transferPath, `{"userId":1003,"targetOrgId":110,"roleId":77}`, 400, "roleId names no role"},
		{"a transfer to nowhere", acme, "POST", transferPath, `{"userId":1003,"targetOrgId":4711,"roleId":3}`, 404, "organization not found"},
		{"a transfer of nobody", acme, "POST", transferPath, `{"userId":4711,"targetOrgId":110,"roleId":3}`, 404, "user not found"},
		{"a transfer of the last Admin", acme, "POST", transferPath, `{"userId":1001,"targetOrgId":110,"roleId":1}`, 409, "the last Admin"},
		{"a transfer of oneself", ann, "POST", transferPath, `{"userId":1001,"targetOrgId":110,"roleId":1}`, 403, "you cannot transfer yourself"},
		{"the last Admin's suspension", acme, "PUT", statusPath, `{"userId":1001,"status":"Suspended"}`, 409, "the last Admin"},
		{"one's own suspension", ann, "PUT", statusPath, `{"userId":1001,"status":"Suspended"}`, 403, "you cannot suspend yourself"},
		{"making somebody else's account active", acme, "PUT", statusPath, `{"userId":1005,"status":"Active"}`, 409, "the user has not taken up the account yet"},
		{"removing the last Admin", acme, "DELETE", listPath + "?userId=1001", "", 409, "the last Admin"},
		{"removing oneself", ann, "DELETE", listPath + "?userId=1001", "", 403, "you cannot delete yourself"},
		{"removing nobody", acme, "DELETE", listPath + "?userId=4711", "", 404, "user not found"},
		{"restoring nobody", acme, "POST", restorePath, `{"userId":4711}`, 404, "user not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := send(h, test.caller, test.method, test.target, test.body)
			if got := failure(t, answer); answer.Code != test.status || !strings.HasPrefix(got, test.want) {
				t.Errorf("the answer is %d %q, want %d %q", answer.Code, got, test.status, test.want)
			}
		})
	}
}

func TestRemovedIsGoneUntilRestored(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	find := func() int64 {
		return read[organization.UserPage](t, get(h, client, searchPath+"?query=bea@user")).TotalElements
	}
	if answer := send(h, client, "DELETE", listPath+"?userId=1008", ""); answer.Code != 204 || find() != 0 {
		t.Fatalf("removing is answered %d %s, and the search finds %d", answer.Code, answer.Body, find())
	}
	if answer := send(h, client, "DELETE", listPath+"?userId=1008", ""); answer.Code != 404 {
		t.Errorf("removing again is answered %d %s", answer.Code, answer.Body)
	}
	other := send(h, client, "POST", createInOrgPath, person("bea@user.example", `"orgId":120,"roleId":3`))
	taker := readAs[organization.UserDetails](t, 201, other)
	refused := send(h, client, "POST", restorePath, `{"userId":1008}`)
	if got := failure(t, refused); refused.Code != 409 || got != "the e-mail address Bea@User.example is taken" {
		t.Errorf("restoring is answered %d %q, want 409 that names the address", refused.Code, got)
	}
	if answer := send(h, client, "DELETE", fmt.Sprintf("%s?userId=%d", listPath, taker.ID), ""); answer.Code != 204 {
		t.Fatalf("removing the other is answered %d %s", answer.Code, answer.Body)
	}
	for range 2 {
		got := readAs[organization.UserDetails](t, 200, send(h, client, "POST", restorePath, `{"userId":1008}`))
		if got.ID != 1008 || got.Email != "Bea@User.example" || find() != 1 {
			t.Errorf("restoring is answered %+v, and the search finds %d", got, find())
		}
	}
}
