package oauth2

import (
	"context"
	"errors"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Integrations mints the long-lived access tokens of integrations, which no endpoint gives out: an operator asks for one, and it
// is shown once. It is safe for concurrent use.
type Integrations struct{ minter minter }

// IntegrationsConfig is what Integrations are made of. Store, Signer and Issuer are required. What is said of the fields at Config
// holds here too: with another issuer or audience than the token function's, tokens are made that nobody accepts.
type IntegrationsConfig struct {
	Store interface {
		KeyStore
		KeyPublisher
	}
	Signer   Signer
	Issuer   string
	Audience string
	Now      func() time.Time
}

// NewIntegrations returns Integrations, or an error that names what is wrong with the config. It makes no call to store or signer.
func NewIntegrations(c IntegrationsConfig) (*Integrations, error) {
	if c.Store == nil || c.Signer == nil {
		return nil, errors.New("a store and a signer are required")
	}
	issuer, err := cleanIssuer(c.Issuer)
	if err != nil {
		return nil, err
	}
	return &Integrations{minter{
		signer: c.Signer, store: c.Store, issuer: issuer, audience: orDefault(c.Audience, issuer), now: clock(c.Now),
	}}, nil
}

// Mint returns a token of an integration that says what its record does. It is good once the record stands, so whoever asks signs
// first and records then: a token whose record could not be stored is worth nothing.
func (i *Integrations) Mint(ctx context.Context, integration roster.Client, record roster.IntegrationToken) (string, error) {
	return i.minter.sign(ctx, subject{client: integration}, record.ID, record.ExpiresAt)
}

// integrationToken applies what holds for the tokens of integrations beyond what check does. A retired key is trusted for
// what it signed while it was in use: these tokens outlive the rotation of keys, and end by their records. It is not trusted for
// what says that it was signed later, since then only somebody who should not have the key can have signed it. Once the key is
// not published any more, nothing that it signed is accepted.
func (r *reader) integrationToken(c claims, key verificationKey) error {
	switch {
	case c.User != 0:
		return roster.Unauthenticated("the access token of an integration speaks for a user")
	case !key.retired.IsZero() && !c.IssuedAt.Time().Before(key.retired):
		return roster.Unauthenticated("the access token was signed with a key after its retirement")
	default:
		return nil
	}
}

// whyRecordRefused says why the token of an integration may not be used by what is recorded of it, the empty string if it may.
func whyRecordRefused(c claims, record roster.IntegrationToken) string {
	switch {
	case record.Revoked():
		return "the access token was revoked"
	case record.Tenant != c.Tenant || record.Client != c.ClientID || record.ID != c.ID:
		return "the access token is not the integration's"
	case record.ExpiresAt.IsZero() != (c.Expiry == nil), c.Expiry != nil && !record.ExpiresAt.Equal(c.Expiry.Time()):
		return "the access token has another expiry than its record"
	default:
		return ""
	}
}
