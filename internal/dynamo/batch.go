package dynamo

import (
	"context"
	mathrand "math/rand/v2"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// batchKeys is the most that DynamoDB reads in one BatchGetItem.
const batchKeys = 100

// batchGet reads all items of those keys, which must differ, 100 at a time, and calls visit for each that is there, in no
// particular order. What DynamoDB leaves unprocessed is asked for again, after a pause that grows.
func (t *Table) batchGet(ctx context.Context, keys []map[string]types.AttributeValue, consistent bool, visit func(map[string]types.AttributeValue) error) error {
	for chunk := range slices.Chunk(keys, batchKeys) {
		left := map[string]types.KeysAndAttributes{t.name: {Keys: chunk, ConsistentRead: &consistent}}
		for try := 0; len(left) > 0; try++ {
			if try > 0 {
				if err := t.pause(ctx, mathrand.N(firstPause<<min(try, maxTries))); err != nil {
					return failed("waiting to read again", err)
				}
			}
			out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: left, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
			}, t.metered)
			if err != nil {
				return failed("reading a batch", err)
			}
			for _, item := range out.Responses[t.name] {
				if err := visit(item); err != nil {
					return err
				}
			}
			left = out.UnprocessedKeys
		}
	}
	return nil
}

// batchItems is the most that DynamoDB writes in one BatchWriteItem.
const batchItems = 25

// batchWrite does all of those writes, whose items must differ, 25 at a time and each by itself. What DynamoDB leaves
// unprocessed is sent again, after a pause that grows.
func (t *Table) batchWrite(ctx context.Context, writes []types.WriteRequest) error {
	for chunk := range slices.Chunk(writes, batchItems) {
		left := map[string][]types.WriteRequest{t.name: chunk}
		for try := 0; len(left) > 0; try++ {
			if try > 0 {
				if err := t.pause(ctx, mathrand.N(firstPause<<min(try, maxTries))); err != nil {
					return failed("waiting to write again", err)
				}
			}
			out, err := t.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
				RequestItems: left, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
			}, t.metered)
			if err != nil {
				return failed("writing a batch", err)
			}
			left = out.UnprocessedItems
		}
	}
	return nil
}

// queryAll runs a query to its end, page by page, and calls visit for each item in the order of the sort key.
func (t *Table) queryAll(ctx context.Context, input *dynamodb.QueryInput, visit func(map[string]types.AttributeValue) error) error {
	for {
		next, err := t.queryPage(ctx, input, visit)
		if err != nil || next == nil {
			return err
		}
		input.ExclusiveStartKey = next
	}
}

// queryPage runs one page of a query and returns where the next one begins, nil at the end.
func (t *Table) queryPage(ctx context.Context, input *dynamodb.QueryInput, visit func(map[string]types.AttributeValue) error) (map[string]types.AttributeValue, error) {
	input.TableName = &t.name
	input.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	out, err := t.client.Query(ctx, input, t.metered)
	if err != nil {
		return nil, failed("querying", err)
	}
	for _, item := range out.Items {
		if err := visit(item); err != nil {
			return nil, err
		}
	}
	return out.LastEvaluatedKey, nil
}
