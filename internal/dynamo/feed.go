package dynamo

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rosterhq/roster/internal/roster"
)

// feedPage is the most items that one query of the feed asks for. DynamoDB ends a page at 1 MB anyway, about that many
// users; DynamoDB Local re-reads the rest of the partition for every page that it cuts itself, so it must not come to it.
const feedPage = 1500

// Changes calls visit for each user, organization, custom role and warehouse of the tenant's shard (0 to roster.Shards-1) whose
// ChangedAt is at or after since, in the order of ChangedAt, as it now stands; the zero time asks for all. The change and
// what it points to are valid only during the call of visit: the next item takes their place. An error of visit ends it and is returned.
//
// It reads the index search, page by page to its end, for 0.5 RRU per 4 KB and 0.5 for nothing. What a follower of the
// feed has to know:
//
//   - An index lags behind its table, without a bound and not in order, and the clocks of the writers differ. So look
//     again at a stretch before the last ChangedAt seen, and expect changes that are known already.
//   - A repeat is harmless when changes are applied by Revision.Version.
//   - An item has one place in the feed, that of its last change; while it is being read a changed item moves behind the
//     reader's place, and is met again or for the first time there.
//   - A deletion is a change, a soft one, and stays in the feed until its retention is over; whoever slept longer must
//     start from the zero time.
//   - Items of one transaction arrive one by one.
//   - A long reading is paced, and slows down where the index has had enough of it (pace.go).
//
// Items of a type that this release does not know are skipped and logged.
func (t *Table) Changes(ctx context.Context, tenant roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	query := feedQuery(tenant, shard, since)
	query.TableName = &t.name
	query.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	var r row
	pace := newPace(t.now())
	for {
		var body string
		err := t.patiently(ctx, func() (err error) {
			if body, err = t.rawQuery(ctx, query); tooFast(err) {
				pace.slow()
			}
			return failed("reading the feed of tenant "+tenant.String(), err)
		})
		if err != nil {
			return err
		}
		next, units, err := t.visitPage(ctx, &r, body, visit)
		if err != nil || next == nil {
			return err
		}
		query.ExclusiveStartKey = next
		if wait := pace.spend(t.now(), units); wait > 0 {
			if err := t.pause(ctx, wait); err != nil {
				return failed("waiting for the next page of the feed of tenant "+tenant.String(), err)
			}
		}
	}
}

func feedQuery(tenant roster.TenantID, shard int, since time.Time) *dynamodb.QueryInput {
	index, limit := indexSearch, int32(feedPage)
	where := "tenantId = :tenant AND #shard = :shard"
	values := map[string]types.AttributeValue{":tenant": number(tenant), ":shard": number(shard)}
	if !since.IsZero() {
		where += " AND changedAt >= :since"
		values[":since"] = number(since.UnixMilli())
	}
	return &dynamodb.QueryInput{
		IndexName: &index, Limit: &limit, KeyConditionExpression: &where,
		ExpressionAttributeNames:  map[string]string{"#shard": "shard"}, // a reserved word
		ExpressionAttributeValues: values,
	}
}

// visitPage scans the body of an answer to a query. It returns where the next page begins, nil at the end, and what this one consumed.
func (t *Table) visitPage(ctx context.Context, r *row, body string, visit func(roster.Change) error) (next map[string]types.AttributeValue, units float64, err error) {
	r.scanner = scanner{text: body}
	var stopped error
	r.object(func(name string) {
		switch name {
		case "Items":
			r.array(func() {
				r.scanItem()
				if r.err == nil {
					stopped = t.visitRow(r, visit)
					r.err = stopped
				}
			})
		case "LastEvaluatedKey":
			next = r.startKey()
		case "ConsumedCapacity":
			units = r.capacity()
			roster.MeterFrom(ctx).Add(roster.Cost{Reads: units})
		default:
			r.skip()
		}
	})
	if stopped != nil {
		return nil, units, stopped
	}
	if r.err != nil {
		return nil, units, fmt.Errorf("reading a page of the feed: %w", r.err)
	}
	return next, units, nil
}

