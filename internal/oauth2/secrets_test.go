package oauth2

import (
	"strings"
	"testing"
)

func TestRefreshTokenRoundTrip(t *testing.T) {
	token := newRefreshToken()
	text := token.encode()
	again, ok := parseRefreshToken(text)
	if !ok || again != token || len(text) != 68 || !strings.HasPrefix(text, "rrt_") {
		t.Fatalf("parseRefreshToken(%q) = %v, %v, want %v", text, again, ok, token)
	}
	if next := token.successor(); next.family != token.family || next.secret == token.secret {
		t.Errorf("successor of %v = %v, want the same family and another secret", token, next)
	}
	if newRefreshToken() == token {
		t.Error("two refresh tokens are the same")
	}
}

func TestParseRefreshTokenRefuses(t *testing.T) {
	good := newRefreshToken().encode()
	for _, s := range []string{
		"", "rrt_", good[:67], good + "A", good[4:], "RRT_" + good[4:], "rrt-" + good[4:], good[:67] + "=", good[:67] + "+", good[:67] + "\n", " " + good[:67],
	} {
		if token, ok := parseRefreshToken(s); ok {
			t.Errorf("parseRefreshToken(%q) = %v, want a refusal", s, token)
		}
	}
}

func FuzzParseRefreshToken(f *testing.F) {
	f.Add(newRefreshToken().encode())
	f.Add("rrt_" + strings.Repeat("A", 64))
	f.Add("rrt_" + strings.Repeat("\n", 64))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		token, ok := parseRefreshToken(s)
		if ok && token.encode() != s {
			t.Fatalf("parseRefreshToken(%q) reads what encode would not write: %q", s, token.encode())
		}
		if !ok && token != (refreshToken{}) {
			t.Fatalf("parseRefreshToken(%q) refuses and yet returns %v", s, token)
		}
	})
}

func TestFamilyTokenIDs(t *testing.T) {
	a, b := newRefreshToken().familyHash(), newRefreshToken().familyHash()
	seen := map[string]bool{}
	for _, family := range [][32]byte{a, b} {
		for generation := range int64(100) {
			id := familyTokenID(family, generation)
			if seen[id] || len(id) != 22 || id != familyTokenID(family, generation) {
				t.Fatalf("familyTokenID(%x, %d) = %s, want 22 characters of its own", family, generation, id)
			}
			seen[id] = true
		}
	}
}

func TestClientSecrets(t *testing.T) {
	secret, hash := NewClientSecret()
	other, otherHash := NewClientSecret()
	if secret == other || hash == otherHash || hash != HashClientSecret(secret) || len(secret) != 47 || !strings.HasPrefix(secret, "rcs_") {
		t.Errorf("NewClientSecret = %s, %s", secret, other)
	}
}

// TestNobodysHash pins that the hash compared with for an unknown user costs what a new one does, and that nobody's password opens it.
func TestNobodysHash(t *testing.T) {
	if outdated("", nobodysHash) {
		t.Error("nobody's hash is not by the settings of new hashes")
	}
	if match, err := VerifyPassword("", nobodysHash); match || err != nil {
		t.Errorf("VerifyPassword of nobody's hash = %v, %v", match, err)
	}
}
