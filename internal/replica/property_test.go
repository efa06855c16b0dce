package replica

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

const testTenant roster.TenantID = 7

// testStart is when the tests' histories begin.
var testStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	testRetention   = 90 * time.Minute
	testReloadAfter = time.Hour
	testSkew        = time.Second     // the largest of any clock
	testLag         = 2 * time.Second // the largest of the index
)

// world is a table, the processes that write to it and the followers that read from it.
type world struct {
	feed  *fakeFeed
	users map[roster.UserID]roster.User // as the table has them
	orgs  []roster.Organization
	roles []roster.Role
	// warehouses are those of ids from 20 on.
	warehouses [3]roster.Warehouse
	followers  []*observed
	views      []seenView // the latest that were taken
	nextUser   roster.UserID
	// shelf is where some of the followers find snapshots, which keeper makes; saved is what must be in them, by generation.
	shelf  *shelf
	keeper *Keeper
	saved  map[int64]*model
}

// seenView is a View and what it must show for ever.
type seenView struct {
	*View
	model *model
	now   time.Time
}

// observed is a follower and what it must know.
type observed struct {
	*Replicas
	skew   time.Duration
	model  *model
	looked time.Time // by the follower's clock; zero before the first look
	own    []ownWrite
}

type ownWrite struct {
	at     time.Time // by the follower's clock
	change roster.Change
}

func (w *world) now() time.Time { return w.feed.now }

func (w *world) clock(o *observed) time.Time { return w.feed.now.Add(o.skew) }

func newWorld(t *rapid.T) *world {
	w := &world{feed: newFakeFeed(testStart), users: map[roster.UserID]roster.User{}, nextUser: 100, shelf: newShelf(), saved: map[int64]*model{}}
	w.createOrganization(nil, testTenant.Root(), "Root", 0)
	for range rapid.IntRange(1, 3).Draw(t, "followers") {
		o := &observed{model: newModel(), skew: rapid.SampledFrom([]time.Duration{-testSkew, 0, testSkew}).Draw(t, "skew")}
		var snapshots Snapshots
		if rapid.Bool().Draw(t, "reads snapshots") {
			snapshots = w.shelf
		}
		o.Replicas = New(Config{
			Feed: w.feed, ReloadAfter: testReloadAfter, Snapshots: snapshots, SnapshotMaxAge: testReloadAfter, SnapshotUsers: 3,
			Now: func() time.Time {
				w.feed.mu.Lock()
				defer w.feed.mu.Unlock()
				return w.clock(o)
			},
		})
		// Small bounds, so that orders, runs and folds are all met with few users.
		o.few = rapid.SampledFrom([]int{0, 3, fewRows}).Draw(t, "few")
		fold := rapid.SampledFrom([]uint32{1, 4, 1000}).Draw(t, "fold")
		o.foldAt = func(uint32) uint32 { return fold }
		w.followers = append(w.followers, o)
	}
	skew := rapid.SampledFrom([]time.Duration{-testSkew, 0, testSkew}).Draw(t, "keeper's skew")
	w.keeper = NewKeeper(KeeperConfig{Feed: w.feed, Store: w.shelf, MaxAge: testReloadAfter, MinUsers: 1, Now: func() time.Time {
		w.feed.mu.Lock()
		defer w.feed.mu.Unlock()
		return w.feed.now.Add(skew)
	}})
	w.keeper.interval, w.keeper.limit = 0, 400
	return w
}

func (w *world) createOrganization(parent roster.OrgPath, id roster.OrgID, name string, lag time.Duration) {
	o := roster.Organization{Tenant: testTenant, ID: id, Name: name, Path: parent.Child(id), CreatedAt: w.now(), Revision: roster.Revision{Version: 1, ChangedAt: w.now()}}
	w.orgs = append(w.orgs, o)
	w.feed.write(roster.Change{Organization: &o}, lag, false)
}

// stamp returns the revision of the next write of an item, by a writer whose clock may be off.
func (w *world) stamp(t *rapid.T, r roster.Revision) roster.Revision {
	skew := rapid.SampledFrom([]time.Duration{-testSkew, 0, testSkew}).Draw(t, "writer's skew")
	return roster.Revision{Version: r.Version + 1, ChangedAt: roster.NextChange(w.now().Add(skew), r.ChangedAt), Stamp: roster.Stamp{By: "user:1"}}
}

// write stores a change of which one of the followers may be the writer.
func (w *world) write(t *rapid.T, c roster.Change) {
	lag := rapid.SampledFrom([]time.Duration{0, 0, 100 * time.Millisecond, testLag}).Draw(t, "lag")
	w.feed.write(c, lag, rapid.Bool().Draw(t, "gap"))
	if n := rapid.IntRange(-2, len(w.followers)-1).Draw(t, "written through"); n >= 0 {
		o := w.followers[n]
		o.Apply(testTenant, c)
		o.own = append(o.own, ownWrite{w.clock(o), cloneChange(&c)})
		o.model.learn(c)
	}
}

