// Package global is the dialect under /api/global/v1: one operation, the list of users, with its wire structs, its way to say which
// fields, which users, in which order and which page, and its error body. Its requests arrive through package api, which enforces what
// the document says of parameters; what they mean is decided in package directory. Its tokens are those of integrations, which an
// operator makes and package oauth2 verifies like every other.
//
// Read dialect.go (New, OpenAPI, the description), then users.go (the list), objects.go (users and what they refer to), fields.go,
// filter.go with moments.go and json5.go, paging.go, permissions.go and errors.go.
//
// Where the dialect's description leaves a choice:
//
//   - The organization is the token's. Whoever belongs to it is an OrganizationUser, whoever belongs to something below it a
//     ClientUser, of the merchant that is the child of the token's organization on the way there: a user further down belongs to that
//     client. Nobody sees what is above.
//   - A type of users in the path that there is not is 404, like any path that there is not.
//   - is_active is whether the user can log in: stored as Active, however long ago the last login, and not deleted. Who is Pending or
//     Suspended is not active. The filter means the same.
//   - A username that is empty is null. So is the default_warehouse of a user who has none, and a last_login_at that was never. Null
//     differs from every value, and is neither before nor behind one.
//   - Basic are type, id, name, email, username and is_active; of roles type, id and name; of warehouses everything; of merchants all but
//     created_at. A field of the other type of user is asked for in vain: no OrganizationUser has a merchant.
//   - A role, warehouse or merchant that is gone is left out, of included and of references alike.
//   - An answer that would be larger than a function can return, as a page of very many users with very many different roles can
//     be, is refused in the name of limit: for an order without cursors, a shorter page than was asked for would lose users.
//   - A moment is compared as it is shown, to the second; see dialect.go for dates. Texts sort and compare by roster.Fold.
//   - is_deleted and deleted are one parameter: true in either is true.
//   - A filter is read up to the first of : { and [. A key given in several filters has several conditions. An operator is given once in
//     an object. Numbers are integers, also in hexadecimal; a number in quotes is a string, which no id is.
//   - Cursors go with a sort whose first key is the id, since nothing behind it matters. For another sort, next and previous are null.
//   - previous leads to the limit of users directly before the page, so it is a shorter page only at the front. From a page between two
//     cursors, next stays before cursor_end, and previous leads out at the front.
//   - next and previous say limit and every parameter that was given, in one order and encoding, and not those that this does not know.
package global
