package dynamo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// The kinds of changes that a stream record tells of.
const (
	eventInsert = "INSERT"
	eventModify = "MODIFY"
	eventRemove = "REMOVE"
)

// expiryPrincipal is who removes what has expired, as a stream record names it.
const expiryPrincipal = "dynamodb.amazonaws.com"

// What entries call their subjects, before the id.
const (
	subjectUser         = "user:"
	subjectOrganization = "organization:"
	subjectRole         = "role:"
	subjectWarehouse    = "warehouse:"
	subjectClient       = "client:"
	subjectToken        = "token:"
)

// image is an item as a stream record holds it, old or new: what a row reads, and what clients and credentials have
// beside that. Hashes are skipped, not read.
type image struct {
	row
	clientID    string
	serviceUser int64
	integration bool
	tokenID     string
	validUntil  time.Time
	revokedAt   time.Time
	userID      int64
}

func (i *image) attribute(name string) {
	switch name {
	case "clientId":
		i.clientID = i.stringValue()
	case "serviceUser":
		i.serviceUser = i.int64Value()
	case "integration":
		i.integration = i.boolValue()
	case "tokenId":
		i.tokenID = i.stringValue()
	case "validUntil":
		i.validUntil = i.timeValue()
	case "revokedAt":
		i.revokedAt = i.timeValue()
	case "userId":
		i.userID = i.int64Value()
	default:
		i.row.attribute(name)
	}
}

// streamRecord is one record of the table's stream: what an item was and what it became.
type streamRecord struct {
	scanner
	event    string
	old, new *image
	at       time.Time // when it happened, to the second
	expired  bool      // the item was removed because its time to live was over
}

// AuditOf returns what the audit trail has to say about one record of the table's stream, in the JSON form in which Lambda
// delivers it. It is a pure function: a record that is delivered twice gives the same entries. Most records give none, some one,
// and a transfer one for each of the two organizations:
//
//   - A user's login gives none: it is no change that somebody made to the user.
//   - A password that came with a new user is part of the user's creation, and a hash that was only made anew is no change.
//     A password gives no organization, see PutAudit.
//   - A user's item that is removed for good gives user.purged, made by "expiry" when its retention was over.
//   - Roles, warehouses, clients and the tokens of integrations stand in the trail of the root organization, an organization in its own.
//   - An item of a type that this release does not know, or of one that is nobody's business, gives none.
//
// Values are text: numbers in decimal, times in RFC 3339, lists separated by commas. A creation lists the values that are
// not empty. Secrets are in no entry. A record that is none is an error.
func AuditOf(record []byte) ([]roster.AuditEntry, error) {
	r := streamRecord{scanner: scanner{text: string(record)}}
	r.object(r.member)
	if r.err == nil && r.peek() != 0 {
		r.fail("the end of the record")
	}
	if r.err != nil {
		return nil, fmt.Errorf("reading a stream record: %w", r.err)
	}
	return r.entries()
}

func (r *streamRecord) member(name string) {
	switch name {
	case "eventName":
		r.event = r.string()
	case "userIdentity":
		r.identity()
	case "dynamodb":
		r.object(r.change)
	default:
		r.skip()
	}
}

func (r *streamRecord) identity() {
	if r.peek() != '{' { // null
		r.skip()
		return
	}
	var typ, principal string
	r.object(func(name string) {
		switch strings.ToLower(name) { // the API writes PrincipalId, Lambda principalId
		case "type":
			typ = r.string()
		case "principalid":
			principal = r.string()
		default:
			r.skip()
		}
	})
	r.expired = typ == "Service" && principal == expiryPrincipal
}

func (r *streamRecord) change(name string) {
	switch name {
	case "ApproximateCreationDateTime":
		seconds, err := strconv.ParseFloat(r.literal(), 64)
		if err != nil {
			r.fail("a time in Unix seconds")
		}
		r.at = time.Unix(int64(seconds), 0).UTC()
	case "OldImage":
		r.old = r.image()
	case "NewImage":
		r.new = r.image()
	default:
		r.skip()
	}
}

// image reads the item that must be next.
func (r *streamRecord) image() *image {
	i := &image{}
	i.scanner = r.scanner
	i.object(i.attribute)
	r.scanner = i.scanner
	r.mismatch = nil // it is the item's
	return i
}

