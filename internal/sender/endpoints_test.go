package sender_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/sender"
)

const (
	endpointOne = "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/roster/0f7d5971-aa8b-4bd5-b585-0826e9f93a66"
	endpointTwo = "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/roster/5e3e9847-3183-3f18-a7e8-671c3a57d4b3"
)

// step is a call that the service expects next, as its parameters but for the version, and what it answers.
type step struct {
	call   string
	answer func(w http.ResponseWriter)
}

// script returns a service that answers the steps in order, and what checks that there were no more and no fewer calls.
func script(t *testing.T, steps []step) (base string, done func()) {
	t.Helper()
	service := serve(t, func(w http.ResponseWriter, call int, r request) {
		if call >= len(steps) {
			snsError(w, http.StatusBadRequest, "NotInTheScript", "")
			return
		}
		steps[call].answer(w)
	})
	return service.url, func() {
		t.Helper()
		var got, want []string
		for _, call := range service.calls() {
			form := call.form(t)
			form.Del("Version")
			text := form.Get("Action")
			form.Del("Action")
			// The client writes the entries of a map in any order.
			attributes := map[string]string{}
			for i := 1; form.Has(fmt.Sprintf("Attributes.entry.%d.key", i)); i++ {
				key, value := fmt.Sprintf("Attributes.entry.%d.key", i), fmt.Sprintf("Attributes.entry.%d.value", i)
				attributes[form.Get(key)] = form.Get(value)
				form.Del(key)
				form.Del(value)
			}
			var parameters []string
			for key := range form {
				parameters = append(parameters, key+"="+form.Get(key))
			}
			for key, value := range attributes {
				parameters = append(parameters, key+"="+value)
			}
			slices.Sort(parameters)
			got = append(got, text+" "+strings.Join(parameters, " "))
		}
		for _, s := range steps {
			want = append(want, s.call)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the calls (-want +got):\n%s", diff)
		}
	}
}

func create(answer func(w http.ResponseWriter)) step {
	return step{"CreatePlatformEndpoint PlatformApplicationArn=" + applications.FCM + " Token=" + plantedToken, answer}
}

func created(endpoint string) step {
	return create(func(w http.ResponseWriter) {
		snsAnswer(w, "CreatePlatformEndpoint", "<EndpointArn>"+endpoint+"</EndpointArn>")
	})
}

func get(endpoint string, answer func(w http.ResponseWriter)) step {
	return step{"GetEndpointAttributes EndpointArn=" + endpoint, answer}
}

func has(endpoint, token, enabled string) step {
	return get(endpoint, func(w http.ResponseWriter) {
		snsAnswer(w, "GetEndpointAttributes", "<Attributes><entry><key>Enabled</key><value>"+enabled+"</value></entry><entry><key>Token</key><value>"+token+"</value></entry></Attributes>")
	})
}

func set(endpoint string, answer func(w http.ResponseWriter)) step {
	return step{"SetEndpointAttributes Enabled=true EndpointArn=" + endpoint + " Token=" + plantedToken, answer}
}

func done(w http.ResponseWriter) { snsAnswer(w, "SetEndpointAttributes", "") }

func fails(status int, code, message string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) { snsError(w, status, code, message) }
}

func exists(endpoint string) func(w http.ResponseWriter) {
	return fails(http.StatusBadRequest, "InvalidParameter",
		"Invalid parameter: Token Reason: Endpoint "+endpoint+" already exists with the same Token, but different attributes.")
}

