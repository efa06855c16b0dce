package dynamo_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// snapshotOf returns a record with something in every field.
func (w *world) snapshotOf(version int64) roster.Snapshot {
	now := w.clock.Now()
	return roster.Snapshot{
		Tenant: 7, Version: version,
		Current: roster.SnapshotCopy{
			Generation: 1 << 52, Slot: roster.SlotB, Chunks: 3, Format: "1/15.0.0", Watermark: now, WrittenAt: now.Add(time.Second),
			ExpiresAt: now.Add(72 * time.Hour), Users: 12_345, Size: 999, Index: []byte{0, 1, 255},
		},
		Lease: roster.SnapshotLease{Generation: 1<<52 + 1, Until: now.Add(time.Minute)},
	}
}

func TestRecordsOfSnapshotsAreWrittenOneAfterTheOther(t *testing.T) {
	w, faults := faultyWorld(t)
	_, err := w.Snapshot(t.Context(), 7)
	wantKind(t, "no snapshot", err, roster.KindNotFound)
	faults.Set(rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "PutItem", Times: 1}) // its own work is no conflict
	first := w.snapshotOf(1)
	if err := w.PutSnapshot(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Snapshot(t.Context(), 7); err != nil || !gocmp.Equal(got, first) {
		t.Errorf("the record is %+v, %v, want %+v", got, err, first)
	}
	second, late := w.snapshotOf(2), w.snapshotOf(2)
	late.Current.Users++
	if err := w.PutSnapshot(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	for _, version := range []int64{1, 2, 4} {
		late.Version = version
		if err := w.PutSnapshot(t.Context(), late); !errors.Is(err, roster.ErrVersionChanged) {
			t.Errorf("version %d over version 2 gives %v", version, err)
		}
	}
	bare := roster.Snapshot{Tenant: 7, Version: 3}
	if err := w.PutSnapshot(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Snapshot(t.Context(), 7); err != nil || !gocmp.Equal(got, bare) {
		t.Errorf("the record is %+v, %v, want %+v", got, err, bare)
	}
	w.mustFit(t)
}

func TestChunksGiveWayToLaterOnesOnly(t *testing.T) {
	w := newWorld(t)
	_, err := w.SnapshotChunk(t.Context(), 7, roster.SlotA, 0)
	wantKind(t, "no chunk", err, roster.KindNotFound)
	chunk := func(generation int64, data []byte) roster.SnapshotChunk {
		return roster.SnapshotChunk{Tenant: 7, Slot: roster.SlotA, Number: 12, Generation: generation, ExpiresAt: w.clock.Now().Add(time.Hour), Data: data}
	}
	full := bytes.Repeat([]byte{0, '"', '\\', 255, 'x'}, roster.MaxSnapshotChunk/5)
	for _, data := range [][]byte{[]byte("first"), []byte("again"), full} {
		if err := w.PutSnapshotChunk(t.Context(), chunk(5, data)); err != nil {
			t.Fatal(err)
		}
		meter := new(roster.Meter)
		got, err := w.SnapshotChunk(roster.WithMeter(t.Context(), meter), 7, roster.SlotA, 12)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("a chunk of %d bytes reads as %d bytes, %v", len(data), len(got), err)
		}
		if cost, most := meter.Cost(), 0.5*float64(len(data)/4096+1)+0.5; cost.Reads <= 0 || cost.Reads > most {
			t.Errorf("a chunk of %d bytes took %v RRU, want at most %v", len(data), cost.Reads, most)
		}
	}
	if err := w.PutSnapshotChunk(t.Context(), chunk(4, nil)); !errors.Is(err, roster.ErrVersionChanged) {
		t.Errorf("an earlier generation over a later gives %v", err)
	}
	if err := w.PutSnapshotChunk(t.Context(), chunk(6, make([]byte, roster.MaxSnapshotChunk+1))); err == nil {
		t.Error("a chunk that is too large was stored")
	}
	w.mustFit(t)
}

func TestWhatIsDueIsFoundInOrder(t *testing.T) {
	w := newWorld(t)
	now := w.clock.Now()
	due := func(tenant roster.TenantID, after time.Duration) roster.SnapshotDue {
		return roster.SnapshotDue{Tenant: tenant, At: now.Add(after)}
	}
	all := []roster.SnapshotDue{due(9, -time.Hour), due(7, -time.Minute), due(8, 0), due(7, time.Millisecond)}
	for _, d := range append([]roster.SnapshotDue{all[2]}, all...) { // one of them twice
		if err := w.PutSnapshotDue(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	w.mustFit(t)
	for limit, want := range map[int][]roster.SnapshotDue{10: all[:3], 2: all[:2]} {
		if got, err := w.SnapshotsDue(t.Context(), now, limit); err != nil || !slices.Equal(got, want) {
			t.Errorf("due, up to %d, are %v, %v, want %v", limit, got, err, want)
		}
	}
	for range 2 { // again is no error
		if err := w.RemoveSnapshotDue(t.Context(), all[0]); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := w.SnapshotsDue(t.Context(), now, 10); err != nil || !slices.Equal(got, all[1:3]) {
		t.Errorf("left are %v, %v, want %v", got, err, all[1:3])
	}
}

// No feed, list or count shows a snapshot.
func TestSnapshotsAreInNoIndex(t *testing.T) {
	w := newWorld(t)
	before := w.changes(t, time.Time{})
	if err := w.PutSnapshot(t.Context(), w.snapshotOf(1)); err != nil {
		t.Fatal(err)
	}
	if err := w.PutSnapshotChunk(t.Context(), roster.SnapshotChunk{Tenant: 7, Slot: roster.SlotA, Generation: 1, Data: []byte("x"), ExpiresAt: w.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(before, w.changes(t, time.Time{})); diff != "" {
		t.Errorf("the feed shows more (-before +after):\n%s", diff)
	}
}

// A shard that refuses is read more slowly, from the page it refused, and then to its end.
func TestAThrottledFeedIsReadToItsEnd(t *testing.T) {
	w, faults := faultyWorld(t)
	for n := range 8 {
		w.create(t, w.child, 101+n*4)
	}
	var pauses []time.Duration
	table := dynamo.New(rostertest.Client(t, rostertest.WithTransport(faults), hasty), w.name, dynamo.Options{
		Now: w.clock.Now, Pause: func(_ context.Context, d time.Duration) error {
			pauses = append(pauses, d)
			return nil
		},
	})
	read := func() (seen int, err error) {
		err = table.Changes(t.Context(), 7, 1, time.Time{}, func(roster.Change) error {
			seen++
			return nil
		})
		return seen, err
	}
	want, err := read()
	if err != nil || want < 8 || len(pauses) != 0 {
		t.Fatalf("the shard shows %d, %v after the pauses %v", want, err, pauses)
	}
	faults.Set(rostertest.Fault{Kind: rostertest.Throttled, Operation: "Query", Times: 7}) // more than the SDK tries
	if seen, err := read(); err != nil || seen != want {
		t.Errorf("throttled for a while, the shard shows %d, %v, want %d", seen, err, want)
	}
	if len(pauses) == 0 || slices.Max(pauses) > 400*time.Millisecond {
		t.Errorf("the pauses were %v", pauses)
	}
	faults.Set(rostertest.Fault{Kind: rostertest.Throttled, Operation: "Query"})
	pauses = nil
	_, err = read()
	wantKind(t, "a shard that is throttled without end", err, roster.KindUnavailable)
	if len(pauses) > 10 {
		t.Errorf("it was tried again %d times", len(pauses))
	}
}
