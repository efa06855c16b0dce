package directory

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// exportStore is what exports read.
type exportStore interface {
	// Organizations returns all organizations of a tenant, each before those below it, siblings by id. An unknown
	// tenant is a KindNotFound error.
	Organizations(ctx context.Context, tenant roster.TenantID) ([]roster.Organization, error)
	// Roles returns all custom roles of a tenant.
	Roles(ctx context.Context, tenant roster.TenantID) ([]roster.Role, error)
	// Groups returns all groups of a tenant, in id order.
	Groups(ctx context.Context, tenant roster.TenantID) ([]roster.Group, error)
	// Warehouses returns all warehouses of a tenant, active or not, in id order.
	Warehouses(ctx context.Context, tenant roster.TenantID) ([]roster.Warehouse, error)
	// UsersOf returns a page of the users of one organization, in id order, and the id to go on after, zero when there
	// are no more.
	UsersOf(ctx context.Context, tenant roster.TenantID, org roster.OrgID, after roster.UserID, limit int) ([]roster.User, roster.UserID, error)
	// DeletedUsersOf is UsersOf for soft-deleted users.
	DeletedUsersOf(ctx context.Context, tenant roster.TenantID, org roster.OrgID, after roster.UserID, limit int) ([]roster.User, roster.UserID, error)
	// Credentials returns the hashed passwords of those of the users who have one.
	Credentials(ctx context.Context, tenant roster.TenantID, ids []roster.UserID) (map[roster.UserID]roster.Credential, error)
	// Clients returns all clients of a tenant, revoked ones too.
	Clients(ctx context.Context, tenant roster.TenantID) ([]roster.Client, error)
}

// Record is one thing that a tenant consists of, as an export gives it and an import takes it. Exactly one of the
// pointers is set.
type Record struct {
	Organization *roster.Organization
	Role         *roster.Role
	Group        *roster.Group
	Warehouse    *roster.Warehouse
	User         *roster.NewUser
	Client       *roster.Client
}

// ExportOptions says what to export.
type ExportOptions struct {
	// Secrets adds what logins and clients are checked against: users' password hashes and clients with the hashes of
	// their secrets.
	Secrets bool
}

// exportPage is the number of users read at a time.
const exportPage = roster.MaxLimit

// Export returns everything that a tenant consists of, in an order that depends on nothing but what there is: the root
// organization, the custom roles, the groups and the warehouses, each in id order, the other organizations parents first, the users of
// each organization by id, then its soft-deleted users by id, and at last, with Secrets, the clients by creation. It streams: it holds the
// organizations and a page of users in memory. It ends at the first error.
//
// It reads the table's index, which follows the table within a fraction of a second, page by page: what changes during
// an export may or may not be in it, and a user who is transferred meanwhile may be in it twice or not at all.
func (o *Operator) Export(ctx context.Context, tenant roster.TenantID, options ExportOptions) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		e := export{Operator: o, tenant: tenant, options: options, yield: yield}
		if err := e.run(ctx); err != nil && !e.stopped {
			yield(Record{}, err)
		}
	}
}

// export is one export under way.
type export struct {
	*Operator
	tenant  roster.TenantID
	options ExportOptions
	yield   func(Record, error) bool
	stopped bool
}

// give hands a record over, and reports whether more are wanted.
func (e *export) give(r Record) bool {
	e.stopped = e.stopped || !e.yield(r, nil)
	return !e.stopped
}

func (e *export) run(ctx context.Context) error {
	if err := e.mustBeTenant(ctx, e.tenant); err != nil {
		return err
	}
	organizations, err := e.store.Organizations(ctx, e.tenant)
	if err != nil {
		return err
	}
	if !e.give(Record{Organization: &organizations[0]}) {
		return nil
	}
	if err := e.roles(ctx); err != nil {
		return err
	}
	if err := e.groups(ctx); err != nil {
		return err
	}
	if err := e.warehouses(ctx); err != nil {
		return err
	}
	for i := range organizations[1:] {
		if !e.give(Record{Organization: &organizations[1+i]}) {
			return nil
		}
	}
	for i := range organizations {
		if err := e.users(ctx, organizations[i].ID, e.store.UsersOf); err != nil {
			return err
		}
		if err := e.users(ctx, organizations[i].ID, e.store.DeletedUsersOf); err != nil {
			return err
		}
	}
	if !e.options.Secrets {
		return nil
	}
	return e.clients(ctx)
}

func (e *export) roles(ctx context.Context) error {
	roles, err := e.store.Roles(ctx, e.tenant)
	if err != nil {
		return err
	}
	slices.SortFunc(roles, func(a, b roster.Role) int { return cmp.Compare(a.ID, b.ID) })
	for i := range roles {
		if !e.give(Record{Role: &roles[i]}) {
			return nil
		}
	}
	return nil
}

func (e *export) groups(ctx context.Context) error {
	groups, err := e.store.Groups(ctx, e.tenant)
	if err != nil {
		return err
	}
	for i := range groups {
		if !e.give(Record{Group: &groups[i]}) {
			return nil
		}
	}
	return nil
}

func (e *export) warehouses(ctx context.Context) error {
	warehouses, err := e.store.Warehouses(ctx, e.tenant)
	if err != nil {
		return err
	}
	for i := range warehouses {
		if !e.give(Record{Warehouse: &warehouses[i]}) {
			return nil
		}
	}
	return nil
}

// pager is UsersOf or DeletedUsersOf.
type pager func(ctx context.Context, tenant roster.TenantID, org roster.OrgID, after roster.UserID, limit int) ([]roster.User, roster.UserID, error)

func (e *export) users(ctx context.Context, org roster.OrgID, read pager) error {
	for after := roster.UserID(0); !e.stopped; {
		page, next, err := read(ctx, e.tenant, org, after, exportPage)
		if err != nil {
			return err
		}
		credentials, err := e.credentials(ctx, page)
		if err != nil {
			return err
		}
		for i := range page {
			if !e.give(Record{User: &roster.NewUser{User: page[i], Credential: credentials[page[i].ID]}}) {
				return nil
			}
		}
		if next == 0 {
			return nil
		}
		after = next
	}
	return nil
}

// credentials returns the passwords of a page of users, none without ExportOptions.Secrets.
func (e *export) credentials(ctx context.Context, users []roster.User) (map[roster.UserID]*roster.Credential, error) {
	if !e.options.Secrets {
		return nil, nil
	}
	ids := make([]roster.UserID, len(users))
	for i := range users {
		ids[i] = users[i].ID
	}
	stored, err := e.store.Credentials(ctx, e.tenant, ids)
	if err != nil {
		return nil, err
	}
	credentials := make(map[roster.UserID]*roster.Credential, len(stored))
	for id, credential := range stored {
		credentials[id] = &credential
	}
	return credentials, nil
}

func (e *export) clients(ctx context.Context) error {
	clients, err := e.store.Clients(ctx, e.tenant)
	if err != nil {
		return err
	}
	sortClients(clients)
	for i := range clients {
		if !e.give(Record{Client: &clients[i]}) {
			return nil
		}
	}
	return nil
}

func sortClients(clients []roster.Client) {
	slices.SortFunc(clients, func(a, b roster.Client) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(string(a.ID), string(b.ID)))
	})
}
