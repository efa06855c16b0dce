package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// importer is one import under way.
//
// One goroutine reads lines and cuts them into batches, in the order of the file. Each batch of users is stored by a
// goroutine of its own, so many side by side. The goroutine that runs the importer takes the batches back in the order
// of the file: what it has taken is settled, and that is what the checkpoint says. Everything that others refer to
// (organizations, roles, groups, warehouses) is stored by the reader itself, before it reads on.
type importer struct {
	*tool
	operator *directory.Operator
	form     *form
	options  importOptions

	lines          *lineReader
	total          int64 // lines left to read, negative for unknown
	checkpointName string
	refused        *refusals
	bar            *progress

	state checkpoint // what is settled; only the goroutine that runs the importer touches it while it runs
}

// entry is a line on its way.
type entry struct {
	number  int64
	text    string
	record  line
	outcome directory.Outcome
	err     error
}

// batch is some lines that are settled together.
type batch struct {
	entries []entry
	end     position
	tenant  roster.TenantID
	done    chan struct{} // closed when every entry has its outcome, or fatal is set
	fatal   error         // why the import cannot go on; the batch may be stored in part then
}

func (b *batch) hasClients() bool {
	return slices.ContainsFunc(b.entries, func(e entry) bool { return e.record.Client != nil })
}

// batchUsers is the number of users stored by one worker in one go: what fills about two transactions of 100 writes.
const batchUsers = 80

// saveEvery is how often the checkpoint is saved.
const saveEvery = time.Second

// run imports the lines that are left. It returns nil when all of them are settled.
func (i *importer) run(ctx context.Context) error {
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	// What is under way when the run is asked to stop may end in its own time, within bounds.
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWriting()
	defer context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(i.grace, stopWriting)
		context.AfterFunc(writing, func() { timer.Stop() })
	})()

	queue := make(chan *batch, i.options.workers)
	r := &feeder{importer: i, queue: queue, slots: make(chan struct{}, i.options.workers), inFlight: map[string]int{}, tenant: i.state.Tenant}
	var reader sync.WaitGroup
	var readErr error
	reader.Go(func() {
		defer close(queue)
		readErr = r.read(reading, writing)
	})
	var settleErr error
	saved := i.now()
	for b := range queue {
		<-b.done
		if settleErr != nil {
			continue
		}
		if settleErr = i.settle(b); settleErr != nil {
			stopReading()
			continue
		}
		if now := i.now(); i.checkpointName != "" && now.Sub(saved) >= saveEvery {
			saved = now
			settleErr = i.state.save(i.checkpointName)
		}
	}
	reader.Wait()
	if settleErr != nil {
		return settleErr
	}
	return readErr
}

// settle counts what became of a batch and writes down what was refused.
func (i *importer) settle(b *batch) error {
	if b.fatal != nil {
		return b.fatal
	}
	counted := i.state.Counts // the state's own, once the whole batch is settled: a run that fails here settles it again
	for n := range b.entries {
		e := &b.entries[n]
		if e.err == nil {
			counted.add(e)
			continue
		}
		field, reason, about := refusalOf(e.err)
		if !about {
			return fmt.Errorf("line %d: %w", e.number, e.err)
		}
		counted.Refused++
		if err := i.refused.add(refusal{line: e.number, field: field, reason: reason, text: e.text}); err != nil {
			return fmt.Errorf("the file for refused lines: %w", err)
		}
	}
	i.state.Counts, i.state.Done, i.state.Tenant, i.state.RefusedBytes = counted, b.end, b.tenant, i.refused.length
	i.bar.add(int64(len(b.entries)))
	return nil
}

// add counts a line that was taken.
func (c *counts) add(e *entry) {
	switch {
	case e.outcome == directory.Existed:
		c.Existed++
	case e.outcome == directory.Expired:
		c.Expired++
	case e.record.User != nil:
		c.Users++
	case e.record.Organization != nil && e.record.Organization.Parent() == 0:
		c.Tenants++
	case e.record.Organization != nil:
		c.Organizations++
	case e.record.Role != nil:
		c.Roles++
	case e.record.Group != nil:
		c.Groups++
	case e.record.Warehouse != nil:
		c.Warehouses++
	case e.record.Client != nil:
		c.Clients++
	}
}
