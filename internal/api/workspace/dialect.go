package workspace

import (
	"net/http"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
)

// Name is the dialect's name in logs.
const Name = "workspace"

// The paths of the operations.
const (
	UsersPath = "/users"
	userPath  = UsersPath + "/{id}"
)

// TokenPath is where callers get their tokens, from package oauth2.
const TokenPath = "/auth/token"

const description = `Users of a workspace.

Every call carries an access token, which is for one workspace, and for one user of it. Administrators and users with legacyViewAll see
all users of the workspace, everybody else sees only themselves.

Ids are UUIDs. Times are ISO 8601, in UTC, with milliseconds. Parameters that an operation does not have are ignored; those that it has
may be given once, but for ids. Everything that is wrong with a request is named in one answer.

POST /auth/token takes {"workspace", "apiKeyId", "apiKeySecret"} and answers {"accessToken", "expiresInSeconds", "refreshToken",
"refreshExpiresInSeconds"}. POST /auth/token/refresh takes {"workspace", "refreshToken"} and answers the same; a refresh token works
once.`

// Options is what the dialect's handler is built with.
type Options = api.Options

// New returns the handler of the dialect.
func New(d *directory.Directory, o Options) http.Handler { return build(d, o) }

// OpenAPI returns the dialect's OpenAPI 3.1 document as JSON.
func OpenAPI() ([]byte, error) { return build(nil, Options{}).OpenAPI() }

// dialect is what the operations work with.
type dialect struct {
	api       *api.API
	directory *directory.Directory
	now       func() time.Time
}

func build(verbs *directory.Directory, o Options) *api.API {
	a := api.New(api.Dialect{
		Name:        Name,
		Title:       "Roster workspace API",
		Version:     "1.0.0",
		Description: description,
		Tags:        []api.Tag{{Name: tagUsers, Description: "Look up the users of a workspace"}},
		ErrorBody:   errorBody,
		TokenPath:   TokenPath,
	}, o)
	d := &dialect{api: a, directory: verbs, now: a.Now}
	api.Register(a, listOperation(), d.listUsers)
	api.Register(a, userOperation(), d.user)
	return a
}

const tagUsers = "Users"
