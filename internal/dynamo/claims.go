package dynamo

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// claimItem marks an e-mail address or an identity as taken, and says by whom. It stands as long as its user does, and is
// written and removed in one transaction with it.
type claimItem struct {
	head
	TenantID int32 `dynamodbav:"tenantId"`
	UserID   int64 `dynamodbav:"userId"`
}

// claim is a unique name that a user holds.
type claim struct {
	key   key
	typ   string
	field string // the field of a user that it is of
	name  string // for the message of a conflict
}

// claimsOf returns what the user claims, by key: its e-mail address and its identities, and nothing once it is deleted.
func claimsOf(u *roster.User) map[key]claim {
	claims := make(map[key]claim)
	if u.Deleted() {
		return claims
	}
	email := claim{key: emailKey(u.Email), typ: typeEmailClaim, field: "email", name: "the e-mail address " + string(u.Email)}
	claims[email.key] = email
	for _, identity := range u.Identities {
		c := claim{key: identityKey(u.Tenant, u.Org(), identity), typ: typeIdentityClaim, field: "identities", name: "the identity " + identity.Type + " " + identity.Value}
		claims[c.key] = c
	}
	return claims
}

// maxClaims bounds the claims that one write of a user can add and remove: two addresses, and all identities that a user can
// have for as many others. Its transaction of 100 has room for them beside the user, its credential, the count of Admins and
// the invitation.
const maxClaims = 2 + 2*45

// claimLegs returns the legs that turn the claims in before into those in after, in a fixed order. by is the user they
// are for, in its new writing.
func (t *Table) claimLegs(before, after map[key]claim, by *roster.User) ([]leg, error) {
	var legs []leg
	for _, k := range sortedKeys(after) {
		if _, has := before[k]; has {
			continue
		}
		l, err := t.put(claimItem{
			head:     newHead(k, after[k].typ, roster.Revision{Version: 1, ChangedAt: by.Revision.ChangedAt, Stamp: by.Revision.Stamp}),
			TenantID: int32(by.Tenant), UserID: int64(by.ID),
		}, ifAbsent(), refusal(roster.Taken(after[k].field, after[k].name)))
		if err != nil {
			return nil, err
		}
		legs = append(legs, l)
	}
	for _, k := range sortedKeys(before) {
		if _, keeps := after[k]; keeps {
			continue
		}
		legs = append(legs, t.remove(k, condition{
			text:   "tenantId = :tenant AND userId = :user",
			values: map[string]types.AttributeValue{":tenant": number(by.Tenant), ":user": number(by.ID)},
		}, refusal(fmt.Errorf("%s is not claimed by user %s of tenant %s, which holds it", before[k].name, by.ID, by.Tenant))))
	}
	if len(legs) > maxClaims {
		return nil, roster.Invalid("identities", fmt.Sprintf("must change by at most %d at a time", maxClaims-2))
	}
	return legs, nil
}

func sortedKeys(claims map[key]claim) []key {
	return slices.SortedFunc(maps.Keys(claims), func(a, b key) int {
		if a.pk < b.pk {
			return -1
		}
		if a.pk > b.pk {
			return 1
		}
		return 0
	})
}

// EmailOwner returns who holds an e-mail address, in the whole system: the way in for a login, and what a conflict leads
// to. It is a consistent read of 1 RRU; an address that nobody holds is a KindNotFound error.
func (t *Table) EmailOwner(ctx context.Context, email roster.Email) (roster.TenantID, roster.UserID, error) {
	return t.owner(ctx, emailKey(email), typeEmailClaim)
}

// IdentityOwner returns the user of an organization that holds an identity: a consistent read of 1 RRU. One that nobody
// holds is a KindNotFound error.
func (t *Table) IdentityOwner(ctx context.Context, tenant roster.TenantID, org roster.OrgID, identity roster.Identity) (roster.UserID, error) {
	_, user, err := t.owner(ctx, identityKey(tenant, org, identity), typeIdentityClaim)
	return user, err
}

func (t *Table) owner(ctx context.Context, k key, typ string) (roster.TenantID, roster.UserID, error) {
	var item claimItem
	found, err := t.get(ctx, k, true, &item)
	if err != nil {
		return 0, 0, err
	}
	if !found {
		return 0, 0, roster.NotFound("user")
	}
	if err := item.is(typ); err != nil {
		return 0, 0, err
	}
	return roster.TenantID(item.TenantID), roster.UserID(item.UserID), nil
}
