package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rosterhq/roster/infra/local/gateway"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// scheduled is a function that counts its calls, and fails at the first.
type scheduled struct{ calls atomic.Int64 }

func (f *scheduled) Invoke(_ context.Context, event []byte) ([]byte, error) {
	var e struct{ Source, Time string }
	if err := json.Unmarshal(event, &e); err != nil || e.Source != "aws.events" || e.Time == "" {
		return nil, errors.Join(err, errors.New("no event of EventBridge: "+string(event)))
	}
	if f.calls.Add(1) == 1 {
		return nil, errors.New("not yet")
	}
	return nil, nil
}

func TestFunctionsAreCalledOnTheirSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &scheduled{}
		s := &server{process: process{stderr: io.Discard, now: time.Now}, template: &samtemplate.Template{
			Schedules: []samtemplate.Schedule{{Function: "SnapshotsFunction", Every: 15 * time.Minute}},
		}}
		stop := s.startSchedules(t.Context(), map[string]gateway.Function{"SnapshotsFunction": f})
		time.Sleep(46 * time.Minute)
		stop()
		time.Sleep(time.Hour)
		if got := f.calls.Load(); got != 3 {
			t.Errorf("in 46 minutes and none after, the function was called %d times, want 3", got)
		}
	})
}
