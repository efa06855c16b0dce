package lambdaio

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

// invoke sends event through the JSON that Lambda would send it as and returns the answer as API Gateway would read it.
func invoke(t testing.TB, h Handler, event Request) Response {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	answer, err := h.Invoke(context.Background(), payload)
	if err != nil {
		t.Fatalf("the function failed with %v, want an answer whatever happens", err)
	}
	var got Response
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatalf("decoding %s: %v", answer, err)
	}
	return got
}

func roundTrip(t testing.TB, from, to any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatalf("decoding: %v", err)
	}
}

// requestOf returns the request that a handler sees for event, and its body.
func requestOf(t testing.TB, event Request, options Options) (*http.Request, string) {
	t.Helper()
	var seen *http.Request
	var body []byte
	h := HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
	}), options)
	response := invoke(t, h, event)
	if seen == nil {
		t.Fatalf("the handler was not called; the answer was %d %s", response.StatusCode, response.Body)
	}
	return seen, string(body)
}

// requestFrom is requestOf without the way through JSON.
func requestFrom(t testing.TB, event Request) (*http.Request, string) {
	t.Helper()
	var seen *http.Request
	var body []byte
	h := HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
	}), quiet())
	if _, err := h(context.Background(), event); err != nil || seen == nil {
		t.Fatalf("the handler was not called: %v", err)
	}
	return seen, string(body)
}

func quiet() Options { return Options{Log: slog.New(slog.DiscardHandler)} }

func get(path string) Request {
	event := Request{HTTPMethod: http.MethodGet, Path: path}
	event.RequestContext.Identity.SourceIP = "203.0.113.7"
	event.RequestContext.DomainName = "api.example.com"
	return event
}

func TestPathArrivesAsItWasAsked(t *testing.T) {
	for _, test := range []struct{ path, want, uri string }{
		{"/users", "/users", "/users"},
		{"", "/", "/"},
		{"users", "/users", "/users"},
		{"/100%", "/100%", "/100%25"},
		{"/100%/of%2", "/100%/of%2", "/100%25/of%252"},
		{"/%zz", "/%zz", "/%25zz"},
		{"/why?not=this", "/why?not=this", "/why%3Fnot=this"},
		{"/a#b", "/a#b", "/a%23b"},
		{"/a b", "/a b", "/a%20b"},
		{"/a%20b", "/a b", "/a%20b"},
		{"/a%2Fb", "/a/b", "/a%2Fb"},
		{"/a\x00b\n", "/a\x00b\n", "/a%00b%0A"},
		{"/Ünïcode", "/Ünïcode", "/%C3%9Cn%C3%AFcode"},
		{"//evil.example/x", "//evil.example/x", "//evil.example/x"},
		{"/a:b@c", "/a:b@c", "/a:b@c"},
	} {
		r, _ := requestOf(t, get(test.path), quiet())
		if r.URL.Path != test.want || r.RequestURI != test.uri || r.URL.RawQuery != "" || r.URL.Fragment != "" {
			t.Errorf("path %q arrives as Path %q, RequestURI %q, RawQuery %q; want %q, %q and no query", test.path, r.URL.Path, r.RequestURI, r.URL.RawQuery, test.want, test.uri)
		}
	}
}

func TestBasePathIsTakenOffInWholeSegments(t *testing.T) {
	for _, test := range []struct{ base, path, want string }{
		{"v1", "/v1/users", "/users"},
		{"/v1/rest/", "/v1/rest/users", "/users"},
		{"/v1", "/v10/users", "/v10/users"},
		{"/v1", "/v1", "/"},
		{"/v1", "/v1/", "/"},
		{"/v1", "/users/v1", "/users/v1"},
		{"/v1", "/v1/v1/users", "/v1/users"},
		{"/", "/users", "/users"},
		{" ", "/users", "/users"},
	} {
		options := quiet()
		options.BasePath = test.base
		if r, _ := requestOf(t, get(test.path), options); r.URL.Path != test.want {
			t.Errorf("base path %q on %q gives %q, want %q", test.base, test.path, r.URL.Path, test.want)
		}
	}
}

