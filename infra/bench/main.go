// Command bench measures Roster and writes what it finds to REPORT.md: the replica's queries at several sizes, in turns
// with the same on SQLite and PostgreSQL; cold loads; changes while queries run; memory; requests over HTTP, beside
// PocketBase; capacity units; cold starts; and, from figures like these, a simulation of the whole (package sim).
//
// Where engines are compared, the same rows are in each and each answer is compared first, in total and in page; a
// difference fails the run. Every section is bounded, all traffic stays on loopback, and what was started is stopped. The
// run needs what `make run` needs; PostgreSQL and PocketBase are left out, with a word in the report, where they are not to be had.
// ROSTER_BENCH_POSTGRES names a database to use instead of a throw-away one.
//
// Read sections.go first: it lists the sections, each with its file. It is a module of its own: see go.mod.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rosterhq/roster/internal/rostertest/people"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseOptions(os.Args[1:])
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	sizes                        []int
	organizations, rounds, cores int
	seed                         uint64
	sqlite                       bool
	postgres                     string // URL of a database, empty for a throw-away cluster, "none" for none
	patience, stretch            time.Duration
	httpUsers, requests, clients int
	pocketbase                   bool
	only                         []string
	quick                        bool
	output                       string
}

func parseOptions(arguments []string) (options, error) {
	o := options{postgres: os.Getenv("ROSTER_BENCH_POSTGRES")}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	users := flags.String("users", "10000,100000,1000000", "the numbers of users to measure the replica with")
	only := flags.String("only", "", "the sections to measure, of: "+strings.Join(sectionNames(), ","))
	postgres := flags.Bool("postgres", true, "compare with PostgreSQL")
	flags.IntVar(&o.organizations, "organizations", 1000, "how many organizations the users belong to")
	flags.Uint64Var(&o.seed, "seed", 1, "which users to make up")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each database answers each query; the replica answers ten times as often")
	flags.IntVar(&o.cores, "cores", 1, "how many cores this process measures with; PostgreSQL never uses more than one for a query")
	flags.BoolVar(&o.sqlite, "sqlite", true, "compare with SQLite")
	flags.DurationVar(&o.patience, "patience", 3*time.Second, "after how long a database is not asked the same query again")
	flags.DurationVar(&o.stretch, "stretch", 10*time.Second, "for how long queries are measured while changes arrive")
	flags.IntVar(&o.httpUsers, "http-users", 100_000, "how many users the tenant behind HTTP has")
	flags.IntVar(&o.requests, "requests", 400, "how many requests to send per class and number of clients")
	flags.IntVar(&o.clients, "clients", 8, "how many clients send the second half of them")
	flags.BoolVar(&o.pocketbase, "pocketbase", true, "compare with PocketBase")
	flags.BoolVar(&o.quick, "quick", false, "measure little, to see that everything works")
	flags.StringVar(&o.output, "output", "REPORT.md", "the file to write the report to")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag; -help lists the flags", flags.Arg(0))
	}
	if !*postgres {
		o.postgres = "none"
	}
	if o.quick {
		*users, o.organizations, o.rounds, o.patience, o.stretch = "10000", 100, 1, time.Second, 2*time.Second
		o.httpUsers, o.requests = 2000, 24
	}
	for _, text := range strings.Split(*users, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1000 {
			return o, fmt.Errorf("-users: %q is not a number of at least 1000", text)
		}
		o.sizes = append(o.sizes, n)
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(sectionNames(), name) {
			return o, fmt.Errorf("-only: there is no section %q, only %s", name, strings.Join(sectionNames(), ", "))
		}
	}
	if o.organizations < 2 || o.rounds < 1 || o.cores < 1 || o.httpUsers < 1000 || o.requests < 1 || o.clients < 1 {
		return o, errors.New("-organizations must be at least 2, -http-users 1000, -rounds, -cores, -requests and -clients 1")
	}
	return o, nil
}

// madeFor is the moment the users are made for, and the time on the replica's clock.
var madeFor = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func (o *options) population(users int) *people.Population {
	return people.New(people.Config{Seed: o.seed, Now: madeFor, Tenant: 4711, Organizations: o.organizations, Users: users})
}
