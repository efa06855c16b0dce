package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/rostertest"
)

// tenantLine begins the files of these tests.
const tenantLine = `{"type":"tenant","id":77,"name":"Northfield Energy","createdAt":"2025-01-01T00:00:00.000Z"}` + "\n"

// userLineOf returns the line of the n-th user, with more fields at its end.
func userLineOf(n int, more string) string {
	return fmt.Sprintf(`{"type":"user","id":%d,"organization":77,"email":"user-%d@northfield.example","name":"Given%d Family%d"%s}`+"\n",
		1000+n, n, n, n, more)
}

// refused reads a file of refused lines.
func (c *console) refused(name string) []refusedLine {
	c.Helper()
	var lines []refusedLine
	for text := range strings.Lines(c.read(name)) {
		var l refusedLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			c.Fatalf("%s: %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines
}

type refusedLine struct {
	Line                int
	Field, Reason, Text string
}

func TestImportRefusesOneLineAtATime(t *testing.T) {
	good := func(n int) string { return userLineOf(n, "") }
	cases := []struct {
		name, line    string
		field, reason string
	}{
		{"not JSON", "hello", "", "is not valid JSON: a value is missing at byte 1"},
		{"a list", "[1]", "", "must be an object, not a list"},
		{"two objects", `{"type":"role","id":9,"name":"X"}{}`, "", "is not valid JSON: more after the object at byte 34"},
		{"cut off", strings.TrimSuffix(good(1), "}\n"), "", "is not valid JSON: the line ends early"},
		{"no type", `{"id":5}`, "type", "type is required"},
		{"an unknown type", `{"type":"team"}`, "type", "type must be one of tenant, role, group, warehouse, organization, user, client"},
		{"an unknown field", userLineOf(1, `,"phone":"+1234567890"`), "phone", "phone is not a known field"},
		{"a field in other case", userLineOf(1, `,"Title":"Boss"`), "Title", "Title is not a known field"},
		{"a field twice", userLineOf(1, `,"email":"b@northfield.example"`), "email", "email is given twice"},
		{"a field twice inside", userLineOf(1, `,"address":{"city":"Rome","city":"Rome"}`), "address.city", "address.city is given twice"},
		{"null", userLineOf(1, `,"title":null`), "title", "title must be a text, not null"},
		{"a number as text", userLineOf(1, `,"deviceCount":"3"`), "deviceCount", "deviceCount must be a whole number, not a text"},
		{"a fraction", userLineOf(1, `,"deviceCount":1.5`), "deviceCount", "deviceCount must be a whole number of at most 64 bits, not 1.5"},
		{"a role beyond its type", userLineOf(1, `,"roles":[4294967299]`), "roles", "roles must be a whole number of at most 32 bits, not 4294967299"},
		{"a text as flag", userLineOf(1, `,"developer":"yes"`), "developer", "developer must be true or false, not a text"},
		{"a text as list", userLineOf(1, `,"roles":"3"`), "roles", "roles must be a list, not a text"},
		{"a bad time", userLineOf(1, `,"lastLoginAt":"yesterday"`), "lastLoginAt", "lastLoginAt must be a time such as"},
		{"a derived status", userLineOf(1, `,"status":"Inactive"`), "status", "status must be one of Active, Pending, Suspended"},
		{"half a character", userLineOf(1, `,"title":"\ud83d"`), "", "is not valid JSON: half of a surrogate pair"},
		{"not UTF-8", userLineOf(1, ",\"title\":\"\xff\""), "", "is not valid UTF-8"},
		{"too long", userLineOf(1, `,"title":"`+strings.Repeat("x", maxLine)+`"`), "", "is longer than 524288 bytes"},
		{"nested deep", `{"type":"user","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", "", "nested too deep"},
		{"no organization", `{"type":"user","email":"a@northfield.example","name":"A B"}`, "organization", "organization must be the id of an organization"},
		{"an unknown organization", `{"type":"user","organization":78,"email":"a@northfield.example","name":"A B"}`, "organization", "organization 78 is not in tenant 77"},
		{"an unknown role", userLineOf(1, `,"roles":[3,44]`), "roles", "role 44 is not in tenant 77"},
		{"an unknown group", userLineOf(1, `,"groups":[5]`), "groups", "group 5 is not in tenant 77"},
		{"an unknown warehouse", userLineOf(1, `,"defaultWarehouse":6`), "defaultWarehouse", "warehouse 6 is not in tenant 77"},
		{"a warehouse below zero", userLineOf(1, `,"defaultWarehouse":-6`), "defaultWarehouse", "defaultWarehouse must be between 1 and 9007199254740991"},
		{"a key off the curve", userLineOf(1, `,"publicKey":"04`+strings.Repeat("11", 64)+`"`), "publicKey", "publicKey must be an uncompressed point of the curve P-256"},
		{"an unknown type of identity", userLineOf(1, `,"identities":[{"type":"saml","value":"x"}]`), "identities.type", "identities.type must be one of aderant, auth0, azure, "},
		{"a delegate twice", userLineOf(1, `,"delegates":[{"user":5},{"user":5}]`), "delegates", "delegates must not hold a user twice"},
		{"no name", `{"type":"user","organization":77,"email":"a@northfield.example"}`, "name", "name must have 1 to 100 characters"},
		{"no e-mail address", `{"type":"user","organization":77,"name":"A B"}`, "email", "email is required"},
		{"an id out of range", `{"type":"user","id":9007199254740992,"organization":77,"email":"a@northfield.example","name":"A B"}`, "id", "id must be between 1 and 9007199254740991"},
		{"two broken rules", userLineOf(1, `,"locale":"english","phoneNumber":"12"`), "phoneNumber", "; locale must be a language and a region"},
		{"deleted for ever", userLineOf(1, `,"deletedAt":"2026-11-01T00:00:00Z"`), "expiresAt", "expiresAt must be there if and only if deletedAt is"},
		{"a password in plain text", userLineOf(1, `,"passwordHash":"correct horse"`), "passwordHash", "passwordHash must be a hash that logins can be checked against"},
		{"an address that is taken", `{"type":"user","organization":77,"email":"USER-0@northfield.example","name":"A B"}`, "", "user 1000 is there already, with another"},
		{"an id that is taken", `{"type":"user","id":1000,"organization":77,"email":"a@northfield.example","name":"Given0 Family0"}`, "", "user 1000 is there already, with another email"},
		{"an unknown parent", `{"type":"organization","id":80,"parent":79,"name":"X"}`, "parent", "organization 79 is not in tenant 77"},
		{"no parent", `{"type":"organization","id":80,"name":"X"}`, "parent", "parent must be the id of the organization above"},
		{"an unknown permission", `{"type":"role","id":9,"name":"X","permissions":["FLY"]}`, "permissions", `permissions must be names of permissions, not "FLY"`},
		{"a built-in role", `{"type":"role","id":3,"name":"X"}`, "id", "id must be positive and not that of a built-in role"},
		{"a group without a name", `{"type":"group","id":9}`, "name", "name must have 1 to 100 characters"},
		{"a group without an id", `{"type":"group","name":"X"}`, "id", "id must be between 1 and 9007199254740991"},
		{"a warehouse without a name", `{"type":"warehouse","id":9}`, "name", "name must have 1 to 100 characters"},
		{"a warehouse without an id", `{"type":"warehouse","name":"X"}`, "id", "id must be between 1 and 9007199254740991"},
		{"another tenant", `{"type":"tenant","id":78,"name":"X"}`, "id", "id must be 77: a file holds one tenant"},
		{"another name for the tenant", `{"type":"tenant","id":77,"name":"X"}`, "", "organization 77 is there already, with another name"},
		{"a short secret", `{"type":"client","id":"c","organization":77,"name":"C","secretHash":"00"}`, "secretHash", "secretHash must be 64 lower-case hexadecimal digits"},
	}
	var file strings.Builder
	file.WriteString(tenantLine + good(0))
	for _, tt := range cases {
		file.WriteString(strings.TrimSuffix(tt.line, "\n") + "\n")
	}
	file.WriteString(good(2))

	c := newConsole(t)
	r := c.run(t.Context(), "", "import", "--quiet", c.write("in.jsonl", file.String()))
	if want := fmt.Sprintf("rosterctl: %d of %d lines were refused: see %s\n", len(cases), len(cases)+3, c.path("in.jsonl.refused.jsonl")); r.code != exitFailed || r.stderr != want {
		t.Errorf("exit code %d, error %q, want %d, %q", r.code, r.stderr, exitFailed, want)
	}
	refused := c.refused("in.jsonl.refused.jsonl")
	if len(refused) != len(cases) {
		t.Fatalf("%d refused lines, want %d:\n%+v", len(refused), len(cases), refused)
	}
	for i, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			got := refused[i]
			if got.Line != i+3 || got.Field != tt.field || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("line %d, field %q, reason %q\nwant %d, %q, %q", got.Line, got.Field, got.Reason, i+3, tt.field, tt.reason)
			}
			wantText := strings.ToValidUTF8(strings.TrimSuffix(tt.line, "\n"), "\uFFFD")
			if tt.name == "too long" {
				wantText = ""
			}
			if got.Text != wantText {
				t.Errorf("text %q, want %q", got.Text, wantText)
			}
		})
	}
	if n := strings.Count(c.export("77"), `"type":"user"`); n != 2 {
		t.Errorf("%d users in the table, want the 2 good ones", n)
	}
	if names := c.names(); !slices.Equal(names, []string{"in.jsonl", "in.jsonl.refused.jsonl"}) {
		t.Errorf("the folder holds %q", names)
	}

	c.write("mended.jsonl", good(1))
	c.must("import", "--quiet", "--tenant", "77", c.path("mended.jsonl"))
}

func TestImportTakesWhatIsLeftOut(t *testing.T) {
	c := newConsole(t)
	in := "\uFEFF" + strings.ReplaceAll(tenantLine, "\n", "\r\n") + "\r\n\n" +
		` { "email" : "jos\u00e9@northfield.example", "givenName":"Jos\u00E9 Mar\u00eda", "familyName":"Garc\u00eda", "organization":77, "type":"user" } ` + "\r\n" +
		`{"type":"user","organization":77,"email":"x@northfield.example","name":"Li"}` // no line feed at the end
	c.must("import", "--quiet", c.write("in.jsonl", in))
	var got []string
	for text := range strings.Lines(c.export("77")) {
		var l map[string]any
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if l["type"] == "user" {
			got = append(got, fmt.Sprint(l["email"], " ", l["name"], " ", l["givenName"], " ", l["familyName"], " ", l["roles"], " ", l["status"], " ", l["createdAt"], " ", l["id"] != nil))
		}
	}
	slices.Sort(got)
	want := []string{
		"josé@northfield.example José María García José María García [3] Active 2026-11-20T09:30:00.000Z true",
		"x@northfield.example Li Li <nil> [3] Active 2026-11-20T09:30:00.000Z true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	c.clock.Advance(time.Hour)
	if r := c.run(t.Context(), "", "import", c.path("in.jsonl")); r.code != exitDone || !strings.Contains(r.stderr, "0 users imported, 3 lines that were there already") {
		t.Errorf("importing it again: exit code %d, %q", r.code, r.stderr)
	}
}

func TestTheFirstOfTwoLinesWins(t *testing.T) {
	var file strings.Builder
	file.WriteString(tenantLine)
	const users = 300
	for n := range users {
		file.WriteString(userLineOf(n, ""))
	}
	for n := users - 1; n >= 0; n -= 7 {
		// The same address under another id, and the same line again.
		fmt.Fprintf(&file, `{"type":"user","id":%d,"organization":77,"email":"user-%d@northfield.example","name":"Second"}`+"\n", 9000+n, n)
		file.WriteString(userLineOf(n, ""))
	}
	c := newConsole(t)
	r := c.run(t.Context(), "", "import", "--json", "--quiet", c.write("in.jsonl", file.String()))
	var got counts
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatalf("%s%v", r.stderr, err)
	}
	twice := int64((users + 6) / 7)
	if want := (counts{Tenants: 1, Users: users, Existed: twice, Refused: twice}); got != want || r.code != exitFailed {
		t.Errorf("counts %+v, exit code %d, want %+v, %d", got, r.code, want, exitFailed)
	}
	for _, l := range c.refused("in.jsonl.refused.jsonl") {
		if !strings.Contains(l.Reason, "is taken") || !strings.Contains(l.Text, "Second") {
			t.Errorf("refused: %+v", l)
		}
	}
}

func TestImportIntoATenantThatIsThere(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	generated := c.must("generate", "--quiet", "--users", "60", "--organizations", "4", "--tenant", tenant)
	if strings.Contains(generated, `"type":"tenant"`) {
		t.Error("generate --tenant wrote a tenant line")
	}
	r := c.run(t.Context(), generated, "import", "--tenant", tenant, "-")
	if r.code != exitDone || !strings.Contains(r.stderr, "tenant "+tenant+": 60 users imported, 3 organizations, 3 roles, 24 groups, 12 warehouses") {
		t.Errorf("exit code %d, %q", r.code, r.stderr)
	}
	if n := strings.Count(c.export(tenant), `"type":"user"`); n != 61 {
		t.Errorf("%d users, want 61", n)
	}
}

func TestImportSaysWhatIsWrongWithAll(t *testing.T) {
	c := newConsole(t)
	users := c.write("users.jsonl", userLineOf(1, ""))
	founded := c.write("founded.jsonl", tenantLine+userLineOf(1, ""))
	cases := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no tenant", []string{users}, exitFailed, "line 1: into which tenant? begin the file with a tenant line, or give --tenant"},
		{"a tenant that is not there", []string{"--tenant", "78", users}, exitFailed, "tenant 78 is not there, and no tenant line founds it: see rosterctl bootstrap"},
		{"two tenants", []string{"--tenant", "78", founded}, exitFailed, "line 1 is of tenant 77, and --tenant says 78"},
		{"no file", []string{c.path("none")}, exitFailed, "open " + c.path("none") + ": no such file or directory"},
		{"a folder", []string{c.dir}, exitFailed, c.dir + " is a folder"},
		{"no table", []string{"--table", "nowhere", founded}, exitFailed, `there is no table "nowhere" at ` + c.endpoint},
		{"no server", []string{"--endpoint", "http://127.0.0.1:1", founded}, exitFailed, "nothing answers at http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused"},
		{"no URL", []string{"--endpoint", "localhost:8000", founded}, exitFailed, `the endpoint must be a URL such as http://127.0.0.1:8000, not "localhost:8000"`},
		{"refused lines into the input", []string{"--refused", users, users}, exitFailed, "refused lines cannot go to the file that is imported"},
		{"no argument", nil, exitUsage, "accepts 1 arg(s), received 0"},
		{"an unknown flag", []string{"--fast", users}, exitUsage, "unknown flag: --fast"},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			r := c.run(t.Context(), "", append([]string{"import"}, tt.args...)...)
			if r.code != tt.code || r.stderr != "rosterctl: "+tt.want+"\n" {
				t.Errorf("exit code %d, %q\nwant %d, %q", r.code, r.stderr, tt.code, tt.want)
			}
		})
	}
	if names := c.names(); !slices.Equal(names, []string{"founded.jsonl", "users.jsonl"}) {
		t.Errorf("the folder holds %q: nothing should have been written", names)
	}
}

// stopAfter is a transport that stops a run when it has carried that many transactions.
type stopAfter struct {
	left atomic.Int64
	stop context.CancelFunc
}

func (s *stopAfter) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") && s.left.Add(-1) == 0 {
		s.stop()
	}
	return answer, err
}

