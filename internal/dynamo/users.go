package dynamo

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// User returns a user that stands: a strongly consistent read of 1 RRU. One that is not there, is soft-deleted or has
// expired is a KindNotFound error.
func (t *Table) User(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error) {
	user, err := t.UserEvenDeleted(ctx, tenant, id)
	if err == nil && user.Deleted() {
		return roster.User{}, roster.NotFound("user")
	}
	return user, err
}

// UserEvenDeleted is User, but it also returns a soft-deleted user whose retention is not over: to restore it, or for a
// dialect that shows deleted users.
func (t *Table) UserEvenDeleted(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error) {
	var item userItem
	found, err := t.get(ctx, userKey(tenant, id), true, &item)
	if err != nil {
		return roster.User{}, err
	}
	if !found {
		return roster.User{}, roster.NotFound("user")
	}
	user, err := nounOf(&item)
	if err != nil {
		return roster.User{}, err
	}
	// The time to live removes an item days late, so it is never the check.
	if user.Expired(t.now()) {
		return roster.User{}, roster.NotFound("user")
	}
	return user, nil
}

// UpdateUser replaces a user by its next writing, on the condition that the table still holds before, as it was read, and
// returns what is stored. UpdatedAt becomes the time of the change. Claims move along when the e-mail address, the
// identities or (for identities) the organization changed.
//
// A user that somebody wrote meanwhile is roster.VersionChanged, one that was deleted meanwhile is KindNotFound, an e-mail
// address or identity that somebody else holds is roster.Taken, and an organization that does not stand is KindNotFound. A
// change by which the last active Admin of the root organization would be none is roster.LastAdmin. It costs 1 WRU of the
// table per KB of the user; where claims move or the Admins of the root change 2, and 2 for each claim that goes or comes
// and for the count of Admins.
//
// What is known of mail to an e-mail address ends with it. The invitation of a Pending user moves along to another
// organization, for 1 RRU and 2 WRU, and ends for 2 WRU when the user is Pending no more or gets another e-mail address, where its
// mail did not go.
func (t *Table) UpdateUser(ctx context.Context, before, after roster.User, stamp roster.Stamp) (roster.User, error) {
	after.UpdatedAt = roster.NextChange(t.now(), before.Revision.ChangedAt)
	return t.replaceUser(ctx, before, after, stamp)
}

// DeleteUser deletes a user softly: it stays in the feed and for UserEvenDeleted until the retention is over, but its
// e-mail address and identities are free at once, its password is gone, and so are its devices and its invitation. It returns
// what is stored, with DeletedAt and ExpiresAt set. The errors are those of UpdateUser. It costs 6 WRU of the table for a
// typical user, 2 more for an Admin of the root organization or one who is Pending, and for one with devices a query and 4 for
// each.
//
// The mail for a new password, if there is one, is left to its expiry: removing what is hardly ever there would cost each
// delete 2 WRU, and while the user is deleted the link leads nowhere.
func (t *Table) DeleteUser(ctx context.Context, before roster.User, stamp roster.Stamp) (roster.User, error) {
	if before.Deleted() {
		return roster.User{}, roster.NotFound("user")
	}
	before, more, err := t.leaveDevices(ctx, before, stamp)
	if err != nil {
		return roster.User{}, err
	}
	after := before
	after.DeviceCount = max(before.DeviceCount-len(more)/legsPerDevice, 0)
	after.DeletedAt = roster.NextChange(t.now(), before.Revision.ChangedAt)
	after.UpdatedAt = after.DeletedAt
	after.ExpiresAt = after.DeletedAt.Add(t.retention)
	return t.replaceUser(ctx, before, after, stamp, append(more, t.remove(credentialKey(before.Tenant, before.ID), condition{}, nil))...)
}

// RestoreUser undoes DeleteUser, but for the password, which is gone: it takes the e-mail address and the identities
// back. One that somebody took meanwhile is roster.Taken, which names it; the other errors are those of UpdateUser. It
// costs 4 WRU of the table for a typical user, 2 more for an Admin of the root organization.
func (t *Table) RestoreUser(ctx context.Context, before roster.User, stamp roster.Stamp) (roster.User, error) {
	after := before
	after.DeletedAt, after.ExpiresAt = time.Time{}, time.Time{}
	return t.UpdateUser(ctx, before, after, stamp)
}

