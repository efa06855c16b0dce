package samtemplate

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// implicitAPI is the logical id that SAM gives the API of a template without an AWS::Serverless::Api.
const implicitAPI = "ServerlessRestApi"

// NoAuthorizer is a route's authorizer when anybody may call it.
const NoAuthorizer = "NONE"

// AnyMethod is a route's method when it takes all of them.
const AnyMethod = "ANY"

// API is the gateway in front of the functions.
type API struct {
	LogicalID string
	// Stage is the name of the stage.
	Stage string
	// BinaryMediaTypes are the content types that the gateway passes on in base64.
	BinaryMediaTypes []string
	// Routes are in the order of the functions, and of each function's events.
	Routes []Route
	// Authorizers are in the template's order.
	Authorizers []Authorizer
	// GatewayResponses are the gateway's own answers that the template changes, in its order.
	GatewayResponses []GatewayResponse
}

// Authorizer returns the authorizer of that name.
func (a *API) Authorizer(name string) (Authorizer, bool) {
	i := slices.IndexFunc(a.Authorizers, func(one Authorizer) bool { return one.Name == name })
	if i < 0 {
		return Authorizer{}, false
	}
	return a.Authorizers[i], true
}

// Response returns the gateway response of that type, else the one that stands in for its class of status codes
// (DEFAULT_4XX, DEFAULT_5XX) with the type's own status code.
func (a *API) Response(responseType string) (GatewayResponse, bool) {
	status := responseTypes[responseType]
	class := "DEFAULT_5XX"
	if status < http.StatusInternalServerError {
		class = "DEFAULT_4XX"
	}
	for _, wanted := range []string{responseType, class} {
		i := slices.IndexFunc(a.GatewayResponses, func(one GatewayResponse) bool { return one.Type == wanted })
		if i < 0 {
			continue
		}
		found := a.GatewayResponses[i]
		if found.StatusCode == 0 {
			found.StatusCode = status
		}
		return found, true
	}
	return GatewayResponse{}, false
}

// Route says which function answers a method on a path.
type Route struct {
	// Method is an HTTP method in capitals, or AnyMethod.
	Method string
	// Path is as the gateway wants it: /users/{id}, with {name+} for the whole rest of a path.
	Path string
	// Function is the function's logical id.
	Function string
	// Authorizer is the name of the authorizer that is asked first, or NoAuthorizer.
	Authorizer string
	// Line is where the template has the route.
	Line int
}

// Authorizer says who is asked whether a request may pass.
type Authorizer struct {
	Name string
	// Function is the logical id of the function that decides.
	Function string
	// Type is what the function is sent: REQUEST or TOKEN.
	Type string
	// Headers are the identity sources, in order: a request without one of them gets UNAUTHORIZED unasked, and their
	// values are what an answer is remembered by.
	Headers []string
	// ReauthorizeEvery is how long an answer is remembered; zero is not at all.
	ReauthorizeEvery time.Duration
}

// GatewayResponse is an answer that the gateway gives by itself.
type GatewayResponse struct {
	// Type is such as UNAUTHORIZED, or DEFAULT_4XX.
	Type string
	// StatusCode is zero where a DEFAULT_ type leaves each type its own.
	StatusCode int
	// Headers are the values without their single quotes.
	Headers map[string]string
	// Bodies are body templates by content type.
	Bodies map[string]string
}

// responseTypes are the types of gateway responses and their status codes (API Gateway Developer Guide, gateway response
// types).
var responseTypes = map[string]int{
	"ACCESS_DENIED":                  http.StatusForbidden,
	"API_CONFIGURATION_ERROR":        http.StatusInternalServerError,
	"AUTHORIZER_CONFIGURATION_ERROR": http.StatusInternalServerError,
	"AUTHORIZER_FAILURE":             http.StatusInternalServerError,
	"BAD_REQUEST_PARAMETERS":         http.StatusBadRequest,
	"BAD_REQUEST_BODY":               http.StatusBadRequest,
	"DEFAULT_4XX":                    0,
	"DEFAULT_5XX":                    0,
	"EXPIRED_TOKEN":                  http.StatusForbidden,
	"INTEGRATION_FAILURE":            http.StatusGatewayTimeout,
	"INTEGRATION_TIMEOUT":            http.StatusGatewayTimeout,
	"INVALID_API_KEY":                http.StatusForbidden,
	"INVALID_SIGNATURE":              http.StatusForbidden,
	"MISSING_AUTHENTICATION_TOKEN":   http.StatusForbidden,
	"QUOTA_EXCEEDED":                 http.StatusTooManyRequests,
	"REQUEST_TOO_LARGE":              http.StatusRequestEntityTooLarge,
	"RESOURCE_NOT_FOUND":             http.StatusNotFound,
	"THROTTLED":                      http.StatusTooManyRequests,
	"UNAUTHORIZED":                   http.StatusUnauthorized,
	"UNSUPPORTED_MEDIA_TYPE":         http.StatusUnsupportedMediaType,
	"WAF_FILTERED":                   http.StatusForbidden,
}

func (r *reader) api(one resource, functions []resource) API {
	p := one.properties
	if body := p.get("DefinitionBody"); body.kind != absent {
		r.fail(body.line, "routes are read from the functions' events, not from a DefinitionBody")
	}
	a := API{
		LogicalID:        one.logicalID,
		Stage:            r.text(p.get("StageName"), "StageName"),
		BinaryMediaTypes: r.texts(p.get("BinaryMediaTypes"), "BinaryMediaTypes"),
	}
	auth := p.get("Auth")
	for _, name := range auth.get("Authorizers").names {
		a.Authorizers = append(a.Authorizers, r.authorizer(name, auth.get("Authorizers", name), functions))
	}
	byDefault := auth.get("DefaultAuthorizer")
	if byDefault.kind == absent {
		byDefault = value{kind: scalar, text: NoAuthorizer}
	}
	for _, function := range functions {
		r.routes(&a, function, byDefault)
	}
	responses := p.get("GatewayResponses")
	for _, name := range responses.names {
		a.GatewayResponses = append(a.GatewayResponses, r.gatewayResponse(name, responses.fields[name]))
	}
	return a
}

