package dynamo

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// What Check knows of the counts that bound requests and guesses.

func (c *checker) rate(i *rateItem, attributes map[string]types.AttributeValue) error {
	k := keyOf(attributes)
	var (
		tenant roster.TenantID
		org    roster.OrgID
	)
	_, err := fmt.Sscanf(k.pk, "T#%d#RATE#%d", &tenant, &org)
	at, malformed := time.Parse(minuteLayout, strings.TrimPrefix(k.sk, minutePrefix))
	if err != nil || malformed != nil || k != rateKey(tenant, org, at) || i.Count < 1 {
		return c.find(FindingWrongAttributes, k, "is no place for an item of the type %s that counts %d", i.Type, i.Count)
	}
	return nil
}

func (c *checker) attempts(i *attemptsItem, attributes map[string]types.AttributeValue) error {
	k := keyOf(attributes)
	if hash, ok := parseHash(strings.TrimPrefix(k.pk, attemptsPrefix)); !ok || k != attemptsKey(hash) || i.Failures < 0 {
		return c.find(FindingWrongAttributes, k, "is no place for an item of the type %s that counts %d", i.Type, i.Failures)
	}
	return nil
}
