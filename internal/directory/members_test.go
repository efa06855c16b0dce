package directory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// members returns the names of a customer's members, as EachMember has them.
func members(t *testing.T, w *world.World, p *roster.Principal, customer roster.OrgID, text string) []string {
	t.Helper()
	var names []string
	err := w.Directory.EachMember(t.Context(), p, customer, text, func(m directory.Member) bool {
		names = append(names, m.User.Name)
		return true
	})
	if err != nil {
		t.Fatalf("EachMember(%s, %q): %v", customer, text, err)
	}
	return names
}

func TestMembersAreThoseOfOneOrganization(t *testing.T) {
	w := world.New(t)
	acme, birch := world.Client(world.Acme), world.Client(world.Birch)
	for _, test := range []struct {
		caller   *roster.Principal
		customer roster.OrgID
		text     string
		want     []string
	}{
		{&acme, world.Acme, "", []string{world.AnnAdmin, world.SamStaff, world.UmaUser, world.OttoAuditor, world.PiaPending, world.SueSuspended}},
		{&acme, world.Acme, "ANN", []string{world.AnnAdmin}},
		{&acme, world.Acme, "n admin", []string{world.AnnAdmin}},
		{&acme, world.Acme, "sammy", []string{world.SamStaff}},
		{&acme, world.Acme, "@user.ex", []string{world.UmaUser}},
		{&acme, world.Acme, "bob", nil},
		{&birch, world.Birch, "", []string{world.BobAdmin, world.BeaUser}},
	} {
		if diff := cmp.Diff(test.want, members(t, w, test.caller, test.customer, test.text)); diff != "" {
			t.Errorf("members of %s with %q (-want +got)\n%s", test.customer, test.text, diff)
		}
	}
	seen := 0
	err := w.Directory.EachMember(t.Context(), &acme, world.Acme, "", func(directory.Member) bool { seen++; return seen < 2 })
	if err != nil || seen != 2 {
		t.Errorf("a visit that says stop is called %d times, %v, want 2", seen, err)
	}
	err = w.Directory.EachMember(t.Context(), &acme, world.Acme, strings.Repeat("é", 256), nil)
	if roster.KindOf(err) != roster.KindInvalid {
		t.Errorf("a text of 256 characters: %v, want invalid", err)
	}
}

// verbs are what can be done with a member of a customer.
var verbs = []struct {
	name string
	may  []roster.RoleID
	do   func(ctx context.Context, d *directory.Directory, p *roster.Principal, customer roster.OrgID, u *roster.User) error
}{
	{"list", []roster.RoleID{roster.RoleAdmin, roster.RoleStaff, world.Auditor, world.Mover},
		func(ctx context.Context, d *directory.Directory, p *roster.Principal, customer roster.OrgID, _ *roster.User) error {
			return d.EachMember(ctx, p, customer, "", func(directory.Member) bool { return true })
		}},
	{"get", []roster.RoleID{roster.RoleAdmin, roster.RoleStaff, world.Auditor, world.Mover},
		func(ctx context.Context, d *directory.Directory, p *roster.Principal, customer roster.OrgID, u *roster.User) error {
			_, err := d.Member(ctx, p, customer, u.ID)
			return err
		}},
	{"look up", []roster.RoleID{roster.RoleAdmin, roster.RoleStaff, world.Auditor, world.Mover},
		func(ctx context.Context, d *directory.Directory, p *roster.Principal, customer roster.OrgID, u *roster.User) error {
			id, err := d.MemberByIdentity(ctx, p, customer, u.Identities[0])
			if err == nil && id != u.ID {
				return fmt.Errorf("found %s", id)
			}
			return err
		}},
	{"patch", []roster.RoleID{roster.RoleAdmin, roster.RoleStaff},
		func(ctx context.Context, d *directory.Directory, p *roster.Principal, customer roster.OrgID, u *roster.User) error {
			_, err := d.PatchMember(ctx, p, customer, roster.UserPatch{User: u.ID, Title: new("Patched")}, write())
			return err
		}},
	{"remove", []roster.RoleID{roster.RoleAdmin, world.Mover},
		func(ctx context.Context, d *directory.Directory, p *roster.Principal, customer roster.OrgID, u *roster.User) error {
			_, err := d.RemoveMember(ctx, p, customer, u.ID, write())
			return err
		}},
}

