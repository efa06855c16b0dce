// Package bounces puts the Lambda together that hears what became of mail: it reads the topic of the mail service and marks what came
// back, or was reported as unwanted. What a message of the topic says is in package delivery, what is marked in package dynamo.
package bounces

import (
	"context"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/lambdaio"
)

// New returns the Lambda. It makes no call ahead of the first message: nobody waits for it. The error names everything that is wrong
// with the configuration.
func New(_ context.Context, env app.Environment) (lambdaio.TopicHandler, error) {
	config, err := app.Load(env.Getenv, app.Retention)
	if err != nil {
		return nil, err
	}
	log := config.Logger(env.Log)
	table := config.NewTable(env.Now, log)
	mark := func(ctx context.Context, message []byte) error {
		feedback, err := delivery.ParseFeedback(message)
		if err != nil {
			return err
		}
		for _, f := range feedback {
			if err := table.RecordFeedback(ctx, f); err != nil {
				return err
			}
			log.WarnContext(ctx, "mail failed after it was sent", "tenant", f.Ref.Tenant.String(), "kind", f.Ref.Purpose.String(),
				"id", f.ID.String(), "user", f.Ref.User.String(), "delivery", f.Delivery.String(), "reason", f.Reason)
		}
		return nil
	}
	return lambdaio.Topic(mark, lambdaio.TopicOptions{Log: log, Now: env.Now}), nil
}
