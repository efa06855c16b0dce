package customers

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rosterhq/roster/internal/api"
)

// ErrorResponse is the body of every failure.
type ErrorResponse struct {
	StatusCode int     `json:"statusCode" minimum:"400" maximum:"599" doc:"The HTTP status"`
	Message    Message `json:"message"`
	Error      string  `json:"error" doc:"What the HTTP status means"`
}

// Message tells what went wrong: a text, or one text for each rule that the request breaks.
type Message struct {
	Text  string
	Rules []string
}

// MarshalJSON returns the rules, if there are any, or the text.
func (m Message) MarshalJSON() ([]byte, error) {
	if len(m.Rules) > 0 {
		return json.Marshal(m.Rules)
	}
	return json.Marshal(m.Text)
}

// UnmarshalJSON is the opposite of MarshalJSON.
func (m *Message) UnmarshalJSON(data []byte) error {
	*m = Message{}
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, &m.Rules)
	}
	return json.Unmarshal(data, &m.Text)
}

// Schema returns the schema of both forms.
func (Message) Schema(huma.Registry) *huma.Schema {
	one := 1
	return &huma.Schema{
		Description: "What went wrong, for a person; for a request that breaks rules a list with each of them, by the name of the parameter or field",
		OneOf: []*huma.Schema{
			{Type: huma.TypeString},
			{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, MinItems: &one},
		},
	}
}

func errorBody(p api.Problem) any {
	body := ErrorResponse{StatusCode: p.Status, Message: Message{Text: p.Message}, Error: http.StatusText(p.Status)}
	for _, f := range p.Fields {
		body.Message.Rules = append(body.Message.Rules, f.Field+" "+f.Message)
	}
	return body
}

// The descriptions of failures that operations have in common.
const (
	errInvalidParameter = "Bad request; the message names each parameter that breaks a rule, and which"
	errInvalidBody      = "Bad request; the message names each parameter and field that breaks a rule, and which. A role or delegate that does not exist breaks one, too"
	errForbidden        = "The token is for another customer, or the caller lacks a permission, or would give somebody more than it has, or would lock itself out; the message says which"
	errNotAllowed       = "The token is for another customer, or the caller lacks a permission; the message says which"
	errNoUser           = "The customer has no such user"
	errTaken            = "Somebody else has the e-mail address or identity; or the last Admin of the root organization would not stay Admin; or the user is changed by many at once"
	errLastAdmin        = "The last Admin of the root organization must stay Admin, or the user is changed by many at once"
	errStale            = "The user is not in the state that If-Match asks for, and was not changed"
)

// readErrors are the failures of the operations that read.
func readErrors(more map[int]string) map[int]string {
	errors := map[int]string{http.StatusBadRequest: errInvalidParameter, http.StatusForbidden: errNotAllowed}
	maps.Copy(errors, more)
	return errors
}

// changeErrors are the failures of the operations that change one user.
func changeErrors(more map[int]string) map[int]string {
	errors := map[int]string{
		http.StatusBadRequest: errInvalidBody, http.StatusForbidden: errForbidden, http.StatusNotFound: errNoUser,
		http.StatusConflict: errTaken, http.StatusPreconditionFailed: errStale,
	}
	maps.Copy(errors, more)
	return errors
}
