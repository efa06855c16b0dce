package roster

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"
)

// Attempt is a secret that is about to be looked at. One of the functions is to be called once it was; one that is called for
// neither counts as wrong if others were wrong before.
type Attempt struct {
	// Failed counts the attempt. Nothing is to be told about the secret if that cannot be done.
	Failed func(ctx context.Context) error
	// Succeeded forgets what was wrong before.
	Succeeded func(ctx context.Context) error
}

// AttemptKey is what wrong secrets are counted by: a hash, from which neither address nor account can be read.
type AttemptKey [32]byte

// NewAttemptKey returns the key of what the parts name together; the first says what kind of thing that is.
func NewAttemptKey(parts ...string) AttemptKey {
	hash := sha256.New()
	for _, part := range parts {
		// The length before each part keeps two lists of parts from being the same text.
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		hash.Write([]byte(part))
	}
	return AttemptKey(hash.Sum(nil))
}

// AttemptCount is how many wrong secrets were counted. The zero value is none.
type AttemptCount struct {
	Failures int64
	// LastAt is when the last one was counted, to the millisecond.
	LastAt time.Time
	// ExpiresAt is when they are forgotten, to the second.
	ExpiresAt time.Time
}

// TooManyAttempts returns the error for a secret that is not looked at before wait has passed.
func TooManyAttempts(wait time.Duration) *Error {
	return &Error{Kind: KindTooMany, Message: "too many wrong attempts, try again later", RetryAfter: wait}
}

type sourceKey struct{}

// WithSource returns a context for a request that came from that address, as whoever accepted the connection saw it. Headers, which a
// caller can make up, are no source.
func WithSource(ctx context.Context, source netip.Addr) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}

// SourceFrom returns the address that WithSource put into the context. Where there is none, it is not valid.
func SourceFrom(ctx context.Context) netip.Addr {
	source, _ := ctx.Value(sourceKey{}).(netip.Addr)
	return source
}
