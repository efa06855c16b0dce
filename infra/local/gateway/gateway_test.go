package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// function is a Function made of a Go function.
type function func(ctx context.Context, payload []byte) ([]byte, error)

func (f function) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

// echo answers with the event that it got.
var echo = function(func(_ context.Context, payload []byte) ([]byte, error) {
	return json.Marshal(map[string]any{"statusCode": 200, "body": string(payload)})
})

// says returns a function that always answers text.
func says(text string) Function {
	return function(func(context.Context, []byte) ([]byte, error) { return []byte(text), nil })
}

const (
	allowAll = `{"principalId":"user:9","policyDocument":{"Statement":[{"Action":["execute-api:Invoke"],"Effect":"Allow","Resource":["arn:aws:execute-api:*:*:*/dev/*/*"]}]},"context":{"tenant":"7","count":3,"flag":true}}`
	denyAll  = `{"principalId":"nobody","policyDocument":{"Statement":[{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"*"}]},"context":{"reason":"the token has expired"}}`
)

// fromTemplate serves the API of template.yaml with functions that echo and that authorizer.
func fromTemplate(t testing.TB, authorizer Function, change func(*Config)) *httptest.Server {
	t.Helper()
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]Function{}
	for _, f := range template.Functions {
		functions[f.LogicalID] = echo
	}
	functions["AuthorizerFunction"] = authorizer
	config, err := FromTemplate(template, functions)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&config)
	}
	return serve(t, config)
}

func serve(t testing.TB, config Config) *httptest.Server {
	t.Helper()
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		server.Close()
		g.Wait(context.Background())
	})
	return server
}

// send sends a request and returns the answer with its body.
func send(t testing.TB, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request) // no redirects
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// universalBody checks the body that the clients of all dialects can read, and returns its message.
func universalBody(t testing.TB, response *http.Response, body string) string {
	t.Helper()
	var got struct {
		Message, Code string
		StatusCode    int
		Error         struct{ Message string }
		Errors        []struct{ Type, Message string }
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("body %q: %v", body, err)
	}
	if got.Message == "" || got.Code == "" || got.Error.Message != got.Message || len(got.Errors) != 1 ||
		got.Errors[0].Message != got.Message || got.Errors[0].Type != "application" {
		t.Errorf("body %s is not readable in every dialect", body)
	}
	if got.StatusCode != response.StatusCode {
		t.Errorf("body says %d, the status is %d", got.StatusCode, response.StatusCode)
	}
	if got := response.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q", got)
	}
	return got.Message
}

func TestTokenIsRequired(t *testing.T) {
	asked := false
	server := fromTemplate(t, function(func(context.Context, []byte) ([]byte, error) { asked = true; return []byte(allowAll), nil }), nil)
	for _, headers := range [][]string{nil, {"Authorization", ""}, {"Authorization", "  "}} {
		response, body := send(t, "GET", server.URL+"/api/v1/organization/users", "", headers...)
		universalBody(t, response, body)
		if response.StatusCode != http.StatusUnauthorized || asked {
			t.Errorf("headers %q: status %d, authorizer asked: %v; want 401 without asking", headers, response.StatusCode, asked)
		}
		if got, want := response.Header.Values("WWW-Authenticate"), []string{`Bearer realm="roster"`}; !cmp.Equal(got, want) {
			t.Errorf("WWW-Authenticate = %q, want %q: no error code for a missing token (RFC 6750, section 3.1)", got, want)
		}
	}
}

func TestDenialIsA401ThatSaysWhy(t *testing.T) {
	server := fromTemplate(t, says(denyAll), nil)
	for range 2 { // the second time from the cache
		response, body := send(t, "GET", server.URL+"/api/v1/organization/users", "", "Authorization", "Bearer x")
		if response.StatusCode != http.StatusUnauthorized || universalBody(t, response, body) != "the token has expired" {
			t.Errorf("got %d %s", response.StatusCode, body)
		}
		if got, want := response.Header.Values("WWW-Authenticate"), []string{`Bearer realm="roster", error="invalid_token"`}; !cmp.Equal(got, want) {
			t.Errorf("WWW-Authenticate = %q, want %q", got, want)
		}
	}
}

