package roster_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

func TestPrincipalSurvivesTheAuthorizerContext(t *testing.T) {
	for _, p := range []roster.Principal{
		{Tenant: 7, Path: roster.OrgPath{7}, Client: "c1", Permissions: roster.AllPermissions, TokenID: "j"},
		{Tenant: 7, Path: roster.OrgPath{7, 8, 9}, Client: "c1", User: roster.MaxUserID, Permissions: roster.Permissions(roster.OrgView)},
	} {
		got, ok := roster.PrincipalFromAttributes(p.Attributes())
		if diff := cmp.Diff(p, got); !ok || diff != "" {
			t.Errorf("PrincipalFromAttributes(Attributes()) ok=%v (-want +got):\n%s", ok, diff)
		}
	}
}

func TestIncompleteAttributesAreNoPrincipal(t *testing.T) {
	good := (&roster.Principal{Tenant: 7, Path: roster.OrgPath{7}, Client: "c"}).Attributes()
	for name, value := range map[string]string{
		"tenant": "", "path": "8", "user": "-1", "client": "",
	} {
		bad := maps.Clone(good)
		bad[name] = value
		if p, ok := roster.PrincipalFromAttributes(bad); ok {
			t.Errorf("%s=%q gives %+v, want no principal", name, value, p)
		}
	}
	if _, ok := roster.PrincipalFromAttributes(nil); ok {
		t.Error("no attributes give a principal")
	}
}

func TestPrincipalReachesItsTreeOnly(t *testing.T) {
	p := roster.Principal{Tenant: 1, Path: roster.OrgPath{1, 2}}
	for path, want := range map[string]bool{"1/2": true, "1/2/3": true, "1": false, "1/4": false, "5/6": false} {
		parsed, err := roster.ParseOrgPath(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Reaches(parsed); got != want {
			t.Errorf("Reaches(%s) = %v, want %v", path, got, want)
		}
	}
}

func FuzzParseOrgPath(f *testing.F) {
	f.Add("1/2/3")
	f.Add("/")
	f.Add("01")
	f.Fuzz(func(t *testing.T, s string) {
		path, err := roster.ParseOrgPath(s)
		if err != nil {
			return
		}
		back, err := roster.ParseOrgPath(path.String())
		if err != nil || !cmp.Equal(path, back) {
			t.Errorf("ParseOrgPath(%q) = %v, back %v, %v", s, path, back, err)
		}
	})
}
