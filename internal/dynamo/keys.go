package dynamo

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// key is the primary key of an item. The constructors below are the only way to make one: each takes the tenant first,
// so that a key into another tenant cannot be written down by accident, except the global doors by which a stranger
// enters, whom no token has told us the tenant of yet. doc.go lists what is stored where.
type key struct{ pk, sk string }

// attributes returns the key as the SDK wants it.
func (k key) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: k.pk},
		"sk": &types.AttributeValueMemberS{Value: k.sk},
	}
}

// keyOf returns the key of an item that was read, or is about to be written.
func keyOf(attributes map[string]types.AttributeValue) key {
	pk, _ := attributes["pk"].(*types.AttributeValueMemberS)
	sk, _ := attributes["sk"].(*types.AttributeValueMemberS)
	return key{pk.Value, sk.Value}
}

// The sort keys that name what an item is, for items that are alone of their kind in a partition.
const (
	sortOrganization = "ORG"
	sortUser         = "USER"
	sortCredential   = "CREDENTIAL"
	sortClaim        = "CLAIM"
	sortClient       = "CLIENT"
	sortGrant        = "GRANT"
	sortRevoked      = "REVOKED"
	sortAdmins       = "ADMINS"
	sortOnce         = "ONCE"
	sortInvitation   = "INVITATION"
	sortReset        = "RESET"
	sortSignUp       = "SIGNUP"
	sortLink         = "LINK"
	sortAttempts     = "ATTEMPTS"
	sortSnapshot     = "RECORD"
	sortChunk        = "CHUNK"
)

func organizationKey(tenant roster.TenantID, id roster.OrgID) key {
	return key{"T#" + tenant.String() + "#ORG#" + id.String(), sortOrganization}
}

// roleKey puts a custom role beside its tenant's root organization, so that one query reads all of them.
func roleKey(tenant roster.TenantID, id roster.RoleID) key {
	return key{organizationKey(tenant, tenant.Root()).pk, rolePrefix + id.String()}
}

const rolePrefix = "ROLE#"

// groupKey puts a group beside its tenant's root organization, as roleKey does a role.
func groupKey(tenant roster.TenantID, id roster.GroupID) key {
	return key{organizationKey(tenant, tenant.Root()).pk, groupPrefix + id.String()}
}

const groupPrefix = "GROUP#"

// warehouseKey puts a warehouse beside its tenant's root organization, as roleKey does a role.
func warehouseKey(tenant roster.TenantID, id roster.WarehouseID) key {
	return key{organizationKey(tenant, tenant.Root()).pk, warehousePrefix + id.String()}
}

const warehousePrefix = "WAREHOUSE#"

// adminsKey puts the count of a tenant's Admins beside its root organization, whose Admins they are.
func adminsKey(tenant roster.TenantID) key {
	return key{organizationKey(tenant, tenant.Root()).pk, sortAdmins}
}

func userKey(tenant roster.TenantID, id roster.UserID) key {
	return key{"T#" + tenant.String() + "#USER#" + id.String(), sortUser}
}

func credentialKey(tenant roster.TenantID, id roster.UserID) key {
	return key{userKey(tenant, id).pk, sortCredential}
}

func identityKey(tenant roster.TenantID, org roster.OrgID, identity roster.Identity) key {
	return key{"T#" + tenant.String() + "#IDENTITY#" + org.String() + "#" + escape(identity.Type) + "#" + escape(identity.Value), sortClaim}
}

// clientPointerKey is where a tenant keeps the list of its clients, whose items stand outside of it.
func clientPointerKey(tenant roster.TenantID, id roster.ClientID) key {
	return key{clientsPartition(tenant), sortClient + "#" + escape(string(id))}
}

func clientsPartition(tenant roster.TenantID) string { return "T#" + tenant.String() + "#CLIENTS" }

// onceKey gives each record a partition of its own: the records of a tenant have nothing in common, and a partition takes
// 1,000 WRU a second.
func onceKey(tenant roster.TenantID, once [32]byte) key {
	return key{"T#" + tenant.String() + "#ONCE#" + hex.EncodeToString(once[:]), sortOnce}
}

// auditKey is where an entry of an organization's trail stands: in the order of time, and where it stood before, should it
// be written again.
func auditKey(tenant roster.TenantID, org roster.OrgID, e *roster.AuditEntry) key {
	return key{
		auditPartition(tenant, org),
		auditTime(e.At) + "#" + escape(e.Subject) + "#" + strconv.FormatInt(e.Version, 10) + "#" + escape(string(e.Action)),
	}
}

func auditPartition(tenant roster.TenantID, org roster.OrgID) string {
	return "T#" + tenant.String() + "#AUDIT#" + org.String()
}

// auditTime returns a time in Unix milliseconds of thirteen digits, which sort as the times do until the year 2286.
func auditTime(at time.Time) string { return fmt.Sprintf("%013d", max(at.UnixMilli(), 0)) }

// invitationKey is where an invitation stands: beside its user, or, for one who is none yet, under the organization and the
// address. There is one in each place, so that asking again replaces it.
func invitationKey(ref roster.InvitationRef) key {
	switch ref.Purpose {
	case roster.PurposeInvite:
		return key{userKey(ref.Tenant, ref.User).pk, sortInvitation}
	case roster.PurposeReset:
		return key{userKey(ref.Tenant, ref.User).pk, sortReset}
	default:
		return key{"T#" + ref.Tenant.String() + "#SIGNUP#" + ref.Org.String() + "#" + escape(ref.Email.Key()), sortSignUp}
	}
}

