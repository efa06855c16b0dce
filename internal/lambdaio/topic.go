package lambdaio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// TopicHandler is a Lambda function that subscribes to an SNS topic. Its error has the whole event delivered again, twice at most,
// and after that handed to the queue of the subscription's or the function's failures.
type TopicHandler func(ctx context.Context, event []byte) error

// HandleMessage does what a message of a topic calls for. Messages arrive at least once, so doing it again must change nothing. Its
// error is logged, and so must not quote the message.
type HandleMessage func(ctx context.Context, message []byte) error

// TopicOptions are the settings of Topic. The zero value is useful.
type TopicOptions struct {
	// Margin is how long before Lambda's own deadline the messages' context ends. Zero means DefaultMargin.
	Margin time.Duration
	// Log receives one line per event; nil means slog.Default.
	Log *slog.Logger
	// Now tells the time, for the duration in the log; nil means time.Now.
	Now func() time.Time
}

// Topic returns a Lambda function that gives the messages of an SNS topic to handle, each on its own: one that fails, or panics,
// keeps none from being handled, but fails the event. SNS puts one message into an event, so what is repeated is that one.
func Topic(handle HandleMessage, options TopicOptions) TopicHandler {
	if options.Margin == 0 {
		options.Margin = DefaultMargin
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return func(ctx context.Context, event []byte) error {
		begin := options.Now()
		meter := new(roster.Meter)
		messages, err := decodeMessages(event)
		if err != nil {
			options.Log.ErrorContext(ctx, "event refused", "error", err.Error())
			return err
		}
		deadline, cancel := answerDeadline(ctx, options.Margin)
		defer cancel()
		var failures []error
		for _, message := range messages {
			if err := handleMessage(roster.WithMeter(deadline, meter), message, handle); err != nil {
				failures = append(failures, fmt.Errorf("message %s: %w", message.id, err))
			}
		}
		err = errors.Join(failures...)
		logMessages(ctx, options.Log, len(messages), len(failures), err, meter.Cost(), options.Now().Sub(begin))
		return err
	}
}

// Invoke takes an event given as JSON, as the Lambda runtime calls it. Nobody reads what it answers.
func (h TopicHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if err := h(ctx, payload); err != nil {
		return nil, err
	}
	return []byte("null"), nil
}

// topicMessage is a message and what it is called by.
type topicMessage struct{ id, text string }

func decodeMessages(event []byte) ([]topicMessage, error) {
	var wire struct {
		Records []struct {
			Sns *struct {
				MessageID string `json:"MessageId"`
				Message   *string
			}
		}
	}
	// The decoder's errors name places and types, and quote nothing but numbers and single characters.
	if err := json.Unmarshal(event, &wire); err != nil {
		return nil, fmt.Errorf("reading a topic's event: %w", err)
	}
	if wire.Records == nil {
		return nil, errors.New("reading a topic's event: it has no Records")
	}
	messages := make([]topicMessage, len(wire.Records))
	for i, record := range wire.Records {
		if record.Sns == nil || record.Sns.Message == nil {
			return nil, fmt.Errorf("reading record %d of a topic's event: it has no Sns.Message", i)
		}
		messages[i] = topicMessage{record.Sns.MessageID, *record.Sns.Message}
	}
	return messages, nil
}

// handleMessage is handle, with a panic turned into an error, and only if there is time left.
func handleMessage(ctx context.Context, message topicMessage, handle HandleMessage) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("the handler panicked: %v\n%s", failure, debug.Stack())
		}
	}()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("no time is left: %w", err)
	}
	return handle(ctx, []byte(message.text))
}

func logMessages(ctx context.Context, log *slog.Logger, messages, failed int, err error, cost roster.Cost, took time.Duration) {
	facts := []slog.Attr{
		slog.Int("messages", messages),
		slog.Duration("duration", took),
		slog.Int("tableCalls", cost.Calls),
		slog.Float64("readUnits", cost.Reads),
		slog.Float64("writeUnits", cost.Writes),
	}
	if err == nil {
		log.LogAttrs(ctx, slog.LevelInfo, "messages", facts...)
		return
	}
	log.LogAttrs(ctx, slog.LevelError, "message failed", append(facts, slog.Int("failed", failed), slog.String("error", err.Error()))...)
}
