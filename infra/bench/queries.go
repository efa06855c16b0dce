package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"
)

// replicaShare is how many more measurements the replica gets than each database: it is that much faster.
const replicaShare = 10

// The names of the engines that a bar is set for.
const (
	sqliteName   = "SQLite LIKE"
	postgresName = "PostgreSQL scan"
)

// queryBars are the bars of a mix of queries, by the number of users: p50 of the mix, and the worst query.
var queryBars = map[int][2]float64{100_000: {2, 6}, 1_000_000: {15, 40}}

// measureQueries measures the replica's queries at each size, in turns with the databases.
func measureQueries(ctx context.Context, o *options, r *report) error {
	r.say("Every query returns the exact total and a page of %d. The replica answered each query %d times, a database at most %d times. "+
		"SQLite is in memory in this process, with the covering index that served LIKE best, and FTS5 with trigrams; PostgreSQL is on "+
		"loopback, warm, with what it plans on a folded column, and with a pg_trgm GIN index on it. The trigram indexes are asked what "+
		"they are made for: needles of 3 bytes and more, and GIN shorter ones too.", pageSize, o.rounds*replicaShare, o.rounds)
	url := o.postgres
	if url == "" {
		cluster, err := startCluster(ctx)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			r.say("PostgreSQL is not compared with: its programs were not found on this machine.")
			url = "none"
		} else {
			defer cluster.stop()
			url = cluster.url
		}
	}
	for _, users := range o.sizes {
		if err := measureSize(ctx, o, r, users, url); err != nil {
			return fmt.Errorf("%d users: %w", users, err)
		}
	}
	return nil
}

func measureSize(ctx context.Context, o *options, r *report, users int, postgres string) error {
	p := o.population(users)
	loaded, err := loadReplica(ctx, p, users)
	if err != nil {
		return err
	}
	engines := []engine{loaded}
	defer func() {
		for _, e := range engines {
			e.close()
		}
	}()
	if o.sqlite {
		db, err := loadSQLite(ctx, p, users)
		if err != nil {
			return fmt.Errorf("loading SQLite: %w", err)
		}
		r.version("SQLite %s", db.version(ctx))
		engines = append(engines, db, &trigramsOfSQLite{db})
	}
	if postgres != "none" {
		db, err := loadPostgres(ctx, postgres, p, users)
		if err != nil {
			return fmt.Errorf("loading PostgreSQL: %w", err)
		}
		r.version("PostgreSQL %s", db.version())
		engines = append(engines, db, &trigramsOfPostgres{db})
	}
	runtime.GC()
	all := runtime.GOMAXPROCS(o.cores) // loading used all of them
	defer runtime.GOMAXPROCS(all)
	list := classes(p, users)
	progress := newProgress("measuring", len(list))
	defer progress.done()
	var results []result
	for i := range list {
		measured, err := measure(ctx, &list[i], engines, o)
		if err != nil {
			return err
		}
		results = append(results, measured)
		progress.step()
	}
	r.subheading("%s users", thousands(users))
	writeMixes(r, users, results)
	writeComparison(r, users, engines, results)
	return nil
}

// result is what was measured of one class: the times of each engine, nil for one that it is not for.
type result struct {
	class *class
	total int
	times [][]time.Duration
}

// measure compares the engines' answers, which also warms them up, and then times them in turns.
func measure(ctx context.Context, c *class, engines []engine, o *options) (result, error) {
	got := result{class: c, times: make([][]time.Duration, len(engines))}
	var page []int64
	for i, e := range engines {
		if !e.takes(c) {
			continue
		}
		n, ids, err := e.answer(ctx, c)
		if err != nil {
			return got, fmt.Errorf("%s, %s on %s: %w", c.group, c.name, e.name(), err)
		}
		if i == 0 {
			got.total, page = n, ids
		}
		if n != got.total || !slices.Equal(ids, page) {
			return got, fmt.Errorf("%s, %s: %s finds %d users and %s %d, or other ones on the page:\n%v\n%v",
				c.group, c.name, engines[0].name(), got.total, e.name(), n, page, ids)
		}
	}
	spent := make([]time.Duration, len(engines))
	for range o.rounds {
		for i, e := range engines {
			if !e.takes(c) || spent[i] > o.patience {
				continue
			}
			repeat := 1
			if i == 0 {
				repeat = replicaShare
			}
			for range repeat {
				start := time.Now()
				if _, _, err := e.answer(ctx, c); err != nil {
					return got, err
				}
				took := time.Since(start)
				got.times[i], spent[i] = append(got.times[i], took), spent[i]+took
			}
		}
	}
	return got, nil
}

