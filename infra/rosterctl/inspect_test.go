package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestRolesAreMadeAndListed(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	if out := c.must("role", "create", "--tenant", tenant, "--name", "Auditor", "--permission", "ORG_VIEW,ORG_VIEW_AUDIT", "--permission", "ROLE_VIEW"); out != "role 4 is Auditor\n" {
		t.Errorf("printed %q", out)
	}
	made := mustJSON[roleView](c, "role", "create", "--tenant", tenant, "--name", "Recruiter", "--permission", "ORG_INVITE_USERS", "--json")
	want := roleView{ID: 5, Name: "Recruiter", Permissions: []string{"ORG_INVITE_USERS"}, CreatedAt: &now}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	listed := mustJSON[[]roleView](c, "role", "list", "--tenant", tenant, "--json")
	var names []string
	for _, r := range listed {
		names = append(names, fmt.Sprintf("%s %s %v", r.ID, r.Name, r.BuiltIn))
	}
	if diff := cmp.Diff([]string{"1 Admin true", "2 Staff true", "3 User true", "4 Auditor false", "5 Recruiter false"}, names); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	for _, want := range []string{"1   Admin      all\n", "4   Auditor    ORG_VIEW ORG_VIEW_AUDIT ROLE_VIEW\n"} {
		if out := c.must("role", "list", "--tenant", tenant); !strings.Contains(out, want) {
			t.Errorf("listed\n%s\nwant %q", out, want)
		}
	}
}

func TestRolesThatCannotBe(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	for _, test := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"role create --tenant " + tenant + " --name X --permission ORG_VIEW,FLY", exitFailed, "there is no permission FLY"},
		{"role create --tenant " + tenant + " --name Admin --permission ORG_VIEW", exitFailed, "the role name Admin is taken"},
		{"role create --tenant 12 --name X --permission ORG_VIEW", exitFailed, "tenant 12 not found"},
		{"role create --tenant " + tenant + " --name X", exitUsage, "permission"},
		{"role list --tenant 12", exitFailed, "tenant 12 not found"},
		{"role list", exitUsage, "tenant"},
	} {
		r := c.run(t.Context(), "", strings.Fields(test.args)...)
		if r.code != test.code || !strings.Contains(r.stderr, test.stderr) || strings.Count(r.stderr, "\n") != 1 || r.stdout != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %d with %q", test.args, r.code, r.stdout, r.stderr, test.code, test.stderr)
		}
	}
	if roles := mustJSON[[]roleView](c, "role", "list", "--tenant", tenant, "--json"); len(roles) != 3 {
		t.Errorf("there are %d roles now", len(roles))
	}
}

func TestGroupsAreMadeAndListed(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	if out := c.must("group", "list", "--tenant", tenant, "--json"); out != "[]\n" {
		t.Errorf("the groups of a new tenant are %q", out)
	}
	out := c.must("group", "create", "--tenant", tenant, "--name", "Tax & more")
	made := mustJSON[groupView](c, "group", "create", "--tenant", tenant, "--name", "Tax & more", "--json")
	if made.Name != "Tax & more" || !made.CreatedAt.Equal(now) || !strings.HasPrefix(out, "group ") || !strings.HasSuffix(out, " is Tax & more\n") {
		t.Errorf("made %q and %+v", out, made)
	}
	listed := mustJSON[[]groupView](c, "group", "list", "--tenant", tenant, "--json")
	if len(listed) != 2 || !slices.Contains(listed, made) || listed[0].ID >= listed[1].ID {
		t.Errorf("listed %+v, want two groups in id order", listed)
	}
	if out := c.must("group", "list", "--tenant", tenant); !strings.Contains(out, made.ID.String()+"  Tax & more\n") || strings.Count(out, "\n") != 3 {
		t.Errorf("listed\n%s", out)
	}
	for args, want := range map[string]struct {
		code   int
		stderr string
	}{
		"group create --tenant 12 --name X":                                       {exitFailed, "tenant 12 not found"},
		"group create --tenant " + tenant + " --name " + strings.Repeat("x", 101): {exitFailed, "name must have 1 to 100 characters"},
		"group create --tenant " + tenant:                                         {exitUsage, "name"},
		"group list --tenant 12":                                                  {exitFailed, "tenant 12 not found"},
		"group list":                                                              {exitUsage, "tenant"},
	} {
		r := c.run(t.Context(), "", strings.Fields(args)...)
		if r.code != want.code || !strings.Contains(r.stderr, want.stderr) || r.stdout != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %d with %q", args, r.code, r.stdout, r.stderr, want.code, want.stderr)
		}
	}
}

