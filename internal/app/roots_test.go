package app

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAmazonRootsAreThere(t *testing.T) {
	var names []string
	for rest := rootsPEM; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if !certificate.IsCA || time.Until(certificate.NotAfter) < 365*24*time.Hour {
			t.Errorf("%s: is no authority, or not for long", certificate.Subject)
		}
		names = append(names, certificate.Subject.CommonName)
	}
	if len(names) != 5 {
		t.Errorf("the roots are %q, want Amazon Root CA 1 to 4 and Starfield Services", names)
	}
}

// TestServersOfOtherAuthorities runs a server that the system comes to trust, and one that nobody trusts. The system's roots
// are read once in a process, so this is one test.
func TestServersOfOtherAuthorities(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file) // instead of the system's own (crypto/x509)
	response, err := HTTPClient().Get(server.URL)
	if err != nil {
		t.Fatalf("a server that the system trusts is refused: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Errorf("status %d", response.StatusCode)
	}
	// The certificate is not for this name.
	request, err := http.NewRequest(http.MethodGet, "https://localhost:"+server.URL[len("https://127.0.0.1:"):], nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err = HTTPClient().Do(request)
	if err == nil {
		response.Body.Close()
		t.Fatal("a certificate for another name is accepted")
	}
	if _, ok := errors.AsType[x509.HostnameError](err); !ok {
		t.Errorf("the error is %v, want one about the name", err)
	}
}
