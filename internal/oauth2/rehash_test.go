package oauth2_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

// importedHash is a bcrypt hash of password, and currentHead what the hash has that replaces it.
const (
	importedHash = "$2b$04$vFzetwWAjWIgqoIVlH0XJuMJUffOE8b0uH1doKO5qTHntBJj3P3D."
	currentHead  = "$argon2id$v=19$m=19456,t=2,p=1$"
)

// importHash gives alice a password hash as an import does, with a password that is a day old, and returns the credential.
func (w *world) importHash(t testing.TB, hash string) roster.Credential {
	t.Helper()
	c := roster.Credential{Tenant: tenant, User: w.alice.ID, PasswordHash: hash, ChangedAt: w.now.Now().Add(-24 * time.Hour)}
	w.SetCredential(t, c)
	return c
}

func (w *world) credential(t testing.TB) roster.Credential {
	t.Helper()
	c, err := w.Credential(t.Context(), tenant, w.alice.ID)
	if err != nil {
		t.Fatalf("Credential: %v", err)
	}
	return c
}

// wantRehashed fails the test unless the credential is the imported one, with the same password in a current hash.
func wantRehashed(t testing.TB, got, imported roster.Credential) {
	t.Helper()
	if !got.ChangedAt.Equal(imported.ChangedAt) || got.Tenant != imported.Tenant || got.User != imported.User {
		t.Errorf("the credential is %+v, want the imported one but for the hash: %+v", got, imported)
	}
	if !strings.HasPrefix(got.PasswordHash, currentHead) {
		t.Errorf("the hash is %s, want %s...", got.PasswordHash, currentHead)
	}
	if match, err := oauth2.VerifyPassword(password, got.PasswordHash); !match || err != nil {
		t.Errorf("VerifyPassword of the new hash = %v, %v", match, err)
	}
}

func TestFirstLogInRehashes(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		for name, hash := range map[string]string{
			"bcrypt":              importedHash,
			"argon2id as it was":  "$argon2id$v=19$m=8192,t=3,p=4$Y31iSgGybxkLzGaBW6jIZA$VC0FTcX09hExT2T1OTxM686JzrrA04s0+CecYsnngmo",
			"sha-crypt":           "$6$1fb957b2$Ls6Fn.a58JE/5MdIMKDIqXvsfLSy0Iozb8UmS3OdReQdyPo.hq/YPr.lho.SQblIzo7vVOjkoVzzpeq.xPFPj.",
			"PBKDF2 with SHA-256": "$pbkdf2-sha256$i=1234,l=32$TzgXbScJjBJzsEAByWbmxg$wkH5wgJQoVRgW/7mgG21wF3dlWRU0oYLvOao6Kcqpfk",
		} {
			t.Run(name, func(t *testing.T) {
				imported := w.importHash(t, hash)
				pair := w.userTokens(t, w.root)
				rehashed := w.credential(t)
				wantRehashed(t, rehashed, imported)
				w.userTokens(t, w.root)
				if again := w.credential(t); again != rehashed {
					t.Errorf("the second log-in made %+v of %+v", again, rehashed)
				}
				// The password is the same, so what it gave before goes on.
				w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
			})
		}
		if strings.Contains(w.log.String(), "unhashed") {
			t.Errorf("the log tells of a failure: %s", w.log)
		}
	})
}

func TestOnlyALogInRehashes(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		imported := w.importHash(t, importedHash)
		beside := w.addClient(t, roster.Client{ID: "beside", Tenant: tenant, Path: roster.OrgPath{1000, 2001}})
		logIn := func(as clientWithSecret, password string) {
			t.Helper()
			refused(t, w.post(t, "/oauth2/token", as, "grant_type", "user_credentials", "username", email, "password", password), "invalid_grant")
		}
		logIn(w.root, "wrong password")
		logIn(beside, password)
		w.ChangeUser(t, tenant, w.alice.ID, func(u *roster.User) { u.Status = roster.StatusSuspended })
		logIn(w.root, password)
		if got := w.credential(t); got != imported {
			t.Errorf("the credential is %+v, want %+v still", got, imported)
		}
	})
}

// TestWhatBcryptDidNotSeeIsNotHashed logs in with another end of a long password than was hashed.
func TestWhatBcryptDidNotSeeIsNotHashed(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	imported := w.importHash(t, "$2b$04$vFzetwWAjWIgqoIVlH0XJu2be.oHBUapNSL5zW6dbxtnHQJWT8CmC")
	long := strings.Repeat("0123456789", 8)
	for _, typed := range []string{long[:72] + "mistyped", long} {
		w.grant(t, w.root, "grant_type", "user_credentials", "username", email, "password", typed)
		if got := w.credential(t); got != imported {
			t.Fatalf("the credential is %+v, want %+v still", got, imported)
		}
	}
}

