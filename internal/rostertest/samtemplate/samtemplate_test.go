package samtemplate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

func TestReadUnderstandsAWholeTemplate(t *testing.T) {
	got, err := samtemplate.Read(filepath.Join("testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := &samtemplate.Template{
		Path:       filepath.Join("testdata", "whole.yaml"),
		Parameters: map[string]string{"LogLevel": "info", "Production": "false"},
		Table:      samtemplate.Table{LogicalID: "Table", TTLAttribute: "expiresAt"},
		Functions: []samtemplate.Function{
			{
				LogicalID: "AuthorizerFunction", CodeURI: "functions/authorizer/", Handler: "bootstrap", Runtime: "provided.al2023",
				Timeout: 5 * time.Second, MemoryMB: 512,
				Env: map[string]string{"ROSTER_TABLE": "${Table}", "ROSTER_LOG_LEVEL": "info"},
			},
			{
				LogicalID: "OrganizationFunction", CodeURI: "functions/${Name}/", Handler: "bootstrap", Runtime: "provided.al2023",
				Timeout: 10 * time.Second, MemoryMB: 1024,
				Env: map[string]string{
					"ROSTER_TABLE": "${Table}", "ROSTER_LOG_LEVEL": "debug", "STAGE": "trial", "LIST": "${AWS::Region},b",
					"URL": "https://api.${DomainName}/${literal}/${Api}/${AuthorizerFunction.Arn}",
				},
			},
		},
		API: samtemplate.API{
			LogicalID: "Api", Stage: "v1", BinaryMediaTypes: []string{"image/png"},
			Routes: []samtemplate.Route{
				{Method: "GET", Path: "/users", Function: "OrganizationFunction", Authorizer: "Bearer"},
				{Method: "GET", Path: "/users/{id}", Function: "OrganizationFunction", Authorizer: "Old"},
				{Method: "ANY", Path: "/open/{rest+}", Function: "OrganizationFunction", Authorizer: "NONE"},
			},
			Authorizers: []samtemplate.Authorizer{
				{Name: "Bearer", Function: "AuthorizerFunction", Type: "REQUEST", Headers: []string{"Authorization"}, ReauthorizeEvery: time.Minute},
				{Name: "Old", Function: "AuthorizerFunction", Type: "TOKEN", Headers: []string{"X-Token"}, ReauthorizeEvery: 5 * time.Minute},
			},
			GatewayResponses: []samtemplate.GatewayResponse{
				{
					Type: "UNAUTHORIZED", StatusCode: 401, Headers: map[string]string{"WWW-Authenticate": `Bearer realm="roster"`},
					Bodies: map[string]string{"application/json": `{"message":$context.error.messageString}`},
				},
				{Type: "ACCESS_DENIED", StatusCode: 401, Headers: map[string]string{}, Bodies: map[string]string{}},
				{Type: "DEFAULT_5XX", Headers: map[string]string{}, Bodies: map[string]string{"application/json": "{}"}},
			},
		},
	}
	ignore := cmp.Options{
		cmpopts.IgnoreUnexported(samtemplate.Table{}),
		cmpopts.IgnoreFields(samtemplate.Function{}, "Line"),
		cmpopts.IgnoreFields(samtemplate.Route{}, "Line"),
		cmpopts.IgnoreFields(samtemplate.Template{}, "Resources"),
	}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
	if route := got.API.Routes[1]; route.Line != 103 {
		t.Errorf("the route %s %s is on line %d, want 103", route.Method, route.Path, route.Line)
	}
}

func TestCreateInputIsTheTableOfTheTemplate(t *testing.T) {
	template, err := samtemplate.Read(filepath.Join("testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: kind}
	}
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind}
	}
	want := &dynamodb.CreateTableInput{
		TableName:            aws.String("a"),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{attribute("pk", "S"), attribute("sk", "S"), attribute("tenantId", "N"), attribute("shard", "N")},
		KeySchema:            []types.KeySchemaElement{key("pk", "HASH"), key("sk", "RANGE")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("search"),
			KeySchema:  []types.KeySchemaElement{key("tenantId", "HASH"), key("shard", "HASH"), key("pk", "RANGE")},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"name"}},
		}},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	}
	unexported := cmpopts.IgnoreUnexported(dynamodb.CreateTableInput{}, types.AttributeDefinition{}, types.KeySchemaElement{},
		types.GlobalSecondaryIndex{}, types.Projection{}, types.StreamSpecification{})
	if diff := cmp.Diff(want, template.Table.CreateInput("a"), unexported); diff != "" {
		t.Errorf("CreateInput (-want +got):\n%s", diff)
	}
	if other := template.Table.CreateInput("b"); *other.TableName != "b" || *template.Table.CreateInput("a").TableName != "a" {
		t.Error("CreateInput does not return an input of its own")
	}
	ttl := template.Table.TTLInput("a")
	if *ttl.TableName != "a" || *ttl.TimeToLiveSpecification.AttributeName != "expiresAt" || !*ttl.TimeToLiveSpecification.Enabled {
		t.Errorf("TTLInput = %+v", ttl)
	}
}

