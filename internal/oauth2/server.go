package oauth2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rosterhq/roster/internal/roster"
)

// The defaults of Config and VerifierConfig.
const (
	DefaultAccessTokenTTL  = 15 * time.Minute
	DefaultRefreshTokenTTL = 30 * 24 * time.Hour
	defaultHashes          = 2
)

// maxBody is the longest request body read, in bytes.
const maxBody = 64 << 10

// The paths of the endpoints, below the issuer.
const (
	tokenPath            = "/oauth2/token"
	revokePath           = "/oauth2/revoke"
	customersTokenPath   = "/api/v1/oauth/token"
	workspaceTokenPath   = "/auth/token"
	workspaceRefreshPath = "/auth/token/refresh"
	keysPath             = "/.well-known/jwks.json"
	metadataPath         = "/.well-known/oauth-authorization-server"
)

// Config is what a Server is made of. Store, Signer and Issuer are required.
type Config struct {
	Store  Store
	Signer Signer
	// Issuer is the address that the endpoints are below, such as https://roster.example; a slash at its end is dropped. It is
	// https, or http on the machine itself.
	Issuer string
	// Audience is the aud of access tokens; empty means the issuer.
	Audience string
	// AccessTokenTTL is how long an access token lives, in whole seconds from 1 up; zero means 15 minutes.
	AccessTokenTTL time.Duration
	// RefreshTokenTTL is how long a refresh token lives; zero means 30 days. Each use of one gives a new one that lives as
	// long again.
	RefreshTokenTTL time.Duration
	// Hashes is how many passwords are hashed at once, each taking 19 MiB, or up to 128 MiB where an imported hash asks for
	// it; zero means 2.
	Hashes int
	// Quota bounds the requests of each organization, counted once its client is known; nil means that nothing does.
	Quota Quota
	// Attempts slows those who guess passwords and client secrets; nil means that nothing does.
	Attempts Attempts
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Log gets one line per token or revocation request, without secrets or addresses; nil means none.
	Log *slog.Logger
}

// Server answers the token endpoints. It is safe for concurrent use.
type Server struct {
	store      Store
	minter     minter
	reader     reader
	keys       *keySet
	passwords  *hasher
	metadata   metadata
	refreshTTL time.Duration
	quota      Quota
	attempts   Attempts
	now        func() time.Time
	log        *slog.Logger
}

// NewServer returns a server, or an error that names what is wrong with the config. It makes no call to store or signer.
func NewServer(c Config) (*Server, error) {
	if c.Store == nil || c.Signer == nil {
		return nil, errors.New("a store and a signer are required")
	}
	issuer, err := cleanIssuer(c.Issuer)
	if err != nil {
		return nil, err
	}
	ttl := orDefault(c.AccessTokenTTL, DefaultAccessTokenTTL)
	if ttl < time.Second || ttl%time.Second != 0 || ttl/time.Second > math.MaxInt32 {
		return nil, fmt.Errorf("access token lifetime %s: must be a whole number of seconds from 1 to %d", ttl, math.MaxInt32)
	}
	refreshTTL := orDefault(c.RefreshTokenTTL, DefaultRefreshTokenTTL)
	if refreshTTL < time.Second {
		return nil, fmt.Errorf("refresh token lifetime %s: must be 1s or more", refreshTTL)
	}
	hashes := orDefault(c.Hashes, defaultHashes)
	if hashes < 1 {
		return nil, fmt.Errorf("hashes at once: %d: must be 1 or more", hashes)
	}
	audience := orDefault(c.Audience, issuer)
	now, log := clock(c.Now), logger(c.Log)
	keys := &keySet{store: c.Store, now: now, log: log, lifetime: ttl}
	return &Server{
		store:      c.Store,
		minter:     minter{signer: c.Signer, store: c.Store, issuer: issuer, audience: audience, lifetime: ttl, now: now},
		reader:     reader{keys: keys, issuer: issuer, audience: audience, now: now},
		keys:       keys,
		passwords:  newHasher(hashes),
		metadata:   newMetadata(issuer),
		refreshTTL: refreshTTL,
		quota:      c.Quota,
		attempts:   orUnslowed(c.Attempts),
		now:        now,
		log:        log,
	}, nil
}

// PublishKey publishes the signer's public key, so that the first token need not wait for it. A server that is not told to does
// it before its first token.
func (s *Server) PublishKey(ctx context.Context) error {
	_, err := s.minter.publish(ctx)
	return err
}

// endpoint is a path and the one method that it takes; GET includes HEAD.
type endpoint struct {
	method, path string
	wire         func(*Server) wire
	serve        func(*Server, wire) http.Handler
}

