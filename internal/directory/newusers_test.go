package directory_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// addresses makes addresses that no other test of this process has.
var addresses = &roster.IDSource{}

// person is the form of somebody new; an empty address becomes a new one.
func person(email roster.Email) roster.NewUserForm {
	if email == "" {
		email = roster.Email("new-" + addresses.NewUserID().String() + "@example.com")
	}
	return roster.NewUserForm{Email: email, Password: "mySecretPassword123", Name: "Nina Newcomer"}
}

func member(org roster.OrgID, role roster.RoleID) roster.NewMemberForm {
	return roster.NewMemberForm{NewUserForm: person(""), Organization: org, Role: role}
}

func TestCreateUserWithOrganization(t *testing.T) {
	w := world.New(t)
	p := w.As(t, world.BobAdmin)
	form := roster.NewOwnerForm{NewUserForm: person("nina@example.com"), OrganizationName: "Nina's Own"}
	got, err := w.Directory.CreateUserWithOrganization(t.Context(), &p, form, write())
	if err != nil || got.Existed || got.Replayed {
		t.Fatalf("CreateUserWithOrganization = %+v, %v", got, err)
	}
	u := got.User
	want := form.User()
	want.Tenant, want.ID, want.Path, want.Roles = 100, u.ID, roster.OrgPath{world.Acme, world.Birch, u.Org()}, []roster.RoleID{roster.RoleAdmin}
	want.CreatedAt, want.UpdatedAt, want.RegisteredAt = world.Now, world.Now, world.Now
	want.Revision = roster.Revision{Version: 1, ChangedAt: world.Now, Stamp: roster.Stamp{By: "user:1007", Via: "test", RequestID: "request-2"}}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Errorf("the user (-want +got)\n%s", diff)
	}
	if stored, err := w.Table.User(t.Context(), 100, u.ID); err != nil || !cmp.Equal(u, stored) {
		t.Errorf("the user is stored as %+v, %v", stored, err)
	}
	organization, err := w.Table.Organization(t.Context(), 100, u.Org())
	if err != nil || organization.Name != "Nina's Own" || organization.Parent() != world.Birch {
		t.Errorf("the organization is %+v, %v", organization, err)
	}
	credential, err := w.Table.Credential(t.Context(), 100, u.ID)
	if err != nil || credential.PasswordHash != world.HashOf("mySecretPassword123") || w.Hashed() != 1 {
		t.Errorf("the password is %+v, %v, after hashing %d times", credential, err, w.Hashed())
	}
}

func TestTheFirstUserOfAPersonalOrganizationNamesIt(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	got, err := w.Directory.CreateUserWithOrganization(t.Context(), &p, roster.NewOwnerForm{NewUserForm: person("")}, write())
	if err != nil {
		t.Fatal(err)
	}
	if o, err := w.Table.Organization(t.Context(), 100, got.User.Org()); err != nil || o.Name != "Nina Newcomer's organization" {
		t.Errorf("the organization is %+v, %v", o, err)
	}
}

