package app_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// event is the part of a sample event that says which route it is about, or that it is a batch of a stream's records or a topic's
// messages.
type event struct {
	Records        []struct{ EventSource string }
	Source         string // of EventBridge's
	Resource       string
	Path           string
	HTTPMethod     string
	Type           string
	PathParameters map[string]string
	RequestContext struct{ ResourcePath, HTTPMethod, RequestID, Path, Stage string }
}

// from reports whether the event is a batch of records of that source, all of them.
func (e *event) from(source string) bool {
	for _, record := range e.Records {
		if record.EventSource != source {
			return false
		}
	}
	return len(e.Records) > 0
}

// path returns the path that the event's route is with its parameters.
func (e *event) path() string {
	path := e.Resource
	for name, value := range e.PathParameters {
		path = strings.Replace(path, "{"+name+"}", value, 1)
	}
	return path
}

// functionOf returns the logical id of the function that a sample is for, by the first word of the file's name.
func functionOf(file string) string {
	name, _, _ := strings.Cut(file, "-")
	return strings.ToUpper(name[:1]) + name[1:] + "Function"
}

// TestEachFunctionIsComplete holds the four things that make a Lambda together: the folder under functions/, the constructor in
// package app, the entry in template.yaml, and sample events.
func TestEachFunctionIsComplete(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	folders, constructors := folders(t, "../../functions"), folders(t, ".")
	var entries, samples []string
	for _, f := range template.Functions {
		name := strings.TrimSuffix(strings.TrimPrefix(f.CodeURI, "build/"), "/")
		if f.CodeURI != "build/"+name+"/" || f.LogicalID != strings.ToUpper(name[:1])+name[1:]+"Function" {
			t.Errorf("template.yaml:%d: %s has the CodeUri %s; want build/<folder>/, and the folder in Pascal case with Function for a logical id", f.Line, f.LogicalID, f.CodeURI)
		}
		entries = append(entries, name)
	}
	for file := range events(t) {
		name, _, _ := strings.Cut(file, "-")
		if !slices.Contains(samples, name) {
			samples = append(samples, name)
		}
	}
	for where, names := range map[string][]string{"internal/app": constructors, "template.yaml": entries, "events": samples} {
		slices.Sort(names)
		if !slices.Equal(names, folders) {
			t.Errorf("%s has %q, functions has %q", where, names, folders)
		}
	}
}

