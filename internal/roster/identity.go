package roster

import (
	"slices"
	"strconv"
	"strings"
)

// Identity is a name by which another system knows a user, unique per organization by type and value.
type Identity struct {
	// Type is one of IdentityTypes.
	Type  string
	Value string
}

// IdentityTypes returns the types that an identity can have, in alphabetical order: each names another system.
func IdentityTypes() []string {
	return []string{
		"aderant", "auth0", "azure", "cisco-cdr", "cisco-webex", "elite", "email", "exchange", "external-billing-system",
		"google", "intercom", "juris", "mixpanel", "phone", "phone-extension", "ringcentral", "salesforce", "segment",
		"user-principal-name", "vitally", "walls", "zendesk", "zoom",
	}
}

// Validate reports every rule that the identity breaks.
func (i Identity) Validate() error {
	var errs FieldErrors
	i.check(&errs, "type", "value")
	return errs.Err()
}

func (i Identity) check(errs *FieldErrors, typeField, valueField string) {
	if types := IdentityTypes(); !slices.Contains(types, i.Type) {
		errs.Add(typeField, "must be one of "+strings.Join(types, ", "))
	}
	CheckText(errs, valueField, i.Value, 1, maxIdentityText)
	if len(i.Value) > maxIdentityBytes {
		errs.Add(valueField, "must have at most "+strconv.Itoa(maxIdentityBytes)+" bytes")
	}
}

// maxIdentityBytes lets the name of an identity, of which the value is a part with some of its characters escaped, be a key of
// the table and of its indexes, which take 1024 bytes.
const maxIdentityBytes = 800

// checkIdentities notes what is wrong with all identities of a user, each rule once.
func checkIdentities(errs *FieldErrors, identities []Identity) {
	if len(identities) > maxIdentities {
		errs.Add("identities", "must hold at most "+strconv.Itoa(maxIdentities)+" identities")
		return
	}
	var found FieldErrors
	seen := make(map[Identity]bool, len(identities))
	for _, i := range identities {
		i.check(&found, "identities.type", "identities.value")
		if seen[i] {
			found.Add("identities", "must not hold an identity twice")
		}
		seen[i] = true
	}
	errs.addNew(found)
}

// addNew notes those rules that are not noted yet.
func (f *FieldErrors) addNew(more FieldErrors) {
	for _, e := range more {
		if !slices.Contains(*f, e) {
			*f = append(*f, e)
		}
	}
}