func TestAnAddressThatHasAnAccountIsNoErrorForAnOwner(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Birch)
	organizations := func() int {
		acme := world.Client(world.Acme)
		page, err := w.Directory.Organizations(t.Context(), &acme, roster.Page{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return page.Total
	}
	for _, test := range []struct {
		email roster.Email
		name  string
	}{
		{w.User(t, world.BobAdmin).Email, world.BobAdmin},
		{roster.Email(strings.ToUpper(string(w.User(t, world.CidStaff).Email))), world.CidStaff},
		{w.User(t, world.AnnAdmin).Email, ""}, // above
		{w.User(t, world.DotAdmin).Email, ""}, // beside
		{w.User(t, world.EveAdmin).Email, ""}, // another tenant's
	} {
		before := organizations()
		got, err := w.Directory.CreateUserWithOrganization(t.Context(), &p, roster.NewOwnerForm{NewUserForm: person(test.email)}, write())
		if err != nil || !got.Existed || got.User.Name != test.name || test.name == "" && !cmp.Equal(got.User, roster.User{}) {
			t.Errorf("for %s: %+v, %v, want %q", test.email, got, err, test.name)
		}
		if after := organizations(); after != before {
			t.Errorf("for %s there are %d organizations, were %d", test.email, after, before)
		}
	}
}

// flighty is a table whose addresses are taken when a user is created, and have no owner when that is looked up.
type flighty struct {
	directory.Writes
	directory.Users
	taken int
}

func (f *flighty) CreateUserWithOrganization(ctx context.Context, o roster.Organization, n roster.NewUser, stamp roster.Stamp, once *roster.Once) (roster.Organization, roster.User, bool, error) {
	if f.taken > 0 {
		f.taken--
		return roster.Organization{}, roster.User{}, false, roster.Taken("email", "the e-mail address")
	}
	return f.Writes.CreateUserWithOrganization(ctx, o, n, stamp, once)
}

func (f *flighty) EmailOwner(context.Context, roster.Email) (roster.TenantID, roster.UserID, error) {
	return 0, 0, roster.NotFound("user")
}

func TestAnAddressThatIsFreeAfterAllIsTriedAgain(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	for taken, want := range map[int]string{2: "done", 100: "unavailable"} {
		ports := w.Ports
		f := &flighty{Writes: w.Table, Users: w.Table, taken: taken}
		ports.Writes, ports.Users = f, f
		before := w.Hashed()
		_, err := directory.New(ports).CreateUserWithOrganization(t.Context(), &p, roster.NewOwnerForm{NewUserForm: person("")}, write())
		if got := outcome(err); got != want || w.Hashed() != before+1 {
			t.Errorf("taken %d times: %v, hashed %d times, want %s", taken, err, w.Hashed()-before, want)
		}
	}
}

func TestCreateUser(t *testing.T) {
	w := world.New(t)
	p := w.As(t, world.SamStaff)
	form := member(world.Cedar, world.Auditor)
	got, err := w.Directory.CreateUser(t.Context(), &p, form, write())
	if err != nil {
		t.Fatal(err)
	}
	want := form.User()
	want.Tenant, want.ID, want.Path, want.Roles = 100, got.User.ID, world.Path(world.Cedar), []roster.RoleID{world.Auditor}
	want.CreatedAt, want.UpdatedAt, want.RegisteredAt = world.Now, world.Now, world.Now
	want.Revision = roster.Revision{Version: 1, ChangedAt: world.Now, Stamp: roster.Stamp{By: "user:1002", Via: "test", RequestID: "request-2"}}
	if diff := cmp.Diff(directory.Creation{User: want}, got); diff != "" {
		t.Errorf("CreateUser (-want +got)\n%s", diff)
	}
	if credential, err := w.Table.Credential(t.Context(), 100, got.User.ID); err != nil || credential.PasswordHash != world.HashOf(form.Password) {
		t.Errorf("the password is %+v, %v", credential, err)
	}
}

func TestRefusedCreationsHashNothing(t *testing.T) {
	w := world.New(t)
	client, staff, user := world.Client(world.Birch), w.As(t, world.CidStaff), w.As(t, world.UmaUser)
	deep := world.Client(world.Acme)
	for len(deep.Path) < roster.MaxDepth {
		deep.Path = deep.Path.Child(roster.OrgID(900 + len(deep.Path)))
	}
	bad := member(world.Birch, roster.RoleUser)
	bad.Name = "R2D2"
	owner := roster.NewOwnerForm{NewUserForm: person("")}
	for _, test := range []struct {
		name   string
		caller roster.Principal
		form   any
		want   string
	}{
		{"without the permission", user, member(world.Acme, roster.RoleUser), "forbidden: this needs the permission ORG_INVITE_USERS"},
		{"without the permission, and invalid", user, bad, "forbidden: this needs the permission ORG_INVITE_USERS"},
		{"invalid", client, bad, "invalid: name must consist of letters, hyphens, spaces, dots and apostrophes; name must consist of letters, hyphens, spaces, dots and apostrophes"},
		{"above", client, member(world.Acme, roster.RoleUser), "not found: organization not found"},
		{"beside", client, member(world.Dogwood, roster.RoleUser), "not found: organization not found"},
		{"in another tenant", client, member(world.Elm, roster.RoleUser), "not found: organization not found"},
		{"nowhere", client, member(4711, roster.RoleUser), "not found: organization not found"},
		{"with a role that there is not", client, member(world.Birch, 77), "not found: role not found; role names no role"},
		{"with more than one holds", staff, member(world.Cedar, roster.RoleAdmin), "forbidden: the role Admin holds permissions that you lack: "},
		{"as owner, without the permission", user, owner, "forbidden: this needs the permission ORG_INVITE_USERS"},
		{"as owner, with more than one holds", staff, owner, "forbidden: the role Admin holds permissions that you lack: "},
		{"as owner, too deep", deep, owner, "invalid: organization must be less than 16 levels deep"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var err error
			if form, ok := test.form.(roster.NewOwnerForm); ok {
				_, err = w.Directory.CreateUserWithOrganization(t.Context(), &test.caller, form, write())
			} else {
				_, err = w.Directory.CreateUser(t.Context(), &test.caller, test.form.(roster.NewMemberForm), write())
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("the answer is %v, want %s", err, test.want)
			}
		})
	}
	if w.Hashed() != 0 {
		t.Errorf("%d passwords were hashed", w.Hashed())
	}
}

