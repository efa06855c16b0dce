package customers_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// without is the user as JSON without what every change changes, for comparing.
func without(t testing.TB, u customers.User, names ...string) map[string]any {
	t.Helper()
	data, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "updatedAt") {
		delete(fields, name)
	}
	return fields
}

// TestEachFieldIsChangedAlone sends each field in both versions, one after the other, and holds that the answer and the next
// get show the new value and nothing else that is new.
func TestEachFieldIsChangedAlone(t *testing.T) {
	role := func(id roster.RoleID) string { return `"` + customers.RoleID(id) + `"` }
	for _, path := range []func(roster.User) string{pathOf, pathV2Of} {
		w := world.New(t)
		h := serve(t, w.Directory)
		client := world.Client(world.Acme)
		u := ada(t, w)
		for _, test := range []struct{ field, value, shows, more string }{
			{"firstName", `"Augusta"`, `"firstName":"Augusta"`, ""},
			{"lastName", `"King"`, `"lastName":"King"`, ""},
			{"lastName", `""`, `"lastName":""`, ""},
			{"email", `"King@Example.com"`, `"email":"King@Example.com"`, ""},
			{"email", `"KING@example.com"`, `"email":"KING@example.com"`, ""},
			{"jobTitle", `"Level 2 <b>"`, `"jobTitle":"Level 2 <b>"`, ""},
			{"jobTitle", `""`, `"jobTitle":""`, ""},
			{"nickname", `"ad.a"`, `"nickname":"ad.a"`, ""},
			{"nickname", `""`, `"nickname":""`, ""},
			{"seniority", `"associate"`, `"seniority":"associate"`, ""},
			{"department", `"Audit"`, `"department":"Audit"`, ""},
			{"office", `"LDN"`, `"office":"LDN"`, ""},
			{"subdepartment", `"R\u0026D"`, `"subdepartment":"R&D"`, ""},
			{"pod", `"B"`, `"pod":"B"`, ""},
			{"pod", `""`, `"subdepartment":"R&D","groupIds"`, ""},
			{"roleIds", "[" + role(2) + "," + role(50) + "]", `"roles":[{"_id":` + role(2) + `,"name":"staff"`, "roles"},
			{"roleIds", "[" + strings.ToUpper(role(3)) + "]", `"roles":[{"_id":` + role(3) + `,"name":"user"`, "roles"},
			{"identities", `[{"type":"zoom","value":"z"},{"type":"aderant","value":"9876","customerId":"` + strings.ToUpper(acmeID) + `"}]`,
				`"identities":[{"type":"zoom","value":"z","customerId":"` + acmeID + `"},{"type":"aderant","value":"9876","customerId":"` + acmeID + `"}]`, ""},
			{"identities", `[{"type":"zoom","value":"y","customerId":null}]`, `"identities":[{"type":"zoom","value":"y","customerId":"` + acmeID + `"}]`, ""},
			{"identities", `[]`, `"identities":[]`, ""},
		} {
			t.Run(path(u)[5:7]+" "+test.field+" "+test.value, func(t *testing.T) {
				before := read[customers.User](t, get(h, client, pathOf(u)))
				answer := send(h, client, "PATCH", path(u), `{"`+test.field+`":`+test.value+`}`)
				shown, tag := strings.TrimSpace(answer.Body.String()), answer.Header().Get("ETag")
				after := read[customers.User](t, answer)
				if !strings.Contains(shown, test.shows) {
					t.Errorf("the answer is %s, want it to hold %s", shown, test.shows)
				}
				if cmp.Equal(before, after) || after.UpdatedAt == before.UpdatedAt {
					t.Errorf("nothing changed, or updatedAt did not: %s", shown)
				}
				if diff := cmp.Diff(without(t, before, test.field, test.more), without(t, after, test.field, test.more)); diff != "" {
					t.Errorf("what else changed (-before +after)\n%s", diff)
				}
				again := get(h, client, pathOf(u))
				if got := strings.TrimSpace(again.Body.String()); got != shown || again.Header().Get("ETag") != tag {
					t.Errorf("the next get is %s, ETag %s, want\n%s, ETag %s", got, again.Header().Get("ETag"), shown, tag)
				}
			})
		}
		w.Check(t)
	}
}