func TestQueryKeepsWhatTheGatewayDecoded(t *testing.T) {
	event := get("/search")
	event.QueryStringParameters = map[string]string{"b": "last", "query": "%41 & ü=+"}
	event.MultiValueQueryStringParameters = map[string][]string{"b": {"2", "1", "last"}, "query": {"%41 & ü=+"}, "a": {""}, "odd key&": {"x"}}
	r, _ := requestOf(t, event, quiet())
	want := map[string][]string{"b": {"2", "1", "last"}, "query": {"%41 & ü=+"}, "a": {""}, "odd key&": {"x"}}
	if diff := cmp.Diff(want, map[string][]string(r.URL.Query())); diff != "" {
		t.Errorf("the query differs (-want +got):\n%s", diff)
	}
	if want := "a=&b=2&b=1&b=last&odd+key%26=x&query=%2541+%26+%C3%BC%3D%2B"; r.URL.RawQuery != want {
		t.Errorf("RawQuery = %q, want %q, the same every time", r.URL.RawQuery, want)
	}
}

func TestSingleValueMapsAreReadWhereTheOthersAreMissing(t *testing.T) {
	for name, multi := range map[string]map[string][]string{"missing": nil, "empty": {}} {
		event := get("/search")
		event.QueryStringParameters = map[string]string{"query": "ann"}
		event.MultiValueQueryStringParameters = multi
		event.Headers = map[string]string{"accept-language": "uk"}
		event.MultiValueHeaders = multi
		r, _ := requestOf(t, event, quiet())
		if r.URL.RawQuery != "query=ann" || r.Header.Get("Accept-Language") != "uk" {
			t.Errorf("multi-value maps %s: query %q, headers %v", name, r.URL.RawQuery, r.Header)
		}
	}
}

func TestEventWithoutAnythingIsARequest(t *testing.T) {
	r, body := requestOf(t, Request{}, quiet())
	if r.Method != http.MethodGet || r.URL.Path != "/" || r.Header == nil || body != "" || r.Host != "" {
		t.Errorf("the empty event became %v %v, headers %v, body %q", r.Method, r.URL, r.Header, body)
	}
	if _, _, err := net.SplitHostPort(r.RemoteAddr); err != nil {
		t.Errorf("RemoteAddr %q: %v", r.RemoteAddr, err)
	}
}

func TestMultiValueHeadersStaySeparate(t *testing.T) {
	event := get("/")
	event.MultiValueHeaders = map[string][]string{"if-none-match": {`"a,b"`, `"c"`}, "X-Forwarded-For": {"1.1.1.1, 2.2.2.2"}}
	r, _ := requestOf(t, event, quiet())
	want := http.Header{"If-None-Match": {`"a,b"`, `"c"`}, "X-Forwarded-For": {"1.1.1.1, 2.2.2.2"}}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Errorf("the headers differ (-want +got):\n%s", diff)
	}
}

func TestRemoteAddressHasAPort(t *testing.T) {
	for ip, want := range map[string]string{"203.0.113.7": "203.0.113.7:0", "2001:db8::1": "[2001:db8::1]:0", "": ":0"} {
		event := get("/")
		event.RequestContext.Identity.SourceIP = ip
		r, _ := requestOf(t, event, quiet())
		if r.RemoteAddr != want {
			t.Errorf("source IP %q: RemoteAddr = %q, want %q", ip, r.RemoteAddr, want)
		}
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err != nil || host != ip {
			t.Errorf("net.SplitHostPort(%q) = %q, %v", r.RemoteAddr, host, err)
		}
	}
}

func TestHostIsTheOneTheCallerAskedFor(t *testing.T) {
	t.Setenv("GO_API_HOST", "https://elsewhere.example") // the library's switch must not decide
	event := get("/")
	if r, _ := requestOf(t, event, quiet()); r.Host != "api.example.com" {
		t.Errorf("without a Host header, Host = %q, want the gateway's domain", r.Host)
	}
	event.MultiValueHeaders = map[string][]string{"host": {"roster.example.org"}}
	r, _ := requestOf(t, event, quiet())
	if r.Host != "roster.example.org" || len(r.Header["Host"]) > 0 {
		t.Errorf("Host = %q, Header = %v; want roster.example.org and no Host header, as in net/http", r.Host, r.Header)
	}
	if r.URL.Host != "" || r.URL.Scheme != "" {
		t.Errorf("URL = %v, want path and query only, as in net/http", r.URL)
	}
}