func TestWarehousesAreMadeAndListed(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	if out := c.must("warehouse", "list", "--tenant", tenant, "--json"); out != "[]\n" {
		t.Errorf("the warehouses of a new tenant are %q", out)
	}
	out := c.must("warehouse", "create", "--tenant", tenant, "--name", "East & more")
	made := mustJSON[warehouseView](c, "warehouse", "create", "--tenant", tenant, "--name", "East & more", "--inactive", "--json")
	if made.Active || made.Name != "East & more" || !made.CreatedAt.Equal(now) || !strings.HasPrefix(out, "warehouse ") || !strings.HasSuffix(out, " is East & more\n") {
		t.Errorf("made %q and %+v", out, made)
	}
	listed := mustJSON[[]warehouseView](c, "warehouse", "list", "--tenant", tenant, "--json")
	if len(listed) != 2 || !slices.Contains(listed, made) || listed[0].ID >= listed[1].ID {
		t.Errorf("listed %+v, want two warehouses in id order", listed)
	}
	if out := c.must("warehouse", "list", "--tenant", tenant); !strings.Contains(out, made.ID.String()+"  East & more  false\n") || !strings.Contains(out, "  East & more  true\n") || strings.Count(out, "\n") != 3 {
		t.Errorf("listed\n%s", out)
	}
	for args, want := range map[string]struct {
		code   int
		stderr string
	}{
		"warehouse create --tenant 12 --name X":                                       {exitFailed, "tenant 12 not found"},
		"warehouse create --tenant " + tenant + " --name " + strings.Repeat("x", 101): {exitFailed, "name must have 1 to 100 characters"},
		"warehouse create --tenant " + tenant:                                         {exitUsage, "name"},
		"warehouse list --tenant 12":                                                  {exitFailed, "tenant 12 not found"},
		"warehouse list":                                                              {exitUsage, "tenant"},
	} {
		r := c.run(t.Context(), "", strings.Fields(args)...)
		if r.code != want.code || !strings.Contains(r.stderr, want.stderr) || r.stdout != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %d with %q", args, r.code, r.stdout, r.stderr, want.code, want.stderr)
		}
	}
}

func TestHelpOfRoleCreateNamesEveryPermission(t *testing.T) {
	c := newConsole(t)
	help := c.must("role", "create", "--help")
	for _, name := range roster.AllPermissions.Names() {
		if !strings.Contains(help, name) {
			t.Errorf("%s is not in the help", name)
		}
	}
}

// trail writes n entries to the trail of an organization, a minute apart, the last of them now.
func (c *console) trail(tenant roster.TenantID, org roster.OrgID, n int) {
	c.Helper()
	var entries []roster.AuditEntry
	for i := range n {
		entries = append(entries, roster.AuditEntry{
			Tenant: tenant, Org: org, At: now.Add(time.Duration(i-n+1) * time.Minute), Version: int64(i + 1),
			Stamp:  roster.Stamp{By: "client:portal", Via: "organization", RequestID: "r-" + strconv.Itoa(i), ForwardedFor: "client:x user:y"},
			Action: roster.ActionUserUpdated, Subject: "user:42", Name: "Ann\nSmith",
			Fields: []roster.FieldChange{{Field: "title", Old: "a", New: strconv.Itoa(i)}},
		})
	}
	if err := c.open().PutAudit(c.Context(), entries); err != nil {
		c.Fatal(err)
	}
}