func TestAPasswordThatCannotBeHashedIsOurFault(t *testing.T) {
	w := world.New(t)
	ports := w.Ports
	ports.HashPassword = func(string) (string, error) { return "", errors.New("no memory") }
	p := world.Client(world.Acme)
	if _, err := directory.New(ports).CreateUser(t.Context(), &p, member(world.Acme, roster.RoleUser), write()); roster.KindOf(err) != roster.KindInternal || err == nil {
		t.Errorf("CreateUser = %v, want internal", err)
	}
}

func once(key, fingerprint byte) func(*roster.Write) {
	return func(w *roster.Write) { w.Once = &roster.Once{Key: [32]byte{key}, Fingerprint: [32]byte{fingerprint}} }
}

func TestCreationsHappenOnce(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	owner := roster.NewOwnerForm{NewUserForm: person("")}
	form := member(world.Acme, roster.RoleUser)
	for i, create := range []func(w2 roster.Write) (any, bool, error){
		func(w2 roster.Write) (any, bool, error) {
			c, err := w.Directory.CreateUserWithOrganization(t.Context(), &p, owner, w2)
			return c.User, c.Replayed, err
		},
		func(w2 roster.Write) (any, bool, error) {
			c, err := w.Directory.CreateUser(t.Context(), &p, form, w2)
			return c.User, c.Replayed, err
		},
		func(w2 roster.Write) (any, bool, error) {
			return w.Directory.CreateOrganization(t.Context(), &p, roster.NewOrganizationForm{Name: "Once"}, w2)
		},
	} {
		key := byte(i + 1)
		first, replayed, err := create(write(once(key, 1)))
		if err != nil || replayed {
			t.Fatalf("the first time: %v, %v, %v", first, replayed, err)
		}
		again, replayed, err := create(write(once(key, 1)))
		if err != nil || !replayed {
			t.Errorf("the second time: %v, %v", replayed, err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("the second time (-first +second)\n%s", diff)
		}
		if _, _, err := create(write(once(key, 2))); roster.KindOf(err) != roster.KindUnprocessable {
			t.Errorf("with another body: %v, want unprocessable", err)
		}
	}
}

func TestWhatCreationsCost(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	create := func(org roster.OrgID, role roster.RoleID) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := w.Directory.CreateUser(ctx, &p, member(org, role), write())
			return err
		}
	}
	// What the writes cost is pinned in package dynamo: here that there is one, and what is read before it.
	for _, test := range []struct {
		name  string
		do    func(context.Context) error
		reads float64
	}{
		{"in the caller's organization", create(world.Acme, roster.RoleUser), 0},
		{"in one below", create(world.Cedar, roster.RoleUser), 1},
		{"in one below, with a custom role", create(world.Cedar, world.Auditor), 2},
		{"with an organization", func(ctx context.Context) error {
			_, err := w.Directory.CreateUserWithOrganization(ctx, &p, roster.NewOwnerForm{NewUserForm: person("")}, write())
			return err
		}, 0},
	} {
		if cost := rostertest.CostOf(t, test.do); cost.Reads != test.reads || cost.Calls != int(test.reads)+1 {
			t.Errorf("creating a user %s costs %+v, want %v RRU and one write", test.name, cost, test.reads)
		}
	}
}
