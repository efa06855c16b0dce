// Package dynamolocal fetches DynamoDB Local once and runs it: for the developer server in infra/local, for tests through
// package rostertest, and for a whole test run through infra/dynamolocal.
//
// It knows processes, Java and where the program comes from. It knows nothing of tables: their definition is read from
// template.yaml by package samtemplate, and package dynamo fills them. It imports the standard library only.
//
// Start is the way in; it calls Fetch. DynamoDB Local's licence grants its use to holders of an AWS account and forbids
// passing it on, so it is fetched to the user's cache folder and never committed.
//
// DynamoDB Local listens on every interface of the machine and has no option to change that: whoever reaches the port can
// read what it holds. Keep nothing in it that is not made up, and a firewall in front of a machine on a strange network.
package dynamolocal

// Version is the version of DynamoDB Local that is fetched: the first line with multi-attribute index keys is 3.3.
const Version = "3.3.1"

// MinJava is the oldest Java that DynamoDB Local runs on.
const MinJava = 17

// EndpointVariable is the environment variable that names a table elsewhere, so that none has to run here. The error
// lines of this package offer it as a way out; infra/local and the functions read it.
const EndpointVariable = "ROSTER_DYNAMODB_ENDPOINT"

// TestEndpointVariable is the environment variable by which infra/dynamolocal tells the tests of a whole run where the
// one DynamoDB Local is that they share. It is another than EndpointVariable so that no test ever writes to a table that
// somebody works with.
const TestEndpointVariable = "ROSTER_TEST_DYNAMODB_ENDPOINT"
