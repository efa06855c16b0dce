package roster

import (
	"errors"
	"strings"
	"time"
)

// Kind says what sort of failure an Error is. Package api has the one table from kind to HTTP status, and each dialect
// the one from kind to its error body.
type Kind uint8

// The kinds. The zero value is KindInternal, so that an error nobody classified is never shown to a caller.
const (
	KindInternal           Kind = iota // a fault of ours; its text is logged, never sent
	KindInvalid                        // the request breaks a rule; Fields says which
	KindUnauthenticated                // no, or no valid, credentials
	KindForbidden                      // known, but not allowed
	KindNotFound                       // not there, or not visible to the caller
	KindConflict                       // clashes with something that exists
	KindPreconditionFailed             // If-Match does not hold
	KindGone                           // was there once, and may not be used any more
	KindTooMany                        // over a rate or quota
	KindUnavailable                    // try again later
	KindUnprocessable                  // understood, but contradicts an earlier request
)

var kindNames = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not found", "conflict", "precondition failed", "gone", "too many", "unavailable", "unprocessable"}

// String returns the kind's name for logs.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Error is a failure with two readers: Message and Fields are for the caller, Cause is for the operator's log.
type Error struct {
	Kind    Kind
	Message string
	// Fields names each broken rule of a KindInvalid error, in the order they were found, and the field of a name that is
	// taken (see Taken).
	Fields []FieldError
	// RetryAfter is how long to wait before trying again, for KindTooMany and KindUnavailable; zero where unknown.
	RetryAfter time.Duration
	Cause      error
}

// FieldError is one broken rule.
type FieldError struct {
	// Field is the core's name of the field or parameter; a dialect renders its own.
	Field   string
	Message string
}

// Error returns kind, message, fields and cause, for logs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	for _, f := range e.Fields {
		b.WriteString("; ")
		b.WriteString(f.Field)
		b.WriteString(" ")
		b.WriteString(f.Message)
	}
	if e.Cause != nil {
		b.WriteString(": ")
		b.WriteString(e.Cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of the first Error in err's chain, KindInternal where there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindInternal
}

// Invalid returns the error of one broken rule: field names what broke it, message says the rule ("must be ...").
func Invalid(field, message string) *Error {
	return &Error{Kind: KindInvalid, Message: field + " " + message, Fields: []FieldError{{Field: field, Message: message}}}
}

// NotFound returns the error for a noun that is not there, or not visible: NotFound("user").
func NotFound(noun string) *Error {
	return &Error{Kind: KindNotFound, Message: noun + " not found"}
}

// Conflict returns the error for a clash with what exists.
func Conflict(message string) *Error { return &Error{Kind: KindConflict, Message: message} }

// ErrVersionChanged is in the chain of the conflict that an optimistic write reports when somebody else wrote first:
// reading again and deciding anew may help, unlike with any other conflict.
var ErrVersionChanged = errors.New("version changed")

// VersionChanged returns the conflict of an optimistic write that came too late: VersionChanged("user").
func VersionChanged(noun string) *Error {
	return &Error{Kind: KindConflict, Message: "the " + noun + " was changed by somebody else meanwhile", Cause: ErrVersionChanged}
}

// ErrUnreadable is in the chain of the error for a stored item that this release cannot read, such as one that a later release wrote:
// trying again does not help, unlike with a store that does not answer. The error is KindInternal.
var ErrUnreadable = errors.New("a stored item cannot be read")

// Forbidden returns the error for a caller that may not do this.
func Forbidden(message string) *Error { return &Error{Kind: KindForbidden, Message: message} }

// Unauthenticated returns the error for a caller without valid credentials.
func Unauthenticated(message string) *Error {
	return &Error{Kind: KindUnauthenticated, Message: message}
}

// DeadLink returns the error for a link that leads nowhere (any more), in the same words whether it was used, revoked, replaced,
// is too old or never was; cause is for the log and must not hold the token.
func DeadLink(cause error) *Error {
	return &Error{Kind: KindNotFound, Message: "this link is not valid, or not valid any more", Cause: cause}
}

// Unavailable returns the error for a dependency that does not answer now; cause is for the log.
func Unavailable(message string, cause error) *Error {
	return &Error{Kind: KindUnavailable, Message: message, Cause: cause}
}

// FieldErrors collects broken rules, so that one answer can name all of them.
type FieldErrors []FieldError

// Add notes that field breaks the rule in message.
func (f *FieldErrors) Add(field, message string) {
	*f = append(*f, FieldError{Field: field, Message: message})
}

// Err returns nil if nothing was noted, or one KindInvalid error that names everything.
func (f FieldErrors) Err() error {
	if len(f) == 0 {
		return nil
	}
	messages := make([]string, len(f))
	for i, e := range f {
		messages[i] = e.Field + " " + e.Message
	}
	return &Error{Kind: KindInvalid, Message: strings.Join(messages, "; "), Fields: f}
}
