package dynamo

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// grantItem is a family of refresh tokens as it is stored. It holds hashes only, and is in no index.
type grantItem struct {
	head
	TenantID   int32  `dynamodbav:"tenantId"`
	ClientID   string `dynamodbav:"clientId"`
	UserID     int64  `dynamodbav:"userId,omitempty"`
	Family     []byte `dynamodbav:"family"`
	Secret     []byte `dynamodbav:"secret"`
	Generation int64  `dynamodbav:"generation"`
	CreatedAt  int64  `dynamodbav:"createdAt,omitempty"`
	// PasswordChangedAt is the changedAt of the credential that the log-in matched.
	PasswordChangedAt int64 `dynamodbav:"passwordChangedAt,omitempty"`
	WithoutClient     bool  `dynamodbav:"withoutClient,omitempty"`
	RevokedAt         int64 `dynamodbav:"revokedAt,omitempty"`
	// ExpiresAt is the time to live, in Unix seconds.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

func (i *grantItem) noun() (roster.Grant, error) {
	if err := i.is(typeGrant); err != nil {
		return roster.Grant{}, err
	}
	g := roster.Grant{
		Tenant: roster.TenantID(i.TenantID), Client: roster.ClientID(i.ClientID), User: roster.UserID(i.UserID),
		Generation: i.Generation, CreatedAt: fromMillis(i.CreatedAt), PasswordChangedAt: fromMillis(i.PasswordChangedAt),
		ExpiresAt: fromTTL(i.ExpiresAt), WithoutClient: i.WithoutClient, RevokedAt: fromMillis(i.RevokedAt),
	}
	if len(i.Family) != len(g.Family) || len(i.Secret) != len(g.Secret) {
		return roster.Grant{}, fmt.Errorf("item %s has hashes of %d and %d bytes", i.PK, len(i.Family), len(i.Secret))
	}
	copy(g.Family[:], i.Family)
	copy(g.Secret[:], i.Secret)
	return g, nil
}

// CreateGrant writes a new family of refresh tokens. It costs 1 WRU.
func (t *Table) CreateGrant(ctx context.Context, g roster.Grant) error {
	item := grantItem{
		head:     newHead(grantKey(g.Family), typeGrant, t.firstRevision(roster.Stamp{By: "client:" + string(g.Client), Via: "oauth2"})),
		TenantID: int32(g.Tenant), ClientID: string(g.Client), UserID: int64(g.User), Family: g.Family[:], Secret: g.Secret[:],
		Generation: g.Generation, CreatedAt: millis(g.CreatedAt), PasswordChangedAt: millis(g.PasswordChangedAt),
		WithoutClient: g.WithoutClient, RevokedAt: millis(g.RevokedAt), ExpiresAt: ttl(g.ExpiresAt),
	}
	return t.putAlone(ctx, item, ifAbsent(), refusal(roster.Conflict("the grant exists")))
}

// Grant returns a family of refresh tokens, even a revoked one: a strongly consistent read of 1 RRU. One that is not there
// or has expired is a KindNotFound error.
func (t *Table) Grant(ctx context.Context, family [32]byte) (roster.Grant, error) {
	var item grantItem
	found, err := t.get(ctx, grantKey(family), true, &item)
	if err != nil {
		return roster.Grant{}, err
	}
	if !found {
		return roster.Grant{}, roster.NotFound("grant")
	}
	g, err := nounOf(&item)
	if err != nil {
		return roster.Grant{}, err
	}
	if !t.now().Before(g.ExpiresAt) {
		return roster.Grant{}, roster.NotFound("grant")
	}
	return g, nil
}

// RotateGrant makes newSecret the family's one valid refresh token in the place of oldSecret, with the new token's
// generation and time of expiry. When oldSecret is not the valid one, or the family is revoked or gone, it is a
// KindConflict error: the token was presented before. Of many that rotate the same token at once, one succeeds. It costs 1 WRU.
func (t *Table) RotateGrant(ctx context.Context, family, oldSecret, newSecret [32]byte, generation int64, expires time.Time) error {
	return t.update(ctx, grantKey(family),
		"SET secret = :new, generation = :generation, expiresAt = :expires, version = version + :one, changedAt = :now",
		condition{text: "secret = :old AND attribute_not_exists(revokedAt)", values: map[string]types.AttributeValue{
			":old": binary(oldSecret), ":new": binary(newSecret), ":generation": number(generation), ":expires": number(ttl(expires)),
			":one": number(1), ":now": number(t.now().UnixMilli()),
		}},
		func(found map[string]types.AttributeValue) error {
			var item grantItem
			if err := decode(found, &item); err != nil {
				return err
			}
			if bytes.Equal(item.Secret, newSecret[:]) && item.RevokedAt == 0 {
				// An answer was lost and the SDK wrote again: newSecret is known to this caller alone.
				return nil
			}
			return roster.Conflict("the refresh token was used before")
		})
}

// RevokeGrant ends a family of refresh tokens. One that is not there, or has ended already, is no error. It costs 1 WRU.
func (t *Table) RevokeGrant(ctx context.Context, family [32]byte, at time.Time) error {
	return t.update(ctx, grantKey(family),
		"SET revokedAt = :at, version = version + :one, changedAt = :at",
		condition{text: "attribute_exists(pk) AND attribute_not_exists(revokedAt)", values: map[string]types.AttributeValue{
			":at": number(at.UnixMilli()), ":one": number(1),
		}}, refusal(nil))
}

func binary(b [32]byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b[:]} }
