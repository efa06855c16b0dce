package endpoints

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/sender/fault"
)

// Endpoints registers devices with SNS. It is safe for concurrent use.
type Endpoints struct {
	client       *sns.Client
	applications Applications
	// Within bounds a registration; zero is 10 seconds.
	Within time.Duration
}

// Applications are the ARNs of the SNS platform applications, which hold the credentials of the platforms:
// arn:aws:sns:eu-central-1:123456789012:app/GCM/roster. Empty for a platform that is not set up.
type Applications struct {
	FCM         string
	APNS        string
	APNSSandbox string
}

// New returns what registers devices through the client. It makes no call.
func New(client *sns.Client, applications Applications) *Endpoints {
	return &Endpoints{client: client, applications: applications}
}

// registering is what the calls of this file are for, in errors.
const registering = "registering a device"

// notNow is what a caller is told when it is the service that fails.
const notNow = "devices cannot be registered now"

// existsAlready is part of the message by which SNS refuses to make a second endpoint for a token.
const existsAlready = " already exists with the same Token"

// RegisterEndpoint returns the ARN of an endpoint that is enabled and has the token: known if that serves, which is the one that
// was registered before and may be empty, or else one that is made or found. Whoever registers a token again enables an endpoint
// that SNS had disabled; to do so without its app's word would send to a device that is gone.
//
// A platform that is not set up, and a token that the platform cannot have given, are KindInvalid errors with the fields
// platform and token. A service that cannot be reached or is too busy is KindUnavailable. All others are an operator's to mend.
func (e *Endpoints) RegisterEndpoint(ctx context.Context, platform roster.Platform, token, known string) (string, error) {
	application := e.applications.of(platform)
	if application == "" {
		return "", roster.Invalid("platform", "is not set up here: "+e.applications.list())
	}
	ctx, cancel := context.WithTimeout(ctx, fault.Within(e.Within))
	defer cancel()
	endpoint := known
	if !belongs(endpoint, application) { // of another application, from before this one was set up
		endpoint = ""
	}
	// In the worst order that is not made by somebody who goes on deleting, known was deleted, the token is found to be another
	// endpoint's, and that one is deleted meanwhile.
	const rounds = 3
	var f *fault.Failure
	for range rounds {
		if endpoint == "" {
			endpoint, f = e.createEndpoint(ctx, application, token)
			if f != nil {
				return "", refusal(f)
			}
		}
		f = e.refreshEndpoint(ctx, endpoint, token)
		if f == nil {
			return endpoint, nil
		}
		next, again := instead(f, application)
		if !again {
			return "", refusal(f)
		}
		endpoint = next
	}
	return "", roster.Unavailable(notNow, f) // others delete what is made here
}

// createEndpoint makes the endpoint of a token. If there is one, SNS returns its ARN, or refuses because its attributes are others
// and names the ARN in the text. To keep out of the second case nothing that can change is stored with the endpoint; a disabled
// one can still lead to it.
func (e *Endpoints) createEndpoint(ctx context.Context, application, token string) (string, *fault.Failure) {
	output, err := e.client.CreatePlatformEndpoint(ctx, &sns.CreatePlatformEndpointInput{
		PlatformApplicationArn: aws.String(application),
		Token:                  aws.String(token),
	})
	if err != nil {
		f := fault.Of(ctx, registering, outcomes, err)
		if existing, ok := existingEndpoint(f.Message(), application); ok && isInvalidParameter(f) {
			return existing, nil
		}
		return "", f
	}
	if aws.ToString(output.EndpointArn) == "" {
		return "", fault.Garbled(registering)
	}
	return *output.EndpointArn, nil
}

