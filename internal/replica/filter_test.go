package replica

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

// TestAQueryEndsSoonAfterItsContext holds that a condition that looks at one row after the other looks at few of them once nobody waits
// any more.
func TestAQueryEndsSoonAfterItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := query{done: ctx.Done()}
	rows := newBitset(10 * patience * 64)
	for row := range uint32(len(rows) * 64) {
		rows.set(row)
	}
	looked := 0
	q.keepInTime(rows, func(row uint32) bool {
		if looked++; row == 100 {
			cancel()
		}
		return true
	})
	if !q.late || looked != patience*64 {
		t.Errorf("after its context ended at row 100, a query has looked at %d rows (late: %t), want %d", looked, q.late, patience*64)
	}
	q.keepInTime(rows, func(uint32) bool {
		t.Fatal("a late query looks at more rows")
		return false
	})
}

func TestAQueryThatIsLateSaysSo(t *testing.T) {
	pattern := func(field roster.Field) roster.Filter {
		return roster.Filter{Field: field, Operator: roster.Matches, Values: []roster.Value{{Text: "^User"}}}
	}
	for name, fold := range map[string]uint32{"in the tail": 1000, "folded": 1} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, Config{MaxAge: 1 << 40})
			s.foldAt = func(uint32) uint32 { return fold }
			for id := range roster.UserID(100) {
				s.feed.put(roster.Change{User: user(id+1, fmt.Sprint("User ", id), 1, testStart)})
			}
			v := s.view()
			s.Wait()
			why := errors.New("nobody waits")
			ended, end := context.WithCancelCause(t.Context())
			end(why)
			for _, filters := range [][]roster.Filter{
				{pattern(roster.FieldName)},
				{{Any: []roster.Filter{{Field: roster.FieldID, Operator: roster.Equal, Values: []roster.Value{{Number: 5}}}, pattern(roster.FieldEmail)}}},
				{{Field: roster.FieldUsername, Operator: roster.HasPrefix, Values: []roster.Value{{Text: "u"}}}},
				{{Field: roster.FieldID, Operator: roster.Greater, Values: []roster.Value{{Number: 5}}}},
			} {
				q := roster.Query{Filters: filters, Page: roster.Page{Limit: 10}}
				for what, search := range map[string]func(context.Context) (roster.UserPage, error){
					"a view":  func(ctx context.Context) (roster.UserPage, error) { return v.SearchUsers(ctx, q) },
					"a query": func(ctx context.Context) (roster.UserPage, error) { return s.SearchUsers(ctx, testTenant, q) },
				} {
					if page, err := search(ended); roster.KindOf(err) != roster.KindUnavailable || !errors.Is(err, why) || len(page.Users) != 0 {
						t.Errorf("%s by %+v is late and returns %+v, %v", what, filters, page, err)
					}
					if _, err := search(t.Context()); err != nil {
						t.Errorf("%s by %+v after one that was late: %v", what, filters, err)
					}
				}
			}
		})
	}
}
