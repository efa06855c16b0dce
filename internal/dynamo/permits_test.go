package dynamo_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestPermitsAreLeasedUpToTheLimit(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(time.Date(2100, time.January, 31, 22, 4, 5, 0, time.UTC)) // late enough for the true clock to expire nothing
	minute := w.clock.Now().Truncate(time.Minute)
	lease := func(org roster.OrgID, at time.Time, permits int64) [2]int64 {
		t.Helper()
		leased, taken, err := w.LeasePermits(t.Context(), roster.PermitLease{Tenant: 7, Org: org, Minute: at, Permits: permits, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		return [2]int64{leased, taken}
	}
	for i, step := range []struct {
		org     roster.OrgID
		at      time.Time
		permits int64
		want    [2]int64
	}{
		{9, minute, 66, [2]int64{66, 66}},
		{9, minute, 30, [2]int64{30, 96}},
		{9, minute, 66, [2]int64{4, 100}}, // what was left
		{9, minute, 1, [2]int64{0, 100}},
		{9, minute, 66, [2]int64{0, 100}},
		{10, minute, 100, [2]int64{100, 100}}, // another organization
		{10, minute, 1, [2]int64{0, 100}},
		{9, minute.Add(time.Minute), 1, [2]int64{1, 1}}, // the next minute
	} {
		if got := lease(step.org, step.at, step.permits); got != step.want {
			t.Errorf("step %d: leased and taken %v, want %v", i, got, step.want)
		}
	}
	item := w.raw(t, "T#7#RATE#9 MINUTE#2100-01-31T22:04")
	expires, ok := item["expiresAt"].(*types.AttributeValueMemberN)
	if !ok || expires.Value != "4105119840" { // 23:04
		t.Errorf("the count expires at %v", item["expiresAt"])
	}
	cost := rostertest.CostOf(t, func(ctx context.Context) error {
		_, _, err := w.LeasePermits(ctx, roster.PermitLease{Tenant: 7, Org: 9, Minute: minute.Add(time.Minute), Permits: 66, Limit: 100})
		return err
	})
	if cost.Calls != 1 || cost.Writes != 1 || cost.Reads != 0 {
		t.Errorf("a lease costs %+v, want one write unit", cost)
	}
	w.mustFit(t)
}

// TestALostLeaseIsLostToEverybody loses the answer to a lease, which the SDK then repeats.
func TestALostLeaseIsLostToEverybody(t *testing.T) {
	faults := rostertest.NewFaults(1, rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "UpdateItem", Times: 1})
	table := rostertest.TableWith(t, dynamo.Options{}, rostertest.WithTransport(faults))
	lease := roster.PermitLease{Tenant: 7, Org: 9, Minute: time.Now().UTC().Truncate(time.Minute), Permits: 40, Limit: 100}
	for i, want := range [][2]int64{{40, 80}, {20, 100}, {0, 100}} {
		leased, taken, err := table.LeasePermits(t.Context(), lease)
		if got := [2]int64{leased, taken}; err != nil || got != want {
			t.Errorf("lease %d: leased and taken %v, %v, want %v", i, got, err, want)
		}
	}
}
