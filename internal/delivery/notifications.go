package delivery

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"

	"github.com/rosterhq/roster/internal/roster"
)

// pushesAtOnce is how many devices of a user are tried side by side.
const pushesAtOnce = 4

// ledger is Notification.Devices.
type ledger = map[roster.DeviceHash]roster.DeviceDelivery

// deliverPush sends a notification to those devices of its user that its ledger has no line for, if it waits to be sent. Each device
// stands for itself: what fails on one keeps no other from being tried and noted. When all have their line, so does the
// notification.
func (c *Courier) deliverPush(ctx context.Context, ref roster.NotificationRef) error {
	n, err := c.store.Notification(ctx, ref)
	if there, err := found(err); err != nil {
		return fmt.Errorf("reading notification %s of tenant %s: %w", ref.ID, ref.Tenant, err)
	} else if !there || n.Delivery != roster.DeliveryQueued {
		return nil
	}
	devices, err := c.devices(ctx, &n)
	if err != nil {
		return fmt.Errorf("reading the devices for notification %s of tenant %s: %w", n.ID, n.Tenant, err)
	}
	lines := maps.Clone(n.Devices)
	if lines == nil {
		lines = make(ledger)
	}
	if err := c.pushAll(ctx, &n, devices, lines); err != nil {
		return fmt.Errorf("notification %s of tenant %s: %w", n.ID, n.Tenant, err)
	}
	return c.markPush(ctx, ref, summary(lines))
}

func (c *Courier) markPush(ctx context.Context, ref roster.NotificationRef, delivery roster.Delivery) error {
	if err := c.store.MarkNotification(ctx, ref, delivery); err != nil {
		return fmt.Errorf("marking notification %s of tenant %s as %s: %w", ref.ID, ref.Tenant, delivery, err)
	}
	return nil
}

// devices returns the devices that a notification is for: none of a user who is gone, or who is suspended and so could not read in
// the app what the message announces.
func (c *Courier) devices(ctx context.Context, n *roster.Notification) ([]roster.Device, error) {
	user, err := c.store.User(ctx, n.Tenant, n.User)
	there, err := found(err)
	if err != nil {
		return nil, err
	}
	if !there || user.Status == roster.StatusSuspended {
		return nil, nil
	}
	return c.store.Devices(ctx, n.Tenant, n.User)
}

// pushAll tries all devices that are not in the ledger yet, and adds the lines of those for which there is a result.
func (c *Courier) pushAll(ctx context.Context, n *roster.Notification, devices []roster.Device, lines ledger) error {
	results := make([]roster.DeviceDelivery, len(devices))
	errs := make([]error, len(devices))
	room := make(chan struct{}, pushesAtOnce)
	var all sync.WaitGroup
	for i := range devices {
		if _, done := lines[devices[i].Hash]; done {
			continue
		}
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			results[i], errs[i] = c.pushTo(ctx, n, &devices[i])
		})
	}
	all.Wait()
	for i, result := range results {
		if result.Delivery != 0 {
			lines[devices[i].Hash] = result
		}
	}
	return errors.Join(errs...)
}

// pushTo sends a notification to one device and writes its line of the ledger.
func (c *Courier) pushTo(ctx context.Context, n *roster.Notification, device *roster.Device) (roster.DeviceDelivery, error) {
	name := hex.EncodeToString(device.Hash[:])
	payload, err := Payload(n, device.Platform)
	if err != nil { // of a platform that this release does not know
		return c.refusePush(ctx, n, device, err)
	}
	messageID, err := c.pusher.Push(ctx, *device, Push{Payload: payload})
	switch {
	case err == nil:
		return c.markDevice(ctx, n, device, roster.DeviceDelivery{Delivery: roster.DeliverySent, MessageID: messageID})
	case errors.Is(err, ErrEndpointGone):
		return c.dropDevice(ctx, n, device, err)
	case errors.Is(err, ErrRefused):
		return c.refusePush(ctx, n, device, err)
	}
	return roster.DeviceDelivery{}, fmt.Errorf("device %s: %w", name, err)
}

// dropDevice forgets a device that takes no messages any more. Its app makes it known again when it registers the next time.
func (c *Courier) dropDevice(ctx context.Context, n *roster.Notification, device *roster.Device, why error) (roster.DeviceDelivery, error) {
	name := hex.EncodeToString(device.Hash[:])
	if err := c.store.RemoveDevice(ctx, *device); err != nil {
		return roster.DeviceDelivery{}, fmt.Errorf("removing device %s: %w", name, err)
	}
	dropped, err := c.markDevice(ctx, n, device, roster.DeviceDelivery{Delivery: roster.DeliveryDropped})
	if err == nil {
		c.log.LogAttrs(ctx, slog.LevelInfo, "device dropped", slog.String("tenant", n.Tenant.String()),
			slog.String("user", n.User.String()), slog.String("device", name), slog.String("reason", why.Error()))
	}
	return dropped, err
}

func (c *Courier) refusePush(ctx context.Context, n *roster.Notification, device *roster.Device, why error) (roster.DeviceDelivery, error) {
	r := Refusal{
		Tenant: n.Tenant, Kind: kindNotification, ID: n.ID.String(), User: n.User,
		Device: hex.EncodeToString(device.Hash[:]), Reason: why.Error(),
	}
	var refused roster.DeviceDelivery
	err := c.settle(ctx, r, r.Reason, func() error {
		var err error
		refused, err = c.markDevice(ctx, n, device, roster.DeviceDelivery{Delivery: roster.DeliveryRefused})
		return err
	})
	return refused, err
}

func (c *Courier) markDevice(ctx context.Context, n *roster.Notification, device *roster.Device, d roster.DeviceDelivery) (roster.DeviceDelivery, error) {
	if err := c.store.MarkDevice(ctx, n.Ref(), device.Hash, d); err != nil {
		return roster.DeviceDelivery{}, fmt.Errorf("marking device %x as %s: %w", device.Hash, d.Delivery, err)
	}
	return d, nil
}

// summary returns what became of a notification: it is sent if any device has it, else refused if that was said of any, else there
// was no device to send it to.
func summary(lines ledger) roster.Delivery {
	became := roster.DeliveryDropped
	for _, line := range lines {
		switch line.Delivery {
		case roster.DeliverySent:
			return roster.DeliverySent
		case roster.DeliveryRefused:
			became = roster.DeliveryRefused
		}
	}
	return became
}
