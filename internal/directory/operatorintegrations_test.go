package directory_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// mintName is a MintToken whose tokens say whose they are.
func mintName(_ context.Context, integration roster.Client, record roster.IntegrationToken) (string, error) {
	return strings.Join([]string{integration.Name, record.Name, record.ID}, "/"), nil
}

func TestIntegrationsOfATenant(t *testing.T) {
	o, table := newOperator(t)
	tenant := foundTenant(t, o, "ann@northfield.example").Organization.Tenant
	branch, err := o.CreateOrganization(t.Context(), tenant, tenant.Root(), "Berlin")
	if err != nil {
		t.Fatal(err)
	}
	request := directory.IntegrationRequest{Tenant: tenant, Organization: branch.ID, Name: "Sync", Token: directory.TokenRequest{Name: "first", Lifetime: time.Hour}}
	made, token, err := o.CreateIntegration(t.Context(), request, mintName)
	if err != nil || len(made.Tokens) != 1 {
		t.Fatalf("CreateIntegration = %+v, %v", made, err)
	}
	first := made.Tokens[0]
	if !made.Integration || made.SecretHash != [32]byte{} || made.ServiceUser != 0 || made.Path.Last() != branch.ID || len(made.Path) != 2 || !strings.HasPrefix(string(made.ID), "integration-") {
		t.Errorf("the integration is %+v", made.Client)
	}
	// A token says its times to the second.
	if token != "Sync/first/"+first.ID || first.Client != made.ID || first.Tenant != tenant || !first.ExpiresAt.Equal(operatorNow.Truncate(time.Second).Add(time.Hour)) {
		t.Errorf("the first token is %q, of which is kept %+v", token, first)
	}
	second, token, err := o.CreateIntegrationToken(t.Context(), made.ID, directory.TokenRequest{Name: "for ever"}, mintName)
	if err != nil || token != "Sync/for ever/"+second.ID || !second.ExpiresAt.IsZero() || second.ID == first.ID {
		t.Errorf("CreateIntegrationToken = %+v, %q, %v", second, token, err)
	}

	// What is no integration is in no list of them.
	listed, err := o.Integrations(t.Context(), tenant)
	if err != nil || len(listed) != 1 || listed[0].ID != made.ID || len(listed[0].Tokens) != 2 {
		t.Errorf("Integrations = %+v, %v", listed, err)
	}
	if clients, err := o.Clients(t.Context(), tenant); err != nil || len(clients) != 2 {
		t.Errorf("Clients = %+v, %v, want the integration among them", clients, err)
	}

	revoked, err := o.RevokeIntegrationToken(t.Context(), made.ID, first.ID)
	if err != nil || !revoked.RevokedAt.Equal(operatorNow) {
		t.Errorf("RevokeIntegrationToken = %+v, %v", revoked, err)
	}
	before, err := table.IntegrationToken(t.Context(), made.ID, first.ID)
	if err != nil || !before.Revoked() {
		t.Fatalf("stored %+v, %v", before, err)
	}
	if again, err := o.RevokeIntegrationToken(t.Context(), made.ID, first.ID); err != nil || cmp.Diff(before, again) != "" {
		t.Errorf("revoking twice changes %s, %v", cmp.Diff(before, again), err)
	}
	if other, err := table.IntegrationToken(t.Context(), made.ID, second.ID); err != nil || other.Revoked() {
		t.Errorf("the other token is %+v, %v", other, err)
	}

	for range 2 {
		if client, err := o.RevokeIntegration(t.Context(), made.ID); err != nil || !client.RevokedAt.Equal(operatorNow) {
			t.Errorf("RevokeIntegration = %+v, %v", client, err)
		}
	}
	if _, _, err := o.CreateIntegrationToken(t.Context(), made.ID, directory.TokenRequest{Name: "third"}, mintName); roster.KindOf(err) != roster.KindConflict {
		t.Errorf("another token of a revoked integration: %v, want a conflict", err)
	}
	if listed, err := o.Integrations(t.Context(), tenant); err != nil || !listed[0].Client.Revoked() || len(listed[0].Tokens) != 2 {
		t.Errorf("in the end there is %+v, %v", listed, err)
	}
}

