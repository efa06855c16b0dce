package directory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

func TestBrowseUsersReachesOwnAndBelow(t *testing.T) {
	w := world.New(t)
	if _, err := w.Table.DeleteUser(t.Context(), w.User(t, world.BeaUser), rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Table.DeleteUser(t.Context(), w.User(t, world.UmaUser), rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	all := roster.Query{Page: roster.Page{Limit: roster.MaxLimit}}
	deleted := all
	deleted.Deleted = roster.OnlyDeleted
	elsewhere := all
	elsewhere.Scope = roster.Scope{Org: world.Acme, Subtree: true}
	for _, test := range []struct {
		name   string
		caller roster.Principal
		reach  directory.Reach
		query  roster.Query
		want   string
	}{
		{"the root and all below", world.Client(world.Acme), directory.OwnAndBelow, all, "Ann Sam Otto Pia Sue Bob Cid Dot"},
		{"the root alone", world.Client(world.Acme), directory.OwnOnly, all, "Ann Sam Otto Pia Sue"},
		{"all below the root", world.Client(world.Acme), directory.BelowOnly, all, "Bob Cid Dot"},
		{"deleted ones", world.Client(world.Acme), directory.OwnAndBelow, deleted, "Uma Bea"},
		{"deleted ones of the root", world.Client(world.Acme), directory.OwnOnly, deleted, "Uma"},
		{"deleted ones below the root", world.Client(world.Acme), directory.BelowOnly, deleted, "Bea"},
		{"a child and all below", world.Client(world.Birch), directory.OwnAndBelow, all, "Bob Cid"},
		{"a child alone", world.Client(world.Birch), directory.OwnOnly, all, "Bob"},
		{"all below a child", world.Client(world.Birch), directory.BelowOnly, all, "Cid"},
		{"whatever the query says", world.Client(world.Birch), directory.OwnAndBelow, elsewhere, "Bob Cid"},
		{"nothing below", world.Client(world.Elm), directory.BelowOnly, all, ""},
		{"another tenant", world.Client(world.Elm), directory.OwnAndBelow, all, "Eve"},
		{"as a user", w.As(t, world.OttoAuditor), directory.BelowOnly, all, "Bob Cid Dot"},
	} {
		got, err := w.Directory.BrowseUsers(t.Context(), &test.caller, test.reach, test.query)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, names(got.Page.Users)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
		for _, u := range got.Page.Users {
			if _, ok := got.View.Role(u.Role()); !ok {
				t.Errorf("%s: the view has no role %s", test.name, u.Role())
			}
			if _, ok := got.View.Organization(u.Org()); !ok {
				t.Errorf("%s: the view has no organization %s", test.name, u.Org())
			}
		}
	}
}

// looking counts the looks.
type looking struct {
	directory.Search
	looks int
	err   error
}

func (l *looking) View(ctx context.Context, tenant roster.TenantID) (directory.View, error) {
	l.looks++
	if l.err != nil {
		return nil, l.err
	}
	return l.Search.View(ctx, tenant)
}

func TestBrowseUsersLooksOnceAndOnlyIfItMay(t *testing.T) {
	w := world.New(t)
	page := roster.Page{Limit: 2}
	for _, test := range []struct {
		name   string
		caller roster.Principal
		query  roster.Query
		fails  error
		want   roster.Kind // KindInternal for no error
		looks  int
	}{
		{"who may", w.As(t, world.SamStaff), roster.Query{Page: page}, nil, roster.KindInternal, 1},
		{"who may not", w.As(t, world.UmaUser), roster.Query{Page: page}, nil, roster.KindForbidden, 0},
		{"who may not, and asks badly", w.As(t, world.UmaUser), roster.Query{}, nil, roster.KindForbidden, 0},
		{"a bad query", w.As(t, world.SamStaff), roster.Query{}, nil, roster.KindInvalid, 0},
		{"no feed", w.As(t, world.SamStaff), roster.Query{Page: page}, roster.Unavailable("busy", errors.New("busy")), roster.KindUnavailable, 1},
	} {
		search := &looking{Search: w.Ports.Search, err: test.fails}
		ports := w.Ports
		ports.Search = search
		got, err := directory.New(ports).BrowseUsers(t.Context(), &test.caller, directory.OwnAndBelow, test.query)
		if (err == nil) != (test.want == roster.KindInternal) || err != nil && roster.KindOf(err) != test.want {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if search.looks != test.looks || err == nil && (len(got.Page.Users) != 2 || got.Page.Total != 10) {
			t.Errorf("%s: %d looks, want %d; %+v", test.name, search.looks, test.looks, got.Page)
		}
	}
}
