package api

import (
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rosterhq/roster/internal/roster"
)

// Pages is what is no dialect's: pages for people, who have no token and read HTML. It shares with the dialects how a request
// is answered (whole or not at all), metered and logged. The fields must be set.
type Pages struct {
	// Name is what the log calls the dialect, and Route what it has in the place of the path, which may hold a secret.
	Name, Route string
	// Answer writes the answer to a request, or returns an error without having written any.
	Answer func(w http.ResponseWriter, r *http.Request) error
	// Fail writes the answer that tells of err, which is Answer's or a panic, and of which problem is what may be told: the
	// headers that go with it (Retry-After) are set.
	Fail func(w http.ResponseWriter, r *http.Request, err error, problem Problem)
}

// Handler returns the handler of the pages.
func (p Pages) Handler(o Options) http.Handler {
	a := &API{dialect: Dialect{Name: p.Name}, logger: o.Log, now: o.Now, quota: o.Quota}
	if a.logger == nil {
		a.logger = slog.New(slog.DiscardHandler)
	}
	if a.now == nil {
		a.now = time.Now
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := a.now()
		x := &exchange{api: a, header: make(http.Header, 8)}
		ctx := roster.WithMeter(context.WithValue(r.Context(), exchangeKey{}, x), &x.meter)
		inner := r.WithContext(ctx)
		inner.Pattern = p.Route
		p.serve(x, inner)
		x.send(w, r.Method)
		a.log(ctx, x, inner, a.now().Sub(start))
	})
}

// serve makes the answer, of Fail where Answer has none.
func (p Pages) serve(x *exchange, r *http.Request) {
	x.err = p.answer(x, r)
	if x.err == nil {
		return
	}
	x.status = 0
	x.body.Reset()
	clear(x.header)
	problem := problemOf(x.err)
	writeProblemHeaders(x.header, problem, x.err)
	p.Fail(x, r, x.err, problem)
}

// answer is Answer with a panic as an error.
func (p Pages) answer(x *exchange, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return p.Answer(x, r)
}

// HideCost leaves out of the answer to ctx's request what it cost at the table, from which a stranger could read more than
// what the answer says. The log line has it all the same.
func HideCost(ctx context.Context) {
	if x := exchangeFrom(ctx); x != nil {
		x.hideCost = true
	}
}

// MethodNotAllowed returns the error for a method that a path does not have; Allow is to be set along with it.
func MethodNotAllowed() error {
	return &httpError{status: http.StatusMethodNotAllowed, kind: roster.KindInvalid, message: "method not allowed"}
}

// formType is how a browser sends a form.
const formType = "application/x-www-form-urlencoded"

// IsForm reports whether the request's body says that it is what a browser sends of a form.
func IsForm(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == formType
}

// ReadForm reads a body that is what a browser sends of a form. Its bounds are those of all bodies.
func ReadForm(r *http.Request) (url.Values, error) {
	if err := checkContentType(r.Header, formType); err != nil {
		return nil, err
	}
	data, err := readAll(r, maxBody)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(data))
	if err != nil {
		return nil, roster.Invalid("body", "must be a form") // the error would repeat what was sent
	}
	for name, list := range values {
		for _, value := range append(list, name) {
			if !utf8.ValidString(value) {
				return nil, roster.Invalid("body", "must be valid UTF-8")
			}
		}
	}
	return values, nil
}

// BodyReader reads bodies that become a T, a struct, outside of an operation. Build it with NewBodyReader.
type BodyReader[T any] struct {
	schemas huma.Registry
	schema  *huma.Schema
}

// NewBodyReader returns a BodyReader. What is optional in T, and what the values may be, is told by its tags as huma has them.
func NewBodyReader[T any]() *BodyReader[T] {
	schemas := newSchemas()
	return &BodyReader[T]{schemas: schemas, schema: schemas.Schema(reflect.TypeFor[T](), true, "")}
}

// Read returns the request's body and what is wrong with it, by the rules of every body (see Body). What is not a JSON object
// at all is an error.
func (b *BodyReader[T]) Read(r *http.Request) (T, roster.FieldErrors, error) {
	request, err := readObject(r, maxBody, bodyReader{schemas: b.schemas}, b.schema)
	if err != nil {
		var none T
		return none, nil, err
	}
	return bodyAs[T](request), request.broken, nil
}
