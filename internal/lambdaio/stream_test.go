package lambdaio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

// batchOf returns an event with records of these numbers.
func batchOf(numbers ...string) []byte {
	records := make([]string, len(numbers))
	for i, number := range numbers {
		records[i] = fmt.Sprintf(`{"eventName":"INSERT","dynamodb":{"SequenceNumber":%q,"NewImage":{"n":{"N":"%d"}}}}`, number, i)
	}
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

// numberOf returns the number of a record that a handler got.
func numberOf(t *testing.T, record []byte) string {
	t.Helper()
	var r struct {
		DynamoDB struct{ SequenceNumber string }
	}
	if err := json.Unmarshal(record, &r); err != nil {
		t.Fatalf("%s: %v", record, err)
	}
	return r.DynamoDB.SequenceNumber
}

// deliver invokes a stream function that keeps the numbers of the records it handled, and fails at those named.
func deliver(t *testing.T, ctx context.Context, event []byte, failing ...string) (handled []string, output string, err error) {
	t.Helper()
	h := Stream(func(_ context.Context, record []byte) error {
		number := numberOf(t, record)
		for _, one := range failing {
			if one == number {
				return errors.New("not now")
			}
		}
		handled = append(handled, number)
		return nil
	}, StreamOptions{Log: slog.New(slog.DiscardHandler)})
	out, err := h.Invoke(ctx, event)
	return handled, string(out), err
}

func TestBatchIsHandledInOrder(t *testing.T) {
	handled, output, err := deliver(t, t.Context(), batchOf("100", "200", "300"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"100", "200", "300"}, handled); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
	if want := `{"batchItemFailures":[]}`; output != want {
		t.Errorf("output = %s, want %s", output, want)
	}
}

func TestFirstFailureEndsTheBatchAndIsNamed(t *testing.T) {
	for _, test := range []struct {
		failing []string
		handled []string
		output  string
	}{
		{[]string{"100"}, nil, `{"batchItemFailures":[{"itemIdentifier":"100"}]}`},
		{[]string{"200"}, []string{"100"}, `{"batchItemFailures":[{"itemIdentifier":"200"}]}`},
		{[]string{"200", "300"}, []string{"100"}, `{"batchItemFailures":[{"itemIdentifier":"200"}]}`},
		{[]string{"300"}, []string{"100", "200"}, `{"batchItemFailures":[{"itemIdentifier":"300"}]}`},
	} {
		handled, output, err := deliver(t, t.Context(), batchOf("100", "200", "300"), test.failing...)
		if err != nil || output != test.output {
			t.Errorf("failing %q: %s, %v; want %s", test.failing, output, err, test.output)
		}
		if diff := cmp.Diff(test.handled, handled); diff != "" {
			t.Errorf("failing %q: handled (-want +got):\n%s", test.failing, diff)
		}
	}
}

func TestBatchThatCannotBeReadFailsWholeAndUntouched(t *testing.T) {
	for name, event := range map[string]string{
		"no JSON":           `{"Records":[`,
		"no records":        `{}`,
		"records of text":   `{"Records":"none"}`,
		"a record of text":  `{"Records":[{"dynamodb":{"SequenceNumber":"1"}},"two"]}`,
		"no number":         `{"Records":[{"dynamodb":{"SequenceNumber":"1"}},{"dynamodb":{}}]}`,
		"an empty number":   `{"Records":[{"dynamodb":{"SequenceNumber":"1"}},{"dynamodb":{"SequenceNumber":""}}]}`,
		"a number as JSON":  `{"Records":[{"dynamodb":{"SequenceNumber":"1"}},{"dynamodb":{"SequenceNumber":2}}]}`,
		"a queue's message": `{"Records":[{"messageId":"1","body":"x"}]}`,
	} {
		handled, output, err := deliver(t, t.Context(), []byte(event))
		if err == nil || output != "" || len(handled) > 0 {
			t.Errorf("%s: handled %q, answered %q, %v; want an error alone", name, handled, output, err)
		}
	}
}

func TestEmptyBatchIsDone(t *testing.T) {
	if handled, output, err := deliver(t, t.Context(), []byte(`{"Records":[]}`)); err != nil || output != `{"batchItemFailures":[]}` || len(handled) > 0 {
		t.Errorf("handled %q, answered %s, %v", handled, output, err)
	}
}

func TestPanicFailsItsRecordAlone(t *testing.T) {
	var log bytes.Buffer
	h := Stream(func(_ context.Context, record []byte) error {
		if numberOf(t, record) == "200" {
			panic("oh")
		}
		return nil
	}, StreamOptions{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	output, err := h.Invoke(t.Context(), batchOf("100", "200", "300"))
	if err != nil || string(output) != `{"batchItemFailures":[{"itemIdentifier":"200"}]}` {
		t.Errorf("output = %s, %v", output, err)
	}
	for _, want := range []string{`"level":"ERROR"`, `"msg":"record failed"`, `"records":3`, `"handled":1`, `"failed":1`, `"sequenceNumber":"200"`, "panicked: oh"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s, want %s", log.String(), want)
		}
	}
}

func TestRecordsThatThereIsNoTimeForFail(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := Stream(func(_ context.Context, record []byte) error {
		if numberOf(t, record) == "200" {
			cancel()
		}
		return nil
	}, StreamOptions{Log: slog.New(slog.DiscardHandler)})
	output, err := h.Invoke(ctx, batchOf("100", "200", "300"))
	if err != nil || string(output) != `{"batchItemFailures":[{"itemIdentifier":"300"}]}` {
		t.Errorf("output = %s, %v", output, err)
	}
	// Lambda's deadline is so near that what is left is for the answer.
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(DefaultMargin/2))
	defer cancel()
	if handled, output, err := deliver(t, late, batchOf("100")); err != nil || len(handled) > 0 || output != `{"batchItemFailures":[{"itemIdentifier":"100"}]}` {
		t.Errorf("handled %q, answered %s, %v", handled, output, err)
	}
}

func TestBatchIsLoggedWithItsCost(t *testing.T) {
	var log bytes.Buffer
	h := Stream(func(ctx context.Context, _ []byte) error {
		roster.MeterFrom(ctx).Add(roster.Cost{Calls: 1, Writes: 2})
		return nil
	}, StreamOptions{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if _, err := h.Invoke(t.Context(), batchOf("100", "200")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"level":"INFO"`, `"msg":"batch"`, `"records":2`, `"handled":2`, `"tableCalls":2`, `"writeUnits":4`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s, want %s", log.String(), want)
		}
	}
}

// TestSideBySideEachRecordIsOnItsOwn has the records wait for each other, so that it can only pass if they are handled at a time.
func TestSideBySideEachRecordIsOnItsOwn(t *testing.T) {
	var log bytes.Buffer
	var begun sync.WaitGroup
	begun.Add(4)
	var mu sync.Mutex
	var handled []string
	h := Stream(func(ctx context.Context, record []byte) error {
		roster.MeterFrom(ctx).Add(roster.Cost{Calls: 1})
		number := numberOf(t, record)
		begun.Done()
		begun.Wait()
		switch number {
		case "200":
			panic("oh")
		case "300":
			return errors.New("not now")
		}
		mu.Lock()
		defer mu.Unlock()
		handled = append(handled, number)
		return nil
	}, StreamOptions{Parallel: 8, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	output, err := h.Invoke(t.Context(), batchOf("100", "200", "300", "400"))
	if err != nil || string(output) != `{"batchItemFailures":[{"itemIdentifier":"200"}]}` {
		t.Errorf("output = %s, %v; want the first in the order of the batch", output, err)
	}
	slices.Sort(handled)
	if diff := cmp.Diff([]string{"100", "400"}, handled); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
	for _, want := range []string{`"msg":"record failed"`, `"records":4`, `"handled":2`, `"failed":2`, `"sequenceNumber":"200"`, "panicked: oh", `"tableCalls":4`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s, want %s", log.String(), want)
		}
	}
}

func TestSideBySideAreNoMoreThanAllowed(t *testing.T) {
	var running, most atomic.Int32
	numbers := make([]string, 50)
	for i := range numbers {
		numbers[i] = strconv.Itoa(1000 + i)
	}
	var mu sync.Mutex
	var handled []string
	h := Stream(func(_ context.Context, record []byte) error {
		now := running.Add(1)
		defer running.Add(-1)
		mu.Lock()
		defer mu.Unlock()
		most.Store(max(most.Load(), now))
		handled = append(handled, numberOf(t, record))
		return nil
	}, StreamOptions{Parallel: 3, Log: slog.New(slog.DiscardHandler)})
	output, err := h.Invoke(t.Context(), batchOf(numbers...))
	if err != nil || string(output) != `{"batchItemFailures":[]}` {
		t.Errorf("output = %s, %v", output, err)
	}
	slices.Sort(handled)
	if diff := cmp.Diff(numbers, handled); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
	if most.Load() > 3 {
		t.Errorf("%d records at a time, want at most 3", most.Load())
	}
}

func TestSideBySideRecordsThatThereIsNoTimeForFail(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var handled atomic.Int32
	h := Stream(func(ctx context.Context, record []byte) error {
		if number := numberOf(t, record); number == "100" || number == "200" {
			if handled.Add(1) == 2 {
				cancel()
			}
			<-ctx.Done() // both are begun, none of the others can be
			return nil
		}
		t.Errorf("record %s was begun after the end", record)
		return nil
	}, StreamOptions{Parallel: 2, Log: slog.New(slog.DiscardHandler)})
	output, err := h.Invoke(ctx, batchOf("100", "200", "300", "400"))
	if err != nil || string(output) != `{"batchItemFailures":[{"itemIdentifier":"300"}]}` {
		t.Errorf("output = %s, %v", output, err)
	}
}

// TestStreamSamplesAreHandedOnAsTheyAre holds that a record reaches the handler with every byte that Lambda sent.
func TestStreamSamplesAreHandedOnAsTheyAre(t *testing.T) {
	for _, file := range sampleEvents(t, "changes-*.json", "courier-*.json") {
		event, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var records int
		h := Stream(func(_ context.Context, record []byte) error {
			records++
			if !bytes.Contains(event, record) {
				t.Errorf("%s: the record is not in the event: %s", file, record)
			}
			return nil
		}, StreamOptions{Log: slog.New(slog.DiscardHandler)})
		if output, err := h.Invoke(t.Context(), event); err != nil || string(output) != `{"batchItemFailures":[]}` || records == 0 {
			t.Errorf("%s: %d records, %s, %v", file, records, output, err)
		}
	}
}
