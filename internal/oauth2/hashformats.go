package oauth2

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/go-crypt/x/crypt"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"

	"github.com/rosterhq/roster/internal/roster"
)

// The bounds of what a stored hash may ask for. They let in the defaults of the well-known frameworks, and let one comparison
// cost at most half a second of a core (measured at the upper bounds: 0.2 to 0.5 s, where a new hash takes 21 ms) and
// 128 MiB. Past the first log-in it costs what a new hash does.
const (
	maxHash     = 512 // bytes of the whole text
	minHashSalt = 1   // bytes; a short salt is the source's sin, and lasts until the first log-in
	minHashKey  = 16  // bytes
	maxHashPart = 128 // bytes, of salt and of key

	maxArgon2Memory     = 128 * 1024 // KiB
	maxArgon2Work       = 512 * 1024 // KiB, memory times iterations
	maxArgon2Iterations = 64
	maxArgon2Lanes      = 16
	minArgon2Salt       = 8 // bytes; RFC 9106, section 3.1

	minBcryptCost = uint64(bcrypt.MinCost)
	maxBcryptCost = 13
	// maxBcryptPassword is how much of a password bcrypt looks at, in bytes.
	maxBcryptPassword = 72

	maxScryptMemory = 128 << 20 // bytes, counted for each p, one after the other
	maxScryptLogN   = 17
	maxScryptFactor = 32 // r or p

	maxPBKDF2SHA1   = 2_500_000 // iterations times blocks of the key
	maxPBKDF2SHA256 = 3_000_000
	maxPBKDF2SHA512 = 700_000

	minShaCryptRounds     = 1000 // what is less was hashed with 1000, and says so
	defaultShaCryptRounds = 5000
	maxShaCryptRounds     = 700_000 // passlib's default is 656,000
	maxShaCryptSalt       = 16      // characters
	// maxShaCryptWork bounds rounds times password length, in bytes: with passlib's default, passwords of up to 152 bytes.
	maxShaCryptWork = 100_000_000
)

// storedHash is a password hash taken apart, its settings within the bounds.
type storedHash interface {
	// matches reports whether the password is the one that was hashed. How long it takes does not depend on the answer.
	matches(password string) bool
}

// unsound returns the error for a hash that breaks a rule ("must ..."). The rule names settings but no salt or key.
func unsound(rule string, args ...any) error {
	err := roster.Invalid("passwordHash", fmt.Sprintf(rule, args...))
	err.Cause = ErrUnknownHash
	return err
}

// parseHash takes a hash apart, or says which of the rules at CheckHash it breaks.
func parseHash(text string) (storedHash, error) {
	if len(text) > maxHash {
		return nil, unsound("must have at most %d characters", maxHash)
	}
	// The decoder of base64 skips line breaks, which thus must not get that far.
	if strings.ContainsFunc(text, foreign) {
		return nil, unsound("must have no characters but letters, digits and $ - . , = + /")
	}
	var name string
	fields := strings.Split(text, "$")
	if len(fields) >= 3 && fields[0] == "" {
		name, fields = fields[1], fields[2:]
	}
	switch name {
	case "argon2id":
		return parseArgon2id(fields)
	case "2a", "2b", "2y":
		return parseBcrypt(text, fields)
	case "scrypt":
		return parseScrypt(fields)
	case "pbkdf2", "pbkdf2-sha1":
		return parsePBKDF2(sha1.New, maxPBKDF2SHA1, fields)
	case "pbkdf2-sha256":
		return parsePBKDF2(sha256.New, maxPBKDF2SHA256, fields)
	case "pbkdf2-sha512":
		return parsePBKDF2(sha512.New, maxPBKDF2SHA512, fields)
	case "5":
		return parseShaCrypt(sha256.New, fields)
	case "6":
		return parseShaCrypt(sha512.New, fields)
	default:
		return nil, unsound("must be an argon2id, bcrypt ($2a$, $2b$, $2y$), scrypt, pbkdf2-sha1, pbkdf2-sha256, pbkdf2-sha512 or sha-crypt ($5$, $6$) hash")
	}
}

// foreign reports whether a character occurs in no hash.
func foreign(c rune) bool {
	alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
	return !alphanumeric && !strings.ContainsRune("$-.,=+/", c)
}

// argon2idHash is $argon2id$v=19$m=19456,t=2,p=1$salt$key, the PHC string format of RFC 9106's reference implementation.
type argon2idHash struct {
	memory     uint32 // KiB
	iterations uint32
	lanes      uint8
	salt, key  []byte
}

