package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rosterhq/roster/internal/roster"
)

// exchange is one request on its way to its answer. It is the ResponseWriter of everything inside, and keeps the answer
// until all of it is there: an answer that fails halfway is then a clean 500, and Content-Length is always known.
type exchange struct {
	api       *API
	operation string      // the id of the request's operation, empty if it has none
	request   requestBody // of an operation that has one

	header http.Header
	status int
	body   bytes.Buffer

	err   error // what the answer reports, nil where that is no failure
	meter roster.Meter
	facts []slog.Attr
	// hideCost leaves the meter out of the answer.
	hideCost bool
	// permit is what let the request through, or did not; nil where none was asked for.
	permit *roster.Permit
	pairs  []pair // the decoded query
	space  [8]pair
}

type exchangeKey struct{}

func exchangeFrom(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Header returns the answer's header.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader sets the answer's status; the first one counts, as in net/http.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
}

// Write adds to the answer's body.
func (x *exchange) Write(p []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	return x.body.Write(p)
}

// ServeHTTP answers one request of the dialect.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := a.now()
	x := &exchange{api: a, header: make(http.Header, 4)}
	x.pairs = x.space[:0]
	ctx := roster.WithMeter(context.WithValue(r.Context(), exchangeKey{}, x), &x.meter)
	inner := r.WithContext(ctx)
	a.answer(x, inner)
	x.send(w, r.Method)
	a.log(ctx, x, inner, a.now().Sub(start))
}

// answer routes the request and turns a panic into a 500.
func (a *API) answer(x *exchange, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			a.fail(x, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if !cleanPath(r.URL.EscapedPath()) {
		// The mux would redirect, with a body that is no dialect's.
		a.fail(x, roster.NotFound("path"))
		return
	}
	a.mux.ServeHTTP(x, r)
}

// cleanPath reports whether the mux takes the path as it is: no empty, "." or ".." segment.
func cleanPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.Contains(path, "//") &&
		!strings.Contains(path+"/", "/./") && !strings.Contains(path+"/", "/../")
}

// fail makes err the answer, in place of whatever was there.
func (a *API) fail(x *exchange, err error) {
	problem := x.problem(err)
	x.err = err
	x.status = 0
	x.body.Reset()
	clear(x.header)
	writeProblemHeaders(x.header, problem, err)
	x.header.Set("Content-Type", contentType)
	x.WriteHeader(problem.Status)
	if err := huma.DefaultJSONFormat.Marshal(x, a.dialect.ErrorBody(problem)); err != nil {
		panic(fmt.Errorf("marshalling the error body of dialect %s: %w", a.dialect.Name, err))
	}
}

// send writes the finished answer.
func (x *exchange) send(w http.ResponseWriter, method string) {
	x.WriteHeader(http.StatusOK)
	header := w.Header()
	maps.Copy(header, x.header)
	header.Set("Cache-Control", "no-store")
	if x.permit != nil {
		x.permit.Headers(header)
	}
	if !x.hideCost {
		header.Set("Server-Timing", x.meter.Cost().ServerTiming())
	}
	if x.status == http.StatusNoContent || x.status == http.StatusNotModified {
		header.Del("Content-Type")
		w.WriteHeader(x.status)
		return
	}
	header.Set("Content-Length", strconv.Itoa(x.body.Len()))
	w.WriteHeader(x.status)
	if method != http.MethodHead {
		// A failed write means that the caller is gone: there is nobody to tell.
		_, _ = w.Write(x.body.Bytes())
	}
}

// log writes the request's one line. It never holds the query string, bodies or tokens.
func (a *API) log(ctx context.Context, x *exchange, r *http.Request, took time.Duration) {
	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !a.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 20)
	attrs = append(attrs, slog.String("requestId", RequestIDFrom(ctx)), slog.String("dialect", a.dialect.Name),
		slog.String("method", r.Method), slog.String("route", r.Pattern))
	if p := principalFrom(ctx); p != nil {
		attrs = append(attrs, slog.Int("tenant", int(p.Tenant)), slog.String("actor", p.Stamp("", "").By))
	}
	attrs = append(attrs, slog.Int("status", x.status), slog.Duration("duration", took))
	if cost := x.meter.Cost(); cost.Calls > 0 {
		attrs = append(attrs, slog.Int("tableCalls", cost.Calls), slog.Float64("tableReads", cost.Reads),
			slog.Float64("tableWrites", cost.Writes), slog.Duration("tableTime", cost.Time))
	}
	attrs = append(attrs, x.facts...)
	if x.err != nil {
		attrs = append(attrs, slog.String("kind", problemOf(x.err).Kind.String()))
		if level == slog.LevelError {
			attrs = append(attrs, slog.String("error", x.err.Error()))
		}
	}
	a.logger.LogAttrs(ctx, level, "request", attrs...)
}

