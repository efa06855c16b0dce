package gateway

import (
	"bytes"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The parts of an ARN that stand for this machine in events.
const (
	localRegion  = "local"
	localAccount = "000000000000"
	localAPI     = "local"
)

// proxyEvent is what a proxy integration sends a function. Members that are always null here are left out of the request
// context's identity.
type proxyEvent struct {
	Resource        string              `json:"resource"`
	Path            string              `json:"path"`
	Method          string              `json:"httpMethod"`
	Headers         map[string]string   `json:"headers"`
	MultiHeaders    map[string][]string `json:"multiValueHeaders"`
	Query           map[string]string   `json:"queryStringParameters"`
	MultiQuery      map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters  map[string]string   `json:"pathParameters"`
	StageVariables  map[string]string   `json:"stageVariables"`
	RequestContext  requestContext      `json:"requestContext"`
	Body            *string             `json:"body"`
	IsBase64Encoded bool                `json:"isBase64Encoded"`
}

// authorizerEvent is what a REQUEST authorizer is asked with.
type authorizerEvent struct {
	Type           string              `json:"type"`
	MethodARN      string              `json:"methodArn"`
	Resource       string              `json:"resource"`
	Path           string              `json:"path"`
	Method         string              `json:"httpMethod"`
	Headers        map[string]string   `json:"headers"`
	MultiHeaders   map[string][]string `json:"multiValueHeaders"`
	Query          map[string]string   `json:"queryStringParameters"`
	MultiQuery     map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters map[string]string   `json:"pathParameters"`
	StageVariables map[string]string   `json:"stageVariables"`
	RequestContext requestContext      `json:"requestContext"`
}

type requestContext struct {
	AccountID    string         `json:"accountId"`
	APIID        string         `json:"apiId"`
	ResourceID   string         `json:"resourceId"`
	ResourcePath string         `json:"resourcePath"`
	Path         string         `json:"path"`
	Method       string         `json:"httpMethod"`
	Stage        string         `json:"stage"`
	DomainName   string         `json:"domainName"`
	DomainPrefix string         `json:"domainPrefix"`
	Protocol     string         `json:"protocol"`
	RequestID    string         `json:"requestId"`
	ExtendedID   string         `json:"extendedRequestId"`
	RequestTime  string         `json:"requestTime"`
	TimeEpoch    int64          `json:"requestTimeEpoch"`
	Identity     identity       `json:"identity"`
	Authorizer   map[string]any `json:"authorizer,omitempty"`
}

type identity struct {
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// proxyEvent returns the event of a request as JSON. Bytes that are not UTF-8 become U+FFFD on the way, as no JSON can hold them.
func (g *Gateway) proxyEvent(x *exchange) []byte {
	headers, query := requestHeaders(x.request), queryOf(x.request.URL.RawQuery)
	event := proxyEvent{
		Resource: x.route.Path, Path: x.request.URL.Path, Method: x.request.Method,
		Headers: lastOf(headers), MultiHeaders: headers,
		Query: lastOf(query), MultiQuery: query,
		PathParameters: x.params, StageVariables: g.config.StageVariables,
		RequestContext: g.requestContext(x),
	}
	if len(x.body) > 0 {
		// The API has no binary media types, so a body is always text.
		body := string(x.body)
		event.Body = &body
	}
	return encode(event)
}

func (g *Gateway) authorizerEvent(x *exchange) []byte {
	headers, query := requestHeaders(x.request), queryOf(x.request.URL.RawQuery)
	return encode(authorizerEvent{
		Type: "REQUEST", MethodARN: g.methodARN(x),
		Resource: x.route.Path, Path: x.request.URL.Path, Method: x.request.Method,
		Headers: lastOf(headers), MultiHeaders: headers,
		Query: orEmpty(lastOf(query)), MultiQuery: orEmpty(query),
		PathParameters: orEmpty(x.params), StageVariables: orEmpty(g.config.StageVariables),
		RequestContext: g.requestContext(x),
	})
}

// methodARN returns the ARN of the method and path asked for.
func (g *Gateway) methodARN(x *exchange) string {
	return "arn:aws:execute-api:" + localRegion + ":" + localAccount + ":" + localAPI + "/" + g.config.Stage + "/" + x.request.Method + x.request.URL.Path
}

func (g *Gateway) requestContext(x *exchange) requestContext {
	host, _, _ := strings.Cut(x.request.Host, ":")
	prefix, _, _ := strings.Cut(host, ".")
	source, _, err := net.SplitHostPort(x.request.RemoteAddr)
	if err != nil {
		source = x.request.RemoteAddr
	}
	return requestContext{
		AccountID: localAccount, APIID: localAPI, ResourceID: "local", ResourcePath: x.route.Path,
		Path: x.request.URL.Path, Method: x.request.Method, Stage: g.config.Stage,
		DomainName: host, DomainPrefix: prefix, Protocol: x.request.Proto,
		RequestID: x.id, ExtendedID: x.id,
		RequestTime: x.began.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: x.began.UnixMilli(),
		Identity:   identity{SourceIP: source, UserAgent: x.request.UserAgent()},
		Authorizer: x.context,
	}
}

// notForwarded are request headers that the service keeps to itself (AWS: "Amazon API Gateway important notes").
var notForwarded = []string{"Connection", "Expect", "Keep-Alive", "Max-Forwards", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Www-Authenticate"}

func requestHeaders(r *http.Request) map[string][]string {
	headers := maps.Clone(map[string][]string(r.Header))
	if headers == nil {
		headers = map[string][]string{}
	}
	for _, name := range notForwarded {
		delete(headers, name)
	}
	source, _, _ := net.SplitHostPort(r.RemoteAddr)
	headers["Host"] = []string{r.Host}
	headers["X-Forwarded-For"] = []string{strings.Join(append(slices.Clone(r.Header.Values("X-Forwarded-For")), source), ", ")}
	headers["X-Forwarded-Proto"] = []string{"http"}
	return headers
}

// queryOf returns the decoded keys and values of a query. What cannot be decoded stands for itself.
func queryOf(raw string) map[string][]string {
	var query map[string][]string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if query == nil {
			query = map[string][]string{}
		}
		key = decoded(key)
		query[key] = append(query[key], decoded(value))
	}
	return query
}

func decoded(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

func lastOf(lists map[string][]string) map[string]string {
	if lists == nil {
		return nil
	}
	last := make(map[string]string, len(lists))
	for name, values := range lists {
		if len(values) > 0 {
			last[name] = values[len(values)-1]
		}
	}
	return last
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// encode returns v as JSON. The types of this file always encode.
func encode(v any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("gateway: encoding an event: " + err.Error())
	}
	return trimNewline(buffer.Bytes())
}

// expired reports whether something kept since then for that long is too old now.
func expired(since time.Time, keep time.Duration, now time.Time) bool { return now.Sub(since) >= keep }
