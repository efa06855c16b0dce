package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/oauth2"
)

func TestExportImportExportGivesTheSameBytes(t *testing.T) {
	c := newConsole(t)
	file := c.path("people.jsonl")
	c.must("generate", "--users", "700", "--organizations", "25", "--seed", "3", "--now", now.Format("2006-01-02T15:04:05Z"), "--output", file, "--quiet")
	generated := c.read("people.jsonl")
	c.must("import", "--quiet", file)
	tenant := tenantOf(t, generated)
	exported := c.export(tenant)
	if sortedLines(exported) != sortedLines(generated) {
		t.Error("what was exported is not what was imported")
	}

	other := c.emptyTable()
	other.must("import", "--quiet", other.write("exported.jsonl", exported))
	if again := other.export(tenant); again != exported {
		t.Errorf("the second export differs from the first: %s", firstDifference(exported, again))
	}
	if names := strings.Join(c.names(), " "); names != "exported.jsonl people.jsonl" {
		t.Errorf("the folder holds %s: nothing else should be left", names)
	}
}

// tenantOf returns the id in the tenant line, the first.
func tenantOf(t *testing.T, text string) string {
	t.Helper()
	first, _, _ := strings.Cut(text, "\n")
	r, err := newForm().read([]byte(first))
	if err != nil || r.Organization == nil || r.Organization.Parent() != 0 {
		t.Fatalf("the first line is %s, want a tenant's", first)
	}
	return r.Organization.ID.String()
}

func sortedLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// firstDifference says where two texts part.
func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return "line " + strconv.Itoa(i+1) + ":\n" + as[i] + "\n" + bs[i]
		}
	}
	return "one has " + strconv.Itoa(len(as)) + " lines, the other " + strconv.Itoa(len(bs))
}

func TestAUserWithEverythingComesBackAsItWas(t *testing.T) {
	hash, err := oauth2.HashPassword("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	user := `{"type":"user","id":4711,"organization":77,"email":"Ann.O'Neil+x@northfield.example","emailBounced":true,"emailComplained":true,"name":"Ann \"Q\" O’Neil",` +
		`"givenName":"Ann 日本","familyName":"O’Neil","nickname":"<b>&\\","username":"ann","title":"Chief","phoneNumber":"+11234567890",` +
		`"address":{"full":"1 High Street","country":"Ireland","city":"Cork","state":"Munster","zip":"T12"},"timeZone":"Europe/Dublin","locale":"en_IE",` +
		`"roles":[2,44,3],"status":"Suspended","developer":true,"darkMode":true,"deviceCount":3,"seniority":"Lead","department":"Research",` +
		`"office":"Cork","subdepartment":"Materials","pod":"Comet","groups":[9007199254740991,1],"superDelegate":true,` +
		`"superDelegatePermissions":["EDIT_TIMELINE","A B"],"delegates":[{"user":5,"permissions":["X"]},{"user":6}],` +
		`"identities":[{"type":"azure","value":"https://idp.example/#1%23"},{"type":"phone-extension","value":"é"}],"deviceType":"SOFT_PSD","deviceUserId":"42",` +
		`"publicKey":"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5","viewAll":true,"loginViaBadge":true,"defaultWarehouse":12,"createdAt":"2024-01-01T00:00:00.001Z",` +
		`"updatedAt":"2025-01-01T00:00:00.020Z","registeredAt":"2024-02-01T00:00:00.300Z","lastLoginAt":"2026-11-19T23:59:59.999Z",` +
		`"passwordHash":"` + hash + `","passwordChangedAt":"2025-05-05T05:05:05.005Z"}` + "\n"
	for _, m := range userMembers() {
		if m.name != "deletedAt" && m.name != "expiresAt" && !strings.Contains(user, `"`+m.name+`":`) {
			t.Errorf("the user has no %s", m.name)
		}
	}
	whole := tenantLine + `{"type":"role","id":44,"name":"Auditor","permissions":["ORG_VIEW","ROLE_VIEW"],"createdAt":"2025-01-01T00:00:00.000Z"}` + "\n" +
		`{"type":"group","id":1,"name":"Tax \"Q\"","createdAt":"2025-02-01T00:00:00.000Z"}` + "\n" +
		`{"type":"group","id":9007199254740991,"name":"日本","createdAt":"2025-02-01T00:00:00.001Z"}` + "\n" +
		`{"type":"warehouse","id":2,"name":"Closed","inactive":true,"createdAt":"2025-03-01T00:00:00.000Z"}` + "\n" +
		`{"type":"warehouse","id":12,"name":"東京 \"1\"","createdAt":"2025-03-01T00:00:00.001Z"}` + "\n" + user
	c := newConsole(t)
	c.must("import", "--quiet", c.write("in.jsonl", whole))
	if got := c.export("77", "--secrets"); got != whole {
		t.Errorf("what came back differs: %s", firstDifference(whole, got))
	}
}
