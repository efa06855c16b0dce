package dynamo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// notificationItem is a push message to a user: the message itself until it expires, and the ledger of its delivery. It is in
// no index.
type notificationItem struct {
	head
	TenantID int32  `dynamodbav:"tenantId"`
	UserID   int64  `dynamodbav:"userId"`
	ID       int64  `dynamodbav:"id"`
	Title    string `dynamodbav:"title,omitempty"`
	Body     string `dynamodbav:"body,omitempty"`
	ImageURL string `dynamodbav:"imageUrl,omitempty"`
	Delivery string `dynamodbav:"delivery"`
	// Devices has the devices that the message was tried on, by hash in hex. It is never left out: an update can add to a map
	// that is there, but not make one.
	Devices map[string]deviceDeliveryItem `dynamodbav:"devices"`
	// CreatedAt is in Unix milliseconds, ExpiresAt, the time to live, in Unix seconds.
	CreatedAt int64 `dynamodbav:"createdAt"`
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// deviceDeliveryItem is a DeviceDelivery inside of a notification's item.
type deviceDeliveryItem struct {
	Delivery  string `dynamodbav:"delivery"`
	MessageID string `dynamodbav:"messageId,omitempty"`
}

// notificationRefItem is a NotificationRef inside of the record of a creation.
type notificationRefItem struct {
	UserID int64 `dynamodbav:"userId"`
	ID     int64 `dynamodbav:"id"`
}

// notificationRetention is how long a notification is kept that does not say: a message to a phone is news or nothing.
const notificationRetention = 7 * 24 * time.Hour

func toNotificationItem(n *roster.Notification) *notificationItem {
	item := &notificationItem{
		head:     newHead(notificationKey(n.Ref()), typeNotification, n.Revision),
		TenantID: int32(n.Tenant), UserID: int64(n.User), ID: int64(n.ID), Title: n.Title, Body: n.Body, ImageURL: n.ImageURL,
		Delivery: n.Delivery.String(), Devices: make(map[string]deviceDeliveryItem),
		CreatedAt: millis(n.CreatedAt), ExpiresAt: ttl(n.ExpiresAt),
	}
	for hash, d := range n.Devices {
		item.Devices[hex.EncodeToString(hash[:])] = deviceDeliveryItem{d.Delivery.String(), d.MessageID}
	}
	return item
}

func (i *notificationItem) noun() (roster.Notification, error) {
	if err := i.is(typeNotification); err != nil {
		return roster.Notification{}, err
	}
	delivery, ok := roster.ParseDelivery(i.Delivery)
	if !ok {
		return roster.Notification{}, fmt.Errorf("item %s %s has the unknown delivery %q", i.PK, i.SK, i.Delivery)
	}
	n := roster.Notification{
		Tenant: roster.TenantID(i.TenantID), ID: roster.NotificationID(i.ID), User: roster.UserID(i.UserID),
		Title: i.Title, Body: i.Body, ImageURL: i.ImageURL, CreatedAt: fromMillis(i.CreatedAt), ExpiresAt: fromTTL(i.ExpiresAt),
		Delivery: delivery, Revision: i.revision(),
	}
	for digits, d := range i.Devices {
		hash, ok := parseHash(digits)
		delivery, known := roster.ParseDelivery(d.Delivery)
		if !ok || !known {
			return roster.Notification{}, fmt.Errorf("item %s %s has the device %q with the delivery %q", i.PK, i.SK, digits, d.Delivery)
		}
		if n.Devices == nil {
			n.Devices = make(map[roster.DeviceHash]roster.DeviceDelivery)
		}
		n.Devices[hash] = roster.DeviceDelivery{Delivery: delivery, MessageID: d.MessageID}
	}
	return n, nil
}

// CreateNotification writes a push message for a user, who is taken to stand, and returns it as stored: queued, and tried on no
// device. A zero ID, CreatedAt and ExpiresAt are assigned, the last a week from then.
//
// For once and the second result see CreateUser; what was created then is returned as it now stands. A given id that is taken
// is KindConflict. It costs 1 WRU per KB of the message; with a once 2, and 2 for its record.
func (t *Table) CreateNotification(ctx context.Context, n roster.Notification, stamp roster.Stamp, once *roster.Once) (roster.Notification, bool, error) {
	var created roster.Notification
	assigned := n.ID == 0
	err := untilFree(func() error {
		if assigned {
			n.ID = t.ids.NewNotificationID()
		}
		var err error
		if created, err = t.newNotification(n, stamp); err != nil {
			return err
		}
		item, taken := toNotificationItem(&created), refusal(idTaken("notification", n.ID, assigned))
		if once == nil {
			return t.putAlone(ctx, item, ifAbsent(), taken)
		}
		own, err := t.put(item, ifAbsent(), taken)
		if err != nil {
			return err
		}
		ref := created.Ref()
		return t.transactOnce(ctx, n.Tenant, once, made{notification: &ref}, created.Revision, []leg{own})
	})
	if first, ok := errors.AsType[*replayed](err); ok {
		created, err = t.Notification(ctx, *first.notification)
		return created, err == nil, err
	}
	if err != nil {
		return roster.Notification{}, false, err
	}
	return created, false, nil
}

// newNotification returns the first writing of a notification, as it will be stored.
func (t *Table) newNotification(n roster.Notification, stamp roster.Stamp) (roster.Notification, error) {
	n.Revision = t.firstRevision(stamp)
	if n.CreatedAt.IsZero() {
		n.CreatedAt = n.Revision.ChangedAt
	}
	if n.ExpiresAt.IsZero() {
		n.ExpiresAt = n.CreatedAt.Add(notificationRetention)
	}
	n.Delivery, n.Devices = roster.DeliveryQueued, nil
	return toNotificationItem(&n).noun()
}

// Notification returns a push message whose time is not over: a strongly consistent read of 1 RRU per 4 KB. None is a
// KindNotFound error.
func (t *Table) Notification(ctx context.Context, ref roster.NotificationRef) (roster.Notification, error) {
	var item notificationItem
	found, err := t.get(ctx, notificationKey(ref), true, &item)
	if err != nil {
		return roster.Notification{}, err
	}
	if !found || !t.now().Before(fromTTL(item.ExpiresAt)) {
		return roster.Notification{}, roster.NotFound("notification")
	}
	return nounOf(&item)
}

// MarkDevice notes in a notification's ledger what became of it on one device. What is noted of a device already stays, and a
// notification that is gone has nothing to note. It costs 1 WRU per KB of the message.
func (t *Table) MarkDevice(ctx context.Context, ref roster.NotificationRef, device roster.DeviceHash, d roster.DeviceDelivery) error {
	noted, err := encode(deviceDeliveryItem{d.Delivery.String(), d.MessageID})
	if err != nil {
		return err
	}
	return t.markNotification(ctx, ref, "devices.#device = :noted", condition{
		text:   "attribute_exists(pk) AND attribute_not_exists(devices.#device)",
		names:  map[string]string{"#device": hex.EncodeToString(device[:])},
		values: map[string]types.AttributeValue{":noted": &types.AttributeValueMemberM{Value: noted}},
	})
}

// MarkNotification notes what became of a notification that is queued. One that is not queued any more, or is gone, has
// nothing to note. It costs 1 WRU per KB of the message.
func (t *Table) MarkNotification(ctx context.Context, ref roster.NotificationRef, delivery roster.Delivery) error {
	return t.markNotification(ctx, ref, "delivery = :delivery", condition{
		text:   "delivery = :queued",
		values: map[string]types.AttributeValue{":delivery": text(delivery.String()), ":queued": text(roster.DeliveryQueued.String())},
	})
}

// markNotification writes what set says to a notification, if the condition holds.
func (t *Table) markNotification(ctx context.Context, ref roster.NotificationRef, set string, c condition) error {
	c.values[":now"], c.values[":one"] = number(t.now().UnixMilli()), number(1)
	set = "SET " + set + ", changedAt = :now, version = version + :one" + setStamp(roster.Stamp{By: "courier", Via: "push"}, c.values)
	return t.update(ctx, notificationKey(ref), set, c, refusal(nil))
}
