// Package snapshots puts the Lambda together that keeps snapshots of large tenants: on a schedule it looks after those that are due. What a
// snapshot is, and when one is worth writing, is in package replica; where it stands is in package dynamo.
package snapshots

import (
	"context"
	"log/slog"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/replica"
)

// margin is what is kept back of the time of a call, for what a Keeper does after its context has ended, two seconds' work, and the log.
const margin = 5 * time.Second

// New returns the Lambda that keeps snapshots. It makes no call ahead of the first event: nobody waits for it. The error names everything
// that is wrong with the configuration.
func New(_ context.Context, env app.Environment) (lambdaio.ScheduleHandler, error) {
	config, err := app.Load(env.Getenv, app.Replica, app.Retention)
	if err != nil {
		return nil, err
	}
	log := config.Logger(env.Log)
	table := config.NewTable(env.Now, log)
	keeper := replica.NewKeeper(replica.KeeperConfig{
		Feed: table, Store: table, Now: env.Now, Overlap: config.ReplicaOverlap, MaxAge: config.SnapshotMaxAge(),
		MinUsers: config.SnapshotUsers, MemoryBudget: config.ReplicaMemory, Log: log,
	})
	keep := func(ctx context.Context) ([]slog.Attr, error) {
		r, err := keeper.KeepDue(ctx)
		return []slog.Attr{
			slog.Int("written", r.Written), slog.Int("renewed", r.Renewed), slog.Int("fresh", r.Fresh), slog.Int("small", r.Small),
			slog.Int("busy", r.Busy), slog.Int("failed", r.Failed), slog.Int("chunks", r.Chunks), slog.Int64("bytes", r.Size),
		}, err
	}
	return lambdaio.Schedule(keep, lambdaio.ScheduleOptions{Margin: margin, Log: log, Now: env.Now}), nil
}
