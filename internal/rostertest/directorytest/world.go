// Package directorytest sets up a small world for the tests of package directory and of the dialects: two tenants, an
// organization tree, and a cast of users whose names say where they are and what they may. It stands on the real table
// (DynamoDB Local) and the real replica. Large, random worlds are made by package people.
package directorytest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// The tenants and their trees:
//
//	Acme                          Elm
//	├── Birch
//	│   └── Cedar
//	│       └── Fir
//	└── Dogwood
const (
	Acme    roster.OrgID = 100
	Birch   roster.OrgID = 110
	Cedar   roster.OrgID = 111
	Fir     roster.OrgID = 112
	Dogwood roster.OrgID = 120
	Elm     roster.OrgID = 200
)

// The custom roles of Acme's tenant.
const (
	Auditor roster.RoleID = 50 // can view users and nothing else
	Mover   roster.RoleID = 51 // can view, transfer and remove users, read the audit trail, and what a User can
)

// The cast. First letters are those of the organizations, but for those of Acme.
const (
	AnnAdmin     = "Ann Admin"     // Acme
	SamStaff     = "Sam Staff"     // Acme
	UmaUser      = "Uma User"      // Acme
	OttoAuditor  = "Otto Auditor"  // Acme
	PiaPending   = "Pia Pending"   // Acme
	SueSuspended = "Sue Suspended" // Acme
	BobAdmin     = "Bob Admin"     // Birch
	BeaUser      = "Bea User"      // Birch
	CidStaff     = "Cid Staff"     // Cedar
	DotAdmin     = "Dot Admin"     // Dogwood
	EveAdmin     = "Eve Admin"     // Elm
)

// Now is what every clock of the world says. It is far in the future, because DynamoDB Local removes what has expired by the
// machine's clock: what expires soon after Now must still be there.
var Now = time.Date(2070, time.March, 1, 12, 0, 0, 0, time.UTC)

// World is a world that stands.
type World struct {
	Directory *directory.Directory
	// Ports is what Directory works with, for tests that put something in between.
	Ports directory.Ports
	// Table is the table behind it.
	Table *dynamo.Table

	hashed atomic.Int64
	fresh  atomic.Int64
	users  map[string]roster.User
	roles  map[roster.RoleID]roster.Role

	mu         sync.Mutex
	registered []Registration // guarded by mu
}

// Registration is what was asked of the world's push service.
type Registration struct {
	Platform     roster.Platform
	Token, Known string
}

// Organizations returns the organizations of the world, every parent before its children.
func Organizations() []roster.Organization {
	at := func(name string, path ...roster.OrgID) roster.Organization {
		return roster.Organization{
			Tenant: roster.TenantID(path[0]), ID: path[len(path)-1], Name: name, Path: path, CreatedAt: Now.Add(-400 * day),
		}
	}
	return []roster.Organization{
		at("Acme", Acme), at("Birch", Acme, Birch), at("Cedar", Acme, Birch, Cedar), at("Fir", Acme, Birch, Cedar, Fir),
		at("Dogwood", Acme, Dogwood), at("Elm", Elm),
	}
}

// Roles returns the custom roles of the world.
func Roles() []roster.Role {
	user, _ := roster.BuiltinRole(roster.RoleUser)
	return []roster.Role{{
		Tenant: roster.TenantID(Acme), ID: Auditor, Name: "Auditor", Permissions: roster.Permissions(roster.OrgViewUsers), CreatedAt: Now.Add(-300 * day),
	}, {
		Tenant: roster.TenantID(Acme), ID: Mover, Name: "Mover", CreatedAt: Now.Add(-300 * day),
		Permissions: user.Permissions.Union(roster.Permissions(roster.OrgViewUsers, roster.OrgTransferUsers, roster.OrgDeleteUsers, roster.OrgViewAudit)),
	}}
}

const day = 24 * time.Hour

