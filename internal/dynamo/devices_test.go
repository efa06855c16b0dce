package dynamo_test

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// phone is a user's device with that token.
func phone(tenant roster.TenantID, user roster.UserID, token string) roster.Device {
	return roster.Device{
		Tenant: tenant, User: user, Hash: roster.HashDevice(roster.PlatformFCM, token), Platform: roster.PlatformFCM,
		Endpoint: "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/roster/" + token, Name: "Phone",
	}
}

// register registers a device, or fails the test.
func (w *world) register(t *testing.T, d roster.Device) {
	t.Helper()
	if err := w.RegisterDevice(t.Context(), d, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
}

// device returns a device that a user of tenant 7 has, by its token, or fails the test.
func (w *world) device(t *testing.T, user roster.UserID, token string) roster.Device {
	t.Helper()
	d, err := w.over(t).DeviceByHash(t.Context(), roster.HashDevice(roster.PlatformFCM, token))
	if err != nil || d.Tenant != 7 || d.User != user {
		t.Fatalf("the device of the token %s is %+v, %v, want one of %v", token, d, err, user)
	}
	return d
}

// removeDevice removes whatever device a user of tenant 7 has by a token.
func (w *world) removeDevice(t *testing.T, user roster.UserID, token string) error {
	t.Helper()
	d, err := w.over(t).DeviceByHash(t.Context(), roster.HashDevice(roster.PlatformFCM, token))
	if roster.KindOf(err) == roster.KindNotFound || err == nil && d.User != user {
		return nil
	}
	if err != nil {
		return err
	}
	return w.RemoveDevice(t.Context(), d)
}

// mustHave fails the test unless the user has just those devices, by token, and counts them.
func (w *world) mustHave(t *testing.T, tenant roster.TenantID, id roster.UserID, tokens ...string) {
	t.Helper()
	table := w.over(t)
	devices, err := table.Devices(t.Context(), tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, token := range tokens {
		hash := roster.HashDevice(roster.PlatformFCM, token)
		want = append(want, fmt.Sprintf("%x", hash))
		d, err := table.DeviceByHash(t.Context(), hash)
		if err != nil || d.Tenant != tenant || d.User != id || !slices.ContainsFunc(devices, func(other roster.Device) bool { return cmp.Equal(d, other) }) {
			t.Errorf("the device of the token %s is %+v, %v", token, d, err)
		}
	}
	for _, d := range devices {
		got = append(got, fmt.Sprintf("%x", d.Hash))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("user %v has the devices %q, want %q", id, got, want)
	}
	if user, err := table.User(t.Context(), tenant, id); err != nil || user.DeviceCount != len(tokens) {
		t.Errorf("user %v counts %d devices, %v, want %d", id, user.DeviceCount, err, len(tokens))
	}
}

func TestRegisterDeviceWritesDeviceClaimAndCount(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42)
	before := w.keys(t)
	w.clock.Advance(time.Second)
	d := phone(7, 42, "a")
	w.register(t, d)
	hash := fmt.Sprintf("%x", d.Hash)
	if added, want := w.added(t, before), []string{"DEVICE#" + hash + " CLAIM", "T#7#USER#42 DEVICE#" + hash}; !slices.Equal(added, want) {
		t.Errorf("it left %q, want %q", added, want)
	}
	d.RegisteredAt = w.clock.Now()
	d.Revision = roster.Revision{Version: 1, ChangedAt: w.clock.Now(), Stamp: rostertest.Stamp()}
	if got, err := w.Devices(t.Context(), 7, 42); err != nil || !cmp.Equal(got, []roster.Device{d}) {
		t.Errorf("the devices are %+v, %v, want %+v", got, err, d)
	}
	user.DeviceCount, user.UpdatedAt = 1, w.clock.Now()
	user.Revision = roster.Revision{Version: 2, ChangedAt: w.clock.Now(), Stamp: rostertest.Stamp()}
	if got, err := w.User(t.Context(), 7, 42); err != nil || !cmp.Equal(got, user) {
		t.Errorf("the user is %+v, %v, want %+v", got, err, user)
	}
	_, err := w.DeviceByHash(t.Context(), roster.HashDevice(roster.PlatformAPNS, "a"))
	wantKind(t, "a device that nobody has", err, roster.KindNotFound)
	wantKind(t, "a device of nobody", w.RegisterDevice(t.Context(), phone(7, 99, "b"), rostertest.Stamp()), roster.KindNotFound)
	w.mustHave(t, 7, 42, "a")
	w.mustFit(t)
}

func TestRegisterDeviceAgainWritesOnlyNews(t *testing.T) {
	w := newWorld(t)
	w.create(t, w.child, 42)
	d := phone(7, 42, "a")
	w.register(t, d)
	user := w.raw(t, "T#7#USER#42 USER")["version"]
	version := func() int64 {
		t.Helper()
		got, err := w.DeviceByHash(t.Context(), d.Hash)
		if err != nil {
			t.Fatal(err)
		}
		return got.Revision.Version
	}
	w.clock.Advance(time.Minute - time.Millisecond)
	w.register(t, d)
	if v := version(); v != 1 {
		t.Errorf("the same within a minute makes version %d", v)
	}
	d.Endpoint = "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/roster/new"
	w.register(t, d)
	d.Name = "Tablet"
	w.register(t, d)
	if got, err := w.DeviceByHash(t.Context(), d.Hash); err != nil || got.Revision.Version != 3 || got.Endpoint != d.Endpoint || got.Name != "Tablet" || !got.RegisteredAt.Equal(w.clock.Now()) {
		t.Errorf("with news the device is %+v, %v", got, err)
	}
	w.clock.Advance(time.Minute)
	w.register(t, d)
	if v := version(); v != 4 {
		t.Errorf("a minute later it is in version %d, want 4", v)
	}
	if got := w.raw(t, "T#7#USER#42 USER")["version"]; !cmp.Equal(fmt.Sprint(got), fmt.Sprint(user)) {
		t.Errorf("the user was written for it")
	}
	w.mustHave(t, 7, 42, "a")
}

func TestADeviceMovesWithItsToken(t *testing.T) {
	w := newWorld(t)
	if _, err := w.CreateTenant(t.Context(), rostertest.Tenant(20), rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	w.create(t, w.child, 42)
	w.create(t, w.root, 43)
	w.register(t, phone(7, 42, "a"))
	w.register(t, phone(7, 42, "b"))
	w.register(t, phone(7, 43, "a"))
	w.mustHave(t, 7, 42, "b")
	w.mustHave(t, 7, 43, "a")
	w.register(t, phone(20, 1, "a"))
	w.mustHave(t, 7, 43)
	w.mustHave(t, 20, 1, "a")
	// Who it moved to is not told, neither above or beside the tree of the taker nor in another tenant.
	for _, loser := range []roster.UserID{42, 43} {
		if left, err := w.User(t.Context(), 7, loser); err != nil || left.Revision.Stamp != (roster.Stamp{By: "push", Via: "rostertest"}) {
			t.Errorf("user %v, who lost it, was written by %+v, %v", loser, left.Revision.Stamp, err)
		}
	}
	w.register(t, phone(7, 42, "a"))
	w.mustHave(t, 7, 42, "a", "b")
	w.mustHave(t, 20, 1)
	w.mustFit(t)
}

func TestTheDeviceThatRegisteredLongestAgoMakesRoom(t *testing.T) {
	w := newWorld(t)
	w.create(t, w.child, 42)
	var tokens []string
	for n := range roster.MaxDevices {
		tokens = append(tokens, fmt.Sprint("token ", n))
		w.register(t, phone(7, 42, tokens[n]))
		w.clock.Advance(24 * time.Hour)
	}
	w.mustHave(t, 7, 42, tokens...)
	w.register(t, phone(7, 42, tokens[0])) // which is new again
	w.register(t, phone(7, 42, "new"))
	w.mustHave(t, 7, 42, append(slices.Delete(slices.Clone(tokens), 1, 2), "new")...)
	w.mustFit(t)
}

func TestRemoveDevice(t *testing.T) {
	w := newWorld(t)
	w.create(t, w.child, 42)
	w.create(t, w.child, 43)
	w.register(t, phone(7, 42, "a"))
	w.register(t, phone(7, 42, "b"))
	remove := func(d roster.Device) {
		t.Helper()
		if err := w.RemoveDevice(t.Context(), d); err != nil {
			t.Errorf("removing %s of %v gives %v", d.Endpoint, d.User, err)
		}
	}
	a, b := w.device(t, 42, "a"), w.device(t, 42, "b")
	remove(a)
	remove(a)
	for _, nobody := range []roster.UserID{43, 99} {
		others := b
		others.User = nobody
		remove(others)
	}
	w.mustHave(t, 7, 42, "b")
	w.mustFit(t)
	// One whose user somebody removed by hand goes too.
	w.removeRaw(t, "T#7#USER#42 USER")
	remove(b)
	if devices, err := w.Devices(t.Context(), 7, 42); err != nil || len(devices) != 0 {
		t.Errorf("the devices are %v, %v", devices, err)
	}
}

// TestADeviceThatIsRegisteredAnewIsNotRemoved has a push fail on a device whose app registers before the device is removed for it.
func TestADeviceThatIsRegisteredAnewIsNotRemoved(t *testing.T) {
	w := newWorld(t)
	w.create(t, w.child, 42)
	w.create(t, w.child, 43)
	for name, anew := range map[string]func(){
		"with another endpoint": func() {
			d := phone(7, 42, "a")
			d.Endpoint += "/new"
			w.register(t, d)
		},
		"a minute later": func() { w.clock.Advance(time.Minute); w.register(t, phone(7, 42, "a")) },
		"when another user had it meanwhile": func() {
			w.clock.Advance(time.Second)
			w.register(t, phone(7, 43, "a"))
			w.register(t, phone(7, 42, "a"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.register(t, phone(7, 42, "a"))
			before := w.device(t, 42, "a")
			anew()
			if err := w.RemoveDevice(t.Context(), before); err != nil {
				t.Error(err)
			}
			w.mustHave(t, 7, 42, "a")
			if err := w.removeDevice(t, 42, "a"); err != nil {
				t.Error(err)
			}
			w.mustHave(t, 7, 42)
		})
	}
	t.Run("in the last moment", func(t *testing.T) {
		w.register(t, phone(7, 42, "a"))
		before := w.device(t, 42, "a")
		table := w.over(t, rostertest.WithTransport(&meddler{before: ".TransactWriteItems", meddle: func() {
			w.clock.Advance(time.Minute)
			w.register(t, phone(7, 42, "a"))
		}}))
		if err := table.RemoveDevice(t.Context(), before); err != nil {
			t.Error(err)
		}
		w.mustHave(t, 7, 42, "a")
	})
	w.mustFit(t)
}

// TestADeviceWhoseClaimIsAnothersGoesAlone removes a device that nothing in this package leaves behind.
func TestADeviceWhoseClaimIsAnothersGoesAlone(t *testing.T) {
	w := newWorld(t)
	w.create(t, w.child, 42)
	w.create(t, w.child, 43)
	for _, token := range []string{"a", "b"} {
		w.register(t, phone(7, 42, token))
	}
	a, b := w.device(t, 42, "a"), w.device(t, 42, "b")
	claim := fmt.Sprintf("DEVICE#%x CLAIM", a.Hash)
	w.putRaw(t, w.raw(t, claim), set("userId", number("43")))
	w.removeRaw(t, fmt.Sprintf("DEVICE#%x CLAIM", b.Hash))
	for _, d := range []roster.Device{a, b} {
		if err := w.RemoveDevice(t.Context(), d); err != nil {
			t.Error(err)
		}
	}
	w.mustHave(t, 7, 42)
	if left := w.raw(t, claim)["userId"]; !reflect.DeepEqual(left, number("43")) {
		t.Errorf("the other's claim is %v", left)
	}
}

func TestDevicesGoWithTheirUser(t *testing.T) {
	w := newWorld(t)
	w.create(t, w.child, 42)
	before := w.keys(t)
	for n := range roster.MaxDevices {
		w.register(t, phone(7, 42, fmt.Sprint(n)))
	}
	user, err := w.User(t.Context(), 7, 42)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := w.DeleteUser(t.Context(), user, rostertest.Stamp())
	if err != nil || deleted.DeviceCount != 0 {
		t.Fatalf("deleting gives %v and counts %d", err, deleted.DeviceCount)
	}
	if added := w.added(t, before); len(added) != 0 {
		t.Errorf("it left %q", added)
	}
	wantKind(t, "registering for a deleted user", w.RegisterDevice(t.Context(), phone(7, 42, "a"), rostertest.Stamp()), roster.KindNotFound)
	w.mustFit(t)

	// With more identities than fit beside the devices it takes two writes.
	var identities []roster.Identity
	for n := range 80 {
		identities = append(identities, identity(fmt.Sprint(n)))
	}
	stale := w.create(t, w.child, 43, func(u *roster.User) { u.Identities = identities })
	for n := range roster.MaxDevices {
		w.register(t, phone(7, 43, fmt.Sprint(n)))
	}
	_, err = w.DeleteUser(t.Context(), stale, rostertest.Stamp())
	wantVersionChanged(t, "deleting a user as it was", err)
	if user, err = w.User(t.Context(), 7, 43); err != nil {
		t.Fatal(err)
	}
	if deleted, err = w.DeleteUser(t.Context(), user, rostertest.Stamp()); err != nil || deleted.DeviceCount != 0 || deleted.Revision.Version != user.Revision.Version+2 {
		t.Errorf("deleting gives %+v, %v", deleted, err)
	}
	w.mustFit(t)

	// An import brings counts without devices.
	imported := w.create(t, w.child, 44, func(u *roster.User) { u.DeviceCount = 3 })
	if deleted, err := w.DeleteUser(t.Context(), imported, rostertest.Stamp()); err != nil || deleted.DeviceCount != 3 {
		t.Errorf("deleting an imported user counts %d, %v", deleted.DeviceCount, err)
	}
}

// TestDevicesKeepTheFeedsOrder turns the clock back, so that only the rule that changes never run backwards can help.
func TestDevicesKeepTheFeedsOrder(t *testing.T) {
	w := newWorld(t)
	user := w.create(t, w.child, 42)
	w.clock.Advance(-time.Hour)
	w.register(t, phone(7, 42, "a"))
	got, err := w.User(t.Context(), 7, 42)
	if want := user.Revision.ChangedAt.Add(time.Millisecond); err != nil || !got.Revision.ChangedAt.Equal(want) {
		t.Errorf("the registration is at %v in the feed, %v, want %v", got.Revision.ChangedAt, err, want)
	}
}

// TestOneOfManyGetsADevice lets several users register few tokens at once, again and again, while others remove them.
func TestOneOfManyGetsADevice(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		users, tokens := ids(100, 4), []string{"a", "b", "c"}
		for _, id := range users {
			w.createSoundly(t, w.child, int(id))
		}
		var all sync.WaitGroup
		for _, id := range users {
			for _, token := range tokens {
				all.Go(func() {
					for range 3 {
						if err := w.RegisterDevice(t.Context(), phone(7, id, token), rostertest.Stamp()); err != nil {
							wantAnyKind(t, "registering", err, sound, roster.KindUnavailable)
						}
					}
				})
			}
			all.Go(func() {
				if err := w.removeDevice(t, id, "a"); err != nil {
					wantAnyKind(t, "removing", err, sound, roster.KindUnavailable)
				}
			})
		}
		all.Wait()
		has := make(map[roster.DeviceHash]roster.UserID)
		table := w.over(t)
		for _, id := range users {
			devices, err := table.Devices(t.Context(), 7, id)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range devices {
				if other, taken := has[d.Hash]; taken {
					t.Errorf("user %v and user %v have one device", id, other)
				}
				has[d.Hash] = id
			}
			user, err := table.User(t.Context(), 7, id)
			if err != nil || user.DeviceCount != len(devices) {
				t.Errorf("user %v has %d devices and counts %d, %v", id, len(devices), user.DeviceCount, err)
			}
		}
		if sound && len(has) < 2 { // the third may be the one that was removed last
			t.Errorf("the devices are %v", has)
		}
	})
}

// TestRegisterAgainstDelete deletes users while they register devices.
func TestRegisterAgainstDelete(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		const users = 8
		var all sync.WaitGroup
		for n := range users {
			w.createSoundly(t, w.child, 100+n)
			for d := range 3 {
				all.Go(func() {
					if err := w.RegisterDevice(t.Context(), phone(7, roster.UserID(100+n), fmt.Sprint(n, d)), rostertest.Stamp()); err != nil {
						wantAnyKind(t, "registering", err, sound, roster.KindNotFound, roster.KindUnavailable)
					}
				})
			}
			all.Go(func() {
				if err := w.deleteUser(t, roster.UserID(100+n)); err != nil {
					wantAnyKind(t, "deleting", err, sound, roster.KindNotFound)
				}
			})
		}
		all.Wait()
		for n := range users {
			user, err := w.over(t).UserEvenDeleted(t.Context(), 7, roster.UserID(100+n))
			if err != nil {
				t.Fatal(err)
			}
			devices, err := w.over(t).Devices(t.Context(), 7, user.ID)
			if err != nil || len(devices) != user.DeviceCount || sound && len(devices) > 0 {
				t.Errorf("user %v, deleted %v, counts %d and has %d devices, %v", user.ID, user.Deleted(), user.DeviceCount, len(devices), err)
			}
		}
	})
}

// TestRegisteringThatIsAlwaysTooLateIsUnavailable has somebody write the user at each try.
func TestRegisteringThatIsAlwaysTooLateIsUnavailable(t *testing.T) {
	w := newWorld(t)
	w.create(t, w.child, 42)
	table := w.over(t, rostertest.WithTransport(&meddler{before: ".TransactWriteItems", meddle: func() {
		if _, err := w.changeUser(t, 42, func(u *roster.User) { u.Title += "!" }); err != nil {
			t.Error(err)
		}
	}}))
	wantKind(t, "registering", table.RegisterDevice(t.Context(), phone(7, 42, "a"), rostertest.Stamp()), roster.KindUnavailable)
	w.mustHave(t, 7, 42)
	w.mustFit(t)
}
