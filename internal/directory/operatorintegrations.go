package directory

import (
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// integrationStore is where integrations and what is kept of their tokens are.
type integrationStore interface {
	// CreateIntegration stores a new integration and its first token, both or neither, and returns them as stored. An id that is
	// taken is a KindConflict error.
	CreateIntegration(ctx context.Context, client roster.Client, token roster.IntegrationToken, stamp roster.Stamp) (roster.Client, roster.IntegrationToken, error)
	// CreateIntegrationToken stores another token of an integration.
	CreateIntegrationToken(ctx context.Context, token roster.IntegrationToken, stamp roster.Stamp) (roster.IntegrationToken, error)
	// IntegrationToken returns a token, revoked and expired ones too, or a KindNotFound error.
	IntegrationToken(ctx context.Context, client roster.ClientID, id string) (roster.IntegrationToken, error)
	// IntegrationTokens returns all tokens of an integration in the order they were created in.
	IntegrationTokens(ctx context.Context, client roster.ClientID) ([]roster.IntegrationToken, error)
	// RevokeIntegrationToken ends a token for good.
	RevokeIntegrationToken(ctx context.Context, tenant roster.TenantID, client roster.ClientID, id string, at time.Time, stamp roster.Stamp) error
}

// MintToken signs a token of an integration that says what its record does.
type MintToken func(ctx context.Context, integration roster.Client, record roster.IntegrationToken) (string, error)

// IntegrationRequest is what CreateIntegration needs to know.
type IntegrationRequest struct {
	Tenant roster.TenantID
	// Organization is the one whose rights the integration has, in its whole tree.
	Organization roster.OrgID
	Name         string
	Token        TokenRequest
}

// TokenRequest is what is to be known of a new token of an integration.
type TokenRequest struct {
	// Name tells it apart from others.
	Name string
	// Lifetime is how long it lives, in whole seconds; zero means for ever.
	Lifetime time.Duration
}

// MaxTokenLifetime is the longest lifetime of an integration's token that ends.
const MaxTokenLifetime = 20 * 365 * 24 * time.Hour

// Integration is an integration and what is kept of its tokens, oldest first.
type Integration struct {
	roster.Client
	Tokens []roster.IntegrationToken
}

// CreateIntegration makes an integration, which is a client without a secret, and its first token. It returns the token too,
// which is kept nowhere and can never be told again. Nothing is stored unless the token could be signed, and a token whose
// record could not be stored is worth nothing.
//
// Broken field rules are a KindInvalid error, an unknown organization is a KindNotFound one.
func (o *Operator) CreateIntegration(ctx context.Context, r IntegrationRequest, mint MintToken) (i Integration, token string, err error) {
	client := roster.Client{
		Tenant: r.Tenant, Path: roster.OrgPath{r.Organization}, Name: r.Name, Integration: true, CreatedAt: o.moment(),
	}
	id, err := o.newID("integration-")
	if err != nil {
		return Integration{}, "", err
	}
	client.ID = roster.ClientID(id)
	record, err := o.newTokenRecord(r.Token)
	if err != nil {
		return Integration{}, "", err
	}
	if err := o.completeClient(ctx, &client); err != nil {
		return Integration{}, "", err
	}
	record.Tenant, record.Client = client.Tenant, client.ID
	token, err = mint(ctx, client, record)
	if err != nil {
		return Integration{}, "", fmt.Errorf("signing the token: %w", err)
	}
	client, record, err = o.store.CreateIntegration(ctx, client, record, o.stamp)
	if err != nil {
		return Integration{}, "", err
	}
	return Integration{client, []roster.IntegrationToken{record}}, token, nil
}

// CreateIntegrationToken makes another token of an integration, as CreateIntegration makes the first. One that is revoked gets no
// more: a KindConflict error.
func (o *Operator) CreateIntegrationToken(ctx context.Context, id roster.ClientID, r TokenRequest, mint MintToken) (record roster.IntegrationToken, token string, err error) {
	if record, err = o.newTokenRecord(r); err != nil {
		return roster.IntegrationToken{}, "", err
	}
	client, err := o.integration(ctx, id)
	if err != nil {
		return roster.IntegrationToken{}, "", err
	}
	if client.Revoked() {
		return roster.IntegrationToken{}, "", roster.Conflict("the integration is revoked")
	}
	record.Tenant, record.Client = client.Tenant, client.ID
	token, err = mint(ctx, client, record)
	if err != nil {
		return roster.IntegrationToken{}, "", fmt.Errorf("signing the token: %w", err)
	}
	record, err = o.store.CreateIntegrationToken(ctx, record, o.stamp)
	if err != nil {
		return roster.IntegrationToken{}, "", err
	}
	return record, token, nil
}

// Integrations returns the integrations of a tenant with their tokens, revoked and expired ones too, in the order they were
// created in. An unknown tenant is a KindNotFound error.
func (o *Operator) Integrations(ctx context.Context, tenant roster.TenantID) ([]Integration, error) {
	clients, err := o.Clients(ctx, tenant)
	if err != nil {
		return nil, err
	}
	integrations := []Integration{}
	for _, c := range clients {
		if !c.Integration {
			continue
		}
		tokens, err := o.store.IntegrationTokens(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		integrations = append(integrations, Integration{c, tokens})
	}
	return integrations, nil
}

// RevokeIntegration ends an integration with all its tokens for good, as RevokeClient does a client. One that is no integration is
// a KindNotFound error.
func (o *Operator) RevokeIntegration(ctx context.Context, id roster.ClientID) (roster.Client, error) {
	if _, err := o.integration(ctx, id); err != nil {
		return roster.Client{}, err
	}
	return o.RevokeClient(ctx, id)
}

// RevokeIntegrationToken ends one token of an integration for good: it is not accepted any more within the gateway's cache time. It
// returns what is kept of it then. Revoking a token twice changes nothing. An unknown one is a KindNotFound error.
func (o *Operator) RevokeIntegrationToken(ctx context.Context, id roster.ClientID, token string) (roster.IntegrationToken, error) {
	client, err := o.integration(ctx, id)
	if err != nil {
		return roster.IntegrationToken{}, err
	}
	record, err := o.store.IntegrationToken(ctx, id, token)
	if err != nil || record.Revoked() {
		return record, err
	}
	at := o.moment()
	if err := o.store.RevokeIntegrationToken(ctx, client.Tenant, id, token, at, o.stamp); err != nil {
		return roster.IntegrationToken{}, err
	}
	record.RevokedAt = at
	return record, nil
}

// integration returns the client with that id, revoked or not, if it is an integration.
func (o *Operator) integration(ctx context.Context, id roster.ClientID) (roster.Client, error) {
	client, err := o.store.Client(ctx, id)
	if err == nil && client.Integration {
		return client, nil
	}
	if err == nil || roster.KindOf(err) == roster.KindNotFound {
		return roster.Client{}, roster.NotFound("integration")
	}
	return roster.Client{}, err
}

// newTokenRecord returns what is to be kept of a new token, but for whose it is.
func (o *Operator) newTokenRecord(r TokenRequest) (roster.IntegrationToken, error) {
	var errs roster.FieldErrors
	roster.CheckText(&errs, "token name", r.Name, 1, roster.MaxShortText)
	if r.Lifetime < 0 || r.Lifetime > MaxTokenLifetime || r.Lifetime%time.Second != 0 {
		errs.Add("lifetime", "must be a whole number of seconds, of at most 20 years, or none")
	}
	if err := errs.Err(); err != nil {
		return roster.IntegrationToken{}, err
	}
	id, err := o.newID("")
	if err != nil {
		return roster.IntegrationToken{}, err
	}
	record := roster.IntegrationToken{ID: id, Name: r.Name, CreatedAt: o.moment()}
	if r.Lifetime > 0 {
		// A token says its times in whole seconds.
		record.ExpiresAt = record.CreatedAt.Truncate(time.Second).Add(r.Lifetime)
	}
	return record, nil
}

// newID returns an id of 130 random bits, in letters and digits that nobody confuses, after a prefix that says what it is.
func (o *Operator) newID(prefix string) (string, error) {
	var random [17]byte
	if _, err := io.ReadFull(o.random, random[:]); err != nil {
		return "", fmt.Errorf("making an id: %w", err)
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:])
	return prefix + strings.ToLower(text[:26]), nil
}
