package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

const keyARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"

// kmsTransport answers what is asked of KMS, for one key, and carries everything else to where it goes.
type kmsTransport struct {
	key     *rsa.PrivateKey
	refuses string   // the name of an error to answer with, empty for none
	calls   []string // operation, key id and host
}

func (k *kmsTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	operation, ours := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	if !ours {
		return http.DefaultTransport.RoundTrip(r)
	}
	var input struct {
		KeyID   string `json:"KeyId"`
		Message []byte
	}
	if err := json.NewDecoder(r.Body).Decode(&input); err != nil {
		return nil, err
	}
	k.calls = append(k.calls, operation+" "+input.KeyID+" "+r.URL.Host)
	if k.refuses != "" {
		return kmsAnswer(http.StatusBadRequest, map[string]any{"__type": k.refuses, "message": "planted"})
	}
	if operation == "GetPublicKey" {
		der, err := x509.MarshalPKIXPublicKey(&k.key.PublicKey)
		if err != nil {
			return nil, err
		}
		return kmsAnswer(http.StatusOK, map[string]any{
			"KeyId": keyARN, "PublicKey": der, "KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "SigningAlgorithms": []string{"RSASSA_PKCS1_V1_5_SHA_256"},
		})
	}
	signature, err := rsa.SignPKCS1v15(nil, k.key, crypto.SHA256, input.Message)
	if err != nil {
		return nil, err
	}
	return kmsAnswer(http.StatusOK, map[string]any{"KeyId": keyARN, "Signature": signature})
}

func kmsAnswer(status int, body map[string]any) (*http.Response, error) {
	data, err := json.Marshal(body)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(bytes.NewReader(data)),
	}, err
}

// TestIntegrationTokensAreSignedByKMS makes a token with a key in KMS, on the real client, by flags and by the environment.
func TestIntegrationTokensAreSignedByKMS(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	aws := &kmsTransport{key: key}
	c.adjust = func(tool *tool) { tool.transport = aws }
	const host = " kms.eu-central-1.amazonaws.com"
	args := []string{"--region", "eu-central-1", "--issuer", testIssuer, "--audience", "directory"}
	create := append([]string{"integration", "create", "--json", "--tenant", tenant, "--name", "Sync"}, args...)

	aws.refuses = "NotFoundException"
	r := c.run(t.Context(), "", append(create, "--signing-key", "alias/none")...)
	if r.code != exitFailed || !strings.Contains(r.stderr, "asking KMS for the public key") || r.stdout != "" {
		t.Errorf("with a key that is not there: %d, %q, %q", r.code, r.stdout, r.stderr)
	}
	aws.refuses, aws.calls = "", nil

	made := mustJSON[integrationView](c, append(create, "--signing-key", "alias/roster")...)
	if p, err := c.verify(made.Tokens[0].Token); err != nil || p.Client != made.ID {
		t.Errorf("the token speaks for %+v, %v", p, err)
	}
	if want := []string{"GetPublicKey alias/roster" + host, "Sign " + keyARN + host}; !slices.Equal(aws.calls, want) {
		t.Errorf("KMS was asked %q, want %q", aws.calls, want)
	}
	if listed := mustJSON[[]integrationView](c, "integration", "list", "--tenant", tenant, "--json"); len(listed) != 1 {
		t.Errorf("listed %+v, want nothing of what failed", listed)
	}

	// What flags do not say is taken from the environment, as the functions have it.
	c.adjust = func(tool *tool) {
		env := tool.env
		tool.transport = aws
		tool.env = func(name string) string {
			switch name {
			case "ROSTER_SIGNING_KEY":
				return "alias/roster"
			case "ROSTER_ISSUER":
				return testIssuer + "/"
			case "ROSTER_AUDIENCE":
				return "directory"
			default:
				return env(name)
			}
		}
	}
	aws.calls = nil
	token := mustJSON[tokenView](c, "integration", "token", string(made.ID), "--json", "--region", "eu-central-1")
	if _, err := c.verify(token.Token); err != nil || len(aws.calls) != 2 {
		t.Errorf("by the environment the token is %v, after %q", err, aws.calls)
	}
	// A file that a flag names counts for more than a key that the environment does. It is another key, which is published beside.
	token = mustJSON[tokenView](c, "integration", "token", string(made.ID), "--json", "--signing-key-file", c.keyFile())
	if _, err := c.verify(token.Token); err != nil || len(aws.calls) != 2 {
		t.Errorf("by a file the token is %v, after %q", err, aws.calls)
	}
	if keys, err := c.open().SigningKeys(t.Context()); err != nil || len(keys) != 2 {
		t.Errorf("%d keys are published, %v, want 2", len(keys), err)
	}
	if _, err := c.verify(token.Token[:len(token.Token)-4] + "AAAA"); roster.KindOf(err) != roster.KindUnauthenticated {
		t.Errorf("a forged token is %v", err)
	}
}
