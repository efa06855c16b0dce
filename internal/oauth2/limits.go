package oauth2

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// admit takes a permit of the client's organization for the request.
func (s *Server) admit(ctx context.Context, r *request, client roster.Client) error {
	if s.quota == nil {
		return nil
	}
	org := client.Tenant.Root()
	if len(client.Path) > 0 {
		org = client.Path.Last()
	}
	permit, err := s.quota.Take(ctx, client.Tenant, org)
	if permit.Limit > 0 {
		r.permit = &permit
	}
	return err
}

// judge tells an attempt whether the secret was right, and returns the refusal that goes with a wrong one. A wrong one that could not be
// counted is answered with why it could not, so that it tells nothing; one that was right is not refused for want of the store.
func (s *Server) judge(ctx context.Context, attempt roster.Attempt, right bool, refusal error) error {
	if !right {
		if err := attempt.Failed(ctx); err != nil {
			return err
		}
		return refusal
	}
	if err := attempt.Succeeded(ctx); err != nil {
		s.log.WarnContext(ctx, "wrong attempts could not be forgotten", "error", err.Error())
	}
	return nil
}

// unslowed is Attempts that slow nobody.
type unslowed struct{}

func orUnslowed(a Attempts) Attempts {
	if a == nil {
		return unslowed{}
	}
	return a
}

func (unslowed) Password(context.Context, roster.TenantID, roster.Email) (roster.Attempt, error) {
	return uncounted(), nil
}

func (unslowed) ClientSecret(context.Context, roster.ClientID) (roster.Attempt, error) {
	return uncounted(), nil
}

func uncounted() roster.Attempt {
	nothing := func(context.Context) error { return nil }
	return roster.Attempt{Failed: nothing, Succeeded: nothing}
}
