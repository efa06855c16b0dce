package organization

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// ErrorResponse is the body of every failure.
type ErrorResponse struct {
	Error ErrorDetails `json:"error" doc:"What went wrong"`
}

// ErrorDetails tells what went wrong.
type ErrorDetails struct {
	Message string `json:"message" doc:"What went wrong, for a person; it names the parameter or field where there is one"`
}

func errorBody(p api.Problem) any {
	return ErrorResponse{Error: ErrorDetails{Message: p.Message}}
}

// asInvalid returns err, but an error about one of the core's fields given (roster.Taken, an unknown role) as one of an
// invalid request, for the operations whose description has it so.
func asInvalid(err error, fields ...string) error {
	e, ok := errors.AsType[*roster.Error](err)
	if !ok || e.Kind == roster.KindInvalid || len(e.Fields) == 0 || !slices.Contains(fields, e.Fields[0].Field) {
		return err
	}
	return roster.Invalid(e.Fields[0].Field, e.Fields[0].Message)
}

// The descriptions of failures that operations have in common.
const (
	errInvalidParameter = "Bad request; the message names the parameter"
	errInvalidBody      = "Bad request; the message names every field that breaks a rule, and which"
	errForbidden        = "The caller lacks a permission, or would give somebody more than it has, or would lock itself out; the message says which"
	errNoUser           = "User not found or access denied: the answer is the same for both"
	errNoOrganization   = "Organization not found or access denied: the answer is the same for both"
	errLastAdmin        = "The last Admin of the root organization must stay Admin, or the user is changed by many at once"
	errStale            = "The user is not in the state that If-Match asks for, and was not changed"
	errStillRunning     = "A request with this Idempotency-Key is still running"
	errTooManyMails     = "Too many requests, or as much was mailed today as may be: to the address, or by the caller's organization"
	errOtherBody        = "The Idempotency-Key was used before, for another request"
)

// changeErrors are the failures of the operations that change one user.
func changeErrors(more map[int]string) map[int]string {
	return with(map[int]string{
		http.StatusBadRequest: errInvalidParameter, http.StatusForbidden: errForbidden, http.StatusNotFound: errNoUser,
		http.StatusConflict: errLastAdmin, http.StatusPreconditionFailed: errStale,
	}, more)
}

// creationErrors are the failures of the operations that create something.
func creationErrors(more map[int]string) map[int]string {
	return with(map[int]string{
		http.StatusBadRequest: errInvalidBody, http.StatusForbidden: errForbidden,
		http.StatusConflict: errStillRunning, http.StatusUnprocessableEntity: errOtherBody,
	}, more)
}

func with(errors, more map[int]string) map[int]string {
	maps.Copy(errors, more)
	return errors
}
