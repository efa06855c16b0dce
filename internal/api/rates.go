package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rosterhq/roster/internal/roster"
)

// Quota bounds the requests of each organization. Package quota has the one that functions use.
type Quota interface {
	// Take returns a permit for one request of the organization. Where it has none left it is a KindTooMany error that says
	// when to try again, with the permit that was not given.
	Take(ctx context.Context, tenant roster.TenantID, org roster.OrgID) (roster.Permit, error)
}

// Admit takes a permit of the organization for the request that ctx belongs to, unless it has one: a request counts once. Every
// operation has done it for the caller's organization before its handler runs; a page does it for that of the link.
func Admit(ctx context.Context, tenant roster.TenantID, org roster.OrgID) error {
	x := exchangeFrom(ctx)
	if x == nil || x.api.quota == nil || x.permit != nil {
		return nil
	}
	permit, err := x.api.quota.Take(ctx, tenant, org)
	if permit.Limit > 0 {
		x.permit = &permit
	}
	return err
}

// describeRates adds the headers to all answers of an operation but those of requests that nobody is known to have made.
func describeRates(op *huma.Operation) {
	for status, response := range op.Responses {
		if status == strconv.Itoa(http.StatusUnauthorized) {
			continue
		}
		if response.Headers == nil {
			response.Headers = map[string]*huma.Header{}
		}
		for name, description := range map[string]string{
			roster.HeaderRateLimit:     "How many requests the organization of the token may make in a minute, by the clock in UTC",
			roster.HeaderRateRemaining: "How many it has left in this minute, as far as is known to what answers: others may be using them at the same time",
			roster.HeaderRateReset:     "Seconds until the next minute begins",
		} {
			response.Headers[name] = &huma.Header{Description: description, Schema: &huma.Schema{Type: huma.TypeInteger}}
		}
	}
}
