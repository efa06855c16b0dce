package courier_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// world is a table with messages in it, and what is to become of each.
type world struct {
	*testing.T
	*dynamo.Table
	place  string
	random *rand.Rand // guarded by mu
	root   roster.OrgPath
	// endpoint returns the address of a new device at the push service.
	endpoint newEndpoint

	mu            sync.Mutex
	people        int                          // guarded by mu, as are those below
	mails         map[roster.InvitationID]mail // by the id
	notifications map[roster.NotificationID]notification
	users         map[roster.UserID][]device // those that have devices
	devices       map[string]roster.DeviceHash
}

// newEndpoint makes an endpoint at the push service, for a device whose messages are to have that fate.
type newEndpoint func(ctx context.Context, platform roster.Platform, token string, f fate) (arn string, err error)

// fate is what is to become of a message.
type fate uint8

const (
	sent fate = iota + 1
	refused
	// dropped is a message, or a device, that there is no use in sending to.
	dropped
	// replaced is a mail that a newer one has taken the place of, and ended one whose invitation is there no more.
	replaced
	ended
)

// mail is an invitation that is to be mailed.
type mail struct {
	invitation roster.Invitation
	fate       fate
}

// notification is a push message to the devices of a user.
type notification struct {
	roster.Notification
	devices []device
}

// device is a phone. The fate is that of all messages to it.
type device struct {
	roster.Device
	fate fate
}

// The texts that are planted in messages, and must not be in the log. They are parts of every name, address, token and text.
const (
	plantedName   = "Plantagenet"
	plantedDomain = "planted.example"
	plantedText   = "planted text"
	plantedToken  = "planted-token"
)

func newWorld(t *testing.T, random *rand.Rand, endpoint newEndpoint) *world {
	t.Helper()
	place := rostertest.CreateTableWithStream(t)
	w := &world{
		T: t, Table: dynamo.New(rostertest.Client(t), place, dynamo.Options{}), place: place, random: random, endpoint: endpoint,
		people: 10, mails: map[roster.InvitationID]mail{}, notifications: map[roster.NotificationID]notification{},
		users: map[roster.UserID][]device{}, devices: map[string]roster.DeviceHash{},
	}
	tenant := rostertest.Tenant(7, func(n *roster.NewTenant) {
		n.Organization.Name, n.Admin.Name, n.Admin.FamilyName = plantedName+" & Söhne", "Ada "+plantedName, plantedName
	})
	created, err := w.CreateTenant(t.Context(), tenant, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	w.root = created.Organization.Path
	return w
}

// all runs what has to be recorded, in a random order, several at a time.
func (w *world) all(records ...func(context.Context) error) {
	w.Helper()
	w.random.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	next := make(chan func(context.Context) error)
	var writers sync.WaitGroup
	for range 6 {
		writers.Go(func() {
			for record := range next {
				if err := record(w.Context()); err != nil {
					w.Errorf("recording a message: %v", err)
				}
			}
		})
	}
	for _, record := range records {
		next <- record
	}
	close(next)
	writers.Wait()
	if w.Failed() {
		w.FailNow()
	}
}

// someone returns a new user, whose address has what mark says in it.
func (w *world) someone(mark string, status roster.Status) roster.User {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.people++
	return rostertest.User(w.root, w.people, func(u *roster.User) {
		u.Email = roster.Email(fmt.Sprintf("person%d%s@%s", w.people, mark, plantedDomain))
		u.Name, u.FamilyName, u.Status = fmt.Sprintf("Given%d %s", w.people, plantedName), plantedName, status
	})
}

// locales are the languages that mails are asked for in, one of which is not there.
var locales = []string{"", "en", "uk", "de_AT", "ja", "xx"}

func (w *world) locale() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return locales[w.random.IntN(len(locales))]
}

func (w *world) keepMail(i roster.Invitation, fate fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mails[i.ID] = mail{i, fate}
}

// mark is what in an address gives its mails that fate.
func (f fate) mark() string {
	if f == refused {
		return "." + refusedMark
	}
	return ""
}

// invite records a new user with an invitation. That of a user who is removed at once has ended.
func (w *world) invite(fate fate) func(context.Context) error {
	return func(ctx context.Context) error {
		user := w.someone(fate.mark(), roster.StatusPending)
		user.RegisteredAt = time.Time{}
		i := roster.Invitation{InvitedBy: 1, Locale: w.locale(), ValidUntil: time.Now().Add(time.Hour)}
		user, _, err := w.CreateInvitedUser(ctx, roster.NewUser{User: user}, i, nil, rostertest.Stamp(), nil)
		if err != nil {
			return err
		}
		if i, err = w.Invitation(ctx, roster.InvitationRef{Tenant: user.Tenant, Purpose: roster.PurposeInvite, User: user.ID}); err != nil {
			return err
		}
		w.keepMail(i, fate)
		if fate == ended {
			_, err = w.DeleteUser(ctx, user, rostertest.Stamp())
		}
		return err
	}
}

