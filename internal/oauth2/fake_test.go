package oauth2_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// backend is a store together with the ways to fill it. The tests of the endpoints run on each.
type backend interface {
	oauth2.Store
	oauth2.VerifierStore
	AddClient(t testing.TB, client roster.Client)
	RevokeClientForTest(t testing.TB, id roster.ClientID, at time.Time)
	AddUser(t testing.TB, user roster.User, credential *roster.Credential)
	ChangeUser(t testing.TB, tenant roster.TenantID, id roster.UserID, change func(*roster.User))
	RemoveUser(t testing.TB, tenant roster.TenantID, id roster.UserID)
	// BringBack restores a removed user, without the password.
	BringBack(t testing.TB, user roster.User)
	SetCredential(t testing.TB, credential roster.Credential)
	AddRole(t testing.TB, role roster.Role)
	AddIntegrationToken(t testing.TB, token roster.IntegrationToken)
	EndIntegrationToken(t testing.TB, token roster.IntegrationToken)
}

// memory is a backend in memory. What it must do is said at Store; the table is held to the same tests.
type memory struct {
	mu          sync.Mutex
	clients     map[roster.ClientID]roster.Client
	users       map[roster.UserID]roster.User
	credentials map[roster.UserID]roster.Credential
	roles       map[roster.RoleID]roster.Role
	grants      map[[32]byte]roster.Grant
	revoked     map[string]time.Time
	keys        map[string]roster.SigningKey
	tokens      map[string]roster.IntegrationToken

	// fail, where set, is asked before every call, by the name of the method.
	fail func(method string) error
	// calls counts the calls by method.
	calls map[string]int
}

func newMemory() *memory {
	return &memory{
		clients: map[roster.ClientID]roster.Client{}, users: map[roster.UserID]roster.User{},
		credentials: map[roster.UserID]roster.Credential{}, roles: map[roster.RoleID]roster.Role{},
		grants: map[[32]byte]roster.Grant{}, revoked: map[string]time.Time{}, keys: map[string]roster.SigningKey{},
		calls: map[string]int{}, tokens: map[string]roster.IntegrationToken{},
	}
}

// enter locks the store, counts the call and reports the failure planned for it.
func (m *memory) enter(method string) error {
	m.mu.Lock()
	m.calls[method]++
	if m.fail != nil {
		return m.fail(method)
	}
	return nil
}

func (m *memory) count(method string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[method]
}

