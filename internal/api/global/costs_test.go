package global_test

import (
	"context"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/api"
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

// crowded is a stand of a thousand of the longest users there can be, who have all the roles they can: of that many custom ones, each
// with all permissions.
func crowded(roles int) *stand {
	long := strings.Repeat("\u2028", roster.MaxName) // seven bytes a character: no other takes as many
	var crowd []roster.User
	for n := range roster.MaxLimit {
		crowd = append(crowd, person(roster.MaxUserID-roster.UserID(n), world.Birch, func(u *roster.User) {
			u.Name, u.Username, u.Email = long, long, roster.Email(strings.Repeat(`"`, roster.MaxEmailBytes))
			u.Roles, u.LastLoginAt = nil, world.Now
			for i := range 20 {
				u.Roles = append(u.Roles, math.MaxInt32-roster.RoleID((20*n+i)%roles))
			}
		}))
	}
	s := newStand(crowd...)
	for i := range roles {
		role := roster.Role{Tenant: roster.TenantID(world.Acme), ID: math.MaxInt32 - roster.RoleID(i), Name: long, Permissions: roster.AllPermissions}
		role.Revision = s.revision(role.ID)
		s.changes = append(s.changes, roster.Change{Role: &role})
	}
	return s
}

// TestTheLargestAnswer holds that an answer is one that a function can return, or refused with what to do about it: also just below
// the number of objects from which on the size is looked at.
func TestTheLargestAnswer(t *testing.T) {
	const all = "&fields=all&fields:roles=all&fields:merchant=all"
	few, many := crowded(498), crowded(20_000)
	for _, test := range []struct {
		s      *stand
		target string
		want   int
	}{
		{few, anyone + "?limit=1000" + all, 200}, {many, anyone + "?limit=100" + all, 200}, {many, clients + "?limit=1000&fields=all", 200},
		{many, anyone + "?limit=1000&fields:roles=all", 400}, {many, anyone + "?sort=email&limit=900&fields:roles=basic", 400},
	} {
		answer := get(test.s.handler, world.Client(world.Acme), test.target)
		if size := api.AnswerSize(answer.Body.Bytes()); answer.Code != test.want || size > api.MaxAnswer {
			t.Errorf("GET %s is answered %d with %d bytes, want %d with at most %d", test.target, answer.Code, size, test.want, api.MaxAnswer)
		}
		if answer.Code == http.StatusBadRequest {
			refuse(t, answer, 400, "limit must be smaller, or fewer fields be asked for: the answer would be too large")
		}
	}
}
