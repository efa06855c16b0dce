package oauth2

import (
	"context"
	"errors"

	"github.com/alexedwards/argon2id"

	"github.com/rosterhq/roster/internal/roster"
)

// currentSettings are what new passwords are hashed with: OWASP's recommended argon2id minimum of 19 MiB, two passes, one lane
// (Password Storage Cheat Sheet), with the salt and key lengths of RFC 9106, section 3.1.
const (
	currentMemory     = 19 * 1024 // KiB
	currentIterations = 2
	currentLanes      = 1
	currentSalt       = 16 // bytes
	currentKey        = 32 // bytes
)

// nobodysHash is compared with when there is no credential to compare with, so that an unknown user costs what a known one
// does. It is the hash, by the current settings, of 32 random bytes that were not kept.
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$XP2UrbbN2IfVM2MmSOo/eA$zBUySsruNH+cI6SuIero1HsrjdS3FM0JqsKsbk+0U0Y"

// maxPassword is the longest password that matches any hash, in bytes. roster.MaxPassword characters do not take more in UTF-8, and
// neither does libxcrypt, where sha-crypt hashes come from (CRYPT_MAX_PASSPHRASE_SIZE). What sha-crypt costs grows with the
// square of it.
const maxPassword = 512

// ErrUnknownHash is in the chain of the error for a password hash that cannot be read, or whose settings are out of bounds.
var ErrUnknownHash = errors.New("password hash in an unknown format")

// HashPassword returns the argon2id hash of a new password in PHC string format. It takes some 20 ms of a core, and 19 MiB.
// Whether the password is good enough is for roster.CheckPassword to say.
func HashPassword(password string) (string, error) {
	return argon2id.CreateHash(password, &argon2id.Params{
		Memory: currentMemory, Iterations: currentIterations, Parallelism: currentLanes, SaltLength: currentSalt, KeyLength: currentKey,
	})
}

// VerifyPassword reports whether the password is the one that was hashed. The formats and the bounds of their settings are
// those of CheckHash, whose error it returns for any other hash. A password of more than 512 bytes matches nothing.
//
// A hash within the bounds takes up to half a second of a core and 128 MiB; one by HashPassword what that takes.
func VerifyPassword(password, hash string) (bool, error) {
	if len(password) > maxPassword {
		hash = nobodysHash
	}
	h, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	return h.matches(password), nil
}

// CheckHash returns nil if VerifyPassword can compare passwords with the hash, and a KindInvalid error about the field passwordHash,
// with ErrUnknownHash in its chain, if it cannot. The error says which rule is broken and nothing that was hashed. The
// formats, of which every part but the salt is bounded so that no hash makes a log-in a burden, are
//
//	$argon2id$v=19$m=<KiB>,t=<iterations>,p=<lanes>$salt$key    PHC string format; up to 128 MiB, and 512 MiB over all iterations
//	$2a$<cost>$, $2b$..., $2y$...                               bcrypt, up to cost 13
//	$scrypt$ln=<log2 N>,r=<r>,p=<p>$salt$key                    as passlib writes it; 128*N*r*p up to 128 MiB, r and p up to 32
//	$pbkdf2-sha256$<iterations>$salt$key                        as passlib writes it, and with i=<iterations>[,l=<bytes>] as PHC does;
//	                                                            sha1 (also named $pbkdf2$), sha256, sha512
//	$5$[rounds=<rounds>$]salt$key, $6$...                       sha-crypt, 1000 to 700,000 rounds
func CheckHash(hash string) error {
	_, err := parseHash(hash)
	return err
}

// outdated reports whether a hash that the password matched is to be replaced by one with the current settings.
func outdated(password, hash string) bool {
	parsed, err := parseHash(hash)
	if err != nil {
		return false
	}
	switch h := parsed.(type) {
	case argon2idHash:
		return h.memory != currentMemory || h.iterations != currentIterations || h.lanes != currentLanes ||
			len(h.salt) != currentSalt || len(h.key) != currentKey
	case bcryptHash:
		// bcrypt did not look at the rest of a longer password. That may be mistyped today, and must not be demanded tomorrow.
		return len(password) <= maxBcryptPassword
	default:
		return true
	}
}

// hasher bounds how many passwords are hashed side by side, and with it the memory that takes.
type hasher struct {
	slots chan struct{}
}

func newHasher(slots int) *hasher { return &hasher{slots: make(chan struct{}, slots)} }

// verify is VerifyPassword once a slot is free. If the context ends first it is a KindUnavailable error.
func (h *hasher) verify(ctx context.Context, password, hash string) (bool, error) {
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	return VerifyPassword(password, hash)
}

// hash is HashPassword once a slot is free. If the context ends first it is a KindUnavailable error.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	return HashPassword(password)
}

func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return roster.Unavailable("too many log-ins at once", ctx.Err())
	}
}

func (h *hasher) leave() { <-h.slots }
