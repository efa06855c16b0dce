package dynamo

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// anyInvitation draws an invitation as stored.
func anyInvitation() *rapid.Generator[roster.Invitation] {
	return rapid.Custom(func(t *rapid.T) roster.Invitation {
		u := AnyUser().Draw(t, "like")
		i := roster.Invitation{
			Tenant: u.Tenant, ID: roster.InvitationID(rapid.Int64Range(1, int64(roster.MaxUserID)).Draw(t, "id")),
			Purpose: roster.Purpose(rapid.IntRange(int(roster.PurposeInvite), int(roster.PurposeReset)).Draw(t, "purpose")),
			Path:    u.Path, User: u.ID, Email: u.Email, Locale: u.Locale, InvitedBy: roster.UserID(rapid.Int64Min(0).Draw(t, "by")),
			CreatedAt: u.CreatedAt, ValidUntil: u.Revision.ChangedAt, DeliveredAt: u.RegisteredAt, MessageID: u.Nickname, Reason: u.Title,
			Delivery: roster.Delivery(rapid.IntRange(int(roster.DeliveryQueued), int(roster.DeliveryDropped)).Draw(t, "delivery")),
			Revision: u.Revision,
		}
		if i.Purpose == roster.PurposeSignUp {
			i.User = 0
		}
		return i
	})
}

func anyDevice() *rapid.Generator[roster.Device] {
	return rapid.Custom(func(t *rapid.T) roster.Device {
		u := AnyUser().Draw(t, "like")
		return roster.Device{
			Tenant: u.Tenant, User: u.ID, Hash: roster.HashDevice(roster.PlatformFCM, u.Name), Endpoint: u.Title, Name: u.Nickname,
			Platform:     roster.Platform(rapid.IntRange(int(roster.PlatformFCM), int(roster.PlatformAPNSSandbox)).Draw(t, "platform")),
			RegisteredAt: u.Revision.ChangedAt, Revision: u.Revision,
		}
	})
}

func anyNotification() *rapid.Generator[roster.Notification] {
	return rapid.Custom(func(t *rapid.T) roster.Notification {
		u := AnyUser().Draw(t, "like")
		n := roster.Notification{
			Tenant: u.Tenant, ID: roster.NotificationID(u.ID), User: u.ID, Title: u.Title, Body: u.Name, ImageURL: u.Nickname,
			CreatedAt: u.Revision.ChangedAt, ExpiresAt: anyTime(time.Second).Draw(t, "expires"), Delivery: roster.DeliverySent, Revision: u.Revision,
		}
		for _, name := range list(t, "devices", anyText()) {
			if n.Devices == nil {
				n.Devices = make(map[roster.DeviceHash]roster.DeviceDelivery)
			}
			n.Devices[roster.HashDevice(roster.PlatformAPNS, name)] = roster.DeviceDelivery{Delivery: roster.DeliverySent, MessageID: name}
		}
		return n
	})
}

// survives reads an item back from its attributes.
func survives[Item, Noun any](t *rapid.T, want Noun, item *Item, noun func(*Item) (Noun, error)) map[string]types.AttributeValue {
	attributes, err := encode(item)
	if err != nil {
		t.Fatal(err)
	}
	var read Item
	if err := decode(attributes, &read); err != nil {
		t.Fatal(err)
	}
	got, err := noun(&read)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("read back it differs (-want +got):\n%s", diff)
	}
	return attributes
}

func TestMessagesAndDevicesSurviveTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := anyInvitation().Draw(t, "invitation")
		attributes := survives(t, i, toInvitationItem(&i), (*invitationItem).noun)
		if _, indexed := attributes["orgId"]; indexed == (i.Purpose == roster.PurposeReset) {
			t.Fatalf("an invitation for %v has orgId: %v", i.Purpose, indexed)
		}
		if _, fed := attributes["shard"]; fed {
			t.Fatal("an invitation is in the feed")
		}
		d := anyDevice().Draw(t, "device")
		survives(t, d, toDeviceItem(&d), (*deviceItem).noun)
		n := anyNotification().Draw(t, "notification")
		attributes = survives(t, n, toNotificationItem(&n), (*notificationItem).noun)
		if _, ok := attributes["devices"].(*types.AttributeValueMemberM); !ok {
			t.Fatalf("a notification's devices are %v", attributes["devices"])
		}
	})
}

func TestOutgoingOfTellsWhereTheMessageIs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		i := anyInvitation().Draw(rt, "invitation")
		before := i
		before.ID++
		record := streamed(t, rapid.SampledFrom([]string{eventInsert, eventModify}).Draw(rt, "event"), toInvitationItem(&before), toInvitationItem(&i))
		got, ok, err := OutgoingOf(record)
		if err != nil || ok != (i.Delivery == roster.DeliveryQueued) {
			t.Fatalf("an invitation that is %v gives %v, %v", i.Delivery, ok, err)
		}
		if ok && (*got.Invitation != i.Ref() || got.InvitationID != i.ID || got.Notification != nil) {
			t.Fatalf("it is %+v, want %+v", got, i.Ref())
		}
		if entries := auditOf(t, record); entries != nil {
			t.Fatalf("the audit trail tells %v of it", entries)
		}
		n := anyNotification().Draw(rt, "notification")
		n.Delivery = roster.DeliveryQueued
		record = streamed(t, eventInsert, nil, toNotificationItem(&n))
		got, ok, err = OutgoingOf(record)
		if err != nil || !ok || *got.Notification != n.Ref() || got.Invitation != nil {
			t.Fatalf("it is %+v, %v, %v, want %+v", got, ok, err, n.Ref())
		}
		if entries := auditOf(t, record); entries != nil {
			t.Fatalf("the audit trail tells %v of it", entries)
		}
	})
}

