// Package authorizer puts the Lambda authorizer together: it verifies the access token of a request and says who it speaks for.
// How a token is verified is in package oauth2, how the verdict becomes a policy in package lambdaio.
package authorizer

import (
	"context"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/oauth2"
)

// warmUp bounds what is done ahead of the first request.
const warmUp = 2 * time.Second

// New returns the Lambda authorizer. It reads the published keys ahead of the first request; if that fails, the first request
// does it. The error names everything that is wrong with the configuration.
func New(ctx context.Context, env app.Environment) (lambdaio.AuthorizerHandler, error) {
	config, err := app.Load(env.Getenv, app.Tokens)
	if err != nil {
		return nil, err
	}
	log := config.Logger(env.Log)
	verifier := oauth2.NewVerifier(oauth2.VerifierConfig{
		Store:          config.NewTable(env.Now, log),
		Issuer:         config.Issuer,
		Audience:       config.Audience,
		AccessTokenTTL: config.AccessTokenTTL,
		Now:            env.Now,
		Log:            log,
	})
	ctx, cancel := context.WithTimeout(ctx, warmUp)
	defer cancel()
	if err := verifier.LoadKeys(ctx); err != nil {
		log.WarnContext(ctx, "the signing keys could not be read ahead of the first request", "error", err.Error())
	}
	return lambdaio.Authorizer(verifier.Principal, lambdaio.AuthorizerOptions{Log: log, Now: env.Now}), nil
}