// look makes the model of a follower learn what a query now must know.
func (w *world) look(o *observed) {
	clock := w.clock(o)
	if o.looked.IsZero() || clock.Sub(o.looked) > testReloadAfter {
		o.model = newModel()
		if from := o.followers[testTenant].origin.snapshot.Generation; from != 0 {
			o.model = w.saved[from].clone()
		}
		for _, own := range o.own {
			if clock.Sub(own.at) <= DefaultOverlap {
				o.model.learn(own.change)
			}
		}
	}
	o.looked = clock
	for _, c := range w.feed.visible(-1, time.Time{}) {
		o.model.learn(c)
	}
}

// TestAnswersEqualAPlainLoop compares every answer, over random histories, with a loop over a model.
func TestAnswersEqualAPlainLoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"create user":      w.createUser,
			"create users":     func(t *rapid.T) { w.several(t, w.createUser) },
			"change user":      w.changeUser,
			"change users":     func(t *rapid.T) { w.several(t, w.changeUser) },
			"move user":        w.moveUser,
			"change delegates": func(t *rapid.T) { w.several(t, w.changeDelegates) },
			"delete user":      w.deleteUser,
			"restore user":     w.restoreUser,
			"organization":     w.organization,
			"role":             w.role,
			"warehouse":        w.warehouse,
			"time passes":      w.timePasses,
			"query":            w.query,
			"query ":           w.query,
			"query fails":      w.queryFails,
			"view":             w.view,
			"older view":       w.olderView,
			"repeated change":  w.repeatedChange,
			"snapshot":         w.snapshot,
			"snapshot ":        w.snapshot,
			"snapshot rots":    w.snapshotRots,
			"environment ends": w.environmentEnds,
		})
		for _, o := range w.followers {
			o.Wait()
			w.ask(t, o, roster.Query{Page: roster.Page{Limit: roster.MaxLimit}})
			w.take(t, o)
		}
		for _, v := range w.views {
			w.checkView(t, v)
		}
	})
}

func (w *world) someFollower(t *rapid.T) *observed {
	return w.followers[rapid.IntRange(0, len(w.followers)-1).Draw(t, "follower")]
}

func (w *world) someOrganization(t *rapid.T) *roster.Organization {
	return &w.orgs[rapid.IntRange(0, len(w.orgs)-1).Draw(t, "organization")]
}

func (w *world) several(t *rapid.T, action func(*rapid.T)) {
	for range rapid.IntRange(5, 40).Draw(t, "times") {
		action(t)
	}
}

func (w *world) createUser(t *rapid.T) {
	u := w.drawUser(t)
	// Now and then an id smaller than others, as processes with clocks of their own make.
	w.nextUser += roster.UserID(rapid.IntRange(1, 4).Draw(t, "id"))
	u.ID = w.nextUser
	if other := u.ID - 50; rapid.Bool().Draw(t, "early id") && other > 0 && w.users[other].ID == 0 {
		u.ID = other
	}
	u.Revision = w.stamp(t, roster.Revision{})
	w.users[u.ID] = u
	w.write(t, roster.Change{User: &u})
}

