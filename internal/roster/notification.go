package roster

import (
	"crypto/sha256"
	"time"
)

// Notification is a push message to all devices of a user.
type Notification struct {
	Tenant TenantID
	ID     NotificationID
	User   UserID
	Title  string
	Body   string
	// ImageURL is an https address, empty for none.
	ImageURL  string
	CreatedAt time.Time
	// ExpiresAt is when it is purged.
	ExpiresAt time.Time

	Delivery Delivery
	// Devices is the ledger of its delivery: what became of the message on each device that it was tried on. A device that is
	// in it is not tried again.
	Devices map[DeviceHash]DeviceDelivery

	Revision Revision
}

// Ref returns where the notification stands.
func (n *Notification) Ref() NotificationRef {
	return NotificationRef{Tenant: n.Tenant, User: n.User, ID: n.ID}
}

// NotificationID identifies a notification within a tenant: 53 bits, time-ordered, like UserID.
type NotificationID int64

// String returns the id in decimal.
func (id NotificationID) String() string { return UserID(id).String() }

// NotificationRef is the place of a notification.
type NotificationRef struct {
	Tenant TenantID
	User   UserID
	ID     NotificationID
}

// DeviceDelivery is what became of a notification on one device.
type DeviceDelivery struct {
	// Delivery is DeliverySent, DeliveryRefused, or DeliveryDropped for a device that takes messages no more.
	Delivery Delivery
	// MessageID is what the push service calls the message, where it took it.
	MessageID string
}

// Device is an app on a user's phone or browser that push messages can be sent to.
type Device struct {
	Tenant TenantID
	User   UserID
	// Hash identifies the device by the token that the platform gave the app. The token itself is not kept.
	Hash     DeviceHash
	Platform Platform
	// Endpoint is the address of the device at the push service: an ARN of an SNS platform endpoint.
	Endpoint string
	// Name is what the app calls the device, for display; may be empty.
	Name string
	// RegisteredAt is when the app last registered the token, to the minute.
	RegisteredAt time.Time
	Revision     Revision
}

// DeviceHash is the SHA-256 of a platform and the token it gave to an app: see HashDevice.
type DeviceHash [32]byte

// HashDevice returns the hash of a platform's token.
func HashDevice(platform Platform, token string) DeviceHash {
	return sha256.Sum256([]byte(platform.String() + "\x00" + token))
}

// MaxDevices is how many devices a user can have: the one that registered longest ago, to the minute, makes room for a new one.
const MaxDevices = 20

// Platform is a push service that apps get their tokens from.
type Platform uint8

// The platforms.
const (
	PlatformFCM Platform = iota + 1
	PlatformAPNS
	PlatformAPNSSandbox
)

var platformNames = [...]string{PlatformFCM: "FCM", PlatformAPNS: "APNS", PlatformAPNSSandbox: "APNS_SANDBOX"}

// String returns the platform's name, such as "APNS_SANDBOX".
func (p Platform) String() string {
	if int(p) < len(platformNames) {
		return platformNames[p]
	}
	return ""
}

// ParsePlatform returns the platform of that name.
func ParsePlatform(name string) (Platform, bool) {
	for p, n := range platformNames {
		if n != "" && n == name {
			return Platform(p), true
		}
	}
	return 0, false
}

// Outgoing is a message that the table's stream says is to be sent: exactly one of the pointers is set.
type Outgoing struct {
	Invitation *InvitationRef
	// InvitationID is that of the invitation when the stream told of it.
	InvitationID InvitationID
	Notification *NotificationRef
}

// Feedback is what a mail service tells of a mail some time after it was sent.
type Feedback struct {
	// Delivery is DeliveryBounced or DeliveryComplained, or DeliveryRefused for a mail that was taken and not sent after all.
	Delivery Delivery
	// Email is the address that it is about, Ref and ID the invitation that was mailed there.
	Email Email
	Ref   InvitationRef
	ID    InvitationID
	// Reason says why, for people.
	Reason string
}
