package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// invitationItem is an invitation as it is stored. It holds no token: a linkItem, which comes later, leads to it by its id.
type invitationItem struct {
	head
	TenantID int32  `dynamodbav:"tenantId"`
	Purpose  string `dynamodbav:"purpose"`
	// OrgID and Kind put it into the index organization. The mail for a new password has neither.
	OrgID     int32  `dynamodbav:"orgId,omitempty"`
	Kind      string `dynamodbav:"kind,omitempty"`
	ID        int64  `dynamodbav:"id"`
	Path      string `dynamodbav:"path"`
	UserID    int64  `dynamodbav:"userId,omitempty"`
	Email     string `dynamodbav:"email"`
	Locale    string `dynamodbav:"locale,omitempty"`
	InvitedBy int64  `dynamodbav:"invitedBy,omitempty"`
	Delivery  string `dynamodbav:"delivery"`
	MessageID string `dynamodbav:"messageId,omitempty"`
	Reason    string `dynamodbav:"reason,omitempty"`

	// The times are in Unix milliseconds, but ExpiresAt, the time to live, in Unix seconds. ValidUntil decides.
	CreatedAt   int64 `dynamodbav:"createdAt,omitempty"`
	ValidUntil  int64 `dynamodbav:"validUntil"`
	DeliveredAt int64 `dynamodbav:"deliveredAt,omitempty"`
	ExpiresAt   int64 `dynamodbav:"expiresAt"`
}

// invitationRetention is how long an invitation is kept when its time is over: until then it can still be told what became of
// its mail, which may come back days later.
const invitationRetention = 30 * 24 * time.Hour

func toInvitationItem(i *roster.Invitation) *invitationItem {
	item := &invitationItem{
		head:     newHead(invitationKey(i.Ref()), typeInvitation, i.Revision),
		TenantID: int32(i.Tenant), Purpose: i.Purpose.String(), ID: int64(i.ID), Path: i.Path.String(), UserID: int64(i.User),
		Email: string(i.Email), Locale: i.Locale, InvitedBy: int64(i.InvitedBy),
		Delivery: i.Delivery.String(), MessageID: i.MessageID, Reason: i.Reason,
		CreatedAt: millis(i.CreatedAt), ValidUntil: millis(i.ValidUntil), DeliveredAt: millis(i.DeliveredAt),
		ExpiresAt: ttl(i.ValidUntil.Add(invitationRetention)),
	}
	if i.Purpose != roster.PurposeReset {
		item.OrgID, item.Kind = int32(i.Org()), kindInvitation
	}
	return item
}

func (i *invitationItem) noun() (roster.Invitation, error) {
	if err := i.is(typeInvitation); err != nil {
		return roster.Invitation{}, err
	}
	path, err := roster.ParseOrgPath(i.Path)
	if err != nil {
		return roster.Invitation{}, fmt.Errorf("item %s %s: %w", i.PK, i.SK, err)
	}
	purpose, ok := roster.ParsePurpose(i.Purpose)
	if !ok {
		return roster.Invitation{}, fmt.Errorf("item %s %s has the unknown purpose %q", i.PK, i.SK, i.Purpose)
	}
	delivery, ok := roster.ParseDelivery(i.Delivery)
	if !ok {
		return roster.Invitation{}, fmt.Errorf("item %s %s has the unknown delivery %q", i.PK, i.SK, i.Delivery)
	}
	return roster.Invitation{
		Tenant: roster.TenantID(i.TenantID), ID: roster.InvitationID(i.ID), Purpose: purpose, Path: path, User: roster.UserID(i.UserID),
		Email: roster.Email(i.Email), Locale: i.Locale, InvitedBy: roster.UserID(i.InvitedBy),
		CreatedAt: fromMillis(i.CreatedAt), ValidUntil: fromMillis(i.ValidUntil),
		Delivery: delivery, DeliveredAt: fromMillis(i.DeliveredAt), MessageID: i.MessageID, Reason: i.Reason, Revision: i.revision(),
	}, nil
}

// newInvitation returns the first writing of an invitation, as it will be stored: queued, with an id and the time if it has
// none.
func (t *Table) newInvitation(i roster.Invitation, stamp roster.Stamp) (roster.Invitation, error) {
	if i.ValidUntil.IsZero() {
		return roster.Invitation{}, errors.New("an invitation without an end")
	}
	if i.ID == 0 {
		i.ID = t.ids.NewInvitationID()
	}
	i.Revision = t.firstRevision(stamp)
	if i.CreatedAt.IsZero() {
		i.CreatedAt = i.Revision.ChangedAt
	}
	i.Delivery, i.DeliveredAt, i.MessageID, i.Reason = roster.DeliveryQueued, time.Time{}, "", ""
	return toInvitationItem(&i).noun()
}

