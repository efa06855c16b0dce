package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// rateItem counts the permits that were leased for the requests of an organization in one minute. Its count may exceed the limit
// by the last block that was asked for: of that block, only what was below the limit was given.
type rateItem struct {
	head
	Count int64 `dynamodbav:"count"`
	// ExpiresAt is the time to live, in Unix seconds. The minute is in the key, so an expired count counts nothing.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// rateFor is how long the count of a minute is kept, from the minute on.
const rateFor = time.Hour

// LeasePermits takes permits from those of a minute, and returns how many it took and how many are taken then. The condition
// lets nobody take any once the limit is reached, and who reaches it gets what was left: so one write, of 1 WRU, always tells.
// A write that the SDK repeats, because an answer was lost, takes permits that nobody gets.
func (t *Table) LeasePermits(ctx context.Context, lease roster.PermitLease) (leased, taken int64, err error) {
	k := rateKey(lease.Tenant, lease.Org, lease.Minute)
	set := "SET #type = :type, changedAt = :now, expiresAt = :expires ADD #count :permits, version :one"
	only := "attribute_not_exists(pk) OR #count < :limit"
	out, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.name, Key: k.attributes(), UpdateExpression: &set, ConditionExpression: &only,
		ExpressionAttributeNames: map[string]string{"#count": "count", "#type": "type"}, // reserved words
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":permits": number(lease.Permits), ":limit": number(lease.Limit), ":one": number(1), ":type": text(typeRate),
			":now": number(t.now().UnixMilli()), ":expires": number(ttl(lease.Minute.Add(rateFor))),
		},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		ReturnValues:           types.ReturnValueUpdatedNew,
	}, t.metered)
	if _, none := errors.AsType[*types.ConditionalCheckFailedException](err); none {
		return 0, lease.Limit, nil
	}
	if err != nil {
		return 0, 0, failed("leasing permits", err)
	}
	var after struct {
		Count int64 `dynamodbav:"count"`
	}
	if err := decode(out.Attributes, &after); err != nil {
		return 0, 0, err
	}
	return min(lease.Permits, lease.Limit-(after.Count-lease.Permits)), min(after.Count, lease.Limit), nil
}
