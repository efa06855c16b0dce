package demo

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// Integration is the demo's way into the global dialect.
type Integration struct {
	ID      roster.ClientID `json:"integrationId,omitempty"`
	TokenID string          `json:"tokenId,omitempty"`
	Token   string          `json:"token,omitempty"`
}

// integrate sees to it that the tenant has an integration with a token that is accepted. The one that is remembered may not be:
// it is for one address and one signing key, and this run may have others.
func (c *Config) integrate(ctx context.Context, tenant *Tenant) error {
	before := tenant.Integration
	if before.Token != "" {
		_, err := c.Verify(ctx, before.Token)
		if err == nil {
			return nil
		}
		if roster.KindOf(err) != roster.KindUnauthenticated {
			return fmt.Errorf("looking at the demo's token: %w", err)
		}
	}
	if err := c.newToken(ctx, tenant); err != nil {
		return fmt.Errorf("making a token for the demo's integration: %w", err)
	}
	return c.remember(tenant)
}

// newToken makes a token in place of the one that is remembered, if any, and an integration where there is none to make it for.
func (c *Config) newToken(ctx context.Context, tenant *Tenant) error {
	request := directory.TokenRequest{Name: "demo"}
	if before := tenant.Integration; before.ID != "" {
		record, token, err := c.Operator.CreateIntegrationToken(ctx, before.ID, request, c.Mint)
		if err == nil {
			tenant.Integration = Integration{before.ID, record.ID, token}
			_, err = c.Operator.RevokeIntegrationToken(ctx, before.ID, before.TokenID)
			return err
		}
		// It may have been revoked by hand: then another is made.
		if kind := roster.KindOf(err); kind != roster.KindConflict && kind != roster.KindNotFound {
			return err
		}
	}
	made, token, err := c.Operator.CreateIntegration(ctx, directory.IntegrationRequest{
		Tenant: tenant.ID, Organization: tenant.ID.Root(), Name: "Demo integration", Token: request,
	}, c.Mint)
	if err != nil {
		return err
	}
	tenant.Integration = Integration{made.ID, made.Tokens[0].ID, token}
	return nil
}
