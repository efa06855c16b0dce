package oauth2

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// The grants, as grant_type names them.
const (
	grantClientCredentials = "client_credentials"
	grantUserCredentials   = "user_credentials"
	grantRefreshToken      = "refresh_token"
)

// nobody stands for the user behind an address that nobody in the client's tenant has. No IDSource makes this id before 2093.
const nobody = roster.MaxUserID

// pair is what a grant gives: the contract's OAuth2Token (RFC 6749, section 5.1).
type pair struct {
	accessToken
	RefreshToken string `json:"refresh_token"`
}

type accessToken struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	// ExpiresIn is the lifetime of the access token in seconds.
	ExpiresIn int32 `json:"expires_in"`
}

// token serves POST /oauth2/token: it authenticates the client and hands over to the grant.
func (s *Server) token(ctx context.Context, r *request) (any, error) {
	client, err := s.authenticate(ctx, r)
	if err != nil {
		return nil, err
	}
	switch grant := r.params["grant_type"]; grant {
	case grantClientCredentials:
		r.note("grant", grant)
		return s.clientCredentials(ctx, r, client)
	case grantUserCredentials:
		r.note("grant", grant)
		return s.userCredentials(ctx, r, client)
	case grantRefreshToken:
		r.note("grant", grant)
		return s.refreshToken(ctx, r, client)
	case "":
		return nil, refuse(InvalidRequest, "grant_type is required")
	default:
		return nil, refuse(UnsupportedGrantType, "grant_type must be client_credentials, user_credentials or refresh_token")
	}
}

// clientCredentials gives a pair that speaks for the client's organization or, if it has one, for its service user.
func (s *Server) clientCredentials(ctx context.Context, r *request, client roster.Client) (any, error) {
	return s.issueToItself(ctx, r, client, roster.Grant{})
}

// issueToItself gives a pair to a client that shows nothing but its own credentials. grant says what is special about the family.
func (s *Server) issueToItself(ctx context.Context, r *request, client roster.Client, grant roster.Grant) (pair, error) {
	who, err := s.clientItself(ctx, client)
	if err != nil {
		return pair{}, err
	}
	var tokens pair
	err = s.loggingIn(ctx, r, client, func() error {
		var err error
		tokens, err = s.issue(ctx, who, grant)
		return err
	})
	return tokens, err
}

// loggingIn calls give, which gives a token to a client by itself. To a service user, if it has one, that is a log-in: it has no
// other, and would seem to be inactive.
func (s *Server) loggingIn(ctx context.Context, r *request, client roster.Client, give func() error) error {
	if client.ServiceUser == 0 {
		return give()
	}
	var unrecorded error
	err := concurrently(give, func() error {
		unrecorded = s.store.RecordLogin(ctx, client.Tenant, client.ServiceUser, s.now())
		return nil
	})
	if unrecorded != nil {
		r.note("unrecorded", unrecorded.Error())
	}
	return err
}

// clientItself returns whom a client speaks for that shows nothing but its own credentials.
func (s *Server) clientItself(ctx context.Context, client roster.Client) (subject, error) {
	if client.ServiceUser != 0 {
		if err := s.mustStand(ctx, client, client.ServiceUser); err != nil {
			return subject{}, err
		}
	}
	return subject{client: client, user: client.ServiceUser}, nil
}

