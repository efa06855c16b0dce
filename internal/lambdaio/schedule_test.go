package lambdaio

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestScheduledWork(t *testing.T) {
	failure := errors.New("the list cannot be read")
	for name, c := range map[string]struct {
		work func(context.Context) ([]slog.Attr, error)
		err  string
		log  string
	}{
		"done":   {func(context.Context) ([]slog.Attr, error) { return []slog.Attr{slog.Int("written", 3)}, nil }, "", "written=3"},
		"failed": {func(context.Context) ([]slog.Attr, error) { return []slog.Attr{slog.Int("written", 3)}, failure }, failure.Error(), "written=3"},
		"panics": {func(context.Context) ([]slog.Attr, error) { panic("no such slot") }, "no such slot", "level=ERROR"},
	} {
		var log bytes.Buffer
		h := Schedule(c.work, ScheduleOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
		_, err := h.Invoke(t.Context(), []byte(`{"source":"aws.events"}`))
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: the error is %v, want %q", name, err, c.err)
		}
		if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), c.log) || !strings.Contains(log.String(), "readUnits") {
			t.Errorf("%s: the log says %q, want one line with %q", name, log.String(), c.log)
		}
	}
}

func TestScheduledWorkEndsAheadOfTheDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var left time.Duration
	h := Schedule(func(ctx context.Context) ([]slog.Attr, error) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return nil, nil
	}, ScheduleOptions{Log: slog.New(slog.DiscardHandler), Margin: time.Minute})
	if _, err := h.Invoke(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if left > 59*time.Minute || left < 58*time.Minute {
		t.Errorf("with an hour left, work has %v, want a minute less", left)
	}
}
