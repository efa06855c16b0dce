package dynamo

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// snapshotItem is the record of a tenant's snapshot and the lease of who makes the next copy, in one item, so that a writer whose lease
// was taken over cannot write it. It is in no index, so no feed shows it.
type snapshotItem struct {
	head
	TenantID   int32  `dynamodbav:"tenantId"`
	Generation int64  `dynamodbav:"generation,omitempty"`
	Slot       string `dynamodbav:"slot,omitempty"`
	Chunks     int    `dynamodbav:"chunks,omitempty"`
	Format     string `dynamodbav:"format,omitempty"`
	Watermark  int64  `dynamodbav:"watermark,omitempty"`
	WrittenAt  int64  `dynamodbav:"writtenAt,omitempty"`
	ChunksTill int64  `dynamodbav:"chunksTill,omitempty"`
	Users      int    `dynamodbav:"users,omitempty"`
	Size       int64  `dynamodbav:"size,omitempty"`
	Index      []byte `dynamodbav:"index,omitempty"`

	LeaseGeneration int64 `dynamodbav:"leaseGeneration,omitempty"`
	LeaseUntil      int64 `dynamodbav:"leaseUntil,omitempty"`
	// ExpiresAt is the time to live, in Unix seconds: recordFor after its last writing, so that the record of a tenant that nobody
	// asks for any more goes too.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// recordFor is how long a record outlives its last writing and its chunks.
const recordFor = 30 * 24 * time.Hour

func (t *Table) toSnapshotItem(s *roster.Snapshot) snapshotItem {
	c := &s.Current
	till := t.now()
	if c.ExpiresAt.After(till) {
		till = c.ExpiresAt
	}
	return snapshotItem{
		head:     newHead(snapshotKey(s.Tenant), typeSnapshot, roster.Revision{Version: s.Version, ChangedAt: t.now()}),
		TenantID: int32(s.Tenant), Generation: c.Generation, Slot: string(c.Slot), Chunks: c.Chunks, Format: c.Format,
		Watermark: millis(c.Watermark), WrittenAt: millis(c.WrittenAt), ChunksTill: millis(c.ExpiresAt), Users: c.Users, Size: c.Size, Index: c.Index,
		LeaseGeneration: s.Lease.Generation, LeaseUntil: millis(s.Lease.Until), ExpiresAt: ttl(till.Add(recordFor)),
	}
}

func (i *snapshotItem) noun() (roster.Snapshot, error) {
	if err := i.is(typeSnapshot); err != nil {
		return roster.Snapshot{}, err
	}
	return roster.Snapshot{
		Tenant: roster.TenantID(i.TenantID), Version: i.Version,
		Current: roster.SnapshotCopy{
			Generation: i.Generation, Slot: roster.SnapshotSlot(i.Slot), Chunks: i.Chunks, Format: i.Format,
			Watermark: fromMillis(i.Watermark), WrittenAt: fromMillis(i.WrittenAt), ExpiresAt: fromMillis(i.ChunksTill),
			Users: i.Users, Size: i.Size, Index: i.Index,
		},
		Lease: roster.SnapshotLease{Generation: i.LeaseGeneration, Until: fromMillis(i.LeaseUntil)},
	}, nil
}

// Snapshot returns the record of the tenant's snapshot, roster.KindNotFound where there is none: an eventually consistent read of 0.5
// RRU, and 0.5 more for each 4 KB, which an index of some 300 chunks takes. It may be a moment old; the writing of a record says so.
func (t *Table) Snapshot(ctx context.Context, tenant roster.TenantID) (roster.Snapshot, error) {
	var item snapshotItem
	found, err := t.get(ctx, snapshotKey(tenant), false, &item)
	if err != nil {
		return roster.Snapshot{}, err
	}
	if !found {
		return roster.Snapshot{}, roster.NotFound("snapshot")
	}
	return nounOf(&item)
}

// PutSnapshot writes the record of a tenant's snapshot on the condition that the version before it stands, version 0 being none; a
// roster.VersionChanged conflict if it does not. It costs 1 WRU, and one more for each KB of the index.
func (t *Table) PutSnapshot(ctx context.Context, snapshot roster.Snapshot) error {
	c := ifAbsent()
	if snapshot.Version > 1 {
		c = ifVersion(snapshot.Version - 1)
	}
	return t.putAlone(ctx, t.toSnapshotItem(&snapshot), c, refusal(roster.VersionChanged("snapshot")))
}

// snapshotChunkItem is a chunk. Its partition is its own, since a partition gives 3,000 RRU a second, and the chunks of a million users,
// which are read at the same time, take 10,000.
type snapshotChunkItem struct {
	head
	TenantID   int32  `dynamodbav:"tenantId"`
	Generation int64  `dynamodbav:"generation"`
	Data       []byte `dynamodbav:"data"`
	// ExpiresAt is the time to live, in Unix seconds: for chunks that no later copy takes the place of.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// PutSnapshotChunk writes a chunk, a WRU for each KB, in the place of one of an earlier generation or of the same; a
// roster.VersionChanged conflict if a later one stands there. Writing costs by the larger of the two, so the place is used again rather
// than emptied: a removal would cost as much as a writing.
func (t *Table) PutSnapshotChunk(ctx context.Context, chunk roster.SnapshotChunk) error {
	if len(chunk.Data) > roster.MaxSnapshotChunk {
		return fmt.Errorf("a chunk of %d bytes is over the limit of %d", len(chunk.Data), roster.MaxSnapshotChunk)
	}
	return t.patiently(ctx, func() error {
		return t.putAlone(ctx, snapshotChunkItem{
			head:     newHead(snapshotChunkKey(chunk.Tenant, chunk.Slot, chunk.Number), typeSnapshotChunk, t.firstRevision(roster.Stamp{})),
			TenantID: int32(chunk.Tenant), Generation: chunk.Generation, Data: chunk.Data, ExpiresAt: ttl(chunk.ExpiresAt),
		}, condition{
			text:   "attribute_not_exists(pk) OR generation <= :generation",
			values: map[string]types.AttributeValue{":generation": number(chunk.Generation)},
		}, refusal(roster.VersionChanged("chunk")))
	})
}

// SnapshotChunk returns what stands in that place, whichever copy it is of: an eventually consistent read, 49 RRU for a full one. There
// may be nothing: roster.KindNotFound. Like a page of the feed it is read past the SDK's decoding, which takes longer than all that is
// done with the chunk.
func (t *Table) SnapshotChunk(ctx context.Context, tenant roster.TenantID, slot roster.SnapshotSlot, number int) ([]byte, error) {
	var body string
	err := t.patiently(ctx, func() error {
		_, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &t.name, Key: snapshotChunkKey(tenant, slot, number).attributes(),
			ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		}, t.metered, rawInto(&body))
		return failed("reading a chunk of the snapshot of tenant "+tenant.String(), err)
	})
	if err != nil {
		return nil, err
	}
	r := row{scanner: scanner{text: body}}
	var data []byte
	found := false
	r.object(func(name string) {
		switch name {
		case "Item":
			r.object(func(name string) {
				if name != "data" {
					r.skip()
					return
				}
				data, found = r.binaryValue(), true
			})
		case "ConsumedCapacity":
			roster.MeterFrom(ctx).Add(roster.Cost{Reads: r.capacity()})
		default:
			r.skip()
		}
	})
	switch {
	case r.err != nil:
		return nil, fmt.Errorf("reading a chunk of a snapshot: %w", r.err)
	case !found:
		return nil, roster.NotFound("chunk of a snapshot")
	}
	return data, nil
}

