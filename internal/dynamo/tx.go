package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// maxLegs is the largest number of legs that DynamoDB takes in one transaction. A transaction with more is refused, never
// split: its legs belong together.
const maxLegs = 100

// The cancellation codes of a leg that matter here.
const (
	codeNone                = "None"
	codeConditionFailed     = "ConditionalCheckFailed"
	codeTransactionConflict = "TransactionConflict"
)

// leg is one write, or one check, of a transaction, with its own meaning of failure.
type leg struct {
	item types.TransactWriteItem
	// refused returns the error to report when this leg's condition does not hold. It gets the item that stands there
	// instead, nil for none.
	refused func(found map[string]types.AttributeValue) error
	// stuck, where not nil, returns the error to report when conflicts on this leg do not end. Such a leg must be heard
	// before others are: while it meets a conflict, what they refuse is not the last word.
	stuck func(cause error) error
}

// refusal is a leg's meaning of failure that does not depend on what was found.
func refusal(err error) func(map[string]types.AttributeValue) error {
	return func(map[string]types.AttributeValue) error { return err }
}

// condition is a condition expression with its names and values. Its text is a constant, its parameters are never part of it.
type condition struct {
	text   string
	names  map[string]string
	values map[string]types.AttributeValue
}

// ifAbsent holds where no item stands.
func ifAbsent() condition { return condition{text: "attribute_not_exists(pk)"} }

// ifVersion holds where the item stands in that version.
func ifVersion(version int64) condition {
	return condition{text: "version = :version", values: map[string]types.AttributeValue{":version": number(version)}}
}