func TestRegisterEndpointLeavesAnEndpointThatWorks(t *testing.T) {
	notFound := fails(http.StatusNotFound, "NotFound", "Endpoint does not exist")
	cases := map[string]struct {
		known string
		steps []step
		want  string
	}{
		"first time":                    {"", []step{created(endpointOne), has(endpointOne, plantedToken, "true")}, endpointOne},
		"known and well":                {endpointOne, []step{has(endpointOne, plantedToken, "true")}, endpointOne},
		"known and well in capitals":    {endpointOne, []step{has(endpointOne, plantedToken, "True")}, endpointOne},
		"known and disabled":            {endpointOne, []step{has(endpointOne, plantedToken, "false"), set(endpointOne, done)}, endpointOne},
		"known with another token":      {endpointOne, []step{has(endpointOne, "old", "true"), set(endpointOne, done)}, endpointOne},
		"known without attributes":      {endpointOne, []step{get(endpointOne, func(w http.ResponseWriter) { snsAnswer(w, "GetEndpointAttributes", "<Attributes/>") }), set(endpointOne, done)}, endpointOne},
		"known and deleted":             {endpointOne, []step{get(endpointOne, notFound), created(endpointTwo), has(endpointTwo, plantedToken, "true")}, endpointTwo},
		"deleted in between":            {endpointOne, []step{has(endpointOne, "old", "true"), set(endpointOne, notFound), created(endpointTwo), has(endpointTwo, plantedToken, "true")}, endpointTwo},
		"there and disabled":            {"", []step{create(exists(endpointTwo)), has(endpointTwo, plantedToken, "false"), set(endpointTwo, done)}, endpointTwo},
		"the token is another's":        {endpointOne, []step{has(endpointOne, "old", "true"), set(endpointOne, exists(endpointTwo)), has(endpointTwo, plantedToken, "false"), set(endpointTwo, done)}, endpointTwo},
		"made and disabled":             {"", []step{created(endpointOne), has(endpointOne, plantedToken, "false"), set(endpointOne, done)}, endpointOne},
		"known of another application":  {"arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/older/0f7d5971", []step{created(endpointOne), has(endpointOne, plantedToken, "true")}, endpointOne},
		"known, and no ARN":             {"0f7d5971", []step{created(endpointOne), has(endpointOne, plantedToken, "true")}, endpointOne},
		"known of a similar name":       {"arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/roster2/0f7d5971", []step{created(endpointOne), has(endpointOne, plantedToken, "true")}, endpointOne},
		"deleted as soon as it is made": {"", []step{created(endpointOne), get(endpointOne, notFound), created(endpointTwo), has(endpointTwo, plantedToken, "true")}, endpointTwo},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			base, check := script(t, test.steps)
			got, err := sender.NewSNS(snsClient(base, 1), applications).RegisterEndpoint(t.Context(), roster.PlatformFCM, plantedToken, test.known)
			if err != nil || got != test.want {
				t.Errorf("RegisterEndpoint = %q, %v, want %q", got, err, test.want)
			}
			check()
		})
	}
}

func TestRegisterEndpointSaysWhoIsToMendIt(t *testing.T) {
	const field = "token must be one that the platform gave to the app"
	notFound := fails(http.StatusNotFound, "NotFound", "Endpoint does not exist")
	cases := map[string]struct {
		known   string
		steps   []step
		kind    roster.Kind
		message string
	}{
		"a bad token": {"", []step{create(fails(400, "InvalidParameter", "Invalid parameter: Token Reason: iOS device tokens must be no more than 400 hexadecimal characters: "+plantedToken))},
			roster.KindInvalid, field},
		"a bad new token": {endpointOne, []step{has(endpointOne, "old", "true"), set(endpointOne, fails(400, "InvalidParameter", "Invalid parameter: Token Reason: "+plantedToken))},
			roster.KindInvalid, field},
		"an endpoint of another application": {"", []step{create(exists("arn:aws:sns:eu-central-1:999999999999:endpoint/GCM/roster/1"))}, roster.KindInternal, ""},
		"an endpoint with more to its ARN":   {"", []step{create(exists(endpointOne + "/../2"))}, roster.KindInternal, ""},
		"no endpoint":                        {"", []step{create(exists(""))}, roster.KindInternal, ""},
		"no application":                     {"", []step{create(fails(404, "NotFound", "PlatformApplication does not exist"))}, roster.KindInternal, ""},
		"a bad application":                  {"", []step{create(fails(400, "InvalidParameter", "Invalid parameter: PlatformApplicationArn Reason: "+applications.FCM))}, roster.KindInternal, ""},
		"no permission":                      {"", []step{create(fails(403, "AuthorizationError", plantedToken))}, roster.KindInternal, ""},
		"no permission to look":              {"", []step{created(endpointOne), get(endpointOne, fails(403, "AuthorizationError", plantedToken))}, roster.KindInternal, ""},
		"no permission to set":               {endpointOne, []step{has(endpointOne, "old", "true"), set(endpointOne, fails(403, "AuthorizationError", plantedToken))}, roster.KindInternal, ""},
		"too busy":                           {"", []step{create(fails(400, "Throttling", "Rate exceeded"))}, roster.KindUnavailable, "devices cannot be registered now"},
		"too busy, by status":                {"", []step{create(fails(429, "Whatever", ""))}, roster.KindUnavailable, "devices cannot be registered now"},
		"a fault":                            {endpointOne, []step{get(endpointOne, fails(500, "InternalError", plantedToken))}, roster.KindUnavailable, "devices cannot be registered now"},
		"no endpoint in the answer":          {"", []step{created("")}, roster.KindUnavailable, "devices cannot be registered now"},
		"garbage":                            {"", []step{create(func(w http.ResponseWriter) { fmt.Fprint(w, "<html>"+plantedToken) })}, roster.KindUnavailable, "devices cannot be registered now"},
		"garbage with 400": {"", []step{create(func(w http.ResponseWriter) { w.WriteHeader(400); fmt.Fprint(w, "<html>"+plantedToken) })},
			roster.KindUnavailable, "devices cannot be registered now"},
		"deleted again and again": {endpointOne, []step{get(endpointOne, notFound), created(endpointOne), get(endpointOne, notFound), created(endpointOne), get(endpointOne, notFound)},
			roster.KindUnavailable, "devices cannot be registered now"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			base, check := script(t, test.steps)
			got, err := sender.NewSNS(snsClient(base, 1), applications).RegisterEndpoint(t.Context(), roster.PlatformFCM, plantedToken, test.known)
			wantSafe(t, err)
			if got != "" || roster.KindOf(err) != test.kind {
				t.Errorf("RegisterEndpoint = %q, %v, want %v", got, err, test.kind)
			}
			if e, ok := errors.AsType[*roster.Error](err); ok && e.Message != test.message {
				t.Errorf("the message is %q, want %q", e.Message, test.message)
			}
			if errors.Is(err, delivery.ErrRefused) || errors.Is(err, delivery.ErrEndpointGone) {
				t.Errorf("the error is of sending: %v", err)
			}
			check()
		})
	}
}

