// Package changes puts the Lambda together that keeps the audit trail: it reads the table's stream and writes what is to be told of
// each change. What a record of the stream tells of, and where an entry goes, is in package dynamo; how records are taken from a batch
// and given back is in package lambdaio.
package changes

import (
	"context"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/lambdaio"
)

// New returns the Lambda of the audit trail. It makes no call ahead of the first batch: nobody waits for it. The error names
// everything that is wrong with the configuration.
func New(_ context.Context, env app.Environment) (lambdaio.StreamHandler, error) {
	config, err := app.Load(env.Getenv, app.Retention)
	if err != nil {
		return nil, err
	}
	log := config.Logger(env.Log)
	table := config.NewTable(env.Now, log)
	keep := func(ctx context.Context, record []byte) error {
		entries, err := dynamo.AuditOf(record)
		if err != nil || len(entries) == 0 {
			return err
		}
		return table.PutAudit(ctx, entries)
	}
	return lambdaio.Stream(keep, lambdaio.StreamOptions{Log: log, Now: env.Now}), nil
}
