package oauth2

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Code says why a request at a token endpoint was refused. These are the codes of the contract and of RFC 6749,
// section 5.2.
type Code string

// The codes.
const (
	InvalidRequest       Code = "invalid_request"
	InvalidClient        Code = "invalid_client"
	InvalidGrant         Code = "invalid_grant"
	UnauthorizedClient   Code = "unauthorized_client"
	UnsupportedGrantType Code = "unsupported_grant_type"

	// Faults of ours, and too many requests or wrong attempts, which the contract has no code for (RFC 6749, section 4.1.2.1).
	serverError            Code = "server_error"
	temporarilyUnavailable Code = "temporarily_unavailable"
)

// Refusal is the answer to a request that a token endpoint does not grant.
type Refusal struct {
	Code Code
	// Description is for the developer of the client. RFC 6749, section 5.2, allows it printable ASCII but no double quote
	// and no backslash.
	Description string

	// rules are what Description is made of where it names broken rules.
	rules []brokenRule
	// tooLarge is set where the request's body is, which some endpoints have a status of its own for.
	tooLarge bool
	// status is the status of the answer where it is another than the one of the Code.
	status int
}

// Error returns code and description.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Description }

func refuse(code Code, description string) error {
	return &Refusal{Code: code, Description: description}
}

// brokenRule is a rule that a parameter breaks.
type brokenRule struct{ parameter, says string }

// String returns the rule as a sentence.
func (b brokenRule) String() string { return b.parameter + " " + b.says }

// refuseFor refuses a request that breaks rules.
func refuseFor(rules []brokenRule) error {
	sentences := make([]string, len(rules))
	for i, rule := range rules {
		sentences[i] = rule.String()
	}
	return &Refusal{Code: InvalidRequest, Description: strings.Join(sentences, "; "), rules: rules}
}

// errorBody is the contract's OAuth2ErrorResponse.
type errorBody struct {
	Error       Code   `json:"error"`
	Description string `json:"error_description"`
}

// answerFor returns the status and body that tell the client about err. Nothing of an error that is not a Refusal is shown.
func answerFor(err error) (int, errorBody) {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return orDefault(refusal.status, http.StatusBadRequest), errorBody{refusal.Code, refusal.Description}
	}
	switch roster.KindOf(err) {
	case roster.KindTooMany:
		limited, _ := errors.AsType[*roster.Error](err)
		return http.StatusTooManyRequests, errorBody{temporarilyUnavailable, limited.Message}
	case roster.KindUnavailable:
		return http.StatusServiceUnavailable, errorBody{temporarilyUnavailable, "the server cannot answer now, try again in a moment"}
	}
	return http.StatusInternalServerError, errorBody{serverError, "the server met a fault"}
}

// retryAfter returns how long to wait after err, zero where it does not say so.
func retryAfter(err error) time.Duration {
	if limited, ok := errors.AsType[*roster.Error](err); ok {
		return limited.RetryAfter
	}
	return 0
}
