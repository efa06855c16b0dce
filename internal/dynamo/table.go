package dynamo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rosterhq/roster/internal/roster"
)

// Options adjusts a Table. The zero value is ready for use.
type Options struct {
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// IDs makes the ids of what is created without one; nil means a new source that shares Now.
	IDs *roster.IDSource
	// Retention is how long a soft-deleted user is kept before it is purged; zero means DefaultRetention.
	Retention time.Duration
	// AuditRetention is how long an entry of an audit trail is kept; zero means DefaultAuditRetention.
	AuditRetention time.Duration
	// Log gets what is odd but no failure, such as an item of a type that this release does not know; nil means
	// slog.Default.
	Log *slog.Logger
	// Pause waits before a transaction that met a conflict is tried again; nil means a timer. It returns early, with the
	// context's error, when the context ends.
	Pause func(ctx context.Context, d time.Duration) error
}

// DefaultRetention is how long a soft-deleted user is kept, DefaultAuditRetention how long an entry of an audit trail.
const (
	DefaultRetention      = 90 * 24 * time.Hour
	DefaultAuditRetention = 90 * 24 * time.Hour
)

// Table is the directory's table. It is safe for concurrent use.
type Table struct {
	client    *dynamodb.Client
	name      string
	now       func() time.Time
	ids       *roster.IDSource
	retention time.Duration
	log       *slog.Logger
	pause     func(context.Context, time.Duration) error
	standing  standing

	auditRetention time.Duration
}

// New returns the table of that name, which client reaches.
func New(client *dynamodb.Client, table string, opts Options) *Table {
	t := &Table{
		client: client, name: table, now: opts.Now, ids: opts.IDs,
		retention: opts.Retention, auditRetention: opts.AuditRetention, log: opts.Log, pause: opts.Pause,
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.ids == nil {
		t.ids = &roster.IDSource{Now: t.now}
	}
	if t.retention == 0 {
		t.retention = DefaultRetention
	}
	if t.auditRetention == 0 {
		t.auditRetention = DefaultAuditRetention
	}
	if t.log == nil {
		t.log = slog.Default()
	}
	if t.pause == nil {
		t.pause = pause
	}
	return t
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// get reads one item into what item points to, and reports whether it is there. consistent is for reads that decide
// something and costs twice as much: 1 RRU per 4 KB instead of 0.5.
func (t *Table) get(ctx context.Context, k key, consistent bool, item any) (bool, error) {
	attributes, err := t.attributes(ctx, k, consistent)
	if err != nil || attributes == nil {
		return false, err
	}
	return true, decode(attributes, item)
}

// attributes is get without decoding: nil for an item that is not there.
func (t *Table) attributes(ctx context.Context, k key, consistent bool) (map[string]types.AttributeValue, error) {
	if !k.possible() {
		return nil, nil
	}
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:              &t.name,
		Key:                    k.attributes(),
		ConsistentRead:         &consistent,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
	}, t.metered)
	if err != nil {
		return nil, failed("reading "+k.sk, err)
	}
	return out.Item, nil
}

// failed turns an SDK error into the error that this package reports: KindUnavailable for what another try may mend,
// once the SDK's own tries are used up, and an internal error for the rest. doing says what was being done, without
// anything secret.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	if errors.Is(err, context.Canceled) || !passing(err) {
		return err
	}
	unavailable := roster.Unavailable("the directory is busy, try again shortly", err)
	unavailable.RetryAfter = time.Second
	return unavailable
}

// passing reports whether err may go away by itself: throttling, a fault of the service, a broken connection, a deadline.
func passing(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if api.ErrorFault() == smithy.FaultServer || throttling(api.ErrorCode()) {
			return true
		}
	}
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && response.HTTPStatusCode() >= 500 {
		return true
	}
	_, sending := errors.AsType[*smithyhttp.RequestSendError](err)
	_, broken := errors.AsType[brokenAnswer](err)
	return sending || broken
}

// throttling reports whether an error code, of an operation or of one leg of a transaction, means "too fast".
func throttling(code string) bool {
	switch code {
	case "ThrottlingError", "ThrottlingException", "ProvisionedThroughputExceeded", "ProvisionedThroughputExceededException",
		"RequestLimitExceeded", "TransactionInProgressException", "TransactionConflictException":
		return true
	}
	return false
}
