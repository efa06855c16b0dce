package app

import (
	"testing"
	"time"
)

func TestRetriesDoNotWaitInStep(t *testing.T) {
	retryer := Retryer()
	if n := retryer.MaxAttempts(); n != 4 {
		t.Errorf("MaxAttempts = %d, want 4", n)
	}
	for attempt, most := range map[int]time.Duration{1: 50 * time.Millisecond, 2: 100 * time.Millisecond, 3: 200 * time.Millisecond} {
		waits := map[time.Duration]bool{}
		for range 100 {
			wait, err := retryer.RetryDelay(attempt, nil)
			if err != nil || wait < 0 || wait >= most {
				t.Fatalf("after try %d RetryDelay = %v, %v, want less than %v", attempt, wait, err, most)
			}
			waits[wait] = true
		}
		if len(waits) < 50 {
			t.Errorf("after try %d there are %d different waits of 100", attempt, len(waits))
		}
	}
}
