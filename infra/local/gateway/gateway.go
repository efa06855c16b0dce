package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The limits of a REST API and of a synchronous Lambda call.
const (
	maxRequestBytes  = 10 << 20
	maxPayloadBytes  = 6 << 20
	integrationLimit = 29 * time.Second
)

// Function is a Lambda function: JSON in, JSON out.
type Function interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Route is a method of a resource, and what answers it.
type Route struct {
	// Method is an HTTP method in capitals, or ANY.
	Method string
	// Path is the resource's, such as /users/{id} or /{proxy+}.
	Path     string
	Function Function
	// Timeout is the function's; zero means only the gateway's own limit of 29 s.
	Timeout time.Duration
	// Authorizer is asked first; nil lets everybody through.
	Authorizer *Authorizer
}

// Authorizer is a Lambda authorizer of type REQUEST.
type Authorizer struct {
	Function Function
	// Headers are the identity sources. A request that lacks one is refused without asking the function.
	Headers []string
	// CacheFor is how long a verdict is kept for the same values of the identity sources; zero keeps none.
	CacheFor time.Duration
}

// Config is one API.
type Config struct {
	Routes []Route
	// Responses are the gateway responses by their type, such as UNAUTHORIZED.
	Responses map[string]Response
	// Stage is the stage's name in events; StageVariables are its variables.
	Stage          string
	StageVariables map[string]string
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Limit is how long a function may take; zero means the service's 29 s.
	Limit time.Duration
	// Served is called after each request; nil tells nobody.
	Served func(Served)
}

// Served is what happened to one request.
type Served struct {
	RequestID string
	Method    string
	// Path is what may be shown of the path: for a route with parameters it is the route's, such as /users/{id}, since a parameter
	// may be a secret.
	Path   string
	Status int
	Took   time.Duration
	// Failure says what went wrong inside, for the developer's eyes; nil if nothing did.
	Failure error
}

// Gateway serves one API. It is safe for concurrent use.
type Gateway struct {
	config Config
	routes []route
	now    func() time.Time
	cache  verdictCache
	calls  sync.WaitGroup // function calls under way, also those that nobody waits for any more
}

// New returns the gateway of an API, or an error that says which route cannot be.
func New(config Config) (*Gateway, error) {
	g := &Gateway{config: config, now: config.Now}
	if g.now == nil {
		g.now = time.Now
	}
	if g.config.Limit == 0 {
		g.config.Limit = integrationLimit
	}
	taken := map[string]bool{}
	for _, r := range config.Routes {
		if !strings.HasPrefix(r.Path, "/") || r.Method == "" {
			return nil, fmt.Errorf("route %q %q: needs a method and a path that begins with a slash", r.Method, r.Path)
		}
		if r.Function == nil || r.Authorizer != nil && r.Authorizer.Function == nil {
			return nil, fmt.Errorf("route %s %s: nothing answers it", r.Method, r.Path)
		}
		if key := r.Method + " " + r.Path; taken[key] {
			return nil, fmt.Errorf("route %s: is there twice", key)
		} else {
			taken[key] = true
		}
		g.routes = append(g.routes, newRoute(r))
	}
	return g, nil
}

