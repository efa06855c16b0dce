package samtemplate_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/rostertest/moto"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// deployed is what testdata/deploy.py says is there after a deployment.
type deployed struct {
	// Translated are the resources that SAM makes of the template, by logical id, but for those of which moto has no kind at all.
	Translated map[string]string
	// Waits are the resources that the API, of which its stage is, is made after.
	Waits []string
	Made  map[string]struct {
		Type     string
		Settings json.RawMessage
	}
}

// notInMoto are the types of which moto's CloudFormation makes nothing; testdata/deploy.py leaves out some more that it gets wrong. That
// these are deployed as they are meant is proved by nobody without an account.
var notInMoto = []string{
	"AWS::ApiGateway::Account", "AWS::CloudWatch::Alarm", "AWS::Lambda::EventInvokeConfig", "AWS::SES::ConfigurationSet", "AWS::SES::ConfigurationSetEventDestination",
	"AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::XRay::SamplingRule",
}

// TestTheTranslatedTemplateDeploys has SAM's own translator make CloudFormation of the template, and an independent implementation of AWS
// make resources of that, and asks it what it has: the table with both indexes, and each function, role, queue, log group and mapping
// with its settings. moto keeps neither architectures, tracing nor the settings of logs, TTL and recovery that come by CloudFormation.
func TestTheTranslatedTemplateDeploys(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	got := deploy(t, template.Path, "dev")
	for logicalID, kind := range got.Translated {
		if _, made := got.Made[logicalID]; !made && !slices.Contains(notInMoto, kind) {
			t.Errorf("%s, of type %s, was not made", logicalID, kind)
		}
	}
	if !slices.Contains(got.Waits, "ApiLogAccount") {
		t.Errorf("the API waits for %q, and not for the role by which the gateway writes logs, without which its stage is refused", got.Waits)
	}
	settings := func(logicalID string, into any) bool {
		one, ok := got.Made[logicalID]
		if !ok {
			t.Errorf("%s was not made", logicalID)
			return false
		}
		if err := json.Unmarshal(one.Settings, into); err != nil {
			t.Errorf("%s: %v", logicalID, err)
		}
		return true
	}
	var table struct {
		TableName                 string
		DeletionProtectionEnabled bool
		BillingModeSummary        struct{ BillingMode string }
		StreamSpecification       struct{ StreamViewType string }
		GlobalSecondaryIndexes    []struct {
			IndexName string
			KeySchema []struct{ AttributeName, KeyType string }
		}
	}
	if settings("Table", &table) {
		var indexes []string
		for _, index := range table.GlobalSecondaryIndexes {
			text := index.IndexName
			for _, key := range index.KeySchema {
				text += " " + key.AttributeName + ":" + key.KeyType
			}
			indexes = append(indexes, text)
		}
		want := []string{"search tenantId:HASH shard:HASH changedAt:RANGE pk:RANGE", "organization tenantId:HASH orgId:HASH kind:HASH id:RANGE"}
		if !slices.Equal(indexes, want) || !table.DeletionProtectionEnabled || table.BillingModeSummary.BillingMode != "PAY_PER_REQUEST" || table.StreamSpecification.StreamViewType != "NEW_AND_OLD_IMAGES" {
			t.Errorf("the table is %+v", table)
		}
	}
	for _, f := range template.Functions {
		var function struct {
			Runtime, Handler    string
			MemorySize, Timeout int
			Role                string
			Environment         struct{ Variables map[string]any }
		}
		if !settings(f.LogicalID, &function) {
			continue
		}
		variables := len(f.Env)
		for _, value := range f.Env {
			if value == "${MailConfiguration}" { // of which moto makes nothing, see notInMoto
				variables--
			}
		}
		if function.Runtime != "provided.al2023" || function.Handler != "bootstrap" || function.MemorySize != f.MemoryMB || function.Timeout != int(f.Timeout.Seconds()) ||
			!strings.Contains(function.Role, f.LogicalID+"Role") || len(function.Environment.Variables) != variables || function.Environment.Variables["ROSTER_TABLE"] != table.TableName {
			t.Errorf("%s is %+v", f.LogicalID, function)
		}
		var role struct{ Policies []json.RawMessage }
		resource, _ := template.Resource(f.LogicalID)
		statements, err := resource.Statements()
		if settings(f.LogicalID+"Role", &role) && err == nil {
			for _, s := range statements {
				if !slices.ContainsFunc(role.Policies, func(p json.RawMessage) bool { return strings.Contains(string(p), s.Sid) }) {
					t.Errorf("the role of %s has no statement %s", f.LogicalID, s.Sid)
				}
			}
		}
	}
	for _, r := range template.Resources {
		switch r.Type {
		case "AWS::SQS::Queue":
			var queue struct{ MessageRetentionPeriod, SqsManagedSseEnabled string }
			if settings(r.LogicalID, &queue) && (queue.MessageRetentionPeriod != "1209600" || queue.SqsManagedSseEnabled != "true") {
				t.Errorf("%s is %+v", r.LogicalID, queue)
			}
		case "AWS::Logs::LogGroup":
			var group struct{ RetentionInDays int }
			if settings(r.LogicalID, &group) && group.RetentionInDays != 30 {
				t.Errorf("%s keeps lines for %d days", r.LogicalID, group.RetentionInDays)
			}
		}
	}
	for _, s := range template.Streams {
		var mapping struct {
			FunctionArn, StartingPosition string
			BisectBatchOnFunctionError    bool
			FunctionResponseTypes         []string
			DestinationConfig             struct{ OnFailure struct{ Destination string } }
		}
		if settings(s.LogicalID, &mapping) && (!strings.Contains(mapping.FunctionArn, s.Function) || mapping.StartingPosition != "TRIM_HORIZON" || !mapping.BisectBatchOnFunctionError ||
			len(mapping.FunctionResponseTypes) != 1 || !strings.Contains(mapping.DestinationConfig.OnFailure.Destination, s.OnFailure)) {
			t.Errorf("%s is %+v", s.LogicalID, mapping)
		}
	}
}

// TestTheNestedTemplatesDeploy deploys production, whose alarms and dashboard are stacks of their own.
func TestTheNestedTemplatesDeploy(t *testing.T) {
	template, err := samtemplate.FindAndReadWith(map[string]string{"Profile": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	got := deploy(t, template.Path, "prod")
	for _, r := range template.Resources {
		if _, made := got.Made[r.LogicalID]; r.Type == "AWS::CloudFormation::Stack" && !made {
			t.Errorf("%s was not made", r.LogicalID)
		}
	}
}

func deploy(t *testing.T, template, profile string) deployed {
	t.Helper()
	command := exec.Command("python3", filepath.Join("testdata", "deploy.py"), template, profile)
	command.Env = moto.Environment(t)
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("deploying into moto: %v\n%s", err, complaints.String())
	}
	var got deployed
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}
