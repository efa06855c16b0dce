package dynamo

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// quotaItem counts the messages of one sort that go out on one day. It is written in the transactions that record them.
type quotaItem struct {
	head
	Count int64 `dynamodbav:"count"`
	// ExpiresAt is the time to live, in Unix seconds. The day is in the key, so an expired count counts nothing.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// quotaFor is how long a count is kept, from the beginning of its day.
const quotaFor = 2 * 24 * time.Hour

// quotaLegs returns the legs that count one message more under each quota, and refuse to where it is used up.
//
// All messages of an organization meet on one item: those recorded at the same moment are tried again one after the other,
// and those for which that takes too long are told that the directory is busy.
func (t *Table) quotaLegs(quotas []roster.Quota) []leg {
	now := t.now().UTC()
	legs := make([]leg, len(quotas))
	for i := range quotas {
		q := &quotas[i]
		c := condition{
			text:  "#count < :limit",
			names: map[string]string{"#count": "count", "#type": "type"}, // reserved words
			values: map[string]types.AttributeValue{
				":limit": number(q.Limit), ":none": number(0), ":one": number(1), ":type": text(typeQuota), ":now": number(now.UnixMilli()),
				":expires": number(ttl(now.Truncate(24 * time.Hour).Add(quotaFor))),
			},
		}
		if q.Limit > 0 {
			c.text = "attribute_not_exists(pk) OR " + c.text
		}
		legs[i] = t.change(quotaKey(q.Tenant, q.Counter, now),
			"SET #count = if_not_exists(#count, :none) + :one, version = if_not_exists(version, :none) + :one,"+
				" #type = :type, changedAt = :now, expiresAt = :expires",
			c, refusal(q.Err(now)))
	}
	return legs
}