func TestFailingAuthorizerIsA500(t *testing.T) {
	for name, authorizer := range map[string]Function{
		"error":      function(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("secret") }),
		"panic":      function(func(context.Context, []byte) ([]byte, error) { panic("secret") }),
		"no policy":  says(`{"principalId":"x","policyDocument":{"Statement":[]}}`),
		"no json":    says(`secret`),
		"list value": says(strings.Replace(allowAll, `"7"`, `["secret"]`, 1)),
	} {
		server := fromTemplate(t, authorizer, nil)
		response, body := send(t, "GET", server.URL+"/api/v1/organization/users", "", "Authorization", "Bearer x")
		universalBody(t, response, body)
		if response.StatusCode != http.StatusInternalServerError || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %s", name, response.StatusCode, body)
		}
	}
}

func TestAuthorizerThatSaysUnauthorized(t *testing.T) {
	server := fromTemplate(t, function(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("Unauthorized") }), nil)
	response, _ := send(t, "GET", server.URL+"/api/v1/organization/users", "", "Authorization", "Bearer x")
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", response.StatusCode)
	}
}

func TestPolicyMustAllowTheMethodAskedFor(t *testing.T) {
	narrow := strings.Replace(allowAll, "/dev/*/*", "/dev/GET/api/v1/organization/user", 1)
	server := fromTemplate(t, says(narrow), nil)
	for path, want := range map[string]int{"/user": http.StatusOK, "/users": http.StatusUnauthorized} {
		if response, _ := send(t, "GET", server.URL+"/api/v1/organization"+path, "", "Authorization", "Bearer x"); response.StatusCode != want {
			t.Errorf("%s: status %d, want %d: the verdict is kept for all routes", path, response.StatusCode, want)
		}
	}
}

func TestVerdictsAreKeptForAMinute(t *testing.T) {
	var mu sync.Mutex
	asked, now := map[string]int{}, time.Unix(1000, 0)
	authorizer := function(func(_ context.Context, payload []byte) ([]byte, error) {
		var event struct{ Headers map[string]string }
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		asked[event.Headers["Authorization"]]++
		return []byte(allowAll), nil
	})
	server := fromTemplate(t, authorizer, func(c *Config) {
		c.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	pass := func(token, path string) {
		t.Helper()
		if response, body := send(t, "GET", server.URL+path, "", "Authorization", token); response.StatusCode != http.StatusOK {
			t.Fatalf("%s with %s: %d %s", path, token, response.StatusCode, body)
		}
	}
	advance := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	pass("Bearer a", "/api/v1/organization/users")
	pass("Bearer a", "/api/v1/organization/user/profile")
	advance(59 * time.Second)
	pass("Bearer a", "/api/v1/organization/users")
	pass("Bearer b", "/api/v1/organization/users")
	advance(time.Second)
	pass("Bearer a", "/api/v1/organization/users")
	pass("Bearer b", "/api/v1/organization/users")
	if want := map[string]int{"Bearer a": 2, "Bearer b": 1}; !cmp.Equal(asked, want) {
		t.Errorf("the authorizer was asked %v, want %v", asked, want)
	}
}

func TestFailuresAreNotKept(t *testing.T) {
	var calls atomic.Int32
	server := fromTemplate(t, function(func(context.Context, []byte) ([]byte, error) {
		if calls.Add(1) == 1 {
			return nil, errors.New("the table is busy")
		}
		return []byte(allowAll), nil
	}), nil)
	for _, want := range []int{http.StatusInternalServerError, http.StatusOK} {
		if response, _ := send(t, "GET", server.URL+"/api/v1/organization/users", "", "Authorization", "Bearer x"); response.StatusCode != want {
			t.Errorf("status %d, want %d", response.StatusCode, want)
		}
	}
}

func TestUnknownRoutesAreNotFound(t *testing.T) {
	server := fromTemplate(t, says(allowAll), nil)
	for _, asked := range []string{"GET /", "GET /api/v1/organization", "GET /api/v1/organization/users/", "POST /api/v1/organization/users", "GET /oauth2/token", "OPTIONS /oauth2/token", "GET /api/v1/organization//users"} {
		method, path, _ := strings.Cut(asked, " ")
		response, body := send(t, method, server.URL+path, "", "Authorization", "Bearer x")
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", asked, response.StatusCode)
			continue
		}
		universalBody(t, response, body)
	}
}

func TestTokenEndpointsNeedNoToken(t *testing.T) {
	server := fromTemplate(t, says(denyAll), nil)
	for _, asked := range []string{"POST /oauth2/token", "POST /oauth2/revoke", "GET /.well-known/jwks.json", "GET /.well-known/oauth-authorization-server"} {
		method, path, _ := strings.Cut(asked, " ")
		if response, body := send(t, method, server.URL+path, ""); response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", asked, response.StatusCode, body)
		}
	}
}

