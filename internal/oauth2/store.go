package oauth2

import (
	"context"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Store is what a Server keeps and looks up. What is not there is a KindNotFound error; a store that does not answer is a
// KindUnavailable one.
type Store interface {
	// Client returns a client, revoked ones too.
	Client(ctx context.Context, id roster.ClientID) (roster.Client, error)
	// Organization returns an organization that stands, as last written.
	Organization(ctx context.Context, tenant roster.TenantID, id roster.OrgID) (roster.Organization, error)
	// EmailOwner returns the user who has an e-mail address, in whatever tenant.
	EmailOwner(ctx context.Context, email roster.Email) (roster.TenantID, roster.UserID, error)
	// User returns a user that is not deleted, as last written.
	User(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error)
	// Credential returns a user's password hash, as last written.
	Credential(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.Credential, error)
	// ReplaceCredential replaces the user's password hash by another one of the same password, so that ChangedAt stays, if
	// oldHash is the user's hash. Otherwise, also if the user has none, it changes nothing and is a KindConflict error.
	ReplaceCredential(ctx context.Context, tenant roster.TenantID, id roster.UserID, oldHash, newHash string) error
	// RecordLogin notes that the user logged in.
	RecordLogin(ctx context.Context, tenant roster.TenantID, id roster.UserID, at time.Time) error

	// CreateGrant stores a new family of refresh tokens, and is a KindConflict error if the family exists.
	CreateGrant(ctx context.Context, grant roster.Grant) error
	// Grant returns a family as last written, ended ones too until they are purged.
	Grant(ctx context.Context, family [32]byte) (roster.Grant, error)
	// RotateGrant replaces the family's secret, generation and expiry if oldSecret is its secret and it is not ended, and
	// is a KindConflict error otherwise. Of several calls with one oldSecret, one succeeds.
	RotateGrant(ctx context.Context, family, oldSecret, newSecret [32]byte, generation int64, expires time.Time) error
	// RevokeGrant ends a family. Ending one that is ended, or is not there, is no error.
	RevokeGrant(ctx context.Context, family [32]byte, at time.Time) error
	// RevokeToken notes that the access token with that jti is not to be accepted, until it expires anyway.
	RevokeToken(ctx context.Context, tokenID string, expires time.Time) error

	KeyStore
	KeyPublisher
}

// Quota bounds the requests of each organization. Package quota has the one that functions use.
type Quota interface {
	// Take returns a permit for one request of the organization. Where it has none left it is a KindTooMany error that says
	// when to try again, with the permit that was not given.
	Take(ctx context.Context, tenant roster.TenantID, org roster.OrgID) (roster.Permit, error)
}

// Attempts slows those who guess. Package attempts has the one that functions use. Its methods are called before a secret is looked at, and
// are KindTooMany errors where it must not be.
type Attempts interface {
	// Password is for the password of the tenant's user with that address, whether or not there is one.
	Password(ctx context.Context, tenant roster.TenantID, email roster.Email) (roster.Attempt, error)
	// ClientSecret is for the secret of that client, whether or not there is one.
	ClientSecret(ctx context.Context, id roster.ClientID) (roster.Attempt, error)
}

// VerifierStore is what a Verifier looks up. Its errors are those of Store.
type VerifierStore interface {
	// Client returns a client, revoked ones too.
	Client(ctx context.Context, id roster.ClientID) (roster.Client, error)
	// User returns a user that is not deleted, as last written.
	User(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error)
	// Role returns a built-in or custom role.
	Role(ctx context.Context, tenant roster.TenantID, id roster.RoleID) (roster.Role, error)
	// TokenRevoked reports whether RevokeToken was called for the jti.
	TokenRevoked(ctx context.Context, tokenID string) (bool, error)
	// IntegrationToken returns what is recorded of a token of an integration, also of a revoked one.
	IntegrationToken(ctx context.Context, client roster.ClientID, id string) (roster.IntegrationToken, error)

	KeyStore
}

// KeyPublisher publishes the public keys of the signers.
type KeyPublisher interface {
	// PutSigningKey publishes a key.
	PutSigningKey(ctx context.Context, key roster.SigningKey) error
}

// KeyStore is where the public keys of the signers are published.
type KeyStore interface {
	// SigningKeys returns every published key, as last written.
	SigningKeys(ctx context.Context) ([]roster.SigningKey, error)
}
