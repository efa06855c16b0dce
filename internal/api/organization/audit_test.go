package organization_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

func TestTheAuditTrailIsReadPageByPageNewestFirst(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	var entries []roster.AuditEntry
	for i := range 7 {
		entries = append(entries, roster.AuditEntry{
			Tenant: 100, Org: world.Birch, At: world.Now.Add(time.Duration(i) * time.Second), Action: roster.ActionUserUpdated, Subject: "user:1007", Name: "Bob Admin",
			Stamp: roster.Stamp{By: "user:1001", Via: "organization", RequestID: "request-1", ForwardedFor: "client:elsewhere user:7"}, Version: int64(i + 2),
			Fields: []roster.FieldChange{{Field: "timeZone", Old: "UTC", New: "Europe/Kyiv"}, {Field: "password"}},
		})
	}
	if err := w.Table.PutAudit(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	first := read[organization.AuditPage](t, get(h, world.Client(world.Acme), auditPath+"?orgId=110&size=1")).Content[0]
	want := organization.AuditEntry{
		At: world.Now.Add(6 * time.Second).UnixMilli(), Action: "user.updated", Subject: "user:1007", Name: "Bob Admin", By: "user:1001", Via: "organization", RequestID: "request-1", ForwardedFor: "client:elsewhere user:7", Version: 8,
		Changes: []organization.FieldChange{{Field: "tz", Old: "UTC", New: "Europe/Kyiv"}, {Field: "password"}},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("the newest entry (-want +got)\n%s", diff)
	}
	for _, size := range []int{1, 2, 3, 7, 50} {
		var versions []int64
		for before, pages := "", 0; ; pages++ {
			page := read[organization.AuditPage](t, get(h, world.Client(world.Birch), fmt.Sprintf("%s?size=%d%s", auditPath, size, before)))
			for _, e := range page.Content {
				versions = append(versions, e.Version)
			}
			if len(page.Content) > size || pages > 8 {
				t.Fatalf("page %d of size %d has %d entries", pages, size, len(page.Content))
			}
			if page.Next == "" {
				break
			}
			before = "&before=" + url.QueryEscape(page.Next)
		}
		if diff := cmp.Diff([]int64{8, 7, 6, 5, 4, 3, 2}, versions); diff != "" {
			t.Errorf("in pages of %d (-want +got)\n%s", size, diff)
		}
	}
	t.Run("of an organization without entries is empty", func(t *testing.T) {
		if page := read[organization.AuditPage](t, get(h, world.Client(world.Acme), auditPath)); len(page.Content) != 0 || page.Content == nil || page.Next != "" {
			t.Errorf("the page is %+v", page)
		}
	})
	t.Run("from a cursor that is none is refused", func(t *testing.T) {
		answer := get(h, world.Client(world.Birch), auditPath+"?before=%20x")
		if got := failure(t, answer); answer.Code != 400 || len(got) < 6 || got[:6] != "before" {
			t.Errorf("the answer is %d %q, want 400 that names before", answer.Code, got)
		}
	})
}