func parseArgon2id(fields []string) (storedHash, error) {
	if len(fields) != 4 || fields[0] != "v=19" {
		return nil, unsound("must have the form $argon2id$v=19$m=,t=,p=$salt$key")
	}
	settings, ok := numbers(fields[1], "m", "t", "p")
	if !ok {
		return nil, unsound("must have argon2id settings of the form m=,t=,p=")
	}
	memory, iterations, lanes := settings[0], settings[1], settings[2]
	switch {
	case iterations < 1 || iterations > maxArgon2Iterations:
		return nil, unsound("must have 1 to %d argon2id iterations, not %d", maxArgon2Iterations, iterations)
	case lanes < 1 || lanes > maxArgon2Lanes:
		return nil, unsound("must have 1 to %d argon2id lanes, not %d", maxArgon2Lanes, lanes)
	case memory < 8*lanes || memory > maxArgon2Memory:
		return nil, unsound("must have an argon2id memory of %d to %d KiB, not %d", 8*lanes, maxArgon2Memory, memory)
	case memory*iterations > maxArgon2Work:
		return nil, unsound("must have an argon2id memory times iterations of at most %d KiB, not %d", maxArgon2Work, memory*iterations)
	}
	salt, key, err := saltAndKey(fields[2], fields[3], minArgon2Salt)
	if err != nil {
		return nil, err
	}
	return argon2idHash{memory: uint32(memory), iterations: uint32(iterations), lanes: uint8(lanes), salt: salt, key: key}, nil
}

func (h argon2idHash) matches(password string) bool {
	return same(h.key, argon2.IDKey([]byte(password), h.salt, h.iterations, h.memory, h.lanes, uint32(len(h.key))))
}

// String returns the hash as it is stored.
func (h argon2idHash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.iterations, h.lanes,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.key))
}

// bcryptHash is a whole bcrypt hash, such as $2b$12$ and 53 characters. Its three versions differ in the bugs that
// implementations had; correct ones agree on all of them. $2x$ is of the incorrect ones.
type bcryptHash string

// bcryptAlphabet is bcrypt's own base64, in which the high bits come first.
const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func parseBcrypt(text string, fields []string) (storedHash, error) {
	if len(fields) != 2 || len(fields[0]) != 2 || len(fields[1]) != 53 {
		return nil, unsound("must have the form $2b$, two digits, $, and 53 characters")
	}
	cost, err := strconv.ParseUint(fields[0], 10, 8) // which takes no sign
	if err != nil || cost < minBcryptCost || cost > maxBcryptCost {
		return nil, unsound("must have a bcrypt cost of %02d to %d, not %s", minBcryptCost, maxBcryptCost, fields[0])
	}
	// The key at the end has two bits to spare. It is compared as text, so it must be in its one right spelling.
	last := strings.IndexByte(bcryptAlphabet, fields[1][52])
	if strings.Trim(fields[1], bcryptAlphabet) != "" || last&3 != 0 {
		return nil, unsound("must have a bcrypt salt and key as bcrypt encodes them")
	}
	return bcryptHash(text), nil
}

func (h bcryptHash) matches(password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(h), []byte(password)) == nil
}

// scryptHash is $scrypt$ln=16,r=8,p=1$salt$key, as passlib writes it (RFC 7914 has no text format).
type scryptHash struct {
	logN, r, p int
	salt, key  []byte
}

func parseScrypt(fields []string) (storedHash, error) {
	if len(fields) != 3 {
		return nil, unsound("must have the form $scrypt$ln=,r=,p=$salt$key")
	}
	settings, ok := numbers(fields[0], "ln", "r", "p")
	if !ok {
		return nil, unsound("must have scrypt settings of the form ln=,r=,p=")
	}
	logN, r, p := settings[0], settings[1], settings[2]
	sound := logN >= 1 && logN <= maxScryptLogN && r >= 1 && r <= maxScryptFactor && p >= 1 && p <= maxScryptFactor &&
		128*r*p<<logN <= maxScryptMemory
	if !sound {
		return nil, unsound("must have an scrypt ln of 1 to %d, r and p of 1 to %d, and 128*r*p<<ln of at most %d",
			maxScryptLogN, maxScryptFactor, maxScryptMemory)
	}
	salt, key, err := saltAndKey(fields[1], fields[2], minHashSalt)
	if err != nil {
		return nil, err
	}
	return scryptHash{logN: logN, r: r, p: p, salt: salt, key: key}, nil
}

func (h scryptHash) matches(password string) bool {
	key, err := scrypt.Key([]byte(password), h.salt, 1<<h.logN, h.r, h.p, len(h.key))
	return err == nil && same(h.key, key)
}

// pbkdf2Hash is $pbkdf2-sha256$29000$salt$key, as passlib writes it, or $pbkdf2-sha256$i=600000,l=32$salt$key (RFC 8018).
type pbkdf2Hash struct {
	function   func() hash.Hash
	iterations int
	salt, key  []byte
}

func parsePBKDF2(function func() hash.Hash, most int, fields []string) (storedHash, error) {
	if len(fields) != 3 {
		return nil, unsound("must have the form $pbkdf2-sha256$iterations$salt$key")
	}
	salt, key, err := saltAndKey(fields[1], fields[2], minHashSalt)
	if err != nil {
		return nil, err
	}
	iterations, ok := pbkdf2Iterations(fields[0], len(key))
	if !ok {
		return nil, unsound("must have PBKDF2 settings of the form 29000, i=29000 or i=29000,l= with the length of the key")
	}
	size := function().Size()
	most /= (len(key) + size - 1) / size
	if iterations < 1 || iterations > most {
		return nil, unsound("must have 1 to %d PBKDF2 iterations, for its function and length, not %d", most, iterations)
	}
	return pbkdf2Hash{function: function, iterations: iterations, salt: salt, key: key}, nil
}

