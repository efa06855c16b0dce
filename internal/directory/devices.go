package directory

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// RegisterDevice has push messages sent to a device of the user that the token speaks for, from now on, and no more to whoever had
// the device before. A user has at most roster.MaxDevices: the one that was registered longest ago, to the minute, makes room. A device that the
// push service will not have is a KindInvalid error. It needs a token that is user-scoped.
func (d *Directory) RegisterDevice(ctx context.Context, p *roster.Principal, form roster.DeviceForm, w roster.Write) error {
	if err := requireUser(p); err != nil {
		return err
	}
	if err := form.Validate(); err != nil {
		return err
	}
	hash := roster.HashDevice(form.Platform, form.Token)
	// What had the token before has its endpoint, whoever was logged in there: the service keeps one for each token.
	known, err := d.devices.DeviceByHash(ctx, hash)
	if err != nil && roster.KindOf(err) != roster.KindNotFound {
		return err
	}
	endpoint, err := d.endpoints.RegisterEndpoint(ctx, form.Platform, form.Token, known.Endpoint)
	if err != nil {
		return err
	}
	return standing(d.devices.RegisterDevice(ctx, roster.Device{
		Tenant: p.Tenant, User: p.User, Hash: hash, Platform: form.Platform, Endpoint: endpoint, Name: form.Name, RegisteredAt: d.moment(),
	}, stamp(p, &w)))
}
