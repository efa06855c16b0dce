package oauth2

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/rosterhq/roster/internal/roster"
)

const (
	// tokenType is the typ of an access token (RFC 9068, section 2.1). It keeps any other JWT signed with the same key from
	// being taken for one.
	tokenType = "at+jwt"
	// maxToken is the longest access token looked at, in bytes. API Gateway allows 10,240 for all headers together.
	maxToken = 8 << 10
	// leeway is how far the clocks of two machines may be apart.
	leeway = 10 * time.Second
)

// claims are what an access token says (RFC 9068, section 2.2), with the tenant and, where it speaks for a user, the user.
// Whether it does is never read from the subject, which for a client could happen to look like a user's id.
type claims struct {
	jwt.Claims
	ClientID roster.ClientID `json:"client_id"`
	Tenant   roster.TenantID `json:"tenant"`
	User     roster.UserID   `json:"user,omitempty"`
	// Integration marks the long-lived token of an integration, which may have no expiry. Only the signer can set it, and it
	// must be true of the client too.
	Integration bool `json:"integration,omitempty"`
}

// subject is who a token speaks for: the client's organization or, with a user, that user.
type subject struct {
	client roster.Client
	user   roster.UserID
}

// name is the sub claim.
func (s subject) name() string {
	if s.user != 0 {
		return s.user.String()
	}
	return string(s.client.ID)
}

// minter makes access tokens.
type minter struct {
	signer Signer
	store  interface {
		KeyStore
		KeyPublisher
	}
	issuer   string
	audience string
	lifetime time.Duration // of what mint makes
	now      func() time.Time

	mu        sync.Mutex
	published *jose.JSONWebKey // the signer's public key once it is published, guarded by mu
}

// publish sees to it that the signer's public key is among the published ones, and returns it. It does so once; the caller of a
// failed attempt tries again.
func (m *minter) publish(ctx context.Context) (*jose.JSONWebKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.published != nil {
		return m.published, nil
	}
	public, err := m.signer.PublicKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for the public key: %w", err)
	}
	key, err := publishedKey(public, m.now())
	if err != nil {
		return nil, err
	}
	known, err := m.store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the published keys: %w", err)
	}
	i := slices.IndexFunc(known, func(k roster.SigningKey) bool { return k.ID == key.ID })
	if i < 0 {
		if err := m.store.PutSigningKey(ctx, key); err != nil {
			return nil, fmt.Errorf("publishing the signing key: %w", err)
		}
	} else if !known[i].RetiredAt.IsZero() {
		return nil, fmt.Errorf("signing key %s is retired, its tokens would not be accepted for long", key.ID)
	}
	m.published = &jose.JSONWebKey{Key: public, KeyID: key.ID, Algorithm: key.Algorithm, Use: "sig"}
	return m.published, nil
}

// mint returns an access token for the subject with that jti.
func (m *minter) mint(ctx context.Context, s subject, tokenID string) (string, error) {
	return m.sign(ctx, s, tokenID, m.now().Add(m.lifetime))
}

// sign returns an access token for the subject with that jti. With a zero expiry it never expires, which is only accepted of an
// integration.
func (m *minter) sign(ctx context.Context, s subject, tokenID string, expires time.Time) (string, error) {
	key, err := m.publish(ctx)
	if err != nil {
		return "", err
	}
	c := claims{
		Claims: jwt.Claims{
			Issuer: m.issuer, Subject: s.name(), Audience: jwt.Audience{m.audience}, ID: tokenID, IssuedAt: jwt.NewNumericDate(m.now()),
		},
		ClientID: s.client.ID, Tenant: s.client.Tenant, User: s.user, Integration: s.client.Integration,
	}
	if !expires.IsZero() {
		c.Expiry = jwt.NewNumericDate(expires)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: opaqueSigner{ctx, m.signer, key}},
		(&jose.SignerOptions{}).WithType(tokenType))
	if err != nil {
		return "", fmt.Errorf("preparing to sign: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	return signed.CompactSerialize()
}

// opaqueSigner lets go-jose sign by way of a Signer. It lives for one signature: go-jose passes no context on, so that it has
// to carry the one it was made in.
type opaqueSigner struct {
	ctx    context.Context
	signer Signer
	key    *jose.JSONWebKey
}

func (o opaqueSigner) Public() *jose.JSONWebKey { return o.key }

func (o opaqueSigner) Algs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256}
}

