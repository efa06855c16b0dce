package directory

import (
	"context"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Users reads users from where they are written, so that a change is seen at once. Package dynamo implements it.
type Users interface {
	// User returns a user that stands: a deleted one is a KindNotFound error.
	User(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error)
	// UserEvenDeleted is User, but it also returns a soft-deleted user whose retention is not over.
	UserEvenDeleted(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error)
	// EmailOwner returns who holds an e-mail address, in the whole system, or a KindNotFound error.
	EmailOwner(ctx context.Context, email roster.Email) (roster.TenantID, roster.UserID, error)
	// IdentityOwner returns the user of an organization who holds an identity, or a KindNotFound error.
	IdentityOwner(ctx context.Context, tenant roster.TenantID, org roster.OrgID, identity roster.Identity) (roster.UserID, error)
}

// Organizations reads organizations. Package dynamo implements it.
type Organizations interface {
	// Organization returns an organization that stands, or a KindNotFound error.
	Organization(ctx context.Context, tenant roster.TenantID, id roster.OrgID) (roster.Organization, error)
}

// Roles reads roles. Package dynamo implements it.
type Roles interface {
	// Role returns a role that stands, built-in or custom, or a KindNotFound error.
	Role(ctx context.Context, tenant roster.TenantID, id roster.RoleID) (roster.Role, error)
	// Roles returns the tenant's custom roles that stand, in id order.
	Roles(ctx context.Context, tenant roster.TenantID) ([]roster.Role, error)
}

// Writes changes the table: each method is one write that happens whole or not at all. Package dynamo implements it.
//
// A creation whose Once has a record returns what was created then, and true; one whose record has another fingerprint is
// roster.OnceMismatch, and one whose twin has not ended is roster.OnceStillRunning. A name that somebody else holds is
// roster.Taken. A change of a user that somebody wrote since before was read is roster.VersionChanged; one that would take
// the last active Admin from a root organization is roster.LastAdmin.
type Writes interface {
	// CreateUser stores a new user, whose zero ID is assigned, in the organization that its Path leads to.
	CreateUser(ctx context.Context, n roster.NewUser, stamp roster.Stamp, once *roster.Once) (roster.User, bool, error)
	// CreateUserWithOrganization stores a new organization and its first user. Zero ids are assigned and put at the end of
	// the organization's Path, which is its parent's.
	CreateUserWithOrganization(ctx context.Context, o roster.Organization, n roster.NewUser, stamp roster.Stamp, once *roster.Once) (roster.Organization, roster.User, bool, error)
	// CreateOrganization stores a new organization. A zero ID is assigned and put at the end of its Path, its parent's.
	CreateOrganization(ctx context.Context, o roster.Organization, stamp roster.Stamp, once *roster.Once) (roster.Organization, bool, error)
	// UpdateUser replaces before by after.
	UpdateUser(ctx context.Context, before, after roster.User, stamp roster.Stamp) (roster.User, error)
	// DeleteUser deletes a user softly: what it claims is free, its password gone.
	DeleteUser(ctx context.Context, before roster.User, stamp roster.Stamp) (roster.User, error)
	// RestoreUser undoes DeleteUser, but for the password.
	RestoreUser(ctx context.Context, before roster.User, stamp roster.Stamp) (roster.User, error)
}

// Invitations keeps invitations and the links that lead to them. Package dynamo implements it.
//
// Whoever records an invitation counts it in the same write: a Quota that is used up is the error of Quota.Err, and nothing is
// written. An invitation is put in the place of whatever stands at its Ref; its zero ID and CreatedAt are assigned, its Delivery is
// queued. For Once and optimistic writes the rules of Writes hold.
type Invitations interface {
	// CreateInvitedUser stores a new Pending user, whose zero ID is assigned, and the invitation to take it up, which takes tenant,
	// user, path and address from the user.
	CreateInvitedUser(ctx context.Context, n roster.NewUser, i roster.Invitation, quotas []roster.Quota, stamp roster.Stamp, once *roster.Once) (roster.User, bool, error)
	// InviteAgain replaces before by after and puts a new invitation for that user.
	InviteAgain(ctx context.Context, before, after roster.User, i roster.Invitation, quotas []roster.Quota, stamp roster.Stamp, once *roster.Once) (roster.User, bool, error)
	// PutInvitation puts an invitation for a user who stands, or a sign-up. Where it is nil the write only counts.
	PutInvitation(ctx context.Context, i *roster.Invitation, quotas []roster.Quota, stamp roster.Stamp) error
	// Invitation returns what stands at that place, expired or not, or a KindNotFound error. It sees every write that has ended.
	Invitation(ctx context.Context, ref roster.InvitationRef) (roster.Invitation, error)
	// InvitationsOf returns a page of the invitations into an organization, and of the sign-ups below it, that have not expired:
	// at most limit of them, in id order after that id. It may be a moment behind.
	InvitationsOf(ctx context.Context, tenant roster.TenantID, org roster.OrgID, after roster.InvitationID, limit int) (roster.InvitationPage, error)
	// Link returns what a token leads to, or a KindNotFound error. It sees every write that has ended.
	Link(ctx context.Context, hash roster.LinkHash) (roster.Link, error)
	// AcceptInvitation ends the invitation and its link, replaces before by after, and sets the user's credential. An invitation that
	// does not stand any more, under the same ID, is roster.DeadLink, and so is one to set a new password when the password was set
	// after it was created.
	AcceptInvitation(ctx context.Context, i roster.Invitation, link roster.LinkHash, before, after roster.User, c roster.Credential, stamp roster.Stamp) (roster.User, error)
	// AcceptSignUp ends the invitation and its link, and creates an organization and its first user as
	// Writes.CreateUserWithOrganization does. A stamp By nobody becomes the new user's. An invitation that does not stand any more,
	// under the same ID, is roster.DeadLink.
	AcceptSignUp(ctx context.Context, i roster.Invitation, link roster.LinkHash, o roster.Organization, n roster.NewUser, stamp roster.Stamp) (roster.Organization, roster.User, error)
}

// Credentials keeps hashed passwords. Package dynamo implements it.
type Credentials interface {
	// Credential returns a user's password, or a KindNotFound error for a user without one.
	Credential(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.Credential, error)
	// PutCredential sets a user's password. Refresh tokens of log-ins with another, which has another ChangedAt, are not accepted any
	// more. A user that does not stand is a KindNotFound error.
	PutCredential(ctx context.Context, c roster.Credential, stamp roster.Stamp) error
}

// Devices keeps what push messages can be sent to. Package dynamo implements it.
type Devices interface {
	// DeviceByHash returns a device, whoever in the system has it, or a KindNotFound error.
	DeviceByHash(ctx context.Context, hash roster.DeviceHash) (roster.Device, error)
	// RegisterDevice stores a user's device, new or not, and takes it from whoever had it. A user that does not stand is a
	// KindNotFound error.
	RegisterDevice(ctx context.Context, d roster.Device, stamp roster.Stamp) error
}

// Endpoints is the push service where devices get their addresses. Package sender implements it.
type Endpoints interface {
	// RegisterEndpoint returns the address of the app that has the token, enabled and for that token; known is the address that it
	// had when it registered last, empty for none. A token that the service will not have is a KindInvalid error about the field
	// token, a platform that is not set up one about platform.
	RegisterEndpoint(ctx context.Context, platform roster.Platform, token, known string) (endpoint string, err error)
}

// Notifications keeps push messages until they are sent. Package dynamo implements it.
type Notifications interface {
	// CreateNotification stores a new notification for a user who is taken to stand. Its zero ID and CreatedAt are assigned, its
	// Delivery is queued. For Once the rules of Writes hold.
	CreateNotification(ctx context.Context, n roster.Notification, stamp roster.Stamp, once *roster.Once) (roster.Notification, bool, error)
}

// Audit reads the audit trail. Package dynamo implements it.
type Audit interface {
	// AuditEntries returns at most limit entries of an organization's trail, newest first, from the cursor on, which is
	// an AuditPage's Next, or empty for the newest. Another cursor is a KindInvalid error about the field before.
	AuditEntries(ctx context.Context, tenant roster.TenantID, org roster.OrgID, before string, limit int) (roster.AuditPage, error)
}

// Search answers what needs all nouns of a tenant at once. It may be a moment behind the table. Package replica
// implements it.
type Search interface {
	// SearchUsers returns the page that a valid query asks for, with whole users on it.
	SearchUsers(ctx context.Context, tenant roster.TenantID, q roster.Query) (roster.UserPage, error)
	// Organizations returns a page of the tree that begins at root, in id order.
	Organizations(ctx context.Context, tenant roster.TenantID, root roster.OrgID, page roster.Page) (roster.OrganizationPage, error)
	// View returns the tenant as one look at it shows it, for whatever needs many of its nouns for one answer.
	View(ctx context.Context, tenant roster.TenantID) (View, error)
	// Apply takes in what was just written to the table, so that the next answer shows it.
	Apply(tenant roster.TenantID, changes ...roster.Change)
}

// View is a tenant as one look showed it. It stays as it is, and costs no more, however much is asked of it. Package replica
// implements it.
type View interface {
	// SearchUsers returns the page that a valid query asks for, with whole users on it. One that takes until ctx has ended is a
	// KindUnavailable error.
	SearchUsers(ctx context.Context, q roster.Query) (roster.UserPage, error)
	// EachUser calls visit for every user that a valid query finds, in its order and whatever its page, until visit returns
	// false. The user is valid only during the call.
	EachUser(q roster.Query, visit func(*roster.User) bool) error
	// User returns a user that stands.
	User(id roster.UserID) (roster.User, bool)
	// Delegators returns the users that stand and have that user among their delegates, in id order.
	Delegators(id roster.UserID) []roster.UserID
	// Role returns a role that stands, built-in or custom.
	Role(id roster.RoleID) (roster.Role, bool)
	// Organization returns an organization that stands.
	Organization(id roster.OrgID) (roster.Organization, bool)
	// Warehouse returns a warehouse that stands, whether or not it is active.
	Warehouse(id roster.WarehouseID) (roster.Warehouse, bool)
}

// Attempts slows those who guess passwords. Package attempts has the one that functions use.
type Attempts interface {
	// Password is called before the password of the tenant's user with that address is looked at. It is a KindTooMany error, with
	// the time to wait, if too many were wrong.
	Password(ctx context.Context, tenant roster.TenantID, email roster.Email) (roster.Attempt, error)
}

// Ports is what a Directory works with.
type Ports struct {
	Users         Users
	Organizations Organizations
	Roles         Roles
	Writes        Writes
	Invitations   Invitations
	Credentials   Credentials
	Devices       Devices
	Notifications Notifications
	Endpoints     Endpoints
	Audit         Audit
	// Search may be nil in a function that answers no searches: what it writes needs to be shown by no one there.
	Search Search
	// HashPassword returns the hash to keep of a new password, in PHC string format. It is slow on purpose, so it is
	// called once for a creation, when nothing else can be wrong with the request any more.
	HashPassword func(password string) (string, error)
	// VerifyPassword reports whether the hash is that of the password. It is as slow as HashPassword.
	VerifyPassword func(password, hash string) (bool, error)
	// Attempts slows those who guess passwords; nil slows nobody.
	Attempts Attempts
	// Admit lets a request of the organization through, or is a KindTooMany error. It is asked for what has no principal, whose
	// organization nobody knows before it is looked up; it is asked again where that is looked up again. Nil lets all through.
	Admit func(ctx context.Context, tenant roster.TenantID, org roster.OrgID) error
	// Policy bounds what is mailed; its zero fields are those of DefaultMessagePolicy.
	Policy MessagePolicy
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Directory is the use cases of API callers. It is safe for concurrent use if its ports are.
type Directory struct {
	users         Users
	organizations Organizations
	roles         Roles
	writes        Writes
	invitations   Invitations
	credentials   Credentials
	devices       Devices
	notifications Notifications
	endpoints     Endpoints
	audit         Audit
	attempts      Attempts
	search        Search

	hashPassword   func(password string) (string, error)
	verifyPassword func(password, hash string) (bool, error)
	admit          func(ctx context.Context, tenant roster.TenantID, org roster.OrgID) error
	policy         MessagePolicy
	now            func() time.Time
}

// New returns a Directory that works with those ports. A port that is nil must not be needed by any use case called.
func New(p Ports) *Directory {
	d := &Directory{
		users: p.Users, organizations: p.Organizations, roles: p.Roles, writes: p.Writes, invitations: p.Invitations,
		credentials: p.Credentials, devices: p.Devices, notifications: p.Notifications, endpoints: p.Endpoints, audit: p.Audit, attempts: p.Attempts, search: p.Search,
		hashPassword: p.HashPassword, verifyPassword: p.VerifyPassword, admit: p.Admit, policy: p.Policy.withDefaults(), now: p.Now,
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.attempts == nil {
		d.attempts = unslowed{}
	}
	if d.admit == nil {
		d.admit = func(context.Context, roster.TenantID, roster.OrgID) error { return nil }
	}
	return d
}

// unslowed is Attempts that slow nobody.
type unslowed struct{}

func (unslowed) Password(context.Context, roster.TenantID, roster.Email) (roster.Attempt, error) {
	nothing := func(context.Context) error { return nil }
	return roster.Attempt{Failed: nothing, Succeeded: nothing}, nil
}

// moment returns the time to write on what happens now: UTC, to the millisecond.
func (d *Directory) moment() time.Time { return d.now().UTC().Truncate(time.Millisecond) }

// apply shows the next search what was just written.
func (d *Directory) apply(tenant roster.TenantID, changes ...roster.Change) {
	if d.search != nil {
		d.search.Apply(tenant, changes...)
	}
}
