package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rosterhq/roster/internal/roster"
)

// contentType is that of every body.
const contentType = "application/json"

// Options is what a dialect's handler is built with. The zero value is usable.
type Options struct {
	// Log receives one line per request; nil means none.
	Log *slog.Logger
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// ReplicaAge reports how long ago the replica last looked at the tenant's feed, for the log lines of requests that
	// it answered; nil means unknown.
	ReplicaAge func(roster.TenantID) (time.Duration, bool)
	// Quota bounds the requests of each organization; nil means that nothing does.
	Quota Quota
}

// Dialect is what a dialect says of itself.
type Dialect struct {
	// Name is the dialect's name in logs and in the stamps of writes, such as organization.
	Name string
	// Title, Version and Description are the OpenAPI document's.
	Title, Version, Description string
	// Tags groups the operations in the document.
	Tags []Tag
	// ErrorBody returns the body that tells a caller of the problem: a struct, always of the same type, which becomes
	// the schema of every error in the document.
	ErrorBody func(Problem) any
	// FieldNames has the dialect's name of each field that the core calls otherwise, such as tz for timeZone.
	FieldNames map[string]string
	// Statuses has the status to use in the place of one that the dialect does not know, such as 400 for 415.
	Statuses map[int]int
	// TokenPath is where the document says that tokens are to be had; empty means /oauth2/token.
	TokenPath string
	// Tokens is what the document says of tokens in a dialect that has no call for them, in place of TokenPath.
	Tokens string
	// MaxBody is the largest body of a request in bytes; zero means 64 KiB.
	MaxBody int
	// RefuseNull says that a null in a body is a broken rule wherever the document does not allow one. Without it a null is an
	// optional field that is absent.
	RefuseNull bool
}

// Tag is a group of operations.
type Tag struct{ Name, Description string }

// Operation is one operation of a dialect, for its route and its place in the document.
type Operation struct {
	// ID is the operationId, unique in the dialect.
	ID string
	// Method and Path are as net/http's ServeMux has them; the path is complete, from the host on.
	Method, Path         string
	Tag                  string
	Summary, Description string
	// Body is a value of the struct that the request's body becomes, nil for an operation without one. The handler gets
	// it from the function Body. BodyExample is an example of it.
	Body, BodyExample any
	// FieldNames has this operation's names of fields that the core calls otherwise, beside those of the dialect.
	FieldNames map[string]string
	// Success describes the answer of a request that succeeds, and Example is one: a value of the answer's body. Status
	// is that answer's, zero for 200.
	Status  int
	Success string
	Example any
	// Others describes further answers that are no failures, by status.
	Others map[int]Answer
	// NotModified says that a GET honours If-None-Match and may answer 304.
	NotModified bool
	// Errors describes the failures that are this operation's own, by status. Those that every operation has (401, 429,
	// 500, 503) are added to them.
	Errors map[int]string
}

// Answer is one answer of an operation, in the document.
type Answer struct {
	Description string
	// Body is a value of the body's type, and Examples are some of it, by a name each.
	Body     any
	Examples map[string]any
	// MaybeEmpty says that the body can be an empty object instead.
	MaybeEmpty bool
	// Headers describes the answer's headers, by name.
	Headers map[string]string
}

// commonErrors are the failures that every operation has.
var commonErrors = map[int]string{
	http.StatusUnauthorized:        "No valid access token: missing, malformed, forged, expired, revoked, or for another audience",
	http.StatusTooManyRequests:     "The organization of the token has made too many requests in this minute",
	http.StatusInternalServerError: "Internal server error",
	http.StatusServiceUnavailable:  "Something this depends on does not answer now; try again after the time in Retry-After",
}

// API is one dialect being served: its routes and its document. Build it with New, add the operations with Register, and
// use it as the http.Handler that it is. Register must not be called once it serves.
type API struct {
	dialect    Dialect
	logger     *slog.Logger
	now        func() time.Time
	age        func(roster.TenantID) (time.Duration, bool)
	quota      Quota
	mux        *http.ServeMux
	huma       huma.API
	rules      map[*huma.Operation][]rule
	operations map[string]Operation  // by operation id
	names      map[string]fieldNames // by operation id; the dialect's own under ""
	methods    map[string][]string   // by path, what Allow says
	// paths routes what mux has no operation for: it knows the paths alone. In one mux, a path with a parameter and one that is
	// a value of it could not both be there with and without a method.
	paths *http.ServeMux
}

