package dynamo_test

import (
	gocmp "cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestWarehousesAreKeptInIDOrder(t *testing.T) {
	w := newWorld(t)
	var want []roster.Warehouse
	for _, id := range []roster.WarehouseID{2, 10, roster.MaxWarehouseID} {
		warehouse, err := w.CreateWarehouse(t.Context(), roster.Warehouse{Tenant: 7, ID: id, Name: "East", Active: id != 10}, rostertest.Stamp())
		if err != nil {
			t.Fatal(err)
		}
		stored := roster.Warehouse{
			Tenant: 7, ID: id, Name: "East", Active: id != 10, CreatedAt: w.clock.Now(), Revision: roster.Revision{Version: 1, ChangedAt: w.clock.Now(), Stamp: rostertest.Stamp()},
		}
		if diff := cmp.Diff(stored, warehouse); diff != "" {
			t.Errorf("warehouse %s (-want +got):\n%s", id, diff)
		}
		want = append(want, stored)
	}
	got, err := w.Warehouses(t.Context(), 7)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("the warehouses, %v (-want +got):\n%s", err, diff)
	}
	cost := rostertest.CostOf(t, func(ctx context.Context) error {
		assigned, err := w.CreateWarehouse(ctx, roster.Warehouse{Tenant: 7, Name: "New", CreatedAt: time.UnixMilli(5).UTC()}, rostertest.Stamp())
		if err == nil && (assigned.ID < 11 || assigned.ID > roster.MaxWarehouseID || !assigned.CreatedAt.Equal(time.UnixMilli(5))) {
			t.Errorf("a warehouse without an id is %+v", assigned)
		}
		return err
	})
	if cost.TableWrites != 1 || cost.Writes != 2 {
		t.Errorf("a warehouse cost %+v, want 1 WRU of the table and 1 of an index", cost)
	}
	var fed []roster.Warehouse
	for _, c := range w.changes(t, time.Time{}) {
		if c.Warehouse != nil && c.Warehouse.Name == "East" {
			fed = append(fed, *c.Warehouse)
		}
	}
	slices.SortFunc(fed, func(a, b roster.Warehouse) int { return gocmp.Compare(a.ID, b.ID) })
	if diff := cmp.Diff(want, fed); diff != "" {
		t.Errorf("the feed (-want +got):\n%s", diff)
	}
	if roles, err := w.Roles(t.Context(), 7); err != nil || len(roles) != 0 {
		t.Errorf("the roles are %v, %v, want none", roles, err)
	}
	_, err = w.CreateWarehouse(t.Context(), roster.Warehouse{Tenant: 7, ID: 10, Name: "Other"}, rostertest.Stamp())
	wantKind(t, "an id that is taken", err, roster.KindConflict)
	_, err = w.CreateWarehouse(t.Context(), roster.Warehouse{Tenant: 6, Name: "East"}, rostertest.Stamp())
	wantKind(t, "a warehouse of no tenant", err, roster.KindNotFound)
	if warehouses, err := w.Warehouses(t.Context(), 6); err != nil || len(warehouses) != 0 {
		t.Errorf("the warehouses of nobody are %v, %v", warehouses, err)
	}
	w.mustFit(t)
}
