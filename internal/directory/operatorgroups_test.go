package directory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

func TestGroupsOfATenant(t *testing.T) {
	o, _ := newOperator(t)
	tenant := foundTenant(t, o, "ann@northfield.example").Organization.Tenant
	first, err := o.CreateGroup(t.Context(), tenant, "Tax")
	if err != nil || first.ID < 1 || first.ID > roster.MaxGroupID || first.Name != "Tax" || !first.CreatedAt.Equal(operatorNow) {
		t.Fatalf("CreateGroup = %+v, %v", first, err)
	}
	second, err := o.CreateGroup(t.Context(), tenant, "Tax") // names are for people
	if err != nil || second.ID == first.ID {
		t.Fatalf("CreateGroup of the same name = %+v, %v", second, err)
	}
	got, err := o.Groups(t.Context(), tenant)
	if diff := cmp.Diff([]roster.Group{first, second}, got); diff != "" || err != nil {
		t.Errorf("Groups, %v (-want +got)\n%s", err, diff)
	}
	for name, test := range map[string]struct {
		tenant roster.TenantID
		name   string
		want   roster.Kind
	}{
		"no name":           {tenant, "", roster.KindInvalid},
		"a long name":       {tenant, strings.Repeat("x", 101), roster.KindInvalid},
		"an unknown tenant": {tenant + 1, "Tax", roster.KindNotFound},
	} {
		if _, err := o.CreateGroup(t.Context(), test.tenant, test.name); roster.KindOf(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if _, err := o.Groups(t.Context(), tenant+1); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("the groups of an unknown tenant: %v", err)
	}
}

func TestImportedGroupsAreNeitherDoubledNorChanged(t *testing.T) {
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
		Path: roster.OrgPath{tenant.Root()}, Email: "jane@northfield.example", Name: "Jane Doe", Groups: []roster.GroupID{5, 6},
	}}
	if got := into.Users(t.Context(), []roster.NewUser{user})[0]; roster.KindOf(got.Err) != roster.KindNotFound || !strings.Contains(got.Err.Error(), "group 5 is not in tenant") {
		t.Errorf("a user of a group that is not there: %+v", got)
	}
	five := roster.Group{ID: 5, Name: "Tax", CreatedAt: time.UnixMilli(1_750_000_000_000)}
	for _, step := range []struct {
		into    *directory.Import
		group   roster.Group
		outcome directory.Outcome
		want    string
	}{
		{into, five, directory.Created, ""},
		{again, five, directory.Existed, ""},
		{again, roster.Group{ID: 5, Name: "Law"}, 0, "group 5 is there already, with another name"},
		{into, roster.Group{ID: 6, Name: "Tax"}, directory.Created, ""},
		{into, roster.Group{Name: "Tax"}, 0, "id must be between 1 and 9007199254740991"},
	} {
		outcome, err := step.into.Group(t.Context(), step.group)
		if step.want == "" && (err != nil || outcome != step.outcome) || step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)) {
			t.Errorf("%+v: %v, %v; want %v, %q", step.group, outcome, err, step.outcome, step.want)
		}
	}
	for name, i := range map[string]*directory.Import{"the same import": into, "another one": other.Import(tenant)} {
		if got := i.Users(t.Context(), []roster.NewUser{user})[0]; got.Err != nil {
			t.Errorf("%s brings in a user of both groups: %v", name, got.Err)
		}
	}
	var order []string
	for record, err := range o.Export(t.Context(), tenant, directory.ExportOptions{}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case record.Group != nil:
			order = append(order, "group "+record.Group.ID.String())
		case record.User != nil:
			order = append(order, record.User.User.Name)
		}
	}
	if diff := cmp.Diff([]string{"group 5", "group 6", "Ann Marie Smith", "Jane Doe"}, order); diff != "" {
		t.Errorf("exported (-want +got)\n%s", diff)
	}
}
