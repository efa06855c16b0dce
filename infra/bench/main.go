// Command bench measures the replica (package internal/replica): it fills one with made-up users (package
// internal/rostertest/people) and prints p50 and p99 for each class of query, bytes per user, and what loading, changes and
// folding cost. The same rows and queries run on SQLite, and on PostgreSQL when ROSTER_BENCH_POSTGRES holds the URL of a
// database to which it may write, in turns with the replica, and the ratios are printed beside.
//
// Every answer is compared between the engines first, in total and in page; it ends with status 1 if they differ. The
// measurements over HTTP are in the folder http; those of single functions are the packages' own benchmarks.
//
// It is a module of its own: see go.mod.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"

	"github.com/rosterhq/roster/internal/rostertest/people"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.IntVar(&o.users, "users", 1_000_000, "how many users to measure with")
	flag.IntVar(&o.organizations, "organizations", 1000, "how many organizations they belong to")
	flag.Uint64Var(&o.seed, "seed", 1, "which users to make up")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each database answers each query; the replica answers ten times as often")
	flag.IntVar(&o.cores, "cores", 1, "how many cores this process uses; PostgreSQL never uses more than one for a query")
	flag.BoolVar(&o.sqlite, "sqlite", true, "compare with SQLite")
	flag.Parse()
	o.postgres = os.Getenv("ROSTER_BENCH_POSTGRES")
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	users, organizations, rounds, cores int
	seed                                uint64
	sqlite                              bool
	postgres                            string // URL, empty for none
}

// madeFor is the moment the users are made for, and the time on the replica's clock.
var madeFor = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func (o *options) population(users int) *people.Population {
	return people.New(people.Config{Seed: o.seed, Now: madeFor, Tenant: 4711, Organizations: o.organizations, Users: users})
}

func run(ctx context.Context, o options) error {
	if o.users < 1000 || o.organizations < 2 || o.rounds < 1 || o.cores < 1 {
		return fmt.Errorf("-users must be at least 1000, -organizations 2, -rounds and -cores 1")
	}
	population := o.population(o.users)
	fmt.Printf("%d users in %d organizations, seed %d, %d of %d cores, %s %s\n\n",
		o.users, o.organizations, o.seed, o.cores, runtime.NumCPU(), runtime.Version(), runtime.GOARCH)
	// Loading uses all cores; what is measured does not.
	loaded, err := loadReplica(ctx, population, o.users)
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
		e, err := loadSQLite(ctx, population, o.users)
		if err != nil {
			return fmt.Errorf("loading SQLite: %w", err)
		}
		engines = append(engines, e)
	}
	if o.postgres != "" {
		e, err := loadPostgres(ctx, o.postgres, population, o.users)
		if err != nil {
			return fmt.Errorf("loading PostgreSQL: %w", err)
		}
		engines = append(engines, e)
	}
	runtime.GOMAXPROCS(o.cores)
	loaded.printMemory()
	if err := compare(ctx, classes(population, o.users), engines, o.rounds); err != nil {
		return err
	}
	if err := printLoad(ctx, &o); err != nil {
		return err
	}
	return loaded.printChanges(ctx, o.rounds)
}
