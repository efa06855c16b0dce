package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/app"
)

// measuring returns a logger whose lines are measured, and where they go.
func measuring(t *testing.T) (*slog.Logger, *bytes.Buffer) {
	t.Helper()
	config, err := app.Load(environment("roster", "", "ROSTER_METRICS_NAMESPACE", "Roster/test", "AWS_LAMBDA_FUNCTION_NAME", "test-OneFunction"))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	return config.Logger(&log), &log
}

type measuredLine struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// TestARequestIsMeasuredByItsLine reads a line as CloudWatch does: what its directives name must be members of it, the dimensions
// texts and the values numbers, in the units that they claim.
func TestARequestIsMeasuredByItsLine(t *testing.T) {
	log, text := measuring(t)
	log.Info("request", "dialect", "organization", "route", "GET /users/{id}", "tenant", 7, "status", 200, "duration", 1500*time.Microsecond,
		"tableCalls", 1, "tableReads", 0.5, "tableWrites", 0.0, "tableTime", time.Millisecond, "replicaAge", 2*time.Second)
	var members map[string]any
	var line measuredLine
	if err := json.Unmarshal(text.Bytes(), &members); err != nil || json.Unmarshal(text.Bytes(), &line) != nil {
		t.Fatalf("%v: %s", err, text)
	}
	got := map[string]any{}
	for _, d := range line.AWS.CloudWatchMetrics {
		if d.Namespace != "Roster/test" {
			t.Errorf("the namespace is %q", d.Namespace)
		}
		for _, m := range d.Metrics {
			var by []string
			for _, dimension := range d.Dimensions[0] {
				value, ok := members[dimension].(string)
				if !ok {
					t.Errorf("the dimension %s is %v", dimension, members[dimension])
				}
				by = append(by, value)
			}
			got[m.Name+" "+m.Unit+" of "+strings.Join(by, ", ")] = members[m.Name]
		}
	}
	want := map[string]any{
		"Latency Milliseconds of organization, GET /users/{id}": 1.5,
		"Requests Count of organization, ok":                    1.0,
		"TableTime Milliseconds of organization":                1.0,
		"ReadUnits Count of organization":                       0.5,
		"WriteUnits Count of organization":                      0.0,
		"ReplicaAge Milliseconds of organization":               2000.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is measured (-want +got):\n%s", diff)
	}
	if age := time.Since(time.UnixMilli(line.AWS.Timestamp)); age < 0 || age > time.Minute {
		t.Errorf("the timestamp is %v ago", age)
	}
	if members["level"] != "INFO" || members["tenant"] != 7.0 {
		t.Errorf("the line has lost what it had: %s", text)
	}
}

// TestATokenRequestIsMeasuredAtTheTable is one of package oauth2, whose lines have the members of those of dialects.
func TestATokenRequestIsMeasuredAtTheTable(t *testing.T) {
	log, text := measuring(t)
	log.Info("oauth2", "endpoint", "customers token", "status", 200, "duration", time.Millisecond,
		"tableCalls", 2, "tableReads", 0.5, "tableWrites", 1.0, "tableTime", 3*time.Millisecond)
	var line struct {
		measuredLine
		TableTime, ReadUnits, WriteUnits float64
	}
	if err := json.Unmarshal(text.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range line.AWS.CloudWatchMetrics {
		if slices.Equal(d.Dimensions[0], []string{"endpoint"}) {
			for _, m := range d.Metrics {
				names = append(names, m.Name)
			}
		}
	}
	if want := []string{"Latency", "TableTime", "ReadUnits", "WriteUnits"}; !slices.Equal(names, want) || line.TableTime != 3 || line.ReadUnits != 0.5 || line.WriteUnits != 1 {
		t.Errorf("by endpoint are measured %q, want %q: %s", names, want, text)
	}
}

func TestOnlyWhatIsMeasuredIsChanged(t *testing.T) {
	log, text := measuring(t)
	log.Info("something else", "duration", time.Second)
	log.With("a", 1).Info("request", "dialect", "organization", "route", "GET /", "status", 200)
	log.WithGroup("g").Info("request", "status", 200)
	log.Info("message refused", "reason", "planted")
	if n := strings.Count(text.String(), "_aws"); n != 1 {
		t.Errorf("%d lines are measured, want the last alone: %s", n, text)
	}
	text.Reset()
	log.Info("replica loaded", "users", "many")
	if strings.Contains(text.String(), "_aws") || strings.Contains(text.String(), "outcome") {
		t.Errorf("a line is measured that should not be: %s", text)
	}
	plain, err := app.Load(environment("roster", ""))
	if err != nil {
		t.Fatal(err)
	}
	text.Reset()
	plain.Logger(text).Info("request", "dialect", "organization", "route", "GET /", "status", 200)
	if strings.Contains(text.String(), "_aws") {
		t.Errorf("a line is measured without a namespace: %s", text)
	}
}

// TestARequestWithoutARouteIsCounted is one that no route takes: CloudWatch refuses dimensions without a value.
func TestARequestWithoutARouteIsCounted(t *testing.T) {
	log, text := measuring(t)
	log.Info("request", "dialect", "organization", "route", "", "status", 404, "duration", time.Millisecond)
	if !strings.Contains(text.String(), `"Dimensions":[["dialect","outcome"]]`) || strings.Contains(text.String(), `["dialect","route"]`) {
		t.Errorf("the line is %s", text)
	}
}

func TestOutcomesAreFew(t *testing.T) {
	var got []string
	for status := 100; status < 600; status++ {
		log, text := measuring(t)
		log.Info("oauth2", "endpoint", "token", "status", status)
		var line struct{ Outcome string }
		if err := json.Unmarshal(text.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(got, line.Outcome) {
			got = append(got, line.Outcome)
		}
		if (line.Outcome == "throttled") != (status == 429) || (line.Outcome == "failed") != (status >= 500) {
			t.Errorf("the outcome of %d is %q", status, line.Outcome)
		}
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(app.Outcomes))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// boundedDimensions are the only members of lines that may be dimensions, with what bounds their values: a metric is paid for by each.
var boundedDimensions = map[string]string{
	"dialect":  "the packages below internal/api",
	"route":    "the routes of the template: the pattern, not the path",
	"outcome":  "app.Outcomes",
	"endpoint": "oauth2.Routes",
	"function": "the functions of the template",
}

func TestDimensionsAreBounded(t *testing.T) {
	names := map[string]int{}
	for _, line := range app.Metrics {
		for _, set := range line.Sets {
			for _, dimension := range set.Dimensions {
				if boundedDimensions[dimension] == "" {
					t.Errorf("%q is measured by %s, of which nothing says how many there are", line.Message, dimension)
				}
			}
			if len(set.Dimensions) == 0 || len(set.Dimensions) > 2 {
				t.Errorf("%q is measured by %q", line.Message, set.Dimensions)
			}
			for _, m := range set.Metrics {
				if !slices.Contains([]string{"Milliseconds", "Bytes", "Count"}, m.Unit) {
					t.Errorf("%s is in %s", m.Name, m.Unit)
				}
				names[line.Message+m.Name]++
				if names[line.Message+m.Name] > 1 {
					t.Errorf("%q has two metrics %s", line.Message, m.Name)
				}
			}
		}
	}
}
