package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// items returns how many items the table holds.
func (c *console) items() int32 {
	c.Helper()
	out, err := rostertest.Client(c).Scan(c.Context(), &dynamodb.ScanInput{TableName: &c.table})
	if err != nil {
		c.Fatal(err)
	}
	return out.Count
}

func (c *console) open() *dynamo.Table {
	return dynamo.New(rostertest.Client(c), c.table, dynamo.Options{Now: c.clock.Now})
}

func TestBootstrapFoundsATenantThatWorks(t *testing.T) {
	c := newConsole(t)
	f := c.bootstrap("ann@northfield.example")
	table := c.open()
	tenant, id, err := table.EmailOwner(t.Context(), "Ann@Northfield.example")
	if err != nil || tenant.String() != string(f.Tenant) || id.String() != string(f.AdminID) {
		t.Fatalf("the address belongs to user %s of tenant %s, %v", id, tenant, err)
	}
	user, err := table.User(t.Context(), tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	if user.Role() != roster.RoleAdmin || user.StatusAt(now) != roster.StatusActive || user.GivenName != "Ann" || user.FamilyName != "Smith" || user.Org() != tenant.Root() {
		t.Errorf("the admin is %+v", user)
	}
	credential, err := table.Credential(t.Context(), tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	if match, err := oauth2.VerifyPassword(f.AdminPassword, credential.PasswordHash); !match || err != nil {
		t.Errorf("the printed password %q does not match: %v", f.AdminPassword, err)
	}
	client, err := table.Client(t.Context(), roster.ClientID(f.ClientID))
	if err != nil || client.SecretHash != oauth2.HashClientSecret(f.ClientSecret) || client.Tenant != tenant {
		t.Errorf("the client is %+v, %v", client, err)
	}
}

func TestBootstrapTakesAPasswordFromAPipe(t *testing.T) {
	c := newConsole(t)
	args := []string{
		"bootstrap", "--organization", "Northfield Energy", "--admin-name", "Ann Smith", "--admin-email", "ann@northfield.example", "--password-stdin",
	}
	r := c.run(t.Context(), "correct horse battery\r\nmore\n", args...)
	if r.code != exitDone || strings.Contains(r.stdout, "correct horse") || !strings.Contains(r.stdout, "client secret   rcs_") {
		t.Fatalf("exit code %d, %q, %q", r.code, r.stdout, r.stderr)
	}
	tenant, id, err := c.open().EmailOwner(t.Context(), "ann@northfield.example")
	if err != nil {
		t.Fatal(err)
	}
	credential, err := c.open().Credential(t.Context(), tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	if match, err := oauth2.VerifyPassword("correct horse battery", credential.PasswordHash); !match {
		t.Errorf("the password does not match: %v", err)
	}
	if r := c.run(t.Context(), "", args...); r.code != exitFailed || r.stderr != "rosterctl: no password on standard input\n" {
		t.Errorf("without a password: exit code %d, %q", r.code, r.stderr)
	}
}

func TestBootstrapWithATakenAddressLeavesNothingBehind(t *testing.T) {
	c := newConsole(t)
	c.bootstrap("ann@northfield.example")
	before := c.items()
	r := c.run(t.Context(), "", "bootstrap", "--organization", "Other", "--admin-name", "Ann Other", "--admin-email", "ANN@northfield.example")
	if r.code != exitFailed || r.stderr != "rosterctl: the e-mail address ANN@northfield.example is taken\n" || r.stdout != "" {
		t.Errorf("exit code %d, %q, %q", r.code, r.stderr, r.stdout)
	}
	if after := c.items(); after != before {
		t.Errorf("the table held %d items and holds %d now", before, after)
	}
}

func TestBootstrapNamesEverythingThatIsWrong(t *testing.T) {
	c := newConsole(t)
	r := c.run(t.Context(), "short\n", "bootstrap", "--organization", "", "--admin-name", "Ann\x07", "--admin-email", "ann", "--password-stdin")
	want := "rosterctl: organization must have 1 to 100 characters; adminName must not contain control characters; " +
		"adminEmail must be an e-mail address; password must have 8 to 128 characters\n"
	if r.code != exitFailed || r.stderr != want {
		t.Errorf("exit code %d, %q\nwant %q", r.code, r.stderr, want)
	}
	if n := c.items(); n != 0 {
		t.Errorf("%d items were written", n)
	}
}

func TestClientsComeAndGo(t *testing.T) {
	c := newConsole(t)
	f := c.bootstrap("ann@northfield.example")
	tenant := string(f.Tenant)
	c.clock.Advance(time.Minute)
	created := mustJSON[clientView](c, "client", "create", "--tenant", tenant, "--name", "Nightly sync", "--service-user", string(f.AdminID), "--json")
	stored, err := c.open().Client(t.Context(), created.ID)
	if err != nil || stored.SecretHash != oauth2.HashClientSecret(created.Secret) || stored.ServiceUser.String() != string(f.AdminID) || stored.Revoked() {
		t.Errorf("the client is %+v, %v", stored, err)
	}
	listed := c.must("client", "list", "--tenant", tenant)
	if lines := strings.Split(listed, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], f.ClientID) || !strings.HasPrefix(lines[2], string(created.ID)) {
		t.Errorf("list prints\n%s", listed)
	}
	c.clock.Advance(time.Minute)
	first := c.must("client", "revoke", string(created.ID))
	c.clock.Advance(time.Minute)
	if again := c.must("client", "revoke", string(created.ID)); again != first || !strings.Contains(first, "is revoked since 2026-11-20T09:32:00Z") {
		t.Errorf("revoked: %q, and again: %q", first, again)
	}
	views := mustJSON[[]clientView](c, "client", "list", "--tenant", tenant, "--json")
	if len(views) != 2 || views[0].RevokedAt != nil || views[1].RevokedAt == nil || views[1].Secret != "" {
		t.Errorf("list prints %+v", views)
	}
	for _, tt := range []struct{ args, want string }{
		{"client revoke client-none", "client not found"},
		{"client list --tenant 5", "tenant 5 not found"},
		{"client create --tenant 5 --name X", "organization not found"},
		{"client create --tenant " + tenant + " --name X --service-user 5", "user not found"},
	} {
		if r := c.run(t.Context(), "", strings.Fields(tt.args)...); r.code != exitFailed || r.stderr != "rosterctl: "+tt.want+"\n" {
			t.Errorf("%s: exit code %d, %q, want %q", tt.args, r.code, r.stderr, tt.want)
		}
	}
}

func TestAnAPIKeyIsMadeInOneCommand(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	const key = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
	create := []string{"client", "create", "--tenant", tenant, "--api-user", "Ledger Sync", "--role", "2", "--public-key", key, "--view-all"}
	created := mustJSON[apiKeyView](c, append(create, "--json")...)
	client, err := c.open().Client(t.Context(), created.ID)
	if err != nil || client.SecretHash != oauth2.HashClientSecret(created.Secret) || client.ServiceUser != created.User || created.Workspace != tenant {
		t.Errorf("the client is %+v, %v, of %+v", client, err, created)
	}
	user, err := c.open().User(t.Context(), client.Tenant, created.User)
	if err != nil || user.Name != "Ledger Sync" || user.DeviceType != roster.DeviceTypeAPI || user.Role() != roster.RoleStaff || !user.ViewAll || user.PublicKey != key {
		t.Errorf("the user is %+v, %v", user, err)
	}
	if printed := c.must(create...); !strings.Contains(printed, "workspace       "+tenant+"\napi key id      client-") || !strings.Contains(printed, "\napi key secret  rcs_") {
		t.Errorf("create prints\n%s", printed)
	}
	items := c.items()
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"--api-user X", exitUsage, "--api-user needs --role"},
		{"--api-user X --role 2", exitUsage, "--api-user needs --public-key"},
		{"--name X --view-all", exitUsage, "--view-all is for an API user, and needs --api-user"},
		{"--name X --public-key " + key, exitUsage, "--public-key is for an API user, and needs --api-user"},
		{"--api-user X --role 2 --public-key 04", exitFailed, "publicKey must be an uncompressed point of the curve P-256, as 130 hexadecimal digits that begin with 04"},
		{"--api-user X --role 99 --public-key " + key, exitFailed, "role must be a role that there is"},
		{"--api-user X --role 2 --public-key " + key + " --organization 5", exitFailed, "organization not found"},
		{"", exitUsage, "at least one of the flags in the group [name api-user] is required"},
		{"--name X --api-user X --role 2 --public-key 04", exitUsage, "if any flags in the group [name api-user] are set none of the others can be; [api-user name] were all set"},
		{"--service-user 7 --api-user X --role 2 --public-key 04", exitUsage, "if any flags in the group [service-user api-user] are set none of the others can be; [api-user service-user] were all set"},
	} {
		args := append([]string{"client", "create", "--tenant", tenant}, strings.Fields(tt.args)...)
		if r := c.run(t.Context(), "", args...); r.code != tt.code || r.stderr != "rosterctl: "+tt.want+"\n" {
			t.Errorf("%s: exit code %d, %q, want %d, %q", tt.args, r.code, r.stderr, tt.code, tt.want)
		}
	}
	if n := c.items(); n != items {
		t.Errorf("%d items were written", n-items)
	}
}