func TestLibraryHeadersFromCallersAreDropped(t *testing.T) {
	event := get("/")
	forged := `{"authorizer":{"tenant":"1"}}`
	event.MultiValueHeaders = map[string][]string{"X-GoLambdaProxy-ApiGw-Context": {forged}, "x-golambdaproxy-apigw-stagevars": {forged}, "X-GOLAMBDAPROXY-else": {forged}, "Accept": {"*/*"}}
	r, _ := requestOf(t, event, quiet())
	if diff := cmp.Diff(http.Header{"Accept": {"*/*"}}, r.Header); diff != "" {
		t.Errorf("the headers differ (-want +got):\n%s", diff)
	}
}

func TestBodyArrives(t *testing.T) {
	binary := "\xff\x00\xfe binary"
	for _, test := range []struct {
		name, body, want string
		base64           bool
	}{
		{"text", `{"name":"Zoë"}`, `{"name":"Zoë"}`, false},
		{"base64", base64.StdEncoding.EncodeToString([]byte(binary)), binary, true},
		{"none", "", "", false},
	} {
		event := get("/")
		event.HTTPMethod, event.Body, event.IsBase64Encoded = http.MethodPost, test.body, test.base64
		r, body := requestOf(t, event, quiet())
		if body != test.want || r.ContentLength != int64(len(test.want)) {
			t.Errorf("%s: body %q with ContentLength %d, want %q", test.name, body, r.ContentLength, test.want)
		}
	}
}

func TestUnreadableEventsAreTheCallersFault(t *testing.T) {
	badBase64, badMethod := get("/"), get("/")
	badBase64.Body, badBase64.IsBase64Encoded = "not base64!", true
	badMethod.HTTPMethod = "GE T"
	for name, event := range map[string]Request{"base64": badBase64, "method": badMethod} {
		response := invoke(t, HTTP(http.NotFoundHandler(), quiet()), event)
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, response.StatusCode)
		}
		checkErrorBody(t, response)
	}
}

// checkErrorBody checks that each dialect's client finds the message where it looks for it.
func checkErrorBody(t *testing.T, response Response) {
	t.Helper()
	var body struct {
		Message, Code string
		StatusCode    int
		Error         struct{ Message string }
		Errors        []struct{ Type, Message string }
	}
	if err := json.Unmarshal([]byte(response.Body), &body); err != nil {
		t.Fatalf("body %q: %v", response.Body, err)
	}
	if body.Message == "" || body.Code == "" || body.StatusCode != response.StatusCode || body.Error.Message != body.Message ||
		len(body.Errors) != 1 || body.Errors[0].Message != body.Message || body.Errors[0].Type != "application" {
		t.Errorf("body %s is not readable in every dialect", response.Body)
	}
	if got := response.MultiValueHeaders["Content-Type"]; len(got) != 1 || got[0] != "application/json" {
		t.Errorf("Content-Type = %v, want application/json", got)
	}
}

// sameAddress is for cmp, which looks into what it does not know.
var sameAddress = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestCallerComesFromTheAuthorizerAlone(t *testing.T) {
	principal := roster.Principal{Tenant: 7, Path: roster.OrgPath{7, 8}, Client: "c", User: 9, Permissions: roster.Permissions(roster.OrgViewUsers), TokenID: "j"}
	whole := map[string]any{"principalId": "user:9", "integrationLatency": 31.0}
	for name, value := range principal.Attributes() {
		whole[name] = value
	}
	numeric := map[string]any{"tenant": 7.0, "path": "7/8", "client": "c", "user": "9"}
	for _, test := range []struct {
		name       string
		authorizer map[string]any
		want       *roster.Principal
	}{
		{"whole", whole, &principal},
		{"none", nil, nil},
		{"not from our authorizer", map[string]any{"principalId": "admin"}, nil},
		{"numbers where the gateway has strings", numeric, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			event := get("/")
			event.RequestContext.RequestID = "request-1"
			event.RequestContext.Authorizer = test.authorizer
			event.RequestContext.Identity.SourceIP = "192.0.2.1"
			event.MultiValueHeaders = map[string][]string{"Tenant": {"1"}, "X-Forwarded-For": {"198.51.100.9"}, "X-Golambdaproxy-Apigw-Context": {`{}`}}
			options := quiet()
			type key struct{}
			options.Identify = func(ctx context.Context, c Caller) context.Context { return context.WithValue(ctx, key{}, c) }
			r, _ := requestOf(t, event, options)
			source := netip.MustParseAddr("192.0.2.1")
			want := Caller{RequestID: "request-1", Principal: test.want, SourceIP: source}
			if diff := cmp.Diff(want, r.Context().Value(key{}), sameAddress); diff != "" {
				t.Errorf("the caller differs (-want +got):\n%s", diff)
			}
			if got := roster.SourceFrom(r.Context()); got != source {
				t.Errorf("the context says that it comes from %v, want %v", got, source)
			}
		})
	}
}

