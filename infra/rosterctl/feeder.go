package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// feeder is the reading side of an import.
type feeder struct {
	*importer
	queue   chan<- *batch
	slots   chan struct{} // taken by batches under way
	workers sync.WaitGroup

	tenant roster.TenantID
	into   *directory.Import // nil until the tenant is known to be there
	open   *batch            // what is read and not yet sent, nil for nothing
	users  int               // in open

	mu       sync.Mutex
	inFlight map[string]int // what users of batches under way claim, guarded by mu
}

// read reads lines to the end and returns when everything is stored.
func (f *feeder) read(reading, writing context.Context) error {
	defer f.workers.Wait()
	for {
		if err := reading.Err(); err != nil {
			return err
		}
		data, err := f.lines.next()
		if errors.Is(err, io.EOF) {
			return f.send(reading, writing)
		}
		e := entry{number: f.lines.line, text: string(data), err: err}
		if _, about := errors.AsType[*fieldError](err); err != nil && !about {
			return err
		}
		if err == nil {
			if strings.TrimSpace(e.text) == "" {
				continue
			}
			e.record, e.err = f.form.read(data)
		}
		if err := f.take(reading, writing, e); err != nil {
			return err
		}
	}
}

// take puts a line into the open batch, and sends the batch when it is full. A line that others may refer to is stored
// at once.
func (f *feeder) take(reading, writing context.Context, e entry) error {
	if e.err == nil {
		if err := f.mustHaveTenant(writing, &e); err != nil {
			return err
		}
	}
	switch {
	case e.err != nil:
	case e.record.User != nil:
		if f.claimed(e.record.User) {
			// Whoever stands first in the file gets it, however fast the others are.
			f.workers.Wait()
		}
		f.users++
	case e.record.Client == nil:
		if err := f.store(writing, &e); err != nil {
			return err
		}
	}
	if f.open == nil {
		f.open = &batch{done: make(chan struct{})}
	}
	f.open.entries = append(f.open.entries, e)
	if f.users < f.batch && len(f.open.entries) < 2*f.batch {
		return nil
	}
	return f.send(reading, writing)
}

// mustHaveTenant finds out which tenant the file is of, and that it is there unless the line is the one that founds it.
// Without a tenant no line can be taken at all, so that is the end of the import. This first look at the table is not
// repeated: who gave the wrong endpoint wants to know at once.
func (f *feeder) mustHaveTenant(ctx context.Context, e *entry) error {
	named := f.tenant
	founding := e.record.Organization != nil && e.record.Organization.Parent() == 0
	if founding {
		named = e.record.Organization.Tenant
	}
	switch {
	case f.into != nil && named != f.tenant:
		e.err = &fieldError{"id", "must be " + f.tenant.String() + ": a file holds one tenant"}
		return nil
	case f.into != nil:
		return nil
	case f.tenant != 0 && named != f.tenant:
		return fmt.Errorf("line %d is of tenant %s, and --tenant says %s", e.number, named, f.tenant)
	case named == 0:
		return fmt.Errorf("line %d: into which tenant? begin the file with a tenant line, or give --tenant", e.number)
	}
	into := f.operator.Import(named)
	exists, err := into.TenantExists(ctx)
	if err != nil {
		return err
	}
	if !exists && !founding {
		return fmt.Errorf("tenant %s is not there, and no tenant line founds it: see rosterctl bootstrap", named)
	}
	f.tenant, f.into = named, into
	return nil
}

// store stores anything but a user. It returns an error only if the import cannot go on.
func (f *feeder) store(ctx context.Context, e *entry) error {
	err := f.persist(ctx, func() error {
		switch r := &e.record; {
		case r.Organization != nil:
			e.outcome, e.err = f.into.Organization(ctx, *r.Organization)
		case r.Role != nil:
			e.outcome, e.err = f.into.Role(ctx, *r.Role)
		case r.Group != nil:
			e.outcome, e.err = f.into.Group(ctx, *r.Group)
		case r.Warehouse != nil:
			e.outcome, e.err = f.into.Warehouse(ctx, *r.Warehouse)
		default:
			e.outcome, e.err = f.into.Client(ctx, *r.Client)
		}
		return e.err
	})
	if err != nil {
		return fmt.Errorf("line %d: %w", e.number, err)
	}
	return nil
}

