package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Courier sends what is recorded. It is safe for concurrent use.
type Courier struct {
	store    Store
	mailer   Mailer
	pusher   Pusher
	refusals Refusals
	linkBase string
	now      func() time.Time
	log      *slog.Logger
	turns    turns
	// mails and pushes have room for those messages of a kind that are under way.
	mails, pushes chan struct{}
}

// sideBySide is how many mails, and how many notifications, are under way at a time. A sandbox of SES takes one mail a second, an
// account that is out of it 14 to begin with; more than that would only be refused and tried again.
const sideBySide = 8

// Config is what NewCourier needs. All fields are required but Now and Log.
type Config struct {
	Store    Store
	Mailer   Mailer
	Pusher   Pusher
	Refusals Refusals
	// LinkBase is what the addresses of the accept page begin with: https://roster.example.com. A slash at its end is left out.
	LinkBase string
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Log receives a line for each message that is refused, and for each device that is dropped; nil means slog.Default.
	Log *slog.Logger
}

// NewCourier returns a courier. A field that is missing and a LinkBase that no link can begin with are errors.
func NewCourier(c Config) (*Courier, error) {
	if c.Store == nil || c.Mailer == nil || c.Pusher == nil || c.Refusals == nil {
		return nil, errors.New("a courier needs a store, a mailer, a pusher and a place for refusals")
	}
	base, err := url.Parse(c.LinkBase)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.User != nil || strings.ContainsAny(c.LinkBase, "?#") {
		return nil, fmt.Errorf("the link base %q is not an address of the form https://host/path", c.LinkBase)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Courier{
		store: c.Store, mailer: c.Mailer, pusher: c.Pusher, refusals: c.Refusals,
		linkBase: strings.TrimRight(c.LinkBase, "/"), now: c.Now, log: c.Log,
		mails: make(chan struct{}, sideBySide), pushes: make(chan struct{}, sideBySide),
	}, nil
}

// Deliver sends a message if the table says that it is still to be sent, and notes what became of it. Nil means that there is
// nothing more to do, be it that the message was sent, now or before, that the service will never take it, or that there is no
// use in it any more. After an error Deliver is to be called again with the same o: it goes on with what is not noted yet.
//
// Called twice at the same time, it does one after the other, so that of two records of one message in a batch the second finds
// it sent. Of mails and of notifications a few are under way at a time, each kind for itself: while mails wait for a service that
// does not answer, notifications do not.
func (c *Courier) Deliver(ctx context.Context, o roster.Outgoing) error {
	switch {
	case o.Invitation != nil:
		return c.turns.take(ctx, *o.Invitation, func() error {
			err := within(ctx, c.mails, func() error { return c.deliverMail(ctx, *o.Invitation, o.InvitationID) })
			if hopeless(err) {
				return c.giveUpMail(ctx, *o.Invitation, o.InvitationID, err)
			}
			return err
		})
	case o.Notification != nil:
		return c.turns.take(ctx, *o.Notification, func() error {
			err := within(ctx, c.pushes, func() error { return c.deliverPush(ctx, *o.Notification) })
			if hopeless(err) {
				return c.giveUpPush(ctx, *o.Notification, err)
			}
			return err
		})
	}
	return errors.New("a message to send that is neither an invitation nor a notification")
}

// within calls do when there is room. It waits for no longer than ctx lasts. A panic of do is an error.
func within(ctx context.Context, room chan struct{}, do func() error) (err error) {
	select {
	case room <- struct{}{}:
		defer func() { <-room }()
	case <-ctx.Done():
		return fmt.Errorf("waiting for others to be sent: %w", ctx.Err())
	}
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanicked, failure, debug.Stack())
		}
	}()
	return do()
}

var errPanicked = errors.New("the courier panicked")

// hopeless reports whether an error will come again, however often the message is tried by this release: it must not hold up what
// comes behind it for as long as the stream keeps its records.
func hopeless(err error) bool {
	return errors.Is(err, roster.ErrUnreadable) || errors.Is(err, errPanicked)
}