// someUser returns a user who stands, and skips where there is none.
func (w *world) someUser(t *rapid.T) roster.User {
	var ids []roster.UserID
	for id, u := range w.users {
		if !u.Deleted() {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		t.Skip("no users")
	}
	slices.Sort(ids)
	u := w.users[rapid.SampledFrom(ids).Draw(t, "user")]
	return *u.Clone()
}

func (w *world) changeUser(t *rapid.T) {
	old := w.someUser(t)
	u := w.drawUser(t)
	u.ID, u.Path, u.Revision = old.ID, old.Path, w.stamp(t, old.Revision)
	w.users[u.ID] = u
	w.write(t, roster.Change{User: &u})
}

func (w *world) moveUser(t *rapid.T) {
	u := w.someUser(t)
	u.Path = w.someOrganization(t).Path
	u.Revision = w.stamp(t, u.Revision)
	w.users[u.ID] = u
	w.write(t, roster.Change{User: &u})
}

func (w *world) deleteUser(t *rapid.T) {
	u := w.someUser(t)
	u.DeletedAt = w.now()
	u.ExpiresAt = w.now().Add(testRetention)
	u.Revision = w.stamp(t, u.Revision)
	w.users[u.ID] = u
	w.write(t, roster.Change{User: &u})
}

func (w *world) restoreUser(t *rapid.T) {
	var ids []roster.UserID
	for id, u := range w.users {
		if u.Deleted() && !u.Expired(w.now().Add(2*testSkew)) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		t.Skip("nobody is deleted")
	}
	slices.Sort(ids)
	old := w.users[rapid.SampledFrom(ids).Draw(t, "deleted user")]
	u := *old.Clone()
	u.DeletedAt, u.ExpiresAt = time.Time{}, time.Time{}
	u.Revision = w.stamp(t, u.Revision)
	w.users[u.ID] = u
	w.write(t, roster.Change{User: &u})
}

// changeDelegates gives a user other delegates: others, now and then nobody, oneself, or the same one twice.
func (w *world) changeDelegates(t *rapid.T) {
	u := w.someUser(t)
	u.Delegates = nil
	for range rapid.IntRange(0, 3).Draw(t, "delegates") {
		d := roster.Delegate{User: w.someUser(t).ID}
		if rapid.IntRange(0, 4).Draw(t, "odd delegate") == 0 {
			d = roster.Delegate{User: w.drawID(t), Permissions: []string{"VIEW"}}
		}
		u.Delegates = append(u.Delegates, d)
	}
	u.Revision = w.stamp(t, u.Revision)
	w.users[u.ID] = u
	w.write(t, roster.Change{User: &u})
}

func (w *world) organization(t *rapid.T) {
	name := rapid.SampledFrom([]string{"Kyiv", "kyiv", "Österreich", "österreich", "Zürich", "", "Sales"}).Draw(t, "name")
	if rapid.Bool().Draw(t, "rename") {
		o := &w.orgs[rapid.IntRange(0, len(w.orgs)-1).Draw(t, "organization")]
		o.Name, o.Revision = name, w.stamp(t, o.Revision)
		w.write(t, roster.Change{Organization: o})
		return
	}
	parent := w.someOrganization(t)
	if len(parent.Path) < roster.MaxDepth {
		w.createOrganization(parent.Path, roster.OrgID(1000-len(w.orgs)), name, testLag)
	}
}

func (w *world) role(t *rapid.T) {
	name := rapid.SampledFrom([]string{"Auditor", "auditor", "Élève", "staff", ""}).Draw(t, "name")
	r := roster.Role{Tenant: testTenant, ID: roster.RoleID(rapid.IntRange(10, 12).Draw(t, "role")), Name: name}
	i := slices.IndexFunc(w.roles, func(known roster.Role) bool { return known.ID == r.ID })
	if i < 0 {
		r.Revision = w.stamp(t, r.Revision)
		w.roles = append(w.roles, r)
	} else {
		r.Revision = w.stamp(t, w.roles[i].Revision)
		w.roles[i] = r
	}
	w.write(t, roster.Change{Role: &r})
}

func (w *world) timePasses(t *rapid.T) {
	by := rapid.SampledFrom([]time.Duration{
		time.Millisecond, 500 * time.Millisecond, time.Second, testLag, 4 * time.Second, time.Minute, 40 * time.Minute,
		testReloadAfter + time.Minute, testRetention, 31 * 24 * time.Hour,
	}).Draw(t, "by")
	w.feed.mu.Lock()
	w.feed.now = w.feed.now.Add(by)
	w.feed.mu.Unlock()
	// The table deletes expired items some time after they expire.
	w.feed.purge(w.now().Add(-2 * testSkew))
}

// repeatedChange is a change that arrives again, and late: it must do no harm.
func (w *world) repeatedChange(t *rapid.T) {
	o := w.someFollower(t)
	var keys []itemKey
	for key := range w.feed.items {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b itemKey) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	if o.looked.IsZero() || len(keys) == 0 {
		t.Skip("nothing to repeat")
	}
	h := *w.feed.items[rapid.SampledFrom(keys).Draw(t, "item")]
	v := h[rapid.IntRange(0, len(h)-1).Draw(t, "version")]
	o.Apply(testTenant, v.change)
	o.own = append(o.own, ownWrite{w.clock(o), v.change})
	o.model.learn(v.change)
}

func (w *world) query(t *rapid.T) {
	o := w.someFollower(t)
	w.ask(t, o, w.drawQuery(t))
}

func (w *world) ask(t *rapid.T, o *observed, q roster.Query) {
	if rapid.Bool().Draw(t, "fold first") {
		o.Wait()
	}
	got, err := o.SearchUsers(t.Context(), testTenant, q)
	if err != nil {
		t.Fatalf("SearchUsers(%+v): %v", q, err)
	}
	w.look(o)
	want := o.model.search(q, w.clock(o))
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("SearchUsers(%+v) (-want +got):\n%s", q, diff)
	}
}

