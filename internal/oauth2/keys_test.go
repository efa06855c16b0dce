package oauth2_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

// TestThumbprint is the example of RFC 7638, section 3.1.
func TestThumbprint(t *testing.T) {
	const modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W" +
		"-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbIS" +
		"D08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	n, err := base64.RawURLEncoding.DecodeString(modulus)
	if err != nil {
		t.Fatal(err)
	}
	got, err := oauth2.Thumbprint(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537})
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want || err != nil {
		t.Errorf("Thumbprint = %s, %v, want %s", got, err, want)
	}
}

func (w *world) publishedKeys(t testing.TB) jose.JSONWebKeySet {
	t.Helper()
	recorder := httptest.NewRecorder()
	w.server.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	if got := recorder.Header().Get("Cache-Control"); recorder.Code != http.StatusOK || got != "public, max-age=300" {
		t.Fatalf("GET jwks.json: %d, Cache-Control %q", recorder.Code, got)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(recorder.Body.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestKeySet(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		set := w.publishedKeys(t) // before any token was made
		if len(set.Keys) != 1 {
			t.Fatalf("%d keys, want 1", len(set.Keys))
		}
		key := set.Keys[0]
		if key.KeyID != thumbprint(t, w.signer) || key.Use != "sig" || key.Algorithm != "RS256" || !key.IsPublic() {
			t.Errorf("key = %+v, want the public key with kid = thumbprint, use and alg", key)
		}
		signed, err := jose.ParseSignedCompact(w.clientTokens(t, w.root).AccessToken, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		if signed.Signatures[0].Protected.KeyID != key.KeyID {
			t.Errorf("kid of a token = %s, want %s", signed.Signatures[0].Protected.KeyID, key.KeyID)
		}
		if _, err := signed.Verify(set); err != nil {
			t.Errorf("the token is not verified by the key set: %v", err)
		}
	})
}

// TestClaims pins the claims and header of RFC 9068, section 2, as any other resource server would read them.
func TestClaims(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	set := w.publishedKeys(t)
	read := func(token string) (header, claims map[string]any) {
		signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := signed.Verify(set)
		if err != nil {
			t.Fatal(err)
		}
		head, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(json.Unmarshal(payload, &claims), json.Unmarshal(head, &header)); err != nil {
			t.Fatal(err)
		}
		return header, claims
	}
	now := float64(w.now.Now().Unix())
	header, org := read(w.clientTokens(t, w.root).AccessToken)
	if diff := cmp.Diff(map[string]any{"alg": "RS256", "typ": "at+jwt", "kid": thumbprint(t, w.signer)}, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	want := map[string]any{
		"iss": issuer, "aud": issuer, "sub": "root-client", "client_id": "root-client", "tenant": 1000.0,
		"iat": now, "exp": now + 900, "jti": org["jti"],
	}
	if diff := cmp.Diff(want, org); diff != "" {
		t.Errorf("claims of a client's token (-want +got):\n%s", diff)
	}
	_, user := read(w.userTokens(t, w.root).AccessToken)
	want["sub"], want["user"], want["jti"] = "7001", 7001.0, user["jti"]
	if diff := cmp.Diff(want, user); diff != "" {
		t.Errorf("claims of a user's token (-want +got):\n%s", diff)
	}
}

func TestKeyRotation(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		old := w.clientTokens(t, w.root).AccessToken
		w.principal(t, old) // the verifier has read the keys
		w.now.advance(time.Minute)
		w.server = w.newServer(t, testKey(1)).Handler()
		fresh := w.clientTokens(t, w.root).AccessToken
		w.principal(t, fresh)
		w.principal(t, old)
		ids := []string{}
		for _, key := range w.publishedKeys(t).Keys {
			ids = append(ids, key.KeyID)
		}
		want := []string{thumbprint(t, testKey(0)), thumbprint(t, testKey(1))}
		slices.Sort(ids)
		slices.Sort(want)
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("published keys (-want +got):\n%s", diff)
		}
	})
}

func TestRetiredKey(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	token := w.clientTokens(t, w.root).AccessToken
	id := thumbprint(t, w.signer)
	key := store.keys[id]
	key.RetiredAt = w.now.Now()
	store.keys[id] = key
	w.server = w.newServer(t, testKey(1)).Handler()

	if n := len(w.publishedKeys(t).Keys); n != 2 {
		t.Errorf("%d keys while tokens of the retired one live, want 2", n)
	}
	w.principal(t, token)
	w.now.advance(14 * time.Minute)
	w.principal(t, token)
	w.now.advance(2 * time.Minute)
	if n := len(w.publishedKeys(t).Keys); n != 1 {
		t.Errorf("%d keys after the last token of the retired one, want 1", n)
	}
	forged := forge(t, jose.RS256, w.signer.PrivateKey, goodHeader(t, w.signer), goodClaims(w))
	w.unauthenticated(t, forged, "unknown key")

	w.server = w.newServer(t, w.signer).Handler()
	if a := w.post(t, "/oauth2/token", w.root, "grant_type", "client_credentials"); a.status != http.StatusInternalServerError {
		t.Errorf("signing with a retired key: %d, want 500", a.status)
	}
}

func TestKeyThatWasTakenAwayIsForgotten(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	token := w.clientTokens(t, w.root).AccessToken
	w.principal(t, token)
	clear(store.keys)
	w.now.advance(4 * time.Minute)
	w.principal(t, token)
	w.now.advance(time.Minute)
	w.unauthenticated(t, token, "unknown key")
}

