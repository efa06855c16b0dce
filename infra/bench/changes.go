package main

import (
	"context"
	"fmt"
	"runtime"
	"sort"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
)

// changesAtOnce is the number of changed users in one measurement of Apply, and of those that come in a second.
const changesAtOnce = 1000

// applyBars are the bars of applying 1,000 changed users, in milliseconds, by the number of users.
var applyBars = map[int]float64{100_000: 3, 1_000_000: 8}

// measureChanges measures queries while 1,000 users a second change, and what it takes to apply 1,000.
func measureChanges(ctx context.Context, o *options, r *report) error {
	r.say("%d users a second change, half of them in their name, and arrive through a feed that is looked at before every query, from %s before the last "+
		"look, as in a function. The changes are decoded already. Meanwhile a tail of changes is folded into the base when it has grown.",
		changesAtOnce, replica.DefaultOverlap)
	var rows, applied [][]string
	var bars []bar
	for _, users := range o.sizes {
		if users < changesAtOnce*2 {
			continue
		}
		row, err := measureUnderChange(ctx, o, users)
		if err != nil {
			return fmt.Errorf("%d users: %w", users, err)
		}
		rows = append(rows, row)
		row, took, err := measureApply(ctx, o, users)
		if err != nil {
			return fmt.Errorf("%d users: %w", users, err)
		}
		applied = append(applied, row)
		if limit, ok := applyBars[users]; ok {
			bars = append(bars, bar{what: thousands(changesAtOnce) + " changes shown, " + thousands(users) + " users", limit: limit, value: inMS(took), unit: "ms"})
		}
	}
	r.table([]string{"users", "queries", "quiet p50, ms", "quiet p99", "changing p50", "changing p99", "changes each query reads", "folds"}, rows)
	r.say("%d changed users, half of them renamed, handed over at once, until a query in one sort order shows them:", changesAtOnce)
	r.table([]string{"users", "applied p50, ms", "shown p50", "shown p99", "tail that is folded", "fold, ms"}, applied)
	if len(bars) > 0 {
		r.bars(bars)
	}
	return nil
}

// liveFeed is a change feed in memory: each shard in the order of ChangedAt. It is safe for concurrent use.
type liveFeed struct {
	mu    sync.Mutex
	shard [roster.Shards][]roster.Change // guarded by mu; only ever appended to
	read  int                            // changes that were handed out, guarded by mu
}

func (f *liveFeed) append(changes ...roster.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range changes {
		s := roster.Shard(c.User.ID)
		f.shard[s] = append(f.shard[s], c)
	}
}

func (f *liveFeed) Changes(_ context.Context, _ roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	f.mu.Lock()
	all := f.shard[shard]
	all = all[sort.Search(len(all), func(i int) bool { return !all[i].User.Revision.ChangedAt.Before(since) }):]
	f.read += len(all)
	f.mu.Unlock()
	for _, c := range all {
		if err := visit(c); err != nil {
			return err
		}
	}
	return nil
}

// newLiveFeed returns a feed with all users of a population in it, as of before now.
func newLiveFeed(o *options, users int) (*liveFeed, roster.TenantID) {
	p, f := o.population(users), &liveFeed{}
	for u := range p.Users() {
		u.Revision.ChangedAt = madeFor // equal, and so in order
		f.append(roster.Change{User: u.Clone()})
	}
	return f, p.Tenant()
}

// renewed returns newer versions of n users from all over the feed, the round-th ones, half of them renamed.
func (f *liveFeed) renewed(round, n, users int, at time.Time) []roster.Change {
	const stride = 7919 // a prime, so that all users come in turn
	changes := make([]roster.Change, n)
	for i := range changes {
		k := (round*n + i) * stride % users
		base := f.shard[k%roster.Shards][:users/roster.Shards/2]
		u := base[k/roster.Shards%len(base)].User.Clone()
		u.Revision.Version += int64(round) + 1
		u.Revision.ChangedAt = at
		if i%2 == 0 {
			u.Name = fmt.Sprintf("Renamed %d %s", round, u.Name)
		}
		changes[i].User = u
	}
	return changes
}

