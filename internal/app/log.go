package app

import (
	"context"
	"io"
	"log/slog"
)

// Logger returns a logger of JSON lines in the form that Lambda reads: its filter goes by the member level, and the line's time is
// the member timestamp. With a MetricsNamespace, lines are measured as Metrics says.
func (c *Config) Logger(w io.Writer) *slog.Logger {
	var handler slog.Handler = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: c.LogLevel, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			a.Key = "timestamp"
		}
		return a
	}})
	if c.MetricsNamespace != "" {
		handler = metricsHandler{Handler: handler, namespace: c.MetricsNamespace, function: c.FunctionName}
	}
	return slog.New(handler)
}

type requestIDKey struct{}

// WithRequestID returns a context whose lines in a RequestLogger carry the gateway's id of the request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestLogger returns a logger that adds requestId to the lines of a request. It is for those who do not know what a
// request id is, such as package oauth2; package api writes it by itself.
func RequestLogger(log *slog.Logger) *slog.Logger {
	return slog.New(requestHandler{log.Handler()})
}

type requestHandler struct{ slog.Handler }

// Handle adds the request id of the context to the record.
func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	if id, _ := ctx.Value(requestIDKey{}).(string); id != "" {
		r.AddAttrs(slog.String("requestId", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler that also adds attrs.
func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup returns a handler that also opens a group.
func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}