// inviteLeg returns the leg that puts an invitation for a Pending user in the place of any that is there.
func (t *Table) inviteLeg(i roster.Invitation, user *roster.User, stamp roster.Stamp) (leg, error) {
	if user.Status != roster.StatusPending || user.Deleted() {
		return leg{}, fmt.Errorf("an invitation for user %s of tenant %s, who is not Pending", user.ID, user.Tenant)
	}
	i.Purpose, i.Tenant, i.User, i.Path, i.Email = roster.PurposeInvite, user.Tenant, user.ID, user.Path, user.Email
	i, err := t.newInvitation(i, stamp)
	if err != nil {
		return leg{}, err
	}
	return t.put(toInvitationItem(&i), condition{}, nil)
}

// CreateInvitedUser is CreateUser for a Pending user, who has no password, and in the same transaction writes the invitation
// and counts it. Whose and where the invitation is it has from the user, and it is queued whatever it says; a zero ID or
// CreatedAt is assigned. ValidUntil must be set.
//
// A quota that is used up is its KindTooMany error; the other errors are those of CreateUser. It costs 2 WRU of the table for
// the invitation and for each quota more than CreateUser, and 2 less for the password.
func (t *Table) CreateInvitedUser(ctx context.Context, n roster.NewUser, i roster.Invitation, quotas []roster.Quota, stamp roster.Stamp, once *roster.Once) (roster.User, bool, error) {
	n.Credential = nil
	return t.createUser(ctx, n, stamp, once, func(user *roster.User) ([]leg, error) {
		invited, err := t.inviteLeg(i, user, stamp)
		return append([]leg{invited}, t.quotaLegs(quotas)...), err
	})
}

// InviteAgain invites a Pending user who was invited before: in one transaction it replaces before by after, which must be
// Pending too, puts the invitation in the place of any that is there, so that the links of that one end, and counts it. A user
// who says the same after as before is not written, but must still be in the version that was read. It returns the user as
// stored. For the invitation and once see CreateInvitedUser, for the errors UpdateUser too.
//
// It costs 2 WRU of the table for the user, for the invitation and for each quota, and 2 for each KB of the record of a once.
func (t *Table) InviteAgain(ctx context.Context, before, after roster.User, i roster.Invitation, quotas []roster.Quota, stamp roster.Stamp, once *roster.Once) (roster.User, bool, error) {
	if after.Org() != before.Org() {
		if err := t.mustStand(ctx, after.Tenant, after.Path); err != nil {
			return roster.User{}, false, err
		}
	}
	user, legs, err := t.invitedLegs(&before, after, stamp)
	if err != nil {
		return roster.User{}, false, err
	}
	invited, err := t.inviteLeg(i, &user, stamp)
	if err != nil {
		return roster.User{}, false, err
	}
	legs = append(append(legs, invited), t.quotaLegs(quotas)...)
	err = t.transactOnce(ctx, user.Tenant, once, made{user: &user}, t.firstRevision(stamp), legs)
	if first, ok := errors.AsType[*replayed](err); ok {
		return *first.user, true, nil
	}
	if err != nil {
		return roster.User{}, false, err
	}
	return user, false, nil
}

// invitedLegs returns the legs that turn before into after, or only demand the version of one who stays as it is.
func (t *Table) invitedLegs(before *roster.User, after roster.User, stamp roster.Stamp) (roster.User, []leg, error) {
	if sameRecord(before, &after) {
		stands := t.check(userKey(before.Tenant, before.ID), ifVersion(before.Revision.Version), staleUser(before))
		return *before, []leg{stands}, nil
	}
	after.UpdatedAt = roster.NextChange(t.now(), before.Revision.ChangedAt)
	return t.rewriteLegs(before, after, stamp)
}

