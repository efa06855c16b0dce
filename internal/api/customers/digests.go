package customers

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// CustomerDigest is a customer.
type CustomerDigest struct {
	ID       string       `json:"_id" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"Customer's id"`
	FullName string       `json:"fullName" doc:"Customer's name"`
	Tenant   TenantDigest `json:"tenant" doc:"Where the customer's data is"`
	Segment  *string      `json:"customerSegment" doc:"Always null"`
	Vertical *string      `json:"vertical" doc:"Always null"`
}

// TenantDigest is the tenant that a customer belongs to.
type TenantDigest struct {
	ID          string `json:"_id" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"Tenant's id"`
	Description string `json:"description" doc:"Always empty"`
	Name        string `json:"name" enum:"iad,lhr,syd,pdx,yul" doc:"The place that the tenant's data is in, by the code of its airport"`
}

// DelegatorUserDigest is a user on whose data another one may act.
type DelegatorUserDigest struct {
	ID         string     `json:"_id" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"User's id"`
	FirstName  string     `json:"firstName" doc:"First name"`
	LastName   string     `json:"lastName" doc:"Last name; may be empty"`
	Identities []Identity `json:"identities" nullable:"false" doc:"What other systems call the user"`
}

// DelegateUserDigest is a user who may act on the data of another one.
type DelegateUserDigest struct {
	ID          string             `json:"_id" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"User's id"`
	FirstName   string             `json:"firstName" doc:"First name"`
	LastName    string             `json:"lastName" doc:"Last name; may be empty"`
	Permissions []PermissionDigest `json:"permissions" nullable:"false" doc:"What the user may do there"`
}

// RoleDigest is a role.
type RoleDigest struct {
	ID          string             `json:"_id" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"Role's id"`
	Name        string             `json:"name" doc:"Role's name in kebab case, such as head-of-things"`
	Permissions []PermissionDigest `json:"permissions" nullable:"false" doc:"What the role permits"`
}

// Identity is what another system calls a user.
type Identity struct {
	Type       string `json:"type" enum:"aderant,auth0,azure,cisco-cdr,cisco-webex,elite,email,exchange,external-billing-system,google,intercom,juris,mixpanel,phone,phone-extension,ringcentral,salesforce,segment,user-principal-name,vitally,walls,zendesk,zoom" doc:"The other system"`
	Value      string `json:"value" minLength:"1" maxLength:"256" doc:"What it calls the user"`
	CustomerID string `json:"customerId,omitempty" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"Id of the customer that the user belongs to"`
}

// digests turns the users of one customer into their wire form. Whatever they refer to it takes from one view of the tenant;
// what is not there, or not any more, is left out.
type digests struct {
	view     directory.View
	now      time.Time
	customer CustomerDigest
	roles    map[roster.RoleID]RoleDigest // those already needed
}

func (d *dialect) digests(p *roster.Principal, customer roster.OrgID, view directory.View) *digests {
	organization, _ := view.Organization(customer)
	return &digests{
		view: view, now: d.now(), roles: map[roster.RoleID]RoleDigest{},
		customer: CustomerDigest{
			ID: OrganizationID(customer), FullName: organization.Name,
			Tenant: TenantDigest{ID: OrganizationID(p.Tenant.Root()), Name: placeOf(d.region)},
		},
	}
}

// answer returns the answer that is one user. Its entity tag begins with what says in what state the user itself is: see
// Changing.
func (d *dialect) answer(ctx context.Context, p *roster.Principal, customer roster.OrgID, m *directory.Member) *userOutput {
	d.api.NoteReplicaAge(ctx, p.Tenant)
	user := d.digests(p, customer, m.View).user(&m.User)
	shown, err := json.Marshal(&user)
	if err != nil {
		panic(fmt.Errorf("marshalling a user: %w", err)) // a struct of texts
	}
	sum := sha256.Sum256(shown)
	etag := api.ETag(m.User.Revision.Version, int64(m.User.StatusAt(d.now())), int64(binary.BigEndian.Uint32(sum[:])))
	return &userOutput{Status: http.StatusOK, ETag: etag, Body: user}
}

func (d *digests) user(u *roster.User) User {
	return User{
		ID: UserID(u.ID), CreatedAt: wireTime(u.CreatedAt), IsSuperDelegate: u.SuperDelegate, Email: string(u.Email),
		FirstName: u.GivenName, JobTitle: u.Title, LastName: u.FamilyName, Nickname: u.Nickname, UpdatedAt: wireTime(u.UpdatedAt),
		Status: wireStatus(u.StatusAt(d.now)), Seniority: u.Seniority, Department: u.Department, Office: u.Office,
		Subdepartment: u.Subdepartment, Pod: u.Pod, GroupIDs: wireGroups(u.Groups),
		SuperDelegatePermissions: permissionsNamed(u.SuperDelegatePermissions), Customer: d.customer,
		Delegators: d.delegators(u), Delegates: d.delegates(u), Identities: wireIdentities(d.customer.ID, u.Identities), Roles: d.rolesOf(u),
	}
}