// TestRenamingKeepsTheFullName holds that other dialects see one name, made of both.
func TestRenamingKeepsTheFullName(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	u := ada(t, w)
	for _, test := range []struct{ body, want string }{
		{`{"firstName":"Augusta"}`, "Augusta Byron"}, {`{"lastName":"King"}`, "Augusta King"}, {`{"firstName":"","lastName":"Lovelace"}`, "Lovelace"}, {`{"firstName":"A","lastName":""}`, "A"},
	} {
		read[customers.User](t, send(h, client, "PATCH", pathOf(u), test.body))
		if got := stored(t, w, u.ID).Name; got != test.want {
			t.Errorf("after %s the name is %q, want %q", test.body, got, test.want)
		}
	}
	found := read[[]customers.User](t, get(h, client, usersOf(world.Acme)+"?search=byron"))
	if len(found) != 1 { // by the e-mail address
		t.Errorf("a search for the old name finds %d, want the one with that address", len(found))
	}
	if found := read[[]customers.User](t, get(h, client, usersOf(world.Acme)+"?search=augusta")); len(found) != 0 {
		t.Errorf("a search for a name of before finds %+v", firstNames(found))
	}
}

func delegatesOf(u customers.User) []string {
	shown := []string{}
	for _, d := range u.Delegates {
		text := d.FirstName
		for _, p := range d.Permissions {
			text += " " + p.Claim
		}
		shown = append(shown, text)
	}
	return shown
}

func TestDelegatesAreReplaced(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	u := ada(t, w)
	id := func(name string) string { return customers.UserID(w.User(t, name).ID) }
	for _, test := range []struct {
		name string
		path string
		body string
		want []string
	}{
		{"v1, who stays keeps permissions", pathOf(u), `{"delegateIds":["` + id(world.OttoAuditor) + `","` + strings.ToUpper(id(world.SamStaff)) + `"]}`,
			[]string{"Otto", "Sam time:entries:write:delegated"}},
		{"v1, in another order", pathOf(u), `{"delegateIds":["` + id(world.SamStaff) + `","` + id(world.OttoAuditor) + `"]}`,
			[]string{"Sam time:entries:write:delegated", "Otto"}},
		{"v1, nobody", pathOf(u), `{"delegateIds":[]}`, []string{}},
		{"v2", pathV2Of(u), `{"delegates":[{"userId":"` + id(world.SamStaff) + `","permissions":[{"claim":"a:b:read:c"},{"claim":"identity:users:read:organization"}]},{"userId":"` + id(world.UmaUser) + `","permissions":[]}]}`,
			[]string{"Sam a:b:read:c identity:users:read:organization", "Uma"}},
		{"v2, who stays keeps nothing", pathV2Of(u), `{"delegates":[{"userId":"` + id(world.SamStaff) + `","permissions":[]}]}`, []string{"Sam"}},
		{"v2, nobody", pathV2Of(u), `{"delegates":[]}`, []string{}},
		{"a suspended and an invited one", pathOf(u), `{"delegateIds":["` + id(world.SueSuspended) + `","` + id(world.PiaPending) + `"]}`, []string{"Sue", "Pia"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := read[customers.User](t, send(h, client, "PATCH", test.path, test.body))
			if diff := cmp.Diff(test.want, delegatesOf(got)); diff != "" {
				t.Errorf("the delegates (-want +got)\n%s", diff)
			}
		})
	}
	t.Run("and are delegates to both sides", func(t *testing.T) {
		sue := read[customers.User](t, get(h, client, pathOf(w.User(t, world.SueSuspended))))
		want := []customers.DelegatorUserDigest{{ID: customers.UserID(u.ID), FirstName: "Ada", LastName: "Byron", Identities: []customers.Identity{
			{Type: "aderant", Value: "9876", CustomerID: acmeID}, {Type: "email", Value: "ada@byron.example", CustomerID: acmeID},
		}}}
		if diff := cmp.Diff(want, sue.Delegators); diff != "" {
			t.Errorf("Sue's delegators (-want +got)\n%s", diff)
		}
	})
	w.Check(t)
}

func TestAThousandDelegates(t *testing.T) {
	w := world.New(t)
	h := bare(w.Directory)
	client := world.Client(world.Acme)
	u := ada(t, w)
	var crowd []roster.NewUser
	for i := range 1000 {
		other := u
		other.ID, other.Identities, other.Delegates = roster.UserID(100_000+i), nil, nil
		other.Email = roster.Email(fmt.Sprintf("crowd%d@example.com", i))
		crowd = append(crowd, roster.NewUser{User: other})
	}
	for _, created := range w.Table.CreateUsers(t.Context(), crowd, roster.Stamp{By: "test"}) {
		if created.Err != nil {
			t.Fatal(created.Err)
		}
	}
	var delegates []string
	for _, n := range crowd {
		delegates = append(delegates, `{"userId":"`+customers.UserID(n.User.ID)+`","permissions":[{"claim":"time:entries:write:delegated"},{"claim":"identity:users:read:own"}]}`)
	}
	if got := read[customers.User](t, send(h, client, "PATCH", pathV2Of(u), `{"delegates":[`+strings.Join(delegates, ",")+`]}`)); len(got.Delegates) != 1000 {
		t.Errorf("the user has %d delegates, want 1000", len(got.Delegates))
	}
	one := read[customers.User](t, get(h, client, usersOf(world.Acme)+"/"+customers.UserID(crowd[500].User.ID)))
	if len(one.Delegators) != 1 || one.Delegators[0].ID != customers.UserID(u.ID) {
		t.Errorf("one of them has the delegators %+v, want Ada", one.Delegators)
	}
}