// PutInvitation writes an invitation in the place of any that is there, whose links end, and counts it, in one transaction;
// with a nil invitation it only counts. *i becomes what is stored: queued, with an ID and CreatedAt where they were zero.
// ValidUntil must be set.
//
// A quota that is used up is its KindTooMany error, an invitation for PurposeInvite of a user who is not Pending is
// KindNotFound, and so is a sign-up for an organization that does not stand. It costs 2 WRU for the invitation and for each
// quota, and for PurposeInvite 2 for the user.
func (t *Table) PutInvitation(ctx context.Context, i *roster.Invitation, quotas []roster.Quota, stamp roster.Stamp) error {
	legs := t.quotaLegs(quotas)
	var stored roster.Invitation
	if i != nil {
		var err error
		if stored, err = t.newInvitation(*i, stamp); err != nil {
			return err
		}
		own, err := t.put(toInvitationItem(&stored), condition{}, nil)
		if err != nil {
			return err
		}
		legs = append(legs, own)
		switch i.Purpose {
		case roster.PurposeInvite:
			legs = append(legs, t.pendingLeg(&stored))
		case roster.PurposeSignUp:
			if err := t.mustStand(ctx, i.Tenant, i.Path); err != nil {
				return err
			}
		}
	}
	if len(legs) == 0 {
		return nil
	}
	if err := t.transact(ctx, legs...); err != nil {
		return err
	}
	if i != nil {
		*i = stored
	}
	return nil
}

// pendingLeg returns the leg that demands that the user of an invitation is Pending, and in the organization that it says.
func (t *Table) pendingLeg(i *roster.Invitation) leg {
	c := ifStatus(roster.StatusPending)
	c.text += " AND #path = :path"
	c.names["#path"], c.values[":path"] = "path", text(i.Path.String())
	return t.check(userKey(i.Tenant, i.User), c, func(found map[string]types.AttributeValue) error {
		if path, ok := found["path"].(*types.AttributeValueMemberS); ok && path.Value != i.Path.String() {
			return roster.VersionChanged("user")
		}
		return roster.NotFound("user")
	})
}

// ifStatus holds for a user who stands and has that status.
func ifStatus(status roster.Status) condition {
	return condition{
		text:  "#status = :status AND attribute_not_exists(deletedAt)",
		names: map[string]string{"#status": "status"}, values: map[string]types.AttributeValue{":status": text(status.String())},
	}
}

// Invitation returns the invitation that stands in a place, even one whose time is over: a strongly consistent read of 1 RRU.
// None is a KindNotFound error.
func (t *Table) Invitation(ctx context.Context, ref roster.InvitationRef) (roster.Invitation, error) {
	var item invitationItem
	found, err := t.get(ctx, invitationKey(ref), true, &item)
	if err != nil {
		return roster.Invitation{}, err
	}
	if !found {
		return roster.Invitation{}, roster.NotFound("invitation")
	}
	return nounOf(&item)
}

// InvitationsOf returns a page of the invitations for one organization and not for those below it, of purpose invite and
// sign-up, in id order: at most limit of those after the given id, without those whose time is over. Next may be set on a page
// of fewer than limit. It reads the index, see UsersOf.
//
// Unlike a user's, an invitation's id is not checked for being free. Two processes that invite in the same millisecond make the
// same one once in 4,096 times; should a page end between those two, the second is on none.
func (t *Table) InvitationsOf(ctx context.Context, tenant roster.TenantID, org roster.OrgID, after roster.InvitationID, limit int) (roster.InvitationPage, error) {
	var page roster.InvitationPage
	now := t.now()
	last, more, err := t.listIndex(ctx, membersQuery(tenant, org, kindInvitation, int64(after)), limit, func(attributes map[string]types.AttributeValue) (int64, error) {
		var item invitationItem
		if err := decode(attributes, &item); err != nil {
			return 0, err
		}
		i, err := nounOf(&item)
		if err != nil {
			return 0, err
		}
		if !i.Expired(now) {
			page.Invitations = append(page.Invitations, i)
		}
		return item.ID, nil
	})
	if err != nil {
		return roster.InvitationPage{}, err
	}
	if more {
		page.Next = roster.InvitationID(last)
	}
	return page, nil
}

// ifInvitation holds where the invitation of that id stands.
func ifInvitation(id roster.InvitationID) condition {
	return condition{text: "id = :id", values: map[string]types.AttributeValue{":id": number(id)}}
}

// RemoveInvitation revokes an invitation: its links end. If it stands no more, or another stands in its place, it is a
// KindNotFound error. It costs 2 WRU.
func (t *Table) RemoveInvitation(ctx context.Context, i roster.Invitation) error {
	return t.transact(ctx, t.remove(invitationKey(i.Ref()), ifInvitation(i.ID), refusal(roster.NotFound("invitation"))))
}

