package dynamo_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// slowWrites makes every whole-item write take ten seconds by the clock, once armed.
type slowWrites struct {
	clock *rostertest.Clock
	armed atomic.Bool
}

func (s *slowWrites) RoundTrip(r *http.Request) (*http.Response, error) {
	target := r.Header.Get("X-Amz-Target")
	if s.armed.Load() && (strings.HasSuffix(target, ".PutItem") || strings.HasSuffix(target, ".TransactWriteItems")) {
		s.clock.Advance(10 * time.Second)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestAChangeThatTookLongIsStillInTheNextLookAtTheFeed(t *testing.T) {
	slow := &slowWrites{}
	w := newWorld(t, rostertest.WithTransport(slow))
	slow.clock = w.clock
	user := w.create(t, w.child, 40)
	// inFeed reports what a follower sees that looks five seconds back from now.
	inFeed := func(id roster.UserID) (seen roster.Revision) {
		t.Helper()
		err := w.Changes(t.Context(), 7, roster.Shard(id), w.clock.Now().Add(-5*time.Second), func(c roster.Change) error {
			if c.User != nil && c.User.ID == id {
				seen = c.User.Revision
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	slow.armed.Store(true)
	after := user
	after.Title = "Slow"
	if _, err := w.UpdateUser(t.Context(), user, after, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if got, want := inFeed(user.ID).Version, user.Revision.Version+2; got != want {
		t.Errorf("after a slow change the feed shows version %d, want %d", got, want)
	}
	created := w.create(t, w.child, 41)
	if got := inFeed(created.ID).Version; got != 2 {
		t.Errorf("after a slow creation the feed shows version %d, want 2", got)
	}
	if err := w.RegisterDevice(t.Context(), phone(7, created.ID, "a"), rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if got := inFeed(created.ID).Version; got != 4 {
		t.Errorf("after a slow registration of a device the feed shows version %d, want 4", got)
	}
	slow.armed.Store(false)
	created = w.create(t, w.child, 42)
	if got := inFeed(created.ID).Version; got != 1 {
		t.Errorf("after a quick creation the feed shows version %d, want 1", got)
	}
}
