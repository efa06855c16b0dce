package depstest

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// rule says what the packages at a path may import. A path and what is imported are relative to the module. A last part of *
// stands for any one folder, ** for any below; of several rules that fit a path the one with the longest path counts.
type rule struct {
	path string
	// inside are the packages of the module that it may import.
	inside []string
	// outside are the modules, or packages in them with all below, that it may import besides the standard library.
	outside []string
	// testing says that it is for tests, and so may import package testing and go-cmp.
	testing bool
	// tests are what only its tests may import, inside or outside, besides what any test may.
	tests []string
}

const (
	awsCore     = "github.com/aws/aws-sdk-go-v2/aws"
	awsDynamoDB = "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awsValues   = "github.com/aws/aws-sdk-go-v2/feature/dynamodb"
	awsStreams  = "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	awsKMS      = "github.com/aws/aws-sdk-go-v2/service/kms"
	awsSES      = "github.com/aws/aws-sdk-go-v2/service/sesv2"
	awsSNS      = "github.com/aws/aws-sdk-go-v2/service/sns"
	awsSQS      = "github.com/aws/aws-sdk-go-v2/service/sqs"
	awsConfig   = "github.com/aws/aws-sdk-go-v2/config"
	awsKeys     = "github.com/aws/aws-sdk-go-v2/credentials"
	smithy      = "github.com/aws/smithy-go"
	awsLambda   = "github.com/aws/aws-lambda-go"
	awsProxy    = "github.com/awslabs/aws-lambda-go-api-proxy"
	huma        = "github.com/danielgtaylor/huma/v2"
	jose        = "github.com/go-jose/go-jose/v4"
	argon2id    = "github.com/alexedwards/argon2id"
	xcrypto     = "golang.org/x/crypto"
	cryptX      = "github.com/go-crypt/x/crypt"
	openapi3    = "github.com/getkin/kin-openapi"
	cobra       = "github.com/spf13/cobra"
	progressbar = "github.com/schollz/progressbar/v3"
	term        = "golang.org/x/term"
	xsync       = "golang.org/x/sync"
	zstd        = "github.com/klauspost/compress/zstd"
	yaml        = "gopkg.in/yaml.v3"
	cmp         = "github.com/google/go-cmp"
	rapid       = "pgregory.net/rapid"
)