// replaceUser writes after in the place of before, with more legs if any are needed beside.
func (t *Table) replaceUser(ctx context.Context, before, after roster.User, stamp roster.Stamp, more ...leg) (roster.User, error) {
	if after.Tenant != before.Tenant || after.ID != before.ID {
		return roster.User{}, fmt.Errorf("user %s of tenant %s cannot become user %s of tenant %s", before.ID, before.Tenant, after.ID, after.Tenant)
	}
	if after.Org() != before.Org() {
		if err := t.mustStand(ctx, after.Tenant, after.Path); err != nil {
			return roster.User{}, err
		}
	}
	after, legs, err := t.rewriteLegs(&before, after, stamp)
	if err != nil {
		return roster.User{}, err
	}
	follow, err := t.invitationFollows(ctx, &before, &after)
	if err != nil {
		return roster.User{}, err
	}
	legs = slices.Concat(legs, more, follow)
	if len(legs) == 1 {
		return after, t.putAlone(ctx, toUserItem(&after), ifVersion(before.Revision.Version), staleUser(&before))
	}
	if err := t.transact(ctx, legs...); err != nil {
		return roster.User{}, err
	}
	return after, nil
}

// rewriteLegs returns after as it will be stored in the place of before, and the legs that do it: the user's own first, then
// those of its claims and of the count of Admins.
func (t *Table) rewriteLegs(before *roster.User, after roster.User, stamp roster.Stamp) (roster.User, []leg, error) {
	if after.Email.Key() != before.Email.Key() {
		after.EmailBounced, after.EmailComplained = false, false
	}
	after.Revision = t.nextRevision(before.Revision, stamp)
	after, err := asStored(after)
	if err != nil {
		return roster.User{}, nil, err
	}
	own, err := t.put(toUserItem(&after), ifVersion(before.Revision.Version), staleUser(before))
	if err != nil {
		return roster.User{}, nil, err
	}
	claims, err := t.claimLegs(claimsOf(before), claimsOf(&after), &after)
	if err != nil {
		return roster.User{}, nil, err
	}
	return after, slices.Concat([]leg{own}, claims, t.adminsLegs(before, &after)), nil
}

// sameRecord reports whether two users say the same but for when and by whom they were written.
func sameRecord(a, b *roster.User) bool {
	x, y := toUserItem(a), toUserItem(b)
	x.head, x.UpdatedAt = y.head, y.UpdatedAt
	return reflect.DeepEqual(x, y)
}

// staleUser says what it means that a user is not in the version that before was read in.
func staleUser(before *roster.User) func(map[string]types.AttributeValue) error {
	return func(found map[string]types.AttributeValue) error {
		if found == nil {
			return roster.NotFound("user")
		}
		if _, deleted := found["deletedAt"]; deleted && !before.Deleted() {
			return roster.NotFound("user")
		}
		return roster.VersionChanged("user")
	}
}

// LoginPrecision is how exactly a user's last login is kept: a login that follows another this soon is not written.
const LoginPrecision = time.Minute

// RecordLogin notes that the user logged in at that time, unless a login within LoginPrecision before is on record. It
// needs no read and costs 1 WRU; unlike an update by somebody it leaves UpdatedAt alone. A user that does not stand is a
// KindNotFound error.
func (t *Table) RecordLogin(ctx context.Context, tenant roster.TenantID, id roster.UserID, at time.Time) error {
	// What the feed shows must not run backwards for one user, but the condition language has no max(). So the first
	// write holds only if the clock is past the last change, which it nearly always is, and the second only if it is not.
	now := roster.NextChange(t.now(), time.Time{})
	written, err := t.recordLogin(ctx, tenant, id, at,
		"changedAt = :now", "changedAt < :now", map[string]types.AttributeValue{":now": number(now.UnixMilli())})
	if err != nil || written {
		return err
	}
	_, err = t.recordLogin(ctx, tenant, id, at,
		"changedAt = changedAt + :one", "changedAt >= :now", map[string]types.AttributeValue{":now": number(now.UnixMilli())})
	return err
}

