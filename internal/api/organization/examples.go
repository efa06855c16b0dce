package organization

// The examples of the OpenAPI document.

const exampleTime = 1707244800000 // 2024-02-06T18:40:00Z

func exampleProfile() UserProfile {
	return UserProfile{
		ID: 101, Name: "John Doe", Email: "john@example.com", Title: "Senior Engineer", NickName: "Johnny", PhoneNumber: "+11234567890",
		Role: Role{ID: 1, Name: "Admin", Permissions: []string{"ORG_VIEW_USERS"}}, OrgID: 101, OrgName: "Acme Corp",
		TimeZone: "Europe/Kyiv", Locale: "en_US", Status: "Active",
		LastModifiedTs: exampleTime, LastLoggedAt: exampleTime, RegisteredAt: exampleTime, IsDev: true,
	}
}

func exampleDetails() UserDetails {
	return UserDetails{
		ID: 1078, Name: "John Doe", Email: "john@example.com", Title: "Manager", NickName: "john", PhoneNumber: "+3801234567",
		RoleID: 3, OrgID: 703, TimeZone: "Europe/Kyiv", Locale: "en_US", Status: "Active",
		LastModifiedTs: exampleTime, LastLoggedAt: exampleTime, RegisteredAt: exampleTime,
	}
}

func exampleInvited() UserDetails {
	return UserDetails{
		ID: 1078, Name: "John Doe", Email: "john@example.com", RoleID: 3, OrgID: 703, Locale: "en_US", Status: "Pending", LastModifiedTs: exampleTime,
	}
}

func exampleInvitations() InvitationPage {
	return InvitationPage{
		Content: []Invitation{{
			ID: 1206, Purpose: "invite", Email: "john@example.com", UserID: 1078, OrgID: 703, Locale: "en_US", InvitedBy: 101,
			CreatedAt: exampleTime, ValidUntil: exampleTime + 7*24*60*60*1000, Delivery: "sent", DeliveredAt: exampleTime + 1500,
		}},
		Next: 1206,
	}
}

func examplePage() UserPage {
	return UserPage{
		Content:       []UserSummary{{ID: 1080, Name: "John Doe", Email: "john@example.com", RoleID: 3, OrgID: 704}},
		TotalElements: 1,
	}
}

func exampleNewOwner() NewOwner {
	return NewOwner{
		Newcomer: Newcomer{
			Email: "john@example.com", Password: "mySecretPassword123", Name: "John Doe", Title: "Sales Manager", NickName: "johnd",
			PhoneNumber: "+1234567890", TimeZone: "America/New_York",
		},
		OrganizationName: "John's Personal Org",
	}
}

func exampleNewMember() NewMember {
	return NewMember{
		Newcomer: Newcomer{
			Email: "john@example.com", Password: "mySecretPassword123", Name: "John Doe", TimeZone: "America/New_York",
			Address: Address{FullAddress: "1 Main Street", Country: "USA", City: "New York", State: "NY", Zip: "10001"},
		},
		OrgID: 703, RoleID: 3,
	}
}

func exampleOrganization() Organization {
	return Organization{ID: 704, Name: "Sales", ParentID: 703, CreatedAt: exampleTime}
}

func exampleRoles() RoleList {
	return RoleList{Content: []Role{{ID: 3, Name: "User", Permissions: []string{"OWN_DEVICES_VIEW"}}}, TotalElements: 1}
}

func exampleAudit() AuditPage {
	return AuditPage{
		Content: []AuditEntry{{
			At: exampleTime, Action: "user.updated", Subject: "user:1078", Name: "John Doe", By: "user:101", Via: Name,
			RequestID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", Version: 4, Changes: []FieldChange{{Field: "roles", Old: "3", New: "2"}},
		}},
		Next: "MTcwNzI0NDgwMDAwMA",
	}
}
