package customers_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

func TestBadParametersAreNamed(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	list, ann := usersOf(world.Acme), pathOf(w.User(t, world.AnnAdmin))
	const digits = "must be 24 hexadecimal digits"
	const types = "must be one of aderant, auth0, azure, cisco-cdr, cisco-webex, elite, email, exchange, external-billing-system, google, intercom, juris, mixpanel, phone, " +
		"phone-extension, ringcentral, salesforce, segment, user-principal-name, vitally, walls, zendesk, zoom"
	for _, test := range []struct {
		method, target string
		want           []string
	}{
		// ids
		{"GET", customers.BasePath + "/100/users", []string{"customerId " + digits}},
		{"GET", customers.BasePath + "/" + acmeID[:23] + "/users", []string{"customerId " + digits}},
		{"GET", customers.BasePath + "/" + acmeID[:23] + "g/users", []string{"customerId " + digits}},
		{"GET", customers.BasePath + "/" + acmeID + "0/users", []string{"customerId " + digits}},
		{"GET", customers.BasePath + "/ " + acmeID[1:] + "/users", []string{"customerId " + digits}},
		{"GET", customers.BasePath + "/" + acmeID[:23] + "\xff/users", []string{"customerId must be valid UTF-8"}},
		{"GET", customers.BasePath + "/" + annID + "/users", []string{"customerId must be the id of a customer"}},
		{"GET", customers.BasePath + "/" + strings.Repeat("0", 24) + "/users", []string{"customerId must be the id of a customer"}},
		{"GET", customers.BasePath + "/6f72676e0000000000000000/users", []string{"customerId must be the id of a customer"}},
		{"GET", customers.BasePath + "/6f72676e0000000100000064/users", []string{"customerId must be the id of a customer"}},
		{"GET", customers.BasePath + "/" + annID + "/users/lookup?type=zoom&value=1", []string{"customerId must be the id of a customer"}},
		{"GET", list + "/1001", []string{"userId " + digits}},
		{"GET", list + "/me", []string{"userId " + digits}},
		{"GET", list + "/" + acmeID, []string{"userId must be the id of a user"}},
		{"GET", list + "/" + customers.RoleID(1), []string{"userId must be the id of a user"}},
		{"GET", list + "/757365720020000000000000", []string{"userId must be the id of a user"}},
		{"GET", customers.BasePath + "/x/users/y", []string{"customerId " + digits, "userId " + digits}},
		{"GET", customers.BasePath + "/" + annID + "/users/" + acmeID, []string{"customerId must be the id of a customer", "userId must be the id of a user"}},
		{"PATCH", list + "/lookup", []string{"userId " + digits}},
		{"PATCH", customers.BasePathV2 + "/x/users/y", []string{"customerId " + digits, "userId " + digits}},
		{"PATCH", customers.BasePath + "/" + annID + "/users/" + acmeID, []string{"customerId must be the id of a customer", "userId must be the id of a user"}},
		{"PATCH", customers.BasePathV2 + "/" + annID + "/users/" + acmeID, []string{"customerId must be the id of a customer", "userId must be the id of a user"}},
		{"DELETE", list + "/" + acmeID, []string{"userId must be the id of a user"}},
		// of the list
		{"GET", list + "?search=" + strings.Repeat("a", 256), []string{"search must have at most 255 characters"}},
		{"GET", list + "?search=" + strings.Repeat("%C3%A9", 256), []string{"search must have at most 255 characters"}},
		{"GET", list + "?search=%c3", []string{"search must be valid UTF-8"}},
		{"GET", list + "?search=%", []string{"search must be percent-encoded correctly"}},
		{"GET", list + "?search=a&search=b", []string{"search must be given once"}},
		{"GET", list + "?integration=zoom&search=%c3", []string{"search must be valid UTF-8", "integration must be one of cloud-assistant-cdr, cloud-assistant-google, " +
			"cloud-assistant-microsoft-exchange, cloud-assistant-microsoft-teams, cloud-assistant-zoom"}},
		{"GET", list + "?integration=", []string{"integration must be one of cloud-assistant-cdr, cloud-assistant-google, " +
			"cloud-assistant-microsoft-exchange, cloud-assistant-microsoft-teams, cloud-assistant-zoom"}},
		// of the look-up
		{"GET", list + "/lookup", []string{"type is required", "value is required"}},
		{"GET", list + "/lookup?type=&value=", []string{"type " + types, "value must have 1 to 256 characters"}},
		{"GET", list + "/lookup?type=Zoom&value=" + strings.Repeat("a", 257), []string{"type " + types, "value must have 1 to 256 characters"}},
		{"GET", list + "/lookup?type=zoom&type=zoom&value=a&value=b", []string{"type must be given once", "value must be given once"}},
		{"GET", list + "/lookup?type=zoom&value=a%00b", []string{"value must not contain control characters"}},
		// of the deletion
		{"DELETE", ann + "?isForwarded=1", []string{"isForwarded must be true or false"}},
		{"DELETE", ann + "?isForwarded=", []string{"isForwarded must be true or false"}},
	} {
		answer := send(h, world.Client(world.Acme), test.method, test.target, "{}")
		if diff := cmp.Diff(test.want, failure(t, answer)); diff != "" || answer.Code != 400 {
			t.Errorf("%s %s is answered %d, want 400 (-want +got)\n%s", test.method, test.target, answer.Code, diff)
		}
	}
	if diff := cmp.Diff(w.User(t, world.AnnAdmin), current(t, w, world.AnnAdmin)); diff != "" {
		t.Errorf("Ann was changed (-before +after)\n%s", diff)
	}
}

