// Package tokens puts the Lambda of the token endpoints together: tokens, revocation, published keys and metadata. What the
// endpoints do is in package oauth2. This is the only function that can sign, and so the only one that links KMS.
package tokens

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/attempts"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/oauth2/kmssigner"
)

// warmUp bounds what is done ahead of the first request.
const warmUp = 2 * time.Second

// New returns the Lambda of the token endpoints. It publishes the signing key ahead of the first request; if that fails, the
// first request for a token does it. The error names everything that is wrong with the configuration.
func New(ctx context.Context, env app.Environment) (lambdaio.Handler, error) {
	config, err := app.Load(env.Getenv, app.Tokens, app.Signing, app.Requests)
	if err != nil {
		return nil, err
	}
	signer, err := newSigner(config)
	if err != nil {
		return nil, err
	}
	log := app.RequestLogger(config.Logger(env.Log))
	table := config.NewTable(env.Now, log)
	server, err := oauth2.NewServer(oauth2.Config{
		Store:           table,
		Signer:          signer,
		Issuer:          config.Issuer,
		Audience:        config.Audience,
		AccessTokenTTL:  config.AccessTokenTTL,
		RefreshTokenTTL: config.RefreshTokenTTL,
		Quota:           config.NewQuota(table, env.Now),
		Attempts:        attempts.New(table, env.Now),
		Now:             env.Now,
		Log:             log,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, warmUp)
	defer cancel()
	if err := server.PublishKey(ctx); err != nil {
		log.WarnContext(ctx, "the signing key could not be published ahead of the first request", "error", err.Error())
	}
	return lambdaio.HTTP(server.Handler(), lambdaio.Options{
		Identify: func(ctx context.Context, caller lambdaio.Caller) context.Context {
			return app.WithRequestID(ctx, caller.RequestID)
		},
		BasePath: config.BasePath,
		Log:      log,
	}), nil
}

func newSigner(config *app.Config) (oauth2.Signer, error) {
	if config.SigningKeyFile != "" {
		return oauth2.NewFileSigner(config.SigningKeyFile)
	}
	client := kms.New(kms.Options{
		Region: config.Region, Credentials: config.Provider(), HTTPClient: app.HTTPClient(), Retryer: app.Retryer(),
	})
	return kmssigner.New(client, config.SigningKey), nil
}
