package dynamo

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// integrationTokenItem is what is kept of an integration's token. It has no time to live: a token that never expires must be
// told apart from one that never was for as long as somebody may show it, and an expired one stays to be listed.
type integrationTokenItem struct {
	head
	ID        string `dynamodbav:"tokenId"`
	TenantID  int32  `dynamodbav:"tenantId"`
	ClientID  string `dynamodbav:"clientId"`
	Name      string `dynamodbav:"name,omitempty"`
	CreatedAt int64  `dynamodbav:"createdAt,omitempty"`
	// ValidUntil is in Unix milliseconds, 0 for a token that never expires.
	ValidUntil int64 `dynamodbav:"validUntil,omitempty"`
	RevokedAt  int64 `dynamodbav:"revokedAt,omitempty"`
}

func toIntegrationTokenItem(t *roster.IntegrationToken) *integrationTokenItem {
	return &integrationTokenItem{
		head: newHead(integrationTokenKey(t.Client, t.ID), typeIntegrationToken, t.Revision),
		ID:   t.ID, TenantID: int32(t.Tenant), ClientID: string(t.Client), Name: t.Name,
		CreatedAt: millis(t.CreatedAt), ValidUntil: millis(t.ExpiresAt), RevokedAt: millis(t.RevokedAt),
	}
}

func (i *integrationTokenItem) noun() (roster.IntegrationToken, error) {
	if err := i.is(typeIntegrationToken); err != nil {
		return roster.IntegrationToken{}, err
	}
	return roster.IntegrationToken{
		ID: i.ID, Tenant: roster.TenantID(i.TenantID), Client: roster.ClientID(i.ClientID), Name: i.Name,
		CreatedAt: fromMillis(i.CreatedAt), ExpiresAt: fromMillis(i.ValidUntil), RevokedAt: fromMillis(i.RevokedAt),
		Revision: i.revision(),
	}, nil
}

// IntegrationToken returns what is kept of a token of an integration, revoked and expired ones too. One that is not there is a
// KindNotFound error.
//
// It is an eventually consistent read of 0.5 RRU, as Client is and for the same reasons: a token that seems not to be there is
// looked for again with a consistent read, so that a new one works at once.
func (t *Table) IntegrationToken(ctx context.Context, client roster.ClientID, id string) (roster.IntegrationToken, error) {
	var item integrationTokenItem
	found, err := t.get(ctx, integrationTokenKey(client, id), false, &item)
	if err == nil && !found {
		found, err = t.get(ctx, integrationTokenKey(client, id), true, &item)
	}
	if err != nil {
		return roster.IntegrationToken{}, err
	}
	if !found {
		return roster.IntegrationToken{}, roster.NotFound("token")
	}
	return nounOf(&item)
}

// IntegrationTokens returns all tokens of an integration, revoked and expired ones too, in the order they were created in. It is
// strongly consistent and reads all pages.
func (t *Table) IntegrationTokens(ctx context.Context, client roster.ClientID) ([]roster.IntegrationToken, error) {
	consistent, where := true, "pk = :pk AND begins_with(sk, :prefix)"
	query := &dynamodb.QueryInput{
		ConsistentRead: &consistent, KeyConditionExpression: &where,
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(clientKey(client).pk), ":prefix": text(tokenPrefix)},
	}
	var tokens []roster.IntegrationToken
	err := t.queryAll(ctx, query, func(attributes map[string]types.AttributeValue) error {
		var item integrationTokenItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		token, err := nounOf(&item)
		if err == nil {
			tokens = append(tokens, token)
		}
		return err
	})
	slices.SortFunc(tokens, func(a, b roster.IntegrationToken) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return tokens, err
}

// CreateIntegration writes a new integration and its first token, both or neither, and returns them as stored. An id that is
// taken is a KindConflict error, an organization that does not stand is KindNotFound. A zero CreatedAt becomes now. It costs 6
// WRU.
func (t *Table) CreateIntegration(ctx context.Context, c roster.Client, token roster.IntegrationToken, stamp roster.Stamp) (roster.Client, roster.IntegrationToken, error) {
	if err := t.mustStand(ctx, c.Tenant, c.Path); err != nil {
		return roster.Client{}, roster.IntegrationToken{}, err
	}
	c = t.newClient(c, stamp)
	token = t.newIntegrationToken(token, stamp)
	legs, err := t.clientLegs(&c)
	if err != nil {
		return roster.Client{}, roster.IntegrationToken{}, err
	}
	record, err := t.put(toIntegrationTokenItem(&token), ifAbsent(), refusal(roster.Conflict("the token id "+token.ID+" is taken")))
	if err != nil {
		return roster.Client{}, roster.IntegrationToken{}, err
	}
	if err := t.transact(ctx, append(legs, record)...); err != nil {
		return roster.Client{}, roster.IntegrationToken{}, err
	}
	stored, err := toClientItem(&c).noun()
	return stored, token, err
}

// CreateIntegrationToken writes what is kept of another token of an integration that is taken to stand, and returns it as
// stored. An id that is taken is a KindConflict error. A zero CreatedAt becomes now. It costs 1 WRU.
func (t *Table) CreateIntegrationToken(ctx context.Context, token roster.IntegrationToken, stamp roster.Stamp) (roster.IntegrationToken, error) {
	token = t.newIntegrationToken(token, stamp)
	err := t.putAlone(ctx, toIntegrationTokenItem(&token), ifAbsent(), refusal(roster.Conflict("the token id "+token.ID+" is taken")))
	return token, err
}

func (t *Table) newIntegrationToken(token roster.IntegrationToken, stamp roster.Stamp) roster.IntegrationToken {
	token.Revision = t.firstRevision(stamp)
	if token.CreatedAt.IsZero() {
		token.CreatedAt = token.Revision.ChangedAt
	}
	return token
}

// RevokeIntegrationToken revokes a token of an integration from that time on. One that is revoked already stays so since then.
// A token that is not there, or is another tenant's, is a KindNotFound error. It costs 1 WRU.
func (t *Table) RevokeIntegrationToken(ctx context.Context, tenant roster.TenantID, client roster.ClientID, id string, at time.Time, stamp roster.Stamp) error {
	if !integrationTokenKey(client, id).possible() {
		return roster.NotFound("token")
	}
	return t.revoke(ctx, integrationTokenKey(client, id), tenant, at, stamp, roster.NotFound("token"))
}
