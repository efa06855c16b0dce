package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rosterhq/roster/infra/local/gateway"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// startSchedules calls the functions that the template has a schedule for, as often as it says, until the returned function is called,
// which waits for what is under way.
func (s *server) startSchedules(ctx context.Context, functions map[string]gateway.Function) func() {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, schedule := range s.template.Schedules {
		running.Go(func() { s.runSchedule(ctx, schedule, functions[schedule.Function]) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// runSchedule calls a function again and again, one call at a time.
func (s *server) runSchedule(ctx context.Context, schedule samtemplate.Schedule, to gateway.Function) {
	ticker := time.NewTicker(schedule.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.invoke(ctx, schedule.Function, to, scheduledEvent(s.now())); err != nil && ctx.Err() == nil {
			fmt.Fprintf(s.stderr, "%s: %v\n", schedule.Function, err)
		}
	}
}

// scheduledEvent returns what EventBridge gives a function on a schedule.
func scheduledEvent(now time.Time) []byte {
	return fmt.Appendf(nil, `{"version":"0","id":"00000000-0000-4000-8000-000000000000","detail-type":"Scheduled Event","source":"aws.events",`+
		`"account":"000000000000","time":%q,"region":"local","resources":[],"detail":{}}`, now.UTC().Format(time.RFC3339))
}
