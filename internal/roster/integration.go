package roster

import "time"

// IntegrationToken is what is kept of a long-lived access token of an integration, which is a Client with Integration set. The
// token itself is shown once and kept nowhere. It is good as long as its record says so.
type IntegrationToken struct {
	// ID is the jti of the token.
	ID     string
	Tenant TenantID
	Client ClientID
	// Name tells the tokens of an integration apart.
	Name      string
	CreatedAt time.Time
	// ExpiresAt is to the second, as the token says it; zero for a token that never expires.
	ExpiresAt time.Time
	// RevokedAt is set once the token may not be used any more.
	RevokedAt time.Time
	Revision  Revision
}

// Revoked reports whether the token may not be used any more, whatever its time.
func (t *IntegrationToken) Revoked() bool { return !t.RevokedAt.IsZero() }
