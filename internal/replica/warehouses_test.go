package replica

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// A warehouse is known as it was last written, whatever order its versions come in, and survives the folds of users.
func TestWarehousesAreKnownByTheirNewestVersion(t *testing.T) {
	s := newStation(t, Config{})
	s.foldAt = func(uint32) uint32 { return 1 }
	warehouse := func(version int64, name string, active bool) roster.Warehouse {
		return roster.Warehouse{
			Tenant: testTenant, ID: 13, Name: name, Active: active, CreatedAt: testStart,
			Revision: roster.Revision{Version: version, ChangedAt: s.feed.now},
		}
	}
	opened, closed := warehouse(1, "East", true), warehouse(2, "East, closed", false)
	s.feed.put(roster.Change{Warehouse: &opened})
	if got, ok := s.view().Warehouse(13); !ok || got != opened {
		t.Errorf("Warehouse = %+v, %t, want\n%+v", got, ok, opened)
	}
	before := s.view()
	s.Apply(testTenant, roster.Change{Warehouse: &closed})
	s.Apply(testTenant, roster.Change{Warehouse: &opened}, roster.Change{User: user(1, "Ann", 1, s.feed.now)})
	s.Wait()
	if got, ok := s.view().Warehouse(13); !ok || got != closed {
		t.Errorf("after a newer version and an older one, Warehouse = %+v, %t, want\n%+v", got, ok, closed)
	}
	if got, _ := before.Warehouse(13); got != opened {
		t.Errorf("an earlier view shows %+v, want it as it was", got)
	}
	stamped := warehouse(3, "East", true)
	want := stamped
	stamped.Revision.Stamp = roster.Stamp{By: "rosterctl"} // no view shows it
	s.feed.put(roster.Change{Warehouse: &stamped})
	if got, ok := s.view().Warehouse(13); !ok || got != want {
		t.Errorf("Warehouse = %+v, %t, want\n%+v", got, ok, want)
	}
}

// What TestAnswersEqualAPlainLoop does with warehouses.

// warehouse opens, changes, closes, deletes or restores one.
func (w *world) warehouse(t *rapid.T) {
	i := rapid.IntRange(0, len(w.warehouses)-1).Draw(t, "warehouse")
	h := &w.warehouses[i]
	if h.ID == 0 {
		*h = roster.Warehouse{Tenant: testTenant, ID: roster.WarehouseID(20 + i), CreatedAt: w.now()}
	}
	h.Name = rapid.SampledFrom([]string{"East", "east", "Łódź", ""}).Draw(t, "name")
	h.Active, h.DeletedAt = rapid.Bool().Draw(t, "active"), time.Time{}
	if rapid.IntRange(0, 3).Draw(t, "deleted") == 0 {
		h.DeletedAt = w.now()
	}
	h.Revision = w.stamp(t, h.Revision)
	w.write(t, roster.Change{Warehouse: h})
}

// checkWarehouses compares the warehouses that a View shows with those that were known when it was taken.
func (w *world) checkWarehouses(t *rapid.T, v seenView) {
	for id := roster.WarehouseID(19); id <= 23; id++ {
		want, stands := v.model.warehouse(id)
		got, ok := v.Warehouse(id)
		if diff := cmp.Diff(want, got); ok != stands || ok && diff != "" {
			t.Fatalf("Warehouse(%d) = %t, want %t (-want +got):\n%s", id, ok, stands, diff)
		}
	}
}
