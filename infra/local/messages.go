package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/rosterhq/roster/infra/local/gateway"
	"github.com/rosterhq/roster/infra/local/outbox"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// openOutbox returns what stands for the services that take mail and push messages. What SES would put into a topic goes to the
// functions that the template subscribes to one: it has no other topic.
func (s *server) openOutbox(functions map[string]gateway.Function) (*outbox.Outbox, error) {
	config := outbox.Config{
		Address: s.listenHost(), Now: s.now,
		Feedback: func(ctx context.Context, message []byte) {
			for _, subscription := range s.template.Subscriptions {
				s.tell(ctx, subscription, functions[subscription.Function], message)
			}
		},
		Report: func(line string) { fmt.Fprintln(s.stderr, "outbox:", line) },
	}
	if !s.memory {
		config.Dir = s.dir
	}
	return outbox.New(config)
}

// listenHost returns the host of the address to listen at, empty if it is none in particular.
func (s *server) listenHost() string {
	host, _, err := net.SplitHostPort(s.address)
	if ip := net.ParseIP(host); err != nil || ip != nil && ip.IsUnspecified() {
		return ""
	}
	return host
}

// retryPauses are how long Lambda waits before it tries again what nobody waits for and a function failed at: a minute, then two, in the
// cloud.
var retryPauses = []time.Duration{time.Second, 2 * time.Second}

// tell gives a message of a topic to a function, and again if the function fails, as often as Lambda does.
func (s *server) tell(ctx context.Context, subscription samtemplate.Subscription, to gateway.Function, message []byte) {
	event, err := outbox.TopicEvent(subscription.Topic, message, s.now())
	for try := 0; err == nil; try++ {
		err = s.invoke(ctx, subscription.Function, to, event)
		if err == nil || ctx.Err() != nil {
			return
		}
		if try == len(retryPauses) {
			break
		}
		timer := time.NewTimer(retryPauses[try])
		select {
		case <-timer.C:
			err = nil
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
	fmt.Fprintf(s.stderr, "%s: a message of the topic %s is given up: %v\n", subscription.Function, subscription.Topic, err)
}

// invoke calls a function with its own timeout.
func (s *server) invoke(ctx context.Context, name string, f gateway.Function, event []byte) error {
	if function, _ := s.template.Function(name); function.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, function.Timeout)
		defer cancel()
	}
	_, err := f.Invoke(ctx, event)
	return err
}
