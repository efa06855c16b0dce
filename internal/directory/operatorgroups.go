package directory

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// groupStore is the groups of the table.
type groupStore interface {
	// Groups returns all groups of a tenant that stand, in id order.
	Groups(ctx context.Context, tenant roster.TenantID) ([]roster.Group, error)
	// CreateGroup stores a group, whose zero ID is assigned, and returns it as stored. An id that is taken is a KindConflict
	// error.
	CreateGroup(ctx context.Context, group roster.Group, stamp roster.Stamp) (roster.Group, error)
}

// CreateGroup makes a group, whose name need not be unique. A broken field rule is a KindInvalid error, an unknown tenant a
// KindNotFound error.
func (o *Operator) CreateGroup(ctx context.Context, tenant roster.TenantID, name string) (roster.Group, error) {
	// The id is the store's to assign.
	checked := roster.Group{ID: roster.MaxGroupID, Name: name}
	if err := checked.Validate(); err != nil {
		return roster.Group{}, err
	}
	if err := o.mustBeTenant(ctx, tenant); err != nil {
		return roster.Group{}, err
	}
	return o.store.CreateGroup(ctx, roster.Group{Tenant: tenant, Name: name, CreatedAt: o.moment()}, o.stamp)
}

// Groups returns the groups of a tenant, in id order. An unknown tenant is a KindNotFound error.
func (o *Operator) Groups(ctx context.Context, tenant roster.TenantID) ([]roster.Group, error) {
	if err := o.mustBeTenant(ctx, tenant); err != nil {
		return nil, err
	}
	return o.store.Groups(ctx, tenant)
}
