package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// TestNothingIsBilledByTheHour refuses a resource of which nobody has said how it is paid for, in the template and in those nested in
// it, whatever the parameters.
func TestNothingIsBilledByTheHour(t *testing.T) {
	template, err := samtemplate.FindAndReadWith(map[string]string{"Profile": "prod", "WebAcl": "true"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range template.Resources {
		if billed[r.Type] == "" {
			t.Errorf("%s:%d: %s is of type %s: look up how it is billed, and put it into prices.go if that is not by the hour", template.Path, r.Line, r.LogicalID, r.Type)
		}
		for _, byTheHour := range []string{"ProvisionedConcurrencyConfig", "ProvisionedThroughput", "CacheClusterEnabled", "CacheClusterSize", "ProvisionedPollerConfig", "VpcConfig", "DedicatedIpPool"} {
			if _, there := r.Properties[byTheHour]; there {
				t.Errorf("%s:%d: %s has %s, which is billed by the hour", template.Path, r.Line, r.LogicalID, byTheHour)
			}
		}
		if r.Type == "AWS::DynamoDB::Table" && r.Text("BillingMode") != "PAY_PER_REQUEST" {
			t.Errorf("%s:%d: %s is not on demand", template.Path, r.Line, r.LogicalID)
		}
		if r.Type != "AWS::CloudFormation::Stack" {
			continue
		}
		nested, err := readNested(filepath.Join("../..", r.Text("TemplateURL")))
		if err != nil {
			t.Fatal(err)
		}
		for name, one := range nested {
			if billed[one.Type] == "" {
				t.Errorf("%s: %s is of type %s: look up how it is billed", r.Text("TemplateURL"), name, one.Type)
			}
		}
	}
}

// TestAnIdleStackIsCheap holds a stack with 100,000 users that nobody uses under 2 dollars a month by list prices, what comes to it with
// the alarms and the dashboard of the profile prod within 9, and the firewall, which prod has as well, within 8.
func TestAnIdleStackIsCheap(t *testing.T) {
	for stage, most := range map[string]float64{"dev": 2, "staging": 11, "prod": 19} {
		m, err := standing(stage)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.sum(); got >= most || got < 1 {
			t.Errorf("an idle stack of the stage %s costs %.2f dollars a month, want less than %v", stage, got, most)
		}
	}
}

// TestUnitsArePinned holds the units of each operation to the line of a test that pins them.
func TestUnitsArePinned(t *testing.T) {
	for _, o := range operations {
		text, err := os.ReadFile(filepath.Join("../..", o.file))
		if err != nil {
			t.Fatal(err)
		}
		for _, pinned := range o.pinned {
			if !strings.Contains(string(text), pinned) {
				t.Errorf("%s: no line of %s has %s any more: see what it costs now", o.name, o.file, pinned)
			}
		}
		if len(o.pinned) == 0 {
			t.Errorf("%s: nothing pins its units", o.name)
		}
	}
}

func TestReadmeHasTheTables(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var tables strings.Builder
	if err := write(&tables); err != nil {
		t.Fatal(err)
	}
	for table := range strings.SplitSeq(tables.String(), "\n\n") {
		if !strings.Contains(string(readme), strings.TrimSpace(table)) {
			t.Errorf("README.md does not have this as it is; it is what go run ./infra/costs prints:\n%s", table)
		}
	}
}