var functionARN = regexp.MustCompile(`^\$\{(\w+)(?:\.(?:Arn|Alias))?\}$`)

func (r *reader) authorizer(name string, v value, functions []resource) Authorizer {
	a := Authorizer{Name: name, Type: "TOKEN"}
	arn := r.needText(v.get("FunctionArn"), name+".FunctionArn")
	match := functionARN.FindStringSubmatch(arn)
	if match == nil || !slices.ContainsFunc(functions, func(f resource) bool { return f.logicalID == match[1] }) {
		r.fail(v.get("FunctionArn").line, "the FunctionArn of %s must be a function of this template, not %q", name, arn)
	} else {
		a.Function = match[1]
	}
	if v.get("FunctionPayloadType").kind != absent {
		a.Type = r.oneOf(v.get("FunctionPayloadType"), "FunctionPayloadType", "REQUEST", "TOKEN")
	}
	identity := v.get("Identity")
	a.Headers = r.texts(identity.get("Headers"), "Headers")
	if header := r.text(identity.get("Header"), "Header"); header != "" {
		a.Headers = append(a.Headers, header)
	}
	if len(a.Headers) == 0 {
		a.Headers = []string{"Authorization"}
	}
	seconds := r.number(identity.get("ReauthorizeEvery"), "ReauthorizeEvery", 300)
	if seconds < 0 || seconds > 3600 {
		r.fail(identity.get("ReauthorizeEvery").line, "ReauthorizeEvery must be 0 to 3600 seconds, not %d", seconds)
	}
	a.ReauthorizeEvery = time.Duration(seconds) * time.Second
	return a
}

var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, AnyMethod}

// pathPattern is a path whose parts are plain text or one {name}; the last may be {name+}.
var pathPattern = regexp.MustCompile(`^(/|(/([\w.~%:$@!-]+|\{\w+\}))*(/\{\w+\+\})?)$`)

// routes adds the routes of a function's events of type Api.
func (r *reader) routes(a *API, function resource, byDefault value) {
	events := function.properties.get("Events")
	for _, name := range events.names {
		event := events.fields[name]
		switch kind := r.needText(event.get("Type"), name+".Type"); kind {
		case "Api":
		case "HttpApi":
			r.fail(event.line, "%s is of type HttpApi, but the gateway is a REST API: use Api", name)
			continue
		default:
			continue
		}
		p := event.get("Properties")
		if id := r.text(p.get("RestApiId"), "RestApiId"); id != "" && id != "${"+a.LogicalID+"}" {
			r.fail(p.get("RestApiId").line, "RestApiId must be !Ref %s", a.LogicalID)
		}
		authorizer := p.get("Auth", "Authorizer")
		if authorizer.kind == absent {
			authorizer = byDefault
		}
		route := Route{
			Method:     strings.ToUpper(r.needText(p.get("Method"), name+".Method")),
			Path:       r.needText(p.get("Path"), name+".Path"),
			Function:   function.logicalID,
			Authorizer: r.text(authorizer, "Authorizer"),
			Line:       event.line,
		}
		r.checkRoute(a, route)
		a.Routes = append(a.Routes, route)
	}
}

func (r *reader) checkRoute(a *API, route Route) {
	if route.Method != "" && !slices.Contains(methods, route.Method) {
		r.fail(route.Line, "the method of a route must be one of %s, not %q", strings.Join(methods, ", "), route.Method)
	}
	if route.Path != "" && !pathPattern.MatchString(route.Path) {
		r.fail(route.Line, "the path of a route must be such as /users/{id}, not %q", route.Path)
	}
	if _, ok := a.Authorizer(route.Authorizer); !ok && route.Authorizer != NoAuthorizer {
		r.fail(route.Line, "no authorizer is called %q", route.Authorizer)
	}
	for _, other := range a.Routes {
		if other.Method == route.Method && other.Path == route.Path {
			r.fail(route.Line, "%s %s is already the route of %s, line %d", route.Method, route.Path, other.Function, other.Line)
		}
	}
}

func (r *reader) gatewayResponse(name string, v value) GatewayResponse {
	status, known := responseTypes[name]
	if !known {
		r.fail(v.line, "no gateway response is called %q", name)
	}
	g := GatewayResponse{
		Type:       name,
		StatusCode: r.number(v.get("StatusCode"), "StatusCode", status),
		Headers:    map[string]string{},
		Bodies:     map[string]string{},
	}
	headers := v.get("ResponseParameters", "Headers")
	for _, header := range headers.names {
		field := headers.fields[header]
		text := r.text(field, header)
		literal, quoted := unquote(text)
		if !quoted {
			r.fail(field.line, "the header %s of %s must be a literal in single quotes, not %q", header, name, text)
		}
		g.Headers[header] = literal
	}
	bodies := v.get("ResponseTemplates")
	for _, contentType := range bodies.names {
		g.Bodies[contentType] = r.text(bodies.fields[contentType], contentType)
	}
	return g
}

func unquote(text string) (string, bool) {
	if len(text) < 2 || text[0] != '\'' || text[len(text)-1] != '\'' {
		return "", false
	}
	return text[1 : len(text)-1], true
}
