package oauth2

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rosterhq/roster/internal/roster"
)

// Signer holds the private key that access tokens are signed with, or knows who does. It is safe for concurrent use. There is
// FileSigner here, and one for AWS KMS in package kmssigner.
type Signer interface {
	// PublicKey returns the public half of the key, the same on every call: an RSA key of 2048 bits or more.
	PublicKey(ctx context.Context) (*rsa.PublicKey, error)
	// Sign returns the RSASSA-PKCS1-v1_5 signature of a SHA-256 digest (RFC 8017, section 8.2).
	Sign(ctx context.Context, digest [sha256.Size]byte) ([]byte, error)
}

// minKeyBits is the smallest RSA key that RS256 may use (RFC 7518, section 3.3).
const minKeyBits = 2048

const (
	// keyMaxAge is how long a verifier trusts what it last read of the published keys, and with it how long a key that was
	// taken away can still be used.
	keyMaxAge = 5 * time.Minute
	// keyCoolDown is the least time between two reads, so that tokens with invented key ids cannot cause a read each.
	keyCoolDown = 2 * time.Second
)

// Thumbprint returns the RFC 7638 thumbprint of a key, base64url without padding.
func Thumbprint(key *rsa.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("making the thumbprint of a key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// publishedKey returns the key in the form in which it is published.
func publishedKey(key *rsa.PublicKey, now time.Time) (roster.SigningKey, error) {
	if bits := key.N.BitLen(); bits < minKeyBits {
		return roster.SigningKey{}, fmt.Errorf("the signing key has %d bits, RS256 needs %d", bits, minKeyBits)
	}
	id, err := Thumbprint(key)
	if err != nil {
		return roster.SigningKey{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return roster.SigningKey{}, fmt.Errorf("encoding the public key: %w", err)
	}
	return roster.SigningKey{ID: id, Algorithm: string(jose.RS256), PublicKey: der, CreatedAt: now}, nil
}

// rsaKey reads a published key. The id must be the key's own thumbprint, so that no two keys can have one id.
func rsaKey(key roster.SigningKey) (*rsa.PublicKey, error) {
	if key.Algorithm != string(jose.RS256) {
		return nil, fmt.Errorf("algorithm %q is not RS256", key.Algorithm)
	}
	parsed, err := x509.ParsePKIXPublicKey(key.PublicKey)
	if err != nil {
		return nil, err
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok || public.N.BitLen() < minKeyBits {
		return nil, fmt.Errorf("not an RSA key of %d bits or more", minKeyBits)
	}
	if id, err := Thumbprint(public); err != nil || id != key.ID {
		return nil, fmt.Errorf("id is not the thumbprint of the key")
	}
	return public, nil
}

// keySet remembers the published keys for a while.
type keySet struct {
	store KeyStore
	now   func() time.Time
	log   *slog.Logger
	// lifetime is how long an access token of the token endpoints lives. A retired key is good for that long after it signed its
	// last one.
	lifetime time.Duration

	mu     sync.Mutex
	keys   []verificationKey // guarded by mu
	asked  time.Time         // when keys was read, guarded by mu
	sought time.Time         // when keys was last read for the sake of an unknown id, guarded by mu
}

type verificationKey struct {
	id      string
	public  *rsa.PublicKey
	retired time.Time
}

// key returns the published key with that id, nil where there is none; whether it is in use is for inUse to say. An id it does
// not know makes it read the store again,
// since the key may be newer than what it remembers.
func (s *keySet) key(ctx context.Context, id string) (*verificationKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(ctx, keyMaxAge); err != nil {
		return nil, err
	}
	// Only such reads count for the cool-down: a key published just after the set was loaded must be found at once.
	if now := s.now(); s.find(id) < 0 && (s.sought.IsZero() || now.Sub(s.sought) >= keyCoolDown) {
		s.sought = now
		if err := s.refresh(ctx, 0); err != nil {
			return nil, err
		}
	}
	i := s.find(id)
	if i < 0 {
		return nil, nil
	}
	key := s.keys[i]
	return &key, nil
}

// all returns the keys in use, as read at most maxAge ago.
func (s *keySet) all(ctx context.Context, maxAge time.Duration) ([]verificationKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(ctx, maxAge); err != nil {
		return nil, err
	}
	used := make([]verificationKey, 0, len(s.keys))
	for _, key := range s.keys {
		if s.inUse(key) {
			used = append(used, key)
		}
	}
	return used, nil
}

// refresh reads the store unless that was done less than maxAge ago. The caller holds mu: who needs the keys at that moment
// waits for the one read.
func (s *keySet) refresh(ctx context.Context, maxAge time.Duration) error {
	now := s.now()
	if !s.asked.IsZero() && now.Sub(s.asked) < maxAge {
		return nil
	}
	published, err := s.store.SigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("reading the published keys: %w", err)
	}
	keys := make([]verificationKey, 0, len(published))
	for _, p := range published {
		public, err := rsaKey(p)
		if err != nil {
			s.log.ErrorContext(ctx, "published key left out", "key", p.ID, "error", err)
			continue
		}
		keys = append(keys, verificationKey{p.ID, public, p.RetiredAt})
	}
	s.keys, s.asked = keys, now
	return nil
}

func (s *keySet) find(id string) int {
	return slices.IndexFunc(s.keys, func(k verificationKey) bool { return k.id == id })
}

// inUse reports whether tokens signed with the key can still be valid, those of integrations aside: see reader.integrationToken.
func (s *keySet) inUse(key verificationKey) bool {
	return key.retired.IsZero() || s.now().Before(key.retired.Add(s.lifetime+leeway))
}
