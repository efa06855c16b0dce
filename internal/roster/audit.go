package roster

import "time"

// AuditEntry is one line of an organization's audit trail: who did what to whom, when, and by which way. It never holds a
// secret: of a password it says that it changed.
type AuditEntry struct {
	Tenant TenantID
	// Org is the organization in whose trail the entry stands: that of the subject at the time. A transfer stands in
	// the trails of both organizations.
	Org OrgID
	// At is when it happened, to the millisecond: the ChangedAt of the write.
	At time.Time
	// Stamp says who, by which way, and in which request.
	Stamp  Stamp
	Action Action
	// Subject is what it was done to: user:<id>, organization:<id>, role:<id>, warehouse:<id>, client:<id>,
	// token:<id>.
	Subject string
	// Name is the subject's name at the time, for display.
	Name string
	// Version is the subject's Revision.Version after the change. Subject and Version together are unique within an
	// organization's trail, but for passwords, whose versions are their own: see Action.
	Version int64
	// Fields lists what changed, by the core's name of the field; empty where nothing but the action is to be told.
	Fields []FieldChange
}

// FieldChange is one field's value before and after, as text. Both are empty for a secret.
type FieldChange struct {
	Field    string
	Old, New string
}

// Action names what was done, as noun and past participle.
type Action string

// The actions.
const (
	ActionUserCreated         Action = "user.created"
	ActionUserUpdated         Action = "user.updated"
	ActionUserTransferred     Action = "user.transferred"
	ActionUserDeleted         Action = "user.deleted"
	ActionUserRestored        Action = "user.restored"
	ActionUserPurged          Action = "user.purged" // removed for good, its retention being over
	ActionPasswordChanged     Action = "password.changed"
	ActionOrganizationCreated Action = "organization.created"
	ActionOrganizationUpdated Action = "organization.updated"
	ActionRoleCreated         Action = "role.created"
	ActionRoleUpdated         Action = "role.updated"
	ActionWarehouseCreated    Action = "warehouse.created"
	ActionWarehouseUpdated    Action = "warehouse.updated"
	ActionClientCreated       Action = "client.created"
	ActionClientRevoked       Action = "client.revoked"
	ActionTokenCreated        Action = "token.created" // a long-lived one, of an integration
	ActionTokenRevoked        Action = "token.revoked"
)

// AuditPage is a page of an organization's audit trail, newest first.
type AuditPage struct {
	Entries []AuditEntry
	// Next is the cursor of the page that follows, made of letters, digits, - and _; empty on the last one.
	Next string
}
