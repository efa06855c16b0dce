package oauth2_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

const (
	issuer   = "https://roster.example"
	tenant   = roster.TenantID(1000)
	password = "correct horse battery staple"
	email    = "Alice.Liddell@example.com"
)

// onEach runs a test on every backend, each time in a fresh world.
func onEach(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			fresh := func(t testing.TB) *world {
				clock := newFakeClock()
				return newWorld(t, open(t, clock), clock)
			}
			w := fresh(t)
			w.another = fresh
			test(t, w)
		})
	}
}

// world is a tenant with two clients and a user in front of a server and a verifier.
type world struct {
	backend
	ctx      context.Context // of every request
	now      *fakeClock
	signer   keySigner
	server   http.Handler
	verifier *oauth2.Verifier
	log      *syncBuffer

	// root acts for the whole tenant, branch for the organization 1000/2000 in it.
	root, branch clientWithSecret
	// another makes a fresh world on a fresh backend of the same kind.
	another func(testing.TB) *world
	// alice stands in 1000/2000/3000, and has the password and the email above.
	alice roster.User
}

type clientWithSecret struct {
	roster.Client
	secret string
}

// newMemoryWorld returns a world on a store in memory.
func newMemoryWorld(t testing.TB, b backend) *world {
	t.Helper()
	return newWorld(t, b, newFakeClock())
}

func newWorld(t testing.TB, b backend, clock *fakeClock) *world {
	t.Helper()
	w := &world{backend: b, ctx: t.Context(), now: clock, signer: testKey(0), log: &syncBuffer{}}
	w.root = w.addClient(t, roster.Client{ID: "root-client", Tenant: tenant, Path: roster.OrgPath{1000}})
	w.branch = w.addClient(t, roster.Client{ID: "branch-client", Tenant: tenant, Path: roster.OrgPath{1000, 2000}})
	w.alice = w.addUser(t, 7001, email, roster.OrgPath{1000, 2000, 3000})
	w.server = w.newServer(t, w.signer).Handler()
	w.verifier = w.newVerifier()
	return w
}

func (w *world) newServer(t testing.TB, signer oauth2.Signer) *oauth2.Server {
	t.Helper()
	server, err := oauth2.NewServer(oauth2.Config{
		Store: w.backend, Signer: signer, Issuer: issuer, Now: w.now.Now,
		Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatalf("NewServer: %v", err)
	}
	return server
}

func (w *world) newVerifier() *oauth2.Verifier {
	return oauth2.NewVerifier(oauth2.VerifierConfig{Store: w.backend, Issuer: issuer, Now: w.now.Now})
}

func (w *world) addClient(t testing.TB, client roster.Client) clientWithSecret {
	t.Helper()
	secret, hash := oauth2.NewClientSecret()
	client.Name, client.SecretHash, client.CreatedAt = string(client.ID), hash, w.now.Now()
	w.AddClient(t, client)
	return clientWithSecret{client, secret}
}

// passwordHash returns the hash of password, made once for all tests: making one takes a while on purpose.
var passwordHash = sync.OnceValue(func() string {
	hash, err := oauth2.HashPassword(password)
	if err != nil {
		panic(err)
	}
	return hash
})

// addUser adds an active user with the role Staff and the password above.
func (w *world) addUser(t testing.TB, id roster.UserID, email roster.Email, path roster.OrgPath) roster.User {
	t.Helper()
	user := roster.User{
		Tenant: roster.TenantID(path[0]), ID: id, Path: path, Email: email, Name: "A User", Roles: []roster.RoleID{roster.RoleStaff},
		Status: roster.StatusActive, CreatedAt: w.now.Now(), UpdatedAt: w.now.Now(), RegisteredAt: w.now.Now(),
	}
	w.AddUser(t, user, &roster.Credential{Tenant: user.Tenant, User: id, PasswordHash: passwordHash(), ChangedAt: w.now.Now()})
	return user
}

// answer is what an endpoint answered.
type answer struct {
	status int
	header http.Header
	body   string

	AccessToken      string `json:"access_token"`
	TokenType        string `json:"token_type"`
	ExpiresIn        int    `json:"expires_in"`
	RefreshToken     string `json:"refresh_token"`
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
}

func serve(t testing.TB, handler http.Handler, r *http.Request) answer {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	a := answer{status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &a); err != nil {
			t.Fatalf("%s %s: body %q: %v", r.Method, r.URL.Path, a.body, err)
		}
	}
	return a
}

