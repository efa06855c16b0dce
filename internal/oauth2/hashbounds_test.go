package oauth2

import (
	"errors"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

// work says what a hash asks for: bytes of memory, and how much of the longest comparison allowed, from 0 to 1.
func work(h storedHash) (memory int, share float64) {
	switch h := h.(type) {
	case argon2idHash:
		return int(h.memory) << 10, float64(h.memory) * float64(h.iterations) / (512 << 10)
	case bcryptHash:
		cost := int(h[4]-'0')*10 + int(h[5]-'0')
		return 0, float64(int(1)<<cost) / (1 << 13)
	case scryptHash:
		memory := float64(128*h.r*h.p) * float64(int(1)<<h.logN)
		return int(memory), memory / (128 << 20)
	case pbkdf2Hash:
		size := h.function().Size()
		blocks := (len(h.key) + size - 1) / size
		return 0, float64(h.iterations*blocks) / map[int]float64{20: 2_500_000, 32: 3_000_000, 64: 700_000}[size]
	case shaCryptHash:
		return 0, float64(h.rounds) / 700_000
	}
	return 1 << 40, 1 << 40
}

// FuzzVerifyPassword holds every text to: no panic, one opinion of CheckHash and VerifyPassword, bounded work.
func FuzzVerifyPassword(f *testing.F) {
	for _, hash := range []string{
		"", "$", "$$$$$$", nobodysHash,
		"$argon2id$v=19$m=64,t=1,p=1$zuAzFBYthFQ$Y2iZwtJrA2sgsGQHatlrCQ",
		"$2b$04$vFzetwWAjWIgqoIVlH0XJuMJUffOE8b0uH1doKO5qTHntBJj3P3D.",
		"$scrypt$ln=8,r=4,p=3$MQagdM45x7i3do6x1vpfCw$GyyFB7ytiyqmrD6z24dgFIAtEVYjsIh9/I35uqVwU+M",
		"$pbkdf2$1000$M.Ycw/h/r5Xy3vtfS8lZiw$e9/zpjgllIFBf8dOsOBmrh8ERDo",
		"$pbkdf2-sha256$i=1234,l=32$TzgXbScJjBJzsEAByWbmxg$wkH5wgJQoVRgW/7mgG21wF3dlWRU0oYLvOao6Kcqpfk",
		"$5$rounds=1000$1mKjGexlks91QHMq$8.f1NDefYAugkBJjTH0C6HEePLxRoRXpdO7j0Rb.JE4",
		"$6$1fb957b2$Ls6Fn.a58JE/5MdIMKDIqXvsfLSy0Iozb8UmS3OdReQdyPo.hq/YPr.lho.SQblIzo7vVOjkoVzzpeq.xPFPj.",
	} {
		f.Add(hash, "password")
	}
	f.Fuzz(func(t *testing.T, hash, password string) {
		h, err := parseHash(hash)
		if err != nil {
			if !errors.Is(err, ErrUnknownHash) || roster.KindOf(err) != roster.KindInvalid {
				t.Fatalf("parseHash(%q) = %v, want ErrUnknownHash", hash, err)
			}
			return
		}
		memory, share := work(h)
		if memory > 128<<20 || share > 1 {
			t.Fatalf("%q asks for %d bytes and %.2f of the work allowed", hash, memory, share)
		}
		if share < 0.01 {
			if _, err := VerifyPassword(password, hash); err != nil {
				t.Fatalf("VerifyPassword of %q: %v, though it was read", hash, err)
			}
			outdated(password, hash)
		}
	})
}

// TestShaCryptWorkIsBoundedByThePassword hashes with the most rounds what is the longest password for them, and one more byte.
func TestShaCryptWorkIsBoundedByThePassword(t *testing.T) {
	longest := strings.Repeat("x", maxShaCryptWork/maxShaCryptRounds)
	parsed, err := parseHash("$5$rounds=700000$salt$J5axfv3NmMXEw5DTdcrQxT268rQKJv7IzWzNyb95De3")
	if err != nil {
		t.Fatal(err)
	}
	h := parsed.(shaCryptHash)
	h.key = h.compute(longest)
	if !h.matches(longest) {
		t.Error("the longest password does not match")
	}
	if h.matches(longest + "x") {
		t.Error("a longer password matches the hash of its beginning")
	}
}

func TestOutdated(t *testing.T) {
	const bcrypted = "$2b$04$vFzetwWAjWIgqoIVlH0XJuMJUffOE8b0uH1doKO5qTHntBJj3P3D."
	for _, tt := range []struct {
		name, password, hash string
		want                 bool
	}{
		{"a new hash", "x", nobodysHash, false},
		{"more memory", "x", strings.Replace(nobodysHash, "m=19456", "m=65536", 1), true},
		{"more iterations", "x", strings.Replace(nobodysHash, "t=2", "t=3", 1), true},
		{"more lanes", "x", strings.Replace(nobodysHash, "p=1", "p=2", 1), true},
		{"a shorter salt", "x", strings.Replace(nobodysHash, "XP2UrbbN2IfVM2MmSOo/eA", "zuAzFBYthFQ", 1), true},
		{"a shorter key", "x", strings.Replace(nobodysHash, "zBUySsruNH+cI6SuIero1HsrjdS3FM0JqsKsbk+0U0Y", "zBUySsruNH+cI6SuIero1A", 1), true},
		{"bcrypt", "x", bcrypted, true},
		{"bcrypt of as much as it looks at", strings.Repeat("x", 72), bcrypted, true},
		{"bcrypt of more than it looks at", strings.Repeat("x", 73), bcrypted, false},
		{"PBKDF2", "x", "$pbkdf2$1000$M.Ycw/h/r5Xy3vtfS8lZiw$e9/zpjgllIFBf8dOsOBmrh8ERDo", true},
		{"no hash at all", "x", "x", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := outdated(tt.password, tt.hash); got != tt.want {
				t.Errorf("outdated = %v, want %v", got, tt.want)
			}
		})
	}
}
