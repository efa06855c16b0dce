package directory

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// importStore is what imports write.
type importStore interface {
	Organizations
	// UserEvenDeleted returns a user, even a soft-deleted one, or a KindNotFound error.
	UserEvenDeleted(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error)
	// EmailOwner returns who holds an e-mail address, in whatever tenant, or a KindNotFound error.
	EmailOwner(ctx context.Context, email roster.Email) (roster.TenantID, roster.UserID, error)
	// CreateUsers stores new users, each with its claims and credential or not at all, and returns what became of each.
	// A zero id is assigned. Nothing that makes an address, an identity or an id twice is stored: the second one is a
	// KindConflict error.
	CreateUsers(ctx context.Context, users []roster.NewUser, stamp roster.Stamp) []roster.CreatedUser
	// CreateOrganization is described at tenantStore.
	CreateOrganization(ctx context.Context, organization roster.Organization, stamp roster.Stamp, once *roster.Once) (roster.Organization, bool, error)
	// Roles returns all custom roles of a tenant.
	Roles(ctx context.Context, tenant roster.TenantID) ([]roster.Role, error)
	// CreateRole stores a custom role and returns it as stored. An id that is taken is a KindConflict error.
	CreateRole(ctx context.Context, role roster.Role, stamp roster.Stamp) (roster.Role, error)
	groupStore
	warehouseStore
	// Client returns a client, revoked ones too, or a KindNotFound error.
	Client(ctx context.Context, id roster.ClientID) (roster.Client, error)
	// CreateClient stores a new client. An id that is taken is a KindConflict error.
	CreateClient(ctx context.Context, client roster.Client, stamp roster.Stamp) (roster.Client, error)
}

// Import brings records into one tenant, which may be new. Records may come in any order in which nothing refers to
// what comes later, with one exception: nobody checks that a delegate exists. An Import is safe for concurrent use; it
// must not live long, since it remembers which organizations, roles, groups and warehouses there are.
//
// Nothing is ever stored twice or changed: a record that is there already, with what the record says, is Existed, and
// one that is there otherwise is a KindConflict error. So an import that ended early can be done again.
type Import struct {
	*Operator
	tenant roster.TenantID

	mu     sync.Mutex
	paths  map[roster.OrgID]roster.OrgPath // of the organizations seen, guarded by mu
	roles  map[roster.RoleID]bool          // the custom roles that exist, nil until they are read, guarded by mu
	groups map[roster.GroupID]bool         // the groups that exist, nil until they are read, guarded by mu

	warehouses map[roster.WarehouseID]bool // the warehouses that exist, nil until they are read, guarded by mu
}

// Outcome is what became of a record that caused no error.
type Outcome uint8

// The outcomes.
const (
	// Created means that the record is stored now.
	Created Outcome = iota
	// Existed means that it was there already.
	Existed
	// Expired means that it is a soft-deleted user whose retention is over: there is nothing left to store.
	Expired
)

// Import returns an Import into a tenant.
func (o *Operator) Import(tenant roster.TenantID) *Import {
	return &Import{Operator: o, tenant: tenant, paths: map[roster.OrgID]roster.OrgPath{}}
}

// TenantExists reports whether the tenant's root organization is there.
func (i *Import) TenantExists(ctx context.Context) (bool, error) {
	path, err := i.path(ctx, i.tenant.Root())
	if roster.KindOf(err) == roster.KindNotFound {
		return false, nil
	}
	return path != nil, err
}

// Organization brings in an organization. Only the last two ids of its path matter, its parent's and its own; the root
// has only its own, which is the tenant's.
func (i *Import) Organization(ctx context.Context, organization roster.Organization) (Outcome, error) {
	organization.Tenant = i.tenant
	if parent := organization.Parent(); parent != 0 {
		above, err := i.path(ctx, parent)
		if err != nil {
			return 0, rename(err, "parent")
		}
		if len(above) >= roster.MaxDepth {
			return 0, roster.Invalid("parent", "is as deep in the tree as organizations go")
		}
		organization.Path = above.Child(organization.ID)
	}
	organization.CreatedAt = i.given(organization.CreatedAt)
	if err := organization.Validate(); err != nil {
		return 0, err
	}
	created, _, err := i.store.CreateOrganization(ctx, organization, i.stamp, nil)
	if err == nil {
		i.remember(created.Path)
		return Created, nil
	}
	if roster.KindOf(err) != roster.KindConflict {
		return 0, err
	}
	stored, readErr := i.store.Organization(ctx, i.tenant, organization.ID)
	if readErr != nil {
		return 0, orConflict(readErr, err)
	}
	i.remember(stored.Path)
	var other []string
	note(&other, "name", stored.Name == organization.Name)
	note(&other, "parent", stored.Parent() == organization.Parent())
	return existed("organization "+organization.ID.String(), other)
}

