package rostertest

import (
	"fmt"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Created is when the nouns of this package were created and last changed: a fixed moment, so that tests can name it.
var created = time.Date(2025, time.June, 1, 12, 0, 0, 0, time.UTC)

// Stamp returns the stamp of writes made by tests.
func Stamp() roster.Stamp {
	return roster.Stamp{By: "test", Via: "rostertest", RequestID: "request-1"}
}

// Organization returns the valid organization of that id below path, the root of the tenant id where path is empty. It was
// created on 2025-06-01 12:00 UTC. The changes are applied last.
func Organization(path roster.OrgPath, id roster.OrgID, changes ...func(*roster.Organization)) roster.Organization {
	o := roster.Organization{ID: id, Name: fmt.Sprintf("Organization %d", id), Path: path.Child(id), CreatedAt: created}
	o.Tenant = roster.TenantID(o.Path[0])
	for _, change := range changes {
		change(&o)
	}
	return o
}

// User returns a valid, active user with the role User at the end of path: the n-th, by which id, name and e-mail
// address differ from any other's. The user was created, registered and last changed on 2025-06-01 12:00 UTC, and never
// logged in. The changes are applied last.
func User(path roster.OrgPath, n int, changes ...func(*roster.User)) roster.User {
	u := roster.User{
		Tenant:       roster.TenantID(path[0]),
		ID:           roster.UserID(n),
		Path:         path,
		Email:        roster.Email(fmt.Sprintf("user-%d@tenant-%d.example.com", n, path[0])),
		Name:         fmt.Sprintf("Given%d Family%d", n, n),
		GivenName:    fmt.Sprintf("Given%d", n),
		FamilyName:   fmt.Sprintf("Family%d", n),
		PhoneNumber:  fmt.Sprintf("+1555%07d", n%10_000_000),
		TimeZone:     "Europe/Kyiv",
		Locale:       "en_US",
		Roles:        []roster.RoleID{roster.RoleUser},
		Status:       roster.StatusActive,
		CreatedAt:    created,
		UpdatedAt:    created,
		RegisteredAt: created,
	}
	for _, change := range changes {
		change(&u)
	}
	return u
}

// Tenant returns what the tenant of that id begins with: its root organization, its first user, an Admin with the id 1,
// and a client called "client-" and the id. Neither has a secret that anybody knows.
func Tenant(id roster.TenantID, changes ...func(*roster.NewTenant)) roster.NewTenant {
	root := Organization(nil, id.Root())
	n := roster.NewTenant{
		Organization: root,
		Admin:        User(root.Path, 1, func(u *roster.User) { u.Roles = []roster.RoleID{roster.RoleAdmin} }),
		Client: roster.Client{
			ID: roster.ClientID("client-" + id.String()), Tenant: id, Path: root.Path, Name: "Client of " + root.Name, CreatedAt: created,
		},
	}
	for _, change := range changes {
		change(&n)
	}
	return n
}

// Principal returns who User(path, n) is when they call, with the permissions of the built-in role Admin.
func Principal(path roster.OrgPath, n int) roster.Principal {
	return roster.Principal{
		Tenant: roster.TenantID(path[0]), Path: path, User: roster.UserID(n),
		Client: roster.ClientID("client-" + roster.TenantID(path[0]).String()), Permissions: roster.AllPermissions,
	}
}