// endpoints are all there are.
var endpoints = []endpoint{
	{http.MethodPost, tokenPath, standardWire, func(s *Server, d wire) http.Handler { return s.answer("token", d, s.token) }},
	{http.MethodPost, revokePath, standardWire, func(s *Server, d wire) http.Handler { return s.answer("revoke", d, s.revoke) }},
	{http.MethodPost, customersTokenPath, customersWire, func(s *Server, d wire) http.Handler { return s.answer("customers token", d, s.customersToken) }},
	{http.MethodPost, workspaceTokenPath, workspaceTokenWire, func(s *Server, d wire) http.Handler { return s.answer("workspace token", d, s.workspaceToken) }},
	{http.MethodPost, workspaceRefreshPath, workspaceRefreshWire, func(s *Server, d wire) http.Handler { return s.answer("workspace refresh", d, s.workspaceRefresh) }},
	{http.MethodGet, keysPath, standardWire, func(s *Server, d wire) http.Handler { return s.public("keys", d, s.publicKeys) }},
	{http.MethodGet, metadataPath, standardWire, func(s *Server, d wire) http.Handler {
		return s.public("metadata", d, func(context.Context) (any, error) { return s.metadata, nil })
	}},
}

// Routes returns the method and the path of each endpoint, such as POST /oauth2/token.
func Routes() []string {
	routes := make([]string, len(endpoints))
	for i, e := range endpoints {
		routes[i] = e.method + " " + e.path
	}
	return routes
}

// Handler returns the handler of the endpoints in the package comment.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, e := range endpoints {
		d := e.wire(s)
		mux.Handle(e.path, d.only(e.method, e.serve(s, d)))
	}
	return mux
}

func standardWire(*Server) wire         { return wire{readParameters, standardRefusal} }
func customersWire(s *Server) wire      { return wire{s.readCustomersToken, customersRefusal} }
func workspaceTokenWire(*Server) wire   { return wire{readWorkspaceToken, workspaceRefusal} }
func workspaceRefreshWire(*Server) wire { return wire{readWorkspaceRefresh, workspaceRefusal} }

// wire is how the clients of an endpoint write their requests and read its refusals.
type wire struct {
	read func(http.ResponseWriter, *http.Request) (parameters, error)
	// refusal returns the status and the body of the answer to a request that failed, and sets its header.
	refusal func(answer http.Header, r *http.Request, err error) (int, any)
}

// only refuses every other method; GET includes HEAD.
func (d wire) only(method string, next http.Handler) http.Handler {
	allow := method
	if method == http.MethodGet {
		allow = "GET, HEAD"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(strings.Split(allow, ", "), r.Method) {
			w.Header().Set("Allow", allow)
			status, body := d.refusal(w.Header(), r, &Refusal{
				Code: InvalidRequest, Description: "this endpoint takes " + method + " requests", status: http.StatusMethodNotAllowed,
			})
			writeJSON(w, status, body)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// request is a token or revocation request on its way through the server.
type request struct {
	*http.Request
	params parameters
	// facts are what the log line says about the request. None of them is a secret, an address or anything else that was not
	// checked first.
	facts []slog.Attr
	// permit is what let the request through, or did not; nil where none was asked for.
	permit *roster.Permit
}

func (r *request) note(key string, value any) { r.facts = append(r.facts, slog.Any(key, value)) }

// answer wraps what all endpoints with client authentication share: reading the parameters, the headers of RFC 6749,
// section 5.1, the error body and the log line. A nil body is an empty one.
func (s *Server) answer(endpoint string, d wire, serve func(context.Context, *request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		start := s.now()
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Pragma", "no-cache")
		meter, hr := metered(hr)
		r := &request{Request: hr}
		var body any
		params, err := d.read(w, hr)
		if err == nil {
			r.params = params
			body, err = serve(hr.Context(), r)
		}
		if r.permit != nil {
			r.permit.Headers(w.Header())
		}
		status := http.StatusOK
		if err != nil {
			status = d.refused(w, r, err)
		} else if body == nil {
			w.WriteHeader(status)
		} else {
			// What a refusal cost, or a revocation, which is answered alike whether or not there was such a token, would tell a
			// stranger how far it came.
			w.Header().Set("Server-Timing", meter.Cost().ServerTiming())
			writeJSON(w, status, body)
		}
		s.logRequest(hr.Context(), endpoint, status, s.now().Sub(start), meter.Cost(), r.facts...)
	})
}

// public wraps what the endpoints share that tell everybody the same.
func (s *Server) public(endpoint string, d wire, serve func(context.Context) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		start := s.now()
		meter, hr := metered(hr)
		r, status := &request{Request: hr}, http.StatusOK
		body, err := serve(hr.Context())
		if err != nil {
			w.Header().Set("Cache-Control", "no-store")
			status = d.refused(w, r, err)
		} else {
			w.Header().Set("Cache-Control", publicMaxAge)
			w.Header().Set("Server-Timing", meter.Cost().ServerTiming())
			writeJSON(w, status, body)
		}
		s.logRequest(hr.Context(), endpoint, status, s.now().Sub(start), meter.Cost(), r.facts...)
	})
}

