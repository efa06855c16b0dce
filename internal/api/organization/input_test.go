package organization_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

// logged is the dialect over d, and what it logs.
func logged(d *directory.Directory) (http.Handler, *bytes.Buffer) {
	log := &bytes.Buffer{}
	return whole(d, api.Options{Log: slog.New(slog.NewJSONHandler(log, nil))}), log
}

// untouched is a table that must not be written.
type untouched struct{ t testing.TB }

func (u untouched) CreateUser(context.Context, roster.NewUser, roster.Stamp, *roster.Once) (roster.User, bool, error) {
	u.t.Error("a user was created")
	return roster.User{}, false, nil
}

func (u untouched) CreateUserWithOrganization(context.Context, roster.Organization, roster.NewUser, roster.Stamp, *roster.Once) (roster.Organization, roster.User, bool, error) {
	u.t.Error("a user was created with an organization")
	return roster.Organization{}, roster.User{}, false, nil
}

func (u untouched) CreateOrganization(context.Context, roster.Organization, roster.Stamp, *roster.Once) (roster.Organization, bool, error) {
	u.t.Error("an organization was created")
	return roster.Organization{}, false, nil
}

func (u untouched) UpdateUser(context.Context, roster.User, roster.User, roster.Stamp) (roster.User, error) {
	u.t.Error("a user was changed")
	return roster.User{}, nil
}

func (u untouched) DeleteUser(context.Context, roster.User, roster.Stamp) (roster.User, error) {
	u.t.Error("a user was removed")
	return roster.User{}, nil
}

func (u untouched) RestoreUser(context.Context, roster.User, roster.Stamp) (roster.User, error) {
	u.t.Error("a user was restored")
	return roster.User{}, nil
}

const alphabetOfNames = "must consist of letters, hyphens, spaces, dots and apostrophes"

