package directory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

func TestWarehousesOfATenant(t *testing.T) {
	o, _ := newOperator(t)
	tenant := foundTenant(t, o, "ann@northfield.example").Organization.Tenant
	first, err := o.CreateWarehouse(t.Context(), directory.WarehouseRequest{Tenant: tenant, Name: "East"})
	if err != nil || first.ID < 1 || first.ID > roster.MaxWarehouseID || first.Name != "East" || !first.Active || !first.CreatedAt.Equal(operatorNow) {
		t.Fatalf("CreateWarehouse = %+v, %v", first, err)
	}
	second, err := o.CreateWarehouse(t.Context(), directory.WarehouseRequest{Tenant: tenant, Name: "East", Inactive: true}) // names are for people
	if err != nil || second.Active || second.ID == first.ID {
		t.Fatalf("CreateWarehouse of the same name = %+v, %v", second, err)
	}
	got, err := o.Warehouses(t.Context(), tenant)
	if diff := cmp.Diff([]roster.Warehouse{first, second}, got); diff != "" || err != nil {
		t.Errorf("Warehouses, %v (-want +got)\n%s", err, diff)
	}
	for name, test := range map[string]struct {
		tenant roster.TenantID
		name   string
		want   roster.Kind
	}{
		"no name":           {tenant, "", roster.KindInvalid},
		"a long name":       {tenant, strings.Repeat("x", 101), roster.KindInvalid},
		"an unknown tenant": {tenant + 1, "East", roster.KindNotFound},
	} {
		if _, err := o.CreateWarehouse(t.Context(), directory.WarehouseRequest{Tenant: test.tenant, Name: test.name}); roster.KindOf(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if _, err := o.Warehouses(t.Context(), tenant+1); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("the warehouses of an unknown tenant: %v", err)
	}
}

func TestImportedWarehousesAreNeitherDoubledNorChanged(t *testing.T) {
	o, table := newOperator(t)
	tenant := foundTenant(t, o, "ann@northfield.example").Organization.Tenant
	into := o.Import(tenant)
	config := operatorConfig(table)
	config.Stamp.RequestID = "another run"
	other, err := directory.NewOperator(config)
	if err != nil {
		t.Fatal(err)
	}
	again := other.Import(tenant)
	user := roster.NewUser{User: roster.User{
		Path: roster.OrgPath{tenant.Root()}, Email: "jane@northfield.example", Name: "Jane Doe", DefaultWarehouse: 5,
	}}
	if got := into.Users(t.Context(), []roster.NewUser{user})[0]; roster.KindOf(got.Err) != roster.KindNotFound || !strings.Contains(got.Err.Error(), "warehouse 5 is not in tenant") {
		t.Errorf("a user of a warehouse that is not there: %+v", got)
	}
	five := roster.Warehouse{ID: 5, Name: "East", CreatedAt: time.UnixMilli(1_750_000_000_000)}
	for _, step := range []struct {
		into      *directory.Import
		warehouse roster.Warehouse
		outcome   directory.Outcome
		want      string
	}{
		{into, five, directory.Created, ""},
		{again, five, directory.Existed, ""},
		{again, roster.Warehouse{ID: 5, Name: "West", Active: true}, 0, "warehouse 5 is there already, with another name, active"},
		{into, roster.Warehouse{ID: 6, Name: "East"}, directory.Created, ""},
		{into, roster.Warehouse{Name: "East"}, 0, "id must be between 1 and 9007199254740991"},
	} {
		outcome, err := step.into.Warehouse(t.Context(), step.warehouse)
		if step.want == "" && (err != nil || outcome != step.outcome) || step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)) {
			t.Errorf("%+v: %v, %v; want %v, %q", step.warehouse, outcome, err, step.outcome, step.want)
		}
	}
	for name, i := range map[string]*directory.Import{"the same import": into, "another one": other.Import(tenant)} {
		if got := i.Users(t.Context(), []roster.NewUser{user})[0]; got.Err != nil {
			t.Errorf("%s brings in a user of a warehouse: %v", name, got.Err)
		}
	}
	var order []string
	for record, err := range o.Export(t.Context(), tenant, directory.ExportOptions{}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case record.Warehouse != nil:
			order = append(order, "warehouse "+record.Warehouse.ID.String())
		case record.User != nil:
			order = append(order, record.User.User.Name)
		}
	}
	if diff := cmp.Diff([]string{"warehouse 5", "warehouse 6", "Ann Marie Smith", "Jane Doe"}, order); diff != "" {
		t.Errorf("exported (-want +got)\n%s", diff)
	}
}