// enter is the huma middleware of every operation: it lets in a known caller whose organization has a
// request left, with parameters that keep to the document.
func (a *API) enter(c huma.Context, next func(huma.Context)) {
	r, _ := humago.Unwrap(c)
	x := exchangeFrom(r.Context())
	x.operation = c.Operation().OperationID
	p := principalFrom(r.Context())
	if p == nil {
		a.fail(x, roster.Unauthenticated("a bearer token is required"))
		return
	}
	if err := Admit(r.Context(), p.Tenant, p.Org()); err != nil {
		a.fail(x, err)
		return
	}
	if err := x.checkParameters(r, a.rules[c.Operation()]); err != nil {
		a.fail(x, err)
		return
	}
	if c.Operation().RequestBody != nil {
		if err := x.readBody(r, a.bodySchema(c.Operation())); err != nil {
			a.fail(x, err)
			return
		}
	}
	next(&strictContext{humaContext: c, x: x})
}

// bodySchema returns what the document says of the body of an operation that has one.
func (a *API) bodySchema(op *huma.Operation) *huma.Schema {
	schema := op.RequestBody.Content[contentType].Schema
	if schema.Ref != "" {
		return a.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	return schema
}

func (x *exchange) checkParameters(r *http.Request, rules []rule) error {
	var errs roster.FieldErrors
	for i := range rules {
		if rules[i].choosesPath() && rules[i].value.broken(r.PathValue(rules[i].name)) != "" {
			return roster.NotFound("path")
		}
	}
	if slices.ContainsFunc(rules, func(r rule) bool { return r.in == "query" }) {
		x.pairs = parseQuery(x.pairs, r.URL.RawQuery, rules, &errs)
	}
	if len(errs) > 0 {
		// The pairs are not all there, so what follows from them would be wrong.
		return errs.Err()
	}
	for i := range rules {
		switch rules[i].in {
		case "path":
			rules[i].checkValue(r.PathValue(rules[i].name), &errs)
		case "header":
			rules[i].checkHeader(r.Header.Values(rules[i].name), &errs)
		default:
			rules[i].check(x.pairs, &errs)
		}
	}
	return errs.Err()
}

// humaContext is huma.Context by a name that does not hide its method Context when embedded.
type humaContext = huma.Context

// strictContext is what huma sees of a request whose parameters passed.
type strictContext struct {
	humaContext
	x      *exchange
	status int // set by render in place of the one that huma is about to set
}

// Unwrap lets humago.Unwrap find the context inside.
func (c *strictContext) Unwrap() huma.Context { return c.humaContext }

// Query returns the parameter's first value.
func (c *strictContext) Query(name string) string {
	for i := range c.x.pairs {
		if c.x.pairs[i].name == name {
			return c.x.pairs[i].value
		}
	}
	return ""
}

// URL returns the request's URL, with semicolons encoded, since net/url drops the pairs that hold one as it is.
func (c *strictContext) URL() url.URL {
	u := c.humaContext.URL()
	u.RawQuery = strings.ReplaceAll(u.RawQuery, ";", "%3B")
	return u
}

// Header returns the request header's value: for Accept none, so that huma always answers in JSON, and the whole of a list
// that is spread over several lines (RFC 9110, section 5.3).
func (c *strictContext) Header(name string) string {
	switch name {
	case "Accept":
		return ""
	case "If-Match", "If-None-Match":
		r, _ := humago.Unwrap(c.humaContext)
		return strings.Join(r.Header.Values(name), ", ")
	default:
		return c.humaContext.Header(name)
	}
}

// SetStatus sets the status of the answer.
func (c *strictContext) SetStatus(status int) {
	if c.status != 0 {
		status = c.status
	}
	c.humaContext.SetStatus(status)
}

// render is the huma transformer that puts the dialect's error body in the place of every error, the handler's and
// huma's own. Doing it here keeps huma.NewError as it is: that is one variable for the whole process, and a process
// serves dialects with different bodies.
func (a *API) render(c huma.Context, _ string, body any) (any, error) {
	err := errorOf(body)
	if err == nil {
		return body, nil
	}
	strict, ok := c.(*strictContext)
	if !ok {
		return nil, errors.New("an answer was written outside of an operation")
	}
	problem := strict.x.problem(err)
	strict.x.err = err
	strict.status = problem.Status
	writeProblemHeaders(strict.x.header, problem, err)
	strict.x.header.Set("Content-Type", contentType)
	return a.dialect.ErrorBody(problem), nil
}
