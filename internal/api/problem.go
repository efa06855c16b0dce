package api

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rosterhq/roster/internal/roster"
)

// Problem is what a caller may know about a failure. A dialect turns it into its error body.
type Problem struct {
	// Status is the HTTP status. It says more than Kind for the failures that only HTTP has, such as 405.
	Status  int
	Kind    roster.Kind
	Message string
	// Fields names each broken rule, by the dialect's name of the parameter or the path in the body. It is empty unless
	// the request was invalid.
	Fields []roster.FieldError
}

// statuses is the one table from kind to HTTP status.
var statuses = [...]int{
	roster.KindInternal:           http.StatusInternalServerError,
	roster.KindInvalid:            http.StatusBadRequest,
	roster.KindUnauthenticated:    http.StatusUnauthorized,
	roster.KindForbidden:          http.StatusForbidden,
	roster.KindNotFound:           http.StatusNotFound,
	roster.KindConflict:           http.StatusConflict,
	roster.KindPreconditionFailed: http.StatusPreconditionFailed,
	roster.KindGone:               http.StatusGone,
	roster.KindTooMany:            http.StatusTooManyRequests,
	roster.KindUnavailable:        http.StatusServiceUnavailable,
	roster.KindUnprocessable:      http.StatusUnprocessableEntity,
}

// Status returns the HTTP status of an error of that kind.
func Status(k roster.Kind) int {
	if int(k) < len(statuses) {
		return statuses[k]
	}
	return http.StatusInternalServerError
}

// kindOf returns the kind that has that HTTP status, KindInvalid for one that no kind has.
func kindOf(status int) roster.Kind {
	if i := slices.Index(statuses[:], status); i >= 0 {
		return roster.Kind(i)
	}
	return roster.KindInvalid
}

// httpError is a failure that only HTTP has, so that no kind has its status: no such method, body too large.
type httpError struct {
	status  int
	kind    roster.Kind
	message string
	fields  []roster.FieldError
}

func (e *httpError) Error() string { return e.message }

// problemOf returns what the caller may know about err. Everything that is not a *roster.Error of a kind meant for
// callers becomes an internal error without a word of its text.
func problemOf(err error) Problem {
	if e, ok := errors.AsType[*httpError](err); ok {
		return Problem{Status: e.status, Kind: e.kind, Message: e.message, Fields: e.fields}
	}
	e, ok := errors.AsType[*roster.Error](err)
	if !ok || Status(e.Kind) == http.StatusInternalServerError {
		return Problem{Status: http.StatusInternalServerError, Message: "internal error"}
	}
	message := e.Message
	if message == "" {
		message = e.Kind.String()
	}
	p := Problem{Status: Status(e.Kind), Kind: e.Kind, Message: message}
	if e.Kind == roster.KindInvalid {
		p.Fields = e.Fields
	}
	return p
}

// problem is problemOf in the words of the dialect: its names of the fields, and its statuses.
func (x *exchange) problem(err error) Problem {
	p := problemOf(err)
	if status, ok := x.api.dialect.Statuses[p.Status]; ok {
		p.Status = status
	}
	if len(p.Fields) == 0 {
		return p
	}
	named := x.fieldNames().ofDialect(p.Fields)
	renamed := problemOf(named.Err())
	p.Message, p.Fields = renamed.Message, renamed.Fields
	return p
}

// fieldNames returns the names of fields in the exchange's operation.
func (x *exchange) fieldNames() fieldNames {
	if names, ok := x.api.names[x.operation]; ok {
		return names
	}
	return x.api.names[""]
}

// fieldNames are the names of fields that the core and a dialect call differently. The others have one name.
type fieldNames struct{ dialect, core map[string]string }

// newFieldNames returns the names that the maps, of which later ones count for more, have for the core's.
func newFieldNames(lists ...map[string]string) fieldNames {
	names := fieldNames{dialect: map[string]string{}, core: map[string]string{}}
	for _, list := range lists {
		maps.Copy(names.dialect, list)
	}
	for core, name := range names.dialect {
		names.core[name] = core
	}
	return names
}