// fullTenant makes a tenant in which everything is there that an export can hold, and returns its id.
func (c *console) fullTenant() string {
	c.Helper()
	f := c.bootstrap("ann@northfield.example")
	tenant := string(f.Tenant)
	hash, err := oauth2.HashPassword("correct horse battery")
	if err != nil {
		c.Fatal(err)
	}
	people := c.must("generate", "--quiet", "--users", "40", "--organizations", "6", "--tenant", tenant, "--now", "2026-11-19T00:00:00Z")
	lines := strings.SplitAfter(strings.TrimSpace(people), "\n")
	more := strings.Replace(lines[len(lines)-1], "}\n", "", 1)
	more = strings.TrimSuffix(more, "}") + `,"passwordHash":"` + hash + `","passwordChangedAt":"2026-05-05T05:05:05.005Z"}`
	people = strings.Join(lines[:len(lines)-1], "") + more + "\n" +
		`{"type":"user","id":4711,"organization":` + tenant + `,"email":"gone@northfield.example","name":"Gone","createdAt":"2026-01-01T00:00:00Z",` +
		`"deletedAt":"2026-11-11T11:11:11.111Z","expiresAt":"2027-02-09T11:11:12Z"}` + "\n" +
		`{"type":"user","id":4712,"organization":` + tenant + `,"email":"ann@northfield.example","name":"Expired","createdAt":"2026-01-01T00:00:00Z",` +
		`"deletedAt":"2026-02-02T02:02:02.222Z","expiresAt":"2026-05-05T00:00:00Z"}` + "\n"
	r := c.run(c.Context(), people, "import", "--json", "--quiet", "--tenant", tenant, "-")
	var got counts
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != exitDone {
		c.Fatalf("exit code %d, %s", r.code, r.stderr)
	}
	if want := (counts{Organizations: 5, Roles: 3, Groups: 24, Warehouses: 12, Users: 41, Expired: 1}); got != want {
		c.Fatalf("counts %+v, want %+v", got, want)
	}
	revoked := mustJSON[clientView](c, "client", "create", "--json", "--tenant", tenant, "--name", "Old", "--service-user", string(f.AdminID))
	c.must("client", "revoke", string(revoked.ID))
	return tenant
}

