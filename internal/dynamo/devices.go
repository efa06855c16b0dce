package dynamo

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// deviceItem is a device of a user. Its claim, a claimItem that the whole system shares, says whose it is: the two are written
// and removed in one transaction, in which the user's count of devices moves too.
type deviceItem struct {
	head
	TenantID     int32  `dynamodbav:"tenantId"`
	UserID       int64  `dynamodbav:"userId"`
	Platform     string `dynamodbav:"platform"`
	Endpoint     string `dynamodbav:"endpoint"`
	Name         string `dynamodbav:"name,omitempty"`
	RegisteredAt int64  `dynamodbav:"registeredAt"`
}

func toDeviceItem(d *roster.Device) *deviceItem {
	return &deviceItem{
		head:     newHead(deviceKey(d.Tenant, d.User, d.Hash), typeDevice, d.Revision),
		TenantID: int32(d.Tenant), UserID: int64(d.User), Platform: d.Platform.String(), Endpoint: d.Endpoint, Name: d.Name,
		RegisteredAt: millis(d.RegisteredAt),
	}
}

func (i *deviceItem) noun() (roster.Device, error) {
	if err := i.is(typeDevice); err != nil {
		return roster.Device{}, err
	}
	platform, ok := roster.ParsePlatform(i.Platform)
	if !ok {
		return roster.Device{}, fmt.Errorf("item %s %s has the unknown platform %q", i.PK, i.SK, i.Platform)
	}
	hash, ok := parseHash(strings.TrimPrefix(i.SK, devicePrefix))
	if !ok {
		return roster.Device{}, fmt.Errorf("item %s %s has no hash for a key", i.PK, i.SK)
	}
	return roster.Device{
		Tenant: roster.TenantID(i.TenantID), User: roster.UserID(i.UserID), Hash: hash, Platform: platform, Endpoint: i.Endpoint,
		Name: i.Name, RegisteredAt: fromMillis(i.RegisteredAt), Revision: i.revision(),
	}, nil
}

// parseHash reads a hash as keys have it: in 64 hex digits.
func parseHash(digits string) (hash [32]byte, ok bool) {
	if len(digits) != hex.EncodedLen(len(hash)) {
		return hash, false
	}
	_, err := hex.Decode(hash[:], []byte(digits))
	return hash, err == nil
}