// post sends a form with the client's credentials as HTTP Basic. The form is given as names and values in turn.
func (w *world) post(t testing.TB, path string, as clientWithSecret, form ...string) answer {
	t.Helper()
	r := formRequest(path, form...)
	r.SetBasicAuth(url.QueryEscape(string(as.ID)), url.QueryEscape(as.secret))
	return serve(t, w.server, r.WithContext(w.ctx))
}

func formRequest(path string, form ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(encode(form...)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func encode(form ...string) string {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	return values.Encode()
}

// grant asks for tokens and fails the test unless it gets them.
func (w *world) grant(t testing.TB, as clientWithSecret, form ...string) answer {
	t.Helper()
	a := w.post(t, "/oauth2/token", as, form...)
	if a.status != http.StatusOK {
		t.Fatalf("POST /oauth2/token %v: %d %s", form[:2], a.status, a.body)
	}
	return a
}

func (w *world) clientTokens(t testing.TB, as clientWithSecret) answer {
	t.Helper()
	return w.grant(t, as, "grant_type", "client_credentials")
}

func (w *world) userTokens(t testing.TB, as clientWithSecret) answer {
	t.Helper()
	return w.grant(t, as, "grant_type", "user_credentials", "username", email, "password", password)
}

// refused fails the test unless the answer is the contract's error body with that code.
func refused(t testing.TB, a answer, code string) {
	t.Helper()
	if a.status != http.StatusBadRequest || a.Error != code {
		t.Errorf("got %d %s, want 400 with error %s", a.status, a.body, code)
	}
	if a.ErrorDescription == "" || strings.ContainsAny(a.ErrorDescription, "\"\\\n") {
		t.Errorf("error_description = %q, want text without quotes (RFC 6749, section 5.2)", a.ErrorDescription)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", got)
	}
}

// unauthenticated fails the test unless the verifier refuses the token, with a reason that mentions about.
func (w *world) unauthenticated(t testing.TB, token, about string) {
	t.Helper()
	p, err := w.verifier.Principal(w.ctx, token)
	if roster.KindOf(err) != roster.KindUnauthenticated {
		t.Fatalf("Principal = %+v, %v, want unauthenticated", p, err)
	}
	if !strings.Contains(err.Error(), about) {
		t.Errorf("Principal: %v, want a reason about %q", err, about)
	}
}

func (w *world) principal(t testing.TB, token string) roster.Principal {
	t.Helper()
	p, err := w.verifier.Principal(w.ctx, token)
	if err != nil {
		t.Fatalf("Principal: %v", err)
	}
	return p
}

// keySigner is a Signer with its private key at hand, to forge with.
type keySigner struct{ *rsa.PrivateKey }

func (s keySigner) PublicKey(context.Context) (*rsa.PublicKey, error) {
	return &s.PrivateKey.PublicKey, nil
}

func (s keySigner) Sign(_ context.Context, digest [sha256.Size]byte) ([]byte, error) {
	return rsa.SignPKCS1v15(nil, s.PrivateKey, crypto.SHA256, digest[:])
}

// generatedKeys are made once for all tests, since making one takes a while.
var generatedKeys = [3]func() *rsa.PrivateKey{sync.OnceValue(generateKey), sync.OnceValue(generateKey), sync.OnceValue(generateKey)}

func generateKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// testKey returns one of three different signers.
func testKey(i int) keySigner { return keySigner{generatedKeys[i]()} }

// brokenSigner cannot sign now.
type brokenSigner struct{ keySigner }

func (brokenSigner) Sign(context.Context, [sha256.Size]byte) ([]byte, error) {
	return nil, roster.Unavailable("the signing key cannot be reached", nil)
}

type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// syncBuffer is a buffer for concurrent writers.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

var _ io.Writer = (*syncBuffer)(nil)

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
