package directory

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// warehouseStore is the warehouses of the table.
type warehouseStore interface {
	// Warehouses returns all warehouses of a tenant that stand, active or not, in id order.
	Warehouses(ctx context.Context, tenant roster.TenantID) ([]roster.Warehouse, error)
	// CreateWarehouse stores a warehouse, whose zero ID is assigned, and returns it as stored. An id that is taken is a
	// KindConflict error.
	CreateWarehouse(ctx context.Context, warehouse roster.Warehouse, stamp roster.Stamp) (roster.Warehouse, error)
}

// WarehouseRequest is what CreateWarehouse needs to know.
type WarehouseRequest struct {
	Tenant roster.TenantID
	Name   string
	// Inactive makes a warehouse that is not in use.
	Inactive bool
}

// CreateWarehouse makes a warehouse, whose name need not be unique. A broken field rule is a KindInvalid error, an unknown
// tenant a KindNotFound error.
func (o *Operator) CreateWarehouse(ctx context.Context, r WarehouseRequest) (roster.Warehouse, error) {
	// The id is the store's to assign.
	checked := roster.Warehouse{ID: roster.MaxWarehouseID, Name: r.Name}
	if err := checked.Validate(); err != nil {
		return roster.Warehouse{}, err
	}
	if err := o.mustBeTenant(ctx, r.Tenant); err != nil {
		return roster.Warehouse{}, err
	}
	return o.store.CreateWarehouse(ctx, roster.Warehouse{Tenant: r.Tenant, Name: r.Name, Active: !r.Inactive, CreatedAt: o.moment()}, o.stamp)
}

// Warehouses returns the warehouses of a tenant, active or not, in id order. An unknown tenant is a KindNotFound error.
func (o *Operator) Warehouses(ctx context.Context, tenant roster.TenantID) ([]roster.Warehouse, error) {
	if err := o.mustBeTenant(ctx, tenant); err != nil {
		return nil, err
	}
	return o.store.Warehouses(ctx, tenant)
}