func TestIdentitiesMoveWithTheirClaims(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	u, other := ada(t, w), w.User(t, world.SamStaff)
	owner := func(kind, value string) string {
		answer := get(h, client, usersOf(world.Acme)+"/lookup?type="+kind+"&value="+url.QueryEscape(value))
		if answer.Code == 404 {
			return "nobody"
		}
		return read[customers.FoundIdentity](t, answer).UserID
	}
	refuse(t, send(h, client, "PATCH", pathOf(other), `{"identities":[{"type":"zoom","value":"z"},{"type":"aderant","value":"9876"}]}`), 409, "the identity aderant 9876 is taken")
	if got := owner("zoom", "z"); got != "nobody" {
		t.Errorf("a refused change gave an identity to %s", got)
	}
	read[customers.User](t, send(h, client, "PATCH", pathOf(u), `{"identities":[{"type":"zoom","value":"z"}]}`))
	if got := [2]string{owner("aderant", "9876"), owner("zoom", "z")}; got != [2]string{"nobody", customers.UserID(u.ID)} {
		t.Errorf("the owners are %v", got)
	}
	read[customers.User](t, send(h, client, "PATCH", pathOf(other), `{"identities":[{"type":"aderant","value":"9876"}]}`))
	if got := owner("aderant", "9876"); got != customers.UserID(other.ID) {
		t.Errorf("the owner is %s, want Sam", got)
	}
	// Another customer has its own.
	read[customers.User](t, send(h, world.Client(world.Birch), "PATCH", pathOf(w.User(t, world.BobAdmin)), `{"identities":[{"type":"aderant","value":"9876"}]}`))
	w.Check(t)
}

// TestChangesThatChangeNothing holds that nothing is written, not even updatedAt.
func TestChangesThatChangeNothing(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	u := ada(t, w)
	before := stored(t, w, u.ID)
	shown := get(h, client, pathOf(u)).Body.String()
	for _, test := range []struct{ path, body string }{
		{pathOf(u), `{}`}, {pathV2Of(u), ` { } `},
		{pathOf(u), `{"firstName":"Ada","lastName":"Byron","email":"Ada@Byron.example","jobTitle":"Head of Engines","nickname":"countess","seniority":"partner",` +
			`"department":"Tax","office":"NYC","subdepartment":"M&A","pod":"A<1>","roleIds":["` + customers.RoleID(50) + `","` + customers.RoleID(3) + `"],` +
			`"delegateIds":["` + customers.UserID(1002) + `","` + customers.UserID(1003) + `"],` +
			`"identities":[{"type":"aderant","value":"9876"},{"type":"email","value":"ada@byron.example"}]}`},
		{pathV2Of(u), `{"delegates":[{"userId":"` + customers.UserID(1002) + `","permissions":[{"claim":"time:entries:write:delegated"}]},{"userId":"` + customers.UserID(1003) + `","permissions":[]}]}`},
	} {
		answer := send(h, client, "PATCH", test.path, test.body)
		if got := answer.Body.String(); got != shown || answer.Code != 200 {
			t.Errorf("%s is answered %d\n%s, want\n%s", test.body, answer.Code, got, shown)
		}
		if timing := answer.Header().Get("Server-Timing"); !strings.Contains(timing, " 0 WRU") {
			t.Errorf("%s costs %s, want no writes", test.body, timing)
		}
		if diff := cmp.Diff(before, stored(t, w, u.ID)); diff != "" {
			t.Errorf("%s changed the user (-before +after)\n%s", test.body, diff)
		}
	}
}

