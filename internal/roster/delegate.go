package roster

import (
	"slices"
	"strconv"
	"strings"
)

// Delegate is a user who may act on another user's data, and how far.
type Delegate struct {
	User UserID
	// Permissions are claims, which mean something to the programs that act for delegates; here they are text.
	Permissions []string
}

// Same reports whether two delegates are the same user with the same permissions.
func (d Delegate) Same(as Delegate) bool {
	return d.User == as.User && slices.Equal(d.Permissions, as.Permissions)
}

const (
	maxDelegates = maxListEntries
	maxClaim     = 100
	// maxDelegateClaims bounds the claims of all delegates of one user, in bytes as they are stored: a user with everything
	// else at its largest still fits into an item of 400 KB.
	maxDelegateClaims = 200_000
	storedClaim       = 4 // bytes that a claim takes beside its text
)

// checkDelegates notes what is wrong with the delegates of the user of that id, each rule once.
func checkDelegates(errs *FieldErrors, of UserID, delegates []Delegate) {
	if len(delegates) > maxDelegates {
		errs.Add("delegates", "must hold at most "+strconv.Itoa(maxDelegates)+" delegates")
		return
	}
	var found FieldErrors
	seen := make(map[UserID]bool, len(delegates))
	bytes := 0
	for _, d := range delegates {
		if d.User < 1 || d.User > MaxUserID || d.User == of {
			found.Add("delegates", "must be other users")
		}
		if seen[d.User] {
			found.Add("delegates", "must not hold a user twice")
		}
		seen[d.User] = true
		for _, claim := range d.Permissions {
			bytes += len(claim) + storedClaim
			if !possibleClaim(claim) {
				found.Add("delegates", "must have permissions that are claims of 1 to "+strconv.Itoa(maxClaim)+" letters, digits and signs, without spaces")
			}
		}
	}
	if bytes > maxDelegateClaims {
		found.Add("delegates", "must have fewer permissions: so many do not fit")
	}
	errs.addNew(found)
}

// possibleClaim reports whether text can be a claim, such as identity:users:read:own: visible ASCII.
func possibleClaim(text string) bool {
	return text != "" && len(text) <= maxClaim && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
