package dynamo

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// Finding is something that is wrong in the table: what no sequence of writes, crashes and retries can leave behind, unless
// the code or somebody's hand is at fault.
type Finding struct {
	Kind FindingKind
	// Item is the primary key of the item at fault, partition and sort key with a space between them.
	Item string
	// Detail says what is wrong with it, for people. It may name e-mail addresses, but no secret.
	Detail string
}

// String returns the finding in one line.
func (f Finding) String() string { return string(f.Kind) + ": " + f.Item + " " + f.Detail }

// FindingKind says what sort of thing is wrong.
type FindingKind string

// The kinds of findings.
const (
	// FindingUnreadable is an item that is not what its type says.
	FindingUnreadable FindingKind = "unreadable item"
	// FindingWrongAttributes is an item whose key or index attributes contradict what it says, so that it is not found where
	// it should be.
	FindingWrongAttributes FindingKind = "wrong attributes"
	// FindingWrongExpiry is an item that would be purged and should not, or the other way round.
	FindingWrongExpiry FindingKind = "wrong expiry"
	// FindingMissingClaim is a user who does not hold its e-mail address or one of its identities.
	FindingMissingClaim FindingKind = "missing claim"
	// FindingStrayClaim is an e-mail address or identity that is taken by a user who is gone or does not have it.
	FindingStrayClaim FindingKind = "stray claim"
	// FindingStrayCredential is a password of a user who is gone.
	FindingStrayCredential FindingKind = "stray credential"
	// FindingStrayInvitation is an invitation of a user who is gone or not Pending, or a mail for a new password that is valid and
	// of a user who never was.
	FindingStrayInvitation FindingKind = "stray invitation"
	// FindingStrayDevice is a device of a user who is gone, or that is not claimed for its user.
	FindingStrayDevice FindingKind = "stray device"
	// FindingStrayDeviceClaim is a device that is claimed for a user who does not have it.
	FindingStrayDeviceClaim FindingKind = "stray device claim"
	// FindingMissingOrganization is a user, organization, role, group, client or invitation in an organization that does not stand.
	FindingMissingOrganization FindingKind = "missing organization"
	// FindingWrongPath is a user, organization, client or invitation whose path is not that of its organization, or an invitation
	// whose path is not that of its user.
	FindingWrongPath FindingKind = "wrong path"
	// FindingWrongAdmins is a count of Admins that is not their number.
	FindingWrongAdmins FindingKind = "wrong count of Admins"
	// FindingMissingClient is a tenant's pointer to a client that is not there, or not the tenant's.
	FindingMissingClient FindingKind = "missing client"
	// FindingMissingPointer is a client that its tenant does not know of.
	FindingMissingPointer FindingKind = "missing client pointer"
	// FindingStrayToken is what is kept of an integration's token whose client is not there, another tenant's or no integration.
	FindingStrayToken FindingKind = "stray token"
)

// Summary is what Check has looked at.
type Summary struct {
	// Items is the number of items by type.
	Items map[string]int
	// Tenants is the number of root organizations.
	Tenants int
	// Findings is the number of findings reported.
	Findings int
}

// Check walks the whole table and reports everything that does not fit together, as it finds it. An error of report ends
// it and is returned.
//
// It may run while others write: what looks wrong in the walk, which takes its time, is looked at again, item by item with
// consistent reads, before it is reported. It reads everything once, 1 RRU per 4 KB, and no secrets; and it keeps some 100
// bytes for each organization, and for each user whose claims it has not met yet, at most for half of them.
//
// It is for operators and tests. It scans the table, which nothing else does: requests know the keys of what they need.
func (t *Table) Check(ctx context.Context, report func(Finding) error) (Summary, error) {
	c := &checker{
		Table: t, report: report, summary: Summary{Items: make(map[string]int)},
		claims:        make(map[key]party),
		deviceClaims:  make(map[key]party),
		clients:       make(map[roster.ClientID]party),
		organizations: make(map[place]orgState),
		others:        make(map[place][]located),
		doubtful:      make(map[place]bool),
		admins:        make(map[roster.TenantID]adminCount),
		seed:          maphash.MakeSeed(),
	}
	if err := c.walk(ctx); err != nil {
		return c.summary, err
	}
	return c.summary, c.settle(ctx)
}