// allowed is the picture, from the ground up. Packages on one floor never import each other.
//
//	functions/*   infra/**
//	       |
//	internal/app/*
//	       |
//	lambdaio   api/<dialect>   dynamo   oauth2/kmssigner   sender
//	                |                                         |
//	               api                                        |
//	                |                                         |
//	directory   replica   oauth2   quota   attempts       delivery
//	       |
//	     roster
var allowed = []rule{
	{path: "internal/roster"},

	{path: "internal/directory", inside: []string{"internal/roster"}},
	{path: "internal/replica", inside: []string{"internal/roster"}, outside: []string{zstd}},
	{path: "internal/oauth2", inside: []string{"internal/roster"}, outside: []string{jose, argon2id, xcrypto, cryptX}},
	{path: "internal/quota", inside: []string{"internal/roster"}},
	{path: "internal/attempts", inside: []string{"internal/roster"}},
	{path: "internal/oauth2/kmssigner", inside: []string{"internal/roster"}, outside: []string{awsCore, awsKMS, smithy}},
	{path: "internal/delivery", inside: []string{"internal/roster"}},
	{path: "internal/sender", inside: []string{
		"internal/delivery", "internal/roster", "internal/sender/endpoints", "internal/sender/fault",
	}, outside: []string{awsCore, awsSES, awsSNS, awsSQS}},
	{path: "internal/sender/endpoints", inside: []string{"internal/roster", "internal/sender/fault"}, outside: []string{awsCore, awsSNS}},
	{path: "internal/sender/fault", outside: []string{awsCore, smithy}},
	{path: "internal/dynamo", inside: []string{"internal/roster"}, outside: []string{awsCore, awsDynamoDB, awsValues, smithy}},

	{path: "internal/api", inside: []string{"internal/directory", "internal/replica", "internal/oauth2", "internal/roster"}, outside: []string{huma}},
	{path: "internal/api/*", inside: []string{"internal/api", "internal/directory", "internal/roster"}, outside: []string{huma}},
	{path: "internal/lambdaio", inside: []string{"internal/api", "internal/roster"}, outside: []string{awsLambda, awsProxy}},

	{
		path: "internal/app", inside: []string{"internal/dynamo", "internal/quota", "internal/roster"}, outside: []string{awsCore, awsDynamoDB, awsKeys, smithy},
		// What is recorded goes through the real stream to what stands for SES, SNS and SQS.
		tests: []string{"infra/local/outbox", "infra/local/stream", awsStreams},
	},
	{path: "internal/app/*", inside: []string{
		"internal/app", "internal/attempts", "internal/lambdaio", "internal/api", "internal/api/*", "internal/dynamo",
		"internal/directory", "internal/replica", "internal/oauth2", "internal/roster",
	}, outside: []string{awsCore}},
	{path: "internal/app/tokens", inside: []string{
		"internal/app", "internal/attempts", "internal/lambdaio", "internal/api", "internal/dynamo", "internal/oauth2", "internal/oauth2/kmssigner", "internal/roster",
	}, outside: []string{awsCore, awsKMS}},
	{path: "internal/app/notifications", inside: []string{
		"internal/app", "internal/lambdaio", "internal/api", "internal/api/organization", "internal/dynamo", "internal/directory", "internal/sender/endpoints", "internal/roster",
	}, outside: []string{awsSNS}},
	{path: "internal/app/customers", inside: []string{
		"internal/app", "internal/lambdaio", "internal/api", "internal/api/customers", "internal/dynamo", "internal/directory", "internal/replica", "internal/roster",
	}},
	{path: "internal/app/workspace", inside: []string{
		"internal/app", "internal/lambdaio", "internal/api", "internal/api/workspace", "internal/dynamo", "internal/directory", "internal/replica", "internal/roster",
	}},
	{path: "internal/app/global", inside: []string{
		"internal/app", "internal/lambdaio", "internal/api", "internal/api/global", "internal/dynamo", "internal/directory", "internal/replica", "internal/roster",
	}},
	{path: "internal/app/courier", inside: []string{
		"internal/app", "internal/lambdaio", "internal/delivery", "internal/dynamo", "internal/sender",
	}, outside: []string{awsSES, awsSNS, awsSQS}, tests: []string{"infra/local/stream", awsStreams}},
	{path: "internal/app/bounces", inside: []string{"internal/app", "internal/lambdaio", "internal/delivery", "internal/dynamo"}},

	{path: "functions/*", inside: []string{"internal/app", "internal/app/*", "internal/lambdaio"}},

	{path: "internal/rostertest", inside: []string{
		"internal/dynamo", "internal/roster", "internal/rostertest/dynamolocal", "internal/rostertest/samtemplate",
	}, outside: []string{awsCore, awsDynamoDB}, testing: true},
	{path: "internal/rostertest/dynamolocal"},
	{path: "internal/rostertest/samtemplate", outside: []string{awsCore, awsDynamoDB, yaml}},
	{path: "internal/rostertest/moto", testing: true},
	{path: "internal/rostertest/people", inside: []string{"internal/roster"}},
	{path: "internal/rostertest/directorytest", inside: []string{
		"internal/directory", "internal/dynamo", "internal/replica", "internal/roster", "internal/rostertest",
	}, testing: true},
	{path: "internal/rostertest/openapitest", outside: []string{openapi3}, testing: true},
	{path: "internal/depstest"},

	{path: "infra/costs", inside: []string{"internal/rostertest/samtemplate"}, outside: []string{yaml}},
	{path: "infra/dynamolocal", inside: []string{"internal/rostertest/dynamolocal"}},
	{path: "infra/openapi", inside: []string{"internal/api", "internal/api/*"}},
	{path: "infra/rosterctl", inside: []string{"internal/**"}, outside: []string{
		awsCore, awsConfig, awsKeys, awsDynamoDB, awsKMS, cobra, progressbar, term, xsync,
	}},
	{path: "infra/local/**", inside: []string{"infra/local/**", "internal/**"}, outside: []string{
		awsCore, awsKeys, awsDynamoDB, awsStreams, awsLambda, cobra, progressbar, term, xsync,
	}, tests: []string{awsSES, awsSNS, awsSQS, smithy}},
}

