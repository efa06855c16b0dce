package app_test

import (
	"debug/elf"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// TestPoliciesAreTheCallsOfTheCode holds what each function is allowed to what its code can call, both ways: a call that is not
// allowed fails in the cloud alone, and an action that nothing calls is one that only an intruder has a use for.
//
// What the code can call is read from the function's binary: the linker leaves out what no road from main leads to, and so an
// operation of the SDK is in the binary only if something may call it. It errs to one side alone, since a road may never be taken.
// Which items a call may touch (the LeadingKeys of a statement) is no question of linking, and is not proved here.
func TestPoliciesAreTheCallsOfTheCode(t *testing.T) {
	const application = "arn:aws:sns:eu-central-1:123456789012:app/"
	template, err := samtemplate.FindAndReadWith(map[string]string{ // all that can be allowed, is
		"FcmApplicationArn": application + "GCM/roster", "ApnsApplicationArn": application + "APNS/roster", "ApnsSandboxApplicationArn": application + "APNS_SANDBOX/roster",
	})
	if err != nil {
		t.Fatal(err)
	}
	binaries := link(t)
	for _, f := range template.Functions {
		resource, _ := template.Resource(f.LogicalID)
		statements, err := resource.Statements()
		if err != nil {
			t.Errorf("%s: %v", template.Path, err)
			continue
		}
		var granted []string
		for _, s := range statements {
			for _, action := range s.Actions {
				for _, on := range s.Resources {
					if !wellChosen(action, on) {
						t.Errorf("%s: %s of %s allows %s on %s", template.Path, s.Sid, f.LogicalID, action, on)
					}
					if grant := action + place(on); !slices.Contains(granted, grant) {
						granted = append(granted, grant)
					}
				}
			}
		}
		want := slices.DeleteFunc(needed(template, f.LogicalID, symbols(t, filepath.Join(binaries, filepath.Base(f.CodeURI)))), func(action string) bool {
			return slices.Contains(neverTaken[f.LogicalID], action)
		})
		slices.Sort(granted)
		if diff := cmp.Diff(want, granted); diff != "" {
			t.Errorf("%s:%d: what %s can call and what it is allowed differ (-can call +allowed):\n%s", template.Path, f.Line, f.LogicalID, diff)
		}
	}
}

// place returns the index that a resource of a statement is, with an @ before it, and nothing for any other: an action on the table
// is one thing and on an index another, while for the other services the actions say enough.
func place(resource string) string {
	if _, index, ok := strings.Cut(resource, "${Table.Arn}/index/"); ok {
		return "@" + index
	}
	return ""
}

// wellChosen reports whether an action is on a resource of its own service, and no pattern: only what knows no resources may be
// allowed on *.
func wellChosen(action, resource string) bool {
	service, operation, _ := strings.Cut(action, ":")
	if strings.Contains(action, "*") || operation == "" {
		return false
	}
	switch service {
	case "dynamodb":
		return strings.HasPrefix(resource, "${Table.Arn}") && !strings.Contains(resource, "*") ||
			resource == "${Table.StreamArn}" && strings.Contains(operation, "Stream") ||
			resource == "${Table.StreamArn}" && slices.Contains([]string{"GetRecords", "GetShardIterator"}, operation) ||
			resource == "*" && operation == "ListStreams"
	case "kms":
		return resource == "${SigningKey.Arn}"
	case "sqs":
		return regexp.MustCompile(`^\$\{\w+Failures\.Arn\}$`).MatchString(resource)
	case "ses", "sns":
		return strings.HasPrefix(resource, "arn:")
	}
	return false
}

// serviceCalls are what Lambda itself does in the name of a function that reads the table's stream (AWS Lambda Developer Guide, using
// AWS Lambda with Amazon DynamoDB: execution role permissions), and what it does for one with a queue for failures.
var serviceCalls = []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams", "sqs:SendMessage"}

// legs are the actions that a transaction is authorised by, by the function of package dynamo that makes such a leg.
var legs = map[string]string{
	"put": "dynamodb:PutItem", "change": "dynamodb:UpdateItem", "remove": "dynamodb:DeleteItem", "check": "dynamodb:ConditionCheckItem",
}

// neverTaken are actions that the linker sees a road to which the function does not take. It marks a user as having a bad address by
// UpdateUser, whose transaction checks roles and removes claims only where roles or addresses change, and a mark changes neither. A
// put that came late is stamped anew where it is in the feed, and nothing of a snapshot is.
var neverTaken = map[string][]string{
	"BouncesFunction":   {"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem"},
	"SnapshotsFunction": {"dynamodb:UpdateItem"},
}

// indexQueries are the functions of package dynamo that make a query of an index, with the index, and tableQueries those that make one
// of the table.
var (
	indexQueries = map[string]string{"feedQuery": "search", "membersQuery": "organization"}
	tableQueries = []string{"(*Table).queryAll", "(*Table).AuditEntries", "(*Table).SnapshotsDue"}
)

var operation = regexp.MustCompile(`^github\.com/aws/aws-sdk-go-v2/service/(dynamodb|kms|sesv2|sns|sqs)\.\(\*Client\)\.([A-Z]\w*)$`)

// needed returns the actions that a function must be allowed, sorted: those on an index end in its name.
func needed(template *samtemplate.Template, function string, symbols map[string]bool) []string {
	const dynamo = "github.com/rosterhq/roster/internal/dynamo."
	var actions []string
	for name := range symbols {
		m := operation.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		switch m[2] {
		case "TransactWriteItems":
			for leg, action := range legs {
				if symbols[dynamo+"(*Table)."+leg] {
					actions = append(actions, action)
				}
			}
		case "Query":
			for query, index := range indexQueries {
				if symbols[dynamo+query] {
					actions = append(actions, "dynamodb:Query@"+index)
				}
			}
			if slices.ContainsFunc(tableQueries, func(query string) bool { return symbols[dynamo+query] }) {
				actions = append(actions, "dynamodb:Query")
			}
		case "DescribeEndpoints", "Options":
			// The client of DynamoDB finds its address by DescribeEndpoints only where that is asked for, which it is not
			// (EndpointDiscovery). Options is no call.
		default:
			actions = append(actions, strings.Replace(m[1], "sesv2", "ses", 1)+":"+m[2])
		}
	}
	if slices.ContainsFunc(template.Streams, func(s samtemplate.Stream) bool { return s.Function == function }) {
		actions = append(actions, serviceCalls...)
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// TestQueriesAreOfWhatTheyAreTakenFor holds the two lists above to package dynamo: an index is named by those of the one list alone, and
// pages of the table are read by those of the other.
func TestQueriesAreOfWhatTheyAreTakenFor(t *testing.T) {
	files, err := filepath.Glob("../dynamo/*.go")
	if err != nil {
		t.Fatal(err)
	}
	head := regexp.MustCompile(`^func (?:\(\w+ (\*?\w+)\) )?(\w+)\(`)
	var ofIndexes, ofPages []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		inside := ""
		for line := range strings.Lines(string(text)) {
			if m := head.FindStringSubmatch(line); m != nil {
				if inside = m[2]; m[1] != "" {
					inside = "(" + m[1] + ")." + m[2]
				}
			}
			if strings.Contains(line, "IndexName:") {
				ofIndexes = append(ofIndexes, inside)
			}
			if strings.Contains(line, "t.queryPage(") || strings.Contains(line, "t.client.Query(") {
				ofPages = append(ofPages, inside)
			}
		}
	}
	slices.Sort(ofIndexes)
	if want := slices.Sorted(maps.Keys(indexQueries)); !slices.Equal(ofIndexes, want) {
		t.Errorf("%q name an index, want %q", ofIndexes, want)
	}
	// rawQuery is given the queries of feedQuery, listIndex those of membersQuery, and queryPage is what the others go through.
	want := slices.Concat(tableQueries, []string{"(*Table).rawQuery", "(*Table).listIndex", "(*Table).queryPage"})
	slices.Sort(ofPages)
	slices.Sort(want)
	if !slices.Equal(ofPages, want) {
		t.Errorf("%q run queries, want %q", ofPages, want)
	}
}

// link builds the functions as they are deployed, but for what hides from the linker, or from the reader of its work, what is called:
//   - package dynamo is compiled without inlining, so that each of its functions that is called has a symbol;
//   - text/template finds methods by their names at run time, and the linker then keeps all methods of all types. No template of ours is
//     given anything that can call AWS, so here its look-up finds none.
//
// It returns the folder that the binaries are in, each called after its function's folder.
func link(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const lookUp = "ptr.MethodByName(fieldName)"
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	original := filepath.Join(strings.TrimSpace(string(goroot)), "src", "text", "template", "exec.go")
	text, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), lookUp) != 1 {
		t.Fatalf("%s has not got %s once: look how it finds methods now", original, lookUp)
	}
	changed := filepath.Join(dir, "exec.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), lookUp, "(reflect.Value{})", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay="+overlayFile, "-tags=lambda.norpc", "-gcflags=github.com/rosterhq/roster/internal/dynamo=-l", "-o", dir+"/", "../../functions/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the functions: %v\n%s", err, out)
	}
	return dir
}

// symbols returns the names of what is in a binary.
func symbols(t *testing.T, binary string) map[string]bool {
	t.Helper()
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, symbol := range table {
		names[symbol.Name] = true
	}
	return names
}
