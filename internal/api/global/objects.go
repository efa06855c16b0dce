package global

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// The names of types.
const (
	typeOrganizationUser = "OrganizationUser"
	typeClientUser       = "ClientUser"
	typeOrganizationRole = "OrganizationRole"
	typeClientRole       = "ClientRole"
	typeWarehouse        = "Warehouse"
	typeMerchant         = "Merchant"
)

// User is a user of the organization or of one of its clients. The basic fields come first; the others are there if they are asked
// for, and if users of that type have them.
type User struct {
	Type     string  `json:"type" enum:"OrganizationUser,ClientUser" doc:"Whether the user belongs to the organization or to a client of it"`
	ID       int64   `json:"id" minimum:"1" maximum:"9007199254740991" doc:"User's id, the same sequence for both types"`
	Name     string  `json:"name" doc:"Full name"`
	Email    string  `json:"email" format:"email" doc:"E-mail address, used for login"`
	Username *string `json:"username" nullable:"true" doc:"User name; null if the user has none"`
	IsActive bool    `json:"is_active" doc:"Whether the user can log in"`

	Roles            []Reference         `json:"roles,omitzero" nullable:"false" doc:"The user's roles, the main one first: references to OrganizationRole or ClientRole"`
	LoginViaBadge    *bool               `json:"login_via_badge,omitempty" doc:"Whether the user can log in with a badge. Only of an OrganizationUser"`
	DefaultWarehouse orNull[Reference]   `json:"default_warehouse,omitzero" doc:"Reference to the Warehouse that the user works at; null if there is none. Only of an OrganizationUser"`
	Merchant         orNull[Reference]   `json:"merchant,omitzero" doc:"Reference to the Merchant, a client of the organization, that the user belongs to. Only of a ClientUser"`
	CreatedAt        string              `json:"created_at,omitempty" format:"date-time" doc:"When the user was created"`
	LastLoginAt      orNull[dateAndTime] `json:"last_login_at,omitzero" doc:"When the user last logged in; null if never"`
}

// Reference is the type and id of another object.
type Reference struct {
	Type string `json:"type" enum:"OrganizationRole,ClientRole,Warehouse,Merchant" doc:"Type of the object"`
	ID   int64  `json:"id" minimum:"1" doc:"Id of the object, unique in its type"`
}

// Role is a role, as users of one type have it.
type Role struct {
	Type        string   `json:"type" enum:"OrganizationRole,ClientRole" doc:"Whether users of the organization or of its clients have the role"`
	ID          int64    `json:"id" minimum:"1" doc:"Role's id"`
	Name        string   `json:"name" doc:"Role's name"`
	Permissions []string `json:"permissions,omitzero" nullable:"false" doc:"What the role permits: paths, with slashes between their parts"`
}

// Warehouse is a place that users work at.
type Warehouse struct {
	Type     string `json:"type" enum:"Warehouse" doc:"Warehouse"`
	ID       int64  `json:"id" minimum:"1" doc:"Warehouse's id"`
	Name     string `json:"name" doc:"Warehouse's name"`
	IsActive bool   `json:"is_active" doc:"Whether the warehouse is in use"`
}

// Merchant is a client of the organization.
type Merchant struct {
	Type      string `json:"type" enum:"Merchant" doc:"Merchant"`
	ID        int64  `json:"id" minimum:"1" doc:"Merchant's id"`
	Name      string `json:"name" doc:"Merchant's name"`
	IsActive  bool   `json:"is_active" doc:"Always true: a merchant that is gone is nowhere"`
	IsDeleted bool   `json:"is_deleted" doc:"Always false: a merchant that is gone is nowhere"`
	CreatedAt string `json:"created_at,omitempty" format:"date-time" doc:"When the merchant was created"`
}

// Included is the objects that the users of a page refer to, each once, by type.
type Included struct {
	OrganizationRole []Role      `json:"OrganizationRole,omitempty" nullable:"false" doc:"Roles of users of the organization"`
	ClientRole       []Role      `json:"ClientRole,omitempty" nullable:"false" doc:"Roles of users of clients"`
	Warehouse        []Warehouse `json:"Warehouse,omitempty" nullable:"false" doc:"Warehouses that users work at"`
	Merchant         []Merchant  `json:"Merchant,omitempty" nullable:"false" doc:"Clients that users belong to"`
}

// objects returns how many objects there are.
func (i *Included) objects() int {
	return len(i.OrganizationRole) + len(i.ClientRole) + len(i.Warehouse) + len(i.Merchant)
}

// dateAndTime is a moment as text.
type dateAndTime string

// Schema returns the schema of a moment.
func (dateAndTime) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
}

// orNull is a field that is absent, its zero value, or there, with a value or null.
type orNull[T any] struct {
	there bool
	value *T
}

