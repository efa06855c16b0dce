package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// The types of lines: the member "type" of each line's object.
const (
	lineTenant       = "tenant"
	lineRole         = "role"
	lineGroup        = "group"
	lineWarehouse    = "warehouse"
	lineOrganization = "organization"
	lineUser         = "user"
	lineClient       = "client"
)

// line is one line of a file, as the verbs of package directory take and give it.
type line = directory.Record

// form is how lines are written and read. It never changes.
type form struct {
	organization, tenant []member[organizationLine]
	role                 []member[roleLine]
	group                []member[groupLine]
	warehouse            []member[warehouseLine]
	user                 []member[userLine]
	client               []member[clientLine]

	organizationByName, tenantByName map[string]member[organizationLine]
	roleByName                       map[string]member[roleLine]
	groupByName                      map[string]member[groupLine]
	warehouseByName                  map[string]member[warehouseLine]
	userByName                       map[string]member[userLine]
	clientByName                     map[string]member[clientLine]
}

// The lines as they are on the wire. They hold the nouns they are about; what a noun spells differently stands beside
// it.
type (
	organizationLine struct {
		kind         string
		parent       roster.OrgID
		organization roster.Organization
	}
	roleLine struct {
		kind        string
		permissions []string
		role        roster.Role
	}
	groupLine struct {
		kind  string
		group roster.Group
	}
	warehouseLine struct {
		kind string
		// inactive is said in place of the warehouse's Active: one of which nothing is said is in use.
		inactive  bool
		warehouse roster.Warehouse
	}
	userLine struct {
		kind         string
		organization roster.OrgID
		user         roster.User
		passwordHash string
		passwordSet  time.Time
	}
	clientLine struct {
		kind         string
		organization roster.OrgID
		secretHash   string
		client       roster.Client
	}
)

func newForm() *form {
	f := &form{
		tenant: []member[organizationLine]{
			text("type", func(l *organizationLine) *string { return &l.kind }),
			whole("id", func(l *organizationLine) *roster.OrgID { return &l.organization.ID }),
			text("name", func(l *organizationLine) *string { return &l.organization.Name }),
			moment("createdAt", func(l *organizationLine) *time.Time { return &l.organization.CreatedAt }),
		},
		role: []member[roleLine]{
			text("type", func(l *roleLine) *string { return &l.kind }),
			whole("id", func(l *roleLine) *roster.RoleID { return &l.role.ID }),
			text("name", func(l *roleLine) *string { return &l.role.Name }),
			texts("permissions", func(l *roleLine) *[]string { return &l.permissions }),
			moment("createdAt", func(l *roleLine) *time.Time { return &l.role.CreatedAt }),
		},
		group: []member[groupLine]{
			text("type", func(l *groupLine) *string { return &l.kind }),
			whole("id", func(l *groupLine) *roster.GroupID { return &l.group.ID }),
			text("name", func(l *groupLine) *string { return &l.group.Name }),
			moment("createdAt", func(l *groupLine) *time.Time { return &l.group.CreatedAt }),
		},
		warehouse: []member[warehouseLine]{
			text("type", func(l *warehouseLine) *string { return &l.kind }),
			whole("id", func(l *warehouseLine) *roster.WarehouseID { return &l.warehouse.ID }),
			text("name", func(l *warehouseLine) *string { return &l.warehouse.Name }),
			flag("inactive", func(l *warehouseLine) *bool { return &l.inactive }),
			moment("createdAt", func(l *warehouseLine) *time.Time { return &l.warehouse.CreatedAt }),
		},
		user: userMembers(),
		client: []member[clientLine]{
			text("type", func(l *clientLine) *string { return &l.kind }),
			text("id", func(l *clientLine) *roster.ClientID { return &l.client.ID }),
			whole("organization", func(l *clientLine) *roster.OrgID { return &l.organization }),
			text("name", func(l *clientLine) *string { return &l.client.Name }),
			flag("integration", func(l *clientLine) *bool { return &l.client.Integration }),
			text("secretHash", func(l *clientLine) *string { return &l.secretHash }),
			whole("serviceUser", func(l *clientLine) *roster.UserID { return &l.client.ServiceUser }),
			moment("createdAt", func(l *clientLine) *time.Time { return &l.client.CreatedAt }),
			moment("revokedAt", func(l *clientLine) *time.Time { return &l.client.RevokedAt }),
		},
	}
	parent := whole("parent", func(l *organizationLine) *roster.OrgID { return &l.parent })
	f.organization = append(append(f.organization, f.tenant[:2]...), parent)
	f.organization = append(f.organization, f.tenant[2:]...)
	f.tenantByName, f.organizationByName = byName(f.tenant), byName(f.organization)
	f.roleByName, f.groupByName, f.warehouseByName = byName(f.role), byName(f.group), byName(f.warehouse)
	f.userByName, f.clientByName = byName(f.user), byName(f.client)
	return f
}

