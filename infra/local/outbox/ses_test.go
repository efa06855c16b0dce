package outbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/google/go-cmp/cmp"
)

// mailInput returns a mail as a sender would send it.
func mailInput(change func(*sesv2.SendEmailInput)) *sesv2.SendEmailInput {
	content := func(text string) *types.Content { return &types.Content{Data: &text, Charset: aws.String("UTF-8")} }
	input := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("Roster <no-reply@roster.example>"), ReplyToAddresses: []string{"help@roster.example"},
		Destination:          &types.Destination{ToAddresses: []string{"zoe@roster.example"}},
		ConfigurationSetName: aws.String(ConfigurationSet),
		EmailTags:            []types.MessageTag{{Name: aws.String("tenant"), Value: aws.String("7")}, {Name: aws.String("purpose"), Value: aws.String("sign-up")}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: content("Grüße aus Київ"),
			Body:    &types.Body{Text: content("Open http://127.0.0.1:8080/invitations/abc-_1.\nBye"), Html: content("<p>Hi</p>")},
			Headers: []types.MessageHeader{{Name: aws.String("Auto-Submitted"), Value: aws.String("auto-generated")}},
		}},
	}
	if change != nil {
		change(input)
	}
	return input
}

func TestSESKeepsAMail(t *testing.T) {
	b := serve(t, Config{})
	out, err := b.ses.SendEmail(t.Context(), mailInput(nil))
	if err != nil {
		t.Fatal(err)
	}
	sent := b.sent(t, "")
	if len(sent) != 1 || sent[0].MessageID != *out.MessageId || !strings.HasSuffix(*out.MessageId, "-000000") {
		t.Fatalf("SendEmail = %q, kept is %+v", *out.MessageId, sent)
	}
	want := &Mail{
		From: "Roster <no-reply@roster.example>", To: []string{"zoe@roster.example"}, ReplyTo: []string{"help@roster.example"},
		Subject: "Grüße aus Київ", Link: "http://127.0.0.1:8080/invitations/abc-_1", Text: "Open http://127.0.0.1:8080/invitations/abc-_1.\nBye", HTML: "<p>Hi</p>",
		Headers: []Pair{{"Auto-Submitted", "auto-generated"}}, Tags: []Pair{{"tenant", "7"}, {"purpose", "sign-up"}}, ConfigurationSet: ConfigurationSet,
	}
	if diff := cmp.Diff(want, sent[0].Mail); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestSESReadsRawMails(t *testing.T) {
	b := serve(t, Config{})
	raw := strings.ReplaceAll(`From: Roster <no-reply@roster.example>
To: zoe@roster.example, "Åsa" <asa@roster.example>
Subject: =?UTF-8?B?`+base64.StdEncoding.EncodeToString([]byte("Grüße"))+`?=
X-Note: one
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe http://127.0.0.1/in=
vitations/x
--inner
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

`+base64.StdEncoding.EncodeToString([]byte("<p>Grüße</p>"))+`
--inner--
--outer
Content-Type: text/plain

an attachment
--outer--
`, "\n", "\r\n")
	_, err := b.ses.SendEmail(t.Context(), &sesv2.SendEmailInput{Content: &types.EmailContent{Raw: &types.RawMessage{Data: []byte(raw)}}})
	if err != nil {
		t.Fatal(err)
	}
	want := &Mail{
		From: "Roster <no-reply@roster.example>", To: []string{"zoe@roster.example", "asa@roster.example"}, Subject: "Grüße",
		Text: "Grüße http://127.0.0.1/invitations/x", HTML: "<p>Grüße</p>", Link: "http://127.0.0.1/invitations/x", Headers: []Pair{{"X-Note", "one"}},
	}
	if diff := cmp.Diff(want, b.sent(t, "")[0].Mail); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	for name, raw := range map[string]string{"no mail": "no header", "nothing in it": "From: a@b.example\r\nTo: c@d.example\r\n\r\n", "no sender": "To: c@d.example\r\n\r\ntext", "no address": "From: a@b.example\r\nTo: <\r\n\r\ntext"} {
		_, err := b.ses.SendEmail(t.Context(), &sesv2.SendEmailInput{Content: &types.EmailContent{Raw: &types.RawMessage{Data: []byte(raw)}}})
		wantCode[*types.BadRequestException](t, name, err, "BadRequestException")
	}
}

func TestSESRefusesWhatSESRefuses(t *testing.T) {
	b := serve(t, Config{})
	tag := func(name, value string) func(*sesv2.SendEmailInput) {
		return func(i *sesv2.SendEmailInput) {
			i.EmailTags = append(i.EmailTags, types.MessageTag{Name: &name, Value: &value})
		}
	}
	to := func(addresses ...string) func(*sesv2.SendEmailInput) {
		return func(i *sesv2.SendEmailInput) { i.Destination.ToAddresses = addresses }
	}
	for name, change := range map[string]func(*sesv2.SendEmailInput){
		"no sender":           func(i *sesv2.SendEmailInput) { i.FromEmailAddress = nil },
		"broken sender":       func(i *sesv2.SendEmailInput) { i.FromEmailAddress = aws.String("Roster") },
		"no recipient":        to(),
		"broken recipient":    to("zoe"),
		"recipient in Greek":  to("ζωή@roster.example"),
		"too many recipients": to(strings.Split(strings.Repeat("a@b.example ", 50)+"a@b.example", " ")...),
		"broken reply-to":     func(i *sesv2.SendEmailInput) { i.ReplyToAddresses = []string{"x"} },
		"header smuggled in":  func(i *sesv2.SendEmailInput) { i.Content.Simple.Subject.Data = aws.String("a\r\nBcc: x@y.example") },
		"no body":             func(i *sesv2.SendEmailInput) { i.Content.Simple.Body = &types.Body{} },
		"broken header": func(i *sesv2.SendEmailInput) {
			i.Content.Simple.Headers = []types.MessageHeader{{Name: aws.String("A B"), Value: aws.String("x")}}
		},
		"tag with a space":  tag("a", "b c"),
		"tag with no name":  tag("", "b"),
		"tag that is long":  tag("a", strings.Repeat("x", 257)),
		"tag that is there": tag("tenant", "8"),
		"no content":        func(i *sesv2.SendEmailInput) { i.Content = &types.EmailContent{} },
		"two contents": func(i *sesv2.SendEmailInput) {
			i.Content.Raw = &types.RawMessage{Data: []byte("From: a@b.example\r\n\r\nx")}
		},
		"a template": func(i *sesv2.SendEmailInput) {
			i.Content = &types.EmailContent{Template: &types.Template{TemplateName: aws.String("x")}}
		},
	} {
		_, err := b.ses.SendEmail(t.Context(), mailInput(change))
		wantCode[*types.BadRequestException](t, name, err, "BadRequestException")
	}
	_, err := b.ses.SendEmail(t.Context(), mailInput(func(i *sesv2.SendEmailInput) { i.ConfigurationSetName = aws.String("other") }))
	wantCode[*types.NotFoundException](t, "unknown configuration set", err, "NotFoundException")
	_, err = b.ses.SendEmail(t.Context(), mailInput(func(i *sesv2.SendEmailInput) {
		i.Content.Simple.Body.Text.Data = aws.String(strings.Repeat("x", maxMailBytes))
	}))
	wantCode[*types.MessageRejected](t, "too large", err, "MessageRejected")
	if _, err := b.ses.GetAccount(t.Context(), &sesv2.GetAccountInput{}); err == nil || !strings.Contains(err.Error(), "UnknownOperationException: the stand-in for SES knows only SendEmail, not GET /v2/email/account") {
		t.Errorf("another action: %v", err)
	}
	// What the client does not let through.
	for body, want := range map[string]string{
		"{": "SerializationException",
		`{"FromEmailAddress":"a@b.example","Destination":{"ToAddresses":["c@d.example"]},"Content":{"Simple":{"Body":{"Text":{"Data":"x"}}}}}`: "BadRequestException",
	} {
		response, text := b.send(t, "POST", SESPath+"/v2/email/outbound-emails", body, "Authorization", "AWS4-HMAC-SHA256 x")
		if response.StatusCode != http.StatusBadRequest || response.Header.Get("X-Amzn-Errortype") != want {
			t.Errorf("%s: %d %s, want %s", body, response.StatusCode, text, want)
		}
	}
	if left := b.sent(t, ""); len(left) > 0 {
		t.Errorf("kept: %+v", left)
	}
}

func TestSimulatorTellsOfMails(t *testing.T) {
	events := make(chan []byte, 10)
	b := serve(t, Config{Feedback: func(_ context.Context, event []byte) { events <- event }})
	type told struct {
		EventType string
		Bounce    *struct {
			BounceType, BounceSubType string
			BouncedRecipients         []struct{ EmailAddress, Status string }
		}
		Complaint *struct {
			ComplaintFeedbackType string
			ComplainedRecipients  []struct{ EmailAddress string }
		}
		Mail struct {
			MessageID, Source string
			Destination       []string
			CommonHeaders     struct{ Subject string }
			Tags              map[string][]string
		}
	}
	for address, want := range map[string]string{
		"bounce@simulator.amazonses.com": "Bounce Permanent General", "bounce+ann@simulator.amazonses.com": "Bounce Permanent General",
		"Ann <Bounce+X@Simulator.AmazonSES.com>": "Bounce Permanent General", "suppressionlist@simulator.amazonses.com": "Bounce Permanent Suppressed",
		"complaint+7@simulator.amazonses.com": "Complaint abuse",
	} {
		out, err := b.ses.SendEmail(t.Context(), mailInput(func(i *sesv2.SendEmailInput) { i.Destination.ToAddresses = []string{address, "other@roster.example"} }))
		if err != nil {
			t.Fatal(err)
		}
		var event told
		select {
		case text := <-events:
			if err := json.Unmarshal(text, &event); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("nobody hears of a mail to %s", address)
		}
		got, recipient := event.EventType, ""
		switch {
		case event.Bounce != nil && event.Complaint == nil && len(event.Bounce.BouncedRecipients) == 1 && event.Bounce.BouncedRecipients[0].Status == "5.1.1":
			got, recipient = fmt.Sprint(got, " ", event.Bounce.BounceType, " ", event.Bounce.BounceSubType), event.Bounce.BouncedRecipients[0].EmailAddress
		case event.Complaint != nil && event.Bounce == nil && len(event.Complaint.ComplainedRecipients) == 1:
			got, recipient = fmt.Sprint(got, " ", event.Complaint.ComplaintFeedbackType), event.Complaint.ComplainedRecipients[0].EmailAddress
		}
		if got != want || !strings.Contains(address, recipient) || recipient == "" {
			t.Errorf("mail to %s: %q about %q, want %q", address, got, recipient, want)
		}
		if event.Mail.MessageID != *out.MessageId || event.Mail.CommonHeaders.Subject != "Grüße aus Київ" || len(event.Mail.Destination) != 2 {
			t.Errorf("the event is about %+v", event.Mail)
		}
		for name, want := range map[string]string{"tenant": "7", "purpose": "sign-up", "ses:configuration-set": ConfigurationSet, "ses:from-domain": "roster.example"} {
			if diff := cmp.Diff([]string{want}, event.Mail.Tags[name]); diff != "" {
				t.Errorf("the tag %s (-want +got):\n%s", name, diff)
			}
		}
	}
	// Nobody hears of these.
	for _, address := range []string{"success@simulator.amazonses.com", "bounce@roster.example", "bounced@simulator.amazonses.com", "x+bounce@simulator.amazonses.com"} {
		if _, err := b.ses.SendEmail(t.Context(), mailInput(func(i *sesv2.SendEmailInput) { i.Destination.ToAddresses = []string{address} })); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.ses.SendEmail(t.Context(), mailInput(func(i *sesv2.SendEmailInput) {
		i.Destination.ToAddresses, i.ConfigurationSetName = []string{"bounce@simulator.amazonses.com"}, nil
	})); err != nil {
		t.Fatal(err)
	}
	b.feedback.Wait()
	if len(events) > 0 {
		t.Errorf("somebody hears of %s", <-events)
	}
}

func TestTopicEventIsThatOfSNS(t *testing.T) {
	text, err := TopicEvent("MailFeedback", []byte(`{"a":"<b>"}`), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	var event struct {
		Records []struct {
			EventSource, EventVersion, EventSubscriptionArn string
			Sns                                             struct{ Type, MessageId, TopicArn, Message, Timestamp string }
		}
	}
	if err := json.Unmarshal(text, &event); err != nil || len(event.Records) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	r := event.Records[0]
	if r.EventSource != "aws:sns" || r.EventVersion != "1.0" || !strings.HasPrefix(r.EventSubscriptionArn, r.Sns.TopicArn+":") || !strings.HasSuffix(r.Sns.TopicArn, ":MailFeedback") ||
		r.Sns.Type != "Notification" || r.Sns.MessageId == "" || r.Sns.Message != `{"a":"<b>"}` || r.Sns.Timestamp != "2026-03-01T12:00:00.000Z" {
		t.Errorf("event = %s", text)
	}
}

func TestFirstLinkIsTheWholeAddress(t *testing.T) {
	for _, test := range []struct{ text, html, want string }{
		{"Go to https://a.example/x?y=1&z=2, please", "", "https://a.example/x?y=1&z=2"},
		{"(http://a.example/x)", "", "http://a.example/x"},
		{"<http://a.example/x_->", "", "http://a.example/x_-"},
		{"http://a.example/1 http://a.example/2", "", "http://a.example/1"},
		{"none", `<a href="http://a.example/x?y=1&amp;z=2">x</a>`, "http://a.example/x?y=1&z=2"},
		{"javascript:alert(1)", "ftp://a.example", ""},
	} {
		if got := firstLink(test.text, test.html); got != test.want {
			t.Errorf("firstLink(%q, %q) = %q, want %q", test.text, test.html, got, test.want)
		}
	}
}