// entries returns the entries that the record gives.
func (r *streamRecord) entries() ([]roster.AuditEntry, error) {
	item := r.new
	if r.event == eventRemove {
		item = r.old
	}
	if item == nil || r.event == eventModify && r.old == nil {
		return nil, fmt.Errorf("a stream record of the event %q lacks an image", r.event)
	}
	switch r.event {
	case eventInsert, eventModify, eventRemove:
	default:
		return nil, fmt.Errorf("a stream record is of the unknown event %q", r.event)
	}
	switch item.typ {
	case typeUser:
		return r.userEntries()
	case typeOrganization:
		return r.organizationEntries()
	case typeRole:
		return r.roleEntries()
	case typeWarehouse:
		return r.warehouseEntries()
	case typeClient:
		return r.clientEntries()
	case typeIntegrationToken:
		return r.tokenEntries()
	case typeCredential:
		return r.credentialEntries()
	default:
		return nil, nil
	}
}

// wrongTypes returns an error if an image has attributes of other types than it should. Nouns have it from their rows.
func (r *streamRecord) wrongTypes() error {
	for _, i := range []*image{r.old, r.new} {
		if i != nil && i.mismatch != nil {
			return fmt.Errorf("item %s: %w", i.pk, i.mismatch)
		}
	}
	return nil
}

// nouns returns the old and the new item as nouns, the zero Change for one that is not there.
func (r *streamRecord) nouns() (before, after roster.Change, err error) {
	if r.old != nil && r.event != eventInsert {
		if before, _, err = r.old.row.change(); err != nil {
			return before, after, err
		}
	}
	if r.new != nil && r.event != eventRemove {
		after, _, err = r.new.row.change()
	}
	return before, after, err
}

// entry returns what all entries about a change have.
func entry(tenant roster.TenantID, org roster.OrgID, revision roster.Revision, action roster.Action, subject, name string) roster.AuditEntry {
	return roster.AuditEntry{
		Tenant: tenant, Org: org, At: revision.ChangedAt, Stamp: revision.Stamp, Version: revision.Version,
		Action: action, Subject: subject, Name: name,
	}
}

func (r *streamRecord) userEntries() ([]roster.AuditEntry, error) {
	old, new, err := r.nouns()
	if err != nil {
		return nil, err
	}
	before, after := old.User, new.User
	if after == nil {
		return []roster.AuditEntry{r.purged(before)}, nil
	}
	subject := subjectUser + after.ID.String()
	if before == nil {
		e := entry(after.Tenant, after.Org(), after.Revision, roster.ActionUserCreated, subject, after.Name)
		e.Fields = differences(userFields(&roster.User{}), userFields(after))
		return []roster.AuditEntry{e}, nil
	}
	e := entry(after.Tenant, after.Org(), after.Revision, roster.ActionUserUpdated, subject, after.Name)
	e.Fields = differences(userFields(before), userFields(after))
	switch {
	case after.Deleted() && !before.Deleted():
		e.Action = roster.ActionUserDeleted
	case before.Deleted() && !after.Deleted():
		e.Action = roster.ActionUserRestored
	case before.Org() != after.Org():
		e.Action = roster.ActionUserTransferred
	case len(e.Fields) == 0: // a login
		return nil, nil
	}
	if before.Org() == after.Org() {
		return []roster.AuditEntry{e}, nil
	}
	left := e
	left.Org = before.Org()
	return []roster.AuditEntry{left, e}, nil
}

// purged returns the entry for a user that was removed for good: one version more, which was never written.
func (r *streamRecord) purged(u *roster.User) roster.AuditEntry {
	revision := roster.Revision{Version: u.Revision.Version + 1, ChangedAt: r.at}
	if r.expired {
		revision.Stamp = roster.Stamp{By: "expiry", Via: "expiry"}
	}
	return entry(u.Tenant, u.Org(), revision, roster.ActionUserPurged, subjectUser+u.ID.String(), u.Name)
}

