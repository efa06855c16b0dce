package main

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
)

// measureLoads measures how much processor time a cold load takes, from pages of the feed to the first answer.
func measureLoads(ctx context.Context, o *options, r *report) error {
	r.say("Processor time (user and system, garbage collection included) from no replica to the first answer. Pages come through the real SDK client "+
		"from memory, without a network, as large as DynamoDB's. The SDK's way is the same load with every page decoded by the SDK, and attributevalue.UnmarshalListOfMaps, in turns. "+
		"On Lambda the transfer comes on top. Largest size measured once, others %d times.", o.rounds)
	var rows [][]string
	var bars []bar
	for i, users := range o.sizes {
		rounds := o.rounds
		if i == len(o.sizes)-1 && i > 0 {
			rounds = 1
		}
		measured, err := measureLoad(ctx, o, users, rounds)
		if err != nil {
			return fmt.Errorf("%d users: %w", users, err)
		}
		ratio := float64(measured.sdk) / float64(measured.scanner)
		perUnit := func(d time.Duration) float64 { return inMS(d) * 100_000 / float64(users) }
		rows = append(rows, []string{
			thousands(users), thousands(measured.pages), digits(float64(measured.bytes) / (1 << 20)), ms(measured.scanner), digits(perUnit(measured.scanner)),
			ms(measured.sdk), times(ratio),
		})
		if users >= 100_000 {
			bars = append(bars,
				bar{what: thousands(users) + " users: from the feed, per 100,000", limit: 400, value: perUnit(measured.scanner), unit: "ms"},
				bar{what: thousands(users) + " users: times faster than the SDK's unmarshalling", limit: 3, value: ratio, atLeast: true, unit: "x"})
		}
	}
	r.table([]string{"users", "pages", "MiB of JSON", "feed, ms", "per 100,000 users", "SDK's way, ms", "times the feed's"}, rows)
	if len(bars) > 0 {
		r.bars(bars)
	}
	return nil
}

// loadTimes is what cold loads took.
type loadTimes struct {
	pages, bytes int
	scanner, sdk time.Duration // medians of processor time
}

// measureLoad loads a tenant both ways in turns.
func measureLoad(ctx context.Context, o *options, users, rounds int) (loadTimes, error) {
	p := o.population(users)
	canned, err := fillCanned(ctx, p, users)
	if err != nil {
		return loadTimes{}, err
	}
	all := runtime.GOMAXPROCS(o.cores)
	defer runtime.GOMAXPROCS(all)
	feeds := []replica.Feed{canned.open(), &sdkFeed{canned.client()}}
	took := make([][]time.Duration, len(feeds))
	for range rounds {
		for i, feed := range feeds {
			runtime.GC()
			start := processorTime()
			r := replica.New(replica.Config{Feed: feed, Now: func() time.Time { return madeFor }})
			page, err := r.SearchUsers(ctx, p.Tenant(), roster.Query{Page: roster.Page{Limit: pageSize}})
			if err != nil {
				return loadTimes{}, err
			}
			took[i] = append(took[i], processorTime()-start)
			if page.Total != users {
				return loadTimes{}, fmt.Errorf("a replica holds %d users, want %d", page.Total, users)
			}
		}
	}
	t := loadTimes{scanner: quantile(took[0], 0.5), sdk: quantile(took[1], 0.5)}
	t.pages, t.bytes = canned.size()
	return t, nil
}

// processorTime returns the processor time that this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // there is a process, and it is this one
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
