package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

const testIssuer = "https://roster.example"

// keyFile makes a signing key in the console's folder.
func (c *console) keyFile() string {
	c.Helper()
	path := c.path("signing-key.pem")
	if err := oauth2.GenerateKeyFile(path); err != nil {
		c.Fatal(err)
	}
	return path
}

// verify returns whom a token speaks for, as the authorizer would.
func (c *console) verify(token string) (roster.Principal, error) {
	v := oauth2.NewVerifier(oauth2.VerifierConfig{Store: c.open(), Issuer: testIssuer, Audience: "directory", Now: c.clock.Now})
	return v.Principal(c.Context(), token)
}

func TestIntegrationsAreMadeListedAndRevoked(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	signing := []string{"--issuer", testIssuer, "--audience", "directory", "--signing-key-file", c.keyFile()}
	run := func(args ...string) []string { return append(append([]string{"integration"}, args...), signing...) }

	made := mustJSON[integrationView](c, run("create", "--tenant", tenant, "--name", "Sync", "--expires", "48h", "--json")...)
	if len(made.Tokens) != 1 || made.Tokens[0].ExpiresAt == nil || !made.Tokens[0].ExpiresAt.Equal(now.Add(48*time.Hour)) || fmt.Sprint(made.Tenant) != tenant {
		t.Fatalf("made %+v", made)
	}
	first := made.Tokens[0]
	p, err := c.verify("Bearer " + first.Token)
	if err != nil || p.Client != made.ID || p.Permissions != roster.AllPermissions || fmt.Sprint(p.Org()) != tenant || p.TokenID != first.ID {
		t.Errorf("the token speaks for %+v, %v", p, err)
	}

	second := mustJSON[tokenView](c, run("token", string(made.ID), "--token-name", "for ever", "--expires", "never", "--json")...)
	if second.ExpiresAt != nil || second.ID == first.ID || second.Name != "for ever" {
		t.Errorf("the second token is %+v", second)
	}
	out := c.must(run("token", string(made.ID))...)
	if !strings.Contains(out, "expires         "+now.Add(8760*time.Hour).Format(time.RFC3339)) || !strings.Contains(out, "cannot be told again") {
		t.Errorf("made %q", out)
	}

	listed := mustJSON[[]integrationView](c, "integration", "list", "--tenant", tenant, "--json")
	if len(listed) != 1 || len(listed[0].Tokens) != 3 || listed[0].ID != made.ID {
		t.Errorf("listed %+v", listed)
	}
	list := c.must("integration", "list", "--tenant", tenant)
	if strings.Contains(list, first.Token[:20]) || strings.Count(list, "good") != 3 {
		t.Errorf("listed\n%s", list)
	}

	c.clock.Advance(48*time.Hour + time.Minute)
	if _, err := c.verify(first.Token); roster.KindOf(err) != roster.KindUnauthenticated {
		t.Errorf("after its time the first token is %v", err)
	}
	if _, err := c.verify(second.Token); err != nil {
		t.Errorf("the second token is %v", err)
	}
	if out := c.must("integration", "revoke", string(made.ID), "--token", second.ID); !strings.Contains(out, "token "+second.ID+" (for ever) is revoked since ") {
		t.Errorf("revoked %q", out)
	}
	if _, err := c.verify(second.Token); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("the revoked token is %v", err)
	}
	if list := c.must("integration", "list", "--tenant", tenant); strings.Count(list, "good") != 1 || strings.Count(list, "expired") != 1 || strings.Count(list, "revoked") != 1 {
		t.Errorf("listed\n%s", list)
	}
	c.must("integration", "revoke", string(made.ID))
	if r := c.run(t.Context(), "", run("token", string(made.ID))...); r.code != exitFailed || !strings.Contains(r.stderr, "the integration is revoked") {
		t.Errorf("a token of a revoked integration: %d, %q", r.code, r.stderr)
	}
	if list := c.must("integration", "list", "--tenant", tenant); strings.Count(list, "integration revoked") != 3 {
		t.Errorf("listed\n%s", list)
	}
	c.must("check")
}

