package workspace_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// town is a table and a change feed in memory, which count how often they are read: the laws of paging need many users in many worlds.
type town struct {
	directory.Users
	mu    sync.Mutex
	users map[roster.UserID]roster.User // guarded by mu
	looks atomic.Int64
	reads atomic.Int64
}

// townOf returns a town of those users, and the dialect over it.
func townOf(t interface{ Cleanup(func()) }, users ...roster.User) (*town, http.Handler) {
	p := &town{users: map[roster.UserID]roster.User{}}
	for _, u := range users {
		p.put(u)
	}
	replicas := replica.New(replica.Config{Feed: p, Now: func() time.Time { return world.Now }})
	t.Cleanup(replicas.Wait)
	return p, bare(directory.New(directory.Ports{Users: p, Organizations: p, Search: world.Searcher{Replicas: replicas}}))
}

// put stores the next writing of a user.
func (p *town) put(u roster.User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u.Revision = roster.Revision{Version: p.users[u.ID].Revision.Version + 1, ChangedAt: world.Now}
	p.users[u.ID] = u
}

// remove deletes a user softly.
func (p *town) remove(id roster.UserID) {
	u := p.users[id]
	u.DeletedAt, u.ExpiresAt = world.Now, world.Now.Add(24*time.Hour)
	p.put(u)
}

// standing returns the users that stand, in id order.
func (p *town) standing() []roster.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	var users []roster.User
	for _, u := range p.users {
		if !u.Deleted() {
			users = append(users, u)
		}
	}
	slices.SortFunc(users, func(a, b roster.User) int { return int(a.ID - b.ID) })
	return users
}

