package replica

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/rosterhq/roster/internal/roster"
)

// fakeFeed is the change feed as the table's index shows it: an item appears some time after it was written, the last
// version of an item may be gone before the next one shows, and items that have expired are gone.
type fakeFeed struct {
	mu    sync.Mutex
	now   time.Time            // the true time; guarded by mu
	items map[itemKey]*history // guarded by mu
	// fail fails the reading of a shard after so many items; nil fails none. Guarded by mu.
	fail func(shard, seen int) error
	// during is called at the beginning of each read of a shard, without the lock.
	during func(shard int)
	// reads counts calls of Changes, visits those of visit. Guarded by mu.
	reads, visits int
	// sinces are the arguments of Changes. Guarded by mu.
	sinces []time.Time
}

// itemKey says which item of the table it is.
type itemKey struct {
	kind byte
	id   int64
}

// history holds the versions of one item, oldest first.
type history []version

type version struct {
	change  roster.Change
	written time.Time // true time
	visible time.Time // true time
	// gap says that the version before is gone from the index as soon as this one is written.
	gap bool
}

func newFakeFeed(now time.Time) *fakeFeed {
	return &fakeFeed{now: now, items: map[itemKey]*history{}}
}

func keyOf(c *roster.Change) (itemKey, int) {
	switch {
	case c.User != nil:
		return itemKey{'u', int64(c.User.ID)}, roster.Shard(c.User.ID)
	case c.Organization != nil:
		return itemKey{'o', int64(c.Organization.ID)}, roster.Shard(c.Organization.ID)
	case c.Warehouse != nil:
		return itemKey{'w', int64(c.Warehouse.ID)}, roster.Shard(c.Warehouse.ID)
	default:
		return itemKey{'r', int64(c.Role.ID)}, roster.Shard(c.Role.ID)
	}
}

// write stores the newest version of an item, which appears in the feed after lag.
func (f *fakeFeed) write(c roster.Change, lag time.Duration, gap bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key, _ := keyOf(&c)
	h := f.items[key]
	if h == nil {
		h = &history{}
		f.items[key] = h
	}
	visible := f.now.Add(lag)
	if n := len(*h); n > 0 && visible.Before((*h)[n-1].visible) {
		visible = (*h)[n-1].visible
	}
	*h = append(*h, version{change: cloneChange(&c), written: f.now, visible: visible, gap: gap})
}

// put writes what shows at once.
func (f *fakeFeed) put(changes ...roster.Change) {
	for _, c := range changes {
		f.write(c, 0, false)
	}
}

// visible returns what the feed shows now of the shard, or of all of them for shard -1, oldest change first. The caller
// holds mu.
func (f *fakeFeed) visible(shard int, since time.Time) []roster.Change {
	var out []roster.Change
	for _, h := range f.items {
		shown := -1
		for i, v := range *h {
			if v.gap && !v.written.After(f.now) {
				shown = -1
			}
			if !v.visible.After(f.now) {
				shown = i
			}
		}
		if shown < 0 {
			continue
		}
		c := (*h)[shown].change
		if _, s := keyOf(&c); (shard < 0 || s == shard) && !c.Revision().ChangedAt.Before(since) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b roster.Change) int { return a.Revision().ChangedAt.Compare(b.Revision().ChangedAt) })
	return out
}

// purge removes users that expired before the time.
func (f *fakeFeed) purge(before time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, h := range f.items {
		if last := (*h)[len(*h)-1].change; last.User != nil && last.User.Expired(before) {
			delete(f.items, key)
		}
	}
}

func (f *fakeFeed) Changes(_ context.Context, _ roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	if f.during != nil {
		f.during(shard)
	}
	f.mu.Lock()
	changes, fail := f.visible(shard, since), f.fail
	f.reads++
	f.sinces = append(f.sinces, since)
	f.mu.Unlock()
	for i, c := range changes {
		if fail != nil {
			if err := fail(shard, i); err != nil {
				return err
			}
		}
		f.mu.Lock()
		f.visits++
		f.mu.Unlock()
		lent, takeBack := lend(c)
		err := visit(lent)
		takeBack()
		if err != nil {
			return err
		}
	}
	if fail != nil {
		return fail(shard, len(changes))
	}
	return nil
}

// lend returns a copy of a change whose memory takeBack overwrites, as a feed does that decodes into buffers it uses again.
func lend(c roster.Change) (lent roster.Change, takeBack func()) {
	lent = cloneChange(&c)
	var buffers [][]byte
	text := func(s *string) {
		if *s == "" {
			return
		}
		b := []byte(*s)
		buffers = append(buffers, b)
		*s = unsafe.String(&b[0], len(b))
	}
	var path roster.OrgPath
	if u := lent.User; u != nil {
		path = u.Path
		for _, s := range []*string{&u.Name, &u.GivenName, &u.FamilyName, &u.Nickname, &u.Username, &u.Title, &u.PhoneNumber,
			&u.Address.Full, &u.Address.Country, &u.Address.City, &u.Address.State, &u.Address.Zip, &u.TimeZone, &u.Locale,
			&u.Seniority, &u.Department, &u.Office, &u.Subdepartment, &u.Pod, &u.DeviceUserID, &u.PublicKey, (*string)(&u.Email)} {
			text(s)
		}
		for i := range u.SuperDelegatePermissions {
			text(&u.SuperDelegatePermissions[i])
		}
		for i := range u.Identities {
			text(&u.Identities[i].Type)
			text(&u.Identities[i].Value)
		}
		for i := range u.Delegates {
			for j := range u.Delegates[i].Permissions {
				text(&u.Delegates[i].Permissions[j])
			}
		}
	}
	if o := lent.Organization; o != nil {
		o.Path = slices.Clone(o.Path)
		path = o.Path
		text(&o.Name)
	}
	if r := lent.Role; r != nil {
		text(&r.Name)
	}
	if w := lent.Warehouse; w != nil {
		text(&w.Name)
	}
	return lent, func() {
		for _, b := range buffers {
			copy(b, strings.Repeat("\x01", len(b)))
		}
		clear(path)
		if u := lent.User; u != nil {
			clear(u.Roles)
			clear(u.Groups)
			clear(u.Delegates)
			clear(u.Identities)
			*u = roster.User{}
		}
	}
}