// deviceKey puts a device beside its user, so that one query reads all of them.
func deviceKey(tenant roster.TenantID, user roster.UserID, hash roster.DeviceHash) key {
	return key{userKey(tenant, user).pk, devicePrefix + hex.EncodeToString(hash[:])}
}

const devicePrefix = "DEVICE#"

func notificationKey(ref roster.NotificationRef) key {
	return key{userKey(ref.Tenant, ref.User).pk, "NOTIFICATION#" + ref.ID.String()}
}

// quotaKey is where the messages of one sort are counted that go out on the day (UTC) of a moment.
func quotaKey(tenant roster.TenantID, counter string, at time.Time) key {
	return key{"T#" + tenant.String() + "#QUOTA#" + escape(counter), dayPrefix + at.UTC().Format(time.DateOnly)}
}

const dayPrefix = "DAY#"

// rateKey is where the requests of an organization are counted in one minute, which at begins.
func rateKey(tenant roster.TenantID, org roster.OrgID, at time.Time) key {
	return key{"T#" + tenant.String() + "#RATE#" + org.String(), minutePrefix + at.UTC().Format(minuteLayout)}
}

const (
	minutePrefix = "MINUTE#"
	minuteLayout = "2006-01-02T15:04"
)

// linkKey is a global door: who follows a link shows a token and nothing else.
func linkKey(hash roster.LinkHash) key {
	return key{linkPrefix + hex.EncodeToString(hash[:]), sortLink}
}

const linkPrefix = "LINK#"

// deviceClaimKey is a global door: a device is registered for one user of the whole system, whoever had it before.
func deviceClaimKey(hash roster.DeviceHash) key {
	return key{devicePrefix + hex.EncodeToString(hash[:]), sortClaim}
}

// emailKey is a global door: an address is taken in the whole system, and a login begins with nothing else.
func emailKey(email roster.Email) key { return key{"EMAIL#" + escape(email.Key()), sortClaim} }

// clientKey is a global door: the token endpoint knows a client's id before it knows its tenant.
func clientKey(id roster.ClientID) key { return key{"CLIENT#" + escape(string(id)), sortClient} }

// integrationTokenKey puts what is kept of an integration's token beside the integration, by the same global door: the authorizer
// reads both before it trusts the tenant that a token names.
func integrationTokenKey(client roster.ClientID, id string) key {
	return key{clientKey(client).pk, tokenPrefix + escape(id)}
}

const tokenPrefix = "TOKEN#"

// grantKey is a global door: a refresh token names its family and nothing else.
func grantKey(family [32]byte) key { return key{"GRANT#" + hex.EncodeToString(family[:]), sortGrant} }

// revokedKey is a global door: revocation needs the token's id alone.
func revokedKey(tokenID string) key { return key{"REVOKED#" + escape(tokenID), sortRevoked} }

// signingKeyKey is a global door: all tenants' tokens are signed with the same keys.
func signingKeyKey(id string) key { return key{signingKeysPartition, "KEY#" + escape(id)} }

const signingKeysPartition = "KEYS"

// attemptsKey is a global door: a client is counted before its tenant is known, and an address has none. Whose the key is can be told
// from whoever made it alone, the tenant of an account being part of it.
func attemptsKey(k roster.AttemptKey) key {
	return key{attemptsPrefix + hex.EncodeToString(k[:]), sortAttempts}
}

const attemptsPrefix = "ATTEMPTS#"

// snapshotKey is where the record of a tenant's snapshot stands.
func snapshotKey(tenant roster.TenantID) key {
	return key{"T#" + tenant.String() + "#SNAPSHOT", sortSnapshot}
}

// snapshotChunkKey gives each chunk a partition of its own, so that all of them can be read at once.
func snapshotChunkKey(tenant roster.TenantID, slot roster.SnapshotSlot, number int) key {
	return key{snapshotKey(tenant).pk + "#" + escape(string(slot)) + "#" + strconv.Itoa(number), sortChunk}
}

// snapshotDueKey is a global door: it is there to find tenants by. The tenant is the last part, since the times come first.
func snapshotDueKey(due roster.SnapshotDue) key {
	return key{snapshotsDuePartition, duePrefix + auditTime(due.At) + "#" + due.Tenant.String()}
}

const (
	snapshotsDuePartition = "SNAPSHOTS"
	duePrefix             = "DUE#"
)

// escape makes free text safe between two #: a percent sign and a # become %25 and %23. What is equal only but for case
// or spacing must be made the same before, as roster.Email.Key does.
func escape(text string) string {
	if !strings.ContainsAny(text, "%#") {
		return text
	}
	return strings.NewReplacer("%", "%25", "#", "%23").Replace(text)
}

// possible reports whether an item can stand there at all. Free text that a stranger sent can make a key that is too
// long or not UTF-8: nothing was ever stored there, and DynamoDB would answer with a validation error rather than with
// nothing.
func (k key) possible() bool {
	return len(k.pk) <= maxPartitionKey && len(k.sk) <= maxSortKey && utf8.ValidString(k.pk) && utf8.ValidString(k.sk)
}

// The longest keys that DynamoDB takes, in bytes.
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
)
