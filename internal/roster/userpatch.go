package roster

import (
	"slices"
	"strconv"
	"strings"
)

// UserPatch is a form. It says what is to become of a user: what is nil stays as it is.
type UserPatch struct {
	User  UserID
	Email *Email
	// GivenName and FamilyName make the full name too.
	GivenName, FamilyName *string
	Nickname, Title       *string
	Seniority, Department *string
	Office, Subdepartment *string
	Pod                   *string
	// Roles replaces the roles. Not all of them can be taken away.
	Roles *[]RoleID
	// Delegates replaces the delegates. DelegateIDs does too, and lets those who stay keep their permissions: of the two at
	// most one is given.
	Delegates   *[]Delegate
	DelegateIDs *[]UserID
	// Identities replaces the identities.
	Identities *[]Identity

	Broken FieldErrors
}

// Validate reports every rule that the patch breaks. A list of which Broken has a part is not looked at: it is not all there.
func (f *UserPatch) Validate() error {
	var errs FieldErrors
	CheckUserID(&errs, f.User)
	if f.Email != nil {
		CheckEmail(&errs, "email", *f.Email)
	}
	for _, t := range []struct {
		field string
		value *string
		most  int
		name  bool
	}{
		{"givenName", f.GivenName, MaxName, true},
		{"familyName", f.FamilyName, MaxName, true},
		{"nickname", f.Nickname, MaxShortText, true},
		{"title", f.Title, MaxShortText, false},
		{"seniority", f.Seniority, MaxShortText, false},
		{"department", f.Department, MaxShortText, false},
		{"office", f.Office, MaxShortText, false},
		{"subdepartment", f.Subdepartment, MaxShortText, false},
		{"pod", f.Pod, MaxShortText, false},
	} {
		if t.value == nil {
			continue
		}
		var found FieldErrors
		CheckLine(&found, t.field, *t.value, t.most)
		if t.name {
			CheckLookAlikes(&found, t.field, *t.value)
		}
		errs.addNew(found)
	}
	if f.Roles != nil && !f.broken("roles") {
		checkRoles(&errs, *f.Roles)
	}
	if delegates, replaced := f.delegates(nil); replaced && !f.broken("delegates") {
		checkDelegates(&errs, f.User, delegates)
	}
	if f.Delegates != nil && f.DelegateIDs != nil {
		errs.Add("delegates", "must be given in one way")
	}
	if f.Identities != nil && !f.broken("identities") {
		checkIdentities(&errs, *f.Identities)
	}
	return merge(f.Broken, errs).Err()
}

// broken reports whether something is known to be wrong with a part of the list, such as roles[2].
func (f *UserPatch) broken(list string) bool {
	return slices.ContainsFunc(f.Broken, func(e FieldError) bool { return strings.HasPrefix(e.Field, list) })
}

// checkRoles notes what is wrong with a user's roles.
func checkRoles(errs *FieldErrors, roles []RoleID) {
	var found FieldErrors
	if len(roles) < 1 || len(roles) > maxRoles {
		found.Add("roles", "must hold 1 to "+strconv.Itoa(maxRoles)+" roles")
	}
	for i, r := range roles {
		if r < 1 {
			found.Add("roles", "must be positive")
		}
		for _, earlier := range roles[:min(i, maxRoles)] {
			if earlier == r {
				found.Add("roles", "must not hold a role twice")
			}
		}
	}
	errs.addNew(found)
}

// Apply returns what a valid patch makes of the user, and whether that is any different. Names that are each right but too
// long or too short together are a KindInvalid error.
func (f *UserPatch) Apply(before *User) (after User, changes bool, err error) {
	after = *before
	if f.Email != nil && *f.Email != before.Email {
		after.Email, changes = *f.Email, true
	}
	renamed := false
	set(&after.GivenName, f.GivenName, &renamed)
	set(&after.FamilyName, f.FamilyName, &renamed)
	set(&after.Nickname, f.Nickname, &changes)
	set(&after.Title, f.Title, &changes)
	set(&after.Seniority, f.Seniority, &changes)
	set(&after.Department, f.Department, &changes)
	set(&after.Office, f.Office, &changes)
	set(&after.Subdepartment, f.Subdepartment, &changes)
	set(&after.Pod, f.Pod, &changes)
	if renamed {
		changes = true
		after.Name = JoinName(after.GivenName, after.FamilyName)
		if err := f.checkName(after.Name); err != nil {
			return User{}, false, err
		}
	}
	if f.Roles != nil && !slices.Equal(*f.Roles, before.Roles) {
		after.Roles, changes = *f.Roles, true
	}
	if delegates, replaced := f.delegates(before.Delegates); replaced && !slices.EqualFunc(delegates, before.Delegates, Delegate.Same) {
		after.Delegates, changes = delegates, true
	}
	if f.Identities != nil && !slices.Equal(*f.Identities, before.Identities) {
		after.Identities, changes = *f.Identities, true
	}
	return *after.Clone(), changes, nil // which shares no memory with before or the patch
}

// set sets a text that is given, and notes if that changes it.
func set(text, given *string, changes *bool) {
	if given != nil && *given != *text {
		*text, *changes = *given, true
	}
}

// checkName reports what is wrong with the full name that the patch makes, by a field that it has.
func (f *UserPatch) checkName(name string) error {
	field := "givenName"
	if f.GivenName == nil {
		field = "familyName"
	}
	var errs FieldErrors
	CheckText(&errs, field, name, 1, MaxName)
	if len(errs) > 0 {
		return Invalid(field, "must make a full name of 1 to "+strconv.Itoa(MaxName)+" characters")
	}
	return nil
}

// delegates returns the delegates that the patch puts in the place of before, if it does.
func (f *UserPatch) delegates(before []Delegate) (delegates []Delegate, replaced bool) {
	switch {
	case f.DelegateIDs != nil:
		had := make(map[UserID][]string, len(before))
		for _, d := range before {
			had[d.User] = d.Permissions
		}
		for _, id := range *f.DelegateIDs {
			delegates = append(delegates, Delegate{User: id, Permissions: had[id]})
		}
		return delegates, true
	case f.Delegates != nil:
		return *f.Delegates, true
	default:
		return nil, false
	}
}
