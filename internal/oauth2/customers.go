package oauth2

import (
	"context"
	"errors"
	"net/http"
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
	client, err := s.recognize(ctx, r, clientCredentials{r.params["client_id"], r.params["client_secret"]}, nothingElse)
	if err != nil {
		return nil, err
	}
	r.note("grant", grantClientCredentials)
	who, err := s.clientItself(ctx, client)
	if err != nil {
		return nil, err
	}
	var access string
	err = s.loggingIn(ctx, r, client, func() error {
		var err error
		access, err = s.minter.mint(ctx, who, newTokenID())
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.bearer(access), nil
}

// readCustomersToken reads the JSON body of the token call. Members that it does not know are left alone, as in OAuth (RFC 6749,
// section 3.2), and so is an Authorization header, which clients send along with whatever they have.
func (s *Server) readCustomersToken(w http.ResponseWriter, r *http.Request) (parameters, error) {
	members, err := readJSON(w, r, http.StatusBadRequest)
	if err != nil {
		return nil, err
	}
	params, rules := parameters{}, []brokenRule(nil)
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
			rules = append(rules, brokenRule{name, broken})
		}
		params[name] = value
	}
	if len(rules) > 0 {
		return nil, refuseFor(rules)
	}
	return params, nil
}

// customersRefusal answers with the error body of the customers dialect.
func customersRefusal(_ http.Header, _ *http.Request, err error) (int, any) {
	status, body := answerFor(err)
	if body.Error == InvalidClient {
		status = http.StatusUnauthorized
	}
	var message any = body.Description
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.rules != nil {
		rules := make([]string, len(refusal.rules))
		for i, rule := range refusal.rules {
			rules[i] = rule.String()
		}
		message = rules
	}
	return status, customersError{status, message, http.StatusText(status)}
}
