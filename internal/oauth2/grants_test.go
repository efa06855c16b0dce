package oauth2_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

func TestClientCredentials(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		p := w.principal(t, w.clientTokens(t, w.branch).AccessToken)
		want := roster.Principal{
			Tenant: tenant, Path: roster.OrgPath{1000, 2000}, Client: "branch-client",
			Permissions: roster.AllPermissions, TokenID: p.TokenID,
		}
		if diff := cmp.Diff(want, p); diff != "" || p.TokenID == "" {
			t.Errorf("Principal (-want +got):\n%s", diff)
		}
	})
}

func TestClientCredentialsAsServiceUser(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		robot := w.addUser(t, 7002, "robot@example.com", roster.OrgPath{1000, 2000})
		client := w.addClient(t, roster.Client{ID: "robot-client", Tenant: tenant, Path: roster.OrgPath{1000}, ServiceUser: robot.ID})
		pair := w.clientTokens(t, client)
		if p := w.principal(t, pair.AccessToken); p.User != robot.ID || p.Org() != 2000 || p.Permissions.Has(roster.OrgDeleteUsers) {
			t.Errorf("Principal = %+v, want the service user with its role", p)
		}
		refused(t, w.post(t, "/oauth2/token", client, "grant_type", "user_credentials", "username", email, "password", password), "unauthorized_client")
		w.ChangeUser(t, tenant, robot.ID, func(u *roster.User) { u.Status = roster.StatusSuspended })
		refused(t, w.post(t, "/oauth2/token", client, "grant_type", "client_credentials"), "invalid_grant")
		refused(t, w.post(t, "/oauth2/token", client, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken), "invalid_grant")
		w.unauthenticated(t, pair.AccessToken, "not active")
	})
}

func TestUserCredentials(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.now.advance(time.Hour)
		p := w.principal(t, w.userTokens(t, w.branch).AccessToken)
		staff, _ := roster.BuiltinRole(roster.RoleStaff)
		want := roster.Principal{
			Tenant: tenant, Path: roster.OrgPath{1000, 2000, 3000}, Client: "branch-client", User: w.alice.ID,
			Permissions: staff.Permissions, TokenID: p.TokenID,
		}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("Principal (-want +got):\n%s", diff)
		}
		user, err := w.User(t.Context(), tenant, w.alice.ID)
		if err != nil || !user.LastLoginAt.Equal(w.now.Now()) {
			t.Errorf("LastLoginAt = %v, %v, want %v", user.LastLoginAt, err, w.now.Now())
		}
	})
}

// overtaken is a backend where something happens between the read of a credential and what is done with it.
type overtaken struct {
	backend
	meanwhile func()
}

func (o *overtaken) Credential(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.Credential, error) {
	c, err := o.backend.Credential(ctx, tenant, id)
	if o.meanwhile != nil {
		o.meanwhile()
		o.meanwhile = nil
	}
	return c, err
}

// TestALogInWithThePasswordBeforeEndsWithThatPassword has the password change while somebody logs in with the one before: the
// grant is made after the change, and must not outlive it.
func TestALogInWithThePasswordBeforeEndsWithThatPassword(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.now.advance(time.Hour)
		fill := w.backend
		slow := &overtaken{backend: fill, meanwhile: func() {
			fill.SetCredential(t, roster.Credential{Tenant: tenant, User: w.alice.ID, PasswordHash: passwordHash(), ChangedAt: w.now.Now()})
			w.now.advance(time.Second)
		}}
		w.backend = slow
		w.server = w.newServer(t, w.signer).Handler()
		before := w.userTokens(t, w.branch)
		refused(t, w.post(t, "/oauth2/token", w.branch, "grant_type", "refresh_token", "refresh_token", before.RefreshToken), "invalid_grant")

		after := w.userTokens(t, w.branch)
		for range 2 {
			after = w.grant(t, w.branch, "grant_type", "refresh_token", "refresh_token", after.RefreshToken)
		}
	})
}

