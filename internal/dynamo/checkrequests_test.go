package dynamo_test

import (
	"maps"
	"slices"
	"strings"
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

// TestCheckFindsInCountsOfWrongSecrets breaks one thing after the other.
func TestCheckFindsInCountsOfWrongSecrets(t *testing.T) {
	w := newWorld(t)
	now := w.clock.Now()
	if err := w.CountAttempt(t.Context(), roster.AttemptKey{1}, now, now.Add(time.Hour), true); err != nil {
		t.Fatal(err)
	}
	const count = "ATTEMPTS#0100000000000000000000000000000000000000000000000000000000000000 ATTEMPTS"
	whole := w.raw(t, count)
	for name, tt := range map[string]struct {
		change func(map[string]types.AttributeValue)
		want   []string
	}{
		"nothing":           {set("failures", number("7")), nil},
		"forgotten ones":    {set("failures", number("0")), nil},
		"fewer than none":   {set("failures", number("-1")), []string{"wrong attributes: " + count}},
		"what is no number": {set("failures", text("many")), []string{"unreadable item: " + count}},
		"a count for ever":  {set("expiresAt", nil), []string{"wrong expiry: " + count}},
	} {
		w.putRaw(t, maps.Clone(whole), tt.change)
		if found, _ := w.found(t); !slices.Equal(found, tt.want) {
			t.Errorf("%s: it finds %q, want %q", name, found, tt.want)
		}
	}
	w.putRaw(t, maps.Clone(whole), func(map[string]types.AttributeValue) {})
	for _, place := range [][2]string{{"ATTEMPTS#01", "ATTEMPTS"}, {"ATTEMPTS#" + strings.Repeat("AB", 32), "ATTEMPTS"}, {"ATTEMPTS#" + strings.Repeat("02", 32), "OTHERS"}} {
		w.putRaw(t, maps.Clone(whole), func(item map[string]types.AttributeValue) { item["pk"], item["sk"] = text(place[0]), text(place[1]) })
		if found, _ := w.found(t); !slices.Contains(found, "wrong attributes: "+place[0]+" "+place[1]) {
			t.Errorf("at %v: it finds %q", place, found)
		}
	}
}