func TestBadBodiesAreRefusedByFieldAndNothingIsWritten(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	u := ada(t, w)
	v1, v2 := pathOf(u), pathV2Of(u)
	many := func(n int, element func(i int) string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = element(i)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	someone := func(i int) string { return `"` + customers.UserID(roster.UserID(9000+i)) + `"` }
	with := func(field, value string) string { return `{"` + field + `":` + value + `}` }
	for _, test := range []struct {
		path, body string
		want       []string
	}{
		// structure
		{v1, "", []string{"body is required"}},
		{v1, "{", []string{"body must be valid JSON"}},
		{v1, "null", []string{"body must be a JSON object"}},
		{v2, "[]", []string{"body must be a JSON object"}},
		{v1, with("pod", "\"\xff\""), []string{"body must be valid UTF-8"}},
		{v1, with("pod", `"`+strings.Repeat("a", 256<<10)+`"`), []string{"body must have at most 262144 bytes"}},
		{v1, with("x", strings.Repeat("[", 200)+strings.Repeat("]", 200)), []string{"body must not be nested deeper than 16 levels"}},
		{v1, with("x", "1"), []string{"x is not a field that this takes"}},
		{v1, with("delegates", "[]"), []string{"delegates is not a field that this takes"}},
		{v2, with("delegateIds", "[]"), []string{"delegateIds is not a field that this takes"}},
		{v1, with("status", `"active"`), []string{"status is not a field that this takes"}},
		{v1, `{"title":"a","givenName":"b","roles":[]}`, []string{"title is not a field that this takes", "givenName is not a field that this takes", "roles is not a field that this takes"}},
		{v1, `{"FirstName":"a"}`, []string{"FirstName is not a field that this takes"}},
		{v1, `{"pod":"a","pod":"b"}`, []string{"pod must be given once"}},
		// null
		{v1, `{"delegateIds":null,"firstName":null,"email":null,"jobTitle":null,"lastName":null,"nickname":null,"roleIds":null,"seniority":null,"department":null,"office":null,"subdepartment":null,"pod":null,"identities":null}`,
			[]string{"delegateIds must not be null", "firstName must not be null", "email must not be null", "jobTitle must not be null", "lastName must not be null", "nickname must not be null",
				"roleIds must not be null", "seniority must not be null", "department must not be null", "office must not be null", "subdepartment must not be null", "pod must not be null", "identities must not be null"}},
		{v2, with("delegates", "null"), []string{"delegates must not be null"}},
		{v2, with("delegates", "[null]"), []string{"delegates[0] is required"}},
		{v1, with("roleIds", "[null]"), []string{"roleIds[0] is required"}},
		// types
		{v1, `{"firstName":1,"roleIds":"x","delegateIds":{},"identities":[1],"email":true}`, []string{"firstName must be a string", "roleIds must be an array", "delegateIds must be an array",
			"identities[0] must be an object", "email must be a string"}},
		{v1, with("delegateIds", "[7]"), []string{"delegateIds[0] must be a string"}},
		// texts
		{v1, with("firstName", `"`+strings.Repeat("a", 101)+`"`), []string{"firstName must have at most 100 characters"}},
		{v1, with("lastName", `"a\u0000b"`), []string{"lastName must not contain control or invisible characters"}},
		{v1, with("firstName", `"J\u043ehn"`), []string{"firstName must not mix letters of different scripts in one word"}},
		{v1, `{"firstName":"","lastName":""}`, []string{"firstName must make a full name of 1 to 100 characters"}},
		{v1, with("lastName", `"`+strings.Repeat("a", 100)+`"`), []string{"lastName must make a full name of 1 to 100 characters"}},
		{v1, with("jobTitle", `"a\nb"`), []string{"jobTitle must not contain control or invisible characters"}},
		{v1, with("nickname", `"a\u202eb"`), []string{"nickname must not contain control or invisible characters"}},
		{v1, `{"seniority":"\u0007","department":"\u0007","office":"\u0007","subdepartment":"\u0007","pod":"\u0007"}`, []string{
			"seniority must not contain control or invisible characters", "department must not contain control or invisible characters", "office must not contain control or invisible characters",
			"subdepartment must not contain control or invisible characters", "pod must not contain control or invisible characters"}},
		{v1, with("pod", `"\ud800"`), []string{"pod must be valid Unicode text"}},
		{v1, with("email", `"nobody"`), []string{"email must be an e-mail address"}},
		{v1, with("email", `""`), []string{"email must have 1 to 254 characters"}},
		// roles
		{v1, with("roleIds", "[]"), []string{"roleIds must hold 1 to 20 roles"}},
		{v1, with("roleIds", many(21, func(i int) string { return `"` + customers.RoleID(roster.RoleID(i+1)) + `"` })), []string{"roleIds must hold 1 to 20 roles"}},
		{v1, with("roleIds", `["3"]`), []string{"roleIds[0] must be the id of a role"}},
		{v1, with("roleIds", `["`+customers.RoleID(3)+`","`+annID+`",""]`), []string{"roleIds[1] must be the id of a role", "roleIds[2] must be the id of a role"}},
		{v1, with("roleIds", `["`+customers.RoleID(3)+`","`+strings.ToUpper(customers.RoleID(3))+`"]`), []string{"roleIds must not hold a role twice"}},
		{v2, with("roleIds", `["`+customers.RoleID(77)+`"]`), []string{"roleIds must be roles that there are"}},
		// delegates
		{v1, with("delegateIds", "["+someone(0)+"]"), []string{"delegateIds must be users of the same customer"}},
		{v1, with("delegateIds", `["`+customers.UserID(u.ID)+`"]`), []string{"delegateIds must be other users"}},
		{v1, with("delegateIds", `["`+samID+`","`+samID+`"]`), []string{"delegateIds must not hold a user twice"}},
		{v1, with("delegateIds", `["`+customers.UserID(w.User(t, world.BobAdmin).ID)+`"]`), []string{"delegateIds must be users of the same customer"}},
		{v1, with("delegateIds", `["`+customers.UserID(w.User(t, world.EveAdmin).ID)+`"]`), []string{"delegateIds must be users of the same customer"}},
		{v1, with("delegateIds", `["`+acmeID+`"]`), []string{"delegateIds[0] must be the id of a user"}},
		{v1, with("delegateIds", many(1001, someone)), []string{"delegateIds must hold at most 1000 delegates"}},
		{v1, with("delegateIds", many(10_000, someone)), []string{"body must have at most 262144 bytes"}},
		{v2, with("delegates", `[{"userId":`+someone(0)+`,"permissions":[]}]`), []string{"delegates must be users of the same customer"}},
		{v2, with("delegates", `[{"userId":"`+customers.UserID(u.ID)+`","permissions":[]}]`), []string{"delegates must be other users"}},
		{v2, with("delegates", `[{}]`), []string{"delegates[0].userId is required", "delegates[0].permissions is required"}},
		{v2, with("delegates", `[{"userId":"x","permissions":[{"claim":5},{},{"claim":"a:b:read:c","_id":"x"}]}]`), []string{"delegates[0].permissions[0].claim must be a string",
			"delegates[0].permissions[1].claim is required", "delegates[0].permissions[2]._id is not a field that this takes", "delegates[0].userId must be the id of a user"}},
		{v2, with("delegates", `[{"userId":"`+samID+`","permissions":[{"claim":"a b"}]}]`), []string{"delegates must have permissions that are claims of 1 to 100 letters, digits and signs, without spaces"}},
		{v2, with("delegates", many(1001, func(i int) string { return `{"userId":` + someone(i) + `,"permissions":[]}` })), []string{"delegates must hold at most 1000 delegates"}},
		// identities
		{v1, with("identities", `[{"type":"fax","value":""}]`), []string{"identities[0].type must be one of " + strings.Join(roster.IdentityTypes(), ", "), "identities[0].value must have 1 to 256 characters"}},
		{v1, with("identities", `[{"type":"zoom"},{"value":"z"}]`), []string{"identities[0].value is required", "identities[1].type is required"}},
		{v1, with("identities", `[{"type":"zoom","value":"`+strings.Repeat("a", 257)+`"}]`), []string{"identities.value must have 1 to 256 characters"}},
		{v1, with("identities", `[{"type":"zoom","value":"a"},{"type":"zoom","value":"a"}]`), []string{"identities must not hold an identity twice"}},
		{v1, with("identities", `[{"type":"zoom","value":"a","customerId":"`+customers.OrganizationID(world.Birch)+`"}]`), []string{"identities[0].customerId must be the id of the customer"}},
		{v1, with("identities", many(46, func(i int) string { return fmt.Sprintf(`{"type":"zoom","value":"%d"}`, i) })), []string{"identities must hold at most 45 identities"}},
		// everything at once
		{v1, `{"firstName":5,"email":"x","roleIds":["y"],"delegateIds":["` + annID + `","z"],"pod":"\u0000","z":1}`, []string{"firstName must be a string", "z is not a field that this takes",
			"roleIds[0] must be the id of a role", "delegateIds[1] must be the id of a user", "email must be an e-mail address", "pod must not contain control or invisible characters"}},
		{strings.Replace(v1, customers.UserID(u.ID), acmeID, 1), `{"pod":1,"roleIds":["y"]}`, []string{"userId must be the id of a user", "pod must be a string", "roleIds[0] must be the id of a role"}},
	} {
		answer := send(h, world.Client(world.Acme), "PATCH", test.path, test.body)
		if diff := cmp.Diff(test.want, failure(t, answer)); diff != "" || answer.Code != 400 {
			t.Errorf("PATCH %s %.200s is answered %d, want 400 (-want +got)\n%s", test.path, test.body, answer.Code, diff)
		}
	}
	answer := send(h, world.Client(world.Acme), "PATCH", v1, with("delegateIds", many(5000, func(int) string { return `"x"` })))
	if got := failure(t, answer); answer.Code != 400 || len(got) != 20 {
		t.Errorf("5000 wrong ids are answered %d with %d messages, want 20", answer.Code, len(got))
	}
	for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"} {
		answer := send(h, world.Client(world.Acme), "PATCH", v1, `{"pod":"x"}`, "Content-Type", contentType)
		refuse(t, answer, 400, "Content-Type must be application/json")
	}
	if diff := cmp.Diff(u, stored(t, w, u.ID)); diff != "" {
		t.Errorf("Ada was changed (-before +after)\n%s", diff)
	}
	w.Check(t)
}

