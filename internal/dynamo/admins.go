package dynamo

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// adminsItem counts the Admins of a tenant's root organization: its active users with the role Admin. It stands beside the
// root, and is not there before the first of them is.
//
// It is what keeps a tenant from losing its last Admin. Two Admins who demote each other at the same moment each see that
// there is another, so no reading before the write can tell; but both writes take one from this count, and the second of
// them finds too little left. Only writes that change who is an Admin touch it: one leg more, 2 WRU.
type adminsItem struct {
	head
	Count int `dynamodbav:"count"`
}

// isRootAdmin reports whether the user is one of those that the count is of.
func isRootAdmin(u *roster.User) bool {
	return u.Org() == u.Tenant.Root() && !u.Deleted() && u.Status == roster.StatusActive && slices.Contains(u.Roles, roster.RoleAdmin)
}

// adminsLegs returns the legs that make the count follow a change of a user, nil standing for nobody: none where it stays.
func (t *Table) adminsLegs(before, after *roster.User) []leg {
	was, is := before != nil && isRootAdmin(before), after != nil && isRootAdmin(after)
	switch {
	case is && !was:
		return []leg{t.moreAdmins(after.Tenant, 1)}
	case was && !is:
		return []leg{t.oneAdminLess(before.Tenant)}
	default:
		return nil
	}
}

// moreAdmins returns the leg that counts n Admins more.
func (t *Table) moreAdmins(tenant roster.TenantID, n int) leg {
	return t.countAdmins(tenant, n, "", nil, nil)
}

// oneAdminLess returns the leg that counts an Admin less, and refuses to when it is the last.
func (t *Table) oneAdminLess(tenant roster.TenantID) leg {
	return t.countAdmins(tenant, -1, "#count > :last", map[string]types.AttributeValue{":last": number(1)}, refusal(roster.LastAdmin()))
}

func (t *Table) countAdmins(tenant roster.TenantID, n int, when string, values map[string]types.AttributeValue, refused func(map[string]types.AttributeValue) error) leg {
	c := condition{
		text:  when,
		names: map[string]string{"#count": "count", "#type": "type"}, // reserved words
		values: map[string]types.AttributeValue{
			":n": number(n), ":none": number(0), ":one": number(1), ":type": text(typeAdmins), ":now": number(t.now().UnixMilli()),
		},
	}
	for name, value := range values {
		c.values[name] = value
	}
	return t.change(adminsKey(tenant),
		"SET #count = if_not_exists(#count, :none) + :n, version = if_not_exists(version, :none) + :one, #type = :type, changedAt = :now",
		c, refused)
}
