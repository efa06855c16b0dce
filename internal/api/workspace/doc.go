// Package workspace is the dialect under /users: its wire structs, its parameters, its ids, its words, its error body. Its requests
// arrive through package api, which enforces what the document says of parameters; what they mean is decided in package directory.
// The dialect's token calls are served by package oauth2.
//
// Read dialect.go (New, OpenAPI and every route), then users.go (wire structs, both operations), words.go (what the core's values are
// called here, for showing, filtering and sorting alike), uuid.go and errors.go.
//
// Where the dialect's description leaves a choice:
//
//   - A workspace is the token's own organization, without what is below it. Admins see all of it, and so do users with legacyViewAll,
//     whatever their role, and tokens that speak for the organization; everybody else sees themselves. Permissions do not count here.
//   - A token that speaks for an organization has no user, so that "me" is forbidden to it.
//   - An id is a UUID that carries the integer which is legacyId. A text that is no such UUID is the id of nobody: not found as a path,
//     absent as one of ids. Ids sort as the integers do, by creation.
//   - The main role decides: Admin is ADMIN, User is READ_ONLY_API_KEY, and Staff as well as every role of the tenant's own is
//     OPERATOR, also one that is gone.
//   - ACTIVE is who is Active. Everybody else is INACTIVE: who is suspended, which isSuspended tells apart, who has not taken up the
//     account yet, and who has not logged in for 30 days. Getting a token is a log-in of an API user.
//   - Who has no device type has logged in with nothing but a password: SOFT_PSD. deviceUserId is null where there is none, and always
//     of API users; pubKey is empty where there is none.
//   - Filters and sorts go by the words that are shown: all INACTIVE users are equal to a sort by status. Whoever is equal, in a sort
//     in either direction, is in the order of the ids, ascending.
//   - Pages are numbered, so that whoever comes or goes between two of them shifts those behind by one. Each who goes can make a walk
//     miss one who stays, and each who comes can make it repeat one, and nothing else can. By creation, ascending, which is the
//     default, newcomers are behind everybody, so that they make it repeat nobody.
//   - ids can be repeated, also as ids[], and more than 500 are refused.
package workspace
