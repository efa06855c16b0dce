package roster

import "time"

// Grant is a family of refresh tokens: what one login, or one client_credentials call, gave. Each use of the family's
// refresh token replaces it; only the newest is valid, and an older one presented again ends the family (RFC 9700,
// section 2.2.2).
type Grant struct {
	// Family is the SHA-256 of the family's random id, which every refresh token of the family carries.
	Family [32]byte
	// Secret is the SHA-256 of the secret part of the one refresh token that is valid now.
	Secret [32]byte
	Tenant TenantID
	Client ClientID
	// User is set for a user-scoped grant.
	User UserID
	// Generation counts the refresh tokens of the family from 1 up.
	Generation int64
	CreatedAt  time.Time
	// PasswordChangedAt says which password the log-in was with: the ChangedAt of the credential that it matched. It is zero for a
	// grant that no password gave, and for one from before this was kept.
	PasswordChangedAt time.Time
	ExpiresAt         time.Time
	// WithoutClient says that the family's refresh tokens work without the client's own credentials: whoever asked for the family
	// was told so. Those of any other family never do (RFC 6749, section 6).
	WithoutClient bool
	// RevokedAt is set once the family is ended.
	RevokedAt time.Time
}

// SigningKey is a public key that access tokens are, or lately were, signed with.
type SigningKey struct {
	// ID is the RFC 7638 thumbprint, base64url without padding: the kid of tokens and of the JWKS.
	ID string
	// Algorithm is a JWS algorithm name, RS256.
	Algorithm string
	// PublicKey is a PKIX, ASN.1 DER public key.
	PublicKey []byte
	CreatedAt time.Time
	// RetiredAt is set when the key signs no more; it stays published until every token it signed has expired.
	RetiredAt time.Time
}
