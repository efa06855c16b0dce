package delivery_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
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
