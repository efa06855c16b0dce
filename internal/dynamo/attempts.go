package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// attemptsItem counts the wrong secrets of an account or from an address.
type attemptsItem struct {
	head
	Failures int64 `dynamodbav:"failures"`
	// LastAt is when the last one was counted, in Unix milliseconds.
	LastAt int64 `dynamodbav:"lastAt"`
	// ExpiresAt is the time to live, in Unix seconds. An expired count is none.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// count returns what the item counts at now.
func (i *attemptsItem) count(now time.Time) roster.AttemptCount {
	if i.ExpiresAt <= now.Unix() || i.Failures == 0 {
		return roster.AttemptCount{}
	}
	return roster.AttemptCount{Failures: i.Failures, LastAt: fromMillis(i.LastAt), ExpiresAt: time.Unix(i.ExpiresAt, 0).UTC()}
}

// Attempts returns how many wrong secrets are counted under each key, as last written. It is one call, of 1 RRU for each key.
func (t *Table) Attempts(ctx context.Context, keys ...roster.AttemptKey) ([]roster.AttemptCount, error) {
	counts, wanted, places := make([]roster.AttemptCount, len(keys)), make([]map[string]types.AttributeValue, len(keys)), make(map[key]int, len(keys))
	for i, k := range keys {
		wanted[i] = attemptsKey(k).attributes()
		places[attemptsKey(k)] = i
	}
	err := t.batchGet(ctx, wanted, true, func(attributes map[string]types.AttributeValue) error {
		var item attemptsItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		counts[places[keyOf(attributes)]] = item.count(t.now())
		return nil
	})
	return counts, err
}

// ReserveAttempt counts one more if the count is what was seen, and reports whether it is; if not, it returns the count. It costs 1
// WRU. A write that the SDK repeats, because an answer was lost, does not find what was seen any more, though it is counted.
func (t *Table) ReserveAttempt(ctx context.Context, k roster.AttemptKey, seen roster.AttemptCount, at, expires time.Time) (roster.AttemptCount, bool, error) {
	var current roster.AttemptCount
	reserved := true
	err := t.update(ctx, attemptsKey(k),
		"SET failures = failures + :one, lastAt = :at, expiresAt = :expires, version = version + :one, changedAt = :at",
		condition{text: "failures = :seen AND lastAt = :last", values: map[string]types.AttributeValue{
			":one": number(1), ":at": number(at.UnixMilli()), ":expires": number(ttl(expires)),
			":seen": number(seen.Failures), ":last": number(millis(seen.LastAt)),
		}},
		func(found map[string]types.AttributeValue) error {
			reserved = false
			var item attemptsItem
			if err := decode(found, &item); err != nil {
				return err
			}
			current = item.count(t.now())
			return nil
		})
	return current, reserved && err == nil, err
}

// CountAttempt counts one more. expires is when the count expires if it is the first one, or if it slides. It costs 1 WRU, and 2 more
// where an expired count is still there.
func (t *Table) CountAttempt(ctx context.Context, k roster.AttemptKey, at, expires time.Time, slides bool) error {
	kept := "if_not_exists(expiresAt, :expires)"
	if slides {
		kept = ":expires"
	}
	for range maxTries {
		expired := false
		err := t.update(ctx, attemptsKey(k),
			"SET lastAt = :at, expiresAt = "+kept+", #type = :type, changedAt = :at ADD failures :one, version :one",
			condition{
				text: "attribute_not_exists(pk) OR expiresAt > :now", names: map[string]string{"#type": "type"},
				values: map[string]types.AttributeValue{
					":at": number(at.UnixMilli()), ":expires": number(ttl(expires)), ":type": text(typeAttempts), ":one": number(1), ":now": number(t.now().Unix()),
				},
			},
			func(map[string]types.AttributeValue) error {
				expired = true
				return nil
			})
		if err != nil || !expired {
			return err
		}
		// Its time is over: it begins anew, from none, unless somebody else was faster with that.
		err = t.update(ctx, attemptsKey(k), "SET failures = :none, expiresAt = :expires, version = version + :one, changedAt = :at",
			condition{text: "expiresAt <= :now", values: map[string]types.AttributeValue{
				":none": number(0), ":at": number(at.UnixMilli()), ":expires": number(ttl(expires)), ":one": number(1), ":now": number(t.now().Unix()),
			}}, refusal(nil))
		if err != nil {
			return err
		}
	}
	return busy(nil)
}

// ForgetAttempts makes the count none. It costs 1 WRU.
func (t *Table) ForgetAttempts(ctx context.Context, k roster.AttemptKey) error {
	return t.update(ctx, attemptsKey(k), "SET failures = :none, version = version + :one, changedAt = :at",
		condition{text: "attribute_exists(pk)", values: map[string]types.AttributeValue{
			":none": number(0), ":one": number(1), ":at": number(t.now().UnixMilli()),
		}}, refusal(nil))
}

// UncountAttempt counts one less, if any is counted. It costs 1 WRU.
func (t *Table) UncountAttempt(ctx context.Context, k roster.AttemptKey) error {
	return t.update(ctx, attemptsKey(k), "SET failures = failures - :one, version = version + :one, changedAt = :at",
		condition{text: "failures > :none", values: map[string]types.AttributeValue{
			":none": number(0), ":one": number(1), ":at": number(t.now().UnixMilli()),
		}}, refusal(nil))
}
