package customers

import (
	"context"
	"net/http"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// Name is the dialect's name in logs and in the stamps of writes.
const Name = "customers"

// BasePath and BasePathV2 are where the dialect's paths begin.
const (
	BasePath   = "/api/v1/customers"
	BasePathV2 = "/api/v2/customers"
)

// The paths of the operations.
const (
	usersPath  = BasePath + "/{customerId}/users"
	lookupPath = usersPath + "/lookup"
	userPath   = usersPath + "/{userId}"
	userPathV2 = BasePathV2 + "/{customerId}/users/{userId}"
)

// TokenPath is where callers get their tokens, from package oauth2.
const TokenPath = "/api/v1/oauth/token"

// maxBody leaves room for as many delegates as a user can have, each with a few permissions.
const maxBody = 256 << 10

const description = `Users of a customer.

Every call carries an access token, which is for one customer: another customerId in the path is forbidden. A customer's users
are those who belong to it alone, so a user of a customer below it is not found.

Ids are 24 hexadecimal digits, in upper or lower case; an id of a role is not one of a user. Times are RFC 3339, in UTC.
Parameters that an operation does not have are ignored; those that it has may be given once.

Bodies are JSON objects. A field that an operation does not know, that is given twice, or that is null is refused, and only
fields that are present change anything. Everything that is wrong with a request is named in one answer.

Answers of a single user carry an ETag, and every change of one honours If-Match, which is about the user's own state: that
somebody it refers to has changed is no reason to refuse a change.`

// Options is what the dialect's handler is built with.
type Options struct {
	api.Options
	// Region is the AWS Region that the tenants are in.
	Region string
}

// New returns the handler of the dialect.
func New(d *directory.Directory, o Options) http.Handler { return build(d, o) }

// OpenAPI returns the dialect's OpenAPI 3.1 document as JSON.
func OpenAPI() ([]byte, error) { return build(nil, Options{}).OpenAPI() }

// dialect is what the operations work with.
type dialect struct {
	api       *api.API
	directory *directory.Directory
	now       func() time.Time
	region    string
}

func build(verbs *directory.Directory, o Options) *api.API {
	a := api.New(api.Dialect{
		Name:        Name,
		Title:       "Roster customers API",
		Version:     "1.0.0",
		Description: description,
		Tags:        []api.Tag{{Name: tagUsers, Description: "Look up and change the users of a customer"}},
		ErrorBody:   errorBody,
		FieldNames:  fieldNames(),
		// The operations know one status for every request that is wrong in itself.
		Statuses:   map[int]int{http.StatusRequestEntityTooLarge: http.StatusBadRequest, http.StatusUnsupportedMediaType: http.StatusBadRequest},
		TokenPath:  TokenPath,
		MaxBody:    maxBody,
		RefuseNull: true,
	}, o.Options)
	d := &dialect{api: a, directory: verbs, now: a.Now, region: o.Region}
	api.Register(a, listOperation(), d.listUsers)
	api.Register(a, lookupOperation(), d.lookUp)
	api.Register(a, userOperation(), d.user)
	api.Register(a, updateOperation(), d.updateUser)
	api.Register(a, updateV2Operation(), d.updateUserV2)
	api.Register(a, removeOperation(), d.removeUser)
	return a
}

const tagUsers = "Users"

// fieldNames has what this dialect calls the core's fields that have another name.
func fieldNames() map[string]string {
	return map[string]string{
		"user": "userId", "organization": "customerId", "query": "search",
		"givenName": "firstName", "familyName": "lastName", "title": "jobTitle", "roles": "roleIds",
	}
}

// Customer is the parameters of every operation.
type Customer struct {
	CustomerID string `path:"customerId" format:"objectid" pattern:"^[0-9a-fA-F]{24}$" patternDescription:"24 hexadecimal digits" example:"6f72676e00000000000002bf" doc:"Customer's id"`
}

// customer returns the customer that the path names.
func (c Customer) customer(errs *roster.FieldErrors) roster.OrgID {
	id, ok := ParseOrganizationID(c.CustomerID)
	if !ok {
		errs.Add("organization", "must be the id of a customer")
	}
	return id
}

// Member is the parameters of every operation on one user.
type Member struct {
	Customer
	UserID string `path:"userId" format:"objectid" pattern:"^[0-9a-fA-F]{24}$" patternDescription:"24 hexadecimal digits" example:"757365720000000000000436" doc:"User's id"`
}

// ids returns the customer and the user that the path names, by the core's names of them where they are none.
func (m Member) ids(errs *roster.FieldErrors) (roster.OrgID, roster.UserID) {
	customer := m.customer(errs)
	user, ok := ParseUserID(m.UserID)
	if !ok {
		errs.Add("user", "must be the id of a user")
	}
	return customer, user
}

// write returns what the use cases are told of the request beside its input.
func write(ctx context.Context) roster.Write {
	return roster.Write{Via: Name, RequestID: api.RequestIDFrom(ctx)}
}
