package app_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

// TestReadsCostTheSameInEveryTenant pins what warm reads of the dialects cost through the whole function, as the caller is told it in
// Server-Timing, in a tenant of 100 users and in one of 10,000, a third of whom have delegates.
func TestReadsCostTheSameInEveryTenant(t *testing.T) {
	for _, users := range []int{100, 10_000} {
		t.Run(strconv.Itoa(users), func(t *testing.T) {
			var ahead atomic.Int64 // nanoseconds by which the functions' clock is ahead
			now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			// Without the quota, of which TestAPermitCostsAWriteAMinute says what it adds. The overlap is long enough for what is
			// changed last to stay within it until the end, however slow the machine.
			h := buildOn(t, now, rostertest.CreateTable(t), "ROSTER_REQUESTS_PER_MINUTE", "0", "ROSTER_REPLICA_OVERLAP", "3m")
			table := h.config.NewTable(now, h.config.Logger(h.log))
			crowd := people.New(people.Config{Seed: 1, Now: time.Now(), Tenant: h.tenant.Organization.Tenant, Users: users})
			populate(t, table, crowd)

			token := h.token(t, "tokens-client-credentials.json")
			search := func(query string) lambdaio.Response {
				return h.ask(t, "organization-search.json", token, func(r *lambdaio.Request) {
					r.QueryStringParameters = map[string]string{"query": query}
					r.MultiValueQueryStringParameters = map[string][]string{"query": {query}}
				})
			}
			list := func(query map[string][]string) lambdaio.Response {
				return h.askCustomers(t, "customers-list.json", token, func(r *lambdaio.Request) {
					h.atCustomer(0, "")(r)
					r.QueryStringParameters, r.MultiValueQueryStringParameters = nil, query
				})
			}
			colleagues := func(token string, query map[string][]string) lambdaio.Response {
				return h.askOf(t, h.workspace, "workspace-list.json", token, func(r *lambdaio.Request) { r.MultiValueQueryStringParameters = query })
			}
			page := func(query map[string][]string) lambdaio.Response {
				return h.askGlobal(t, "global-list-filtered.json", token, func(r *lambdaio.Request) { r.MultiValueQueryStringParameters = query })
			}
			each := func() {
				search("ann")
				colleagues(token, nil)
				list(map[string][]string{"search": {"ann"}})
				page(nil)
			}
			each() // loads the replicas
			ahead.Add(int64(5 * time.Minute))
			each() // reads the last of the crowd once more, as it came within the overlap before the load
			// One change in each shard makes every read of the feed carry something, since DynamoDB Local reports nothing
			// for an answer of nothing where DynamoDB charges half a unit.
			touch(t, table, h.tenant.Organization.Path)
			for _, query := range []string{"ann", "a", "no such person"} {
				if got, want := costOf(t, "a search in dialect 1", search(query)), (cost{calls: roster.Shards, reads: 0.5 * roster.Shards}); got != want {
					t.Errorf("a search for %q costs %+v, want %+v", query, got, want)
				}
			}
			if got, want := costOf(t, "a list in dialect 1", h.ask(t, "organization-list.json", token, nil)), (cost{calls: roster.Shards, reads: 0.5 * roster.Shards}); got != want {
				t.Errorf("a list costs %+v, want %+v", got, want)
			}
			id := h.tenant.Admin.ID.String()
			get := h.ask(t, "organization-user.json", token, func(r *lambdaio.Request) {
				r.QueryStringParameters = map[string]string{"userId": id}
				r.MultiValueQueryStringParameters = map[string][]string{"userId": {id}}
			})
			if got, want := costOf(t, "a get in dialect 1", get), (cost{calls: 1, reads: 1}); got != want {
				t.Errorf("a get costs %+v, want %+v", got, want)
			}

			for _, query := range []map[string][]string{
				{"search": {"ann"}}, {"search": {"no such person"}}, {"integration": {"cloud-assistant-google"}}, {"integration": {"cloud-assistant-zoom"}, "search": {"a"}},
			} {
				if got, want := costOf(t, "a list in dialect 2", list(query)), (cost{calls: roster.Shards, reads: 0.5 * roster.Shards}); got != want {
					t.Errorf("a list of a customer's users, %v, costs %+v, want %+v", query, got, want)
				}
			}
			for _, query := range []map[string][]string{
				nil, {"fields": {"all"}, "fields:roles": {"all"}, "fields:default_warehouse": {"all"}, "fields:merchant": {"all"}, "limit": {"1000"}, "count": {"1"}},
				{"filter": {"name{regex:'a'}", "id{gt:5}"}, "sort": {"-email"}}, {"is_deleted": {"true"}}, {"filter": {"email:nobody"}},
			} {
				answer := page(query)
				if got, want := costOf(t, "a page in dialect 4", answer), (cost{calls: roster.Shards, reads: 0.5 * roster.Shards}); got != want || answer.StatusCode != http.StatusOK {
					t.Errorf("a page of users, %v, is answered %d and costs %+v, want %+v", query, answer.StatusCode, got, want)
				}
			}
			h.workspaceCosts(t, token, colleagues)
			one := h.askCustomers(t, "customers-user.json", token, h.atCustomer(befriended(crowd), ""))
			if got, want := costOf(t, "a user with delegates in dialect 2", one), (cost{calls: 1 + roster.Shards, reads: 1 + 0.5*roster.Shards}); got != want || !strings.Contains(one.Body, `"delegates":[{`) {
				t.Errorf("a user with delegates costs %+v, want %+v: %s", got, want, one.Body)
			}
			lookup := h.askCustomers(t, "customers-lookup.json", token, func(r *lambdaio.Request) {
				h.atCustomer(0, "")(r)
				identity := someIdentity(t, crowd)
				r.MultiValueQueryStringParameters = map[string][]string{"type": {identity.Type}, "value": {identity.Value}}
			})
			if got, want := costOf(t, "a look-up in dialect 2", lookup), (cost{calls: 1, reads: 1}); got != want {
				t.Errorf("a look-up costs %+v, want %+v", got, want)
			}
			all := list(nil)
			if want := map[bool]int{true: http.StatusOK, false: http.StatusBadRequest}[users == 100]; all.StatusCode != want {
				t.Errorf("a list of all %d: %d of %d bytes, want %d", users, all.StatusCode, len(all.Body), want)
			}
			if all.StatusCode == http.StatusBadRequest && !strings.Contains(all.Body, "narrow the search") {
				t.Errorf("a list that is too long: %s", all.Body)
			}
		})
	}
}