func TestEventHoldsTheRequest(t *testing.T) {
	server := fromTemplate(t, says(allowAll), func(c *Config) {
		c.StageVariables = map[string]string{"colour": "blue"}
		c.Now = func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	})
	_, body := send(t, "GET", server.URL+"/api/v1/organization/search/users?query=m%C3%BCller+%26+co&query=%2541&sortBy=Name&x=%zz&&y", "",
		"Authorization", "Bearer x", "Accept", "a", "Accept", "b", "Www-Authenticate", "dropped", "X-Forwarded-For", "198.51.100.1")
	var event proxyEvent
	if err := json.Unmarshal([]byte(body), &event); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	wantQuery := map[string][]string{"query": {"müller & co", "%41"}, "sortBy": {"Name"}, "x": {"%zz"}, "y": {""}}
	if diff := cmp.Diff(wantQuery, event.MultiQuery); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	if event.Query["query"] != "%41" {
		t.Errorf("the single-value query has %q, want the last value", event.Query["query"])
	}
	if diff := cmp.Diff([]string{"a", "b"}, event.MultiHeaders["Accept"]); diff != "" {
		t.Errorf("Accept (-want +got):\n%s", diff)
	}
	if got := event.MultiHeaders["X-Forwarded-For"]; len(got) != 1 || got[0] != "198.51.100.1, 127.0.0.1" {
		t.Errorf("X-Forwarded-For = %q", got)
	}
	if _, there := event.Headers["Www-Authenticate"]; there {
		t.Error("an inbound WWW-Authenticate got through")
	}
	if want := strings.TrimPrefix(server.URL, "http://"); event.Headers["Host"] != want {
		t.Errorf("Host = %q, want %q", event.Headers["Host"], want)
	}
	c := event.RequestContext
	if event.Resource != "/api/v1/organization/search/users" || event.Path != event.Resource || c.Stage != "dev" || c.Identity.SourceIP != "127.0.0.1" ||
		c.RequestID == "" || c.TimeEpoch != 1772366400000 || c.RequestTime != "01/Mar/2026:12:00:00 +0000" || event.StageVariables["colour"] != "blue" || event.Body != nil {
		t.Errorf("event = %s", body)
	}
	if diff := cmp.Diff(map[string]any{"tenant": "7", "count": "3", "flag": "true", "principalId": "user:9", "integrationLatency": 0.0}, c.Authorizer); diff != "" {
		t.Errorf("authorizer context (-want +got):\n%s", diff)
	}
}

func TestBodyArrivesAsText(t *testing.T) {
	server := fromTemplate(t, nil, func(c *Config) {
		c.Routes = slices.DeleteFunc(c.Routes, func(r Route) bool { return r.Path != "/oauth2/token" })
	})
	for sent, want := range map[string]string{"grant_type=x&a=%C3%BC": "grant_type=x&a=%C3%BC", "\xff!": "\ufffd!"} {
		_, body := send(t, "POST", server.URL+"/oauth2/token", sent)
		var event proxyEvent
		if err := json.Unmarshal([]byte(body), &event); err != nil || event.Body == nil || *event.Body != want || event.IsBase64Encoded {
			t.Errorf("sent %q, the event is %s (%v)", sent, body, err)
		}
	}
}

