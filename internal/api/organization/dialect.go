package organization

import (
	"context"
	"net/http"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// Name is the dialect's name in logs and in the stamps of writes.
const Name = "organization"

// BasePath is where the dialect's paths begin.
const BasePath = "/api/v1/organization"

const description = `Users of an organization and of the organizations below it.

Every call carries an access token. One from client credentials speaks for its organization, one from a user's credentials
for that user, and reaches the organization it belongs to and everything below; anything else is "not found".

Ids travel as query parameters. Timestamps are Unix epoch milliseconds. Parameters that an operation does not have are
ignored; those that it has may be given once.

Bodies are JSON objects. A field that an operation does not know, or that is given twice, is refused; an optional one that
is null is the same as one that is absent. Everything that is wrong with a request is named in one answer.

Answers of a single user carry an ETag, and every change of one honours If-Match. Operations that create something honour an
Idempotency-Key, for 24 hours.`

// The operations are served by three functions, each of which has a handler of its own group: what a function does not answer it need
// not be built with, and may not be allowed to do.

// New returns the handler of the operations on users, organizations and roles.
func New(d *directory.Directory, o api.Options) http.Handler {
	return build(d, o, (*dialect).registerUsers)
}

// NewInvitations returns the handler of the operations that mail links, and of one's own password.
func NewInvitations(d *directory.Directory, o api.Options) http.Handler {
	return build(d, o, (*dialect).registerInvitations)
}

// NewNotifications returns the handler of the operations on push messages and devices.
func NewNotifications(d *directory.Directory, o api.Options) http.Handler {
	return build(d, o, (*dialect).registerNotifications)
}

// OpenAPI returns the dialect's OpenAPI 3.1 document as JSON: that of all groups.
func OpenAPI() ([]byte, error) {
	return build(nil, api.Options{}, (*dialect).registerUsers, (*dialect).registerInvitations, (*dialect).registerNotifications).OpenAPI()
}

// dialect is what the operations work with.
type dialect struct {
	api       *api.API
	directory *directory.Directory
	now       func() time.Time
}

func build(verbs *directory.Directory, o api.Options, groups ...func(*dialect)) *api.API {
	a := api.New(api.Dialect{
		Name:        Name,
		Title:       "Roster organization API",
		Version:     "1.0.0",
		Description: description,
		Tags: []api.Tag{
			{Name: tagUsers, Description: "Look up and manage the users of an organization"},
			{Name: tagInvitations, Description: "Mail people links by which they accept an invitation, sign up, or set a new password"},
			{Name: tagNotifications, Description: "Push messages, and the devices that they go to"},
			{Name: tagOrganizations, Description: "The organization, what is below it, and what was done there"},
		},
		ErrorBody:  errorBody,
		FieldNames: fieldNames(),
		// The operations know one status for every request that is wrong in itself.
		Statuses: map[int]int{http.StatusRequestEntityTooLarge: http.StatusBadRequest, http.StatusUnsupportedMediaType: http.StatusBadRequest},
	}, o)
	d := &dialect{api: a, directory: verbs, now: a.Now}
	for _, register := range groups {
		register(d)
	}
	return a
}

func (d *dialect) registerUsers() {
	a := d.api
	api.Register(a, profileOperation(), d.profile)
	api.Register(a, listOperation(), d.listUsers)
	api.Register(a, searchOperation(), d.searchUsers)
	api.Register(a, userOperation(), d.user)
	api.Register(a, createOwnerOperation(), d.createOwner)
	api.Register(a, createMemberOperation(), d.createMember)
	api.Register(a, roleOperation(), d.changeRole)
	api.Register(a, transferOperation(), d.transferUser)
	api.Register(a, statusOperation(), d.setStatus)
	api.Register(a, removeOperation(), d.removeUser)
	api.Register(a, restoreOperation(), d.restoreUser)
	api.Register(a, createOrganizationOperation(), d.createOrganization)
	api.Register(a, organizationsOperation(), d.organizations)
	api.Register(a, rolesOperation(), d.roles)
	api.Register(a, auditOperation(), d.audit)
}

func (d *dialect) registerInvitations() {
	api.Register(d.api, inviteOperation(), d.invite)
	api.Register(d.api, registerOperation(), d.register)
	api.Register(d.api, resetOperation(), d.resetPassword)
	api.Register(d.api, invitationsOperation(), d.invitations)
	api.Register(d.api, passwordOperation(), d.changePassword)
}

func (d *dialect) registerNotifications() {
	api.Register(d.api, notifyOperation(), d.notify)
	api.Register(d.api, deviceOperation(), d.registerDevice)
}

const (
	tagUsers         = "Users"
	tagInvitations   = "Invitations"
	tagNotifications = "Notifications"
	tagOrganizations = "Organizations"
)

// fieldNames has what this dialect calls the core's fields that have another name.
func fieldNames() map[string]string {
	return map[string]string{
		"user": "userId", "role": "roleId", "organization": "orgId", "parent": "parentId",
		"nickname": "nickName", "timeZone": "tz", "address.full": "address.fullAddress",
		"limit": "size", "offset": "page",
	}
}

// write returns what the use cases are told of the request beside its input.
func write(ctx context.Context) roster.Write {
	return roster.Write{Via: Name, RequestID: api.RequestIDFrom(ctx)}
}