// TestIntegrationsThatAreRefusedLeaveNothing holds that nothing is stored, and nothing signed, of what breaks a rule.
func TestIntegrationsThatAreRefusedLeaveNothing(t *testing.T) {
	o, _ := newOperator(t)
	founded := foundTenant(t, o, "ann@northfield.example")
	tenant, client := founded.Organization.Tenant, founded.Client.ID
	made, _, err := o.CreateIntegration(t.Context(), directory.IntegrationRequest{
		Tenant: tenant, Organization: tenant.Root(), Name: "Sync", Token: directory.TokenRequest{Name: "first"},
	}, mintName)
	if err != nil {
		t.Fatal(err)
	}
	signed := 0
	mint := func(context.Context, roster.Client, roster.IntegrationToken) (string, error) {
		signed++
		return "", errors.New("the key is away")
	}
	good := directory.TokenRequest{Name: "token", Lifetime: directory.MaxTokenLifetime}
	for name, test := range map[string]struct {
		tenant roster.TenantID
		org    roster.OrgID
		name   string
		token  directory.TokenRequest
		want   roster.Kind
		signs  int
	}{
		"no name":                  {tenant, tenant.Root(), "", good, roster.KindInvalid, 0},
		"a long name":              {tenant, tenant.Root(), strings.Repeat("x", 101), good, roster.KindInvalid, 0},
		"an unknown organization":  {tenant, 12, "More", good, roster.KindNotFound, 0},
		"an unknown tenant":        {tenant + 1, tenant.Root(), "More", good, roster.KindNotFound, 0},
		"a token without a name":   {tenant, tenant.Root(), "More", directory.TokenRequest{}, roster.KindInvalid, 0},
		"a token with a long name": {tenant, tenant.Root(), "More", directory.TokenRequest{Name: strings.Repeat("x", 101)}, roster.KindInvalid, 0},
		"a token that has expired": {tenant, tenant.Root(), "More", directory.TokenRequest{Name: "token", Lifetime: -time.Hour}, roster.KindInvalid, 0},
		"a token for too long":     {tenant, tenant.Root(), "More", directory.TokenRequest{Name: "token", Lifetime: directory.MaxTokenLifetime + time.Second}, roster.KindInvalid, 0},
		"half a second":            {tenant, tenant.Root(), "More", directory.TokenRequest{Name: "token", Lifetime: time.Second / 2}, roster.KindInvalid, 0},
		"a key that is away":       {tenant, tenant.Root(), "More", good, roster.KindInternal, 1},
	} {
		signed = 0
		got, token, err := o.CreateIntegration(t.Context(), directory.IntegrationRequest{Tenant: test.tenant, Organization: test.org, Name: test.name, Token: test.token}, mint)
		if roster.KindOf(err) != test.want || err == nil || token != "" || got.ID != "" || signed != test.signs {
			t.Errorf("%s: %+v, %q, %v, signed %d times", name, got, token, err, signed)
		}
	}
	for name, test := range map[string]struct {
		id    roster.ClientID
		token directory.TokenRequest
		want  roster.Kind
	}{
		"of nobody":            {"integration-none", good, roster.KindNotFound},
		"of no id":             {"", good, roster.KindNotFound},
		"of a client":          {client, good, roster.KindNotFound},
		"without a name":       {made.ID, directory.TokenRequest{}, roster.KindInvalid},
		"with a key that away": {made.ID, good, roster.KindInternal},
	} {
		if _, token, err := o.CreateIntegrationToken(t.Context(), test.id, test.token, mint); roster.KindOf(err) != test.want || err == nil || token != "" {
			t.Errorf("a token %s: %q, %v, want %s", name, token, err, test.want)
		}
	}
	for name, err := range map[string]error{
		"revoking a client as an integration": second(o.RevokeIntegration(t.Context(), client)),
		"revoking nothing":                    second(o.RevokeIntegration(t.Context(), "integration-none")),
		"revoking no token":                   second(o.RevokeIntegrationToken(t.Context(), made.ID, "none")),
		"revoking a token without id":         second(o.RevokeIntegrationToken(t.Context(), made.ID, "")),
		"revoking a client's token":           second(o.RevokeIntegrationToken(t.Context(), client, made.Tokens[0].ID)),
		"listing an unknown tenant":           second(o.Integrations(t.Context(), tenant+1)),
	} {
		if roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	if listed, err := o.Integrations(t.Context(), tenant); err != nil || cmp.Diff([]directory.Integration{made}, listed) != "" {
		t.Errorf("there is %+v, %v, want what was there", listed, err)
	}
}

func second[T any](_ T, err error) error { return err }
