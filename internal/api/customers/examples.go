package customers

import "github.com/rosterhq/roster/internal/roster"

// The examples of the OpenAPI document.

const exampleTime = "2022-08-12T20:44:48Z"

func exampleIdentity() Identity {
	return Identity{Type: "aderant", Value: "9876", CustomerID: OrganizationID(703)}
}

func exampleUser() User {
	return User{
		ID: UserID(1078), CreatedAt: exampleTime, Email: "user@example.com", FirstName: "Ada", JobTitle: "Associate", LastName: "Byron",
		UpdatedAt: exampleTime, Status: new(statusActive), Seniority: "senior", Department: "Tax", Office: "NYC", Subdepartment: "M&A", Pod: "A",
		GroupIDs: []string{GroupID(91)}, SuperDelegatePermissions: []PermissionDigest{},
		Customer: CustomerDigest{
			ID: OrganizationID(703), FullName: "Acme LLP", Tenant: TenantDigest{ID: OrganizationID(703), Name: "iad"},
		},
		Delegators: []DelegatorUserDigest{{
			ID: UserID(1080), FirstName: "Bo", LastName: "Cash", Identities: []Identity{{Type: "aderant", Value: "1234", CustomerID: OrganizationID(703)}},
		}},
		Delegates:  []DelegateUserDigest{{ID: UserID(1081), FirstName: "Di", LastName: "Eames", Permissions: []PermissionDigest{}}},
		Identities: []Identity{exampleIdentity()},
		Roles:      []RoleDigest{{ID: RoleID(3), Name: "user", Permissions: permissionsOf(roster.Permissions(roster.OwnDevicesView))}},
	}
}

func exampleChanges() Changes {
	return Changes{
		JobTitle: new("Partner"), RoleIDs: []string{RoleID(3)}, Seniority: new("partner"),
		Identities: []NewIdentity{{Type: "aderant", Value: "9876"}},
	}
}

func exampleUpdate() UserUpdate {
	return UserUpdate{DelegateIDs: []string{UserID(1081)}, Changes: exampleChanges()}
}

func exampleUpdateV2() UserUpdateV2 {
	return UserUpdateV2{
		Changes:   exampleChanges(),
		Delegates: []NewDelegate{{UserID: UserID(1081), Permissions: []NewPermission{{Claim: claims[roster.OrgViewUsers].name}}}},
	}
}
