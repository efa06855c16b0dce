package global

import (
	"net/http"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
)

// Name is the dialect's name in logs.
const Name = "global"

// BasePath is where the dialect's paths begin.
const BasePath = "/api/global/v1"

// usersPath is where the types of users are.
const usersPath = BasePath + "/system/users"

const description = `Users of an organization and of its clients.

Every call carries a token, as Authorization: Bearer. It is for one organization: its own users are of type OrganizationUser, and
those of everything below it of type ClientUser. A client, or Merchant, is what is directly below the organization, with all that is
below the client.

**Fields.** Basic fields always come, optional ones if they are named in fields, or all of them with all. What refers to another
object is a reference, with type and id. With fields:roles, fields:default_warehouse or fields:merchant the objects themselves come
too, in included, with their basic fields and those that are named, and so does the reference. An object that is gone is referred to
by nobody.

**Filters.** All filters must hold. A filter is key:value, which is equality, or key{operators}, or key[{operators},{operators}], where
the operators of one of the objects must hold, in JSON5. The operators are eq, neq, gt, gteq, lt, lteq, from (as gteq), to (as lteq), in
and nin with an array, null and notnull with true or false, and for texts starts and regex. is_active has eq, neq, in, nin, null and
notnull. Equal texts are equal letter by letter, e-mail addresses in upper or lower case too; what comes before what, and how a text
starts, is told without regard to case. A regex is one of RE2 that may match anywhere, of at most 500 bytes. A moment is a second, such as
2017-07-21T17:32:28Z, and a date is a whole day, in UTC: gt is behind it, lteq ends with it. What is null differs from every value, so that
neq and nin hold for it, and is neither less nor greater than any.

**Bounds.** Together the filters of a request have at most 100 conditions and 1000 values, where a moment in a list counts for three
conditions, and their patterns are at most 200 steps: a letter is one, and what is repeated counts as often. A search that takes longer than a request may, some 25 seconds, is answered 503.
An answer has at most some 5 MB: with very many different roles, ask for fewer users at once.

**Pages.** Follow next until it is null. Pages are by id, and are not disturbed by users who come and go meanwhile.

Parameters that an operation does not have are ignored; those that it has may be given once, but for filter.`

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
		Title:       "Roster global API",
		Version:     "1.0.0",
		Description: description,
		Tags:        []api.Tag{{Name: tagUsers, Description: "Look through the users of an organization and of its clients"}},
		ErrorBody:   errorBody,
		Tokens:      "A long-lived token of an integration, which an operator makes, or an access token of any other dialect",
	}, o)
	d := &dialect{api: a, directory: verbs, now: a.Now}
	api.Register(a, listOperation(), d.listUsers)
	return a
}

const tagUsers = "Users"