func TestAuditTellsTheNewestFirstAndFollowsPages(t *testing.T) {
	c := newConsole(t)
	text := string(c.bootstrap("ann@northfield.example").Tenant)
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	id := roster.TenantID(number)
	const n = 1203 // more than a page
	c.trail(id, id.Root(), n)
	versions := func(args ...string) []int64 {
		var all []int64
		for line := range strings.Lines(c.must(append([]string{"audit", "--tenant", text, "--json"}, args...)...)) {
			var v auditView
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			all = append(all, v.Version)
		}
		return all
	}
	for limit, want := range map[string]int{"0": n, "1": 1, "7": 7, "1100": 1100, "5000": n} {
		got := versions("--limit", limit)
		if len(got) != want {
			t.Errorf("--limit %s: %d entries, want %d", limit, len(got), want)
		}
		for i, version := range got {
			if version != int64(n-i) {
				t.Fatalf("--limit %s: entry %d has version %d, want %d", limit, i, version, n-i)
			}
		}
	}
	if got := versions(); len(got) != 50 {
		t.Errorf("without a limit: %d entries, want 50", len(got))
	}
	want := `2026-11-20 09:30:00.000  user.updated  user:42 "Ann\nSmith"  by client:portal via organization for "client:x user:y"  title "a"->"1202"` + "\n"
	if out := c.must("audit", "--tenant", text, "--limit", "1"); out != want {
		t.Errorf("printed\n%q, want\n%q", out, want)
	}
	if out := c.must("audit", "--tenant", text, "--organization", text, "--limit", "1"); out != want {
		t.Errorf("the root by its id: %q", out)
	}
}

func TestAuditOfWhatIsNotThere(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	for args, want := range map[string]string{
		"audit --tenant 12": "tenant 12 not found",
		"audit --tenant " + tenant + " --organization 13": "organization not found",
		"audit --tenant " + tenant + " --limit -1":        "--limit must not be negative",
	} {
		if r := c.run(t.Context(), "", strings.Fields(args)...); r.code != exitFailed || !strings.Contains(r.stderr, want) || r.stdout != "" {
			t.Errorf("%s: exit code %d, %q, %q", args, r.code, r.stdout, r.stderr)
		}
	}
	if out := c.must("audit", "--tenant", tenant); out != "" {
		t.Errorf("an empty trail prints %q", out)
	}
}

func TestCheckOfATableInOrder(t *testing.T) {
	c := newConsole(t)
	c.bootstrap("ann@northfield.example")
	r := c.run(t.Context(), "", "check")
	if r.code != exitDone || r.stdout != "" || !strings.Contains(r.stderr, "1 tenants") || !strings.Contains(r.stderr, ": 0 findings\n") {
		t.Errorf("exit code %d, %q, %q", r.code, r.stdout, r.stderr)
	}
	if r := c.run(t.Context(), "", "check", "--quiet"); r != (result{}) {
		t.Errorf("--quiet: %+v", r)
	}
}

func TestCheckReportsEachFindingInALineAndFails(t *testing.T) {
	c := newConsole(t)
	c.bootstrap("ann@northfield.example")
	claim := map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "EMAIL#ann@northfield.example"}, "sk": &types.AttributeValueMemberS{Value: "CLAIM"},
	}
	if _, err := rostertest.Client(t).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &c.table, Key: claim}); err != nil {
		t.Fatal(err)
	}
	r := c.run(t.Context(), "", "check")
	if r.code != exitFailed || strings.Count(r.stdout, "\n") != 1 || !strings.HasPrefix(r.stdout, "missing claim: ") || !strings.HasSuffix(r.stderr, "rosterctl: 1 findings\n") {
		t.Errorf("exit code %d, %q, %q", r.code, r.stdout, r.stderr)
	}
	r = c.run(t.Context(), "", "check", "--json", "--quiet")
	var finding findingView
	if err := json.Unmarshal([]byte(r.stdout), &finding); err != nil || r.code != exitFailed || finding.Kind != "missing claim" || finding.Item == "" {
		t.Errorf("exit code %d, %q (%v), %q", r.code, r.stdout, err, r.stderr)
	}
}

func TestCheckOfATableThatIsNotThere(t *testing.T) {
	c := newConsole(t)
	if r := c.run(t.Context(), "", "check", "--table", "nothing-here"); r.code != exitFailed || !strings.Contains(r.stderr, `there is no table "nothing-here"`) {
		t.Errorf("exit code %d, %q", r.code, r.stderr)
	}
}
