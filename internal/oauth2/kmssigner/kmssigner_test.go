package kmssigner_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/oauth2/kmssigner"
	"github.com/rosterhq/roster/internal/roster"
)

var _ oauth2.Signer = (*kmssigner.Signer)(nil)

const arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"

// fakeKMS speaks the wire protocol of KMS (AWS JSON 1.1) for one key behind an alias.
type fakeKMS struct {
	key        *rsa.PrivateKey
	usage      string
	algorithms []string

	mu    sync.Mutex
	calls []string                      // operation and key id, guarded by mu
	fail  func(*http.Request) *awsError // guarded by mu
}

type awsError struct {
	status int
	name   string
}

func newFakeKMS(t *testing.T) *fakeKMS {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &fakeKMS{key: key, usage: "SIGN_VERIFY", algorithms: []string{"RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"}}
}

func (f *fakeKMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var input struct {
		KeyID            string `json:"KeyId"`
		Message          []byte
		MessageType      string
		SigningAlgorithm string
	}
	if err := json.NewDecoder(r.Body).Decode(&input); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	f.mu.Lock()
	f.calls = append(f.calls, operation+" "+input.KeyID)
	var failure *awsError
	if f.fail != nil {
		failure = f.fail(r)
	}
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if failure != nil {
		w.WriteHeader(failure.status)
		json.NewEncoder(w).Encode(map[string]string{"__type": failure.name, "message": "planted"})
		return
	}
	switch operation {
	case "GetPublicKey":
		der, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
		if err != nil {
			panic(err)
		}
		json.NewEncoder(w).Encode(map[string]any{
			"KeyId": arn, "PublicKey": der, "KeySpec": "RSA_2048", "KeyUsage": f.usage, "SigningAlgorithms": f.algorithms,
		})
	case "Sign":
		if input.MessageType != "DIGEST" || input.SigningAlgorithm != "RSASSA_PKCS1_V1_5_SHA_256" {
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]string{"__type": "ValidationException"})
			return
		}
		signature, err := rsa.SignPKCS1v15(nil, f.key, crypto.SHA256, input.Message)
		if err != nil {
			panic(err)
		}
		json.NewEncoder(w).Encode(map[string]any{"KeyId": arn, "Signature": signature, "SigningAlgorithm": input.SigningAlgorithm})
	}
}

func (f *fakeKMS) failWith(failure *awsError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = func(*http.Request) *awsError { return failure }
}

func (f *fakeKMS) made() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, ", ")
}

// signerFor returns a signer on the real client, talking to the fake over HTTP.
func signerFor(t *testing.T, f *fakeKMS) *kmssigner.Signer {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return kmssigner.New(kms.New(kms.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), "alias/roster")
}

func TestSign(t *testing.T) {
	f := newFakeKMS(t)
	signer := signerFor(t, f)
	digest := sha256.Sum256([]byte("payload"))
	for range 2 {
		signature, err := signer.Sign(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		public, err := signer.PublicKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature); err != nil {
			t.Errorf("the signature does not fit the public key: %v", err)
		}
	}
	// The public key is asked for once, and signing uses the key that the alias stood for then.
	if got, want := f.made(), "GetPublicKey alias/roster, Sign "+arn+", Sign "+arn; got != want {
		t.Errorf("calls = %s, want %s", got, want)
	}
}

func TestKeyThatCannotSign(t *testing.T) {
	for name, spoil := range map[string]func(*fakeKMS){
		"usage":     func(f *fakeKMS) { f.usage = "ENCRYPT_DECRYPT" },
		"algorithm": func(f *fakeKMS) { f.algorithms = []string{"ECDSA_SHA_256"} },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeKMS(t)
			spoil(f)
			_, err := signerFor(t, f).PublicKey(t.Context())
			if err == nil || !strings.Contains(err.Error(), "alias/roster") {
				t.Errorf("PublicKey: %v, want an error that names the key", err)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		failure awsError
		want    roster.Kind
	}{
		{awsError{400, "ThrottlingException"}, roster.KindUnavailable},
		{awsError{500, "KMSInternalException"}, roster.KindUnavailable},
		{awsError{503, "KeyUnavailableException"}, roster.KindUnavailable},
		{awsError{503, "DependencyTimeoutException"}, roster.KindUnavailable},
		{awsError{400, "NotFoundException"}, roster.KindInternal},
		{awsError{400, "AccessDeniedException"}, roster.KindInternal},
		{awsError{400, "DisabledException"}, roster.KindInternal},
		{awsError{400, "KMSInvalidStateException"}, roster.KindInternal},
	}
	for _, tt := range tests {
		t.Run(tt.failure.name, func(t *testing.T) {
			f := newFakeKMS(t)
			signer := signerFor(t, f)
			digest := sha256.Sum256([]byte("payload"))
			f.failWith(&tt.failure)
			if _, err := signer.Sign(t.Context(), digest); roster.KindOf(err) != tt.want || err == nil {
				t.Errorf("public key: %v, want kind %v", err, tt.want)
			}
			f.failWith(nil)
			if _, err := signer.Sign(t.Context(), digest); err != nil {
				t.Fatalf("after the fault: %v", err)
			}
			f.failWith(&tt.failure)
			if _, err := signer.Sign(t.Context(), digest); roster.KindOf(err) != tt.want || err == nil {
				t.Errorf("sign: %v, want kind %v", err, tt.want)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	signer := kmssigner.New(kms.New(kms.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), "alias/roster")
	if _, err := signer.PublicKey(t.Context()); roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("PublicKey: %v, want unavailable", err)
	}
}
