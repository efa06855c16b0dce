package replica

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

func TestOrganizationsArePagesOfOneTreeInIDOrder(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	feed := newFakeFeed(now)
	organization := func(version int64, path ...roster.OrgID) roster.Change {
		id := path[len(path)-1]
		return roster.Change{Organization: &roster.Organization{
			Tenant: 7, ID: id, Name: "Organization " + id.String(), Path: path, CreatedAt: now,
			Revision: roster.Revision{Version: version, ChangedAt: now},
		}}
	}
	gone := organization(1, 7, 6)
	gone.Organization.DeletedAt = now
	feed.put(organization(1, 7), organization(1, 7, 9), organization(1, 7, 3), organization(1, 7, 9, 8), organization(1, 7, 9, 5), gone)
	r := New(Config{Feed: feed, Now: func() time.Time { return now }})
	for _, test := range []struct {
		root          roster.OrgID
		limit, offset int
		want          []roster.OrgID
		total         int
	}{
		{7, 10, 0, []roster.OrgID{3, 5, 7, 8, 9}, 5},
		{7, 2, 0, []roster.OrgID{3, 5}, 5},
		{7, 2, 2, []roster.OrgID{7, 8}, 5},
		{7, 2, 4, []roster.OrgID{9}, 5},
		{7, 2, 1 << 40, nil, 5},
		{9, 10, 0, []roster.OrgID{5, 8, 9}, 3},
		{8, 10, 0, []roster.OrgID{8}, 1},
		{4711, 10, 0, nil, 0},
	} {
		page, err := r.Organizations(t.Context(), 7, test.root, roster.Page{Limit: test.limit, Offset: test.offset})
		var got []roster.OrgID
		for _, o := range page.Organizations {
			got = append(got, o.ID)
		}
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" || page.Total != test.total {
			t.Errorf("Organizations of %d, limit %d, offset %d: %d of %d, %v (-want +got)\n%s", test.root, test.limit, test.offset, len(got), page.Total, err, diff)
		}
	}
	t.Run("shows what this process has written, before the feed does", func(t *testing.T) {
		r.Apply(7, organization(1, 7, 3, 4))
		page, err := r.Organizations(t.Context(), 7, 3, roster.Page{Limit: 10})
		if err != nil || page.Total != 2 || page.Organizations[1].ID != 4 {
			t.Errorf("Organizations = %+v, %v, want 3 and 4", page, err)
		}
		page.Organizations[1].Path[0] = 99 // is the caller's own
		if again, _ := r.Organizations(t.Context(), 7, 3, roster.Page{Limit: 10}); again.Organizations[1].Path[0] != 7 {
			t.Error("a caller changed the replica")
		}
	})
	t.Run("refuses pages that break a rule", func(t *testing.T) {
		for _, page := range []roster.Page{{}, {Limit: roster.MaxLimit + 1}, {Limit: 1, Offset: -1}} {
			if _, err := r.Organizations(t.Context(), 7, 7, page); roster.KindOf(err) != roster.KindInvalid {
				t.Errorf("Organizations, %+v: %v, want invalid", page, err)
			}
		}
	})
}

func BenchmarkOrganizations(b *testing.B) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	feed := newFakeFeed(now)
	for i := range 100_000 {
		id := roster.OrgID(i + 10)
		feed.put(roster.Change{Organization: &roster.Organization{
			Tenant: 7, ID: id, Name: "Organization " + strconv.Itoa(i), Path: roster.OrgPath{7, id},
			Revision: roster.Revision{Version: 1, ChangedAt: now},
		}})
	}
	r := New(Config{Feed: feed, Now: func() time.Time { return now }, MaxAge: time.Hour})
	if _, err := r.Organizations(b.Context(), 7, 7, roster.Page{Limit: 1}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if page, err := r.Organizations(b.Context(), 7, 7, roster.Page{Limit: 50, Offset: 5000}); err != nil || page.Total != 100_000 {
			b.Fatal(page.Total, err)
		}
	}
}
