// Package app holds the keys of the house: it reads a function's configuration from the environment, builds the client of the
// table, and, in a sub-package for each Lambda, puts that Lambda together. Nothing else reads the environment, and nothing here
// decides anything about a request.
//
// The sub-packages exist because Go links and initialises a package whole: each imports only what its Lambda needs, so that none pays
// for another's libraries in its cold start. Each has one constructor, New, which main packages under functions/, the developer server
// and tests call alike. authorizer, tokens, organization, customers, global, invitations and notifications answer requests; changes and courier read the
// table's stream, bounces a topic.
//
// Read config.go for what can be set, table.go for how AWS is called, log.go for where lines go.
package app
