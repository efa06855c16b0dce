package global_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/api/global"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// ten returns a stand with the users 10, 20 and so on to 100.
func ten() *stand {
	var users []roster.User
	for id := roster.UserID(10); id <= 100; id += 10 {
		users = append(users, person(id, world.Acme))
	}
	return newStand(users...)
}

// TestPagesAroundCursors pins the arithmetic of cursors: the page, whether there is more, and where the links lead.
func TestPagesAroundCursors(t *testing.T) {
	s := ten()
	const none = "-"
	for _, test := range []struct {
		query          string
		want           []int64
		more           bool
		next, previous string // the cursors of the link
	}{
		// newest first
		{"limit=3", []int64{100, 90, 80}, true, "cursor_start=70", none},
		{"limit=10", []int64{100, 90, 80, 70, 60, 50, 40, 30, 20, 10}, false, none, none},
		{"limit=3&cursor_start=70", []int64{70, 60, 50}, true, "cursor_start=40", "cursor_end=70"},
		{"limit=3&cursor_start=75", []int64{70, 60, 50}, true, "cursor_start=40", "cursor_end=70"}, // nobody has that id
		{"limit=3&cursor_start=30", []int64{30, 20, 10}, false, none, "cursor_end=30"},
		{"limit=3&cursor_start=10", []int64{10}, false, none, "cursor_end=10"},
		{"limit=3&cursor_start=5", []int64{}, false, none, "cursor_end=5"},
		{"limit=3&cursor_start=500", []int64{100, 90, 80}, true, "cursor_start=70", none},
		{"limit=3&cursor_end=70", []int64{100, 90, 80}, false, "cursor_start=70", none},
		{"limit=3&cursor_end=60", []int64{90, 80, 70}, true, "cursor_start=60", "cursor_end=90"},
		{"limit=3&cursor_end=80", []int64{100, 90}, false, "cursor_start=80", none},
		{"limit=3&cursor_end=100", []int64{}, false, "cursor_start=100", none},
		{"limit=3&cursor_end=5", []int64{30, 20, 10}, true, none, "cursor_end=30"},
		{"limit=3&cursor_start=90&cursor_end=40", []int64{90, 80, 70}, true, "cursor_start=60&cursor_end=40", "cursor_end=90"},
		{"limit=3&cursor_start=60&cursor_end=40", []int64{60, 50}, false, none, "cursor_end=60"},
		{"limit=3&cursor_start=60&cursor_end=30", []int64{60, 50, 40}, false, none, "cursor_end=60"},
		{"limit=3&cursor_start=40&cursor_end=60", []int64{}, false, none, "cursor_end=40"},
		// oldest first
		{"limit=3&sort=id", []int64{10, 20, 30}, true, "cursor_start=40", none},
		{"limit=3&sort=id&cursor_start=35", []int64{40, 50, 60}, true, "cursor_start=70", "cursor_end=40"},
		{"limit=3&sort=id&cursor_start=80", []int64{80, 90, 100}, false, none, "cursor_end=80"},
		{"limit=3&sort=id&cursor_end=60", []int64{30, 40, 50}, true, "cursor_start=60", "cursor_end=30"},
		{"limit=3&sort=id&cursor_end=30", []int64{10, 20}, false, "cursor_start=30", none},
		{"limit=2&sort=id&cursor_start=20&cursor_end=50", []int64{20, 30}, true, "cursor_start=40&cursor_end=50", "cursor_end=20"},
		{"limit=2&sort=id&cursor_start=40&cursor_end=50", []int64{40}, false, none, "cursor_end=40"},
	} {
		list := s.list(t, ours+"?"+test.query)
		link := func(cursors string) *string {
			if cursors == none {
				return nil
			}
			limit, sort, _ := strings.Cut(test.query, "&")
			if strings.HasPrefix(sort, "sort=id") {
				limit = "sort=id&" + limit
			}
			return new(ours + "?" + limit + "&" + cursors)
		}
		if diff := cmp.Diff(test.want, ids(list)); diff != "" || list.HasMore != test.more {
			t.Errorf("%s has more: %t, want %t (-want +got)\n%s", test.query, list.HasMore, test.more, diff)
		}
		if diff := cmp.Diff([]*string{link(test.next), link(test.previous)}, []*string{list.Next, list.Previous}); diff != "" {
			t.Errorf("%s: next and previous (-want +got)\n%s", test.query, diff)
		}
	}
}

