package api_test

import (
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

func TestOnceTellsCallersOperationsKeysAndBodiesApart(t *testing.T) {
	user := roster.Principal{Tenant: 7, Client: "c", User: 1}
	ask := func(p roster.Principal, operation, key string, body any) roster.Once {
		once := api.Creating{IdempotencyKey: key}.Once(&p, operation, body)
		if once == nil {
			t.Fatal("Once is nil for a key")
		}
		return *once
	}
	body := makeBody{Name: "a"}
	first := ask(user, "make", "key", body)
	if again := ask(user, "make", "key", makeBody{Name: "a"}); again != first {
		t.Error("the same request is another one")
	}
	if other := ask(user, "make", "key", makeBody{Name: "b"}); other.Key != first.Key || other.Fingerprint == first.Fingerprint {
		t.Error("another body has another key, or the same fingerprint")
	}
	keys := map[[32]byte]string{first.Key: "the first"}
	for name, once := range map[string]roster.Once{
		"another tenant":    ask(roster.Principal{Tenant: 8, Client: "c", User: 1}, "make", "key", body),
		"another client":    ask(roster.Principal{Tenant: 7, Client: "d", User: 1}, "make", "key", body),
		"another user":      ask(roster.Principal{Tenant: 7, Client: "c", User: 2}, "make", "key", body),
		"no user":           ask(roster.Principal{Tenant: 7, Client: "c"}, "make", "key", body),
		"another operation": ask(user, "makekey", "key", body),
		"a key of the rest": ask(user, "mak", "ekey", body),
		"another key":       ask(user, "make", "KEY", body),
	} {
		if same, ok := keys[once.Key]; ok {
			t.Errorf("%s has the key of %s", name, same)
		}
		keys[once.Key] = name
	}
	if (api.Creating{}).Once(&user, "make", body) != nil {
		t.Error("Once is not nil without a key")
	}
}

func TestTheFingerprintCannotBeGuessedWithoutTheKey(t *testing.T) {
	p := roster.Principal{Tenant: 7, Client: "c"}
	one := api.Creating{IdempotencyKey: "key-1"}.Once(&p, "make", makeBody{Name: "a"})
	two := api.Creating{IdempotencyKey: "key-2"}.Once(&p, "make", makeBody{Name: "a"})
	if one.Fingerprint == two.Fingerprint {
		t.Error("the fingerprint does not depend on the key")
	}
}

func TestIdempotencyKeysAreVisibleASCII(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{}, nothing)
	const lengths, characters = "Idempotency-Key must have 1 to 255 characters", "Idempotency-Key must be visible ASCII characters"
	for key, want := range map[string]string{
		"k": "", "~!": "", strings.Repeat("k", 255): "",
		"": lengths, strings.Repeat("k", 256): lengths, "a b": characters, "a\tb": characters, "ä": characters, "a\x7f": characters,
	} {
		w := send(t, a, post(`{"name":"a"}`, "Idempotency-Key", key))
		if want == "" && w.Code != 201 || want != "" && (w.Code != 400 || message(t, w) != want) {
			t.Errorf("the key %q is answered %d %s, want %q", key, w.Code, w.Body, want)
		}
	}
	w := send(t, a, post(`{"name":"a"}`, "Idempotency-Key", "k", "Idempotency-Key", "k"))
	if w.Code != 400 || message(t, w) != "Idempotency-Key must be given once" {
		t.Errorf("two keys are answered %d %s, want 400", w.Code, w.Body)
	}
}