// Users returns the cast, in id order. No two have the same value in a field that can be sorted by, but for the roles,
// the organizations and the statuses.
func Users() []roster.User {
	acme := roster.OrgPath{Acme}
	birch := roster.OrgPath{Acme, Birch}
	return []roster.User{
		user(1001, AnnAdmin, acme, roster.RoleAdmin, func(u *roster.User) {
			u.Title, u.Nickname, u.PhoneNumber = "Head of Things", "annie", "+4915112345"
			u.TimeZone, u.Locale, u.Developer, u.DarkMode = "Europe/Berlin", "de_DE", true, true
			u.Address.Country, u.DeviceCount = "Germany", 3
		}),
		user(1002, SamStaff, acme, roster.RoleStaff, func(u *roster.User) {
			u.Nickname, u.PhoneNumber, u.Address.Country, u.DeviceCount = "sammy", "+33612345678", "France", 1
		}),
		user(1003, UmaUser, acme, roster.RoleUser, func(u *roster.User) {
			u.Nickname, u.PhoneNumber, u.Address.Country, u.DeviceCount = "Umi", "+15551234567", "austria", 2
			u.LastLoginAt, u.RegisteredAt = Now.Add(-40*day), Now.Add(-200*day)
		}),
		user(1004, OttoAuditor, acme, Auditor, nil),
		user(1005, PiaPending, acme, roster.RoleUser, func(u *roster.User) {
			u.Status, u.RegisteredAt, u.LastLoginAt = roster.StatusPending, time.Time{}, time.Time{}
		}),
		user(1006, SueSuspended, acme, roster.RoleUser, func(u *roster.User) { u.Status = roster.StatusSuspended }),
		user(1007, BobAdmin, birch, roster.RoleAdmin, func(u *roster.User) { u.Nickname = "annbob" }),
		user(1008, BeaUser, birch, roster.RoleUser, nil),
		user(1009, CidStaff, birch.Child(Cedar), roster.RoleStaff, nil),
		user(1010, DotAdmin, acme.Child(Dogwood), roster.RoleAdmin, nil),
		user(2001, EveAdmin, roster.OrgPath{Elm}, roster.RoleAdmin, nil),
	}
}

func user(id roster.UserID, name string, path roster.OrgPath, role roster.RoleID, more func(*roster.User)) roster.User {
	given, family := roster.SplitName(name)
	age := time.Duration(id%100) * time.Hour
	u := roster.User{
		Tenant: roster.TenantID(path[0]), ID: id, Path: path,
		Email: roster.Email(given + "@" + family + ".example"), Name: name, GivenName: given, FamilyName: family,
		Roles: []roster.RoleID{role}, Status: roster.StatusActive,
		CreatedAt: Now.Add(-100*day + age), UpdatedAt: Now.Add(-50*day + age), RegisteredAt: Now.Add(-90*day + age), LastLoginAt: Now.Add(-age),
	}
	if more != nil {
		more(&u)
	}
	return u
}

// New builds the world in a table of the test's own. A package whose tests call it has a TestMain that calls
// rostertest.Main.
func New(t testing.TB) *World {
	t.Helper()
	now := func() time.Time { return Now }
	return NewOn(t, rostertest.TableWith(t, dynamo.Options{Now: now}))
}

// NewOn is New on a table that is empty, whose clock says Now and whose client may be anything: one that meets faults.
func NewOn(t testing.TB, table *dynamo.Table) *World {
	t.Helper()
	now := func() time.Time { return Now }
	w := &World{Table: table, users: map[string]roster.User{}, roles: map[roster.RoleID]roster.Role{}}
	for _, o := range Organizations() {
		if _, _, err := table.CreateOrganization(t.Context(), o, rostertest.Stamp(), nil); err != nil {
			t.Fatalf("creating the organization %s: %v", o.Name, err)
		}
	}
	for _, r := range Roles() {
		if _, err := table.CreateRole(t.Context(), r, rostertest.Stamp()); err != nil {
			t.Fatalf("creating the role %s: %v", r.Name, err)
		}
	}
	for _, r := range append(roster.BuiltinRoles(), Roles()...) {
		w.roles[r.ID] = r
	}
	for _, u := range Users() {
		stored, _, err := table.CreateUser(t.Context(), roster.NewUser{User: u}, rostertest.Stamp(), nil)
		if err != nil {
			t.Fatalf("creating the user %s: %v", u.Name, err)
		}
		w.users[u.Name] = stored
	}
	search := replica.New(replica.Config{Feed: table, Now: now})
	t.Cleanup(search.Wait)
	w.Ports = directory.Ports{
		Users: table, Organizations: table, Roles: table, Writes: table, Invitations: table, Credentials: table, Devices: table,
		Notifications: table, Endpoints: w, Audit: table, Search: Searcher{search}, HashPassword: w.hashPassword, VerifyPassword: w.verifyPassword, Now: now,
	}
	w.Directory = directory.New(w.Ports)
	return w
}

// Searcher is the replica as package directory wants it.
type Searcher struct{ *replica.Replicas }

// View returns a view of the tenant.
func (s Searcher) View(ctx context.Context, tenant roster.TenantID) (directory.View, error) {
	return s.Replicas.View(ctx, tenant)
}

// Check walks the whole table and fails the test for everything in it that does not fit together.
func (w *World) Check(t testing.TB) {
	t.Helper()
	_, err := w.Table.Check(t.Context(), func(f dynamo.Finding) error {
		t.Errorf("in the table: %v", f)
		return nil
	})
	if err != nil {
		t.Errorf("checking the table: %v", err)
	}
}