func TestWhoMayDoWhatWithMembers(t *testing.T) {
	w := world.New(t)
	known := func(id int) func(*roster.User) {
		return func(u *roster.User) { u.Identities = []roster.Identity{{Type: "azure", Value: fmt.Sprint(id)}} }
	}
	acme, elm := world.Client(world.Acme), world.Client(world.Elm)
	for n, verb := range verbs {
		for _, role := range []roster.RoleID{roster.RoleAdmin, roster.RoleStaff, roster.RoleUser, world.Auditor, world.Mover} {
			caller, target := w.NewUser(t, world.Dogwood, role), w.NewUser(t, world.Dogwood, roster.RoleUser, known(10*n+int(role)))
			p := w.Principal(&caller)
			want := "done"
			if !slices.Contains(verb.may, role) {
				want = "forbidden"
			}
			if got := outcome(verb.do(t.Context(), w.Directory, &p, world.Dogwood, &target)); got != want {
				t.Errorf("%s by the role %s: %s, want %s", verb.name, role, got, want)
			}
		}
		below := w.NewUser(t, world.Birch, roster.RoleUser, known(2000+n))
		foreign := w.NewUser(t, world.Elm, roster.RoleUser, known(1000+n))
		for name, test := range map[string]struct {
			caller   *roster.Principal
			customer roster.OrgID
			target   *roster.User
			want     string
		}{
			"a customer below":                {&acme, world.Birch, &below, "forbidden: this token is for another customer"},
			"a customer of nobody":            {&acme, 999, &below, "forbidden: this token is for another customer"},
			"a customer elsewhere":            {&acme, world.Elm, &foreign, "forbidden: this token is for another customer"},
			"a customer, by no one":           {&acme, 0, &below, "forbidden: this token is for another customer"},
			"a user below":                    {&acme, world.Acme, &below, "not found: user not found"},
			"a user of another tenant":        {&acme, world.Acme, &foreign, "not found: user not found"},
			"a user of another tenant, again": {&elm, world.Elm, &below, "not found: user not found"},
		} {
			if verb.name == "list" && test.customer == test.caller.Org() {
				continue // it names no user
			}
			if err := verb.do(t.Context(), w.Directory, test.caller, test.customer, test.target); err == nil || err.Error() != test.want {
				t.Errorf("%s %s: %v, want %s", verb.name, name, err, test.want)
			}
		}
	}
	w.Check(t)
}

func TestAMemberComesWithWhatItRefersTo(t *testing.T) {
	w := world.New(t)
	p, ann, sam := world.Client(world.Acme), w.User(t, world.AnnAdmin), w.User(t, world.SamStaff)
	uma := w.User(t, world.UmaUser)
	// A cycle: partners stand in for each other, and delegation goes no further.
	for _, pair := range [][2]roster.UserID{{uma.ID, sam.ID}, {sam.ID, uma.ID}, {ann.ID, uma.ID}} {
		if _, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, roster.UserPatch{User: pair[0], DelegateIDs: &[]roster.UserID{pair[1]}}, write()); err != nil {
			t.Fatal(err)
		}
	}
	m, err := w.Directory.Member(t.Context(), &p, world.Acme, uma.ID)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := w.Table.User(t.Context(), uma.Tenant, uma.ID)
	if err != nil || !cmp.Equal(m.User, stored) {
		t.Errorf("Member = %+v, %v, want what the table has", m.User, cmp.Diff(stored, m.User))
	}
	if role, ok := m.View.Role(m.User.Role()); !ok || role.Name != "User" {
		t.Errorf("its role is %+v, %t", role, ok)
	}
	if o, ok := m.View.Organization(m.User.Org()); !ok || o.Name != "Acme" {
		t.Errorf("its organization is %+v, %t", o, ok)
	}
	if d, ok := m.View.User(m.User.Delegates[0].User); !ok || d.Name != world.SamStaff {
		t.Errorf("its delegate is %+v, %t", d, ok)
	}
	if got := m.View.Delegators(uma.ID); !slices.Equal(got, []roster.UserID{ann.ID, sam.ID}) {
		t.Errorf("it is the delegate of %v, want Ann and Sam", got)
	}
	removed, err := w.Directory.RemoveMember(t.Context(), &p, world.Acme, sam.ID, write())
	if err != nil || !slices.Equal(removed.View.Delegators(sam.ID), []roster.UserID{uma.ID}) {
		t.Errorf("Sam was the delegate of %v, %v, want Uma", removed.View, err)
	}
	if m, err = w.Directory.Member(t.Context(), &p, world.Acme, uma.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.View.User(sam.ID); ok || !slices.Equal(m.View.Delegators(uma.ID), []roster.UserID{ann.ID}) {
		t.Errorf("Sam is gone, and still a reference: %v", m.View.Delegators(uma.ID))
	}
	w.Check(t)
}

