package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

// replicaShare is how many more measurements the replica gets than each database: it is that much faster.
const replicaShare = 10

// compare measures every class on every engine in turns, and prints a table for each group.
func compare(ctx context.Context, list []class, engines []engine, rounds int) error {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	progress := newProgress("measuring", len(list))
	group := ""
	var ours []time.Duration
	ratios := make([][]float64, len(engines))
	finish := func() {
		if group == "" {
			return
		}
		_ = table.Flush() // into a strings.Builder, which does not fail
		fmt.Fprintf(&out, "median %s, worst %s", ms(quantile(ours, 0.5)), ms(slices.Max(ours)))
		for i := 1; i < len(engines); i++ {
			fmt.Fprintf(&out, "; %s %.1f times that in the median, %.1f at least", engines[i].name(), quantile(ratios[i], 0.5), slices.Min(ratios[i]))
		}
		fmt.Fprint(&out, "\n\n")
		ours, ratios = nil, make([][]float64, len(engines))
	}
	for i := range list {
		c := &list[i]
		if c.group != group {
			finish()
			group = c.group
			fmt.Fprintf(&out, "%s; p50 and p99 in ms\n", group)
			header(table, engines)
		}
		measured, total, err := measure(ctx, c, engines, rounds)
		if err != nil {
			progress.done()
			return err
		}
		mine := quantile(measured[0], 0.5)
		ours = append(ours, mine)
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t", c.name, total, ms(mine), ms(quantile(measured[0], 0.99)))
		for e := 1; e < len(engines); e++ {
			theirs := quantile(measured[e], 0.5)
			ratio := float64(theirs) / float64(mine)
			ratios[e] = append(ratios[e], ratio)
			fmt.Fprintf(table, "%s\t%.1fx\t", ms(theirs), ratio)
		}
		fmt.Fprintln(table)
		progress.step()
	}
	finish()
	progress.done()
	fmt.Print(out.String())
	return nil
}

func header(table *tabwriter.Writer, engines []engine) {
	fmt.Fprint(table, "\tmatches\treplica p50\tp99\t")
	for _, e := range engines[1:] {
		fmt.Fprintf(table, "%s p50\tratio\t", e.name())
	}
	fmt.Fprintln(table)
}

// measure compares the engines' answers, which also warms them up, and then times them in turns.
func measure(ctx context.Context, c *class, engines []engine, rounds int) (times [][]time.Duration, total int, err error) {
	var page []int64
	for i, e := range engines {
		n, ids, err := e.answer(ctx, c)
		if err != nil {
			return nil, 0, fmt.Errorf("%s, %s on %s: %w", c.group, c.name, e.name(), err)
		}
		if i == 0 {
			total, page = n, ids
		}
		if n != total || !slices.Equal(ids, page) {
			return nil, 0, fmt.Errorf("%s, %s: %s finds %d users and %s %d, or other ones on the page:\n%v\n%v",
				c.group, c.name, engines[0].name(), total, e.name(), n, page, ids)
		}
	}
	times = make([][]time.Duration, len(engines))
	for range rounds {
		for i, e := range engines {
			repeat := 1
			if i == 0 {
				repeat = replicaShare
			}
			for range repeat {
				start := time.Now()
				if _, _, err := e.answer(ctx, c); err != nil {
					return nil, 0, err
				}
				times[i] = append(times[i], time.Since(start))
			}
		}
	}
	return times, total, nil
}

// quantile returns the value below which that share of the values lies.
func quantile[T time.Duration | float64](values []T, share float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// ms formats a duration in milliseconds with three digits that count.
func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

// progress tells on standard error how far a long step has come. Its step is safe for concurrent use.
type progress struct {
	label   string
	total   int64
	current atomic.Int64
	began   time.Time
	live    bool // standard error is a terminal
}

func newProgress(label string, total int) *progress {
	info, err := os.Stderr.Stat()
	p := &progress{label: label, total: int64(total), began: time.Now(), live: err == nil && info.Mode()&os.ModeCharDevice != 0}
	if !p.live {
		fmt.Fprintf(os.Stderr, "%s ...\n", label)
	}
	return p
}

func (p *progress) step() {
	n := p.current.Add(1)
	if every := max(p.total/100, 1); p.live && n%every == 0 {
		rate := float64(n) / time.Since(p.began).Seconds()
		left := time.Duration(float64(p.total-n) / rate * float64(time.Second))
		fmt.Fprintf(os.Stderr, "\r%s: %d of %d, %s left \x1b[K", p.label, n, p.total, left.Round(time.Second))
	}
}

func (p *progress) done() {
	clear := ""
	if p.live {
		clear = "\r\x1b[K"
	}
	fmt.Fprintf(os.Stderr, "%s%s took %s\n", clear, p.label, time.Since(p.began).Round(10*time.Millisecond))
}