// Wait returns once no function call is under way, or ctx ends. The gateway must not be given requests any more by then.
func (g *Gateway) Wait(ctx context.Context) {
	done := make(chan struct{})
	go func() { // ends with the last call, each of which has a deadline
		defer close(done)
		g.calls.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// failure is a request that ends at the gateway: the type of its gateway response, the service's default message for it, and
// what the authorizer said, if it did.
type failure struct {
	kind    string
	status  int
	message string
	context map[string]string
	cause   error
}

// exchange is one request on its way.
type exchange struct {
	id      string
	began   time.Time
	request *http.Request
	body    []byte
	route   *route
	params  map[string]string
	context map[string]any // what the authorizer handed over
}

// ServeHTTP answers one request the way the service would.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{id: newID(), began: g.now(), request: r}
	w.Header().Set("X-Amzn-Requestid", x.id)
	status, cause := g.serve(w, x)
	if g.config.Served != nil {
		g.config.Served(Served{RequestID: x.id, Method: r.Method, Path: g.loggable(x.route, r.URL), Status: status, Took: g.now().Sub(x.began), Failure: cause})
	}
}

func (g *Gateway) serve(w http.ResponseWriter, x *exchange) (status int, cause error) {
	if f := g.admit(x); f != nil {
		return g.refuse(w, x, f), f.cause
	}
	answer, f := g.integrate(x)
	if f != nil {
		return g.refuse(w, x, f), f.cause
	}
	return answer.write(w, x.request.Method), nil
}

// admit decides whether the request gets to a function.
func (g *Gateway) admit(x *exchange) *failure {
	body, err := io.ReadAll(io.LimitReader(x.request.Body, maxRequestBytes+1))
	if err != nil {
		return &failure{kind: "BAD_REQUEST_BODY", status: http.StatusBadRequest, message: "the body cannot be read", cause: err}
	}
	if len(body) > maxRequestBytes {
		return &failure{kind: "REQUEST_TOO_LARGE", status: http.StatusRequestEntityTooLarge, message: "Request Too Long"}
	}
	x.body = body
	if x.route, x.params = g.find(x.request.Method, segmentsOf(x.request.URL)); x.route == nil {
		return &failure{kind: "MISSING_AUTHENTICATION_TOKEN", status: http.StatusForbidden, message: "Missing Authentication Token"}
	}
	if x.route.Authorizer == nil {
		return nil
	}
	return g.authorize(x)
}

// integrate calls the route's function and reads its answer.
func (g *Gateway) integrate(x *exchange) (*answer, *failure) {
	payload := g.proxyEvent(x)
	if len(payload) > maxPayloadBytes {
		return nil, &failure{kind: "REQUEST_TOO_LARGE", status: http.StatusRequestEntityTooLarge, message: "Request Too Long"}
	}
	output, err := g.call(x.request.Context(), x.route.Function, x.route.Timeout, payload)
	if errors.Is(err, errLimit) {
		return nil, &failure{kind: "INTEGRATION_TIMEOUT", status: http.StatusGatewayTimeout, message: "Endpoint request timed out", cause: err}
	}
	if err == nil && len(output) > maxPayloadBytes {
		err = fmt.Errorf("the function's answer has %d bytes, Lambda returns at most %d", len(output), maxPayloadBytes)
	}
	if err != nil {
		return nil, badGateway(err)
	}
	a, err := readAnswer(output)
	if err != nil {
		return nil, badGateway(err)
	}
	return a, nil
}

// badGateway is what the service makes of a function that failed, and of an answer that it cannot read.
func badGateway(cause error) *failure {
	return &failure{kind: "DEFAULT_5XX", status: http.StatusBadGateway, message: "Internal server error", cause: cause}
}

// errLimit says that a function took longer than the gateway waits.
var errLimit = errors.New("the function took longer than the gateway waits")

// call calls a function the way Lambda does: with a deadline, not ended when the caller hangs up, and out of the way when it
// panics. A call that outlives the gateway's patience goes on to its own deadline; Wait waits for it.
func (g *Gateway) call(ctx context.Context, f Function, timeout time.Duration, payload []byte) ([]byte, error) {
	if timeout == 0 {
		timeout = g.config.Limit
	}
	type result struct {
		output []byte
		err    error
	}
	done := make(chan result, 1)
	g.calls.Add(1)
	go func() {
		defer g.calls.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				done <- result{err: fmt.Errorf("the function panicked: %v", p)}
			}
		}()
		output, err := f.Invoke(ctx, payload)
		done <- result{output, err}
	}()
	limit, ownTimeout := time.NewTimer(g.config.Limit), time.NewTimer(timeout)
	defer limit.Stop()
	defer ownTimeout.Stop()
	select {
	case r := <-done:
		return r.output, r.err
	case <-limit.C:
		return nil, errLimit
	case <-ownTimeout.C:
		if timeout >= g.config.Limit {
			return nil, errLimit
		}
		return nil, fmt.Errorf("the function did not answer within its timeout of %v", timeout)
	}
}

// newID returns a random id in the form of a request id (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// trimNewline is for JSON made by an encoder, which ends with a line break.
func trimNewline(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\n")) }
