package dynamo_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// TestCheckFindsInCountsOfRequests breaks one thing after the other.
func TestCheckFindsInCountsOfRequests(t *testing.T) {
	w := newWorld(t)
	minute := w.clock.Now().Truncate(time.Minute)
	if _, _, err := w.LeasePermits(t.Context(), roster.PermitLease{Tenant: 7, Org: 9, Minute: minute, Permits: 5, Limit: 100}); err != nil {
		t.Fatal(err)
	}
	rate := "T#7#RATE#9 MINUTE#" + minute.Format("2006-01-02T15:04")
	whole := w.raw(t, rate)
	for name, tt := range map[string]struct {
		hurt func()
		want []string
	}{
		"nothing":            {func() {}, nil},
		"a count of nothing": {func() { w.putRaw(t, maps.Clone(whole), set("count", number("0"))) }, []string{"wrong attributes: " + rate}},
		"a count for ever":   {func() { w.putRaw(t, maps.Clone(whole), set("expiresAt", nil)) }, []string{"wrong expiry: " + rate}},
	} {
		tt.hurt()
		if found, _ := w.found(t); !slices.Equal(found, tt.want) {
			t.Errorf("%s: it finds %q, want %q", name, found, tt.want)
		}
		w.putRaw(t, maps.Clone(whole), func(map[string]types.AttributeValue) {})
	}
	w.putRaw(t, maps.Clone(whole), set("sk", text("MINUTE#1")))
	if found, _ := w.found(t); !slices.Equal(found, []string{"wrong attributes: T#7#RATE#9 MINUTE#1"}) {
		t.Errorf("elsewhere: it finds %q", found)
	}
}
