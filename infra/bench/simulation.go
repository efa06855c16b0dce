package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/rosterhq/roster/infra/bench/sim"
)

// simulate works out the scenarios of package sim.
func simulate(_ context.Context, o *options, r *report) error {
	r.say("From constants, not from a deployment: `sim/constants.go` has each with its source, `sim/doc.go` the model and what it leaves out. Every user makes 5 requests a day, 40 %% of them lists and searches; " +
		"the busiest hour has 4 times the mean. Skewed means that tenants' sizes fall with their rank to the power of 0.8 and their requests to that of 1. The function has the memory that costs least in all, of those that hold the largest tenant. " +
		"Costs are for a month by the mean, limits for the peak. Load is that of the largest tenant alone; surge is the same when all environments that serve it load at once.")
	for _, snapshots := range []bool{false, true} {
		r.subheading("%s", map[bool]string{false: "Replicas loaded from the feed", true: "Replicas loaded from snapshots"}[snapshots])
		var rows, costs [][]string
		for _, s := range sim.Scenarios() {
			s.Snapshots = snapshots
			got, err := sim.Cheapest(s)
			if err != nil {
				return err
			}
			name := describe(s)
			bites := "none"
			if got.RefusedShare > 0 {
				got.Bites[0] += ": " + percent(got.RefusedShare) + " of the queries are refused"
			}
			if len(got.Bites) > 0 {
				bites = strings.Join(got.Bites, "; ")
			}
			rows = append(rows, []string{
				name, digits(got.Rate), digits(got.Memory), digits(got.Environments), digits(got.PeakEnvironments), digits(got.Resident / 1e9),
				percent(got.ColdStarts), percent(got.ColdShare), digits(got.Load.Seconds()), digits(got.Surge.Seconds()),
				percent(got.PartitionReads), percent(got.PartitionWrites), bites,
			})
			c := got.Cost
			costs = append(costs, append([]string{name}, dollars(c.Gateway, c.Lambda, c.Reads, c.Writes, c.Storage, c.KMS, c.Quota, c.Snapshots, c.Total())...))
		}
		r.table([]string{"", "requests/s", "MB", "environments", "at the peak", "GB of replicas", "requests that start one", "queries that load", "load, s", "surge, s",
			"of a partition's reads", "of its writes", "limits that bite"}, rows)
		r.table([]string{"$ a month", "gateway", "Lambda", "reads", "writes", "storage", "KMS", "quota leases", "snapshots", "total"}, costs)
	}
	idle, err := sim.Run(sim.Idle())
	if err != nil {
		return err
	}
	r.say("A month in which nobody asks for anything costs $%.2f with %s users: storage $%.2f, and the key.", idle.Cost.Total(), thousands(sim.Idle().Users), idle.Cost.Storage)
	r.subheading("The closed form beside a simulation event by event")
	var rows [][]string
	for _, s := range sim.Checks() {
		closed, err := sim.Run(s)
		if err != nil {
			return err
		}
		counted, err := sim.Simulate(s, sim.CheckRequests, o.seed)
		if err != nil {
			return err
		}
		rows = append(rows, []string{
			describe(s), digits(closed.Rate), percent(closed.ColdShare), percent(float64(counted.Loads) / float64(counted.Queries)),
			percent(closed.ColdStarts), percent(float64(counted.Starts) / float64(counted.Requests)), digits(closed.Environments), digits(counted.Environments),
		})
	}
	r.table([]string{"", "requests/s", "queries that load", "counted", "requests that start an environment", "counted", "environments", "counted, mean"}, rows)
	return nil
}

func describe(s sim.Scenario) string {
	name := fmt.Sprintf("%s tenants of %s", thousands(s.Tenants), thousands(s.Users/s.Tenants))
	if s.Tenants == 1 {
		return "one tenant of " + thousands(s.Users)
	}
	if s.SizeSkew > 0 || s.RateSkew > 0 {
		name += ", skewed"
	}
	return name
}

func percent(share float64) string {
	if share > 0 && share < 0.0001 {
		return "< 0.01 %"
	}
	return digits(share*100) + " %"
}

func dollars(amounts ...float64) []string {
	var list []string
	for _, a := range amounts {
		list = append(list, digits(a))
	}
	return list
}
