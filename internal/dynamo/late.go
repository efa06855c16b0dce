package dynamo

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// lateAfter is how long after its stamp a write may be done and still be in every follower's next look at the feed.
// Followers look five seconds back, of which half is left for the index to follow the table and for clocks that differ.
const lateAfter = 2500 * time.Millisecond

// restampLate stamps those of the written items anew that are in the feed and were stamped too long ago: the write waited
// for a conflict, or the SDK tried it again after a time-out, while followers looked past its stamp. Without it they would
// not see the change before they load the tenant again. A later writing of the item has a later stamp, and is left alone.
//
// The write is done and stays done, so a failure here is for the log.
func (t *Table) restampLate(ctx context.Context, items ...map[string]types.AttributeValue) {
	for _, item := range items {
		stamped, version, feed := feedStamp(item)
		if !feed || t.now().Sub(stamped) < lateAfter {
			continue
		}
		k := keyOf(item)
		now := roster.NextChange(t.now(), stamped)
		c := ifVersion(version)
		c.values[":now"], c.values[":one"] = number(now.UnixMilli()), number(1)
		if err := t.update(ctx, k, "SET changedAt = :now, version = version + :one", c, refusal(nil)); err != nil {
			t.log.ErrorContext(ctx, "a change that took long may stay unseen by searches until the tenant is loaded anew",
				"pk", k.pk, "late", t.now().Sub(stamped), "error", err)
		}
	}
}

// feedStamp returns when an item says it was written, and in which version. It reports whether the item is in the feed.
func feedStamp(item map[string]types.AttributeValue) (stamped time.Time, version int64, feed bool) {
	if _, ok := item["shard"]; !ok {
		return time.Time{}, 0, false
	}
	at, err1 := integerOf(item["changedAt"])
	version, err2 := integerOf(item["version"])
	return time.UnixMilli(at), version, err1 == nil && err2 == nil
}

func integerOf(value types.AttributeValue) (int64, error) {
	n, ok := value.(*types.AttributeValueMemberN)
	if !ok {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(n.Value, 10, 64)
}