func TestHandlerStopsBeforeLambdaDoes(t *testing.T) {
	end := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	var got time.Time
	options := quiet()
	options.Margin = 10 * time.Second
	h := HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = r.Context().Deadline() }), options)
	if _, err := h(ctx, get("/")); err != nil {
		t.Fatal(err)
	}
	if want := end.Add(-10 * time.Second); !got.Equal(want) {
		t.Errorf("the handler's deadline is %v, want %v", got, want)
	}
}

// TestNoPathIsLogged holds that a handler that panics or gives up, and an answer that is too large, are logged by their routes: the
// path of a link's page holds the link's token.
func TestNoPathIsLogged(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"the handler panicked":    func(http.ResponseWriter, *http.Request) { panic("oh") },
		"the handler gave up":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"larger than Lambda can ": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, MaxResponseBytes+1)) },
	} {
		var log bytes.Buffer
		event := get("/invitations/secret-token")
		event.Resource = "/invitations/{token}"
		event.RequestContext.RequestID = "request-1"
		if response := invoke(t, HTTP(answer, Options{Log: slog.New(slog.NewJSONHandler(&log, nil))}), event); response.StatusCode != http.StatusInternalServerError {
			t.Errorf("%s: status %d", name, response.StatusCode)
		}
		for _, want := range []string{name, `"route":"/invitations/{token}"`, `"requestId":"request-1"`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s: log = %s, want %s", name, log.String(), want)
			}
		}
		if strings.Contains(log.String(), "secret-token") {
			t.Errorf("%s: the path is in the log: %s", name, log.String())
		}
	}
}

// TestSampleEventsBecomeRequests feeds the files of events/ to the bridge, so that the samples cannot rot.
func TestSampleEventsBecomeRequests(t *testing.T) {
	for _, file := range sampleEvents(t, "tokens-*.json", "organization-*.json", "invitations-*.json", "notifications-*.json", "customers-*.json") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var event Request
			readEvent(t, file, &event)
			var principal *roster.Principal
			options := quiet()
			options.Identify = func(ctx context.Context, c Caller) context.Context { principal = c.Principal; return ctx }
			r, body := requestOf(t, event, options)
			if r.Method != event.HTTPMethod || r.URL.Path != event.Path || body != event.Body || r.Host != event.RequestContext.DomainName {
				t.Errorf("%s %s at %s with body %q", r.Method, r.URL, r.Host, body)
			}
			if diff := cmp.Diff(event.MultiValueQueryStringParameters, map[string][]string(r.URL.Query())); diff != "" && event.MultiValueQueryStringParameters != nil {
				t.Errorf("the query differs (-want +got):\n%s", diff)
			}
			if guarded := strings.HasPrefix(event.Path, "/api/") && !strings.HasSuffix(event.Path, "/oauth/token"); guarded != (principal != nil) {
				t.Errorf("principal = %v on %s", principal, event.Path)
			}
		})
	}
}

