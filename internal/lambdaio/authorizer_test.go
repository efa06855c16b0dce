package lambdaio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

const sampleStage = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/*/*"

var samplePrincipal = roster.Principal{Tenant: 7, Path: roster.OrgPath{7, 8}, Client: "c", User: 9, Permissions: roster.Permissions(roster.OrgViewUsers), TokenID: "j"}

func bearerEvent(t *testing.T, authorization ...string) AuthorizerRequest {
	t.Helper()
	var event AuthorizerRequest
	readEvent(t, "../../events/authorizer-bearer.json", &event)
	delete(event.Headers, "Authorization")
	event.MultiValueHeaders["Authorization"] = authorization
	return event
}

func authorizerFor(verify Verify) AuthorizerHandler {
	return Authorizer(verify, AuthorizerOptions{Log: slog.New(slog.DiscardHandler)})
}

func TestValidTokenIsAllowedOnTheWholeStage(t *testing.T) {
	var event AuthorizerRequest
	readEvent(t, "../../events/authorizer-bearer.json", &event)
	var seen string
	response, err := authorizerFor(func(_ context.Context, bearer string) (roster.Principal, error) {
		seen = bearer
		return samplePrincipal, nil
	})(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimPrefix(event.Headers["Authorization"], "Bearer "); seen != want {
		t.Errorf("verified %q, want %q", seen, want)
	}
	if effect, resource := effectOf(t, response); effect != "Allow" || resource != sampleStage {
		t.Errorf("%s %s, want Allow %s", effect, resource, sampleStage)
	}
	if response.PrincipalID != "user:9" {
		t.Errorf("principalId = %q, want user:9", response.PrincipalID)
	}
	// What the gateway makes of the context must lead back to the same principal.
	var gateway Request
	roundTrip(t, response.Context, &gateway.RequestContext.Authorizer)
	if diff := cmp.Diff(&samplePrincipal, callerOf(&gateway).Principal); diff != "" {
		t.Errorf("the principal changed on its way (-want +got):\n%s", diff)
	}
}

func TestBadTokensAreDeniedWithAReason(t *testing.T) {
	verified := func(context.Context, string) (roster.Principal, error) { return samplePrincipal, nil }
	for _, test := range []struct {
		name          string
		authorization []string
		verify        Verify
		want          string
	}{
		{"no header", nil, verified, "there is no Authorization header"},
		{"empty", []string{""}, verified, "must be: Bearer"},
		{"scheme only", []string{"Bearer"}, verified, "must be: Bearer"},
		{"another scheme", []string{"Basic YTpi"}, verified, "must be: Bearer"},
		{"two headers", []string{"Bearer a", "Bearer b"}, verified, "more than one"},
		{"two tokens", []string{"Bearer a b"}, verified, "malformed"},
		{"no token characters", []string{`Bearer a"b`}, verified, "malformed"},
		{"expired", []string{"Bearer a"}, func(context.Context, string) (roster.Principal, error) {
			return roster.Principal{}, roster.Unauthenticated(`the token's "exp" \ is past`)
		}, "the token's 'exp'   is past"},
		{"no words", []string{"Bearer a"}, func(context.Context, string) (roster.Principal, error) {
			return roster.Principal{}, &roster.Error{Kind: roster.KindUnauthenticated, Cause: errors.New("secret")}
		}, "the access token is not valid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			response, err := authorizerFor(test.verify)(t.Context(), bearerEvent(t, test.authorization...))
			if err != nil {
				t.Fatalf("the function failed with %v; a bad token is no error of ours", err)
			}
			if effect, resource := effectOf(t, response); effect != "Deny" || resource != sampleStage {
				t.Errorf("%s %s, want Deny %s", effect, resource, sampleStage)
			}
			reason, _ := response.Context[ReasonKey].(string)
			if !strings.Contains(reason, test.want) || strings.Contains(reason, "secret") {
				t.Errorf("reason = %q, want %q", reason, test.want)
			}
			if !json.Valid([]byte(`"` + reason + `"`)) {
				t.Errorf("reason %q needs escaping in JSON", reason)
			}
		})
	}
}

func TestOneSpaceOrMoreAndAnyCaseOfBearer(t *testing.T) {
	for _, value := range []string{"Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g== "} {
		var seen string
		response, err := authorizerFor(func(_ context.Context, bearer string) (roster.Principal, error) {
			seen = bearer
			return samplePrincipal, nil
		})(t.Context(), bearerEvent(t, value))
		if effect, _ := effectOf(t, response); err != nil || effect != "Allow" || seen != "a.b-c_d~e+f/g==" {
			t.Errorf("%q: %s, verified %q, %v", value, effect, seen, err)
		}
	}
}

func TestSampleEventsAreDeniedWithoutAToken(t *testing.T) {
	for _, file := range sampleEvents(t, "authorizer-no-token.json", "authorizer-basic-*.json") {
		var event AuthorizerRequest
		readEvent(t, file, &event)
		response, err := authorizerFor(nil)(t.Context(), event)
		if effect, _ := effectOf(t, response); err != nil || effect != "Deny" {
			t.Errorf("%s: %s, %v; want Deny", file, effect, err)
		}
	}
}

func TestFailuresOfOursAreErrors(t *testing.T) {
	for name, failure := range map[string]error{"unknown": errors.New("boom"), "table": roster.Unavailable("try again", nil), "not found": roster.NotFound("client")} {
		_, err := authorizerFor(func(context.Context, string) (roster.Principal, error) { return roster.Principal{}, failure })(t.Context(), bearerEvent(t, "Bearer a"))
		if !errors.Is(err, failure) {
			t.Errorf("%s: error %v, want %v", name, err, failure)
		}
	}
	panics := func(context.Context, string) (roster.Principal, error) { panic("oh") }
	if response, err := authorizerFor(panics)(t.Context(), bearerEvent(t, "Bearer a")); err == nil || len(response.PolicyDocument.Statement) > 0 {
		t.Errorf("a panic gave %+v, %v; want an error and no policy", response, err)
	}
	event := bearerEvent(t, "Bearer a")
	event.MethodArn = "nonsense"
	if _, err := authorizerFor(nil)(t.Context(), event); err == nil {
		t.Error("a methodArn that is none gave a verdict")
	}
}

func TestVerdictIsLoggedWithoutTheToken(t *testing.T) {
	var log bytes.Buffer
	options := AuthorizerOptions{Log: slog.New(slog.NewJSONHandler(&log, nil))}
	verify := func(ctx context.Context, _ string) (roster.Principal, error) {
		roster.MeterFrom(ctx).Add(roster.Cost{Calls: 1, Reads: 0.5})
		return samplePrincipal, nil
	}
	if _, err := Authorizer(verify, options)(t.Context(), bearerEvent(t, "Bearer secret-token")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"msg":"allowed"`, `"principal":"user:9"`, `"tenant":"7"`, `"readUnits":0.5`, `"route":"/api/v1/organization/search/users"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s, want %s", log.String(), want)
		}
	}
	if strings.Contains(log.String(), "secret-token") {
		t.Errorf("the token is in the log: %s", log.String())
	}
}

func effectOf(t *testing.T, response AuthorizerResponse) (effect, resource string) {
	t.Helper()
	if len(response.PolicyDocument.Statement) != 1 {
		t.Fatalf("policy = %+v, want one statement", response.PolicyDocument)
	}
	s := response.PolicyDocument.Statement[0]
	if len(s.Resource) != 1 || len(s.Action) != 1 || s.Action[0] != "execute-api:Invoke" {
		t.Fatalf("statement = %+v", s)
	}
	return s.Effect, s.Resource[0]
}
