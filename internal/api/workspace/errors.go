package workspace

import (
	"maps"
	"net/http"

	"github.com/rosterhq/roster/internal/api"
)

// ErrorResponse is the body of every failure.
type ErrorResponse struct {
	Message string  `json:"message" doc:"What went wrong, for a person"`
	Code    string  `json:"code" example:"BAD_REQUEST" doc:"What went wrong, for a program"`
	Issues  []Issue `json:"issues,omitempty" nullable:"false" doc:"Each rule that the request breaks; absent unless it breaks some"`
}

// Issue is a rule that a request breaks.
type Issue struct {
	Message string   `json:"message" doc:"The rule"`
	Path    []string `json:"path" nullable:"false" doc:"The parameter that breaks it"`
}

// codes are the codes of the statuses.
var codes = map[int]string{
	http.StatusBadRequest:            "BAD_REQUEST",
	http.StatusUnauthorized:          "UNAUTHORIZED",
	http.StatusForbidden:             "FORBIDDEN",
	http.StatusNotFound:              "NOT_FOUND",
	http.StatusMethodNotAllowed:      "METHOD_NOT_SUPPORTED",
	http.StatusConflict:              "CONFLICT",
	http.StatusPreconditionFailed:    "PRECONDITION_FAILED",
	http.StatusRequestEntityTooLarge: "PAYLOAD_TOO_LARGE",
	http.StatusUnsupportedMediaType:  "UNSUPPORTED_MEDIA_TYPE",
	http.StatusUnprocessableEntity:   "UNPROCESSABLE_CONTENT",
	http.StatusTooManyRequests:       "TOO_MANY_REQUESTS",
	http.StatusInternalServerError:   "INTERNAL_SERVER_ERROR",
	http.StatusServiceUnavailable:    "SERVICE_UNAVAILABLE",
}

// codeOf returns the code of a status, for one without the code of its class.
func codeOf(status int) string {
	if code, ok := codes[status]; ok {
		return code
	}
	if status < http.StatusInternalServerError {
		return codes[http.StatusBadRequest]
	}
	return codes[http.StatusInternalServerError]
}

func errorBody(p api.Problem) any {
	body := ErrorResponse{Message: p.Message, Code: codeOf(p.Status)}
	switch {
	case len(p.Fields) > 0:
		body.Message = "Input validation failed"
		for _, f := range p.Fields {
			body.Issues = append(body.Issues, Issue{Message: f.Message, Path: []string{f.Field}})
		}
	case p.Status == http.StatusNotFound:
		body.Message = "Not found"
	case p.Status == http.StatusInternalServerError:
		body.Message = "Internal server error"
	}
	return body
}

// The descriptions of failures that operations have in common.
const (
	errInvalid = "Bad request; the issues name each parameter that breaks a rule, and which"
	errNoUser  = "The workspace has no such user, or the caller does not see it"
)

// readErrors are the failures of the operations that read.
func readErrors(more map[int]string) map[int]string {
	errors := map[int]string{http.StatusBadRequest: errInvalid}
	maps.Copy(errors, more)
	return errors
}