func (r *streamRecord) organizationEntries() ([]roster.AuditEntry, error) {
	old, new, err := r.nouns()
	if err != nil || new.Organization == nil {
		return nil, err
	}
	before, after := old.Organization, new.Organization
	e := entry(after.Tenant, after.ID, after.Revision, roster.ActionOrganizationUpdated, subjectOrganization+after.ID.String(), after.Name)
	if before == nil {
		before = &roster.Organization{}
		e.Action = roster.ActionOrganizationCreated
	}
	e.Fields = differences(organizationFields(before), organizationFields(after))
	return some(e), nil
}

func (r *streamRecord) roleEntries() ([]roster.AuditEntry, error) {
	old, new, err := r.nouns()
	if err != nil || new.Role == nil {
		return nil, err
	}
	before, after := old.Role, new.Role
	e := entry(after.Tenant, after.Tenant.Root(), after.Revision, roster.ActionRoleUpdated, subjectRole+after.ID.String(), after.Name)
	if before == nil {
		before = &roster.Role{}
		e.Action = roster.ActionRoleCreated
	}
	e.Fields = differences(roleFields(before), roleFields(after))
	return some(e), nil
}

func (r *streamRecord) warehouseEntries() ([]roster.AuditEntry, error) {
	old, new, err := r.nouns()
	if err != nil || new.Warehouse == nil {
		return nil, err
	}
	before, after := old.Warehouse, new.Warehouse
	e := entry(after.Tenant, after.Tenant.Root(), after.Revision, roster.ActionWarehouseUpdated, subjectWarehouse+after.ID.String(), after.Name)
	if before == nil {
		before = &roster.Warehouse{}
		e.Action = roster.ActionWarehouseCreated
	}
	e.Fields = differences(warehouseFields(before), warehouseFields(after))
	return some(e), nil
}

// some returns the entry, unless nothing that it could tell of has changed.
func some(e roster.AuditEntry) []roster.AuditEntry {
	if len(e.Fields) == 0 {
		return nil
	}
	return []roster.AuditEntry{e}
}

func (r *streamRecord) clientEntries() ([]roster.AuditEntry, error) {
	if err := r.wrongTypes(); err != nil || r.event == eventRemove {
		return nil, err
	}
	c := r.new
	tenant := c.user.Tenant
	e := entry(tenant, tenant.Root(), c.user.Revision, roster.ActionClientCreated, subjectClient+c.clientID, c.user.Name)
	if r.event == eventInsert {
		e.Fields = differences(clientFields(&image{}), clientFields(c))
		return []roster.AuditEntry{e}, nil
	}
	if !r.old.revokedAt.IsZero() || c.revokedAt.IsZero() {
		return nil, nil
	}
	e.Action = roster.ActionClientRevoked
	return []roster.AuditEntry{e}, nil
}

// tokenEntries tells of the tokens of integrations, by their ids: the tokens themselves are stored nowhere.
func (r *streamRecord) tokenEntries() ([]roster.AuditEntry, error) {
	if err := r.wrongTypes(); err != nil || r.event == eventRemove {
		return nil, err
	}
	t := r.new
	tenant := t.user.Tenant
	e := entry(tenant, tenant.Root(), t.user.Revision, roster.ActionTokenCreated, subjectToken+t.tokenID, t.user.Name)
	if r.event == eventInsert {
		e.Fields = differences(tokenFields(&image{}), tokenFields(t))
		return []roster.AuditEntry{e}, nil
	}
	if !r.old.revokedAt.IsZero() || t.revokedAt.IsZero() {
		return nil, nil
	}
	e.Action = roster.ActionTokenRevoked
	return []roster.AuditEntry{e}, nil
}

// credentialEntries tells a password that somebody set from one that came with its user, whose version is 1, and from a
// hash made anew of the same password, which keeps its age.
func (r *streamRecord) credentialEntries() ([]roster.AuditEntry, error) {
	if err := r.wrongTypes(); err != nil || r.event == eventRemove {
		return nil, err
	}
	c := r.new
	came := r.event == eventInsert && c.user.Revision.Version == 1
	rehashed := r.event == eventModify && r.old.user.Revision.ChangedAt.Equal(c.user.Revision.ChangedAt)
	if came || rehashed {
		return nil, nil
	}
	subject := subjectUser + strconv.FormatInt(c.userID, 10)
	return []roster.AuditEntry{entry(c.user.Tenant, 0, c.user.Revision, roster.ActionPasswordChanged, subject, "")}, nil
}
