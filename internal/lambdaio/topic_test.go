package lambdaio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

// topicEvent returns an event with those messages, called m0, m1 and so on.
func topicEvent(t *testing.T, messages ...string) []byte {
	t.Helper()
	type sns struct{ MessageId, Message string }
	type record struct {
		EventSource string
		Sns         sns
	}
	event := struct{ Records []record }{Records: []record{}}
	for i, message := range messages {
		event.Records = append(event.Records, record{"aws:sns", sns{"m" + string(rune('0'+i)), message}})
	}
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestMessagesArriveAsTheyWerePublished(t *testing.T) {
	var handled []string
	h := Topic(func(_ context.Context, message []byte) error {
		handled = append(handled, string(message))
		return nil
	}, TopicOptions{Log: slog.New(slog.DiscardHandler)})
	want := []string{`{"eventType":"Bounce"}`, "plain \"text\"\n", ""}
	if output, err := h.Invoke(t.Context(), topicEvent(t, want...)); err != nil || string(output) != "null" {
		t.Errorf("output = %s, %v", output, err)
	}
	if diff := cmp.Diff(want, handled); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}

func TestTopicSamplesAreMessages(t *testing.T) {
	for _, file := range sampleEvents(t, "bounces-*.json") {
		event, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		handled := 0
		h := Topic(func(_ context.Context, message []byte) error {
			handled++
			if !json.Valid(message) {
				t.Errorf("%s: the message is not the JSON that the mail service publishes: %s", file, message)
			}
			return nil
		}, TopicOptions{Log: slog.New(slog.DiscardHandler)})
		if _, err := h.Invoke(t.Context(), event); err != nil || handled != 1 {
			t.Errorf("%s: %d messages, %v", file, handled, err)
		}
	}
}

func TestOneMessageThatFailsFailsTheEventButHoldsUpNone(t *testing.T) {
	var log bytes.Buffer
	var handled []string
	failure := errors.New("not now")
	h := Topic(func(ctx context.Context, message []byte) error {
		roster.MeterFrom(ctx).Add(roster.Cost{Calls: 1, Writes: 2})
		switch string(message) {
		case "bad":
			return failure
		case "worse":
			panic("oh")
		}
		handled = append(handled, string(message))
		return nil
	}, TopicOptions{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	output, err := h.Invoke(t.Context(), topicEvent(t, "a", "bad", "worse", "b"))
	if !errors.Is(err, failure) || output != nil {
		t.Errorf("output = %s, %v; want the message's error", output, err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, handled); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
	for _, want := range []string{`"level":"ERROR"`, `"msg":"message failed"`, `"messages":4`, `"failed":2`, "message m1: not now", "message m2: the handler panicked: oh", `"tableCalls":4`, `"writeUnits":8`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s, want %s", log.String(), want)
		}
	}
	log.Reset()
	if _, err := h.Invoke(t.Context(), topicEvent(t, "a")); err != nil || !strings.Contains(log.String(), `"level":"INFO","msg":"messages","messages":1`) {
		t.Errorf("%v, log = %s", err, log.String())
	}
}

func TestMessagesThatThereIsNoTimeForFail(t *testing.T) {
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(DefaultMargin/2))
	defer cancel()
	h := Topic(func(context.Context, []byte) error { t.Error("handled"); return nil }, TopicOptions{Log: slog.New(slog.DiscardHandler)})
	if _, err := h.Invoke(late, topicEvent(t, "a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v", err)
	}
}

func TestEventThatIsNoTopicsIsAnErrorThatQuotesNothing(t *testing.T) {
	for name, event := range map[string]string{
		"no JSON":           `{"Records":[`,
		"no records":        `{}`,
		"a stream's":        `{"Records":[{"dynamodb":{"SequenceNumber":"1"}}]}`,
		"a queue's":         `{"Records":[{"messageId":"1","body":"secret"}]}`,
		"no message":        `{"Records":[{"Sns":{"MessageId":"m"}}]}`,
		"a message as JSON": `{"Records":[{"Sns":{"MessageId":"m","Message":{"secret":1}}}]}`,
		"one of two":        `{"Records":[{"Sns":{"MessageId":"m","Message":"secret"}},{"Sns":null}]}`,
	} {
		h := Topic(func(context.Context, []byte) error { t.Errorf("%s: handled", name); return nil }, TopicOptions{Log: slog.New(slog.DiscardHandler)})
		if output, err := h.Invoke(t.Context(), []byte(event)); err == nil || output != nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: answered %q, %v; want an error alone, without what the event says", name, output, err)
		}
	}
}