func TestOtherPathsAndMethods(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	list, ann := usersOf(world.Acme), pathOf(w.User(t, world.AnnAdmin))
	for _, test := range []struct {
		method, path string
		want         int
		allow        string
	}{
		{"GET", "/", 404, ""}, {"GET", customers.BasePath, 404, ""}, {"GET", list + "/", 404, ""}, {"GET", ann + "/", 404, ""}, {"GET", ann + "/x", 404, ""},
		{"GET", strings.Replace(list, "/v1/", "/v2/", 1), 404, ""}, {"GET", strings.Replace(list, "/v1/", "/v3/", 1), 404, ""},
		{"GET", customers.BasePath + "//users", 404, ""},
		{"POST", list, 405, "GET, HEAD, OPTIONS"}, {"DELETE", list, 405, "GET, HEAD, OPTIONS"}, {"PUT", ann, 405, "DELETE, GET, HEAD, OPTIONS, PATCH"},
		{"GET", pathV2Of(w.User(t, world.AnnAdmin)), 405, "OPTIONS, PATCH"}, {"POST", list + "/lookup", 405, "GET, HEAD, OPTIONS"},
		{"OPTIONS", list, 204, "GET, HEAD, OPTIONS"}, {"OPTIONS", ann, 204, "DELETE, GET, HEAD, OPTIONS, PATCH"}, {"OPTIONS", list + "/lookup", 204, "GET, HEAD, OPTIONS"},
		{"HEAD", list, 200, ""}, {"HEAD", ann, 200, ""}, {"HEAD", list + "/lookup?type=zoom&value=1", 404, ""},
	} {
		answer := send(h, world.Client(world.Acme), test.method, test.path, "")
		if answer.Code != test.want || answer.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s is answered %d %v %s, want %d, Allow %q", test.method, test.path, answer.Code, answer.Header(), answer.Body, test.want, test.allow)
		}
	}
}

