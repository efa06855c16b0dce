package roster

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of a push message, in characters, and of what identifies a device, in bytes.
const (
	MaxNotificationTitle = 128
	MaxNotificationBody  = 1024
	MaxImageURL          = 2048
	MaxDeviceToken       = 4096
	MaxDeviceName        = 100
)

// InvitationForm is the invitation of a person into an organization that stands.
type InvitationForm struct {
	Email Email
	Name  string
	Role  RoleID
	// Organization is zero for the caller's own.
	Organization OrgID
	Locale       string

	Broken FieldErrors
}

// Validate reports every rule that the form breaks.
func (f *InvitationForm) Validate() error {
	var errs FieldErrors
	CheckEmail(&errs, "email", f.Email)
	CheckInvitedName(&errs, "name", f.Name)
	checkRoleID(&errs, f.Role)
	if f.Organization < 0 {
		errs.Add("organization", "must be positive")
	}
	CheckLocale(&errs, "locale", f.Locale)
	return merge(f.Broken, errs).Err()
}

// CheckInvitedName notes under field what is wrong with the name of somebody who is invited: 1 to 50 characters, none of which is
// a slash, a backslash, < or > (CONTRACT 1.4), cannot be seen, or plays tricks (see CheckLookAlikes).
func CheckInvitedName(errs *FieldErrors, field, name string) {
	if !utf8.ValidString(name) {
		errs.Add(field, "must be valid UTF-8")
		return
	}
	if n := utf8.RuneCountInString(name); n < 1 || n > MaxPersonName {
		errs.Add(field, "must have 1 to "+strconv.Itoa(MaxPersonName)+" characters")
	}
	if strings.ContainsAny(name, `/\<>`) {
		errs.Add(field, "must not contain slashes, backslashes, < and >")
	}
	CheckLookAlikes(errs, field, name)
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		errs.Add(field, "must have at least one letter")
	}
}

// MailForm asks for a mail with a link to an address: to sign up, or to set a new password.
type MailForm struct {
	Email  Email
	Locale string

	Broken FieldErrors
}

// Validate reports every rule that the form breaks.
func (f *MailForm) Validate() error {
	var errs FieldErrors
	CheckEmail(&errs, "email", f.Email)
	CheckLocale(&errs, "locale", f.Locale)
	return merge(f.Broken, errs).Err()
}

// AcceptanceForm is what somebody says who follows the link of an invitation. Which of it is needed depends on the purpose:
// a password always, a name unless it is for a reset, an organization's name for a sign-up if it is to be another than the one
// that the person's name makes.
type AcceptanceForm struct {
	Name             string
	Password         string
	OrganizationName string

	Broken FieldErrors
}

// Validate reports every rule that the form breaks when it accepts an invitation for that purpose.
func (f *AcceptanceForm) Validate(purpose Purpose) error {
	var errs FieldErrors
	switch purpose {
	case PurposeInvite:
		CheckInvitedName(&errs, "name", f.Name)
	case PurposeSignUp:
		CheckPersonName(&errs, "name", f.Name)
		if f.OrganizationName != "" {
			CheckOrganizationName(&errs, "organizationName", f.OrganizationName)
		}
	}
	CheckPassword(&errs, "password", f.Password)
	return merge(f.Broken, errs).Err()
}

// PasswordForm is the change of one's own password.
type PasswordForm struct {
	Old, New string

	Broken FieldErrors
}

// Validate reports every rule that the form breaks.
func (f *PasswordForm) Validate() error {
	var errs FieldErrors
	if f.Old == "" {
		errs.Add("oldPassword", "is required")
	}
	CheckPassword(&errs, "newPassword", f.New)
	if f.New != "" && f.New == f.Old {
		errs.Add("newPassword", "must not be the old one")
	}
	return merge(f.Broken, errs).Err()
}

// NotificationForm is a push message to a user.
type NotificationForm struct {
	User     UserID
	Title    string
	Body     string
	ImageURL string

	Broken FieldErrors
}

// Validate reports every rule that the form breaks.
func (f *NotificationForm) Validate() error {
	var errs FieldErrors
	CheckUserID(&errs, f.User)
	checkMessage(&errs, "title", f.Title, MaxNotificationTitle)
	checkMessage(&errs, "body", f.Body, MaxNotificationBody)
	checkImageURL(&errs, f.ImageURL)
	return merge(f.Broken, errs).Err()
}

// checkMessage checks a text that a phone shows: all kinds of characters and lines, but not only spaces.
func checkMessage(errs *FieldErrors, field, text string, most int) {
	if !utf8.ValidString(text) {
		errs.Add(field, "must be valid UTF-8")
		return
	}
	if n := utf8.RuneCountInString(text); n < 1 || n > most {
		errs.Add(field, "must have 1 to "+strconv.Itoa(most)+" characters")
		return
	}
	if strings.TrimSpace(text) == "" {
		errs.Add(field, "must not be blank")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		errs.Add(field, "must not contain control characters")
	}
}

func checkImageURL(errs *FieldErrors, text string) {
	if text == "" {
		return
	}
	if len(text) > MaxImageURL {
		errs.Add("imageUrl", "must have at most "+strconv.Itoa(MaxImageURL)+" bytes")
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsFunc(text, isSpaceOrControl) {
		errs.Add("imageUrl", "must be an https address")
	}
}

// DeviceForm is the registration of a device of the caller's for push messages.
type DeviceForm struct {
	// Token is what the platform gave to the app.
	Token    string
	Platform Platform
	Name     string

	Broken FieldErrors
}

// Validate reports every rule that the form breaks.
func (f *DeviceForm) Validate() error {
	var errs FieldErrors
	if f.Token == "" {
		errs.Add("token", "is required")
	} else if len(f.Token) > MaxDeviceToken || strings.ContainsFunc(f.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs.Add("token", "must have at most "+strconv.Itoa(MaxDeviceToken)+" visible ASCII characters")
	}
	if f.Platform.String() == "" {
		errs.Add("platform", "must be FCM, APNS or APNS_SANDBOX")
	}
	CheckLine(&errs, "deviceName", f.Name, MaxDeviceName)
	return merge(f.Broken, errs).Err()
}
