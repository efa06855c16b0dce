package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// clientItem is an API client as it is stored.
type clientItem struct {
	head
	ID          string `dynamodbav:"clientId"`
	TenantID    int32  `dynamodbav:"tenantId"`
	Path        string `dynamodbav:"path"`
	Name        string `dynamodbav:"name,omitempty"`
	SecretHash  []byte `dynamodbav:"secretHash"`
	Integration bool   `dynamodbav:"integration,omitempty"`
	ServiceUser int64  `dynamodbav:"serviceUser,omitempty"`
	CreatedAt   int64  `dynamodbav:"createdAt,omitempty"`
	RevokedAt   int64  `dynamodbav:"revokedAt,omitempty"`
}

// clientPointerItem tells a tenant which clients it has.
type clientPointerItem struct {
	head
	ID string `dynamodbav:"clientId"`
}

func toClientItem(c *roster.Client) *clientItem {
	return &clientItem{
		head: newHead(clientKey(c.ID), typeClient, c.Revision),
		ID:   string(c.ID), TenantID: int32(c.Tenant), Path: c.Path.String(), Name: c.Name, SecretHash: c.SecretHash[:], Integration: c.Integration,
		ServiceUser: int64(c.ServiceUser), CreatedAt: millis(c.CreatedAt), RevokedAt: millis(c.RevokedAt),
	}
}

func (i *clientItem) noun() (roster.Client, error) {
	if err := i.is(typeClient); err != nil {
		return roster.Client{}, err
	}
	path, err := roster.ParseOrgPath(i.Path)
	if err != nil {
		return roster.Client{}, fmt.Errorf("item %s: %w", i.PK, err)
	}
	c := roster.Client{
		ID: roster.ClientID(i.ID), Tenant: roster.TenantID(i.TenantID), Path: path, Name: i.Name, Integration: i.Integration,
		ServiceUser: roster.UserID(i.ServiceUser), CreatedAt: fromMillis(i.CreatedAt), RevokedAt: fromMillis(i.RevokedAt),
		Revision: i.revision(),
	}
	if len(i.SecretHash) != len(c.SecretHash) {
		return roster.Client{}, fmt.Errorf("item %s has a secret hash of %d bytes", i.PK, len(i.SecretHash))
	}
	copy(c.SecretHash[:], i.SecretHash)
	return c, nil
}

// Client returns a client, even a revoked one: see roster.Client.Revoked. One that is not there is a KindNotFound error.
//
// It is an eventually consistent read of 0.5 RRU: a revocation may be seen a fraction of a second late, which is much
// less than the gateway keeps an authorizer's answer. A client that seems not to be there is looked for again with a
// consistent read, so that a new one works at once.
func (t *Table) Client(ctx context.Context, id roster.ClientID) (roster.Client, error) {
	var item clientItem
	found, err := t.get(ctx, clientKey(id), false, &item)
	if err == nil && !found {
		found, err = t.get(ctx, clientKey(id), true, &item)
	}
	if err != nil {
		return roster.Client{}, err
	}
	if !found {
		return roster.Client{}, roster.NotFound("client")
	}
	return nounOf(&item)
}

// CreateClient writes a new client and returns it as stored. An id that is taken is a KindConflict error, an
// organization that does not stand is KindNotFound. A zero CreatedAt becomes now. It costs 4 WRU.
func (t *Table) CreateClient(ctx context.Context, c roster.Client, stamp roster.Stamp) (roster.Client, error) {
	if err := t.mustStand(ctx, c.Tenant, c.Path); err != nil {
		return roster.Client{}, err
	}
	c = t.newClient(c, stamp)
	legs, err := t.clientLegs(&c)
	if err != nil {
		return roster.Client{}, err
	}
	if err := t.transact(ctx, legs...); err != nil {
		return roster.Client{}, err
	}
	return toClientItem(&c).noun()
}