// metered returns the meter of a request, which is its own where nobody else counts.
func metered(r *http.Request) (*roster.Meter, *http.Request) {
	if meter := roster.MeterFrom(r.Context()); meter != nil {
		return meter, r
	}
	meter := new(roster.Meter)
	return meter, r.WithContext(roster.WithMeter(r.Context(), meter))
}

// logRequest writes the one line of a request.
func (s *Server) logRequest(ctx context.Context, endpoint string, status int, took time.Duration, cost roster.Cost, more ...slog.Attr) {
	facts := []slog.Attr{slog.String("endpoint", endpoint), slog.Int("status", status), slog.Duration("duration", took)}
	if cost.Calls > 0 {
		facts = append(facts, slog.Int("tableCalls", cost.Calls), slog.Float64("tableReads", cost.Reads),
			slog.Float64("tableWrites", cost.Writes), slog.Duration("tableTime", cost.Time))
	}
	s.log.LogAttrs(ctx, levelFor(status), "oauth2", append(facts, more...)...)
}

// refused writes the answer that goes with err and returns its status.
func (d wire) refused(w http.ResponseWriter, r *request, err error) int {
	status, body := d.refusal(w.Header(), r.Request, err)
	_, says := answerFor(err)
	r.note("error", says.Error)
	switch {
	case status >= http.StatusInternalServerError:
		r.note("cause", err.Error())
		w.Header().Set("Retry-After", "1")
	case status == http.StatusTooManyRequests:
		r.note("cause", err.Error())
		w.Header().Set("Retry-After", roster.WholeSeconds(retryAfter(err)))
	}
	writeJSON(w, status, body)
	return status
}

// standardRefusal answers with the body of RFC 6749, section 5.2.
func standardRefusal(answer http.Header, r *http.Request, err error) (int, any) {
	status, body := answerFor(err)
	if body.Error == InvalidClient && r.Header.Get("Authorization") != "" {
		answer.Set("WWW-Authenticate", `Basic realm="roster", charset="UTF-8"`)
	}
	return status, body
}

func levelFor(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelInfo
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		// The bodies are structs of strings and numbers.
		panic(fmt.Sprintf("oauth2: encoding an answer: %v", err))
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	w.Write(text) // a client that has gone needs no answer
}

// parameters are a request's parameters by name. One without a value is left out (RFC 6749, section 3.2).
type parameters map[string]string

// readParameters reads the parameters of query string and form body together.
func readParameters(w http.ResponseWriter, r *http.Request) (parameters, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(InvalidRequest, "the query string is malformed")
	}
	form, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	params := parameters{}
	for _, values := range []url.Values{query, form} {
		for name, list := range values {
			_, seen := params[name]
			if seen || len(list) > 1 {
				return nil, refuse(InvalidRequest, printable(name)+" occurs more than once")
			}
			if !utf8.ValidString(list[0]) {
				return nil, refuse(InvalidRequest, printable(name)+" is not valid UTF-8")
			}
			params[name] = list[0]
		}
	}
	for name, value := range params {
		if value == "" {
			delete(params, name)
		}
	}
	return params, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, &Refusal{Code: InvalidRequest, Description: fmt.Sprintf("the body is longer than %d bytes", maxBody), tooLarge: true}
	}
	if err != nil {
		return nil, refuse(InvalidRequest, "the body could not be read")
	}
	return body, nil
}

func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	body, err := readBody(w, r)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, refuse(InvalidRequest, "the body must be application/x-www-form-urlencoded")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(InvalidRequest, "the body is malformed")
	}
	return form, nil
}

// printable returns a parameter's name if it is fit for an error description.
func printable(name string) string {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && c != '_' {
			return "a parameter"
		}
	}
	if name == "" || len(name) > 32 {
		return "a parameter"
	}
	return name
}

// cleanIssuer returns the issuer without a slash at its end.
func cleanIssuer(issuer string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("issuer %q: must be an https address without query and fragment (RFC 8414, section 2)", issuer)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return "", fmt.Errorf("issuer %q: must be https; http is for this machine only", issuer)
	}
	return strings.TrimRight(issuer, "/"), nil
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

func logger(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
