package global_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rosterhq/roster/internal/api/global"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// stand is the dialect over a replica of the tenant Acme, to which changes come at once. There is no table: the list needs none.
type stand struct {
	replicas *replica.Replicas
	handler  http.Handler
	changes  []roster.Change // what the feed has
	versions map[any]int64   // by id
}

// newStand returns a stand with the organizations and roles of the world, with those users.
func newStand(users ...roster.User) *stand {
	s := &stand{versions: map[any]int64{}}
	for _, o := range world.Organizations() {
		o.Revision = s.revision(o.ID)
		s.changes = append(s.changes, roster.Change{Organization: &o})
	}
	for _, r := range world.Roles() {
		r.Revision = s.revision(r.ID)
		s.changes = append(s.changes, roster.Change{Role: &r})
	}
	for _, u := range users {
		s.changes = append(s.changes, s.changed(u))
	}
	s.replicas = replica.New(replica.Config{Feed: s, Now: func() time.Time { return world.Now }, MaxAge: time.Hour})
	s.handler = bare(s.directory())
	return s
}

func (s *stand) directory() *directory.Directory {
	return directory.New(directory.Ports{Search: world.Searcher{Replicas: s.replicas}})
}

// Changes makes the stand its own feed.
func (s *stand) Changes(_ context.Context, _ roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	if shard != 0 || !since.IsZero() {
		return nil
	}
	for _, c := range s.changes {
		if err := visit(c); err != nil {
			return err
		}
	}
	return nil
}

func (s *stand) revision(id any) roster.Revision {
	s.versions[id]++
	return roster.Revision{Version: s.versions[id], ChangedAt: world.Now}
}

func (s *stand) changed(u roster.User) roster.Change {
	u.Tenant = roster.TenantID(world.Acme)
	u.Revision = s.revision(u.ID)
	return roster.Change{User: u.Clone()}
}

// put stores a user, new or not.
func (s *stand) put(u roster.User) { s.replicas.Apply(roster.TenantID(world.Acme), s.changed(u)) }

// person returns a user of an organization, who was created long ago.
func person(id roster.UserID, org roster.OrgID, changes ...func(*roster.User)) roster.User {
	at := world.Now.Add(-100 * 24 * time.Hour).Add(time.Duration(id) * time.Second)
	u := roster.User{
		ID: id, Path: world.Path(org), Name: fmt.Sprintf("Person %d", id), Email: roster.Email(fmt.Sprintf("p%d@example.com", id)),
		Roles: []roster.RoleID{roster.RoleUser}, Status: roster.StatusActive, CreatedAt: at, UpdatedAt: at, RegisteredAt: at,
	}
	for _, change := range changes {
		change(&u)
	}
	return u
}

func deleted(u *roster.User) { u.DeletedAt = world.Now.Add(-time.Hour) }

// ids returns the ids of the users on a page.
func ids(list global.UserList) []int64 {
	found := []int64{}
	for _, u := range list.Collection {
		found = append(found, u.ID)
	}
	return found
}

// tester is a testing.TB or a rapid.T.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// list asks as the organization Acme for a 200.
func (s *stand) list(t tester, target string) global.UserList {
	t.Helper()
	return read(t, get(s.handler, world.Client(world.Acme), target))
}
