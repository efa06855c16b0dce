package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/rosterhq/roster/internal/roster"
)

// metered makes one call of the SDK count on the meter of its context: every attempt as a call, and the capacity that
// the answer reports, which is why every input asks for it. DynamoDB does not report what a refused write cost.
func (t *Table) metered(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		if err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RosterMeterCapacity", meterCapacity), middleware.Before); err != nil {
			return err
		}
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("RosterMeterCall", t.meterCall), middleware.Before)
	})
}

// meterCall runs once per attempt, around sending the request and reading the whole answer.
func (t *Table) meterCall(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	meter := roster.MeterFrom(ctx)
	if meter == nil {
		return next.HandleDeserialize(ctx, in)
	}
	// Durations are measured by the process's own clock, whatever time the table is told.
	meter.Begin(time.Now())
	defer func() { meter.End(time.Now()) }()
	return next.HandleDeserialize(ctx, in)
}

func meterCapacity(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleInitialize(ctx, in)
	if meter := roster.MeterFrom(ctx); meter != nil && err == nil {
		meter.Add(costOf(out.Result))
	}
	return out, metadata, err
}

// costOf returns the capacity that the output of an operation reports. What an operation consumes is of one sort, reads
// or writes, whichever it is for: the separate counts of the two are not always filled in (DynamoDB Local never does).
func costOf(output any) roster.Cost {
	switch o := output.(type) {
	case *dynamodb.GetItemOutput:
		return readCost(o.ConsumedCapacity)
	case *dynamodb.QueryOutput:
		return readCost(o.ConsumedCapacity)
	case *dynamodb.BatchGetItemOutput:
		var cost roster.Cost
		for i := range o.ConsumedCapacity {
			cost.Reads += readCost(&o.ConsumedCapacity[i]).Reads
		}
		return cost
	case *dynamodb.PutItemOutput:
		return writeCost(o.ConsumedCapacity)
	case *dynamodb.DeleteItemOutput:
		return writeCost(o.ConsumedCapacity)
	case *dynamodb.UpdateItemOutput:
		return writeCost(o.ConsumedCapacity)
	case *dynamodb.ScanOutput:
		return readCost(o.ConsumedCapacity)
	case *dynamodb.BatchWriteItemOutput:
		return writeCosts(o.ConsumedCapacity)
	case *dynamodb.TransactWriteItemsOutput:
		return writeCosts(o.ConsumedCapacity)
	}
	return roster.Cost{}
}

func readCost(c *types.ConsumedCapacity) roster.Cost {
	if c == nil || c.CapacityUnits == nil {
		return roster.Cost{}
	}
	return roster.Cost{Reads: *c.CapacityUnits}
}

func writeCosts(all []types.ConsumedCapacity) roster.Cost {
	var cost roster.Cost
	for i := range all {
		c := writeCost(&all[i])
		cost.Writes += c.Writes
		cost.TableWrites += c.TableWrites
	}
	return cost
}

func writeCost(c *types.ConsumedCapacity) roster.Cost {
	if c == nil || c.CapacityUnits == nil {
		return roster.Cost{}
	}
	cost := roster.Cost{Writes: *c.CapacityUnits}
	if c.Table != nil && c.Table.CapacityUnits != nil {
		cost.TableWrites = *c.Table.CapacityUnits
	}
	return cost
}
