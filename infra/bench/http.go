package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/infra/bench/gateway"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
)

// classLimit bounds how long one class of requests is sent by one number of clients.
const classLimit = 6 * time.Second

// measureHTTP measures requests through the developer server, and searches beside PocketBase.
func measureHTTP(ctx context.Context, o *options, r *report) error {
	dir, err := os.MkdirTemp("", "roster-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := gateway.Start(ctx, dir, o.httpUsers)
	if err != nil {
		return err
	}
	defer s.Stop()
	r.version("DynamoDB Local %s", dynamolocal.Version)
	// Past the overlap, in which a follower reads what came last once more, the tenant is as quiet as it mostly is.
	select {
	case <-time.After(6 * time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	r.say("Requests through the developer server on loopback: gateway, authorizer, function, replica, and DynamoDB Local, all on this machine's cores together "+
		"with the client. In the table is the share of the time in which a call to it was under way. The tenant has %s users. "+
		"A creation hashes a password with argon2id.", thousands(o.httpUsers))
	if o.pocketbase {
		// Before the writes, so that both hold the same people.
		if err := besidePocketBase(ctx, o, r, s, dir); err != nil {
			return fmt.Errorf("PocketBase: %w", err)
		}
	}
	list, err := s.Classes(ctx, needles, o.httpUsers)
	if err != nil {
		return err
	}
	var rows [][]string
	progress := newProgress("measuring over HTTP", len(list))
	for _, c := range list {
		var measured [2]gateway.Measured
		for i, clients := range []int{1, o.clients} {
			if measured[i], err = s.Measure(ctx, c, o.requests, clients, classLimit); err != nil {
				progress.done()
				return fmt.Errorf("%s, %d clients: %w", c.Name, clients, err)
			}
		}
		alone, many := measured[0], measured[1]
		reads, writes := alone.Units()
		rows = append(rows, []string{
			c.Name, fmt.Sprint(alone.Requests() + many.Requests()), digits(alone.Rate()), ms(alone.Quantile(0.5)), ms(alone.Quantile(0.99)),
			digits(many.Rate()), ms(many.Quantile(0.5)), ms(many.Quantile(0.99)), fmt.Sprintf("%.0f %%", alone.TableShare()*100), digits(reads), digits(writes),
		})
		progress.step()
	}
	progress.done()
	r.table([]string{"", "requests", "per s, 1 client", "p50, ms", "p99", fmt.Sprintf("per s, %d clients", o.clients), "p50, ms", "p99", "in the table", "RRU", "WRU"}, rows)
	r.say("Units are as DynamoDB Local reports them, indexes included; it reports none for an answer of nothing, and DynamoDB itself may charge a transaction's entries in indexes otherwise.")
	return nil
}

// besidePocketBase measures searches over HTTP in turns with PocketBase, which holds the same people.
func besidePocketBase(ctx context.Context, o *options, r *report, s *gateway.Server, dir string) error {
	pb, err := startPocketBase(ctx, dir, func(visit func(*roster.User) error) error { return s.Users(ctx, visit) })
	if err != nil {
		return err
	}
	defer pb.stop()
	r.version("PocketBase %s", pb.version)
	var rows [][]string
	var ratios []float64
	deep := max(o.httpUsers*3/40/pageSize, 1)
	progress := newProgress("measuring beside PocketBase", 2*len(needles))
	defer progress.done()
	for _, page := range []int{0, deep} {
		for _, needle := range needles {
			var ours, theirs []time.Duration
			total := 0
			for round := range 3*o.rounds + 1 {
				n, mine, err := s.Search(ctx, needle, page)
				if err != nil {
					return err
				}
				m, other, err := pb.search(ctx, needle, page)
				if err != nil {
					return err
				}
				if n != m {
					return fmt.Errorf("the gateway finds %d users with %q and PocketBase %d", n, needle, m)
				}
				if total = n; round > 0 { // the first warms up
					ours, theirs = append(ours, mine), append(theirs, other)
				}
			}
			ratio := float64(quantile(theirs, 0.5)) / float64(quantile(ours, 0.5))
			ratios = append(ratios, ratio)
			rows = append(rows, []string{
				fmt.Sprintf("%s, page %d", needle, page), thousands(total), ms(quantile(ours, 0.5)), ms(quantile(ours, 0.99)),
				ms(quantile(theirs, 0.5)), ms(quantile(theirs, 0.99)), times(ratio),
			})
			progress.step()
		}
	}
	r.subheading("Beside PocketBase")
	r.say("Searches with the exact total and %d users by name, in turns, both over HTTP on loopback. PocketBase runs in a process of its own and searches one folded column that an index in "+
		"the order of the names covers, without authentication, and without a request log. Roster's request carries a token, goes through the authorizer, and waits for four reads of DynamoDB Local, which is the greater part of its time; "+
		"so this compares two systems from end to end, not two search engines.", pageSize)
	r.table([]string{"", "matches", "Roster p50, ms", "p99", "PocketBase p50, ms", "p99", "times Roster's"}, rows)
	r.say("PocketBase takes %s what Roster does in the median, %s on the needle that is best for it.", times(quantile(ratios, 0.5)), times(quantile(ratios, 0)))
	r.subheading("Requests")
	return nil
}
