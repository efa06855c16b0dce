package dynamo_test

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// crashWorld is a world in a table of a DynamoDB Local of its own, whose data is in a folder and outlives it.
type crashWorld struct {
	world
	dir    string
	server *dynamolocal.Server
}

func newCrashWorld(t *testing.T) *crashWorld {
	t.Helper()
	c := &crashWorld{dir: t.TempDir()}
	c.name, c.clock = "roster", rostertest.NewClock(time.Now().UTC().Truncate(time.Second))
	t.Cleanup(func() { c.server.Kill() })
	c.start(t)
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	input := template.Table.CreateInput(c.name)
	input.StreamSpecification = nil // see rostertest.CreateTable
	if _, err := rostertest.Client(t, c.base...).CreateTable(t.Context(), input); err != nil {
		t.Fatal(err)
	}
	c.settle(t, hasty)
	return c
}

// start starts the server, again after a crash, and reaches the table there.
func (c *crashWorld) start(t *testing.T) {
	t.Helper()
	server, err := dynamolocal.Start(t.Context(), dynamolocal.Options{Dir: c.dir, Brief: true})
	if err != nil {
		t.Fatal(err)
	}
	c.server = server
	endpoint := server.Endpoint()
	c.base = []func(*dynamodb.Options){func(o *dynamodb.Options) { o.BaseEndpoint = &endpoint }}
	c.Table = c.over(t, hasty)
}

// The writes of the crash test, and how often the server is killed in them.
const (
	crashWrites = 5000
	crashes     = 3
)

// TestCrashesLeaveNothingHalfMade kills the server at random points of 5,000 mixed writes. After each crash everything in
// the table must fit together. DynamoDB Local acknowledges writes a moment before they are in its file, so the last of
// them may be gone, whole; DynamoDB itself keeps what it acknowledged.
func TestCrashesLeaveNothingHalfMade(t *testing.T) {
	t.Parallel()
	c := newCrashWorld(t)
	var done atomic.Int64
	acknowledged := make(map[roster.UserID]bool)
	for crash := range crashes {
		// One crash in each stretch of the writes, at a random point.
		const stretch = crashWrites / (crashes + 1)
		fresh := c.writeUntil(t, &done, int64(stretch*crash+stretch/4+mathrand.IntN(stretch*3/4)), true)
		c.start(t)
		t.Logf("crash %d came after %d writes", crash+1, done.Load())
		c.mustFit(t)
		c.mustStand(t, acknowledged)
		c.keep(t, acknowledged, fresh)
	}
	fresh := c.writeUntil(t, &done, crashWrites, false)
	c.mustFit(t)
	for _, id := range fresh {
		acknowledged[id] = true
	}
	c.mustStand(t, acknowledged)
}

// writeUntil lets four write until so many writes are done in all, and then may kill the server in the middle of the next
// ones. It returns the users whose creation was acknowledged and that no other writer knows.
func (c *crashWorld) writeUntil(t *testing.T, done *atomic.Int64, end int64, kill bool) []roster.UserID {
	var acknowledged []roster.UserID
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	var all sync.WaitGroup
	enough := make(chan struct{}, 1)
	for writer := range 4 {
		all.Go(func() {
			random := newRandom(int(end) + writer)
			for n := 0; ctx.Err() == nil; n++ {
				var err error
				switch n % 5 {
				case 0:
					var user roster.User
					if user, err = c.createNobody(t); err == nil {
						mu.Lock()
						acknowledged = append(acknowledged, user.ID)
						mu.Unlock()
					}
				case 1, 2: // most of what happens to a directory
					_, err = c.changeUser(t, roster.UserID(100+random.IntN(12)), func(u *roster.User) { u.Title = rand.Text() })
				default:
					err = c.writeSomething(t, random)
				}
				if roster.KindOf(err) != roster.KindUnavailable && done.Add(1) == end {
					enough <- struct{}{}
				}
			}
		})
	}
	<-enough
	if kill {
		c.server.Kill()
	}
	stop()
	all.Wait()
	return acknowledged
}

// createNobody creates a user that no other writer knows.
func (c *crashWorld) createNobody(t *testing.T) (roster.User, error) {
	address := func(u *roster.User) { u.Email = roster.Email(rand.Text() + "@example.com") }
	user, _, err := c.CreateUser(t.Context(), newcomer(rostertest.User(c.child, 0, address)), rostertest.Stamp(), nil)
	return user, err
}

// mustStand fails the test unless all of those users are there.
func (c *crashWorld) mustStand(t *testing.T, users map[roster.UserID]bool) {
	t.Helper()
	for id := range users {
		if _, err := c.User(t.Context(), 7, id); err != nil {
			t.Errorf("user %v, who was created, gives %v", id, err)
		}
	}
}

// keep adds those users to the others that a crash has left.
func (c *crashWorld) keep(t *testing.T, users map[roster.UserID]bool, fresh []roster.UserID) {
	t.Helper()
	lost := 0
	for _, id := range fresh {
		if _, err := c.User(t.Context(), 7, id); roster.KindOf(err) == roster.KindNotFound {
			lost++
			continue
		}
		users[id] = true
	}
	t.Logf("of %d users that were acknowledged since the last crash DynamoDB Local has lost %d", len(fresh), lost)
}
