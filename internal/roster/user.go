package roster

import (
	"slices"
	"strings"
	"time"
)

// User is a person or service in one organization of one tenant. It carries what all four dialects show and sort on;
// secrets (the password hash) are never part of it, see Credential. Times are UTC with millisecond precision; a zero
// time means "never". Absent text is the empty string.
type User struct {
	Tenant TenantID
	ID     UserID
	// Path is where the user stands: the ids from the tenant's root organization down to the user's own, never empty.
	// Organizations never move, so the path changes only when the user is transferred.
	Path OrgPath

	Email Email
	// EmailBounced says that mail to the address came back for good, EmailComplained that its owner has reported mail from
	// here as unwanted. Both are about Email as it is: a new address has neither, and using a link that was mailed to the
	// address ends them.
	EmailBounced    bool
	EmailComplained bool
	// Name is the full name. GivenName and FamilyName are kept beside it: writing one form derives the other.
	Name       string
	GivenName  string
	FamilyName string
	Nickname   string
	Username   string
	Title      string
	// PhoneNumber is in E.164 form, such as +11234567890.
	PhoneNumber string
	Address     Address
	// TimeZone is a name of the IANA time zone database, such as Europe/Kyiv.
	TimeZone string
	// Locale is a language and a region, such as en_US.
	Locale string

	// Roles is never empty; the first is the user's main role, the only one that dialects with a single role show.
	Roles  []RoleID
	Status Status

	// Developer and DarkMode are preferences of the user's own screens.
	Developer bool
	DarkMode  bool
	// DeviceCount is the number of push devices registered for the user.
	DeviceCount int

	Seniority     string
	Department    string
	Office        string
	Subdepartment string
	Pod           string
	Groups        []GroupID
	SuperDelegate bool
	// SuperDelegatePermissions are claims a super delegate holds over every user of the tenant.
	SuperDelegatePermissions []string
	// Delegates are the users who may act on this user's data; the reverse view is derived, never stored.
	Delegates  []Delegate
	Identities []Identity

	DeviceType DeviceType
	// DeviceUserID is the id of the user on a security device; empty for API users.
	DeviceUserID string
	// PublicKey is an uncompressed P-256 point in hex.
	PublicKey string
	// ViewAll lets an operator see the whole workspace.
	ViewAll bool

	LoginViaBadge    bool
	DefaultWarehouse WarehouseID

	CreatedAt time.Time
	// UpdatedAt is when somebody last changed what the user's record says; a login does not count.
	UpdatedAt time.Time
	// RegisteredAt is when the person took up the account; zero while the user is Pending.
	RegisteredAt time.Time
	LastLoginAt  time.Time
	// DeletedAt is set on a soft-deleted user. Such a user is gone for every dialect but those that ask for deleted
	// ones, and disappears for good at ExpiresAt.
	DeletedAt time.Time
	ExpiresAt time.Time

	Revision Revision
}

// Revision says which writing of an item this is and who made it.
type Revision struct {
	// Version counts the writes of one item from 1 up; it is what optimistic updates compare.
	Version int64
	// ChangedAt places the write in the change feed. It never goes backwards for one item.
	ChangedAt time.Time
	Stamp     Stamp
}

// Stamp says who changed something, by which way, and in which request. Every write carries one.
type Stamp struct {
	// By names the actor: user:<id>, client:<id>, or a tool such as rosterctl.
	By string
	// Via names the way in: a dialect, or a tool.
	Via string
	// RequestID is the gateway's request id, where there was one.
	RequestID string
	// ForwardedFor says who first asked, where the call was relayed: client:<id> customer:<id> user:<id>, of which only
	// what was said is there. It is what the caller claims, and nobody has checked it.
	ForwardedFor string
}

// Org returns the organization the user belongs to.
func (u *User) Org() OrgID { return u.Path.Last() }

// Role returns the user's main role.
func (u *User) Role() RoleID {
	if len(u.Roles) == 0 {
		return 0
	}
	return u.Roles[0]
}

