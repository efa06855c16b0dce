// Package oauth2 gives out, verifies and revokes the tokens that callers of every dialect present. It holds the grants, the
// minting and reading of access tokens, the keys they are signed with, the passwords of users, and the HTTP handler of the
// token endpoints:
//
//	POST /oauth2/token                               RFC 6749, with the grants below
//	POST /oauth2/revoke                              RFC 7009
//	POST /api/v1/oauth/token                         the token call of the customers dialect (CONTRACT 2.2)
//	POST /auth/token, /auth/token/refresh            the token calls of the workspace dialect (CONTRACT 3.2)
//	GET  /.well-known/jwks.json                      RFC 7517
//	GET  /.well-known/oauth-authorization-server     RFC 8414
//
// Read server.go first (what a request goes through), then grants.go, passwords.go, tokens.go, keys.go, verifier.go and integrations.go;
// customers.go and workspace.go are those dialects' ways to the same grants.
//
// Not here: the signer that keeps its key in AWS KMS (package kmssigner, so that of the functions only that of the tokens links KMS), the
// items that grants, keys and clients are (package dynamo, which implements Store and VerifierStore), the gateway event that
// the authorizer answers (package lambdaio), and what a caller may do once it is known (package directory). Nothing here
// reads the environment; package app does.
//
// # Grants
//
//   - client_credentials speaks for the client's organization; for a client that is bound to a service user, as that user. To
//     the service user that is a log-in, as the time of the last one tells whether it is active.
//   - user_credentials is the published contract's own name for a log-in with an e-mail address and a password through a
//     confidential client; it speaks for that user. RFC 9700, section 2.4, rules such a grant out for third-party clients.
//     It is kept because clients of the contract use it, is open only to clients with a secret, and only for users inside
//     the client's own tree.
//   - refresh_token replaces a pair by a new one. A refresh token works once. One that is presented again ends its whole
//     family (RFC 9700, section 4.14.2), also when two requests race: one gets the new pair, and the family is ended.
//     There is no grace for a repeated request whose answer was lost; the client starts over with its credentials.
//
// Every grant answers a pair. RFC 6749, section 4.4.3, advises against a refresh token for client_credentials; the contract
// shows one, and its clients refresh with it.
//
// # Integrations
//
// An integration (CONTRACT 4.2) is a client without a secret, whom no endpoint gives a token. Its tokens are minted for an operator
// (integrations.go), live for years or for ever, and are refused unless the record of each says that it is good: that costs
// the authorizer the same two reads as a client's token, of which the record takes the place of the note of a revocation. They
// are the only tokens that may have no expiry, and the only ones for which a retired key is trusted while it is published.
//
// # Passwords
//
// New passwords are hashed with argon2id (passwords.go). An import may bring hashes of other sorts and settings; CheckHash says
// which, and bounds what comparing with one can cost. The first log-in that such a hash is matched by replaces it by one
// with the current settings, unless it was replaced meanwhile; a log-in never fails for that. The password has not changed,
// so that what it gave before, such as refresh tokens, goes on. A new password ends the refresh tokens of every log-in with
// another one, also of a log-in that goes on at that moment: a grant keeps which password it was for.
//
// # Limits
//
// Once a client is known, its organization must have a request left in this minute (limits.go); the answer says in X-RateLimit-Limit,
// X-RateLimit-Remaining and X-RateLimit-Reset how it stands. A client is known once it has shown everything that the endpoint asks for; in
// the refresh call of the workspace dialect, which asks for no secret, once the token can be used. Before a secret or password is looked at, Attempts may say that too many
// were wrong. Both are answered with 429 and Retry-After, with the code temporarily_unavailable.
//
// # Answers that depart from the RFCs
//
// The contract of POST /oauth2/token knows the status 200 and 400 only, so every refusal there is a 400 with the body of RFC 6749, section 5.2, also
// invalid_client of a client that used HTTP Basic, where that section asks for 401. A REST API of API Gateway renames the
// WWW-Authenticate header of any function's answer, so that a 401 from here could never carry the header that RFC 9110,
// section 11.6.1, requires of it. The header is sent along with the 400, where RFC 9110 allows it. Faults of ours are
// answered with 500 server_error or 503 temporarily_unavailable, codes borrowed from RFC 6749, section 4.1.2.1.
//
// Parameters are read from the query string, as the contract has it, and from a form body, as RFC 6749 has it. A parameter
// that occurs twice, in one or across both, is refused. Access logs must not record query strings.
//
// POST /api/v1/oauth/token answers in the way of its own dialect: JSON in, no refresh token out, and for the wrong client or secret a
// 401 without a challenge, which would not arrive.
//
// POST /auth/token takes clients that are bound to a service user, and JSON. Its dialect refreshes without the client's credentials, so
// a family says whether it was given out there: no other can be refreshed that way.
//
// An issuer with a path, such as the stage of an API Gateway address, has its metadata at the issuer followed by
// /.well-known/oauth-authorization-server, not between host and path as RFC 8414, section 3.1, says: the gateway owns
// the root of that host.
package oauth2
