package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

const tenant = roster.TenantID(7)

// world is a tenant with an Admin, on a table of its own, and a courier to services that keep what they are handed.
type world struct {
	table    *dynamo.Table
	clock    *rostertest.Clock
	store    *store
	mailer   *mailer
	pusher   *pusher
	refusals *refusals
	log      *bytes.Buffer
	courier  *delivery.Courier
	admin    roster.User
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := rostertest.NewClock(time.Time{})
	table := rostertest.TableWith(t, dynamo.Options{Now: clock.Now})
	founded, err := table.CreateTenant(t.Context(), rostertest.Tenant(tenant, func(n *roster.NewTenant) { n.Admin.Name = "Ann Admin" }), rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		table: table, clock: clock, store: &store{Store: table}, mailer: new(mailer), pusher: new(pusher), refusals: new(refusals),
		log: new(bytes.Buffer), admin: founded.Admin,
	}
	w.courier, err = delivery.NewCourier(delivery.Config{
		Store: w.store, Mailer: w.mailer, Pusher: w.pusher, Refusals: w.refusals, LinkBase: "https://roster.example.com/in/",
		Now: clock.Now, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// failing says which calls fail next, by name, and how often: negative for always. It is safe for concurrent use.
type failing struct {
	mu    sync.Mutex
	left  map[string]int
	calls map[string]int
}

var errBroken = errors.New("broken on purpose")

func (f *failing) fail(call string, times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == nil {
		f.left = make(map[string]int)
	}
	f.left[call] = times
}

func (f *failing) now(call string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = make(map[string]int)
	}
	f.calls[call]++
	if f.left[call] == 0 {
		return nil
	}
	f.left[call]--
	return fmt.Errorf("%s: %w", call, errBroken)
}

func (f *failing) count(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[call]
}

// store is the table with calls that fail. Where one fails nothing was written, as in a courier that was killed before.
type store struct {
	delivery.Store
	failing
}

func (s *store) Invitation(ctx context.Context, ref roster.InvitationRef) (roster.Invitation, error) {
	if err := s.now("Invitation"); err != nil {
		return roster.Invitation{}, err
	}
	return s.Store.Invitation(ctx, ref)
}

func (s *store) PutLink(ctx context.Context, hash roster.LinkHash, link roster.Link) error {
	if err := s.now("PutLink"); err != nil {
		return err
	}
	return s.Store.PutLink(ctx, hash, link)
}

func (s *store) MarkInvitation(ctx context.Context, ref roster.InvitationRef, id roster.InvitationID, d roster.Delivery, messageID, reason string) error {
	if err := s.now("MarkInvitation"); err != nil {
		return err
	}
	return s.Store.MarkInvitation(ctx, ref, id, d, messageID, reason)
}

func (s *store) Notification(ctx context.Context, ref roster.NotificationRef) (roster.Notification, error) {
	if err := s.now("Notification"); err != nil {
		return roster.Notification{}, err
	}
	return s.Store.Notification(ctx, ref)
}

func (s *store) MarkDevice(ctx context.Context, ref roster.NotificationRef, device roster.DeviceHash, d roster.DeviceDelivery) error {
	if err := s.now("MarkDevice"); err != nil {
		return err
	}
	return s.Store.MarkDevice(ctx, ref, device, d)
}

func (s *store) MarkNotification(ctx context.Context, ref roster.NotificationRef, d roster.Delivery) error {
	if err := s.now("MarkNotification"); err != nil {
		return err
	}
	return s.Store.MarkNotification(ctx, ref, d)
}

func (s *store) Devices(ctx context.Context, tenant roster.TenantID, user roster.UserID) ([]roster.Device, error) {
	if err := s.now("Devices"); err != nil {
		return nil, err
	}
	return s.Store.Devices(ctx, tenant, user)
}

func (s *store) RemoveDevice(ctx context.Context, d roster.Device) error {
	if err := s.now("RemoveDevice"); err != nil {
		return err
	}
	return s.Store.RemoveDevice(ctx, d)
}

func (s *store) User(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error) {
	if err := s.now("User"); err != nil {
		return roster.User{}, err
	}
	return s.Store.User(ctx, tenant, id)
}

func (s *store) Organization(ctx context.Context, tenant roster.TenantID, id roster.OrgID) (roster.Organization, error) {
	if err := s.now("Organization"); err != nil {
		return roster.Organization{}, err
	}
	return s.Store.Organization(ctx, tenant, id)
}

// mailer keeps mails. While err is set it takes none.
type mailer struct {
	mu   sync.Mutex
	err  error
	sent []delivery.Mail
}

func (m *mailer) SendMail(_ context.Context, mail delivery.Mail) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return "", m.err
	}
	m.sent = append(m.sent, mail)
	return fmt.Sprintf("mail-%d", len(m.sent)), nil
}

// pusher keeps push messages by device name. A device that has an error takes none.
type pusher struct {
	mu    sync.Mutex
	errs  map[string]error
	sent  map[string][]string
	tried map[string]int
	// wait, when set, is called in every push.
	wait func()
}

func (p *pusher) Push(_ context.Context, d roster.Device, push delivery.Push) (string, error) {
	if p.wait != nil {
		p.wait()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent == nil {
		p.sent, p.tried = make(map[string][]string), make(map[string]int)
	}
	p.tried[d.Name]++
	if err := p.errs[d.Name]; err != nil {
		return "", err
	}
	p.sent[d.Name] = append(p.sent[d.Name], push.Payload)
	return "push-to-" + d.Name, nil
}

// refusals keeps refusals.
type refusals struct {
	failing
	kept []delivery.Refusal
}

func (r *refusals) Refuse(_ context.Context, refusal delivery.Refusal) error {
	if err := r.now("Refuse"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = append(r.kept, refusal)
	return nil
}

// A refusal and a dead end as package sender reports them.
var (
	errRefused = fmt.Errorf("sending: MessageRejected (HTTP 400): %w", delivery.ErrRefused)
	errGone    = fmt.Errorf("sending: EndpointDisabled (HTTP 400): %w", delivery.ErrEndpointGone)
)

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) deliver(t *testing.T, o roster.Outgoing) {
	t.Helper()
	if err := w.courier.Deliver(t.Context(), o); err != nil {
		t.Fatalf("Deliver: %v", err)
	}
}

func (w *world) deliverFails(t *testing.T, o roster.Outgoing) {
	t.Helper()
	err := w.courier.Deliver(t.Context(), o)
	if !errors.Is(err, errBroken) {
		t.Fatalf("Deliver = %v, want the failure", err)
	}
	w.tellsNothing(t, err.Error())
}

// tellsNothing checks that a text has nothing in it that is only for whom a message is for.
func (w *world) tellsNothing(t *testing.T, text string) {
	t.Helper()
	secrets := []string{"user-4711@", "invitations/", "Pump 3", "stopped", "arn:aws:sns", "eingeladen", "Ann Admin"}
	for _, mail := range w.mailer.sent {
		secrets = append(secrets, token(t, mail))
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q is told in %s", secret, text)
		}
	}
}
