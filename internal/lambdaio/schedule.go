package lambdaio

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// ScheduleHandler is a Lambda function that EventBridge calls on a schedule. What the event says is of no interest. Its error has Lambda
// call it again, twice at most, before the next time comes.
type ScheduleHandler func(ctx context.Context, event []byte) error

// ScheduleOptions are the settings of Schedule. The zero value is useful.
type ScheduleOptions struct {
	// Margin is how long before Lambda's own deadline the work's context ends. Zero means DefaultMargin.
	Margin time.Duration
	// Log receives one line per call; nil means slog.Default.
	Log *slog.Logger
	// Now tells the time, for the duration in the log; nil means time.Now.
	Now func() time.Time
}

// Schedule returns a Lambda function that does work whenever it is called. Work must end when its context does, and come to be done by
// being called again; it returns facts for the log line. One that panics fails.
func Schedule(work func(ctx context.Context) ([]slog.Attr, error), options ScheduleOptions) ScheduleHandler {
	if options.Margin == 0 {
		options.Margin = DefaultMargin
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return func(ctx context.Context, _ []byte) error {
		begin := options.Now()
		meter := new(roster.Meter)
		deadline, cancel := answerDeadline(ctx, options.Margin)
		defer cancel()
		facts, err := doWork(roster.WithMeter(deadline, meter), work)
		cost := meter.Cost()
		facts = append(facts,
			slog.Duration("duration", options.Now().Sub(begin)), slog.Int("tableCalls", cost.Calls),
			slog.Float64("readUnits", cost.Reads), slog.Float64("writeUnits", cost.Writes),
		)
		if err != nil {
			options.Log.LogAttrs(ctx, slog.LevelError, "scheduled work failed", append(facts, slog.String("error", err.Error()))...)
			return err
		}
		options.Log.LogAttrs(ctx, slog.LevelInfo, "scheduled work", facts...)
		return nil
	}
}

// Invoke takes an event given as JSON, as the Lambda runtime calls it. Nobody reads what it answers.
func (h ScheduleHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if err := h(ctx, payload); err != nil {
		return nil, err
	}
	return []byte("null"), nil
}

// doWork is work, with a panic turned into an error.
func doWork(ctx context.Context, work func(ctx context.Context) ([]slog.Attr, error)) (facts []slog.Attr, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("the work panicked: %v\n%s", failure, debug.Stack())
		}
	}()
	return work(ctx)
}