// hashPassword stands for a hash that takes its time.
func (w *World) hashPassword(password string) (string, error) {
	w.hashed.Add(1)
	return HashOf(password), nil
}

// verifyPassword takes as long as hashPassword, so it counts as that.
func (w *World) verifyPassword(password, hash string) (bool, error) {
	w.hashed.Add(1)
	return HashOf(password) == hash, nil
}

// HashOf returns what this world keeps of a password.
func HashOf(password string) string {
	return fmt.Sprintf("$test$%x", sha256.Sum256([]byte(password)))
}

// Hashed returns how many passwords have been hashed so far, be it to keep the hash or to compare it.
func (w *World) Hashed() int { return int(w.hashed.Load()) }

// BadToken is a device token that the world's push service will not have.
const BadToken = "bad-token"

// EndpointOf returns the address that the world's push service gives to the app with that token.
func EndpointOf(platform roster.Platform, token string) string {
	return fmt.Sprintf("arn:aws:sns:eu-central-1:000000000000:endpoint/%s/roster/%x", platform, sha256.Sum256([]byte(token)))
}

// RegisterEndpoint makes the world its own push service. It remembers what it was asked, see Registered.
func (w *World) RegisterEndpoint(_ context.Context, platform roster.Platform, token, known string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.registered = append(w.registered, Registration{Platform: platform, Token: token, Known: known})
	switch {
	case platform == roster.PlatformAPNSSandbox:
		return "", roster.Invalid("platform", "is not set up")
	case token == BadToken:
		return "", roster.Invalid("token", "is not one that the push service takes")
	}
	return EndpointOf(platform, token), nil
}

// Registered returns what the push service was asked so far, in order.
func (w *World) Registered() []Registration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.registered)
}

// Link makes a link to what is open at that place, as the courier does before it sends the mail, and returns its token.
func (w *World) Link(t testing.TB, ref roster.InvitationRef) (token string) {
	t.Helper()
	i, err := w.Table.Invitation(t.Context(), ref)
	if err != nil {
		t.Fatalf("reading the invitation of %+v: %v", ref, err)
	}
	token, hash := roster.NewLinkToken()
	if err := w.Table.PutLink(t.Context(), hash, roster.Link{Ref: ref, ID: i.ID, ExpiresAt: i.ValidUntil}); err != nil {
		t.Fatalf("storing a link: %v", err)
	}
	return token
}

// Path returns the path of an organization of the world.
func Path(org roster.OrgID) roster.OrgPath {
	for _, o := range Organizations() {
		if o.ID == org {
			return o.Path
		}
	}
	return nil
}

// NewUser puts one more user into the table, who belongs to no cast: an Active one of that organization, with that role.
// The changes are applied last.
func (w *World) NewUser(t testing.TB, org roster.OrgID, role roster.RoleID, changes ...func(*roster.User)) roster.User {
	t.Helper()
	n := w.fresh.Add(1)
	u := user(roster.UserID(5000+n), fmt.Sprintf("Extra%d Walker", n), Path(org), role, nil)
	for _, change := range changes {
		change(&u)
	}
	stored, _, err := w.Table.CreateUser(t.Context(), roster.NewUser{User: u}, rostertest.Stamp(), nil)
	if err != nil {
		t.Fatalf("creating a user of organization %s: %v", org, err)
	}
	return stored
}

// Principal returns the principal of a token that speaks for the user.
func (w *World) Principal(u *roster.User) roster.Principal {
	return roster.Principal{
		Tenant: u.Tenant, Path: u.Path, Client: "console", User: u.ID, Permissions: w.roles[u.Role()].Permissions, TokenID: "token-" + u.ID.String(),
	}
}

// User returns the user of that name, as it is stored.
func (w *World) User(t testing.TB, name string) roster.User {
	t.Helper()
	u, ok := w.users[name]
	if !ok {
		t.Fatalf("there is no %q in this world", name)
	}
	return u
}

// As returns the principal of a token that speaks for the user of that name.
func (w *World) As(t testing.TB, name string) roster.Principal {
	t.Helper()
	u := w.User(t, name)
	return w.Principal(&u)
}

// Client returns the principal of a token that speaks for that organization.
func Client(org roster.OrgID) roster.Principal {
	for _, o := range Organizations() {
		if o.ID == org {
			return roster.Principal{Tenant: o.Tenant, Path: o.Path, Client: roster.ClientID("client-" + org.String()), Permissions: roster.AllPermissions}
		}
	}
	return roster.Principal{}
}