func (o opaqueSigner) SignPayload(payload []byte, _ jose.SignatureAlgorithm) ([]byte, error) {
	return o.signer.Sign(o.ctx, sha256.Sum256(payload))
}

// reader reads access tokens: it believes nothing that one of the published keys did not sign.
type reader struct {
	keys     *keySet
	issuer   string
	audience string
	now      func() time.Time
}

// read returns the claims of a token that is valid now. The error of one that is not is KindUnauthenticated with a reason
// that the caller may be told; any other error says that it could not be found out.
func (r *reader) read(ctx context.Context, token string) (claims, error) {
	if len(token) > maxToken {
		return claims{}, roster.Unauthenticated("the access token is too long")
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if errors.As(err, new(*jose.ErrUnexpectedSignatureAlgorithm)) {
		return claims{}, roster.Unauthenticated("the access token is not signed with RS256")
	}
	if err != nil {
		return claims{}, roster.Unauthenticated("the access token is malformed")
	}
	header := signed.Signatures[0].Protected
	if !isAccessTokenType(header.ExtraHeaders[jose.HeaderType]) {
		return claims{}, roster.Unauthenticated("the token is not an access token")
	}
	key, err := r.keys.key(ctx, header.KeyID)
	if err != nil {
		return claims{}, err
	}
	if key == nil {
		return claims{}, roster.Unauthenticated("the access token is signed with an unknown key")
	}
	payload, err := signed.Verify(key.public)
	if err != nil {
		return claims{}, roster.Unauthenticated("the access token has a wrong signature")
	}
	var c claims
	// go-jose's decoder, unlike the standard one, takes names literally and refuses duplicates.
	if err := josejson.Unmarshal(payload, &c); err != nil {
		return claims{}, roster.Unauthenticated("the access token has malformed claims")
	}
	if err := r.check(c); err != nil {
		return c, err
	}
	if c.Integration {
		return c, r.integrationToken(c, *key)
	}
	if !r.keys.inUse(*key) {
		return claims{}, roster.Unauthenticated("the access token is signed with an unknown key")
	}
	return c, nil
}

// check applies RFC 9068, section 4, to claims whose signature is right.
func (r *reader) check(c claims) error {
	now := r.now()
	switch {
	case r.issuer == "" || c.Issuer != r.issuer:
		return roster.Unauthenticated("the access token is from another issuer")
	case r.audience == "" || !c.Audience.Contains(r.audience):
		return roster.Unauthenticated("the access token is for another audience")
	case c.Expiry == nil && !c.Integration || c.IssuedAt == nil || c.ID == "" || c.ClientID == "" || c.Tenant <= 0 || c.User < 0:
		return roster.Unauthenticated("the access token lacks a claim")
	case c.Subject != subject{client: roster.Client{ID: c.ClientID}, user: c.User}.name():
		return roster.Unauthenticated("the access token has a wrong subject")
	case c.Expiry != nil && !now.Before(c.Expiry.Time().Add(leeway)):
		return roster.Unauthenticated("the access token has expired")
	case now.Add(leeway).Before(c.IssuedAt.Time()), c.NotBefore != nil && now.Add(leeway).Before(c.NotBefore.Time()):
		return roster.Unauthenticated("the access token is not valid yet")
	default:
		return nil
	}
}

// isAccessTokenType reports whether a typ header is at+jwt, which may be written in full (RFC 9068, section 4) and, being a
// media type, in any case.
func isAccessTokenType(typ any) bool {
	s, ok := typ.(string)
	return ok && (strings.EqualFold(s, tokenType) || strings.EqualFold(s, "application/"+tokenType))
}

// BearerToken returns the token of an Authorization header's value (RFC 6750, section 2.1).
func BearerToken(authorization string) (string, bool) {
	scheme, token, ok := strings.Cut(authorization, " ")
	token = strings.TrimLeft(token, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || !isToken68(token) {
		return "", false
	}
	return token, true
}

// isToken68 reports whether s is of the form of RFC 9110, section 11.2.
func isToken68(s string) bool {
	body := strings.TrimRight(s, "=")
	for _, c := range []byte(body) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~+/", c) >= 0:
		default:
			return false
		}
	}
	return body != ""
}