// verbatim marks the name of a field that is the caller's own, and looks like one of the core's that the dialect calls
// otherwise.
const verbatim = "="

// ofCore returns errors about the dialect's fields by the core's names.
func (n fieldNames) ofCore(errs roster.FieldErrors) roster.FieldErrors {
	return rename(errs, func(name string) string {
		list, element := cutElement(name)
		if core, ok := n.core[list]; ok {
			return core + element
		}
		if _, clash := n.dialect[list]; clash {
			return verbatim + name
		}
		return name
	})
}

// ofDialect is the opposite of ofCore.
func (n fieldNames) ofDialect(errs roster.FieldErrors) roster.FieldErrors {
	return rename(errs, func(name string) string {
		if own, ok := strings.CutPrefix(name, verbatim); ok {
			return own
		}
		list, element := cutElement(name)
		return or(n.dialect[list], list) + element
	})
}

// cutElement cuts the name of a part of a list, such as roles[3], into that of the list and the rest.
func cutElement(name string) (list, element string) {
	if i := strings.IndexByte(name, '['); i >= 0 {
		return name[:i], name[i:]
	}
	return name, ""
}

func rename(errs roster.FieldErrors, name func(string) string) roster.FieldErrors {
	renamed := make(roster.FieldErrors, len(errs))
	for i, f := range errs {
		renamed[i] = roster.FieldError{Field: name(f.Field), Message: f.Message}
	}
	return renamed
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// writeProblemHeaders sets the headers that go with a failure, whatever its body looks like.
func writeProblemHeaders(header http.Header, p Problem, err error) {
	switch p.Kind {
	case roster.KindUnauthenticated:
		// RFC 6750, section 3: a 401 names the scheme; the error code is left to the gateway, which saw the token.
		header.Set("WWW-Authenticate", "Bearer")
	case roster.KindTooMany, roster.KindUnavailable:
		var wait time.Duration
		if e, ok := errors.AsType[*roster.Error](err); ok {
			wait = e.RetryAfter
		}
		header.Set("Retry-After", roster.WholeSeconds(wait))
	}
}

// failure carries the error of a handler through huma, which asks an error for its status before it is rendered.
type failure struct {
	err    error
	status int
}

func (f *failure) Error() string  { return f.err.Error() }
func (f *failure) Unwrap() error  { return f.err }
func (f *failure) GetStatus() int { return f.status }

// errorOf returns the error behind a value that huma is about to send as an error body, and nil for any other value. An
// ErrorModel is huma's own: it found something wrong with the request before the handler ran.
func errorOf(body any) error {
	switch e := body.(type) {
	case *failure:
		return e.err
	case *huma.ErrorModel:
		return errorOfModel(e)
	default:
		return nil
	}
}

func errorOfModel(model *huma.ErrorModel) error {
	switch {
	case model.Status >= http.StatusInternalServerError:
		return errors.New("huma: " + model.Detail)
	case model.Status != http.StatusUnprocessableEntity && model.Status != http.StatusBadRequest:
		return &httpError{status: model.Status, kind: roster.KindInvalid, message: model.Detail}
	}
	var errs roster.FieldErrors
	for _, detail := range model.Errors {
		if detail != nil {
			errs.Add(fieldName(detail.Location), detail.Message)
		}
	}
	if len(errs) == 0 {
		return &roster.Error{Kind: roster.KindInvalid, Message: model.Detail}
	}
	return errs.Err()
}

// fieldName turns huma's location of a value, such as query.size or body.address.zip, into the name its caller knows.
func fieldName(location string) string {
	for _, place := range []string{"query.", "path.", "header.", "body."} {
		if name, ok := strings.CutPrefix(location, place); ok {
			return name
		}
	}
	return location
}