func (t *Table) visitRow(r *row, visit func(roster.Change) error) error {
	change, known, err := r.change()
	if err != nil {
		return fmt.Errorf("reading a page of the feed: %w", err)
	}
	if !known {
		t.log.Warn("skipped an item of an unknown type in the feed", "pk", r.pk, "type", r.typ)
		return nil
	}
	return visit(change)
}

// startKey reads the key that the next page begins after: attributes of the types S and N.
func (r *row) startKey() map[string]types.AttributeValue {
	key := make(map[string]types.AttributeValue)
	if r.peek() == 'n' {
		r.literal() // null
		return nil
	}
	r.object(func(name string) {
		switch typ := r.open(); typ {
		case "S":
			key[name] = text(r.string())
		case "N":
			key[name] = &types.AttributeValueMemberN{Value: r.string()}
		default:
			r.fail("a key attribute of type S or N")
		}
		r.take('}')
	})
	return key
}

// capacity reads what the query consumed.
func (r *row) capacity() float64 {
	var units float64
	r.object(func(name string) {
		if name != "CapacityUnits" {
			r.skip()
			return
		}
		n, err := strconv.ParseFloat(r.literal(), 64)
		if err != nil {
			r.fail("a number")
		}
		units = n
	})
	return units
}

// rawQuery runs a query through the SDK, with its signing, retries and errors, but returns the body of the answer as it
// came: what the SDK makes of an item costs ten times what the scanner takes.
func (t *Table) rawQuery(ctx context.Context, query *dynamodb.QueryInput) (string, error) {
	var body string
	_, err := t.client.Query(ctx, query, t.metered, rawInto(&body))
	return body, err
}

// rawInto makes a call of the SDK store the body of its answer, and decode nothing.
func rawInto(body *string) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) {
		o.Protocol = rawProtocol{ClientProtocol: o.Protocol, body: body}
		// rawProtocol checks the sum itself. The SDK's check only logs what it finds.
		o.DisableValidateResponseChecksum = true
	}
}

// rawProtocol is the SDK's protocol, but for the answers of operations that succeed: it stores their body and decodes
// nothing.
type rawProtocol struct {
	smithyhttp.ClientProtocol
	body *string
}

// DeserializeResponse runs once per attempt, inside of the SDK's retries.
func (p rawProtocol) DeserializeResponse(ctx context.Context, schema *smithy.OperationSchema, registry *smithy.TypeRegistry, response *smithyhttp.Response, out smithy.Deserializable) error {
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return p.ClientProtocol.DeserializeResponse(ctx, schema, registry, response, out)
	}
	body, err := readChecked(response.Response)
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	*p.body = body
	return nil
}

// crcHeader holds the CRC-32 (IEEE) of the body of every answer of DynamoDB, in decimal.
const crcHeader = "X-Amz-Crc32"

// readChecked reads the body of an answer straight into a string, and checks it against the sum in the header.
func readChecked(response *http.Response) (string, error) {
	var b strings.Builder
	if response.ContentLength > 0 {
		b.Grow(int(response.ContentLength))
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(io.MultiWriter(&b, sum), response.Body); err != nil {
		return "", brokenAnswer{err}
	}
	header := response.Header.Get(crcHeader)
	if header == "" {
		return b.String(), nil
	}
	want, err := strconv.ParseUint(header, 10, 32)
	if err != nil {
		return "", brokenAnswer{err}
	}
	if got := sum.Sum32(); got != uint32(want) {
		return "", brokenAnswer{fmt.Errorf("the answer's CRC-32 is %d, want %d", got, want)}
	}
	return b.String(), nil
}

// brokenAnswer is an answer that did not arrive whole. The SDK asks again after one.
type brokenAnswer struct{ cause error }

func (e brokenAnswer) Error() string { return "broken answer: " + e.cause.Error() }

func (e brokenAnswer) Unwrap() error { return e.cause }

// RetryableError makes the SDK try again; see its package aws/retry.
func (e brokenAnswer) RetryableError() bool { return !errors.Is(e.cause, context.Canceled) }
