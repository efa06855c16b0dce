package roster_test

import (
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

func TestADeviceIsKnownByPlatformAndToken(t *testing.T) {
	hashes := map[roster.DeviceHash]string{}
	for _, platform := range []roster.Platform{roster.PlatformFCM, roster.PlatformAPNS, roster.PlatformAPNSSandbox} {
		for _, token := range []string{"", "a", "b", "_SANDBOX", "_SANDBOX\x00a", "\x00a"} {
			hash := roster.HashDevice(platform, token)
			if other, ok := hashes[hash]; ok {
				t.Errorf("%s with %q has the hash of %s", platform, token, other)
			}
			hashes[hash] = platform.String() + " with " + token
			if again := roster.HashDevice(platform, token); again != hash {
				t.Errorf("%s with %q has the hashes %x and %x", platform, token, hash, again)
			}
		}
	}
}

func TestWhereANotificationStands(t *testing.T) {
	n := roster.Notification{Tenant: 7, ID: 5, User: 42, Title: "Alert", Body: "It is hot"}
	if got, want := n.Ref(), (roster.NotificationRef{Tenant: 7, User: 42, ID: 5}); got != want {
		t.Errorf("a notification stands at %+v, want %+v", got, want)
	}
}
