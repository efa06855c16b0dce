package samtemplate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// streamTemplate is a template with a function, a table and one event source mapping of those properties.
const streamTemplate = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
  ChangesFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: build/changes/}
  Failures:
    Type: AWS::SQS::Queue
  ChangesStream:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {PROPERTIES}
`

func readStream(t *testing.T, properties string) (*samtemplate.Template, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(streamTemplate, "PROPERTIES", properties, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return samtemplate.Read(path)
}

const wholeStream = "EventSourceArn: !GetAtt Table.StreamArn, FunctionName: !Ref ChangesFunction, StartingPosition: TRIM_HORIZON"

func TestReadUnderstandsStreams(t *testing.T) {
	for properties, want := range map[string]samtemplate.Stream{
		wholeStream: {LogicalID: "ChangesStream", Function: "ChangesFunction", BatchSize: 100, MaxRetries: -1},
		wholeStream + ", MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1, DestinationConfig: {OnFailure: {Destination: !GetAtt Failures.Arn}}": {
			LogicalID: "ChangesStream", Function: "ChangesFunction", BatchSize: 100, MaxRetries: -1, OnFailure: "Failures",
		},
		wholeStream + `, BatchSize: 7, MaximumRetryAttempts: 3, MaximumRecordAgeInSeconds: 3600, BisectBatchOnFunctionError: true, FunctionResponseTypes: [ReportBatchItemFailures],
      FilterCriteria: {Filters: [{Pattern: '{"eventName":["INSERT"]}'}, {Pattern: '{}'}]}`: {
			LogicalID: "ChangesStream", Function: "ChangesFunction", BatchSize: 7, MaxRetries: 3, MaxRecordAge: time.Hour, Bisect: true, PartialFailures: true,
			Filters: []json.RawMessage{json.RawMessage(`{"eventName":["INSERT"]}`), json.RawMessage(`{}`)},
		},
	} {
		template, err := readStream(t, properties)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]samtemplate.Stream{want}, template.Streams, cmpopts.IgnoreFields(samtemplate.Stream{}, "Line")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", properties, diff)
		}
	}
}

func TestMistakesInStreamsAreNamed(t *testing.T) {
	for properties, want := range map[string]string{
		"FunctionName: !Ref ChangesFunction, StartingPosition: TRIM_HORIZON":                                    "EventSourceArn is required",
		"EventSourceArn: !GetAtt Table.Arn, FunctionName: !Ref ChangesFunction, StartingPosition: TRIM_HORIZON": "must be !GetAtt Table.StreamArn",
		"EventSourceArn: !GetAtt Table.StreamArn, FunctionName: !Ref Table, StartingPosition: TRIM_HORIZON":     "must be a function of this template",
		"EventSourceArn: !GetAtt Table.StreamArn, FunctionName: !Ref ChangesFunction, StartingPosition: LATEST": "must be one of TRIM_HORIZON",
		wholeStream + ", FilterCriteria: {Filters: [{Pattern: '{'}]}":                                           "must be JSON",
		wholeStream + ", MaximumRecordAgeInSeconds: 30":                                                         "MaximumRecordAgeInSeconds must be -1, or 60 to 604800, not 30",
		wholeStream + ", DestinationConfig: {OnFailure: {Destination: !GetAtt Table.Arn}}":                      "must be an AWS::SQS::Queue of this template",
	} {
		if _, err := readStream(t, properties); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", properties, err, want)
		}
	}
}