// Role brings in a custom role.
func (i *Import) Role(ctx context.Context, role roster.Role) (Outcome, error) {
	var errs roster.FieldErrors
	if _, builtin := roster.BuiltinRole(role.ID); builtin || role.ID < 1 {
		errs.Add("id", "must be positive and not that of a built-in role")
	}
	roster.CheckText(&errs, "name", role.Name, 1, roster.MaxName)
	if err := errs.Err(); err != nil {
		return 0, err
	}
	role.Tenant, role.CreatedAt = i.tenant, i.given(role.CreatedAt)
	if err := i.readRoles(ctx); err != nil {
		return 0, err
	}
	_, err := i.store.CreateRole(ctx, role, i.stamp)
	if err == nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.roles[role.ID] = true
		return Created, nil
	}
	if roster.KindOf(err) != roster.KindConflict {
		return 0, err
	}
	stored, readErr := i.store.Roles(ctx, i.tenant)
	if readErr != nil {
		return 0, readErr
	}
	for _, s := range stored {
		if s.ID == role.ID {
			var other []string
			note(&other, "name", s.Name == role.Name)
			note(&other, "permissions", s.Permissions == role.Permissions)
			return existed("role "+role.ID.String(), other)
		}
	}
	return 0, err
}

// Group brings in a group.
func (i *Import) Group(ctx context.Context, group roster.Group) (Outcome, error) {
	if err := group.Validate(); err != nil {
		return 0, err
	}
	group.Tenant, group.CreatedAt = i.tenant, i.given(group.CreatedAt)
	if err := i.readGroups(ctx); err != nil {
		return 0, err
	}
	_, err := i.store.CreateGroup(ctx, group, i.stamp)
	if err == nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.groups[group.ID] = true
		return Created, nil
	}
	if roster.KindOf(err) != roster.KindConflict {
		return 0, err
	}
	stored, readErr := i.store.Groups(ctx, i.tenant)
	if readErr != nil {
		return 0, readErr
	}
	for _, s := range stored {
		if s.ID == group.ID {
			var other []string
			note(&other, "name", s.Name == group.Name)
			return existed("group "+group.ID.String(), other)
		}
	}
	return 0, err
}

// Warehouse brings in a warehouse.
func (i *Import) Warehouse(ctx context.Context, warehouse roster.Warehouse) (Outcome, error) {
	if err := warehouse.Validate(); err != nil {
		return 0, err
	}
	warehouse.Tenant, warehouse.CreatedAt = i.tenant, i.given(warehouse.CreatedAt)
	if err := i.readWarehouses(ctx); err != nil {
		return 0, err
	}
	_, err := i.store.CreateWarehouse(ctx, warehouse, i.stamp)
	if err == nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.warehouses[warehouse.ID] = true
		return Created, nil
	}
	if roster.KindOf(err) != roster.KindConflict {
		return 0, err
	}
	stored, readErr := i.store.Warehouses(ctx, i.tenant)
	if readErr != nil {
		return 0, readErr
	}
	for _, s := range stored {
		if s.ID == warehouse.ID {
			var other []string
			note(&other, "name", s.Name == warehouse.Name)
			note(&other, "active", s.Active == warehouse.Active)
			return existed("warehouse "+warehouse.ID.String(), other)
		}
	}
	return 0, err
}