// GiveUp hands over a record of the stream that cannot be read, named by what the stream calls it. After an error it is to be
// called again.
func (c *Courier) GiveUp(ctx context.Context, record string, why error) error {
	r := Refusal{Kind: kindRecord, ID: record, Reason: why.Error()}
	return c.settle(ctx, r, r.Reason, func() error { return nil })
}

// reasonHopeless is why a message is given up that is no service's to refuse. What went wrong in detail is in the log.
const reasonHopeless = "this release cannot read or send it"

func (c *Courier) giveUpMail(ctx context.Context, ref roster.InvitationRef, id roster.InvitationID, why error) error {
	r := Refusal{Tenant: ref.Tenant, Kind: ref.Purpose.String(), ID: id.String(), User: ref.User, Reason: reasonHopeless}
	return c.settle(ctx, r, why.Error(), func() error {
		return c.markMail(ctx, ref, id, roster.DeliveryRefused, "", r.Reason)
	})
}

func (c *Courier) giveUpPush(ctx context.Context, ref roster.NotificationRef, why error) error {
	r := Refusal{Tenant: ref.Tenant, Kind: kindNotification, ID: ref.ID.String(), User: ref.User, Reason: reasonHopeless}
	return c.settle(ctx, r, why.Error(), func() error { return c.markPush(ctx, ref, roster.DeliveryRefused) })
}

// settle is the one order in which a message ends that will never be sent: it is handed over, marked, and logged, with a reason that
// may say more than the one that is handed over.
func (c *Courier) settle(ctx context.Context, r Refusal, logged string, mark func() error) error {
	if err := c.refuse(ctx, r); err != nil {
		return err
	}
	if err := mark(); err != nil {
		return err
	}
	r.Reason = logged
	c.logRefusal(ctx, r)
	return nil
}

// The Kinds of Refusals that are not of a mail: a mail's is its purpose.
const (
	kindNotification = "notification"
	kindRecord       = "record"
)

// refuse hands over what will never be sent. It comes before the message is marked: a refusal that is kept twice, because the
// mark failed, can be told by its ids, while one that is marked and not kept would be lost.
func (c *Courier) refuse(ctx context.Context, r Refusal) error {
	if err := c.refusals.Refuse(ctx, r); err != nil {
		return fmt.Errorf("refusing %s %s of tenant %s: %w", r.Kind, r.ID, r.Tenant, err)
	}
	return nil
}

// logRefusal writes the one line about a message that is refused and marked.
func (c *Courier) logRefusal(ctx context.Context, r Refusal) {
	facts := []slog.Attr{slog.String("tenant", r.Tenant.String()), slog.String("kind", r.Kind), slog.String("id", r.ID)}
	if r.User != 0 {
		facts = append(facts, slog.String("user", r.User.String()))
	}
	if r.Device != "" {
		facts = append(facts, slog.String("device", r.Device))
	}
	c.log.LogAttrs(ctx, slog.LevelError, "message refused", append(facts, slog.String("reason", r.Reason))...)
}

// found turns "not there" into false.
func found(err error) (bool, error) {
	if roster.KindOf(err) == roster.KindNotFound {
		return false, nil
	}
	return err == nil, err
}

// turns lets one call at a time do something about the same message. The zero turns is ready to use.
type turns struct {
	mu sync.Mutex
	// taken has a channel for each message that somebody is at, closed when they are done; guarded by mu.
	taken map[any]chan struct{}
}

// take calls do when nobody else is at the message of that key, which is comparable. It waits for no longer than ctx lasts.
func (t *turns) take(ctx context.Context, key any, do func() error) error {
	mine := make(chan struct{})
	for {
		other := t.claim(key, mine)
		if other == nil {
			break
		}
		select {
		case <-other:
		case <-ctx.Done():
			return fmt.Errorf("waiting for another delivery of the same message: %w", ctx.Err())
		}
	}
	defer t.leave(key, mine)
	return do()
}

// claim notes that mine is at the key, unless another is: then it returns that one's channel.
func (t *turns) claim(key any, mine chan struct{}) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if other, ok := t.taken[key]; ok {
		return other
	}
	if t.taken == nil {
		t.taken = make(map[any]chan struct{})
	}
	t.taken[key] = mine
	return nil
}

func (t *turns) leave(key any, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.taken, key)
	close(mine)
}