func TestBadInputIsRefusedByFieldAndNothingIsWritten(t *testing.T) {
	w := world.New(t)
	ports := w.Ports
	ports.Writes, ports.Invitations, ports.Notifications, ports.Devices, ports.Credentials = untouched{t}, nil, nil, nil, nil
	h := serve(t, directory.New(ports))
	// with is a person with one field more, or another one.
	with := func(field, value string) string {
		body := person("nina@example.com", "")
		if i := strings.Index(body, `"`+field+`":"`); i >= 0 {
			end := i + len(field) + 4 + strings.IndexByte(body[i+len(field)+4:], '"') + 1
			return body[:i] + `"` + field + `":` + value + body[end:]
		}
		return person("nina@example.com", `"`+field+`":`+value)
	}
	const beyond = "must be between 1 and 9007199254740991"
	const beyond32 = "must be between 1 and 2147483647"
	for _, test := range []struct{ method, path, body, want string }{
		// structure
		{"POST", createPath, "", "body is required"},
		{"POST", createPath, "{", "body must be valid JSON"},
		{"POST", createPath, "null", "body must be a JSON object"},
		{"POST", createPath, `{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}", "body must not be nested deeper than 16 levels"},
		{"POST", createPath, `{"email":"` + strings.Repeat("a", 10<<20) + `"}`, "body must have at most 65536 bytes"},
		{"POST", createPath, person("nina@example.com", "") + "{}", "body must be valid JSON"},
		{"POST", createPath, "{}", "email is required; password is required; name is required"},
		{"POST", createPath, with("x", "1"), "x is not a field that this takes"},
		{"POST", createPath, with("orgId", "100"), "orgId is not a field that this takes"},
		{"POST", createInOrgPath, person("nina@example.com", `"organization":1,"role":3,"nickname":"n","timeZone":5`), "organization is not a field that this takes; " +
			"role is not a field that this takes; nickname is not a field that this takes; timeZone must be a string; orgId is required; roleId is required"},
		{"POST", createInOrgPath, `{"email":"nobody","password":"short","name":"R2D2","orgId":100,"roleId":3}`,
			"email must be an e-mail address; password must have 8 to 128 characters; name " + alphabetOfNames},
		{"POST", createPath, person("nina@example.com", `"name":"Other"`), "name must be given once"},
		{"POST", createPath, with("name", "5"), "name must be a string"},
		{"POST", createPath, with("name", "null"), "name is required"},
		{"POST", createPath, with("name", `"\ud800"`), "name must be valid Unicode text"},
		{"POST", createPath, with("name", "\"\xff\""), "body must be valid UTF-8"},
		{"POST", createPath, with("address", `"here"`), "address must be an object"},
		{"POST", createPath, with("address", `{"zip":10001}`), "address.zip must be a string"},
		{"POST", createPath, with("address", `{"street":"Main"}`), "address.street is not a field that this takes"},
		{"POST", createPath, with("address", `{"zip":"1","zip":"2"}`), "address.zip must be given once"},
		// fields
		{"POST", createPath, with("email", `"nobody"`), "email must be an e-mail address"},
		{"POST", createPath, with("email", `"`+strings.Repeat("a", 64)+"@"+strings.Repeat("b", 251)+`.com"`), "email must have at most 254 bytes"},
		{"POST", createPath, with("email", `"a\u0000@example.com"`), "email must be an e-mail address"},
		{"POST", createPath, with("email", `"\u0430dmin@example.com"`), "email must not mix letters of different scripts in one word"},
		{"POST", createPath, with("password", `"1234567"`), "password must have 8 to 128 characters"},
		{"POST", createPath, with("password", `"`+strings.Repeat("a", 129)+`"`), "password must have 8 to 128 characters"},
		{"POST", createPath, with("name", `""`), "name must have 1 to 50 characters"},
		{"POST", createPath, with("name", `"`+strings.Repeat("a", 51)+`"`), "name must have 1 to 50 characters"},
		{"POST", createPath, with("name", `"R2D2"`), "name " + alphabetOfNames},
		{"POST", createPath, with("name", `"a\u0007b"`), "name must not contain control or invisible characters"},
		{"POST", createPath, with("name", `"a\u202eb"`), "name must not contain control or invisible characters"},
		{"POST", createPath, with("name", `"a\u200bb"`), "name must not contain control or invisible characters"},
		{"POST", createPath, with("name", `"\uff2aohn"`), "name must not contain stylized letters, such as full-width or mathematical ones"},
		{"POST", createPath, with("name", `"\ud835\udc09ohn"`), "name must not contain stylized letters, such as full-width or mathematical ones"},
		{"POST", createPath, with("name", `"J\u043ehn"`), "name must not mix letters of different scripts in one word"},
		{"POST", createPath, with("title", `"Level 2"`), "title must consist of letters, hyphens and spaces"},
		{"POST", createPath, with("title", `""`), "title must have 1 to 50 characters"},
		{"POST", createPath, with("nickName", `"a.b"`), "nickName must consist of letters, digits, hyphens and spaces"},
		{"POST", createPath, with("phoneNumber", `"004915112345"`), "phoneNumber must be a plus sign and 7 to 15 digits"},
		{"POST", createPath, with("organizationName", `"AB"`), "organizationName must have 3 to 100 characters"},
		{"POST", createPath, with("organizationName", `"A&B Ltd"`), "organizationName must consist of letters, digits, spaces, dots, hyphens and apostrophes"},
		{"POST", createPath, with("tz", `"Mars/Base"`), "tz must be a name of the IANA time zone database"},
		{"POST", createPath, person("nina@example.com", `"tz":"UTC","timeZone":"Europe/Kyiv"`), "tz must be the same as timeZone when both are given"},
		{"POST", createPath, with("address", `{"fullAddress":"`+strings.Repeat("a", 513)+`","city":"a\nb"}`), "address.fullAddress must have at most 512 characters; address.city must not contain control or invisible characters"},
		{"POST", createPath, `{"email":1,"password":"short","name":"<b>","x":[],"address":{"zip":1,"city":"` + strings.Repeat("a", 51) + `"},"tz":"here"}`,
			"email must be a string; x is not a field that this takes; address.zip must be a string; password must have 8 to 128 characters; name " + alphabetOfNames +
				"; tz must be a name of the IANA time zone database; address.city must have at most 50 characters"},
		// ids
		{"POST", createInOrgPath, person("nina@example.com", ""), "orgId is required; roleId is required"},
		{"POST", createInOrgPath, person("nina@example.com", `"orgId":"100","roleId":"3"`), "orgId must be an integer; roleId must be an integer"},
		{"POST", createInOrgPath, person("nina@example.com", `"orgId":0,"roleId":-1`), "orgId " + beyond32 + "; roleId " + beyond32},
		{"POST", createInOrgPath, person("nina@example.com", `"orgId":2147483648,"roleId":9007199254740993`), "orgId " + beyond32 + "; roleId " + beyond32},
		{"POST", createInOrgPath, person("nina@example.com", `"orgId":100.0,"roleId":3e0`), "orgId must be an integer; roleId must be an integer"},
		{"POST", createInOrgPath, person("nobody", `"orgId":"x","roleId":3,"organizationName":"Mine"`), "orgId must be an integer; organizationName is not a field that this takes; email must be an e-mail address"},
		{"PUT", rolePath, "", "userId is required; roleId is required"},
		{"PUT", rolePath + "?userId=9007199254740992&roleId=2147483648", "", "userId " + beyond + "; roleId " + beyond32},
		{"PUT", rolePath + "?userId=1003&userId=1003&roleId=0", "", "userId must be given once; roleId " + beyond32},
		{"POST", transferPath, `{"userId":9007199254740992,"targetOrgId":2147483648,"roleId":0}`, "userId " + beyond + "; targetOrgId " + beyond32 + "; roleId " + beyond32},
		{"POST", transferPath, `{"userId":"1003","orgId":110}`, "userId must be an integer; orgId is not a field that this takes; targetOrgId is required; roleId is required"},
		{"PUT", statusPath, `{"userId":1003,"status":"Pending"}`, "status must be one of Active, Suspended"},
		{"PUT", statusPath, `{"userId":1003,"status":"suspended"}`, "status must be one of Active, Suspended"},
		{"PUT", statusPath, `{"userId":0}`, "userId " + beyond + "; status is required"},
		{"DELETE", listPath, "", "userId is required"},
		{"DELETE", listPath + "?userId=0", "", "userId " + beyond},
		{"POST", restorePath, `{"userId":1e400}`, "userId must be an integer"},
		{"POST", restorePath, `{}`, "userId is required"},
		{"POST", createOrgPath, `{"name":"AB","parentId":0}`, "parentId " + beyond32 + "; name must have 3 to 100 characters"},
		{"POST", createOrgPath, `{"name":"A\u202ecme"}`, "name must not contain control or invisible characters"},
		{"GET", organizationsPath + "?size=0", "", "size must be between 1 and 1000"},
		// messages
		{"POST", invitePath, `{}`, "email is required; name is required; roleId is required"},
		{"POST", invitePath, invitee("nobody", `"orgId":0,"locale":"de-DE","password":"x"`), "orgId " + beyond32 + "; password is not a field that this takes; email must be an e-mail address; locale must be a language and a region, such as en_US"},
		{"POST", invitePath, `{"email":"nina@example.com","name":"<Nina>","roleId":3}`, "name must not contain slashes, backslashes, < and >"},
		{"POST", invitePath, `{"email":"nina@example.com","name":"N\\A/","roleId":0}`, "roleId " + beyond32 + "; name must not contain slashes, backslashes, < and >"},
		{"POST", registerPath, `{"email":"nobody","name":"Nina"}`, "name is not a field that this takes; email must be an e-mail address"},
		{"POST", registerPath, `{"locale":5}`, "locale must be a string; email is required"},
		{"POST", resetPath, `{"email":"","locale":"english"}`, "email must have 1 to 254 characters; locale must be a language and a region, such as en_US"},
		{"GET", invitationsPath + "?orgId=0&size=1001&after=0", "", "orgId " + beyond32 + "; after " + beyond + "; size must be between 1 and 1000"},
		{"GET", invitationsPath + "?after=x&after=y", "", "after must be an integer; after must be given once"},
		{"POST", pushPath, `{}`, "userId is required; title is required; body is required"},
		{"POST", pushPath, `{"userId":1003,"title":" ","body":"` + strings.Repeat("é", 1025) + `","imageUrl":"http://example.com/a.png"}`,
			"title must not be blank; body must have 1 to 1024 characters; imageUrl must be an https address"},
		{"POST", pushPath, `{"userId":0,"title":"` + strings.Repeat("é", 129) + `","body":"a\u0000b"}`,
			"userId " + beyond + "; title must have 1 to 128 characters; body must not contain control characters"},
		{"GET", auditPath + "?orgId=0&size=1001&before=", "", "orgId " + beyond32 + "; before must have 1 to 255 characters; size must be between 1 and 1000"},
	} {
		answer := send(h, world.Client(world.Acme), test.method, test.path, test.body)
		if got := failure(t, answer); answer.Code != 400 || got != test.want {
			t.Errorf("%s %s %.200s is answered %d\n%q, want 400\n%q", test.method, test.path, test.body, answer.Code, got, test.want)
		}
	}
	for _, test := range []struct{ path, body, want string }{
		{passwordPath, `{}`, "oldPassword is required; newPassword is required"},
		{passwordPath, `{"oldPassword":"x","newPassword":"short"}`, "newPassword must have 8 to 128 characters"},
		{passwordPath, `{"oldPassword":"the same password","newPassword":"the same password"}`, "newPassword must not be the old one"},
		{devicePath, `{}`, "token is required"},
		{devicePath, `{"token":"a b","platform":"SMS","deviceName":"a\nb"}`, "platform must be one of FCM, APNS, APNS_SANDBOX; token must have at most 4096 visible ASCII characters; deviceName must not contain control or invisible characters"},
		{devicePath, `{"token":"` + strings.Repeat("a", 4097) + `","platform":""}`, "platform must be one of FCM, APNS, APNS_SANDBOX; token must have at most 4096 visible ASCII characters"},
	} {
		method := "POST"
		if test.path == passwordPath {
			method = "PUT"
		}
		answer := send(h, w.As(t, world.AnnAdmin), method, test.path, test.body)
		if got := failure(t, answer); answer.Code != 400 || got != test.want {
			t.Errorf("%s %.200s is answered %d\n%q, want 400\n%q", test.path, test.body, answer.Code, got, test.want)
		}
	}
	for contentType, want := range map[string]string{
		"text/plain": "Content-Type must be application/json", "application/x-www-form-urlencoded": "Content-Type must be application/json",
		"application/xml": "Content-Type must be application/json", "application/json; charset=utf-16": "Content-Type must be application/json",
	} {
		answer := send(h, world.Client(world.Acme), "POST", createPath, person("nina@example.com", ""), "Content-Type", contentType)
		if got := failure(t, answer); answer.Code != 400 || got != want {
			t.Errorf("Content-Type %s is answered %d %q, want 400 %q", contentType, answer.Code, got, want)
		}
	}
	if w.Hashed() != 0 {
		t.Errorf("%d passwords were hashed", w.Hashed())
	}
}

func TestInputThatIsUnusualAndFine(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	for _, test := range []struct{ name, body, contentType string }{
		{"no content type", person(newEmail(), ""), ""},
		{"a content type with a charset", person(newEmail(), ""), "application/json;charset=UTF-8"},
		{"nulls where a field is optional", person(newEmail(), `"title":null,"nickName":null,"phoneNumber":null,"tz":null,"address":null,"organizationName":null`), ""},
		{"both names of the time zone", person(newEmail(), `"tz":"UTC","timeZone":"UTC"`), ""},
		{"white space", strings.ReplaceAll(person(newEmail(), ""), ",", " \r\n\t, "), ""},
		{"other scripts", `{"email":"користувач-` + ids.NewUserID().String() + `@приклад.укр","password":"пароль-пароль","name":"Зоряна Їжак"}`, ""},
		{"escapes", strings.Replace(person(newEmail(), ""), "Nina", `\u004eina`, 1), ""},
		{"the shortest names", fmt.Sprintf(`{"email":%q,"password":"12345678","name":"李","organizationName":"A.B"}`, newEmail()), ""},
		{"an empty address", person(newEmail(), `"address":{}`), ""},
	} {
		var header []string
		if test.contentType != "" {
			header = []string{"Content-Type", test.contentType}
		}
		if answer := send(h, world.Client(world.Acme), "POST", createPath, test.body, header...); answer.Code != 201 {
			t.Errorf("%s: the answer is %d %s", test.name, answer.Code, answer.Body)
		}
	}
}

// inert is a table and a replica for which everything is well.
type inert struct {
	untouched
	directory.Users
	directory.Search
	directory.Invitations
}

func (inert) CreateUser(_ context.Context, n roster.NewUser, _ roster.Stamp, _ *roster.Once) (roster.User, bool, error) {
	n.User.ID = 1
	return n.User, false, nil
}

func (inert) CreateUserWithOrganization(_ context.Context, o roster.Organization, n roster.NewUser, _ roster.Stamp, _ *roster.Once) (roster.Organization, roster.User, bool, error) {
	n.User.ID = 1
	return o, n.User, false, nil
}

func (inert) CreateOrganization(_ context.Context, o roster.Organization, _ roster.Stamp, _ *roster.Once) (roster.Organization, bool, error) {
	o.ID = 1
	return o, false, nil
}

func (inert) UpdateUser(_ context.Context, _, after roster.User, _ roster.Stamp) (roster.User, error) {
	return after, nil
}

func (inert) User(_ context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error) {
	return roster.User{Tenant: tenant, ID: id, Path: roster.OrgPath{world.Acme}, Name: "N", Email: "n@example.com", Roles: []roster.RoleID{3}, Status: roster.StatusActive}, nil
}

func (i inert) UserEvenDeleted(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error) {
	return i.User(ctx, tenant, id)
}

func (inert) Role(_ context.Context, _ roster.TenantID, id roster.RoleID) (roster.Role, error) {
	return roster.Role{ID: id}, nil
}

func (inert) Roles(context.Context, roster.TenantID) ([]roster.Role, error) { return nil, nil }

func (inert) Organization(_ context.Context, tenant roster.TenantID, id roster.OrgID) (roster.Organization, error) {
	return roster.Organization{Tenant: tenant, ID: id, Path: roster.OrgPath{world.Acme, id}}, nil
}

func (inert) EmailOwner(context.Context, roster.Email) (roster.TenantID, roster.UserID, error) {
	return roster.TenantID(world.Acme), 1, nil
}

func (inert) Credential(context.Context, roster.TenantID, roster.UserID) (roster.Credential, error) {
	return roster.Credential{}, nil
}

func (inert) PutCredential(context.Context, roster.Credential, roster.Stamp) error { return nil }

func (inert) CreateInvitedUser(_ context.Context, n roster.NewUser, _ roster.Invitation, _ []roster.Quota, _ roster.Stamp, _ *roster.Once) (roster.User, bool, error) {
	n.User.ID = 1
	return n.User, false, nil
}

func (inert) PutInvitation(context.Context, *roster.Invitation, []roster.Quota, roster.Stamp) error {
	return nil
}

func (inert) CreateNotification(_ context.Context, n roster.Notification, _ roster.Stamp, _ *roster.Once) (roster.Notification, bool, error) {
	return n, false, nil
}

func (inert) DeviceByHash(context.Context, roster.DeviceHash) (roster.Device, error) {
	return roster.Device{}, nil
}

func (inert) RegisterDevice(context.Context, roster.Device, roster.Stamp) error { return nil }

func (inert) RegisterEndpoint(context.Context, roster.Platform, string, string) (string, error) {
	return "endpoint", nil
}

func (inert) Apply(roster.TenantID, ...roster.Change) {}

func FuzzBodiesNeverFailTheServer(f *testing.F) {
	for _, seed := range []string{
		person("nina@example.com", ""), person("nina@example.com", `"orgId":111,"roleId":3`), `{"userId":1003,"targetOrgId":110,"roleId":3}`, `{"userId":1003,"status":"Suspended"}`,
		`{"userId":1003}`, `{"name":"Sales","parentId":110}`, `{"name":"\ud800"}`, `{"email":1,"name":[{}]}`, `[]`, `{`, "\xff", `{"address":{"zip":"1","zip":2}}`, `{"tz":"UTC","timeZone":"x"}`,
		invitee("nina@example.com", `"locale":"de_DE"`), `{"email":"nina@example.com"}`, `{"oldPassword":"old password","newPassword":"new password"}`, push("1003"),
		`{"token":"abc","platform":"APNS","deviceName":"phone"}`,
	} {
		f.Add(seed, "key")
	}
	document, err := organization.OpenAPI()
	if err != nil {
		f.Fatal(err)
	}
	validator := openapitest.New(f, document)
	port := inert{}
	handler := whole(directory.New(directory.Ports{
		Users: port, Organizations: port, Roles: port, Writes: port, Search: port, HashPassword: func(string) (string, error) { return "", nil },
		Invitations: port, Credentials: port, Notifications: port, Devices: port, Endpoints: port,
		VerifyPassword: func(string, string) (bool, error) { return true, nil },
	}), api.Options{})
	f.Fuzz(func(t *testing.T, body, header string) {
		h := validator.Handler(t, handler)
		for path, method := range map[string]string{
			createPath: "POST", createInOrgPath: "POST", transferPath: "POST", statusPath: "PUT", restorePath: "POST", createOrgPath: "POST",
			invitePath: "POST", registerPath: "POST", resetPath: "POST", passwordPath: "PUT", pushPath: "POST", devicePath: "POST",
		} {
			caller := world.Client(world.Acme)
			if path == passwordPath || path == devicePath {
				caller.User = 1
			}
			answer := send(h, caller, method, path, body, "Idempotency-Key", header, "If-Match", header)
			switch answer.Code {
			case 200, 201, 204, 400, 412:
			default:
				t.Errorf("%s %s %q is answered %d %s", method, path, body, answer.Code, answer.Body)
			}
		}
	})
}
