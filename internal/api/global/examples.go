package global

// The examples of the OpenAPI document.

func exampleList() UserList {
	next := usersPath + "/any?fields%3Aroles=all&fields%3Adefault_warehouse=all&limit=1&cursor_start=1077"
	return UserList{
		Collection: []User{{
			Type: typeOrganizationUser, ID: 1078, Name: "Bernard Greensmith", Email: "admin@example.com", Username: new("b.greensmith"), IsActive: true,
			Roles: []Reference{{typeOrganizationRole, 1}}, DefaultWarehouse: orNull[Reference]{true, &Reference{typeWarehouse, 9}},
		}},
		Included: &Included{
			OrganizationRole: []Role{{Type: typeOrganizationRole, ID: 1, Name: "Managers", Permissions: []string{"system/users", "system/users/edit"}}},
			Warehouse:        []Warehouse{{Type: typeWarehouse, ID: 9, Name: "East Coast 1", IsActive: true}},
		},
		HasMore: true,
		Next:    &next,
		Meta:    Meta{ProcessingTime: 0.004, CursorStart: new(int64(1078)), CursorEnd: new(int64(1078))},
	}
}