// Devices returns the devices of a user, in no particular order: a strongly consistent query of 1 RRU. A user who is not there
// has none.
func (t *Table) Devices(ctx context.Context, tenant roster.TenantID, user roster.UserID) ([]roster.Device, error) {
	consistent, where := true, "pk = :pk AND begins_with(sk, :device)"
	var devices []roster.Device
	err := t.queryAll(ctx, &dynamodb.QueryInput{
		ConsistentRead: &consistent, KeyConditionExpression: &where,
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(userKey(tenant, user).pk), ":device": text(devicePrefix)},
	}, func(attributes map[string]types.AttributeValue) error {
		var item deviceItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		d, err := nounOf(&item)
		devices = append(devices, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	return devices, nil
}

// DeviceByHash returns a device, whoever has it: two strongly consistent reads of 1 RRU. One that nobody has is a KindNotFound
// error.
func (t *Table) DeviceByHash(ctx context.Context, hash roster.DeviceHash) (roster.Device, error) {
	claim, err := t.deviceClaim(ctx, hash)
	if err != nil {
		return roster.Device{}, err
	}
	if claim == nil {
		return roster.Device{}, roster.NotFound("device")
	}
	d, err := t.device(ctx, roster.TenantID(claim.TenantID), roster.UserID(claim.UserID), hash)
	if err != nil {
		return roster.Device{}, err
	}
	if d == nil { // it went in between
		return roster.Device{}, roster.NotFound("device")
	}
	return *d, nil
}

// deviceClaim returns who has a device, nil for nobody.
func (t *Table) deviceClaim(ctx context.Context, hash roster.DeviceHash) (*claimItem, error) {
	var claim claimItem
	found, err := t.get(ctx, deviceClaimKey(hash), true, &claim)
	if err != nil || !found {
		return nil, err
	}
	return &claim, claim.is(typeDeviceClaim)
}

// device returns a device of a user, nil for none.
func (t *Table) device(ctx context.Context, tenant roster.TenantID, user roster.UserID, hash roster.DeviceHash) (*roster.Device, error) {
	var item deviceItem
	found, err := t.get(ctx, deviceKey(tenant, user, hash), true, &item)
	if err != nil || !found {
		return nil, err
	}
	d, err := nounOf(&item)
	return &d, err
}

// registrationPrecision is how exactly a device's RegisteredAt is kept: an app that registers again and again is not written each
// time. It is no longer than it takes to start an app anew, since what registers anew must be seen to: RemoveDevice leaves it.
const registrationPrecision = time.Minute

// RegisterDevice makes the device that d.Hash identifies the user's. If another user has it, of whatever tenant, it moves; the
// user who gets one more than roster.MaxDevices loses the one that registered longest ago, to the minute. The users' DeviceCount
// follows in the same transaction. A zero RegisteredAt is now.
//
// A user who has the device already is not written, and the device only where it says something new or registered a minute ago.
// A user who does not stand is a KindNotFound error. What somebody writes meanwhile makes it begin again, some twelve times.
//
// A new device costs 1 RRU for its claim, 1 for the user and 1 for the user's devices, and 6 WRU of the table; 4 more where one
// goes, 1 RRU and 4 WRU more where it moves. One that is known costs 2 RRU, and 1 WRU where it is written.
func (t *Table) RegisterDevice(ctx context.Context, d roster.Device, stamp roster.Stamp) error {
	if d.RegisteredAt.IsZero() {
		d.RegisteredAt = t.now()
	}
	return t.despiteChanges(ctx, func() error {
		claim, err := t.deviceClaim(ctx, d.Hash)
		if err != nil {
			return err
		}
		if claim != nil && claim.holder() == (owner{d.Tenant, d.User}) {
			known, err := t.device(ctx, d.Tenant, d.User, d.Hash)
			if err != nil {
				return err
			}
			if known != nil {
				return t.refreshDevice(ctx, *known, d, stamp)
			}
		}
		return t.takeDevice(ctx, claim, d, stamp)
	})
}

// refreshDevice writes a device anew that the user has, if there is anything to tell.
func (t *Table) refreshDevice(ctx context.Context, known, d roster.Device, stamp roster.Stamp) error {
	same := d.Platform == known.Platform && d.Endpoint == known.Endpoint && d.Name == known.Name
	if same && d.RegisteredAt.Sub(known.RegisteredAt) < registrationPrecision {
		return nil
	}
	d.Revision = t.nextRevision(known.Revision, stamp)
	return t.putAlone(ctx, toDeviceItem(&d), ifVersion(known.Revision.Version), refusal(roster.VersionChanged("device")))
}

// takeDevice writes a device that the user does not have, and its claim, which is nil where nobody has the device.
func (t *Table) takeDevice(ctx context.Context, claim *claimItem, d roster.Device, stamp roster.Stamp) error {
	before, err := t.User(ctx, d.Tenant, d.User)
	if err != nil {
		return err
	}
	devices, err := t.Devices(ctx, d.Tenant, d.User)
	if err != nil {
		return err
	}
	gone := longestAgo(devices, len(devices)+1-roster.MaxDevices)
	// The user is written even where the count stays: who else changes the user's devices has read them for this version.
	legs, err := t.recountLegs(&before, 1-len(gone), stamp)
	if err != nil {
		return err
	}
	legs = append(legs, t.leavingLegs(gone)...)
	own, err := t.deviceLegs(claim, d, stamp)
	if err != nil {
		return err
	}
	legs = append(legs, own...)
	if claim != nil && claim.holder() != (owner{d.Tenant, d.User}) {
		lost, err := t.losingLegs(ctx, claim.holder(), d, stamp)
		if err != nil {
			return err
		}
		legs = append(legs, lost...)
	}
	return t.transact(ctx, legs...)
}

// longestAgo returns those n of the devices that registered longest ago.
func longestAgo(devices []roster.Device, n int) []roster.Device {
	devices = slices.Clone(devices)
	slices.SortFunc(devices, func(a, b roster.Device) int {
		return cmp.Or(a.RegisteredAt.Compare(b.RegisteredAt), slices.Compare(a.Hash[:], b.Hash[:]))
	})
	return devices[:max(n, 0)]
}

// deviceLegs returns the legs that write a device and its claim, in the place of one that may be there.
func (t *Table) deviceLegs(claim *claimItem, d roster.Device, stamp roster.Stamp) ([]leg, error) {
	d.Revision = t.firstRevision(stamp)
	own, err := t.put(toDeviceItem(&d), ifAbsent(), refusal(roster.VersionChanged("device")))
	if err != nil {
		return nil, err
	}
	revision, when := d.Revision, ifAbsent()
	if claim != nil {
		revision = t.nextRevision(claim.revision(), stamp)
		when = claim.holder().holds()
		when.text += " AND version = :version"
		when.values[":version"] = number(claim.Version)
	}
	claimed, err := t.put(claimItem{
		head: newHead(deviceClaimKey(d.Hash), typeDeviceClaim, revision), TenantID: int32(d.Tenant), UserID: int64(d.User),
	}, when, refusal(roster.VersionChanged("device")))
	return []leg{own, claimed}, err
}

// losingLegs returns the legs by which a user loses a device that becomes another's, by a stamp that does not tell whose.
func (t *Table) losingLegs(ctx context.Context, loser owner, d roster.Device, stamp roster.Stamp) ([]leg, error) {
	legs := []leg{t.remove(deviceKey(loser.tenant, loser.user, d.Hash), condition{}, nil)}
	before, err := t.User(ctx, loser.tenant, loser.user)
	if roster.KindOf(err) == roster.KindNotFound {
		return legs, nil
	}
	if err != nil {
		return nil, err
	}
	// Who has the device now is no business of those who see the loser: the taker may be outside of their tree, or their tenant.
	counted, err := t.recountLegs(&before, -1, roster.Stamp{By: "push", Via: stamp.Via})
	return append(legs, counted...), err
}

// recountLegs returns the leg that writes a user with so many devices more. An import may have brought any count, so what is
// kept is that it moves.
func (t *Table) recountLegs(before *roster.User, more int, stamp roster.Stamp) ([]leg, error) {
	after := *before
	after.DeviceCount = max(before.DeviceCount+more, 0)
	after.UpdatedAt = roster.NextChange(t.now(), before.Revision.ChangedAt)
	_, legs, err := t.rewriteLegs(before, after, stamp)
	return legs, err
}

// legsPerDevice is how many legs leavingLegs returns for each device.
const legsPerDevice = 2

// leavingLegs returns the legs that remove devices and their claims.
func (t *Table) leavingLegs(devices []roster.Device) []leg {
	var legs []leg
	for i := range devices {
		d := &devices[i]
		legs = append(legs, t.remove(deviceKey(d.Tenant, d.User, d.Hash), condition{}, nil), t.unclaimLeg(d))
	}
	return legs
}

// unclaimLeg returns the leg that removes the claim of a device, which must be its user's.
func (t *Table) unclaimLeg(d *roster.Device) leg {
	return t.remove(deviceClaimKey(d.Hash), owner{d.Tenant, d.User}.holds(), refusal(roster.VersionChanged("device")))
}

// sameRegistration reports whether the app of a device has not registered it between two readings. A version is not enough: one that
// went to another user and came back begins with the first again.
func sameRegistration(a, b *roster.Device) bool {
	return a.Endpoint == b.Endpoint && a.Revision.Version == b.Revision.Version && a.Revision.ChangedAt.Equal(b.Revision.ChangedAt)
}

// RemoveDevice takes a device from a user, with its claim, and counts one less, if the device is as it was read: one that its app
// has registered again since, or that the user does not have any more, stays as it is, which is no error. A claim that is not the
// user's stays too. It costs 3 RRU and 6 WRU of the table.
func (t *Table) RemoveDevice(ctx context.Context, d roster.Device) error {
	return t.despiteChanges(ctx, func() error {
		stored, err := t.device(ctx, d.Tenant, d.User, d.Hash)
		if err != nil || stored == nil || !sameRegistration(stored, &d) {
			return err
		}
		claim, err := t.deviceClaim(ctx, d.Hash)
		if err != nil {
			return err
		}
		c := ifVersion(stored.Revision.Version)
		c.text += " AND changedAt = :at"
		c.values[":at"] = number(stored.Revision.ChangedAt.UnixMilli())
		legs := []leg{t.remove(deviceKey(d.Tenant, d.User, d.Hash), c, refusal(roster.VersionChanged("device")))}
		if claim != nil && claim.holder() == (owner{d.Tenant, d.User}) {
			legs = append(legs, t.unclaimLeg(stored))
		}
		before, err := t.User(ctx, d.Tenant, d.User)
		if err == nil {
			var counted []leg
			counted, err = t.recountLegs(&before, -1, roster.Stamp{By: "courier", Via: "push"})
			legs = append(legs, counted...)
		} else if roster.KindOf(err) == roster.KindNotFound {
			err = nil
		}
		if err != nil {
			return err
		}
		return t.transact(ctx, legs...)
	})
}

// leaveDevices returns the legs by which the devices of a user go who is deleted. Where those do not fit into one transaction
// with the user's claims, the devices go before, which is a writing of the user that it returns.
func (t *Table) leaveDevices(ctx context.Context, before roster.User, stamp roster.Stamp) (roster.User, []leg, error) {
	if before.DeviceCount == 0 {
		return before, nil, nil
	}
	devices, err := t.Devices(ctx, before.Tenant, before.ID)
	if err != nil {
		return roster.User{}, nil, err
	}
	legs := t.leavingLegs(devices)
	if len(claimsOf(&before))+len(legs) <= maxClaims {
		return before, legs, nil
	}
	after := before
	after.DeviceCount = max(before.DeviceCount-len(devices), 0)
	after.UpdatedAt = roster.NextChange(t.now(), before.Revision.ChangedAt)
	after, own, err := t.rewriteLegs(&before, after, stamp)
	if err != nil {
		return roster.User{}, nil, err
	}
	return after, nil, t.transact(ctx, append(own, legs...)...)
}

// holder returns who has what is claimed.
func (i *claimItem) holder() owner {
	return owner{roster.TenantID(i.TenantID), roster.UserID(i.UserID)}
}

// holds returns the condition that holds for a claim of that user.
func (o owner) holds() condition {
	return condition{
		text:   "tenantId = :tenant AND userId = :user",
		values: map[string]types.AttributeValue{":tenant": number(o.tenant), ":user": number(o.user)},
	}
}
