// Package dynamo is the table: the only package that knows the keys, items and indexes of the directory's one DynamoDB
// table. It turns nouns of package roster into items and back, and what DynamoDB refuses into errors that say what was
// wrong. No type of the SDK leaves it.
//
// It decides nothing: who may do what is in package directory, which declares the ports that Table implements, as do
// packages replica (the change feed) and oauth2. The table's definition is in template.yaml; the attributes that its keys
// and indexes are made of are those below. A test holds the examples of this page to the constructors in keys.go.
//
// Read table.go first, then keys.go, items.go and tx.go, then a file per noun, of which newusers.go creates users and once.go
// and admins.go are what makes that safe; feed.go with scan.go and scanuser.go; stream.go and audit.go for the audit trail;
// and check.go, which says what must hold between the items.
//
// # Items
//
// Every item has a pk, an sk, a type, a version that counts its writings from 1, changedAt (Unix milliseconds) and, where
// known, changedBy, changedVia and requestId. Tenant 7, its root organization 7 and user 42 are the examples:
//
//	item              | pk                             | sk            | in search | in organization      | what                                         | written by
//	organization      | T#7#ORG#9                      | ORG           | yes       | under its parent     | a node of the tenant's tree                  | CreateOrganization, CreateUserWithOrganization, CreateTenant
//	role              | T#7#ORG#7                      | ROLE#4        | yes       | -                    | a custom role, beside the root               | CreateRole
//	admins            | T#7#ORG#7                      | ADMINS        | -         | -                    | how many active Admins the root has          | with the user
//	user              | T#7#USER#42                    | USER          | yes       | under its own        | a user; deleted ones stay, as kind deletedUser | CreateUser, CreateUserWithOrganization, CreateUsers, CreateTenant, UpdateUser, DeleteUser, RestoreUser, RecordLogin
//	credential        | T#7#USER#42                    | CREDENTIAL    | -         | -                    | the user's password hash                     | CreateUser, CreateUserWithOrganization, CreateUsers, CreateTenant, PutCredential, ReplaceCredential, DeleteUser
//	identityClaim     | T#7#IDENTITY#9#azure#jane%23doe | CLAIM        | -         | -                    | the identity azure jane#doe in organization 9 is a user's | with the user
//	clientPointer     | T#7#CLIENTS                    | CLIENT#portal | -         | -                    | the tenant has the client                    | CreateClient, CreateTenant
//	once              | T#7#ONCE#0102030000000000000000000000000000000000000000000000000000000000 | ONCE | - | - | what a creation under an idempotency key made | CreateUser, CreateUserWithOrganization, CreateOrganization
//	audit             | T#7#AUDIT#9                    | 1767323045000#user:42#3#user.updated | - | - | an entry of the audit trail of organization 9 | PutAudit
//	emailClaim        | EMAIL#jane@example.com         | CLAIM         | -         | -                    | the address is a user's; unique in the system | with the user
//	client            | CLIENT#portal                  | CLIENT        | -         | -                    | an API client, with the hash of its secret   | CreateClient, CreateTenant, RevokeClient
//	grant             | GRANT#0102030000000000000000000000000000000000000000000000000000000000 | GRANT | - | - | a family of refresh tokens, hashes only | CreateGrant, RotateGrant, RevokeGrant
//	revokedToken      | REVOKED#b7Kq                   | REVOKED       | -         | -                    | the access token is revoked                  | RevokeToken
//	signingKey        | KEYS                           | KEY#NzbLs     | -         | -                    | a public key that tokens are signed with     | PutSigningKey
//
// Keys that begin with T# belong to the tenant whose id follows. The others are the doors by which a stranger enters, of
// whom only an address, a client id or a token is known; what they lead to names the tenant.
//
// The time to live is expiresAt, in Unix seconds: of deleted users, grants, revoked tokens, audit entries and the records of
// creations (once), a day. DynamoDB removes an expired
// item days late, so every read looks at the time itself. Secrets stand on items that no index holds.
//
// # Indexes
//
// Both are made of attributes that the items have anyway, and hold whole items. An item is in an index when it has all of
// its attributes: toItem functions decide that and nothing else.
//
//	index        | partition              | sort          | what
//	search       | tenantId, shard        | changedAt, pk | the change feed; shard is id mod 4
//	organization | tenantId, orgId, kind  | id            | what belongs to an organization, by kind: user, deletedUser, organization (its orgId is the parent, so a root has none)
//
// # Access patterns
//
//	question                                   | asked by                          | how
//	the user, organization, role of that id    | User, UserEvenDeleted, Organization, Role | consistent get, 1 RRU
//	whose is that address or identity          | EmailOwner, IdentityOwner         | consistent get, 1 RRU
//	the password of one user, of many          | Credential, Credentials           | consistent get, batch get
//	the members of an organization             | UsersOf, DeletedUsersOf           | page of index organization
//	the organizations below one, the whole tree | SubOrganizations, Organizations  | page of index organization, one per node
//	the custom roles of a tenant               | Roles                             | consistent query of the root's partition
//	the client of that id                      | Client                            | get, 0.5 RRU
//	the clients of a tenant                    | Clients                           | consistent query of the pointers, batch get
//	the refresh token's family                 | Grant                             | consistent get, 1 RRU
//	is that access token revoked               | TokenRevoked                      | get, 0.5 RRU
//	the public keys                            | SigningKeys                       | consistent query
//	the audit trail of an organization         | AuditEntries                      | page of its partition, newest first
//	what of a tenant changed since             | Changes                           | query of index search, per shard
//
// # Writes
//
// What belongs together is one transaction (tx.go): a user with its claims and password, a tenant with its first user and
// client. Each leg of it has its own meaning of failure. Updates are optimistic: they hold for the version that was read.
// The time of an item's changes never runs backwards. A write that met a conflict with another transaction is tried again,
// and what DynamoDB is too busy for is a KindUnavailable error once the SDK's tries are used up. A write that took so long that
// followers may have looked past its stamp is stamped anew (late.go).
//
// Two legs are for what no reading before the write could tell. A creation under an idempotency key writes a record of
// what it made, and finds the one that is there (once.go). A write that changes who is an Admin of the root moves their
// count, which refuses to lose the last (admins.go).
//
// The audit trail costs a request nothing: AuditOf makes its entries from the table's stream, which has the old and the
// new image of every item, and the stamp of who wrote it.
//
// That a user's organization stands is not checked in the transaction, see standing.go for why that is enough.
//
// Check walks the whole table and finds whatever contradicts this page.
//
// Every call adds what it cost to the roster.Meter of its context.
package dynamo
