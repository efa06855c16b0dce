package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// credentialItem is a user's password hash. It stands in the user's partition and in no index.
type credentialItem struct {
	head
	TenantID     int32  `dynamodbav:"tenantId"`
	UserID       int64  `dynamodbav:"userId"`
	PasswordHash string `dynamodbav:"passwordHash"`
}

// toCredentialItem returns the item of a credential that is written together with its user.
func toCredentialItem(c *roster.Credential, user *roster.User) *credentialItem {
	revision := user.Revision
	if !c.ChangedAt.IsZero() {
		// An imported password is as old as it was.
		revision.ChangedAt = c.ChangedAt
	}
	return &credentialItem{
		head:     newHead(credentialKey(user.Tenant, user.ID), typeCredential, revision),
		TenantID: int32(user.Tenant), UserID: int64(user.ID), PasswordHash: c.PasswordHash,
	}
}

func (i *credentialItem) noun() (roster.Credential, error) {
	if err := i.is(typeCredential); err != nil {
		return roster.Credential{}, err
	}
	return roster.Credential{
		Tenant: roster.TenantID(i.TenantID), User: roster.UserID(i.UserID),
		PasswordHash: i.PasswordHash, ChangedAt: fromMillis(i.ChangedAt),
	}, nil
}

// Credential returns a user's password hash: a strongly consistent read of 1 RRU. A user without one is a KindNotFound
// error.
func (t *Table) Credential(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.Credential, error) {
	var item credentialItem
	found, err := t.get(ctx, credentialKey(tenant, id), true, &item)
	if err != nil {
		return roster.Credential{}, err
	}
	if !found {
		return roster.Credential{}, roster.NotFound("credential")
	}
	return nounOf(&item)
}

// PutCredential sets a user's password hash, in the place of any that is there. A user that does not stand is a
// KindNotFound error: the password never outlives its user. It costs 4 WRU. A zero ChangedAt becomes now.
func (t *Table) PutCredential(ctx context.Context, c roster.Credential, stamp roster.Stamp) error {
	// Version 1 is that of a password which came with its user, so what is set later begins with 2: see AuditOf.
	set := t.credentialLeg(&c, 1, stamp)
	stands := t.check(userKey(c.Tenant, c.User),
		condition{text: "attribute_exists(pk) AND attribute_not_exists(deletedAt)"}, refusal(roster.NotFound("user")))
	return t.transact(ctx, set, stands)
}

// credentialLeg returns the leg that sets a user's password hash, whatever stands there. before is the version that a user
// without a password is taken to have had. A zero ChangedAt becomes now.
func (t *Table) credentialLeg(c *roster.Credential, before int64, stamp roster.Stamp) leg {
	at := c.ChangedAt
	if at.IsZero() {
		at = t.now()
	}
	values := map[string]types.AttributeValue{
		":type": text(typeCredential), ":tenant": number(c.Tenant), ":user": number(c.User), ":hash": text(c.PasswordHash),
		":before": number(before), ":one": number(1), ":at": number(at.UnixMilli()),
	}
	return t.change(credentialKey(c.Tenant, c.User),
		"SET #type = :type, tenantId = :tenant, userId = :user, passwordHash = :hash, version = if_not_exists(version, :before) + :one,"+
			" changedAt = :at"+setStamp(stamp, values),
		condition{names: map[string]string{"#type": "type"}, values: values}, nil)
}

// ReplaceCredential makes newHash the user's password hash in the place of oldHash. Both are of the same password, so that
// ChangedAt, which ends refresh tokens when it moves, stays. If oldHash is not the user's hash, or the user has none, it
// changes nothing and is a KindConflict error. newHash must be new, salt included. It costs 1 WRU.
func (t *Table) ReplaceCredential(ctx context.Context, tenant roster.TenantID, id roster.UserID, oldHash, newHash string) error {
	return t.update(ctx, credentialKey(tenant, id),
		"SET passwordHash = :new, version = version + :one, changedBy = :by, changedVia = :via REMOVE requestId, forwardedFor",
		condition{text: "passwordHash = :old", values: map[string]types.AttributeValue{
			":old": text(oldHash), ":new": text(newHash), ":one": number(1), ":by": text("user:" + id.String()), ":via": text("rehash"),
		}},
		func(found map[string]types.AttributeValue) error {
			if hash, ok := found["passwordHash"].(*types.AttributeValueMemberS); ok && hash.Value == newHash {
				// An answer was lost and the SDK wrote again: newHash is known to this caller alone.
				return nil
			}
			return roster.Conflict("the password was changed meanwhile")
		})
}

// Credentials returns the password hashes of those of a tenant's users that have one, by user. It reads 100 at a time,
// strongly consistent, for 1 RRU each.
func (t *Table) Credentials(ctx context.Context, tenant roster.TenantID, ids []roster.UserID) (map[roster.UserID]roster.Credential, error) {
	keys := make([]map[string]types.AttributeValue, len(ids))
	for i, id := range ids {
		keys[i] = credentialKey(tenant, id).attributes()
	}
	credentials := make(map[roster.UserID]roster.Credential)
	err := t.batchGet(ctx, keys, true, func(attributes map[string]types.AttributeValue) error {
		var item credentialItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		c, err := nounOf(&item)
		if err != nil {
			return err
		}
		credentials[c.User] = c
		return nil
	})
	if err != nil {
		return nil, err
	}
	return credentials, nil
}
