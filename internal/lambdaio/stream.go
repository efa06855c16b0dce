package lambdaio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/rosterhq/roster/internal/roster"
)

// StreamResponse says where the records of a batch begin that are to be delivered again.
type StreamResponse = events.DynamoDBEventResponse

// StreamHandler is a Lambda function that reads a table's stream. It takes an event as JSON, because nothing of a record is of
// interest here but its number. An error, instead of an answer, has the whole batch delivered again.
type StreamHandler func(ctx context.Context, event []byte) (StreamResponse, error)

// HandleRecord does what a record of a stream calls for. The record is JSON as Lambda delivers it, and valid only during the
// call. Records arrive at least once, so doing it again must change nothing. An error has the record delivered again, and all
// that follow it in its batch.
type HandleRecord func(ctx context.Context, record []byte) error

// StreamOptions are the settings of Stream. The zero value is useful.
type StreamOptions struct {
	// Parallel is how many records of a batch are handled at a time. Zero or one is one after the other, up to the first that
	// fails. More is side by side, each record on its own: see Stream.
	Parallel int
	// Margin is how long before Lambda's own deadline the last record is begun, and the record's context ends. Zero means
	// DefaultMargin.
	Margin time.Duration
	// Log receives one line per batch, and one per record that failed; nil means slog.Default.
	Log *slog.Logger
	// Now tells the time, for the duration in the log; nil means time.Now.
	Now func() time.Time
}

// Stream returns a Lambda function that gives the records of a table's stream to handle, one after the other, in the order of the
// batch. At the first that fails it stops and answers with that record's SequenceNumber: Lambda then delivers that one and what
// follows it again (ReportBatchItemFailures), so that no record overtakes an earlier one, and none is lost. A record that
// panics, or for which there is no time left, fails.
//
// With options.Parallel every record is handled, whatever becomes of the others: one that cannot be done now holds up none that
// can. The answer names the first in the order of the batch that failed, so those after it are delivered again even where they
// were done. That is for a handler that knows what it has done already, and to which the order of the records means nothing.
//
// A batch in which a record has no number is an error, before any of it is handled: what cannot be named cannot be
// delivered again alone, and an empty number would have the whole batch repeated without a word.
func Stream(handle HandleRecord, options StreamOptions) StreamHandler {
	if options.Margin == 0 {
		options.Margin = DefaultMargin
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return func(ctx context.Context, event []byte) (StreamResponse, error) {
		begin := options.Now()
		meter := new(roster.Meter)
		batch, err := decodeBatch(event)
		if err != nil {
			options.Log.ErrorContext(ctx, "batch refused", "error", err.Error())
			return StreamResponse{}, err
		}
		deadline, cancel := answerDeadline(ctx, options.Margin)
		defer cancel()
		outcome := handleBatch(roster.WithMeter(deadline, meter), batch, handle, options.Parallel)
		logBatch(ctx, options.Log, batch, outcome, meter.Cost(), options.Now().Sub(begin))
		if len(outcome.failures) > 0 {
			return StreamResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: batch[outcome.failures[0].at].number}}}, nil
		}
		return StreamResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}, nil
	}
}

// Invoke answers an event given as JSON, as the Lambda runtime calls it.
func (h StreamHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	response, err := h(ctx, payload)
	if err != nil {
		return nil, err
	}
	return encode(response)
}

// streamRecord is a record and what it is called by.
type streamRecord struct {
	number string
	text   json.RawMessage
}

func decodeBatch(event []byte) ([]streamRecord, error) {
	var wire struct{ Records []json.RawMessage }
	if err := json.Unmarshal(event, &wire); err != nil {
		return nil, fmt.Errorf("reading a stream event: %w", err)
	}
	if wire.Records == nil {
		return nil, errors.New("reading a stream event: it has no Records")
	}
	batch := make([]streamRecord, len(wire.Records))
	for i, text := range wire.Records {
		batch[i] = streamRecord{SequenceNumber(text), text}
		if batch[i].number == "" {
			return nil, fmt.Errorf("reading record %d of a stream event: it has no SequenceNumber", i)
		}
	}
	return batch, nil
}

// SequenceNumber returns what the stream calls a record, empty for one that does not say.
func SequenceNumber(record []byte) string {
	var head struct {
		DynamoDB struct{ SequenceNumber string }
	}
	if json.Unmarshal(record, &head) != nil {
		return ""
	}
	return head.DynamoDB.SequenceNumber
}

// batchOutcome is what became of a batch.
type batchOutcome struct {
	// handled is how many records were done. Those that nobody has come to because an earlier one failed are not in failures either.
	handled int
	// failures are in the order of the batch.
	failures []failure
}

// failure is why a record, by its place in the batch, was not done.
type failure struct {
	at  int
	err error
}

// handleBatch gives the records to handle, parallel of them at a time.
func handleBatch(ctx context.Context, batch []streamRecord, handle HandleRecord, parallel int) batchOutcome {
	if parallel > 1 {
		return handleSideBySide(ctx, batch, handle, parallel)
	}
	for i, record := range batch {
		if err := handleRecord(ctx, record.text, handle); err != nil {
			return batchOutcome{handled: i, failures: []failure{{i, err}}}
		}
	}
	return batchOutcome{handled: len(batch)}
}

func handleSideBySide(ctx context.Context, batch []streamRecord, handle HandleRecord, parallel int) batchOutcome {
	errs := make([]error, len(batch))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(parallel, len(batch)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(batch)); i = next.Add(1) - 1 {
				errs[i] = handleRecord(ctx, batch[i].text, handle)
			}
		})
	}
	workers.Wait()
	var outcome batchOutcome
	for i, err := range errs {
		if err == nil {
			outcome.handled++
		} else {
			outcome.failures = append(outcome.failures, failure{i, err})
		}
	}
	return outcome
}

// handleRecord is handle, with a panic turned into an error, and only if there is time left.
func handleRecord(ctx context.Context, record []byte, handle HandleRecord) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("the handler panicked: %v\n%s", failure, debug.Stack())
		}
	}()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("no time is left: %w", err)
	}
	return handle(ctx, record)
}

func logBatch(ctx context.Context, log *slog.Logger, batch []streamRecord, outcome batchOutcome, cost roster.Cost, took time.Duration) {
	facts := []slog.Attr{
		slog.Int("records", len(batch)),
		slog.Int("handled", outcome.handled),
		slog.Duration("duration", took),
		slog.Int("tableCalls", cost.Calls),
		slog.Float64("readUnits", cost.Reads),
		slog.Float64("writeUnits", cost.Writes),
	}
	for _, f := range outcome.failures {
		log.LogAttrs(ctx, slog.LevelError, "record failed",
			slog.String("sequenceNumber", batch[f.at].number), slog.String("error", f.err.Error()))
	}
	log.LogAttrs(ctx, slog.LevelInfo, "batch", append(facts, slog.Int("failed", len(outcome.failures)))...)
}