func TestMainsAreSmall(t *testing.T) {
	for _, name := range folders(t, "../../functions") {
		text, err := os.ReadFile(filepath.Join("../../functions", name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(text), "\n"); lines > 25 {
			t.Errorf("functions/%s/main.go has %d lines; what is more than 25 belongs in package app", name, lines)
		}
	}
}

// TestEventsAndRoutesAgree holds each sample event to a route of its function, and each route to having one.
func TestEventsAndRoutesAgree(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	routes, sampled := map[string]string{}, map[string]bool{}
	for _, r := range template.API.Routes {
		routes[r.Method+" "+r.Path] = r.Function
	}
	for file, e := range events(t) {
		if len(e.Records) > 0 || e.Source != "" {
			continue
		}
		route := e.HTTPMethod + " " + e.Resource
		function, there := routes[route]
		if !there {
			t.Errorf("events/%s: template.yaml has no route %s", file, route)
			continue
		}
		if e.Path != e.path() || e.RequestContext.Path != "/"+e.RequestContext.Stage+e.Path || strings.Contains(e.Path, "{") || e.RequestContext.ResourcePath != e.Resource || e.RequestContext.HTTPMethod != e.HTTPMethod || e.RequestContext.RequestID == "" {
			t.Errorf("events/%s: contradicts itself about route %s", file, route)
		}
		if e.Type == "REQUEST" { // an authorizer's
			continue
		}
		if function != functionOf(file) {
			t.Errorf("events/%s: route %s is one of %s", file, route, function)
		}
		sampled[route] = true
	}
	for route := range routes {
		if !sampled[route] {
			t.Errorf("no event in events/ is about the route %s", route)
		}
	}
}

// TestEventsAndStreamsAgree holds each sample batch of records to a function that the template gives the table's stream to, and each
// sample message to one that it gives a topic to; and each of those to having one.
func TestEventsAndStreamsAgree(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	reading := map[string][]string{}
	for _, s := range template.Streams {
		reading["aws:dynamodb"] = append(reading["aws:dynamodb"], s.Function)
	}
	for _, s := range template.Subscriptions {
		reading["aws:sns"] = append(reading["aws:sns"], s.Function)
	}
	sampled := map[string][]string{}
	for file, e := range events(t) {
		if len(e.Records) == 0 {
			continue
		}
		source := e.Records[0].EventSource
		if !e.from(source) || reading[source] == nil {
			t.Errorf("events/%s: no function is given records of %q, or not of that alone", file, source)
		}
		if function := functionOf(file); !slices.Contains(sampled[source], function) {
			sampled[source] = append(sampled[source], function)
		}
	}
	for _, source := range []string{"aws:dynamodb", "aws:sns"} {
		slices.Sort(reading[source])
		slices.Sort(sampled[source])
		if len(reading[source]) == 0 || !slices.Equal(reading[source], sampled[source]) {
			t.Errorf("template.yaml gives records of %s to %q, events has batches for %q", source, reading[source], sampled[source])
		}
	}
}

// TestEventsAndSchedulesAgree holds each sample of EventBridge to a function that the template has a schedule for, and the other way
// round.
func TestEventsAndSchedulesAgree(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	var scheduled, sampled []string
	for _, s := range template.Schedules {
		scheduled = append(scheduled, s.Function)
		function, _ := template.Function(s.Function)
		if function.Timeout > s.Every && s.Every > 0 {
			t.Errorf("template.yaml:%d: %s runs for up to %v, and begins every %v", s.Line, s.Function, function.Timeout, s.Every)
		}
	}
	for file, e := range events(t) {
		if e.Source == "aws.events" {
			sampled = append(sampled, functionOf(file))
		}
	}
	if len(scheduled) == 0 || !slices.Equal(scheduled, sampled) {
		t.Errorf("template.yaml has schedules for %q, events has samples for %q", scheduled, sampled)
	}
}

// TestSnapshotsReachNoFunctionByTheStream holds what the stream carries of snapshots away from all who read it: a writer of them would call
// itself, and 390 KB would be read for nothing.
func TestSnapshotsReachNoFunctionByTheStream(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range template.Streams {
		for _, pattern := range s.Filters {
			var filter struct {
				DynamoDB struct {
					NewImage, OldImage struct{ Type struct{ S []string } }
				}
			}
			if err := json.Unmarshal(pattern, &filter); err != nil {
				t.Fatal(err)
			}
			types := append(filter.DynamoDB.NewImage.Type.S, filter.DynamoDB.OldImage.Type.S...)
			if len(types) == 0 || slices.ContainsFunc(types, func(typ string) bool { return strings.HasPrefix(typ, "snapshot") }) {
				t.Errorf("template.yaml:%d: %s lets through snapshots: %s", s.Line, s.LogicalID, pattern)
			}
		}
		if len(s.Filters) == 0 {
			t.Errorf("template.yaml:%d: %s lets through everything", s.Line, s.LogicalID)
		}
	}
}

// TestNothingIsGivenUpUnseen holds what reads a stream or a topic to telling a queue of what it could not do.
func TestNothingIsGivenUpUnseen(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range template.Streams {
		if s.OnFailure == "" || !s.PartialFailures || !s.Bisect {
			t.Errorf("template.yaml:%d: %s loses records without a word, or repeats whole batches", s.Line, s.LogicalID)
		}
	}
	for _, s := range template.Subscriptions {
		if s.Queue == "" {
			t.Errorf("template.yaml:%d: the topic %s loses messages to %s without a word", s.Line, s.Topic, s.Function)
		}
	}
	courier, ok := template.Function("CourierFunction")
	if i := slices.IndexFunc(template.Streams, func(s samtemplate.Stream) bool { return s.Function == "CourierFunction" }); !ok || i < 0 {
		t.Error("the courier is given no stream")
	} else if s := template.Streams[i]; courier.Env["ROSTER_REFUSALS_QUEUE"] != "${"+s.OnFailure+"}" || s.MaxRetries != -1 || s.MaxRecordAge < 20*time.Hour || s.MaxRecordAge >= 24*time.Hour {
		// The stream drops its records after 24 hours, and tells nobody.
		t.Errorf("the courier writes to %s, its stream gives up to %s after %d tries or %v; want one queue for both, and nearly a day",
			courier.Env["ROSTER_REFUSALS_QUEUE"], s.OnFailure, s.MaxRetries, s.MaxRecordAge)
	}
}

// TestTokensAreNotTraced holds the requests whose addresses hold secrets out of traces, which hold the whole address.
func TestTokensAreNotTraced(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"*/invitations/*", "*/oauth2/*"} {
		rule := regexp.MustCompile(`(?m)^        FixedRate: 0\n        ReservoirSize: 0\n(        \w+: '\*'\n)+        URLPath: '` + regexp.QuoteMeta(path) + `'$`)
		if !rule.Match(text) {
			t.Errorf("no sampling rule of template.yaml leaves out %s", path)
		}
	}
}

