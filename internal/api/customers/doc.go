// Package customers is the dialect under /api/v1/customers and /api/v2/customers: its wire structs, its parameters, its object
// ids, what it calls things, its error body. Its requests arrive through package api, which enforces what the document says of
// parameters; what they mean is decided in package directory. The dialect's token call is served by package oauth2.
//
// Read dialect.go (New, OpenAPI and every route), then users.go (wire structs, reading users), digests.go (whatever a user
// refers to), changes.go, objectid.go, claims.go and errors.go.
//
// Where the dialect's description leaves a choice:
//
//   - A customer is the caller's own organization, without what is below it: identities are unique per customer, and a token is for
//     one. Another customerId is forbidden, and who belongs to another customer is not found.
//   - A list is a JSON array, whole, by id, of users in the integration's form if there is one and in full if not. A list that
//     Lambda could not return is refused before it is made, with the advice to narrow the search; a search for nothing is no search.
//   - A look-up answers the identity, and who has it.
//   - delegateIds replaces the user's delegates, of whom those who stay keep their permissions. The delegators are the reverse
//     view, and cannot be written. Two users can be each other's delegates: delegation does not pass on.
//   - Of the texts that may be null (seniority and so on) an empty one is left out of answers. superDelegatePermissions is a list.
//   - A user, role or organization that a user refers to and that is gone is left out of the digests.
//   - Nobody is firmDisabled. Who is Inactive, which nobody here has a word for, is active; who is Pending has no status.
//   - A claim is made of service, namespace, action and scope, with colons between them. What a role permits has the claims in
//     claims.go; those of delegates and super delegates are for other services to know, and are shown as they are stored.
//   - A request that is too large, or not JSON, is answered 400 like every other one that is wrong in itself.
//   - An entity tag is of the whole answer, digests included, but If-Match is held against the user's own version and status, with
//     which each tag begins: nobody should have to read a user again because a delegate has a new name.
//   - Who first asked for a deletion that was forwarded is what the caller says, and counts for nothing but the audit trail.
package customers
