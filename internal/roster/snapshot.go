package roster

import "time"

// Snapshot is the record of a tenant's snapshot: a copy of all that its change feed shows, as of a moment, by which a cold process
// reads the tenant faster than by the feed. What the chunks hold is known to who writes and reads them; the table keeps them.
type Snapshot struct {
	Tenant TenantID
	// Version counts the writings of the record; 0 is one that is not stored yet. A record is written on the condition that the
	// version before stands, so whoever has lost the lease can write it no more.
	Version int64
	// Current is the copy that readers load, the zero value where there is none.
	Current SnapshotCopy
	// Lease says who is making the next copy, the zero value where nobody is.
	Lease SnapshotLease
}

// SnapshotCopy is one copy of a tenant, in chunks.
type SnapshotCopy struct {
	// Generation numbers the copies of a tenant, and those that were begun and never finished: each is larger than all before.
	Generation int64
	// Slot is where its chunks stand, SlotA or SlotB. A copy is written to the slot that the current one is not in.
	Slot SnapshotSlot
	// Chunks is their number.
	Chunks int
	// Format names the release of the format that they are in.
	Format string
	// Watermark is the moment up to which the copy has everything that the feed showed, by its writer's clock.
	Watermark time.Time
	// WrittenAt is when the chunks were written.
	WrittenAt time.Time
	// ExpiresAt is when the chunks may begin to disappear.
	ExpiresAt time.Time
	// Users is the number of users in it, Size that of the bytes in all chunks.
	Users int
	Size  int64
	// Index says how to read the chunks. It has a checksum of its own, and one of each chunk.
	Index []byte
}

// SnapshotLease is the right to make the next copy.
type SnapshotLease struct {
	// Generation is the one that the holder makes.
	Generation int64
	// Until is when the lease ends, whatever became of its holder.
	Until time.Time
}

// SnapshotSlot is one of the two places where the chunks of a tenant's copies stand in turn.
type SnapshotSlot string

// The slots. Where nothing has been written yet, the first copy goes to SlotA.
const (
	SlotA SnapshotSlot = "a"
	SlotB SnapshotSlot = "b"
)

// Other returns the slot that a copy in s leaves for the next.
func (s SnapshotSlot) Other() SnapshotSlot {
	if s == SlotA {
		return SlotB
	}
	return SlotA
}

// SnapshotChunk is one chunk of a copy.
type SnapshotChunk struct {
	Tenant     TenantID
	Slot       SnapshotSlot
	Number     int // from 0
	Generation int64
	// ExpiresAt is when it may disappear.
	ExpiresAt time.Time
	// Data is at most MaxSnapshotChunk bytes.
	Data []byte
}

// MaxSnapshotChunk is the largest size of a chunk in bytes: 390 KB, which leaves 10 KB of what an item holds for the rest of it.
const MaxSnapshotChunk = 390 << 10

// SnapshotDue says that a tenant's snapshot is to be looked after.
type SnapshotDue struct {
	Tenant TenantID
	// At is the moment from which on, to the millisecond.
	At time.Time
}
