package directory

import (
	"context"
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// APIKeyRequest is what CreateAPIKey needs to know.
type APIKeyRequest struct {
	Tenant roster.TenantID
	// Organization is the one that the API user belongs to; zero means the root.
	Organization roster.OrgID
	// Name is what the API user is called, and its client.
	Name string
	Role roster.RoleID
	// PublicKey is the API user's, an uncompressed point of P-256 in hexadecimal digits.
	PublicKey string
	// ViewAll lets the API user see all of its workspace.
	ViewAll bool
}

// APIKey is a client that acts as a user of its own.
type APIKey struct {
	User   roster.User
	Client roster.Client
	// Secret is the client's. It is kept nowhere, and can never be told again.
	Secret string
}

// serviceDomain is where the addresses of API users are, which no mail reaches: that top-level domain is reserved for names that do
// not exist (RFC 2606, section 2). Each has one, since every user needs one of its own: that of its client's id.
const serviceDomain = "@api.invalid"

// CreateAPIKey lets a program call the APIs as a user of its own: it makes an Active user with the device type API, who has no
// password, and the client that acts as it, both or neither.
//
// Broken field rules, an unknown role among them, are a KindInvalid error, an unknown organization is a KindNotFound one.
func (o *Operator) CreateAPIKey(ctx context.Context, r APIKeyRequest) (APIKey, error) {
	var errs roster.FieldErrors
	roster.CheckText(&errs, "name", r.Name, 1, roster.MaxName)
	if r.PublicKey == "" { // other users may have none
		errs.Add("publicKey", "is required")
	}
	roster.CheckPublicKey(&errs, "publicKey", r.PublicKey)
	if err := errs.Err(); err != nil {
		return APIKey{}, err
	}
	roles, err := o.Roles(ctx, r.Tenant)
	if err != nil {
		return APIKey{}, err
	}
	if !slices.ContainsFunc(roles, func(role roster.Role) bool { return role.ID == r.Role }) {
		return APIKey{}, roster.Invalid("role", "must be a role that there is")
	}
	org, err := o.organization(ctx, r.Tenant, r.Organization)
	if err != nil {
		return APIKey{}, err
	}
	id, err := o.newClientID()
	if err != nil {
		return APIKey{}, err
	}
	secret, hash := o.newClientSecret()
	now := o.moment()
	client := roster.Client{ID: id, Tenant: r.Tenant, Path: roster.OrgPath{org}, Name: r.Name, SecretHash: hash, CreatedAt: now}
	if err := o.completeClient(ctx, &client); err != nil {
		return APIKey{}, err
	}
	given, family := roster.SplitName(r.Name)
	user := roster.User{
		Tenant: r.Tenant, Path: client.Path, Email: roster.Email(string(id) + serviceDomain), Name: r.Name, GivenName: given, FamilyName: family,
		Roles: []roster.RoleID{r.Role}, Status: roster.StatusActive, DeviceType: roster.DeviceTypeAPI, PublicKey: r.PublicKey, ViewAll: r.ViewAll,
		CreatedAt: now, UpdatedAt: now, RegisteredAt: now,
	}
	user, client, err = o.store.CreateServiceUser(ctx, roster.NewUser{User: user}, client, o.stamp)
	if err != nil {
		return APIKey{}, err
	}
	return APIKey{User: user, Client: client, Secret: secret}, nil
}
