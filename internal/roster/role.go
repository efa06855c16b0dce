package roster

import (
	"math/bits"
	"slices"
	"time"
)

// Role names a set of permissions. Ids 1 to 3 are built in and live in this package, not in the table; a tenant's custom
// roles are stored under its root organization.
type Role struct {
	Tenant      TenantID
	ID          RoleID
	Name        string
	Permissions PermissionSet
	CreatedAt   time.Time
	DeletedAt   time.Time
	Revision    Revision
}

// The built-in roles, the same in every tenant.
const (
	RoleAdmin RoleID = 1
	RoleStaff RoleID = 2
	RoleUser  RoleID = 3
)

// BuiltinRoles returns the roles that every tenant has, in id order.
func BuiltinRoles() []Role {
	return []Role{
		{ID: RoleAdmin, Name: "Admin", Permissions: AllPermissions},
		{ID: RoleStaff, Name: "Staff", Permissions: Permissions(
			OrgView, OrgViewUsers, OrgInviteUsers, OrgEditUsers, RoleView, ProductView,
			OrgDevicesView, OrgDevicesEdit, OwnDevicesCreate, OwnDevicesView, OwnDevicesEdit, OwnDevicesDelete, OwnDevicesShare)},
		{ID: RoleUser, Name: "User", Permissions: Permissions(
			OwnDevicesCreate, OwnDevicesView, OwnDevicesEdit, OwnDevicesDelete, OwnDevicesShare)},
	}
}

// BuiltinRole returns the built-in role with that id.
func BuiltinRole(id RoleID) (Role, bool) {
	roles := BuiltinRoles()
	i := slices.IndexFunc(roles, func(r Role) bool { return r.ID == id })
	if i < 0 {
		return Role{}, false
	}
	return roles[i], true
}

// Permission is one right that a role can hold. Each dialect renders it in its own form; the name here is the
// upper-snake-case one.
type Permission uint8

// The permissions. Their numbers are never stored, only their names are.
const (
	OrgSwitch Permission = iota
	OwnOrgEdit
	OTAView
	OTAStart
	OTAStop
	OrgCreate
	OrgView
	OrgEdit
	OrgDelete
	OrgInviteUsers
	OrgViewUsers
	OrgEditUsers
	OrgDeleteUsers
	OrgTransferUsers
	OrgNotifyUsers
	OrgViewAudit
	ProductCreate
	ProductView
	ProductEdit
	ProductDelete
	RoleCreate
	RoleView
	RoleEdit
	RoleDelete
	OrgDevicesCreate
	OrgDevicesView
	OrgDevicesEdit
	OrgDevicesDelete
	OrgDevicesShare
	OwnDevicesCreate
	OwnDevicesView
	OwnDevicesEdit
	OwnDevicesDelete
	OwnDevicesShare
	SetAuthToken
	RuleGroupView
	RuleGroupEdit
	ManageWebHook
	permissionCount
)

var permissionNames = [permissionCount]string{
	OrgSwitch: "ORG_SWITCH", OwnOrgEdit: "OWN_ORG_EDIT", OTAView: "OTA_VIEW", OTAStart: "OTA_START", OTAStop: "OTA_STOP",
	OrgCreate: "ORG_CREATE", OrgView: "ORG_VIEW", OrgEdit: "ORG_EDIT", OrgDelete: "ORG_DELETE",
	OrgInviteUsers: "ORG_INVITE_USERS", OrgViewUsers: "ORG_VIEW_USERS", OrgEditUsers: "ORG_EDIT_USERS",
	OrgDeleteUsers: "ORG_DELETE_USERS", OrgTransferUsers: "ORG_TRANSFER_USERS", OrgNotifyUsers: "ORG_NOTIFY_USERS",
	OrgViewAudit:  "ORG_VIEW_AUDIT",
	ProductCreate: "PRODUCT_CREATE", ProductView: "PRODUCT_VIEW", ProductEdit: "PRODUCT_EDIT", ProductDelete: "PRODUCT_DELETE",
	RoleCreate: "ROLE_CREATE", RoleView: "ROLE_VIEW", RoleEdit: "ROLE_EDIT", RoleDelete: "ROLE_DELETE",
	OrgDevicesCreate: "ORG_DEVICES_CREATE", OrgDevicesView: "ORG_DEVICES_VIEW", OrgDevicesEdit: "ORG_DEVICES_EDIT",
	OrgDevicesDelete: "ORG_DEVICES_DELETE", OrgDevicesShare: "ORG_DEVICES_SHARE",
	OwnDevicesCreate: "OWN_DEVICES_CREATE", OwnDevicesView: "OWN_DEVICES_VIEW", OwnDevicesEdit: "OWN_DEVICES_EDIT",
	OwnDevicesDelete: "OWN_DEVICES_DELETE", OwnDevicesShare: "OWN_DEVICES_SHARE",
	SetAuthToken: "SET_AUTH_TOKEN", RuleGroupView: "RULE_GROUP_VIEW", RuleGroupEdit: "RULE_GROUP_EDIT",
	ManageWebHook: "MANAGE_WEB_HOOK",
}

// String returns the permission's name, such as ORG_VIEW_USERS.
func (p Permission) String() string {
	if p < permissionCount {
		return permissionNames[p]
	}
	return ""
}

// ParsePermission returns the permission of that name.
func ParsePermission(name string) (Permission, bool) {
	for p, n := range permissionNames {
		if n == name {
			return Permission(p), true
		}
	}
	return 0, false
}

// PermissionSet is a set of permissions. The zero value is the empty set.
type PermissionSet uint64

// AllPermissions holds every permission there is.
const AllPermissions PermissionSet = 1<<permissionCount - 1

// Permissions returns the set of those permissions.
func Permissions(list ...Permission) PermissionSet {
	var s PermissionSet
	for _, p := range list {
		s |= 1 << p
	}
	return s
}

// Has reports whether p is in the set.
func (s PermissionSet) Has(p Permission) bool { return s&(1<<p) != 0 }

// Covers reports whether every permission of other is in the set.
func (s PermissionSet) Covers(other PermissionSet) bool { return other&^s == 0 }

// Union returns the permissions that are in either set.
func (s PermissionSet) Union(other PermissionSet) PermissionSet { return s | other }

// Len returns the number of permissions in the set.
func (s PermissionSet) Len() int { return bits.OnesCount64(uint64(s)) }

// Names returns the names of the permissions, in the order they are declared in.
func (s PermissionSet) Names() []string {
	names := make([]string, 0, s.Len())
	for p := range permissionCount {
		if s.Has(p) {
			names = append(names, p.String())
		}
	}
	return names
}

// ParsePermissions returns the set of those names, and the names it does not know.
func ParsePermissions(names []string) (set PermissionSet, unknown []string) {
	for _, name := range names {
		if p, ok := ParsePermission(name); ok {
			set |= 1 << p
		} else {
			unknown = append(unknown, name)
		}
	}
	return set, unknown
}
