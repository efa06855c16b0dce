package roster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

func TestStatusAt(t *testing.T) {
	now := time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)
	month := now.Add(-roster.InactiveAfter)
	for _, c := range []struct {
		name                  string
		stored                roster.Status
		lastLogin, registered time.Time
		want                  roster.Status
	}{
		{"logged in lately", roster.StatusActive, month.Add(time.Millisecond), time.Time{}, roster.StatusActive},
		{"logged in a month ago", roster.StatusActive, month, time.Time{}, roster.StatusInactive},
		{"registered lately, never logged in", roster.StatusActive, time.Time{}, month.Add(time.Hour), roster.StatusActive},
		{"never seen", roster.StatusActive, time.Time{}, time.Time{}, roster.StatusInactive},
		{"pending", roster.StatusPending, time.Time{}, time.Time{}, roster.StatusPending},
		{"suspended", roster.StatusSuspended, month, time.Time{}, roster.StatusSuspended},
	} {
		if got := roster.StatusAt(c.stored, c.lastLogin, c.registered, now); got != c.want {
			t.Errorf("%s: StatusAt = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestStatusesSortByName(t *testing.T) {
	for s := roster.StatusActive; s < roster.StatusSuspended; s++ {
		if s.String() >= (s + 1).String() {
			t.Errorf("%v is not before %v", s, s+1)
		}
	}
}

func validUser() roster.User {
	return roster.User{
		Tenant: 7, ID: 9, Path: roster.OrgPath{7, 8}, Email: "ann@example.com", Name: "Ann Lee", GivenName: "Ann", FamilyName: "Lee",
		PhoneNumber: "+11234567890", TimeZone: "Europe/Kyiv", Locale: "en_US", Roles: []roster.RoleID{3}, Status: roster.StatusActive,
	}
}

func TestUserValidate(t *testing.T) {
	good := validUser()
	if err := good.Validate(); err != nil {
		t.Fatalf("Validate() = %v, want nil", err)
	}
	for field, breakIt := range map[string]func(*roster.User){
		"id":               func(u *roster.User) { u.ID = roster.MaxUserID + 1 },
		"organization":     func(u *roster.User) { u.Path = nil },
		"email":            func(u *roster.User) { u.Email = "Ann <ann@example.com>" },
		"name":             func(u *roster.User) { u.Name = "" },
		"givenName":        func(u *roster.User) { u.GivenName = strings.Repeat("é", 101) },
		"nickname":         func(u *roster.User) { u.Nickname = "a\x00b" },
		"title":            func(u *roster.User) { u.Title = "\xff" },
		"phoneNumber":      func(u *roster.User) { u.PhoneNumber = "123" },
		"locale":           func(u *roster.User) { u.Locale = "en-US" },
		"timeZone":         func(u *roster.User) { u.TimeZone = "Mars/Olympus" },
		"roles":            func(u *roster.User) { u.Roles = nil },
		"status":           func(u *roster.User) { u.Status = roster.StatusInactive },
		"deviceCount":      func(u *roster.User) { u.DeviceCount = -1 },
		"delegates":        func(u *roster.User) { u.Delegates = []roster.Delegate{{User: u.ID}} },
		"identities.type":  func(u *roster.User) { u.Identities = []roster.Identity{{Value: "x"}} },
		"publicKey":        func(u *roster.User) { u.PublicKey = "04" + strings.Repeat("11", 64) },
		"defaultWarehouse": func(u *roster.User) { u.DefaultWarehouse = -1 },
		"address.zip":      func(u *roster.User) { u.Address.Zip = strings.Repeat("1", 13) },
	} {
		u := validUser()
		breakIt(&u)
		err := u.Validate()
		if roster.KindOf(err) != roster.KindInvalid {
			t.Errorf("%s: Validate() = %v, want an invalid error", field, err)
			continue
		}
		if got := err.(*roster.Error).Fields[0].Field; got != field {
			t.Errorf("Validate() names %q, want %q", got, field)
		}
	}
}

func TestEveryBrokenRuleIsReportedAtOnce(t *testing.T) {
	u := validUser()
	u.Email, u.Name, u.Locale = "", "", "x"
	got := u.Validate().(*roster.Error).Fields
	want := []roster.FieldError{
		{Field: "email", Message: "is required"},
		{Field: "name", Message: "must have 1 to 100 characters"},
		{Field: "locale", Message: "must be a language and a region, such as en_US"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestCheckPublicKey(t *testing.T) {
	// The base point of the curve (SEC 2, section 2.4.2).
	const x, y = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
	for key, ok := range map[string]bool{
		"":                              true,
		"04" + x + y:                    true,
		strings.ToUpper("04" + x + y):   true,
		"03" + x:                        false, // compressed
		"00":                            false, // infinity
		"04" + x + x:                    false, // off the curve
		"04" + x + y + "00":             false,
		x + y:                           false,
		"0x04" + x + y:                  false,
		"04" + x + y[:63]:               false,
		"04" + x + "z" + y[1:]:          false,
		"04" + strings.Repeat("ff", 64): false,
		" 04" + x + y:                   false,
	} {
		var errs roster.FieldErrors
		roster.CheckPublicKey(&errs, "publicKey", key)
		if got := len(errs) == 0; got != ok {
			t.Errorf("CheckPublicKey(%q) accepts: %v, want %v", key, got, ok)
		}
	}
}

func TestCheckEmail(t *testing.T) {
	for address, ok := range map[string]bool{
		"ann@example.com":           true,
		"o'neil+tag@sub.example.io": true,
		"ünïcode@example.com":       true,
		"":                          false,
		"ann":                       false,
		"ann@":                      false,
		"@example.com":              false,
		"a b@example.com":           false,
		"\"a b\"@example.com":       false,
		"ann@example.com, bob@x.io": false,
		strings.Repeat("a", 64) + "@" + strings.Repeat("b", 250) + ".com": false,
	} {
		var errs roster.FieldErrors
		roster.CheckEmail(&errs, "email", roster.Email(address))
		if got := len(errs) == 0; got != ok {
			t.Errorf("CheckEmail(%q) accepts: %v, want %v", address, got, ok)
		}
	}
}

func TestSplitAndJoinName(t *testing.T) {
	for name, want := range map[string][2]string{
		"Ann Lee":          {"Ann", "Lee"},
		"Ann Mary Lee":     {"Ann Mary", "Lee"},
		"Ann":              {"Ann", ""},
		"  Ann   Lee ":     {"Ann", "Lee"},
		"":                 {"", ""},
		"Jean-Luc O'Brien": {"Jean-Luc", "O'Brien"},
	} {
		given, family := roster.SplitName(name)
		if given != want[0] || family != want[1] {
			t.Errorf("SplitName(%q) = %q, %q, want %q", name, given, family, want)
		}
	}
	if got := roster.JoinName("Ann", ""); got != "Ann" {
		t.Errorf("JoinName(Ann, ) = %q, want Ann", got)
	}
}

func TestCloneSharesNoMemory(t *testing.T) {
	u := validUser()
	u.Delegates = []roster.Delegate{{User: 3, Permissions: []string{"a"}}}
	c := u.Clone()
	c.Path[0], c.Roles[0], c.Delegates[0].Permissions[0] = 1, 2, "b"
	if u.Path[0] != 7 || u.Roles[0] != 3 || u.Delegates[0].Permissions[0] != "a" {
		t.Errorf("changing the clone changed the original: %+v", u)
	}
}

func TestNextChangeNeverGoesBackwards(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 123456789, time.UTC)
	if got, want := roster.NextChange(now, time.Time{}), now.Truncate(time.Millisecond); !got.Equal(want) {
		t.Errorf("NextChange = %v, want %v", got, want)
	}
	ahead := now.Add(time.Hour).Truncate(time.Millisecond)
	if got := roster.NextChange(now, ahead); !got.After(ahead) {
		t.Errorf("NextChange = %v, want after %v", got, ahead)
	}
}
