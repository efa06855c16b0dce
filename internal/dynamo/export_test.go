package dynamo

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// anyText draws text as people and attackers write it: with quotes, backslashes, control characters, any plane of Unicode.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringN(0, 12, 60),
		rapid.SampledFrom([]string{"", "Jané", `"`, `\`, `\u0041`, "a\"b\\c/d", "tab\tand\nline", "\x00\x1f\x7f", "😀 und ẞ", "\u2028", "T#7#", "%23#%", "null"}),
	)
}

// anyTime draws "never" or a time with the precision that is stored, but never the stored form of "never" itself.
func anyTime(precision time.Duration) *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "never") {
			return time.Time{}
		}
		ms := rapid.Int64Range(1, 4_000_000_000_000/int64(precision/time.Millisecond)).Draw(t, "time")
		return time.UnixMilli(ms * int64(precision/time.Millisecond)).UTC()
	})
}

// AnyUser draws a user that has, or has not, whatever a user can have. It is as stored: times have the precision that is
// kept, and empty lists are nil. It keeps to no field rules but those that the table itself needs.
func AnyUser() *rapid.Generator[roster.User] {
	return rapid.Custom(func(t *rapid.T) roster.User {
		text := func(name string) string { return anyText().Draw(t, name) }
		moment := func(name string) time.Time { return anyTime(time.Millisecond).Draw(t, name) }
		flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
		texts := func(name string) []string { return list(t, name, anyText()) }
		u := roster.User{
			Tenant: roster.TenantID(rapid.Int32Min(1).Draw(t, "tenant")),
			ID:     roster.UserID(rapid.Int64Range(1, int64(roster.MaxUserID)).Draw(t, "id")),
			Path:   rapid.SliceOfN(rapid.Map(rapid.Int32Min(1), func(id int32) roster.OrgID { return roster.OrgID(id) }), 1, roster.MaxDepth).Draw(t, "path"),
			Email:  roster.Email(fmt.Sprintf("%s@example.com", text("email"))),
			Name:   text("name"), GivenName: text("given"), FamilyName: text("family"), Nickname: text("nick"), Username: text("username"),
			Title: text("title"), PhoneNumber: text("phone"),
			Address:  roster.Address{Full: text("address"), Country: text("country"), City: text("city"), State: text("state"), Zip: text("zip")},
			TimeZone: text("zone"), Locale: text("locale"),
			Roles:     list(t, "roles", rapid.Map(rapid.Int32(), func(id int32) roster.RoleID { return roster.RoleID(id) })),
			Status:    rapid.SampledFrom([]roster.Status{roster.StatusActive, roster.StatusPending, roster.StatusSuspended}).Draw(t, "status"),
			Developer: flag("developer"), DarkMode: flag("dark"), DeviceCount: rapid.Int().Draw(t, "devices"),
			Seniority: text("seniority"), Department: text("department"), Office: text("office"), Subdepartment: text("subdepartment"), Pod: text("pod"),
			Groups:        list(t, "groups", rapid.Map(rapid.Int64(), func(id int64) roster.GroupID { return roster.GroupID(id) })),
			SuperDelegate: flag("super"), SuperDelegatePermissions: texts("claims"),
			Delegates: list(t, "delegates", rapid.Custom(func(t *rapid.T) roster.Delegate {
				return roster.Delegate{User: roster.UserID(rapid.Int64().Draw(t, "user")), Permissions: list(t, "permissions", anyText())}
			})),
			Identities: list(t, "identities", rapid.Custom(func(t *rapid.T) roster.Identity {
				return roster.Identity{Type: anyText().Draw(t, "type"), Value: anyText().Draw(t, "value")}
			})),
			DeviceType:   rapid.SampledFrom([]roster.DeviceType{roster.DeviceTypeNone, roster.DeviceTypeAPI, roster.DeviceTypePSD, roster.DeviceTypeSoftPSD}).Draw(t, "device"),
			DeviceUserID: text("deviceUser"), PublicKey: text("key"), ViewAll: flag("all"), EmailBounced: flag("bounced"), EmailComplained: flag("complained"), LoginViaBadge: flag("badge"),
			DefaultWarehouse: roster.WarehouseID(rapid.Int64().Draw(t, "warehouse")),
			CreatedAt:        moment("created"), UpdatedAt: moment("updated"), RegisteredAt: moment("registered"),
			LastLoginAt: moment("login"), DeletedAt: moment("deleted"), ExpiresAt: anyTime(time.Second).Draw(t, "expires"),
		}
		u.Revision = anyRevision(t)
		return u
	})
}

func anyRevision(t *rapid.T) roster.Revision {
	return roster.Revision{
		Version:   rapid.Int64Min(1).Draw(t, "version"),
		ChangedAt: time.UnixMilli(rapid.Int64Range(1, 4_000_000_000_000).Draw(t, "changed")).UTC(),
		Stamp:     roster.Stamp{By: anyText().Draw(t, "by"), Via: anyText().Draw(t, "via"), RequestID: anyText().Draw(t, "request"), ForwardedFor: anyText().Draw(t, "forwarded")},
	}
}

func anyOrganization() *rapid.Generator[roster.Organization] {
	return rapid.Custom(func(t *rapid.T) roster.Organization {
		u := AnyUser().Draw(t, "like")
		return roster.Organization{
			Tenant: u.Tenant, ID: u.Path.Last(), Name: u.Name, Path: u.Path, CreatedAt: u.CreatedAt, DeletedAt: u.DeletedAt, Revision: u.Revision,
		}
	})
}

func anyRole() *rapid.Generator[roster.Role] {
	return rapid.Custom(func(t *rapid.T) roster.Role {
		u := AnyUser().Draw(t, "like")
		return roster.Role{
			Tenant: u.Tenant, ID: roster.RoleID(u.Path.Last()), Name: u.Name,
			Permissions: roster.PermissionSet(rapid.Uint64().Draw(t, "permissions")) & roster.AllPermissions,
			CreatedAt:   u.CreatedAt, DeletedAt: u.DeletedAt, Revision: u.Revision,
		}
	})
}

func anyWarehouse() *rapid.Generator[roster.Warehouse] {
	return rapid.Custom(func(t *rapid.T) roster.Warehouse {
		u := AnyUser().Draw(t, "like")
		return roster.Warehouse{
			Tenant: u.Tenant, ID: roster.WarehouseID(u.ID), Name: u.Name, Active: rapid.Bool().Draw(t, "active"),
			CreatedAt: u.CreatedAt, DeletedAt: u.DeletedAt, Revision: u.Revision,
		}
	})
}

// list draws a list, nil when it is empty.
func list[E any](t *rapid.T, name string, element *rapid.Generator[E]) []E {
	l := rapid.SliceOfN(element, 0, 4).Draw(t, name)
	if len(l) == 0 {
		return nil
	}
	return l
}

// Keep returns a copy of a change that outlives the call of visit.
func Keep(c roster.Change) roster.Change { return keep(c) }