// signUp records the sign-up of a stranger. That whose time is over is dropped, and that asked for again replaced.
func (w *world) signUp(f fate) func(context.Context) error {
	return func(ctx context.Context) error {
		i := roster.Invitation{
			Tenant: 7, Purpose: roster.PurposeSignUp, Path: w.root, Email: w.someone(f.mark(), roster.StatusActive).Email,
			Locale: w.locale(), ValidUntil: time.Now().Add(time.Hour),
		}
		if f == dropped {
			i.ValidUntil = time.Now()
		}
		return w.putMail(ctx, i, f)
	}
}

// reset records that a user forgot the password. A user who is suspended has no use for the mail.
func (w *world) reset(f fate) func(context.Context) error {
	return func(ctx context.Context) error {
		status := roster.StatusActive
		if f == dropped {
			status = roster.StatusSuspended
		}
		user, _, err := w.CreateUser(ctx, roster.NewUser{User: w.someone(f.mark(), status)}, rostertest.Stamp(), nil)
		if err != nil {
			return err
		}
		return w.putMail(ctx, roster.Invitation{
			Tenant: 7, Purpose: roster.PurposeReset, Path: user.Path, User: user.ID, Email: user.Email,
			Locale: w.locale(), ValidUntil: time.Now().Add(time.Hour),
		}, f)
	}
}

func (w *world) putMail(ctx context.Context, i roster.Invitation, f fate) error {
	if err := w.PutInvitation(ctx, &i, nil, rostertest.Stamp()); err != nil {
		return err
	}
	w.keepMail(i, f)
	if f != replaced {
		return nil
	}
	i.ID = 0
	return w.putMail(ctx, i, sent)
}

// notify records a user with such devices, and so many push messages.
func (w *world) notify(messages int, fates ...fate) func(context.Context) error {
	return func(ctx context.Context) error {
		user, _, err := w.CreateUser(ctx, roster.NewUser{User: w.someone("", roster.StatusActive)}, rostertest.Stamp(), nil)
		if err != nil {
			return err
		}
		devices := make([]device, len(fates))
		for n, f := range fates {
			if devices[n], err = w.register(ctx, user.ID, n, f); err != nil {
				return err
			}
		}
		for range messages {
			n, _, err := w.CreateNotification(ctx, roster.Notification{
				Tenant: 7, User: user.ID, Title: "Title with " + plantedText, Body: "Body with " + plantedText, ImageURL: "https://" + plantedDomain + "/image.png",
			}, rostertest.Stamp(), nil)
			if err != nil {
				return err
			}
			w.mu.Lock()
			w.notifications[n.ID] = notification{n, devices}
			w.mu.Unlock()
		}
		w.mu.Lock()
		w.users[user.ID] = devices
		w.mu.Unlock()
		return nil
	}
}

var platforms = []roster.Platform{roster.PlatformFCM, roster.PlatformAPNS, roster.PlatformAPNSSandbox}

func (w *world) register(ctx context.Context, user roster.UserID, n int, f fate) (device, error) {
	token := fmt.Sprintf("%s-%s-%d", plantedToken, user, n)
	d := roster.Device{Tenant: 7, User: user, Platform: platforms[n%len(platforms)], Name: "Phone of " + plantedName}
	var err error
	if d.Endpoint, err = w.endpoint(ctx, d.Platform, token, f); err != nil {
		return device{}, err
	}
	d.Hash = roster.HashDevice(d.Platform, token)
	w.mu.Lock()
	w.devices[d.Endpoint] = d.Hash
	w.mu.Unlock()
	return device{d, f}, w.RegisterDevice(ctx, d, rostertest.Stamp())
}

// times repeats what makes a record.
func times(n int, record func() func(context.Context) error) []func(context.Context) error {
	records := make([]func(context.Context) error, n)
	for i := range records {
		records[i] = record()
	}
	return records
}

// becomes returns what is to become of a notification as a whole.
func (n *notification) becomes() roster.Delivery {
	has := func(f fate) bool { return slices.ContainsFunc(n.devices, func(d device) bool { return d.fate == f }) }
	switch {
	case has(sent):
		return roster.DeliverySent
	case has(refused):
		return roster.DeliveryRefused
	default:
		return roster.DeliveryDropped
	}
}

func (d *device) name() string { return hex.EncodeToString(d.Hash[:]) }
