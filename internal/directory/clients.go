package directory

import (
	"context"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// clientStore is where API clients are kept.
type clientStore interface {
	Users
	Organizations
	// Client returns a client, revoked ones too, or a KindNotFound error.
	Client(ctx context.Context, id roster.ClientID) (roster.Client, error)
	// CreateClient stores a new client and returns it as stored. An id that is taken is a KindConflict error.
	CreateClient(ctx context.Context, client roster.Client, stamp roster.Stamp) (roster.Client, error)
	// CreateServiceUser stores a new user and the client that acts as it, both or neither, and returns them as stored. An
	// address, id or client id that is taken is a KindConflict error.
	CreateServiceUser(ctx context.Context, user roster.NewUser, client roster.Client, stamp roster.Stamp) (roster.User, roster.Client, error)
	// Clients returns all clients of a tenant, revoked ones too.
	Clients(ctx context.Context, tenant roster.TenantID) ([]roster.Client, error)
	// RevokeClient ends a client for good.
	RevokeClient(ctx context.Context, tenant roster.TenantID, id roster.ClientID, at time.Time, stamp roster.Stamp) error
}

// ClientRequest is what CreateClient needs to know.
type ClientRequest struct {
	Tenant roster.TenantID
	// Organization is the one whose rights the client has, in its whole tree.
	Organization roster.OrgID
	Name         string
	// ServiceUser is the user that the client acts as, zero for none. It must belong to the organization or to one
	// below it.
	ServiceUser roster.UserID
}

// CreateClient lets a program call the APIs. It returns the client's secret too, which is kept nowhere and can never be
// told again.
//
// Broken field rules are a KindInvalid error, an unknown organization or service user a KindNotFound one.
func (o *Operator) CreateClient(ctx context.Context, r ClientRequest) (client roster.Client, secret string, err error) {
	id, err := o.newClientID()
	if err != nil {
		return roster.Client{}, "", err
	}
	secret, hash := o.newClientSecret()
	client = roster.Client{
		ID: id, Tenant: r.Tenant, Path: roster.OrgPath{r.Organization}, Name: r.Name,
		SecretHash: hash, ServiceUser: r.ServiceUser, CreatedAt: o.moment(),
	}
	if err := o.completeClient(ctx, &client); err != nil {
		return roster.Client{}, "", err
	}
	if err := o.checkServiceUser(ctx, &client); err != nil {
		return roster.Client{}, "", err
	}
	client, err = o.store.CreateClient(ctx, client, o.stamp)
	if err != nil {
		return roster.Client{}, "", err
	}
	return client, secret, nil
}

// completeClient puts the path of its organization on a client, and checks the rest of it.
func (o *Operator) completeClient(ctx context.Context, client *roster.Client) error {
	var errs roster.FieldErrors
	roster.CheckText(&errs, "id", string(client.ID), 1, roster.MaxShortText)
	roster.CheckText(&errs, "name", client.Name, 1, roster.MaxShortText)
	if client.Integration && client.ServiceUser != 0 {
		errs.Add("serviceUser", "must not be there on an integration")
	}
	if client.ServiceUser < 0 || client.ServiceUser > roster.MaxUserID {
		errs.Add("serviceUser", "must be between 1 and "+roster.MaxUserID.String())
	}
	if err := errs.Err(); err != nil {
		return err
	}
	organization, err := o.store.Organization(ctx, client.Tenant, client.Path.Last())
	if err != nil {
		return err
	}
	client.Path = organization.Path
	return nil
}

// checkServiceUser returns an error unless the user that a new client is to act as, if any, stands in the client's tree. A
// client that is brought in from elsewhere may have outlived its user, and then gets no token.
func (o *Operator) checkServiceUser(ctx context.Context, client *roster.Client) error {
	if client.ServiceUser == 0 {
		return nil
	}
	user, err := o.store.User(ctx, client.Tenant, client.ServiceUser)
	if err != nil {
		return err
	}
	if !user.Path.Contains(client.Path.Last()) {
		return roster.Invalid("serviceUser", "must belong to the client's organization or to one below it")
	}
	return nil
}

// Clients returns the clients of a tenant, revoked ones too, in the order they were created in. An unknown tenant is a
// KindNotFound error.
func (o *Operator) Clients(ctx context.Context, tenant roster.TenantID) ([]roster.Client, error) {
	if err := o.mustBeTenant(ctx, tenant); err != nil {
		return nil, err
	}
	clients, err := o.store.Clients(ctx, tenant)
	if err != nil {
		return nil, err
	}
	sortClients(clients)
	return clients, nil
}

// RevokeClient ends a client for good: its secret and its tokens are not accepted any more, the latter within the
// gateway's cache time. It returns the client as it is then. Revoking a client twice changes nothing. An unknown client
// is a KindNotFound error.
func (o *Operator) RevokeClient(ctx context.Context, id roster.ClientID) (roster.Client, error) {
	client, err := o.store.Client(ctx, id)
	if err != nil {
		return roster.Client{}, err
	}
	if client.Revoked() {
		return client, nil
	}
	if err := o.store.RevokeClient(ctx, client.Tenant, id, o.moment(), o.stamp); err != nil {
		return roster.Client{}, err
	}
	return o.store.Client(ctx, id)
}

// mustBeTenant returns nil if there is such a tenant, and a KindNotFound error that names it if there is not.
func (o *Operator) mustBeTenant(ctx context.Context, tenant roster.TenantID) error {
	_, err := o.store.Organization(ctx, tenant, tenant.Root())
	if roster.KindOf(err) == roster.KindNotFound {
		return &roster.Error{Kind: roster.KindNotFound, Message: "tenant " + tenant.String() + " not found", Cause: err}
	}
	return err
}

// clientIDPrefix names what the id is, so that nobody takes it for a secret.
const clientIDPrefix = "client-"

// newClientID returns a new client's id.
func (o *Operator) newClientID() (roster.ClientID, error) {
	id, err := o.newID(clientIDPrefix)
	return roster.ClientID(id), err
}
