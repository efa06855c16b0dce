package directory_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

func alert(u *roster.User) roster.NotificationForm {
	return roster.NotificationForm{User: u.ID, Title: "Device Alert", Body: "It is hot", ImageURL: "https://example.com/alert.png"}
}

// recording remembers the notifications that were created.
type recording struct {
	directory.Notifications
	created []roster.Notification
}

func (r *recording) CreateNotification(ctx context.Context, n roster.Notification, stamp roster.Stamp, once *roster.Once) (roster.Notification, bool, error) {
	created, replayed, err := r.Notifications.CreateNotification(ctx, n, stamp, once)
	if err == nil {
		r.created = append(r.created, created)
	}
	return created, replayed, err
}

func TestNotifyUser(t *testing.T) {
	w := world.New(t)
	r := &recording{Notifications: w.Table}
	d := with(w, func(p *directory.Ports) { p.Notifications = r })
	p, cid := w.As(t, world.BobAdmin), w.User(t, world.CidStaff)
	replayed, err := d.NotifyUser(t.Context(), &p, alert(&cid), write())
	if err != nil || replayed || len(r.created) != 1 {
		t.Fatalf("NotifyUser = %v, %v, with %+v", replayed, err, r.created)
	}
	n := r.created[0]
	want := roster.Notification{
		Tenant: 100, ID: n.ID, User: cid.ID, Title: "Device Alert", Body: "It is hot", ImageURL: "https://example.com/alert.png",
		CreatedAt: world.Now, ExpiresAt: world.Now.Add(7 * 24 * time.Hour), Delivery: roster.DeliveryQueued,
		Revision: roster.Revision{Version: 1, ChangedAt: world.Now, Stamp: roster.Stamp{By: "user:1007", Via: "test", RequestID: "request-2"}},
	}
	if diff := cmp.Diff(want, n); diff != "" || n.ID == 0 {
		t.Errorf("the notification (-want +got)\n%s", diff)
	}
	if stored, err := w.Table.Notification(t.Context(), n.Ref()); err != nil || !cmp.Equal(n, stored) {
		t.Errorf("the notification is stored as %+v, %v", stored, err)
	}
	t.Run("happens once", func(t *testing.T) {
		for times, want := range []bool{false, true, true} {
			replayed, err := d.NotifyUser(t.Context(), &p, alert(&cid), write(once(1, 1)))
			if err != nil || replayed != want || r.created[len(r.created)-1].ID != r.created[1].ID {
				t.Errorf("time %d: %v, %v, want %v", times+1, replayed, err, want)
			}
		}
		if _, err := d.NotifyUser(t.Context(), &p, alert(&cid), write(once(1, 2))); roster.KindOf(err) != roster.KindUnprocessable {
			t.Errorf("with another body: %v, want unprocessable", err)
		}
	})
	w.Check(t)
}

func TestNotifyingNeedsOneOfTwoPermissions(t *testing.T) {
	w := world.New(t)
	cid := w.User(t, world.CidStaff)
	for _, test := range []struct {
		permissions roster.PermissionSet
		want        string
	}{
		{roster.Permissions(roster.OrgNotifyUsers), "done"},
		{roster.Permissions(roster.OrgEditUsers), "done"},
		{roster.AllPermissions, "done"},
		{roster.AllPermissions &^ roster.Permissions(roster.OrgNotifyUsers), "done"},
		{roster.AllPermissions &^ roster.Permissions(roster.OrgNotifyUsers, roster.OrgEditUsers), "forbidden"},
		{0, "forbidden"},
	} {
		p := w.As(t, world.BobAdmin)
		p.Permissions = test.permissions
		_, err := w.Directory.NotifyUser(t.Context(), &p, alert(&cid), write())
		if outcome(err) != test.want || err != nil && err.(*roster.Error).Message != "this needs the permission ORG_NOTIFY_USERS or ORG_EDIT_USERS" {
			t.Errorf("with %v: %v, want %s", test.permissions.Names(), err, test.want)
		}
	}
}

func TestRefusedNotifications(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Birch)
	gone := w.NewUser(t, world.Birch, roster.RoleUser)
	if _, err := w.Table.DeleteUser(t.Context(), gone, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	ann, dot, eve, bea := w.User(t, world.AnnAdmin), w.User(t, world.DotAdmin), w.User(t, world.EveAdmin), w.User(t, world.BeaUser)
	bad := alert(&bea)
	bad.Title, bad.ImageURL = "", "http://example.com"
	for name, test := range map[string]struct {
		form roster.NotificationForm
		want string
	}{
		"above":             {alert(&ann), "not found: user not found"},
		"beside":            {alert(&dot), "not found: user not found"},
		"in another tenant": {alert(&eve), "not found: user not found"},
		"gone":              {alert(&gone), "not found: user not found"},
		"nobody":            {alert(&roster.User{ID: 4711}), "not found: user not found"},
		"invalid":           {bad, "invalid: title must have 1 to 128 characters; imageUrl must be an https address"},
	} {
		cost := rostertest.CostOf(t, func(ctx context.Context) error {
			if _, err := w.Directory.NotifyUser(ctx, &p, test.form, write()); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%s: %v, want %s", name, err, test.want)
			}
			return nil
		})
		if cost.Writes != 0 {
			t.Errorf("%s: refusing wrote, for %+v", name, cost)
		}
	}
	cost := rostertest.CostOf(t, func(ctx context.Context) error {
		_, err := w.Directory.NotifyUser(ctx, &p, alert(&bea), write())
		return err
	})
	if cost.Calls != 2 || cost.Reads != 1 {
		t.Errorf("a notification costs %+v, want one read and one write", cost)
	}
}
