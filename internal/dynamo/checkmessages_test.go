package dynamo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// furnishMessages puts some of every message into a world: user 42, invited, with a link; user 43 with a device, a notification
// and a mail for a new password; a sign-up, counted.
func (w *world) furnishMessages(t *testing.T) {
	t.Helper()
	_, i := w.invite(t, w.child, 42)
	if err := w.PutLink(t.Context(), roster.LinkHash{1}, roster.Link{Ref: i.Ref(), ID: i.ID, ExpiresAt: i.ValidUntil}); err != nil {
		t.Fatal(err)
	}
	user := w.create(t, w.child, 43)
	w.register(t, phone(7, 43, "a"))
	n := news(43)
	n.ID = 5
	w.notify(t, n)
	w.put(t, w.reset(user))
	s := w.signUp(w.child, "stranger@example.com")
	if err := w.PutInvitation(t.Context(), &s, oneQuota(5), rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
}

func TestCheckFindsNothingWhereAllMessagesAreWell(t *testing.T) {
	w := newWorld(t)
	w.furnishMessages(t)
	found, summary := w.found(t)
	if len(found) != 0 {
		t.Errorf("it finds %q", found)
	}
	want := dynamo.Summary{Tenants: 1, Items: map[string]int{
		"organization": 2, "user": 3, "credential": 1, "emailClaim": 3, "clientPointer": 1, "client": 1, "admins": 1,
		"invitation": 3, "link": 1, "device": 1, "deviceClaim": 1, "notification": 1, "quota": 1,
	}}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("the summary is (-want +got):\n%s", diff)
	}
}