func TestUnknownKeysCauseFewReads(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	w.clientTokens(t, w.root)
	w.principal(t, w.clientTokens(t, w.root).AccessToken)
	stranger := forge(t, jose.RS256, testKey(2).PrivateKey, goodHeader(t, testKey(2)), goodClaims(w))
	for burst := range 3 {
		before := store.count("SigningKeys")
		for range 100 {
			w.unauthenticated(t, stranger, "unknown key")
		}
		if got := store.count("SigningKeys") - before; got != 1 {
			t.Errorf("burst %d: 100 tokens of an unknown key caused %d reads, want 1", burst, got)
		}
		w.now.advance(2 * time.Second)
	}
}

func TestKeyPublishedRightAfterTheKeysWereReadIsFound(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	w.principal(t, w.clientTokens(t, w.root).AccessToken)
	w.now.advance(time.Millisecond)
	w.server = w.newServer(t, testKey(1)).Handler()
	w.principal(t, w.clientTokens(t, w.root).AccessToken)
}

func TestUnfitPublishedKeysAreLeftOut(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	w.clientTokens(t, w.root)
	good := store.keys[thumbprint(t, w.signer)]
	stranger, err := x509.MarshalPKIXPublicKey(&testKey(2).PrivateKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for id, spoil := range map[string]func(*roster.SigningKey){
		"a": func(k *roster.SigningKey) {},
		"b": func(k *roster.SigningKey) { k.PublicKey = []byte("junk") },
		"c": func(k *roster.SigningKey) { k.Algorithm = "HS256" },
		"d": func(k *roster.SigningKey) { k.PublicKey = stranger },
	} {
		key := good
		spoil(&key)
		key.ID = id
		store.keys[id] = key
	}
	w.now.advance(time.Minute)
	if keys := w.publishedKeys(t).Keys; len(keys) != 1 || keys[0].KeyID != good.ID {
		t.Errorf("published keys = %v, want only %s", keys, good.ID)
	}
	if strings.Count(w.log.String(), "published key left out") != 4 {
		t.Errorf("log = %s, want a line per unfit key", w.log)
	}
}

func TestKeyIsPublishedOnce(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	for range 3 {
		server := w.newServer(t, w.signer)
		if err := errors.Join(server.PublishKey(t.Context()), server.PublishKey(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if got := store.count("PutSigningKey"); got != 1 {
		t.Errorf("the key was written %d times, want 1", got)
	}
}

func TestKeySetUnavailable(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	store.failWith(func(string) error { return roster.Unavailable("throttled", nil) })
	a := serve(t, w.server, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	if got := a.header.Get("Cache-Control"); a.status != http.StatusServiceUnavailable || got != "no-store" {
		t.Errorf("got %d, Cache-Control %q, want 503, no-store", a.status, got)
	}
}

func TestMetadata(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	recorder := httptest.NewRecorder()
	w.server.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/.well-known/oauth-authorization-server", nil))
	var got map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	methods := []any{"client_secret_basic", "client_secret_post"}
	want := map[string]any{
		"issuer":                                     issuer,
		"token_endpoint":                             issuer + "/oauth2/token",
		"revocation_endpoint":                        issuer + "/oauth2/revoke",
		"jwks_uri":                                   issuer + "/.well-known/jwks.json",
		"grant_types_supported":                      []any{"client_credentials", "refresh_token", "user_credentials"},
		"response_types_supported":                   []any{},
		"token_endpoint_auth_methods_supported":      methods,
		"revocation_endpoint_auth_methods_supported": methods,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if got := recorder.Header().Get("Cache-Control"); recorder.Code != http.StatusOK || got != "public, max-age=300" {
		t.Errorf("status %d, Cache-Control %q", recorder.Code, got)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing.pem")
	if _, err := oauth2.NewFileSigner(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("NewFileSigner without a file: %v, want not exist", err)
	}
	var wait sync.WaitGroup
	keys := make([]*rsa.PublicKey, 4)
	for i := range keys {
		wait.Go(func() {
			if err := oauth2.GenerateKeyFile(path); err != nil {
				t.Errorf("GenerateKeyFile: %v", err)
				return
			}
			signer, err := oauth2.NewFileSigner(path)
			if err != nil {
				t.Errorf("NewFileSigner: %v", err)
				return
			}
			keys[i], _ = signer.PublicKey(t.Context())
		})
	}
	wait.Wait()
	for _, key := range keys[1:] {
		if key == nil || !key.Equal(keys[0]) {
			t.Error("processes that start together have different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", info.Mode(), err)
	}
	if names, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	signer, err := oauth2.NewFileSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newMemoryWorld(t, newMemory())
	w.server = w.newServer(t, signer).Handler()
	w.principal(t, w.clientTokens(t, w.root).AccessToken)
}

func TestKeyFileThatIsNoKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing.pem")
	for _, content := range []string{"", "secret text", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := oauth2.NewFileSigner(path); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("NewFileSigner of %q: %v, want an error that does not quote the file", content, err)
		}
	}
	if err := oauth2.GenerateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); err != nil || !strings.Contains(string(content), "c2VjcmV0") {
		t.Errorf("GenerateKeyFile replaced a file that was there: %s, %v", content, err)
	}
}