// TestAPasswordChangedByASlowClockEndsLogIns has the process that changes the password write a time before that of the log-in.
func TestAPasswordChangedByASlowClockEndsLogIns(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.now.advance(time.Hour)
		pair := w.userTokens(t, w.branch)
		c := roster.Credential{Tenant: tenant, User: w.alice.ID, PasswordHash: passwordHash(), ChangedAt: w.now.Now().Add(-time.Second)}
		w.SetCredential(t, c)
		refused(t, w.post(t, "/oauth2/token", w.branch, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken), "invalid_grant")
	})
}

// TestAGrantOfNoPasswordIsOlderThanAnyNewOne refreshes what a client was given for its service user, who has a password as well.
func TestAGrantOfNoPasswordIsOlderThanAnyNewOne(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		robot := w.addUser(t, 7002, "robot@example.com", roster.OrgPath{1000, 2000})
		client := w.addClient(t, roster.Client{ID: "robot-client", Tenant: tenant, Path: roster.OrgPath{1000}, ServiceUser: robot.ID})
		w.now.advance(time.Hour)
		pair := w.clientTokens(t, client)
		pair = w.grant(t, client, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
		w.now.advance(time.Hour)
		w.SetCredential(t, roster.Credential{Tenant: tenant, User: robot.ID, PasswordHash: passwordHash(), ChangedAt: w.now.Now()})
		refused(t, w.post(t, "/oauth2/token", client, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken), "invalid_grant")
	})
}

func TestUserCredentialsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.addUser(t, 7003, "outside@example.com", roster.OrgPath{1000, 2001})
		w.addUser(t, 7004, "above@example.com", roster.OrgPath{1000})
		w.addUser(t, 9001, "foreign@example.com", roster.OrgPath{9000})
		w.AddUser(t, roster.User{
			Tenant: tenant, ID: 7005, Path: roster.OrgPath{1000, 2000}, Email: "nopassword@example.com", Name: "No Password",
			Roles: []roster.RoleID{3}, Status: roster.StatusActive, CreatedAt: w.now.Now(), UpdatedAt: w.now.Now(),
		}, nil)
		for id, status := range map[roster.UserID]roster.Status{7006: roster.StatusSuspended, 7007: roster.StatusPending} {
			w.addUser(t, id, roster.Email(status.String()+"@example.com"), roster.OrgPath{1000, 2000})
			w.ChangeUser(t, tenant, id, func(u *roster.User) { u.Status = status })
		}
		w.addUser(t, 7008, "strange@example.com", roster.OrgPath{1000, 2000})
		w.addUser(t, 7009, "deleted@example.com", roster.OrgPath{1000, 2000})
		w.RemoveUser(t, tenant, 7009)
		w.SetCredential(t, roster.Credential{Tenant: tenant, User: 7008, PasswordHash: "$nonsense$abc", ChangedAt: w.now.Now()})
		var first string
		for _, tt := range []struct{ name, username, password string }{
			{"wrong password", email, "wrong"},
			{"nobody", "nobody@example.com", password},
			{"not an address", "alice", password},
			{"address beyond any limit", string(make([]byte, 3000)), password},
			{"user without a password", "nopassword@example.com", password},
			{"user beside the client's tree", "outside@example.com", password},
			{"user above the client's tree", "above@example.com", password},
			{"user of another tenant", "foreign@example.com", password},
			{"suspended", "Suspended@example.com", password},
			{"pending", "Pending@example.com", password},
			{"deleted", "deleted@example.com", password},
			{"hash of an unknown kind", "strange@example.com", password},
		} {
			t.Run(tt.name, func(t *testing.T) {
				a := w.post(t, "/oauth2/token", w.branch, "grant_type", "user_credentials", "username", tt.username, "password", tt.password)
				refused(t, a, "invalid_grant")
				if first == "" {
					first = a.body
				}
				if a.body != first {
					t.Errorf("answer %s differs from %s", a.body, first)
				}
			})
		}
	})
}

// TestLogInCostsTheSameForAnyone counts the store's calls, the part of the cost that a clock would see besides the hash.
func TestLogInCostsTheSameForAnyone(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	w.addUser(t, 9001, "foreign@example.com", roster.OrgPath{9000})
	calls := func(username string) map[string]int {
		before := map[string]int{}
		for _, method := range []string{"EmailOwner", "User", "Credential"} {
			before[method] = -store.count(method)
		}
		w.post(t, "/oauth2/token", w.root, "grant_type", "user_credentials", "username", username, "password", "wrong password")
		for method := range before {
			before[method] += store.count(method)
		}
		return before
	}
	want := calls(email)
	for _, username := range []string{"nobody@example.com", "foreign@example.com"} {
		if diff := cmp.Diff(want, calls(username)); diff != "" {
			t.Errorf("calls for %s differ from those for a known user (-known +got):\n%s", username, diff)
		}
	}
}

