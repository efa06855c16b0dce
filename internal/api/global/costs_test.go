package global_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// counted is a stand's feed that counts how often it is read.
type counted struct {
	*stand
	looks atomic.Int64
}

func (c *counted) Changes(ctx context.Context, tenant roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	c.looks.Add(1)
	return c.stand.Changes(ctx, tenant, shard, since, visit)
}

// TestAPageIsOneLook holds that a page costs one read of each shard of the feed, whatever it includes and however many users there are,
// and that what is refused costs none. What the reads cost at the table is pinned in package app.
func TestAPageIsOneLook(t *testing.T) {
	for _, size := range []roster.UserID{50, 5000} {
		var crowd []roster.User
		for id := range size {
			crowd = append(crowd, person(id+1, []roster.OrgID{world.Acme, world.Birch, world.Cedar, world.Dogwood}[id%4], func(u *roster.User) {
				u.DefaultWarehouse, u.Roles = 71, []roster.RoleID{roster.RoleID(1 + id%3), world.Auditor}
			}))
		}
		feed := &counted{stand: newStand(crowd...)}
		replicas := replica.New(replica.Config{Feed: feed, Now: func() time.Time { return world.Now }})
		h := bare(directory.New(directory.Ports{Search: world.Searcher{Replicas: replicas}}))
		get(h, world.Client(world.Acme), anyone) // loads the replica
		for target, want := range map[string]int{
			anyone: 200, ours + "?limit=1": 200, clients + "?fields=all&fields:roles=all&fields:merchant=all&fields:default_warehouse=all&limit=1000&count=1": 200,
			anyone + "?filter=name{regex:'9'}&sort=-email": 200, anyone + "?is_deleted=true": 200, anyone + "?cursor_end=30": 200,
			anyone + "?filter=x": 400, anyone + "?sort=email&cursor_end=30": 400, users + "/everyone": 404,
		} {
			before := feed.looks.Load()
			answer := get(h, world.Client(world.Acme), target)
			looks, wanted := feed.looks.Load()-before, int64(roster.Shards)
			if want != http.StatusOK {
				wanted = 0
			}
			if answer.Code != want || looks != wanted {
				t.Errorf("%d users: GET %s is answered %d with %d reads of the feed, want %d with %d", size, target, answer.Code, looks, want, wanted)
			}
		}
		replicas.Wait()
	}
}

// TestTheLargestPageFitsIntoAnAnswer makes a page of the longest users there can be, who have all the roles they can.
func TestTheLargestPageFitsIntoAnAnswer(t *testing.T) {
	long := func(n int) string { return fmt.Sprintf("%0*d", n, 7) }
	var crowd []roster.User
	for id := range roster.UserID(roster.MaxLimit) {
		crowd = append(crowd, person(roster.MaxUserID-id, world.Birch, func(u *roster.User) {
			u.Name, u.Username, u.Email = long(roster.MaxName), long(roster.MaxShortText), roster.Email(long(roster.MaxEmailBytes-12)+"@example.com")
			u.Roles, u.LastLoginAt = nil, world.Now
			for range 20 {
				u.Roles = append(u.Roles, roster.RoleAdmin)
			}
		}))
	}
	answer := get(newStand(crowd...).handler, world.Client(world.Acme), anyone+"?limit=1000&fields=all&fields:roles=all&fields:merchant=all")
	body := answer.Body.String()
	size := len(body)
	for _, c := range []byte(body) {
		if c == '"' || c == '\\' { // Lambda returns the answer as a string
			size++
		}
	}
	if answer.Code != http.StatusOK || size > 5_500_000 {
		t.Errorf("the largest page is answered %d with %d bytes, as Lambda counts them", answer.Code, size)
	}
	t.Logf("%d bytes", size)
}
