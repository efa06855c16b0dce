package dynamo

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// warehouseItem is a warehouse as it is stored. It has a shard, unlike a group: users are shown with the names of their
// warehouses, which the feed's followers keep.
type warehouseItem struct {
	head
	TenantID  int32  `dynamodbav:"tenantId"`
	Shard     int    `dynamodbav:"shard"`
	ID        int64  `dynamodbav:"id"`
	Name      string `dynamodbav:"name"`
	Active    bool   `dynamodbav:"active,omitempty"`
	CreatedAt int64  `dynamodbav:"createdAt,omitempty"`
	DeletedAt int64  `dynamodbav:"deletedAt,omitempty"`
}

func toWarehouseItem(w *roster.Warehouse) *warehouseItem {
	return &warehouseItem{
		head:     newHead(warehouseKey(w.Tenant, w.ID), typeWarehouse, w.Revision),
		TenantID: int32(w.Tenant), Shard: roster.Shard(w.ID), ID: int64(w.ID), Name: w.Name, Active: w.Active,
		CreatedAt: millis(w.CreatedAt), DeletedAt: millis(w.DeletedAt),
	}
}

// noun returns the warehouse that the item stores.
func (i *warehouseItem) noun() (roster.Warehouse, error) {
	if err := i.is(typeWarehouse); err != nil {
		return roster.Warehouse{}, err
	}
	return roster.Warehouse{
		Tenant: roster.TenantID(i.TenantID), ID: roster.WarehouseID(i.ID), Name: i.Name, Active: i.Active,
		CreatedAt: fromMillis(i.CreatedAt), DeletedAt: fromMillis(i.DeletedAt), Revision: i.revision(),
	}, nil
}

// Warehouses returns all warehouses of a tenant that stand, active or not, in id order. It is strongly consistent and reads
// all pages.
func (t *Table) Warehouses(ctx context.Context, tenant roster.TenantID) ([]roster.Warehouse, error) {
	consistent, where := true, "pk = :pk AND begins_with(sk, :prefix)"
	query := &dynamodb.QueryInput{
		ConsistentRead: &consistent, KeyConditionExpression: &where,
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(warehouseKey(tenant, 0).pk), ":prefix": text(warehousePrefix)},
	}
	var warehouses []roster.Warehouse
	err := t.queryAll(ctx, query, func(attributes map[string]types.AttributeValue) error {
		var item warehouseItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		warehouse, err := nounOf(&item)
		if err != nil {
			return err
		}
		if warehouse.DeletedAt.IsZero() {
			warehouses = append(warehouses, warehouse)
		}
		return nil
	})
	// Sort keys are text, in which 10 is before 4.
	slices.SortFunc(warehouses, func(a, b roster.Warehouse) int { return cmp.Compare(a.ID, b.ID) })
	return warehouses, err
}

// CreateWarehouse writes a new warehouse and returns it as stored. A zero ID is assigned. A tenant that does not stand is a
// KindNotFound error, an id that is taken is KindConflict. A zero CreatedAt becomes now. It costs 1 WRU of the table.
func (t *Table) CreateWarehouse(ctx context.Context, warehouse roster.Warehouse, stamp roster.Stamp) (roster.Warehouse, error) {
	if err := t.mustStand(ctx, warehouse.Tenant, roster.OrgPath{warehouse.Tenant.Root()}); err != nil {
		return roster.Warehouse{}, err
	}
	assigned := warehouse.ID == 0
	warehouse.Revision = t.firstRevision(stamp)
	if warehouse.CreatedAt.IsZero() {
		warehouse.CreatedAt = warehouse.Revision.ChangedAt
	}
	err := untilFree(func() error {
		if assigned {
			warehouse.ID = t.ids.NewWarehouseID()
		}
		return t.putAlone(ctx, toWarehouseItem(&warehouse), ifAbsent(), refusal(idTaken("warehouse", warehouse.ID, assigned)))
	})
	if err != nil {
		return roster.Warehouse{}, err
	}
	return toWarehouseItem(&warehouse).noun()
}
