package outbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// simulatorDomain is SES's mailbox simulator: mail to some addresses there comes back, or is complained about. A label after a
// plus changes nothing (AWS: "Using the mailbox simulator").
const simulatorDomain = "simulator.amazonses.com"

// The fates of mails to the simulator.
const (
	fateBounce     = "bounce"
	fateSuppressed = "suppressed"
	fateComplaint  = "complaint"
)

var fates = map[string]string{"bounce": fateBounce, "suppressionlist": fateSuppressed, "complaint": fateComplaint}

// feedbackDelay is how long after a mail SES tells of it. In the cloud it is seconds.
const feedbackDelay = 300 * time.Millisecond

// fateOf returns what becomes of a mail.
func fateOf(m *Mail) string {
	fate, _ := fated(m)
	return fate
}

// fated returns what becomes of a mail, and the addresses by which it does.
func fated(m *Mail) (fate string, addresses []string) {
	for _, text := range slices.Concat(m.To, m.Cc, m.Bcc) {
		address, problem := addressIn(text)
		if problem != nil {
			continue
		}
		local, domain, _ := strings.Cut(address, "@")
		local, _, _ = strings.Cut(strings.ToLower(local), "+")
		if f := fates[local]; f != "" && strings.EqualFold(domain, simulatorDomain) && (fate == "" || f == fate) {
			fate, addresses = f, append(addresses, address)
		}
	}
	return fate, addresses
}

