package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/google/go-cmp/cmp"
)

// tape is a stream in memory: shards in order, each a list of the numbers of its records. An iterator is shard/index.
type tape struct {
	shards  []tapeShard
	trimmed bool // places that are remembered have expired
	broken  error
}

type tapeShard struct {
	id, parent string
	numbers    []string
	closed     bool
}

func (s *tape) shard(id string) *tapeShard {
	i := slices.IndexFunc(s.shards, func(one tapeShard) bool { return one.id == id })
	return &s.shards[i]
}

func (s *tape) DescribeStream(_ context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	first := 0
	if in.ExclusiveStartShardId != nil {
		first = 1 + slices.IndexFunc(s.shards, func(one tapeShard) bool { return one.id == *in.ExclusiveStartShardId })
	}
	one := s.shards[first] // a page of one, so that pages are followed
	description := &types.StreamDescription{Shards: []types.Shard{{ShardId: &one.id}}}
	if one.parent != "" {
		description.Shards[0].ParentShardId = &one.parent
	}
	if first+1 < len(s.shards) {
		description.LastEvaluatedShardId = &one.id
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: description}, nil
}

func (s *tape) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	at := 0
	if in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber {
		if s.trimmed {
			return nil, &types.TrimmedDataAccessException{}
		}
		at = 1 + slices.Index(s.shard(*in.ShardId).numbers, *in.SequenceNumber)
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String(fmt.Sprintf("%s/%d", *in.ShardId, at))}, nil
}

func (s *tape) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	id, index, _ := strings.Cut(*in.ShardIterator, "/")
	var at int
	if _, err := fmt.Sscan(index, &at); err != nil {
		return nil, err
	}
	shard := s.shard(id)
	end := min(at+int(*in.Limit), len(shard.numbers))
	out := &dynamodbstreams.GetRecordsOutput{}
	for _, number := range shard.numbers[at:end] {
		out.Records = append(out.Records, types.Record{
			EventID: aws.String("id-" + number), EventName: types.OperationTypeInsert,
			Dynamodb: &types.StreamRecord{SequenceNumber: aws.String(number), NewImage: map[string]types.AttributeValue{
				"type": &types.AttributeValueMemberS{Value: map[bool]string{true: "even", false: "odd"}[strings.HasSuffix(number, "2") || strings.HasSuffix(number, "4")]},
			}},
		})
	}
	if !shard.closed || end < len(shard.numbers) {
		out.NextShardIterator = aws.String(fmt.Sprintf("%s/%d", id, end))
	}
	return out, nil
}

// sink is a function that keeps the batches it was given, and fails as it is told.
type sink struct {
	batches [][]string
	fail    func(try int, batch []string) (number string, err error)
}

func (s *sink) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event struct {
		Records []struct {
			DynamoDB struct{ SequenceNumber string }
		}
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	var batch []string
	for _, r := range event.Records {
		batch = append(batch, r.DynamoDB.SequenceNumber)
	}
	s.batches = append(s.batches, batch)
	if s.fail != nil {
		number, err := s.fail(len(s.batches), batch)
		if err != nil {
			return nil, err
		}
		if number != "" {
			return fmt.Appendf(nil, `{"batchItemFailures":[{"itemIdentifier":%q}]}`, number), nil
		}
	}
	return []byte(`{"batchItemFailures":[]}`), nil
}

// newPoller returns a poller of that stream that never waits, and the lines it reports.
func newPoller(t *testing.T, source API, to Function, change func(*Config)) (*Poller, *[]string) {
	t.Helper()
	var lines []string
	config := Config{
		API: source, Stream: "arn:stream", Function: to, BatchSize: 3, MaxRetries: 2, PartialFailures: true,
		Pause:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Report: func(line string) { lines = append(lines, line) },
	}
	if change != nil {
		change(&config)
	}
	p, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return p, &lines
}

// drain polls until there is nothing new.
func drain(t *testing.T, p *Poller) {
	t.Helper()
	for range 100 {
		read, err := p.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if read == 0 {
			return
		}
	}
	t.Fatal("the stream does not end")
}

