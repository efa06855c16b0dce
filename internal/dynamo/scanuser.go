package dynamo

import (
	"fmt"
	"math"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// row is one item of the feed, read into the nouns themselves: into user, whatever the item is, since a user has all
// that an organization, a role or a warehouse has but the permissions and whether it is active, and the type of an item may be the last of its attributes. It is
// used again for the next item, with the memory of its lists.
type row struct {
	scanner

	typ         string
	pk          string
	path        string
	status      string
	deviceType  string
	permissions []string
	active      bool

	user         roster.User
	organization roster.Organization
	role         roster.Role
	warehouse    roster.Warehouse
}

// reset empties the row for the next item.
func (r *row) reset() {
	u := &r.user
	path, roles, groups := u.Path[:0], u.Roles[:0], u.Groups[:0]
	permissions, delegates, identities := u.SuperDelegatePermissions[:0], u.Delegates[:0], u.Identities[:0]
	*u = roster.User{
		Path: path, Roles: roles, Groups: groups,
		SuperDelegatePermissions: permissions, Delegates: delegates, Identities: identities,
	}
	r.typ, r.pk, r.path, r.status, r.deviceType = "", "", "", "", ""
	r.permissions, r.active = r.permissions[:0], false
	r.mismatch = nil
}

// scanItem reads the item that must be next. The scanner's err tells of bad syntax.
func (r *row) scanItem() {
	r.reset()
	r.object(r.attribute)
}

// attribute reads the value of one attribute of an item, a user's or one that all items have.
func (r *row) attribute(name string) {
	u := &r.user
	switch name {
	case "pk":
		r.pk = r.stringValue()
	case "type":
		r.typ = r.stringValue()
	case "version":
		u.Revision.Version = r.int64Value()
	case "changedAt":
		u.Revision.ChangedAt = r.timeValue()
	case "changedBy":
		u.Revision.Stamp.By = r.stringValue()
	case "changedVia":
		u.Revision.Stamp.Via = r.stringValue()
	case "requestId":
		u.Revision.Stamp.RequestID = r.stringValue()
	case "forwardedFor":
		u.Revision.Stamp.ForwardedFor = r.stringValue()
	case "tenantId":
		u.Tenant = roster.TenantID(r.int32Value())
	case "id":
		u.ID = roster.UserID(r.int64Value())
	case "path":
		r.path = r.stringValue()
	case "email":
		u.Email = roster.Email(r.stringValue())
	case "name":
		u.Name = r.stringValue()
	case "givenName":
		u.GivenName = r.stringValue()
	case "familyName":
		u.FamilyName = r.stringValue()
	case "nickname":
		u.Nickname = r.stringValue()
	case "username":
		u.Username = r.stringValue()
	case "title":
		u.Title = r.stringValue()
	case "phoneNumber":
		u.PhoneNumber = r.stringValue()
	case "status":
		r.status = r.stringValue()
	case "roles":
		r.listValue(func() { u.Roles = append(u.Roles, roster.RoleID(r.int32Value())) })
	case "createdAt":
		u.CreatedAt = r.timeValue()
	case "updatedAt":
		u.UpdatedAt = r.timeValue()
	case "registeredAt":
		u.RegisteredAt = r.timeValue()
	case "lastLoginAt":
		u.LastLoginAt = r.timeValue()
	case "deletedAt":
		u.DeletedAt = r.timeValue()
	case "expiresAt":
		u.ExpiresAt = fromTTL(r.int64Value())
	default:
		r.rareAttribute(name)
	}
}

// rareAttribute is attribute for what fewer users have, and for what is no noun's.
func (r *row) rareAttribute(name string) {
	u := &r.user
	switch name {
	case "address":
		u.Address.Full = r.stringValue()
	case "country":
		u.Address.Country = r.stringValue()
	case "city":
		u.Address.City = r.stringValue()
	case "state":
		u.Address.State = r.stringValue()
	case "zip":
		u.Address.Zip = r.stringValue()
	case "timeZone":
		u.TimeZone = r.stringValue()
	case "locale":
		u.Locale = r.stringValue()
	case "developer":
		u.Developer = r.boolValue()
	case "darkMode":
		u.DarkMode = r.boolValue()
	case "deviceCount":
		u.DeviceCount = int(r.numberValue(math.MinInt, math.MaxInt))
	case "seniority":
		u.Seniority = r.stringValue()
	case "department":
		u.Department = r.stringValue()
	case "office":
		u.Office = r.stringValue()
	case "subdepartment":
		u.Subdepartment = r.stringValue()
	case "pod":
		u.Pod = r.stringValue()
	case "groups":
		r.listValue(func() { u.Groups = append(u.Groups, roster.GroupID(r.int64Value())) })
	case "superDelegate":
		u.SuperDelegate = r.boolValue()
	case "superDelegatePermissions":
		r.listValue(func() { u.SuperDelegatePermissions = append(u.SuperDelegatePermissions, r.stringValue()) })
	case "delegates":
		r.listValue(func() { u.Delegates = append(u.Delegates, r.delegate()) })
	case "identities":
		r.listValue(func() { u.Identities = append(u.Identities, r.identity()) })
	case "deviceType":
		r.deviceType = r.stringValue()
	case "deviceUserId":
		u.DeviceUserID = r.stringValue()
	case "publicKey":
		u.PublicKey = r.stringValue()
	case "emailBounced":
		u.EmailBounced = r.boolValue()
	case "emailComplained":
		u.EmailComplained = r.boolValue()
	case "viewAll":
		u.ViewAll = r.boolValue()
	case "loginViaBadge":
		u.LoginViaBadge = r.boolValue()
	case "defaultWarehouse":
		u.DefaultWarehouse = roster.WarehouseID(r.int64Value())
	case "permissions":
		r.listValue(func() { r.permissions = append(r.permissions, r.stringValue()) })
	case "active":
		r.active = r.boolValue()
	default:
		// sk, shard, orgId and kind are there for the indexes; what they say is in pk, id and path.
		r.skip()
	}
}

func (r *row) timeValue() time.Time { return fromMillis(r.int64Value()) }

func (r *row) delegate() roster.Delegate {
	var d roster.Delegate
	r.mapValue(func(name string) {
		switch name {
		case "user":
			d.User = roster.UserID(r.int64Value())
		case "permissions":
			r.listValue(func() { d.Permissions = append(d.Permissions, r.stringValue()) })
		default:
			r.skip()
		}
	})
	return d
}

func (r *row) identity() roster.Identity {
	var i roster.Identity
	r.mapValue(func(name string) {
		switch name {
		case "type":
			i.Type = r.stringValue()
		case "value":
			i.Value = r.stringValue()
		default:
			r.skip()
		}
	})
	return i
}

// change returns the noun that was read, in memory that the next item takes again. It reports false for an item of a type
// that this release does not know, whatever is in it.
func (r *row) change() (roster.Change, bool, error) {
	switch r.typ {
	case typeUser, typeOrganization, typeRole, typeWarehouse:
	default:
		return roster.Change{}, false, nil
	}
	if r.mismatch != nil {
		return roster.Change{}, false, fmt.Errorf("item %s: %w", r.pk, r.mismatch)
	}
	switch r.typ {
	case typeRole:
		return r.changedRole()
	case typeWarehouse:
		return r.changedWarehouse()
	}
	u := &r.user
	path, ok := appendPath(u.Path, r.path)
	if !ok {
		return roster.Change{}, false, fmt.Errorf("item %s has the path %q", r.pk, r.path)
	}
	if r.typ == typeOrganization {
		return r.changedOrganization(path)
	}
	u.Path = path
	if u.Status, ok = roster.ParseStatus(r.status); !ok {
		return roster.Change{}, false, fmt.Errorf("item %s has the unknown status %q", r.pk, r.status)
	}
	if u.DeviceType, ok = roster.ParseDeviceType(r.deviceType); !ok {
		return roster.Change{}, false, fmt.Errorf("item %s has the unknown device type %q", r.pk, r.deviceType)
	}
	return roster.Change{User: u}, true, nil
}

func (r *row) changedOrganization(path roster.OrgPath) (roster.Change, bool, error) {
	u := &r.user
	if u.ID != roster.UserID(int32(u.ID)) {
		return roster.Change{}, false, fmt.Errorf("item %s has the id %s", r.pk, u.ID)
	}
	u.Path = path
	r.organization = roster.Organization{
		Tenant: u.Tenant, ID: roster.OrgID(u.ID), Name: u.Name, Path: path,
		CreatedAt: u.CreatedAt, DeletedAt: u.DeletedAt, Revision: u.Revision,
	}
	return roster.Change{Organization: &r.organization}, true, nil
}

func (r *row) changedRole() (roster.Change, bool, error) {
	u := &r.user
	if u.ID != roster.UserID(int32(u.ID)) {
		return roster.Change{}, false, fmt.Errorf("item %s has the id %s", r.pk, u.ID)
	}
	permissions, _ := roster.ParsePermissions(r.permissions)
	r.role = roster.Role{
		Tenant: u.Tenant, ID: roster.RoleID(u.ID), Name: u.Name, Permissions: permissions,
		CreatedAt: u.CreatedAt, DeletedAt: u.DeletedAt, Revision: u.Revision,
	}
	return roster.Change{Role: &r.role}, true, nil
}

func (r *row) changedWarehouse() (roster.Change, bool, error) {
	u := &r.user
	r.warehouse = roster.Warehouse{
		Tenant: u.Tenant, ID: roster.WarehouseID(u.ID), Name: u.Name, Active: r.active,
		CreatedAt: u.CreatedAt, DeletedAt: u.DeletedAt, Revision: u.Revision,
	}
	return roster.Change{Warehouse: &r.warehouse}, true, nil
}

// appendPath is roster.ParseOrgPath into memory that is there.
func appendPath(path roster.OrgPath, text string) (roster.OrgPath, bool) {
	for start, i := 0, 0; ; i++ {
		if i < len(text) && text[i] != '/' {
			continue
		}
		id, ok := parseInteger(text[start:i])
		if !ok || id < 1 || id > math.MaxInt32 || len(path) >= roster.MaxDepth {
			return path, false
		}
		path = append(path, roster.OrgID(id))
		if i == len(text) {
			return path, true
		}
		start = i + 1
	}
}
