package roster

import "time"

// Shards is the number of partitions of a tenant's change feed. A feed is ordered by time, and a partition whose sort
// key only grows never splits for heat, so the feed is spread by id instead.
const Shards = 4

// Shard returns the shard of the feed that an item with that id is in.
func Shard[ID ~int32 | ~int64](id ID) int { return int(uint64(id) % Shards) }

// Change is one item of the change feed as it now stands: exactly one of the pointers is set. The same change may
// arrive more than once and late; Revision.Version of the noun tells which is newer.
type Change struct {
	User         *User
	Organization *Organization
	Role         *Role
	Warehouse    *Warehouse
}

// Revision returns the revision of whichever noun changed.
func (c *Change) Revision() Revision {
	switch {
	case c.User != nil:
		return c.User.Revision
	case c.Organization != nil:
		return c.Organization.Revision
	case c.Role != nil:
		return c.Role.Revision
	case c.Warehouse != nil:
		return c.Warehouse.Revision
	default:
		return Revision{}
	}
}

// NextChange returns the moment to stamp on a write at now of an item last written at previous, so that the feed's order
// of one item's writes never runs backwards: max(now, previous + 1 ms), to the millisecond.
func NextChange(now, previous time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if floor := previous.Add(time.Millisecond); now.Before(floor) {
		return floor
	}
	return now
}