func userMembers() []member[userLine] {
	return []member[userLine]{
		text("type", func(l *userLine) *string { return &l.kind }),
		whole("id", func(l *userLine) *roster.UserID { return &l.user.ID }),
		whole("organization", func(l *userLine) *roster.OrgID { return &l.organization }),
		text("email", func(l *userLine) *roster.Email { return &l.user.Email }),
		flag("emailBounced", func(l *userLine) *bool { return &l.user.EmailBounced }),
		flag("emailComplained", func(l *userLine) *bool { return &l.user.EmailComplained }),
		text("name", func(l *userLine) *string { return &l.user.Name }),
		text("givenName", func(l *userLine) *string { return &l.user.GivenName }),
		text("familyName", func(l *userLine) *string { return &l.user.FamilyName }),
		text("nickname", func(l *userLine) *string { return &l.user.Nickname }),
		text("username", func(l *userLine) *string { return &l.user.Username }),
		text("title", func(l *userLine) *string { return &l.user.Title }),
		text("phoneNumber", func(l *userLine) *string { return &l.user.PhoneNumber }),
		object("address", []member[roster.Address]{
			text("full", func(a *roster.Address) *string { return &a.Full }),
			text("country", func(a *roster.Address) *string { return &a.Country }),
			text("city", func(a *roster.Address) *string { return &a.City }),
			text("state", func(a *roster.Address) *string { return &a.State }),
			text("zip", func(a *roster.Address) *string { return &a.Zip }),
		}, func(l *userLine) *roster.Address { return &l.user.Address }),
		text("timeZone", func(l *userLine) *string { return &l.user.TimeZone }),
		text("locale", func(l *userLine) *string { return &l.user.Locale }),
		wholes("roles", func(l *userLine) *[]roster.RoleID { return &l.user.Roles }),
		named("status", "Active, Pending, Suspended", storedStatus, func(l *userLine) *roster.Status { return &l.user.Status }),
		flag("developer", func(l *userLine) *bool { return &l.user.Developer }),
		flag("darkMode", func(l *userLine) *bool { return &l.user.DarkMode }),
		whole("deviceCount", func(l *userLine) *int { return &l.user.DeviceCount }),
		text("seniority", func(l *userLine) *string { return &l.user.Seniority }),
		text("department", func(l *userLine) *string { return &l.user.Department }),
		text("office", func(l *userLine) *string { return &l.user.Office }),
		text("subdepartment", func(l *userLine) *string { return &l.user.Subdepartment }),
		text("pod", func(l *userLine) *string { return &l.user.Pod }),
		wholes("groups", func(l *userLine) *[]roster.GroupID { return &l.user.Groups }),
		flag("superDelegate", func(l *userLine) *bool { return &l.user.SuperDelegate }),
		texts("superDelegatePermissions", func(l *userLine) *[]string { return &l.user.SuperDelegatePermissions }),
		objects("delegates", []member[roster.Delegate]{
			whole("user", func(d *roster.Delegate) *roster.UserID { return &d.User }),
			texts("permissions", func(d *roster.Delegate) *[]string { return &d.Permissions }),
		}, func(l *userLine) *[]roster.Delegate { return &l.user.Delegates }),
		objects("identities", []member[roster.Identity]{
			text("type", func(i *roster.Identity) *string { return &i.Type }),
			text("value", func(i *roster.Identity) *string { return &i.Value }),
		}, func(l *userLine) *[]roster.Identity { return &l.user.Identities }),
		named("deviceType", "API, PSD, SOFT_PSD", roster.ParseDeviceType, func(l *userLine) *roster.DeviceType { return &l.user.DeviceType }),
		text("deviceUserId", func(l *userLine) *string { return &l.user.DeviceUserID }),
		text("publicKey", func(l *userLine) *string { return &l.user.PublicKey }),
		flag("viewAll", func(l *userLine) *bool { return &l.user.ViewAll }),
		flag("loginViaBadge", func(l *userLine) *bool { return &l.user.LoginViaBadge }),
		whole("defaultWarehouse", func(l *userLine) *roster.WarehouseID { return &l.user.DefaultWarehouse }),
		moment("createdAt", func(l *userLine) *time.Time { return &l.user.CreatedAt }),
		moment("updatedAt", func(l *userLine) *time.Time { return &l.user.UpdatedAt }),
		moment("registeredAt", func(l *userLine) *time.Time { return &l.user.RegisteredAt }),
		moment("lastLoginAt", func(l *userLine) *time.Time { return &l.user.LastLoginAt }),
		moment("deletedAt", func(l *userLine) *time.Time { return &l.user.DeletedAt }),
		moment("expiresAt", func(l *userLine) *time.Time { return &l.user.ExpiresAt }),
		text("passwordHash", func(l *userLine) *string { return &l.passwordHash }),
		moment("passwordChangedAt", func(l *userLine) *time.Time { return &l.passwordSet }),
	}
}