// forTests are the modules that any test may import besides what its package may.
var forTests = []string{cmp, rapid, awsCore, awsDynamoDB, openapi3, argon2id, jose, awsKeys}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	for _, p := range readModule(t) {
		rule, ok := ruleFor(p.path)
		if !ok {
			t.Errorf("%s is not in the allow-list", p.path)
			continue
		}
		for _, imported := range p.imports {
			if !rule.allows(imported) {
				t.Errorf("%s may not import %s", p.path, imported)
			}
		}
		for _, imported := range p.testImports {
			if !rule.allowsInTests(imported, p.path) {
				t.Errorf("the tests of %s may not import %s", p.path, imported)
			}
		}
	}
}

func TestEveryRuleHasAPackage(t *testing.T) {
	packages := readModule(t)
	for _, rule := range allowed {
		if !slices.ContainsFunc(packages, func(p pkg) bool { r, _ := ruleFor(p.path); return r.path == rule.path }) {
			t.Errorf("no package is at %s", rule.path)
		}
	}
}

// TestFunctionsLinkOnlyWhatTheyNeed follows the imports of each function through the module: what is linked is paid for at
// every cold start.
func TestFunctionsLinkOnlyWhatTheyNeed(t *testing.T) {
	packages := readModule(t)
	functions := 0
	for _, p := range packages {
		name, ok := strings.CutPrefix(p.path, "functions/")
		if !ok {
			continue
		}
		functions++
		linked := closure(packages, p.path)
		for _, imported := range linked {
			switch {
			case within(imported, awsConfig):
				t.Errorf("%s links %s: clients are built from options", p.path, imported)
			case within(imported, awsKMS) && name != "tokens":
				t.Errorf("%s links %s: only tokens signs", p.path, imported)
			case (within(imported, awsSES) || within(imported, awsSQS)) && name != "courier":
				t.Errorf("%s links %s: only the courier sends mail and tells of refusals", p.path, imported)
			case within(imported, awsSNS) && name != "courier" && name != "notifications":
				t.Errorf("%s links %s: only the courier sends push messages, and notifications registers devices for them", p.path, imported)
			case within(imported, "testing"), within(imported, "internal/rostertest"):
				t.Errorf("%s links %s", p.path, imported)
			case strings.HasPrefix(imported, "internal/app/") && imported != "internal/app/"+name:
				t.Errorf("%s links %s: a function has one constructor", p.path, imported)
			}
		}
		if !slices.Contains(linked, "internal/app/"+name) {
			t.Errorf("%s does not use its constructor, internal/app/%s", p.path, name)
		}
	}
	if functions == 0 {
		t.Error("there are no functions")
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	for _, p := range readModule(t) {
		if len(p.comments) != 1 {
			t.Errorf("%s has %d package comments, want one: %s", p.path, len(p.comments), strings.Join(p.commentFiles, ", "))
			continue
		}
		want := []string{"Package " + p.name + " "}
		if p.name == "main" { // the go command's own way: Gofmt formats Go programs
			folder := path.Base(p.path)
			want = []string{"Command " + folder + " ", strings.ToUpper(folder[:1]) + folder[1:] + " "}
		}
		if !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(p.comments[0], w) }) {
			t.Errorf("the package comment of %s does not begin with %q: %.60q", p.path, want, p.comments[0])
		}
	}
}
