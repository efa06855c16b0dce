package replica

import (
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// What TestAnswersEqualAPlainLoop does with snapshots.

// snapshot lets the keeper make a snapshot, which may be cut off at any of its calls, and notes what is in it.
func (w *world) snapshot(t *rapid.T) {
	before := w.shelf.records[testTenant].Current.Generation
	if cut := rapid.IntRange(-6, 12).Draw(t, "cut off after"); cut >= 0 {
		first := w.shelf.calls
		w.shelf.before = func(call int, _ string) error {
			if call-first > cut {
				return errShelf
			}
			return nil
		}
	}
	var r Report
	_, err := w.keeper.Keep(t.Context(), testTenant, &r)
	cut := w.shelf.before != nil
	w.shelf.before = nil
	if err != nil && !cut {
		t.Fatalf("Keep: %v", err)
	}
	now := w.keeper.config.Now()
	current := w.shelf.records[testTenant].Current
	if current.Generation == before || current.Generation == 0 {
		return
	}
	read := w.readSnapshot(t, &current)
	// Whatever the keeper began with, a copy is what the feed shows.
	m := newModel()
	for _, c := range w.feed.visible(-1, time.Time{}) {
		m.learn(c)
	}
	versions := map[roster.UserID]int64{}
	for id, u := range m.users {
		if !u.Expired(now) {
			versions[id] = u.Revision.Version
		}
	}
	if diff := cmp.Diff(versions, read); diff != "" {
		t.Fatalf("the versions in a snapshot (-want +got):\n%s", diff)
	}
	w.saved[current.Generation] = m
}

// readSnapshot returns the version of each user in a snapshot.
func (w *world) readSnapshot(t *rapid.T, c *roster.SnapshotCopy) map[roster.UserID]int64 {
	stored := &written{}
	for number := range c.Chunks {
		stored.chunks = append(stored.chunks, w.shelf.chunks[place{testTenant, c.Slot, number}].Data)
	}
	read, err := stored.read(c.Index)
	if err != nil {
		t.Fatalf("a snapshot that was just written: %v", err)
	}
	versions := map[roster.UserID]int64{}
	users, _, _, _ := everybody(read.state)
	for i := range users {
		versions[users[i].ID] = users[i].Revision.Version
	}
	return versions
}

// snapshotRots flips a bit of the snapshot that readers find.
func (w *world) snapshotRots(t *rapid.T) {
	if !w.shelf.rot(testTenant, rapid.IntRange(0, 1<<20).Draw(t, "at"), rapid.IntRange(0, 7).Draw(t, "bit")) {
		t.Skip("there is no snapshot")
	}
}

// environmentEnds makes a follower forget what it has, but not what it has just written.
func (w *world) environmentEnds(t *rapid.T) {
	o := w.someFollower(t)
	o.Wait()
	f := o.acquire(testTenant)
	f.drop()
	o.release(f)
	o.looked = time.Time{}
}