// CreateServiceUser writes a new user and the client that acts as it in one transaction, and returns both as stored. The client is the
// user's tenant's. For the rest it is CreateUser and CreateClient, with their errors, and costs what both do.
func (t *Table) CreateServiceUser(ctx context.Context, n roster.NewUser, c roster.Client, stamp roster.Stamp) (roster.User, roster.Client, error) {
	user, _, err := t.createUser(ctx, n, stamp, nil, func(user *roster.User) ([]leg, error) {
		c.Tenant, c.ServiceUser = user.Tenant, user.ID
		c = t.newClient(c, stamp)
		return t.clientLegs(&c)
	})
	if err != nil {
		return roster.User{}, roster.Client{}, err
	}
	c, err = toClientItem(&c).noun()
	return user, c, err
}

func (t *Table) newClient(c roster.Client, stamp roster.Stamp) roster.Client {
	c.Revision = t.firstRevision(stamp)
	if c.CreatedAt.IsZero() {
		c.CreatedAt = c.Revision.ChangedAt
	}
	return c
}

func (t *Table) clientLegs(c *roster.Client) ([]leg, error) {
	taken := refusal(roster.Conflict("the client id " + string(c.ID) + " is taken"))
	own, err := t.put(toClientItem(c), ifAbsent(), taken)
	if err != nil {
		return nil, err
	}
	pointer, err := t.put(clientPointerItem{head: newHead(clientPointerKey(c.Tenant, c.ID), typeClientPointer, c.Revision), ID: string(c.ID)}, ifAbsent(), taken)
	if err != nil {
		return nil, err
	}
	return []leg{own, pointer}, nil
}

// Clients returns all clients of a tenant, revoked ones too, in the order of their ids. It reads all pages, strongly
// consistent.
func (t *Table) Clients(ctx context.Context, tenant roster.TenantID) ([]roster.Client, error) {
	consistent, where := true, "pk = :pk"
	query := &dynamodb.QueryInput{
		ConsistentRead: &consistent, KeyConditionExpression: &where,
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(clientsPartition(tenant))},
	}
	var keys []map[string]types.AttributeValue
	err := t.queryAll(ctx, query, func(attributes map[string]types.AttributeValue) error {
		var item clientPointerItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		keys = append(keys, clientKey(roster.ClientID(item.ID)).attributes())
		return nil
	})
	if err != nil {
		return nil, err
	}
	var clients []roster.Client
	err = t.batchGet(ctx, keys, true, func(attributes map[string]types.AttributeValue) error {
		var item clientItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		c, err := nounOf(&item)
		if err != nil {
			return err
		}
		clients = append(clients, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(clients, func(a, b roster.Client) int { return cmp.Compare(a.ID, b.ID) })
	return clients, nil
}

// RevokeClient revokes a client of the tenant from that time on. One that is revoked already stays so since then. A
// client that is not there, or is another tenant's, is a KindNotFound error. It costs 1 WRU.
func (t *Table) RevokeClient(ctx context.Context, tenant roster.TenantID, id roster.ClientID, at time.Time, stamp roster.Stamp) error {
	if !clientKey(id).possible() {
		return roster.NotFound("client")
	}
	return t.revoke(ctx, clientKey(id), tenant, at, stamp, roster.NotFound("client"))
}

// revoke notes that what stands at a key, and is the tenant's, is revoked from that time on, unless it is already.
func (t *Table) revoke(ctx context.Context, k key, tenant roster.TenantID, at time.Time, stamp roster.Stamp, missing error) error {
	return t.update(ctx, k,
		"SET revokedAt = if_not_exists(revokedAt, :at), version = version + :one, changedAt = :at, changedBy = :by, changedVia = :via, requestId = :request",
		condition{text: "attribute_exists(pk) AND tenantId = :tenant", values: map[string]types.AttributeValue{
			":tenant": number(tenant), ":at": number(at.UnixMilli()), ":one": number(1), ":by": text(stamp.By), ":via": text(stamp.Via), ":request": text(stamp.RequestID),
		}}, refusal(missing))
}
