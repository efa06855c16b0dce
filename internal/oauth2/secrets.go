package oauth2

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// The prefixes name what a secret is, so that scanners find it where it should not be.
const (
	clientSecretPrefix = "rcs_"
	refreshTokenPrefix = "rrt_"
)

// NewClientSecret returns a new client secret of 256 random bits, and the hash to keep of it. The secret is URL-safe, so that
// it reads the same whether or not a client form-encodes it for HTTP Basic (RFC 6749, section 2.3.1).
func NewClientSecret() (secret string, hash [32]byte) {
	var random [32]byte
	rand.Read(random[:])
	secret = clientSecretPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	return secret, HashClientSecret(secret)
}

// HashClientSecret returns what is kept of a client secret: its SHA-256. A slow hash would add nothing to 256 random bits.
func HashClientSecret(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

func sameHash(a, b [32]byte) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

// refreshToken is a refresh token taken apart. Only hashes of its two parts are ever stored.
type refreshToken struct {
	family [16]byte // the same in every token of a family
	secret [32]byte
}

func newRefreshToken() refreshToken {
	var t refreshToken
	rand.Read(t.family[:])
	rand.Read(t.secret[:])
	return t
}

// successor returns a new token of the same family.
func (t refreshToken) successor() refreshToken {
	next := refreshToken{family: t.family}
	rand.Read(next.secret[:])
	return next
}

func (t refreshToken) familyHash() [32]byte { return sha256.Sum256(t.family[:]) }
func (t refreshToken) secretHash() [32]byte { return sha256.Sum256(t.secret[:]) }

// encode returns the token as the client sees it: 48 bytes make 64 characters with no bit to spare, so that a token has one
// spelling.
func (t refreshToken) encode() string {
	raw := append(t.family[:], t.secret[:]...)
	return refreshTokenPrefix + base64.RawURLEncoding.EncodeToString(raw)
}

// isRefreshToken reports whether s looks like a refresh token, well-formed or not.
func isRefreshToken(s string) bool { return strings.HasPrefix(s, refreshTokenPrefix) }

// parseRefreshToken reads what encode wrote, and nothing else.
func parseRefreshToken(s string) (refreshToken, bool) {
	var t refreshToken
	encoded, ok := strings.CutPrefix(s, refreshTokenPrefix)
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(len(t.family)+len(t.secret)) {
		return refreshToken{}, false
	}
	// The decoder skips line breaks, so the length of what comes out is checked too.
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(raw) != len(t.family)+len(t.secret) {
		return refreshToken{}, false
	}
	copy(t.family[:], raw)
	copy(t.secret[:], raw[len(t.family):])
	return t, true
}

// familyTokenID returns the jti of the access token that was given with the family's refresh token of that generation. Being
// a function of both, it can be told again when the family is ended, without keeping it.
func familyTokenID(family [32]byte, generation int64) string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(family[:], uint64(generation)))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// newTokenID returns the jti of an access token that belongs to no family.
func newTokenID() string { return rand.Text() }
