package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

// pageBytes is how large a page of a query gets at DynamoDB, measured as items, which are about two thirds of their JSON.
const pageBytes = 1 << 20 * 3 / 2

// cannedTable is a table without a network: it takes what package dynamo writes into it, and answers queries of the change
// feed with pages of the same items, ready-made. It is an http.RoundTripper for the SDK's client, safe for concurrent use.
type cannedTable struct {
	mu    sync.Mutex
	pages [roster.Shards][]page // guarded by mu while it is written to
	users int                   // guarded by mu
}

// page is an answer to a query.
type page struct {
	items bytes.Buffer
	count int
	body  []byte // the whole answer, made by finish
	sum   string
}

// fillCanned writes all users of a population through package dynamo into a canned table.
func fillCanned(ctx context.Context, p *people.Population, users int) (*cannedTable, error) {
	t := &cannedTable{}
	table := t.open()
	for _, o := range p.Organizations() {
		if _, _, err := table.CreateOrganization(ctx, o, roster.Stamp{By: "bench"}, nil); err != nil {
			return nil, err
		}
	}
	progress := newProgress("writing pages", users)
	defer progress.done()
	batches := make(chan []roster.NewUser)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range 2 {
		wg.Go(func() {
			for batch := range batches {
				if err := dynamo.FirstError(table.CreateUsers(ctx, batch, roster.Stamp{By: "bench"})); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	const batchSize = 1000
	var batch []roster.NewUser
	for u := range p.Users() {
		batch = append(batch, roster.NewUser{User: u})
		progress.step()
		if len(batch) == batchSize {
			batches <- batch
			batch = nil
		}
	}
	batches <- batch
	close(batches)
	wg.Wait()
	if failed != nil {
		return nil, failed
	}
	t.finish()
	if t.users != users {
		return nil, fmt.Errorf("the pages hold %d users, want %d", t.users, users)
	}
	return t, nil
}

// client returns an SDK client of the table.
func (t *cannedTable) client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "local", BaseEndpoint: aws.String("http://canned.invalid"), HTTPClient: &http.Client{Transport: t},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "roster", SecretAccessKey: "local", Source: "bench"}, nil
		}),
	})
}

// open returns the directory's table over it.
func (t *cannedTable) open() *dynamo.Table { return dynamo.New(t.client(), "canned", dynamo.Options{}) }

// RoundTrip answers the writes that fill the table, and queries of the index search.
func (t *cannedTable) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	answer, sum := []byte("{}"), ""
	switch _, operation, _ := strings.Cut(request.Header.Get("X-Amz-Target"), "."); operation {
	case "TransactWriteItems":
		err = t.keep(body)
	case "PutItem": // of an organization
	case "Query":
		answer, sum, err = t.answer(body)
	default:
		err = fmt.Errorf("a canned table does not know %s", operation)
	}
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	if sum != "" {
		header.Set("X-Amz-Crc32", sum)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: header, ContentLength: int64(len(answer)), Body: io.NopCloser(bytes.NewReader(answer)), Request: request,
	}, nil
}

// keep adds the users of a transaction to the pages of their shards.
func (t *cannedTable) keep(body []byte) error {
	var transaction struct {
		TransactItems []struct {
			Put struct{ Item json.RawMessage }
		}
	}
	if err := json.Unmarshal(body, &transaction); err != nil {
		return err
	}
	for _, leg := range transaction.TransactItems {
		if shard, ok := shardOf(leg.Put.Item); ok {
			t.add(shard, leg.Put.Item)
		}
	}
	return nil
}

// shardOf returns the shard of the feed that an item is in; claims and the like are in none. It only looks for the attribute,
// since reading a million items as JSON takes longer than what is to be measured: a quote inside of a value would be escaped.
func shardOf(item []byte) (shard int, ok bool) {
	_, rest, ok := bytes.Cut(item, []byte(`"shard":{"N":"`))
	if !ok || len(rest) < 2 || rest[1] != '"' || rest[0] < '0' || rest[0] >= '0'+roster.Shards {
		return 0, false
	}
	return int(rest[0] - '0'), true
}

func (t *cannedTable) add(shard int, item []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pages := t.pages[shard]
	if len(pages) == 0 || pages[len(pages)-1].items.Len() > pageBytes {
		pages = append(pages, page{})
	}
	last := &pages[len(pages)-1]
	if last.count > 0 {
		last.items.WriteByte(',')
	}
	last.items.Write(item)
	last.count++
	t.pages[shard] = pages
	t.users++
}

// finish makes the answers, with a sum and with what leads to the next page, as DynamoDB does.
func (t *cannedTable) finish() {
	for shard := range t.pages {
		for n := range t.pages[shard] {
			p := &t.pages[shard][n]
			next := ""
			if n+1 < len(t.pages[shard]) {
				next = fmt.Sprintf(`,"LastEvaluatedKey":{"page":{"N":"%d"}}`, n+1)
			}
			p.body = fmt.Appendf(nil, `{"ConsumedCapacity":{"CapacityUnits":128.5,"TableName":"canned"},"Count":%d,"Items":[%s],"ScannedCount":%[1]d%[3]s}`,
				p.count, p.items.Bytes(), next)
			p.sum = fmt.Sprint(crc32.ChecksumIEEE(p.body))
			p.items = bytes.Buffer{}
		}
	}
}

// answer returns the page that a query asks for.
func (t *cannedTable) answer(body []byte) (answer []byte, sum string, err error) {
	var query struct {
		ExpressionAttributeValues map[string]struct{ N string }
		ExclusiveStartKey         map[string]struct{ N string }
	}
	if err := json.Unmarshal(body, &query); err != nil {
		return nil, "", err
	}
	if _, since := query.ExpressionAttributeValues[":since"]; since {
		return []byte(`{"Count":0,"Items":[],"ScannedCount":0}`), "", nil
	}
	shard, err := strconv.Atoi(query.ExpressionAttributeValues[":shard"].N)
	if err != nil {
		return nil, "", err
	}
	n := 0
	if key, ok := query.ExclusiveStartKey["page"]; ok {
		if n, err = strconv.Atoi(key.N); err != nil {
			return nil, "", err
		}
	}
	if len(t.pages[shard]) == 0 {
		return []byte(`{"Count":0,"Items":[],"ScannedCount":0}`), "", nil
	}
	return t.pages[shard][n].body, t.pages[shard][n].sum, nil
}

// size returns how many pages and bytes of JSON the table holds.
func (t *cannedTable) size() (pages, bytes int) {
	for shard := range t.pages {
		for n := range t.pages[shard] {
			pages, bytes = pages+1, bytes+len(t.pages[shard][n].body)
		}
	}
	return pages, bytes
}
