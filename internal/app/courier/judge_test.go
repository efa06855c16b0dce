package courier_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
)

// judge holds what the services took on, what the table says and what is in the log against what was to become of the messages. It
// returns how often each reason came up for which one could not be noted.
func (s *soak) judge() map[string]int {
	s.Helper()
	for _, complaint := range s.complaints {
		s.Error(complaint)
	}
	taken := map[string][]*acceptance{}
	for _, a := range s.acceptances {
		taken[a.key] = append(taken[a.key], a)
	}
	unexpected := maps.Clone(taken)
	for _, m := range s.mails {
		s.judgeMail(&m, taken)
		delete(unexpected, mailKey(m.invitation.ID))
		if m.fate == refused {
			delete(unexpected, refusalKey(mailKey(m.invitation.ID)))
		}
	}
	for _, n := range s.notifications {
		s.judgeNotification(&n, taken)
		for _, d := range n.devices {
			delete(unexpected, pushKey(n.ID, d.name()))
			if d.fate == refused {
				delete(unexpected, refusalKey(pushKey(n.ID, d.name())))
			}
		}
	}
	for key, all := range unexpected {
		s.Errorf("%s took on %s, which nobody asked for", all[0].service, key)
	}
	s.judgeDevices()
	s.judgeTable()
	s.judgeLog()
	return s.judgeRepeats(taken)
}

// judgeMail looks at one mail. All copies of it must be to the right person, each with a link of its own that leads to the invitation.
func (s *soak) judgeMail(m *mail, taken map[string][]*acceptance) {
	s.Helper()
	key := mailKey(m.invitation.ID)
	copies, refusals := taken[key], taken[refusalKey(key)]
	if m.fate != sent && len(copies) > 0 {
		s.Errorf("%s was sent %d times, and was to be %v", key, len(copies), m.fate)
	}
	if m.fate == sent && len(copies) == 0 {
		s.Errorf("%s was never sent", key)
	}
	if m.fate == refused && len(refusals) == 0 {
		s.Errorf("%s was refused, and is not in the queue", key)
	}
	for _, c := range copies {
		s.judgeCopy(&m.invitation, c)
	}
	i, err := s.Invitation(s.Context(), m.invitation.Ref())
	switch {
	case m.fate == ended && roster.KindOf(err) == roster.KindNotFound:
		return
	case err != nil:
		s.Errorf("%s in the table: %v", key, err)
		return
	case m.fate == replaced:
		if i.ID == m.invitation.ID {
			s.Errorf("%s was not replaced", key)
		}
		return
	}
	want := map[fate]roster.Delivery{sent: roster.DeliverySent, refused: roster.DeliveryRefused, dropped: roster.DeliveryDropped}[m.fate]
	if i.ID != m.invitation.ID || i.Delivery != want || i.DeliveredAt.IsZero() || (i.Reason == "") != (m.fate == sent) {
		s.Errorf("%s in the table is %v %v at %v for %q, want %v", key, i.ID, i.Delivery, i.DeliveredAt, i.Reason, want)
	}
	if m.fate == sent {
		s.judgeMark(key, i.MessageID, copies)
	}
}

// judgeCopy looks at one copy of a mail.
func (s *soak) judgeCopy(i *roster.Invitation, c *acceptance) {
	s.Helper()
	if c.content.to != i.Email {
		s.Errorf("%s went to another address", c.key)
	}
	hash, ok := roster.ParseLinkToken(c.content.token)
	if !ok {
		s.Errorf("the link of %s has no token", c.key)
		return
	}
	link, err := s.Link(s.Context(), hash)
	if err != nil || link.ID != i.ID || link.Ref != i.Ref() {
		s.Errorf("the link of %s leads to %+v, %v", c.key, link, err)
	}
}

// judgeMark looks whether the message that the table says was sent is one of which the courier was told.
func (s *soak) judgeMark(key, id string, taken []*acceptance) {
	s.Helper()
	at := slices.IndexFunc(taken, func(a *acceptance) bool { return a.id == id })
	if at < 0 || !taken[at].delivered && !taken[at].invocation.cut {
		s.Errorf("%s is noted as sent as %q, of which the courier cannot know", key, id)
	}
}

func (s *soak) judgeNotification(n *notification, taken map[string][]*acceptance) {
	s.Helper()
	stored, err := s.Notification(s.Context(), n.Ref())
	if err != nil {
		s.Errorf("notification %s: %v", n.ID, err)
		return
	}
	if want := n.becomes(); stored.Delivery != want {
		s.Errorf("notification %s is %v in the table, want %v", n.ID, stored.Delivery, want)
	}
	for _, d := range n.devices {
		key := pushKey(n.ID, d.name())
		copies, refusals := taken[key], taken[refusalKey(key)]
		line, noted := stored.Devices[d.Hash]
		switch d.fate {
		case sent:
			if len(copies) == 0 || line.Delivery != roster.DeliverySent {
				s.Errorf("%s was sent %d times and is noted as %v", key, len(copies), line.Delivery)
				continue
			}
			s.judgeMark(key, line.MessageID, copies)
		case refused:
			if len(copies) > 0 || len(refusals) == 0 || line.Delivery != roster.DeliveryRefused {
				s.Errorf("%s was to be refused: sent %d times, refused %d times, noted as %v", key, len(copies), len(refusals), line.Delivery)
			}
		case dropped: // an earlier message may have been the one that the device was dropped for
			if len(copies) > 0 || noted && line.Delivery != roster.DeliveryDropped {
				s.Errorf("%s was to be dropped: sent %d times, noted as %v", key, len(copies), line.Delivery)
			}
		}
	}
	if len(stored.Devices) > len(n.devices) {
		s.Errorf("notification %s has %d devices in its ledger, want %d at most", n.ID, len(stored.Devices), len(n.devices))
	}
}