// refreshEndpoint sees to it that the endpoint has the token and is enabled.
func (e *Endpoints) refreshEndpoint(ctx context.Context, endpoint, token string) *fault.Failure {
	output, err := e.client.GetEndpointAttributes(ctx, &sns.GetEndpointAttributesInput{EndpointArn: aws.String(endpoint)})
	if err != nil {
		return fault.Of(ctx, registering, outcomes, err)
	}
	enabled, err := strconv.ParseBool(output.Attributes["Enabled"])
	if err == nil && enabled && output.Attributes["Token"] == token {
		return nil
	}
	_, err = e.client.SetEndpointAttributes(ctx, &sns.SetEndpointAttributesInput{
		EndpointArn: aws.String(endpoint),
		Attributes:  map[string]string{"Token": token, "Enabled": "true"},
	})
	if err != nil {
		return fault.Of(ctx, registering, outcomes, err)
	}
	return nil
}

// instead returns the endpoint to go on with after one could not be refreshed, empty for a new one: it was deleted, or the token is
// another's already.
func instead(f *fault.Failure, application string) (endpoint string, again bool) {
	if f.Code() == "NotFound" {
		return "", true
	}
	if !isInvalidParameter(f) {
		return "", false
	}
	return existingEndpoint(f.Message(), application)
}

// refusal turns a failure into the error of the use case.
func refusal(f *fault.Failure) error {
	// A token that has an endpoint is a good one: if that is of another application, this one is not what the operator thinks.
	badToken := strings.HasPrefix(f.Message(), "Invalid parameter: Token") && !strings.Contains(f.Message(), existsAlready)
	switch {
	case isInvalidParameter(f) && badToken:
		invalid := roster.Invalid("token", "must be one that the platform gave to the app")
		invalid.Cause = f
		return invalid
	case f.Passing():
		return roster.Unavailable(notNow, f)
	default:
		return f
	}
}

func isInvalidParameter(f *fault.Failure) bool { return f.Code() == "InvalidParameter" }

// existingEndpoint returns the ARN in the message by which SNS refuses to make an endpoint for a token that has one, if it is of
// the application: "Invalid parameter: Token Reason: Endpoint ARN already exists with the same Token, but different attributes."
func existingEndpoint(message, application string) (string, bool) {
	_, rest, begins := strings.Cut(message, "Reason: Endpoint ")
	endpoint, _, ends := strings.Cut(rest, existsAlready)
	if !begins || !ends || !belongs(endpoint, application) {
		return "", false
	}
	return endpoint, true
}

// Has reports whether an endpoint is one of the application that is set up for its platform, and whether any is. One of another
// application is of a time before this one: the service would not let it be sent to, today or ever.
func (e *Endpoints) Has(platform roster.Platform, endpoint string) (has, setUp bool) {
	application := e.applications.of(platform)
	return belongs(endpoint, application), application != ""
}

// belongs reports whether the endpoint is one of the application. Their ARNs are those of arn:aws:sns:REGION:ACCOUNT:app/GCM/roster
// and arn:aws:sns:REGION:ACCOUNT:endpoint/GCM/roster/ID.
func belongs(endpoint, application string) bool {
	id, ok := strings.CutPrefix(endpoint, strings.Replace(application, ":app/", ":endpoint/", 1)+"/")
	return ok && id != "" && !strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// of returns the ARN of the application for a platform, empty if there is none.
func (a Applications) of(platform roster.Platform) string {
	switch platform {
	case roster.PlatformFCM:
		return a.FCM
	case roster.PlatformAPNS:
		return a.APNS
	case roster.PlatformAPNSSandbox:
		return a.APNSSandbox
	default:
		return ""
	}
}

// list says which platforms are set up.
func (a Applications) list() string {
	var names []string
	for _, platform := range []roster.Platform{roster.PlatformFCM, roster.PlatformAPNS, roster.PlatformAPNSSandbox} {
		if a.of(platform) != "" {
			names = append(names, platform.String())
		}
	}
	if len(names) == 0 {
		return "no platform is"
	}
	return "only " + strings.Join(names, " and ")
}

// outcomes are those of SNS's calls that register a device. RegisterEndpoint decides by itself; here are only words.
var outcomes = []fault.Outcome{
	{Code: "NotFound", Reason: "the push service does not know the platform application or the endpoint"},
	{Code: "InvalidParameter", Reason: "the push service does not accept the token or the platform application"},
	{Code: "AuthorizationError", Reason: "this function may not register devices"},
	{Code: "InternalError", Reason: "the push service has a fault"},
}