// failing is ports that fail.
type failing struct {
	directory.Users
	directory.Search
	err error
}

func (f failing) User(context.Context, roster.TenantID, roster.UserID) (roster.User, error) {
	return roster.User{}, f.err
}

func (f failing) IdentityOwner(context.Context, roster.TenantID, roster.OrgID, roster.Identity) (roster.UserID, error) {
	return 0, f.err
}

func (f failing) View(context.Context, roster.TenantID) (directory.View, error) { return nil, f.err }

func TestFailuresOfTheTable(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		want  int
		retry string
		text  string
	}{
		{"throttled", &roster.Error{Kind: roster.KindUnavailable, Message: "the table is busy", RetryAfter: 2 * time.Second}, 503, "2", "the table is busy"},
		{"over quota", &roster.Error{Kind: roster.KindTooMany, Message: "too many requests", RetryAfter: 10 * time.Second}, 429, "10", "too many requests"},
		{"unknown", context.DeadlineExceeded, 500, "", "internal error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := serve(t, directory.New(directory.Ports{Users: failing{err: test.err}, Search: failing{err: test.err}}))
			ann := usersOf(world.Acme) + "/" + annID
			for _, line := range []string{"GET " + usersOf(world.Acme), "GET " + usersOf(world.Acme) + "/lookup?type=zoom&value=1", "GET " + ann, "PATCH " + ann, "DELETE " + ann} {
				method, target, _ := strings.Cut(line, " ")
				answer := send(h, world.Client(world.Acme), method, target, "{}")
				refuse(t, answer, test.want, test.text)
				if got := answer.Header().Get("Retry-After"); got != test.retry {
					t.Errorf("%s is answered with Retry-After %q, want %q", line, got, test.retry)
				}
			}
		})
	}
}