func TestLogInDoesNotFailWhenItCannotBeRecorded(t *testing.T) {
	store := newMemory()
	w := newMemoryWorld(t, store)
	store.failWith(func(method string) error {
		if method == "RecordLogin" {
			return roster.Unavailable("throttled", nil)
		}
		return nil
	})
	w.userTokens(t, w.root)
}

func TestRefresh(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		grants := map[string]func(*world) answer{
			"client": func(w *world) answer { return w.clientTokens(t, w.branch) },
			"user":   func(w *world) answer { return w.userTokens(t, w.branch) },
		}
		for name, grant := range grants {
			t.Run(name, func(t *testing.T) {
				w := w.another(t)
				first := grant(w)
				before := w.principal(t, first.AccessToken)
				pair, seen := first, map[string]bool{first.AccessToken: true, first.RefreshToken: true}
				for range 3 {
					w.now.advance(20 * 24 * time.Hour) // a token not used for 30 days expires; each use starts the time anew
					pair = w.grant(t, w.branch, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
					if seen[pair.AccessToken] || seen[pair.RefreshToken] {
						t.Fatal("a token was given twice")
					}
					seen[pair.AccessToken], seen[pair.RefreshToken] = true, true
				}
				after := w.principal(t, pair.AccessToken)
				if before.TokenID == after.TokenID {
					t.Error("two access tokens have the same jti")
				}
				after.TokenID = before.TokenID
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("Principal after refreshing (-before +after):\n%s", diff)
				}
			})
		}
	})
}

func TestRefreshRefused(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T, w *world, pair *answer) clientWithSecret
	}{
		{"expired", func(_ *testing.T, w *world, _ *answer) clientWithSecret {
			w.now.advance(oauth2.DefaultRefreshTokenTTL)
			return w.branch
		}},
		{"by another client", func(_ *testing.T, w *world, _ *answer) clientWithSecret { return w.root }},
		{"altered", func(_ *testing.T, w *world, pair *answer) clientWithSecret {
			pair.RefreshToken += "A"
			return w.branch
		}},
		{"an access token", func(_ *testing.T, w *world, pair *answer) clientWithSecret {
			pair.RefreshToken = pair.AccessToken
			return w.branch
		}},
		{"of a suspended user", func(t *testing.T, w *world, _ *answer) clientWithSecret {
			w.ChangeUser(t, tenant, w.alice.ID, func(u *roster.User) { u.Status = roster.StatusSuspended })
			return w.branch
		}},
		{"of a deleted user", func(t *testing.T, w *world, _ *answer) clientWithSecret {
			w.RemoveUser(t, tenant, w.alice.ID)
			return w.branch
		}},
		{"of a user who moved away", func(t *testing.T, w *world, _ *answer) clientWithSecret {
			w.ChangeUser(t, tenant, w.alice.ID, func(u *roster.User) { u.Path = roster.OrgPath{1000, 2001} })
			return w.branch
		}},
		{"of a user who was deleted and restored", func(t *testing.T, w *world, _ *answer) clientWithSecret {
			w.RemoveUser(t, tenant, w.alice.ID)
			w.BringBack(t, w.alice)
			return w.branch
		}},
		{"of a user with a new password", func(t *testing.T, w *world, _ *answer) clientWithSecret {
			w.now.advance(time.Second)
			w.SetCredential(t, roster.Credential{Tenant: tenant, User: w.alice.ID, PasswordHash: "$x", ChangedAt: w.now.Now()})
			return w.branch
		}},
	}
	onEach(t, func(t *testing.T, w *world) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				w := w.another(t)
				pair := w.userTokens(t, w.branch)
				as := tt.do(t, w, &pair)
				refused(t, w.post(t, "/oauth2/token", as, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken), "invalid_grant")
			})
		}
	})
}

