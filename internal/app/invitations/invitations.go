// Package invitations puts the Lambda together that lets people in: the operations that have links mailed to them, those on one's own
// password (CONTRACT 1), and the page that the links lead to. What the operations do is in package directory, how they look on the
// wire in package api/organization, and the page in package api/invitations. The mail itself is the courier's.
package invitations

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/api"
	page "github.com/rosterhq/roster/internal/api/invitations"
	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/attempts"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

// warmUp bounds what is done ahead of the first request.
const warmUp = 2 * time.Second

// New returns the Lambda. It calls the table once ahead of the first request, which then finds a connection open. The error names
// everything that is wrong with the configuration.
func New(ctx context.Context, env app.Environment) (lambdaio.Handler, error) {
	config, err := app.Load(env.Getenv, app.Retention, app.Invitations, app.Requests)
	if err != nil {
		return nil, err
	}
	log := config.Logger(env.Log)
	table := config.NewTable(env.Now, log)
	ctx, cancel := context.WithTimeout(ctx, warmUp)
	defer cancel()
	// A read unit for a link that nobody has.
	if _, err := table.Link(ctx, roster.LinkHash{}); roster.KindOf(err) != roster.KindNotFound {
		log.WarnContext(ctx, "the table could not be reached ahead of the first request", "error", err)
	}
	// Nobody searches here, so there is no replica: those of other functions follow the feed.
	verbs := directory.New(directory.Ports{
		Users: table, Organizations: table, Roles: table, Writes: table, Invitations: table, Credentials: table,
		HashPassword: oauth2.HashPassword, VerifyPassword: oauth2.VerifyPassword, Policy: policy(config), Now: env.Now,
		Attempts: attempts.New(table, env.Now), Admit: api.Admit,
	})
	requests := config.NewQuota(table, env.Now)
	pages := page.New(verbs, page.Options{Log: log, Now: env.Now, Quota: requests})
	operations := organization.NewInvitations(verbs, api.Options{Log: log, Now: env.Now, Quota: requests})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, page.BasePath) {
			pages.ServeHTTP(w, r)
			return
		}
		operations.ServeHTTP(w, r)
	})
	return lambdaio.HTTP(handler, lambdaio.Options{Identify: identify, BasePath: config.BasePath, Log: app.RequestLogger(log)}), nil
}

// policy returns what bounds mail. In the configuration none a day is zero, in the policy that is the default.
func policy(config *app.Config) directory.MessagePolicy {
	perDay := func(n int64) int64 {
		if n == 0 {
			return -1
		}
		return n
	}
	return directory.MessagePolicy{
		InvitationValidity: config.InvitationValidity, InvitationsPerDay: perDay(config.InvitationsPerDay),
		LinksPerDay: perDay(config.LinksPerDay), LinksPerAddress: perDay(config.LinksPerAddress),
	}
}

// identify tells the dialect, the page, and the log of this function, whose request it is.
func identify(ctx context.Context, caller lambdaio.Caller) context.Context {
	ctx = api.WithRequestID(app.WithRequestID(ctx, caller.RequestID), caller.RequestID)
	if caller.Principal == nil {
		return ctx
	}
	return api.WithPrincipal(ctx, *caller.Principal)
}
