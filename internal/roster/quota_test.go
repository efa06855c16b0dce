package roster_test

import (
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

func TestAQuotaThatIsUsedUpSaysWhenThereIsMore(t *testing.T) {
	east, west := time.FixedZone("east", 14*3600), time.FixedZone("west", -12*3600)
	q := roster.Quota{Tenant: 7, Counter: "invitations/8", Limit: 25, Noun: "invitations of this organization"}
	for _, test := range []struct {
		now  time.Time
		want time.Duration
	}{
		{time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), 24 * time.Hour},
		{time.Date(2026, 5, 1, 23, 59, 59, 999e6, time.UTC), time.Millisecond},
		{time.Date(2026, 12, 31, 18, 0, 0, 0, time.UTC), 6 * time.Hour},
		{time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC), 12 * time.Hour},
		// The day is that of UTC, whatever zone the clock is in.
		{time.Date(2026, 5, 2, 13, 0, 0, 0, east), time.Hour},
		{time.Date(2026, 5, 1, 13, 0, 0, 0, west), 23 * time.Hour},
	} {
		err := q.Err(test.now)
		if err.Kind != roster.KindTooMany || err.RetryAfter != test.want || err.Message != "too many invitations of this organization today" {
			t.Errorf("at %v: %v, again after %v, want %v", test.now, err, err.RetryAfter, test.want)
		}
	}
}