func TestPathIsDecodedAndParametersAreFound(t *testing.T) {
	server := serve(t, Config{Routes: []Route{
		{Method: "GET", Path: "/users/{id}", Function: echo},
		{Method: "GET", Path: "/users/me", Function: says(`{"statusCode":204}`)},
		{Method: "ANY", Path: "/files/{rest+}", Function: echo},
	}})
	for path, want := range map[string]map[string]string{"/users/a%20b": {"id": "a b"}, "/users/7": {"id": "7"}, "/users/a%2Fb%3F%25": {"id": "a/b?%"}, "/files/a/b/c": {"rest": "a/b/c"}, "/f%69les/%61": {"rest": "a"}} {
		_, body := send(t, "GET", server.URL+path, "")
		var event proxyEvent
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Fatalf("%s: %s: %v", path, body, err)
		}
		if diff := cmp.Diff(want, event.PathParameters); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if response, _ := send(t, "GET", server.URL+"/users/me", ""); response.StatusCode != http.StatusNoContent {
		t.Errorf("a literal segment must go before a parameter: status %d", response.StatusCode)
	}
	for _, path := range []string{"/users/", "/users", "/files/", "/files"} {
		if response, _ := send(t, "GET", server.URL+path, ""); response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d, want the service's own 403", path, response.StatusCode)
		}
	}
}

// TestPathParametersAreNotReported sends paths that hold a secret, with and without a route for them.
func TestPathParametersAreNotReported(t *testing.T) {
	reported := make(chan Served, 1)
	failing := function(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("no") })
	server := serve(t, Config{
		Routes: []Route{
			{Method: "GET", Path: "/invitations/{token}", Function: echo},
			{Method: "POST", Path: "/invitations/{token}", Function: failing},
			{Method: "GET", Path: "/users", Function: echo},
			{Method: "GET", Path: "/{any}/thing", Function: echo},
		},
		Served: func(s Served) { reported <- s },
	})
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/invitations/secret", "/invitations/{token}"},
		{"GET", "/invitations/se%2Fcret", "/invitations/{token}"},
		{"GET", "/%69nvitations/secret", "/invitations/{token}"},
		{"POST", "/invitations/secret", "/invitations/{token}"},
		{"PUT", "/invitations/secret", "/invitations/..."},
		{"GET", "/invitations/secret/", "/invitations/..."},
		{"GET", "/Invitations/secret", "/Invitations/..."},
		{"GET", "/v1/rest/invitations/secret", "/v1/rest/invitations/..."},
		{"GET", "//invitations/secret", "//invitations/..."},
		{"GET", "/invitations", "/invitations"},
		{"GET", "/users", "/users"},
		{"GET", "/somebody/thing", "/{any}/thing"},
		{"GET", "/nothing/here", "/nothing/here"},
	} {
		send(t, test.method, server.URL+test.path, "")
		if got := <-reported; got.Path != test.want || got.Failure != nil && strings.Contains(got.Failure.Error(), "secret") {
			t.Errorf("%s %s is reported as %q (%v), want %q", test.method, test.path, got.Path, got.Failure, test.want)
		}
	}
}

// TestInvitationPageNeedsNoToken checks that the one route of the template with a parameter hands it to its function as a REST API does.
func TestInvitationPageNeedsNoToken(t *testing.T) {
	server := fromTemplate(t, says(denyAll), nil)
	for _, method := range []string{"GET", "POST"} {
		response, body := send(t, method, server.URL+"/invitations/AbC-_1", "")
		var event proxyEvent
		if err := json.Unmarshal([]byte(body), &event); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s (%v)", method, response.StatusCode, body, err)
		}
		if event.Resource != "/invitations/{token}" || event.RequestContext.ResourcePath != event.Resource || event.Path != "/invitations/AbC-_1" ||
			!cmp.Equal(event.PathParameters, map[string]string{"token": "AbC-_1"}) || event.RequestContext.Authorizer != nil {
			t.Errorf("%s: the event is %s", method, body)
		}
	}
}