// TestNoFunctionMayScan holds the policies to actions by name, and the one that reads a whole table away from all of them.
func TestNoFunctionMayScan(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	denials := regexp.MustCompile(`Effect: Deny\n +Principal: '\*'\n +Action: sqs:\*\n`) // what a queue refuses is no function's right
	for _, granted := range []string{"dynamodb:Scan", "dynamodb:*", "dynamodb:PartiQL", "DynamoDBCrudPolicy", "DynamoDBReadPolicy", "sqs:*"} {
		if strings.Contains(denials.ReplaceAllString(string(text), ""), granted) {
			t.Errorf("template.yaml grants %s", granted)
		}
	}
}

// folders returns the names of the folders in dir, sorted.
func folders(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && entry.Name() != "testdata" {
			names = append(names, entry.Name())
		}
	}
	return names
}

// events returns the sample events by file name.
func events(t *testing.T) map[string]event {
	t.Helper()
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no sample events: %v", err)
	}
	all := map[string]event{}
	for _, file := range files {
		var e event
		if err := json.Unmarshal(sample(t, filepath.Base(file)), &e); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = e
	}
	return all
}

// sample returns the text of a sample event.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../events", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestFunctionsLinkOnlyWhatTheyUse holds what makes a cold start dear away from the functions that have no use for it (SEARCH.md,
// section C).
func TestFunctionsLinkOnlyWhatTheyUse(t *testing.T) {
	for library, users := range map[string][]string{
		"github.com/aws/aws-sdk-go-v2/service/kms":     {"tokens"},
		"github.com/aws/aws-sdk-go-v2/service/sesv2":   {"courier"},
		"github.com/aws/aws-sdk-go-v2/service/sns":     {"courier", "notifications"},
		"github.com/aws/aws-sdk-go-v2/service/sqs":     {"courier"},
		"github.com/danielgtaylor/huma/v2":             {"customers", "global", "invitations", "notifications", "organization", "workspace"},
		"github.com/aws/aws-sdk-go-v2/config":          nil,
		"github.com/rosterhq/roster/internal/oauth2":   {"authorizer", "invitations", "organization", "tokens"},
		"github.com/rosterhq/roster/internal/replica":  {"customers", "global", "organization", "snapshots", "workspace"},
		"github.com/rosterhq/roster/internal/delivery": {"bounces", "courier"},
	} {
		for _, name := range folders(t, "../../functions") {
			out, err := exec.Command("go", "list", "-deps", "../../functions/"+name).Output()
			if err != nil {
				t.Fatalf("go list: %v", err)
			}
			linked := slices.Contains(strings.Fields(string(out)), library)
			if want := slices.Contains(users, name); linked && !want {
				t.Errorf("functions/%s links %s, which only %q should", name, library, users)
			}
		}
	}
}
