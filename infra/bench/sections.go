package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"
)

// section is one part of the report.
type section struct {
	name, title string
	measure     func(context.Context, *options, *report) error
}

func sections() []section {
	return []section{
		{"queries", "Queries, side by side", measureQueries},
		{"load", "Cold load from the feed", measureLoads},
		{"snapshots", "Cold load from a snapshot", measureSnapshots},
		{"changes", "Queries while changes arrive", measureChanges},
		{"memory", "Memory", measureMemory},
		{"http", "End to end, over HTTP", measureHTTP},
		{"costs", "Capacity units", measureCosts},
		{"coldstart", "Cold starts", measureColdStarts},
		{"sim", "Simulation", simulate},
	}
}

func sectionNames() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}

// run measures the sections that are asked for, and writes the report even when one of them fails.
func run(ctx context.Context, o options) error {
	r := newReport()
	var failed error
	for _, s := range sections() {
		if len(o.only) > 0 && !slices.Contains(o.only, s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "section %s\n", s.name)
		began, before := time.Now(), r.text.Len()
		r.heading(s.title)
		body := r.text.Len()
		cores := runtime.GOMAXPROCS(0)
		err := s.measure(ctx, &o, r)
		runtime.GOMAXPROCS(cores)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("section %s: %w", s.name, err))
			r.say("This section could not be measured to its end.")
		}
		if r.text.Len() == body {
			r.text.Truncate(before) // it has nothing to say here
			continue
		}
		fmt.Fprintf(os.Stderr, "section %s took %s\n", s.name, time.Since(began).Round(100*time.Millisecond))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(failed, r.write(&o))
}
