package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

// store is the table, which can be made to fail.
type store struct {
	*dynamo.Table
	fail func() error // called before users are stored; nil never fails
}

func (s *store) CreateUsers(ctx context.Context, users []roster.NewUser, stamp roster.Stamp) []roster.CreatedUser {
	if s.fail == nil {
		return s.Table.CreateUsers(ctx, users, stamp)
	}
	err := s.fail()
	if err == nil {
		return s.Table.CreateUsers(ctx, users, stamp)
	}
	results := make([]roster.CreatedUser, len(users))
	for i := range results {
		results[i].Err = err
	}
	return results
}

func newConfig(t *testing.T, s *store) Config {
	t.Helper()
	operator, err := directory.NewOperator(directory.OperatorConfig{
		Store: s, Now: time.Now, Random: rand.Reader, Stamp: roster.Stamp{By: "test", Via: "test"},
		HashPassword: oauth2.HashPassword, NewClientSecret: oauth2.NewClientSecret, KnownPasswordHash: func(string) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	return Config{Operator: operator, State: filepath.Join(t.TempDir(), "state.json"), Now: time.Now, Users: 450, Organizations: 5}
}

// count returns how many users the tenant's feed shows.
func count(t *testing.T, table *dynamo.Table, tenant roster.TenantID) int {
	t.Helper()
	users := 0
	for shard := range roster.Shards {
		err := table.Changes(t.Context(), tenant, shard, time.Time{}, func(c roster.Change) error {
			if c.User != nil {
				users++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return users
}

func TestTenantIsMadeOnce(t *testing.T) {
	s := &store{Table: rostertest.Table(t)}
	config := newConfig(t, s)
	progress := 0
	config.Progress = func(stored, of int) {
		if stored < progress || of != 450 {
			t.Errorf("progress went from %d to %d of %d", progress, stored, of)
		}
		progress = stored
	}
	first, err := Prepare(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, s.Table, first.ID); n != 452 || progress != 450 {
		t.Errorf("%d users are stored and %d reported, want 450, the Admin and the API user", n, progress)
	}
	config.Users, config.Progress = 7, func(int, int) { t.Error("users are stored again") }
	second, err := Prepare(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second run found another tenant (-first +second):\n%s", diff)
	}
}

func TestHalfMadeTenantIsCompleted(t *testing.T) {
	s := &store{Table: rostertest.Table(t)}
	config := newConfig(t, s)
	calls, boom := make(chan struct{}, 1), errors.New("boom")
	s.fail = func() error {
		select {
		case calls <- struct{}{}:
			return nil // the first batch is stored
		default:
			return boom
		}
	}
	if _, err := Prepare(t.Context(), config); !errors.Is(err, boom) {
		t.Fatalf("Prepare = %v, want the failure", err)
	}
	s.fail = nil
	config.Users = 3 // what was begun counts
	tenant, err := Prepare(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, s.Table, tenant.ID); n != 452 || !tenant.Complete || tenant.Users != 450 {
		t.Errorf("%d users are stored of %+v", n, tenant)
	}
}

func TestTenantOfAnEarlierReleaseGetsAnAPIKey(t *testing.T) {
	s := &store{Table: rostertest.Table(t)}
	config := newConfig(t, s)
	config.Users = 1
	first, err := Prepare(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	earlier := *first
	earlier.APIKeyID, earlier.APIKeySecret = "", ""
	if err := config.remember(&earlier); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is remembered
		second, err := Prepare(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		client, err := s.Client(t.Context(), second.APIKeyID)
		if err != nil || client.SecretHash != oauth2.HashClientSecret(second.APIKeySecret) || client.ServiceUser == 0 || second.ClientID != first.ClientID {
			t.Errorf("the tenant is %+v, its API key %+v, %v", second, client, err)
		}
	}
	if n := count(t, s.Table, first.ID); n != 4 {
		t.Errorf("%d users are stored, want one, the Admin and two API users", n)
	}
}

func TestTableThatWasEmptiedGetsANewTenant(t *testing.T) {
	config := newConfig(t, &store{Table: rostertest.Table(t)})
	config.Users = 1
	first, err := Prepare(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	other := newConfig(t, &store{Table: rostertest.Table(t)})
	other.State, other.Users = config.State, 1
	second, err := Prepare(t.Context(), other)
	if err != nil || second.ClientID == first.ClientID {
		t.Errorf("another table: %+v, %v", second, err)
	}
}

// The token is kept as long as it is accepted, and replaced in a run of another address or key.
func TestIntegrationHasATokenThatIsAccepted(t *testing.T) {
	s := &store{Table: rostertest.Table(t)}
	config := newConfig(t, s)
	config.Users = 10
	keys := t.TempDir()
	run := func(key, issuer string) *Tenant {
		t.Helper()
		path := filepath.Join(keys, key)
		if err := oauth2.GenerateKeyFile(path); err != nil {
			t.Fatal(err)
		}
		signer, err := oauth2.NewFileSigner(path)
		if err != nil {
			t.Fatal(err)
		}
		integrations, err := oauth2.NewIntegrations(oauth2.IntegrationsConfig{Store: s, Signer: signer, Issuer: issuer})
		if err != nil {
			t.Fatal(err)
		}
		verifier := oauth2.NewVerifier(oauth2.VerifierConfig{Store: s, Issuer: issuer})
		config.Mint, config.Verify = integrations.Mint, verifier.Principal
		tenant, err := Prepare(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := verifier.Principal(t.Context(), tenant.Integration.Token); err != nil || p.Tenant != tenant.ID || p.Org() != tenant.ID.Root() {
			t.Errorf("the token speaks for %+v, %v", p, err)
		}
		return tenant
	}
	first := run("one", "http://127.0.0.1:1")
	if again := run("one", "http://127.0.0.1:1"); again.Integration != first.Integration {
		t.Errorf("the second run has %+v, the first %+v", again.Integration, first.Integration)
	}
	moved := run("one", "http://127.0.0.1:2")
	if moved.Integration.ID != first.Integration.ID || moved.Integration.TokenID == first.Integration.TokenID {
		t.Errorf("at another address there is %+v after %+v", moved.Integration, first.Integration)
	}
	if record, err := s.IntegrationToken(t.Context(), first.Integration.ID, first.Integration.TokenID); err != nil || !record.Revoked() {
		t.Errorf("the token before is %+v, %v, want it revoked", record, err)
	}
	if _, err := config.Operator.RevokeIntegration(t.Context(), moved.Integration.ID); err != nil {
		t.Fatal(err)
	}
	if other := run("one", "http://127.0.0.1:2"); other.Integration.ID == moved.Integration.ID {
		t.Error("a revoked integration is used again")
	}
}

func TestLostSecretsAreSaid(t *testing.T) {
	config := newConfig(t, &store{Table: rostertest.Table(t)})
	config.Users = 1
	if _, err := Prepare(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config.State, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(t.Context(), config); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged state: %v", err)
	}
	if err := os.Remove(config.State); err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(t.Context(), config); err == nil || !strings.Contains(err.Error(), "rm -r "+filepath.Dir(config.State)) {
		t.Errorf("no state, but a tenant: %v; want the way out", err)
	}
}

func TestFileIsForItsOwnerOnly(t *testing.T) {
	tenant := &Tenant{ID: 7, Name: "Acme", ClientID: "c", ClientSecret: "s", APIKeyID: "k", APIKeySecret: "t", AdminEmail: "a@roster.example", AdminPassword: "p", Integration: Integration{Token: "i"}}
	path := filepath.Join(t.TempDir(), "demo.json")
	for range 2 { // the second time in place of the first
		if err := tenant.WriteFile(path, "http://127.0.0.1:8080", "everybody"); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"baseUrl": "http://127.0.0.1:8080", "organization": map[string]any{
		"clientId": "c", "clientSecret": "s", "adminUsername": "a@roster.example", "adminPassword": "p", "orgId": 7.0,
	}, "workspace": map[string]any{"workspace": "Acme", "apiKeyId": "k", "apiKeySecret": "t"}, "customers": map[string]any{
		"clientId": "c", "clientSecret": "s", "audience": "everybody", "customerId": "6f72676e0000000000000007",
	}, "global": map[string]any{"token": "i"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("demo.json (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".demo-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q %v", left, err)
	}
}