func (p *town) Changes(_ context.Context, _ roster.TenantID, shard int, _ time.Time, visit func(roster.Change) error) error {
	p.looks.Add(1)
	acme := world.Organizations()[0]
	acme.Revision = roster.Revision{Version: 1, ChangedAt: world.Now}
	if roster.Shard(acme.ID) == shard {
		if err := visit(roster.Change{Organization: &acme}); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.users {
		if roster.Shard(u.ID) == shard {
			if err := visit(roster.Change{User: &u}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *town) User(_ context.Context, _ roster.TenantID, id roster.UserID) (roster.User, error) {
	p.reads.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.users[id]
	if !ok || u.Deleted() {
		return roster.User{}, roster.NotFound("user")
	}
	return u, nil
}

func (p *town) Organization(_ context.Context, _ roster.TenantID, id roster.OrgID) (roster.Organization, error) {
	p.reads.Add(1)
	for _, o := range world.Organizations() {
		if o.ID == id {
			return o, nil
		}
	}
	return roster.Organization{}, roster.NotFound("organization")
}

// firstID is below all ids of towns, which leave room between one another.
const firstID = roster.UserID(1 << 40)

// drawUsers draws users, few of whom differ in all that can be sorted by. All but some belong to Acme itself.
func drawUsers(t *rapid.T, most int) []roster.User {
	dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	users := make([]roster.User, rapid.IntRange(0, most).Draw(t, "users"))
	for i := range users {
		users[i] = rollUser(dice, firstID+roster.UserID(i*1000))
	}
	return users
}

// rollUser returns a user whose fields the dice choose.
func rollUser(dice *rand.Rand, id roster.UserID) roster.User {
	some := func(ages ...time.Duration) time.Time { return world.Now.Add(-ages[dice.IntN(len(ages))]) }
	u := roster.User{
		Tenant: roster.TenantID(world.Acme), ID: id, Path: roster.OrgPath{world.Acme}, Email: roster.Email(fmt.Sprintf("u%d@example.com", id)),
		Name:       []string{"Ann", "ann", "Bob", "Éva", "Zoë"}[dice.IntN(5)],
		Roles:      [][]roster.RoleID{{1}, {2}, {3}, {50}, {51}, {3, 1}, {1, 3}, {50, 1}, {99}}[dice.IntN(9)],
		Status:     []roster.Status{roster.StatusActive, roster.StatusActive, roster.StatusPending, roster.StatusSuspended}[dice.IntN(4)],
		DeviceType: roster.DeviceType(dice.IntN(4)), ViewAll: dice.IntN(2) == 0,
		CreatedAt: some(time.Hour, 2*time.Hour, 3*time.Hour), UpdatedAt: some(time.Minute, 2*time.Minute),
		LastLoginAt: some(time.Hour, roster.InactiveAfter-time.Millisecond, roster.InactiveAfter, 2*roster.InactiveAfter),
	}
	if dice.IntN(8) == 0 {
		u.Path = world.Path(world.Birch)
	}
	return u
}

// TestReadsAreCounted pins how often each answer looks at the feed and reads the table, in a workspace of 10 users and in one of 3000.
func TestReadsAreCounted(t *testing.T) {
	for _, size := range []int{10, 3000} {
		dice := rand.New(rand.NewPCG(1, 2))
		var users []roster.User
		for i := range size {
			u := rollUser(dice, firstID+roster.UserID(i*1000))
			u.Path, u.Roles, u.ViewAll = roster.OrgPath{world.Acme}, []roster.RoleID{roster.RoleUser}, false
			users = append(users, u)
		}
		users[0].Roles = []roster.RoleID{roster.RoleAdmin}
		p, h := townOf(t, users...)
		as := func(u *roster.User) roster.Principal {
			return roster.Principal{Tenant: u.Tenant, Path: u.Path, Client: "c", User: u.ID}
		}
		client, admin, user := world.Client(world.Acme), as(&users[0]), as(&users[1])
		get(h, client, "/users") // loads the replica
		for _, test := range []struct {
			what         string
			caller       roster.Principal
			target       string
			status       int
			looks, reads int64
		}{
			{"a list for a client", client, "/users", 200, roster.Shards, 0},
			{"a list for an Admin", admin, "/users?sortBy=status&role=OPERATOR&page=3", 200, roster.Shards, 1},
			{"a list for a user", user, "/users", 200, roster.Shards, 1},
			{"me", admin, "/users/me", 200, 0, 2},
			{"oneself by id", user, pathOf(user.User), 200, 0, 2},
			{"somebody for an Admin", admin, pathOf(user.User), 200, 0, 3},
			{"somebody for a client", client, pathOf(user.User), 200, 0, 2},
			{"nobody for an Admin", admin, pathOf(4711), 404, 0, 2},
			{"nobody for a client", client, pathOf(4711), 404, 0, 1},
			{"somebody hidden", user, pathOf(admin.User), 404, 0, 1},
			{"nobody, for who sees nobody", user, pathOf(4711), 404, 0, 1},
			{"me for a client", client, "/users/me", 403, 0, 0},
		} {
			looks, reads := p.looks.Load(), p.reads.Load()
			if answer := get(h, test.caller, test.target); answer.Code != test.status {
				t.Errorf("%s is answered %d %s, want %d", test.what, answer.Code, answer.Body, test.status)
			}
			if looks, reads = p.looks.Load()-looks, p.reads.Load()-reads; looks != test.looks || reads != test.reads {
				t.Errorf("of %d users, %s takes %d looks and %d reads, want %d and %d", size, test.what, looks, reads, test.looks, test.reads)
			}
		}
	}
}

// TestAWarmGetAllocatesLittle holds the bar of the design: at most 200 allocations for an answer, outside the table.
func TestAWarmGetAllocatesLittle(t *testing.T) {
	u := rollUser(rand.New(rand.NewPCG(1, 2)), firstID)
	u.Path = roster.OrgPath{world.Acme}
	_, h := townOf(t, u)
	for _, target := range []string{"/users", pathOf(u.ID)} {
		ask := func() {
			if answer := get(h, world.Client(world.Acme), target); answer.Code != http.StatusOK || answer.Body.Len() < 200 {
				t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
			}
		}
		ask()
		if got := testing.AllocsPerRun(100, ask); got > 200 {
			t.Errorf("GET %s makes %.0f allocations, want at most 200", target, got)
		}
	}
}