func TestExportWithSecretsRestoresEverything(t *testing.T) {
	c := newConsole(t)
	tenant := c.fullTenant()
	bare, whole := c.export(tenant), c.export(tenant, "--secrets")
	if strings.Contains(bare, "assword") || strings.Contains(bare, "ecret") || strings.Contains(bare, `"type":"client"`) {
		t.Error("an export without --secrets holds some")
	}
	if !strings.Contains(bare, `"deletedAt":"2026-11-11T11:11:11.111Z","expiresAt":"2027-02-09T11:11:12.000Z"`) {
		t.Error("the soft-deleted user is missing")
	}
	if n := strings.Count(whole, `"passwordHash":"$argon2id$`); n != 2 {
		t.Errorf("%d password hashes, want 2", n)
	}
	if !strings.Contains(whole, `"passwordChangedAt":"2026-05-05T05:05:05.005Z"`) {
		t.Error("the time of the password is lost")
	}
	if n := strings.Count(whole, `"type":"client"`); n != 2 {
		t.Errorf("%d clients, want 2", n)
	}

	other := c.emptyTable()
	other.must("import", "--quiet", other.write("whole.jsonl", whole))
	if again := other.export(tenant, "--secrets"); again != whole {
		t.Errorf("the second export differs: %s", firstDifference(whole, again))
	}
	if again := other.export(tenant); again != bare {
		t.Errorf("the second export without secrets differs: %s", firstDifference(bare, again))
	}
	r := other.run(t.Context(), "", "import", other.path("whole.jsonl"))
	lines := strings.Count(whole, "\n")
	if r.code != exitDone || !strings.Contains(r.stderr, "0 users imported, "+strconv.Itoa(lines)+" lines that were there already") {
		t.Errorf("importing it again: exit code %d, %s", r.code, r.stderr)
	}
	third := c.emptyTable()
	third.must("import", "--quiet", third.write("bare.jsonl", bare))
	if again := third.export(tenant, "--secrets"); again != bare {
		t.Errorf("an export without secrets brought some back: %s", firstDifference(bare, again))
	}
}

