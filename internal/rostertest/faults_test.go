package rostertest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/rostertest"
)

// counter is an item whose number a test raises, to see which requests were executed.
type counter struct {
	client *dynamodb.Client
	table  string
}

func newCounter(t *testing.T, faults *rostertest.Faults) counter {
	return counter{
		client: rostertest.Client(t, rostertest.WithTransport(faults), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }),
		table:  rostertest.CreateTable(t),
	}
}

func (c counter) key() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "COUNTER"}, "sk": &types.AttributeValueMemberS{Value: "COUNTER"},
	}
}

func (c counter) raise(ctx context.Context) error {
	_, err := c.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &c.table, Key: c.key(), UpdateExpression: aws.String("ADD hits :one"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
	})
	return err
}

func (c counter) value(t *testing.T) string {
	out, err := rostertest.Client(t).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &c.table, Key: c.key()})
	if err != nil {
		t.Fatal(err)
	}
	n, ok := out.Item["hits"].(*types.AttributeValueMemberN)
	if !ok {
		return "0"
	}
	return n.Value
}

func TestFaultsLookToTheSDKLikeTheRealOnes(t *testing.T) {
	cases := map[string]struct {
		kind  rostertest.FaultKind
		is    func(error) bool
		after string // the counter after the one request
	}{
		"throttled":    {rostertest.Throttled, is[*types.ProvisionedThroughputExceededException], "0"},
		"conflict":     {rostertest.TransactionConflict, is[*types.TransactionConflictException], "0"},
		"server error": {rostertest.ServerError, is[*types.InternalServerError], "0"},
		"unavailable":  {rostertest.Unavailable, func(error) bool { return true }, "0"},
		"timed out":    {rostertest.TimedOut, is[interface{ Timeout() bool }], "0"},
		"lost answer":  {rostertest.LostAnswer, func(error) bool { return true }, "1"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			faults := rostertest.NewFaults(1, rostertest.Fault{Kind: test.kind, Operation: "UpdateItem"})
			counter := newCounter(t, faults)
			if err := counter.raise(t.Context()); err == nil || !test.is(err) {
				t.Errorf("the request gave %v", err)
			}
			if got := counter.value(t); got != test.after {
				t.Errorf("the counter is %s, want %s", got, test.after)
			}
			if faults.Requests("UpdateItem") != 1 || faults.Injected() != 1 {
				t.Errorf("%d requests, %d faults, want one of each", faults.Requests("UpdateItem"), faults.Injected())
			}
			faults.Set()
			if err := counter.raise(t.Context()); err != nil {
				t.Errorf("on the mended road: %v", err)
			}
		})
	}
}

func TestAConflictNamesTheLegOfTheTransaction(t *testing.T) {
	faults := rostertest.NewFaults(1, rostertest.Fault{Kind: rostertest.TransactionConflict, Leg: 1})
	counter := newCounter(t, faults)
	item := types.TransactWriteItem{Put: &types.Put{TableName: &counter.table, Item: counter.key()}}
	_, err := counter.client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{item, item, item}})
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(cancelled.CancellationReasons) != 3 {
		t.Fatalf("TransactWriteItems = %v, want a cancellation with three reasons", err)
	}
	for leg, want := range []string{"None", "TransactionConflict", "None"} {
		if got := aws.ToString(cancelled.CancellationReasons[leg].Code); got != want {
			t.Errorf("leg %d: %s, want %s", leg, got, want)
		}
	}
	if cancelled.Message == nil || *cancelled.Message == "" {
		t.Error("the cancellation has no message")
	}
}

func TestFaultsSkipCountAndChance(t *testing.T) {
	faults := rostertest.NewFaults(1, rostertest.Fault{Kind: rostertest.Throttled, Operation: "UpdateItem", Skip: 1, Times: 2})
	counter := newCounter(t, faults)
	for i, wantFault := range []bool{false, true, true, false} {
		if err := counter.raise(t.Context()); (err != nil) != wantFault {
			t.Errorf("request %d: %v, want a fault: %t", i, err, wantFault)
		}
	}

	pattern := func(seed uint64) string {
		road := rostertest.NewFaults(seed, rostertest.Fault{Kind: rostertest.Throttled, Probability: 0.5})
		unreliable := counter
		unreliable.client = rostertest.Client(t, rostertest.WithTransport(road), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
		var seen []byte
		for range 20 {
			outcome := byte('.')
			if unreliable.raise(t.Context()) != nil {
				outcome = 'x'
			}
			seen = append(seen, outcome)
		}
		return string(seen)
	}
	first, again, other := pattern(1), pattern(1), pattern(2)
	if first != again {
		t.Errorf("one seed gave %s and %s", first, again)
	}
	if first == other {
		t.Errorf("two seeds gave %s", first)
	}
}

func TestTheSDKTriesAgainThroughFaults(t *testing.T) {
	faults := rostertest.NewFaults(1, rostertest.Fault{Kind: rostertest.Throttled, Operation: "UpdateItem", Times: 2})
	counter := newCounter(t, faults)
	counter.client = rostertest.Client(t, rostertest.WithTransport(faults))
	if err := counter.raise(t.Context()); err != nil {
		t.Error(err)
	}
	if got := faults.Requests("UpdateItem"); got != 3 {
		t.Errorf("%d requests, want two throttled and one good", got)
	}
}

func is[E any](err error) bool {
	var target E
	return errors.As(err, &target)
}
