package dynamo

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

func TestUserSurvivesTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := AnyUser().Draw(t, "user")
		attributes, err := encode(toUserItem(&want))
		if err != nil {
			t.Fatal(err)
		}
		var item userItem
		if err := decode(attributes, &item); err != nil {
			t.Fatal(err)
		}
		got, err := item.noun()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("a user read back differs (-want +got):\n%s", diff)
		}
	})
}

func TestOrganizationRoleAndWarehouseSurviveTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		organization := anyOrganization().Draw(t, "organization")
		attributes, err := encode(toOrganizationItem(&organization))
		if err != nil {
			t.Fatal(err)
		}
		var o organizationItem
		if err := decode(attributes, &o); err != nil {
			t.Fatal(err)
		}
		if got, err := o.noun(); err != nil || !cmp.Equal(organization, got) {
			t.Fatalf("an organization read back is %v, %v, want %v", got, err, organization)
		}
		if _, indexed := attributes["orgId"]; indexed != (organization.Parent() != 0) {
			t.Fatalf("an organization below %v has orgId: %v", organization.Parent(), indexed)
		}

		role := anyRole().Draw(t, "role")
		if attributes, err = encode(toRoleItem(&role)); err != nil {
			t.Fatal(err)
		}
		var r roleItem
		if err := decode(attributes, &r); err != nil {
			t.Fatal(err)
		}
		if got, err := r.noun(); err != nil || !cmp.Equal(role, got) {
			t.Fatalf("a role read back is %v, %v, want %v", got, err, role)
		}

		warehouse := anyWarehouse().Draw(t, "warehouse")
		if attributes, err = encode(toWarehouseItem(&warehouse)); err != nil {
			t.Fatal(err)
		}
		var w warehouseItem
		if err := decode(attributes, &w); err != nil {
			t.Fatal(err)
		}
		if got, err := w.noun(); err != nil || !cmp.Equal(warehouse, got) {
			t.Fatalf("a warehouse read back is %v, %v, want %v", got, err, warehouse)
		}
	})
}

// richUser is a user with more about them than most have: what a KB must hold.
func richUser() roster.User {
	at := time.Date(2026, time.May, 4, 3, 2, 1, 0, time.UTC)
	return roster.User{
		Tenant: 2000000001, ID: roster.MaxUserID, Path: roster.OrgPath{2000000001, 2000000002, 2000000003},
		Email: "maximiliane.mustermann@subsidiary.example.com", Name: "Maximiliane Mustermann-Beispiel", GivenName: "Maximiliane",
		FamilyName: "Mustermann-Beispiel", Nickname: "Maxi", Username: "mmustermann", Title: "Senior Software Engineer", PhoneNumber: "+491711234567",
		Address:  roster.Address{Full: "Beispielstrasse 123, 10115 Berlin", Country: "Germany", City: "Berlin", State: "Berlin", Zip: "10115"},
		TimeZone: "Europe/Berlin", Locale: "de_DE", Roles: []roster.RoleID{3, 12}, Status: roster.StatusActive, DarkMode: true, DeviceCount: 2,
		Seniority: "Senior", Department: "Engineering", Office: "Berlin", Subdepartment: "Platform", Pod: "Directory",
		Groups:     []roster.GroupID{roster.GroupID(roster.MaxUserID)},
		Identities: []roster.Identity{{Type: "azure", Value: "0b1f6a52-6c4e-4d54-9a1c-7f2f6d0c9d11"}},
		CreatedAt:  at, UpdatedAt: at, RegisteredAt: at, LastLoginAt: at,
		Revision: roster.Revision{Version: 1234, ChangedAt: at, Stamp: roster.Stamp{
			By: "user:9007199254740991", Via: "organization", RequestID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"}},
	}
}

func TestRichUserFitsIntoOneKilobyte(t *testing.T) {
	u := richUser()
	attributes, err := encode(toUserItem(&u))
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for name, value := range attributes {
		size += len(name) + chargedSize(value)
	}
	t.Logf("%d bytes", size)
	if size > 1024 {
		t.Errorf("a rich user takes %d bytes, which is more than one WRU", size)
	}
}

// chargedSize is the size of a value by the rules of the DynamoDB developer guide, "item sizes and formats": a number
// takes about a byte for two digits and one more, a list or map three bytes and one for each element.
func chargedSize(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return (len(v.Value)+1)/2 + 1
	case *types.AttributeValueMemberL:
		size := 3
		for _, e := range v.Value {
			size += 1 + chargedSize(e)
		}
		return size
	case *types.AttributeValueMemberM:
		size := 3
		for name, e := range v.Value {
			size += 1 + len(name) + chargedSize(e)
		}
		return size
	default:
		return 1
	}
}

func TestTimeToLiveIsRoundedUp(t *testing.T) {
	at := time.Date(2026, time.May, 4, 3, 2, 1, 1, time.UTC)
	if got, want := fromTTL(ttl(at)), at.Truncate(time.Second).Add(time.Second); !got.Equal(want) {
		t.Errorf("what expires at %v expires at %v, want %v", at, got, want)
	}
	if got := fromTTL(ttl(time.Time{})); !got.IsZero() {
		t.Errorf("what never expires expires at %v", got)
	}
}

func TestNothingEmptyIsStored(t *testing.T) {
	u := roster.User{
		Tenant: 7, ID: 1, Path: roster.OrgPath{7}, Email: "x@example.com", Status: roster.StatusActive,
		Roles: []roster.RoleID{}, Groups: []roster.GroupID{}, SuperDelegatePermissions: []string{},
		Delegates: []roster.Delegate{}, Identities: []roster.Identity{},
	}
	attributes, err := encode(toUserItem(&u))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"changedAt", "email", "id", "kind", "orgId", "path", "pk", "shard", "sk", "status", "tenantId", "type", "version"}
	if got := slices.Sorted(maps.Keys(attributes)); !slices.Equal(got, want) {
		t.Errorf("a user of nothing has the attributes %q, want %q", got, want)
	}
}

// TestTypicalCreationCostsWhatItsLegsDo holds each leg of a creation to one KB, which is what CreateUser says that it costs.
func TestTypicalCreationCostsWhatItsLegsDo(t *testing.T) {
	u := richUser()
	u.Nickname, u.Username, u.Title, u.Address, u.Groups, u.Identities = "", "", "", roster.Address{}, nil, nil
	u.Seniority, u.Department, u.Office, u.Subdepartment, u.Pod, u.LastLoginAt = "", "", "", "", "", time.Time{}
	table := New(nil, "roster", Options{})
	hash := "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IG9mIDE2$" + strings.Repeat("A", 43)
	legs, err := table.createLegs(&u, &roster.Credential{PasswordHash: hash}, true)
	if err != nil {
		t.Fatal(err)
	}
	record, err := table.onceLeg(u.Tenant, &roster.Once{}, made{user: &u}, u.Revision)
	if err != nil {
		t.Fatal(err)
	}
	u.Status = roster.StatusPending
	at := u.Revision.ChangedAt
	invited, err := table.inviteLeg(roster.Invitation{Locale: "pt_BR", InvitedBy: roster.MaxUserID, CreatedAt: at, ValidUntil: at}, &u, u.Revision.Stamp)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range append(legs, record, invited) {
		size := 0
		for name, value := range l.item.Put.Item {
			size += len(name) + chargedSize(value)
		}
		t.Logf("leg %d: %d bytes", i, size)
		if size > 1024 {
			t.Errorf("leg %d of a typical creation takes %d bytes", i, size)
		}
	}
}
