package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// TestWhatThisReleaseCannotReadIsUnreadable spoils an attribute of each item that is read to send something: the error is told from
// that of a table that does not answer.
func TestWhatThisReleaseCannotReadIsUnreadable(t *testing.T) {
	w := newWorld(t)
	user, i := w.invite(t, w.child, 42)
	hash := w.mail(t, i)
	n := w.notify(t, news(42))
	w.register(t, phone(7, 42, "a"))
	d := w.device(t, 42, "a")
	reads := map[string]func() error{
		"T#7#USER#42 INVITATION":                         func() error { _, err := w.Invitation(t.Context(), i.Ref()); return err },
		fmt.Sprintf("T#7#USER#42 NOTIFICATION#%s", n.ID): func() error { _, err := w.Notification(t.Context(), n.Ref()); return err },
		fmt.Sprintf("T#7#USER#42 DEVICE#%x", d.Hash):     func() error { _, err := w.Devices(t.Context(), 7, 42); return err },
		"T#7#USER#42 USER":                               func() error { _, err := w.User(t.Context(), 7, user.ID); return err },
		"T#7#ORG#8 ORG":                                  func() error { _, err := w.Organization(t.Context(), 7, 8); return err },
		fmt.Sprintf("LINK#%x LINK", hash):                func() error { _, err := w.Link(t.Context(), hash); return err },
	}
	for _, test := range []struct {
		item, attribute string
		value           types.AttributeValue
	}{
		{"T#7#USER#42 INVITATION", "purpose", text("later")},
		{"T#7#USER#42 INVITATION", "delivery", text("later")},
		{"T#7#USER#42 INVITATION", "path", text("a/b")},
		{"T#7#USER#42 INVITATION", "validUntil", text("a text")},
		{"T#7#USER#42 INVITATION", "type", text("later")},
		{fmt.Sprintf("T#7#USER#42 NOTIFICATION#%s", n.ID), "delivery", text("later")},
		{fmt.Sprintf("T#7#USER#42 NOTIFICATION#%s", n.ID), "devices", text("a text")},
		{fmt.Sprintf("T#7#USER#42 DEVICE#%x", d.Hash), "platform", text("later")},
		{fmt.Sprintf("T#7#USER#42 DEVICE#%x", d.Hash), "userId", text("a text")},
		{"T#7#USER#42 USER", "status", text("later")},
		{"T#7#USER#42 USER", "path", text("")},
		{"T#7#ORG#8 ORG", "path", text("a")},
		{fmt.Sprintf("LINK#%x LINK", hash), "purpose", text("later")},
	} {
		whole, read := w.raw(t, test.item), reads[test.item]
		if err := read(); err != nil {
			t.Fatalf("%s: %v", test.item, err)
		}
		w.putRaw(t, w.raw(t, test.item), set(test.attribute, test.value))
		if err := read(); !errors.Is(err, roster.ErrUnreadable) || roster.KindOf(err) != roster.KindInternal {
			t.Errorf("%s with another %s gives %v, want ErrUnreadable", test.item, test.attribute, err)
		}
		w.putRaw(t, whole, func(map[string]types.AttributeValue) {})
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := w.User(ended, 7, 42); err == nil || errors.Is(err, roster.ErrUnreadable) {
		t.Errorf("no answer gives %v, which must not be ErrUnreadable", err)
	}
	broken := user
	broken.Status = 99
	if _, err := w.UpdateUser(t.Context(), user, broken, rostertest.Stamp()); err == nil || errors.Is(err, roster.ErrUnreadable) {
		t.Errorf("what cannot be stored gives %v, which must not be ErrUnreadable", err)
	}
}
