package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// workspaceTokens is what both token calls of the workspace dialect give.
type workspaceTokens struct {
	AccessToken             string `json:"accessToken"`
	ExpiresInSeconds        int64  `json:"expiresInSeconds"`
	RefreshToken            string `json:"refreshToken"`
	RefreshExpiresInSeconds int64  `json:"refreshExpiresInSeconds"`
}

// workspaceError is an error body of the workspace dialect.
type workspaceError struct {
	Message string           `json:"message"`
	Code    string           `json:"code"`
	Issues  []workspaceIssue `json:"issues,omitempty"`
}

// workspaceIssue is a rule that a member of the body breaks.
type workspaceIssue struct {
	Message string   `json:"message"`
	Path    []string `json:"path"`
}

// workspaceToken serves POST /auth/token: an API key, which is a client that acts as a user, gives a pair. Whatever is wrong with it, the
// workspace included, reads the same, took the same reads and counts as a wrong attempt; a wrong workspace must not tell that the secret
// was right. Its refresh tokens work without it: see workspaceRefresh.
func (s *Server) workspaceToken(ctx context.Context, r *request) (any, error) {
	client, err := s.recognize(ctx, r, clientCredentials{r.params["apiKeyId"], r.params["apiKeySecret"]}, func(ctx context.Context, client roster.Client) (bool, error) {
		return s.inWorkspace(ctx, client, r.params["workspace"])
	})
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return nil, refuse(refusal.Code, "workspace, apiKeyId or apiKeySecret is wrong")
	}
	if err != nil {
		return nil, err
	}
	if client.ServiceUser == 0 {
		return nil, refuse(UnauthorizedClient, "this client acts as no user, and so is no API key")
	}
	r.note("grant", grantClientCredentials)
	tokens, err := s.issueToItself(ctx, r, client, roster.Grant{WithoutClient: true})
	if err != nil {
		return nil, err
	}
	return s.workspaceTokens(tokens), nil
}

// workspaceRefresh serves POST /auth/token/refresh, which knows no client credentials: the client is that of the token's family. That
// works for families of workspaceToken alone. A client that was given its secret to authenticate with has to (RFC 6749, section 6), so
// that its refresh tokens are worth nothing to whoever finds one; and whoever finds an old one can end its family here no more than
// anywhere else. For the families of this dialect the rules are those of clients without a secret (RFC 9700, section 4.14.2): a token
// works once, and one that is used again ends the family.
func (s *Server) workspaceRefresh(ctx context.Context, r *request) (any, error) {
	old, ok := parseRefreshToken(r.params["refreshToken"])
	if !ok {
		return nil, errRefreshToken()
	}
	grant, err := s.store.Grant(ctx, old.familyHash())
	if err != nil {
		return nil, orRefreshTokenGone("reading a grant", err)
	}
	if !grant.WithoutClient {
		return nil, errRefreshToken()
	}
	client, err := s.store.Client(ctx, grant.Client)
	if err != nil {
		return nil, orRefreshTokenGone("reading a client", err)
	}
	in, err := s.inWorkspace(ctx, client, r.params["workspace"])
	if err != nil {
		return nil, err
	}
	if !in || client.Revoked() {
		return nil, errRefreshToken()
	}
	r.note("client", client.ID)
	r.note("tenant", client.Tenant)
	r.note("grant", grantRefreshToken)
	// Nobody else has proved who it is, so that one which cannot be used, and that anybody may have found, uses up no request of the
	// organization.
	if err := s.mustBeUsable(ctx, r, client, grant, old); err != nil {
		return nil, err
	}
	if err := s.admit(ctx, r, client); err != nil {
		return nil, err
	}
	tokens, err := s.spend(ctx, r, client, grant, old)
	if err != nil {
		return nil, err
	}
	return s.workspaceTokens(tokens), nil
}

// inWorkspace reports whether that is what the client's organization is called: by its name or by its id. It reads the organization
// in any case.
func (s *Server) inWorkspace(ctx context.Context, client roster.Client, workspace string) (bool, error) {
	var id roster.OrgID
	if len(client.Path) > 0 {
		id = client.Path.Last()
	}
	organization, err := s.store.Organization(ctx, client.Tenant, id)
	if err = unlessNotFound("reading a client's organization", err); err != nil {
		return false, err
	}
	return organization.ID != 0 && (workspace == organization.Name || workspace == organization.ID.String()), nil
}

func (s *Server) workspaceTokens(p pair) workspaceTokens {
	return workspaceTokens{p.AccessToken, int64(p.ExpiresIn), p.RefreshToken, int64(s.refreshTTL / time.Second)}
}

// readWorkspaceToken reads the body of a token call.
func readWorkspaceToken(w http.ResponseWriter, r *http.Request) (parameters, error) {
	return readWorkspace(w, r, "workspace", "apiKeyId", "apiKeySecret")
}

// readWorkspaceRefresh reads the body of a refresh call.
func readWorkspaceRefresh(w http.ResponseWriter, r *http.Request) (parameters, error) {
	return readWorkspace(w, r, "workspace", "refreshToken")
}

// readWorkspace reads those members of a JSON body. Others are left alone, and so is an Authorization header.
func readWorkspace(w http.ResponseWriter, r *http.Request, names ...string) (parameters, error) {
	members, err := readJSON(w, r, http.StatusUnsupportedMediaType)
	if err != nil {
		return nil, err
	}
	params, rules := parameters{}, []brokenRule(nil)
	for _, name := range names {
		value, broken := text(members[name])
		if broken != "" {
			rules = append(rules, brokenRule{name, broken})
		}
		params[name] = value
	}
	if len(rules) > 0 {
		return nil, refuseFor(rules)
	}
	return params, nil
}

// workspaceCode returns what the workspace dialect calls a status.
func workspaceCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "BAD_REQUEST"
	case http.StatusUnauthorized:
		return "UNAUTHORIZED"
	case http.StatusForbidden:
		return "FORBIDDEN"
	case http.StatusMethodNotAllowed:
		return "METHOD_NOT_SUPPORTED"
	case http.StatusRequestEntityTooLarge:
		return "PAYLOAD_TOO_LARGE"
	case http.StatusUnsupportedMediaType:
		return "UNSUPPORTED_MEDIA_TYPE"
	case http.StatusTooManyRequests:
		return "TOO_MANY_REQUESTS"
	case http.StatusInternalServerError:
		return "INTERNAL_SERVER_ERROR"
	case http.StatusServiceUnavailable:
		return "SERVICE_UNAVAILABLE"
	default:
		panic(fmt.Sprintf("oauth2: the workspace dialect has no code for %d", status))
	}
}

// workspaceRefusal answers with the error body of the workspace dialect.
func workspaceRefusal(_ http.Header, _ *http.Request, err error) (int, any) {
	status, says := answerFor(err)
	body := workspaceError{Message: says.Description}
	switch says.Error {
	case InvalidClient, InvalidGrant:
		status = http.StatusUnauthorized
	case UnauthorizedClient:
		status = http.StatusForbidden
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.tooLarge {
		status = http.StatusRequestEntityTooLarge
	} else if ok && refusal.rules != nil {
		body.Message = "Input validation failed"
		for _, rule := range refusal.rules {
			body.Issues = append(body.Issues, workspaceIssue{rule.says, []string{rule.parameter}})
		}
	}
	if status == http.StatusInternalServerError {
		body.Message = "Internal server error"
	}
	body.Code = workspaceCode(status)
	return status, body
}