func TestRegisterEndpointNeedsAPlatformThatIsSetUp(t *testing.T) {
	cases := map[string]struct {
		applications sender.Applications
		platform     roster.Platform
		want         string
	}{
		"none":      {sender.Applications{}, roster.PlatformFCM, "platform is not set up here: no platform is"},
		"others":    {sender.Applications{FCM: applications.FCM, APNSSandbox: applications.APNSSandbox}, roster.PlatformAPNS, "platform is not set up here: only FCM and APNS_SANDBOX"},
		"one":       {sender.Applications{APNS: applications.APNS}, roster.PlatformAPNSSandbox, "platform is not set up here: only APNS"},
		"not known": {applications, 0, "platform is not set up here: only FCM and APNS and APNS_SANDBOX"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := sender.NewSNS(snsClient("http://127.0.0.1:1", 1), test.applications).RegisterEndpoint(t.Context(), test.platform, plantedToken, "")
			e, ok := errors.AsType[*roster.Error](err)
			if !ok || e.Kind != roster.KindInvalid || e.Message != test.want || len(e.Fields) != 1 || e.Fields[0].Field != "platform" {
				t.Errorf("RegisterEndpoint = %v, want %s", err, test.want)
			}
		})
	}
}

// TestRegisterEndpointUsesTheApplicationOfThePlatform registers one device on each.
func TestRegisterEndpointUsesTheApplicationOfThePlatform(t *testing.T) {
	for platform, application := range map[roster.Platform]string{
		roster.PlatformFCM: applications.FCM, roster.PlatformAPNS: applications.APNS, roster.PlatformAPNSSandbox: applications.APNSSandbox,
	} {
		t.Run(platform.String(), func(t *testing.T) {
			endpoint := strings.Replace(application, ":app/", ":endpoint/", 1) + "/1"
			base, check := script(t, []step{
				{"CreatePlatformEndpoint PlatformApplicationArn=" + application + " Token=" + plantedToken, func(w http.ResponseWriter) {
					snsAnswer(w, "CreatePlatformEndpoint", "<EndpointArn>"+endpoint+"</EndpointArn>")
				}},
				has(endpoint, plantedToken, "true"),
			})
			got, err := sender.NewSNS(snsClient(base, 1), applications).RegisterEndpoint(t.Context(), platform, plantedToken, "")
			if err != nil || got != endpoint {
				t.Errorf("RegisterEndpoint = %q, %v, want %q", got, err, endpoint)
			}
			check()
		})
	}
}
