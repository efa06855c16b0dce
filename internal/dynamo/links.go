package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// linkItem is what the token of a mail leads to. Its key is the token's hash; the token itself is in the mail and nowhere else.
type linkItem struct {
	head
	TenantID     int32  `dynamodbav:"tenantId"`
	Purpose      string `dynamodbav:"purpose"`
	UserID       int64  `dynamodbav:"userId,omitempty"`
	Organization int32  `dynamodbav:"organization,omitempty"`
	Email        string `dynamodbav:"email,omitempty"`
	InvitationID int64  `dynamodbav:"invitationId"`
	// ExpiresAt is the time to live, in Unix seconds.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

func (i *linkItem) noun() (roster.Link, error) {
	if err := i.is(typeLink); err != nil {
		return roster.Link{}, err
	}
	purpose, ok := roster.ParsePurpose(i.Purpose)
	if !ok {
		return roster.Link{}, fmt.Errorf("a link has the unknown purpose %q", i.Purpose)
	}
	return roster.Link{
		Ref: roster.InvitationRef{
			Tenant: roster.TenantID(i.TenantID), Purpose: purpose, User: roster.UserID(i.UserID),
			Org: roster.OrgID(i.Organization), Email: roster.Email(i.Email),
		},
		ID: roster.InvitationID(i.InvitationID), ExpiresAt: fromTTL(i.ExpiresAt),
	}, nil
}

// PutLink writes where the token of that hash leads. The token must be new. It costs 1 WRU.
func (t *Table) PutLink(ctx context.Context, hash roster.LinkHash, link roster.Link) error {
	return t.putAlone(ctx, linkItem{
		head:     newHead(linkKey(hash), typeLink, t.firstRevision(roster.Stamp{By: "courier", Via: "mail"})),
		TenantID: int32(link.Ref.Tenant), Purpose: link.Ref.Purpose.String(), UserID: int64(link.Ref.User),
		Organization: int32(link.Ref.Org), Email: link.Ref.Email.Key(), InvitationID: int64(link.ID), ExpiresAt: ttl(link.ExpiresAt),
	}, condition{}, nil)
}

// Link returns where the token of that hash leads: a strongly consistent read of 1 RRU. None, or one whose time is over, is a
// KindNotFound error. Its ExpiresAt comes back rounded up to the second; the invitation knows better.
func (t *Table) Link(ctx context.Context, hash roster.LinkHash) (roster.Link, error) {
	var item linkItem
	found, err := t.get(ctx, linkKey(hash), true, &item)
	if err != nil {
		return roster.Link{}, err
	}
	if !found || !t.now().Before(fromTTL(item.ExpiresAt)) {
		return roster.Link{}, roster.NotFound("link")
	}
	return nounOf(&item)
}

// AcceptInvitation uses up an invitation for PurposeInvite or PurposeReset, in one transaction: the invitation and the link go,
// after takes the place of before, and the password becomes c's, whose Tenant and User are taken from the user, and a zero
// ChangedAt is now. UpdatedAt becomes the time of the change, and what was known of mail to the address ends, since a mail to it
// was read. It returns the user as stored. A stamp By nobody becomes the user's own.
//
// An invitation that stands no more, that another stands in the place of, or whose time is over, is roster.DeadLink: of many
// who accept it at the same moment one succeeds, and the others get that. So is one of a user who is gone, or who has another
// address than the one that it was mailed to, and one for PurposeReset of a user whose password was set after its CreatedAt. A user
// that somebody wrote meanwhile is roster.VersionChanged, one who would be the last Admin and no more roster.LastAdmin.
//
// The first password of an invited user is part of the acceptance, which the audit trail tells by the user's change; a
// password that replaces another, or that a mail for a new one led to, has an entry of its own, see AuditOf. A user who says the
// same after as before is not written, but must stand and have the same address and status. It costs 8 WRU for a typical user.
func (t *Table) AcceptInvitation(ctx context.Context, i roster.Invitation, link roster.LinkHash, before, after roster.User, c roster.Credential, stamp roster.Stamp) (roster.User, error) {
	stamp = ownStamp(stamp, before.ID)
	passwords := int64(0) // before the first
	switch i.Purpose {
	case roster.PurposeInvite:
	case roster.PurposeReset:
		passwords = 1
	default:
		return roster.User{}, fmt.Errorf("an invitation for %q is accepted by a user", i.Purpose)
	}
	if i.User != before.ID || i.Tenant != before.Tenant || after.ID != before.ID || after.Tenant != before.Tenant || after.Org() != before.Org() {
		return roster.User{}, fmt.Errorf("an invitation for user %s of tenant %s is not for user %s of tenant %s to accept, nor to move by",
			i.User, i.Tenant, before.ID, before.Tenant)
	}
	if i.Email.Key() != before.Email.Key() {
		return roster.User{}, roster.DeadLink(errMoved)
	}
	after.EmailBounced, after.EmailComplained = false, false
	user, own, err := t.acceptingLegs(&before, after, stamp)
	if err != nil {
		return roster.User{}, err
	}
	c.Tenant, c.User = before.Tenant, before.ID
	set := t.credentialLeg(&c, passwords, stamp)
	if i.Purpose == roster.PurposeReset {
		set = ifSetBefore(set, i.CreatedAt)
	}
	legs := append(t.usedLegs(&i, link), own...)
	if err := t.transact(ctx, append(legs, set)...); err != nil {
		return roster.User{}, err
	}
	return user, nil
}

// ifSetBefore makes the leg that sets a password demand that the one there was not set after that time, and the link dead otherwise.
func ifSetBefore(set leg, asked time.Time) leg {
	u, older := set.item.Update, "attribute_not_exists(pk) OR changedAt <= :asked"
	u.ConditionExpression = &older
	u.ExpressionAttributeValues[":asked"] = number(asked.UnixMilli())
	set.refused = refusal(roster.DeadLink(errSet))
	return set
}

// acceptingLegs returns the legs that turn before into after, or only demand that one who stays as it is can do with a link.
func (t *Table) acceptingLegs(before *roster.User, after roster.User, stamp roster.Stamp) (roster.User, []leg, error) {
	if sameRecord(before, &after) {
		c := ifStatus(before.Status)
		c.text += " AND email = :email"
		c.values[":email"] = text(string(before.Email))
		stands := t.check(userKey(before.Tenant, before.ID), c, staleUser(before))
		return *before, []leg{orDead(stands)}, nil
	}
	after.UpdatedAt = roster.NextChange(t.now(), before.Revision.ChangedAt)
	user, legs, err := t.rewriteLegs(before, after, stamp)
	if err != nil {
		return roster.User{}, nil, err
	}
	legs[0] = orDead(legs[0])
	return user, legs, nil
}

// orDead makes the link of a user who is gone a dead one.
func orDead(l leg) leg {
	stale := l.refused
	l.refused = func(found map[string]types.AttributeValue) error {
		err := stale(found)
		if roster.KindOf(err) == roster.KindNotFound {
			return roster.DeadLink(err)
		}
		return err
	}
	return l
}

// Why a link is dead whose invitation stands no more, or that was mailed to where the user is not to be reached any more.
var (
	errUsed  = errors.New("the invitation was used, revoked or replaced, or its time is over")
	errMoved = errors.New("the user has another address by now")
	errSet   = errors.New("the user has set a password since")
)

// usedLegs returns the legs by which an invitation and the link that led to it are used up, once.
func (t *Table) usedLegs(i *roster.Invitation, link roster.LinkHash) []leg {
	c := ifInvitation(i.ID)
	c.text += " AND validUntil > :now"
	c.values[":now"] = number(t.now().UnixMilli())
	return []leg{
		t.remove(invitationKey(i.Ref()), c, refusal(roster.DeadLink(errUsed))),
		t.remove(linkKey(link), condition{}, nil),
	}
}

// ownStamp returns the stamp, by that user unless it is by somebody.
func ownStamp(stamp roster.Stamp, user roster.UserID) roster.Stamp {
	if stamp.By == "" {
		stamp.By = subjectUser + user.String()
	}
	return stamp
}

// AcceptSignUp uses up an invitation for PurposeSignUp, in one transaction: the invitation and the link go, and an organization
// and its first user come as CreateUserWithOrganization makes them, below the organization that the invitation is for and with
// the e-mail address that it was mailed to, whatever o and n say. A stamp By nobody becomes the new user's own.
//
// For an invitation that is used up see AcceptInvitation; an address that somebody has taken meanwhile is roster.Taken. It costs
// 12 WRU of the table for a typical user.
func (t *Table) AcceptSignUp(ctx context.Context, i roster.Invitation, link roster.LinkHash, o roster.Organization, n roster.NewUser, stamp roster.Stamp) (roster.Organization, roster.User, error) {
	if i.Purpose != roster.PurposeSignUp {
		return roster.Organization{}, roster.User{}, fmt.Errorf("an invitation for %q is accepted as a sign-up", i.Purpose)
	}
	o.Tenant, o.Path = i.Tenant, i.Path
	if o.ID != 0 {
		o.Path = i.Path.Child(o.ID)
	}
	n.User.Email = i.Email
	stampBy := func(id roster.UserID) roster.Stamp { return ownStamp(stamp, id) }
	organization, user, _, err := t.createUserWithOrganization(ctx, o, n, stampBy, nil, t.usedLegs(&i, link)...)
	return organization, user, err
}
