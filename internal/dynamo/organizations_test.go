package dynamo_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestCreateTenantWritesAllOfIt(t *testing.T) {
	w := newWorld(t)
	before := w.keys(t)
	n := rostertest.Tenant(20, func(n *roster.NewTenant) { n.Credential.PasswordHash = "hash" })
	created, err := w.CreateTenant(t.Context(), n, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"CLIENT#client-20 CLIENT", "EMAIL#user-1@tenant-20.example.com CLAIM", "T#20#CLIENTS CLIENT#client-20",
		"T#20#ORG#20 ADMINS", "T#20#ORG#20 ORG", "T#20#USER#1 CREDENTIAL", "T#20#USER#1 USER",
	}
	if got := w.added(t, before); !slices.Equal(got, want) {
		t.Errorf("the items of a new tenant are %q, want %q", got, want)
	}
	if got, err := w.Organization(t.Context(), 20, 20); err != nil || !cmp.Equal(got, created.Organization) {
		t.Errorf("the organization is %v, %v, want %v", got, err, created.Organization)
	}
	if got, err := w.User(t.Context(), 20, 1); err != nil || !cmp.Equal(got, created.Admin) {
		t.Errorf("the admin is %v, %v, want %v", got, err, created.Admin)
	}
	if got, err := w.Client(t.Context(), "client-20"); err != nil || !cmp.Equal(got, created.Client) {
		t.Errorf("the client is %v, %v, want %v", got, err, created.Client)
	}
}

func TestCreateTenantRefusesWhatIsTaken(t *testing.T) {
	w := newWorld(t)
	before := w.keys(t)
	for name, change := range map[string]func(*roster.NewTenant){
		"id":      func(n *roster.NewTenant) { n.Organization.ID = 7 },
		"address": func(n *roster.NewTenant) { n.Admin.Email = "USER-1@tenant-7.example.com" },
		"client":  func(n *roster.NewTenant) { n.Client.ID = "client-7" },
	} {
		_, err := w.CreateTenant(t.Context(), rostertest.Tenant(20, change), rostertest.Stamp())
		wantKind(t, name, err, roster.KindConflict)
	}
	_, err := w.CreateTenant(t.Context(), rostertest.Tenant(20, func(n *roster.NewTenant) { n.Organization.Name = "" }), rostertest.Stamp())
	wantKind(t, "no name", err, roster.KindInvalid)
	if added := w.added(t, before); len(added) != 0 {
		t.Errorf("refused tenants left %q", added)
	}
}