func TestAnswersOfFunctionsAreSent(t *testing.T) {
	server := serve(t, Config{Routes: []Route{
		{Method: "GET", Path: "/headers", Function: says(`{"statusCode":401,"headers":{"x-single":"1","Set-Cookie":"dropped=1"},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"],"WWW-Authenticate":["Basic"],"ETag":["\"1\""],"Date":["x"]},"body":"{}"}`)},
		{Method: "GET", Path: "/binary", Function: says(`{"statusCode":200,"headers":{"content-type":"image/png"},"body":"//4=","isBase64Encoded":true}`)},
		{Method: "GET", Path: "/nothing", Function: says(`{"statusCode":204}`)},
		{Method: "HEAD", Path: "/head", Function: says(`{"statusCode":200,"body":"body"}`)},
	}})
	response, body := send(t, "GET", server.URL+"/headers", "")
	if response.StatusCode != 401 || body != "{}" || response.Header.Get("X-Single") != "1" || response.Header.Get("Etag") != `"1"` || response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", response.StatusCode, response.Header, body)
	}
	if response.Header.Get("WWW-Authenticate") != "" || response.Header.Get("X-Amzn-Remapped-Www-Authenticate") != "Basic" || response.Header.Get("X-Amzn-Remapped-Date") != "x" {
		t.Errorf("headers %v: WWW-Authenticate and Date of a function must be renamed", response.Header)
	}
	if diff := cmp.Diff([]string{"a=1", "b=2"}, response.Header.Values("Set-Cookie")); diff != "" {
		t.Errorf("Set-Cookie (-want +got):\n%s", diff)
	}
	if response.Header.Get("X-Amzn-Requestid") == "" {
		t.Error("the answer has no request id")
	}
	if _, body := send(t, "GET", server.URL+"/binary", ""); body != "\xff\xfe" {
		t.Errorf("binary body = %q", body)
	}
	if response, body := send(t, "GET", server.URL+"/nothing", ""); response.StatusCode != 204 || body != "" || response.Header.Get("Content-Type") != "" {
		t.Errorf("%d %v %q", response.StatusCode, response.Header, body)
	}
	if response, body := send(t, "HEAD", server.URL+"/head", ""); response.StatusCode != 200 || body != "" {
		t.Errorf("%d %q", response.StatusCode, body)
	}
}

func TestFunctionsThatFailAreBadGateways(t *testing.T) {
	huge := `{"statusCode":200,"body":"` + strings.Repeat("x", maxPayloadBytes) + `"}`
	for name, f := range map[string]Function{
		"error":     function(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("secret") }),
		"panic":     function(func(context.Context, []byte) ([]byte, error) { panic("secret") }),
		"no json":   says("secret"),
		"no status": says(`{"body":"secret"}`),
		"bad text":  says(`{"statusCode":200,"isBase64Encoded":true,"body":"!"}`),
		"too large": says(huge),
	} {
		var failure error
		server := fromTemplate(t, nil, func(c *Config) {
			c.Routes = []Route{{Method: "GET", Path: "/x", Function: f}}
			c.Served = func(s Served) { failure = s.Failure }
		})
		response, body := send(t, "GET", server.URL+"/x", "")
		universalBody(t, response, body)
		if response.StatusCode != http.StatusBadGateway || !strings.Contains(body, "something went wrong on our side") || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %s", name, response.StatusCode, body)
		}
		server.Close()
		if failure == nil {
			t.Errorf("%s: the developer is not told what failed", name)
		}
	}
}

func TestSlowFunctionsAreGivenUp(t *testing.T) {
	slow := function(func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	server := fromTemplate(t, nil, func(c *Config) {
		c.Limit = 20 * time.Millisecond
		c.Routes = []Route{{Method: "GET", Path: "/gateway", Function: slow}, {Method: "GET", Path: "/function", Function: slow, Timeout: time.Millisecond}}
	})
	response, body := send(t, "GET", server.URL+"/gateway", "")
	universalBody(t, response, body)
	if response.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("slower than the gateway waits: status %d, want 504", response.StatusCode)
	}
	if response, _ := send(t, "GET", server.URL+"/function", ""); response.StatusCode != http.StatusBadGateway {
		t.Errorf("slower than the function's own timeout: status %d, want 502", response.StatusCode)
	}
}

func TestRequestsThatAreTooLarge(t *testing.T) {
	server := fromTemplate(t, says(denyAll), nil)
	for name, size := range map[string]int{"for the gateway": maxRequestBytes + 1, "for Lambda": maxPayloadBytes} {
		response, body := send(t, "POST", server.URL+"/oauth2/token", strings.Repeat("x", size))
		universalBody(t, response, body)
		if response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: status %d, want 413", name, response.StatusCode)
		}
	}
}