// TestCheckFindsInMessages breaks one thing after the other, each in a world of its own.
func TestCheckFindsInMessages(t *testing.T) {
	t.Parallel()
	hash := fmt.Sprintf("%x", phone(7, 43, "a").Hash)
	device, deviceClaim := "T#7#USER#43 DEVICE#"+hash, "DEVICE#"+hash+" CLAIM"
	link := "LINK#01" + strings.Repeat("00", 31) + " LINK"
	const invited, invite, signUp = "T#7#USER#42 USER", "T#7#USER#42 INVITATION", "T#7#SIGNUP#8#stranger@example.com SIGNUP"
	const user, reset, notification = "T#7#USER#43 USER", "T#7#USER#43 RESET", "T#7#USER#43 NOTIFICATION#5"
	quota := "T#7#QUOTA#invitations/8 DAY#"
	today := func(w *world) string { return quota + w.clock.Now().Format(time.DateOnly) }
	change := func(item, name string, value types.AttributeValue) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.putRaw(t, w.raw(t, item), set(name, value)) }
	}
	remove := func(item string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.removeRaw(t, item) }
	}
	move := func(item, name, value string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, item), set(name, text(value)))
			w.removeRaw(t, item)
		}
	}
	for name, tt := range map[string]struct {
		hurt func(*testing.T, *world)
		want []string
	}{
		"an invitation of an active user": {change(invited, "status", text("Active")), []string{"stray invitation: " + invite}},
		"an invitation of a deleted user": {func(t *testing.T, w *world) {
			before, err := w.User(t.Context(), 7, 42)
			if err != nil {
				t.Fatal(err)
			}
			item := w.raw(t, invite)
			if _, err := w.DeleteUser(t.Context(), before, rostertest.Stamp()); err != nil {
				t.Fatal(err)
			}
			w.putRaw(t, item, func(map[string]types.AttributeValue) {})
		}, []string{"stray invitation: " + invite}},
		"an invited user who is gone": {remove(invited), []string{"stray claim: EMAIL#user-42@tenant-7.example.com CLAIM", "stray invitation: " + invite}},
		"a user who is gone": {remove(user), []string{"stray claim: EMAIL#user-43@tenant-7.example.com CLAIM",
			"stray credential: T#7#USER#43 CREDENTIAL", "stray device: " + device, "stray invitation: " + reset}},
		"a reset of nobody whose time is over": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, reset), func(i map[string]types.AttributeValue) {
				i["pk"], i["userId"], i["validUntil"] = text("T#7#USER#99"), number("99"), number("1")
			})
		}, nil},
		"an invitation that stayed behind": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, invite), func(i map[string]types.AttributeValue) { i["path"], i["orgId"] = text("7"), number("7") })
		}, []string{"wrong path: " + invite}},
		"an invitation at a path that is not": {change(signUp, "path", text("7/9/8")), []string{"wrong path: " + signUp}},
		"an invitation to nowhere": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, signUp), func(i map[string]types.AttributeValue) {
				i["pk"], i["path"], i["orgId"] = text("T#7#SIGNUP#99#stranger@example.com"), text("7/99"), number("99")
			})
		}, []string{"missing organization: T#7#SIGNUP#99#stranger@example.com SIGNUP"}},
		"an invitation in no list":              {change(invite, "kind", nil), []string{"wrong attributes: " + invite}},
		"a reset in a list":                     {change(reset, "orgId", number("8")), []string{"wrong attributes: " + reset}},
		"an invitation of another user":         {change(invite, "userId", number("43")), []string{"wrong attributes: " + invite}},
		"a sign-up of another address":          {change(signUp, "email", text("other@example.com")), []string{"wrong attributes: " + signUp}},
		"an invitation of an unknown purpose":   {change(invite, "purpose", text("farewell")), []string{"unreadable item: " + invite}},
		"an invitation of an unknown delivery":  {change(invite, "delivery", text("lost")), []string{"unreadable item: " + invite}},
		"an invitation for ever":                {change(signUp, "expiresAt", nil), []string{"wrong expiry: " + signUp}},
		"a device that nobody claims":           {remove(deviceClaim), []string{"stray device: " + device}},
		"a claim of a device that is gone":      {remove(device), []string{"stray device claim: " + deviceClaim}},
		"a device claimed for another":          {change(deviceClaim, "userId", number("42")), []string{"stray device claim: " + deviceClaim, "stray device: " + device}},
		"a device claimed for another tenant's": {change(deviceClaim, "tenantId", number("8")), []string{"stray device claim: " + deviceClaim, "stray device: " + device}},
		"a device of two": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, device), func(i map[string]types.AttributeValue) { i["pk"], i["userId"] = text("T#7#USER#42"), number("42") })
		}, []string{"stray device: T#7#USER#42 DEVICE#" + hash}},
		"a device of another user":        {change(device, "userId", number("42")), []string{"stray device claim: " + deviceClaim, "wrong attributes: " + device}},
		"a device of an unknown platform": {change(device, "platform", text("PAGER")), []string{"unreadable item: " + device}},
		"a device that will be purged":    {change(device, "expiresAt", number("4000000000")), []string{"wrong expiry: " + device}},
		"a claim under no hash":           {move(deviceClaim, "pk", "DEVICE#1234"), []string{"stray device: " + device, "wrong attributes: DEVICE#1234 CLAIM"}},
		"a link under no hash":            {move(link, "pk", "LINK#1234"), []string{"wrong attributes: LINK#1234 LINK"}},
		"a link to what is gone":          {remove(invite), nil},
		"a link to an unknown purpose":    {change(link, "purpose", text("farewell")), []string{"unreadable item: " + link}},
		"a link for ever":                 {change(link, "expiresAt", nil), []string{"wrong expiry: " + link}},
		"a notification of another user":  {change(notification, "userId", number("42")), []string{"wrong attributes: " + notification}},
		"a notification of another id":    {change(notification, "id", number("6")), []string{"wrong attributes: " + notification}},
		"a notification for ever":         {change(notification, "expiresAt", nil), []string{"wrong expiry: " + notification}},
		"a notification of no delivery":   {change(notification, "delivery", nil), []string{"unreadable item: " + notification}},
		"a notification never changed":    {change(notification, "changedAt", nil), []string{"wrong attributes: " + notification}},
		"a count of nothing": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, today(w)), set("count", number("0")))
		}, []string{"wrong attributes: " + quota}},
		"a count elsewhere": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, today(w)), set("sk", text("WEEK#1")))
		}, []string{"wrong attributes: T#7#QUOTA#invitations/8 WEEK#1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.furnishMessages(t)
			tt.hurt(t, w)
			found, _ := w.found(t)
			for i := range found {
				found[i] = strings.TrimSuffix(found[i], w.clock.Now().Format(time.DateOnly))
			}
			if !slices.Equal(found, tt.want) {
				t.Errorf("it finds\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
