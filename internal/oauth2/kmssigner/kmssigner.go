// Package kmssigner signs access tokens with an RSA key that never leaves AWS KMS. It implements the Signer of package oauth2,
// and is a package of its own so that only the function that signs, and rosterctl, link the KMS client.
//
// The key has usage SIGN_VERIFY and spec RSA_2048 or larger. KMS does not rotate such keys: a new one is made, and the
// function is pointed at it; package oauth2 publishes its public half before it signs, and the old one stays published until
// it is retired. A retired key is to stay published for as long as the tokens of integrations that it signed are in use: package
// oauth2 trusts it for those. Each signature is one call of Sign, some 5 to 10 ms inside the Region and USD 0.15 per 10,000.
package kmssigner

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/rosterhq/roster/internal/roster"
)

// algorithm is RS256 in the words of KMS (RFC 7518, section 3.3).
const algorithm = types.SigningAlgorithmSpecRsassaPkcs1V15Sha256

// KMS is the part of the KMS client that the signer needs.
type KMS interface {
	GetPublicKey(ctx context.Context, input *kms.GetPublicKeyInput, options ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error)
	Sign(ctx context.Context, input *kms.SignInput, options ...func(*kms.Options)) (*kms.SignOutput, error)
}

// Signer signs with one KMS key. It is safe for concurrent use.
type Signer struct {
	kms   KMS
	keyID string

	mu  sync.Mutex
	key *resolvedKey // set by the first successful GetPublicKey, guarded by mu
}

// resolvedKey is the key behind the configured id. Signing by its ARN keeps an alias that is pointed at another key from making
// signatures that the published public key does not fit.
type resolvedKey struct {
	arn    string
	public *rsa.PublicKey
}

// New returns a signer for the key with that id, ARN or alias. It makes no call; the first use asks for the public key, once.
func New(client KMS, keyID string) *Signer { return &Signer{kms: client, keyID: keyID} }

// PublicKey returns the public half of the key. A key that is not fit for RS256 is an error.
func (s *Signer) PublicKey(ctx context.Context) (*rsa.PublicKey, error) {
	key, err := s.resolve(ctx)
	if err != nil {
		return nil, err
	}
	return key.public, nil
}

// Sign returns the RSASSA-PKCS1-v1_5 signature of a SHA-256 digest. If KMS cannot answer now it is a KindUnavailable error.
func (s *Signer) Sign(ctx context.Context, digest [sha256.Size]byte) ([]byte, error) {
	key, err := s.resolve(ctx)
	if err != nil {
		return nil, err
	}
	output, err := s.kms.Sign(ctx, &kms.SignInput{
		KeyId:            aws.String(key.arn),
		Message:          digest[:],
		MessageType:      types.MessageTypeDigest,
		SigningAlgorithm: algorithm,
	})
	if err != nil {
		return nil, classify("signing with KMS", err)
	}
	return output.Signature, nil
}

func (s *Signer) resolve(ctx context.Context) (*resolvedKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return s.key, nil
	}
	output, err := s.kms.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: aws.String(s.keyID)})
	if err != nil {
		return nil, classify("asking KMS for the public key", err)
	}
	if output.KeyUsage != types.KeyUsageTypeSignVerify || !slices.Contains(output.SigningAlgorithms, algorithm) {
		return nil, fmt.Errorf("KMS key %s: does not sign with %s", s.keyID, algorithm)
	}
	parsed, err := x509.ParsePKIXPublicKey(output.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("KMS key %s: reading its public key: %w", s.keyID, err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("KMS key %s: not an RSA key", s.keyID)
	}
	s.key = &resolvedKey{arn: aws.ToString(output.KeyId), public: public}
	return s.key, nil
}

// classify tells a KMS that cannot answer now, after the client's own retries, from a key that is missing, disabled or forbidden,
// which only an operator can mend.
func classify(doing string, err error) error {
	wrapped := fmt.Errorf("%s: %w", doing, err)
	transient := retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary ||
		retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary
	if transient || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return roster.Unavailable("the signing key cannot be reached", wrapped)
	}
	return wrapped
}
