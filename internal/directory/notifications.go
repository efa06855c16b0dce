package directory

import (
	"context"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// notificationLife is how long a push message is kept: longer than a day, after which no more is tried to send it, so that
// somebody can still look at what became of it.
const notificationLife = 7 * 24 * time.Hour

// NotifyUser sends a push message to all devices of a user. The first result is set if that was done before, by the same request
// under the same Once. It needs the permission ORG_NOTIFY_USERS or ORG_EDIT_USERS.
func (d *Directory) NotifyUser(ctx context.Context, p *roster.Principal, form roster.NotificationForm, w roster.Write) (replayed bool, err error) {
	if err := requireAny(p, roster.OrgNotifyUsers, roster.OrgEditUsers); err != nil {
		return false, err
	}
	if err := form.Validate(); err != nil {
		return false, err
	}
	read, err := d.users.User(ctx, p.Tenant, form.User)
	user, err := reachedUser(p, read, err)
	if err != nil {
		return false, err
	}
	_, replayed, err = d.notifications.CreateNotification(ctx, roster.Notification{
		Tenant: p.Tenant, User: user.ID, Title: form.Title, Body: form.Body, ImageURL: form.ImageURL,
		ExpiresAt: d.moment().Add(notificationLife),
	}, stamp(p, &w), w.Once)
	return replayed, err
}