func TestARecordThatSomebodyUsedMeanwhileIsStillTheSame(t *testing.T) {
	c := newConsole(t)
	c.must("import", "--quiet", c.write("in.jsonl", tenantLine+userLineOf(1, "")+userLineOf(2, "")))
	table := c.open()
	if err := table.RecordLogin(t.Context(), 77, 1001, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	before, err := table.User(t.Context(), 77, 1002)
	if err != nil {
		t.Fatal(err)
	}
	after := before
	after.Title = "Chief"
	if _, err := table.UpdateUser(t.Context(), before, after, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	r := c.run(t.Context(), "", "import", "--quiet", c.path("in.jsonl"))
	refused := c.refused("in.jsonl" + refusedSuffix)
	if r.code != exitFailed || len(refused) != 1 || refused[0].Line != 3 || refused[0].Reason != "user 1002 is there already, with another title" {
		t.Errorf("exit code %d, refused %+v", r.code, refused)
	}
}

func TestExportLeavesNoFileBehindWhenItFails(t *testing.T) {
	c := newConsole(t)
	c.write("out.jsonl", "what was there before\n")
	r := c.run(t.Context(), "", "export", "--tenant", "5", "--output", c.path("out.jsonl"))
	if r.code != exitFailed || r.stderr != "rosterctl: tenant 5 not found\n" {
		t.Errorf("exit code %d, %q", r.code, r.stderr)
	}
	if names := c.names(); !slices.Equal(names, []string{"out.jsonl"}) || c.read("out.jsonl") != "what was there before\n" {
		t.Errorf("the folder holds %q, and the file %q", names, c.read("out.jsonl"))
	}
	if r := c.run(t.Context(), "", "export", "--tenant", "5", "--output", c.path("no/out.jsonl")); r.code != exitFailed || !strings.Contains(r.stderr, "no such file or directory") {
		t.Errorf("exit code %d, %q", r.code, r.stderr)
	}
}

func TestGenerateMakesTheSameBytesForTheSameSeed(t *testing.T) {
	c := &console{T: t, dir: t.TempDir(), clock: rostertest.NewClock(now)}
	args := []string{"generate", "--quiet", "--users", "300", "--seed", "5"}
	first := c.must(args...)
	if again := c.must(append(args, "--output", c.path("out.jsonl"))...); again != "" || c.read("out.jsonl") != first {
		t.Error("the same seed made other bytes in a file")
	}
	c.clock.Advance(time.Hour)
	if c.must(args...) == first {
		t.Error("an hour later the same people logged in at the same moments")
	}
	if c.must(append(args, "--now", now.Format(time.RFC3339))...) != first {
		t.Error("--now does not take the time back")
	}
	for text := range strings.Lines(first) {
		if _, err := newForm().read([]byte(strings.TrimSuffix(text, "\n"))); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for _, args := range []string{"generate --users -1", "generate --organizations 0", "generate --now tomorrow"} {
		if r := c.run(t.Context(), "", strings.Fields(args)...); r.code != exitFailed || r.stdout != "" {
			t.Errorf("%s: exit code %d, %.80q", args, r.code, r.stdout)
		}
	}
}

func TestHelpAndUsage(t *testing.T) {
	c := &console{T: t, dir: t.TempDir(), clock: rostertest.NewClock(now)}
	for _, command := range []string{"", "bootstrap", "client", "client create", "client list", "client revoke", "invitation", "invitation list", "invitation resend", "invitation revoke", "generate", "import", "export"} {
		help := c.must(append(strings.Fields(command), "--help")...)
		if !strings.Contains(help, "rosterctl") || command != "client" && command != "invitation" && !strings.Contains(help, "Examples:") {
			t.Errorf("the help of %q has no example:\n%s", command, help)
		}
	}
	for args, want := range map[string]string{
		"fly":         `unknown command "fly" for "rosterctl"`,
		"client fly":  `unknown command "fly" for "rosterctl client"`,
		"bootstrap":   `required flag(s) "admin-email", "admin-name", "organization" not set`,
		"export":      `required flag(s) "tenant" not set`,
		"export x":    `unknown command "x" for "rosterctl export"`,
		"client list": `required flag(s) "tenant" not set`,
	} {
		if r := c.run(t.Context(), "", strings.Fields(args)...); r.code != exitUsage || r.stderr != "rosterctl: "+want+"\n" {
			t.Errorf("%s: exit code %d, %q, want %d, %q", args, r.code, r.stderr, exitUsage, want)
		}
	}
}