// tellFate has Feedback told of a mail to the simulator. As with SES, nobody hears of a mail that was sent without a configuration
// set.
func (o *Outbox) tellFate(m Message) {
	if o.config.Feedback == nil || m.Mail.Fate == "" || m.Mail.ConfigurationSet == "" {
		return
	}
	event, err := encode(o.feedbackEvent(m))
	if err != nil {
		o.config.Report(err.Error())
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ending.Err() != nil {
		return
	}
	o.feedback.Go(func() {
		timer := time.NewTimer(feedbackDelay)
		defer timer.Stop()
		select {
		case <-timer.C:
			o.config.Feedback(o.ending, event)
		case <-o.ending.Done():
		}
	})
}

// sesEvent is what SES puts into a topic (AWS: "Contents of event data that Amazon SES publishes to Amazon SNS").
type sesEvent struct {
	EventType string        `json:"eventType"`
	Bounce    *sesBounce    `json:"bounce,omitempty"`
	Complaint *sesComplaint `json:"complaint,omitempty"`
	Mail      sesMail       `json:"mail"`
}

type sesBounce struct {
	Type         string         `json:"bounceType"`
	SubType      string         `json:"bounceSubType"`
	Recipients   []sesRecipient `json:"bouncedRecipients"`
	Timestamp    string         `json:"timestamp"`
	FeedbackID   string         `json:"feedbackId"`
	ReportingMTA string         `json:"reportingMTA,omitempty"`
}

type sesComplaint struct {
	Recipients   []sesRecipient `json:"complainedRecipients"`
	Timestamp    string         `json:"timestamp"`
	FeedbackID   string         `json:"feedbackId"`
	SubType      *string        `json:"complaintSubType"`
	UserAgent    string         `json:"userAgent"`
	FeedbackType string         `json:"complaintFeedbackType"`
	ArrivalDate  string         `json:"arrivalDate"`
}

type sesRecipient struct {
	Address    string `json:"emailAddress"`
	Action     string `json:"action,omitempty"`
	Status     string `json:"status,omitempty"`
	Diagnostic string `json:"diagnosticCode,omitempty"`
}

type sesMail struct {
	Timestamp        string              `json:"timestamp"`
	Source           string              `json:"source"`
	SourceARN        string              `json:"sourceArn"`
	AccountID        string              `json:"sendingAccountId"`
	MessageID        string              `json:"messageId"`
	Destination      []string            `json:"destination"`
	HeadersTruncated bool                `json:"headersTruncated"`
	Headers          []Pair              `json:"headers"`
	CommonHeaders    sesCommonHeaders    `json:"commonHeaders"`
	Tags             map[string][]string `json:"tags"`
}

type sesCommonHeaders struct {
	From      []string `json:"from"`
	To        []string `json:"to"`
	MessageID string   `json:"messageId"`
	Subject   string   `json:"subject"`
}

// feedbackEvent returns what SES tells of a mail to the simulator.
func (o *Outbox) feedbackEvent(m Message) sesEvent {
	const layout = "2006-01-02T15:04:05.000Z"
	at := o.config.Now().UTC().Format(layout)
	event := sesEvent{Mail: mailObject(m, m.At.UTC().Format(layout))}
	fate, addresses := fated(m.Mail)
	var recipients []sesRecipient
	for _, address := range addresses {
		r := sesRecipient{Address: address}
		switch fate {
		case fateBounce:
			r.Action, r.Status, r.Diagnostic = "failed", "5.1.1", "smtp; 550 5.1.1 user unknown"
		case fateSuppressed:
			r.Action, r.Status = "failed", "5.1.1"
			r.Diagnostic = "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address."
		}
		recipients = append(recipients, r)
	}
	switch fate {
	case fateComplaint:
		event.EventType = "Complaint"
		event.Complaint = &sesComplaint{
			Recipients: recipients, Timestamp: at, FeedbackID: newMailID(),
			UserAgent: "Amazon SES Mailbox Simulator", FeedbackType: "abuse", ArrivalDate: at,
		}
	default:
		event.EventType = "Bounce"
		event.Bounce = &sesBounce{
			Type: "Permanent", SubType: "General", Recipients: recipients, Timestamp: at, FeedbackID: newMailID(), ReportingMTA: "dns; " + simulatorDomain,
		}
		if fate == fateSuppressed {
			event.Bounce.SubType = "Suppressed"
		}
	}
	return event
}

// mailObject returns what SES tells of the mail itself.
func mailObject(m Message, at string) sesMail {
	from, _ := addressIn(m.Mail.From)
	_, domain, _ := strings.Cut(from, "@")
	tags := map[string][]string{
		"ses:configuration-set": {m.Mail.ConfigurationSet}, "ses:source-ip": {"127.0.0.1"},
		"ses:from-domain": {domain}, "ses:caller-identity": {"local"}, "ses:operation": {"SendEmail"},
	}
	for _, tag := range m.Mail.Tags {
		tags[tag.Name] = []string{tag.Value}
	}
	headers := []Pair{{"From", m.Mail.From}, {"To", strings.Join(m.Mail.To, ", ")}, {"Subject", m.Mail.Subject}, {"MIME-Version", "1.0"}}
	return sesMail{
		Timestamp: at, Source: m.Mail.From, SourceARN: "arn:aws:ses:local:000000000000:identity/" + domain, AccountID: "000000000000",
		MessageID: m.MessageID, Destination: slices.Concat(m.Mail.To, m.Mail.Cc, m.Mail.Bcc),
		Headers: slices.Concat(headers, m.Mail.Headers), Tags: tags,
		CommonHeaders: sesCommonHeaders{From: []string{m.Mail.From}, To: m.Mail.To, MessageID: m.MessageID, Subject: m.Mail.Subject},
	}
}

// TopicEvent returns the event by which SNS gives a message of a topic to a function that is subscribed to it.
func TopicEvent(topic string, message []byte, now time.Time) ([]byte, error) {
	type notification struct {
		Type              string
		MessageID         string `json:"MessageId"`
		TopicARN          string `json:"TopicArn"`
		Subject           string
		Message           string
		Timestamp         string
		SignatureVersion  string
		Signature         string
		SigningCertURL    string `json:"SigningCertUrl"`
		UnsubscribeURL    string `json:"UnsubscribeUrl"`
		MessageAttributes struct{}
	}
	type record struct {
		EventSource          string
		EventVersion         string
		EventSubscriptionARN string `json:"EventSubscriptionArn"`
		Sns                  notification
	}
	arn := "arn:aws:sns:local:000000000000:" + topic
	event, err := json.Marshal(struct{ Records []record }{[]record{{
		EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionARN: arn + ":" + newUUID(),
		Sns: notification{
			Type: "Notification", MessageID: newUUID(), TopicARN: arn, Subject: "Amazon SES Email Event Notification",
			Message: string(message), Timestamp: now.UTC().Format("2006-01-02T15:04:05.000Z"), SignatureVersion: "1",
			Signature: "local", SigningCertURL: "https://sns.invalid/local.pem", UnsubscribeURL: "https://sns.invalid/unsubscribe",
		},
	}}})
	if err != nil {
		return nil, fmt.Errorf("encoding an event: %w", err)
	}
	return event, nil
}
