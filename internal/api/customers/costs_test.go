package customers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// member returns user n of Acme. Every third has two delegates and an identity.
func member(n int) roster.User {
	u := roster.User{
		Tenant: roster.TenantID(world.Acme), ID: roster.UserID(100_000 + n), Path: roster.OrgPath{world.Acme},
		Email: roster.Email(fmt.Sprintf("member%d@example.com", n)), Name: fmt.Sprintf("Mia%d Miller", n), GivenName: fmt.Sprintf("Mia%d", n), FamilyName: "Miller",
		Nickname: fmt.Sprintf("mimi%d", n), Title: "Associate", Department: "Tax", Office: "NYC", Pod: "A", Status: roster.StatusActive, Roles: []roster.RoleID{roster.RoleUser},
		CreatedAt: world.Now.Add(-50 * 24 * time.Hour), UpdatedAt: world.Now.Add(-time.Hour), RegisteredAt: world.Now.Add(-40 * 24 * time.Hour), LastLoginAt: world.Now.Add(-time.Hour),
		Revision: roster.Revision{Version: 1, ChangedAt: world.Now.Add(-time.Hour)},
	}
	if n%3 == 2 {
		u.Delegates = []roster.Delegate{{User: u.ID - 1}, {User: u.ID - 2}}
		u.Identities = []roster.Identity{{Type: "cisco-cdr", Value: fmt.Sprint(n)}}
	}
	return u
}

// TestReadsCostTheSameWithMoreUsers pins what reads cost at the table, as the caller is told it, for a customer of 50 users and
// for one of 1000, a third of whom have delegates.
func TestReadsCostTheSameWithMoreUsers(t *testing.T) {
	for _, users := range []int{50, 1000} {
		t.Run(fmt.Sprint(users), func(t *testing.T) {
			var ahead atomic.Int64 // nanoseconds by which the clocks are ahead of the world's
			now := func() time.Time { return world.Now.Add(time.Duration(ahead.Load())) }
			table := rostertest.TableWith(t, dynamo.Options{Now: now})
			if _, _, err := table.CreateOrganization(t.Context(), world.Organizations()[0], rostertest.Stamp(), nil); err != nil {
				t.Fatal(err)
			}
			create := func(from, to int) {
				var batch []roster.NewUser
				for n := from; n < to; n++ {
					batch = append(batch, roster.NewUser{User: member(n)})
				}
				for _, created := range table.CreateUsers(t.Context(), batch, rostertest.Stamp()) {
					if created.Err != nil {
						t.Fatal(created.Err)
					}
				}
			}
			create(0, users)
			replicas := replica.New(replica.Config{Feed: table, Now: now})
			t.Cleanup(replicas.Wait)
			h := customers.New(directory.New(directory.Ports{
				Users: table, Organizations: table, Roles: table, Writes: table, Search: world.Searcher{Replicas: replicas}, Now: now,
			}), customers.Options{Options: api.Options{Now: now}})
			list := usersOf(world.Acme)
			get(h, world.Client(world.Acme), list) // loads the replica
			ahead.Add(int64(time.Minute))
			get(h, world.Client(world.Acme), list) // reads the last ones once more, as they came within the overlap before the load
			// One change in each shard makes every read of the feed carry something, since DynamoDB Local reports nothing for an
			// answer of nothing where DynamoDB charges half a unit.
			create(200_001, 200_001+roster.Shards)
			const look = 0.5 * roster.Shards
			last := list + "/" + customers.UserID(roster.UserID(100_000+users/3*3-1))
			for _, test := range []struct {
				target string
				want   cost
			}{
				{list, cost{roster.Shards, look}},
				{list + "?search=mia1", cost{roster.Shards, look}},
				{list + "?search=nobody", cost{roster.Shards, look}},
				{list + "?integration=cloud-assistant-cdr", cost{roster.Shards, look}},
				{list + "/lookup?type=cisco-cdr&value=2", cost{1, 1}},
				{last, cost{roster.Shards + 1, look + 1}},
			} {
				answer := get(h, world.Client(world.Acme), test.target)
				if answer.Code != http.StatusOK {
					t.Fatalf("GET %s is answered %d %.200s", test.target, answer.Code, answer.Body)
				}
				if got := costOf(t, answer.Header()); got != test.want {
					t.Errorf("GET %s costs %+v, want %+v", test.target, got, test.want)
				}
			}
			shown := read[[]customers.User](t, get(h, world.Client(world.Acme), list))
			if len(shown) != users+roster.Shards || len(shown[2].Delegates) != 2 || len(shown[0].Delegators) != 1 {
				t.Errorf("the list has %d users, whose digests are not all there", len(shown))
			}
		})
	}
}

