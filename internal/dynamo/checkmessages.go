package dynamo

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// What Check knows of messages and devices, and of all that stands in a user's partition and goes with the user.

// belonging is an item in a user's partition.
type belonging struct {
	key
	owner
	typ string
	// Of an invitation:
	purpose roster.Purpose
	path    string
	valid   bool
}

// belongingItem is what all belongings have, as they are stored.
type belongingItem struct {
	head
	TenantID   int32  `dynamodbav:"tenantId"`
	UserID     int64  `dynamodbav:"userId"`
	Purpose    string `dynamodbav:"purpose"`
	Path       string `dynamodbav:"path"`
	ValidUntil int64  `dynamodbav:"validUntil"`
}

// lack says why the user cannot have it, nothing where it can: with who it is that has it, for the end of a sentence.
func (b *belonging) lack(user *userState) (FindingKind, string) {
	switch {
	case b.typ == typeCredential && !user.stands():
		return FindingStrayCredential, "is the password of a user " + user.lack("")
	case b.typ == typeDevice && !user.stands():
		return FindingStrayDevice, "is the device of a user " + user.lack("")
	case b.typ != typeInvitation:
		return "", ""
	case b.purpose == roster.PurposeReset && (user.there || !b.valid):
		return "", ""
	case !user.stands() || b.purpose == roster.PurposeInvite && user.user.Status != roster.StatusPending:
		return FindingStrayInvitation, "is the invitation of a user " + user.lack("who is not Pending")
	case b.purpose == roster.PurposeInvite && user.user.Path.String() != b.path:
		return FindingWrongPath, fmt.Sprintf("is at %s, and its user at %s", b.path, user.user.Path)
	default:
		return "", ""
	}
}

// meetBelongings looks at what was met of a user's, which comes before the user by its sort keys.
func (c *checker) meetBelongings(u *roster.User) {
	left := c.belongings[:0]
	for _, b := range c.belongings {
		if b.owner == (owner{u.Tenant, u.ID}) {
			if kind, _ := b.lack(&userState{user: *u, there: true}); kind == "" {
				continue
			}
		}
		left = append(left, b)
	}
	c.belongings = left
}

// leaveBelongings notes what has met no user that it fits to, before an item of that partition.
func (c *checker) leaveBelongings(pk string) {
	if len(c.belongings) == 0 || c.belongings[0].pk == pk {
		return
	}
	for _, b := range c.belongings {
		c.strays = append(c.strays, b.key)
	}
	c.belongings = c.belongings[:0]
}

func (c *checker) settleStrays(ctx context.Context) error {
	for _, k := range c.strays {
		if err := lookAgain(func() (bool, error) { return c.settleStray(ctx, k) }); err != nil {
			return err
		}
	}
	return nil
}

// settleStray looks at something of a user's whose user did not follow, or that it does not fit to.
func (c *checker) settleStray(ctx context.Context, k key) (bool, error) {
	before, err := c.attributes(ctx, k, true)
	if err != nil || before == nil {
		return true, err
	}
	var item belongingItem
	if decode(before, &item) != nil {
		return true, nil // which is a finding of its own
	}
	purpose, _ := roster.ParsePurpose(item.Purpose)
	b := belonging{
		key: k, owner: owner{roster.TenantID(item.TenantID), roster.UserID(item.UserID)}, typ: item.Type,
		purpose: purpose, path: item.Path, valid: c.now().Before(fromMillis(item.ValidUntil)),
	}
	user, err := c.userOf(ctx, b.owner)
	if err != nil || user.unreadable {
		return true, err
	}
	kind, lack := b.lack(&user)
	if kind == "" {
		return true, nil
	}
	after, err := c.attributes(ctx, k, true)
	if err != nil || !reflect.DeepEqual(before, after) {
		return false, err
	}
	return true, c.find(kind, k, "%s", lack)
}

func (c *checker) invitation(i roster.Invitation, attributes map[string]types.AttributeValue) error {
	k := keyOf(attributes)
	if i.Purpose != roster.PurposeReset {
		c.meetPath(i.Tenant, i.Path, false)
	}
	if i.Purpose != roster.PurposeSignUp && k == invitationKey(i.Ref()) {
		c.belongings = append(c.belongings, belonging{
			key: k, owner: owner{i.Tenant, i.User}, typ: typeInvitation, purpose: i.Purpose, path: i.Path.String(), valid: !i.Expired(c.now()),
		})
	}
	return c.attributesOf(attributes, toInvitationItem(&i))
}

