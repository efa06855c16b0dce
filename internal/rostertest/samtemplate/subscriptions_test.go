package samtemplate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// topicTemplate is a template with a topic, a queue, a parameter that is empty, and a function with one event of those properties.
const topicTemplate = `
Parameters:
  Application: {Type: String, Default: ''}
  From: {Type: String, Default: post@roster.example}
Conditions:
  HasApplication: !Not [!Equals [!Ref Application, '']]
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  Feedback:
    Type: AWS::SNS::Topic
  Failures:
    Type: AWS::SQS::Queue
  BouncesFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: build/bounces/
      Environment:
        Variables:
          APPLICATION: !Ref Application
          DOMAIN: !Sub ['${Domain} of ${Name}', {Name: !Select [0, !Split ['@', !Ref From]], Domain: !Select [1, !Split ['@', !Ref From]]}]
          LINKS: !If [HasApplication, !Select [1, !Split [':', !Ref Application]], https://roster.example]
      Events:
        Mail: {Type: SNS, Properties: {PROPERTIES}}
        Page: {Type: Api, Properties: {Method: GET, Path: '/pages/{token}'}}
`

func readTopic(t *testing.T, properties string) (*samtemplate.Template, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(topicTemplate, "PROPERTIES", properties, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return samtemplate.Read(path)
}

func TestReadUnderstandsSubscriptions(t *testing.T) {
	for properties, want := range map[string]samtemplate.Subscription{
		"Topic: !Ref Feedback": {Function: "BouncesFunction", Topic: "Feedback"},
		"Topic: !Ref Feedback, RedrivePolicy: {deadLetterTargetArn: !GetAtt Failures.Arn}": {Function: "BouncesFunction", Topic: "Feedback", Queue: "Failures"},
	} {
		template, err := readTopic(t, properties)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]samtemplate.Subscription{want}, template.Subscriptions, cmpopts.IgnoreFields(samtemplate.Subscription{}, "Line")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", properties, diff)
		}
		if len(template.API.Routes) != 1 {
			t.Errorf("the routes are %+v, want one", template.API.Routes)
		}
	}
}

func TestMistakesInSubscriptionsAreNamed(t *testing.T) {
	for properties, want := range map[string]string{
		"FilterPolicy: {}":           "Mail.Topic is required",
		"Topic: !Ref Failures":       "Mail.Topic must be an AWS::SNS::Topic of this template",
		"Topic: !Ref Fedback":        `no parameter or resource is called "Fedback"`,
		"Topic: !Sub 'arn:${Table}'": "Mail.Topic must be an AWS::SNS::Topic of this template",
		"Topic: !Ref Feedback, RedrivePolicy: {deadLetterTargetArn: !Ref Feedback}": "Mail.RedrivePolicy must be an AWS::SQS::Queue of this template",
	} {
		if _, err := readTopic(t, properties); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", properties, err, want)
		}
	}
}

// TestParametersAreTakenApart holds that a parameter whose default is empty is one, that what a condition leaves out is not asked for,
// and that a text can be split.
func TestParametersAreTakenApart(t *testing.T) {
	template, err := readTopic(t, "Topic: !Ref Feedback")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"APPLICATION": "", "DOMAIN": "roster.example of post", "LINKS": "https://roster.example"}
	if diff := cmp.Diff(want, template.Functions[0].Env); diff != "" {
		t.Errorf("the environment (-want +got):\n%s", diff)
	}
}