// Deleted reports whether the user is soft-deleted.
func (u *User) Deleted() bool { return !u.DeletedAt.IsZero() }

// Expired reports whether the user's retention is over at now: it is gone, even while the table still holds it.
func (u *User) Expired(now time.Time) bool { return !u.ExpiresAt.IsZero() && !now.Before(u.ExpiresAt) }

// InactiveAfter is how long an Active user may go without a login before they count as Inactive.
const InactiveAfter = 30 * 24 * time.Hour

// StatusAt returns the status to show at now: the stored one, or Inactive for an Active user whose last login, or
// registration if they never logged in, is InactiveAfter or longer ago.
func (u *User) StatusAt(now time.Time) Status {
	return StatusAt(u.Status, u.LastLoginAt, u.RegisteredAt, now)
}

// StatusAt is the rule behind User.StatusAt, for callers that hold the columns but not the user.
func StatusAt(stored Status, lastLogin, registered, now time.Time) Status {
	if stored != StatusActive {
		return stored
	}
	seen := lastLogin
	if registered.After(seen) {
		seen = registered
	}
	if now.Sub(seen) >= InactiveAfter {
		return StatusInactive
	}
	return StatusActive
}

// Clone returns a copy that shares no memory with u.
func (u *User) Clone() *User {
	c := *u
	c.Path = slices.Clone(u.Path)
	c.Roles = slices.Clone(u.Roles)
	c.Groups = slices.Clone(u.Groups)
	c.SuperDelegatePermissions = slices.Clone(u.SuperDelegatePermissions)
	c.Delegates = slices.Clone(u.Delegates)
	for i := range c.Delegates {
		c.Delegates[i].Permissions = slices.Clone(c.Delegates[i].Permissions)
	}
	c.Identities = slices.Clone(u.Identities)
	return &c
}

// Email is an e-mail address as its owner writes it. Two addresses are the same when their Key is.
type Email string

// Key returns the form in which addresses are compared and claimed: lower-cased.
func (e Email) Key() string { return strings.ToLower(string(e)) }

// Status is the state of a user's account. StatusInactive is derived (see User.StatusAt), never stored.
type Status uint8

// The statuses, in the alphabetical order of their names, which is the order they sort in.
const (
	StatusActive Status = iota + 1
	StatusInactive
	StatusPending
	StatusSuspended
)

var statusNames = [...]string{StatusActive: "Active", StatusInactive: "Inactive", StatusPending: "Pending", StatusSuspended: "Suspended"}

// String returns the status's name, such as "Active".
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return ""
}

// ParseStatus returns the status of that name.
func ParseStatus(name string) (Status, bool) {
	for s, n := range statusNames {
		if n != "" && n == name {
			return Status(s), true
		}
	}
	return 0, false
}

// DeviceType says how a user of the workspace dialect authenticates.
type DeviceType uint8

// The device types. The zero value is a user without one.
const (
	DeviceTypeNone DeviceType = iota
	DeviceTypeAPI
	DeviceTypePSD
	DeviceTypeSoftPSD
)

var deviceTypeNames = [...]string{DeviceTypeNone: "", DeviceTypeAPI: "API", DeviceTypePSD: "PSD", DeviceTypeSoftPSD: "SOFT_PSD"}

// String returns the device type's name, empty for DeviceTypeNone.
func (d DeviceType) String() string {
	if int(d) < len(deviceTypeNames) {
		return deviceTypeNames[d]
	}
	return ""
}

// ParseDeviceType returns the device type of that name.
func ParseDeviceType(name string) (DeviceType, bool) {
	for d, n := range deviceTypeNames {
		if n == name {
			return DeviceType(d), true
		}
	}
	return 0, false
}

// Address is a postal address. Every part is optional.
type Address struct {
	Full    string
	Country string
	City    string
	State   string
	Zip     string
}