// brokenFile returns a generated file with lines that are refused strewn in.
func (c *console) brokenFile() (text, tenant string) {
	c.Helper()
	generated := c.must("generate", "--quiet", "--users", "500", "--organizations", "12", "--seed", "9", "--now", "2026-11-01T00:00:00Z")
	tenant = tenantOf(c.T, generated)
	var b strings.Builder
	n := 0
	for text := range strings.Lines(generated) {
		b.WriteString(text)
		if n++; n > 20 && n%30 == 0 {
			fmt.Fprintf(&b, `{"type":"user","organization":1,"email":"lost-%d@nowhere.example","name":"Lost"}`+"\n", n)
			b.WriteString("line " + fmt.Sprint(n) + " is damaged\n")
			b.WriteString(strings.Replace(text, `"id":`, `"id":1`, 1)) // the address of the line before, under another id
		}
	}
	return b.String(), tenant
}

func TestAnImportThatIsStoppedGoesOn(t *testing.T) {
	c := newConsole(t)
	text, tenant := c.brokenFile()
	whole := c.emptyTable()
	if r := whole.run(t.Context(), "", "import", "--quiet", c.write("whole.jsonl", text)); r.code != exitFailed {
		t.Fatalf("exit code %d: %s", r.code, r.stderr)
	}
	wantExport, wantRefused := whole.export(tenant), c.read("whole.jsonl.refused.jsonl")

	random := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		name  string
		grace time.Duration
		kill  bool // lose what a killed process would not have written: the last checkpoint
	}{
		{"in good order", time.Minute, false},
		{"at once", 0, false},
		{"by a kill", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := c.emptyTable()
			c.T = t
			in := c.write(strings.ReplaceAll(tt.name, " ", "-")+".jsonl", text)
			stops, code := 0, exitInterrupted
			for code == exitInterrupted {
				ctx, stop := context.WithCancel(t.Context())
				carrier := &stopAfter{stop: stop}
				carrier.left.Store(1 + random.Int64N(12))
				c.adjust = func(tool *tool) { tool.transport, tool.grace = carrier, tt.grace }
				before, _ := os.ReadFile(in + progressSuffix)
				r := c.run(ctx, "", "import", "--workers", "3", "--quiet", in)
				stop()
				code = r.code
				if code != exitInterrupted {
					break
				}
				if stops++; stops > 200 {
					t.Fatal("it does not get on")
				}
				if tt.kill && before != nil && stops%3 != 0 {
					if err := os.WriteFile(in+progressSuffix, before, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			if stops < 3 || code != exitFailed {
				t.Fatalf("%d stops and exit code %d, want several and %d", stops, code, exitFailed)
			}
			c.adjust = nil
			if got := c.export(tenant); got != wantExport {
				t.Errorf("the table is another after %d stops: %s", stops, firstDifference(wantExport, got))
			}
			if got := c.read(strings.TrimPrefix(in, c.dir+"/") + refusedSuffix); got != wantRefused {
				t.Errorf("the refused lines are others after %d stops: %s", stops, firstDifference(wantRefused, got))
			}
			if c.read(strings.TrimPrefix(in, c.dir+"/")+progressSuffix) != "" {
				t.Error("the checkpoint was left behind")
			}
		})
	}
}

func TestACheckpointOfAnotherFileIsNotUsed(t *testing.T) {
	c := newConsole(t)
	text, tenant := c.brokenFile()
	ctx, stop := context.WithCancel(t.Context())
	carrier := &stopAfter{stop: stop}
	carrier.left.Store(8)
	c.adjust = func(tool *tool) { tool.transport = carrier }
	in := c.write("in.jsonl", text)
	if r := c.run(ctx, "", "import", "--workers", "2", in); r.code != exitInterrupted || !strings.Contains(r.stderr, "(the same command goes on from there)") {
		t.Fatalf("exit code %d: %s", r.code, r.stderr)
	}
	c.adjust = nil
	first, rest, _ := strings.Cut(text, "\n")
	c.write("in.jsonl", first+" \n"+rest)
	r := c.run(t.Context(), "", "import", in)
	if !strings.Contains(r.stderr, "belongs to another import or another file: starting from the first line") || r.code != exitFailed {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
	whole := c.emptyTable()
	whole.run(t.Context(), "", "import", "--quiet", c.write("whole.jsonl", text))
	if diff := cmp.Diff(whole.export(tenant), c.export(tenant)); diff != "" {
		t.Errorf("the table is another: %s", diff)
	}
}

func TestImportOutlivesABadDayOfTheTable(t *testing.T) {
	c := newConsole(t)
	text, tenant := c.brokenFile()
	whole := c.emptyTable()
	whole.run(t.Context(), "", "import", "--quiet", c.write("whole.jsonl", text))
	faults := rostertest.NewFaults(5,
		rostertest.Fault{Kind: rostertest.Throttled, Operation: "TransactWriteItems", Probability: 0.3},
		rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "TransactWriteItems", Probability: 0.1},
		rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems", Probability: 0.1},
		rostertest.Fault{Kind: rostertest.ServerError, Operation: "GetItem", Skip: 2, Probability: 0.05},
	)
	c.adjust = func(tool *tool) { tool.transport = faults }
	in := c.write("in.jsonl", text)
	for range 20 {
		if r := c.run(t.Context(), "", "import", "--quiet", in); c.read("in.jsonl"+progressSuffix) == "" {
			break
		} else if !strings.Contains(r.stderr, "the same command goes on from there") {
			t.Fatalf("exit code %d: %s", r.code, r.stderr)
		}
	}
	c.adjust = nil
	if faults.Injected() < 10 {
		t.Errorf("only %d faults: the day was too good", faults.Injected())
	}
	if got, want := c.export(tenant), whole.export(tenant); got != want {
		t.Errorf("the table is another: %s", firstDifference(want, got))
	}
	if got, want := c.read("in.jsonl"+refusedSuffix), c.read("whole.jsonl"+refusedSuffix); got != want {
		t.Errorf("the refused lines are others: %s", firstDifference(want, got))
	}
}

func TestProgressWithoutATerminalIsALineNowAndThen(t *testing.T) {
	c := newConsole(t)
	in := c.path("in.jsonl")
	c.must("generate", "--quiet", "--users", "300", "--output", in)
	c.adjust = func(tool *tool) {
		tool.now = func() time.Time { return c.clock.Advance(time.Second) }
	}
	r := c.run(t.Context(), "", "import", in)
	if r.code != exitDone || !strings.Contains(r.stderr, " of 369 lines (") || !strings.Contains(r.stderr, " lines/s, ") || !strings.Contains(r.stderr, "s left\n") {
		t.Errorf("exit code %d: %q", r.code, r.stderr)
	}
}
