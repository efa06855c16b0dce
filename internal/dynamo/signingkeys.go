package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// signingKeyItem is a public key of the token endpoint as it is stored. Private keys are never in the table.
type signingKeyItem struct {
	head
	ID        string `dynamodbav:"keyId"`
	Algorithm string `dynamodbav:"algorithm"`
	PublicKey []byte `dynamodbav:"publicKey"`
	CreatedAt int64  `dynamodbav:"createdAt,omitempty"`
	RetiredAt int64  `dynamodbav:"retiredAt,omitempty"`
}

// SigningKeys returns all public keys that are published, oldest first: a strongly consistent query of 1 RRU per 4 KB,
// to its end.
func (t *Table) SigningKeys(ctx context.Context) ([]roster.SigningKey, error) {
	consistent, where := true, "pk = :pk"
	query := &dynamodb.QueryInput{
		ConsistentRead:            &consistent,
		KeyConditionExpression:    &where,
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(signingKeysPartition)},
	}
	var keys []roster.SigningKey
	err := t.queryAll(ctx, query, func(attributes map[string]types.AttributeValue) error {
		var item signingKeyItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		keys = append(keys, roster.SigningKey{
			ID: item.ID, Algorithm: item.Algorithm, PublicKey: item.PublicKey,
			CreatedAt: fromMillis(item.CreatedAt), RetiredAt: fromMillis(item.RetiredAt),
		})
		return item.is(typeSigningKey)
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(keys, func(a, b roster.SigningKey) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return keys, nil
}

// PutSigningKey publishes a public key, or replaces what is known of it: that it was retired. It costs 1 WRU.
func (t *Table) PutSigningKey(ctx context.Context, k roster.SigningKey) error {
	return t.putAlone(ctx, signingKeyItem{
		head: newHead(signingKeyKey(k.ID), typeSigningKey, t.firstRevision(roster.Stamp{Via: "oauth2"})),
		ID:   k.ID, Algorithm: k.Algorithm, PublicKey: k.PublicKey, CreatedAt: millis(k.CreatedAt), RetiredAt: millis(k.RetiredAt),
	}, condition{}, nil)
}
