package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// sortOrders is how many sort orders the bars of memory count. An order is a permutation of 4 bytes a user.
const sortOrders = 2

// measureMemory measures what a user takes in a replica.
func measureMemory(ctx context.Context, o *options, r *report) error {
	var rows [][]string
	for _, users := range o.sizes {
		e, err := loadReplica(ctx, o.population(users), users)
		if err != nil {
			return err
		}
		stats, _ := e.Stats(e.tenant)
		perUser := func(bytes int64) string { return digits(float64(bytes) / float64(users)) }
		rows = append(rows, []string{thousands(users), perUser(stats.Bytes), perUser(stats.Bytes + 4*sortOrders*int64(users)), perUser(e.heap)})
		e.close()
	}
	r.table([]string{"users", "bytes per user, no sort order", fmt.Sprintf("with %d sort orders", sortOrders), "by which the heap grew"}, rows)
	// What is for searching alone, only the package itself can tell from what is for showing a page.
	users := min(o.sizes[len(o.sizes)-1], 100_000)
	figures, err := packageBenchmark(ctx, "./internal/replica", "BenchmarkLoad", fmt.Sprintf("ROSTER_BENCH_USERS=%d", users))
	if err != nil {
		return err
	}
	r.say("By the package's own benchmark with %s users, with %d sort orders:", thousands(users), sortOrders)
	r.bars([]bar{
		{what: "for search", limit: 130, value: figures["searchB/user"], unit: "B per user"},
		{what: "with what a page shows", limit: 260, value: figures["B/user"], unit: "B per user"},
	})
	return nil
}

// packageBenchmark runs one benchmark of a package of Roster once, and returns its figures by their units.
func packageBenchmark(ctx context.Context, pkg, name string, environment ...string) (map[string]float64, error) {
	command := rosterCommand(ctx, "test", "-run=^$", "-bench=^"+name+"$", "-benchtime=1x", pkg)
	command.Env = append(command.Environ(), environment...)
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w\n%s", name, pkg, err, out)
	}
	figures := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasPrefix(words[0], name) {
			continue
		}
		for i := 2; i+1 < len(words); i += 2 {
			if figures[words[i+1]], err = strconv.ParseFloat(words[i], 64); err != nil {
				return nil, fmt.Errorf("%s of %s: %w", name, pkg, err)
			}
		}
	}
	if len(figures) == 0 {
		return nil, fmt.Errorf("%s of %s printed no figures:\n%s", name, pkg, out)
	}
	return figures, nil
}
