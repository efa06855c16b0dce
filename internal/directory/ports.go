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
	// Apply takes in what was just written to the table, so that the next answer shows it.
	Apply(tenant roster.TenantID, changes ...roster.Change)
}

// Ports is what a Directory works with.
type Ports struct {
	Users         Users
	Organizations Organizations
	Roles         Roles
	Writes        Writes
	Audit         Audit
	Search        Search
	// HashPassword returns the hash to keep of a new password, in PHC string format. It is slow on purpose, so it is
	// called once for a creation, when nothing else can be wrong with the request any more.
	HashPassword func(password string) (string, error)
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Directory is the use cases of API callers. It is safe for concurrent use if its ports are.
type Directory struct {
	users         Users
	organizations Organizations
	roles         Roles
	writes        Writes
	audit         Audit
	search        Search
	hashPassword  func(password string) (string, error)
	now           func() time.Time
}

// New returns a Directory that works with those ports. A port that is nil must not be needed by any use case called.
func New(p Ports) *Directory {
	d := &Directory{
		users: p.Users, organizations: p.Organizations, roles: p.Roles, writes: p.Writes, audit: p.Audit, search: p.Search,
		hashPassword: p.HashPassword, now: p.Now,
	}
	if d.now == nil {
		d.now = time.Now
	}
	return d
}