func TestAPatchChangesWhatItSaysAndNothingElse(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	ann := w.User(t, world.AnnAdmin)
	full := func(u *roster.User) {
		u.Name, u.Nickname, u.Title, u.Seniority, u.Department = "Dr "+u.Name, "nick", "Title", "Junior", "Tax"
		u.Office, u.Subdepartment, u.Pod, u.EmailBounced, u.EmailComplained = "NYC", "M&A", "A", true, true
		u.Delegates = []roster.Delegate{{User: ann.ID, Permissions: []string{"a:b:read:c", "a:b:write:c"}}}
		u.Identities = []roster.Identity{{Type: "azure", Value: u.Name}, {Type: "zoom", Value: u.Name}}
		u.Groups, u.SuperDelegate = []roster.GroupID{1, 2}, true
	}
	sam, uma := w.User(t, world.SamStaff).ID, w.User(t, world.UmaUser).ID
	for name, test := range map[string]struct {
		patch roster.UserPatch
		want  func(*roster.User)
	}{
		"given name":    {roster.UserPatch{GivenName: new("Zoë")}, func(u *roster.User) { u.GivenName, u.Name = "Zoë", "Zoë "+u.FamilyName }},
		"family name":   {roster.UserPatch{FamilyName: new("O'Neil")}, func(u *roster.User) { u.FamilyName, u.Name = "O'Neil", u.GivenName+" O'Neil" }},
		"no given name": {roster.UserPatch{GivenName: new("")}, func(u *roster.User) { u.GivenName, u.Name = "", u.FamilyName }},
		"both names":    {roster.UserPatch{GivenName: new(""), FamilyName: new("Cher")}, func(u *roster.User) { u.GivenName, u.FamilyName, u.Name = "", "Cher", "Cher" }},
		"nickname":      {roster.UserPatch{Nickname: new("")}, func(u *roster.User) { u.Nickname = "" }},
		"title":         {roster.UserPatch{Title: new("Partner (Tax) & more")}, func(u *roster.User) { u.Title = "Partner (Tax) & more" }},
		"seniority":     {roster.UserPatch{Seniority: new("senior")}, func(u *roster.User) { u.Seniority = "senior" }},
		"department":    {roster.UserPatch{Department: new("")}, func(u *roster.User) { u.Department = "" }},
		"office":        {roster.UserPatch{Office: new("LON")}, func(u *roster.User) { u.Office = "LON" }},
		"subdepartment": {roster.UserPatch{Subdepartment: new("x")}, func(u *roster.User) { u.Subdepartment = "x" }},
		"pod":           {roster.UserPatch{Pod: new("")}, func(u *roster.User) { u.Pod = "" }},
		"e-mail address": {roster.UserPatch{Email: new(roster.Email("fresh@example.com"))}, func(u *roster.User) {
			u.Email, u.EmailBounced, u.EmailComplained = "fresh@example.com", false, false
		}},
		"roles": {roster.UserPatch{Roles: &[]roster.RoleID{world.Auditor, roster.RoleAdmin}}, func(u *roster.User) {
			u.Roles = []roster.RoleID{world.Auditor, roster.RoleAdmin}
		}},
		"delegates by id": {roster.UserPatch{DelegateIDs: &[]roster.UserID{sam, ann.ID}}, func(u *roster.User) {
			u.Delegates = []roster.Delegate{{User: sam}, u.Delegates[0]}
		}},
		"delegates": {roster.UserPatch{Delegates: &[]roster.Delegate{{User: ann.ID, Permissions: []string{"a:b:read:c"}}, {User: uma}}}, func(u *roster.User) {
			u.Delegates = []roster.Delegate{{User: ann.ID, Permissions: []string{"a:b:read:c"}}, {User: uma}}
		}},
		"no delegates":  {roster.UserPatch{DelegateIDs: &[]roster.UserID{}}, func(u *roster.User) { u.Delegates = nil }},
		"identities":    {roster.UserPatch{Identities: &[]roster.Identity{{Type: "google", Value: "x#1%23"}}}, func(u *roster.User) { u.Identities = []roster.Identity{{Type: "google", Value: "x#1%23"}} }},
		"no identities": {roster.UserPatch{Identities: &[]roster.Identity{}}, func(u *roster.User) { u.Identities = nil }},
	} {
		before := w.NewUser(t, world.Acme, roster.RoleUser, full)
		test.patch.User = before.ID
		m, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, test.patch, write(func(w *roster.Write) { w.ForwardedFor = "client:x" }))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := before.Clone()
		test.want(want)
		want.UpdatedAt = roster.NextChange(world.Now, before.Revision.ChangedAt)
		want.Revision = roster.Revision{
			Version: 2, ChangedAt: want.UpdatedAt,
			Stamp: roster.Stamp{By: "client:client-100", Via: "test", RequestID: "request-2", ForwardedFor: "client:x"},
		}
		got, err := w.Table.User(t.Context(), before.Tenant, before.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*want, got); diff != "" {
			t.Errorf("%s left (-want +got)\n%s", name, diff)
		}
		if diff := cmp.Diff(got, m.User); diff != "" {
			t.Errorf("%s answers what does not stand (-stands +answered)\n%s", name, diff)
		}
		// What a patch made is what there is: the same again writes nothing.
		cost := rostertest.CostOf(t, func(ctx context.Context) error {
			_, err := w.Directory.PatchMember(ctx, &p, world.Acme, test.patch, write())
			return err
		})
		if cost.Writes != 0 {
			t.Errorf("%s again wrote, for %+v", name, cost)
		}
		removeQuietly(t, w, got)
	}
	w.Check(t)
}

