package global

import "github.com/rosterhq/roster/internal/roster"

// paths has the resource path of every permission, from the general to the special. What is about the caller's own organization
// begins with organization, what is about those below, the clients, with clients. A path that is another's beginning is a
// permission of its own: to see users is system/users, to change them system/users/edit.
var paths = [...]string{
	roster.OrgSwitch:  "clients/switch",
	roster.OwnOrgEdit: "organization/edit",

	roster.OTAView:  "devices/updates",
	roster.OTAStart: "devices/updates/start",
	roster.OTAStop:  "devices/updates/stop",

	roster.OrgCreate: "clients/create",
	roster.OrgView:   "clients",
	roster.OrgEdit:   "clients/edit",
	roster.OrgDelete: "clients/delete",

	roster.OrgInviteUsers:   "system/users/invite",
	roster.OrgViewUsers:     "system/users",
	roster.OrgEditUsers:     "system/users/edit",
	roster.OrgDeleteUsers:   "system/users/delete",
	roster.OrgTransferUsers: "system/users/transfer",
	roster.OrgNotifyUsers:   "system/users/notify",
	roster.OrgViewAudit:     "system/audit",

	roster.ProductCreate: "products/create",
	roster.ProductView:   "products",
	roster.ProductEdit:   "products/edit",
	roster.ProductDelete: "products/delete",

	roster.RoleCreate: "system/roles/create",
	roster.RoleView:   "system/roles",
	roster.RoleEdit:   "system/roles/edit",
	roster.RoleDelete: "system/roles/delete",

	roster.OrgDevicesCreate: "devices/create",
	roster.OrgDevicesView:   "devices",
	roster.OrgDevicesEdit:   "devices/edit",
	roster.OrgDevicesDelete: "devices/delete",
	roster.OrgDevicesShare:  "devices/share",
	roster.OwnDevicesCreate: "devices/own/create",
	roster.OwnDevicesView:   "devices/own",
	roster.OwnDevicesEdit:   "devices/own/edit",
	roster.OwnDevicesDelete: "devices/own/delete",
	roster.OwnDevicesShare:  "devices/own/share",

	roster.SetAuthToken:  "devices/tokens/set",
	roster.RuleGroupView: "devices/rule_groups",
	roster.RuleGroupEdit: "devices/rule_groups/edit",
	roster.ManageWebHook: "devices/webhooks/manage",
}

// pathsOf returns the paths of a set of permissions.
func pathsOf(set roster.PermissionSet) []string {
	of := make([]string, 0, set.Len())
	for p, path := range paths {
		if set.Has(roster.Permission(p)) {
			of = append(of, path)
		}
	}
	return of
}