// view takes a View of a follower, and compares it with pages of the same follower too.
func (w *world) view(t *rapid.T) {
	o := w.someFollower(t)
	v := w.take(t, o)
	w.checkView(t, v)
	q := w.drawQuery(t)
	q.Page = roster.Page{Limit: rapid.IntRange(1, 20).Draw(t, "page")}
	walked := []roster.User{}
	for {
		page, err := o.SearchUsers(t.Context(), testTenant, q)
		if err != nil {
			t.Fatalf("SearchUsers(%+v): %v", q, err)
		}
		walked = append(walked, page.Users...)
		if !page.After {
			break
		}
		q.Page.Offset += q.Page.Limit
	}
	if diff := cmp.Diff(walked, everyone(t, v.View, q)); diff != "" {
		t.Fatalf("EachUser(%+v) and a walk over the pages (-walk +each):\n%s", q, diff)
	}
}

// take takes a View of a follower, which is kept for a while.
func (w *world) take(t *rapid.T, o *observed) seenView {
	if rapid.Bool().Draw(t, "fold first") {
		o.Wait()
	}
	got, err := o.View(t.Context(), testTenant)
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	w.look(o)
	v := seenView{got, o.model.clone(), w.clock(o)}
	w.views = append(w.views[max(0, len(w.views)-5):], v)
	return v
}

func (w *world) olderView(t *rapid.T) {
	if len(w.views) == 0 {
		t.Skip("no views")
	}
	w.checkView(t, w.views[rapid.IntRange(0, len(w.views)-1).Draw(t, "view")])
}

// checkView compares all that a View shows with loops over what was known when it was taken.
func (w *world) checkView(t *rapid.T, v seenView) {
	q := w.drawQuery(t)
	all := q
	all.Page = roster.Page{Limit: len(v.model.users) + 1}
	if diff := cmp.Diff(v.model.search(all, v.now).Users, everyone(t, v.View, q), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("EachUser(%+v) (-want +got):\n%s", q, diff)
	}
	page, err := v.SearchUsers(t.Context(), q)
	if diff := cmp.Diff(v.model.search(q, v.now), page, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Fatalf("SearchUsers(%+v) of a View: %v (-want +got):\n%s", q, err, diff)
	}
	ids := []roster.UserID{-1, 0, 5, 6, 1 << 52, w.nextUser + 1}
	for id := range v.model.users {
		ids = append(ids, id, id+1)
	}
	for _, id := range ids {
		want, stands := v.model.user(id, v.now)
		got, ok := v.User(id)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); ok != stands || diff != "" {
			t.Fatalf("User(%d) = %t, want %t (-want +got):\n%s", id, ok, stands, diff)
		}
		if diff := cmp.Diff(v.model.delegators(id, v.now), v.Delegators(id), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("Delegators(%d) (-want +got):\n%s", id, diff)
		}
	}
	for _, o := range w.orgs {
		want, known := v.model.organizations[o.ID]
		if got, ok := v.Organization(o.ID); ok != known || got.Name != want.Name || !slices.Equal(got.Path, want.Path) {
			t.Fatalf("Organization(%s) = %+v, %t, want %+v, %t", o.ID, got, ok, want, known)
		}
	}
	for id := roster.RoleID(1); id <= 13; id++ {
		want, known := roster.BuiltinRole(id)
		if !known {
			want, known = v.model.roles[id]
		}
		if got, ok := v.Role(id); ok != known || got.Name != want.Name {
			t.Fatalf("Role(%s) = %+v, %t, want %+v, %t", id, got, ok, want, known)
		}
	}
	w.checkWarehouses(t, v)
}

// queryFails makes one shard fail, at its beginning or in its middle. What was shown before may be taken in; nothing may be
// missing afterwards.
func (w *world) queryFails(t *rapid.T) {
	o := w.someFollower(t)
	broken, after := rapid.IntRange(0, roster.Shards-1).Draw(t, "shard"), rapid.IntRange(0, 3).Draw(t, "after")
	w.feed.fail = func(shard, seen int) error {
		if shard == broken && seen >= after {
			return errors.New("throttled")
		}
		return nil
	}
	_, err := o.SearchUsers(t.Context(), testTenant, roster.Query{Page: roster.Page{Limit: 1}})
	w.feed.fail = nil
	switch {
	case err == nil && after == 0:
		t.Fatalf("a query succeeded though shard %d failed", broken)
	case err != nil && roster.KindOf(err) != roster.KindUnavailable:
		t.Fatalf("the error of a failing feed is %v, want unavailable", err)
	}
	w.ask(t, o, roster.Query{Page: roster.Page{Limit: roster.MaxLimit}})
}