// befriend returns the crowd's users; every third of them has the one before as a delegate.
func befriend(crowd *people.Population) []roster.User {
	users := slices.Collect(crowd.Users())
	for i := range users {
		if i%3 == 2 {
			users[i].Delegates = []roster.Delegate{{User: users[i-1].ID, Permissions: []string{"time:entries:read:own"}}}
		}
	}
	return users
}

// befriended returns one of those who have delegates.
func befriended(crowd *people.Population) roster.UserID {
	return befriend(crowd)[2].ID
}

// someIdentity returns an identity that somebody in the crowd has.
func someIdentity(t *testing.T, crowd *people.Population) roster.Identity {
	t.Helper()
	for user := range crowd.Users() {
		if len(user.Identities) > 0 {
			return user.Identities[0]
		}
	}
	t.Fatal("nobody has an identity")
	return roster.Identity{}
}

// populate stores the crowd, several calls at a time.
func populate(t *testing.T, table *dynamo.Table, crowd *people.Population) {
	t.Helper()
	var batch []roster.NewUser
	for _, user := range befriend(crowd) {
		batch = append(batch, roster.NewUser{User: user})
	}
	var wg sync.WaitGroup
	for part := range slices.Chunk(batch, len(batch)/4+1) {
		wg.Go(func() {
			for _, created := range table.CreateUsers(t.Context(), part, rostertest.Stamp()) {
				if created.Err != nil {
					t.Error(created.Err)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// touch writes one user in each shard of the feed.
func touch(t *testing.T, table *dynamo.Table, path roster.OrgPath) {
	t.Helper()
	for n := range roster.Shards {
		user := rostertest.User(path, roster.Shards*1000+n, func(u *roster.User) { u.Email = roster.Email(fmt.Sprintf("late%d@example.com", n)) })
		for _, created := range table.CreateUsers(t.Context(), []roster.NewUser{{User: user}}, rostertest.Stamp()) {
			if created.Err != nil {
				t.Fatal(created.Err)
			}
		}
	}
}

type cost struct {
	calls int
	reads float64
}

var serverTiming = regexp.MustCompile(`^table;dur=[0-9.]+;desc="([0-9]+) calls, ([0-9.]+) RRU, 0 WRU"$`)

// costOf reads what an answer says it cost at the table, and notes it.
func costOf(t *testing.T, what string, response lambdaio.Response) cost {
	t.Helper()
	header := response.MultiValueHeaders["Server-Timing"]
	if response.StatusCode != 200 || len(header) != 1 {
		t.Fatalf("%d %s, Server-Timing %q", response.StatusCode, response.Body, header)
	}
	m := serverTiming.FindStringSubmatch(header[0])
	if m == nil {
		t.Fatalf("Server-Timing = %q", header[0])
	}
	calls, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	reads, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		t.Fatal(err)
	}
	rostertest.NoteCost(t, rostertest.PinnedCost{What: what, Calls: calls, Reads: reads})
	return cost{calls, reads}
}
