// Package notifications puts the Lambda of push messages together: the operations that record one, and that register a device
// (CONTRACT 1). What they do is in package directory, how they look on the wire in package api/organization, and how a device gets
// its address at the push service in package sender/endpoints. The messages are sent by the courier.
package notifications

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/sender/endpoints"
)

// warmUp bounds what is done ahead of the first request.
const warmUp = 2 * time.Second

// New returns the Lambda. It calls the table once ahead of the first request, which then finds a connection open. The error names
// everything that is wrong with the configuration.
func New(ctx context.Context, env app.Environment) (lambdaio.Handler, error) {
	config, err := app.Load(env.Getenv, app.Retention, app.Push, app.Requests)
	if err != nil {
		return nil, err
	}
	log := config.Logger(env.Log)
	table := config.NewTable(env.Now, log)
	ctx, cancel := context.WithTimeout(ctx, warmUp)
	defer cancel()
	// A read for a device that nobody has.
	if _, err := table.DeviceByHash(ctx, roster.DeviceHash{}); roster.KindOf(err) != roster.KindNotFound {
		log.WarnContext(ctx, "the table could not be reached ahead of the first request", "error", err)
	}
	devices := endpoints.New(sns.NewFromConfig(config.AWS(config.SNSEndpoint)), endpoints.Applications{
		FCM: config.PushFCM, APNS: config.PushAPNS, APNSSandbox: config.PushAPNSSandbox,
	})
	handler := organization.NewNotifications(
		directory.New(directory.Ports{
			Users: table, Organizations: table, Roles: table, Devices: table, Notifications: table, Endpoints: devices, Now: env.Now,
		}),
		api.Options{Log: log, Now: env.Now, Quota: config.NewQuota(table, env.Now)},
	)
	return lambdaio.HTTP(handler, lambdaio.Options{Identify: identify, BasePath: config.BasePath, Log: app.RequestLogger(log)}), nil
}

// identify tells the dialect, and the log of this function, whose request it is.
func identify(ctx context.Context, caller lambdaio.Caller) context.Context {
	ctx = api.WithRequestID(app.WithRequestID(ctx, caller.RequestID), caller.RequestID)
	if caller.Principal == nil {
		return ctx
	}
	return api.WithPrincipal(ctx, *caller.Principal)
}
