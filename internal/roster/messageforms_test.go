package roster_test

import (
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

// rules returns what a form breaks, in the words of the error, and nothing if it is valid.
func rules(err error) string {
	if err == nil {
		return ""
	}
	return err.(*roster.Error).Message
}

func TestInvitationForm(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*roster.InvitationForm)
		want   string
	}{
		{"as it should be", func(*roster.InvitationForm) {}, ""},
		{"with everything", func(f *roster.InvitationForm) { f.Organization, f.Locale = 8, "pt_BR" }, ""},
		{"digits in the name", func(f *roster.InvitationForm) { f.Name = "R2-D2 (of Naboo), 3rd & last" }, ""},
		{"one digit for a name", func(f *roster.InvitationForm) { f.Name = "7" }, ""},
		{"50 characters", func(f *roster.InvitationForm) { f.Name = strings.Repeat("é", 50) }, ""},
		{"51 characters", func(f *roster.InvitationForm) { f.Name = strings.Repeat("é", 51) }, "name must have 1 to 50 characters"},
		{"no name", func(f *roster.InvitationForm) { f.Name = "" }, "name must have 1 to 50 characters"},
		{"a name of dots", func(f *roster.InvitationForm) { f.Name = "..." }, "name must have at least one letter"},
		{"a tag", func(f *roster.InvitationForm) { f.Name = "<b>Jane" }, "name must not contain slashes, backslashes, < and >"},
		{"a slash", func(f *roster.InvitationForm) { f.Name = "Jane/Jack" }, "name must not contain slashes, backslashes, < and >"},
		{"a backslash", func(f *roster.InvitationForm) { f.Name = `Jane\Jack` }, "name must not contain slashes, backslashes, < and >"},
		{"a name that is not UTF-8", func(f *roster.InvitationForm) { f.Name = "Jane\xff" }, "name must be valid UTF-8"},
		{"no address", func(f *roster.InvitationForm) { f.Email = "" }, "email is required"},
		{"no role", func(f *roster.InvitationForm) { f.Role = 0 }, "role must be positive"},
		{"a negative organization", func(f *roster.InvitationForm) { f.Organization = -1 }, "organization must be positive"},
		{"a language that is no locale", func(f *roster.InvitationForm) { f.Locale = "german" }, "locale must be a language and a region, such as en_US"},
		{"what the dialect found", func(f *roster.InvitationForm) {
			f.Email, f.Role = "", 0
			f.Broken = roster.FieldErrors{{Field: "role", Message: "must be a number"}}
		}, "role must be a number; email is required"},
	} {
		form := roster.InvitationForm{Email: "jane@example.com", Name: "Jane Doe", Role: roster.RoleUser}
		test.change(&form)
		if got := rules(form.Validate()); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestANameOfAnInvitationThatPlaysTricksIsRefused(t *testing.T) {
	for _, name := range []string{"Jane\nDoe", "Jane\u202eeoD", "Jane\u200bDoe", "Jane\x00", "Jаne" /* a Cyrillic a */} {
		form := roster.InvitationForm{Email: "jane@example.com", Name: name, Role: roster.RoleUser}
		if form.Validate() == nil {
			t.Errorf("%q is a valid name", name)
		}
	}
}

func TestMailForm(t *testing.T) {
	for _, test := range []struct {
		form roster.MailForm
		want string
	}{
		{roster.MailForm{Email: "jane@example.com"}, ""},
		{roster.MailForm{Email: "jane@example.com", Locale: "uk_UA"}, ""},
		{roster.MailForm{}, "email is required"},
		{roster.MailForm{Email: "jane", Locale: "x"}, "email must be an e-mail address; locale must be a language and a region, such as en_US"},
		{roster.MailForm{Broken: roster.FieldErrors{{Field: "email", Message: "must be a string"}}}, "email must be a string"},
	} {
		if got := rules(test.form.Validate()); got != test.want {
			t.Errorf("%+v: %q, want %q", test.form, got, test.want)
		}
	}
}

func TestWhatAnAcceptanceNeedsDependsOnThePurpose(t *testing.T) {
	const (
		noName         = "name must have 1 to 50 characters"
		noPassword     = "password must have 8 to 128 characters"
		noOrganization = "organizationName must have 3 to 100 characters"
	)
	long := strings.Repeat("x", 129)
	for _, test := range []struct {
		form                  roster.AcceptanceForm
		invite, signUp, reset string
	}{
		{roster.AcceptanceForm{}, noName + "; " + noPassword, noName + "; " + noPassword, noPassword},
		{roster.AcceptanceForm{Name: "Jane", Password: "mySecretPassword123"}, "", "", ""},
		{roster.AcceptanceForm{Password: "mySecretPassword123"}, noName, noName, ""},
		{roster.AcceptanceForm{Name: "Jane", Password: "short"}, noPassword, noPassword, noPassword},
		{roster.AcceptanceForm{Name: "Jane", Password: long}, noPassword, noPassword, noPassword},
		{roster.AcceptanceForm{Name: "Jane", Password: "mySecretPassword123", OrganizationName: "AB"}, "", noOrganization, ""},
		{roster.AcceptanceForm{Name: "Jane", Password: "mySecretPassword123", OrganizationName: "Jane's Own"}, "", "", ""},
		// The name of somebody who was invited may be one that an administrator gave, which is less strict.
		{roster.AcceptanceForm{Name: "R2-D2", Password: "mySecretPassword123"}, "", "name must consist of letters, hyphens, spaces, dots and apostrophes", ""},
		{roster.AcceptanceForm{Broken: roster.FieldErrors{{Field: "password", Message: "must be a string"}}}, "password must be a string; " + noName, "password must be a string; " + noName, "password must be a string"},
	} {
		for purpose, want := range map[roster.Purpose]string{roster.PurposeInvite: test.invite, roster.PurposeSignUp: test.signUp, roster.PurposeReset: test.reset} {
			if got := rules(test.form.Validate(purpose)); got != want {
				t.Errorf("%+v for %s: %q, want %q", test.form, purpose, got, want)
			}
		}
	}
}

func TestPasswordForm(t *testing.T) {
	for _, test := range []struct {
		form roster.PasswordForm
		want string
	}{
		{roster.PasswordForm{Old: "mySecretPassword123", New: "anotherPassword456"}, ""},
		// The old password may be of a time when other rules held.
		{roster.PasswordForm{Old: "x", New: "anotherPassword456"}, ""},
		{roster.PasswordForm{New: "anotherPassword456"}, "oldPassword is required"},
		{roster.PasswordForm{Old: "mySecretPassword123", New: "short"}, "newPassword must have 8 to 128 characters"},
		{roster.PasswordForm{Old: "mySecretPassword123", New: "mySecretPassword123"}, "newPassword must not be the old one"},
		{roster.PasswordForm{}, "oldPassword is required; newPassword must have 8 to 128 characters"},
		{roster.PasswordForm{Old: "x", Broken: roster.FieldErrors{{Field: "newPassword", Message: "must be a string"}}}, "newPassword must be a string"},
	} {
		if got := rules(test.form.Validate()); got != test.want {
			t.Errorf("%+v: %q, want %q", test.form, got, test.want)
		}
	}
}

func TestNotificationForm(t *testing.T) {
	const noTitle, noBody, noImage = "title must have 1 to 128 characters", "body must have 1 to 1024 characters", "imageUrl must be an https address"
	image := func(url string) func(*roster.NotificationForm) {
		return func(f *roster.NotificationForm) { f.ImageURL = url }
	}
	for _, test := range []struct {
		name   string
		change func(*roster.NotificationForm)
		want   string
	}{
		{"as it should be", func(*roster.NotificationForm) {}, ""},
		{"with an image", image("https://example.com/alert.png?size=2#x"), ""},
		{"as long as can be", func(f *roster.NotificationForm) {
			f.Title, f.Body = strings.Repeat("é", 128), strings.Repeat("日", 1024)
			f.ImageURL = "https://example.com/" + strings.Repeat("a", 2028)
		}, ""},
		{"in lines, with signs", func(f *roster.NotificationForm) { f.Body = "one\n\ttwo <b>👩‍🚒</b> / \\" }, ""},
		{"too long", func(f *roster.NotificationForm) {
			f.Title, f.Body = strings.Repeat("é", 129), strings.Repeat("日", 1025)
			f.ImageURL = "https://example.com/" + strings.Repeat("a", 2029)
		}, noTitle + "; " + noBody + "; imageUrl must have at most 2048 bytes"},
		{"empty", func(f *roster.NotificationForm) { *f = roster.NotificationForm{} }, "user must be between 1 and 9007199254740991; " + noTitle + "; " + noBody},
		{"blank", func(f *roster.NotificationForm) { f.Title, f.Body = "  ", "\n\u00a0" }, "title must not be blank; body must not be blank"},
		{"a bell", func(f *roster.NotificationForm) { f.Body = "ding\a" }, "body must not contain control characters"},
		{"not UTF-8", func(f *roster.NotificationForm) { f.Title = "\xff" }, "title must be valid UTF-8"},
		{"an id that is too large", func(f *roster.NotificationForm) { f.User = roster.MaxUserID + 1 }, "user must be between 1 and 9007199254740991"},
		{"http", image("http://example.com/a.png"), noImage},
		{"no scheme", image("//example.com/a.png"), noImage},
		{"a script", image("javascript:alert(1)"), noImage},
		{"data", image("data:image/png;base64,AAAA"), noImage},
		{"no host", image("https:///a.png"), noImage},
		{"only a port", image("https://:443/a.png"), noImage},
		{"a password", image("https://jane:secret@example.com/a.png"), noImage},
		{"a space", image("https://example.com/a b.png"), noImage},
		{"a line break", image("https://example.com/a\nb.png"), noImage},
		{"an escape that is none", image("https://example.com/%zz"), noImage},
		{"what the dialect found", func(f *roster.NotificationForm) {
			f.User, f.Broken = 0, roster.FieldErrors{{Field: "user", Message: "must be a number"}}
		}, "user must be a number"},
	} {
		form := roster.NotificationForm{User: 42, Title: "Device Alert", Body: "It is hot"}
		test.change(&form)
		if got := rules(form.Validate()); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestDeviceForm(t *testing.T) {
	const badToken, noPlatform = "token must have at most 4096 visible ASCII characters", "platform must be FCM, APNS or APNS_SANDBOX"
	for _, test := range []struct {
		name   string
		change func(*roster.DeviceForm)
		want   string
	}{
		{"as it should be", func(*roster.DeviceForm) {}, ""},
		{"another platform, and a name", func(f *roster.DeviceForm) { f.Platform, f.Name = roster.PlatformAPNSSandbox, "Jane's phone 📱" }, ""},
		{"a token as long as can be", func(f *roster.DeviceForm) { f.Token = strings.Repeat("~", 4096) }, ""},
		{"a token that is too long", func(f *roster.DeviceForm) { f.Token = strings.Repeat("a", 4097) }, badToken},
		{"no token", func(f *roster.DeviceForm) { f.Token = "" }, "token is required"},
		{"a space in the token", func(f *roster.DeviceForm) { f.Token = "a b" }, badToken},
		{"a token that is not ASCII", func(f *roster.DeviceForm) { f.Token = "é" }, badToken},
		{"no platform", func(f *roster.DeviceForm) { f.Platform = 0 }, noPlatform},
		{"an unknown platform", func(f *roster.DeviceForm) { f.Platform = 9 }, noPlatform},
		{"a name that is too long", func(f *roster.DeviceForm) { f.Name = strings.Repeat("a", 101) }, "deviceName must have at most 100 characters"},
		{"a name in lines", func(f *roster.DeviceForm) { f.Name = "a\nb" }, "deviceName must not contain control or invisible characters"},
		{"what the dialect found", func(f *roster.DeviceForm) {
			f.Platform, f.Broken = 0, roster.FieldErrors{{Field: "platform", Message: "must be a string"}}
		}, "platform must be a string"},
	} {
		form := roster.DeviceForm{Token: "token-1", Platform: roster.PlatformFCM}
		test.change(&form)
		if got := rules(form.Validate()); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
