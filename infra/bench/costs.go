package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/rosterhq/roster/internal/rostertest"
)

// measureCosts runs the tests that pin what operations cost at the table, and collects what they measured.
func measureCosts(ctx context.Context, o *options, r *report) error {
	r.say("As the tests measure and pin it, with thousands of users in the tenant; the same tests hold that it is the same with few. A leg is one item of a transaction, 2 WRU per KB at DynamoDB. WRU are the table's alone.")
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
		r.table([]string{pinned.title, "calls", "RRU", "WRU", "legs"}, rows)
	}
	return nil
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
