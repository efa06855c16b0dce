package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// The names of the tags of a mail, by which feedback finds the invitation again.
const (
	tagTenant       = "tenant"
	tagPurpose      = "purpose"
	tagOrganization = "organization"
	tagUser         = "user"
	tagInvitation   = "invitation"
)

// tagsOf returns the tags of the mail of an invitation.
func tagsOf(i *roster.Invitation) []Tag {
	return []Tag{
		{tagTenant, i.Tenant.String()},
		{tagPurpose, i.Purpose.String()},
		{tagOrganization, i.Org().String()},
		{tagUser, i.User.String()},
		{tagInvitation, i.ID.String()},
	}
}

// event is what SES publishes about a mail (Amazon SES Developer Guide, "Contents of event data that Amazon SES publishes to
// Amazon SNS").
type event struct {
	EventType string `json:"eventType"`
	// NotificationType stands for EventType where no event publishing is set up. Such events have no tags.
	NotificationType string `json:"notificationType"`
	Mail             struct {
		Destination []string            `json:"destination"`
		Tags        map[string][]string `json:"tags"`
	} `json:"mail"`
	Bounce struct {
		BounceType        string      `json:"bounceType"`
		BounceSubType     string      `json:"bounceSubType"`
		BouncedRecipients []recipient `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		ComplaintSubType      string      `json:"complaintSubType"`
		ComplaintFeedbackType string      `json:"complaintFeedbackType"`
		ComplainedRecipients  []recipient `json:"complainedRecipients"`
	} `json:"complaint"`
	Reject struct {
		Reason string `json:"reason"`
	} `json:"reject"`
}

type recipient struct {
	EmailAddress string `json:"emailAddress"`
	// Status is the status code of the recipient's server (RFC 3463). What else it said is left out, because that quotes
	// addresses.
	Status string `json:"status"`
}

// topicChecked is what SES says, not in JSON, when it is told to publish events to a topic.
const topicChecked = "Successfully validated SNS topic for Amazon SES event publishing"

// ParseFeedback reads an event that SES publishes about a mail, JSON, and returns what it tells of invitations: a bounce for good,
// a complaint, or a mail that SES took and then refused. Anything else tells nothing: other events, bounces that may pass, a
// reader who says that a mail was no spam, and mails without the tags of an invitation's. What is no event at all is an error.
func ParseFeedback(message []byte) ([]roster.Feedback, error) {
	if bytes.HasPrefix(bytes.TrimSpace(message), []byte(topicChecked)) {
		return nil, nil
	}
	var e event
	if err := json.Unmarshal(message, &e); err != nil {
		// The error's text names a place and at most one character or field.
		return nil, fmt.Errorf("reading an event about a mail: %w", err)
	}
	if e.EventType == "" {
		e.EventType = e.NotificationType
	}
	if e.EventType == "" {
		return nil, errors.New("reading an event about a mail: it has no type")
	}
	delivery, recipients, reasons := e.tells()
	invitation, ok := e.invitation()
	if delivery == 0 || !ok {
		return nil, nil
	}
	var feedback []roster.Feedback
	for _, r := range recipients {
		f := roster.Feedback{
			Delivery: delivery, Email: roster.Email(r.EmailAddress), Ref: invitation.Ref(), ID: invitation.ID,
			Reason: reason(reasons, r.Status),
		}
		if f.Ref.Purpose == roster.PurposeSignUp {
			f.Ref.Email = roster.Email(f.Email.Key())
		}
		feedback = append(feedback, f)
	}
	return feedback, nil
}

// tells returns what the event tells, zero for nothing, of whom and why.
func (e *event) tells() (delivery roster.Delivery, recipients []recipient, reasons []string) {
	switch e.EventType {
	case "Bounce":
		if e.Bounce.BounceType == "Permanent" {
			return roster.DeliveryBounced, e.recipients(e.Bounce.BouncedRecipients), []string{"bounce", e.Bounce.BounceSubType}
		}
	case "Complaint":
		if e.Complaint.ComplaintFeedbackType != "not-spam" {
			return roster.DeliveryComplained, e.recipients(e.Complaint.ComplainedRecipients),
				[]string{"complaint", e.Complaint.ComplaintFeedbackType, e.Complaint.ComplaintSubType}
		}
	case "Reject":
		return roster.DeliveryRefused, e.recipients(nil), []string{"rejected", e.Reject.Reason}
	}
	return 0, nil, nil
}

// recipients returns whom the event is about, by the addresses that the mail was sent to. Those that it names itself can be
// others: where a mail was forwarded to, say. They count only if the mail had several.
func (e *event) recipients(named []recipient) []recipient {
	switch {
	case len(e.Mail.Destination) == 1 && len(named) > 0:
		return []recipient{{e.Mail.Destination[0], named[0].Status}}
	case len(e.Mail.Destination) != 1 && len(named) > 0:
		return named
	}
	recipients := make([]recipient, len(e.Mail.Destination))
	for i, address := range e.Mail.Destination {
		recipients[i].EmailAddress = address
	}
	return recipients
}

// invitation returns what the mail's tags say of the invitation it was sent for, false if they are not those of tagsOf.
func (e *event) invitation() (roster.Invitation, bool) {
	tag := func(name string) string {
		if values := e.Mail.Tags[name]; len(values) == 1 {
			return values[0]
		}
		return ""
	}
	purpose, ok := roster.ParsePurpose(tag(tagPurpose))
	tenant, tenantErr := strconv.ParseInt(tag(tagTenant), 10, 32)
	org, orgErr := strconv.ParseInt(tag(tagOrganization), 10, 32)
	user, userErr := strconv.ParseInt(tag(tagUser), 10, 64)
	id, idErr := strconv.ParseInt(tag(tagInvitation), 10, 64)
	if !ok || errors.Join(tenantErr, orgErr, userErr, idErr) != nil || tenant <= 0 || org <= 0 || id <= 0 ||
		(user > 0) != (purpose != roster.PurposeSignUp) || roster.UserID(user) > roster.MaxUserID || roster.UserID(id) > roster.MaxUserID {
		return roster.Invitation{}, false
	}
	return roster.Invitation{
		Tenant: roster.TenantID(tenant), ID: roster.InvitationID(id), Purpose: purpose, User: roster.UserID(user),
		Path: roster.OrgPath{roster.OrgID(org)}, // all of it that Ref needs
	}, true
}

// reason joins what a service says why, as far as that is words.
func reason(parts []string, status string) string {
	var said []string
	for _, part := range slices.Concat(parts, []string{status}) {
		if part = words(part); part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, ", ")
}

// maxWords is how many bytes are taken over from a service at most.
const maxWords = 100

// words returns text if it is of the kind that codes and fixed phrases are, such as MailboxFull, 5.1.1 or "Bad content", and
// nothing if it could be anything else.
func words(text string) string {
	strange := func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune(" ._-", r)
	}
	if len(text) > maxWords || strings.ContainsFunc(text, strange) {
		return ""
	}
	return text
}
