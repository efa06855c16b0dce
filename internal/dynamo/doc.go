// Package dynamo is the table: the only package that knows the keys, items and indexes of the directory's one DynamoDB
// table. It turns nouns of package roster into items and back, and what DynamoDB refuses into errors that say what was
// wrong. No type of the SDK leaves it.
//
// It decides nothing: who may do what is in package directory, which declares the ports that Table implements, as do
// packages replica (the change feed) and oauth2. The table's definition is in template.yaml; the attributes that its keys
// and indexes are made of are those below. A test holds the examples of this page to the constructors in keys.go.
//
// Read table.go first, then keys.go, items.go and tx.go, then a file per noun, of which newusers.go creates users and once.go
// and admins.go are what makes that safe; invitations.go with links.go, quotas.go, notifications.go and devices.go for messages;
// permits.go and attempts.go for what bounds requests and guesses; feed.go with scan.go, scanuser.go and pace.go; snapshots.go;
// stream.go and audit.go for the audit trail, outgoing.go for what is to be sent; and
// check.go, which says what must hold between the items.
//
// # Items
//
// Every item has a pk, an sk, a type, a version that counts its writings from 1, changedAt (Unix milliseconds) and, where
// known, changedBy, changedVia, requestId and forwardedFor. Tenant 7, its root organization 7 and user 42 are the examples:
//
//	item              | pk                             | sk            | in search | in organization      | what                                         | written by
//	organization      | T#7#ORG#9                      | ORG           | yes       | under its parent     | a node of the tenant's tree                  | CreateOrganization, CreateUserWithOrganization, CreateTenant
//	role              | T#7#ORG#7                      | ROLE#4        | yes       | -                    | a custom role, beside the root               | CreateRole
//	group             | T#7#ORG#7                      | GROUP#5       | -         | -                    | a group of users, beside the root            | CreateGroup
//	warehouse         | T#7#ORG#7                      | WAREHOUSE#6   | yes       | -                    | a warehouse of the tenant's, beside the root | CreateWarehouse
//	admins            | T#7#ORG#7                      | ADMINS        | -         | -                    | how many active Admins the root has          | with the user
//	user              | T#7#USER#42                    | USER          | yes       | under its own        | a user; deleted ones stay, as kind deletedUser | CreateUser, CreateInvitedUser, CreateServiceUser, CreateUserWithOrganization, CreateUsers, CreateTenant, UpdateUser, DeleteUser, RestoreUser, RecordLogin, InviteAgain, AcceptInvitation, AcceptSignUp, RecordFeedback, RegisterDevice, RemoveDevice
//	credential        | T#7#USER#42                    | CREDENTIAL    | -         | -                    | the user's password hash                     | CreateUser, CreateUserWithOrganization, CreateUsers, CreateTenant, PutCredential, ReplaceCredential, AcceptInvitation, AcceptSignUp, DeleteUser
//	invitation        | T#7#USER#42                    | INVITATION    | -         | under the user's own | what lets a Pending user take up the account | CreateInvitedUser, InviteAgain, PutInvitation, MarkInvitation, RecordFeedback, UpdateUser; removed by AcceptInvitation, RemoveInvitation, UpdateUser, DeleteUser
//	invitation: reset | T#7#USER#42                    | RESET         | -         | -                    | what lets a user set a new password          | PutInvitation, MarkInvitation, RecordFeedback; removed by AcceptInvitation, RemoveInvitation
//	invitation: sign-up | T#7#SIGNUP#9#jane@example.com | SIGNUP       | -         | under its own        | what lets a stranger make an account below organization 9 | PutInvitation, MarkInvitation, RecordFeedback; removed by AcceptSignUp, RemoveInvitation
//	device            | T#7#USER#42                    | DEVICE#0102030000000000000000000000000000000000000000000000000000000000 | - | - | an app of the user's that takes push messages | RegisterDevice; removed by RegisterDevice, RemoveDevice, DeleteUser
//	notification      | T#7#USER#42                    | NOTIFICATION#5 | -        | -                    | a push message to the user, and what became of it on each device | CreateNotification, MarkDevice, MarkNotification
//	quota             | T#7#QUOTA#invitations/9        | DAY#2026-01-02 | -        | -                    | how many messages of a sort went out that day (UTC) | with the invitation
//	rate              | T#7#RATE#9                     | MINUTE#2026-01-02T03:04 | -   | -                    | how many permits for requests were leased in that minute (UTC) | LeasePermits
//	identityClaim     | T#7#IDENTITY#9#azure#jane%23doe | CLAIM        | -         | -                    | the identity azure jane#doe in organization 9 is a user's | with the user
//	clientPointer     | T#7#CLIENTS                    | CLIENT#portal | -         | -                    | the tenant has the client                    | CreateClient, CreateIntegration, CreateServiceUser, CreateTenant
//	once              | T#7#ONCE#0102030000000000000000000000000000000000000000000000000000000000 | ONCE | - | - | what a creation under an idempotency key made | CreateUser, CreateInvitedUser, CreateUserWithOrganization, CreateOrganization, InviteAgain, CreateNotification
//	audit             | T#7#AUDIT#9                    | 1767323045000#user:42#3#user.updated | - | - | an entry of the audit trail of organization 9 | PutAudit
//	snapshot          | T#7#SNAPSHOT                   | RECORD        | -         | -                    | where the copy of the tenant stands, and who makes the next | PutSnapshot
//	snapshotChunk     | T#7#SNAPSHOT#a#12              | CHUNK         | -         | -                    | a part of a copy; those of a and of b take turns | PutSnapshotChunk
//	emailClaim        | EMAIL#jane@example.com         | CLAIM         | -         | -                    | the address is a user's; unique in the system | with the user
//	link              | LINK#0102030000000000000000000000000000000000000000000000000000000000 | LINK | - | - | which invitation the token of that hash, in a mail, leads to | PutLink; removed by AcceptInvitation, AcceptSignUp
//	deviceClaim       | DEVICE#0102030000000000000000000000000000000000000000000000000000000000 | CLAIM | - | - | the device is a user's; unique in the system | with the device
//	client            | CLIENT#portal                  | CLIENT        | -         | -                    | an API client, with the hash of its secret   | CreateClient, CreateIntegration, CreateServiceUser, CreateTenant, RevokeClient
//	integrationToken  | CLIENT#portal                  | TOKEN#b7Kq    | -         | -                    | what is kept of a token of that client, which is an integration: not the token | CreateIntegration, CreateIntegrationToken, RevokeIntegrationToken
//	grant             | GRANT#0102030000000000000000000000000000000000000000000000000000000000 | GRANT | - | - | a family of refresh tokens, hashes only | CreateGrant, RotateGrant, RevokeGrant
//	revokedToken      | REVOKED#b7Kq                   | REVOKED       | -         | -                    | the access token is revoked                  | RevokeToken
//	attempts          | ATTEMPTS#0102030000000000000000000000000000000000000000000000000000000000 | ATTEMPTS | - | - | how many wrong secrets an account or an address has tried lately; the key is a hash of which | ReserveAttempt, CountAttempt, ForgetAttempts, UncountAttempt
//	snapshotDue       | SNAPSHOTS                      | DUE#1767323045000#7 | -   | -                    | the snapshot of tenant 7 is to be looked after then | PutSnapshotDue; removed by RemoveSnapshotDue
//	signingKey        | KEYS                           | KEY#NzbLs     | -         | -                    | a public key that tokens are signed with     | PutSigningKey
//
// Keys that begin with T# belong to the tenant whose id follows. The others are the doors by which a stranger enters, of
// whom only an address, a client id or a token is known; what they lead to names the tenant.
//
// The time to live is expiresAt, in Unix seconds: of deleted users, grants, revoked tokens, audit entries, notifications, the
// counts of a day or a minute, those of wrong secrets, links, invitations a month after their time (validUntil) is over, and the records
// of creations (once), a day; and of snapshots, whose chunks stand for three times the age to which they are used, unless later ones
// take their place.
// DynamoDB removes an expired item days late, so every read looks at the time itself, but that of an invitation, whose callers
// do. Secrets stand on items that no index holds; the token of a mail stands nowhere, and that of a device neither: only their
// hashes do.
//
// # Indexes
//
// Both are made of attributes that the items have anyway, and hold whole items. An item is in an index when it has all of
// its attributes: toItem functions decide that and nothing else.
//
//	index        | partition              | sort          | what
//	search       | tenantId, shard        | changedAt, pk | the change feed; shard is id mod 4
//	organization | tenantId, orgId, kind  | id            | what belongs to an organization, by kind: user, deletedUser, organization (its orgId is the parent, so a root has none), invitation
//
// A group has no shard: nothing reads groups from the feed, since users are shown with the ids of theirs and nothing more.
//
// # Access patterns
//
//	question                                   | asked by                          | how
//	the user, organization, role of that id    | User, UserEvenDeleted, Organization, Role | consistent get, 1 RRU
//	whose is that address or identity          | EmailOwner, IdentityOwner         | consistent get, 1 RRU
//	the password of one user, of many          | Credential, Credentials           | consistent get, batch get
//	the members of an organization             | UsersOf, DeletedUsersOf           | page of index organization
//	the organizations below one, the whole tree | SubOrganizations, Organizations  | page of index organization, one per node
//	the invitations of an organization         | InvitationsOf                     | page of index organization
//	the invitation in that place               | Invitation                        | consistent get, 1 RRU
//	where does the token of that mail lead     | Link, then Invitation and User    | consistent get, 1 RRU each
//	the devices of a user                      | Devices                           | consistent query of the user's partition
//	who has that device                        | DeviceByHash                      | two consistent gets, 1 RRU each
//	the push message of that id                | Notification                      | consistent get
//	the custom roles of a tenant               | Roles                             | consistent query of the root's partition
//	the groups of a tenant                     | Groups                            | consistent query of the root's partition
//	the warehouses of a tenant                 | Warehouses                        | consistent query of the root's partition
//	the client of that id                      | Client                            | get, 0.5 RRU
//	the record of an integration's token       | IntegrationToken                  | get, 0.5 RRU
//	the tokens of an integration               | IntegrationTokens                 | consistent query of the client's partition
//	the clients of a tenant                    | Clients                           | consistent query of the pointers, batch get
//	the refresh token's family                 | Grant                             | consistent get, 1 RRU
//	is that access token revoked               | TokenRevoked                      | get, 0.5 RRU
//	how many wrong secrets were tried          | Attempts                          | batch get, 1 RRU each
//	the public keys                            | SigningKeys                       | consistent query
//	the audit trail of an organization         | AuditEntries                      | page of its partition, newest first
//	the tenant as it was a while ago           | Snapshot, SnapshotChunk           | get, 0.5 RRU; a get of 49 RRU for each chunk, all at once
//	whose snapshots are due                    | SnapshotsDue                      | consistent query of their partition
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
// An invitation is used up by being removed, in the transaction that does what it is for, on the condition that it is still that
// one: so it is accepted once. Asking again replaces it, and ends the links to the one before. What is to be sent is recorded
// in the transaction that decides it, and counted against the day's quotas there; OutgoingOf finds it in the table's stream, and
// MarkInvitation, MarkDevice and MarkNotification note what became of it, once.
//
// Two legs are for what no reading before the write could tell. A creation under an idempotency key writes a record of
// what it made, and finds the one that is there (once.go). A write that changes who is an Admin of the root moves their
// count, which refuses to lose the last (admins.go).
//
// The audit trail costs a request nothing: AuditOf makes its entries from the table's stream, which has the old and the
// new image of every item, and the stamp of who wrote it.
//
// A snapshot holds nothing that the feed does not: it can be lost without a word. Its chunks are written for a unit per KB and not in
// a transaction; the record leads to them once all stand, and is written on the condition that its version has not changed.
//
// That a user's organization stands is not checked in the transaction, see standing.go for why that is enough.
//
// Check walks the whole table and finds whatever contradicts this page.
//
// Every call adds what it cost to the roster.Meter of its context.
package dynamo
