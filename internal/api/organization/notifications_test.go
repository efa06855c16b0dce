package organization_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// push is the body of a push message to that user.
func push(user string) string {
	return `{"userId":` + user + `,"title":"Device Alert","body":"It is too warm","imageUrl":"https://example.com/alert.png"}`
}

func TestSendAPushNotification(t *testing.T) {
	w := world.New(t)
	h, log := logged(w.Directory)
	ann := w.As(t, world.AnnAdmin)
	for _, test := range []struct {
		name, body string
		caller     roster.Principal
		status     int
		want       string
	}{
		{"to a user", push("1003"), ann, 204, ""},
		{"to a user further down, in several lines", `{"userId":1009,"title":"Привіт","body":"eins\n\tzwei"}`, ann, 204, ""},
		{"to nobody", push("4711"), ann, 404, "user not found"},
		{"to somebody of another tenant", push("2001"), ann, 404, "user not found"},
		{"by somebody who may not", push("1001"), w.As(t, world.UmaUser), 403, "this needs the permission ORG_NOTIFY_USERS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := send(h, test.caller, "POST", pushPath, test.body)
			if answer.Code != test.status || test.status == 204 && answer.Body.Len() != 0 {
				t.Fatalf("the answer is %d %s, want %d", answer.Code, answer.Body, test.status)
			}
			if test.status != 204 && !strings.Contains(answer.Body.String(), test.want) {
				t.Errorf("the answer is %s, want %q", answer.Body, test.want)
			}
		})
	}
	if strings.Contains(log.String(), "too warm") || strings.Contains(log.String(), "Device Alert") {
		t.Errorf("the log is %s", log)
	}
}

func TestTheSamePushUnderTheSameKeyIsSentOnce(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	ann := w.As(t, world.AnnAdmin)
	for i, replayed := range []string{"", "true", "true"} {
		answer := send(h, ann, "POST", pushPath, push("1003"), "Idempotency-Key", "alert-1")
		if answer.Code != 204 || answer.Header().Get("Idempotency-Replayed") != replayed {
			t.Errorf("answer %d is %d %s %v", i, answer.Code, answer.Body, answer.Header())
		}
	}
	other := send(h, ann, "POST", pushPath, push("1002"), "Idempotency-Key", "alert-1")
	if got := failure(t, other); other.Code != 422 || got != "the idempotency key was used before, for another request" {
		t.Errorf("to another user the answer is %d %q, want 422", other.Code, got)
	}
}

func TestRegisterADevice(t *testing.T) {
	w := world.New(t)
	h, log := logged(w.Directory)
	bea, bob := w.As(t, world.BeaUser), w.As(t, world.BobAdmin)
	devicesOf := func(p roster.Principal) []string {
		devices, err := w.Table.Devices(t.Context(), p.Tenant, p.User)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, d := range devices {
			names = append(names, fmt.Sprint(d.Platform, " ", d.Name, " ", d.Endpoint))
		}
		return names
	}
	for _, test := range []struct {
		name   string
		caller roster.Principal
		body   string
		status int
		want   string
	}{
		{"without more", bea, `{"token":"device-token-1"}`, 204, ""},
		{"again, by its name", bea, `{"token":"device-token-1","platform":"FCM","deviceName":"Bea's phone"}`, 204, ""},
		{"of another platform", bea, `{"token":"device-token-2","platform":"APNS","deviceName":null}`, 204, ""},
		{"of a platform that is not set up", bea, `{"token":"device-token-3","platform":"APNS_SANDBOX"}`, 400, "platform is not set up"},
		{"that the push service does not take", bea, `{"token":"` + world.BadToken + `"}`, 400, "token is not one that the push service takes"},
		{"of nobody", world.Client(world.Birch), `{"token":"device-token-4"}`, 403, "this needs a token that speaks for a user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := send(h, test.caller, "POST", devicePath, test.body)
			if answer.Code != test.status || test.status == 204 && answer.Body.Len() != 0 {
				t.Fatalf("the answer is %d %s, want %d", answer.Code, answer.Body, test.status)
			}
			if test.status != 204 && failure(t, answer) != test.want {
				t.Errorf("the answer is %s, want %q", answer.Body, test.want)
			}
		})
	}
	first, second := world.EndpointOf(roster.PlatformFCM, "device-token-1"), world.EndpointOf(roster.PlatformAPNS, "device-token-2")
	want := map[string]bool{"FCM Bea's phone " + first: true, "APNS  " + second: true}
	got := map[string]bool{}
	for _, name := range devicesOf(bea) {
		got[name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Bea's devices (-want +got)\n%s", diff)
	}
	t.Run("that was somebody else's moves", func(t *testing.T) {
		if answer := send(h, bob, "POST", devicePath, `{"token":"device-token-1"}`); answer.Code != 204 {
			t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
		}
		if diff := cmp.Diff([][]string{{"APNS  " + second}, {"FCM  " + first}}, [][]string{devicesOf(bea), devicesOf(bob)}); diff != "" {
			t.Errorf("the devices of Bea and Bob (-want +got)\n%s", diff)
		}
	})
	if strings.Contains(log.String(), "device-token") || strings.Contains(log.String(), "arn:aws:sns") {
		t.Errorf("the log is %s", log)
	}
	w.Check(t)
}