// send hands the open batch to a worker, when one is free, and to the goroutine that settles.
func (f *feeder) send(reading, writing context.Context) error {
	b := f.open
	if b == nil {
		return nil
	}
	f.open, f.users = nil, 0
	b.end, b.tenant = f.lines.position(), f.tenant
	if b.hasClients() {
		// Their service users may be under way.
		f.workers.Wait()
	}
	select {
	case f.slots <- struct{}{}:
	case <-reading.Done():
		return reading.Err()
	}
	claims := f.claim(b)
	f.workers.Go(func() {
		defer close(b.done)
		defer func() { <-f.slots }()
		defer f.release(claims)
		if b.fatal = f.storeUsers(writing, b); b.fatal == nil {
			b.fatal = f.storeClients(writing, b)
		}
	})
	f.queue <- b
	return nil
}

// storeUsers stores the users of a batch. Users who claim the same are stored one after the other: side by side, the
// second could get it while the first is tried again.
func (f *feeder) storeUsers(ctx context.Context, b *batch) error {
	var left []*entry
	for n := range b.entries {
		if e := &b.entries[n]; e.err == nil && e.record.User != nil {
			left = append(left, e)
		}
	}
	for len(left) > 0 {
		var round []*entry
		round, left = withoutRivals(left)
		if err := f.storeRound(ctx, round); err != nil {
			return err
		}
	}
	return nil
}

// withoutRivals returns the users of whom no earlier one claims the same, and the others.
func withoutRivals(entries []*entry) (first, others []*entry) {
	claimed := map[string]bool{}
	for _, e := range entries {
		claims := claimsOf(e.record.User)
		if slices.ContainsFunc(claims, func(c string) bool { return claimed[c] }) {
			others = append(others, e)
		} else {
			first = append(first, e)
		}
		for _, c := range claims {
			claimed[c] = true
		}
	}
	return first, others
}

// storeRound stores users who claim nothing in common.
func (f *feeder) storeRound(ctx context.Context, left []*entry) error {
	return f.persist(ctx, func() error {
		users := make([]roster.NewUser, len(left))
		for n, e := range left {
			users[n] = *e.record.User
		}
		var again []*entry
		var busy error
		for n, o := range f.into.Users(ctx, users) {
			left[n].outcome, left[n].err = o.Outcome, o.Err
			if roster.KindOf(o.Err) == roster.KindUnavailable {
				again, busy = append(again, left[n]), o.Err
			}
		}
		left = again
		return busy
	})
}

// storeClients stores the clients of a batch, after its users.
func (f *feeder) storeClients(ctx context.Context, b *batch) error {
	for n := range b.entries {
		if e := &b.entries[n]; e.err == nil && e.record.Client != nil {
			if err := f.store(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxTries bounds how often a write is tried again while the table does not answer. The SDK has tried each several
// times itself.
const (
	maxTries   = 6
	firstPause = 500 * time.Millisecond
)

// persist does write again while it reports that the table is not available, with growing pauses, half a minute in all.
// It returns an error only for that; any other is for write to keep.
func (f *feeder) persist(ctx context.Context, write func() error) error {
	for try := 0; ; try++ {
		err := write()
		switch {
		case err == nil:
			return nil
		case roster.KindOf(err) == roster.KindUnavailable && try < maxTries:
		default:
			if _, _, about := refusalOf(err); about {
				return nil
			}
			return err
		}
		if waitErr := f.pause(ctx, firstPause<<try); waitErr != nil {
			return errors.Join(err, waitErr)
		}
	}
}

// claimsOf returns what nobody else may have: the user's id, address and identities.
func claimsOf(u *roster.NewUser) []string {
	claims := []string{"email " + u.User.Email.Key()}
	if u.User.ID != 0 {
		claims = append(claims, "id "+u.User.ID.String())
	}
	for _, identity := range u.User.Identities {
		claims = append(claims, "identity "+identity.Type+"\x00"+identity.Value)
	}
	return claims
}

// claimed reports whether a user under way claims what this one does.
func (f *feeder) claimed(u *roster.NewUser) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range claimsOf(u) {
		if f.inFlight[c] > 0 {
			return true
		}
	}
	return false
}

// claim notes what the users of a batch claim, and returns it for release.
func (f *feeder) claim(b *batch) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var claims []string
	for n := range b.entries {
		if u := b.entries[n].record.User; u != nil {
			claims = append(claims, claimsOf(u)...)
		}
	}
	for _, c := range claims {
		f.inFlight[c]++
	}
	return claims
}

func (f *feeder) release(claims []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range claims {
		if f.inFlight[c]--; f.inFlight[c] == 0 {
			delete(f.inFlight, c)
		}
	}
}