// link looks at a link. Where it leads is no matter: it ends with its invitation, and when its time is over.
func (c *checker) link(_ roster.Link, attributes map[string]types.AttributeValue) error {
	k := keyOf(attributes)
	if hash, ok := parseHash(strings.TrimPrefix(k.pk, linkPrefix)); !ok || k != linkKey(hash) {
		return c.find(FindingWrongAttributes, k, "is no place for an item of the type %s", typeLink)
	}
	return nil
}

func (c *checker) quota(i *quotaItem, attributes map[string]types.AttributeValue) error {
	k := keyOf(attributes)
	var tenant roster.TenantID
	day, isDay := strings.CutPrefix(k.sk, dayPrefix)
	counter := ""
	if _, err := fmt.Sscanf(k.pk, "T#%d#QUOTA#", &tenant); err == nil {
		counter, _ = strings.CutPrefix(k.pk, "T#"+tenant.String()+"#QUOTA#")
	}
	if counter == "" || !isDay || day == "" || i.Count < 1 {
		return c.find(FindingWrongAttributes, k, "is no place for an item of the type %s that counts %d", i.Type, i.Count)
	}
	return nil
}

func (c *checker) userDevice(d roster.Device, attributes map[string]types.AttributeValue) error {
	k, who := keyOf(attributes), owner{d.Tenant, d.User}
	if k == deviceKey(d.Tenant, d.User, d.Hash) {
		c.belongings = append(c.belongings, belonging{key: k, owner: who, typ: typeDevice})
	}
	c.meetDevice(deviceClaimKey(d.Hash), party{owner: who, other: true})
	return c.attributesOf(attributes, toDeviceItem(&d))
}

func (c *checker) claimedDevice(i *claimItem, attributes map[string]types.AttributeValue) error {
	k := keyOf(attributes)
	if hash, ok := parseHash(strings.TrimPrefix(k.pk, devicePrefix)); !ok || k != deviceClaimKey(hash) {
		return c.find(FindingWrongAttributes, k, "is no place for an item of the type %s", i.Type)
	}
	c.meetDevice(k, party{owner: i.holder()})
	return nil
}

func (c *checker) notification(n roster.Notification, attributes map[string]types.AttributeValue) error {
	return c.attributesOf(attributes, toNotificationItem(&n))
}

// meetDevice notes a device or its claim, by the key of the claim, or that both were met.
func (c *checker) meetDevice(k key, p party) {
	if !meetParty(c.deviceClaims, k, p) {
		c.doubtfulDevices = append(c.doubtfulDevices, claimDoubt{k, p})
	}
}

func (c *checker) settleDevices(ctx context.Context) error {
	for k, p := range c.deviceClaims {
		c.doubtfulDevices = append(c.doubtfulDevices, claimDoubt{k, p})
	}
	for _, d := range c.doubtfulDevices {
		if err := lookAgain(func() (bool, error) { return c.settleDevice(ctx, d) }); err != nil {
			return err
		}
	}
	return nil
}

// settleDevice looks at a device or a claim whose counterpart was not met, or is another's.
func (c *checker) settleDevice(ctx context.Context, d claimDoubt) (bool, error) {
	hash, _ := parseHash(strings.TrimPrefix(d.key.pk, devicePrefix))
	own, counterpart := d.key, deviceKey(d.tenant, d.user, hash)
	if d.other {
		own, counterpart = counterpart, own
	}
	var before, there, after belongingItem
	if found, err := c.load(ctx, own, &before); err != nil || !found {
		return true, err
	}
	who := owner{roster.TenantID(before.TenantID), roster.UserID(before.UserID)}
	if who != d.owner {
		return true, nil // it is another's by now, and what of it does not fit is met there
	}
	found, err := c.load(ctx, counterpart, &there)
	if err != nil || found && (owner{roster.TenantID(there.TenantID), roster.UserID(there.UserID)}) == who {
		return true, err
	}
	if _, err := c.load(ctx, own, &after); err != nil || before != after {
		return false, err
	}
	if d.other {
		return true, c.find(FindingStrayDevice, own, "is not claimed for user %s of tenant %s", who.user, who.tenant)
	}
	return true, c.find(FindingStrayDeviceClaim, own, "is claimed for user %s of tenant %s, who does not have it", who.user, who.tenant)
}
