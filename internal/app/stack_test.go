package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api/invitations"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/authorizer"
	"github.com/rosterhq/roster/internal/app/bounces"
	"github.com/rosterhq/roster/internal/app/changes"
	"github.com/rosterhq/roster/internal/app/courier"
	"github.com/rosterhq/roster/internal/app/customers"
	"github.com/rosterhq/roster/internal/app/global"
	invitationsfunction "github.com/rosterhq/roster/internal/app/invitations"
	"github.com/rosterhq/roster/internal/app/notifications"
	"github.com/rosterhq/roster/internal/app/organization"
	"github.com/rosterhq/roster/internal/app/snapshots"
	"github.com/rosterhq/roster/internal/app/tokens"
	"github.com/rosterhq/roster/internal/app/workspace"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/rostertest"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// constructors are those of the functions, by folder.
var constructors = map[string]func(context.Context, app.Environment) error{
	"authorizer": func(ctx context.Context, e app.Environment) error { _, err := authorizer.New(ctx, e); return err },
	"bounces":    func(ctx context.Context, e app.Environment) error { _, err := bounces.New(ctx, e); return err },
	"changes":    func(ctx context.Context, e app.Environment) error { _, err := changes.New(ctx, e); return err },
	"courier":    func(ctx context.Context, e app.Environment) error { _, err := courier.New(ctx, e); return err },
	"customers":  func(ctx context.Context, e app.Environment) error { _, err := customers.New(ctx, e); return err },
	"global":     func(ctx context.Context, e app.Environment) error { _, err := global.New(ctx, e); return err },
	"invitations": func(ctx context.Context, e app.Environment) error {
		_, err := invitationsfunction.New(ctx, e)
		return err
	},
	"notifications": func(ctx context.Context, e app.Environment) error { _, err := notifications.New(ctx, e); return err },
	"organization":  func(ctx context.Context, e app.Environment) error { _, err := organization.New(ctx, e); return err },
	"snapshots":     func(ctx context.Context, e app.Environment) error { _, err := snapshots.New(ctx, e); return err },
	"tokens":        func(ctx context.Context, e app.Environment) error { _, err := tokens.New(ctx, e); return err },
	"workspace":     func(ctx context.Context, e app.Environment) error { _, err := workspace.New(ctx, e); return err },
}

// leftToDefaults are the variables that functions read and no stack sets, each with why.
var leftToDefaults = map[string]string{
	"ROSTER_AUDIENCE":          "the issuer is the audience",
	"ROSTER_ACCESS_TOKEN_TTL":  "15 minutes",
	"ROSTER_REFRESH_TOKEN_TTL": "30 days",
	"ROSTER_SIGNING_KEY_FILE":  "the key is in KMS",
	"ROSTER_REPLICA_MAX_AGE":   "every query looks at the feed",
	"ROSTER_REPLICA_OVERLAP":   "5 seconds",
	"ROSTER_REPLICA_MEMORY":    "60 % of the function's",
	"ROSTER_SNAPSHOT_USERS":    "10,000",
	"ROSTER_DYNAMODB_ENDPOINT": "the Region's own", "ROSTER_SES_ENDPOINT": "the Region's own",
	"ROSTER_SNS_ENDPOINT": "the Region's own", "ROSTER_SQS_ENDPOINT": "the Region's own",
}