func TestResponseFallsBackToTheDefaultOfItsClass(t *testing.T) {
	template, err := samtemplate.Read(filepath.Join("testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for responseType, want := range map[string]struct {
		from   string
		status int
	}{
		"UNAUTHORIZED":        {"UNAUTHORIZED", 401},
		"ACCESS_DENIED":       {"ACCESS_DENIED", 401},
		"INTEGRATION_TIMEOUT": {"DEFAULT_5XX", 504},
		"THROTTLED":           {"", 0}, // the template has no DEFAULT_4XX
	} {
		got, ok := template.API.Response(responseType)
		if got.Type != want.from || got.StatusCode != want.status || ok != (want.from != "") {
			t.Errorf("Response(%s) = %s with %d, %t, want %s with %d", responseType, got.Type, got.StatusCode, ok, want.from, want.status)
		}
	}
}

// TestTheTemplateOfTheProject reads the template that is deployed. What the table must look like is pinned by package
// dynamo, and the functions by package lambdaio's tests; here it must only be read without a mistake.
func TestTheTemplateOfTheProject(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	if template.Table.TTLAttribute != "expiresAt" {
		t.Errorf("TTLAttribute = %q, want expiresAt", template.Table.TTLAttribute)
	}
	for _, index := range template.Table.CreateInput("x").GlobalSecondaryIndexes {
		if *index.IndexName != "search" && *index.IndexName != "organization" {
			t.Errorf("unexpected index %s", *index.IndexName)
		}
	}
	for _, route := range template.API.Routes {
		if _, ok := template.Function(route.Function); !ok {
			t.Errorf("%s %s goes to %s, which is no function", route.Method, route.Path, route.Function)
		}
	}
}

func TestReadNamesEachMistakeAndItsLine(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		old, new string // replaced in the whole template
		want     string
	}{
		"an unknown parameter":        {"!Ref LogLevel", "!Ref LogLevl", `whole.yaml:28: no parameter or resource is called "LogLevl"`},
		"an unknown resource":         {"!GetAtt AuthorizerFunction.Arn", "!GetAtt Authorizr.Arn", `whole.yaml:63: no resource is called "Authorizr"`},
		"an unknown name in a Sub":    {"${DomainName}", "${Domain}", `whole.yaml:99: no parameter or resource is called "Domain"`},
		"an unknown condition":        {"!If [IsProduction, live", "!If [IsProd, live", `whole.yaml:97: no condition is called "IsProd"`},
		"a condition on itself":       {"!Not [!Condition IsProduction]", "!Not [!Condition IsTrial]", `the condition IsTrial depends on itself`},
		"a function that is not read": {"debug", "!FindInMap [A, B, C]", "whole.yaml:96: ROSTER_LOG_LEVEL needs the intrinsic function FindInMap, which is not known here"},
		"a field twice":               {"      Timeout: 5\n", "      Timeout: 5\n      Timeout: 6\n", "whole.yaml:86: Timeout is there twice"},
		"no number":                   {"Timeout: 5\n", "Timeout: soon\n", `whole.yaml:85: Timeout must be a whole number, not "soon"`},
		"no code":                     {"      CodeUri: functions/authorizer/\n", "", "whole.yaml:84: AuthorizerFunction.CodeUri is required"},
		"a key without an attribute":  {"{AttributeName: shard, AttributeType: N}", "{AttributeName: chard, AttributeType: N}", "the key attribute shard is not in AttributeDefinitions"},
		"an attribute without a key":  {"{AttributeName: shard, AttributeType: N}", "{AttributeName: chard, AttributeType: N}", "whole.yaml:41: the attribute chard is defined, but in no key"},
		"a wrong attribute type":      {"{AttributeName: shard, AttributeType: N}", "{AttributeName: shard, AttributeType: I}", `whole.yaml:41: AttributeType must be one of S, N, B, not "I"`},
		"two hash keys on a table":    {"{AttributeName: sk, KeyType: RANGE}", "{AttributeName: sk, KeyType: HASH}", "whole.yaml:44: a key has at most 1 HASH attributes here"},
		"the range key first":         {"{AttributeName: tenantId, KeyType: HASH}", "{AttributeName: tenantId, KeyType: RANGE}", "the HASH attributes of a key come before the RANGE attributes"},
		"a wrong view of the stream":  {"NEW_AND_OLD_IMAGES", "BOTH", "StreamViewType must be one of"},
		"no table":                    {"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "there must be one AWS::DynamoDB::Table, not 0"},
		"a wrong method":              {"Method: get, Path: /users,", "Method: fetch, Path: /users,", `whole.yaml:102: the method of a route must be one of`},
		"a wrong path":                {"Path: /users,", "Path: users,", `whole.yaml:102: the path of a route must be such as /users/{id}, not "users"`},
		"the same route twice":        {"Path: '/users/{id}'", "Path: /users", "whole.yaml:103: GET /users is already the route of OrganizationFunction, line 102"},
		"an unknown authorizer":       {"Authorizer: Old", "Authorizer: Older", `whole.yaml:103: no authorizer is called "Older"`},
		"an authorizer elsewhere":     {"!GetAtt AuthorizerFunction.Arn", "!GetAtt Table.Arn", "whole.yaml:63: the FunctionArn of Bearer must be a function of this template"},
		"an answer kept too long":     {"ReauthorizeEvery: 60", "ReauthorizeEvery: 6000", "ReauthorizeEvery must be 0 to 3600 seconds, not 6000"},
		"an HTTP API":                 {"Get: {Type: Api", "Get: {Type: HttpApi", "whole.yaml:103: Get is of type HttpApi"},
		"another API":                 {"Path: /users, RestApiId: !Ref Api", "Path: /users, RestApiId: !Ref Table", "RestApiId must be !Ref Api"},
		"an unknown response":         {"ACCESS_DENIED:", "DENIED:", `whole.yaml:76: no gateway response is called "DENIED"`},
		"a header without quotes":     {`"'Bearer realm=\"roster\"'"`, "Bearer", "the header WWW-Authenticate of UNAUTHORIZED must be a literal in single quotes"},
		"an OpenAPI body":             {"      StageName: v1\n", "      StageName: v1\n      DefinitionBody: {openapi: 3.0.1}\n", "routes are read from the functions' events"},
		"a resource without a type":   {"    Type: AWS::SSM::Parameter\n", "", "Name has no Type"},
		"no YAML":                     {"Resources:", "Resources: [", "whole.yaml: yaml: line"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(string(whole), test.old) {
				t.Fatalf("the whole template does not hold %q", test.old)
			}
			path := filepath.Join(t.TempDir(), "whole.yaml")
			if err := os.WriteFile(path, []byte(strings.Replace(string(whole), test.old, test.new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := samtemplate.Read(path)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Read = %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestReadNamesAllMistakesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte("Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Timeout: x, MemorySize: y}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := samtemplate.Read(path)
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("Read = %v, want four mistakes: no table, no code, two numbers", err)
	}
}
