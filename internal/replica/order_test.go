package replica

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// The comparison of rows must be an order, or sorting by it would give anything: total, transitive, and never equal for two
// users.
func TestComparisonsOfRowsAreAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		l := newLoader(testTenant)
		for id := range roster.UserID(12) {
			u := w.drawUser(t)
			u.ID, u.Revision.Version = id+1, 1
			l.add(&roster.Change{User: &u})
		}
		q := l.finish(millisOf(w.now())).state.query(w.now(), fewRows)
		var keys []roster.Sort
		for range rapid.IntRange(0, 3).Draw(t, "keys") {
			keys = append(keys, roster.Sort{Field: sample(t, "key", roster.Fields()), Descending: rapid.Bool().Draw(t, "descending")})
		}
		rows := q.base.rows()
		for a := range rows {
			for b := range rows {
				ab := q.compareSort(keys, a, b)
				if ba := q.compareSort(keys, b, a); ab != -ba || (ab == 0) != (a == b) {
					t.Fatalf("by %v, row %d against %d is %d, and the other way round %d", keys, a, b, ab, ba)
				}
				for c := range rows {
					if ab < 0 && q.compareSort(keys, b, c) < 0 && q.compareSort(keys, a, c) >= 0 {
						t.Fatalf("by %v, row %d is before %d and %d before %d, but %d is not before %d", keys, a, b, b, c, a, c)
					}
				}
			}
		}
	})
}

func TestTextsSortLikeTheirBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Long common beginnings, lengths around multiples of eight, and zero bytes at the end.
		texts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat("abcdefgh", rapid.IntRange(0, 2).Draw(t, "blocks")) + rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00é")), 0, 9, -1).Draw(t, "end")
		}), 0, 40).Draw(t, "texts")
		items := make([]sortItem, len(texts))
		for i := range items {
			items[i].row = uint32(i)
		}
		sortTexts(items, func(row uint32) []byte { return []byte(texts[row]) }, 0)
		want := make([]uint32, len(texts))
		for i := range want {
			want[i] = uint32(i)
		}
		slices.SortStableFunc(want, func(a, b uint32) int { return strings.Compare(texts[a], texts[b]) })
		for i := range items {
			if items[i].row != want[i] {
				t.Fatalf("%q is at %d, want %q", texts[items[i].row], i, texts[want[i]])
			}
		}
	})
}

func TestAppendFoldIsRosterFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z0-9 @.-]*`)).Draw(t, "text")
		if got, want := appendFold([]byte("x"), []byte(s)), append([]byte("x"), roster.Fold(s)...); !bytes.Equal(got, want) {
			t.Fatalf("appendFold(%q) = %q, want %q", s, got, want)
		}
	})
}
