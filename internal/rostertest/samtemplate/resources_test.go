package samtemplate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

const watchedTemplate = `
Parameters:
  Watched: {Type: String, Default: 'false'}
Conditions:
  IsWatched: !Equals [!Ref Watched, 'true']
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  OneFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: build/one/
      Policies:
        - Statement:
            - Sid: Read
              Effect: Allow
              Action: [dynamodb:GetItem, dynamodb:Query]
              Resource: !GetAtt Table.Arn
              Condition:
                ForAllValues:StringLike: {'dynamodb:LeadingKeys': ['T#*']}
            - !If
              - IsWatched
              - {Sid: Watch, Effect: Allow, Action: cloudwatch:PutMetricData, Resource: !FindInMap [A, B, C]}
              - !Ref AWS::NoValue
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: IsWatched
    Properties: {Metrics: [{Id: one}], Name: !ImportValue Elsewhere}
`

func TestResourcesAreReadWhateverTheyAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(watchedTemplate), 0o600); err != nil {
		t.Fatal(err)
	}
	for watched, want := range map[string][]samtemplate.Statement{
		"false": {{Sid: "Read", Actions: []string{"dynamodb:GetItem", "dynamodb:Query"}, Resources: []string{"${Table.Arn}"}, LeadingKeys: []string{"T#*"}}},
		"true": {
			{Sid: "Read", Actions: []string{"dynamodb:GetItem", "dynamodb:Query"}, Resources: []string{"${Table.Arn}"}, LeadingKeys: []string{"T#*"}},
			{Sid: "Watch", Actions: []string{"cloudwatch:PutMetricData"}, Resources: []string{"FindInMap"}},
		},
	} {
		template, err := samtemplate.ReadWith(path, map[string]string{"Watched": watched})
		if err != nil {
			t.Fatal(err)
		}
		alarm, ok := template.Resource("Alarm")
		wantAlarm := samtemplate.Resource{
			LogicalID: "Alarm", Type: "AWS::CloudWatch::Alarm", Condition: "IsWatched", Made: watched == "true",
			Properties: map[string]any{"Metrics": []any{map[string]any{"Id": "one"}}, "Name": "ImportValue"},
		}
		if diff := cmp.Diff(wantAlarm, alarm, cmpopts.IgnoreFields(samtemplate.Resource{}, "Line")); diff != "" || !ok {
			t.Errorf("the alarm (-want +got):\n%s", diff)
		}
		if text := alarm.Text("Name"); text != "ImportValue" {
			t.Errorf("the alarm's name is %q", text)
		}
		function, _ := template.Resource("OneFunction")
		got, err := function.Statements()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("the statements, watched %s (-want +got): %v\n%s", watched, err, diff)
		}
	}
	if _, err := samtemplate.ReadWith(path, map[string]string{"Wached": "true"}); err == nil {
		t.Error("a parameter that is not there was taken")
	}
}
