package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// devices registers devices of those names for the Admin: the ones whose name begins with i are Apple's.
func (w *world) devices(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		platform := roster.PlatformFCM
		if strings.HasPrefix(name, "i") {
			platform = roster.PlatformAPNS
		}
		err := w.table.RegisterDevice(t.Context(), roster.Device{
			Tenant: tenant, User: w.admin.ID, Hash: roster.HashDevice(platform, name), Platform: platform,
			Endpoint: "arn:aws:sns:eu-west-1:1:endpoint/" + name, Name: name, RegisteredAt: w.clock.Now(),
		}, rostertest.Stamp())
		if err != nil {
			t.Fatal(err)
		}
	}
}

// notified returns a notification to the Admin.
func (w *world) notified(t *testing.T) roster.Notification {
	t.Helper()
	n, _, err := w.table.CreateNotification(t.Context(), roster.Notification{
		Tenant: tenant, User: w.admin.ID, Title: "Device Alert", Body: "Pump 3 has stopped.", ImageURL: "https://example.com/alert.png",
	}, rostertest.Stamp(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func outgoingPush(n roster.Notification) roster.Outgoing {
	ref := n.Ref()
	return roster.Outgoing{Notification: &ref}
}

// ledger returns what became of a notification, on each device by name.
func (w *world) ledger(t *testing.T, n roster.Notification, names ...string) (roster.Delivery, map[string]string) {
	t.Helper()
	got := must[roster.Notification](t)(w.table.Notification(t.Context(), n.Ref()))
	lines := make(map[string]string)
	for _, name := range names {
		for _, platform := range platforms {
			if line, ok := got.Devices[roster.HashDevice(platform, name)]; ok {
				lines[name] = strings.TrimSpace(line.Delivery.String() + " " + line.MessageID)
			}
		}
	}
	if len(lines) != len(got.Devices) {
		t.Errorf("the ledger has more than %v: %v", lines, got.Devices)
	}
	return got.Delivery, lines
}

func TestNotificationIsPushedToEveryDeviceOnce(t *testing.T) {
	w := newWorld(t)
	w.devices(t, "phone", "tablet", "iPhone")
	n := w.notified(t)
	for range 3 {
		w.deliver(t, outgoingPush(n))
	}
	for name, platform := range map[string]roster.Platform{"phone": roster.PlatformFCM, "tablet": roster.PlatformFCM, "iPhone": roster.PlatformAPNS} {
		if len(w.pusher.sent[name]) != 1 {
			t.Fatalf("%s got %d messages, want 1", name, len(w.pusher.sent[name]))
		}
		want := shown{"Device Alert", "Pump 3 has stopped.", "https://example.com/alert.png", n.ID.String()}
		if got := show(t, platform, w.pusher.sent[name][0]); got != want {
			t.Errorf("%s shows %+v, want %+v", name, got, want)
		}
	}
	became, lines := w.ledger(t, n, "phone", "tablet", "iPhone")
	want := map[string]string{"phone": "sent push-to-phone", "tablet": "sent push-to-tablet", "iPhone": "sent push-to-iPhone"}
	if diff := cmp.Diff(want, lines); diff != "" || became != roster.DeliverySent {
		t.Errorf("the notification is %s, its ledger (-want +got)\n%s", became, diff)
	}
	if w.log.Len() > 0 {
		t.Errorf("the log is %s", w.log)
	}
}

func TestDeviceThatIsNewDoesNotGetWhatIsOld(t *testing.T) {
	w := newWorld(t)
	w.devices(t, "phone")
	n := w.notified(t)
	w.deliver(t, outgoingPush(n))
	w.devices(t, "new")
	w.deliver(t, outgoingPush(n))
	if diff := cmp.Diff(map[string]int{"phone": 1}, w.pusher.tried); diff != "" {
		t.Errorf("tries (-want +got)\n%s", diff)
	}
}

func TestOneDeviceDoesNotHoldUpTheOthers(t *testing.T) {
	w := newWorld(t)
	names := []string{"phone", "tablet", "iPhone", "old", "odd"}
	w.devices(t, names...)
	n := w.notified(t)
	w.pusher.errs = map[string]error{"phone": fmt.Errorf("sending: %w", errBroken), "old": errGone, "odd": errRefused}
	w.deliverFails(t, outgoingPush(n))

	became, lines := w.ledger(t, n, names...)
	want := map[string]string{"tablet": "sent push-to-tablet", "iPhone": "sent push-to-iPhone", "old": "dropped", "odd": "refused"}
	if diff := cmp.Diff(want, lines); diff != "" || became != roster.DeliveryQueued {
		t.Errorf("the notification is %s, its ledger (-want +got)\n%s", became, diff)
	}
	odd := roster.HashDevice(roster.PlatformFCM, "odd")
	refused := []delivery.Refusal{{Tenant: tenant, Kind: "notification", ID: n.ID.String(), User: w.admin.ID, Device: fmt.Sprintf("%x", odd[:]), Reason: errRefused.Error()}}
	if diff := cmp.Diff(refused, w.refusals.kept); diff != "" {
		t.Errorf("refusals (-want +got)\n%s", diff)
	}
	var left []string
	for _, device := range must[[]roster.Device](t)(w.table.Devices(t.Context(), tenant, w.admin.ID)) {
		left = append(left, device.Name)
	}
	if slices.Sort(left); !slices.Equal(left, []string{"iPhone", "odd", "phone", "tablet"}) {
		t.Errorf("the devices are %q", left)
	}

	w.pusher.errs["phone"] = nil
	w.deliver(t, outgoingPush(n))
	w.deliver(t, outgoingPush(n))
	became, lines = w.ledger(t, n, names...)
	want["phone"] = "sent push-to-phone"
	if diff := cmp.Diff(want, lines); diff != "" || became != roster.DeliverySent {
		t.Errorf("the notification is %s, its ledger (-want +got)\n%s", became, diff)
	}
	if diff := cmp.Diff(map[string]int{"phone": 2, "tablet": 1, "iPhone": 1, "old": 1, "odd": 1}, w.pusher.tried); diff != "" {
		t.Errorf("tries (-want +got)\n%s", diff)
	}
	log := w.log.String()
	if strings.Count(log, "\n") != 2 || !strings.Contains(log, fmt.Sprintf(`msg="message refused" tenant=7 kind=notification id=%s user=1 device=%x reason=`, n.ID, odd[:])) ||
		!strings.Contains(log, `msg="device dropped" tenant=7 user=1 device=`) {
		t.Errorf("the log is %s", log)
	}
	w.tellsNothing(t, log)
}

func TestWhatBecameOfANotificationOnAllDevices(t *testing.T) {
	for _, test := range []struct {
		name string
		errs map[string]error // by device
		want roster.Delivery
	}{
		{"no device", nil, roster.DeliveryDropped},
		{"one that is gone", map[string]error{"a": errGone}, roster.DeliveryDropped},
		{"one that refuses", map[string]error{"a": errGone, "b": errRefused, "c": errGone}, roster.DeliveryRefused},
		{"one that takes it", map[string]error{"a": errGone, "b": errRefused, "c": nil}, roster.DeliverySent},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			for name := range test.errs {
				w.devices(t, name)
			}
			w.pusher.errs = test.errs
			n := w.notified(t)
			w.deliver(t, outgoingPush(n))
			w.deliver(t, outgoingPush(n))
			if became, _ := w.ledger(t, n, "a", "b", "c"); became != test.want {
				t.Errorf("the notification is %s, want %s", became, test.want)
			}
			for name := range test.errs {
				if w.pusher.tried[name] != 1 {
					t.Errorf("%s was tried %d times, want once", name, w.pusher.tried[name])
				}
			}
		})
	}
}

func TestPushesThatNobodyMayHave(t *testing.T) {
	w := newWorld(t)
	user := rostertest.User(w.admin.Path, 4711)
	if _, _, err := w.table.CreateUser(t.Context(), roster.NewUser{User: user}, rostertest.Stamp(), nil); err != nil {
		t.Fatal(err)
	}
	w.admin.ID = user.ID // whom devices and notified are about
	w.devices(t, "phone")
	late := w.notified(t)
	w.clock.Set(late.ExpiresAt)
	w.deliver(t, outgoingPush(late))
	if w.store.count("Devices") != 0 {
		t.Error("the devices were read for a notification whose time is over")
	}

	before := must[roster.User](t)(w.table.User(t.Context(), tenant, user.ID))
	after := before
	after.Status = roster.StatusSuspended
	suspended := must[roster.User](t)(w.table.UpdateUser(t.Context(), before, after, rostertest.Stamp()))
	n := w.notified(t)
	w.deliver(t, outgoingPush(n))
	if became, _ := w.ledger(t, n); became != roster.DeliveryDropped {
		t.Errorf("the notification of a suspended user is %s", became)
	}

	unsent := w.notified(t)
	must[roster.User](t)(w.table.DeleteUser(t.Context(), suspended, rostertest.Stamp()))
	w.deliver(t, outgoingPush(unsent))
	w.deliver(t, outgoingPush(roster.Notification{Tenant: tenant, User: user.ID, ID: 815})) // purged
	if len(w.pusher.tried) != 0 {
		t.Errorf("pushes were tried: %v", w.pusher.tried)
	}
}

// TestCrashesOfPushes shows the one moment in which a device gets a message twice: between the push and its line.
func TestCrashesOfPushes(t *testing.T) {
	for _, test := range []struct {
		call  string
		tried int // after the crash and one more delivery
	}{
		{"Notification", 1}, {"User", 1}, {"Devices", 1}, {"MarkDevice", 2}, {"MarkNotification", 1},
	} {
		t.Run(test.call, func(t *testing.T) {
			w := newWorld(t)
			w.devices(t, "phone")
			n := w.notified(t)
			w.store.fail(test.call, 1)
			w.deliverFails(t, outgoingPush(n))
			w.deliver(t, outgoingPush(n))
			w.deliver(t, outgoingPush(n))
			if became, _ := w.ledger(t, n, "phone"); became != roster.DeliverySent || w.pusher.tried["phone"] != test.tried {
				t.Errorf("the notification is %s, tried %d times, want %d", became, w.pusher.tried["phone"], test.tried)
			}
		})
	}
	t.Run("RemoveDevice", func(t *testing.T) {
		w := newWorld(t)
		w.devices(t, "phone")
		w.pusher.errs = map[string]error{"phone": errGone}
		n := w.notified(t)
		w.store.fail("RemoveDevice", 1)
		w.deliverFails(t, outgoingPush(n))
		w.deliver(t, outgoingPush(n))
		if became, lines := w.ledger(t, n, "phone"); became != roster.DeliveryDropped || lines["phone"] != "dropped" {
			t.Errorf("the notification is %s, its ledger %v", became, lines)
		}
	})
	t.Run("Refuse", func(t *testing.T) {
		w := newWorld(t)
		w.devices(t, "phone")
		w.pusher.errs = map[string]error{"phone": errRefused}
		n := w.notified(t)
		w.refusals.fail("Refuse", 1)
		w.deliverFails(t, outgoingPush(n))
		if _, lines := w.ledger(t, n, "phone"); len(lines) != 0 {
			t.Errorf("the refusal is marked although nobody would learn why: %v", lines)
		}
		w.deliver(t, outgoingPush(n))
		if became, _ := w.ledger(t, n, "phone"); became != roster.DeliveryRefused || len(w.refusals.kept) != 1 {
			t.Errorf("the notification is %s, and %d refusals were kept", became, len(w.refusals.kept))
		}
	})
}

func TestFourDevicesAreTriedSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crowd := &crowd{devices: 10, marked: make(map[roster.DeviceHash]bool)}
		entered, leave := 0, make(chan struct{})
		pusher := &pusher{wait: func() {
			crowd.mu.Lock()
			entered++
			crowd.mu.Unlock()
			<-leave
		}}
		courier := must[*delivery.Courier](t)(delivery.NewCourier(delivery.Config{
			Store: crowd, Mailer: new(mailer), Pusher: pusher, Refusals: new(refusals), LinkBase: "https://roster.example.com",
		}))
		done := make(chan error, 1)
		go func() {
			done <- courier.Deliver(t.Context(), roster.Outgoing{Notification: &roster.NotificationRef{Tenant: tenant, User: 1, ID: 2}})
		}()
		for left := range crowd.devices {
			synctest.Wait()
			if want := min(left+4, crowd.devices); entered != want {
				t.Errorf("after %d devices %d more are being tried, want %d", left, entered-left, want-left)
			}
			leave <- struct{}{}
		}
		if err := <-done; err != nil {
			t.Errorf("Deliver = %v", err)
		}
		if len(crowd.marked) != crowd.devices || crowd.became != roster.DeliverySent {
			t.Errorf("%d devices are marked, and the notification is %s", len(crowd.marked), crowd.became)
		}
	})
}