// judgeDevices looks whether those that take no messages any more are gone, and the others still there.
func (s *soak) judgeDevices() {
	s.Helper()
	for id, devices := range s.users {
		var want []string
		for _, d := range devices {
			if d.fate != dropped {
				want = append(want, d.name())
			}
		}
		stored, err := s.Devices(s.Context(), 7, id)
		if err != nil {
			s.Fatal(err)
		}
		var got []string
		for _, d := range stored {
			got = append(got, (&device{Device: d}).name())
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			s.Errorf("the devices of user %s (-want +got):\n%s", id, diff)
		}
		if user, err := s.User(s.Context(), 7, id); err != nil || user.DeviceCount != len(want) {
			s.Errorf("user %s counts %d devices (%v), want %d", id, user.DeviceCount, err, len(want))
		}
	}
}

// judgeRepeats looks whether there is a reason for each message that was taken on more than once: of all copies but the one that
// was noted the courier could not know, or could not note them.
func (s *soak) judgeRepeats(taken map[string][]*acceptance) map[string]int {
	s.Helper()
	tries := map[string][]*markTry{}
	for _, m := range s.marks {
		tries[m.key] = append(tries[m.key], m)
	}
	reasons, copies := map[string]int{}, 0
	for key, all := range taken {
		copies += len(all) - 1
		first := slices.IndexFunc(tries[key], func(m *markTry) bool { return m.noted })
		without := 0
		for n, a := range all {
			if first >= 0 && a.seq > tries[key][first].seq && !a.invocation.cut {
				s.Errorf("%s was sent after it had been noted", key)
			}
			reason := a.excuse(tries[key], all[n+1:])
			if reason == "" {
				without++
			} else {
				reasons[reason]++
			}
		}
		if without > 1 {
			s.Errorf("%s was sent %d times, %d of which the courier could have noted", key, len(all), without)
		}
	}
	failed := 0
	for _, m := range s.marks {
		if !m.noted {
			failed++
		}
	}
	s.Logf("%d messages were taken on, and %d times one of them again; why one could not be noted: %v; %d deaths, %d of %d calls for a mark failed",
		len(taken), copies, reasons, s.deaths, failed, len(s.marks))
	return reasons
}

// The reasons for which a message that was taken on may be sent again.
const (
	unheard     = "the answer was lost"
	unnoted     = "the mark failed"
	interrupted = "the courier was interrupted"
)

// excuse returns why the courier could not note a message that was taken on, empty for no reason. The tries are all to note it, and
// later has what was taken on after it.
func (a *acceptance) excuse(tries []*markTry, later []*acceptance) string {
	if !a.delivered {
		return unheard
	}
	failed := false
	for _, m := range tries {
		if m.invocation != a.invocation || m.seq < a.seq || len(later) > 0 && m.seq > later[0].seq {
			continue
		}
		if m.noted {
			return ""
		}
		failed = true
	}
	switch {
	case a.invocation.cut:
		return interrupted
	case failed:
		return unnoted
	default:
		return ""
	}
}

// judgeTable looks whether everything in the table fits together.
func (s *soak) judgeTable() {
	s.Helper()
	summary, err := s.Check(context.Background(), func(f dynamo.Finding) error {
		s.Errorf("the check found %s", f)
		return nil
	})
	if err != nil || summary.Items["link"] == 0 || summary.Items["notification"] == 0 {
		s.Errorf("the check of the table: %+v, %v", summary, err)
	}
}

// judgeLog looks for what was planted in the log, and in what the queue was told.
func (s *soak) judgeLog() {
	s.Helper()
	texts := map[string][]byte{"the log": []byte(s.log.String())}
	secrets := map[string]bool{plantedName: true, plantedDomain: true, plantedText: true, plantedToken: true, "/invitations/": true}
	for _, a := range s.acceptances {
		if a.content.token != "" {
			secrets[a.content.token], secrets[a.content.subject] = true, true
		} else if a.content.text != "" {
			texts[a.key] = []byte(a.content.text)
		}
	}
	for where, text := range texts {
		for secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				s.Errorf("%q is in %s", secret, where)
			}
		}
	}
	for _, line := range []string{`"msg":"message refused"`, `"msg":"device dropped"`, `"msg":"record failed"`, "connection refused"} {
		if !bytes.Contains(texts["the log"], []byte(line)) {
			s.Errorf("the log has no %s", line)
		}
	}
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "DATA RACE") || strings.Contains(line, "panic") {
			s.Errorf("the log has %s", line)
		}
	}
}