// removeQuietly makes room for another who claims the same.
func removeQuietly(t *testing.T, w *world.World, u roster.User) {
	t.Helper()
	if _, err := w.Table.DeleteUser(t.Context(), u, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
}

func TestAPatchOfWhatIsSoAlreadyWritesNothing(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	ann := w.User(t, world.AnnAdmin)
	u := w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) {
		u.Name = "Doctor " + u.Name // which is not what its parts make
		u.Delegates = []roster.Delegate{{User: ann.ID, Permissions: []string{"a:b:read:c"}}}
		u.Identities = []roster.Identity{{Type: "azure", Value: "x"}}
	})
	for name, patch := range map[string]roster.UserPatch{
		"nothing": {},
		"everything": {
			Email: &u.Email, GivenName: &u.GivenName, FamilyName: &u.FamilyName, Nickname: &u.Nickname, Title: &u.Title, Seniority: &u.Seniority,
			Department: &u.Department, Office: &u.Office, Subdepartment: &u.Subdepartment, Pod: &u.Pod, Roles: &u.Roles, Delegates: &u.Delegates, Identities: &u.Identities,
		},
		"delegates by id": {DelegateIDs: &[]roster.UserID{ann.ID}},
	} {
		patch.User = u.ID
		cost := rostertest.CostOf(t, func(ctx context.Context) error {
			m, err := w.Directory.PatchMember(ctx, &p, world.Acme, patch, write())
			if err == nil && !cmp.Equal(u, m.User) {
				t.Errorf("%s answers (-before +after)\n%s", name, cmp.Diff(u, m.User))
			}
			return err
		})
		if cost.Writes != 0 {
			t.Errorf("%s wrote, for %+v", name, cost)
		}
	}
	if got, err := w.Table.User(t.Context(), u.Tenant, u.ID); err != nil || !cmp.Equal(u, got) {
		t.Errorf("the user is another, %v:\n%s", err, cmp.Diff(u, got))
	}
}

func TestAPatchThatCannotBeChangesNothing(t *testing.T) {
	w := world.New(t)
	p, sam := world.Client(world.Acme), w.As(t, world.SamStaff)
	other := w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) { u.Identities = []roster.Identity{{Type: "azure", Value: "taken"}} })
	gone := w.NewUser(t, world.Acme, roster.RoleUser)
	removeQuietly(t, w, gone)
	u := w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) {
		u.Identities = []roster.Identity{{Type: "azure", Value: "own"}}
		u.Delegates = []roster.Delegate{{User: gone.ID}}
	})
	ids := func(ids ...roster.UserID) roster.UserPatch { return roster.UserPatch{DelegateIDs: &ids} }
	roles := func(roles ...roster.RoleID) roster.UserPatch { return roster.UserPatch{Roles: &roles} }
	identities := func(identities ...roster.Identity) roster.UserPatch {
		return roster.UserPatch{Identities: &identities}
	}
	long := strings.Repeat("é", 101)
	var many []roster.UserID
	for id := range roster.UserID(10_000) {
		many = append(many, id+1)
	}
	for name, test := range map[string]struct {
		caller *roster.Principal
		patch  roster.UserPatch
		want   string
		field  string
	}{
		"an address that somebody else has": {&p, roster.UserPatch{Email: new(roster.Email(strings.ToUpper(string(other.Email))))}, "conflict", "email"},
		"one of another tenant":             {&p, roster.UserPatch{Email: new(w.User(t, world.EveAdmin).Email)}, "conflict", "email"},
		"an identity that somebody has":     {&p, identities(roster.Identity{Type: "azure", Value: "taken"}), "conflict", "identities"},
		"no address":                        {&p, roster.UserPatch{Email: new(roster.Email(""))}, "invalid", "email"},
		"an address that is none":           {&p, roster.UserPatch{Email: new(roster.Email("x@"))}, "invalid", "email"},
		"a long name":                       {&p, roster.UserPatch{GivenName: &long}, "invalid", "givenName"},
		"names that are long together":      {&p, roster.UserPatch{FamilyName: new(long[2:])}, "invalid", "familyName"},
		"no name at all":                    {&p, roster.UserPatch{GivenName: new(""), FamilyName: new("")}, "invalid", "givenName"},
		"a name that hides something":       {&p, roster.UserPatch{Nickname: new("a\u202eb")}, "invalid", "nickname"},
		"a name in disguise":                {&p, roster.UserPatch{FamilyName: new("Ｄoe")}, "invalid", "familyName"},
		"a title with a line end":           {&p, roster.UserPatch{Title: new("a\nb")}, "invalid", "title"},
		"a long pod":                        {&p, roster.UserPatch{Pod: &long}, "invalid", "pod"},
		"no roles":                          {&p, roles(), "invalid", "roles"},
		"a role twice":                      {&p, roles(3, 3), "invalid", "roles"},
		"an unknown role":                   {&p, roles(3, 4711), "invalid", "roles"},
		"a role that is none":               {&p, roles(-1), "invalid", "roles"},
		"a role beyond one's own":           {&sam, roles(roster.RoleUser, roster.RoleAdmin), "forbidden", ""},
		"an unknown delegate":               {&p, ids(4711), "invalid", "delegates"},
		"oneself as delegate":               {&p, ids(u.ID), "invalid", "delegates"},
		"a delegate twice":                  {&p, ids(other.ID, other.ID), "invalid", "delegates"},
		"a delegate who is gone":            {&p, ids(gone.ID, other.ID), "invalid", "delegates"},
		"a delegate from below":             {&p, ids(w.User(t, world.BeaUser).ID), "invalid", "delegates"},
		"a delegate of another tenant":      {&p, ids(w.User(t, world.EveAdmin).ID), "invalid", "delegates"},
		"10,000 delegates":                  {&p, ids(many...), "invalid", "delegates"},
		"delegates in both ways":            {&p, roster.UserPatch{DelegateIDs: &[]roster.UserID{}, Delegates: &[]roster.Delegate{}}, "invalid", "delegates"},
		"a delegate with an empty claim":    {&p, roster.UserPatch{Delegates: &[]roster.Delegate{{User: other.ID, Permissions: []string{""}}}}, "invalid", "delegates"},
		"a delegate with all claims":        {&p, roster.UserPatch{Delegates: &[]roster.Delegate{{User: other.ID, Permissions: slices.Repeat([]string{"x"}, 40_001)}}}, "invalid", "delegates"},
		"a type of identity that is none":   {&p, identities(roster.Identity{Type: "saml", Value: "x"}), "invalid", "identities.type"},
		"an identity without a value":       {&p, identities(roster.Identity{Type: "azure"}), "invalid", "identities.value"},
		"an identity twice":                 {&p, identities(slices.Repeat([]roster.Identity{{Type: "azure", Value: "x"}}, 2)...), "invalid", "identities"},
		"46 identities":                     {&p, identities(slices.Repeat([]roster.Identity{{Type: "azure", Value: "x"}}, 46)...), "invalid", "identities"},
		"what the dialect found":            {&p, roster.UserPatch{Broken: roster.FieldErrors{{Field: "pod", Message: "must be text"}}}, "invalid", "pod"},
		"no user":                           {&p, roster.UserPatch{User: -1}, "invalid", "user"},
	} {
		if test.patch.User == 0 {
			test.patch.User = u.ID
		}
		_, err := w.Directory.PatchMember(t.Context(), test.caller, world.Acme, test.patch, write())
		if outcome(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
			continue
		}
		if e := err.(*roster.Error); test.field != "" && (len(e.Fields) != 1 || e.Fields[0].Field != test.field) {
			t.Errorf("%s: %+v, want one rule about %s", name, e.Fields, test.field)
		}
	}
	if got, err := w.Table.User(t.Context(), u.Tenant, u.ID); err != nil || !cmp.Equal(u, got) {
		t.Errorf("the user is another, %v:\n%s", err, cmp.Diff(u, got))
	}
	// A delegate nobody mentions can be one who is gone.
	if _, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, roster.UserPatch{User: u.ID, Pod: new("B")}, write()); err != nil {
		t.Errorf("a user with a delegate who is gone: %v", err)
	}
	w.Check(t)
}

