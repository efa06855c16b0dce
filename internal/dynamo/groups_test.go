package dynamo_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestGroupsAreKeptInIDOrder(t *testing.T) {
	w := newWorld(t)
	var want []roster.Group
	for _, id := range []roster.GroupID{2, 10, roster.MaxGroupID} {
		group, err := w.CreateGroup(t.Context(), roster.Group{Tenant: 7, ID: id, Name: "Tax"}, rostertest.Stamp())
		if err != nil {
			t.Fatal(err)
		}
		stored := roster.Group{
			Tenant: 7, ID: id, Name: "Tax", CreatedAt: w.clock.Now(), Revision: roster.Revision{Version: 1, ChangedAt: w.clock.Now(), Stamp: rostertest.Stamp()},
		}
		if diff := cmp.Diff(stored, group); diff != "" {
			t.Errorf("group %s (-want +got):\n%s", id, diff)
		}
		want = append(want, stored)
	}
	got, err := w.Groups(t.Context(), 7)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("the groups, %v (-want +got):\n%s", err, diff)
	}
	cost := rostertest.CostOf(t, func(ctx context.Context) error {
		assigned, err := w.CreateGroup(ctx, roster.Group{Tenant: 7, Name: "New", CreatedAt: time.UnixMilli(5).UTC()}, rostertest.Stamp())
		if err == nil && (assigned.ID < 11 || assigned.ID > roster.MaxGroupID || !assigned.CreatedAt.Equal(time.UnixMilli(5))) {
			t.Errorf("a group without an id is %+v", assigned)
		}
		return err
	})
	if cost.Writes != 1 {
		t.Errorf("a group cost %+v, want 1 WRU: it is in no index", cost)
	}
	for _, c := range w.changes(t, time.Time{}) {
		if c.User == nil && c.Organization == nil && c.Role == nil {
			t.Errorf("the feed shows %+v", c)
		}
	}
	if roles, err := w.Roles(t.Context(), 7); err != nil || len(roles) != 0 {
		t.Errorf("the roles are %v, %v, want none", roles, err)
	}
	_, err = w.CreateGroup(t.Context(), roster.Group{Tenant: 7, ID: 10, Name: "Other"}, rostertest.Stamp())
	wantKind(t, "an id that is taken", err, roster.KindConflict)
	_, err = w.CreateGroup(t.Context(), roster.Group{Tenant: 6, Name: "Tax"}, rostertest.Stamp())
	wantKind(t, "a group of no tenant", err, roster.KindNotFound)
	if groups, err := w.Groups(t.Context(), 6); err != nil || len(groups) != 0 {
		t.Errorf("the groups of nobody are %v, %v", groups, err)
	}
	w.mustFit(t)
}