// p50 returns the median time of an engine.
func (r *result) p50(engine int) time.Duration { return quantile(r.times[engine], 0.5) }

// groups returns the results in their groups.
func groups(results []result) [][]result {
	var list [][]result
	for i := range results {
		if i == 0 || results[i].class.group != results[i-1].class.group {
			list = append(list, nil)
		}
		last := len(list) - 1
		list[last] = append(list[last], results[i])
	}
	return list
}

// writeMixes writes what the replica alone took, and whether that holds.
func writeMixes(r *report, users int, results []result) {
	var rows [][]string
	var bars []bar
	for _, group := range groups(results) {
		var mix []time.Duration
		worst := &group[0]
		for i := range group {
			mix = append(mix, group[i].times[0]...)
			if group[i].p50(0) > worst.p50(0) {
				worst = &group[i]
			}
		}
		name, p50 := group[0].class.group, quantile(mix, 0.5)
		rows = append(rows, []string{name, fmt.Sprint(len(group)), ms(p50), ms(quantile(mix, 0.99)), ms(worst.p50(0)), worst.class.name})
		if limits, ok := queryBars[users]; ok {
			bars = append(bars,
				bar{what: name + ": p50 of the mix", limit: limits[0], value: inMS(p50), unit: "ms"},
				bar{what: name + ": worst query", limit: limits[1], value: inMS(worst.p50(0)), unit: "ms"})
		}
	}
	r.table([]string{"replica, ms", "queries", "p50 of the mix", "p99 of the mix", "worst query's p50", "which"}, rows)
	if len(bars) > 0 {
		r.bars(bars)
	}
}

// writeComparison writes the engines side by side, and whether the ratios hold.
func writeComparison(r *report, users int, engines []engine, results []result) {
	if len(engines) == 1 {
		return
	}
	header := []string{"ms, and how many times the replica's", "matches", engines[0].name()}
	for _, e := range engines[1:] {
		header = append(header, e.name())
	}
	var rows, summary [][]string
	ratios := make([][]float64, len(engines)) // of text by name only, which the bars are for
	for _, group := range groups(results) {
		inGroup := make([][]float64, len(engines))
		for i := range group {
			one := &group[i]
			row := []string{group[0].class.group + ": " + one.class.name, thousands(one.total), ms(one.p50(0))}
			for e := 1; e < len(engines); e++ {
				if one.times[e] == nil {
					row = append(row, "-")
					continue
				}
				ratio := float64(one.p50(e)) / float64(one.p50(0))
				inGroup[e] = append(inGroup[e], ratio)
				row = append(row, ms(one.p50(e))+" ("+times(ratio)+")")
			}
			rows = append(rows, row)
		}
		row := []string{group[0].class.group}
		for e := 1; e < len(engines); e++ {
			if inGroup[e] == nil {
				row = append(row, "-")
				continue
			}
			row = append(row, times(quantile(inGroup[e], 0.5))+" / "+times(slices.Min(inGroup[e])))
			if group[0].class.text != "" && !group[0].class.filtered() {
				ratios[e] = append(ratios[e], inGroup[e]...)
			}
		}
		summary = append(summary, row)
	}
	r.table(header, rows)
	r.table(append([]string{"times the replica's: median / least of the group"}, header[3:]...), summary)
	var bars []bar
	for e := 1; e < len(engines); e++ {
		if name := engines[e].name(); users >= 100_000 && (name == sqliteName || name == postgresName) {
			bars = append(bars,
				bar{what: "12 needles by name, " + name + ", median", limit: 15, value: quantile(ratios[e], 0.5), atLeast: true, unit: "x"},
				bar{what: "12 needles by name, " + name + ", every needle", limit: 5, value: slices.Min(ratios[e]), atLeast: true, unit: "x"})
		}
	}
	if len(bars) > 0 {
		r.bars(bars)
	}
}
