package roster

import (
	"strconv"
	"strings"
	"time"
)

// Principal is the caller of a request: who a verified token speaks for. The tenant of every read and write comes from
// here and from nowhere else.
type Principal struct {
	Tenant TenantID
	// Path is the organization whose tree the caller reaches, from the root down to it: the client's organization, or
	// the user's own.
	Path OrgPath
	// Client is the API client that got the token. It is set for both kinds of caller.
	Client ClientID
	// User is set for a user-scoped caller, zero for an organization-scoped one.
	User        UserID
	Permissions PermissionSet
	// TokenID is the jti of the access token.
	TokenID string
}

// Org returns the caller's organization.
func (p *Principal) Org() OrgID { return p.Path.Last() }

// UserScoped reports whether the token speaks for a user rather than for an organization.
func (p *Principal) UserScoped() bool { return p.User != 0 }

// Reaches reports whether what stands at the end of path is the caller's own organization or inside its tree.
func (p *Principal) Reaches(path OrgPath) bool { return path.Contains(p.Org()) }

// Stamp returns the stamp of a write made by the caller by way of via in request requestID.
func (p *Principal) Stamp(via, requestID string) Stamp {
	by := "client:" + string(p.Client)
	if p.UserScoped() {
		by = "user:" + p.User.String()
	}
	return Stamp{By: by, Via: via, RequestID: requestID}
}

// Attributes returns the principal as the flat strings that an API Gateway authorizer hands to the functions behind it.
// Permissions travel by name, since authorizer and function may be of different releases.
func (p *Principal) Attributes() map[string]string {
	return map[string]string{
		"tenant":      p.Tenant.String(),
		"path":        p.Path.String(),
		"client":      string(p.Client),
		"user":        p.User.String(),
		"permissions": strings.Join(p.Permissions.Names(), ","),
		"tokenId":     p.TokenID,
	}
}

// PrincipalFromAttributes reads what Principal.Attributes wrote. It reports false unless the attributes make a whole
// principal; permissions it does not know are left out.
func PrincipalFromAttributes(attributes map[string]string) (Principal, bool) {
	tenant, err := strconv.ParseInt(attributes["tenant"], 10, 32)
	if err != nil || tenant <= 0 {
		return Principal{}, false
	}
	path, err := ParseOrgPath(attributes["path"])
	if err != nil || path[0] != TenantID(tenant).Root() {
		return Principal{}, false
	}
	user, err := strconv.ParseInt(attributes["user"], 10, 64)
	if err != nil || user < 0 || UserID(user) > MaxUserID {
		return Principal{}, false
	}
	client := attributes["client"]
	if client == "" {
		return Principal{}, false
	}
	permissions, _ := ParsePermissions(strings.Split(attributes["permissions"], ","))
	return Principal{
		Tenant: TenantID(tenant), Path: path, Client: ClientID(client), User: UserID(user),
		Permissions: permissions, TokenID: attributes["tokenId"],
	}, true
}

// Client is a program that calls the APIs: it belongs to one organization and acts with that organization's rights, or,
// with ServiceUser, as that user.
type Client struct {
	ID     ClientID
	Tenant TenantID
	Path   OrgPath
	Name   string
	// SecretHash is the SHA-256 of the secret, which has 256 random bits and so needs no slow hash. It is zero for an integration.
	SecretHash [32]byte
	// Integration says that the client has no secret and never gets a token of the token endpoints: it has long-lived ones, each
	// with an IntegrationToken. It acts as no user.
	Integration bool
	// ServiceUser is the user that the client acts as, zero for none.
	ServiceUser UserID
	CreatedAt   time.Time
	// RevokedAt is set once the client may not be used any more.
	RevokedAt time.Time
	Revision  Revision
}

// Revoked reports whether the client may not be used any more.
func (c *Client) Revoked() bool { return !c.RevokedAt.IsZero() }

// Credential is a user's password, hashed. It is kept apart from the user so that no index holds it.
type Credential struct {
	Tenant TenantID
	User   UserID
	// PasswordHash is in PHC string format, such as $argon2id$v=19$m=19456,t=2,p=1$salt$hash, or as crypt(3) writes it:
	// oauth2.CheckHash has the list.
	PasswordHash string
	ChangedAt    time.Time
}
