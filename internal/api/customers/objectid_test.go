package customers_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/roster"
)

func TestObjectIDs(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{customers.UserID(1078), "757365720000000000000436"},
		{customers.UserID(roster.MaxUserID), "75736572001fffffffffffff"},
		{customers.OrganizationID(703), "6f72676e00000000000002bf"},
		{customers.OrganizationID(math.MaxInt32), "6f72676e000000007fffffff"},
		{customers.RoleID(3), "726f6c650000000000000003"},
		{customers.GroupID(91), "67727570000000000000005b"},
		// printf identity:users:read:organization | sha256sum
		{customers.PermissionID("identity:users:read:organization"), "7065726d58b1058cc852503c"},
	} {
		if test.got != test.want {
			t.Errorf("the object id is %s, want %s", test.got, test.want)
		}
	}
}

func TestOnlyObjectIDsOfTheKindAreParsed(t *testing.T) {
	user := customers.UserID(1078)
	for _, text := range []string{
		"", "1078", user[:23], user + "0", " " + user[1:], user[:23] + "g", strings.Repeat("0", 24), strings.Repeat("f", 24),
		"75736572" + "0000000000000000", "75736572" + "0020000000000000", "75736572" + "8000000000000001", // none, too large, negative
		"\x75\x73\x65\x72" + user[4:], "0x" + user[2:], user[:22] + "é",
		customers.OrganizationID(1078), customers.RoleID(1078), customers.GroupID(1078), customers.PermissionID("a:b:read:c"),
		strings.ToUpper("user") + user[4:], "55534552" + user[8:], // USER, which is another kind
	} {
		if id, ok := customers.ParseUserID(text); ok {
			t.Errorf("%q is the user %s, want none", text, id)
		}
	}
	for _, text := range []string{user, customers.RoleID(1), "6f72676e" + "0000000000000000", "6f72676e" + "0000000080000000"} {
		if id, ok := customers.ParseOrganizationID(text); ok {
			t.Errorf("%q is the organization %s, want none", text, id)
		}
	}
	for _, text := range []string{user, customers.OrganizationID(1), "726f6c65" + "0000000000000000", "726f6c65" + "0000000080000000"} {
		if id, ok := customers.ParseRoleID(text); ok {
			t.Errorf("%q is the role %s, want none", text, id)
		}
	}
	for _, text := range []string{user, customers.RoleID(1), "67727570" + "0000000000000000", "67727570" + "0020000000000000"} {
		if id, ok := customers.ParseGroupID(text); ok {
			t.Errorf("%q is the group %s, want none", text, id)
		}
	}
}

// TestObjectIDsAreTheirOwnInverse holds that of the ids of all kinds, in digits of either case.
func TestObjectIDsAreTheirOwnInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64Range(1, int64(roster.MaxUserID)).Draw(t, "number")
		small := rapid.Int32Range(1, math.MaxInt32).Draw(t, "small number")
		spell := rapid.SampledFrom([]func(string) string{strings.ToLower, strings.ToUpper}).Draw(t, "case")
		if id, ok := customers.ParseUserID(spell(customers.UserID(roster.UserID(number)))); !ok || int64(id) != number {
			t.Errorf("the user %d comes back as %d, %v", number, id, ok)
		}
		if id, ok := customers.ParseGroupID(spell(customers.GroupID(roster.GroupID(number)))); !ok || int64(id) != number {
			t.Errorf("the group %d comes back as %d, %v", number, id, ok)
		}
		if id, ok := customers.ParseOrganizationID(spell(customers.OrganizationID(roster.OrgID(small)))); !ok || int32(id) != small {
			t.Errorf("the organization %d comes back as %d, %v", small, id, ok)
		}
		if id, ok := customers.ParseRoleID(spell(customers.RoleID(roster.RoleID(small)))); !ok || int32(id) != small {
			t.Errorf("the role %d comes back as %d, %v", small, id, ok)
		}
	})
}

func FuzzParseObjectID(f *testing.F) {
	for _, seed := range []string{
		"", customers.UserID(1), customers.UserID(roster.MaxUserID), customers.OrganizationID(100), customers.RoleID(3), customers.GroupID(9),
		customers.PermissionID("a"), strings.ToUpper(customers.OrganizationID(703)), "757365720020000000000000", "user00000000000000000001", strings.Repeat("\xff", 24),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed := 0
		holds := func(ok, possible bool, again string) {
			if !ok {
				return
			}
			parsed++
			if !possible || again != strings.ToLower(text) {
				t.Errorf("%q is taken for an id that is spelled %q", text, again)
			}
		}
		user, ok := customers.ParseUserID(text)
		holds(ok, user >= 1 && user <= roster.MaxUserID, customers.UserID(user))
		organization, ok := customers.ParseOrganizationID(text)
		holds(ok, organization >= 1, customers.OrganizationID(organization))
		role, ok := customers.ParseRoleID(text)
		holds(ok, role >= 1, customers.RoleID(role))
		group, ok := customers.ParseGroupID(text)
		holds(ok, group >= 1 && group <= roster.MaxGroupID, customers.GroupID(group))
		if parsed > 1 {
			t.Errorf("%q is an id of %d kinds", text, parsed)
		}
	})
}