// Whoever reads a user's mail can set a new password, so an address is as much as all the roles of its user.
func TestNobodyTakesOverAnAccountByItsAddress(t *testing.T) {
	w := world.New(t)
	sam := w.As(t, world.SamStaff)
	for _, test := range []struct {
		role roster.RoleID
		want string
	}{{roster.RoleUser, "done"}, {roster.RoleStaff, "done"}, {world.Auditor, "done"}, {world.Mover, "forbidden"}, {roster.RoleAdmin, "forbidden"}} {
		u := w.NewUser(t, world.Acme, test.role)
		patch := roster.UserPatch{User: u.ID, Email: new(newAddress())}
		_, err := w.Directory.PatchMember(t.Context(), &sam, world.Acme, patch, write())
		if outcome(err) != test.want {
			t.Errorf("another address for the role %s: %v, want %s", test.role, err, test.want)
		}
		own := w.Principal(&u)
		own.Permissions = roster.Permissions(roster.OrgEditUsers)
		if _, err := w.Directory.PatchMember(t.Context(), &own, world.Acme, patch, write()); err != nil {
			t.Errorf("another address for oneself, of the role %s: %v", test.role, err)
		}
	}
	w.Check(t)
}

func TestAPatchOfOneselfKeepsTheRightToPatch(t *testing.T) {
	w := world.New(t)
	for _, test := range []struct {
		role  roster.RoleID
		roles []roster.RoleID
		want  string
	}{
		{roster.RoleStaff, []roster.RoleID{roster.RoleUser}, "forbidden"},
		{roster.RoleStaff, []roster.RoleID{roster.RoleUser, world.Auditor}, "forbidden"},
		{roster.RoleStaff, []roster.RoleID{roster.RoleUser, roster.RoleStaff}, "done"},
		{roster.RoleAdmin, []roster.RoleID{world.Auditor, roster.RoleStaff}, "done"},
	} {
		u := w.NewUser(t, world.Acme, test.role)
		p := w.Principal(&u)
		_, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, roster.UserPatch{User: u.ID, Roles: &test.roles}, write())
		if outcome(err) != test.want {
			t.Errorf("from the role %s to %v: %v, want %s", test.role, test.roles, err, test.want)
		}
	}
	ann, p := w.User(t, world.AnnAdmin), world.Client(world.Acme)
	_, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, roster.UserPatch{User: ann.ID, Roles: &[]roster.RoleID{roster.RoleStaff}}, write())
	if err == nil || err.Error() != roster.LastAdmin().Error() {
		t.Errorf("the last Admin is demoted: %v", err)
	}
	w.Check(t)
}

