package roster_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

func TestIdentityTypesAreTheTwentyThree(t *testing.T) {
	types := roster.IdentityTypes()
	if !slices.IsSorted(types) || len(slices.Compact(types)) != 23 {
		t.Errorf("IdentityTypes() = %q, want 23 in alphabetical order", types)
	}
	for _, i := range []roster.Identity{{Type: "azure", Value: "x"}, {Type: "user-principal-name", Value: strings.Repeat("é", 256)}} {
		if err := i.Validate(); err != nil {
			t.Errorf("%+v: %v", i, err)
		}
	}
	for _, test := range []struct {
		field    string
		identity roster.Identity
	}{
		{"type", roster.Identity{Type: "Azure", Value: "x"}},
		{"value", roster.Identity{Type: "azure", Value: strings.Repeat("é", 257)}},
		{"value", roster.Identity{Type: "azure", Value: strings.Repeat("𝒳", 201)}},
	} {
		field, i := test.field, test.identity
		if e, ok := i.Validate().(*roster.Error); !ok || len(e.Fields) != 1 || e.Fields[0].Field != field {
			t.Errorf("%+v: %v, want one rule about %s", i, e, field)
		}
	}
	if e := (roster.Identity{}).Validate().(*roster.Error); len(e.Fields) != 2 || !strings.Contains(e.Message, "aderant, auth0, azure") {
		t.Errorf("an empty identity: %v", e)
	}
}

func TestAPatchNamesEveryRuleThatItBreaks(t *testing.T) {
	long := strings.Repeat("x", 101)
	patch := roster.UserPatch{
		User: -1, Email: new(roster.Email("x")), GivenName: &long, FamilyName: new("a\u200bb"), Nickname: &long, Title: &long, Seniority: &long, Department: &long,
		Office: &long, Subdepartment: &long, Pod: &long, Roles: &[]roster.RoleID{}, Delegates: &[]roster.Delegate{{}, {}},
		Identities: &[]roster.Identity{{Type: "saml"}, {Type: "saml"}},
	}
	e, ok := patch.Validate().(*roster.Error)
	if !ok || e.Kind != roster.KindInvalid {
		t.Fatalf("Validate() = %v, want invalid", e)
	}
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Field+" "+f.Message)
	}
	want := []string{
		"user must be between 1 and 9007199254740991", "email must be an e-mail address", "givenName must have at most 100 characters",
		"familyName must not contain control or invisible characters", "nickname must have at most 100 characters", "title must have at most 100 characters",
		"seniority must have at most 100 characters", "department must have at most 100 characters", "office must have at most 100 characters",
		"subdepartment must have at most 100 characters", "pod must have at most 100 characters", "roles must hold 1 to 20 roles",
		"delegates must be other users", "delegates must not hold a user twice",
		"identities.type must be one of " + strings.Join(roster.IdentityTypes(), ", "), "identities.value must have 1 to 256 characters", "identities must not hold an identity twice",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the rules (-want +got):\n%s", diff)
	}
}

func TestAPatchSaysNoMoreOfWhatIsBroken(t *testing.T) {
	patch := roster.UserPatch{
		User: 1, Roles: &[]roster.RoleID{0}, DelegateIDs: &[]roster.UserID{0, 0}, Identities: &[]roster.Identity{{}}, Pod: new("a\nb"),
		Broken: roster.FieldErrors{
			{Field: "roles[0]", Message: "must be an id"}, {Field: "delegates[1]", Message: "must be an id"}, {Field: "identities[0].customerId", Message: "must be one's own"},
		},
	}
	e, ok := patch.Validate().(*roster.Error)
	if !ok || len(e.Fields) != 4 || e.Fields[3].Field != "pod" {
		t.Errorf("Validate() = %v, want what is broken, and the pod", e)
	}
}

func TestApplyingAPatchLeavesTheUserAlone(t *testing.T) {
	before := roster.User{
		ID: 1, Name: "Dr Ann Lee", GivenName: "Ann", FamilyName: "Lee", Roles: []roster.RoleID{3},
		Delegates: []roster.Delegate{{User: 2, Permissions: []string{"a"}}, {User: 3}}, Identities: []roster.Identity{{Type: "azure", Value: "x"}},
	}
	kept := *before.Clone()
	patch := roster.UserPatch{
		User: 1, Roles: &[]roster.RoleID{2, 3}, DelegateIDs: &[]roster.UserID{3, 2, 4}, Identities: &[]roster.Identity{}, GivenName: new("Ann"),
	}
	after, changes, err := patch.Apply(&before)
	if err != nil || !changes {
		t.Fatalf("Apply() = %t, %v", changes, err)
	}
	want := *kept.Clone()
	want.Roles, want.Identities = []roster.RoleID{2, 3}, []roster.Identity{}
	want.Delegates = []roster.Delegate{{User: 3}, {User: 2, Permissions: []string{"a"}}, {User: 4}}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	(*patch.Roles)[0], after.Delegates[1].Permissions[0] = 9, "b"
	if after.Roles[0] != 2 || !cmp.Equal(kept, before) {
		t.Errorf("the patch, the user before and the user after share memory: %v, %s", after.Roles, cmp.Diff(kept, before))
	}
	if _, changes, err := (&roster.UserPatch{User: 1, GivenName: new("Ann"), FamilyName: new("Lee")}).Apply(&before); changes || err != nil {
		t.Errorf("the names that there are: %t, %v, want no change", changes, err)
	}
}