// TestEnvironmentsAreWhatFunctionsRead builds each function with the environment that the template gives it: nothing may be missing, and
// nothing may be there that it does not read.
func TestEnvironmentsAreWhatFunctionsRead(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key.pem")
	if err := oauth2.GenerateKeyFile(key); err != nil {
		t.Fatal(err)
	}
	table := rostertest.CreateTable(t)
	deployed := regexp.MustCompile(`\$\{[\w:.]+\}`)
	for _, f := range template.Functions {
		construct, ok := constructors[filepath.Base(f.CodeURI)]
		if !ok {
			t.Errorf("%s has no line in constructors", f.CodeURI)
			continue
		}
		beside := environment(table, rostertest.Endpoint(t))
		var mu sync.Mutex
		read := map[string]bool{}
		getenv := func(name string) string {
			mu.Lock()
			read[name] = true
			mu.Unlock()
			value, set := f.Env[name]
			switch {
			case name == "ROSTER_SIGNING_KEY" && set: // nobody can sign here, and the function would ask KMS for its key
				return ""
			case name == "ROSTER_SIGNING_KEY_FILE" && f.Env["ROSTER_SIGNING_KEY"] != "":
				return key
			case name == "ROSTER_REFUSALS_QUEUE" && set:
				return "https://sqs.local.amazonaws.com/123456789012/" + deployed.ReplaceAllString(value, "queue")
			case set && name != "ROSTER_TABLE":
				return deployed.ReplaceAllString(value, "deployed")
			}
			return beside(name)
		}
		if err := construct(t.Context(), app.Environment{Getenv: getenv, Log: io.Discard, Now: time.Now}); err != nil {
			t.Errorf("%s:%d: with its environment, %s says: %v", template.Path, f.Line, f.LogicalID, err)
		}
		for name := range f.Env {
			if !read[name] && name != "GOGC" { // the Go runtime reads that one
				t.Errorf("%s:%d: %s is given %s, which it does not read", template.Path, f.Line, f.LogicalID, name)
			}
		}
		for name := range read {
			if _, set := f.Env[name]; strings.HasPrefix(name, "ROSTER_") && !set && leftToDefaults[name] == "" {
				t.Errorf("%s:%d: %s reads %s, which the template does not set: set it, or say why not", template.Path, f.Line, f.LogicalID, name)
			}
		}
	}
}

// TestRoutesAndHandlersAgree holds the routes of the template to what the code answers: the operations of the dialects' OpenAPI
// documents, which tests of the dialects hold to their handlers, the endpoints of package oauth2, and the page of links.
func TestRoutesAndHandlersAgree(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	answered := map[string]string{}
	for _, route := range oauth2.Routes() {
		answered[route] = "internal/oauth2"
	}
	for _, route := range invitations.Routes() {
		answered[route] = "internal/api/invitations"
	}
	files, err := filepath.Glob("../../infra/openapi/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no OpenAPI documents")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var document struct {
			Paths map[string]map[string]json.RawMessage
		}
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		for path, methods := range document.Paths {
			for method := range methods {
				if method != "parameters" {
					answered[strings.ToUpper(method)+" "+path] = file
				}
			}
		}
	}
	for _, r := range template.API.Routes {
		route := r.Method + " " + r.Path
		if answered[route] == "" {
			t.Errorf("%s:%d: nothing answers %s", template.Path, r.Line, route)
		}
		delete(answered, route)
	}
	for route, where := range answered {
		t.Errorf("template.yaml has no route %s, which %s answers", route, where)
	}
}

