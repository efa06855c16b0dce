package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rosterhq/roster/infra/local/gateway"
	"github.com/rosterhq/roster/infra/local/outbox"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/authorizer"
	"github.com/rosterhq/roster/internal/app/bounces"
	"github.com/rosterhq/roster/internal/app/changes"
	"github.com/rosterhq/roster/internal/app/courier"
	"github.com/rosterhq/roster/internal/app/customers"
	"github.com/rosterhq/roster/internal/app/global"
	"github.com/rosterhq/roster/internal/app/invitations"
	"github.com/rosterhq/roster/internal/app/notifications"
	"github.com/rosterhq/roster/internal/app/organization"
	"github.com/rosterhq/roster/internal/app/snapshots"
	"github.com/rosterhq/roster/internal/app/tokens"
	"github.com/rosterhq/roster/internal/app/workspace"
	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// build calls the constructor of the Lambda in functions/<folder>.
func build(ctx context.Context, folder string, env app.Environment) (gateway.Function, error) {
	switch folder {
	case "authorizer":
		return authorizer.New(ctx, env)
	case "bounces":
		return bounces.New(ctx, env)
	case "changes":
		return changes.New(ctx, env)
	case "courier":
		return courier.New(ctx, env)
	case "customers":
		return customers.New(ctx, env)
	case "global":
		return global.New(ctx, env)
	case "invitations":
		return invitations.New(ctx, env)
	case "notifications":
		return notifications.New(ctx, env)
	case "organization":
		return organization.New(ctx, env)
	case "snapshots":
		return snapshots.New(ctx, env)
	case "tokens":
		return tokens.New(ctx, env)
	case "workspace":
		return workspace.New(ctx, env)
	default:
		return nil, fmt.Errorf("infra/local knows no function %q: give it a line in functions.go", folder)
	}
}

// buildFunctions builds every function of the template, by logical id. The functions share the process, and its memory. Authorizers
// come last: they begin by reading the published keys, and on a first run it is another function that publishes one.
func (s *server) buildFunctions(ctx context.Context, keyFile string, log io.Writer) (map[string]gateway.Function, error) {
	functions := map[string]gateway.Function{}
	ordered := slices.Clone(s.template.Functions)
	slices.SortStableFunc(ordered, func(a, b samtemplate.Function) int { return s.isAuthorizer(a) - s.isAuthorizer(b) })
	for _, f := range ordered {
		env, err := s.functionEnvironment(&f, keyFile)
		if err != nil {
			return nil, err
		}
		getenv := func(name string) string { return env[name] }
		function, err := build(ctx, path.Base(f.CodeURI), app.Environment{Getenv: getenv, Log: log, Now: s.now})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.LogicalID, err)
		}
		functions[f.LogicalID] = function
	}
	return functions, nil
}

// isAuthorizer returns 1 for a function that is an authorizer, and 0 for any other.
func (s *server) isAuthorizer(f samtemplate.Function) int {
	if slices.ContainsFunc(s.template.API.Authorizers, func(a samtemplate.Authorizer) bool { return a.Function == f.LogicalID }) {
		return 1
	}
	return 0
}

// functionEnvironment returns what a function finds in its environment here: what the template gives it, with what only a
// deployment knows replaced by what stands for it on this machine; the ROSTER_ variables of this process; and what Lambda sets.
func (s *server) functionEnvironment(f *samtemplate.Function, keyFile string) (map[string]string, error) {
	env := map[string]string{}
	for name, value := range f.Env {
		env[name] = value
	}
	for name, value := range s.standIns() {
		env[name] = value
	}
	for _, pair := range s.environ {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "ROSTER_") {
			env[name] = value
		}
	}
	// The key in KMS is a file here.
	if _, signs := f.Env["ROSTER_SIGNING_KEY"]; signs {
		delete(env, "ROSTER_SIGNING_KEY")
		env["ROSTER_SIGNING_KEY_FILE"] = keyFile
	}
	if _, knows := f.Env["ROSTER_ISSUER"]; knows {
		env["ROSTER_ISSUER"] = s.baseURL
	}
	env["ROSTER_TABLE"], env[dynamolocal.EndpointVariable] = s.table.name, s.table.endpoint
	env["AWS_REGION"] = s.table.region
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"] = s.table.accessKey, s.table.secret, s.table.session
	env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = strconv.Itoa(f.MemoryMB)
	for name, value := range env {
		if strings.Contains(value, "${") {
			return nil, fmt.Errorf("%s:%d: %s of %s is %s, which only a deployment knows: infra/local must be told what stands for it", s.template.Path, f.Line, name, f.LogicalID, value)
		}
	}
	return env, nil
}

// standIns returns what stands on this machine for the services that messages go to, by variable. Functions that send nothing do not
// look at them.
func (s *server) standIns() map[string]string {
	return map[string]string{
		"ROSTER_METRICS_NAMESPACE":      "", // nobody makes metrics of the log here
		"ROSTER_LINK_BASE":              s.baseURL,
		"ROSTER_MAIL_FROM":              "Roster <no-reply@roster.example>",
		"ROSTER_MAIL_CONFIGURATION_SET": outbox.ConfigurationSet,
		"ROSTER_SES_ENDPOINT":           s.baseURL + outbox.SESPath,
		"ROSTER_PUSH_FCM":               outbox.ApplicationFCM,
		"ROSTER_PUSH_APNS":              outbox.ApplicationAPNS,
		"ROSTER_PUSH_APNS_SANDBOX":      outbox.ApplicationAPNSSandbox,
		"ROSTER_SNS_ENDPOINT":           s.baseURL + outbox.SNSPath,
		"ROSTER_REFUSALS_QUEUE":         s.baseURL + outbox.QueuePath,
		"ROSTER_SQS_ENDPOINT":           s.baseURL + outbox.SQSPath,
	}
}