// binaryValue reads an attribute value of type B: base64, which has no escapes.
func (s *scanner) binaryValue() []byte {
	typ := s.open()
	var data []byte
	if typ != "B" || s.peek() != '"' {
		s.wrong(typ, "B")
	} else {
		start := s.pos + 1
		length := strings.IndexByte(s.text[start:], '"')
		if length < 0 {
			s.fail("the end of a string")
			return nil
		}
		var err error
		if data, err = base64.StdEncoding.DecodeString(s.text[start : start+length]); err != nil {
			s.fail("base64")
			return nil
		}
		s.pos = start + length + 1
	}
	s.take('}')
	return data
}

// snapshotDueItem says that a tenant's snapshot is to be looked after. All of them stand in one partition, in the order of time: those
// that are due are found without looking at any tenant.
type snapshotDueItem struct {
	head
	TenantID int32 `dynamodbav:"tenantId"`
	// ExpiresAt is the time to live, in Unix seconds: for what nobody has taken note of for recordFor.
	ExpiresAt int64 `dynamodbav:"expiresAt"`
}

// PutSnapshotDue notes that a tenant's snapshot is to be looked after from a moment on. It costs 1 WRU; to note it again is no error.
func (t *Table) PutSnapshotDue(ctx context.Context, due roster.SnapshotDue) error {
	return t.putAlone(ctx, snapshotDueItem{
		head:     newHead(snapshotDueKey(due), typeSnapshotDue, t.firstRevision(roster.Stamp{})),
		TenantID: int32(due.Tenant), ExpiresAt: ttl(due.At.Add(recordFor)),
	}, condition{}, nil)
}

// SnapshotsDue returns up to so many of the tenants whose snapshots are due by that moment, those due longest first. It is a consistent
// query of 1 RRU for some 40 of them, and as much for none.
func (t *Table) SnapshotsDue(ctx context.Context, by time.Time, limit int) ([]roster.SnapshotDue, error) {
	where, most, consistent := "pk = :pk AND sk < :by", int32(limit), true
	var list []roster.SnapshotDue
	_, err := t.queryPage(ctx, &dynamodb.QueryInput{
		KeyConditionExpression: &where, Limit: &most, ConsistentRead: &consistent,
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": text(snapshotsDuePartition), ":by": text(duePrefix + auditTime(by.Add(time.Millisecond))),
		},
	}, func(attributes map[string]types.AttributeValue) error {
		var item snapshotDueItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		due, err := item.noun()
		list = append(list, due)
		return err
	})
	return list, err
}

func (i *snapshotDueItem) noun() (roster.SnapshotDue, error) {
	due := roster.SnapshotDue{Tenant: roster.TenantID(i.TenantID)}
	var at int64
	if _, err := fmt.Sscanf(i.SK, duePrefix+"%d#", &at); err != nil {
		return due, unreadable(fmt.Errorf("item %s %s has no time", i.PK, i.SK))
	}
	due.At = fromMillis(at)
	return due, nil
}

// RemoveSnapshotDue forgets what PutSnapshotDue noted, if it is there. It costs 1 WRU.
func (t *Table) RemoveSnapshotDue(ctx context.Context, due roster.SnapshotDue) error {
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: snapshotDueKey(due).attributes(), ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
	}, t.metered)
	return failed("removing that a snapshot is due", err)
}
