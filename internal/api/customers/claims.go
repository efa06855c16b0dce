package customers

import "github.com/rosterhq/roster/internal/roster"

// claim is what this dialect calls a permission: service, namespace, action and scope, with colons between them. An action is
// read, write or impersonate. What one creates or removes, as opposed to changing what is there, has a namespace of its own, so
// that no two permissions have one claim.
type claim struct{ name, description string }

// claims has the claim of every permission.
var claims = [...]claim{
	roster.OrgSwitch:  {"identity:organizations:impersonate:organization", "Act in the place of the organizations below one's own"},
	roster.OwnOrgEdit: {"identity:organizations:write:own", "Change one's own organization"},

	roster.OTAView:  {"devices:updates:read:organization", "See updates of the organization's devices"},
	roster.OTAStart: {"devices:update-starts:write:organization", "Start updates of the organization's devices"},
	roster.OTAStop:  {"devices:update-stops:write:organization", "Stop updates of the organization's devices"},

	roster.OrgCreate: {"identity:new-organizations:write:organization", "Create organizations below one's own"},
	roster.OrgView:   {"identity:organizations:read:organization", "See one's organization and those below it"},
	roster.OrgEdit:   {"identity:organizations:write:organization", "Change the organizations below one's own"},
	roster.OrgDelete: {"identity:organization-removals:write:organization", "Remove organizations below one's own"},

	roster.OrgInviteUsers:   {"identity:invitations:write:organization", "Invite and create users of the organization"},
	roster.OrgViewUsers:     {"identity:users:read:organization", "See the organization's users"},
	roster.OrgEditUsers:     {"identity:users:write:organization", "Change the organization's users"},
	roster.OrgDeleteUsers:   {"identity:user-removals:write:organization", "Remove the organization's users"},
	roster.OrgTransferUsers: {"identity:user-transfers:write:organization", "Move the organization's users to another organization"},
	roster.OrgNotifyUsers:   {"identity:notifications:write:organization", "Send push messages to the organization's users"},
	roster.OrgViewAudit:     {"identity:audit:read:organization", "Read the organization's audit trail"},

	roster.ProductCreate: {"products:new-products:write:organization", "Create products of the organization"},
	roster.ProductView:   {"products:products:read:organization", "See the organization's products"},
	roster.ProductEdit:   {"products:products:write:organization", "Change the organization's products"},
	roster.ProductDelete: {"products:product-removals:write:organization", "Remove the organization's products"},

	roster.RoleCreate: {"identity:new-roles:write:organization", "Create roles"},
	roster.RoleView:   {"identity:roles:read:organization", "See roles"},
	roster.RoleEdit:   {"identity:roles:write:organization", "Change roles"},
	roster.RoleDelete: {"identity:role-removals:write:organization", "Remove roles"},

	roster.OrgDevicesCreate: {"devices:new-devices:write:organization", "Add devices to the organization"},
	roster.OrgDevicesView:   {"devices:devices:read:organization", "See the organization's devices"},
	roster.OrgDevicesEdit:   {"devices:devices:write:organization", "Change the organization's devices"},
	roster.OrgDevicesDelete: {"devices:device-removals:write:organization", "Remove the organization's devices"},
	roster.OrgDevicesShare:  {"devices:device-shares:write:organization", "Share the organization's devices"},
	roster.OwnDevicesCreate: {"devices:new-devices:write:own", "Add devices of one's own"},
	roster.OwnDevicesView:   {"devices:devices:read:own", "See one's own devices"},
	roster.OwnDevicesEdit:   {"devices:devices:write:own", "Change one's own devices"},
	roster.OwnDevicesDelete: {"devices:device-removals:write:own", "Remove one's own devices"},
	roster.OwnDevicesShare:  {"devices:device-shares:write:own", "Share one's own devices"},

	roster.SetAuthToken:  {"devices:tokens:write:organization", "Set the tokens of the organization's devices"},
	roster.RuleGroupView: {"devices:rule-groups:read:organization", "See the organization's groups of rules"},
	roster.RuleGroupEdit: {"devices:rule-groups:write:organization", "Change the organization's groups of rules"},
	roster.ManageWebHook: {"devices:webhooks:write:organization", "Manage the organization's webhooks"},
}

// PermissionDigest is a permission.
type PermissionDigest struct {
	ID          string `json:"_id" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"Permission's id"`
	Claim       string `json:"claim" doc:"Service, namespace, action and scope, with colons between them; the action is read, write or impersonate"`
	Description string `json:"description" doc:"What is permitted; empty for a claim of another service, which is not known here"`
}

// permissionsOf returns the permissions of a set.
func permissionsOf(set roster.PermissionSet) []PermissionDigest {
	digests := make([]PermissionDigest, 0, set.Len())
	for p, c := range claims {
		if set.Has(roster.Permission(p)) {
			digests = append(digests, PermissionDigest{ID: PermissionID(c.name), Claim: c.name, Description: c.description})
		}
	}
	return digests
}

// permissionsNamed returns the permissions with those claims, which may be other services'.
func permissionsNamed(names []string) []PermissionDigest {
	digests := make([]PermissionDigest, len(names))
	for i, name := range names {
		digests[i] = PermissionDigest{ID: PermissionID(name), Claim: name}
		for _, c := range claims {
			if c.name == name {
				digests[i].Description = c.description
			}
		}
	}
	return digests
}