func TestClaimsMoveWithTheirNames(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	identity := func(value string) roster.Identity { return roster.Identity{Type: "aderant", Value: value} }
	named := func(values ...string) []roster.Identity {
		var identities []roster.Identity
		for _, v := range values {
			identities = append(identities, identity(v))
		}
		return identities
	}
	a := w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) { u.Identities = named("a1", "a2", "a3") })
	b := w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) { u.Identities = named("b1") })
	give := func(u *roster.User, values ...string) error {
		identities := named(values...)
		if values == nil {
			identities = []roster.Identity{}
		}
		_, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, roster.UserPatch{User: u.ID, Identities: &identities}, write())
		return err
	}
	owner := func(value string) roster.UserID {
		id, err := w.Directory.MemberByIdentity(t.Context(), &p, world.Acme, identity(value))
		if err != nil && roster.KindOf(err) != roster.KindNotFound {
			t.Fatal(err)
		}
		return id
	}
	if err := give(&b, "b1", "a1"); roster.KindOf(err) != roster.KindConflict {
		t.Errorf("taking what somebody has: %v", err)
	}
	// Two users swap: one lets go, the other takes and lets go, the first takes.
	for _, step := range []error{give(&a), give(&b, "a3", "a1"), give(&a, "b1", "a2")} {
		if step != nil {
			t.Fatal(step)
		}
	}
	for value, want := range map[string]roster.UserID{"a1": b.ID, "a3": b.ID, "b1": a.ID, "a2": a.ID, "c": 0} {
		if got := owner(value); got != want {
			t.Errorf("%s is that of %s, want %s", value, got, want)
		}
	}
	w.Check(t)

	t.Run("all that a user can have, for others, and the address", func(t *testing.T) {
		all := func(prefix string) (values []string) {
			for i := range 45 {
				values = append(values, fmt.Sprint(prefix, i))
			}
			return values
		}
		if err := give(&a, all("x")...); err != nil {
			t.Fatal(err)
		}
		identities := named(all("y")...)
		patch := roster.UserPatch{User: a.ID, Identities: &identities, Email: new(newAddress()), Roles: &[]roster.RoleID{roster.RoleAdmin}}
		if _, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, patch, write()); err != nil {
			t.Fatal(err)
		}
		if owner("x44") != 0 || owner("y44") != a.ID || owner("b1") != 0 {
			t.Errorf("x44, y44 and b1 are those of %s, %s and %s", owner("x44"), owner("y44"), owner("b1"))
		}
		w.Check(t)
	})
	t.Run("the address", func(t *testing.T) {
		email := newAddress()
		if _, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, roster.UserPatch{User: b.ID, Email: &email}, write()); err != nil {
			t.Fatal(err)
		}
		if _, id, err := w.Table.EmailOwner(t.Context(), email); err != nil || id != b.ID {
			t.Errorf("the new address is that of %s, %v", id, err)
		}
		if _, _, err := w.Table.EmailOwner(t.Context(), b.Email); roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("the old address: %v, want it free", err)
		}
		upper := roster.Email(strings.ToUpper(string(email)))
		m, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, roster.UserPatch{User: b.ID, Email: &upper}, write())
		if err != nil || m.User.Email != upper {
			t.Errorf("the same address in upper case: %s, %v", m.User.Email, err)
		}
		w.Check(t)
	})
}

func TestRemovingAMemberAnswersWhoItWas(t *testing.T) {
	w := world.New(t)
	p, ann := world.Client(world.Acme), w.As(t, world.AnnAdmin)
	identity := roster.Identity{Type: "zoom", Value: "x"}
	u := w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) { u.Identities = []roster.Identity{identity} })
	stale := write(func(w *roster.Write) { w.Precondition = func(u *roster.User) bool { return u.Revision.Version == 7 } })
	if _, err := w.Directory.RemoveMember(t.Context(), &p, world.Acme, u.ID, stale); roster.KindOf(err) != roster.KindPreconditionFailed {
		t.Errorf("of another version: %v", err)
	}
	m, err := w.Directory.RemoveMember(t.Context(), &p, world.Acme, u.ID, write(func(w *roster.Write) { w.ForwardedFor = "customer:9 user:8" }))
	if err != nil || !cmp.Equal(u, m.User) {
		t.Errorf("RemoveMember = %v (-was +answered)\n%s", err, cmp.Diff(u, m.User))
	}
	got, err := w.Table.UserEvenDeleted(t.Context(), u.Tenant, u.ID)
	want := roster.Stamp{By: "client:client-100", Via: "test", RequestID: "request-2", ForwardedFor: "customer:9 user:8"}
	if err != nil || !got.Deleted() || got.Revision.Stamp != want {
		t.Errorf("what stands is %+v, %v, want it deleted with the stamp %+v", got, err, want)
	}
	if _, err := w.Directory.MemberByIdentity(t.Context(), &p, world.Acme, identity); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("its identity: %v, want not found", err)
	}
	if slices.Contains(members(t, w, &p, world.Acme, ""), u.Name) {
		t.Error("it is still a member")
	}
	for name, err := range map[string]error{
		"a second time": func() error {
			_, err := w.Directory.RemoveMember(t.Context(), &p, world.Acme, u.ID, write())
			return err
		}(),
		"a patch": func() error {
			_, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, roster.UserPatch{User: u.ID, Pod: new("x")}, write())
			return err
		}(),
	} {
		if err == nil || err.Error() != "not found: user not found" {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	for _, caller := range []*roster.Principal{&p, &ann} {
		_, err := w.Directory.RemoveMember(t.Context(), caller, world.Acme, ann.User, write())
		if kind := roster.KindOf(err); kind != roster.KindConflict && kind != roster.KindForbidden {
			t.Errorf("removing the last Admin: %v", err)
		}
	}
	w.Check(t)
}

func TestAPatchIsHeldAgainstWhatIsThere(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	u := w.NewUser(t, world.Acme, roster.RoleUser)
	version := func(n int64) roster.Write {
		return write(func(w *roster.Write) { w.Precondition = func(u *roster.User) bool { return u.Revision.Version == n } })
	}
	for _, step := range []struct {
		patch   roster.UserPatch
		version int64
		want    string
	}{
		{roster.UserPatch{Pod: new("A")}, 2, "precondition failed"},
		{roster.UserPatch{}, 2, "precondition failed"},
		{roster.UserPatch{}, 1, "done"},
		{roster.UserPatch{Pod: new("A")}, 1, "done"},
		{roster.UserPatch{Pod: new("B")}, 1, "precondition failed"},
		{roster.UserPatch{Pod: new("A")}, 1, "precondition failed"},
		{roster.UserPatch{Pod: new("B")}, 2, "done"},
	} {
		step.patch.User = u.ID
		if _, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, step.patch, version(step.version)); outcome(err) != step.want {
			t.Errorf("%+v on version %d: %v, want %s", step.patch, step.version, err, step.want)
		}
	}
	faster := with(w, func(ports *directory.Ports) { ports.Writes = &interrupted{Writes: w.Table, users: w.Table, times: 2} })
	m, err := faster.PatchMember(t.Context(), &p, world.Acme, roster.UserPatch{User: u.ID, Pod: new("C")}, write())
	if err != nil || m.User.Pod != "C" || m.User.Title != "xx" {
		t.Errorf("after two others were faster: %+v, %v", m.User, err)
	}
}

