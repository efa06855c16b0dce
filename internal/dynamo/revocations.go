package dynamo

import (
	"context"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// revokedItem marks an access token as revoked until it would have expired anyway.
type revokedItem struct {
	head
	// ExpiresAt is the time to live, in Unix seconds.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// RevokeToken marks the access token of that id (jti) as revoked until expiresAt, when it expires. Doing it again is no
// error. It costs 1 WRU.
func (t *Table) RevokeToken(ctx context.Context, tokenID string, expiresAt time.Time) error {
	if !revokedKey(tokenID).possible() {
		return roster.Invalid("jti", "is too long")
	}
	return t.putAlone(ctx, revokedItem{
		head:      newHead(revokedKey(tokenID), typeRevoked, t.firstRevision(roster.Stamp{Via: "oauth2"})),
		ExpiresAt: ttl(expiresAt),
	}, condition{}, nil)
}

// TokenRevoked reports whether the access token of that id (jti) was revoked: an eventually consistent read of 0.5 RRU. A
// revocation may be seen a fraction of a second late, which is much less than the gateway keeps an authorizer's answer.
func (t *Table) TokenRevoked(ctx context.Context, tokenID string) (bool, error) {
	var item revokedItem
	return t.get(ctx, revokedKey(tokenID), false, &item)
}
