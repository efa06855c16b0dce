package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// What Check knows of the tokens of integrations, each of which is kept beside its client.

func (c *checker) integrationToken(t roster.IntegrationToken, attributes map[string]types.AttributeValue) error {
	if keyOf(attributes) != integrationTokenKey(t.Client, t.ID) {
		return c.find(FindingWrongAttributes, keyOf(attributes), "is the token %q of the client %q", t.ID, t.Client)
	}
	if !c.lastClient.grants(t) {
		c.strayTokens = append(c.strayTokens, t)
	}
	return nil
}

// grants reports whether the client is the integration that the token is of.
func (i *clientItem) grants(t roster.IntegrationToken) bool {
	return i.Integration && i.ID == string(t.Client) && i.TenantID == int32(t.Tenant)
}

// settleTokens looks at the tokens whose integration was not met before them. A client comes with its first token or before it and
// is never removed, so no reading again is needed.
func (c *checker) settleTokens(ctx context.Context) error {
	for _, t := range c.strayTokens {
		var client clientItem
		there, err := c.load(ctx, clientKey(t.Client), &client)
		if err != nil {
			return err
		}
		if there && client.grants(t) {
			continue
		}
		if err := c.find(FindingStrayToken, integrationTokenKey(t.Client, t.ID), "is of the client %q, which is no integration of tenant %s", t.Client, t.Tenant); err != nil {
			return err
		}
	}
	return nil
}
