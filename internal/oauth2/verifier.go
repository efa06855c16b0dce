package oauth2

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// VerifierConfig is what a Verifier is made of. Store and Issuer are required; without an issuer no token is accepted.
type VerifierConfig struct {
	Store VerifierStore
	// Issuer and Audience are those of Config.
	Issuer   string
	Audience string
	// AccessTokenTTL is that of Config. It says how long after its retirement a key is still good.
	AccessTokenTTL time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Log gets a line for each published key that is unfit; nil means none.
	Log *slog.Logger
}

// Verifier tells who an access token speaks for. It needs no signer, and is safe for concurrent use.
type Verifier struct {
	store  VerifierStore
	reader reader
}

// NewVerifier returns a verifier. It makes no call to the store.
func NewVerifier(c VerifierConfig) *Verifier {
	issuer := strings.TrimRight(c.Issuer, "/")
	now := clock(c.Now)
	return &Verifier{
		store: c.Store,
		reader: reader{
			keys: &keySet{
				store: c.Store, now: now, log: logger(c.Log),
				lifetime: orDefault(c.AccessTokenTTL, DefaultAccessTokenTTL),
			},
			issuer: issuer, audience: orDefault(c.Audience, issuer), now: now,
		},
	}
}

// LoadKeys reads the published keys, so that the first token need not wait for them.
func (v *Verifier) LoadKeys(ctx context.Context) error {
	_, err := v.reader.keys.all(ctx, keyMaxAge)
	return err
}

// Principal returns the caller that an access token speaks for, as things stand now: the token is ours and valid, neither it nor
// its client is revoked, the record of an integration's token stands, and its user, if it has one, is Active. bearer is the token, or the whole value of an Authorization header.
//
// A token that may not be used is a KindUnauthenticated error, whose message is a reason that may be shown to the caller. Any
// other error says that it could not be found out: KindUnavailable, or a fault of ours.
func (v *Verifier) Principal(ctx context.Context, bearer string) (roster.Principal, error) {
	token := bearer
	if strings.ContainsRune(bearer, ' ') {
		var ok bool
		if token, ok = BearerToken(bearer); !ok {
			return roster.Principal{}, roster.Unauthenticated("the Authorization header must be Bearer and an access token")
		}
	}
	c, err := v.reader.read(ctx, token)
	if err != nil {
		return roster.Principal{}, err
	}
	client, user, err := v.standing(ctx, c)
	if err != nil {
		return roster.Principal{}, err
	}
	principal := roster.Principal{Tenant: c.Tenant, Client: c.ClientID, TokenID: c.ID, Path: client.Path, Permissions: roster.AllPermissions}
	if c.User == 0 {
		return principal, nil
	}
	principal.User, principal.Path = c.User, user.Path
	principal.Permissions, err = v.permissions(ctx, user)
	return principal, err
}

// standing reads, side by side, what the claims name, and refuses if any of it does not stand.
func (v *Verifier) standing(ctx context.Context, c claims) (roster.Client, roster.User, error) {
	var (
		client  roster.Client
		user    roster.User
		revoked bool
		record  roster.IntegrationToken
	)
	reads := []func() error{
		func() error {
			var err error
			client, err = v.store.Client(ctx, c.ClientID)
			return orUnauthenticated(err, "reading a client", "the client is unknown")
		},
		func() error {
			if c.Integration {
				// A revocation is forgotten when the token would have expired anyway, which one that never expires never does.
				// So it is the other way round: the token is good while its record says so.
				var err error
				record, err = v.store.IntegrationToken(ctx, c.ClientID, c.ID)
				return orUnauthenticated(err, "reading a token's record", "the access token is unknown")
			}
			var err error
			revoked, err = v.store.TokenRevoked(ctx, c.ID)
			return orUnauthenticated(err, "reading a revocation", "the access token is unknown")
		},
	}
	if c.User != 0 {
		reads = append(reads, func() error {
			var err error
			user, err = v.store.User(ctx, c.Tenant, c.User)
			return orUnauthenticated(err, "reading a user", "the user is gone")
		})
	}
	if err := concurrently(reads...); err != nil {
		return roster.Client{}, roster.User{}, err
	}
	reason := whyRefused(c, client, user, revoked)
	if reason == "" && c.Integration {
		reason = whyRecordRefused(c, record)
	}
	if reason != "" {
		return roster.Client{}, roster.User{}, roster.Unauthenticated(reason)
	}
	return client, user, nil
}

// whyRefused says why what the claims name may not be used any more, the empty string if it may.
func whyRefused(c claims, client roster.Client, user roster.User, tokenRevoked bool) string {
	switch {
	case tokenRevoked:
		return "the access token was revoked"
	case client.Revoked():
		return "the client was revoked"
	case client.Tenant != c.Tenant || len(client.Path) == 0 || client.Path[0] != c.Tenant.Root():
		return "the client is not of the token's tenant"
	case client.Integration != c.Integration:
		return "the access token is not of the kind that its client has"
	case client.ServiceUser != 0 && client.ServiceUser != c.User:
		return "the client acts as another user"
	case c.User != 0:
		return whyNot(client, user)
	default:
		return ""
	}
}

// permissions returns what the user's roles hold together. A role that is gone holds nothing.
func (v *Verifier) permissions(ctx context.Context, user roster.User) (roster.PermissionSet, error) {
	held := make([]roster.PermissionSet, len(user.Roles))
	var reads []func() error
	for i, id := range user.Roles {
		if role, ok := roster.BuiltinRole(id); ok {
			held[i] = role.Permissions
			continue
		}
		reads = append(reads, func() error {
			role, err := v.store.Role(ctx, user.Tenant, id)
			if err == nil && role.DeletedAt.IsZero() {
				held[i] = role.Permissions
			}
			return unlessNotFound("reading a role", err)
		})
	}
	if err := concurrently(reads...); err != nil {
		return 0, err
	}
	var all roster.PermissionSet
	for _, set := range held {
		all = all.Union(set)
	}
	return all, nil
}

// orUnauthenticated makes a KindNotFound error a refusal with that reason, and adds what was done to any other.
func orUnauthenticated(err error, doing, reason string) error {
	if err == nil {
		return nil
	}
	if roster.KindOf(err) == roster.KindNotFound {
		return roster.Unauthenticated(reason)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
