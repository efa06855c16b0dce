package lambdaio

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/rosterhq/roster/internal/roster"
)

// Request is the event of a REST API's proxy integration.
type Request = events.APIGatewayProxyRequest

// Response is what a proxy integration answers.
type Response = events.APIGatewayProxyResponse

// Handler is a Lambda function behind a REST API. Its error is always nil: whatever goes wrong is an answer with a status.
type Handler func(context.Context, Request) (Response, error)

// Caller is what the gateway knows about a request besides the request itself.
type Caller struct {
	// RequestID is the gateway's id of the request, which its access log and the caller's answer also carry.
	RequestID string
	// Principal is who the authorizer found the token to speak for; nil on a route without an authorizer, and when what
	// the authorizer handed over is not a whole principal.
	Principal *roster.Principal
	// SourceIP is where the request came from, as the gateway saw it; not valid where it did not say so. HTTP puts it into the
	// request's context, see roster.SourceFrom.
	SourceIP netip.Addr
}

// Options are the settings of HTTP. The zero value is useful.
type Options struct {
	// Identify returns a context that carries the caller, made from ctx. It is how the caller gets to the handler without
	// this package knowing the dialects' packages; nil hands nothing on.
	Identify func(ctx context.Context, caller Caller) context.Context
	// BasePath is the prefix that a custom domain's base path mapping leaves in the path, such as "/v1/rest"; it is taken
	// off whole segments only. Empty means none.
	BasePath string
	// Margin is how long before Lambda's own deadline the handler's context ends, so that there is time to answer.
	// Zero means DefaultMargin.
	Margin time.Duration
	// Log receives panics and answers that were too large; nil means slog.Default.
	Log *slog.Logger
}

// DefaultMargin is the time kept back to write an answer once a handler's context has ended.
const DefaultMargin = 250 * time.Millisecond

// HTTP returns a Lambda function that answers its events through handler, the way net/http's server would: the first
// WriteHeader counts, a handler that writes nothing has answered 200, a panic is an answer with status 500 and never the end
// of the process, which on Lambda would cost the next caller a cold start.
func HTTP(handler http.Handler, options Options) Handler {
	if options.Margin == 0 {
		options.Margin = DefaultMargin
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	options.BasePath = cleanBasePath(options.BasePath)
	return func(ctx context.Context, event Request) (Response, error) {
		if err := checkEvent(&event); err != nil {
			return errorResponse(http.StatusBadRequest, err.Error()), nil
		}
		ctx, cancel := answerDeadline(ctx, options.Margin)
		defer cancel()
		caller := callerOf(&event)
		ctx = roster.WithSource(ctx, caller.SourceIP)
		if options.Identify != nil {
			ctx = options.Identify(ctx, caller)
		}
		bridge := httpadapter.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			repairRequest(r, &event, options.BasePath)
			serve(handler, w, r, &event, options.Log)
		}))
		response, err := bridge.ProxyWithContext(ctx, plainEvent(&event))
		if err != nil {
			// The library could not make a request of it, although checkEvent found nothing: the caller's fault.
			options.Log.ErrorContext(ctx, "an event could not be made a request", "requestId", event.RequestContext.RequestID, "error", err)
			return errorResponse(http.StatusBadRequest, "the request cannot be read"), nil
		}
		return response, nil
	}
}

// serve lets handler answer r and writes the answer, or what stands in for it, to w.
func serve(handler http.Handler, w http.ResponseWriter, r *http.Request, event *Request, log *slog.Logger) {
	a := answer{header: make(http.Header), method: r.Method}
	if !call(handler, &a, r, event, log) {
		writeError(w, http.StatusInternalServerError, "something went wrong on our side")
		return
	}
	if size := a.encodedSize(); size > MaxResponseBytes {
		inRequest(log, event).ErrorContext(r.Context(), "the answer is larger than Lambda can return", "bytes", size, "limit", MaxResponseBytes)
		writeError(w, http.StatusInternalServerError, "the answer is larger than 6 MB; ask for less at once")
		return
	}
	a.send(w)
}

// call runs the handler and reports false if it panicked. What it had written by then is dropped: nothing has left the
// function yet, so a half-written 200 need not be sent.
func call(handler http.Handler, a *answer, r *http.Request, event *Request, log *slog.Logger) (ok bool) {
	defer func() {
		failure := recover()
		if failure == nil {
			return
		}
		ok = false
		// A handler panics with ErrAbortHandler to say that it gives up on purpose (net/http's convention): no stack then.
		if failure == http.ErrAbortHandler {
			inRequest(log, event).WarnContext(r.Context(), "the handler gave up")
			return
		}
		inRequest(log, event).ErrorContext(r.Context(), "the handler panicked", "panic", failure, "stack", string(debug.Stack()))
	}()
	handler.ServeHTTP(a, r)
	return true
}

// inRequest returns a log whose lines say which request they are about: by its route, never by its path, which can hold a token.
func inRequest(log *slog.Logger, event *Request) *slog.Logger {
	return log.With("requestId", event.RequestContext.RequestID, "route", event.Resource)
}

// answerDeadline returns a context that ends margin before ctx does, or is just cancellable if ctx has no deadline.
func answerDeadline(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// errorBody is the error body that the clients of all four dialects can read. The gateway's own errors have the same one,
// see GatewayResponses in template.yaml.
type errorBody struct {
	Message    string         `json:"message"`
	Code       string         `json:"code"`
	StatusCode int            `json:"statusCode"`
	Error      errorMessage   `json:"error"`
	Errors     []errorMessage `json:"errors"`
}

type errorMessage struct {
	Type    string `json:"type,omitempty"`
	Message string `json:"message"`
}

var errorCodes = map[int]string{
	http.StatusBadRequest:          "BAD_REQUEST",
	http.StatusInternalServerError: "INTERNAL_SERVER_ERROR",
}

// encodeError returns the error body for a status that errorCodes knows.
func encodeError(status int, message string) []byte {
	body, err := json.Marshal(errorBody{
		Message: message, Code: errorCodes[status], StatusCode: status,
		Error:  errorMessage{Message: message},
		Errors: []errorMessage{{Type: "application", Message: message}},
	})
	if err != nil {
		panic("lambdaio: encoding an error body: " + err.Error()) // strings and an int always encode
	}
	return body
}

func writeError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encodeError(status, message)) // into memory, which does not fail
}

func errorResponse(status int, message string) Response {
	return Response{
		StatusCode:        status,
		MultiValueHeaders: map[string][]string{"Content-Type": {"application/json"}},
		Body:              string(encodeError(status, message)),
	}
}
