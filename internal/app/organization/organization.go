// Package organization puts the Lambda of the organization dialect together (CONTRACT 1): its operations over the directory, the
// table and the replicas. What the operations do is in package directory, how they look on the wire in package
// api/organization.
package organization

import (
	"context"
	"time"

	"github.com/rosterhq/roster/internal/api"
	dialect "github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
)

// warmUp bounds what is done ahead of the first request.
const warmUp = 2 * time.Second

// New returns the Lambda of the organization dialect. It calls the table once ahead of the first request, which then finds a
// connection open: the first handshake costs more CPU than all the rest of a cold start (SEARCH.md, section C). The error names
// everything that is wrong with the configuration.
func New(ctx context.Context, env app.Environment) (lambdaio.Handler, error) {
	config, err := app.Load(env.Getenv, app.Replica, app.Retention, app.Requests)
	if err != nil {
		return nil, err
	}
	log := config.Logger(env.Log)
	table := config.NewTable(env.Now, log)
	ctx, cancel := context.WithTimeout(ctx, warmUp)
	defer cancel()
	// A read unit for an organization that is not there.
	if _, err := table.Organization(ctx, 0, 0); roster.KindOf(err) != roster.KindNotFound {
		log.WarnContext(ctx, "the table could not be reached ahead of the first request", "error", err)
	}
	replicas := replica.New(replica.Config{
		Feed:           table,
		Snapshots:      table,
		SnapshotMaxAge: config.SnapshotMaxAge(),
		SnapshotUsers:  config.SnapshotUsers,
		Now:            env.Now,
		MaxAge:         config.ReplicaMaxAge,
		Overlap:        config.ReplicaOverlap,
		MemoryBudget:   config.ReplicaMemory,
		Log:            log,
	})
	handler := dialect.New(
		directory.New(directory.Ports{
			Users: table, Organizations: table, Roles: table, Writes: table, Audit: table, Search: search{replicas},
			HashPassword: oauth2.HashPassword, Now: env.Now,
		}),
		api.Options{Log: log, Now: env.Now, ReplicaAge: ageIn(replicas), Quota: config.NewQuota(table, env.Now)},
	)
	return lambdaio.HTTP(handler, lambdaio.Options{Identify: identify, BasePath: config.BasePath, Log: app.RequestLogger(log)}), nil
}

// search is the replicas as package directory sees them.
type search struct{ *replica.Replicas }

// View returns the tenant as one look at it shows it.
func (s search) View(ctx context.Context, tenant roster.TenantID) (directory.View, error) {
	return s.Replicas.View(ctx, tenant)
}

// identify tells the dialect, and the log of this function, whose request it is.
func identify(ctx context.Context, caller lambdaio.Caller) context.Context {
	ctx = api.WithRequestID(app.WithRequestID(ctx, caller.RequestID), caller.RequestID)
	if caller.Principal == nil {
		return ctx
	}
	return api.WithPrincipal(ctx, *caller.Principal)
}

// ageIn returns the age of a tenant's replica, for log lines.
func ageIn(replicas *replica.Replicas) func(roster.TenantID) (time.Duration, bool) {
	return func(tenant roster.TenantID) (time.Duration, bool) {
		stats, ok := replicas.Stats(tenant)
		return stats.Age, ok
	}
}
