// Package courier puts the Lambda together that sends mail and push messages: it reads the table's stream and delivers what was
// recorded to be sent. What a record of the stream tells of is in package dynamo, what is sent and marked in package delivery, and how
// SES, SNS and SQS are called in package sender. This is the only function that can send.
package courier

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/sender"
)

// batch is how many records are under way at a time: all that the stream's mapping gives at once, since most of them wait. How many
// messages are is the courier's to say.
const batch = 100

// New returns the courier. It makes no call ahead of the first batch: nobody waits for it. The error names everything that is wrong
// with the configuration.
func New(_ context.Context, env app.Environment) (lambdaio.StreamHandler, error) {
	config, err := app.Load(env.Getenv, app.Mail, app.Push, app.Refusals)
	if err != nil {
		return nil, err
	}
	log := config.Logger(env.Log)
	courier, err := delivery.NewCourier(delivery.Config{
		Store: config.NewTable(env.Now, log),
		Mailer: sender.NewSES(sesv2.NewFromConfig(config.AWS(config.SESEndpoint)), sender.SESConfig{
			From: config.MailFrom, ReplyTo: config.MailReplyTo, ConfigurationSet: config.MailConfigurationSet,
		}),
		Pusher: sender.NewSNS(sns.NewFromConfig(config.AWS(config.SNSEndpoint)), sender.Applications{
			FCM: config.PushFCM, APNS: config.PushAPNS, APNSSandbox: config.PushAPNSSandbox,
		}),
		Refusals: sender.NewQueue(sqs.NewFromConfig(config.AWS(config.SQSEndpoint)), config.RefusalsQueue),
		LinkBase: config.LinkBase,
		Now:      env.Now,
		Log:      log,
	})
	if err != nil {
		return nil, err
	}
	deliver := func(ctx context.Context, record []byte) error {
		outgoing, ours, err := dynamo.OutgoingOf(record)
		if err != nil {
			return courier.GiveUp(ctx, lambdaio.SequenceNumber(record), err)
		}
		if !ours {
			return nil
		}
		return courier.Deliver(ctx, outgoing)
	}
	// Each message on its own: a mail that SES does not take now must not hold up the push messages behind it. The item says what was
	// sent already, so those that are delivered again because of another do nothing.
	return lambdaio.Stream(deliver, lambdaio.StreamOptions{Parallel: batch, Log: log, Now: env.Now}), nil
}
