package roster_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

func newUser(change func(*roster.NewUserForm)) roster.NewUserForm {
	f := roster.NewUserForm{Email: "john@example.com", Password: "mySecretPassword123", Name: "John Doe"}
	if change != nil {
		change(&f)
	}
	return f
}

func TestAFormReportsEveryBrokenRuleAtOnce(t *testing.T) {
	form := roster.NewMemberForm{NewUserForm: newUser(func(f *roster.NewUserForm) {
		f.Email, f.Password, f.Name, f.Title, f.Nickname = "nobody", "short", "R2D2\x00", "Sr.", "a.b"
		f.PhoneNumber, f.TimeZone, f.Locale = "123", "Mars/Base", "english"
		f.Address = roster.Address{Full: "a\nb", Country: strings.Repeat("a", 75), City: strings.Repeat("a", 51), State: strings.Repeat("a", 41), Zip: strings.Repeat("1", 13)}
	})}
	err, ok := form.Validate().(*roster.Error)
	if !ok {
		t.Fatal("the form is valid")
	}
	var fields []string
	for _, f := range err.Fields {
		fields = append(fields, f.Field)
	}
	want := "email password name name title nickname phoneNumber timeZone locale address.full address.country address.city address.state address.zip organization role"
	if got := strings.Join(fields, " "); got != want {
		t.Errorf("the broken fields are\n%s, want\n%s", got, want)
	}
}

func TestWhatADialectFoundIsReportedWithTheRest(t *testing.T) {
	form := roster.NewOwnerForm{NewUserForm: newUser(func(f *roster.NewUserForm) {
		f.Name, f.PhoneNumber, f.Address.Zip = "", "1", "12345678901234"
		f.Broken = roster.FieldErrors{{Field: "name", Message: "must be a string"}, {Field: "address", Message: "must be an object"}, {Field: "x", Message: "is not a field"}}
	}), OrganizationName: "AB"}
	want := "name must be a string; address must be an object; x is not a field; phoneNumber must be a plus sign and 7 to 15 digits; organizationName must have 3 to 100 characters"
	if err := form.Validate(); err == nil || err.(*roster.Error).Message != want {
		t.Errorf("Validate = %v, want %s", err, want)
	}
	if len(form.Broken) != 3 {
		t.Errorf("Validate changed the form: %v", form.Broken)
	}
}

func TestFormsThatBreakNoRule(t *testing.T) {
	full := newUser(func(f *roster.NewUserForm) {
		f.Title, f.Nickname, f.PhoneNumber, f.TimeZone, f.Locale = "Sales Manager", "johnd", "+1234567890", "America/New_York", "en_US"
		f.Address = roster.Address{Full: "1 Main St., #5", Country: "USA", City: "New York", State: "NY", Zip: "10001"}
	})
	for name, form := range map[string]interface{ Validate() error }{
		"a user":                       &full,
		"a user with the least":        new(newUser(nil)),
		"an owner":                     &roster.NewOwnerForm{NewUserForm: full, OrganizationName: "John's Org"},
		"an owner without a name":      &roster.NewOwnerForm{NewUserForm: full},
		"a member":                     &roster.NewMemberForm{NewUserForm: full, Organization: 1, Role: 1},
		"an organization":              &roster.NewOrganizationForm{Name: "Acme", Parent: 7},
		"an organization without more": &roster.NewOrganizationForm{Name: "Acme"},
		"a transfer":                   &roster.TransferForm{User: roster.MaxUserID, Organization: 1, Role: 1},
		"a suspension":                 &roster.StatusForm{User: 1, Status: roster.StatusSuspended},
		"its end":                      &roster.StatusForm{User: 1, Status: roster.StatusActive},
	} {
		if err := form.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFormsThatBreakARule(t *testing.T) {
	for name, form := range map[string]interface{ Validate() error }{
		"organization":        &roster.NewOrganizationForm{Name: "AB"},
		"parent":              &roster.NewOrganizationForm{Name: "Acme", Parent: -1},
		"nobody":              &roster.TransferForm{Organization: 1, Role: 1},
		"nobody's id":         &roster.TransferForm{User: roster.MaxUserID + 1, Organization: 1, Role: 1},
		"nowhere":             &roster.TransferForm{User: 1, Role: 1},
		"no role":             &roster.TransferForm{User: 1, Organization: 1},
		"pending":             &roster.StatusForm{User: 1, Status: roster.StatusPending},
		"inactive":            &roster.StatusForm{User: 1, Status: roster.StatusInactive},
		"no status":           &roster.StatusForm{User: 1},
		"password of 7":       new(newUser(func(f *roster.NewUserForm) { f.Password = "1234567" })),
		"password of 129":     new(newUser(func(f *roster.NewUserForm) { f.Password = strings.Repeat("a", 129) })),
		"password, not UTF-8": new(newUser(func(f *roster.NewUserForm) { f.Password = "12345678\xff" })),
	} {
		if err := form.Validate(); roster.KindOf(err) != roster.KindInvalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func TestTheUserOfAFormIsWhatTheFormSays(t *testing.T) {
	f := newUser(func(f *roster.NewUserForm) { f.Name, f.Nickname = "Jean-Luc van Damme", "jl" })
	want := roster.User{Email: "john@example.com", Name: "Jean-Luc van Damme", GivenName: "Jean-Luc van", FamilyName: "Damme", Nickname: "jl", Status: roster.StatusActive}
	if diff := cmp.Diff(want, f.User()); diff != "" {
		t.Errorf("User (-want +got)\n%s", diff)
	}
}

func TestTheNameOfAPersonalOrganizationKeepsToTheRules(t *testing.T) {
	for _, name := range []string{"A", "John Doe", strings.Repeat("ї", 50), "O’Neill Jr."} {
		f := roster.NewOwnerForm{NewUserForm: newUser(func(f *roster.NewUserForm) { f.Name = name })}
		var errs roster.FieldErrors
		roster.CheckOrganizationName(&errs, "name", f.NameOfOrganization())
		if f.Validate() != nil || errs.Err() != nil {
			t.Errorf("the organization of %s is called %s: %v", name, f.NameOfOrganization(), errs.Err())
		}
	}
}