// member returns another user of the customer. A reference can lead elsewhere, since users are transferred and imported, and who is
// there is none of the caller's business.
func (d *digests) member(id roster.UserID) (roster.User, bool) {
	user, ok := d.view.User(id)
	return user, ok && OrganizationID(user.Org()) == d.customer.ID
}

// maxDelegators bounds how many delegators are shown of one user. Nothing bounds how many there are: everybody can have the same
// delegate, and the answer must fit into what Lambda can return, also after a change that is done by then.
const maxDelegators = 1000

func (d *digests) delegators(u *roster.User) []DelegatorUserDigest {
	ids := d.view.Delegators(u.ID)
	digests := make([]DelegatorUserDigest, 0, min(len(ids), maxDelegators))
	for _, id := range ids {
		if len(digests) == maxDelegators {
			break
		}
		if delegator, ok := d.member(id); ok {
			digests = append(digests, DelegatorUserDigest{
				ID: UserID(id), FirstName: delegator.GivenName, LastName: delegator.FamilyName,
				Identities: wireIdentities(OrganizationID(delegator.Org()), delegator.Identities),
			})
		}
	}
	return digests
}

func (d *digests) delegates(u *roster.User) []DelegateUserDigest {
	digests := make([]DelegateUserDigest, 0, len(u.Delegates))
	for _, delegate := range u.Delegates {
		if user, ok := d.member(delegate.User); ok {
			digests = append(digests, DelegateUserDigest{
				ID: UserID(user.ID), FirstName: user.GivenName, LastName: user.FamilyName, Permissions: permissionsNamed(delegate.Permissions),
			})
		}
	}
	return digests
}

func (d *digests) rolesOf(u *roster.User) []RoleDigest {
	digests := make([]RoleDigest, 0, len(u.Roles))
	for _, id := range u.Roles {
		digest, ok := d.roles[id]
		if !ok {
			role, stands := d.view.Role(id)
			if !stands {
				continue
			}
			digest = RoleDigest{ID: RoleID(id), Name: kebab(role.Name), Permissions: permissionsOf(role.Permissions)}
			d.roles[id] = digest
		}
		digests = append(digests, digest)
	}
	return digests
}

// relevant returns the types of identities that an integration knows.
func relevant(integration string) []string {
	switch integration {
	case "cloud-assistant-cdr":
		return []string{"cisco-cdr", "phone", "phone-extension"}
	case "cloud-assistant-google":
		return []string{"google", "email"}
	case "cloud-assistant-microsoft-exchange":
		return []string{"exchange", "email", "user-principal-name"}
	case "cloud-assistant-microsoft-teams":
		return []string{"azure", "user-principal-name", "email"}
	case "cloud-assistant-zoom":
		return []string{"zoom", "email"}
	default:
		return nil
	}
}

// wireProjection returns the user as an integration sees it, and whether it does.
func wireProjection(customer roster.OrgID, u *roster.User, integration string) (UserIntegrationProjection, bool) {
	types := relevant(integration)
	if !slices.ContainsFunc(u.Identities, func(i roster.Identity) bool { return slices.Contains(types, i.Type) }) {
		return UserIntegrationProjection{}, false
	}
	projection := UserIntegrationProjection{ID: UserID(u.ID), Email: string(u.Email)}
	if name := roster.JoinName(u.GivenName, u.FamilyName); name != "" {
		projection.Name = &name
	}
	id := OrganizationID(customer)
	for _, i := range u.Identities {
		if slices.Contains(types, i.Type) {
			projection.RelevantIdentities = append(projection.RelevantIdentities, wireIdentity(id, i))
		}
	}
	return projection, true
}

func wireIdentities(customer string, identities []roster.Identity) []Identity {
	wire := make([]Identity, len(identities))
	for i, identity := range identities {
		wire[i] = wireIdentity(customer, identity)
	}
	return wire
}

func wireIdentity(customer string, i roster.Identity) Identity {
	return Identity{Type: i.Type, Value: i.Value, CustomerID: customer}
}

func wireGroups(groups []roster.GroupID) []string {
	ids := make([]string, len(groups))
	for i, id := range groups {
		ids[i] = GroupID(id)
	}
	return ids
}

// wireStatus returns what this dialect calls the status, nil for one that it has no word for.
func wireStatus(s roster.Status) *Status {
	switch s {
	case roster.StatusActive, roster.StatusInactive:
		return new(statusActive)
	case roster.StatusSuspended:
		return new(statusAdminDisabled)
	default:
		return nil
	}
}

// wireTime returns the time in RFC 3339, with milliseconds where there are some.
func wireTime(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond() < int(time.Millisecond) {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

// placeOf returns the name of the tenant in an AWS Region.
func placeOf(region string) string {
	switch region {
	case "eu-west-2":
		return "lhr"
	case "ap-southeast-2":
		return "syd"
	case "us-west-2":
		return "pdx"
	case "ca-central-1":
		return "yul"
	default:
		return "iad"
	}
}

// kebab returns a name in kebab case: its letters and digits, in lower case, with one hyphen for whatever is between them.
func kebab(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "-")
}