// checker is one run of Check.
type checker struct {
	*Table
	report  func(Finding) error
	summary Summary

	// claims has one of the two parties of each claim, its item or its user, until the other is met; deviceClaims that of each
	// device's, its item or the device; clients that of each client, its item or the pointer to it.
	claims       map[key]party
	deviceClaims map[key]party
	clients      map[roster.ClientID]party
	// What has met a party that it does not fit to.
	doubtfulClaims  []claimDoubt
	doubtfulDevices []claimDoubt
	doubtfulClients []clientDoubt

	// lastClient is the one that was met last: the tokens of an integration come right after it. strayTokens are those that did not.
	lastClient  clientItem
	strayTokens []roster.IntegrationToken

	// belongings are what was met last of one user's, until the user is, who should come right after it; strays are those that
	// the user did not come after, or that do not fit to the user.
	belongings []belonging
	strays     []key

	organizations map[place]orgState
	doubtful      map[place]bool
	// others are the few things in an organization that no index lists.
	others map[place][]located
	admins map[roster.TenantID]adminCount
	seed   maphash.Seed
}

// owner is a user of a tenant.
type owner struct {
	tenant roster.TenantID
	user   roster.UserID
}

// party is one side of what must stand on two items.
type party struct {
	owner
	other bool // it is the claim, the device, or the pointer
}

type claimDoubt struct {
	key key
	party
}

type clientDoubt struct {
	id roster.ClientID
	party
}

// orgState is what the walk has met of an organization.
type orgState struct {
	path   uint64 // a hash of its path
	stands bool   // its item was met
}

// located is an item in an organization, and the path that it says.
type located struct {
	key  key
	path roster.OrgPath
}

// adminCount is the number of Admins of a root organization, as met and as stored.
type adminCount struct{ met, stored int }

// checkedAttributes are those that the check looks at: what keys, indexes and relations are made of.
var checkedAttributes = [...]string{
	"pk", "sk", "type", "version", "changedAt", "tenantId", "shard", "orgId", "kind", "id", "path", "expiresAt",
	"email", "identities", "roles", "status", "deletedAt", "userId", "clientId", "count",
	"purpose", "delivery", "validUntil", "platform", "tokenId", "failures", "integration",
}

