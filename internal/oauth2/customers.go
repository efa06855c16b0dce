package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// customersError is an error body of the customers dialect. Message is a string, or the list of the rules that the request breaks.
type customersError struct {
	StatusCode int    `json:"statusCode"`
	Message    any    `json:"message"`
	Error      string `json:"error"`
}

// customersToken serves POST /api/v1/oauth/token: the grant client_credentials, for an access token alone. A client that wants another
// one asks again, so that there is no family to keep.
func (s *Server) customersToken(ctx context.Context, r *request) (any, error) {
	client, err := s.recognize(ctx, r, clientCredentials{r.params["client_id"], r.params["client_secret"]})
	if err != nil {
		return nil, err
	}
	r.note("grant", grantClientCredentials)
	who, err := s.clientItself(ctx, client)
	if err != nil {
		return nil, err
	}
	access, err := s.minter.mint(ctx, who, newTokenID())
	if err != nil {
		return nil, err
	}
	return s.bearer(access), nil
}

// readCustomersToken reads the JSON body of the token call. Members that it does not know are left alone, as in OAuth (RFC 6749,
// section 3.2), and so is an Authorization header, which clients send along with whatever they have.
func (s *Server) readCustomersToken(w http.ResponseWriter, r *http.Request) (parameters, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if !isJSON(r.Header.Values("Content-Type")) {
		return nil, refuse(InvalidRequest, "Content-Type must be application/json")
	}
	members, err := readMembers(body)
	if err != nil {
		return nil, err
	}
	params, rules := parameters{}, []string(nil)
	for _, name := range []string{"client_id", "client_secret", "audience", "grant_type"} {
		value, broken := text(members[name])
		switch {
		case broken != "":
		case name == "audience" && value != s.minter.audience:
			broken = "must be " + s.minter.audience
		case name == "grant_type" && value != grantClientCredentials:
			broken = "must be " + grantClientCredentials
		}
		if broken != "" {
			rules = append(rules, name+" "+broken)
		}
		params[name] = value
	}
	if len(rules) > 0 {
		return nil, refuseFor(rules)
	}
	return params, nil
}

// isJSON reports whether that is the Content-Type of JSON in UTF-8, which a body without one is taken for.
func isJSON(given []string) bool {
	if len(given) == 0 || len(given) == 1 && given[0] == "" {
		return true
	}
	media, params, err := mime.ParseMediaType(given[0])
	charset, has := params["charset"]
	return err == nil && len(given) == 1 && media == "application/json" && (!has || strings.EqualFold(charset, "utf-8"))
}

// readMembers returns the values of a JSON object by name, several where a name occurs more than once. encoding/json alone would take
// the last of them, and names in any case.
func readMembers(body []byte) (map[string][]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if first, err := decoder.Token(); !utf8.Valid(body) || !json.Valid(body) || err != nil || first != json.Delim('{') {
		return nil, refuse(InvalidRequest, "the body must be a JSON object in UTF-8")
	}
	members := map[string][]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, refuse(InvalidRequest, "the body could not be read")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, refuse(InvalidRequest, "the body could not be read")
		}
		key, _ := name.(string) // in valid JSON the name of a member is nothing else
		members[key] = append(members[key], value)
	}
	return members, nil
}

// text returns the value of a member that is to be given once, as a string; or what is wrong with it.
func text(given []json.RawMessage) (string, string) {
	var value string
	switch {
	case len(given) == 0:
		return "", "is required"
	case len(given) > 1:
		return "", "occurs more than once"
	case given[0][0] != '"' || json.Unmarshal(given[0], &value) != nil:
		return "", "must be a string"
	case value == "":
		return "", "must not be empty"
	}
	return value, ""
}

// customersRefusal answers with the error body of the customers dialect.
func customersRefusal(_ http.Header, _ *http.Request, err error) (int, any) {
	status, body := answerFor(err)
	if body.Error == InvalidClient {
		status = http.StatusUnauthorized
	}
	var message any = body.Description
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.rules != nil {
		message = refusal.rules
	}
	return status, customersError{status, message, http.StatusText(status)}
}