// MarshalJSON returns the value, or null.
func (o orNull[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.value) }

// UnmarshalJSON is the opposite of MarshalJSON.
func (o *orNull[T]) UnmarshalJSON(data []byte) error {
	o.there = true
	return json.Unmarshal(data, &o.value)
}

// Schema returns the schema of a value or null.
func (orNull[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(reflect.TypeFor[T](), true, ""), {Type: "null"}}}
}

// timeForm is how moments are written: UTC, to the second.
const timeForm = "2006-01-02T15:04:05Z"

func wireTime(t time.Time) string { return t.UTC().Format(timeForm) }

// canLogIn reports whether a user can log in: a rule of package oauth2, which looks at the stored status.
func canLogIn(u *roster.User) bool { return u.Status == roster.StatusActive && !u.Deleted() }

// shelf makes the objects of one answer.
type shelf struct {
	caller    *roster.Principal
	view      directory.View
	selection selection
	included  Included
	has       map[Reference]bool // what is in included
}

// user returns a user, and includes what it refers to as far as that was asked for.
func (s *shelf) user(u *roster.User) User {
	shown := User{Type: typeOrganizationUser, ID: int64(u.ID), Name: u.Name, Email: string(u.Email), IsActive: canLogIn(u)}
	if u.Username != "" {
		shown.Username = &u.Username
	}
	roleType := typeOrganizationRole
	merchant := u.Path.Below(s.caller.Org())
	if merchant != 0 {
		shown.Type, roleType = typeClientUser, typeClientRole
		if s.selection.merchant {
			shown.Merchant = orNull[Reference]{true, s.merchant(merchant)}
		}
	} else {
		if s.selection.loginViaBadge {
			shown.LoginViaBadge = &u.LoginViaBadge
		}
		if s.selection.defaultWarehouse {
			shown.DefaultWarehouse = orNull[Reference]{true, s.warehouse(u.DefaultWarehouse)}
		}
	}
	if s.selection.roles {
		shown.Roles = s.roles(roleType, u.Roles)
	}
	if s.selection.createdAt {
		shown.CreatedAt = wireTime(u.CreatedAt)
	}
	if s.selection.lastLoginAt {
		shown.LastLoginAt.there = true
		if !u.LastLoginAt.IsZero() {
			shown.LastLoginAt.value = new(dateAndTime(wireTime(u.LastLoginAt)))
		}
	}
	return shown
}

// roles returns references to the roles that stand.
func (s *shelf) roles(roleType string, ids []roster.RoleID) []Reference {
	references := make([]Reference, 0, len(ids))
	for _, id := range ids {
		role, ok := s.view.Role(id)
		if !ok {
			continue
		}
		reference := Reference{roleType, int64(id)}
		references = append(references, reference)
		if s.selection.ofRoles == nil || s.includes(reference) {
			continue
		}
		shown := Role{Type: roleType, ID: int64(id), Name: role.Name}
		if s.selection.ofRoles.has("permissions") {
			shown.Permissions = pathsOf(role.Permissions)
		}
		list := &s.included.OrganizationRole
		if roleType == typeClientRole {
			list = &s.included.ClientRole
		}
		*list = append(*list, shown)
	}
	return references
}

// warehouse returns a reference to a warehouse, nil if there is none that stands.
func (s *shelf) warehouse(id roster.WarehouseID) *Reference {
	if id == 0 {
		return nil
	}
	warehouse, ok := s.view.Warehouse(id)
	if !ok {
		return nil
	}
	reference := Reference{typeWarehouse, int64(id)}
	if s.selection.ofDefaultWarehouse != nil && !s.includes(reference) {
		s.included.Warehouse = append(s.included.Warehouse, Warehouse{Type: typeWarehouse, ID: int64(id), Name: warehouse.Name, IsActive: warehouse.Active})
	}
	return &reference
}

// merchant returns a reference to a client, nil if it does not stand.
func (s *shelf) merchant(id roster.OrgID) *Reference {
	organization, ok := s.view.Organization(id)
	if !ok {
		return nil
	}
	reference := Reference{typeMerchant, int64(id)}
	if s.selection.ofMerchant != nil && !s.includes(reference) {
		shown := Merchant{Type: typeMerchant, ID: int64(id), Name: organization.Name, IsActive: true}
		if s.selection.ofMerchant.has("created_at") {
			shown.CreatedAt = wireTime(organization.CreatedAt)
		}
		s.included.Merchant = append(s.included.Merchant, shown)
	}
	return &reference
}

// includes reports whether an object is included already, and notes that it is now.
func (s *shelf) includes(r Reference) bool {
	known := s.has[r]
	s.has[r] = true
	return known
}
