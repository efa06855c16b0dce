// Command costs prints what Roster costs by list prices, in the form of the README's tables: go run ./infra/costs. The standing costs
// are counted from template.yaml and the templates nested in it, the costs of operations computed from the units that tests pin. The
// prices are in prices.go, and a test holds the README to what is printed.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "costs:", err)
		os.Exit(1)
	}
}

func write(w io.Writer) error {
	fmt.Fprintf(w, "| a million times | gateway | function | table | KMS | mail, push | logs, traces | dollars |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, o := range operations {
		c := o.costs()
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | **%.2f** |\n", o.name, c.gateway, c.function, c.table, c.keys, c.messages, c.watching, c.sum())
	}
	var months []month
	for _, stage := range []string{"dev", "staging", "prod"} {
		m, err := standing(stage)
		if err != nil {
			return err
		}
		months = append(months, m)
	}
	dev, staging, prod := months[0], months[1], months[2]
	fmt.Fprintf(w, "\n| idle for a month, with 100,000 users | dev | staging | prod |\n| --- | ---: | ---: | ---: |\n")
	for i := range prod.lines {
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f |\n", prod.lines[i].what, dev.lines[i].dollars, staging.lines[i].dollars, prod.lines[i].dollars)
	}
	_, err := fmt.Fprintf(w, "| **together** | **%.2f** | **%.2f** | **%.2f** |\n", dev.sum(), staging.sum(), prod.sum())
	return err
}

type costs struct{ gateway, function, table, keys, messages, watching float64 }

func (c costs) sum() float64 {
	return c.gateway + c.function + c.table + c.keys + c.messages + c.watching
}

// costs returns what a million of the operation cost.
func (o *operation) costs() costs {
	return costs{
		gateway:  perMillionRequests,
		function: (1+o.mails+o.pushes)*perMillionInvocations + o.milliseconds/1000*o.memory/1024*perGBSecond*1e6,
		table:    o.reads*perMillionReadUnits + o.writes*perMillionWriteUnits,
		keys:     o.signatures * perMillionSignatures,
		messages: o.mails*perMillionMails + o.pushes*perMillionPushes,
		watching: loggedKB*1e6/kbPerGB*perGBLogged + tracedShare*perMillionTraces,
	}
}

// month is what a stack costs while nobody uses it.
type month struct{ lines []line }

type line struct {
	what    string
	dollars float64
}

func (m month) sum() float64 {
	var all float64
	for _, l := range m.lines {
		all += l.dollars
	}
	return all
}

// standing counts what the stack of that stage is charged for by the month, with the parameters that samconfig.toml has for it.
func standing(stage string) (month, error) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		return month{}, err
	}
	overrides, err := parameters(filepath.Join(filepath.Dir(template.Path), "samconfig.toml"), stage)
	if err != nil {
		return month{}, err
	}
	if template, err = samtemplate.FindAndReadWith(overrides); err != nil {
		return month{}, err
	}
	keys, dashboards, metrics, firewalls, rules := 0, 0, 0, 0, 0
	count := func(kind string, properties map[string]any) {
		switch kind {
		case "AWS::KMS::Key":
			keys++
		case "AWS::CloudWatch::Dashboard":
			dashboards++
		case "AWS::CloudWatch::Alarm":
			metrics += alarmMetrics(properties)
		case "AWS::WAFv2::WebACL":
			firewalls++
			all, _ := properties["Rules"].([]any)
			rules += len(all)
		}
	}
	for _, r := range template.Resources {
		if !r.Made {
			continue
		}
		count(r.Type, r.Properties)
		if r.Type != "AWS::CloudFormation::Stack" {
			continue
		}
		nested, err := readNested(filepath.Join(filepath.Dir(template.Path), r.Text("TemplateURL")))
		if err != nil {
			return month{}, err
		}
		for _, one := range nested {
			count(one.Type, one.Properties)
		}
	}
	const users = float64(idleUsers) / kbPerGB
	return month{[]line{
		{"the table and its indexes, 0.5 GB at most", users * (tableKB + indexesKB) * perGBStored},
		{"point-in-time recovery of it", users * tableKB * perGBRecoverable},
		{"the signing key", float64(keys) * perKey},
		{fmt.Sprintf("alarms on %d metrics (the first ten of an account are free)", metrics), float64(metrics) * perAlarmMetric},
		{"the dashboard (the first three of an account are free)", float64(dashboards) * perDashboard},
		{"the firewall, where WebAcl is true", float64(firewalls)*perWebAcl + float64(rules)*perWebAclRule},
		{"gateway, functions, queues, topics, mail", 0},
	}}, nil
}

// parameters returns those that the file, which is a samconfig.toml, has for deployments of a stage.
func parameters(path, stage string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	_, section, found := strings.Cut(string(text), "\n["+stage+".deploy.parameters]\n")
	section, _, _ = strings.Cut(section, "\n[")
	m := regexp.MustCompile(`(?m)^parameter_overrides = "(.*)"$`).FindStringSubmatch(section)
	if !found || m == nil {
		return nil, fmt.Errorf("%s has no parameter_overrides for the stage %s", path, stage)
	}
	overrides := map[string]string{}
	for _, pair := range strings.Fields(m[1]) {
		name, value, _ := strings.Cut(pair, "=")
		overrides[name] = value
	}
	return overrides, nil
}

// alarmMetrics returns how many metrics an alarm is charged for: all that its expression is made of.
func alarmMetrics(properties map[string]any) int {
	all, ok := properties["Metrics"].([]any)
	if !ok {
		return 1
	}
	return len(slices.DeleteFunc(slices.Clone(all), func(m any) bool {
		_, expression := m.(map[string]any)["Expression"]
		return expression
	}))
}

// nestedResource is a resource of a nested template, whose intrinsic functions do not matter here.
type nestedResource struct {
	Type       string         `yaml:"Type"`
	Properties map[string]any `yaml:"Properties"`
}

func readNested(path string) (map[string]nestedResource, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document struct {
		Resources map[string]nestedResource `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(document.Resources) == 0 || !strings.HasSuffix(path, ".yaml") {
		return nil, fmt.Errorf("%s has no resources", path)
	}
	return document.Resources, nil
}
