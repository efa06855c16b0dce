package replica

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

// benchNow is the moment the benchmarks' people are made for.
var benchNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// benchSizes are the numbers of users to measure with: 10,000 and 100,000, or what ROSTER_BENCH_USERS says.
func benchSizes(b *testing.B) []int {
	b.Helper()
	asked := os.Getenv("ROSTER_BENCH_USERS")
	if asked == "" {
		return []int{10_000, 100_000}
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < 1 {
		b.Fatalf("ROSTER_BENCH_USERS=%q is not a number of users", asked)
	}
	return []int{n}
}

// bench is a replica full of people.
type bench struct {
	people *people.Population
	feed   *listFeed
	users  []roster.User
	r      *Replicas
	tenant roster.TenantID
}

// listFeed is a feed that always shows the same changes, whatever they are asked since.
type listFeed [roster.Shards][]roster.Change

func (f *listFeed) Changes(_ context.Context, _ roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	if !since.IsZero() {
		return nil
	}
	for _, c := range f[shard] {
		if err := visit(c); err != nil {
			return err
		}
	}
	return nil
}

// benches are shared by the benchmarks of one run.
var benches = map[int]*bench{}

func newBench(b *testing.B, size int) *bench {
	b.Helper()
	if made := benches[size]; made != nil {
		return made
	}
	p := people.New(people.Config{Seed: 1, Now: benchNow, Tenant: 4711, Organizations: max(10, size/1000), Users: size})
	made := &bench{people: p, tenant: p.Tenant(), feed: &listFeed{}}
	for u := range p.Users() {
		made.users = append(made.users, u)
	}
	made.r = New(Config{Feed: made.feed, Now: func() time.Time { return benchNow }})
	made.fill()
	if _, err := made.r.SearchUsers(b.Context(), made.tenant, roster.Query{Page: roster.Page{Limit: 1}}); err != nil {
		b.Fatal(err)
	}
	benches[size] = made
	return made
}

// fill puts everything into the feed.
func (m *bench) fill() {
	for _, o := range m.people.Organizations() {
		s := roster.Shard(o.ID)
		m.feed[s] = append(m.feed[s], roster.Change{Organization: &o})
	}
	for _, r := range m.people.Roles() {
		s := roster.Shard(r.ID)
		m.feed[s] = append(m.feed[s], roster.Change{Role: &r})
	}
	for i := range m.users {
		s := roster.Shard(m.users[i].ID)
		m.feed[s] = append(m.feed[s], roster.Change{User: &m.users[i]})
	}
}

func (m *bench) search(b *testing.B, q roster.Query) roster.UserPage {
	page, err := m.r.SearchUsers(b.Context(), m.tenant, q)
	if err != nil {
		b.Fatal(err)
	}
	return page
}

func (m *bench) measure(b *testing.B, q roster.Query) {
	b.ReportAllocs()
	total := m.search(b, q).Total
	for b.Loop() {
		m.search(b, q)
	}
	b.ReportMetric(float64(total), "matches")
}

// needles are the mix of SEARCH.md: short and long, common, rare and absent.
var needles = []string{"a", "q", "an", "qx", "ann", "xav", "qqq", "smith", "quist", "anaxi", ".example", "reyes123"}

func byName(field roster.Field, descending bool) []roster.Sort {
	return []roster.Sort{{Field: field, Descending: descending}}
}

func forSizes(b *testing.B, run func(b *testing.B, size int)) {
	for _, size := range benchSizes(b) {
		b.Run(fmt.Sprintf("users=%d", size), func(b *testing.B) { run(b, size) })
	}
}

func BenchmarkNeedle(b *testing.B) {
	forSizes(b, func(b *testing.B, size int) {
		m := newBench(b, size)
		for _, deep := range []int{0, size * 3 / 40} {
			for _, text := range needles {
				b.Run(fmt.Sprintf("offset=%d/%s", deep, text), func(b *testing.B) {
					m.measure(b, roster.Query{Text: text, Sort: byName(roster.FieldName, false), Page: roster.Page{Limit: 50, Offset: deep}})
				})
			}
		}
	})
}

func BenchmarkSort(b *testing.B) {
	forSizes(b, func(b *testing.B, size int) {
		m := newBench(b, size)
		for _, field := range roster.Fields() {
			for _, descending := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/descending=%t", field, descending), func(b *testing.B) {
					m.measure(b, roster.Query{Sort: byName(field, descending), Page: roster.Page{Limit: 50, Offset: size * 3 / 40}})
				})
			}
		}
		b.Run("status,name", func(b *testing.B) {
			keys := []roster.Sort{{Field: roster.FieldStatus}, {Field: roster.FieldName, Descending: true}}
			m.measure(b, roster.Query{Sort: keys, Page: roster.Page{Limit: 50, Offset: size * 3 / 40}})
		})
	})
}