// meddler does something before every replacement of a hash, and counts those that succeed.
type meddler struct {
	backend
	before   func()
	replaced atomic.Int32
}

func (m *meddler) ReplaceCredential(ctx context.Context, tenant roster.TenantID, id roster.UserID, oldHash, newHash string) error {
	m.before()
	err := m.backend.ReplaceCredential(ctx, tenant, id, oldHash, newHash)
	if err == nil {
		m.replaced.Add(1)
	}
	return err
}

// meddle puts a meddler between the world's server and its store.
func (w *world) meddle(t testing.TB, before func()) *meddler {
	t.Helper()
	m := &meddler{backend: w.backend, before: before}
	w.backend = m
	w.server = w.newServer(t, w.signer).Handler()
	return m
}

// TestRacedLogInsRehashOnce has several log-ins hash before the first of them writes.
func TestRacedLogInsRehashOnce(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		const logIns = 8
		imported := w.importHash(t, importedHash)
		var hashed sync.WaitGroup
		hashed.Add(logIns)
		m := w.meddle(t, func() { hashed.Done(); hashed.Wait() })
		var wait sync.WaitGroup
		for range logIns {
			wait.Go(func() {
				a := w.post(t, "/oauth2/token", w.root, "grant_type", "user_credentials", "username", email, "password", password)
				if a.status != 200 {
					t.Errorf("a log-in got %d %s", a.status, a.body)
				}
			})
		}
		wait.Wait()
		if n := m.replaced.Load(); n != 1 {
			t.Errorf("%d log-ins replaced the hash, want 1", n)
		}
		wantRehashed(t, w.credential(t), imported)
		if strings.Contains(w.log.String(), "unhashed") {
			t.Errorf("the log tells of a failure: %s", w.log)
		}
	})
}

func TestRehashLosesToAChangeOfThePassword(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.importHash(t, importedHash)
		changed := roster.Credential{Tenant: tenant, User: w.alice.ID, PasswordHash: "$2b$05$new", ChangedAt: w.now.Now()}
		store := w.backend
		m := w.meddle(t, func() { store.SetCredential(t, changed) })
		w.userTokens(t, w.root)
		if got := w.credential(t); got != changed || m.replaced.Load() != 0 {
			t.Errorf("the credential is %+v, want the new password's: %+v", got, changed)
		}
	})
}

func TestRehashLosesToARemoval(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.importHash(t, importedHash)
		store := w.backend
		w.meddle(t, func() { store.RemoveUser(t, tenant, w.alice.ID) })
		// Whether this log-in still gets its tokens is for chance to say; they would not be worth anything.
		w.post(t, "/oauth2/token", w.root, "grant_type", "user_credentials", "username", email, "password", password)
		if c, err := w.Credential(t.Context(), tenant, w.alice.ID); roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("Credential of a removed user = %+v, %v, want not found", c, err)
		}
	})
}

func TestLogInDoesNotFailWhenItCannotRehash(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	imported := w.importHash(t, importedHash)
	store.failWith(func(method string) error {
		if method == "ReplaceCredential" {
			return roster.Unavailable("throttled", nil)
		}
		return nil
	})
	w.userTokens(t, w.root)
	if log := w.log.String(); !strings.Contains(log, `"unhashed":"replacing a password hash: unavailable: throttled"`) || strings.Contains(log, "$2b$") {
		t.Errorf("the log is %s, want it to tell of the failure, and no hash", log)
	}
	store.failWith(nil)
	w.userTokens(t, w.root)
	wantRehashed(t, w.credential(t), imported)
}

// TestUnreadableHashIsLoggedWithoutItself is a hash that came in before its settings were bounded.
func TestUnreadableHashIsLoggedWithoutItself(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	w.importHash(t, "$2b$31$vFzetwWAjWIgqoIVlH0XJuKdAntyiHxSSQan4XzuVc8axXvyad17G")
	refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "user_credentials", "username", email, "password", password), "invalid_grant")
	if log := w.log.String(); !strings.Contains(log, "bcrypt cost of 04 to 13, not 31") || strings.Contains(log, "vFzetw") {
		t.Errorf("the log is %s, want it to say what is wrong with the hash, without the hash", log)
	}
}
