package replica

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// shelf keeps snapshots in memory, under the conditions of the table.
type shelf struct {
	mu      sync.Mutex
	records map[roster.TenantID]roster.Snapshot
	chunks  map[place]roster.SnapshotChunk
	due     map[roster.SnapshotDue]bool
	// calls counts the calls. before and after are asked for the error of each, by its name; after, when it has been done already.
	calls         int
	before, after func(call int, name string) error
	// during is called at the beginning of each call, without the lock.
	during func(name string)
}

type place struct {
	tenant roster.TenantID
	slot   roster.SnapshotSlot
	number int
}

func newShelf() *shelf {
	return &shelf{records: map[roster.TenantID]roster.Snapshot{}, chunks: map[place]roster.SnapshotChunk{}, due: map[roster.SnapshotDue]bool{}}
}

var errShelf = errors.New("the shelf is out of reach")

// do does one call under the lock, with what is injected around it.
func (s *shelf) do(ctx context.Context, name string, call func() error) error {
	if s.during != nil {
		s.during(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.calls++
	if s.before != nil {
		if err := s.before(s.calls, name); err != nil {
			return err
		}
	}
	if err := call(); err != nil {
		return err
	}
	if s.after != nil {
		return s.after(s.calls, name)
	}
	return nil
}

func (s *shelf) Snapshot(ctx context.Context, tenant roster.TenantID) (found roster.Snapshot, err error) {
	err = s.do(ctx, "Snapshot", func() error {
		record, ok := s.records[tenant]
		if !ok {
			return roster.NotFound("snapshot")
		}
		found = record
		found.Current.Index = bytes.Clone(record.Current.Index)
		return nil
	})
	return found, err
}

func (s *shelf) SnapshotChunk(ctx context.Context, tenant roster.TenantID, slot roster.SnapshotSlot, number int) (data []byte, err error) {
	err = s.do(ctx, "SnapshotChunk", func() error {
		chunk, ok := s.chunks[place{tenant, slot, number}]
		if !ok {
			return roster.NotFound("chunk")
		}
		data = bytes.Clone(chunk.Data)
		return nil
	})
	return data, err
}

func (s *shelf) PutSnapshot(ctx context.Context, snapshot roster.Snapshot) error {
	return s.do(ctx, "PutSnapshot", func() error {
		if s.records[snapshot.Tenant].Version != snapshot.Version-1 {
			return roster.VersionChanged("snapshot")
		}
		s.records[snapshot.Tenant] = snapshot
		return nil
	})
}

func (s *shelf) PutSnapshotChunk(ctx context.Context, chunk roster.SnapshotChunk) error {
	return s.do(ctx, "PutSnapshotChunk", func() error {
		at := place{chunk.Tenant, chunk.Slot, chunk.Number}
		if s.chunks[at].Generation > chunk.Generation {
			return roster.VersionChanged("chunk")
		}
		s.chunks[at] = chunk
		return nil
	})
}

func (s *shelf) PutSnapshotDue(ctx context.Context, due roster.SnapshotDue) error {
	return s.do(ctx, "PutSnapshotDue", func() error {
		s.due[due] = true
		return nil
	})
}

func (s *shelf) RemoveSnapshotDue(ctx context.Context, due roster.SnapshotDue) error {
	return s.do(ctx, "RemoveSnapshotDue", func() error {
		delete(s.due, due)
		return nil
	})
}

func (s *shelf) SnapshotsDue(ctx context.Context, by time.Time, limit int) (list []roster.SnapshotDue, err error) {
	err = s.do(ctx, "SnapshotsDue", func() error {
		for due := range s.due {
			if !due.At.After(by) {
				list = append(list, due)
			}
		}
		slices.SortFunc(list, func(a, b roster.SnapshotDue) int { return a.At.Compare(b.At) })
		list = list[:min(limit, len(list))]
		return nil
	})
	return list, err
}

// rot changes the current copy of a tenant for the worse: it flips a bit somewhere in a chunk or the index.
func (s *shelf) rot(tenant roster.TenantID, at, bit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, ok := s.records[tenant]
	if !ok || record.Current.Generation == 0 {
		return false
	}
	flip := func(data []byte) []byte {
		data = bytes.Clone(data)
		data[at%len(data)] ^= 1 << (bit & 7)
		return data
	}
	number := at % (record.Current.Chunks + 1)
	if number == record.Current.Chunks {
		record.Current.Index = flip(record.Current.Index)
		s.records[tenant] = record
		return true
	}
	chunk := s.chunks[place{tenant, record.Current.Slot, number}]
	chunk.Data = flip(chunk.Data)
	s.chunks[place{tenant, record.Current.Slot, number}] = chunk
	return true
}