// Client brings in a client, which may be an integration: one without tokens, since those are good at one place only. Only the
// last id of its path matters, its organization's.
func (i *Import) Client(ctx context.Context, client roster.Client) (Outcome, error) {
	client.Tenant, client.CreatedAt = i.tenant, i.given(client.CreatedAt)
	if err := i.completeClient(ctx, &client); err != nil {
		return 0, err
	}
	_, err := i.store.CreateClient(ctx, client, i.stamp)
	if err == nil {
		return Created, nil
	}
	if roster.KindOf(err) != roster.KindConflict {
		return 0, err
	}
	stored, readErr := i.store.Client(ctx, client.ID)
	if readErr != nil {
		return 0, orConflict(readErr, err)
	}
	if stored.Tenant != i.tenant {
		return 0, err
	}
	var other []string
	note(&other, "organization", stored.Path.Last() == client.Path.Last())
	note(&other, "name", stored.Name == client.Name)
	note(&other, "secretHash", stored.SecretHash == client.SecretHash)
	note(&other, "integration", stored.Integration == client.Integration)
	note(&other, "serviceUser", stored.ServiceUser == client.ServiceUser)
	note(&other, "revokedAt", stored.RevokedAt.Equal(client.RevokedAt))
	return existed("client "+string(client.ID), other)
}

// path returns the path of an organization of the tenant, from memory if it was seen before.
func (i *Import) path(ctx context.Context, org roster.OrgID) (roster.OrgPath, error) {
	i.mu.Lock()
	path := i.paths[org]
	i.mu.Unlock()
	if path != nil {
		return path, nil
	}
	organization, err := i.store.Organization(ctx, i.tenant, org)
	if roster.KindOf(err) == roster.KindNotFound {
		return nil, &roster.Error{
			Kind: roster.KindNotFound, Message: "organization " + org.String() + " is not in tenant " + i.tenant.String(), Cause: err,
		}
	}
	if err != nil {
		return nil, err
	}
	i.remember(organization.Path)
	return organization.Path, nil
}

func (i *Import) remember(path roster.OrgPath) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.paths[path.Last()] = path
}

// readRoles makes sure that i.roles is there.
func (i *Import) readRoles(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.roles != nil {
		return nil
	}
	list, err := i.store.Roles(ctx, i.tenant)
	if err != nil {
		return err
	}
	i.roles = map[roster.RoleID]bool{}
	for _, r := range list {
		i.roles[r.ID] = true
	}
	return nil
}

func (i *Import) roleExists(id roster.RoleID) bool {
	if _, builtin := roster.BuiltinRole(id); builtin {
		return true
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.roles[id]
}

// readGroups makes sure that i.groups is there.
func (i *Import) readGroups(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.groups != nil {
		return nil
	}
	list, err := i.store.Groups(ctx, i.tenant)
	if err != nil {
		return err
	}
	i.groups = map[roster.GroupID]bool{}
	for _, g := range list {
		i.groups[g.ID] = true
	}
	return nil
}

func (i *Import) groupExists(id roster.GroupID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.groups[id]
}

// readWarehouses makes sure that i.warehouses is there.
func (i *Import) readWarehouses(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.warehouses != nil {
		return nil
	}
	list, err := i.store.Warehouses(ctx, i.tenant)
	if err != nil {
		return err
	}
	i.warehouses = map[roster.WarehouseID]bool{}
	for _, w := range list {
		i.warehouses[w.ID] = true
	}
	return nil
}

func (i *Import) warehouseExists(id roster.WarehouseID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.warehouses[id]
}

// given returns the time that a record was created at: now if it does not say.
func (i *Import) given(t time.Time) time.Time {
	if t.IsZero() {
		return i.moment()
	}
	return t.UTC().Truncate(time.Millisecond)
}

// rename turns an error about a noun into one that names the field that refers to it.
func rename(err error, field string) error {
	e, ok := errors.AsType[*roster.Error](err)
	if !ok || e.Kind != roster.KindNotFound {
		return err
	}
	return &roster.Error{Kind: e.Kind, Message: field + ": " + e.Message, Fields: []roster.FieldError{{Field: field, Message: e.Message}}, Cause: err}
}

// orConflict returns err, unless that is only that there is nothing to compare with: then the conflict says more.
func orConflict(err, conflict error) error {
	if roster.KindOf(err) == roster.KindNotFound {
		return conflict
	}
	return err
}

// note adds the name of a field that is not the same.
func note(other *[]string, field string, same bool) {
	if !same {
		*other = append(*other, field)
	}
}

// existed returns the outcome for a record that is there already, with other values in the fields named.
func existed(what string, other []string) (Outcome, error) {
	if len(other) == 0 {
		return Existed, nil
	}
	return 0, roster.Conflict(what + " is there already, with another " + strings.Join(other, ", "))
}