func BenchmarkFilter(b *testing.B) {
	active := roster.Filter{Field: roster.FieldStatus, Operator: roster.Equal, Values: []roster.Value{{Number: int64(roster.StatusActive)}}}
	staff := roster.Filter{Field: roster.FieldRole, Operator: roster.Equal, Values: []roster.Value{{Number: int64(roster.RoleStaff)}}}
	forSizes(b, func(b *testing.B, size int) {
		m := newBench(b, size)
		orgs := m.people.Organizations()
		subtree := roster.Scope{Org: orgs[1].ID, Subtree: true}
		page := roster.Page{Limit: 50}
		sort := byName(roster.FieldName, false)
		for name, q := range map[string]roster.Query{
			"organization":       {Scope: roster.Scope{Org: orgs[len(orgs)-1].ID}},
			"subtree":            {Scope: subtree},
			"subtree,text":       {Scope: subtree, Text: "an"},
			"status,role":        {Filters: []roster.Filter{active, staff}},
			"status,role,text":   {Filters: []roster.Filter{active, staff}, Text: "an"},
			"subtree,all,text":   {Scope: subtree, Filters: []roster.Filter{active, staff}, Text: "an"},
			"created since":      {Filters: []roster.Filter{{Field: roster.FieldCreatedAt, Operator: roster.Greater, Values: []roster.Value{{Number: benchNow.AddDate(-1, 0, 0).UnixMilli()}}}}},
			"e-mail equal":       {Filters: []roster.Filter{{Field: roster.FieldEmail, Operator: roster.Equal, Values: []roster.Value{{Text: string(m.users[size/2].Email)}}}}},
			"username prefix":    {Filters: []roster.Filter{{Field: roster.FieldUsername, Operator: roster.HasPrefix, Values: []roster.Value{{Text: "anna"}}}}},
			"name pattern":       {Filters: []roster.Filter{{Field: roster.FieldName, Operator: roster.Matches, Values: []roster.Value{{Text: "^A.*son$"}}}}},
			"deleted":            {Deleted: roster.OnlyDeleted},
			"any of two, negate": {Filters: []roster.Filter{{Any: []roster.Filter{active, staff}}}},
		} {
			q.Page, q.Sort = page, sort
			b.Run(name, func(b *testing.B) { m.measure(b, q) })
		}
	})
}

// BenchmarkFilterFirst looks for a needle in some of the rows, by reading all of the text and row by row. Where the two cross
// is denseShare.
func BenchmarkFilterFirst(b *testing.B) {
	forSizes(b, func(b *testing.B, size int) {
		base := newBench(b, size).r.followers[4711].writer.state.base
		for _, text := range []string{"an", "smith", "reyes123"} {
			n := newNeedle([]byte(text), base.frequencies)
			b.Run(text+"/all", func(b *testing.B) {
				for b.Loop() {
					n.find(&base.text, newBitset(base.rows()))
				}
			})
			for _, share := range []uint32{3, 5, 8, 16} {
				some := newBitset(base.rows())
				for row := uint32(0); row < base.rows(); row += share {
					some.set(row)
				}
				b.Run(fmt.Sprintf("%s/one in %d", text, share), func(b *testing.B) {
					for b.Loop() {
						slices.Clone(some).keepFunc(func(row uint32) bool { return n.in(base.text.at(row)) })
					}
				})
			}
		}
	})
}