// inert is a table and a replica for which everything is well.
type inert struct {
	directory.Users
	directory.Writes
	directory.Search
}

func (inert) User(_ context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error) {
	return roster.User{
		Tenant: tenant, ID: id, Path: roster.OrgPath{world.Acme}, Name: "N", GivenName: "N", Email: "n@example.com", Roles: []roster.RoleID{3}, Status: roster.StatusActive,
	}, nil
}

func (inert) UpdateUser(_ context.Context, _, after roster.User, _ roster.Stamp) (roster.User, error) {
	return after, after.Validate()
}

func (inert) DeleteUser(_ context.Context, before roster.User, _ roster.Stamp) (roster.User, error) {
	return before, nil
}

func (inert) Apply(roster.TenantID, ...roster.Change) {}

func (i inert) View(context.Context, roster.TenantID) (directory.View, error) { return view{}, nil }

// view is a tenant in which everybody is there.
type view struct{}

func (view) SearchUsers(context.Context, roster.Query) (roster.UserPage, error) {
	return roster.UserPage{}, nil
}

func (view) EachUser(q roster.Query, visit func(*roster.User) bool) error {
	u, err := inert{}.User(context.Background(), 100, 1001)
	visit(&u)
	return err
}

func (view) User(id roster.UserID) (roster.User, bool) {
	u, err := inert{}.User(context.Background(), 100, id)
	return u, err == nil
}

