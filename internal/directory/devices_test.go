package directory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

func phone(token string) roster.DeviceForm {
	return roster.DeviceForm{Token: token, Platform: roster.PlatformFCM, Name: "Jane's phone"}
}

func TestRegisterDevice(t *testing.T) {
	w := world.New(t)
	uma := w.NewUser(t, world.Acme, roster.RoleUser) // it needs no permission
	p := w.Principal(&uma)
	if err := w.Directory.RegisterDevice(t.Context(), &p, phone("token-1"), write()); err != nil {
		t.Fatal(err)
	}
	devices, err := w.Table.Devices(t.Context(), 100, uma.ID)
	if err != nil || len(devices) != 1 {
		t.Fatalf("the devices are %+v, %v", devices, err)
	}
	endpoint := world.EndpointOf(roster.PlatformFCM, "token-1")
	want := roster.Device{
		Tenant: 100, User: uma.ID, Hash: roster.HashDevice(roster.PlatformFCM, "token-1"), Platform: roster.PlatformFCM, Endpoint: endpoint,
		Name: "Jane's phone", RegisteredAt: world.Now, Revision: devices[0].Revision,
	}
	if diff := cmp.Diff(want, devices[0]); diff != "" {
		t.Errorf("the device (-want +got)\n%s", diff)
	}
	if stamp := (roster.Stamp{By: "user:" + uma.ID.String(), Via: "test", RequestID: "request-2"}); devices[0].Revision.Stamp != stamp {
		t.Errorf("the stamp is %+v, want %+v", devices[0].Revision.Stamp, stamp)
	}
	bea := w.NewUser(t, world.Birch, roster.RoleUser)
	other := w.Principal(&bea)
	for _, step := range []struct {
		caller *roster.Principal
		form   roster.DeviceForm
	}{
		{&p, phone("token-1")},
		{&p, roster.DeviceForm{Token: "token-1", Platform: roster.PlatformAPNS}},
		{&other, phone("token-1")},
	} {
		if err := w.Directory.RegisterDevice(t.Context(), step.caller, step.form, write()); err != nil {
			t.Fatal(err)
		}
	}
	// The push service is told the address that the token had, whoever registered it.
	asked := []world.Registration{
		{Platform: roster.PlatformFCM, Token: "token-1"}, {Platform: roster.PlatformFCM, Token: "token-1", Known: endpoint},
		{Platform: roster.PlatformAPNS, Token: "token-1"}, {Platform: roster.PlatformFCM, Token: "token-1", Known: endpoint},
	}
	if got := w.Registered(); !slices.Equal(got, asked) {
		t.Errorf("the push service was asked %+v, want %+v", got, asked)
	}
	// The device has moved to whoever registered it last.
	for _, test := range []struct {
		user *roster.User
		want roster.Platform
	}{{&uma, roster.PlatformAPNS}, {&bea, roster.PlatformFCM}} {
		devices, err := w.Table.Devices(t.Context(), 100, test.user.ID)
		u, userErr := w.Table.User(t.Context(), 100, test.user.ID)
		if err != nil || userErr != nil || len(devices) != 1 || devices[0].Platform != test.want || u.DeviceCount != 1 {
			t.Errorf("%s has %+v, %v, and counts %d, %v", test.user.Name, devices, err, u.DeviceCount, userErr)
		}
	}
	w.Check(t)
}

func TestRefusedDevices(t *testing.T) {
	w := world.New(t)
	gone := w.NewUser(t, world.Acme, roster.RoleUser)
	if _, err := w.Table.DeleteUser(t.Context(), gone, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	sandbox := phone("token-1")
	sandbox.Platform = roster.PlatformAPNSSandbox
	for _, test := range []struct {
		name   string
		caller roster.Principal
		form   roster.DeviceForm
		want   string
		asked  int
	}{
		{"of a program", world.Client(world.Acme), phone("token-1"), "forbidden: this needs a token that speaks for a user", 0},
		{"of a program, and invalid", world.Client(world.Acme), phone(""), "forbidden: this needs a token that speaks for a user", 0},
		{"invalid", w.As(t, world.UmaUser), roster.DeviceForm{Token: "a b", Name: "a\nb"}, "invalid: token must have at most 4096 visible ASCII characters; platform must be ", 0},
		{"that the service will not have", w.As(t, world.UmaUser), phone(world.BadToken), "invalid: token is not one that the push service takes", 1},
		{"of a platform that is not set up", w.As(t, world.UmaUser), sandbox, "invalid: platform is not set up", 1},
		{"of somebody who is gone", w.Principal(&gone), phone("token-1"), "unauthenticated: the token's user is no longer there", 1},
	} {
		before := len(w.Registered())
		if err := w.Directory.RegisterDevice(t.Context(), &test.caller, test.form, write()); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
		if asked := len(w.Registered()) - before; asked != test.asked {
			t.Errorf("%s: the push service was asked %d times, want %d", test.name, asked, test.asked)
		}
	}
	uma := w.User(t, world.UmaUser)
	if devices, err := w.Table.Devices(t.Context(), 100, uma.ID); err != nil || len(devices) != 0 {
		t.Errorf("the devices are %+v, %v", devices, err)
	}
	w.Check(t)
}

func TestATableThatDoesNotAnswerIsAskedForNoDevice(t *testing.T) {
	w := world.New(t)
	p := w.As(t, world.UmaUser)
	broken := errors.New("no answer")
	d := with(w, func(p *directory.Ports) { p.Devices = lost{w.Table, broken} })
	if err := d.RegisterDevice(t.Context(), &p, phone("token-1"), write()); !errors.Is(err, broken) || len(w.Registered()) != 0 {
		t.Errorf("RegisterDevice = %v, after asking for %v", err, w.Registered())
	}
}

// lost is where no device can be read.
type lost struct {
	directory.Devices
	err error
}

func (l lost) DeviceByHash(context.Context, roster.DeviceHash) (roster.Device, error) {
	return roster.Device{}, l.err
}

func TestManyDevicesAtOnce(t *testing.T) {
	w := world.New(t)
	users := []roster.User{w.NewUser(t, world.Acme, roster.RoleUser), w.NewUser(t, world.Birch, roster.RoleUser)}
	results := together(16, func(i int) error {
		p := w.Principal(&users[i%2])
		return w.Directory.RegisterDevice(t.Context(), &p, phone(fmt.Sprintf("token-%d", i/4)), write())
	})
	for i, err := range results {
		if err != nil && roster.KindOf(err) != roster.KindConflict && roster.KindOf(err) != roster.KindUnavailable {
			t.Errorf("registration %d: %v", i, err)
		}
	}
	seen := map[roster.DeviceHash]bool{}
	for i := range users {
		devices, err := w.Table.Devices(t.Context(), 100, users[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, device := range devices {
			if seen[device.Hash] {
				t.Errorf("two users have the device %x", device.Hash)
			}
			seen[device.Hash] = true
		}
		if u, err := w.Table.User(t.Context(), 100, users[i].ID); err != nil || u.DeviceCount != len(devices) {
			t.Errorf("%s counts %d devices and has %d, %v", u.Name, u.DeviceCount, len(devices), err)
		}
	}
	if len(seen) != 4 {
		t.Errorf("there are %d devices, want 4: %v", len(seen), tally(results))
	}
	w.Check(t)
}