// New returns the API of a dialect, without operations yet.
func New(d Dialect, o Options) *API {
	a := &API{
		dialect: d, logger: o.Log, now: o.Now, age: o.ReplicaAge, quota: o.Quota, mux: http.NewServeMux(), paths: http.NewServeMux(),
		rules: map[*huma.Operation][]rule{}, operations: map[string]Operation{}, methods: map[string][]string{}, names: map[string]fieldNames{},
	}
	a.names[""] = newFieldNames(d.FieldNames)
	if a.logger == nil {
		a.logger = slog.New(slog.DiscardHandler)
	}
	if a.now == nil {
		a.now = time.Now
	}
	a.huma = humago.New(a.mux, a.config())
	a.huma.UseMiddleware(a.enter)
	a.mux.Handle("/", a.paths)
	a.paths.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		a.fail(exchangeFrom(r.Context()), roster.NotFound("path"))
	})
	return a
}

// config is huma's configuration: JSON alone, no routes for documents and schemas, no $schema links in answers.
func (a *API) config() huma.Config {
	schemas := newSchemas()
	// Wherever huma would describe its own error body, it describes the dialect's.
	schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), a.errorType())
	tags := make([]*huma.Tag, len(a.dialect.Tags))
	for i, t := range a.dialect.Tags {
		tags[i] = &huma.Tag{Name: t.Name, Description: t.Description}
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: a.dialect.Title, Version: a.dialect.Version, Description: a.dialect.Description},
			Servers: []*huma.Server{{URL: "/", Description: "The host that serves this API"}},
			Components: &huma.Components{
				Schemas: schemas,
				SecuritySchemes: map[string]*huma.SecurityScheme{"bearer": {
					Type: "http", Scheme: "bearer", BearerFormat: "JWT",
					Description: or(a.dialect.Tokens, "An OAuth 2.0 access token from POST "+or(a.dialect.TokenPath, "/oauth2/token")) + ", sent as Authorization: Bearer",
				}},
			},
			Security:       []map[string][]string{{"bearer": {}}},
			Tags:           tags,
			OnAddOperation: []huma.AddOpFunc{a.added},
		},
		// The second name is what huma looks for when it starts to write an error of its own, application/problem+json.
		Formats:       map[string]huma.Format{contentType: format(), "json": format()},
		DefaultFormat: contentType,
		Transformers:  []huma.Transformer{a.render},
	}
}

func (a *API) errorType() reflect.Type { return reflect.TypeOf(a.dialect.ErrorBody(Problem{})) }

// added takes notice of an operation that was put into the document: the parameters it documents are now enforced, and
// its path answers the methods that it does not have.
func (a *API) added(_ *huma.OpenAPI, op *huma.Operation) {
	// Only now, for huma would read a body that it knew of when the operation was registered.
	op.RequestBody = a.describeBody(a.operations[op.OperationID])
	rules := rulesOf(op.Parameters)
	a.rules[op] = rules
	for _, p := range op.Parameters {
		p.Schema.PatternDescription = "" // for our messages; no document has such a keyword
	}
	if a.methods[op.Path] == nil {
		a.methods[op.Path] = []string{http.MethodOptions}
		a.paths.HandleFunc(op.Path, a.otherMethod(op.Path))
	}
	a.methods[op.Path] = append(a.methods[op.Path], op.Method)
	if op.Method == http.MethodGet {
		a.methods[op.Path] = append(a.methods[op.Path], http.MethodHead)
	}
	slices.Sort(a.methods[op.Path])
}

// exampleOfInvalid returns an error that a request of the operation can meet, nil if there is none to be thought of.
func (a *API) exampleOfInvalid(op *huma.Operation, rules []rule) error {
	for i := range rules {
		if rules[i].in != "header" && !rules[i].choosesPath() {
			return roster.Invalid(rules[i].name, rules[i].value.broken(""))
		}
	}
	if op.RequestBody == nil {
		return nil
	}
	if schema := a.bodySchema(op); len(schema.Required) > 0 {
		return roster.Invalid(schema.Required[0], "is required")
	}
	return nil
}

// otherMethod answers the requests of a path whose method no operation has.
func (a *API) otherMethod(path string) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		x := exchangeFrom(r.Context())
		if r.Method == http.MethodOptions {
			x.WriteHeader(http.StatusNoContent)
		} else {
			a.fail(x, &httpError{status: http.StatusMethodNotAllowed, kind: roster.KindInvalid, message: "method not allowed"})
		}
		x.header.Set("Allow", strings.Join(a.methods[path], ", "))
	}
}

// Register adds an operation. The input I is a struct whose fields are parameters (tags path, query, header), the output O
// one whose fields are headers (tag header), Status and Body, as huma has them; their tags become the document. The handler
// gets a caller that is known and parameters that keep to the document; it asks Body for the request's body. Register panics
// on an operation that cannot be described, so that a test of the constructor finds it.
func Register[I, O any](a *API, op Operation, handle func(ctx context.Context, p *roster.Principal, in *I) (*O, error)) {
	for _, name := range []string{"Body", "RawBody"} {
		if _, ok := reflect.TypeFor[I]().FieldByName(name); ok {
			panic("api: the input of " + op.ID + " has a field " + name + ": bodies are declared by the operation")
		}
	}
	a.operations[op.ID] = op
	if op.FieldNames != nil {
		a.names[op.ID] = newFieldNames(a.dialect.FieldNames, op.FieldNames)
	}
	huma.Register(a.huma, a.describe(op), func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, principalFrom(ctx), in)
		if err != nil {
			return nil, &failure{err: err, status: exchangeFrom(ctx).problem(err).Status}
		}
		return out, nil
	})
}