// TestEveryGatewayResponseIsReadable renders each response of the template, those too that this gateway never causes.
func TestEveryGatewayResponseIsReadable(t *testing.T) {
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]Function{}
	for _, f := range template.Functions {
		functions[f.LogicalID] = echo
	}
	config, err := FromTemplate(template, functions)
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range template.API.GatewayResponses {
		t.Run(r.Type, func(t *testing.T) {
			status := r.StatusCode
			if status == 0 {
				t.Fatal("its body says a status, so it must fix one")
			}
			w := httptest.NewRecorder()
			x := &exchange{id: "id", request: httptest.NewRequest("GET", "/", nil)}
			g.refuse(w, x, &failure{kind: r.Type, status: status, message: "the service's", context: map[string]string{"reason": "a reason"}})
			universalBody(t, w.Result(), w.Body.String())
			if status == http.StatusTooManyRequests && w.Result().Header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
			if status == http.StatusUnauthorized && !strings.HasPrefix(w.Result().Header.Get("WWW-Authenticate"), "Bearer ") {
				t.Error("401 without WWW-Authenticate")
			}
		})
	}
}

func TestWithoutATemplateTheServicesOwnBodiesAreSent(t *testing.T) {
	server := serve(t, Config{Responses: map[string]Response{"THROTTLED": {Body: `{"id":"$context.requestId","m":$context.error.messageString,"t":"$context.error.responseType","p":"$context.path","?":"$context.unknown"}`}}})
	response, body := send(t, "GET", server.URL+`/a"b`, "")
	if response.StatusCode != http.StatusForbidden || body != `{"message":"Missing Authentication Token"}` || response.Header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" {
		t.Errorf("%d %s %v", response.StatusCode, body, response.Header)
	}
}

func TestRequestsSideBySide(t *testing.T) {
	var served atomic.Int32
	server := fromTemplate(t, says(allowAll), func(c *Config) { c.Served = func(Served) { served.Add(1) } })
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			for j := range 8 {
				url := fmt.Sprintf("%s/api/v1/organization/user?userId=%d", server.URL, i*100+j)
				_, body := send(t, "GET", url, "", "Authorization", fmt.Sprintf("Bearer %d", j))
				var event proxyEvent
				if err := json.Unmarshal([]byte(body), &event); err != nil || event.Query["userId"] != fmt.Sprint(i*100+j) {
					t.Errorf("request %d/%d got the answer of another: %s", i, j, body)
				}
			}
		})
	}
	wait.Wait()
	server.Close()
	if served.Load() != 16*8 {
		t.Errorf("%d requests were reported, want %d", served.Load(), 16*8)
	}
}

func TestAPIThatCannotBeIsRefused(t *testing.T) {
	for name, routes := range map[string][]Route{
		"no slash":    {{Method: "GET", Path: "x", Function: echo}},
		"no method":   {{Path: "/x", Function: echo}},
		"no function": {{Method: "GET", Path: "/x"}},
		"twice":       {{Method: "GET", Path: "/x", Function: echo}, {Method: "GET", Path: "/x", Function: echo}},
	} {
		if _, err := New(Config{Routes: routes}); err == nil {
			t.Errorf("%s: New accepts it", name)
		}
	}
}

func TestCacheForgets(t *testing.T) {
	var cache verdictCache
	a := &Authorizer{CacheFor: time.Minute}
	now := time.Unix(0, 0)
	for i := range maxVerdicts {
		cache.put(a, fmt.Sprint(i), &verdict{}, now)
	}
	now = now.Add(time.Hour)
	cache.put(a, "new", &verdict{}, now)
	if len(cache.verdicts) != 1 {
		t.Errorf("%d verdicts are kept, want only the one that has not expired", len(cache.verdicts))
	}
	for i := range maxVerdicts {
		cache.put(a, fmt.Sprint(i), &verdict{}, now)
	}
	if len(cache.verdicts) > maxVerdicts {
		t.Errorf("%d verdicts are kept, want at most %d", len(cache.verdicts), maxVerdicts)
	}
}

func TestPatternsMatchAsInIAM(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"*", "a/b", true}, {"a*c", "abbc", true}, {"a*c", "ab", false}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"", "", true}, {"", "a", false}, {"a", "", false}, {"*a*b*", "xaxbx", true}, {"*ab", "aab", true}, {"execute-api:*", "execute-api:Invoke", true},
	} {
		if got := matches(test.pattern, test.text); got != test.want {
			t.Errorf("matches(%q, %q) = %v", test.pattern, test.text, got)
		}
	}
}
