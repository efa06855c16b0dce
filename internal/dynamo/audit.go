package dynamo

import (
	"context"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// auditItem is an entry of an organization's audit trail as it is stored: in the partition of the trail, in the order of
// time, and in no index. Its head says who did it, when and by which way; its version is the subject's.
type auditItem struct {
	head
	Action  string           `dynamodbav:"action"`
	Subject string           `dynamodbav:"subject"`
	Name    string           `dynamodbav:"name,omitempty"`
	Fields  []auditFieldItem `dynamodbav:"fields,omitempty"`
	// ExpiresAt is the time to live, in Unix seconds.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// auditFieldItem is a FieldChange inside of an entry's item.
type auditFieldItem struct {
	Field string `dynamodbav:"field"`
	Old   string `dynamodbav:"old,omitempty"`
	New   string `dynamodbav:"new,omitempty"`
}

// maxAuditText is how much of one value an entry keeps, in bytes: an item holds 400 KB at most.
const maxAuditText = 1024

// cutText returns the text, or its beginning and an ellipsis where it is long.
func cutText(text string) string {
	if len(text) <= maxAuditText {
		return text
	}
	end := maxAuditText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

func (t *Table) toAuditItem(e *roster.AuditEntry) *auditItem {
	item := &auditItem{
		head:   newHead(auditKey(e.Tenant, e.Org, e), typeAudit, roster.Revision{Version: e.Version, ChangedAt: e.At, Stamp: e.Stamp}),
		Action: string(e.Action), Subject: e.Subject, Name: cutText(e.Name), ExpiresAt: ttl(e.At.Add(t.auditRetention)),
	}
	for _, f := range e.Fields {
		item.Fields = append(item.Fields, auditFieldItem{f.Field, cutText(f.Old), cutText(f.New)})
	}
	return item
}

func (i *auditItem) noun(tenant roster.TenantID, org roster.OrgID) roster.AuditEntry {
	revision := i.revision()
	e := roster.AuditEntry{
		Tenant: tenant, Org: org, At: revision.ChangedAt, Stamp: revision.Stamp, Action: roster.Action(i.Action),
		Subject: i.Subject, Name: i.Name, Version: revision.Version,
	}
	for _, f := range i.Fields {
		e.Fields = append(e.Fields, roster.FieldChange(f))
	}
	return e
}

// PutAudit writes entries of audit trails, which AuditOf made of the table's stream. An entry has its place by what it
// tells of, so writing it again changes nothing; one whose retention is over already is left out. One about a user that does
// not say the organization goes to the trail of the one where the user is now. It costs 1 WRU per KB of each entry, and
// 1 RRU for each such user.
func (t *Table) PutAudit(ctx context.Context, entries []roster.AuditEntry) error {
	var puts []types.WriteRequest
	seen := make(map[string]bool)
	for _, e := range entries {
		if e.Org == 0 {
			if err := t.locate(ctx, &e); err != nil {
				return err
			}
		}
		item := t.toAuditItem(&e)
		name := itemName(key{item.PK, item.SK})
		if seen[name] || fromTTL(item.ExpiresAt).Before(t.now()) {
			continue
		}
		seen[name] = true
		attributes, err := encode(item)
		if err != nil {
			return err
		}
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: attributes}})
	}
	return t.batchWrite(ctx, puts)
}

// locate completes an entry about a user of whom the stream told no more than the id. A user who is gone for good has its
// entry in the trail of the root.
func (t *Table) locate(ctx context.Context, e *roster.AuditEntry) error {
	e.Org = e.Tenant.Root()
	id, ok := parseInteger(strings.TrimPrefix(e.Subject, subjectUser))
	if !ok {
		return nil
	}
	user, err := t.UserEvenDeleted(ctx, e.Tenant, roster.UserID(id))
	if roster.KindOf(err) == roster.KindNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	e.Org, e.Name = user.Org(), user.Name
	return nil
}

// AuditEntries returns at most limit entries, 1 to roster.MaxLimit, of an organization's trail, newest first, from the
// cursor on: an AuditPage's Next, or empty for the newest. Another cursor is a KindInvalid error about the field before.
// Entries whose retention is over are left out. It costs 0.5 RRU per 4 KB read, however long the trail.
func (t *Table) AuditEntries(ctx context.Context, tenant roster.TenantID, org roster.OrgID, before string, limit int) (roster.AuditPage, error) {
	limit = min(max(limit, 1), roster.MaxLimit)
	oldest := auditTime(t.now().Add(-t.auditRetention))
	query := auditQuery(tenant, org, oldest)
	if before != "" {
		cursor, err := parseAuditCursor(before)
		if err != nil {
			return roster.AuditPage{}, err
		}
		if cursor < oldest {
			return roster.AuditPage{}, nil
		}
		query.ExclusiveStartKey = key{auditPartition(tenant, org), cursor}.attributes()
	}
	var page roster.AuditPage
	var last string
	for {
		left := int32(limit + 1 - len(page.Entries)) // one more than wanted tells whether there is more
		query.Limit = &left
		next, err := t.queryPage(ctx, query, func(attributes map[string]types.AttributeValue) error {
			var item auditItem
			if err := decode(attributes, &item); err != nil {
				return err
			}
			if !fromTTL(item.ExpiresAt).After(t.now()) {
				return nil
			}
			if len(page.Entries) == limit {
				page.Next = base64.RawURLEncoding.EncodeToString([]byte(last))
				return nil
			}
			last = item.SK
			page.Entries = append(page.Entries, item.noun(tenant, org))
			return nil
		})
		if err != nil {
			return roster.AuditPage{}, err
		}
		if next == nil || page.Next != "" {
			return page, nil
		}
		query.ExclusiveStartKey = next
	}
}

// auditQuery asks for the entries of a trail since a time, newest first.
func auditQuery(tenant roster.TenantID, org roster.OrgID, since string) *dynamodb.QueryInput {
	forward, where := false, "pk = :pk AND sk >= :since"
	return &dynamodb.QueryInput{
		KeyConditionExpression: &where, ScanIndexForward: &forward,
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": text(auditPartition(tenant, org)), ":since": text(since),
		},
	}
}

// parseAuditCursor returns the sort key that a cursor stands for: that of the last entry on the page before.
func parseAuditCursor(cursor string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	sk := string(raw)
	at, rest, found := strings.Cut(sk, "#")
	ms, digits := parseInteger(at)
	if err != nil || !found || !digits || at != auditTime(time.UnixMilli(ms)) || rest == "" || !(key{sk: sk}).possible() {
		return "", roster.Invalid("before", "must be the cursor of a page of the audit trail")
	}
	return sk, nil
}
