package lambdaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/rosterhq/roster/internal/roster"
)

// AuthorizerRequest is the event of a Lambda authorizer of type REQUEST.
type AuthorizerRequest = events.APIGatewayCustomAuthorizerRequestTypeRequest

// AuthorizerResponse is an authorizer's verdict.
type AuthorizerResponse = events.APIGatewayCustomAuthorizerResponse

// AuthorizerHandler is a Lambda function that API Gateway asks whether a caller may pass.
type AuthorizerHandler func(context.Context, AuthorizerRequest) (AuthorizerResponse, error)

// Verify finds out who an access token speaks for. It returns an error of roster.KindUnauthenticated for a token that is
// not valid, whose message is shown to the caller; any other error means that it could not find out.
type Verify func(ctx context.Context, bearer string) (roster.Principal, error)

// AuthorizerOptions are the settings of Authorizer. The zero value is useful.
type AuthorizerOptions struct {
	// Log receives one line per verdict; nil means slog.Default.
	Log *slog.Logger
	// Now tells the time, for the duration in the log; nil means time.Now.
	Now func() time.Time
}

// ReasonKey is the context key under which a denial says why, for the gateway response to quote as
// $context.authorizer.reason. Its value needs no escaping in JSON.
const ReasonKey = "reason"

// Authorizer returns a Lambda authorizer. For a valid token it allows the whole stage, because API Gateway caches the policy by
// token and applies it to every route: a policy for the one method asked about would refuse the next route. The principal
// travels as string context. A token that is not valid is denied, with the reason as context, and is no error of the function:
// errors are kept for failures of ours, and the gateway answers those with 500.
func Authorizer(verify Verify, options AuthorizerOptions) AuthorizerHandler {
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return func(ctx context.Context, event AuthorizerRequest) (AuthorizerResponse, error) {
		begin := options.Now()
		meter := new(roster.Meter)
		response, err := judge(roster.WithMeter(ctx, meter), verify, &event)
		logVerdict(ctx, options.Log, &event, response, err, meter.Cost(), options.Now().Sub(begin))
		return response, err
	}
}

// judge is authorize, with a panic turned into an error: the process need not end, and the gateway's answer is the same.
func judge(ctx context.Context, verify Verify, event *AuthorizerRequest) (response AuthorizerResponse, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			response, err = AuthorizerResponse{}, fmt.Errorf("the authorizer panicked: %v\n%s", failure, debug.Stack())
		}
	}()
	return authorize(ctx, verify, event)
}

func authorize(ctx context.Context, verify Verify, event *AuthorizerRequest) (AuthorizerResponse, error) {
	stage, err := wholeStage(event.MethodArn)
	if err != nil {
		return AuthorizerResponse{}, err
	}
	bearer, err := bearerToken(event)
	if err != nil {
		return deny(stage, err.Error()), nil
	}
	principal, err := verify(ctx, bearer)
	if err != nil && roster.KindOf(err) == roster.KindUnauthenticated {
		return deny(stage, messageOf(err)), nil
	}
	if err != nil {
		return AuthorizerResponse{}, fmt.Errorf("verifying an access token: %w", err)
	}
	return allow(stage, &principal), nil
}

// bearerToken returns the token of the Authorization header (RFC 6750, section 2.1). The error's text is for the caller.
func bearerToken(event *AuthorizerRequest) (string, error) {
	value, err := authorization(event)
	if err != nil {
		return "", err
	}
	scheme, token, ok := strings.Cut(value, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", errors.New("the Authorization header must be: Bearer, a space, and an access token")
	}
	token = strings.Trim(token, " ")
	if token == "" || strings.ContainsFunc(token, notTokenCharacter) {
		return "", errors.New("the access token is malformed")
	}
	return token, nil
}

// authorization returns the one value of the Authorization header, whatever the case it was written in.
func authorization(event *AuthorizerRequest) (string, error) {
	var values []string
	for name, v := range event.MultiValueHeaders {
		if strings.EqualFold(name, "Authorization") {
			values = append(values, v...)
		}
	}
	if values == nil {
		for name, v := range event.Headers {
			if strings.EqualFold(name, "Authorization") {
				values = append(values, v)
			}
		}
	}
	switch len(values) {
	case 0:
		return "", errors.New("there is no Authorization header")
	case 1:
		return strings.Trim(values[0], " \t"), nil
	default:
		return "", errors.New("there is more than one Authorization header")
	}
}

// notTokenCharacter reports characters that no b64token has (RFC 6750, section 2.1).
func notTokenCharacter(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~+/=", r))
}

// wholeStage returns the ARN that stands for every method and path of the stage that methodARN is in:
// arn:aws:execute-api:region:account:api/stage/GET/path becomes arn:aws:execute-api:region:account:api/stage/*/*.
func wholeStage(methodARN string) (string, error) {
	parts := strings.SplitN(methodARN, "/", 3)
	if len(parts) < 3 || !strings.HasPrefix(methodARN, "arn:") || parts[1] == "" {
		return "", fmt.Errorf("the event's methodArn %q is not the ARN of an API's method", methodARN)
	}
	return parts[0] + "/" + parts[1] + "/*/*", nil
}

func allow(resource string, principal *roster.Principal) AuthorizerResponse {
	attributes := principal.Attributes()
	values := make(map[string]any, len(attributes))
	for name, value := range attributes {
		values[name] = value
	}
	return AuthorizerResponse{PrincipalID: principal.Stamp("", "").By, PolicyDocument: policy("Allow", resource), Context: values}
}

func deny(resource, reason string) AuthorizerResponse {
	return AuthorizerResponse{PrincipalID: "nobody", PolicyDocument: policy("Deny", resource), Context: map[string]any{ReasonKey: quotable(reason)}}
}

func policy(effect, resource string) events.APIGatewayCustomAuthorizerPolicy {
	return events.APIGatewayCustomAuthorizerPolicy{
		Version:   "2012-10-17",
		Statement: []events.IAMPolicyStatement{{Action: []string{"execute-api:Invoke"}, Effect: effect, Resource: []string{resource}}},
	}
}

// quotable returns reason with everything replaced that would need escaping between the quotes of a JSON string: a gateway
// response inserts it as it is.
func quotable(reason string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r == '\\' || r < ' ' || r == 0x7f || r == 0xfffd:
			return ' '
		default:
			return r
		}
	}, reason)
}

// messageOf returns the part of err that is for the caller.
func messageOf(err error) string {
	if e, ok := errors.AsType[*roster.Error](err); ok && e.Message != "" {
		return e.Message
	}
	return "the access token is not valid"
}

func logVerdict(ctx context.Context, log *slog.Logger, event *AuthorizerRequest, response AuthorizerResponse, err error, cost roster.Cost, took time.Duration) {
	facts := []slog.Attr{
		slog.String("requestId", event.RequestContext.RequestID),
		slog.String("method", event.HTTPMethod),
		slog.String("route", event.Resource),
		slog.Duration("duration", took),
		slog.Int("tableCalls", cost.Calls),
		slog.Float64("readUnits", cost.Reads),
	}
	if err != nil {
		log.LogAttrs(ctx, slog.LevelError, "authorizer failed", append(facts, slog.String("error", err.Error()))...)
		return
	}
	if reason, denied := response.Context[ReasonKey]; denied {
		log.LogAttrs(ctx, slog.LevelInfo, "denied", append(facts, slog.Any(ReasonKey, reason))...)
		return
	}
	log.LogAttrs(ctx, slog.LevelInfo, "allowed", append(facts, slog.String("principal", response.PrincipalID), slog.Any("tenant", response.Context["tenant"]))...)
}
