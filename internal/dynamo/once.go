package dynamo

import (
	"bytes"
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// onceItem says what a creation under a roster.Once made, as it was then: the answer to the same request when it comes
// again. It is written in the transaction that makes it, and is in no index.
type onceItem struct {
	head
	Fingerprint  []byte            `dynamodbav:"fingerprint"`
	User         *userItem         `dynamodbav:"user,omitempty"`
	Organization *organizationItem `dynamodbav:"organization,omitempty"`
	// Notification is no more than where it stands: it outlives the record, and may be long.
	Notification *notificationRefItem `dynamodbav:"notification,omitempty"`
	// ExpiresAt is the time to live, in Unix seconds. An expired record is as good as none.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// made is what a creation makes, as its record keeps it. What is not made is nil.
type made struct {
	user         *roster.User
	organization *roster.Organization
	notification *roster.NotificationRef
}

// replayed is the meaning of a failed condition on a creation's record: it was done before, and made this.
type replayed made

func (*replayed) Error() string { return "created before, by the same request" }

// transactOnce is transact for a creation in a tenant. Unless once is nil, the legs are done at most once under its key:
// what was made already is a *replayed error.
func (t *Table) transactOnce(ctx context.Context, tenant roster.TenantID, once *roster.Once, m made, revision roster.Revision, legs []leg) error {
	if once == nil {
		return t.transact(ctx, legs...)
	}
	record, err := t.onceLeg(tenant, once, m, revision)
	if err != nil {
		return err
	}
	// It stands in front: a request that comes again finds the address taken too, by itself.
	return t.transact(ctx, append([]leg{record}, legs...)...)
}

// onceLeg returns the leg that records what is made.
func (t *Table) onceLeg(tenant roster.TenantID, once *roster.Once, m made, revision roster.Revision) (leg, error) {
	item := onceItem{
		head:        newHead(onceKey(tenant, once.Key), typeOnce, revision),
		Fingerprint: once.Fingerprint[:], ExpiresAt: ttl(t.now().Add(roster.OnceFor)),
	}
	if m.user != nil {
		item.User = toUserItem(m.user)
	}
	if m.organization != nil {
		item.Organization = toOrganizationItem(m.organization)
	}
	if m.notification != nil {
		item.Notification = &notificationRefItem{UserID: int64(m.notification.User), ID: int64(m.notification.ID)}
	}
	absent := condition{
		text:   "attribute_not_exists(pk) OR expiresAt <= :now",
		values: map[string]types.AttributeValue{":now": number(t.now().Unix())},
	}
	l, err := t.put(item, absent, func(found map[string]types.AttributeValue) error { return answerAgain(once, m, found) })
	l.stuck = func(cause error) error { return roster.OnceStillRunning(cause) }
	return l, err
}

// answerAgain reads what an earlier creation under the same key left: a *replayed error if it was the same request.
func answerAgain(once *roster.Once, wanted made, found map[string]types.AttributeValue) error {
	var item onceItem
	if err := decode(found, &item); err != nil {
		return err
	}
	if err := item.is(typeOnce); err != nil {
		return err
	}
	sameKind := (item.User != nil) == (wanted.user != nil) && (item.Organization != nil) == (wanted.organization != nil) &&
		(item.Notification != nil) == (wanted.notification != nil)
	if !sameKind || !bytes.Equal(item.Fingerprint, once.Fingerprint[:]) {
		return roster.OnceMismatch()
	}
	first := &replayed{}
	if item.User != nil {
		user, err := item.User.noun()
		if err != nil {
			return err
		}
		first.user = &user
	}
	if item.Organization != nil {
		organization, err := item.Organization.noun()
		if err != nil {
			return err
		}
		first.organization = &organization
	}
	if item.Notification != nil {
		first.notification = &roster.NotificationRef{
			Tenant: wanted.notification.Tenant, User: roster.UserID(item.Notification.UserID), ID: roster.NotificationID(item.Notification.ID),
		}
	}
	return first
}
