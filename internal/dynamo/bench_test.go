package dynamo

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// benchPage returns the answer to one query of the feed, with as many users as fit into 1 MB.
func benchPage(b *testing.B, users int) []byte {
	items := make([]map[string]types.AttributeValue, users)
	for i := range items {
		u := richUser()
		u.ID -= roster.UserID(i)
		u.Email = roster.Email(fmt.Sprintf("user-%d@example.com", i))
		u.Name, u.Address.Full = fmt.Sprintf("Given%d Family", i), ""
		attributes, err := encode(toUserItem(&u))
		if err != nil {
			b.Fatal(err)
		}
		items[i] = attributes
	}
	return page(b, items)
}

// BenchmarkFeedPage reads the same page both ways in one run: as Changes does, and as the SDK would have it, with its
// package attributevalue. Only their ratio counts: the feed's way must be at least three times as fast. Neither waits for
// a network.
func BenchmarkFeedPage(b *testing.B) {
	const users = 1000
	body := benchPage(b, users)
	table := tableOver(func(*http.Request) (*http.Response, error) { return answer(200, body), nil })
	read := map[string]func() (int, error){
		"scanner": func() (int, error) {
			n := 0
			err := table.Changes(context.Background(), 1, 0, time.Time{}, func(c roster.Change) error {
				n += min(1, len(c.User.Name))
				return nil
			})
			return n, err
		},
		"sdk": func() (int, error) {
			query := feedQuery(1, 0, time.Time{})
			query.TableName = &table.name
			out, err := table.client.Query(context.Background(), query)
			if err != nil {
				return 0, err
			}
			var items []userItem
			if err := attributevalue.UnmarshalListOfMaps(out.Items, &items); err != nil {
				return 0, err
			}
			for i := range items {
				if _, err := items[i].noun(); err != nil {
					return 0, err
				}
			}
			return len(items), nil
		},
	}
	spent := map[string]time.Duration{}
	for _, way := range []string{"scanner", "sdk"} {
		b.Run(way, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := read[way](); err != nil || n != users {
					b.Fatal(n, err)
				}
			}
			spent[way] = b.Elapsed() / time.Duration(b.N)
			b.ReportMetric(float64(spent[way].Microseconds())/users, "us/user")
		})
	}
	b.Run("ratio", func(b *testing.B) {
		// The two alternate, so that whatever else the machine does meets both.
		var scanner, sdk time.Duration
		for b.Loop() {
			for way, total := range map[string]*time.Duration{"scanner": &scanner, "sdk": &sdk} {
				start := time.Now()
				if _, err := read[way](); err != nil {
					b.Fatal(err)
				}
				*total += time.Since(start)
			}
		}
		b.ReportMetric(float64(sdk)/float64(scanner), "sdk/scanner")
	})
}