func number[N ~int | ~int32 | ~int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(int64(n))}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// put returns the leg that writes a whole item if the condition holds; the zero condition always does.
func (t *Table) put(item any, c condition, refused func(map[string]types.AttributeValue) error) (leg, error) {
	attributes, err := encode(item)
	if err != nil {
		return leg{}, err
	}
	p := &types.Put{TableName: &t.name, Item: attributes}
	if c.text != "" {
		p.ConditionExpression, p.ExpressionAttributeNames, p.ExpressionAttributeValues = &c.text, c.names, c.values
		p.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return leg{item: types.TransactWriteItem{Put: p}, refused: refused}, nil
}

// remove returns the leg that deletes an item if the condition holds; the zero condition always does.
func (t *Table) remove(k key, c condition, refused func(map[string]types.AttributeValue) error) leg {
	d := &types.Delete{TableName: &t.name, Key: k.attributes()}
	if c.text != "" {
		d.ConditionExpression, d.ExpressionAttributeNames, d.ExpressionAttributeValues = &c.text, c.names, c.values
		d.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return leg{item: types.TransactWriteItem{Delete: d}, refused: refused}
}

// check returns the leg that only demands the condition. DynamoDB bills it like a write: 2 WRU per KB of the item.
func (t *Table) check(k key, c condition, refused func(map[string]types.AttributeValue) error) leg {
	return leg{item: types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &t.name, Key: k.attributes(),
		ConditionExpression: &c.text, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}, refused: refused}
}

// change returns the leg that updates an item by an update expression, whose names and values are those of the
// condition, if the condition holds; one without text always does.
func (t *Table) change(k key, set string, c condition, refused func(map[string]types.AttributeValue) error) leg {
	u := &types.Update{
		TableName: &t.name, Key: k.attributes(), UpdateExpression: &set,
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	}
	if c.text != "" {
		u.ConditionExpression = &c.text
		u.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return leg{item: types.TransactWriteItem{Update: u}, refused: refused}
}

// transact does all of the legs or none. The first leg, in the order given, whose condition does not hold says what is
// wrong.
func (t *Table) transact(ctx context.Context, legs ...leg) error {
	canceled, err := t.commit(ctx, legs)
	if err != nil {
		return err
	}
	for i, reason := range canceled {
		if conditionFailed(reason) {
			return legs[i].refused(reason.Item)
		}
	}
	return nil
}

// commit does all of the legs or none. When conditions did not hold, it returns the reasons, one per leg in the order of
// the legs, and no error.
//
// A transaction that met nothing but conflicts with others is tried again, with the same client request token and after
// a random pause, so that a first try that went through after all is not done twice. DynamoDB keeps the token for ten
// minutes.
func (t *Table) commit(ctx context.Context, legs []leg) ([]types.CancellationReason, error) {
	if len(legs) > maxLegs {
		return nil, fmt.Errorf("a transaction of %d legs is over the limit of %d", len(legs), maxLegs)
	}
	token := rand.Text()
	input := &dynamodb.TransactWriteItemsInput{
		ClientRequestToken:     &token,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		TransactItems:          make([]types.TransactWriteItem, len(legs)),
	}
	for i := range legs {
		input.TransactItems[i] = legs[i].item
	}
	var reasons []types.CancellationReason
	err := t.despiteConflicts(ctx, func() error {
		_, err := t.client.TransactWriteItems(ctx, input, t.metered)
		canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
		if !ok {
			reasons = nil
			return failed("writing a transaction", err)
		}
		if len(canceled.CancellationReasons) != len(legs) {
			return failed("writing a transaction", err)
		}
		reasons = canceled.CancellationReasons
		return judge(legs, reasons, err)
	})
	if err != nil {
		return nil, err
	}
	if reasons == nil {
		t.restampLate(ctx, putItems(legs)...)
	}
	return reasons, nil
}

// putItems returns the whole items that legs write.
func putItems(legs []leg) []map[string]types.AttributeValue {
	items := make([]map[string]types.AttributeValue, 0, len(legs))
	for _, l := range legs {
		if l.item.Put != nil {
			items = append(items, l.item.Put.Item)
		}
	}
	return items
}

// conflict is a write that met another transaction, which is tried again.
type conflict struct {
	cause error
	stuck func(cause error) error // what it means that this does not end; nil means that the table is busy
}

func (c *conflict) Error() string { return "transaction conflict: " + c.cause.Error() }

func (c *conflict) Unwrap() error { return c.cause }

// judge returns nil if a cancelled transaction failed on a condition, which its leg then explains; a *conflict if it met
// other transactions; or the error to report.
func judge(legs []leg, reasons []types.CancellationReason, err error) error {
	err = fmt.Errorf("writing a transaction: %w", err)
	var met *conflict
	var refused, throttled, other bool
	for i := range reasons {
		switch code := code(reasons[i]); {
		case code == codeConditionFailed:
			refused = true
		case code == codeTransactionConflict:
			if legs[i].stuck != nil {
				return &conflict{err, legs[i].stuck}
			}
			met = &conflict{cause: err}
		case throttling(code):
			throttled = true
		case code != codeNone:
			other = true
		}
	}
	switch {
	case refused:
		return nil
	case other:
		return err
	case throttled:
		return busy(err)
	case met != nil:
		return met
	default:
		return err
	}
}

func code(r types.CancellationReason) string {
	if r.Code == nil {
		return codeNone
	}
	return *r.Code
}

func conditionFailed(r types.CancellationReason) bool { return code(r) == codeConditionFailed }

// maxTries bounds how often a write that meets conflicts is tried. With pauses of up to 20, 40, 80 ... 640 ms the last
// try comes about a second after the first.
const (
	maxTries   = 7
	firstPause = 20 * time.Millisecond
)

// despiteConflicts does write again while it reports a *conflict, and reports what it means when that does not end:
// KindUnavailable, or what the leg that it is about says.
func (t *Table) despiteConflicts(ctx context.Context, write func() error) error {
	for try := 0; ; try++ {
		err := write()
		met, ok := errors.AsType[*conflict](err)
		if !ok {
			return err
		}
		if try == maxTries-1 {
			if met.stuck != nil {
				return met.stuck(err)
			}
			return busy(err)
		}
		// A pause anywhere between nothing and the bound parts two writers best ("full jitter").
		if err := t.pause(ctx, mathrand.N(firstPause<<try)); err != nil {
			return failed("waiting to write again", err)
		}
	}
}

// maxChanges bounds how often a change is decided anew because somebody else wrote what it was decided by.
const maxChanges = 12

// despiteChanges does change, which reads and then writes, again while it reports roster.VersionChanged: KindUnavailable when
// that does not end. It is for changes that nobody waits to decide anew, such as those that a mail service asks for.
func (t *Table) despiteChanges(ctx context.Context, change func() error) error {
	for try := 0; ; try++ {
		err := change()
		if !errors.Is(err, roster.ErrVersionChanged) {
			return err
		}
		if try == maxChanges-1 {
			return busy(err)
		}
		if err := t.pause(ctx, mathrand.N(firstPause<<min(try, maxTries))); err != nil {
			return failed("waiting to change again", err)
		}
	}
}

// busy returns the error for a table that cannot take the write now.
func busy(err error) error {
	unavailable := roster.Unavailable("the directory is busy, try again shortly", err)
	unavailable.RetryAfter = time.Second
	return unavailable
}

// update does one conditional update of a single item. When the condition does not hold it returns refused's error for
// the item found there, nil for none. set is an update expression.
func (t *Table) update(ctx context.Context, k key, set string, c condition, refused func(map[string]types.AttributeValue) error) error {
	return t.despiteConflicts(ctx, func() error {
		_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &t.name, Key: k.attributes(), UpdateExpression: &set,
			ConditionExpression: &c.text, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
			ReturnConsumedCapacity:              types.ReturnConsumedCapacityIndexes,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}, t.metered)
		return single("updating "+k.sk, err, refused)
	})
}

// putAlone does one conditional write of a whole item, outside of any transaction, for half of the price in one.
//
// Unlike a transaction, which has its token, it can meet its own work: when an answer was lost, the SDK writes again and
// the condition finds the item that the first try left. Such a refusal is no refusal.
func (t *Table) putAlone(ctx context.Context, item any, c condition, refused func(map[string]types.AttributeValue) error) error {
	attributes, err := encode(item)
	if err != nil {
		return err
	}
	input := &dynamodb.PutItemInput{
		TableName: &t.name, Item: attributes,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
	}
	if c.text != "" {
		input.ConditionExpression, input.ExpressionAttributeNames, input.ExpressionAttributeValues = &c.text, c.names, c.values
		input.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	err = t.despiteConflicts(ctx, func() error {
		_, err := t.client.PutItem(ctx, input, t.metered)
		return single(fmt.Sprintf("writing %T", item), err, func(found map[string]types.AttributeValue) error {
			if reflect.DeepEqual(found, attributes) {
				return nil
			}
			return refused(found)
		})
	})
	if err == nil {
		t.restampLate(ctx, attributes)
	}
	return err
}

// single gives the error of a write of one item its meaning.
func single(doing string, err error, refused func(map[string]types.AttributeValue) error) error {
	if stood, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return refused(stood.Item)
	}
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return &conflict{cause: fmt.Errorf("%s: %w", doing, err)}
	}
	return failed(doing, err)
}
