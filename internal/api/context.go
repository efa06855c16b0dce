package api

import (
	"context"
	"log/slog"

	"github.com/rosterhq/roster/internal/roster"
)

type principalKey struct{}

// WithPrincipal returns a context for a request of that caller. Whoever verified the caller's token does this before the
// dialect's handler runs.
func WithPrincipal(ctx context.Context, p roster.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, &p)
}

// PrincipalFrom returns the caller that WithPrincipal put into the context, and whether there is one.
func PrincipalFrom(ctx context.Context) (roster.Principal, bool) {
	if p := principalFrom(ctx); p != nil {
		return *p, true
	}
	return roster.Principal{}, false
}

func principalFrom(ctx context.Context) *roster.Principal {
	p, _ := ctx.Value(principalKey{}).(*roster.Principal)
	return p
}

type requestIDKey struct{}

// WithRequestID returns a context for the request that the gateway calls id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestIDFrom returns the id that WithRequestID put into the context, empty where there is none.
func RequestIDFrom(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Note adds facts to the log line of the request that ctx belongs to. It must not be given secrets, or text that the
// caller sent. In a context that belongs to no request it does nothing.
func Note(ctx context.Context, facts ...slog.Attr) {
	if x := exchangeFrom(ctx); x != nil {
		x.facts = append(x.facts, facts...)
	}
}