// pbkdf2Iterations reads the settings of a PBKDF2 hash, whose key has that length.
func pbkdf2Iterations(settings string, length int) (int, bool) {
	if n, ok := number(settings); ok {
		return n, true
	}
	if n, ok := numbers(settings, "i"); ok {
		return n[0], true
	}
	if n, ok := numbers(settings, "i", "l"); ok {
		return n[0], n[1] == length
	}
	return 0, false
}

func (h pbkdf2Hash) matches(password string) bool {
	key, err := pbkdf2.Key(h.function, password, h.salt, h.iterations, len(h.key))
	return err == nil && same(h.key, key)
}

// shaCryptHash is $6$rounds=656000$salt$key or $6$salt$key, of Drepper's "Unix crypt using SHA-256 and SHA-512", version 0.6.
type shaCryptHash struct {
	function  func() hash.Hash
	rounds    int
	salt, key string
}

// cryptAlphabet is crypt(3)'s own base64, in which the low bits come first.
const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func parseShaCrypt(function func() hash.Hash, fields []string) (storedHash, error) {
	h := shaCryptHash{function: function, rounds: defaultShaCryptRounds}
	if len(fields) == 3 {
		rounds, ok := numbers(fields[0], "rounds")
		if !ok {
			return nil, unsound("must have sha-crypt rounds of the form rounds=5000")
		}
		h.rounds, fields = rounds[0], fields[1:]
	}
	if len(fields) != 2 {
		return nil, unsound("must have the form $6$salt$key or $6$rounds=5000$salt$key")
	}
	h.salt, h.key = fields[0], fields[1]
	if h.rounds < minShaCryptRounds || h.rounds > maxShaCryptRounds {
		return nil, unsound("must have %d to %d sha-crypt rounds, not %d", minShaCryptRounds, maxShaCryptRounds, h.rounds)
	}
	if n := len(h.salt); n < minHashSalt || n > maxShaCryptSalt {
		return nil, unsound("must have a sha-crypt salt of %d to %d characters, not %d", minHashSalt, maxShaCryptSalt, n)
	}
	if !cryptText(h.key, function().Size()) {
		return nil, unsound("must have a sha-crypt key as crypt encodes it")
	}
	return h, nil
}

// cryptText reports whether text is what crypt(3) makes of that many bytes, bits to spare being zero.
func cryptText(text string, bytes int) bool {
	if len(text) != base64.RawStdEncoding.EncodedLen(bytes) || strings.Trim(text, cryptAlphabet) != "" {
		return false
	}
	spare := len(text)*6 - bytes*8
	return strings.IndexByte(cryptAlphabet, text[len(text)-1])>>(6-spare) == 0
}

func (h shaCryptHash) matches(password string) bool {
	// Each round hashes the password. One that is too long for that many rounds does the work of the longest and matches nothing.
	longest := min(len(password), maxShaCryptWork/h.rounds)
	return same([]byte(h.key), []byte(h.compute(password[:longest]))) && longest == len(password)
}

// compute returns the key that goes with a password.
func (h shaCryptHash) compute(password string) string {
	return string(crypt.KeySHACrypt(h.function, []byte(password), []byte(h.salt), h.rounds))
}

// numbers reads settings such as m=19456,t=2,p=1: those names, in that order, and no other.
func numbers(settings string, names ...string) ([]int, bool) {
	parts := strings.Split(settings, ",")
	if len(parts) != len(names) {
		return nil, false
	}
	values := make([]int, len(names))
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		n, ok := number(value)
		if name != names[i] || !ok {
			return nil, false
		}
		values[i] = n
	}
	return values, true
}

// number reads a number as PHC strings spell it: digits, at most nine, without a zero in front. No sum or product of two
// overflows.
func number(digits string) (int, bool) {
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || len(digits) > 9 || strconv.FormatUint(n, 10) != digits {
		return 0, false
	}
	return int(n), true
}

// saltAndKey decodes both from base64 without padding. A dot stands for a plus in what passlib writes.
func saltAndKey(saltText, keyText string, minSalt int) (salt, key []byte, err error) {
	decode := func(text string) ([]byte, error) {
		return base64.RawStdEncoding.Strict().DecodeString(strings.ReplaceAll(text, ".", "+"))
	}
	salt, saltErr := decode(saltText)
	key, keyErr := decode(keyText)
	switch {
	case saltErr != nil || keyErr != nil:
		return nil, nil, unsound("must have a salt and a key in base64 without padding")
	case len(salt) < minSalt || len(salt) > maxHashPart:
		return nil, nil, unsound("must have a salt of %d to %d bytes, not %d", minSalt, maxHashPart, len(salt))
	case len(key) < minHashKey || len(key) > maxHashPart:
		return nil, nil, unsound("must have a key of %d to %d bytes, not %d", minHashKey, maxHashPart, len(key))
	}
	return salt, key, nil
}

func same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
