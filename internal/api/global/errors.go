package global

import (
	"net/http"

	"github.com/rosterhq/roster/internal/api"
)

// ErrorResponse is the body of every failure.
type ErrorResponse struct {
	Errors []Error `json:"errors" nullable:"false" minItems:"1" doc:"What went wrong"`
}

// Error is one failure.
type Error struct {
	Type    string   `json:"type" enum:"application" doc:"The kind of failure"`
	Message string   `json:"message" doc:"What went wrong, for a person"`
	Details []Detail `json:"details,omitempty" nullable:"false" doc:"Each rule that the request breaks; absent if the failure is not about parameters"`
}

// Detail is one broken rule.
type Detail struct {
	Key     string `json:"key" doc:"The parameter, or the place in it, such as filter[0].created_at.from for the first filter"`
	Message string `json:"message" doc:"The rule that it breaks, as the second half of a sentence"`
}

func errorBody(p api.Problem) any {
	e := Error{Type: "application", Message: p.Message}
	for _, f := range p.Fields {
		e.Details = append(e.Details, Detail{Key: f.Field, Message: f.Message})
	}
	return ErrorResponse{Errors: []Error{e}}
}

// errorsOfList are the failures of the list.
func errorsOfList() map[int]string {
	return map[int]string{
		http.StatusBadRequest: "Bad request; the details name each parameter that breaks a rule, and which",
		http.StatusForbidden:  "The caller lacks a permission; the message says which",
		http.StatusNotFound:   "There is no such type of users",
		http.StatusServiceUnavailable: "Something this depends on does not answer now, and may after the time in Retry-After; or the search did not end in time, " +
			"and needs simpler filters. The message says which",
	}
}