func (view) Delegators(roster.UserID) []roster.UserID { return []roster.UserID{7} }

func (view) Role(id roster.RoleID) (roster.Role, bool) { return roster.BuiltinRole(id) }

func (view) Organization(id roster.OrgID) (roster.Organization, bool) {
	return roster.Organization{ID: id, Name: "Acme"}, true
}

func (view) Warehouse(id roster.WarehouseID) (roster.Warehouse, bool) {
	return roster.Warehouse{ID: id, Name: "East", Active: true}, true
}

func (inert) Role(_ context.Context, _ roster.TenantID, id roster.RoleID) (roster.Role, error) {
	if r, ok := roster.BuiltinRole(id); ok {
		return r, nil
	}
	return roster.Role{}, roster.NotFound("role")
}

func (inert) Roles(context.Context, roster.TenantID) ([]roster.Role, error) { return nil, nil }

func FuzzBodiesNeverFailTheServer(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"firstName":"Ada","lastName":"","email":"a@b.example"}`, `{"roleIds":["` + customers.RoleID(1) + `"]}`, `{"delegateIds":["` + samID + `"]}`,
		`{"delegates":[{"userId":"` + samID + `","permissions":[{"claim":"a:b:read:c"}]}]}`, `{"identities":[{"type":"zoom","value":"z","customerId":"` + acmeID + `"}]}`,
		`{"identities":[{"type":"zoom","value":null}],"roleIds":[null]}`, `{"pod":"\ud800"}`, `[]`, `{`, "\xff", `{"roleIds":["x"],"delegateIds":[[]]}`,
	} {
		f.Add(seed, `"1-1"`)
	}
	document, err := customers.OpenAPI()
	if err != nil {
		f.Fatal(err)
	}
	validator := openapitest.New(f, document)
	handler := bare(directory.New(directory.Ports{Users: inert{}, Roles: inert{}, Writes: inert{}, Search: inert{}}))
	f.Fuzz(func(t *testing.T, body, header string) {
		h := validator.Handler(t, handler)
		for _, base := range []string{customers.BasePath, customers.BasePathV2} {
			answer := send(h, world.Client(world.Acme), "PATCH", base+"/"+acmeID+"/users/"+annID, body, "If-Match", header)
			if answer.Code != 200 && answer.Code != 400 && answer.Code != 412 {
				t.Errorf("PATCH %s %q is answered %d %s", base, body, answer.Code, answer.Body)
			}
		}
	})
}

func FuzzParametersNeverFailTheServer(f *testing.F) {
	for _, seed := range []string{
		"", "search=a", "search=%ff", "integration=cloud-assistant-zoom", "type=zoom&value=1", "isForwarded=true&originalPrincipalUserId=x", "%zz", "search=;&;", "&=&",
	} {
		f.Add(seed, acmeID, annID)
	}
	document, err := customers.OpenAPI()
	if err != nil {
		f.Fatal(err)
	}
	validator := openapitest.New(f, document)
	handler := bare(directory.New(directory.Ports{Users: inert{}, Roles: inert{}, Writes: inert{}, Search: inert{}}))
	f.Fuzz(func(t *testing.T, query, customer, user string) {
		if strings.Contains(customer+user, "/") || strings.Trim(customer, ".") == "" || strings.Trim(user, ".") == "" {
			return // another path
		}
		h := validator.Handler(t, handler)
		list := customers.BasePath + "/" + customer + "/users"
		for _, line := range []string{"GET " + list, "GET " + list + "/" + user, "DELETE " + list + "/" + user} {
			method, path, _ := strings.Cut(line, " ")
			r := httptest.NewRequest(method, "/", nil)
			r.URL.Path, r.URL.RawQuery = path, query
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, r.WithContext(api.WithPrincipal(r.Context(), world.Client(world.Acme))))
			switch answer.Code {
			case 200, 400, 403:
			default:
				t.Errorf("%s?%s is answered %d %s", line, query, answer.Code, answer.Body)
			}
		}
	})
}