func TestRefusedChanges(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	acme, ann, sam := world.Client(world.Acme), w.As(t, world.AnnAdmin), w.As(t, world.SamStaff)
	u := ada(t, w)
	role := func(ids ...roster.RoleID) string {
		var list []string
		for _, id := range ids {
			list = append(list, `"`+customers.RoleID(id)+`"`)
		}
		return `{"roleIds":[` + strings.Join(list, ",") + `]}`
	}
	annPath := pathOf(w.User(t, world.AnnAdmin))
	for _, test := range []struct {
		name   string
		caller roster.Principal
		method string
		target string
		body   string
		status int
		want   string
	}{
		{"an address that somebody has", acme, "PATCH", pathOf(u), `{"email":"SAM@staff.example"}`, 409, "the e-mail address SAM@staff.example is taken"},
		{"an address that somebody in another tenant has", acme, "PATCH", pathV2Of(u), `{"email":"eve@admin.example"}`, 409, "the e-mail address eve@admin.example is taken"},
		{"a role that holds more than the caller", sam, "PATCH", pathOf(u), role(roster.RoleUser, roster.RoleAdmin), 403, "the role Admin holds permissions that you lack"},
		{"another address for somebody who may more", sam, "PATCH", annPath, `{"email":"sam2@staff.example"}`, 403, "the role Admin holds permissions that you lack"},
		{"taking the right to do this from oneself", sam, "PATCH", pathOf(w.User(t, world.SamStaff)), role(roster.RoleUser), 403, "you cannot take the permission ORG_EDIT_USERS from yourself"},
		{"the last Admin", acme, "PATCH", annPath, role(roster.RoleUser), 409, "the last Admin of the root organization must stay Admin"},
		{"deleting the last Admin", acme, "DELETE", annPath, "", 409, "the last Admin of the root organization must stay Admin"},
		{"deleting oneself", ann, "DELETE", annPath, "", 403, "you cannot delete yourself"},
		{"no such user", acme, "PATCH", usersOf(world.Acme) + "/" + customers.UserID(4711), `{"pod":"x"}`, 404, "user not found"},
		{"deleting no such user", acme, "DELETE", usersOf(world.Acme) + "/" + customers.UserID(4711), "", 404, "user not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := send(h, test.caller, test.method, test.target, test.body)
			if got := failure(t, answer); answer.Code != test.status || len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
				t.Errorf("the answer is %d %q, want %d %q", answer.Code, got, test.status, test.want)
			}
		})
	}
	for _, name := range []string{world.AnnAdmin, world.SamStaff} {
		if diff := cmp.Diff(w.User(t, name), current(t, w, name)); diff != "" {
			t.Errorf("%s was changed (-before +after)\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(u, stored(t, w, u.ID)); diff != "" {
		t.Errorf("Ada was changed (-before +after)\n%s", diff)
	}
	w.Check(t)
}

func TestPreconditionsOfChanges(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	u := ada(t, w)
	for _, test := range []struct{ method, path, body string }{{"PATCH", pathOf(u), `{"pod":"%d"}`}, {"PATCH", pathV2Of(u), `{"office":"%d"}`}, {"DELETE", pathOf(u), ""}} {
		tag := get(h, client, pathOf(u)).Header().Get("ETag")
		before := stored(t, w, u.ID)
		body := func(n int) string { return strings.ReplaceAll(test.body, "%d", fmt.Sprint(n)) }
		for i, header := range []string{`"x"`, "W/" + tag, tag[:2] + `"`, tag[1:], "x"} {
			refuse(t, send(h, client, test.method, test.path, body(i), "If-Match", header), 412, "the user is not in the state that If-Match asks for")
		}
		if diff := cmp.Diff(before, stored(t, w, u.ID)); diff != "" {
			t.Errorf("a refused %s changed the user (-before +after)\n%s", test.method, diff)
		}
		answer := send(h, client, test.method, test.path, body(9), "If-Match", `"x", `+tag)
		if answer.Code != 200 || answer.Header().Get("ETag") == "" {
			t.Errorf("%s with the tag is answered %d %s %v", test.method, answer.Code, answer.Body, answer.Header())
		}
	}
}

func TestDeleteAnswersWhoWasThere(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	u := ada(t, w)
	before := get(h, client, pathOf(u))
	answer := send(h, client, "DELETE", pathOf(u), "")
	if got, want := answer.Body.String(), before.Body.String(); got != want || answer.Code != 200 || answer.Header().Get("ETag") != before.Header().Get("ETag") {
		t.Errorf("the answer is %d, ETag %s (-want +got)\n%s", answer.Code, answer.Header().Get("ETag"), cmp.Diff(want, got))
	}
	refuse(t, send(h, client, "DELETE", pathOf(u), ""), 404, "user not found")
	refuse(t, get(h, client, pathOf(u)), 404, "user not found")
	refuse(t, send(h, client, "PATCH", pathOf(u), "{}"), 404, "user not found")
	if users := read[[]customers.User](t, get(h, client, usersOf(world.Acme)+"?search=byron")); len(users) != 0 {
		t.Errorf("the list still has %v", firstNames(users))
	}
	sam := send(h, client, "PATCH", pathOf(w.User(t, world.SamStaff)), `{"email":"ada@byron.example","identities":[{"type":"aderant","value":"9876"}]}`)
	if got := read[customers.User](t, sam); got.Email != "ada@byron.example" || len(got.Delegators) != 0 {
		t.Errorf("who takes over address and identity is %+v", got)
	}
	w.Check(t)
}

func TestWhoForwardedADeletionIsInItsStamp(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	all := url.Values{"originalPrincipalClientId": {"c-1"}, "originalPrincipalCustomerId": {"6f72"}, "originalPrincipalUserId": {"auth0|7"}}
	for _, test := range []struct {
		forwarded string
		said      []string
		want      string
	}{
		{"true", []string{"originalPrincipalClientId", "originalPrincipalCustomerId", "originalPrincipalUserId"}, "client:c-1 customer:6f72 user:auth0|7"},
		{"true", []string{"originalPrincipalUserId"}, "user:auth0|7"},
		{"true", nil, "unknown"},
		{"false", []string{"originalPrincipalClientId", "originalPrincipalCustomerId", "originalPrincipalUserId"}, ""},
		{"", []string{"originalPrincipalClientId"}, ""},
	} {
		query := url.Values{}
		for name, values := range all {
			if slices.Contains(test.said, name) {
				query[name] = values
			}
		}
		if test.forwarded != "" {
			query.Set("isForwarded", test.forwarded)
		}
		u := w.NewUser(t, world.Acme, roster.RoleUser)
		if answer := send(h, world.Client(world.Acme), "DELETE", pathOf(u)+"?"+query.Encode(), ""); answer.Code != 200 {
			t.Fatalf("?%s is answered %d %s", query.Encode(), answer.Code, answer.Body)
		}
		got := stored(t, w, u.ID).Revision.Stamp
		want := roster.Stamp{By: "client:client-100", Via: customers.Name, RequestID: "request-7", ForwardedFor: test.want}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after ?%s (-want +got)\n%s", query.Encode(), diff)
		}
	}
}

