package roster_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

func TestMeterAddsUp(t *testing.T) {
	var none *roster.Meter
	none.Add(roster.Cost{Calls: 1})
	if got := roster.MeterFrom(t.Context()).Cost(); got != (roster.Cost{}) {
		t.Errorf("no meter has counted %v", got)
	}
	m := &roster.Meter{}
	ctx := roster.WithMeter(context.Background(), m)
	roster.MeterFrom(ctx).Add(roster.Cost{Calls: 1, Reads: 0.5, Time: time.Millisecond})
	roster.MeterFrom(ctx).Add(roster.Cost{Calls: 2, Writes: 2, TableWrites: 1})
	want := roster.Cost{Calls: 3, Reads: 0.5, Writes: 2, TableWrites: 1, Time: time.Millisecond}
	if diff := cmp.Diff(want, m.Cost()); diff != "" {
		t.Errorf("Cost (-want +got):\n%s", diff)
	}
}

func TestCallsSideBySideShareTheirTime(t *testing.T) {
	m := &roster.Meter{}
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	m.Begin(at(0))
	m.Begin(at(2))
	m.End(at(5))
	m.End(at(7))
	m.Begin(at(10))
	m.End(at(11))
	if got := m.Cost(); got.Calls != 3 || got.Time != 8*time.Millisecond {
		t.Errorf("Cost() = %+v, want 3 calls and 8ms", got)
	}
}