// storedStatus parses the statuses that are stored; Inactive is derived from the last login.
func storedStatus(name string) (roster.Status, bool) {
	status, ok := roster.ParseStatus(name)
	return status, ok && status != roster.StatusInactive
}

// write appends the line of a record, with its line feed.
func (f *form) write(dst []byte, r *line) []byte {
	switch {
	case r.Organization != nil && r.Organization.Parent() == 0:
		dst = writeObject(dst, f.tenant, &organizationLine{kind: lineTenant, organization: *r.Organization})
	case r.Organization != nil:
		dst = writeObject(dst, f.organization, &organizationLine{
			kind: lineOrganization, parent: r.Organization.Parent(), organization: *r.Organization,
		})
	case r.Role != nil:
		dst = writeObject(dst, f.role, &roleLine{kind: lineRole, permissions: r.Role.Permissions.Names(), role: *r.Role})
	case r.Group != nil:
		dst = writeObject(dst, f.group, &groupLine{kind: lineGroup, group: *r.Group})
	case r.Warehouse != nil:
		dst = writeObject(dst, f.warehouse, &warehouseLine{kind: lineWarehouse, inactive: !r.Warehouse.Active, warehouse: *r.Warehouse})
	case r.User != nil:
		l := userLine{kind: lineUser, organization: r.User.User.Org(), user: r.User.User}
		if c := r.User.Credential; c != nil {
			l.passwordHash, l.passwordSet = c.PasswordHash, c.ChangedAt
		}
		dst = writeObject(dst, f.user, &l)
	case r.Client != nil:
		l := clientLine{kind: lineClient, organization: r.Client.Path.Last(), client: *r.Client}
		if !r.Client.Integration {
			l.secretHash = hex.EncodeToString(r.Client.SecretHash[:])
		}
		dst = writeObject(dst, f.client, &l)
	}
	return append(dst, '\n')
}

// read reads a line, without its line feed. A path of what it returns holds only the organization that the line names,
// or, for an organization, its parent and itself: what is above is for package directory to find out.
func (f *form) read(data []byte) (line, error) {
	if !utf8.Valid(data) {
		return line{}, &fieldError{"", "is not valid UTF-8"}
	}
	kind, err := kindOf(data)
	if err != nil {
		return line{}, err
	}
	s := &scanner{data: data}
	var r line
	switch kind {
	case lineTenant:
		r, err = f.readOrganization(s, f.tenantByName)
	case lineOrganization:
		r, err = f.readOrganization(s, f.organizationByName)
	case lineRole:
		r, err = f.readRole(s)
	case lineGroup:
		r, err = f.readGroup(s)
	case lineWarehouse:
		r, err = f.readWarehouse(s)
	case lineUser:
		r, err = f.readUser(s)
	case lineClient:
		r, err = f.readClient(s)
	default:
		return line{}, &fieldError{"type", "must be one of tenant, role, group, warehouse, organization, user, client"}
	}
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return line{}, err
	}
	return r, nil
}

