package organization_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

func TestCreateAUserWithAPersonalOrganization(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Birch)
	answer := send(h, client, "POST", createPath, `{"email":"John@Example.com","password":"mySecretPassword123","name":"John Doe","title":"Sales Manager",
		"nickName":"johnd","phoneNumber":"+1234567890","organizationName":"John's Personal Org","tz":"America/New_York",
		"address":{"fullAddress":"1 Main St.","country":"USA","city":"New York","state":"NY","zip":"10001"}}`)
	got := readAs[organization.UserDetails](t, 201, answer)
	want := organization.UserDetails{
		ID: got.ID, Name: "John Doe", Email: "John@Example.com", Title: "Sales Manager", NickName: "johnd", PhoneNumber: "+1234567890",
		RoleID: 1, OrgID: got.OrgID, TimeZone: "America/New_York", Status: "Active",
		LastModifiedTs: world.Now.UnixMilli(), RegisteredAt: world.Now.UnixMilli(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the answer (-want +got)\n%s", diff)
	}
	again := get(h, client, fmt.Sprintf("%s?userId=%d", userPath, got.ID))
	if diff := cmp.Diff(answer.Body.String(), again.Body.String()); diff != "" || answer.Header().Get("ETag") != again.Header().Get("ETag") {
		t.Errorf("what is created is not what is there (-created +there)\n%s", diff)
	}
	page := read[organization.OrganizationPage](t, get(h, client, organizationsPath))
	if !strings.Contains(fmt.Sprint(page.Content), fmt.Sprintf("{%d John's Personal Org %d", got.OrgID, world.Birch)) {
		t.Errorf("the organizations are %+v", page)
	}
	stored, err := w.Table.User(t.Context(), client.Tenant, roster.UserID(got.ID))
	address := roster.Address{Full: "1 Main St.", Country: "USA", City: "New York", State: "NY", Zip: "10001"}
	if err != nil || stored.Address != address {
		t.Errorf("the address is %+v, %v", stored.Address, err)
	}
	if stamp := (roster.Stamp{By: "client:client-110", Via: "organization", RequestID: "request-7"}); stored.Revision.Stamp != stamp {
		t.Errorf("the stamp is %+v, want %+v", stored.Revision.Stamp, stamp)
	}
}

func TestCreateAUserWhoseAddressHasAnAccount(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	for _, test := range []struct {
		name, email string
		want        int64 // the user's id, 0 for an empty object
	}{
		{"in reach", "bob@admin.EXAMPLE", 1007},
		{"in reach, further down", "cid@staff.example", 1009},
		{"above", "ann@admin.example", 0},
		{"beside", "dot@admin.example", 0},
		{"in another tenant", "eve@admin.example", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := send(h, world.Client(world.Birch), "POST", createPath, person(test.email, ""))
			if answer.Code != 200 {
				t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
			}
			if test.want == 0 {
				if got := strings.TrimSpace(answer.Body.String()); got != "{}" || answer.Header().Get("ETag") != "" {
					t.Errorf("the answer is %s %v, want {}", got, answer.Header())
				}
				return
			}
			if got := readAs[organization.UserDetails](t, 200, answer); got.ID != test.want || answer.Header().Get("ETag") == "" {
				t.Errorf("the answer is %+v", got)
			}
		})
	}
}

func TestCreateAUserInAnOrganization(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	got := readAs[organization.UserDetails](t, 201, send(h, w.As(t, world.SamStaff), "POST", createInOrgPath,
		person("nina@example.com", `"orgId":111,"roleId":2,"timeZone":"Europe/Kyiv"`)))
	want := organization.UserDetails{
		ID: got.ID, Name: "Nina Newcomer", Email: "nina@example.com", RoleID: 2, OrgID: 111, TimeZone: "Europe/Kyiv", Status: "Active",
		LastModifiedTs: world.Now.UnixMilli(), RegisteredAt: world.Now.UnixMilli(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the answer (-want +got)\n%s", diff)
	}
	for _, test := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"an address that is taken", person("ANN@admin.example", `"orgId":111,"roleId":3`), 400, "email is taken"},
		{"an address that is taken in another tenant", person("eve@admin.example", `"orgId":111,"roleId":3`), 400, "email is taken"},
		{"a role that there is not", person(newEmail(), `"orgId":111,"roleId":77`), 400, "roleId names no role"},
		{"an organization that there is not", person(newEmail(), `"orgId":4711,"roleId":3`), 404, "organization not found"},
		{"an organization of another tenant", person(newEmail(), `"orgId":200,"roleId":3`), 404, "organization not found"},
		{"a role that holds more", person(newEmail(), `"orgId":111,"roleId":1`), 403, "the role Admin holds permissions that you lack: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := send(h, w.As(t, world.SamStaff), "POST", createInOrgPath, test.body)
			if got := failure(t, answer); answer.Code != test.status || !strings.HasPrefix(got, test.want) {
				t.Errorf("the answer is %d %q, want %d %q", answer.Code, got, test.status, test.want)
			}
		})
	}
}

