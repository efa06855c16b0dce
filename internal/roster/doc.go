// Package roster holds the nouns of the directory: Organization, User, Role, Client, Principal, their ids and
// permissions, a Query as data, the error type and its kinds, and the field rules that every dialect shares.
//
// It knows nothing of HTTP, JSON, DynamoDB, Lambda or any dialect, and imports the standard library only. What is done
// with the nouns is in package directory (the verbs); how a Query is answered is in package replica; how a noun becomes
// an item of the table is in package dynamo.
//
// Read user.go first, then organization.go, role.go, principal.go, query.go and error.go.
package roster
