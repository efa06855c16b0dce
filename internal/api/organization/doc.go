// Package organization is the dialect under /api/v1/organization: its wire structs, its parameters, what it calls
// things, its error body. Its requests arrive through package api, which enforces what the document says of parameters;
// what they mean is decided in package directory.
//
// Read dialect.go (New, NewInvitations, NewNotifications, OpenAPI and every route), then users.go (wire structs, reading users),
// newusers.go and changes.go (creating and changing them), invitations.go and passwords.go, notifications.go, organizations.go,
// roles.go, audit.go and errors.go. The page that the links in mail lead to is in package api/invitations.
//
// Where the dialect's description leaves a choice:
//
//   - Listing covers the caller's own organization, and what is below it when includeSubOrgUsers is true. Searching has no
//     such parameter and covers the caller's organization and everything below it: one searches for a user because one
//     does not know where it is, and sorting by Organization Name has no sense within one.
//   - Optional values that are absent are left out of the answer. The profile's tz and locale are required there, so they
//     read UTC and en_US for a user who has set none.
//   - sortOrder works without sortBy too: then it is the order of the user ids.
//   - A page beyond the end is empty and has the true total.
//   - Parameters that an operation does not have are ignored; fields of a body are not.
//   - The bodies for creating a user have tz, and timeZone for clients that know it by its old name.
//   - A role is changed by giving the user that one in the place of all others: this dialect knows one role per user.
//   - A request that is too large, or not JSON, is answered 400 like every other one that is wrong in itself.
//   - Whoever is outside of the caller's tree is "not found" in a transfer, too, though 403 would be allowed there: the
//     answer must not tell that somebody else's user exists.
//   - Changes may be answered 409 and 412, and creations 409 and 422, which the description does not have: without them a
//     caller could not tell what the rules about the last Admin, If-Match and Idempotency-Key refuse.
//   - Inviting, signing up and new passwords are answered 429 when as much was mailed on a day as may be; Retry-After is the time until
//     the day ends.
//   - Requests for a sign-up or a new password do not say what they cost, which would tell an address that has an account from another.
//   - Open invitations are paged by a cursor, too: new ones come while somebody reads.
//   - The audit trail is paged by a cursor, not by a page number: it grows at the front while somebody reads it.
package organization
