package dynamo

import (
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
)

// outgoing reads the item of a message that is to be sent, as a stream record holds it: where it stands, and no more. What the
// message says is skipped, so that it is in no error either.
type outgoing struct {
	scanner
	event    string
	old, new outgoingImage
}

// outgoingImage is what is read of an item, old or new.
type outgoingImage struct {
	there bool

	typ, purpose, delivery, path, email string
	tenant                              int32
	user, id                            int64
}

// OutgoingOf returns which message one record of the table's stream, in the JSON form in which Lambda delivers it, says is to
// be sent. It is a pure function. It reports false for all but an invitation or a notification that was written and is queued;
// for one that was queued already, since an earlier record told of it; and for one of a purpose that this release does not
// know. A record that is none is an error.
//
// The record tells of the past: whether the message is still to be sent only the table knows.
func OutgoingOf(record []byte) (roster.Outgoing, bool, error) {
	o := outgoing{scanner: scanner{text: string(record)}}
	o.object(o.member)
	if o.err == nil && o.peek() != 0 {
		o.fail("the end of the record")
	}
	if o.err != nil {
		return roster.Outgoing{}, false, fmt.Errorf("reading a stream record: %w", o.err)
	}
	switch o.event {
	case eventInsert, eventModify:
	case eventRemove:
		return roster.Outgoing{}, false, nil
	default:
		return roster.Outgoing{}, false, fmt.Errorf("a stream record is of the unknown event %q", o.event)
	}
	if !o.new.there {
		return roster.Outgoing{}, false, fmt.Errorf("a stream record of the event %q lacks an image", o.event)
	}
	return o.message()
}

func (o *outgoing) member(name string) {
	switch name {
	case "eventName":
		o.event = o.string()
	case "dynamodb":
		o.object(func(name string) {
			switch {
			case name == "NewImage" && o.peek() == '{':
				o.image(&o.new)
			case name == "OldImage" && o.peek() == '{':
				o.image(&o.old)
			default:
				o.skip()
			}
		})
	default:
		o.skip()
	}
}

// image reads the item that must be next.
func (o *outgoing) image(i *outgoingImage) {
	i.there = true
	o.object(func(name string) {
		switch name {
		case "type":
			i.typ = o.stringValue()
		case "delivery":
			i.delivery = o.stringValue()
		case "purpose":
			i.purpose = o.stringValue()
		case "tenantId":
			i.tenant = o.int32Value()
		case "userId":
			i.user = o.int64Value()
		case "id":
			i.id = o.int64Value()
		case "path":
			i.path = o.stringValue()
		case "email":
			i.email = o.stringValue()
		default:
			o.skip()
		}
	})
}

// message returns what the item is, if it is to be sent.
func (o *outgoing) message() (roster.Outgoing, bool, error) {
	i := &o.new
	if !i.queued() || o.old.queued() && o.old.id == i.id {
		return roster.Outgoing{}, false, nil
	}
	if o.mismatch != nil {
		return roster.Outgoing{}, false, fmt.Errorf("a stream record of the type %s: %w", i.typ, o.mismatch)
	}
	tenant, user := roster.TenantID(i.tenant), roster.UserID(i.user)
	if i.typ == typeNotification {
		ref := roster.NotificationRef{Tenant: tenant, User: user, ID: roster.NotificationID(i.id)}
		return roster.Outgoing{Notification: &ref}, true, nil
	}
	purpose, ok := roster.ParsePurpose(i.purpose)
	if !ok {
		return roster.Outgoing{}, false, nil
	}
	path, ok := appendPath(nil, i.path)
	if !ok {
		return roster.Outgoing{}, false, fmt.Errorf("a stream record of the type %s has the path %q", i.typ, i.path)
	}
	invitation := roster.Invitation{Tenant: tenant, Purpose: purpose, Path: path, User: user, Email: roster.Email(i.email)}
	ref := invitation.Ref()
	return roster.Outgoing{Invitation: &ref, InvitationID: roster.InvitationID(i.id)}, true, nil
}

// queued reports whether the item is a message that is not sent yet.
func (i *outgoingImage) queued() bool {
	return (i.typ == typeInvitation || i.typ == typeNotification) && i.delivery == roster.DeliveryQueued.String()
}
