package oauth2

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FileSigner signs with an RSA key held in memory. It is for local use: whoever can read the file can forge tokens.
type FileSigner struct {
	key *rsa.PrivateKey
}

// NewFileSigner returns the signer whose key is in the file, as PKCS #8 in PEM. A file that is not there is an fs.ErrNotExist
// error; GenerateKeyFile makes one.
func NewFileSigner(path string) (*FileSigner, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("signing key %s: not a PKCS #8 key in PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		// The parser's own words may quote the key.
		return nil, fmt.Errorf("signing key %s: not a PKCS #8 key", path)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() < minKeyBits {
		return nil, fmt.Errorf("signing key %s: not an RSA key of %d bits or more", path, minKeyBits)
	}
	return &FileSigner{key: key}, nil
}

// GenerateKeyFile writes a new 2048-bit RSA key to the file, readable by its owner only, unless the file is there already. It
// appears whole or not at all, and of several processes that do this at once all end up with the same key.
func GenerateKeyFile(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, minKeyBits)
	if err != nil {
		return fmt.Errorf("generating a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding a signing key: %w", err)
	}
	if err := createWhole(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return fmt.Errorf("writing the signing key: %w", err)
	}
	return nil
}

// createWhole writes a file beside path and links it into place, which fails without harm if path came to be meanwhile.
func createWhole(path string, content []byte) error {
	// CreateTemp makes files that their owner alone can read and write.
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	// A file system without hard links. Two processes at once may then end up with different keys until they restart.
	return os.Rename(file.Name(), path)
}

// PublicKey returns the public half of the key.
func (s *FileSigner) PublicKey(context.Context) (*rsa.PublicKey, error) { return &s.key.PublicKey, nil }

// Sign returns the RSASSA-PKCS1-v1_5 signature of the digest.
func (s *FileSigner) Sign(_ context.Context, digest [sha256.Size]byte) ([]byte, error) {
	return rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, digest[:])
}
