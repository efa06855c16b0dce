// Package directory holds the verbs: what callers can do with the nouns of package roster, one method per use case. Each
// method takes the same road: may the caller do this, is the request valid, load what it needs, decide, at most one write.
//
// It knows nothing of HTTP, JSON, DynamoDB or any dialect. The small interfaces in ports.go say what it needs from the
// outside: package dynamo (the table), package replica (search) and package sender (addresses of devices) provide it, package app
// puts them together. Package api and the dialects below it turn requests into calls of this package. What is to be mailed or
// pushed is only recorded here: package delivery sends it.
//
// Directory serves the callers of the APIs, on whose Principal every decision rests: rights.go says what callers may at all
// (read it first), users.go reads users, newusers.go creates and changes.go changes them, members.go does the same for the users of
// one organization with all that they refer to, browse.go shows pages of them with it, workspaces.go reads those of one organization
// whom the caller sees; organizations.go, roles.go, invitations.go, passwords.go, devices.go, notifications.go, audit.go. It also
// serves strangers, who have no principal but the token of a link that was mailed to them: acceptance.go. Operator serves the
// people who run the system and have no principal either: operator.go.
//
// What a caller can see is its own organization and everything below it. A user outside of that is "not found", in the
// same words as one that does not exist.
package directory