func TestIntegrationsThatCannotBe(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	key := c.keyFile()
	signed := " --issuer " + testIssuer + " --signing-key-file " + key
	create := "create --tenant " + tenant + " --name X"
	client := mustJSON[clientView](c, "client", "create", "--json", "--tenant", tenant, "--name", "Portal")
	before := c.export(tenant, "--secrets")
	for args, want := range map[string]struct {
		code   int
		stderr string
	}{
		create: {exitFailed, "which key signs? give --signing-key or --signing-key-file"},
		create + signed + " --signing-key alias/x":                                                     {exitFailed, "not both"},
		create + " --signing-key-file " + key:                                                          {exitFailed, "who issues the token?"},
		create + signed + " --expires tomorrow":                                                        {exitFailed, "--expires must be never or"},
		create + signed + " --expires 0s":                                                              {exitFailed, "--expires must be never or"},
		create + signed + " --expires -5h":                                                             {exitFailed, "--expires must be never or"},
		create + signed + " --expires 1500ms":                                                          {exitFailed, "--expires must be never or"},
		create + signed + " --expires 999999h":                                                         {exitFailed, "--expires must be never or"},
		create + signed + " --token-name=":                                                             {exitFailed, "token name must have 1 to 100 characters"},
		create + signed + " --organization 12":                                                         {exitFailed, "organization not found"},
		"create --tenant 12 --name X" + signed:                                                         {exitFailed, "organization not found"},
		"create --tenant " + tenant + signed:                                                           {exitUsage, "name"},
		create + " --issuer http://roster.example --signing-key-file " + key:                           {exitFailed, "must be https"},
		create + " --issuer " + testIssuer + " --signing-key-file " + filepath.Join(c.dir, "none.pem"): {exitFailed, "reading the signing key"},
		create + " --issuer " + testIssuer + " --signing-key-file " + c.write("bad.pem", "not a key"):  {exitFailed, "not a PKCS #8 key in PEM"},
		"token " + string(client.ID) + signed:                                                          {exitFailed, "integration not found"},
		"token integration-none" + signed:                                                              {exitFailed, "integration not found"},
		"token" + signed:                                                                               {exitUsage, "arg"},
		"list --tenant 12":                                                                             {exitFailed, "tenant 12 not found"},
		"revoke " + string(client.ID):                                                                  {exitFailed, "integration not found"},
		"revoke integration-none":                                                                      {exitFailed, "integration not found"},
		"revoke integration-none --token=":                                                             {exitFailed, "--token must be the id of a token"},
		"revoke integration-none --token something":                                                    {exitFailed, "integration not found"},
	} {
		r := c.run(t.Context(), "", append([]string{"integration"}, strings.Fields(args)...)...)
		if r.code != want.code || !strings.Contains(r.stderr, want.stderr) || r.stdout != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %d with %q", args, r.code, r.stdout, r.stderr, want.code, want.stderr)
		}
	}
	if after := c.export(tenant, "--secrets"); after != before {
		t.Errorf("something was written: %s", firstDifference(before, after))
	}
	if keys, err := c.open().SigningKeys(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("%d keys are published, %v; want none", len(keys), err)
	}
}

// A token that cannot be signed, here because its key is retired, leaves nothing behind.
func TestIntegrationThatCannotBeSignedForIsNotMade(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	args := []string{"--issuer", testIssuer, "--signing-key-file", c.keyFile()}
	made := mustJSON[integrationView](c, append([]string{"integration", "create", "--json", "--tenant", tenant, "--name", "Sync"}, args...)...)
	keys, err := c.open().SigningKeys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("%d keys are published, %v", len(keys), err)
	}
	keys[0].RetiredAt = now
	if err := c.open().PutSigningKey(t.Context(), keys[0]); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"create", "--tenant", tenant, "--name", "More"}, {"token", string(made.ID)}} {
		r := c.run(t.Context(), "", append(append([]string{"integration"}, command...), args...)...)
		if r.code != exitFailed || !strings.Contains(r.stderr, "is retired") || r.stdout != "" {
			t.Errorf("%q: %d, %q, %q", command, r.code, r.stdout, r.stderr)
		}
	}
	if listed := mustJSON[[]integrationView](c, "integration", "list", "--tenant", tenant, "--json"); len(listed) != 1 || len(listed[0].Tokens) != 1 {
		t.Errorf("listed %+v, want what was there", listed)
	}
}

func TestIntegrationsTravelWithoutTheirTokens(t *testing.T) {
	c := newConsole(t)
	tenant := string(c.bootstrap("ann@northfield.example").Tenant)
	args := []string{"--issuer", testIssuer, "--audience", "directory", "--signing-key-file", c.keyFile()}
	made := mustJSON[integrationView](c, append([]string{"integration", "create", "--json", "--tenant", tenant, "--name", "Sync", "--expires", "never"}, args...)...)
	whole := c.export(tenant, "--secrets")
	if !strings.Contains(whole, `"integration":true`) || strings.Contains(whole, made.Tokens[0].ID) {
		t.Errorf("exported\n%s", whole)
	}
	other := c.emptyTable()
	other.must("import", "--quiet", other.write("whole.jsonl", whole))
	if again := other.export(tenant, "--secrets"); again != whole {
		t.Errorf("what came back differs: %s", firstDifference(whole, again))
	}
	if _, err := other.verify(made.Tokens[0].Token); roster.KindOf(err) != roster.KindUnauthenticated {
		t.Errorf("where it was not made for, the token is %v", err)
	}
	token := mustJSON[tokenView](other, append([]string{"integration", "token", string(made.ID), "--json"}, args...)...)
	if p, err := other.verify(token.Token); err != nil || p.Client != made.ID {
		t.Errorf("the new token speaks for %+v, %v", p, err)
	}
	odd := strings.Replace(whole, `"integration":true`, `"integration":true,"secretHash":"`+strings.Repeat("0a", 32)+`"`, 1)
	r := c.emptyTable().run(t.Context(), "", "import", "--quiet", c.write("odd.jsonl", odd))
	if r.code != exitFailed || !strings.Contains(c.read("odd.jsonl.refused.jsonl"), "secretHash must not be there on an integration") {
		t.Errorf("an integration with a secret: %d, %q", r.code, r.stderr)
	}
}
