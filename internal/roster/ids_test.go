package roster_test

import (
	"encoding/json"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

func TestUserIDsOfOneSourceGrowAndNeverRepeat(t *testing.T) {
	// The clock stands still and even steps back: ids must still grow.
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	calls := 0
	source := roster.IDSource{Now: func() time.Time {
		calls++
		if calls%3000 == 0 {
			now = now.Add(-time.Second)
		}
		return now
	}}
	last := roster.UserID(0)
	for range 20_000 {
		id := source.NewUserID()
		if id <= last {
			t.Fatalf("NewUserID() = %d after %d, want a larger id", id, last)
		}
		last = id
	}
	if last > roster.MaxUserID {
		t.Errorf("NewUserID() = %d, want at most %d", last, roster.MaxUserID)
	}
}

func TestUserIDCarriesItsTime(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 30, 15, 250e6, time.UTC)
	source := roster.IDSource{Now: func() time.Time { return now }}
	if got := source.NewUserID().Time(); !got.Equal(now) {
		t.Errorf("NewUserID().Time() = %v, want %v", got, now)
	}
}

func TestUserIDsSurviveAsJSONNumbers(t *testing.T) {
	source := roster.IDSource{}
	for range 1000 {
		id := source.NewUserID()
		text, err := json.Marshal(float64(id))
		if err != nil {
			t.Fatal(err)
		}
		var back float64
		if err := json.Unmarshal(text, &back); err != nil || roster.UserID(back) != id {
			t.Fatalf("%d through a float64 = %v (%v)", id, back, err)
		}
	}
	if roster.MaxUserID+2 == roster.UserID(math.Nextafter(float64(roster.MaxUserID)+1, math.Inf(1))) {
		t.Error("MaxUserID leaves room above 2^53")
	}
}

func TestIDSourceIsSafeForConcurrentUse(t *testing.T) {
	source := roster.IDSource{}
	ids := make(chan roster.UserID, 8000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				ids <- source.NewUserID()
				if source.NewOrgID() <= 0 {
					t.Error("NewOrgID() is not positive")
				}
			}
		})
	}
	wg.Wait()
	close(ids)
	seen := map[roster.UserID]bool{}
	for id := range ids {
		if seen[id] {
			t.Fatalf("id %d was made twice", id)
		}
		seen[id] = true
	}
}

func TestUserIDEpochLastsBeyond2090(t *testing.T) {
	end := roster.MaxUserID.Time()
	if end.Year() < 2090 {
		t.Errorf("the last id is of %v, want 2090 or later", end)
	}
}
