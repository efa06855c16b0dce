package customers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

const (
	acmeID = "6f72676e0000000000000064"
	annID  = "7573657200000000000003e9"
	samID  = "7573657200000000000003ea"
)

// ada puts a user with everything into Acme, who has Sam and Uma for delegates and is Ann's.
func ada(t testing.TB, w *world.World) roster.User {
	t.Helper()
	u := w.NewUser(t, world.Acme, roster.RoleStaff, func(u *roster.User) {
		u.ID, u.Name, u.GivenName, u.FamilyName = 7001, "Ada Byron", "Ada", "Byron"
		u.Email, u.Nickname, u.Title = "Ada@Byron.example", "countess", "Head of Engines"
		u.Roles = []roster.RoleID{world.Auditor, roster.RoleUser}
		u.Seniority, u.Department, u.Office, u.Subdepartment, u.Pod = "partner", "Tax", "NYC", "M&A", "A<1>"
		u.Groups, u.SuperDelegate, u.SuperDelegatePermissions = []roster.GroupID{91, 92}, true, []string{"identity:users:read:organization", "time:entries:write:all"}
		u.Delegates = []roster.Delegate{{User: 1002, Permissions: []string{"time:entries:write:delegated"}}, {User: 1003}}
		u.Identities = []roster.Identity{{Type: "aderant", Value: "9876"}, {Type: "email", Value: "ada@byron.example"}}
		u.CreatedAt, u.UpdatedAt = time.Date(2070, 2, 3, 4, 5, 6, 0, time.UTC), time.Date(2070, 2, 3, 4, 5, 6, 120e6, time.UTC)
	})
	return u
}

// delegate makes other a delegate of the user, in the table.
func delegate(t testing.TB, w *world.World, user roster.User, other roster.UserID) {
	t.Helper()
	after := *user.Clone()
	after.Delegates = append(after.Delegates, roster.Delegate{User: other})
	if _, err := w.Table.UpdateUser(t.Context(), user, after, roster.Stamp{By: "test"}); err != nil {
		t.Fatal(err)
	}
}

const adaShown = `{"_id":"757365720000000000001b59","createdAt":"2070-02-03T04:05:06Z","isSuperDelegate":true,"email":"Ada@Byron.example",` +
	`"firstName":"Ada","jobTitle":"Head of Engines","lastName":"Byron","nickname":"countess","updatedAt":"2070-02-03T04:05:06.120Z","status":"active",` +
	`"seniority":"partner","department":"Tax","office":"NYC","subdepartment":"M&A","pod":"A<1>",` +
	`"groupIds":["67727570000000000000005b","67727570000000000000005c"],` +
	`"superDelegatePermissions":[{"_id":"VIEW","claim":"identity:users:read:organization","description":"See the organization's users"},` +
	`{"_id":"WRITE","claim":"time:entries:write:all","description":""}],` +
	`"customer":{"_id":"6f72676e0000000000000064","fullName":"Acme","tenant":{"_id":"6f72676e0000000000000064","description":"","name":"lhr"},"customerSegment":null,"vertical":null},` +
	`"delegators":[{"_id":"7573657200000000000003e9","firstName":"Ann","lastName":"Admin","identities":[]}],` +
	`"delegates":[{"_id":"7573657200000000000003ea","firstName":"Sam","lastName":"Staff","permissions":[{"_id":"DELEGATED","claim":"time:entries:write:delegated","description":""}]},` +
	`{"_id":"7573657200000000000003eb","firstName":"Uma","lastName":"User","permissions":[]}],` +
	`"identities":[{"type":"aderant","value":"9876","customerId":"6f72676e0000000000000064"},{"type":"email","value":"ada@byron.example","customerId":"6f72676e0000000000000064"}],` +
	`"roles":[{"_id":"726f6c650000000000000032","name":"auditor","permissions":[{"_id":"VIEW","claim":"identity:users:read:organization","description":"See the organization's users"}]},` +
	`{"_id":"726f6c650000000000000003","name":"user","permissions":[OWN]}]}`