// TestFunctionsAreWatchedAndReleasedWithCare asks of every function what an operator needs of it: alarms with its own limits, a place
// on the dashboard, and a deployment that its alarm takes back.
func TestFunctionsAreWatchedAndReleasedWithCare(t *testing.T) {
	template, err := samtemplate.FindAndReadWith(map[string]string{"Profile": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	dashboard, ok := template.Resource("Dashboard")
	if !ok || !dashboard.Made {
		t.Fatal("there is no dashboard with the profile prod")
	}
	text, err := os.ReadFile("../../infra/watch/dashboard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range template.Functions {
		name := filepath.Base(f.CodeURI)
		base := strings.TrimSuffix(f.LogicalID, "Function")
		watch, ok := template.Resource(base + "Watch")
		if !ok || !watch.Made || watch.Text("TemplateURL") != "infra/watch/function.yaml" || watch.Text("Parameters", "Function") != "${"+f.LogicalID+"}" ||
			watch.Text("Parameters", "Name") != name || watch.Text("Parameters", "Topic") != "${AlarmTopic}" {
			t.Errorf("%s:%d: %s has no %sWatch that is about it: %v", template.Path, f.Line, f.LogicalID, base, watch.Properties)
		}
		if want := strconv.FormatInt(f.Timeout.Milliseconds()*4/5, 10); watch.Text("Parameters", "SlowMilliseconds") != want {
			t.Errorf("%s: %sWatch calls slow what takes %s ms, want %s, four fifths of its timeout", template.Path, base, watch.Text("Parameters", "SlowMilliseconds"), want)
		}
		if dashboard.Text("Parameters", f.LogicalID) != "${"+f.LogicalID+"}" || !strings.Contains(string(text), "${"+f.LogicalID+"}") {
			t.Errorf("infra/watch/dashboard.yaml does not show %s", f.LogicalID)
		}
		resource, _ := template.Resource(f.LogicalID)
		preference, _ := resource.Properties["DeploymentPreference"].(map[string]any)
		alarms, _ := preference["Alarms"].([]any)
		if !slices.Equal(alarms, []any{"${ApiFailures}", "${" + base + "Watch.Outputs.Errors}"}) || resource.Text("AutoPublishAliasAllProperties") != "true" {
			t.Errorf("%s:%d: %s is released whatever happens: DeploymentPreference.Alarms = %v", template.Path, f.Line, f.LogicalID, alarms)
		}
	}
	for _, s := range template.Streams {
		base := strings.TrimSuffix(s.Function, "Function")
		for _, alarm := range []string{base + "Behind", base + "GivenUp"} {
			if found, ok := template.Resource(alarm); !ok || !found.Made {
				t.Errorf("%s:%d: there is no alarm %s", template.Path, s.Line, alarm)
			}
		}
	}
}

// TestQueuesTakeNothingInTheClear asks for each queue's policy that refuses what does not come over TLS. A queue has one policy alone: a
// second one would take the place of the first.
func TestQueuesTakeNothingInTheClear(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	refuses := map[string]int{}
	for _, r := range template.Resources {
		if r.Type != "AWS::SQS::QueuePolicy" {
			continue
		}
		queues, _ := r.Properties["Queues"].([]any)
		document, _ := r.Properties["PolicyDocument"].(map[string]any)
		statements, _ := document["Statement"].([]any)
		for _, queue := range queues {
			name := strings.Trim(fmt.Sprint(queue), "${}")
			refuses[name]++
			want := map[string]any{
				"Sid": "OverTLSAlone", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "${" + name + ".Arn}",
				"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
			}
			if !slices.ContainsFunc(statements, func(s any) bool { return cmp.Equal(s, any(want)) }) {
				t.Errorf("%s:%d: %s does not refuse what comes to %s in the clear: %v", template.Path, r.Line, r.LogicalID, name, statements)
			}
		}
	}
	for _, r := range template.Resources {
		if r.Type == "AWS::SQS::Queue" && refuses[r.LogicalID] != 1 {
			t.Errorf("%s:%d: %s has %d policies, want one", template.Path, r.Line, r.LogicalID, refuses[r.LogicalID])
		}
	}
}

// TestEveryQueueAndIndexHasAnAlarm asks for what tells of messages that nobody took and of an index that refuses calls.
func TestEveryQueueAndIndexHasAnAlarm(t *testing.T) {
	template, err := samtemplate.FindAndReadWith(map[string]string{"Profile": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	var alarms strings.Builder
	for _, r := range template.Resources {
		if r.Type == "AWS::CloudWatch::Alarm" {
			properties, err := json.Marshal(r.Properties)
			if err != nil {
				t.Fatal(err)
			}
			alarms.Write(properties)
		}
	}
	for _, r := range template.Resources {
		if r.Type == "AWS::SQS::Queue" && !strings.Contains(alarms.String(), "${"+r.LogicalID+".QueueName}") {
			t.Errorf("%s:%d: no alarm tells of messages in %s", template.Path, r.Line, r.LogicalID)
		}
	}
	table, _ := template.Resource("Table")
	indexes, _ := table.Properties["GlobalSecondaryIndexes"].([]any)
	if len(indexes) == 0 {
		t.Fatal("the table has no indexes")
	}
	for _, index := range indexes {
		name, _ := index.(map[string]any)["IndexName"].(string)
		if !strings.Contains(alarms.String(), `{"Name":"GlobalSecondaryIndexName","Value":"`+name+`"}`) {
			t.Errorf("no alarm tells of calls that the index %s refuses", name)
		}
	}
}

// TestWhatIsShownIsMeasured holds the metrics of the namespace Roster that the dashboard and the alarms name to what functions measure.
func TestWhatIsShownIsMeasured(t *testing.T) {
	measured := map[string]bool{}
	for _, line := range app.Metrics {
		for _, set := range line.Sets {
			for _, m := range set.Metrics {
				measured[strings.Join(set.Dimensions, ",")+" "+m.Name] = true
			}
		}
	}
	shown := map[string]bool{}
	for _, widget := range dashboard(t).Widgets {
		for _, metric := range widget.Properties.Metrics {
			options, _ := metric[len(metric)-1].(map[string]any)
			expression, ok := options["expression"].(string)
			if !ok {
				continue
			}
			// A namespace that is not of letters and digits alone must be in quotes, or the search finds nothing.
			m := regexp.MustCompile(`^SEARCH\('\{"Roster/\$\{Stack\}",([\w,]+)\} MetricName=(\w+)[^"]*', '\w+', 60\)$`).FindStringSubmatch(expression)
			if m == nil {
				t.Errorf("infra/watch/dashboard.yaml has an expression that is no search of the namespace: %s", expression)
				continue
			}
			shown[m[1]+" "+m[2]] = true
		}
	}
	template, err := samtemplate.FindAndReadWith(map[string]string{"Profile": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	alarmed := 0
	for _, r := range template.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		for _, m := range alarmMetrics(r.Properties) {
			if m["Namespace"] != "Roster/${AWS::StackName}" {
				continue
			}
			alarmed++
			names, _ := dimensionsOf(m)
			if metric := fmt.Sprint(strings.Join(names, ","), " ", m["MetricName"]); !measured[metric] {
				t.Errorf("%s:%d: the alarm %s waits for %s, which nobody measures", template.Path, r.Line, r.LogicalID, metric)
			}
		}
	}
	if alarmed == 0 {
		t.Error("no alarm waits for anything that functions measure")
	}
	for metric := range shown {
		if !measured[metric] {
			t.Errorf("infra/watch/dashboard.yaml shows %s, which nobody measures", metric)
		}
	}
	for _, f := range template.Functions {
		if f.Env["ROSTER_METRICS_NAMESPACE"] != "Roster/${AWS::StackName}" {
			t.Errorf("%s measures under %q", f.LogicalID, f.Env["ROSTER_METRICS_NAMESPACE"])
		}
	}
	if len(shown) == 0 {
		t.Error("infra/watch/dashboard.yaml shows nothing that functions measure")
	}
}

// body is what a test reads of a dashboard's body.
type body struct {
	Widgets []struct {
		Properties struct{ Metrics [][]any }
	}
}

// dashboard returns the body of the dashboard, which must be JSON whatever is put into it for its parameters.
func dashboard(t *testing.T) body {
	t.Helper()
	text, err := os.ReadFile("../../infra/watch/dashboard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "DashboardBody: !Sub |-\n") // to the end of the file, as it is but for the indent
	var b body
	if err := json.Unmarshal([]byte(block), &b); err != nil {
		t.Fatalf("the body of the dashboard: %v", err)
	}
	return b
}

// alarmMetrics returns the metrics that an alarm is made from: its one, or those of its expression.
func alarmMetrics(alarm map[string]any) []map[string]any {
	all, ok := alarm["Metrics"].([]any)
	if !ok {
		return []map[string]any{alarm}
	}
	var metrics []map[string]any
	for _, one := range all {
		stat, _ := one.(map[string]any)["MetricStat"].(map[string]any)
		if metric, ok := stat["Metric"].(map[string]any); ok {
			metrics = append(metrics, metric)
		}
	}
	return metrics
}

// dimensionsOf returns the names of a metric's dimensions, in their order, and their values by name.
func dimensionsOf(metric map[string]any) (names []string, values map[string]any) {
	values = map[string]any{}
	dimensions, _ := metric["Dimensions"].([]any)
	for _, d := range dimensions {
		fields, _ := d.(map[string]any)
		name, _ := fields["Name"].(string)
		names = append(names, name)
		values[name] = fields["Value"]
	}
	return names, values
}

// TestSumsOfAlarmsCountWhatIsMissing holds the sums that alarms are made of: a sum with a metric that has no data, as one that counts
// failures mostly has none, is no number, and the alarm would not see the others.
func TestSumsOfAlarmsCountWhatIsMissing(t *testing.T) {
	template, err := samtemplate.FindAndReadWith(map[string]string{"Profile": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	sums := 0
	for _, r := range template.Resources {
		metrics, ok := r.Properties["Metrics"].([]any)
		if r.Type != "AWS::CloudWatch::Alarm" || !ok {
			continue
		}
		var filled []string
		expression := ""
		for _, m := range metrics {
			fields, _ := m.(map[string]any)
			if text, ok := fields["Expression"].(string); ok {
				expression = text
				continue
			}
			filled = append(filled, fmt.Sprintf("FILL(%v, 0)", fields["Id"]))
		}
		if want := strings.Join(filled, " + "); expression != want && len(filled) > 1 {
			t.Errorf("%s:%d: %s goes off by %q, want %q", template.Path, r.Line, r.LogicalID, expression, want)
		}
		sums++
	}
	if sums == 0 {
		t.Error("no alarm has a sum")
	}
}

// TestTokensFailingSeesEveryTokenEndpoint holds the alarm to the endpoints of package oauth2 that give out tokens, by the names that
// their log lines have.
func TestTokensFailingSeesEveryTokenEndpoint(t *testing.T) {
	template, err := samtemplate.FindAndReadWith(map[string]string{"Profile": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	alarm, _ := template.Resource("TokensFailing")
	var watched []string
	for _, m := range alarmMetrics(alarm.Properties) {
		_, by := dimensionsOf(m)
		watched = append(watched, fmt.Sprint(by["endpoint"]))
		if by["outcome"] != "failed" {
			t.Errorf("TokensFailing counts what is %v of %v", by["outcome"], by["endpoint"])
		}
	}
	source, err := os.ReadFile("../oauth2/server.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`s\.answer\("([\w ]+)", d, `).FindAllStringSubmatch(string(source), -1) {
		if m[1] != "revoke" { // gives none out
			want = append(want, m[1])
		}
	}
	if !slices.Equal(watched, want) || len(want) == 0 {
		t.Errorf("TokensFailing watches the endpoints %q, want %q", watched, want)
	}
}

// TestEveryAlarmIsExplained holds infra/RUNBOOK.md to the alarms: a section for each, by the name that its description begins with.
func TestEveryAlarmIsExplained(t *testing.T) {
	template, err := samtemplate.FindAndReadWith(map[string]string{"Profile": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	runbook, err := os.ReadFile("../../infra/RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	alarms := map[string]bool{}
	for _, r := range template.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		if name, _, _ := strings.Cut(r.Text("AlarmDescription"), ":"); name != r.LogicalID {
			t.Errorf("%s:%d: the description of %s begins with %q", template.Path, r.Line, r.LogicalID, name)
		}
		alarms[r.LogicalID] = true
	}
	text, err := os.ReadFile("../../infra/watch/function.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`AlarmDescription: !Sub '(\w+):`).FindAllStringSubmatch(string(text), -1) {
		alarms[m[1]] = true
	}
	var sections []string
	for _, m := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(string(runbook), -1) {
		sections = append(sections, m[1])
	}
	slices.Sort(sections)
	if want := slices.Sorted(maps.Keys(alarms)); !slices.Equal(sections, want) {
		t.Errorf("the sections of infra/RUNBOOK.md are %q, the alarms %q", sections, want)
	}
}
