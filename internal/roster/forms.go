package roster

import (
	"slices"
	"strings"
)

// The forms are what callers of all dialects hand in. A form's Validate reports every rule that it breaks, by the core's
// name of the field, as one KindInvalid error; whether what it refers to exists is for package directory.
//
// A dialect that found something wrong while it read the request, such as a number where text should be, notes that in
// Broken, so that one answer names everything. Of a field that is noted there nothing more is said.

// NewUserForm is what a caller says of a person for whom an account is to be made.
type NewUserForm struct {
	Email       Email
	Password    string
	Name        string
	Title       string
	Nickname    string
	PhoneNumber string
	TimeZone    string
	Locale      string
	Address     Address

	Broken FieldErrors
}

// Validate reports every rule that the form breaks.
func (f *NewUserForm) Validate() error { return f.check().Err() }

func (f *NewUserForm) check() FieldErrors {
	var errs FieldErrors
	CheckEmail(&errs, "email", f.Email)
	CheckPassword(&errs, "password", f.Password)
	CheckPersonName(&errs, "name", f.Name)
	if f.Title != "" {
		CheckTitle(&errs, "title", f.Title)
	}
	if f.Nickname != "" {
		CheckNickname(&errs, "nickname", f.Nickname)
	}
	CheckPhoneNumber(&errs, "phoneNumber", f.PhoneNumber)
	CheckTimeZone(&errs, "timeZone", f.TimeZone)
	CheckLocale(&errs, "locale", f.Locale)
	CheckLine(&errs, "address.full", f.Address.Full, maxAddress)
	CheckLine(&errs, "address.country", f.Address.Country, maxCountry)
	CheckLine(&errs, "address.city", f.Address.City, maxCity)
	CheckLine(&errs, "address.state", f.Address.State, maxState)
	CheckLine(&errs, "address.zip", f.Address.Zip, maxZip)
	return merge(f.Broken, errs)
}

// User returns the user that the form describes, Active, without tenant, place, roles, id and times.
func (f *NewUserForm) User() User {
	given, family := SplitName(f.Name)
	return User{
		Email: f.Email, Name: f.Name, GivenName: given, FamilyName: family, Nickname: f.Nickname, Title: f.Title,
		PhoneNumber: f.PhoneNumber, TimeZone: f.TimeZone, Locale: f.Locale, Address: f.Address, Status: StatusActive,
	}
}

// NewMemberForm is a new user of an organization that stands.
type NewMemberForm struct {
	NewUserForm
	Organization OrgID
	Role         RoleID
}

// Validate reports every rule that the form breaks.
func (f *NewMemberForm) Validate() error {
	errs := f.check()
	var own FieldErrors
	checkOrganizationID(&own, f.Organization)
	checkRoleID(&own, f.Role)
	return merge(errs, own).Err()
}

// NewOwnerForm is a new user with an organization of its own.
type NewOwnerForm struct {
	NewUserForm
	// OrganizationName is the new organization's name; where it is empty, the user's name makes one.
	OrganizationName string
}

// Validate reports every rule that the form breaks.
func (f *NewOwnerForm) Validate() error {
	errs := f.check()
	var own FieldErrors
	if f.OrganizationName != "" {
		CheckOrganizationName(&own, "organizationName", f.OrganizationName)
	}
	return merge(errs, own).Err()
}

// NameOfOrganization returns the name of the organization that the form asks for.
func (f *NewOwnerForm) NameOfOrganization() string {
	if f.OrganizationName != "" {
		return f.OrganizationName
	}
	return f.Name + "'s organization"
}

// NewOrganizationForm is a new organization.
type NewOrganizationForm struct {
	Name string
	// Parent is the organization to put it under; zero for the caller's own.
	Parent OrgID

	Broken FieldErrors
}

// Validate reports every rule that the form breaks.
func (f *NewOrganizationForm) Validate() error {
	var errs FieldErrors
	CheckOrganizationName(&errs, "name", f.Name)
	if f.Parent < 0 {
		errs.Add("parent", "must be positive")
	}
	return merge(f.Broken, errs).Err()
}

// TransferForm is the move of a user to another organization, with the role that it has there.
type TransferForm struct {
	User         UserID
	Organization OrgID
	Role         RoleID

	Broken FieldErrors
}

// Validate reports every rule that the form breaks.
func (f *TransferForm) Validate() error {
	var errs FieldErrors
	CheckUserID(&errs, f.User)
	checkOrganizationID(&errs, f.Organization)
	checkRoleID(&errs, f.Role)
	return merge(f.Broken, errs).Err()
}

// StatusForm is the suspension of a user, or its end.
type StatusForm struct {
	User UserID
	// Status is StatusActive or StatusSuspended.
	Status Status

	Broken FieldErrors
}

// Validate reports every rule that the form breaks.
func (f *StatusForm) Validate() error {
	var errs FieldErrors
	CheckUserID(&errs, f.User)
	if f.Status != StatusActive && f.Status != StatusSuspended {
		errs.Add("status", "must be Active or Suspended")
	}
	return merge(f.Broken, errs).Err()
}

// CheckUserID notes under the field user if id cannot be a user's.
func CheckUserID(errs *FieldErrors, id UserID) {
	if id < 1 || id > MaxUserID {
		errs.Add("user", "must be between 1 and "+MaxUserID.String())
	}
}

func checkOrganizationID(errs *FieldErrors, id OrgID) {
	if id < 1 {
		errs.Add("organization", "must be positive")
	}
}

func checkRoleID(errs *FieldErrors, id RoleID) {
	if id < 1 {
		errs.Add("role", "must be positive")
	}
}

// merge returns the broken rules of both lists, but those in more that are about a field, or a part of a field, that broken
// has already.
func merge(broken, more FieldErrors) FieldErrors {
	all := slices.Clone(broken)
	for _, e := range more {
		if !slices.ContainsFunc(broken, func(b FieldError) bool { return b.Field == e.Field || strings.HasPrefix(e.Field, b.Field+".") }) {
			all = append(all, e)
		}
	}
	return all
}