func TestPatchesAtOnceLoseNothing(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	u := w.NewUser(t, world.Acme, roster.RoleUser)
	other := w.NewUser(t, world.Acme, roster.RoleUser)
	wanted := []roster.Identity{{Type: "azure", Value: "one"}, {Type: "azure", Value: "two"}}
	patches := []roster.UserPatch{
		{User: u.ID, Pod: new("pod")}, {User: u.ID, Title: new("title")}, {User: u.ID, Office: new("office")},
		{User: u.ID, DelegateIDs: &[]roster.UserID{other.ID}}, {User: u.ID, Identities: &wanted}, {User: other.ID, Identities: &wanted},
	}
	results := together(len(patches), func(i int) error {
		_, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, patches[i], write())
		return err
	})
	for i, err := range results[:4] {
		if err != nil {
			t.Errorf("patch %d: %v", i, err)
		}
	}
	if first, second := outcome(results[4]), outcome(results[5]); (first == "done") == (second == "done") {
		t.Errorf("two who want the same identities get %v and %v, want one done", results[4], results[5])
	}
	got, err := w.Table.User(t.Context(), u.Tenant, u.ID)
	if err != nil || got.Pod != "pod" || got.Title != "title" || got.Office != "office" || len(got.Delegates) != 1 {
		t.Errorf("after all patches the user is %+v, %v", got, err)
	}
	w.Check(t)
}

// TestMembersOnABadDay patches and removes members while everything that can go wrong on the way to the table does. What is
// reported done is done, what is reported impossible has not happened, and all that is left fits together.
func TestMembersOnABadDay(t *testing.T) {
	faults := rostertest.NewFaults(5)
	table := rostertest.TableWith(t, dynamo.Options{Now: func() time.Time { return world.Now }}, rostertest.WithTransport(faults), hasty)
	w := world.NewOn(t, table)
	p := world.Client(world.Acme)
	const users = 12
	var cast []roster.User
	for i := range users {
		cast = append(cast, w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) {
			u.Identities = []roster.Identity{{Type: "azure", Value: fmt.Sprint("old ", i)}}
		}))
	}
	w.NewUser(t, world.Acme, roster.RoleAdmin)
	faults.Set(
		rostertest.Fault{Kind: rostertest.Throttled, Probability: 0.1},
		rostertest.Fault{Kind: rostertest.ServerError, Probability: 0.1},
		rostertest.Fault{Kind: rostertest.TimedOut, Probability: 0.1},
		rostertest.Fault{Kind: rostertest.LostAnswer, Probability: 0.2},
		rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems", Probability: 0.2},
	)
	done := make(map[roster.UserID]roster.User)
	removed := make(map[roster.UserID]bool)
	for i, u := range cast {
		patch := roster.UserPatch{User: u.ID, Pod: new("B"), Identities: &[]roster.Identity{{Type: "azure", Value: fmt.Sprint("new ", i)}}, Email: new(newAddress())}
		m, err := w.Directory.PatchMember(t.Context(), &p, world.Acme, patch, write())
		if err == nil {
			done[u.ID] = m.User
		} else if roster.KindOf(err) != roster.KindUnavailable {
			t.Errorf("patch %d: %v", i, err)
		}
		if i%4 == 0 {
			continue
		}
		if _, err = w.Directory.RemoveMember(t.Context(), &p, world.Acme, u.ID, write()); err == nil {
			removed[u.ID] = true
		} else if roster.KindOf(err) != roster.KindUnavailable {
			t.Errorf("removal %d: %v", i, err)
		}
	}
	faults.Set()
	if faults.Injected() < 20 || len(done) == 0 || len(removed) == 0 {
		t.Errorf("%d faults, %d patches and %d removals done: it was too bad a day, or too good", faults.Injected(), len(done), len(removed))
	}
	for _, u := range cast {
		got, err := w.Table.UserEvenDeleted(t.Context(), u.Tenant, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := done[u.ID]; ok && (got.Pod != "B" || got.Email != want.Email || !slices.Equal(got.Identities, want.Identities)) {
			t.Errorf("patched to %+v, it is %+v", want, got)
		}
		if removed[u.ID] && !got.Deleted() {
			t.Errorf("%s is removed, and stands", got.Name)
		}
		if patched := got.Pod == "B"; patched != (got.Email != u.Email) || patched != (got.Identities[0] != u.Identities[0]) {
			t.Errorf("half a patch: %+v of %+v", got, u)
		}
	}
	w.Check(t)
}

