// Command local runs all of Roster on a developer's machine: `make run`, or go run ./infra/local. It reads what is deployed from
// template.yaml, starts DynamoDB Local, makes the table, a signing key and a demo tenant, and serves the API on
// 127.0.0.1:8080 through the same handlers that run in Lambda. It prints what to try, and Ctrl-C ends everything it started.
//
// What is written to the table comes back through its stream to the functions that the template gives it to, as in the cloud. Mail and
// push messages that these send go to stand-ins of SES, SNS and SQS on the same port, which keep them and show them on the page
// /_roster/outbox: nothing leaves the machine.
//
// Everything it keeps is in the folder .roster beside the template: the table's data, the signing key, the demo's secrets, how
// far the stream was delivered, what was sent, and the log of the functions. ROSTER_DYNAMODB_ENDPOINT points it at a table elsewhere
// (ROSTER_TABLE names it; it is made if it is not there). Any other ROSTER_ variable goes to the functions in place of what the
// template says.
//
// Read main.go first, then server.go for the order of things, and functions.go for what a function is run with. The gateway is
// package gateway, the stream package stream, the stand-ins package outbox, the demo tenant package demo, DynamoDB Local
// internal/rostertest/dynamolocal.
package main
