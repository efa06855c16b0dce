package dynamo

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// The types of items, stored in their attribute "type".
const (
	typeOrganization     = "organization"
	typeRole             = "role"
	typeGroup            = "group"
	typeWarehouse        = "warehouse"
	typeUser             = "user"
	typeCredential       = "credential"
	typeEmailClaim       = "emailClaim"
	typeIdentityClaim    = "identityClaim"
	typeClient           = "client"
	typeIntegrationToken = "integrationToken"
	typeClientPointer    = "clientPointer"
	typeGrant            = "grant"
	typeRevoked          = "revokedToken"
	typeSigningKey       = "signingKey"
	typeAdmins           = "admins"
	typeOnce             = "once"
	typeAudit            = "audit"
	typeInvitation       = "invitation"
	typeLink             = "link"
	typeQuota            = "quota"
	typeRate             = "rate"
	typeAttempts         = "attempts"
	typeDevice           = "device"
	typeDeviceClaim      = "deviceClaim"
	typeNotification     = "notification"
	typeSnapshot         = "snapshot"
	typeSnapshotChunk    = "snapshotChunk"
	typeSnapshotDue      = "snapshotDue"
)

// The kinds that items have in the index organization: its third partition attribute, so that each kind is a list of its
// own. An item without it is not in the index.
const (
	kindUser         = "user"
	kindDeletedUser  = "deletedUser"
	kindOrganization = "organization"
	kindInvitation   = "invitation"
)

// The indexes, as template.yaml names them.
const (
	indexSearch       = "search"
	indexOrganization = "organization"
)

// head is what every item carries: its key, its type, and who wrote it, in which of its writings.
type head struct {
	PK      string `dynamodbav:"pk"`
	SK      string `dynamodbav:"sk"`
	Type    string `dynamodbav:"type"`
	Version int64  `dynamodbav:"version"`
	// ChangedAt is in Unix milliseconds. Beside tenantId and shard it puts an item into the index search.
	ChangedAt  int64  `dynamodbav:"changedAt"`
	ChangedBy  string `dynamodbav:"changedBy,omitempty"`
	ChangedVia string `dynamodbav:"changedVia,omitempty"`
	RequestID  string `dynamodbav:"requestId,omitempty"`
	// ForwardedFor is who first asked, where the call was relayed.
	ForwardedFor string `dynamodbav:"forwardedFor,omitempty"`
}

func newHead(k key, typ string, r roster.Revision) head {
	return head{
		PK: k.pk, SK: k.sk, Type: typ, Version: r.Version, ChangedAt: millis(r.ChangedAt),
		ChangedBy: r.Stamp.By, ChangedVia: r.Stamp.Via, RequestID: r.Stamp.RequestID,
		ForwardedFor: r.Stamp.ForwardedFor,
	}
}

func (h *head) revision() roster.Revision {
	return roster.Revision{
		Version: h.Version, ChangedAt: fromMillis(h.ChangedAt),
		Stamp: roster.Stamp{By: h.ChangedBy, Via: h.ChangedVia, RequestID: h.RequestID, ForwardedFor: h.ForwardedFor},
	}
}

// setStamp returns the end of a SET clause of an update expression by which an item takes that stamp, and the REMOVE clause
// for what the stamp does not have. The values go to the others of the expression.
func setStamp(stamp roster.Stamp, values map[string]types.AttributeValue) string {
	var set, remove string
	for _, part := range [...]struct{ attribute, value, text string }{
		{"changedBy", ":by", stamp.By}, {"changedVia", ":via", stamp.Via}, {"requestId", ":request", stamp.RequestID},
		{"forwardedFor", ":forwarded", stamp.ForwardedFor},
	} {
		if part.text == "" {
			remove += ", " + part.attribute
			continue
		}
		set += ", " + part.attribute + " = " + part.value
		values[part.value] = text(part.text)
	}
	if remove != "" {
		set += " REMOVE " + remove[len(", "):]
	}
	return set
}

// is returns an error unless the item is of that type: a key that leads to another type is a fault of ours.
func (h *head) is(typ string) error {
	if h.Type != typ {
		return fmt.Errorf("item %s %s is of type %q, want %q", h.PK, h.SK, h.Type, typ)
	}
	return nil
}

// firstRevision is the revision of an item created now.
func (t *Table) firstRevision(stamp roster.Stamp) roster.Revision {
	return roster.Revision{Version: 1, ChangedAt: roster.NextChange(t.now(), time.Time{}), Stamp: stamp}
}

// nextRevision is the revision that follows r.
func (t *Table) nextRevision(r roster.Revision, stamp roster.Stamp) roster.Revision {
	return roster.Revision{Version: r.Version + 1, ChangedAt: roster.NextChange(t.now(), r.ChangedAt), Stamp: stamp}
}

// encode returns the attributes of an item. Items are made by this package alone, so one that cannot be encoded is a
// fault of ours.
func encode(item any) (map[string]types.AttributeValue, error) {
	attributes, err := attributevalue.MarshalMap(item)
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", item, err)
	}
	return attributes, nil
}

// decode reads the attributes of a stored item into what item points to. What cannot be is roster.ErrUnreadable.
func decode(attributes map[string]types.AttributeValue, item any) error {
	if err := attributevalue.UnmarshalMap(attributes, item); err != nil {
		return unreadable(fmt.Errorf("decoding %T: %w", item, err))
	}
	return nil
}

// nounOf returns the noun of a stored item. An item that no noun can be made of, of another type or with a status, purpose or path
// that this release does not know, is roster.ErrUnreadable. What is about to be stored is asked for its noun directly.
func nounOf[N any](item interface{ noun() (N, error) }) (N, error) {
	n, err := item.noun()
	if err != nil {
		return n, unreadable(err)
	}
	return n, nil
}

// unreadable puts roster.ErrUnreadable into the chain of what is wrong with a stored item, and makes it a fault of ours: a rule that
// a stored value breaks is not one that the caller broke.
func unreadable(err error) error {
	return &roster.Error{Kind: roster.KindInternal, Cause: fmt.Errorf("%w: %w", roster.ErrUnreadable, err)}
}

// millis returns a time as it is stored: Unix milliseconds, 0 (which is then left out) for "never".
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMillis reads what millis returned.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// ttl returns a time as DynamoDB's time to live wants it: Unix seconds, rounded up so that nothing goes early, 0 (which
// is then left out) for "never". What was stored so comes back with second precision.
func ttl(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}

// fromTTL reads what ttl returned.
func fromTTL(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}
