package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
)

// findingView is a finding as it is printed.
type findingView struct {
	Kind   dynamo.FindingKind `json:"kind"`
	Item   string             `json:"item"`
	Detail string             `json:"detail,omitempty"`
}

func (t *tool) checkCommand() *cobra.Command {
	var asJSON, quiet bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Walk the whole table and report what does not fit together",
		Long: `check reads every item of the table, of all tenants, and reports what no sequence of writes, crashes and
retries can leave behind: users without their e-mail address, addresses without their user, passwords,
invitations and devices of nobody, organizations that hang in the air, wrong paths, indexes and counts.
It changes nothing, and may run while others write: what looks wrong is looked at again before it is
reported.

It reads the table once: 1 read unit per 4 KB. Each finding is a line on standard output, with --json an
object. What was looked at is told on standard error. With findings the exit code is 1.`,
		Example: `  rosterctl check
  rosterctl check --json --quiet > findings.jsonl`,
		Args: cobra.NoArgs,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, a line for each finding")
	c.Flags().BoolVar(&quiet, "quiet", false, "show no progress and no summary")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		return t.check(ctx, at, asJSON, quiet)
	})
	return c
}

func (t *tool) check(ctx context.Context, at *place, asJSON, quiet bool) error {
	table, err := t.open(ctx, at)
	if err != nil {
		return err
	}
	meter := &roster.Meter{}
	stop := t.watch(meter, quiet)
	summary, err := table.Check(roster.WithMeter(ctx, meter), func(f dynamo.Finding) error {
		// One line each, whatever the item is called.
		if asJSON {
			encoder := json.NewEncoder(t.stdout)
			encoder.SetEscapeHTML(false)
			return encoder.Encode(findingView(f))
		}
		_, err := fmt.Fprintln(t.stdout, strings.Join(strings.Fields(f.String()), " "))
		return err
	})
	stop()
	if err != nil {
		return explain(err, at)
	}
	if !quiet {
		fmt.Fprintln(t.stderr, summaryLine(&summary))
	}
	if summary.Findings > 0 {
		return fmt.Errorf("%d findings", summary.Findings)
	}
	return nil
}

// watch shows how much of the table has been read, by what it cost, until the returned function is called.
func (t *tool) watch(meter *roster.Meter, quiet bool) (stop func()) {
	bar := t.newProgress("checking", "read units", -1, quiet)
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				bar.add(int64(meter.Cost().Reads) - bar.done)
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		watching.Wait()
		bar.close()
	}
}

// summaryLine says what was looked at.
func summaryLine(s *dynamo.Summary) string {
	total := 0
	var types []string
	for _, typ := range slices.Sorted(maps.Keys(s.Items)) {
		total += s.Items[typ]
		types = append(types, fmt.Sprintf("%s %d", typ, s.Items[typ]))
	}
	return fmt.Sprintf("checked %d items of %d tenants (%s): %d findings", total, s.Tenants, strings.Join(types, ", "), s.Findings)
}