// hasty makes a client try as often as it would, but without the pauses of seconds.
func hasty(o *dynamodb.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
	})
}

// TestWhatMembersCost pins that what a customer's users refer to costs nothing more, however many they are.
func TestWhatMembersCost(t *testing.T) {
	for _, crowd := range []int{3, 60} {
		clock := rostertest.NewClock(world.Now.Add(-time.Hour))
		w := world.NewOn(t, rostertest.TableWith(t, dynamo.Options{Now: clock.Now}))
		p := world.Client(world.Acme)
		identity := roster.Identity{Type: "phone", Value: "1"}
		var crowded []roster.NewUser
		ann := w.User(t, world.AnnAdmin)
		for n := range crowd {
			crowded = append(crowded, roster.NewUser{User: rostertest.User(world.Path(world.Acme), 7000+n, func(u *roster.User) {
				u.Delegates = []roster.Delegate{{User: ann.ID}}
			})})
		}
		if err := dynamo.FirstError(w.Table.CreateUsers(t.Context(), crowded, rostertest.Stamp())); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
		u := w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) {
			u.Identities = []roster.Identity{identity}
			u.Delegates = []roster.Delegate{{User: 7000}, {User: 7001}}
		})
		// One shard has news, that user; DynamoDB Local counts nothing for the others.
		const look, lookCalls = 0.5, roster.Shards
		patch := func(title string, more func(*roster.UserPatch)) func(context.Context) error {
			return func(ctx context.Context) error {
				patch := roster.UserPatch{User: u.ID, Title: &title}
				more(&patch)
				_, err := w.Directory.PatchMember(ctx, &p, world.Acme, patch, write())
				return err
			}
		}
		for _, test := range []struct {
			name          string
			do            func(context.Context) error
			calls         int // not counted if 0
			reads, writes float64
		}{
			{"the first list, which loads them", func(ctx context.Context) error {
				return w.Directory.EachMember(ctx, &p, world.Acme, "", func(directory.Member) bool { return true })
			}, 0, 0, 0},
			{"list", func(ctx context.Context) error {
				seen := 0
				err := w.Directory.EachMember(ctx, &p, world.Acme, "", func(m directory.Member) bool {
					seen++
					for _, d := range m.User.Delegates {
						m.View.User(d.User)
					}
					m.View.Delegators(m.User.ID)
					return true
				})
				if err == nil && seen != crowd+7 {
					return fmt.Errorf("listed %d users, want %d", seen, crowd+7)
				}
				return err
			}, lookCalls, look, 0},
			{"get", func(ctx context.Context) error {
				m, err := w.Directory.Member(ctx, &p, world.Acme, ann.ID)
				if err == nil && len(m.View.Delegators(ann.ID)) != crowd {
					return fmt.Errorf("the delegate of %d, want %d", len(m.View.Delegators(ann.ID)), crowd)
				}
				return err
			}, lookCalls + 1, look + 1, 0},
			{"look up", func(ctx context.Context) error {
				_, err := w.Directory.MemberByIdentity(ctx, &p, world.Acme, identity)
				return err
			}, 1, 1, 0},
			{"patch", patch("A", func(*roster.UserPatch) {}), lookCalls + 2, look + 1, 1},
			{"patch of delegates", patch("B", func(p *roster.UserPatch) { p.DelegateIDs = &[]roster.UserID{7001, 7002} }), lookCalls + 2, look + 1, 1},
			{"patch of built-in roles", patch("C", func(p *roster.UserPatch) { p.Roles = &[]roster.RoleID{roster.RoleStaff, roster.RoleUser} }), lookCalls + 2, look + 1, 1},
		} {
			cost := rostertest.CostOf(t, test.do)
			if test.calls != 0 && (cost.Calls != test.calls || cost.Reads != test.reads) || cost.TableWrites != test.writes {
				t.Errorf("with %d users, %s costs %+v, want %d calls, %v RRU and %v WRU of the table", crowd, test.name, cost, test.calls, test.reads, test.writes)
			}
		}
	}
}