func TestTheSameRequestUnderTheSameKeyHappensOnce(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	for _, test := range []struct{ name, path, body, same, other string }{
		{"create", createPath, person("one@example.com", ""), strings.ReplaceAll(person("one@example.com", ""), ",", " ,\n"), person("uno@example.com", "")},
		{"create-in-org", createInOrgPath, person("two@example.com", `"orgId":111,"roleId":2`),
			`{"roleId":2,"orgId":111,` + person("two@example.com", "")[1:], strings.Replace(person("two@example.com", `"orgId":111,"roleId":2`), "Password123", "Password124", 1)},
		{"organization", createOrgPath, `{"name":"Sales"}`, `{"name":"\u0053ales"}`, `{"name":"Sales","parentId":110}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := "key-of-" + test.name
			first := send(h, client, "POST", test.path, test.body, "Idempotency-Key", key)
			if first.Code != 201 || first.Header().Get("Idempotency-Replayed") != "" {
				t.Fatalf("the first answer is %d %s %v", first.Code, first.Body, first.Header())
			}
			for _, body := range []string{test.body, test.same} {
				again := send(h, client, "POST", test.path, body, "Idempotency-Key", key)
				if again.Code != 201 || again.Body.String() != first.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" || again.Header().Get("ETag") != first.Header().Get("ETag") {
					t.Errorf("the second answer is %d %s %v, want %s again", again.Code, again.Body, again.Header(), first.Body)
				}
			}
			other := send(h, client, "POST", test.path, test.other, "Idempotency-Key", key)
			if got := failure(t, other); other.Code != 422 || got != "the idempotency key was used before, for another request" {
				t.Errorf("with another body the answer is %d %q, want 422", other.Code, got)
			}
		})
	}
	t.Run("keys belong to their callers and operations", func(t *testing.T) {
		for _, caller := range []roster.Principal{w.As(t, world.AnnAdmin), world.Client(world.Birch)} {
			if answer := send(h, caller, "POST", createOrgPath, `{"name":"Theirs"}`, "Idempotency-Key", "key-of-organization"); answer.Code != 201 || answer.Header().Get("Idempotency-Replayed") != "" {
				t.Errorf("another caller is answered %d %s", answer.Code, answer.Body)
			}
		}
		if answer := send(h, client, "POST", createPath, person(newEmail(), ""), "Idempotency-Key", "key-of-organization"); answer.Code != 201 {
			t.Errorf("another operation is answered %d %s", answer.Code, answer.Body)
		}
	})
	t.Run("a request that was refused leaves its key free", func(t *testing.T) {
		if answer := send(h, client, "POST", createOrgPath, `{"name":"X"}`, "Idempotency-Key", "free"); answer.Code != 400 {
			t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
		}
		if answer := send(h, client, "POST", createOrgPath, `{"name":"Xerxes"}`, "Idempotency-Key", "free"); answer.Code != 201 {
			t.Errorf("the answer is %d %s", answer.Code, answer.Body)
		}
	})
	t.Run("the other headers are as strict as the rest", func(t *testing.T) {
		if answer := send(h, client, "POST", createOrgPath, `{"name":"Xerxes"}`, "Idempotency-Key", ""); answer.Code != 400 {
			t.Errorf("an empty key is answered %d %s", answer.Code, answer.Body)
		}
	})
}

func TestSubOrganizations(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	created := readAs[organization.Organization](t, 201, send(h, world.Client(world.Birch), "POST", createOrgPath, `{"name":"Березень 3","parentId":111}`))
	want := organization.Organization{ID: created.ID, Name: "Березень 3", ParentID: 111, CreatedAt: world.Now.UnixMilli()}
	if diff := cmp.Diff(want, created); diff != "" {
		t.Errorf("the organization (-want +got)\n%s", diff)
	}
	own := readAs[organization.Organization](t, 201, send(h, world.Client(world.Birch), "POST", createOrgPath, `{"name":"Birch Two"}`))
	if own.ParentID != 110 {
		t.Errorf("without a parent it is %+v", own)
	}
	// Whoever made it can use it at once.
	readAs[organization.UserDetails](t, 201, send(h, world.Client(world.Birch), "POST", createInOrgPath, person(newEmail(), fmt.Sprintf(`"orgId":%d,"roleId":1`, created.ID))))

	list := func(caller roster.Principal, query string) (ids []int32, total int64) {
		page := read[organization.OrganizationPage](t, get(h, caller, organizationsPath+query))
		for _, o := range page.Content {
			ids = append(ids, o.ID)
		}
		return ids, page.TotalElements
	}
	for _, test := range []struct {
		caller roster.Principal
		query  string
		want   []int32
		total  int64
	}{
		{world.Client(world.Fir), "", []int32{112}, 1},
		{world.Client(world.Dogwood), "", []int32{120}, 1},
		{world.Client(world.Elm), "", []int32{200}, 1},
		{world.Client(world.Birch), "?size=3", []int32{110, 111, 112}, 5},
		{world.Client(world.Acme), "?size=2&page=1", []int32{111, 112}, 7},
		{world.Client(world.Acme), "?page=9", nil, 7},
	} {
		if ids, total := list(test.caller, test.query); !cmp.Equal(ids, test.want) || total != test.total {
			t.Errorf("GET %s by %v lists %v of %d, want %v of %d", test.query, test.caller.Path, ids, total, test.want, test.total)
		}
	}
	t.Run("show their parents but for the caller's own", func(t *testing.T) {
		page := read[organization.OrganizationPage](t, get(h, world.Client(world.Birch), organizationsPath))
		for _, o := range page.Content {
			if (o.ParentID == 0) != (o.ID == 110) {
				t.Errorf("a client of 110 sees %+v", o)
			}
		}
	})
}

func TestRolesAreListed(t *testing.T) {
	w := world.New(t)
	got := read[organization.RoleList](t, get(serve(t, w.Directory), w.As(t, world.CidStaff), rolesPath))
	var names []string
	for _, r := range got.Content {
		names = append(names, fmt.Sprintf("%d %s %d", r.ID, r.Name, len(r.Permissions)))
	}
	want := []string{fmt.Sprintf("1 Admin %d", roster.AllPermissions.Len()), "2 Staff 13", "3 User 5", "50 Auditor 1", "51 Mover 9"}
	if diff := cmp.Diff(want, names); diff != "" || got.TotalElements != 5 {
		t.Errorf("%d roles (-want +got)\n%s", got.TotalElements, diff)
	}
	elm := read[organization.RoleList](t, get(serve(t, w.Directory), world.Client(world.Elm), rolesPath))
	if elm.TotalElements != 3 || len(elm.Content) != 3 {
		t.Errorf("another tenant sees %+v", elm)
	}
}

func TestPasswordsAreInNoAnswerAndInNoLog(t *testing.T) {
	w := world.New(t)
	h, log := logged(w.Directory)
	for _, body := range []string{person(newEmail(), ""), person("broken", ""), person(newEmail(), `"x":1`)} {
		answer := send(h, world.Client(world.Acme), "POST", createPath, body, "Idempotency-Key", newEmail())
		if strings.Contains(answer.Body.String(), "mySecretPassword123") || strings.Contains(fmt.Sprint(answer.Header()), "mySecret") {
			t.Errorf("the answer is %s %v", answer.Body, answer.Header())
		}
	}
	if strings.Contains(log.String(), "mySecret") || !json.Valid([]byte(strings.SplitN(log.String(), "\n", 2)[0])) {
		t.Errorf("the log is %s", log)
	}
}