// mixQuery returns the n-th query of the mix of needles, in the order of names.
func mixQuery(n int) roster.Query {
	return roster.Query{
		Text: needles[n%len(needles)], Sort: []roster.Sort{{Field: roster.FieldName}}, Page: roster.Page{Limit: pageSize},
	}
}

// measureUnderChange measures queries first without changes and then with them, for as long each.
func measureUnderChange(ctx context.Context, o *options, users int) ([]string, error) {
	feed, tenant := newLiveFeed(o, users)
	r := replica.New(replica.Config{Feed: feed})
	defer r.Wait()
	for n := range needles { // loads, and builds the sort order
		if _, err := r.SearchUsers(ctx, tenant, mixQuery(n)); err != nil {
			return nil, err
		}
	}
	all := runtime.GOMAXPROCS(o.cores)
	defer runtime.GOMAXPROCS(all)
	stretch := func() ([]time.Duration, error) {
		var took []time.Duration
		for began := time.Now(); time.Since(began) < o.stretch; {
			start := time.Now()
			if _, err := r.SearchUsers(ctx, tenant, mixQuery(len(took))); err != nil {
				return nil, err
			}
			took = append(took, time.Since(start))
		}
		return took, nil
	}
	quiet, err := stretch()
	if err != nil {
		return nil, err
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		const part = 20 * time.Millisecond
		tick := time.NewTicker(part)
		defer tick.Stop()
		for round := 0; ; round++ {
			select {
			case <-stop:
				return
			case now := <-tick.C:
				feed.append(feed.renewed(round, int(changesAtOnce*part/time.Second), users, now.Round(0))...)
			}
		}
	}()
	before := feed.read
	changing, err := stretch()
	close(stop)
	<-ended
	if err != nil {
		return nil, err
	}
	stats, _ := r.Stats(tenant)
	return []string{
		thousands(users), fmt.Sprintf("%s, %s", thousands(len(quiet)), thousands(len(changing))),
		ms(quantile(quiet, 0.5)), ms(quantile(quiet, 0.99)), ms(quantile(changing, 0.5)), ms(quantile(changing, 0.99)),
		thousands((feed.read - before) / len(changing)), fmt.Sprint(stats.Folds),
	}, nil
}

// measureApply measures 1,000 changed users until a query in one sort order shows them, and the fold that follows when
// enough have come. It returns the median of the first, too.
func measureApply(ctx context.Context, o *options, users int) ([]string, time.Duration, error) {
	feed, tenant := newLiveFeed(o, users)
	r := replica.New(replica.Config{Feed: feed, Now: func() time.Time { return madeFor.Add(time.Hour) }})
	query := roster.Query{Sort: []roster.Sort{{Field: roster.FieldName}}, Page: roster.Page{Limit: 1}}
	if _, err := r.SearchUsers(ctx, tenant, query); err != nil {
		return nil, 0, err
	}
	all := runtime.GOMAXPROCS(o.cores)
	defer runtime.GOMAXPROCS(all)
	var applied, shown []time.Duration
	for round := 0; ; round++ {
		changes := feed.renewed(round, changesAtOnce, users, madeFor.Add(time.Duration(round)*time.Second))
		start := time.Now()
		r.Apply(tenant, changes...)
		middle := time.Now()
		if _, err := r.SearchUsers(ctx, tenant, query); err != nil {
			return nil, 0, err
		}
		applied, shown = append(applied, middle.Sub(start)), append(shown, time.Since(start))
		start = time.Now()
		r.Wait()
		if stats, _ := r.Stats(tenant); stats.Folds > 0 {
			took := quantile(shown, 0.5)
			return []string{
				thousands(users), ms(quantile(applied, 0.5)), ms(took), ms(quantile(shown, 0.99)),
				thousands(changesAtOnce * (round + 1)), ms(time.Since(start)),
			}, took, nil
		}
	}
}