// userCredentials gives a pair that speaks for the user with that e-mail address and password.
func (s *Server) userCredentials(ctx context.Context, r *request, client roster.Client) (any, error) {
	username, password := r.params["username"], r.params["password"]
	switch {
	case username == "":
		return nil, refuse(InvalidRequest, "username is required")
	case password == "":
		return nil, refuse(InvalidRequest, "password is required")
	case client.ServiceUser != 0:
		return nil, refuse(UnauthorizedClient, "this client acts as a service user and may not log other users in")
	}
	user, credential, err := s.logIn(ctx, client, roster.Email(username), password)
	if err != nil {
		return nil, err
	}
	r.note("user", user.ID)
	var (
		tokens               pair
		unrecorded, unhashed error
	)
	err = concurrently(
		func() error {
			var err error
			tokens, err = s.issue(ctx, subject{client: client, user: user.ID}, roster.Grant{PasswordChangedAt: credential.ChangedAt})
			return err
		},
		func() error {
			unrecorded = s.store.RecordLogin(ctx, user.Tenant, user.ID, s.now())
			return nil
		},
		func() error {
			unhashed = s.rehash(ctx, user, password, credential.PasswordHash)
			return nil
		})
	// Nobody is locked out because the time of a log-in could not be noted, or because a better hash could not be kept.
	if unrecorded != nil {
		r.note("unrecorded", unrecorded.Error())
	}
	if unhashed != nil {
		r.note("unhashed", unhashed.Error())
	}
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

// rehash replaces the hash that the user's password matched, if it is not by the current settings. A hash that was replaced
// meanwhile, by a log-in at the same time or with a new password, is left as it is.
func (s *Server) rehash(ctx context.Context, user roster.User, password, oldHash string) error {
	if !outdated(password, oldHash) {
		return nil
	}
	newHash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	err = s.store.ReplaceCredential(ctx, user.Tenant, user.ID, oldHash, newHash)
	if err != nil && roster.KindOf(err) != roster.KindConflict {
		return fmt.Errorf("replacing a password hash: %w", err)
	}
	return nil
}

// logIn returns the user whom the client may act for, and whose address and password these are, with the credential that the
// password matched. Whatever is wrong, the answer is the same and took the same reads and one hash, so that little can be learnt about
// who has an account.
//
// An unknown user costs one hash by the current settings, and so does a known one once it has logged in. Until then, a user who
// was imported with another sort of hash costs what that takes: a clock tells it from an unknown one. That is accepted, as
// nothing but the slowest of all hashes for everybody would hide it.
//
// An address that too many wrong passwords were tried for is told to wait, whether or not anybody has it, and whatever the password is.
func (s *Server) logIn(ctx context.Context, client roster.Client, email roster.Email, password string) (roster.User, roster.Credential, error) {
	var (
		attempt roster.Attempt
		id      roster.UserID
		user    roster.User
	)
	err := concurrently(
		func() error {
			var err error
			attempt, err = s.attempts.Password(ctx, client.Tenant, email)
			return err
		},
		func() error {
			var err error
			id, err = s.owner(ctx, client.Tenant, email)
			return err
		})
	if err != nil {
		return roster.User{}, roster.Credential{}, err
	}
	credential := roster.Credential{PasswordHash: nobodysHash}
	err = concurrently(
		func() error {
			found, err := s.store.User(ctx, client.Tenant, id)
			if err == nil {
				user = found
			}
			return unlessNotFound("reading the user who logs in", err)
		},
		func() error {
			found, err := s.store.Credential(ctx, client.Tenant, id)
			if err == nil {
				credential = found
			}
			return unlessNotFound("reading a credential", err)
		})
	if err != nil {
		return roster.User{}, roster.Credential{}, err
	}
	match, err := s.passwords.verify(ctx, password, credential.PasswordHash)
	if errors.Is(err, ErrUnknownHash) {
		s.log.ErrorContext(ctx, "credential refused", "tenant", client.Tenant, "user", id, "error", err)
		// Do the work that the hash did not cause. There is no match, whatever comes of it.
		_, err = s.passwords.verify(ctx, password, nobodysHash)
	}
	if err != nil {
		return roster.User{}, roster.Credential{}, err
	}
	right := match && credential.User == id && user.ID == id && whyNot(client, user) == ""
	refusal := refuse(InvalidGrant, "user name or password is wrong, or the user may not log in")
	if err := s.judge(ctx, attempt, right, refusal); err != nil {
		return roster.User{}, roster.Credential{}, err
	}
	return user, credential, nil
}

// owner returns the user of the tenant who has the address, nobody where there is none.
func (s *Server) owner(ctx context.Context, tenant roster.TenantID, email roster.Email) (roster.UserID, error) {
	var broken roster.FieldErrors
	if roster.CheckEmail(&broken, "username", email); broken.Err() != nil {
		return nobody, nil
	}
	at, id, err := s.store.EmailOwner(ctx, email)
	if err != nil {
		return nobody, unlessNotFound("looking up an address", err)
	}
	if at != tenant {
		return nobody, nil
	}
	return id, nil
}

// refreshToken replaces a refresh token of the client by a new pair.
func (s *Server) refreshToken(ctx context.Context, r *request, client roster.Client) (any, error) {
	presented := r.params["refresh_token"]
	if presented == "" {
		return nil, refuse(InvalidRequest, "refresh_token is required")
	}
	old, ok := parseRefreshToken(presented)
	if !ok {
		return nil, errRefreshToken()
	}
	grant, err := s.store.Grant(ctx, old.familyHash())
	if err != nil {
		return nil, orRefreshTokenGone("reading a grant", err)
	}
	return s.spend(ctx, r, client, grant, old)
}

// spend replaces a refresh token of the grant, which was read for it, by a new pair for the client. The token is spent last, when
// nothing else can fail, so that a fault of ours does not cost the client its log-in.
func (s *Server) spend(ctx context.Context, r *request, client roster.Client, grant roster.Grant, old refreshToken) (pair, error) {
	if err := s.mustBeUsable(ctx, r, client, grant, old); err != nil {
		return pair{}, err
	}
	if err := s.mayRefresh(ctx, client, grant); err != nil {
		return pair{}, err
	}
	next, generation := old.successor(), grant.Generation+1
	access, err := s.minter.mint(ctx, subject{client: client, user: grant.User}, familyTokenID(grant.Family, generation))
	if err != nil {
		return pair{}, err
	}
	err = s.loggingIn(ctx, r, client, func() error {
		return s.store.RotateGrant(ctx, grant.Family, grant.Secret, next.secretHash(), generation, s.now().Add(s.refreshTTL))
	})
	switch {
	case roster.KindOf(err) == roster.KindConflict:
		err = s.lost(ctx, r, grant.Family, next)
	case err != nil:
		err = orRefreshTokenGone("replacing a refresh token", err)
	}
	if err != nil {
		return pair{}, err
	}
	return s.pair(access, next), nil
}

// errRefreshToken is the one answer to every refresh token that cannot be used.
func errRefreshToken() error {
	return refuse(InvalidGrant, "the refresh token is unknown, expired, revoked, used before, or another client's")
}

// orRefreshTokenGone makes a family that is not there the refusal, and adds what was done to any other error.
func orRefreshTokenGone(doing string, err error) error {
	if roster.KindOf(err) == roster.KindNotFound {
		return errRefreshToken()
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// mustBeUsable returns nil if the token is the current one of the family that was read for it, and the client may use it now. A token
// of the family that is not the current one was used before, or stolen: its family is ended.
func (s *Server) mustBeUsable(ctx context.Context, r *request, client roster.Client, grant roster.Grant, token refreshToken) error {
	// A stranger's client cannot end the family, whatever token it got hold of (RFC 7009, section 2.1).
	if grant.Client != client.ID || grant.Tenant != client.Tenant {
		return errRefreshToken()
	}
	if !grant.RevokedAt.IsZero() || !s.now().Before(grant.ExpiresAt) {
		return errRefreshToken()
	}
	if !sameHash(grant.Secret, token.secretHash()) {
		return s.replayed(ctx, r, grant)
	}
	return nil
}

// mayRefresh reports whether the grant still holds: the client acts in the same way as when it was given, the user stands, and
// the user's password is the one that the log-in was with.
func (s *Server) mayRefresh(ctx context.Context, client roster.Client, grant roster.Grant) error {
	if client.ServiceUser != 0 && client.ServiceUser != grant.User {
		return errRefreshToken()
	}
	if grant.User == 0 {
		return nil
	}
	var credential *roster.Credential
	err := concurrently(
		func() error { return s.mustStand(ctx, client, grant.User) },
		func() error {
			found, err := s.store.Credential(ctx, client.Tenant, grant.User)
			if err == nil {
				credential = &found
			}
			return unlessNotFound("reading a credential", err)
		})
	if err != nil {
		return err
	}
	switch {
	case credential == nil && client.ServiceUser == 0:
		// Only a service user has no password from the start. Anybody else lost theirs: deleted, and restored without it.
		return errRefreshToken()
	case credential != nil && !ofPassword(grant, *credential):
		return errRefreshToken()
	}
	return nil
}

// ofPassword reports whether the user's password is still the one that the grant was given for. Times alone cannot say it: a log-in
// that read the password before may store its grant after the new one is there, and the clocks of two processes differ. A new hash
// of the same password keeps ChangedAt. Where the grant does not say which password it was, it must not be older than the one now.
func ofPassword(grant roster.Grant, c roster.Credential) bool {
	if grant.PasswordChangedAt.IsZero() {
		return !c.ChangedAt.After(grant.CreatedAt)
	}
	return grant.PasswordChangedAt.Equal(c.ChangedAt)
}

// lost finds out what became of a rotation that the store called a conflict. A write whose answer was lost and that was
// repeated conflicts with itself, which is no harm; otherwise another request spent the same token.
func (s *Server) lost(ctx context.Context, r *request, family [32]byte, next refreshToken) error {
	grant, err := s.store.Grant(ctx, family)
	if err != nil {
		return orRefreshTokenGone("reading a grant again", err)
	}
	if sameHash(grant.Secret, next.secretHash()) && grant.RevokedAt.IsZero() {
		return nil
	}
	return s.replayed(ctx, r, grant)
}

// replayed ends the family of a refresh token that was used before, and returns the refusal.
func (s *Server) replayed(ctx context.Context, r *request, grant roster.Grant) error {
	r.note("replayed", true)
	if err := s.endFamily(ctx, grant); err != nil {
		return err
	}
	return errRefreshToken()
}

// issue gives the first pair of a new family, of which grant says what is special: PasswordChangedAt and WithoutClient.
func (s *Server) issue(ctx context.Context, who subject, grant roster.Grant) (pair, error) {
	token, now := newRefreshToken(), s.now()
	grant.Family, grant.Secret, grant.Generation = token.familyHash(), token.secretHash(), 1
	grant.Tenant, grant.Client, grant.User = who.client.Tenant, who.client.ID, who.user
	grant.CreatedAt, grant.ExpiresAt = now, now.Add(s.refreshTTL)
	var access string
	err := concurrently(
		func() error {
			var err error
			access, err = s.minter.mint(ctx, who, familyTokenID(grant.Family, grant.Generation))
			return err
		},
		func() error {
			if err := s.store.CreateGrant(ctx, grant); err != nil {
				return fmt.Errorf("storing a grant: %w", err)
			}
			return nil
		})
	if err != nil {
		return pair{}, err
	}
	return s.pair(access, token), nil
}

func (s *Server) pair(access string, refresh refreshToken) pair {
	return pair{s.bearer(access), refresh.encode()}
}

func (s *Server) bearer(access string) accessToken {
	return accessToken{access, "Bearer", int32(s.minter.lifetime / time.Second)}
}

// mustStand refuses unless the client may act for the user.
func (s *Server) mustStand(ctx context.Context, client roster.Client, id roster.UserID) error {
	user, err := s.store.User(ctx, client.Tenant, id)
	if roster.KindOf(err) == roster.KindNotFound {
		return refuse(InvalidGrant, "the user is gone")
	}
	if err != nil {
		return fmt.Errorf("reading a user: %w", err)
	}
	if reason := whyNot(client, user); reason != "" {
		return refuse(InvalidGrant, reason)
	}
	return nil
}

// whyNot says why the client may not act for the user, the empty string if it may: the user is of the client's tenant, inside
// the client's tree, and Active.
func whyNot(client roster.Client, user roster.User) string {
	switch {
	case user.Tenant != client.Tenant || user.Deleted():
		return "the user is gone"
	case len(client.Path) == 0 || !user.Path.Contains(client.Path.Last()):
		return "the user is outside the client's organization"
	case user.Status != roster.StatusActive:
		return "the user is not active"
	default:
		return ""
	}
}

// unlessNotFound adds what was done to err, and makes nothing of a KindNotFound one.
func unlessNotFound(doing string, err error) error {
	if err == nil || roster.KindOf(err) == roster.KindNotFound {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