func (m *memory) failWith(fail func(method string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func found[K comparable, V any](items map[K]V, key K, noun string) (V, error) {
	v, ok := items[key]
	if !ok {
		return v, roster.NotFound(noun)
	}
	return v, nil
}

func (m *memory) Client(_ context.Context, id roster.ClientID) (roster.Client, error) {
	err := m.enter("Client")
	defer m.mu.Unlock()
	if err != nil {
		return roster.Client{}, err
	}
	return found(m.clients, id, "client")
}

func (m *memory) Organization(_ context.Context, tenant roster.TenantID, id roster.OrgID) (roster.Organization, error) {
	err := m.enter("Organization")
	defer m.mu.Unlock()
	if err != nil {
		return roster.Organization{}, err
	}
	for _, path := range organizations {
		if roster.TenantID(path[0]) == tenant && path.Last() == id {
			return rostertest.Organization(path[:len(path)-1], id), nil
		}
	}
	return roster.Organization{}, roster.NotFound("organization")
}

func (m *memory) EmailOwner(_ context.Context, email roster.Email) (roster.TenantID, roster.UserID, error) {
	err := m.enter("EmailOwner")
	defer m.mu.Unlock()
	if err != nil {
		return 0, 0, err
	}
	for _, user := range m.users {
		if user.Email.Key() == email.Key() {
			return user.Tenant, user.ID, nil
		}
	}
	return 0, 0, roster.NotFound("email")
}

func (m *memory) User(_ context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error) {
	err := m.enter("User")
	defer m.mu.Unlock()
	if err != nil {
		return roster.User{}, err
	}
	user, ok := m.users[id]
	if !ok || user.Tenant != tenant || user.Deleted() {
		return roster.User{}, roster.NotFound("user")
	}
	return user, nil
}

func (m *memory) Credential(_ context.Context, tenant roster.TenantID, id roster.UserID) (roster.Credential, error) {
	err := m.enter("Credential")
	defer m.mu.Unlock()
	if err != nil {
		return roster.Credential{}, err
	}
	c, ok := m.credentials[id]
	if !ok || c.Tenant != tenant {
		return roster.Credential{}, roster.NotFound("credential")
	}
	return c, nil
}

func (m *memory) ReplaceCredential(_ context.Context, tenant roster.TenantID, id roster.UserID, oldHash, newHash string) error {
	err := m.enter("ReplaceCredential")
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	c, ok := m.credentials[id]
	if !ok || c.Tenant != tenant || c.PasswordHash != oldHash {
		return roster.Conflict("the password was changed")
	}
	c.PasswordHash = newHash
	m.credentials[id] = c
	return nil
}

func (m *memory) RecordLogin(_ context.Context, _ roster.TenantID, id roster.UserID, at time.Time) error {
	err := m.enter("RecordLogin")
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	user := m.users[id]
	user.LastLoginAt = at
	m.users[id] = user
	return nil
}

func (m *memory) Role(_ context.Context, _ roster.TenantID, id roster.RoleID) (roster.Role, error) {
	err := m.enter("Role")
	defer m.mu.Unlock()
	if err != nil {
		return roster.Role{}, err
	}
	return found(m.roles, id, "role")
}

func (m *memory) CreateGrant(_ context.Context, grant roster.Grant) error {
	err := m.enter("CreateGrant")
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	if _, ok := m.grants[grant.Family]; ok {
		return roster.Conflict("the grant exists")
	}
	m.grants[grant.Family] = grant
	return nil
}

func (m *memory) Grant(_ context.Context, family [32]byte) (roster.Grant, error) {
	err := m.enter("Grant")
	defer m.mu.Unlock()
	if err != nil {
		return roster.Grant{}, err
	}
	return found(m.grants, family, "grant")
}

func (m *memory) RotateGrant(_ context.Context, family, oldSecret, newSecret [32]byte, generation int64, expires time.Time) error {
	err := m.enter("RotateGrant")
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	grant, ok := m.grants[family]
	if !ok || grant.Secret != oldSecret || !grant.RevokedAt.IsZero() {
		return roster.Conflict("the refresh token is not current")
	}
	grant.Secret, grant.Generation, grant.ExpiresAt = newSecret, generation, expires
	m.grants[family] = grant
	return nil
}

func (m *memory) RevokeGrant(_ context.Context, family [32]byte, at time.Time) error {
	err := m.enter("RevokeGrant")
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	if grant, ok := m.grants[family]; ok && grant.RevokedAt.IsZero() {
		grant.RevokedAt = at
		m.grants[family] = grant
	}
	return nil
}

func (m *memory) RevokeToken(_ context.Context, tokenID string, expires time.Time) error {
	err := m.enter("RevokeToken")
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	m.revoked[tokenID] = expires
	return nil
}

func (m *memory) TokenRevoked(_ context.Context, tokenID string) (bool, error) {
	err := m.enter("TokenRevoked")
	defer m.mu.Unlock()
	if err != nil {
		return false, err
	}
	_, ok := m.revoked[tokenID]
	return ok, nil
}

func (m *memory) SigningKeys(context.Context) ([]roster.SigningKey, error) {
	err := m.enter("SigningKeys")
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return slices.Collect(maps.Values(m.keys)), nil
}

func (m *memory) PutSigningKey(_ context.Context, key roster.SigningKey) error {
	err := m.enter("PutSigningKey")
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	m.keys[key.ID] = key
	return nil
}

func (m *memory) IntegrationToken(_ context.Context, client roster.ClientID, id string) (roster.IntegrationToken, error) {
	err := m.enter("IntegrationToken")
	defer m.mu.Unlock()
	if err != nil {
		return roster.IntegrationToken{}, err
	}
	return found(m.tokens, string(client)+" "+id, "token")
}

func (m *memory) AddIntegrationToken(_ testing.TB, token roster.IntegrationToken) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[string(token.Client)+" "+token.ID] = token
}

func (m *memory) EndIntegrationToken(t testing.TB, token roster.IntegrationToken) {
	token.RevokedAt = token.CreatedAt
	m.AddIntegrationToken(t, token)
}

func (m *memory) AddClient(_ testing.TB, client roster.Client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clients[client.ID] = client
}

func (m *memory) RevokeClientForTest(_ testing.TB, id roster.ClientID, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	client := m.clients[id]
	client.RevokedAt = at
	m.clients[id] = client
}

func (m *memory) AddUser(_ testing.TB, user roster.User, credential *roster.Credential) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[user.ID] = user
	if credential != nil {
		m.credentials[user.ID] = *credential
	}
}

func (m *memory) ChangeUser(_ testing.TB, _ roster.TenantID, id roster.UserID, change func(*roster.User)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	user := m.users[id]
	change(&user)
	m.users[id] = user
}

func (m *memory) RemoveUser(_ testing.TB, _ roster.TenantID, id roster.UserID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.users, id)
	delete(m.credentials, id)
}

func (m *memory) BringBack(_ testing.TB, user roster.User) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[user.ID] = user
}

func (m *memory) SetCredential(_ testing.TB, credential roster.Credential) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.credentials[credential.User] = credential
}

func (m *memory) AddRole(_ testing.TB, role roster.Role) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roles[role.ID] = role
}

// lossy is a memory whose answer to a rotation, while lose is set, is lost: the rotation is repeated and conflicts with itself.
type lossy struct {
	*memory
	lose bool
}

func (l *lossy) RotateGrant(ctx context.Context, family, oldSecret, newSecret [32]byte, generation int64, expires time.Time) error {
	err := l.memory.RotateGrant(ctx, family, oldSecret, newSecret, generation, expires)
	if l.lose && err == nil {
		return l.memory.RotateGrant(ctx, family, oldSecret, newSecret, generation, expires)
	}
	return err
}
