package invitations

import (
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
)

// The fields of the form, by the core's names.
const (
	fieldName         = "name"
	fieldPassword     = "password"
	fieldOrganization = "organizationName"
)

// mustBeOnce is what package api says of a field of JSON that is given twice.
const mustBeOnce = "must be given once"

// rule is a message of the core in the reader's language.
func (t *texts) rule(broken roster.FieldError, form *roster.AcceptanceForm) string {
	switch broken.Message {
	case mustBeOnce:
		return t.Twice
	case "must be valid UTF-8", "must be valid Unicode text":
		return t.NotUnicode
	case "must not contain control or invisible characters":
		return t.Invisible
	case "must not contain stylized letters, such as full-width or mathematical ones":
		return t.LookAlike
	case "must not mix letters of different scripts in one word":
		return t.Mixed
	case "must have at least one letter":
		return t.LetterMissing
	case "must not contain slashes, backslashes, < and >":
		return t.NameSigns
	case "must consist of letters, hyphens, spaces, dots and apostrophes":
		return t.NameLetters
	case "must consist of letters, digits, spaces, dots, hyphens and apostrophes":
		return t.OrganizationLetters
	}
	var least, most int
	if n, err := fmt.Sscanf(broken.Message, "must have %d to %d characters", &least, &most); n == 2 && err == nil {
		switch broken.Field {
		case fieldName:
			if form.Name == "" {
				return t.NameMissing
			}
			return bounds(t.NameLength, least, most)
		case fieldPassword:
			if form.Password == "" {
				return t.PasswordMissing
			}
			return bounds(t.PasswordLength, least, most)
		case fieldOrganization:
			return bounds(t.OrganizationLength, least, most)
		}
	}
	// A rule that the page does not know, in the core's own words.
	return broken.Field + " " + broken.Message
}