func TestRefreshByARevokedClient(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		pair := w.userTokens(t, w.branch)
		w.RevokeClientForTest(t, w.branch.ID, w.now.Now())
		refused(t, w.post(t, "/oauth2/token", w.branch, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken), "invalid_client")
	})
}

func TestReplayEndsTheFamily(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		bystander := w.clientTokens(t, w.root)
		first := w.clientTokens(t, w.root)
		second := w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", first.RefreshToken)
		third := w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", second.RefreshToken)

		refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "refresh_token", "refresh_token", first.RefreshToken), "invalid_grant")
		refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "refresh_token", "refresh_token", third.RefreshToken), "invalid_grant")
		for name, pair := range map[string]answer{"first": first, "second": second, "third": third} {
			t.Run(name+" access token", func(t *testing.T) { w.unauthenticated(t, pair.AccessToken, "revoked") })
		}
		w.principal(t, bystander.AccessToken)
		w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", bystander.RefreshToken)
	})
}

func TestAnotherClientCannotEndTheFamily(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		first := w.clientTokens(t, w.root)
		second := w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", first.RefreshToken)
		refused(t, w.post(t, "/oauth2/token", w.branch, "grant_type", "refresh_token", "refresh_token", first.RefreshToken), "invalid_grant")
		w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", second.RefreshToken)
	})
}

func TestRacedRefreshHasOneWinner(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		pair := w.clientTokens(t, w.root)
		answers := make([]answer, 32)
		start := make(chan struct{})
		var wait sync.WaitGroup
		for i := range answers {
			wait.Go(func() {
				<-start
				answers[i] = w.post(t, "/oauth2/token", w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
			})
		}
		close(start)
		wait.Wait()
		var winners []answer
		for _, a := range answers {
			if a.status == http.StatusOK {
				winners = append(winners, a)
			} else {
				refused(t, a, "invalid_grant")
			}
		}
		if len(winners) != 1 {
			t.Fatalf("%d requests got a new pair, want 1", len(winners))
		}
		refused(t, w.post(t, "/oauth2/token", w.root, "grant_type", "refresh_token", "refresh_token", winners[0].RefreshToken), "invalid_grant")
		w.unauthenticated(t, winners[0].AccessToken, "revoked")
		w.unauthenticated(t, pair.AccessToken, "revoked")
	})
}

// TestRotationWhoseAnswerWasLost is a rotation that the store did, then repeated, and so calls a conflict.
func TestRotationWhoseAnswerWasLost(t *testing.T) {
	store := &lossy{memory: newMemory()}
	w := newMemoryWorld(t, store)
	pair := w.clientTokens(t, w.root)
	store.lose = true
	pair = w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
	store.lose = false
	w.principal(t, pair.AccessToken)
	w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
}

// TestFaultDoesNotSpendTheRefreshToken signs with a signer that fails once.
func TestFaultDoesNotSpendTheRefreshToken(t *testing.T) {
	w := newMemoryWorld(t, newMemory())
	pair := w.clientTokens(t, w.root)
	w.server = w.newServer(t, brokenSigner{w.signer}).Handler()
	if a := w.post(t, "/oauth2/token", w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken); a.status != http.StatusServiceUnavailable {
		t.Fatalf("with a broken signer: %d %s, want 503", a.status, a.body)
	}
	w.server = w.newServer(t, w.signer).Handler()
	w.grant(t, w.root, "grant_type", "refresh_token", "refresh_token", pair.RefreshToken)
}

func TestHashPassword(t *testing.T) {
	a, errA := oauth2.HashPassword(password)
	b, errB := oauth2.HashPassword(password)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if a == b {
		t.Error("two hashes of one password are the same: no salt")
	}
	if want := "$argon2id$v=19$m=19456,t=2,p=1$"; a[:len(want)] != want {
		t.Errorf("HashPassword = %s, want %s...", a, want)
	}
	if ok, err := oauth2.VerifyPassword(password, a); !ok || err != nil {
		t.Errorf("VerifyPassword of the right password = %v, %v", ok, err)
	}
	if ok, err := oauth2.VerifyPassword(password+" ", a); ok || err != nil {
		t.Errorf("VerifyPassword of a wrong password = %v, %v", ok, err)
	}
}
