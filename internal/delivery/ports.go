package delivery

import (
	"context"
	"errors"

	"github.com/rosterhq/roster/internal/roster"
)

// Store is the table, as far as messages go. Package dynamo implements it. What is not there is a KindNotFound error.
type Store interface {
	// Invitation returns what stands in a place, even when its time is over. It sees every earlier write.
	Invitation(ctx context.Context, ref roster.InvitationRef) (roster.Invitation, error)
	// PutLink writes where the token of that hash leads.
	PutLink(ctx context.Context, hash roster.LinkHash, link roster.Link) error
	// MarkInvitation notes what became of a mail. An invitation that is not queued any more, or not of that ID, is left alone.
	MarkInvitation(ctx context.Context, ref roster.InvitationRef, id roster.InvitationID, delivery roster.Delivery, messageID, reason string) error
	// Notification returns one whose time is not over. It sees every earlier write.
	Notification(ctx context.Context, ref roster.NotificationRef) (roster.Notification, error)
	// MarkDevice writes a line of the notification's ledger.
	MarkDevice(ctx context.Context, ref roster.NotificationRef, device roster.DeviceHash, d roster.DeviceDelivery) error
	// MarkNotification ends the delivery of a notification. One that is not queued any more is left alone.
	MarkNotification(ctx context.Context, ref roster.NotificationRef, delivery roster.Delivery) error
	// Devices returns all devices of a user.
	Devices(ctx context.Context, tenant roster.TenantID, user roster.UserID) ([]roster.Device, error)
	// RemoveDevice forgets a device, if it is there and has not been registered anew since it was read.
	RemoveDevice(ctx context.Context, d roster.Device) error
	// User and Organization return those that stand.
	User(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error)
	Organization(ctx context.Context, tenant roster.TenantID, id roster.OrgID) (roster.Organization, error)
}

// Mail is a mail to one person, as it will be read.
type Mail struct {
	To      roster.Email
	Subject string
	// Text and HTML are the same message in two forms.
	Text, HTML string
	// Tags come back with what the mail service tells of the mail later.
	Tags []Tag
}

// Tag is a name and a value, each of at most 256 letters, digits, hyphens and underscores.
type Tag struct{ Name, Value string }

// Push is a push message to one device.
type Push struct {
	// Payload is the message as the device's platform wants it, JSON: {"message":{...}} of FCM v1, {"aps":{...}} of APNs.
	Payload string
}

// The errors of Mailer, Pusher and Refusals are logged, and those of messages that are refused are kept: their texts must say
// nothing of a message and of whom it is for. What a service says may quote both.

// Mailer hands mails to a mail service. Package sender implements it.
type Mailer interface {
	// SendMail returns what the service calls the mail. An error in whose chain ErrRefused is will not go away; any other may,
	// and the mail may have been sent all the same.
	SendMail(ctx context.Context, m Mail) (messageID string, err error)
}

// Pusher hands push messages to a push service. Package sender implements it.
type Pusher interface {
	// Push returns what the service calls the message. An error in whose chain ErrRefused is will not go away, one with
	// ErrEndpointGone neither, and says that the device takes no messages any more; any other may go away, and the message may
	// have been sent all the same.
	Push(ctx context.Context, d roster.Device, p Push) (messageID string, err error)
}

// Refusals keeps what will never be sent, for an operator to look at. Package sender implements it.
type Refusals interface {
	Refuse(ctx context.Context, r Refusal) error
}

// Refusal is a message that a service will never take. It holds ids and the reason, nothing of what the message said.
type Refusal struct {
	Tenant roster.TenantID
	// Kind is invite, sign-up, reset or notification, and ID that of the invitation or notification; or record, and ID what the
	// stream calls it, for a record that cannot be read. Of that one nothing else is known.
	Kind, ID string
	// User is who the message was for, zero for a sign-up.
	User roster.UserID
	// Device is the hash of the device in hex, for a notification.
	Device string
	Reason string
}

// What a Mailer or Pusher says of a failure that trying again does not mend.
var (
	ErrRefused      = errors.New("refused for good")
	ErrEndpointGone = errors.New("the endpoint takes no messages any more")
)