// kindOf returns the line's type, wherever in the object it stands.
func kindOf(data []byte) (string, error) {
	s := &scanner{data: data}
	kind, found := "", false
	err := s.object(func(name string) (bool, error) {
		if name != "type" {
			return true, s.skip(1)
		}
		var err error
		kind, err = s.text()
		found = true
		return true, err
	})
	if err == nil && !found {
		err = &fieldError{"type", "is required"}
	}
	return kind, err
}

func (f *form) readOrganization(s *scanner, members map[string]member[organizationLine]) (line, error) {
	var l organizationLine
	if err := readObject(s, members, &l); err != nil {
		return line{}, err
	}
	o := &l.organization
	switch {
	case o.ID < 1:
		return line{}, &fieldError{"id", "must be positive"}
	case l.kind == lineTenant:
		o.Tenant, o.Path = roster.TenantID(o.ID), roster.OrgPath{o.ID}
	case l.parent < 1:
		return line{}, &fieldError{"parent", "must be the id of the organization above"}
	default:
		o.Path = roster.OrgPath{l.parent, o.ID}
	}
	return line{Organization: o}, nil
}

func (f *form) readRole(s *scanner) (line, error) {
	var l roleLine
	if err := readObject(s, f.roleByName, &l); err != nil {
		return line{}, err
	}
	permissions, unknown := roster.ParsePermissions(l.permissions)
	if len(unknown) > 0 {
		return line{}, &fieldError{"permissions", fmt.Sprintf("must be names of permissions, not %q", unknown[0])}
	}
	l.role.Permissions = permissions
	return line{Role: &l.role}, nil
}

func (f *form) readGroup(s *scanner) (line, error) {
	var l groupLine
	if err := readObject(s, f.groupByName, &l); err != nil {
		return line{}, err
	}
	return line{Group: &l.group}, nil
}

func (f *form) readWarehouse(s *scanner) (line, error) {
	var l warehouseLine
	if err := readObject(s, f.warehouseByName, &l); err != nil {
		return line{}, err
	}
	l.warehouse.Active = !l.inactive
	return line{Warehouse: &l.warehouse}, nil
}

func (f *form) readUser(s *scanner) (line, error) {
	var l userLine
	if err := readObject(s, f.userByName, &l); err != nil {
		return line{}, err
	}
	if l.organization < 1 {
		return line{}, &fieldError{"organization", "must be the id of an organization"}
	}
	l.user.Path = roster.OrgPath{l.organization}
	r := line{User: &roster.NewUser{User: l.user}}
	switch {
	case l.passwordHash != "":
		r.User.Credential = &roster.Credential{PasswordHash: l.passwordHash, ChangedAt: l.passwordSet}
	case !l.passwordSet.IsZero():
		return line{}, &fieldError{"passwordChangedAt", "needs a passwordHash"}
	}
	return r, nil
}

func (f *form) readClient(s *scanner) (line, error) {
	var l clientLine
	if err := readObject(s, f.clientByName, &l); err != nil {
		return line{}, err
	}
	if l.organization < 1 {
		return line{}, &fieldError{"organization", "must be the id of an organization"}
	}
	l.client.Path = roster.OrgPath{l.organization}
	if l.client.Integration {
		if l.secretHash != "" {
			return line{}, &fieldError{"secretHash", "must not be there on an integration"}
		}
		return line{Client: &l.client}, nil
	}
	hash, err := hex.DecodeString(l.secretHash)
	if err != nil || len(hash) != len(l.client.SecretHash) || l.secretHash != strings.ToLower(l.secretHash) {
		return line{}, &fieldError{"secretHash", "must be 64 lower-case hexadecimal digits"}
	}
	copy(l.client.SecretHash[:], hash)
	return line{Client: &l.client}, nil
}