func wantBatches(t *testing.T, got [][]string, want ...string) {
	t.Helper()
	var texts []string
	for _, batch := range got {
		texts = append(texts, strings.Join(batch, " "))
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}

func TestShardsAreDeliveredInOrderAndParentsFirst(t *testing.T) {
	source := &tape{shards: []tapeShard{
		{id: "child", parent: "old", numbers: []string{"21", "22"}},
		{id: "old", parent: "gone", numbers: []string{"11", "12", "13", "14"}, closed: true},
	}}
	var got sink
	p, _ := newPoller(t, source, &got, nil)
	drain(t, p)
	wantBatches(t, got.batches, "11 12 13", "14", "21 22")
	source.shards[0].numbers = append(source.shards[0].numbers, "23")
	drain(t, p)
	wantBatches(t, got.batches[3:], "23")
}

func TestFailureIsDeliveredAgainFromItsRecord(t *testing.T) {
	got := sink{fail: func(try int, _ []string) (string, error) {
		switch try {
		case 1:
			return "2", nil
		case 2:
			return "", errors.New("out of memory")
		}
		return "", nil
	}}
	p, lines := newPoller(t, &tape{shards: []tapeShard{{id: "s", numbers: []string{"1", "2", "3", "4"}}}}, &got, nil)
	drain(t, p)
	wantBatches(t, got.batches, "1 2 3", "2 3", "2 3", "4")
	if len(*lines) > 0 {
		t.Errorf("reported %q", *lines)
	}
}

func TestPoisonIsGivenUpAloneAndReported(t *testing.T) {
	got := sink{fail: func(_ int, batch []string) (string, error) {
		if slices.Contains(batch, "2") {
			return "", errors.New("poison")
		}
		return "", nil
	}}
	p, lines := newPoller(t, &tape{shards: []tapeShard{{id: "s", numbers: []string{"1", "2", "3", "4"}}}}, &got, func(c *Config) { c.BatchSize, c.Bisect = 4, true })
	drain(t, p)
	wantBatches(t, got.batches, "1 2 3 4", "1 2", "1", "2", "2", "2", "3 4")
	if len(*lines) != 1 || !strings.Contains((*lines)[0], "1 records of the table's stream are given up, from 2 on") {
		t.Errorf("reported %q", *lines)
	}
}

func TestWhatIsTriedForEverIsReportedOnce(t *testing.T) {
	got := sink{fail: func(try int, _ []string) (string, error) {
		if try <= 40 {
			return "", errors.New("the service is down")
		}
		return "", nil
	}}
	var pauses []time.Duration
	p, lines := newPoller(t, &tape{shards: []tapeShard{{id: "s", numbers: []string{"1", "2"}}}}, &got, func(c *Config) {
		c.MaxRetries = -1
		c.Pause = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	})
	drain(t, p)
	if len(got.batches) != 41 || strings.Join(got.batches[40], " ") != "1 2" {
		t.Errorf("tried %d times, the last time %v", len(got.batches), got.batches[len(got.batches)-1])
	}
	if len(*lines) != 1 || !strings.Contains((*lines)[0], "2 records of the table's stream are tried again until they are handled, from 1 on: the function failed: the service is down") {
		t.Errorf("reported %q", *lines)
	}
	if len(pauses) != 40 || !slices.IsSorted(pauses) || pauses[0] != firstPause || pauses[39] != lastPause {
		t.Errorf("paused %v", pauses)
	}
}

func TestAnswersThatNameNoRecordOfTheBatchFailItWhole(t *testing.T) {
	for _, answer := range []string{`{"batchItemFailures":[{"itemIdentifier":""}]}`, `{"batchItemFailures":[{"itemIdentifier":"9"}]}`, `[]`, ``} {
		if handled, err := firstFailure([]byte(answer), []record{{number: "1"}}); handled != 0 || err == nil {
			t.Errorf("%s: %d handled, %v", answer, handled, err)
		}
	}
	for answer, want := range map[string]int{`{}`: 2, `null`: 2, `{"batchItemFailures":null}`: 2, `{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"1"}]}`: 0} {
		if handled, err := firstFailure([]byte(answer), []record{{number: "1"}, {number: "2"}}); handled != want || (err == nil) != (want == 2) {
			t.Errorf("%s: %d handled, %v; want %d", answer, handled, err, want)
		}
	}
}

func TestRestartGoesOnWhereTheLastRunEnded(t *testing.T) {
	source := &tape{shards: []tapeShard{{id: "s", numbers: []string{"1", "2", "3", "4", "5"}}}}
	file := filepath.Join(t.TempDir(), "place.json")
	ctx, crash := context.WithCancel(t.Context())
	first := sink{fail: func(try int, _ []string) (string, error) {
		if try == 2 {
			crash() // the answer is lost with the program
		}
		return "", nil
	}}
	p, _ := newPoller(t, source, &first, func(c *Config) { c.File, c.BatchSize = file, 2 })
	p.Run(ctx)
	wantBatches(t, first.batches, "1 2", "3 4")

	var second sink
	p, _ = newPoller(t, source, &second, func(c *Config) { c.File, c.BatchSize = file, 2 })
	drain(t, p)
	wantBatches(t, second.batches, "3 4", "5")

	var third sink
	p, _ = newPoller(t, source, &third, func(c *Config) { c.File = file })
	drain(t, p)
	wantBatches(t, third.batches)

	var other sink
	p, _ = newPoller(t, source, &other, func(c *Config) { c.File, c.Stream = file, "arn:another" })
	drain(t, p)
	wantBatches(t, other.batches, "1 2 3", "4 5")
}

func TestPlaceThatHasExpiredIsTheOldestThereIs(t *testing.T) {
	source := &tape{shards: []tapeShard{{id: "s", numbers: []string{"1", "2", "3"}}}}
	file := filepath.Join(t.TempDir(), "place.json")
	p, _ := newPoller(t, source, &sink{}, func(c *Config) { c.File = file })
	drain(t, p)
	source.trimmed = true
	source.shards[0].numbers = []string{"8", "9"}
	var got sink
	p, lines := newPoller(t, source, &got, func(c *Config) { c.File = file })
	drain(t, p)
	wantBatches(t, got.batches, "8 9")
	if len(*lines) != 1 || !strings.Contains((*lines)[0], "expired") {
		t.Errorf("reported %q", *lines)
	}
}

func TestFiltersPassRecordsOver(t *testing.T) {
	var got sink
	p, _ := newPoller(t, &tape{shards: []tapeShard{{id: "s", numbers: []string{"1", "2", "3", "4", "5"}}}}, &got, func(c *Config) {
		c.BatchSize = 5
		c.Filters = []json.RawMessage{
			[]byte(`{"eventName":["REMOVE"]}`),
			[]byte(`{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"type":{"S":["even"]}}}}`),
		}
	})
	drain(t, p)
	wantBatches(t, got.batches, "2 4")
	for _, pattern := range []string{`{`, `{"eventName":"INSERT"}`, `{"eventName":[{"prefix":"I"}]}`, `{"a":{"b":[1]}}`} {
		if _, err := parseFilter([]byte(pattern)); err == nil {
			t.Errorf("the filter %s is taken", pattern)
		}
	}
}

func TestBrokenStreamIsReportedOnceAndTriedAgain(t *testing.T) {
	source := &tape{shards: []tapeShard{{id: "s", numbers: []string{"1"}}}, broken: errors.New("connection refused")}
	ctx, end := context.WithCancel(t.Context())
	pauses := 0
	var got sink
	p, lines := newPoller(t, source, &got, func(c *Config) {
		c.Pause = func(ctx context.Context, _ time.Duration) error {
			switch pauses++; pauses {
			case 3:
				source.broken = nil
			case 4:
				end()
			}
			return ctx.Err()
		}
	})
	p.Run(ctx)
	wantBatches(t, got.batches, "1")
	if len(*lines) != 1 || !strings.Contains((*lines)[0], "connection refused") {
		t.Errorf("reported %q", *lines)
	}
}

func TestRecordsKeepEveryTypeOfValue(t *testing.T) {
	r, err := toRecord(&types.Record{
		EventID: aws.String("e"), EventName: types.OperationTypeRemove, EventVersion: aws.String("1.1"), EventSource: aws.String("aws:dynamodb"), AwsRegion: aws.String("local"),
		UserIdentity: &types.Identity{Type: aws.String("Service"), PrincipalId: aws.String("dynamodb.amazonaws.com")},
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(time.Unix(1795256130, 0)), SequenceNumber: aws.String("7"), SizeBytes: aws.Int64(9), StreamViewType: types.StreamViewTypeNewAndOldImages,
			Keys: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "k"}},
			OldImage: map[string]types.AttributeValue{
				"b": &types.AttributeValueMemberB{Value: []byte("hi")}, "bool": &types.AttributeValueMemberBOOL{Value: true}, "null": &types.AttributeValueMemberNULL{Value: true},
				"ss": &types.AttributeValueMemberSS{Value: []string{"a"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1"}}, "bs": &types.AttributeValueMemberBS{Value: [][]byte{[]byte("hi")}},
				"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"n": &types.AttributeValueMemberN{Value: "1.5"}}}}},
			},
		},
	}, "arn:stream")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"eventID":"e","eventName":"REMOVE","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"local",` +
		`"dynamodb":{"ApproximateCreationDateTime":1795256130,"Keys":{"pk":{"S":"k"}},` +
		`"OldImage":{"b":{"B":"aGk="},"bool":{"BOOL":true},"bs":{"BS":["aGk="]},"l":{"L":[{"M":{"n":{"N":"1.5"}}}]},"ns":{"NS":["1"]},"null":{"NULL":true},"ss":{"SS":["a"]}},` +
		`"SequenceNumber":"7","SizeBytes":9,"StreamViewType":"NEW_AND_OLD_IMAGES"},` +
		`"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},"eventSourceARN":"arn:stream"}`
	if diff := cmp.Diff(want, string(r.text)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}