func TestOutgoingOfIsWhatIsNewlyQueued(t *testing.T) {
	at := time.Date(2026, time.May, 4, 3, 2, 1, 0, time.UTC)
	i := roster.Invitation{
		Tenant: 7, ID: 5, Purpose: roster.PurposeInvite, Path: roster.OrgPath{7, 8}, User: 42, Email: "jane@example.com",
		CreatedAt: at, ValidUntil: at.Add(time.Hour), Delivery: roster.DeliveryQueued, Revision: roster.Revision{Version: 1, ChangedAt: at},
	}
	invitation := func(changes ...func(*roster.Invitation)) *invitationItem {
		c := i
		for _, change := range changes {
			change(&c)
		}
		return toInvitationItem(&c)
	}
	sent := func(i *roster.Invitation) { i.Delivery = roster.DeliverySent }
	newer := func(i *roster.Invitation) { i.ID = 6 }
	moved := func(i *roster.Invitation) { i.Path = roster.OrgPath{7} }
	n := roster.Notification{Tenant: 7, ID: 5, User: 42, Title: "T", Body: "B", CreatedAt: at, ExpiresAt: at.Add(time.Hour), Delivery: roster.DeliveryQueued}
	marked := n
	marked.Devices = map[roster.DeviceHash]roster.DeviceDelivery{{1}: {Delivery: roster.DeliverySent}}
	user := richUser()
	unknown := invitation()
	unknown.Purpose = "farewell"
	other := *toUserItem(&user)
	other.Type = "something new"
	for name, tt := range map[string]struct {
		record []byte
		want   bool
	}{
		"a new one":                         {streamed(t, eventInsert, nil, invitation()), true},
		"one asked for again":               {streamed(t, eventModify, invitation(sent), invitation(newer)), true},
		"one asked for again before":        {streamed(t, eventModify, invitation(), invitation(newer)), true},
		"one that was sent":                 {streamed(t, eventModify, invitation(), invitation(sent)), false},
		"one that moved along":              {streamed(t, eventModify, invitation(), invitation(moved)), false},
		"one that is gone":                  {streamed(t, eventRemove, invitation(), nil), false},
		"one of a purpose yet to be":        {streamed(t, eventInsert, nil, unknown), false},
		"a notification":                    {streamed(t, eventInsert, nil, toNotificationItem(&n)), true},
		"a notification tried on a device":  {streamed(t, eventModify, toNotificationItem(&n), toNotificationItem(&marked)), false},
		"a user":                            {streamed(t, eventInsert, nil, toUserItem(&user)), false},
		"an item of another release":        {streamed(t, eventInsert, nil, &other), false},
		"an image that is null is no image": {[]byte(`{"eventName":"REMOVE","dynamodb":{"NewImage":null}}`), false},
	} {
		if _, got, err := OutgoingOf(tt.record); err != nil || got != tt.want {
			t.Errorf("%s gives %v, %v, want %v", name, got, err, tt.want)
		}
	}
}

func TestOutgoingOfRefusesWhatIsNoRecord(t *testing.T) {
	const head = `{"eventName":"INSERT","dynamodb":{"NewImage":{"type":{"S":"invitation"},"delivery":{"S":"queued"},"purpose":{"S":"invite"},`
	for name, record := range map[string]string{
		"nothing":               ``,
		"no object":             `[]`,
		"more than a record":    `{"eventName":"REMOVE"} x`,
		"an unknown event":      `{"eventName":"UPSERT","dynamodb":{"NewImage":{}}}`,
		"no image":              `{"eventName":"INSERT","dynamodb":{"Keys":{}}}`,
		"no path":               head + `"tenantId":{"N":"7"},"reason":{"S":"secret"}}}}`,
		"a tenant of letters":   head + `"tenantId":{"S":"secret"},"path":{"S":"7"}}}}`,
		"a record that breaks ": head + `"reason":{"S":"secret`,
	} {
		got, ok, err := OutgoingOf([]byte(record))
		if err == nil || ok || got != (roster.Outgoing{}) {
			t.Errorf("%s gives %+v, %v, %v", name, got, ok, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s tells what is in the record: %v", name, err)
		}
	}
}

func FuzzOutgoingOf(f *testing.F) {
	n := roster.Notification{Tenant: 7, ID: 5, User: 42, Title: "T", Delivery: roster.DeliveryQueued}
	i := roster.Invitation{Tenant: 7, ID: 5, Purpose: roster.PurposeSignUp, Path: roster.OrgPath{7, 8}, Email: "J@example.com", Delivery: roster.DeliveryQueued}
	for _, event := range []string{eventInsert, eventModify, eventRemove} {
		f.Add(streamed(f, event, toInvitationItem(&i), toNotificationItem(&n)))
		f.Add(streamed(f, event, nil, toInvitationItem(&i)))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		got, ok, err := OutgoingOf(record)
		if pointers := got.Invitation != nil && got.Notification != nil; pointers || err != nil && ok || ok != (got.Invitation != nil || got.Notification != nil) {
			t.Errorf("it gives %+v, %v, %v", got, ok, err)
		}
	})
}
