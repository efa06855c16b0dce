// Package samtemplate reads template.yaml, the SAM template, so that the developer server and the tests run what is
// deployed: the table's definition, the gateway's routes, authorizers and gateway responses, the functions with their
// environments, and which of them are given the table's stream and topics.
//
// Read is the way in. It evaluates the intrinsic functions with the parameters' defaults; what only a deployment knows,
// such as the name of the table, stays in the text as ${Table} or ${Function.Arn}. Mistakes that would make a local run
// differ from the deployed stack are errors with their lines; everything else about the template is for cfn-lint.
//
// It starts nothing and knows no AWS account: infra/local has the gateway, package dynamolocal the table's server.
package samtemplate