// BenchmarkApply applies 1,000 changed users, half of them renamed, and answers a query in one sort order.
func BenchmarkApply(b *testing.B) {
	forSizes(b, func(b *testing.B, size int) {
		m := newBench(b, size)
		query := roster.Query{Sort: byName(roster.FieldName, false), Page: roster.Page{Limit: 1}}
		m.search(b, query)
		f := m.r.followers[m.tenant]
		before := *f.writer.state
		changes := make([]roster.Change, 1000)
		for i := range changes {
			u := m.users[(i*7919)%size].Clone()
			u.Revision.Version++
			if i%2 == 0 {
				u.Name = "Renamed " + u.Name
			}
			changes[i].User = u
		}
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			state := before
			state.tailOrders = &tailOrders{}
			f.writer = newWriter(&state, f.writer.dict)
			f.state.Store(&state)
			f.written = nil
			b.StartTimer()
			m.r.Apply(m.tenant, changes...)
			m.search(b, query)
		}
		if got := f.writer.state.tail.rows(); got != 1000 {
			b.Fatalf("tail has %d rows, want 1000", got)
		}
		state := before
		f.writer = newWriter(&state, f.writer.dict)
		f.state.Store(&state)
		f.written = nil
	})
}

// BenchmarkFold folds a tail of 5 % of the users into base and one sort order.
func BenchmarkFold(b *testing.B) {
	forSizes(b, func(b *testing.B, size int) {
		m := newBench(b, size)
		m.search(b, roster.Query{Sort: byName(roster.FieldName, false), Page: roster.Page{Limit: 1}})
		f := m.r.followers[m.tenant]
		w := newWriter(f.writer.state, f.writer.dict)
		for i := range size / 20 {
			u := m.users[(i*7919)%size].Clone()
			u.Revision.Version++
			w.put(&roster.Change{User: u})
		}
		w.publish()
		b.ReportAllocs()
		for b.Loop() {
			w.state.fold(millisOf(benchNow))
		}
	})
}

// BenchmarkView streams all of 50,000 users, of whom a third have delegates, with what an answer of dialect 2 shows of each.
func BenchmarkView(b *testing.B) {
	const size = 50_000
	p := people.New(people.Config{Seed: 1, Now: benchNow, Tenant: 4711, Organizations: 10, Users: size})
	m := &bench{people: p, tenant: p.Tenant(), feed: &listFeed{}}
	for u := range p.Users() {
		m.users = append(m.users, u)
	}
	delegate(m.users)
	m.fill()
	m.r = New(Config{Feed: m.feed, Now: func() time.Time { return benchNow }})
	take := func() *View {
		v, err := m.r.View(b.Context(), m.tenant)
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
	v := take()
	standing := 0
	each := func(b *testing.B, q roster.Query, visit func(*roster.User)) {
		standing = 0
		if err := v.EachUser(q, func(u *roster.User) bool {
			standing++
			visit(u)
			return true
		}); err != nil {
			b.Fatal(err)
		}
	}
	for name, q := range map[string]roster.Query{"all": {}, "all by name": {Sort: byName(roster.FieldName, false)}, "an": {Text: "an"}} {
		b.Run("EachUser/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				each(b, q, func(*roster.User) {})
			}
			b.ReportMetric(float64(standing), "users")
		})
	}
	b.Run("Delegators", func(b *testing.B) {
		b.ReportAllocs()
		found := 0
		for b.Loop() {
			found = 0
			for i := range m.users {
				found += len(v.Delegators(m.users[i].ID))
			}
		}
		b.ReportMetric(float64(found), "delegators")
	})
	b.Run("EachUser, delegates and delegators", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			each(b, roster.Query{}, func(u *roster.User) {
				for i := range u.Delegates {
					v.User(u.Delegates[i].User)
				}
				for _, id := range v.Delegators(u.ID) {
					v.User(id)
				}
			})
		}
	})
	b.Run("View", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			take()
		}
	})
}

// BenchmarkLoad reads a whole tenant from a feed of decoded users, and reports the memory that it takes.
func BenchmarkLoad(b *testing.B) {
	forSizes(b, func(b *testing.B, size int) {
		m := newBench(b, size)
		b.ReportAllocs()
		var stats Stats
		for b.Loop() {
			r := New(Config{Feed: m.feed, Now: func() time.Time { return benchNow }})
			if _, err := r.SearchUsers(b.Context(), m.tenant, roster.Query{Page: roster.Page{Limit: 1}}); err != nil {
				b.Fatal(err)
			}
			stats, _ = r.Stats(m.tenant)
		}
		base := m.r.followers[m.tenant].writer.state.base
		searched := stats.Bytes - base.packed.bytes() + 2*4*int64(size)
		b.ReportMetric(float64(searched)/float64(size), "searchB/user")
		b.ReportMetric(float64(stats.Bytes+2*4*int64(size))/float64(size), "B/user")
		b.ReportMetric(float64(base.text.bytes())/float64(size), "textB/user")
	})
}
