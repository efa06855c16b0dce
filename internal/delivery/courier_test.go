package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestDeliveryWaitsNoLongerThanItsContext(t *testing.T) {
	w := newWorld(t)
	i := w.invited(t)
	began, end := make(chan struct{}), make(chan struct{})
	courier := must[*delivery.Courier](t)(delivery.NewCourier(delivery.Config{
		Store: w.store, Mailer: slowMailer{began, end}, Pusher: w.pusher, Refusals: w.refusals, LinkBase: "https://roster.example.com", Now: w.clock.Now,
	}))
	first := make(chan error)
	go func() { first <- courier.Deliver(t.Context(), outgoing(i)) }()
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := courier.Deliver(ctx, outgoing(i)); !errors.Is(err, context.Canceled) {
		t.Errorf("Deliver = %v, want that its context ended", err)
	}
	close(end)
	if err := <-first; err != nil {
		t.Errorf("Deliver = %v", err)
	}
}

type slowMailer struct{ began, end chan struct{} }

func (m slowMailer) SendMail(context.Context, delivery.Mail) (string, error) {
	close(m.began)
	<-m.end
	return "slow", nil
}

func TestCourierNeedsEverything(t *testing.T) {
	w := &world{store: new(store), mailer: new(mailer), pusher: new(pusher), refusals: new(refusals)}
	whole := delivery.Config{Store: w.store, Mailer: w.mailer, Pusher: w.pusher, Refusals: w.refusals, LinkBase: "https://roster.example.com"}
	for name, change := range map[string]func(*delivery.Config){
		"no store":      func(c *delivery.Config) { c.Store = nil },
		"no mailer":     func(c *delivery.Config) { c.Mailer = nil },
		"no pusher":     func(c *delivery.Config) { c.Pusher = nil },
		"no refusals":   func(c *delivery.Config) { c.Refusals = nil },
		"no link base":  func(c *delivery.Config) { c.LinkBase = "" },
		"no host":       func(c *delivery.Config) { c.LinkBase = "https:///in" },
		"no scheme":     func(c *delivery.Config) { c.LinkBase = "roster.example.com" },
		"another one":   func(c *delivery.Config) { c.LinkBase = "javascript://roster.example.com" },
		"a query":       func(c *delivery.Config) { c.LinkBase = "https://roster.example.com/?a=b" },
		"a fragment":    func(c *delivery.Config) { c.LinkBase = "https://roster.example.com/#" },
		"a user":        func(c *delivery.Config) { c.LinkBase = "https://a:b@roster.example.com" },
		"no URL at all": func(c *delivery.Config) { c.LinkBase = "https://roster example.com" },
	} {
		c := whole
		change(&c)
		if courier, err := delivery.NewCourier(c); err == nil || courier != nil {
			t.Errorf("with %s NewCourier = %v, %v, want an error", name, courier, err)
		}
	}
	for _, base := range []string{"http://127.0.0.1:8080", "https://roster.example.com/", "https://roster.example.com/a/b"} {
		c := whole
		c.LinkBase = base
		if _, err := delivery.NewCourier(c); err != nil {
			t.Errorf("with the link base %s: %v", base, err)
		}
	}
	courier := must[*delivery.Courier](t)(delivery.NewCourier(whole))
	if err := courier.Deliver(t.Context(), roster.Outgoing{}); err == nil {
		t.Error("nothing at all was delivered")
	}
}

// spoilt is a store whose items cannot be read.
type spoilt struct {
	delivery.Store
	read func() error
}

func (s spoilt) Invitation(context.Context, roster.InvitationRef) (roster.Invitation, error) {
	return roster.Invitation{}, s.read()
}

func (s spoilt) Notification(context.Context, roster.NotificationRef) (roster.Notification, error) {
	return roster.Notification{}, s.read()
}

func TestWhatCannotBeReadIsGivenUp(t *testing.T) {
	for name, read := range map[string]func() error{
		"an item of a later release": func() error { return fmt.Errorf("reading: %w", roster.ErrUnreadable) },
		"an item that makes a panic": func() error { panic("oh") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			courier := must[*delivery.Courier](t)(delivery.NewCourier(delivery.Config{
				Store: spoilt{w.table, read}, Mailer: w.mailer, Pusher: w.pusher, Refusals: w.refusals, LinkBase: "https://roster.example.com",
				Now: w.clock.Now, Log: slog.New(slog.NewTextHandler(w.log, nil)),
			}))
			i, n := w.invited(t), w.notified(t)
			for _, o := range []roster.Outgoing{outgoing(i), outgoingPush(n)} {
				w.refusals.fail("Refuse", 1)
				if err := courier.Deliver(t.Context(), o); !errors.Is(err, errBroken) {
					t.Fatalf("Deliver = %v while the queue is broken", err)
				}
				if err := courier.Deliver(t.Context(), o); err != nil {
					t.Fatalf("Deliver = %v, want that it is given up", err)
				}
			}
			if got := w.stands(t, i).Delivery; got != roster.DeliveryRefused {
				t.Errorf("the invitation is %s", got)
			}
			if got, _ := w.ledger(t, n); got != roster.DeliveryRefused {
				t.Errorf("the notification is %s", got)
			}
			if len(w.refusals.kept) != 2 || w.refusals.kept[0].ID != i.ID.String() || w.refusals.kept[1].ID != n.ID.String() {
				t.Errorf("refused are %+v", w.refusals.kept)
			}
		})
	}
}

func TestARecordThatCannotBeReadIsGivenUp(t *testing.T) {
	w := newWorld(t)
	if err := w.courier.GiveUp(t.Context(), "4711", errors.New("no record")); err != nil {
		t.Fatal(err)
	}
	if len(w.refusals.kept) != 1 || w.refusals.kept[0] != (delivery.Refusal{Kind: "record", ID: "4711", Reason: "no record"}) {
		t.Errorf("refused are %+v", w.refusals.kept)
	}
}

// hangingMailer does not answer before the context ends.
type hangingMailer struct{}

func (hangingMailer) SendMail(ctx context.Context, _ delivery.Mail) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func TestNotificationsDoNotWaitForMailsThatHang(t *testing.T) {
	w := newWorld(t)
	w.devices(t, "phone")
	courier := must[*delivery.Courier](t)(delivery.NewCourier(delivery.Config{
		Store: w.store, Mailer: hangingMailer{}, Pusher: w.pusher, Refusals: w.refusals, LinkBase: "https://roster.example.com", Now: w.clock.Now,
	}))
	ctx, cancel := context.WithCancel(t.Context())
	var mails sync.WaitGroup
	for n := range 20 { // more than are under way at a time
		i := roster.Invitation{
			Tenant: tenant, Purpose: roster.PurposeSignUp, Path: w.admin.Path, Email: roster.Email(fmt.Sprintf("new-%d@example.com", n)),
			ValidUntil: w.clock.Now().Add(time.Hour),
		}
		if err := w.table.PutInvitation(t.Context(), &i, nil, rostertest.Stamp()); err != nil {
			t.Fatal(err)
		}
		mails.Go(func() {
			if err := courier.Deliver(ctx, outgoing(i)); err == nil {
				t.Error("a mail was delivered by a service that does not answer")
			}
		})
	}
	if err := courier.Deliver(t.Context(), outgoingPush(w.notified(t))); err != nil {
		t.Errorf("Deliver = %v", err)
	}
	cancel()
	mails.Wait()
}
