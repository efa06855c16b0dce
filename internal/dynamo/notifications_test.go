package dynamo_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// news is a push message to a user.
func news(user roster.UserID) roster.Notification {
	return roster.Notification{Tenant: 7, User: user, Title: "A title", Body: "The body that nobody logs", ImageURL: "https://example.com/image.png"}
}

// notify writes a push message, or fails the test.
func (w *world) notify(t *testing.T, n roster.Notification) roster.Notification {
	t.Helper()
	n, replayed, err := w.over(t).CreateNotification(t.Context(), n, rostertest.Stamp(), nil)
	if err != nil || replayed {
		t.Fatalf("notifying gives %v, replayed %v", err, replayed)
	}
	return n
}

func TestNotificationIsKeptForAWeek(t *testing.T) {
	w := newWorld(t)
	w.clock.Advance(time.Millisecond)
	want := news(1)
	got := w.notify(t, want)
	want.ID, want.CreatedAt, want.Delivery = got.ID, w.clock.Now(), roster.DeliveryQueued
	want.ExpiresAt = w.clock.Now().Add(7*24*time.Hour - time.Millisecond + time.Second)
	want.Revision = roster.Revision{Version: 1, ChangedAt: w.clock.Now(), Stamp: rostertest.Stamp()}
	if diff := cmp.Diff(want, got); diff != "" || got.ID == 0 {
		t.Errorf("it differs (-want +got):\n%s", diff)
	}
	if stored, err := w.Notification(t.Context(), got.Ref()); err != nil || !cmp.Equal(stored, got) {
		t.Errorf("stored is %+v, %v, want %+v", stored, err, got)
	}
	for _, ref := range []roster.NotificationRef{{Tenant: 7, User: 2, ID: got.ID}, {Tenant: 8, User: 1, ID: got.ID}, {Tenant: 7, User: 1, ID: got.ID + 1}} {
		_, err := w.Notification(t.Context(), ref)
		wantKind(t, "another", err, roster.KindNotFound)
	}
	given := news(1)
	given.ID, given.Title = got.ID, "Another title"
	_, _, err := w.CreateNotification(t.Context(), given, rostertest.Stamp(), nil)
	wantKind(t, "a taken id", err, roster.KindConflict)
	w.mustFit(t)
	w.clock.Set(got.ExpiresAt)
	_, err = w.Notification(t.Context(), got.Ref())
	wantKind(t, "a week later", err, roster.KindNotFound)
}

func TestTheLedgerOfANotification(t *testing.T) {
	w := newWorld(t)
	n := w.notify(t, news(1))
	sent := roster.DeviceDelivery{Delivery: roster.DeliverySent, MessageID: "message-1"}
	dropped := roster.DeviceDelivery{Delivery: roster.DeliveryDropped}
	a, b := roster.HashDevice(roster.PlatformFCM, "a"), roster.HashDevice(roster.PlatformAPNS, "b")
	mark := func(device roster.DeviceHash, d roster.DeviceDelivery) {
		t.Helper()
		if err := w.MarkDevice(t.Context(), n.Ref(), device, d); err != nil {
			t.Errorf("marking gives %v", err)
		}
	}
	w.clock.Advance(time.Second)
	mark(a, sent)
	mark(b, dropped)
	mark(a, dropped) // which is told already
	for _, delivery := range []roster.Delivery{roster.DeliverySent, roster.DeliveryRefused} {
		if err := w.MarkNotification(t.Context(), n.Ref(), delivery); err != nil {
			t.Errorf("marking gives %v", err)
		}
	}
	want := n
	want.Delivery, want.Devices = roster.DeliverySent, map[roster.DeviceHash]roster.DeviceDelivery{a: sent, b: dropped}
	want.Revision = roster.Revision{Version: 4, ChangedAt: w.clock.Now(), Stamp: roster.Stamp{By: "courier", Via: "push"}}
	got, err := w.Notification(t.Context(), n.Ref())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("it is %v (-want +got):\n%s", err, diff)
	}
	gone := n.Ref()
	gone.ID++
	if err := w.MarkDevice(t.Context(), gone, a, sent); err != nil {
		t.Errorf("marking what is gone gives %v", err)
	}
	if err := w.MarkNotification(t.Context(), gone, roster.DeliverySent); err != nil {
		t.Errorf("marking what is gone gives %v", err)
	}
	w.mustFit(t)
}

// TestManyMarkOneNotification lets couriers that know nothing of each other mark the same devices.
func TestManyMarkOneNotification(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		n := w.notify(t, news(1))
		var all sync.WaitGroup
		for courier := range 4 {
			for device := range 10 {
				all.Go(func() {
					hash := roster.HashDevice(roster.PlatformFCM, fmt.Sprint(device))
					d := roster.DeviceDelivery{Delivery: roster.DeliverySent, MessageID: fmt.Sprint(courier)}
					if err := w.MarkDevice(t.Context(), n.Ref(), hash, d); err != nil {
						wantAnyKind(t, "marking", err, sound)
					}
				})
			}
		}
		all.Wait()
		got, err := w.over(t).Notification(t.Context(), n.Ref())
		if err != nil || sound && (len(got.Devices) != 10 || got.Revision.Version != 11) {
			t.Errorf("it is in version %d with %d devices, %v", got.Revision.Version, len(got.Devices), err)
		}
	})
}

// TestErrorsAboutMessagesTellNothingOfThem breaks the road and the items, and reads what is said about it.
func TestErrorsAboutMessagesTellNothingOfThem(t *testing.T) {
	w, faults := faultyWorld(t)
	n := w.notify(t, news(1))
	tell := func(what string, err error) {
		t.Helper()
		if err == nil || strings.Contains(err.Error(), "nobody logs") || strings.Contains(err.Error(), "A title") {
			t.Errorf("%s gives %v", what, err)
		}
	}
	create := func(o *roster.Once) error {
		_, _, err := w.CreateNotification(t.Context(), news(1), rostertest.Stamp(), o)
		return err
	}
	for _, kind := range []rostertest.FaultKind{rostertest.Throttled, rostertest.LostAnswer, rostertest.ServerError, rostertest.TimedOut} {
		faults.Set(rostertest.Fault{Kind: kind})
		tell("creating", create(nil))
		tell("creating once", create(once(byte(kind), 1)))
	}
	faults.Set()
	item := "T#7#USER#1 NOTIFICATION#" + n.ID.String()
	w.putRaw(t, w.raw(t, item), set("delivery", text("lost")))
	_, err := w.Notification(t.Context(), n.Ref())
	tell("reading", err)
	w.putRaw(t, w.raw(t, item), set("createdAt", text("never")))
	_, err = w.Notification(t.Context(), n.Ref())
	tell("reading", err)
}