// describe returns the operation as huma has it, with no more of its answers than huma needs: the rest is for the document
// (describeAnswers), which no request asks for.
func (a *API) describe(op Operation) huma.Operation {
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	success := &huma.Response{Description: op.Success}
	if op.Example != nil {
		success.Content = map[string]*huma.MediaType{contentType: {Example: op.Example}}
	}
	return huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Tags: []string{op.Tag}, DefaultStatus: status,
		Summary: op.Summary, Description: op.Description,
		Responses: map[string]*huma.Response{strconv.Itoa(status): success},
	}
}

// describeAnswers completes an operation by every answer but that of a request that succeeds.
func (a *API) describeAnswers(described *huma.Operation) {
	op := a.operations[described.OperationID]
	defer describeRates(described)
	delete(described.Responses, "default") // huma's, for an operation that says nothing of its failures
	for _, errors := range []map[int]string{commonErrors, op.Errors} {
		for status, description := range errors {
			described.Responses[strconv.Itoa(status)] = a.describeError(status, description)
		}
	}
	if invalid := described.Responses[strconv.Itoa(http.StatusBadRequest)]; invalid != nil {
		if example := a.exampleOfInvalid(described, a.rules[described]); example != nil {
			invalid.Content[contentType].Example = a.dialect.ErrorBody(problemOf(example))
		}
	}
	for status, other := range op.Others {
		described.Responses[strconv.Itoa(status)] = a.describeOther(other)
	}
	if op.NotModified {
		described.Responses[strconv.Itoa(http.StatusNotModified)] = &huma.Response{
			Description: "The caller has this answer already, by the ETag in If-None-Match",
			Headers:     map[string]*huma.Header{"ETag": textHeader("The answer's entity tag")},
		}
	}
}

func (a *API) describeOther(other Answer) *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(other.Body), true, "")
	if other.MaybeEmpty {
		none := 0
		schema = &huma.Schema{OneOf: []*huma.Schema{schema, {Type: huma.TypeObject, MaxProperties: &none, Description: "Nothing"}}}
	}
	examples := map[string]*huma.Example{}
	for name, value := range other.Examples {
		examples[name] = &huma.Example{Value: value}
	}
	headers := map[string]*huma.Header{}
	for name, description := range other.Headers {
		headers[name] = textHeader(description)
	}
	return &huma.Response{
		Description: other.Description, Headers: headers,
		Content: map[string]*huma.MediaType{contentType: {Schema: schema, Examples: examples}},
	}
}

func (a *API) describeError(status int, description string) *huma.Response {
	example := Problem{Status: status, Kind: kindOf(status), Message: strings.ToLower(http.StatusText(status))}
	response := &huma.Response{
		Description: description,
		Content: map[string]*huma.MediaType{contentType: {
			Schema:  a.huma.OpenAPI().Components.Schemas.Schema(a.errorType(), true, "Error"),
			Example: a.dialect.ErrorBody(example),
		}},
	}
	switch example.Kind {
	case roster.KindUnauthenticated:
		response.Headers = map[string]*huma.Header{"WWW-Authenticate": textHeader("The scheme to use: Bearer")}
	case roster.KindTooMany, roster.KindUnavailable:
		response.Headers = map[string]*huma.Header{"Retry-After": textHeader("Seconds to wait before trying again")}
	}
	return response
}

func textHeader(description string) *huma.Header {
	return &huma.Header{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
}

// OpenAPI returns the dialect's document: OpenAPI 3.1 as indented JSON, the same bytes for the same code.
func (a *API) OpenAPI() ([]byte, error) {
	for op := range a.rules {
		a.describeAnswers(op)
	}
	document, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("marshalling the document of dialect %s: %w", a.dialect.Name, err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, document, "", "  "); err != nil {
		return nil, fmt.Errorf("indenting the document of dialect %s: %w", a.dialect.Name, err)
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

// Now returns the time by the clock that the API was built with.
func (a *API) Now() time.Time { return a.now() }

// NoteReplicaAge adds to the request's log line how old the replica of the tenant is. A dialect calls it after an answer
// that came from the replica.
func (a *API) NoteReplicaAge(ctx context.Context, tenant roster.TenantID) {
	if a.age == nil {
		return
	}
	if age, ok := a.age(tenant); ok {
		Note(ctx, slog.Duration("replicaAge", age))
	}
}