func sampleEvents(t testing.TB, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join("..", "..", "events", pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no sample events match %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	return files
}

// readEvent decodes a sample the way the Lambda runtime does, and fails on a member that the event type does not have
// in a part that matters, by checking that what the bridge reads is there.
func readEvent(t testing.TB, file string, event any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(event); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestDecodingKeepsWhatMatters compares the decoding of Invoke with that of all members, on every sample.
func TestDecodingKeepsWhatMatters(t *testing.T) {
	for _, file := range sampleEvents(t, "tokens-*.json", "organization-*.json", "invitations-*.json", "notifications-*.json") {
		var whole Request
		readEvent(t, file, &whole)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lean, err := decodeRequest(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		want, wantBody := requestFrom(t, whole)
		got, gotBody := requestFrom(t, lean)
		if diff := cmp.Diff([]any{want.Method, want.RequestURI, want.Host, want.RemoteAddr, want.Header, wantBody, callerOf(&whole)},
			[]any{got.Method, got.RequestURI, got.Host, got.RemoteAddr, got.Header, gotBody, callerOf(&lean)}, sameAddress); diff != "" {
			t.Errorf("%s: decoding loses (-whole +lean):\n%s", file, diff)
		}
	}
}

// FuzzWireMaps holds the fast reading of an event's maps to what encoding/json makes of them.
func FuzzWireMaps(f *testing.F) {
	for _, seed := range []string{`{}`, `null`, ` { "a" : [ "b" , "c" ] , "d" : [] } `, `{"a":["\u0041\""]}`, `{"a":"b","c":31,"d":true,"e":null}`, `{"a":{"b":["c"]}}`,
		`{"a":[1]}`, `{"a":[null]}`, `{"a":"1","a":"2"}`, `{"a":null}`, `[]`, `{"é":["ü"],"x":["` + "\xff" + `"]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string][]string
		wantErr := json.Unmarshal(text, &want)
		var got lists
		gotErr := json.Unmarshal(text, &got)
		if (wantErr == nil) != (gotErr == nil) {
			t.Fatalf("lists of %q: %v, encoding/json says %v", text, gotErr, wantErr)
		}
		if diff := cmp.Diff(want, map[string][]string(got)); diff != "" && wantErr == nil {
			t.Errorf("lists of %q differ (-encoding/json +got):\n%s", text, diff)
		}
		var whole map[string]any
		wantErr = json.Unmarshal(text, &whole)
		var strings attributes
		if gotErr := json.Unmarshal(text, &strings); (wantErr == nil) != (gotErr == nil) {
			t.Fatalf("attributes of %q: %v, encoding/json says %v", text, gotErr, wantErr)
		}
		for name, value := range whole {
			if text, ok := value.(string); ok && strings[name] != text {
				t.Errorf("attribute %q = %v, want %q", name, strings[name], text)
			}
		}
	})
}

func TestPayloadThatIsNoEventIsAnError(t *testing.T) {
	h := HTTP(http.NotFoundHandler(), quiet())
	for _, payload := range []string{"", "[]", `{"headers":[]}`, `{"queryStringParameters":1}`, `{"path":1}`} {
		if answer, err := h.Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("payload %q was answered with %s", payload, answer)
		}
	}
}

func FuzzEventToRequest(f *testing.F) {
	f.Add("GET", "/users", "query", "ann", "Accept", "*/*", "", false)
	f.Add("POST", "/100%?x#y", "%41", "%41", "X-GoLambdaProxy-ApiGw-Context", "{}", "aGk=", true)
	f.Add("", "", "", "", "", "", "", true)
	f.Add("get", "//a/../b\x00%2F", "a=b", "c&d", "host", "h", "\xff", false)
	f.Fuzz(func(t *testing.T, method, path, key, value, headerName, headerValue, body string, isBase64 bool) {
		event := get(path)
		event.HTTPMethod, event.Body, event.IsBase64Encoded = method, body, isBase64
		event.MultiValueQueryStringParameters = map[string][]string{key: {value, "second"}}
		event.MultiValueHeaders = map[string][]string{headerName: {headerValue}}
		called := false
		h := HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			if got := r.URL.Query()[key]; len(got) != 2 || got[0] != value || got[1] != "second" {
				t.Errorf("query %q=%q arrives as %q", key, value, got)
			}
			again, err := r.URL.Parse(r.RequestURI)
			if !strings.HasPrefix(r.URL.Path, "/") || err == nil && !strings.HasPrefix(r.RequestURI, "//") && again.Path != r.URL.Path {
				t.Errorf("path %q arrives as %q, RequestURI %q", path, r.URL.Path, r.RequestURI)
			}
			for name := range r.Header {
				if strings.HasPrefix(strings.ToLower(name), "x-golambdaproxy-") {
					t.Errorf("header %q came through", name)
				}
			}
		}), quiet())
		response, err := h(context.Background(), event)
		if err != nil {
			t.Fatal(err)
		}
		if called == (response.StatusCode == http.StatusBadRequest) {
			t.Errorf("called = %v but status %d", called, response.StatusCode)
		}
	})
}