// adaAsShown is the whole body of Ada.
func adaAsShown() string {
	own := make([]string, 0, 5)
	for _, p := range []struct{ claim, description string }{
		{"devices:new-devices:write:own", "Add devices of one's own"}, {"devices:devices:read:own", "See one's own devices"},
		{"devices:devices:write:own", "Change one's own devices"}, {"devices:device-removals:write:own", "Remove one's own devices"},
		{"devices:device-shares:write:own", "Share one's own devices"},
	} {
		own = append(own, `{"_id":"`+customers.PermissionID(p.claim)+`","claim":"`+p.claim+`","description":"`+p.description+`"}`)
	}
	return strings.NewReplacer(
		"VIEW", customers.PermissionID("identity:users:read:organization"), "WRITE", customers.PermissionID("time:entries:write:all"),
		"DELEGATED", customers.PermissionID("time:entries:write:delegated"), "OWN", strings.Join(own, ","),
	).Replace(adaShown)
}

func TestGetUser(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	a := ada(t, w)
	delegate(t, w, w.User(t, world.AnnAdmin), a.ID)
	client := world.Client(world.Acme)
	t.Run("with everything set", func(t *testing.T) {
		answer := get(h, client, pathOf(a))
		if diff := cmp.Diff(adaAsShown(), strings.TrimSpace(answer.Body.String())); diff != "" || answer.Code != 200 {
			t.Errorf("the answer is %d (-want +got)\n%s", answer.Code, diff)
		}
	})
	t.Run("by ids in upper case", func(t *testing.T) {
		path := customers.BasePath + "/" + strings.ToUpper(customers.OrganizationID(world.Acme)) + "/users/" + strings.ToUpper(customers.UserID(a.ID))
		if diff := cmp.Diff(adaAsShown(), strings.TrimSpace(get(h, client, path).Body.String())); diff != "" {
			t.Errorf("the answer (-want +got)\n%s", diff)
		}
	})
	t.Run("without anything that may be absent", func(t *testing.T) {
		got := strings.TrimSpace(get(h, client, pathOf(w.User(t, world.PiaPending))).Body.String())
		for _, part := range []string{`"nickname":"","updatedAt"`, `"jobTitle":""`, `"status":null,"groupIds":[],"superDelegatePermissions":[],"customer"`,
			`"delegators":[],"delegates":[],"identities":[],"roles":[{`, `"isSuperDelegate":false`} {
			if !strings.Contains(got, part) {
				t.Errorf("the answer is %s, want it to hold %s", got, part)
			}
		}
	})
	t.Run("in any status", func(t *testing.T) {
		for name, want := range map[string]customers.Status{world.AnnAdmin: "active", world.UmaUser: "active", world.SueSuspended: "adminDisabled", world.PiaPending: ""} {
			got := read[customers.User](t, get(h, client, pathOf(w.User(t, name)))).Status
			if got == nil && want != "" || got != nil && *got != want {
				t.Errorf("the status of %s is %v, want %q", name, got, want)
			}
		}
	})
	t.Run("of a customer below another", func(t *testing.T) {
		got := read[customers.User](t, get(h, world.Client(world.Cedar), pathOf(w.User(t, world.CidStaff)))).Customer
		want := customers.CustomerDigest{ID: customers.OrganizationID(world.Cedar), FullName: "Cedar", Tenant: customers.TenantDigest{ID: acmeID, Name: "lhr"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the customer (-want +got)\n%s", diff)
		}
	})
}

func TestWhoIsGoneIsLeftOutOfTheDigests(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	a := ada(t, w)
	delegate(t, w, w.User(t, world.AnnAdmin), a.ID)
	for _, name := range []string{world.SamStaff, world.AnnAdmin} {
		if name == world.AnnAdmin {
			w.NewUser(t, world.Acme, roster.RoleAdmin) // so that Ann is not the last one
		}
		if _, err := w.Table.DeleteUser(t.Context(), current(t, w, name), roster.Stamp{By: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	got := read[customers.User](t, get(h, client, pathOf(a)))
	if len(got.Delegators) != 0 || len(got.Delegates) != 1 || got.Delegates[0].FirstName != "Uma" {
		t.Errorf("delegators and delegates are %+v and %+v, want none and Uma", got.Delegators, got.Delegates)
	}
}

func TestWhoIsAnothersIsLeftOutOfTheDigests(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	a := ada(t, w)
	delegate(t, w, w.User(t, world.AnnAdmin), a.ID)
	// Both were transferred, or imported like that.
	for _, name := range []string{world.SamStaff, world.AnnAdmin} {
		if name == world.AnnAdmin {
			w.NewUser(t, world.Acme, roster.RoleAdmin) // so that Ann is not the last one
		}
		before := current(t, w, name)
		after := *before.Clone()
		after.Path = roster.OrgPath{world.Acme, world.Birch}
		if _, err := w.Table.UpdateUser(t.Context(), before, after, roster.Stamp{By: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	got := read[customers.User](t, get(h, world.Client(world.Acme), pathOf(a)))
	if len(got.Delegators) != 0 || len(got.Delegates) != 1 || got.Delegates[0].FirstName != "Uma" {
		t.Errorf("delegators and delegates are %+v and %+v, want none and Uma", got.Delegators, got.Delegates)
	}
}

// current returns the user of that name as it is in the table now.
func current(t testing.TB, w *world.World, name string) roster.User {
	t.Helper()
	return stored(t, w, w.User(t, name).ID)
}

// stored returns a user as it is in the table now.
func stored(t testing.TB, w *world.World, id roster.UserID) roster.User {
	t.Helper()
	u, err := w.Table.UserEvenDeleted(t.Context(), roster.TenantID(world.Acme), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCyclesOfDelegatesAreHarmless(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	ring := []string{world.AnnAdmin, world.SamStaff, world.UmaUser}
	for i, name := range ring {
		next := customers.UserID(w.User(t, ring[(i+1)%len(ring)]).ID)
		body := `{"delegateIds":["` + next + `"]}`
		if answer := send(h, client, "PATCH", pathOf(w.User(t, name)), body); answer.Code != 200 {
			t.Fatalf("closing the ring is answered %d %s", answer.Code, answer.Body)
		}
	}
	// Two can be each other's, too.
	if answer := send(h, client, "PATCH", pathOf(w.User(t, world.SamStaff)), `{"delegateIds":["`+annID+`"]}`); answer.Code != 200 {
		t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
	}
	ann := read[customers.User](t, get(h, client, pathOf(w.User(t, world.AnnAdmin))))
	var delegators []string
	for _, d := range ann.Delegators {
		delegators = append(delegators, d.FirstName)
	}
	if diff := cmp.Diff([]string{"Sam", "Uma"}, delegators); diff != "" || len(ann.Delegates) != 1 || ann.Delegates[0].ID != samID {
		t.Errorf("Ann's delegates are %+v, her delegators (-want +got)\n%s", ann.Delegates, diff)
	}
	if list := read[[]customers.User](t, get(h, client, usersOf(world.Acme))); len(list) != 6 {
		t.Errorf("the list has %d users, want 6", len(list))
	}
	w.Check(t)
}

func firstNames(users []customers.User) []string {
	names := []string{}
	for _, u := range users {
		names = append(names, u.FirstName)
	}
	return names
}

func TestListUsers(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	acme := []string{"Ann", "Sam", "Uma", "Otto", "Pia", "Sue"}
	for _, test := range []struct {
		name     string
		caller   roster.Principal
		customer roster.OrgID
		query    string
		want     []string
	}{
		{"all, without what is below", world.Client(world.Acme), world.Acme, "", acme},
		{"as an admin", w.As(t, world.AnnAdmin), world.Acme, "", acme},
		{"as a custom role that may", w.As(t, world.OttoAuditor), world.Acme, "", acme},
		{"of a customer below another", world.Client(world.Birch), world.Birch, "", []string{"Bob", "Bea"}},
		{"of a customer without users", world.Client(world.Fir), world.Fir, "", []string{}},
		{"in another tenant", w.As(t, world.EveAdmin), world.Elm, "", []string{"Eve"}},
		{"with an empty search", world.Client(world.Acme), world.Acme, "?search=", acme},
		{"by first name", world.Client(world.Acme), world.Acme, "?search=uma", []string{"Uma"}},
		{"by last name", world.Client(world.Acme), world.Acme, "?search=STAFF", []string{"Sam"}},
		{"across first and last name", world.Client(world.Acme), world.Acme, "?search=n+Adm", []string{"Ann"}},
		{"by nickname", world.Client(world.Acme), world.Acme, "?search=UMI", []string{"Uma"}},
		{"by e-mail", world.Client(world.Acme), world.Acme, "?search=pia%40pending", []string{"Pia"}},
		{"for nobody", world.Client(world.Acme), world.Acme, "?search=nobody", []string{}},
		{"for somebody below", world.Client(world.Acme), world.Acme, "?search=bob", []string{}},
		{"for 255 characters", world.Client(world.Acme), world.Acme, "?search=" + strings.Repeat("%C3%A9", 255), []string{}},
		{"with unknown parameters", world.Client(world.Acme), world.Acme, "?page=7&sort=x", acme},
	} {
		t.Run(test.name, func(t *testing.T) {
			users := read[[]customers.User](t, get(h, test.caller, usersOf(test.customer)+test.query))
			if diff := cmp.Diff(test.want, firstNames(users)); diff != "" {
				t.Errorf("the users (-want +got)\n%s", diff)
			}
		})
	}
}

func TestAListIsExactlyItsUsers(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	a := ada(t, w)
	delegate(t, w, w.User(t, world.AnnAdmin), a.ID)
	if got, want := get(h, client, usersOf(world.Acme)+"?search=byron").Body.String(), "["+adaAsShown()+"]\n"; got != want {
		t.Errorf("the list is (-want +got)\n%s", cmp.Diff(want, got))
	}
	one := func(name string) string {
		return strings.TrimSpace(get(h, client, pathOf(w.User(t, name))).Body.String())
	}
	if got, want := get(h, client, usersOf(world.Acme)+"?search=.example").Body.String(), "["+strings.Join([]string{
		one(world.AnnAdmin), one(world.SamStaff), one(world.UmaUser), one(world.OttoAuditor), one(world.PiaPending), one(world.SueSuspended), adaAsShown(),
	}, ",")+"]\n"; got != want {
		t.Errorf("the list is (-want +got)\n%s", cmp.Diff(want, got))
	}
	if got := get(h, client, usersOf(world.Acme)+"?search=nobody"); got.Body.String() != "[]\n" || got.Header().Get("ETag") != "" {
		t.Errorf("a list of nobody is %s, ETag %q", got.Body, got.Header().Get("ETag"))
	}
}

func TestIntegrations(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	var everything []roster.Identity
	for _, kind := range roster.IdentityTypes() {
		everything = append(everything, roster.Identity{Type: kind, Value: "x-" + kind})
	}
	w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) {
		u.ID, u.Email, u.GivenName, u.FamilyName, u.Identities = 7001, "all@example.com", "Al", "", everything
	})
	w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) {
		u.ID, u.Email, u.GivenName, u.FamilyName = 7002, "some@example.com", "", ""
		u.Identities = []roster.Identity{{Type: "phone", Value: "1"}, {Type: "zoom", Value: "2"}, {Type: "juris", Value: "3"}, {Type: "phone", Value: "4"}}
	})
	w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) {
		u.ID, u.Identities = 7003, []roster.Identity{{Type: "juris", Value: "5"}}
	})
	w.NewUser(t, world.Birch, roster.RoleUser, func(u *roster.User) {
		u.ID, u.Identities = 7004, []roster.Identity{{Type: "phone", Value: "6"}, {Type: "email", Value: "7"}}
	})
	identity := func(kind, value string) string {
		return `{"type":"` + kind + `","value":"` + value + `","customerId":"` + acmeID + `"}`
	}
	all := func(kinds ...string) string {
		var identities []string
		for _, kind := range kinds {
			identities = append(identities, identity(kind, "x-"+kind))
		}
		return `{"_id":"757365720000000000001b59","email":"all@example.com","name":"Al","relevantIdentities":[` + strings.Join(identities, ",") + `]}`
	}
	some := func(identities ...string) string {
		return `,{"_id":"757365720000000000001b5a","email":"some@example.com","name":null,"relevantIdentities":[` + strings.Join(identities, ",") + `]}`
	}
	for integration, want := range map[string]string{
		"cloud-assistant-cdr":                all("cisco-cdr", "phone", "phone-extension") + some(identity("phone", "1"), identity("phone", "4")),
		"cloud-assistant-google":             all("email", "google"),
		"cloud-assistant-microsoft-exchange": all("email", "exchange", "user-principal-name"),
		"cloud-assistant-microsoft-teams":    all("azure", "email", "user-principal-name"),
		"cloud-assistant-zoom":               all("email", "zoom") + some(identity("zoom", "2")),
	} {
		t.Run(integration, func(t *testing.T) {
			got := get(h, client, usersOf(world.Acme)+"?integration="+integration)
			if diff := cmp.Diff("["+want+"]\n", got.Body.String()); diff != "" || got.Code != 200 {
				t.Errorf("the answer is %d (-want +got)\n%s", got.Code, diff)
			}
		})
	}
	t.Run("with a search", func(t *testing.T) {
		got := get(h, client, usersOf(world.Acme)+"?integration=cloud-assistant-zoom&search=some%40")
		if want := "[" + some(identity("zoom", "2"))[1:] + "]\n"; got.Body.String() != want {
			t.Errorf("the answer is %s, want %s", got.Body, want)
		}
	})
	t.Run("that knows nobody", func(t *testing.T) {
		if got := get(h, world.Client(world.Elm), usersOf(world.Elm)+"?integration=cloud-assistant-zoom"); got.Body.String() != "[]\n" {
			t.Errorf("the answer is %s", got.Body)
		}
	})
}

func TestLookUp(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	a := ada(t, w)
	w.NewUser(t, world.Birch, roster.RoleUser, func(u *roster.User) {
		u.ID, u.Identities = 7004, []roster.Identity{{Type: "aderant", Value: "9876"}, {Type: "phone", Value: "a/b c+d=&é"}}
	})
	lookup := func(customer roster.OrgID, query string) string { return usersOf(customer) + "/lookup?" + query }
	for _, test := range []struct {
		name   string
		caller roster.Principal
		target string
		want   string
	}{
		{"who has it", client, lookup(world.Acme, "type=aderant&value=9876"), `{"type":"aderant","value":"9876","customerId":"` + acmeID + `","userId":"757365720000000000001b59"}`},
		{"who has it in another customer", world.Client(world.Birch), lookup(world.Birch, "type=aderant&value=9876"),
			`{"type":"aderant","value":"9876","customerId":"6f72676e000000000000006e","userId":"757365720000000000001b5c"}`},
		{"signs", world.Client(world.Birch), lookup(world.Birch, "type=phone&value=a%2Fb+c%2Bd%3D%26%C3%A9"),
			`{"type":"phone","value":"a/b c+d=&é","customerId":"6f72676e000000000000006e","userId":"757365720000000000001b5c"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := get(h, test.caller, test.target)
			if got := strings.TrimSpace(answer.Body.String()); got != test.want || answer.Code != 200 {
				t.Errorf("the answer is %d %s, want %s", answer.Code, got, test.want)
			}
		})
	}
	t.Run("nobody has it", func(t *testing.T) {
		for _, query := range []string{"type=aderant&value=987", "type=azure&value=9876", "type=phone&value=a%2Fb+c%2Bd%3D%26%C3%A9", "type=email&value=" + strings.Repeat("%C3%A9", 256)} {
			answer := get(h, client, lookup(world.Acme, query))
			if answer.Code != 404 {
				t.Errorf("looking up %s is answered %d %s, want 404", query, answer.Code, answer.Body)
			}
		}
	})
	t.Run("as somebody else writes it", func(t *testing.T) {
		if answer := get(h, client, lookup(world.Acme, "type=email&value=ADA%40byron.example")); answer.Code != 404 {
			t.Errorf("the answer is %d %s, want 404: identities are compared letter by letter", answer.Code, answer.Body)
		}
	})
	t.Run("who had it is gone", func(t *testing.T) {
		if answer := send(h, client, "DELETE", pathOf(a), ""); answer.Code != 200 {
			t.Fatalf("deleting is answered %d %s", answer.Code, answer.Body)
		}
		if answer := get(h, client, lookup(world.Acme, "type=aderant&value=9876")); answer.Code != 404 {
			t.Errorf("the answer is %d %s, want 404", answer.Code, answer.Body)
		}
	})
}

func TestETagsOfUsers(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	path := pathOf(ada(t, w))
	tag := get(h, client, path).Header().Get("ETag")
	if !strings.HasPrefix(tag, `"`) || len(tag) < 3 {
		t.Fatalf("the ETag is %s, want a strong one", tag)
	}
	for header, want := range map[string]int{tag: 304, "W/" + tag: 304, "*": 304, `"x", ` + tag: 304, `"x"`: 200, "": 200, tag[1:]: 200} {
		answer := get(h, client, path, "If-None-Match", header)
		if answer.Code != want || answer.Header().Get("ETag") != tag || (want == 304) != (answer.Body.Len() == 0) {
			t.Errorf("If-None-Match: %s is answered %d %s %v, want %d", header, answer.Code, answer.Body, answer.Header(), want)
		}
	}
	head := send(h, client, http.MethodHead, path, "")
	if head.Code != 200 || head.Header().Get("ETag") != tag || head.Body.Len() != 0 {
		t.Errorf("HEAD is answered %d %v", head.Code, head.Header())
	}
	t.Run("change with what the user refers to", func(t *testing.T) {
		if answer := send(h, client, "PATCH", pathOf(w.User(t, world.SamStaff)), `{"firstName":"Samuel"}`); answer.Code != 200 {
			t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
		}
		answer := get(h, client, path, "If-None-Match", tag)
		if got := read[customers.User](t, answer); got.Delegates[0].FirstName != "Samuel" || answer.Header().Get("ETag") == tag {
			t.Errorf("the delegate is %+v, the ETag %s", got.Delegates[0], answer.Header().Get("ETag"))
		}
	})
	t.Run("which is no reason to refuse a change", func(t *testing.T) {
		if answer := send(h, client, "PATCH", path, `{"pod":"B"}`, "If-Match", tag); answer.Code != 200 {
			t.Errorf("a change with the ETag of before is answered %d %s", answer.Code, answer.Body)
		}
	})
	t.Run("as a change of the user is", func(t *testing.T) {
		refuse(t, send(h, client, "PATCH", path, `{"pod":"C"}`, "If-Match", tag), 412, "the user is not in the state that If-Match asks for")
	})
}

func TestTheETagChangesWhenTimeAloneChangesTheStatus(t *testing.T) {
	w := world.New(t)
	now := world.Now
	h := customers.New(w.Directory, customers.Options{Options: api.Options{Now: func() time.Time { return now }}})
	ann := pathOf(w.User(t, world.AnnAdmin))
	before := get(h, world.Client(world.Acme), ann).Header().Get("ETag")
	now = now.Add(roster.InactiveAfter)
	if after := get(h, world.Client(world.Acme), ann).Header().Get("ETag"); after == before {
		t.Errorf("the ETag stays %s when Ann becomes Inactive", after)
	}
}

func TestTheTenantIsWhereTheRegionIs(t *testing.T) {
	w := world.New(t)
	for region, want := range map[string]string{
		"us-east-1": "iad", "eu-west-2": "lhr", "ap-southeast-2": "syd", "us-west-2": "pdx", "ca-central-1": "yul", "eu-central-1": "iad", "": "iad",
	} {
		h := customers.New(w.Directory, customers.Options{Region: region})
		if got := read[customers.User](t, get(h, world.Client(world.Elm), pathOf(w.User(t, world.EveAdmin)))).Customer.Tenant.Name; got != want {
			t.Errorf("in %q the tenant is called %s, want %s", region, got, want)
		}
	}
}
