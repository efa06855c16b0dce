package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/rosterhq/roster/internal/rostertest"
)

// measureCosts runs the tests that pin what operations cost at the table, and collects what they measured.
func measureCosts(ctx context.Context, o *options, r *report) error {
	r.say("As the tests measure and pin it, with thousands of users in the tenant; the same tests hold that it is the same with few. A leg is one item of a transaction, 2 WRU per KB at DynamoDB. WRU are the table's alone.")
	var measured []rostertest.PinnedCost
	for _, pinned := range []struct{ title, pkg, test string }{
		{"Requests, warm, through the whole function", "./internal/app", "TestReadsCostTheSameInEveryTenant/^10000$"},
		{"Uses of the table", "./internal/dynamo", "TestCostsDoNotGrow/^many$"},
	} {
		if o.quick && pinned.pkg == "./internal/app" {
			pinned.test = "TestReadsCostTheSameInEveryTenant/^100$"
		}
		costs, err := pinnedCosts(ctx, pinned.pkg, pinned.test)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, c := range costs {
			rows = append(rows, []string{c.What, fmt.Sprint(c.Calls), digits(c.Reads), digits(c.Writes), fmt.Sprint(c.Legs)})
		}
		measured = append(measured, costs...)
		r.table([]string{pinned.title, "calls", "RRU", "WRU", "legs"}, rows)
	}
	bars, err := costBars(measured)
	if err != nil {
		return err
	}
	r.bars(bars)
	return nil
}

// costBars returns what the bars say of the costs, by the names that the tests give them.
func costBars(costs []rostertest.PinnedCost) ([]bar, error) {
	reads := func(c rostertest.PinnedCost) float64 { return c.Reads }
	writes := func(c rostertest.PinnedCost) float64 { return c.Writes + 2*float64(c.Legs) }
	var bars []bar
	for _, b := range []struct {
		what  string
		limit float64
		unit  string
		value func(rostertest.PinnedCost) float64
	}{
		{"a get in dialect 1", 1, "RRU", reads},
		{"a search in dialect 1", 2, "RRU", reads},
		{"a list in dialect 1", 2, "RRU", reads},
		{"a list in dialect 2", 2, "RRU", reads},
		{"CreateUser", 8, "WRU of the table", writes},
		{"a patch", 2, "WRU of the table", writes},
		{"a change of role", 2, "WRU of the table", writes},
		{"a transfer", 2, "WRU of the table", writes},
	} {
		i := slices.IndexFunc(costs, func(c rostertest.PinnedCost) bool { return c.What == b.what })
		if i < 0 {
			return nil, fmt.Errorf("no test pins the cost of %s", b.what)
		}
		bars = append(bars, bar{what: b.what, limit: b.limit, value: b.value(costs[i]), unit: b.unit})
	}
	return bars, nil
}

// pinnedCosts runs a test of Roster, with a DynamoDB Local of its own, and returns the costs that it notes, each once.
func pinnedCosts(ctx context.Context, pkg, test string) ([]rostertest.PinnedCost, error) {
	command := rosterCommand(ctx, "run", "./infra/dynamolocal", "go", "test", "-count=1", "-json", "-run=^"+test, pkg)
	out, failed := command.Output()
	var costs []rostertest.PinnedCost
	seen := map[rostertest.PinnedCost]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var event struct{ Action, Key, Value, Output string }
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, fmt.Errorf("what %s says: %w", test, err)
		}
		if failed != nil {
			fmt.Fprint(os.Stderr, event.Output)
		}
		if event.Action != "attr" || event.Key != rostertest.CostAttribute {
			continue
		}
		var cost rostertest.PinnedCost
		if err := json.Unmarshal([]byte(event.Value), &cost); err != nil {
			return nil, fmt.Errorf("what %s notes: %w", test, err)
		}
		if !seen[cost] {
			costs, seen[cost] = append(costs, cost), true
		}
	}
	if failed != nil {
		return nil, fmt.Errorf("%s of %s: %w", test, pkg, failed)
	}
	if len(costs) == 0 {
		return nil, fmt.Errorf("%s of %s notes no costs", test, pkg)
	}
	return costs, nil
}