type cost struct {
	calls int
	reads float64
}

// costOf reads what an answer says it cost at the table.
func costOf(t *testing.T, header http.Header) cost {
	t.Helper()
	var c cost
	_, after, _ := strings.Cut(header.Get("Server-Timing"), "desc=")
	if _, err := fmt.Sscanf(after, `"%d calls, %g RRU, 0 WRU"`, &c.calls, &c.reads); err != nil {
		t.Fatalf("Server-Timing = %q: %v", header.Get("Server-Timing"), err)
	}
	return c
}

// crowd is a change feed and a table of one customer with that many users, which count how often they are read.
type crowd struct {
	directory.Users
	users  int
	member func(n int) roster.User
	looks  atomic.Int64
	reads  atomic.Int64
}

func (c *crowd) Changes(_ context.Context, _ roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	c.looks.Add(1)
	if !since.IsZero() {
		return nil
	}
	acme := world.Organizations()[0]
	acme.Revision = roster.Revision{Version: 1, ChangedAt: world.Now.Add(-time.Hour)}
	if roster.Shard(acme.ID) == shard {
		if err := visit(roster.Change{Organization: &acme}); err != nil {
			return err
		}
	}
	for n := range c.users {
		if roster.Shard(roster.UserID(100_000+n)) != shard {
			continue
		}
		u := c.member(n)
		if err := visit(roster.Change{User: &u}); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) User(_ context.Context, _ roster.TenantID, id roster.UserID) (roster.User, error) {
	c.reads.Add(1)
	return c.member(int(id) - 100_000), nil
}

func (c *crowd) IdentityOwner(context.Context, roster.TenantID, roster.OrgID, roster.Identity) (roster.UserID, error) {
	c.reads.Add(1)
	return 100_000, nil
}

// visits counts how many users are looked at.
type visits struct {
	directory.Search
	n int
}

func (v *visits) View(ctx context.Context, tenant roster.TenantID) (directory.View, error) {
	view, err := v.Search.View(ctx, tenant)
	return counted{view, v}, err
}

type counted struct {
	directory.View
	visits *visits
}

func (c counted) EachUser(q roster.Query, visit func(*roster.User) bool) error {
	return c.View.EachUser(q, func(u *roster.User) bool {
		c.visits.n++
		return visit(u)
	})
}

// TestFiftyThousandUsers holds that a customer of that size costs as many reads as one of 50, and that a list that is too large
// for Lambda is refused soon, while every list that fits is answered.
func TestFiftyThousandUsers(t *testing.T) {
	reads := map[int][]int64{}
	for _, users := range []int{50, 50_000} {
		table := &crowd{users: users, member: member}
		replicas := replica.New(replica.Config{Feed: table, Now: func() time.Time { return world.Now }})
		t.Cleanup(replicas.Wait)
		search := &visits{Search: world.Searcher{Replicas: replicas}}
		h := bare(directory.New(directory.Ports{Users: table, Search: search}))
		list := usersOf(world.Acme)
		get(h, world.Client(world.Acme), list+"?search=nobody") // loads the replica
		for _, test := range []struct {
			target string
			found  int // of 50,000; -1 for too many
		}{
			{list, -1},
			{list + "?search=miller", -1},
			{list + "?search=mia49", 1111}, // 49, 49x, 49xx, 49xxx
			{list + "?integration=cloud-assistant-cdr", 16_666},
			{list + "/lookup?type=cisco-cdr&value=2", 0},
			{list + "/" + customers.UserID(100_002), 0},
		} {
			table.looks.Store(0)
			table.reads.Store(0)
			search.n = 0
			answer := get(h, world.Client(world.Acme), test.target)
			reads[users] = append(reads[users], table.looks.Load(), table.reads.Load())
			switch {
			case users == 50 && answer.Code != http.StatusOK:
				t.Errorf("with %d users, GET %s is answered %d %.200s", users, test.target, answer.Code, answer.Body)
			case users == 50:
			case test.found < 0:
				refuse(t, answer, 400, "search finds more users than fit into one answer: narrow the search")
				if search.n > users/5 {
					t.Errorf("GET %s looked at %d of %d users before it was refused", test.target, search.n, users)
				}
			case test.found > 0:
				if size := inLambda(t, answer.Body.String()); size > 5_500_000 {
					t.Errorf("GET %s is answered with %d bytes", test.target, size)
				}
				if got := len(read[[]json.RawMessage](t, answer)); got != test.found {
					t.Errorf("GET %s is answered with %d users, want %d", test.target, got, test.found)
				}
			default:
				if answer.Code != http.StatusOK {
					t.Errorf("GET %s is answered %d %.200s", test.target, answer.Code, answer.Body)
				}
			}
		}
	}
	if diff := cmp.Diff(reads[50], reads[50_000]); diff != "" {
		t.Errorf("looks at the feed and reads of the table (-50 +50,000 users)\n%s", diff)
	}
	want := []int64{roster.Shards, 0, roster.Shards, 0, roster.Shards, 0, roster.Shards, 0, 0, 1, roster.Shards, 1}
	if diff := cmp.Diff(want, reads[50_000]); diff != "" {
		t.Errorf("looks at the feed and reads of the table (-want +got)\n%s", diff)
	}
}

// TestAListOfUsersWithLongFieldsIsBounded has few users who take much room each.
func TestAListOfUsersWithLongFieldsIsBounded(t *testing.T) {
	table := &crowd{users: 600, member: func(n int) roster.User {
		u := member(n)
		u.Nickname, u.Title, u.Seniority, u.Subdepartment = strings.Repeat(`"`, 100), strings.Repeat(`\`, 100), strings.Repeat("é", 100), strings.Repeat("<", 100)
		for i := range 45 {
			u.Identities = append(u.Identities, roster.Identity{Type: "juris", Value: fmt.Sprintf("%0200d", n*100+i)})
		}
		return u
	}}
	replicas := replica.New(replica.Config{Feed: table, Now: func() time.Time { return world.Now }})
	t.Cleanup(replicas.Wait)
	h := bare(directory.New(directory.Ports{Users: table, Search: world.Searcher{Replicas: replicas}}))
	refuse(t, get(h, world.Client(world.Acme), usersOf(world.Acme)), 400, "search finds more users than fit into one answer: narrow the search")
	refuse(t, get(h, world.Client(world.Acme), usersOf(world.Acme)+"?search=example.com"), 400, "search finds more users than fit into one answer: narrow the search")
	some := get(h, world.Client(world.Acme), usersOf(world.Acme)+"?search=mia1")
	if size := inLambda(t, some.Body.String()); size < 1_000_000 || size > 5_500_000 {
		t.Errorf("the list has %d bytes", size)
	}
	if got := len(read[[]json.RawMessage](t, some)); got != 111 {
		t.Errorf("the list has %d users, want 111", got)
	}
}

// inLambda returns how many bytes a body takes in what a function returns, where it is a string in JSON.
func inLambda(t *testing.T, body string) int {
	t.Helper()
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		t.Fatal(err)
	}
	return b.Len() - len(`""`+"\n")
}

// TestAWarmGetAllocatesLittle holds the bar of the design: at most 200 allocations for an answer of 2 KB, outside the table.
func TestAWarmGetAllocatesLittle(t *testing.T) {
	table := &crowd{users: 50, member: member}
	replicas := replica.New(replica.Config{Feed: table, Now: func() time.Time { return world.Now }})
	t.Cleanup(replicas.Wait)
	h := bare(directory.New(directory.Ports{Users: table, Search: world.Searcher{Replicas: replicas}}))
	path := usersOf(world.Acme) + "/" + customers.UserID(100_002)
	ask := func() {
		if answer := get(h, world.Client(world.Acme), path); answer.Code != http.StatusOK || answer.Body.Len() < 1000 {
			t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
		}
	}
	ask()
	if got := testing.AllocsPerRun(100, ask); got > 200 {
		t.Errorf("a get makes %.0f allocations, want at most 200", got)
	}
}