// TestWalksLoseAndRepeatNothing walks from page to page, forwards by next and back by previous, while users are created and deleted
// between the pages: with what was deleted, cursors lead to users who are gone.
func TestWalksLoseAndRepeatNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStand()
		stood := map[int64]bool{} // who stands and has stood since the walk began
		ever := map[int64]bool{}  // who has stood at some time since
		live := map[int64]bool{}
		put := func(id int64) {
			s.put(person(roster.UserID(id), world.Birch))
			live[id], ever[id] = true, true
		}
		drop := func(id int64) {
			s.put(person(roster.UserID(id), world.Birch, deleted))
			delete(live, id)
			delete(stood, id)
		}
		// Deleted users stay so: a deletion is forever in this history, as ids never come again.
		unused := rapid.Permutation(numbers(1, 60)).Draw(t, "ids")
		for range rapid.IntRange(0, 40).Draw(t, "users") {
			put(unused[0])
			unused = unused[1:]
		}
		for id := range live {
			stood[id] = true
		}
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		ascending := rapid.Bool().Draw(t, "ascending")
		churn := func() {
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				standing := sorted(live)
				if rapid.Bool().Draw(t, "delete") && len(standing) > 0 {
					drop(rapid.SampledFrom(standing).Draw(t, "deleted"))
				} else if len(unused) > 0 {
					put(unused[0])
					unused = unused[1:]
				}
			}
		}
		target := fmt.Sprintf("%s?limit=%d&filter=name%%7Bstarts:'person'%%7D", clients, limit)
		if ascending {
			target += "&sort=id"
		}
		before := func(a, b int64) bool { return a < b == ascending }
		list := s.list(t, target)
		walk := func(forwards bool, link func(global.UserList) *string) {
			seen := map[int64]bool{}
			var last []int64
			for pages := 0; ; pages++ {
				page := ids(list)
				if pages > 70 {
					t.Fatal("the walk does not end")
				}
				if len(page) > limit {
					t.Fatalf("a page has %d users, want at most %d", len(page), limit)
				}
				for i, id := range page {
					if seen[id] || !ever[id] || i > 0 && !before(page[i-1], id) {
						t.Fatalf("the page %d repeats, invents or disorders %d", page, id)
					}
					seen[id] = true
				}
				if len(page) > 0 && len(last) > 0 && (forwards && !before(last[len(last)-1], page[0]) || !forwards && !before(page[len(page)-1], last[0])) {
					t.Fatalf("the page %d comes after %d", page, last)
				}
				if len(page) > 0 {
					last = page
				}
				if next := link(list); next != nil {
					if forwards && !list.HasMore {
						t.Fatal("there is a next page and no more users")
					}
					churn()
					list = s.list(t, *next)
					continue
				}
				for id := range stood {
					if !seen[id] {
						t.Fatalf("the walk has lost %d", id)
					}
				}
				return
			}
		}
		walk(true, func(l global.UserList) *string { return l.Next })
		// And back: what stands now must be met again, except on the last page, where the walk turns.
		stood, ever = map[int64]bool{}, map[int64]bool{}
		for id := range live {
			ever[id] = true
			if len(list.Collection) > 0 && before(id, list.Collection[0].ID) {
				stood[id] = true
			}
		}
		for _, u := range list.Collection {
			ever[u.ID] = true
		}
		walk(false, func(l global.UserList) *string { return l.Previous })
	})
}

// TestWalkingBackGivesTheSamePages holds that previous undoes next while nobody comes or goes.
func TestWalkingBackGivesTheSamePages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStand()
		for _, id := range rapid.SliceOfNDistinct(rapid.Int64Range(1, 1000), 0, 50, rapid.ID).Draw(t, "ids") {
			s.put(person(roster.UserID(id), world.Acme))
		}
		target := fmt.Sprintf("%s?limit=%d%s&count=1", anyone, rapid.IntRange(1, 12).Draw(t, "limit"), rapid.SampledFrom([]string{"", "&sort=id", "&sort=-id", "&sort=id,email"}).Draw(t, "sort"))
		var forwards [][]int64
		list := s.list(t, target)
		for {
			forwards = append(forwards, ids(list))
			if list.Next == nil {
				break
			}
			list = s.list(t, *list.Next)
		}
		if list.HasMore {
			t.Fatalf("%s: the last page says that there is more", target)
		}
		for i := len(forwards) - 1; ; i-- {
			if diff := cmp.Diff(forwards[i], ids(list)); diff != "" {
				t.Fatalf("%s: page %d on the way back (-forwards +back)\n%s", target, i, diff)
			}
			if list.Previous == nil {
				if i != 0 {
					t.Fatalf("%s: the way back ends at page %d", target, i)
				}
				return
			}
			list = s.list(t, *list.Previous)
			if list.HasMore != (list.Previous != nil) {
				t.Fatalf("%s: on the way back there is more: %t, previous %v", target, list.HasMore, list.Previous)
			}
			if again := s.list(t, *list.Next); !cmp.Equal(ids(again), forwards[i]) {
				t.Fatalf("%s: next of page %d leads to %v, want %v", target, i-1, ids(again), forwards[i])
			}
		}
	})
}

func numbers(from, to int64) []int64 {
	var list []int64
	for n := from; n <= to; n++ {
		list = append(list, n)
	}
	return list
}

func sorted(set map[int64]bool) []int64 {
	var list []int64
	for id := range set {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}