// crowd is a store with a notification to a user with that many devices.
type crowd struct {
	delivery.Store
	devices int

	mu     sync.Mutex
	marked map[roster.DeviceHash]bool
	became roster.Delivery
}

func (c *crowd) Notification(_ context.Context, ref roster.NotificationRef) (roster.Notification, error) {
	return roster.Notification{
		Tenant: ref.Tenant, User: ref.User, ID: ref.ID, Title: "Title", Body: "Body", Delivery: roster.DeliveryQueued,
	}, nil
}

func (c *crowd) User(context.Context, roster.TenantID, roster.UserID) (roster.User, error) {
	return roster.User{Status: roster.StatusActive}, nil
}

func (c *crowd) Devices(context.Context, roster.TenantID, roster.UserID) ([]roster.Device, error) {
	devices := make([]roster.Device, c.devices)
	for i := range devices {
		devices[i] = roster.Device{Hash: roster.DeviceHash{byte(i)}, Platform: roster.PlatformFCM, Name: fmt.Sprint(i)}
	}
	return devices, nil
}

func (c *crowd) MarkDevice(_ context.Context, _ roster.NotificationRef, device roster.DeviceHash, _ roster.DeviceDelivery) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marked[device] = true
	return nil
}

func (c *crowd) MarkNotification(_ context.Context, _ roster.NotificationRef, became roster.Delivery) error {
	c.became = became
	return nil
}
