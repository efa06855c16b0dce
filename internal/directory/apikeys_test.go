package directory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
)

// The generator of P-256 (FIPS 186-5), which is a point of it, and one that is not.
const (
	aPublicKey  = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
	notOnCurve  = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f6"
	keyIsBroken = "must be an uncompressed point of the curve P-256, as 130 hexadecimal digits that begin with 04"
)

func TestAnAPIKeyIsAClientWithAUserOfItsOwn(t *testing.T) {
	o, table := newOperator(t)
	tenant := foundTenant(t, o, "ann@northfield.example")
	below, err := o.CreateOrganization(t.Context(), tenant.Organization.Tenant, tenant.Organization.ID, "Depot")
	if err != nil {
		t.Fatal(err)
	}
	var keys []directory.APIKey
	for _, r := range []directory.APIKeyRequest{
		{Name: "Ledger Sync", Role: roster.RoleStaff, PublicKey: aPublicKey, ViewAll: true},
		{Name: "Kiosk", Role: roster.RoleUser, PublicKey: strings.ToUpper(aPublicKey), Organization: below.ID},
		{Name: "Root Admin", Role: roster.RoleAdmin, PublicKey: aPublicKey},
	} {
		r.Tenant = tenant.Organization.Tenant
		key, err := o.CreateAPIKey(t.Context(), r)
		if err != nil {
			t.Fatalf("CreateAPIKey(%+v): %v", r, err)
		}
		keys = append(keys, key)
		user, err := table.User(t.Context(), r.Tenant, key.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		client, err := table.Client(t.Context(), key.Client.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(key.User, user) + cmp.Diff(key.Client, client); diff != "" {
			t.Errorf("what is stored is not what was returned (-returned +stored)\n%s", diff)
		}
		if client.ServiceUser != user.ID || client.Name != r.Name || user.Name != r.Name || user.DeviceType != roster.DeviceTypeAPI || user.PublicKey != r.PublicKey ||
			user.ViewAll != r.ViewAll || user.Role() != r.Role || user.Status != roster.StatusActive || !strings.HasSuffix(string(user.Email), "@api.invalid") {
			t.Errorf("CreateAPIKey(%+v) = %+v", r, key)
		}
		want := r.Organization
		if want == 0 {
			want = tenant.Organization.ID
		}
		if user.Org() != want || client.Path.String() != user.Path.String() || key.Secret == "" {
			t.Errorf("the key is of %s and %s, want %s", user.Path, client.Path, want)
		}
		if _, err := table.Credential(t.Context(), r.Tenant, user.ID); roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("the API user has a password: %v", err)
		}
	}
	if keys[0].User.Email == keys[1].User.Email || keys[0].Secret == keys[1].Secret {
		t.Error("two keys share an address or a secret")
	}
	if _, err := table.Check(t.Context(), func(f dynamo.Finding) error { t.Errorf("in the table: %v", f); return nil }); err != nil {
		t.Error(err)
	}
}

func TestBadAPIKeysAreRefusedAndNothingIsWritten(t *testing.T) {
	o, table := newOperator(t)
	tenant := foundTenant(t, o, "ann@northfield.example").Organization.Tenant
	good := directory.APIKeyRequest{Tenant: tenant, Name: "Sync", Role: roster.RoleStaff, PublicKey: aPublicKey}
	for name, test := range map[string]struct {
		change func(*directory.APIKeyRequest)
		kind   roster.Kind
		says   string
	}{
		"no name":            {func(r *directory.APIKeyRequest) { r.Name = "" }, roster.KindInvalid, "name must have 1 to 100 characters"},
		"a long name":        {func(r *directory.APIKeyRequest) { r.Name = strings.Repeat("a", 101) }, roster.KindInvalid, "name must have 1 to 100 characters"},
		"no key":             {func(r *directory.APIKeyRequest) { r.PublicKey = "" }, roster.KindInvalid, "publicKey is required"},
		"a digit less":       {func(r *directory.APIKeyRequest) { r.PublicKey = aPublicKey[:129] }, roster.KindInvalid, "publicKey " + keyIsBroken},
		"a byte less":        {func(r *directory.APIKeyRequest) { r.PublicKey = aPublicKey[:128] }, roster.KindInvalid, "publicKey " + keyIsBroken},
		"a byte more":        {func(r *directory.APIKeyRequest) { r.PublicKey = aPublicKey + "00" }, roster.KindInvalid, "publicKey " + keyIsBroken},
		"no hex":             {func(r *directory.APIKeyRequest) { r.PublicKey = aPublicKey[:129] + "g" }, roster.KindInvalid, "publicKey " + keyIsBroken},
		"compressed":         {func(r *directory.APIKeyRequest) { r.PublicKey = "03" + aPublicKey[2:66] }, roster.KindInvalid, "publicKey " + keyIsBroken},
		"not on the curve":   {func(r *directory.APIKeyRequest) { r.PublicKey = notOnCurve }, roster.KindInvalid, "publicKey " + keyIsBroken},
		"no role":            {func(r *directory.APIKeyRequest) { r.Role = 0 }, roster.KindInvalid, "role must be a role that there is"},
		"an unknown role":    {func(r *directory.APIKeyRequest) { r.Role = 99 }, roster.KindInvalid, "role must be a role that there is"},
		"no organization":    {func(r *directory.APIKeyRequest) { r.Organization = 5 }, roster.KindNotFound, "organization not found"},
		"an unknown tenant":  {func(r *directory.APIKeyRequest) { r.Tenant = 5 }, roster.KindNotFound, "tenant 5 not found"},
		"two broken rules":   {func(r *directory.APIKeyRequest) { r.Name, r.PublicKey = "", "" }, roster.KindInvalid, "; publicKey "},
		"control characters": {func(r *directory.APIKeyRequest) { r.Name = "a\nb" }, roster.KindInvalid, "name must not contain control characters"},
	} {
		r := good
		test.change(&r)
		if key, err := o.CreateAPIKey(t.Context(), r); roster.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %+v, %v, want %q", name, key, err, test.says)
		}
	}
	clients, err := table.Clients(t.Context(), tenant)
	if err != nil || len(clients) != 1 {
		t.Errorf("there are %d clients, %v, want the first one alone", len(clients), err)
	}
	users, _, err := table.UsersOf(t.Context(), tenant, tenant.Root(), 0, 10)
	if err != nil || len(users) != 1 {
		t.Errorf("there are %d users, %v, want the first one alone", len(users), err)
	}
}
