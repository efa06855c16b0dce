package roster

import (
	"crypto/ecdh"
	"encoding/hex"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The field rules, in characters unless they say otherwise. Dialects may be narrower, never wider.
const (
	MaxName         = 100
	MaxShortText    = 100 // nickname, user name, title, department and their like
	MaxEmailBytes   = 254 // RFC 5321, section 4.5.3.1.3, less the angle brackets
	MaxOrgName      = 100
	MinPassword     = 8
	MaxPassword     = 128
	maxAddress      = 512
	maxCountry      = 74
	maxCity         = 50
	maxState        = 40
	maxZip          = 12
	maxRoles        = 20
	maxListEntries  = 1000
	maxIdentityText = 256
	// maxIdentities lets a user move with all of them: a transfer gives up and takes a claim for each, in one transaction of
	// at most 100 writes.
	maxIdentities = 45
)

var (
	phonePattern  = regexp.MustCompile(`^\+[0-9]{7,15}$`)
	localePattern = regexp.MustCompile(`^[a-z]{2}_[A-Z]{2}$`)
)

// Validate reports every field rule that the user breaks, as one KindInvalid error. It does not look at anything outside
// the user: whether the organization and roles exist and the address is free is for package directory.
func (u *User) Validate() error {
	var errs FieldErrors
	if u.ID < 1 || u.ID > MaxUserID {
		errs.Add("id", "must be between 1 and "+MaxUserID.String())
	}
	if len(u.Path) == 0 {
		errs.Add("organization", "is required")
	}
	CheckEmail(&errs, "email", u.Email)
	CheckText(&errs, "name", u.Name, 1, MaxName)
	for _, f := range []struct {
		field, value string
		max          int
	}{
		{"givenName", u.GivenName, MaxName},
		{"familyName", u.FamilyName, MaxName},
		{"nickname", u.Nickname, MaxShortText},
		{"username", u.Username, MaxShortText},
		{"title", u.Title, MaxShortText},
		{"seniority", u.Seniority, MaxShortText},
		{"department", u.Department, MaxShortText},
		{"office", u.Office, MaxShortText},
		{"subdepartment", u.Subdepartment, MaxShortText},
		{"pod", u.Pod, MaxShortText},
		{"deviceUserId", u.DeviceUserID, MaxShortText},
		{"publicKey", u.PublicKey, 200},
		{"address.full", u.Address.Full, maxAddress},
		{"address.country", u.Address.Country, maxCountry},
		{"address.city", u.Address.City, maxCity},
		{"address.state", u.Address.State, maxState},
		{"address.zip", u.Address.Zip, maxZip},
	} {
		CheckText(&errs, f.field, f.value, 0, f.max)
	}
	CheckPhoneNumber(&errs, "phoneNumber", u.PhoneNumber)
	CheckLocale(&errs, "locale", u.Locale)
	CheckTimeZone(&errs, "timeZone", u.TimeZone)
	checkRoles(&errs, u.Roles)
	if s := u.Status; s != StatusActive && s != StatusPending && s != StatusSuspended {
		errs.Add("status", "must be Active, Pending or Suspended")
	}
	if u.DeviceCount < 0 {
		errs.Add("deviceCount", "must not be negative")
	}
	if len(u.Groups) > maxListEntries {
		errs.Add("groups", "must hold at most "+strconv.Itoa(maxListEntries)+" groups")
	}
	checkDelegates(&errs, u.ID, u.Delegates)
	checkIdentities(&errs, u.Identities)
	return errs.Err()
}

// Validate reports every field rule that the organization breaks, as one KindInvalid error.
func (o *Organization) Validate() error {
	var errs FieldErrors
	if o.ID < 1 {
		errs.Add("id", "must be positive")
	}
	CheckText(&errs, "name", o.Name, 1, MaxOrgName)
	if len(o.Path) == 0 || len(o.Path) > MaxDepth {
		errs.Add("path", "must hold 1 to "+strconv.Itoa(MaxDepth)+" organizations")
	} else if o.Path.Last() != o.ID || o.Path[0] != o.Tenant.Root() {
		errs.Add("path", "must lead from the tenant's root to the organization")
	}
	return errs.Err()
}

// CheckText notes under field if text has fewer than least or more than most characters, or holds what no text field may
// hold: invalid UTF-8 and control characters.
func CheckText(errs *FieldErrors, field, text string, least, most int) {
	if !utf8.ValidString(text) {
		errs.Add(field, "must be valid UTF-8")
		return
	}
	if n := utf8.RuneCountInString(text); n < least || n > most {
		if least > 0 {
			errs.Add(field, "must have "+strconv.Itoa(least)+" to "+strconv.Itoa(most)+" characters")
		} else {
			errs.Add(field, "must have at most "+strconv.Itoa(most)+" characters")
		}
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		errs.Add(field, "must not contain control characters")
	}
}

// maxLocalPart is the largest length of what is before the @ of an e-mail address, in bytes (RFC 5321, section 4.5.3.1.1).
const maxLocalPart = 64

// CheckEmail notes under field if e is not an e-mail address: an addr-spec (RFC 5322, section 3.4.1) of at most
// MaxEmailBytes bytes, with a domain. Letters of any script are allowed (RFC 6531), tricks with them are not: see
// CheckLookAlikes.
func CheckEmail(errs *FieldErrors, field string, e Email) {
	s := string(e)
	if s == "" {
		errs.Add(field, "is required")
		return
	}
	if len(s) > MaxEmailBytes {
		errs.Add(field, "must have at most "+strconv.Itoa(MaxEmailBytes)+" bytes")
		return
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s || parsed.Name != "" || strings.ContainsFunc(s, isSpaceOrControl) || strings.LastIndexByte(s, '@') > maxLocalPart {
		errs.Add(field, "must be an e-mail address")
		return
	}
	CheckLookAlikes(errs, field, s)
}

// CheckPublicKey notes under field if key is not a point of P-256 in the uncompressed form (SEC 1, section 2.3.3) in hexadecimal
// digits: 04 and both coordinates.
func CheckPublicKey(errs *FieldErrors, field, key string) {
	point, err := hex.DecodeString(key)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(point) // takes no other form, and no point that is not on the curve
	}
	if err != nil {
		errs.Add(field, "must be a point of P-256 in 130 hexadecimal digits, of which the first two are 04")
	}
}

// CheckPhoneNumber notes under field if number is neither empty nor in E.164 form.
func CheckPhoneNumber(errs *FieldErrors, field, number string) {
	if number != "" && !phonePattern.MatchString(number) {
		errs.Add(field, "must be a plus sign and 7 to 15 digits")
	}
}

// CheckLocale notes under field if locale is neither empty nor a language (ISO 639-1) and a region (ISO 3166-1 alpha-2).
func CheckLocale(errs *FieldErrors, field, locale string) {
	if locale != "" && !localePattern.MatchString(locale) {
		errs.Add(field, "must be a language and a region, such as en_US")
	}
}

// CheckTimeZone notes under field if name is neither empty nor a name of the IANA time zone database.
func CheckTimeZone(errs *FieldErrors, field, name string) {
	if name != "" && !isZone(name) {
		errs.Add(field, "must be a name of the IANA time zone database")
	}
}

// CheckPassword notes under field if a new password is too short or too long (NIST SP 800-63B, section 5.1.1.2: at least
// 8 characters, any characters).
func CheckPassword(errs *FieldErrors, field, password string) {
	if n := utf8.RuneCountInString(password); !utf8.ValidString(password) || n < MinPassword || n > MaxPassword {
		errs.Add(field, "must have "+strconv.Itoa(MinPassword)+" to "+strconv.Itoa(MaxPassword)+" characters")
	}
}

// SplitName derives the given and family names from a full name: the last word is the family name.
func SplitName(name string) (given, family string) {
	name = strings.TrimSpace(name)
	if i := strings.LastIndexByte(name, ' '); i > 0 {
		return strings.TrimSpace(name[:i]), name[i+1:]
	}
	return name, ""
}

// JoinName derives the full name from given and family names.
func JoinName(given, family string) string {
	return strings.TrimSpace(given + " " + family)
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
