package roster_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

func TestKindOf(t *testing.T) {
	cause := errors.New("socket closed")
	wrapped := fmt.Errorf("reading user 7: %w", roster.Unavailable("try again", cause))
	if got := roster.KindOf(wrapped); got != roster.KindUnavailable {
		t.Errorf("KindOf(wrapped) = %v, want unavailable", got)
	}
	if !errors.Is(wrapped, cause) {
		t.Error("the cause is lost")
	}
	if got := roster.KindOf(cause); got != roster.KindInternal {
		t.Errorf("KindOf(unknown) = %v, want internal", got)
	}
}

func TestFieldErrors(t *testing.T) {
	var errs roster.FieldErrors
	if errs.Err() != nil {
		t.Errorf("Err() of nothing = %v, want nil", errs.Err())
	}
	errs.Add("page", "must not be negative")
	errs.Add("size", "must be between 1 and 1000")
	if got, want := errs.Err().(*roster.Error).Message, "page must not be negative; size must be between 1 and 1000"; got != want {
		t.Errorf("Message = %q, want %q", got, want)
	}
}

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