// walk meets every item of the table.
func (c *checker) walk(ctx context.Context) error {
	consistent, limit := true, int32(feedPage)
	names := make(map[string]string)
	aliases := make([]string, len(checkedAttributes))
	for i, name := range checkedAttributes {
		aliases[i] = "#" + name // many are reserved words
		names[aliases[i]] = name
	}
	projection := strings.Join(aliases, ", ")
	scan := &dynamodb.ScanInput{
		TableName: &c.name, ConsistentRead: &consistent, Limit: &limit,
		ProjectionExpression: &projection, ExpressionAttributeNames: names,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
	}
	for {
		out, err := c.client.Scan(ctx, scan, c.metered)
		if err != nil {
			return failed("scanning the table", err)
		}
		for _, item := range out.Items {
			if err := c.meet(item); err != nil {
				return err
			}
		}
		if out.LastEvaluatedKey == nil {
			c.leaveBelongings("")
			return nil
		}
		scan.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// find reports a finding.
func (c *checker) find(kind FindingKind, k key, detail string, parameters ...any) error {
	c.summary.Findings++
	return c.report(Finding{Kind: kind, Item: k.pk + " " + k.sk, Detail: fmt.Sprintf(detail, parameters...)})
}

// meet looks at one item.
func (c *checker) meet(attributes map[string]types.AttributeValue) error {
	var h head
	if err := decode(attributes, &h); err != nil {
		return c.find(FindingUnreadable, keyOf(attributes), "cannot be read: %v", err)
	}
	c.summary.Items[h.Type]++
	c.leaveBelongings(h.PK)
	if err := c.expiry(&h, attributes); err != nil {
		return err
	}
	err := c.meetType(&h, attributes)
	if unreadable, ok := errors.AsType[unreadableError](err); ok {
		return c.find(FindingUnreadable, key{h.PK, h.SK}, "cannot be read: %v", unreadable.cause)
	}
	return err
}

// unreadableError is an item that is not what its type says.
type unreadableError struct{ cause error }

func (e unreadableError) Error() string { return e.cause.Error() }

func (c *checker) meetType(h *head, attributes map[string]types.AttributeValue) error {
	switch h.Type {
	case typeUser:
		return read(attributes, (*userItem).noun, c.user)
	case typeOrganization:
		return read(attributes, (*organizationItem).noun, c.organization)
	case typeRole:
		return read(attributes, (*roleItem).noun, c.role)
	case typeGroup:
		return read(attributes, (*groupItem).noun, c.group)
	case typeWarehouse:
		return read(attributes, (*warehouseItem).noun, c.warehouse)
	case typeEmailClaim, typeIdentityClaim:
		return read(attributes, same[claimItem], c.claim)
	case typeCredential:
		return read(attributes, same[credentialItem], c.password)
	case typeClient:
		return read(attributes, same[clientItem], c.apiClient)
	case typeIntegrationToken:
		return read(attributes, (*integrationTokenItem).noun, c.integrationToken)
	case typeClientPointer:
		return read(attributes, same[clientPointerItem], c.clientPointer)
	case typeAdmins:
		return read(attributes, same[adminsItem], c.adminsCount)
	case typeInvitation:
		return read(attributes, (*invitationItem).noun, c.invitation)
	case typeLink:
		return read(attributes, (*linkItem).noun, c.link)
	case typeQuota:
		return read(attributes, same[quotaItem], c.quota)
	case typeRate:
		return read(attributes, same[rateItem], c.rate)
	case typeAttempts:
		return read(attributes, same[attemptsItem], c.attempts)
	case typeDevice:
		return read(attributes, (*deviceItem).noun, c.userDevice)
	case typeDeviceClaim:
		return read(attributes, same[claimItem], c.claimedDevice)
	case typeNotification:
		return read(attributes, (*notificationItem).noun, c.notification)
	case typeSnapshot, typeSnapshotChunk, typeSnapshotDue:
		return read(attributes, same[snapshotAnyItem], c.snapshot)
	default:
		return nil
	}
}

// same is the noun of items that are looked at as they are.
func same[Item any](i *Item) (*Item, error) { return i, nil }

// read decodes an item, makes it what is looked at, and looks.
func read[Item, Noun any](attributes map[string]types.AttributeValue, noun func(*Item) (Noun, error), look func(Noun, map[string]types.AttributeValue) error) error {
	var item Item
	if err := decode(attributes, &item); err != nil {
		return unreadableError{err}
	}
	n, err := noun(&item)
	if err != nil {
		return unreadableError{err}
	}
	return look(n, attributes)
}

// expiry looks at the time to live: DynamoDB removes whatever has one, and nothing else.
func (c *checker) expiry(h *head, attributes map[string]types.AttributeValue) error {
	_, expires := attributes["expiresAt"]
	var must bool
	switch h.Type {
	case typeGrant, typeRevoked, typeOnce, typeAudit, typeInvitation, typeLink, typeQuota, typeRate, typeAttempts, typeNotification,
		typeSnapshot, typeSnapshotChunk, typeSnapshotDue:
		must = true
	case typeUser:
		_, must = attributes["deletedAt"]
	case typeOrganization, typeRole, typeGroup, typeWarehouse, typeCredential, typeEmailClaim, typeIdentityClaim, typeClient, typeIntegrationToken, typeClientPointer, typeSigningKey, typeAdmins,
		typeDevice, typeDeviceClaim:
	default:
		return nil // a type of another release
	}
	if expires == must {
		return nil
	}
	if expires {
		return c.find(FindingWrongExpiry, key{h.PK, h.SK}, "stands, but has a time to live")
	}
	return c.find(FindingWrongExpiry, key{h.PK, h.SK}, "has no time to live, so it is never purged")
}

// attributesOf compares the attributes that keys and indexes are made of with those that the item should have.
func (c *checker) attributesOf(found map[string]types.AttributeValue, item any) error {
	want, err := encode(item)
	if err != nil {
		return err
	}
	var wrong []string
	for _, name := range [...]string{"pk", "sk", "tenantId", "shard", "changedAt", "orgId", "kind", "id"} {
		if !reflect.DeepEqual(found[name], want[name]) {
			wrong = append(wrong, name)
		}
	}
	if wrong == nil {
		return nil
	}
	return c.find(FindingWrongAttributes, keyOf(found), "is not where it should be, by %s", strings.Join(wrong, ", "))
}

func (c *checker) user(u roster.User, attributes map[string]types.AttributeValue) error {
	who := owner{u.Tenant, u.ID}
	c.meetBelongings(&u)
	for k := range claimsOf(&u) {
		c.meetClaim(k, party{owner: who})
	}
	if isRootAdmin(&u) {
		count := c.admins[u.Tenant]
		count.met++
		c.admins[u.Tenant] = count
	}
	c.meetPath(u.Tenant, u.Path, false)
	return c.attributesOf(attributes, toUserItem(&u))
}

func (c *checker) organization(o roster.Organization, attributes map[string]types.AttributeValue) error {
	if o.DeletedAt.IsZero() {
		c.meetPath(o.Tenant, o.Path, true)
	}
	if parent := o.Path[:len(o.Path)-1]; len(parent) > 0 {
		c.meetPath(o.Tenant, parent, false)
	} else {
		c.summary.Tenants++
	}
	if o.Path.Last() != o.ID || o.Path[0] != o.Tenant.Root() {
		if err := c.find(FindingWrongPath, keyOf(attributes), "has the path %s", o.Path); err != nil {
			return err
		}
	}
	return c.attributesOf(attributes, toOrganizationItem(&o))
}

func (c *checker) role(r roster.Role, attributes map[string]types.AttributeValue) error {
	c.meetOther(r.Tenant, keyOf(attributes), roster.OrgPath{r.Tenant.Root()})
	return c.attributesOf(attributes, toRoleItem(&r))
}

func (c *checker) group(g roster.Group, attributes map[string]types.AttributeValue) error {
	c.meetOther(g.Tenant, keyOf(attributes), roster.OrgPath{g.Tenant.Root()})
	return c.attributesOf(attributes, toGroupItem(&g))
}

func (c *checker) warehouse(w roster.Warehouse, attributes map[string]types.AttributeValue) error {
	c.meetOther(w.Tenant, keyOf(attributes), roster.OrgPath{w.Tenant.Root()})
	return c.attributesOf(attributes, toWarehouseItem(&w))
}

func (c *checker) claim(i *claimItem, _ map[string]types.AttributeValue) error {
	k := key{i.PK, i.SK}
	c.meetClaim(k, party{owner: owner{roster.TenantID(i.TenantID), roster.UserID(i.UserID)}, other: true})
	if isEmail := strings.HasPrefix(i.PK, emailKey("").pk); isEmail != (i.Type == typeEmailClaim) || i.SK != sortClaim {
		return c.find(FindingWrongAttributes, k, "is no place for an item of the type %s", i.Type)
	}
	return nil
}

func (c *checker) password(i *credentialItem, attributes map[string]types.AttributeValue) error {
	who := owner{roster.TenantID(i.TenantID), roster.UserID(i.UserID)}
	if keyOf(attributes) != credentialKey(who.tenant, who.user) {
		return c.find(FindingWrongAttributes, keyOf(attributes), "is the password of user %s of tenant %s", who.user, who.tenant)
	}
	c.belongings = append(c.belongings, belonging{key: keyOf(attributes), owner: who, typ: typeCredential})
	return nil
}

func (c *checker) apiClient(i *clientItem, attributes map[string]types.AttributeValue) error {
	path, ok := appendPath(nil, i.Path)
	if !ok {
		return unreadableError{fmt.Errorf("the path is %q", i.Path)}
	}
	c.lastClient = *i
	tenant, id := roster.TenantID(i.TenantID), roster.ClientID(i.ID)
	c.meetOther(tenant, keyOf(attributes), path)
	c.meetClient(id, party{owner: owner{tenant: tenant}})
	if keyOf(attributes) != clientKey(id) {
		return c.find(FindingWrongAttributes, keyOf(attributes), "is the client %q", id)
	}
	return nil
}

func (c *checker) clientPointer(i *clientPointerItem, attributes map[string]types.AttributeValue) error {
	var tenant roster.TenantID
	if _, err := fmt.Sscanf(i.PK, "T#%d#CLIENTS", &tenant); err != nil || keyOf(attributes) != clientPointerKey(tenant, roster.ClientID(i.ID)) {
		return c.find(FindingWrongAttributes, keyOf(attributes), "points to the client %q", i.ID)
	}
	c.meetClient(roster.ClientID(i.ID), party{owner: owner{tenant: tenant}, other: true})
	return nil
}

func (c *checker) adminsCount(i *adminsItem, attributes map[string]types.AttributeValue) error {
	var tenant roster.TenantID
	if _, err := fmt.Sscanf(i.PK, "T#%d#ORG#", &tenant); err != nil || keyOf(attributes) != adminsKey(tenant) {
		return c.find(FindingWrongAttributes, keyOf(attributes), "is no place for an item of the type %s", i.Type)
	}
	c.meetOther(tenant, keyOf(attributes), roster.OrgPath{tenant.Root()})
	count := c.admins[tenant]
	count.stored = i.Count
	c.admins[tenant] = count
	return nil
}

// meetClaim notes one party of a claim, or that both were met.
func (c *checker) meetClaim(k key, p party) {
	if !meetParty(c.claims, k, p) {
		c.doubtfulClaims = append(c.doubtfulClaims, claimDoubt{k, p})
	}
}

// meetParty notes one of the two parties of something, or that both were met. It reports false for one that does not fit to
// the one that was met first.
func meetParty[Key comparable](parties map[Key]party, k Key, p party) bool {
	first, met := parties[k]
	switch {
	case !met:
		parties[k] = p
	case first.owner == p.owner && first.other != p.other:
		delete(parties, k)
	default:
		return false
	}
	return true
}

// meetClient notes one party of a client, or that both were met.
func (c *checker) meetClient(id roster.ClientID, p party) {
	if !meetParty(c.clients, id, p) {
		c.doubtfulClients = append(c.doubtfulClients, clientDoubt{id, p})
	}
}

// meetPath notes that something is at the end of a path, or that it is the organization itself. Whatever is in an
// organization says the same path, that of the organization.
func (c *checker) meetPath(tenant roster.TenantID, path roster.OrgPath, itself bool) {
	at := place{tenant, path.Last()}
	hash := maphash.String(c.seed, path.String())
	state, met := c.organizations[at]
	if met && state.path != hash {
		c.doubtful[at] = true
	}
	c.organizations[at] = orgState{path: hash, stands: state.stands || itself}
}

// meetOther is meetPath for what no index lists.
func (c *checker) meetOther(tenant roster.TenantID, k key, path roster.OrgPath) {
	at := place{tenant, path.Last()}
	c.others[at] = append(c.others[at], located{k, path})
	c.meetPath(tenant, path, false)
}
