package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// API is the calls of the streams API that a Poller makes.
type API interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

// Function is a Lambda function: it answers an event given as JSON.
type Function interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Config is what a Poller works with. API, Stream, Function and BatchSize are required.
type Config struct {
	API API
	// Stream is the stream's ARN.
	Stream string
	// Function is given the records.
	Function Function
	// Timeout is how long one invocation may take; zero sets no limit.
	Timeout time.Duration
	// BatchSize is how many records the function is given at once, from 1 to 1000.
	BatchSize int32
	// MaxRetries is how often a batch that failed is tried again before its records are given up; -1 is for ever.
	MaxRetries int
	// Bisect tries a batch that failed again in halves, which is no retry.
	Bisect bool
	// PartialFailures says that the function's answer names the first record that failed.
	PartialFailures bool
	// Filters are event patterns: a record that none of them fits is passed over. None lets everything pass.
	Filters []json.RawMessage
	// File remembers the place in the stream between runs; empty remembers nothing.
	File string
	// Pause waits between looks at a stream that has nothing new, and before something is tried again; nil means a timer.
	Pause func(context.Context, time.Duration) error
	// Report is told of what went wrong, in one line; nil tells nobody.
	Report func(line string)
}

// How long a Poller waits.
const (
	idle       = 300 * time.Millisecond // between looks at a stream that has nothing new
	firstPause = 200 * time.Millisecond // before something is tried again: twice as long each time,
	lastPause  = 30 * time.Second       // up to this
)

// Poller delivers a stream to a function.
type Poller struct {
	config   Config
	filters  []filter
	position *position
	cursors  map[string]string // shard iterators, by shard
}

// New returns a Poller that goes on where the last one with this file ended, or begins at the stream's beginning.
func New(c Config) (*Poller, error) {
	if c.API == nil || c.Stream == "" || c.Function == nil || c.BatchSize < 1 {
		return nil, errors.New("stream: a Poller needs an API, a stream, a function and a batch size")
	}
	if c.Pause == nil {
		c.Pause = pause
	}
	if c.Report == nil {
		c.Report = func(string) {}
	}
	p := &Poller{config: c, cursors: map[string]string{}}
	for _, pattern := range c.Filters {
		f, err := parseFilter(pattern)
		if err != nil {
			return nil, err
		}
		p.filters = append(p.filters, f)
	}
	var err error
	p.position, err = readPosition(c.File, c.Stream)
	return p, err
}

// Run delivers the stream until ctx ends. What it cannot read it tries again for ever, since the table may be back.
func (p *Poller) Run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		read, err := p.Poll(ctx)
		wait := idle
		switch {
		case err != nil && ctx.Err() == nil:
			if failures == 0 {
				p.config.Report(fmt.Sprintf("the table's stream cannot be read, trying again: %v", err))
			}
			failures++
			wait = growing(failures)
		case err == nil:
			failures = 0
		}
		if read > 0 && err == nil {
			continue
		}
		if p.config.Pause(ctx, wait) != nil {
			return
		}
	}
}

// Poll looks once at each shard that may be read now, delivers what is new in it, and returns how many records it read.
func (p *Poller) Poll(ctx context.Context) (int, error) {
	shards, err := p.shards(ctx)
	if err != nil {
		return 0, err
	}
	read := 0
	for _, shard := range shards {
		id := aws.ToString(shard.ShardId)
		if p.position.Shards[id].Ended || p.waits(shards, aws.ToString(shard.ParentShardId)) {
			continue
		}
		n, err := p.poll(ctx, id)
		read += n
		if err != nil {
			return read, err
		}
	}
	return read, nil
}

// waits reports whether the shard below that parent must wait: until the parent, if it is still there, has ended.
func (p *Poller) waits(shards []types.Shard, parent string) bool {
	there := slices.ContainsFunc(shards, func(s types.Shard) bool { return aws.ToString(s.ShardId) == parent })
	return there && !p.position.Shards[parent].Ended
}

// shards returns the shards of the stream, the older first.
func (p *Poller) shards(ctx context.Context) ([]types.Shard, error) {
	var shards []types.Shard
	input := &dynamodbstreams.DescribeStreamInput{StreamArn: &p.config.Stream}
	for {
		out, err := p.config.API.DescribeStream(ctx, input)
		if err != nil {
			return nil, fmt.Errorf("describing the stream: %w", err)
		}
		shards = append(shards, out.StreamDescription.Shards...)
		input.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId
		if input.ExclusiveStartShardId == nil {
			break
		}
	}
	ids := map[string]bool{}
	for _, shard := range shards {
		ids[aws.ToString(shard.ShardId)] = true
	}
	p.position.keep(ids)
	return shards, nil
}

// poll delivers one page of a shard.
func (p *Poller) poll(ctx context.Context, shard string) (int, error) {
	cursor, err := p.cursor(ctx, shard)
	if err != nil {
		return 0, err
	}
	out, err := p.config.API.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &cursor, Limit: &p.config.BatchSize})
	if err != nil {
		delete(p.cursors, shard) // it may have expired
		return 0, fmt.Errorf("reading the stream: %w", err)
	}
	at := p.position.Shards[shard]
	if len(out.Records) > 0 {
		if err := p.deliver(ctx, shard, out.Records); err != nil {
			delete(p.cursors, shard) // what was not delivered is read again
			return 0, err
		}
		at.After = aws.ToString(out.Records[len(out.Records)-1].Dynamodb.SequenceNumber)
	}
	if out.NextShardIterator == nil {
		at.Ended = true
		delete(p.cursors, shard)
	} else {
		p.cursors[shard] = *out.NextShardIterator
	}
	return len(out.Records), p.position.set(shard, at)
}

