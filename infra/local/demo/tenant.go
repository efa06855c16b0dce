package demo

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

// Tenant is the demo tenant: what is needed to get in, and what is needed to go on making it.
type Tenant struct {
	ID            roster.TenantID `json:"tenantId"`
	Name          string          `json:"name"`
	ClientID      roster.ClientID `json:"clientId"`
	ClientSecret  string          `json:"clientSecret"`
	AdminEmail    roster.Email    `json:"adminEmail"`
	AdminPassword string          `json:"adminPassword"`
	// APIKeyID and APIKeySecret are those of a client that acts as a user of its own, who sees everybody in the root organization.
	APIKeyID      roster.ClientID `json:"apiKeyId,omitempty"`
	APIKeySecret  string          `json:"apiKeySecret,omitempty"`
	Users         int             `json:"users"`
	Organizations int             `json:"organizations"`
	// Integration is there where Config has a Mint.
	Integration Integration `json:"integration,omitzero"`
	// Now is the moment its people were made up for: the same moment makes the same people.
	Now time.Time `json:"now"`
	// Complete is set once all of it is in the table.
	Complete bool `json:"complete"`
}

// Config says how to make the demo tenant.
type Config struct {
	Operator *directory.Operator
	// State is the file that remembers the tenant between runs, secrets included; empty remembers nothing.
	State string
	Now   func() time.Time
	// Users and Organizations are how many to make; a tenant that is there already keeps what it has.
	Users, Organizations int
	// Mint signs the token of the tenant's integration, and Verify is how the functions look at it. A nil Mint makes none.
	Mint   directory.MintToken
	Verify func(ctx context.Context, token string) (roster.Principal, error)
	// Progress is told how many of the users are stored. It is not called for a tenant that is there already.
	Progress func(stored, of int)
}

// seed chooses the people of the demo; any number does.
const seed = 20260301

// Prepare returns the demo tenant: the one that State remembers, if the table has it, or a new one. One that was only half made when
// an earlier run ended is completed.
func Prepare(ctx context.Context, c Config) (*Tenant, error) {
	tenant, err := c.remembered(ctx)
	if err != nil {
		return nil, err
	}
	if tenant == nil {
		if tenant, err = c.found(ctx); err != nil {
			return nil, err
		}
	}
	if !tenant.Complete {
		if err := c.populate(ctx, tenant); err != nil {
			return nil, fmt.Errorf("filling the demo tenant: %w", err)
		}
		tenant.Complete = true
		if err := c.remember(tenant); err != nil {
			return nil, err
		}
	}
	if tenant.APIKeyID == "" { // also of a tenant that an earlier release made
		if err := c.addAPIKey(ctx, tenant); err != nil {
			return nil, err
		}
	}
	if c.Mint == nil {
		return tenant, nil
	}
	return tenant, c.integrate(ctx, tenant)
}

// remembered returns the tenant in the state file, nil if there is none or the table does not have it any more.
func (c *Config) remembered(ctx context.Context) (*Tenant, error) {
	if c.State == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var tenant Tenant
	if err := json.Unmarshal(text, &tenant); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w): remove it and the data beside it", c.State, err)
	}
	exists, err := c.Operator.Import(tenant.ID).TenantExists(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for the demo tenant: %w", err)
	}
	if !exists {
		return nil, nil
	}
	return &tenant, nil
}

func (c *Config) remember(tenant *Tenant) error {
	if c.State == "" {
		return nil
	}
	return writeSecret(c.State, tenant)
}

// found founds a new tenant, and remembers it before anything else is stored, since its secrets cannot be asked for again.
func (c *Config) found(ctx context.Context) (*Tenant, error) {
	now := c.Now().UTC().Truncate(time.Second)
	root := people.New(people.Config{Seed: seed, Now: now, Organizations: c.Organizations}).Organizations()[0]
	tenant := &Tenant{
		Name: root.Name, AdminEmail: "admin@roster.example", AdminPassword: rand.Text(),
		Users: c.Users, Organizations: c.Organizations, Now: now,
	}
	created, secret, err := c.Operator.CreateTenant(ctx, directory.TenantRequest{
		Name: tenant.Name, AdminName: "Ada Admin", AdminEmail: tenant.AdminEmail, Password: tenant.AdminPassword, ClientName: "Demo client",
	})
	if roster.KindOf(err) == roster.KindConflict {
		return nil, fmt.Errorf("the table has a demo tenant already, but how to get into it is not known any more: remove the data (rm -r %s), or name another table in ROSTER_TABLE", filepath.Dir(c.State))
	}
	if err != nil {
		return nil, fmt.Errorf("founding the demo tenant: %w", err)
	}
	tenant.ID, tenant.ClientID, tenant.ClientSecret = roster.TenantID(created.Organization.ID), created.Client.ID, secret
	return tenant, c.remember(tenant)
}

// addAPIKey makes the tenant's API key. Nobody has the private key that belongs to the public one: nothing here asks for a proof of it.
func (c *Config) addAPIKey(ctx context.Context, tenant *Tenant) error {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key pair: %w", err)
	}
	key, err := c.Operator.CreateAPIKey(ctx, directory.APIKeyRequest{
		Tenant: tenant.ID, Name: "Demo API user", Role: roster.RoleStaff, ViewAll: true, PublicKey: hex.EncodeToString(private.PublicKey().Bytes()),
	})
	if err != nil {
		return fmt.Errorf("making the demo tenant's API key: %w", err)
	}
	tenant.APIKeyID, tenant.APIKeySecret = key.Client.ID, key.Secret
	return c.remember(tenant)
}

// writeSecret writes v as JSON to a file that only its owner can read. The file appears whole or stays as it was.
func writeSecret(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".demo-*") // readable by its owner only
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it is renamed
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(file.Name(), path)
}