func TestTenantIDsThatCollideAreAssignedAgain(t *testing.T) {
	w := newWorld(t)
	// Random ids 7 (taken by the world), 7 again, then 9; then what else is random.
	random := bytes.NewReader(append([]byte{0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9}, make([]byte, 100)...))
	process := dynamo.New(rostertest.Client(t), w.name, dynamo.Options{Now: w.clock.Now, IDs: &roster.IDSource{Now: w.clock.Now, Random: random}})
	n := rostertest.Tenant(20, func(n *roster.NewTenant) { n.Organization.ID, n.Admin.ID, n.Client.ID = 0, 0, "" })
	created, err := process.CreateTenant(t.Context(), n, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	if o := created.Organization; o.ID != 9 || o.Tenant != 9 || !slices.Equal(o.Path, roster.OrgPath{9}) || created.Admin.Tenant != 9 || !slices.Equal(created.Admin.Path, o.Path) {
		t.Errorf("the tenant is %+v with the admin %+v, want 9", o, created.Admin)
	}
}

func TestCreateOrganization(t *testing.T) {
	w := newWorld(t)
	created, _, err := w.CreateOrganization(t.Context(), roster.Organization{Tenant: 7, Name: "Assigned", Path: w.child}, rostertest.Stamp(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if created.ID == 0 || !slices.Equal(created.Path, w.child.Child(created.ID)) || !created.CreatedAt.Equal(w.clock.Now()) {
		t.Errorf("the organization is %+v", created)
	}
	if got, err := w.Organization(t.Context(), 7, created.ID); err != nil || !cmp.Equal(got, created) {
		t.Errorf("the organization is %v, %v, want %v", got, err, created)
	}
	before := w.keys(t)
	w.clock.Advance(time.Second)
	for name, tt := range map[string]struct {
		o    roster.Organization
		kind roster.Kind
	}{
		"id taken":         {rostertest.Organization(w.root, 8), roster.KindConflict},
		"root taken":       {rostertest.Organization(nil, 7), roster.KindConflict},
		"no parent":        {rostertest.Organization(roster.OrgPath{7, 99}, 100), roster.KindNotFound},
		"parent elsewhere": {rostertest.Organization(roster.OrgPath{7, 99, 8}, 100), roster.KindInvalid},
		"no path":          {roster.Organization{Tenant: 7, Name: "x"}, roster.KindInvalid},
		"foreign tenant":   {rostertest.Organization(w.root, 100, func(o *roster.Organization) { o.Tenant = 6 }), roster.KindNotFound},
		"no name":          {rostertest.Organization(w.root, 100, func(o *roster.Organization) { o.Name = "" }), roster.KindInvalid},
	} {
		_, _, err := w.CreateOrganization(t.Context(), tt.o, rostertest.Stamp(), nil)
		wantKind(t, name, err, tt.kind)
	}
	if added := w.added(t, before); len(added) != 0 {
		t.Errorf("refused organizations left %q", added)
	}
}

func TestOrganizationsComeInTreeOrder(t *testing.T) {
	w := newWorld(t)
	for _, path := range []roster.OrgPath{{7, 20}, {7, 3}, {7, 8, 100}, {7, 8, 30}, {7, 8, 100, 5}, {7, 20, 4}} {
		if _, _, err := w.CreateOrganization(t.Context(), rostertest.Organization(path[:len(path)-1], path.Last()), rostertest.Stamp(), nil); err != nil {
			t.Fatal(err)
		}
	}
	all, err := w.Organizations(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	var ids []roster.OrgID
	for _, o := range all {
		ids = append(ids, o.ID)
	}
	if want := []roster.OrgID{7, 3, 8, 30, 100, 5, 20, 4}; !slices.Equal(ids, want) {
		t.Errorf("the tree is %v, want %v", ids, want)
	}
	first, next, err := w.SubOrganizations(t.Context(), 7, 7, 0, 2)
	if err != nil || len(first) != 2 || next != 8 {
		t.Errorf("the first page is %v, next %v, %v", first, next, err)
	}
	second, next, err := w.SubOrganizations(t.Context(), 7, 7, next, 2)
	if err != nil || len(second) != 1 || second[0].ID != 20 || next != 0 {
		t.Errorf("the second page is %v, next %v, %v", second, next, err)
	}
	_, err = w.Organizations(t.Context(), 99)
	wantKind(t, "the tree of nobody", err, roster.KindNotFound)
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	permissions := roster.Permissions(roster.OrgView, roster.ManageWebHook)
	var created []roster.Role
	for _, name := range []string{"Auditor", "Operator"} {
		role, err := w.CreateRole(t.Context(), roster.Role{Tenant: 7, Name: name, Permissions: permissions}, rostertest.Stamp())
		if err != nil {
			t.Fatal(err)
		}
		created = append(created, role)
	}
	if created[0].ID != 4 || created[1].ID != 5 {
		t.Errorf("the custom roles got the ids %v and %v, want 4 and 5", created[0].ID, created[1].ID)
	}
	if got, err := w.Role(t.Context(), 7, 5); err != nil || !cmp.Equal(got, created[1]) {
		t.Errorf("the role is %v, %v, want %v", got, err, created[1])
	}
	if got, err := w.Roles(t.Context(), 7); err != nil || !cmp.Equal(got, created) {
		t.Errorf("the roles are %v, %v, want %v", got, err, created)
	}
	if got, err := w.Role(t.Context(), 7, roster.RoleAdmin); err != nil || got.Permissions != roster.AllPermissions {
		t.Errorf("the role Admin is %v, %v", got, err)
	}
	_, err := w.Role(t.Context(), 7, 99)
	wantKind(t, "no such role", err, roster.KindNotFound)
	_, err = w.Role(t.Context(), 8, 4)
	wantKind(t, "another tenant's role", err, roster.KindNotFound)
	_, err = w.CreateRole(t.Context(), roster.Role{Tenant: 7, ID: 4, Name: "x"}, rostertest.Stamp())
	wantKind(t, "an id that is taken", err, roster.KindConflict)
	_, err = w.CreateRole(t.Context(), roster.Role{Tenant: 7, ID: roster.RoleAdmin, Name: "x"}, rostertest.Stamp())
	wantKind(t, "a built-in id", err, roster.KindConflict)
	_, err = w.CreateRole(t.Context(), roster.Role{Tenant: 6, Name: "x"}, rostertest.Stamp())
	wantKind(t, "no such tenant", err, roster.KindNotFound)
}

func TestClients(t *testing.T) {
	w := newWorld(t)
	created, err := w.CreateClient(t.Context(), roster.Client{
		ID: "a#client", Tenant: 7, Path: w.child, Name: "Portal", SecretHash: [32]byte{1, 2, 3}, ServiceUser: 42,
	}, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.Client(t.Context(), "a#client"); err != nil || !cmp.Equal(got, created) || got.Revoked() {
		t.Errorf("the client is %v, %v, want %v", got, err, created)
	}
	for name, c := range map[string]roster.Client{"taken": {ID: "a#client", Tenant: 7, Path: w.root}, "taken by another": {ID: "client-7", Tenant: 7, Path: w.child}} {
		_, err := w.CreateClient(t.Context(), c, rostertest.Stamp())
		wantKind(t, name, err, roster.KindConflict)
	}
	_, err = w.CreateClient(t.Context(), roster.Client{ID: "new", Tenant: 7, Path: roster.OrgPath{7, 9}}, rostertest.Stamp())
	wantKind(t, "no such organization", err, roster.KindNotFound)
	_, err = w.Client(t.Context(), "nobody")
	wantKind(t, "no such client", err, roster.KindNotFound)
	_, err = w.Client(t.Context(), roster.ClientID(bytes.Repeat([]byte("x"), 5000)))
	wantKind(t, "a client id of 5000 bytes", err, roster.KindNotFound)

	wantKind(t, "revoking as another tenant", w.RevokeClient(t.Context(), 8, "a#client", w.clock.Now(), rostertest.Stamp()), roster.KindNotFound)
	wantKind(t, "revoking nobody", w.RevokeClient(t.Context(), 7, "nobody", w.clock.Now(), rostertest.Stamp()), roster.KindNotFound)
	revoked := w.clock.Advance(time.Minute)
	for range 2 {
		if err := w.RevokeClient(t.Context(), 7, "a#client", w.clock.Now(), rostertest.Stamp()); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Minute)
	}
	all, err := w.Clients(t.Context(), 7)
	if err != nil || len(all) != 2 || all[0].ID != "a#client" || !all[0].RevokedAt.Equal(revoked) || all[1].ID != "client-7" || all[1].Revoked() {
		t.Errorf("the clients are %v, %v, want one revoked at %v, one not", all, err, revoked)
	}
}

func TestGrantIsRotatedByOne(t *testing.T) {
	w := newWorld(t)
	want := roster.Grant{
		Family: [32]byte{1}, Secret: [32]byte{2}, Tenant: 7, Client: "client-7", User: 42, Generation: 1,
		CreatedAt: w.clock.Now(), PasswordChangedAt: w.clock.Now().Add(-time.Hour), WithoutClient: true, ExpiresAt: w.clock.Now().Add(time.Hour),
	}
	if err := w.CreateGrant(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "creating it again", w.CreateGrant(t.Context(), roster.Grant{Family: want.Family}), roster.KindConflict)
	if got, err := w.Grant(t.Context(), want.Family); err != nil || got != want {
		t.Errorf("the grant is %v, %v, want %v", got, err, want)
	}

	expires := w.clock.Now().Add(2 * time.Hour)
	results := make(chan error)
	for i := range byte(10) {
		go func() {
			results <- w.RotateGrant(t.Context(), want.Family, want.Secret, [32]byte{9, i}, 2, expires)
		}()
	}
	won := 0
	for range 10 {
		if err := <-results; err == nil {
			won++
		} else {
			wantKind(t, "coming second", err, roster.KindConflict)
		}
	}
	got, err := w.Grant(t.Context(), want.Family)
	if err != nil || won != 1 || got.Generation != 2 || got.Secret[0] != 9 || !got.ExpiresAt.Equal(expires) {
		t.Errorf("after %d rotations the grant is %v, %v", won, got, err)
	}
	if err := w.RotateGrant(t.Context(), want.Family, want.Secret, got.Secret, 2, expires); err != nil {
		t.Errorf("the winner's second try, when its answer was lost, gives %v", err)
	}

	for range 2 {
		if err := w.RevokeGrant(t.Context(), want.Family, w.clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err = w.Grant(t.Context(), want.Family); err != nil || !got.RevokedAt.Equal(w.clock.Now()) {
		t.Errorf("the revoked grant is %v, %v", got, err)
	}
	wantKind(t, "rotating a revoked grant", w.RotateGrant(t.Context(), want.Family, got.Secret, [32]byte{3}, 3, expires), roster.KindConflict)
	wantKind(t, "rotating nothing", w.RotateGrant(t.Context(), [32]byte{99}, want.Secret, [32]byte{3}, 3, expires), roster.KindConflict)
	if err := w.RevokeGrant(t.Context(), [32]byte{99}, w.clock.Now()); err != nil {
		t.Errorf("revoking nothing gives %v", err)
	}
	w.clock.Set(expires)
	_, err = w.Grant(t.Context(), want.Family)
	wantKind(t, "an expired grant", err, roster.KindNotFound)
}

func TestRevokedTokensAndSigningKeys(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		if err := w.RevokeToken(t.Context(), "token#1", w.clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]bool{"token#1": true, "token#2": false, "": false, string(bytes.Repeat([]byte("x"), 3000)): false} {
		if got, err := w.TokenRevoked(t.Context(), id); got != want || err != nil {
			t.Errorf("TokenRevoked(%.10q) = %v, %v, want %v", id, got, err, want)
		}
	}

	old := roster.SigningKey{ID: "old", Algorithm: "RS256", PublicKey: []byte{1, 2}, CreatedAt: w.clock.Now()}
	young := roster.SigningKey{ID: "a young one", Algorithm: "RS256", PublicKey: []byte{3}, CreatedAt: w.clock.Now().Add(time.Hour)}
	if err := errors.Join(w.PutSigningKey(t.Context(), young), w.PutSigningKey(t.Context(), old)); err != nil {
		t.Fatal(err)
	}
	old.RetiredAt = w.clock.Now().Add(time.Hour)
	if err := w.PutSigningKey(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	want := []roster.SigningKey{old, young}
	if got, err := w.SigningKeys(t.Context()); err != nil || !cmp.Equal(got, want) {
		t.Errorf("the keys are %v, %v, want %v", got, err, want)
	}
}