// cursor returns the iterator to go on with: the one at hand, or one that begins after what was delivered.
func (p *Poller) cursor(ctx context.Context, shard string) (string, error) {
	if cursor, ok := p.cursors[shard]; ok {
		return cursor, nil
	}
	input := &dynamodbstreams.GetShardIteratorInput{StreamArn: &p.config.Stream, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if after := p.position.Shards[shard].After; after != "" {
		input.ShardIteratorType, input.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &after
	}
	out, err := p.config.API.GetShardIterator(ctx, input)
	if _, trimmed := errors.AsType[*types.TrimmedDataAccessException](err); trimmed {
		p.config.Report("records of the table's stream have expired before they were delivered: it goes on with the oldest there is")
		input.ShardIteratorType, input.SequenceNumber = types.ShardIteratorTypeTrimHorizon, nil
		out, err = p.config.API.GetShardIterator(ctx, input)
	}
	if err != nil {
		return "", fmt.Errorf("finding the place in the stream: %w", err)
	}
	return aws.ToString(out.ShardIterator), nil
}

// deliver gives the function what the filters let pass, and returns when all of it is handled or given up. It fails only when ctx
// ends, or when the records cannot be read.
func (p *Poller) deliver(ctx context.Context, shard string, page []types.Record) error {
	var batch []record
	for i := range page {
		r, err := toRecord(&page[i], p.config.Stream)
		if err != nil {
			return err
		}
		wanted, err := anyLets(p.filters, r.text)
		if err != nil {
			return err
		}
		if wanted {
			batch = append(batch, r)
		}
	}
	return p.try(ctx, shard, batch)
}

// try invokes the function with a batch until all of it is handled, or given up. A batch that failed as a whole is tried in
// halves where that is asked for; each half is a batch of its own.
func (p *Poller) try(ctx context.Context, shard string, batch []record) error {
	for retries := 0; len(batch) > 0; {
		handled, err := p.invoke(ctx, batch)
		if ctx.Err() != nil {
			return ctx.Err() // perhaps handled, perhaps not: it is delivered again
		}
		if handled > 0 {
			retries = 0
			if err := p.handled(shard, batch[handled-1].number); err != nil {
				return err
			}
			batch = batch[handled:]
		}
		switch {
		case err == nil:
			continue
		case p.config.Bisect && len(batch) > 1:
			half := len(batch) / 2
			if err := p.try(ctx, shard, batch[:half]); err != nil {
				return err
			}
			batch, retries = batch[half:], 0
			continue
		case p.config.MaxRetries >= 0 && retries >= p.config.MaxRetries:
			p.config.Report(fmt.Sprintf("%d records of the table's stream are given up, from %s on: %v", len(batch), batch[0].number, err))
			return p.handled(shard, batch[len(batch)-1].number)
		}
		if retries == 0 && p.config.MaxRetries < 0 {
			p.config.Report(fmt.Sprintf("%d records of the table's stream are tried again until they are handled, from %s on: %v", len(batch), batch[0].number, err))
		}
		retries++
		if err := p.config.Pause(ctx, growing(retries)); err != nil {
			return err
		}
	}
	return nil
}

// handled notes that everything up to a record is done with.
func (p *Poller) handled(shard, number string) error {
	at := p.position.Shards[shard]
	at.After = number
	return p.position.set(shard, at)
}

// invoke calls the function once and returns how many records of the batch, from the first on, it has handled, and an error if
// that is not all of them.
func (p *Poller) invoke(ctx context.Context, batch []record) (int, error) {
	event, err := eventOf(batch)
	if err != nil {
		return 0, err
	}
	if p.config.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.config.Timeout)
		defer cancel()
	}
	output, err := p.config.Function.Invoke(ctx, event)
	if err != nil {
		return 0, fmt.Errorf("the function failed: %w", err)
	}
	if !p.config.PartialFailures {
		return len(batch), nil
	}
	return firstFailure(output, batch)
}

// firstFailure reads the function's answer: the lowest of the records that it names is where the next try begins. An answer that
// names none has handled all; one that names a record that is not in the batch, or an empty one, has handled none.
func firstFailure(output []byte, batch []record) (int, error) {
	var answer struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(output, &answer); err != nil {
		return 0, fmt.Errorf("the function's answer cannot be read: %w", err)
	}
	handled := len(batch)
	for _, failure := range answer.BatchItemFailures {
		i := slices.IndexFunc(batch, func(r record) bool { return r.number == failure.ItemIdentifier })
		if i < 0 {
			return 0, fmt.Errorf("the function's answer names the record %q, which is not in its batch", failure.ItemIdentifier)
		}
		handled = min(handled, i)
	}
	if handled < len(batch) {
		return handled, fmt.Errorf("the function could not handle the record %s", batch[handled].number)
	}
	return handled, nil
}

// growing returns how long to wait before the try of that number, from 1.
func growing(try int) time.Duration {
	return min(firstPause<<min(try-1, 10), lastPause)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