// recordLogin does one of the two writes of RecordLogin. It reports whether there is nothing left to do.
func (t *Table) recordLogin(ctx context.Context, tenant roster.TenantID, id roster.UserID, at time.Time, set, when string, values map[string]types.AttributeValue) (bool, error) {
	values[":at"] = number(at.UnixMilli())
	values[":recent"] = number(at.Add(-LoginPrecision).UnixMilli())
	values[":one"] = number(1)
	values[":by"] = text("user:" + id.String())
	values[":via"] = text("login")
	done := true
	err := t.update(ctx, userKey(tenant, id),
		"SET lastLoginAt = :at, version = version + :one, changedBy = :by, changedVia = :via, "+set+" REMOVE requestId, forwardedFor",
		condition{
			text: "attribute_exists(pk) AND attribute_not_exists(deletedAt)" +
				" AND (attribute_not_exists(lastLoginAt) OR lastLoginAt <= :recent) AND " + when,
			values: values,
		},
		func(found map[string]types.AttributeValue) error {
			var item userItem
			if found != nil {
				if err := decode(found, &item); err != nil {
					return err
				}
			}
			if found == nil || item.DeletedAt != 0 {
				return roster.NotFound("user")
			}
			done = item.LastLoginAt > at.Add(-LoginPrecision).UnixMilli()
			return nil
		})
	return done, err
}

// UsersOf returns a page of the users that stand in one organization, not in those below it, in id order: at most limit
// of those after the given id. The second result is the id to go on after, zero when there are no more. It reads the index, which
// follows the table within a fraction of a second: 0.5 RRU per 4 KB read, whatever the size of the organization.
func (t *Table) UsersOf(ctx context.Context, tenant roster.TenantID, org roster.OrgID, after roster.UserID, limit int) ([]roster.User, roster.UserID, error) {
	return t.usersOf(ctx, tenant, org, kindUser, after, limit)
}

// DeletedUsersOf is UsersOf for the soft-deleted users of the organization whose retention is not over.
func (t *Table) DeletedUsersOf(ctx context.Context, tenant roster.TenantID, org roster.OrgID, after roster.UserID, limit int) ([]roster.User, roster.UserID, error) {
	return t.usersOf(ctx, tenant, org, kindDeletedUser, after, limit)
}

func (t *Table) usersOf(ctx context.Context, tenant roster.TenantID, org roster.OrgID, kind string, after roster.UserID, limit int) ([]roster.User, roster.UserID, error) {
	var users []roster.User
	now := t.now()
	last, more, err := t.listIndex(ctx, membersQuery(tenant, org, kind, int64(after)), limit, func(attributes map[string]types.AttributeValue) (int64, error) {
		var item userItem
		if err := decode(attributes, &item); err != nil {
			return 0, err
		}
		user, err := nounOf(&item)
		if err != nil {
			return 0, err
		}
		if !user.Expired(now) {
			users = append(users, user)
		}
		return item.ID, nil
	})
	if err != nil {
		return nil, 0, err
	}
	if !more {
		last = 0
	}
	return users, roster.UserID(last), nil
}

// membersQuery asks the index for what of one kind belongs to an organization, after an id.
func membersQuery(tenant roster.TenantID, org roster.OrgID, kind string, after int64) *dynamodb.QueryInput {
	index, where := indexOrganization, "tenantId = :tenant AND orgId = :org AND kind = :kind AND id > :after"
	return &dynamodb.QueryInput{
		IndexName: &index, KeyConditionExpression: &where,
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":tenant": number(tenant), ":org": number(org), ":kind": text(kind), ":after": number(after),
		},
	}
}

// listIndex reads at most limit items of a query, 1 to roster.MaxLimit, over as many pages as DynamoDB makes of them.
// visit returns an item's id. It returns the last id and whether there may be more after it.
func (t *Table) listIndex(ctx context.Context, query *dynamodb.QueryInput, limit int, visit func(map[string]types.AttributeValue) (int64, error)) (int64, bool, error) {
	left := int32(min(max(limit, 1), roster.MaxLimit))
	var last int64
	for {
		query.Limit = &left
		next, err := t.queryPage(ctx, query, func(attributes map[string]types.AttributeValue) error {
			id, err := visit(attributes)
			last = id
			left--
			return err
		})
		if err != nil {
			return 0, false, err
		}
		if next == nil || left <= 0 {
			return last, next != nil, nil
		}
		query.ExclusiveStartKey = next
	}
}