func TestWhatForwardersSayIsKeptInOneLine(t *testing.T) {
	w := world.New(t)
	u := w.NewUser(t, world.Acme, roster.RoleUser)
	query := url.Values{"isForwarded": {"true"}, "originalPrincipalUserId": {"a b\nc" + strings.Repeat("x", 200)}}
	if answer := send(serve(t, w.Directory), world.Client(world.Acme), "DELETE", pathOf(u)+"?"+query.Encode(), ""); answer.Code != 200 {
		t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
	}
	if got, want := stored(t, w, u.ID).Revision.Stamp.ForwardedFor, "user:a?b?c"+strings.Repeat("x", 95); got != want {
		t.Errorf("the stamp says %q, want %q", got, want)
	}
}

func TestChangesAreStamped(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	u := ada(t, w)
	read[customers.User](t, send(h, w.As(t, world.AnnAdmin), "PATCH", pathV2Of(u), `{"pod":"x"}`))
	want := roster.Stamp{By: "user:1001", Via: customers.Name, RequestID: "request-7"}
	if diff := cmp.Diff(want, stored(t, w, u.ID).Revision.Stamp); diff != "" {
		t.Errorf("the stamp (-want +got)\n%s", diff)
	}
}

// TestEverythingThatIsClaimedCanMoveAtOnce replaces as many identities as a user can have, and the address, in one transaction.
func TestEverythingThatIsClaimedCanMoveAtOnce(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	u := w.User(t, world.UmaUser)
	change := func(prefix string) string {
		var identities []string
		for i := range 45 {
			identities = append(identities, fmt.Sprintf(`{"type":"juris","value":"%s%d"}`, prefix, i))
		}
		return `{"email":"` + prefix + `@example.com","identities":[` + strings.Join(identities, ",") + `]}`
	}
	for _, prefix := range []string{"first", "second"} {
		got := read[customers.User](t, send(h, client, "PATCH", pathOf(u), change(prefix)))
		if len(got.Identities) != 45 || got.Identities[44].Value != prefix+"44" || got.Email != prefix+"@example.com" {
			t.Errorf("the user has %d identities and the address %s", len(got.Identities), got.Email)
		}
	}
	if answer := get(h, client, usersOf(world.Acme)+"/lookup?type=juris&value=first7"); answer.Code != 404 {
		t.Errorf("an identity of before is answered %d %s", answer.Code, answer.Body)
	}
	w.Check(t)
}