// invitationFollows returns the legs by which a user's invitation follows a change of the user: it ends when the user is
// Pending no more, or has another e-mail address than it was mailed to, and moves along to another organization. Nobody else may have written the invitation meanwhile; whoever
// invites again demands the user's version, and an acceptance changes it.
func (t *Table) invitationFollows(ctx context.Context, before, after *roster.User) ([]leg, error) {
	if before.Status != roster.StatusPending || before.Deleted() {
		return nil, nil
	}
	k := invitationKey(roster.InvitationRef{Tenant: before.Tenant, Purpose: roster.PurposeInvite, User: before.ID})
	if after.Deleted() || after.Status != roster.StatusPending || after.Email.Key() != before.Email.Key() {
		return []leg{t.remove(k, condition{}, nil)}, nil
	}
	if after.Org() == before.Org() {
		return nil, nil
	}
	var item invitationItem
	changed := refusal(roster.VersionChanged("user"))
	found, err := t.get(ctx, k, true, &item)
	if err != nil {
		return nil, err
	}
	if !found {
		return []leg{t.check(k, ifAbsent(), changed)}, nil
	}
	invitation, err := nounOf(&item)
	if err != nil {
		return nil, err
	}
	c := ifVersion(invitation.Revision.Version)
	c.text += " AND id = :id"
	c.values[":id"] = number(invitation.ID)
	invitation.Path = after.Path
	invitation.Revision = t.nextRevision(invitation.Revision, after.Revision.Stamp)
	moved, err := t.put(toInvitationItem(&invitation), c, changed)
	return []leg{moved}, err
}

// MarkInvitation notes what became of the mail of an invitation that is queued, and what the mail service calls it or why it
// did not take it; empty texts are left out. If the invitation is not queued any more, or another stands in its place, there is
// nothing to note. It costs 1 WRU of the table.
func (t *Table) MarkInvitation(ctx context.Context, ref roster.InvitationRef, id roster.InvitationID, delivery roster.Delivery, messageID, reason string) error {
	stamp := roster.Stamp{By: "courier", Via: "mail"}
	return t.markMail(ctx, ref, id, delivery, messageID, reason, stamp, roster.DeliveryQueued)
}

// markMail notes what became of a mail, if the invitation is that one and its delivery one of those given.
func (t *Table) markMail(ctx context.Context, ref roster.InvitationRef, id roster.InvitationID, delivery roster.Delivery, messageID, reason string, stamp roster.Stamp, from ...roster.Delivery) error {
	c := ifInvitation(id)
	set := "SET delivery = :delivery, deliveredAt = :now, changedAt = :now, version = version + :one"
	c.values[":delivery"], c.values[":now"], c.values[":one"] = text(delivery.String()), number(t.now().UnixMilli()), number(1)
	if messageID != "" {
		set += ", messageId = :message"
		c.values[":message"] = text(messageID)
	}
	if reason != "" {
		set += ", reason = :reason"
		c.values[":reason"] = text(cutText(strings.ToValidUTF8(reason, "\uFFFD")))
	}
	in := make([]string, len(from))
	for i, d := range from {
		in[i] = fmt.Sprintf(":from%d", i)
		c.values[in[i]] = text(d.String())
	}
	c.text += " AND delivery IN (" + strings.Join(in, ", ") + ")"
	k := invitationKey(ref)
	if !k.possible() {
		return nil
	}
	return t.update(ctx, k, set+setStamp(stamp, c.values), c, refusal(nil))
}

// RecordFeedback notes what a mail service tells of a mail after it was sent: on the invitation, if it is still that one, and
// on the user, if it stands and still has that address. Where there is nothing to note it is no error. It costs 1 WRU of the
// table for the invitation, and for a user 1 RRU and, where that is news, 1 WRU.
func (t *Table) RecordFeedback(ctx context.Context, f roster.Feedback) error {
	stamp := roster.Stamp{By: "mail", Via: "bounces"}
	err := t.markMail(ctx, f.Ref, f.ID, f.Delivery, "", f.Reason, stamp, roster.DeliveryQueued, roster.DeliverySent)
	if err != nil || f.Ref.User == 0 {
		return err
	}
	err = t.despiteChanges(ctx, func() error {
		user, err := t.User(ctx, f.Ref.Tenant, f.Ref.User)
		if err != nil {
			return err
		}
		after := user
		after.EmailBounced = after.EmailBounced || f.Delivery == roster.DeliveryBounced
		after.EmailComplained = after.EmailComplained || f.Delivery == roster.DeliveryComplained
		if user.Email.Key() != f.Email.Key() || sameRecord(&user, &after) {
			return nil
		}
		_, err = t.UpdateUser(ctx, user, after, stamp)
		return err
	})
	if roster.KindOf(err) == roster.KindNotFound {
		return nil
	}
	return err
}
