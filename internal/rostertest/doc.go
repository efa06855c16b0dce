// Package rostertest is what tests share: a table of their own on DynamoDB Local, nouns made up with sensible fields, a clock
// that is set by hand, and a transport that fails on purpose. Only tests and the programs in infra import it.
//
// Start with table.go: a test that needs the directory's table calls Table, and its package has a TestMain that calls Main.
// users.go builds the nouns, clock.go tells the time, faults.go breaks the road to the table.
//
// What is next door: package dynamolocal runs the server, package samtemplate reads the table's definition, and package
// people generates realistic users by the thousand.
package rostertest
