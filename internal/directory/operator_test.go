package directory_test

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

var operatorNow = time.Date(2026, time.March, 4, 5, 6, 7, 8_000_000, time.UTC)

func operatorConfig(store directory.OperatorStore) directory.OperatorConfig {
	return directory.OperatorConfig{
		Store: store, Now: func() time.Time { return operatorNow }, Random: rand.Reader, Stamp: rostertest.Stamp(),
		HashPassword:      func(password string) (string, error) { return "hash of " + password, nil },
		NewClientSecret:   func() (string, [32]byte) { s := rand.Text(); return s, sha256.Sum256([]byte(s)) },
		KnownPasswordHash: func(hash string) bool { return strings.HasPrefix(hash, "hash of ") },
	}
}

func newOperator(t *testing.T) (*directory.Operator, *dynamo.Table) {
	t.Helper()
	table := rostertest.TableWith(t, dynamo.Options{Now: func() time.Time { return operatorNow }})
	o, err := directory.NewOperator(operatorConfig(table))
	if err != nil {
		t.Fatal(err)
	}
	return o, table
}

// foundTenant makes a tenant of which only the first user's address is given.
func foundTenant(t *testing.T, o *directory.Operator, email roster.Email) roster.NewTenant {
	t.Helper()
	tenant, _, err := o.CreateTenant(t.Context(), directory.TenantRequest{
		Name: "Northfield Energy", AdminName: "Ann Marie Smith", AdminEmail: email, Password: "correct horse", ClientName: "Sync",
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func TestAnOperatorNeedsAllOfItsConfiguration(t *testing.T) {
	o, table := newOperator(t)
	for name, cripple := range map[string]func(*directory.OperatorConfig){
		"store":    func(c *directory.OperatorConfig) { c.Store = nil },
		"clock":    func(c *directory.OperatorConfig) { c.Now = nil },
		"random":   func(c *directory.OperatorConfig) { c.Random = nil },
		"stamp":    func(c *directory.OperatorConfig) { c.Stamp = roster.Stamp{} },
		"password": func(c *directory.OperatorConfig) { c.HashPassword = nil },
		"secret":   func(c *directory.OperatorConfig) { c.NewClientSecret = nil },
		"known":    func(c *directory.OperatorConfig) { c.KnownPasswordHash = nil },
	} {
		config := operatorConfig(table)
		cripple(&config)
		if _, err := directory.NewOperator(config); err == nil {
			t.Errorf("without its %s NewOperator returned no error", name)
		}
	}
	if o == nil {
		t.Error("with all of it there is no operator")
	}
}

func TestManyFoundTenantsForOneAddressAndOneDoes(t *testing.T) {
	o, table := newOperator(t)
	var wait sync.WaitGroup
	errs := make([]error, 12)
	for n := range errs {
		wait.Go(func() {
			_, _, errs[n] = o.CreateTenant(t.Context(), directory.TenantRequest{
				Name: fmt.Sprintf("Tenant %d", n), AdminName: "Ann Smith", AdminEmail: "ann@northfield.example", Password: "correct horse", ClientName: "Sync",
			})
		})
	}
	wait.Wait()
	founded := 0
	for _, err := range errs {
		switch {
		case err == nil:
			founded++
		case roster.KindOf(err) != roster.KindConflict:
			t.Errorf("CreateTenant = %v, want a conflict", err)
		}
	}
	if founded != 1 {
		t.Errorf("%d tenants were founded, want 1", founded)
	}
	tenant, id, err := table.EmailOwner(t.Context(), "ann@northfield.example")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := table.User(t.Context(), tenant, id); err != nil || u.Role() != roster.RoleAdmin {
		t.Errorf("the address belongs to %+v, %v", u, err)
	}
}

func TestOrganizationsAreFoundedOnlyWhereTheyMayBe(t *testing.T) {
	o, _ := newOperator(t)
	tenant := foundTenant(t, o, "ann@northfield.example").Organization.Tenant
	if _, err := o.CreateOrganization(t.Context(), tenant, 4711, "Berlin"); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("below nothing: %v, want not found", err)
	}
	if _, err := o.CreateOrganization(t.Context(), tenant+1, tenant.Root(), "Berlin"); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("below another tenant's: %v, want not found", err)
	}
	if _, err := o.CreateOrganization(t.Context(), tenant, tenant.Root(), ""); roster.KindOf(err) != roster.KindInvalid {
		t.Errorf("without a name: %v, want invalid", err)
	}
	parent := tenant.Root()
	for depth := 2; depth <= roster.MaxDepth; depth++ {
		below, err := o.CreateOrganization(t.Context(), tenant, parent, fmt.Sprintf("Level %d", depth))
		if err != nil || len(below.Path) != depth || below.Parent() != parent || !below.CreatedAt.Equal(operatorNow) {
			t.Fatalf("level %d: %+v, %v", depth, below, err)
		}
		parent = below.ID
	}
	if _, err := o.CreateOrganization(t.Context(), tenant, parent, "Too deep"); roster.KindOf(err) != roster.KindInvalid {
		t.Errorf("below the deepest: %v, want invalid", err)
	}
	into := o.Import(tenant)
	if _, err := into.Organization(t.Context(), roster.Organization{ID: 99, Name: "Too deep", Path: roster.OrgPath{parent, 99}}); roster.KindOf(err) != roster.KindInvalid {
		t.Errorf("imported below the deepest: %v, want invalid", err)
	}
}

func TestAServiceUserBelongsToItsClientsTree(t *testing.T) {
	o, _ := newOperator(t)
	founded := foundTenant(t, o, "ann@northfield.example")
	tenant := founded.Organization.Tenant
	branch, err := o.CreateOrganization(t.Context(), tenant, tenant.Root(), "Berlin")
	if err != nil {
		t.Fatal(err)
	}
	request := directory.ClientRequest{Tenant: tenant, Organization: branch.ID, Name: "Kiosk", ServiceUser: founded.Admin.ID}
	if _, _, err := o.CreateClient(t.Context(), request); roster.KindOf(err) != roster.KindInvalid {
		t.Errorf("a branch's client that acts as the root's admin: %v, want invalid", err)
	}
	request.Organization = tenant.Root()
	client, secret, err := o.CreateClient(t.Context(), request)
	if err != nil || client.SecretHash != sha256.Sum256([]byte(secret)) || !strings.HasPrefix(string(client.ID), "client-") {
		t.Errorf("CreateClient = %+v, %v", client, err)
	}
}

func TestImportedUsersAreCompletedAndStoredOnce(t *testing.T) {
	o, table := newOperator(t)
	tenant := foundTenant(t, o, "ann@northfield.example").Organization.Tenant
	at := roster.OrgPath{tenant.Root()}
	users := []roster.NewUser{
		{User: roster.User{Path: at, Email: "a@northfield.example", Name: "Given Middle Family"}},
		{User: roster.User{Path: at, Email: "A@northfield.example", Name: "Second"}},
		{User: roster.User{Path: at, Email: "b@northfield.example", GivenName: "Bo", FamilyName: "Li"}, Credential: &roster.Credential{PasswordHash: "hash of x"}},
		{User: roster.User{Path: at, Email: "c@northfield.example", Name: "C", Roles: []roster.RoleID{44}}},
		{User: roster.User{Path: roster.OrgPath{5}, Email: "d@northfield.example", Name: "D"}},
		{User: roster.User{Path: at, Email: "e@northfield.example", Name: "E"}, Credential: &roster.Credential{PasswordHash: "plain"}},
	}
	var kinds []string
	for _, outcome := range o.Import(tenant).Users(t.Context(), users) {
		kinds = append(kinds, describe(outcome))
	}
	if want := []string{"created", "conflict", "created", "not found", "not found", "invalid"}; !slices.Equal(kinds, want) {
		t.Errorf("outcomes %q, want %q", kinds, want)
	}
	_, id, err := table.EmailOwner(t.Context(), "a@northfield.example")
	if err != nil {
		t.Fatal(err)
	}
	a, err := table.User(t.Context(), tenant, id)
	if err != nil || a.GivenName != "Given Middle" || a.FamilyName != "Family" || a.Role() != roster.RoleUser || a.Status != roster.StatusActive || !a.CreatedAt.Equal(operatorNow) {
		t.Errorf("the first user is %+v, %v", a, err)
	}
	kinds = nil
	for _, outcome := range o.Import(tenant).Users(t.Context(), users) {
		kinds = append(kinds, describe(outcome))
	}
	if want := []string{"existed", "conflict", "existed", "not found", "not found", "invalid"}; !slices.Equal(kinds, want) {
		t.Errorf("the second time outcomes %q, want %q", kinds, want)
	}
}

func describe(o directory.UserOutcome) string {
	if o.Err != nil {
		return roster.KindOf(o.Err).String()
	}
	return []string{directory.Created: "created", directory.Existed: "existed", directory.Expired: "expired"}[o.Outcome]
}

func TestAnExportEndsWhenNobodyWantsMore(t *testing.T) {
	o, _ := newOperator(t)
	tenant := foundTenant(t, o, "ann@northfield.example").Organization.Tenant
	total := 0
	for _, err := range o.Export(t.Context(), tenant, directory.ExportOptions{Secrets: true}) {
		if err != nil {
			t.Fatal(err)
		}
		total++
	}
	if total != 3 {
		t.Errorf("%d records, want the root, the admin and the client", total)
	}
	for stop := 1; stop <= total; stop++ {
		seen := 0
		for range o.Export(t.Context(), tenant, directory.ExportOptions{Secrets: true}) {
			if seen++; seen == stop {
				break
			}
		}
		if seen != stop {
			t.Errorf("%d records after a stop at %d", seen, stop)
		}
	}
	for _, err := range o.Export(t.Context(), tenant+1, directory.ExportOptions{}) {
		if roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("exporting no tenant: %v, want not found", err)
		}
	}
}
