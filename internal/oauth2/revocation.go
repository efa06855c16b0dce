package oauth2

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
)

// familyReach is how many access tokens of a family are revoked with it, the newest ones. A client that has refreshed more often
// than that within the lifetime of one access token keeps the older ones until they expire.
const familyReach = 16

// revoke serves POST /oauth2/revoke (RFC 7009). A token that is unknown, malformed, expired or revoked before is answered like one
// that was revoked just now. A token of another client is refused with invalid_grant. Both kinds of token can be revoked,
// and which one it is can be seen from the token, so that token_type_hint is not needed and unsupported_token_type does not occur.
func (s *Server) revoke(ctx context.Context, r *request) (any, error) {
	client, err := s.authenticate(ctx, r)
	if err != nil {
		return nil, err
	}
	token := r.params["token"]
	switch {
	case token == "":
		return nil, refuse(InvalidRequest, "token is required")
	case isRefreshToken(token):
		return nil, s.revokeRefreshToken(ctx, r, client, token)
	default:
		return nil, s.revokeAccessToken(ctx, r, client, token)
	}
}

// revokeRefreshToken ends the family of a refresh token, the current one or an earlier one.
func (s *Server) revokeRefreshToken(ctx context.Context, r *request, client roster.Client, presented string) error {
	token, ok := parseRefreshToken(presented)
	if !ok {
		return nil
	}
	grant, err := s.store.Grant(ctx, token.familyHash())
	if roster.KindOf(err) == roster.KindNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a grant: %w", err)
	}
	if grant.Client != client.ID {
		return refuse(InvalidGrant, "the token was issued to another client")
	}
	if !grant.RevokedAt.IsZero() || !s.now().Before(grant.ExpiresAt) {
		return nil
	}
	r.note("revoked", "family")
	return s.endFamily(ctx, grant)
}

// revokeAccessToken notes the jti of an access token until the token expires.
func (s *Server) revokeAccessToken(ctx context.Context, r *request, client roster.Client, token string) error {
	c, err := s.reader.read(ctx, token)
	if roster.KindOf(err) == roster.KindUnauthenticated {
		return nil
	}
	if err != nil {
		return err
	}
	if c.ClientID != client.ID {
		return refuse(InvalidGrant, "the token was issued to another client")
	}
	r.note("revoked", "access token")
	if err := s.store.RevokeToken(ctx, c.ID, c.Expiry.Time().Add(leeway)); err != nil {
		return fmt.Errorf("revoking an access token: %w", err)
	}
	return nil
}

// endFamily ends a family of refresh tokens and the access tokens that were given with the newest of them (RFC 7009, section 2.1).
// The generation after the grant's own is included: a request that is just now spending the current refresh token may have
// made its access token already.
func (s *Server) endFamily(ctx context.Context, grant roster.Grant) error {
	now := s.now()
	if err := s.store.RevokeGrant(ctx, grant.Family, now); err != nil {
		return fmt.Errorf("ending a grant: %w", err)
	}
	newest := grant.Generation + 1
	expires := now.Add(s.minter.lifetime + leeway)
	var revocations []func() error
	for generation := max(1, newest-familyReach+1); generation <= newest; generation++ {
		revocations = append(revocations, func() error {
			return s.store.RevokeToken(ctx, familyTokenID(grant.Family, generation), expires)
		})
	}
	if err := concurrently(revocations...); err != nil {
		return fmt.Errorf("revoking the access tokens of a grant: %w", err)
	}
	return nil
}
