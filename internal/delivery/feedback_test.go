package delivery_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
)

// The tags of mails as SES gives them back, the first with those that it adds.
const (
	inviteTags = `{"ses:configuration-set":["roster"],"ses:caller-identity":["courier"],"tenant":["7"],"purpose":["invite"],"organization":["9"],"user":["4711"],"invitation":["815"]}`
	signUpTags = `{"tenant":["7"],"purpose":["sign-up"],"organization":["9"],"user":["0"],"invitation":["816"]}`
)

// mailPart returns the part of an event that tells of the mail.
func mailPart(tags string, to ...string) string {
	destination, err := json.Marshal(to)
	if err != nil {
		panic(err) // of texts, it is impossible
	}
	return `"mail":{"timestamp":"2026-01-02T03:04:05.000Z","messageId":"0100","source":"roster@example.com","destination":` + string(destination) +
		`,"headersTruncated":false,"headers":[{"name":"Subject","value":"x"}],"commonHeaders":{"subject":"x"},"tags":` + tags + `}`
}

func TestFeedbackOfEvents(t *testing.T) {
	invite := roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeInvite, User: 4711}
	signUp := roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeSignUp, Org: 9, Email: "jane@example.com"}
	bounced := roster.Feedback{Delivery: roster.DeliveryBounced, Email: "jane@example.com", Ref: invite, ID: 815, Reason: "bounce, General, 5.1.1"}
	jane := mailPart(inviteTags, "jane@example.com")
	for _, test := range []struct {
		name, event string
		want        []roster.Feedback
	}{
		{"a permanent bounce", `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"jane@example.com","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 <jane@example.com> unknown"}],"feedbackId":"1"},` + jane + `}`,
			[]roster.Feedback{bounced}},
		{"the older form", `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"jane@example.com","status":"5.1.1"}]},` + jane + `}`,
			[]roster.Feedback{bounced}},
		{"a bounce where the mail was forwarded to", `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"old-jane@example.org","status":"5.1.1"}]},` + jane + `}`,
			[]roster.Feedback{bounced}},
		{"a bounce that names nobody", `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"Suppressed"},` + jane + `}`,
			[]roster.Feedback{{Delivery: roster.DeliveryBounced, Email: "jane@example.com", Ref: invite, ID: 815, Reason: "bounce, Suppressed"}}},
		{"a bounce of a sign-up", `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"NoEmail","bouncedRecipients":[{"emailAddress":"Jane@Example.com"}]},` + mailPart(signUpTags, "Jane@Example.com") + `}`,
			[]roster.Feedback{{Delivery: roster.DeliveryBounced, Email: "Jane@Example.com", Ref: signUp, ID: 816, Reason: "bounce, NoEmail"}}},
		{"a bounce of a mail with several recipients", `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"a@example.com","status":"5.1.1"},{"emailAddress":"b@example.com","status":"5.2.1"}]},` + mailPart(inviteTags, "a@example.com", "b@example.com", "c@example.com") + `}`,
			[]roster.Feedback{
				{Delivery: roster.DeliveryBounced, Email: "a@example.com", Ref: invite, ID: 815, Reason: "bounce, 5.1.1"},
				{Delivery: roster.DeliveryBounced, Email: "b@example.com", Ref: invite, ID: 815, Reason: "bounce, 5.2.1"},
			}},
		{"a reason that could be anything", `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"<jane@example.com>","bouncedRecipients":[{"emailAddress":"jane@example.com","status":"5.1.1 at mx@example.com"}]},` + jane + `}`,
			[]roster.Feedback{{Delivery: roster.DeliveryBounced, Email: "jane@example.com", Ref: invite, ID: 815, Reason: "bounce"}}},
		{"a complaint", `{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"jane@example.com"}],"complaintSubType":null,"complaintFeedbackType":"abuse","userAgent":"x"},` + jane + `}`,
			[]roster.Feedback{{Delivery: roster.DeliveryComplained, Email: "jane@example.com", Ref: invite, ID: 815, Reason: "complaint, abuse"}}},
		{"a complaint without details", `{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"jane@example.com"}]},` + jane + `}`,
			[]roster.Feedback{{Delivery: roster.DeliveryComplained, Email: "jane@example.com", Ref: invite, ID: 815, Reason: "complaint"}}},
		{"a mail that was rejected", `{"eventType":"Reject","reject":{"reason":"Bad content"},` + jane + `}`,
			[]roster.Feedback{{Delivery: roster.DeliveryRefused, Email: "jane@example.com", Ref: invite, ID: 815, Reason: "rejected, Bad content"}}},

		{"a bounce that may pass", `{"eventType":"Bounce","bounce":{"bounceType":"Transient","bounceSubType":"MailboxFull","bouncedRecipients":[{"emailAddress":"jane@example.com"}]},` + jane + `}`, nil},
		{"a bounce that nobody understands", `{"eventType":"Bounce","bounce":{"bounceType":"Undetermined","bouncedRecipients":[{"emailAddress":"jane@example.com"}]},` + jane + `}`, nil},
		{"a reader who says that it was no spam", `{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"jane@example.com"}],"complaintFeedbackType":"not-spam"},` + jane + `}`, nil},
		{"a delivery", `{"eventType":"Delivery","delivery":{"recipients":["jane@example.com"]},` + jane + `}`, nil},
		{"a sending", `{"eventType":"Send","send":{},` + jane + `}`, nil},
		{"a delay", `{"eventType":"DeliveryDelay","deliveryDelay":{"delayType":"MailboxFull"},` + jane + `}`, nil},
		{"a template that failed", `{"eventType":"Rendering Failure","failure":{"errorMessage":"x"},` + jane + `}`, nil},
		{"an event that nobody knows", `{"eventType":"Levitation",` + jane + `}`, nil},
		{"a mail without tags", `{"eventType":"Reject","reject":{"reason":"Bad content"},` + mailPart(`{}`, "jane@example.com") + `}`, nil},
		{"a mail of another system", `{"eventType":"Reject","reject":{},` + mailPart(`{"tenant":["acme"],"user":["jane"]}`, "jane@example.com") + `}`, nil},
		{"the word that a topic was set up", "Successfully validated SNS topic for Amazon SES event publishing.", nil},
		{"the older word for that", `{"notificationType":"AmazonSnsSubscriptionSucceeded","message":"x"}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := delivery.ParseFeedback([]byte(test.event))
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("ParseFeedback: %v (-want +got)\n%s", err, diff)
			}
		})
	}
}

func TestFeedbackNeedsAllTags(t *testing.T) {
	for _, tags := range []string{
		strings.Replace(inviteTags, `"7"`, `"0"`, 1), strings.Replace(inviteTags, `"7"`, `"-7"`, 1), strings.Replace(inviteTags, `"7"`, `"4294967296"`, 1),
		strings.Replace(inviteTags, `"7"`, `"7","8"`, 1), strings.Replace(inviteTags, `"invite"`, `"greeting"`, 1), strings.Replace(inviteTags, `"9"`, `""`, 1),
		strings.Replace(inviteTags, `"4711"`, `"0"`, 1), strings.Replace(inviteTags, `"4711"`, `"9007199254740992"`, 1), strings.Replace(inviteTags, `"815"`, `"0"`, 1),
		strings.Replace(inviteTags, `"815"`, `"9007199254740992"`, 1), strings.Replace(inviteTags, `"815"`, `"x"`, 1), strings.Replace(signUpTags, `"0"`, `"5"`, 1),
		strings.Replace(inviteTags, `"tenant"`, `"renter"`, 1),
	} {
		event := `{"eventType":"Reject","reject":{"reason":"Bad content"},` + mailPart(tags, "jane@example.com") + `}`
		if got, err := delivery.ParseFeedback([]byte(event)); got != nil || err != nil {
			t.Errorf("with the tags %s ParseFeedback = %+v, %v, want nothing", tags, got, err)
		}
	}
}

func TestWhatIsNoEventIsAnError(t *testing.T) {
	for _, event := range []string{
		"", "{", "null", "[]", `"Bounce"`, "{}", `{"eventType":5}`, `{"eventType":"Bounce","bounce":[]}`, `{"eventType":"Bounce","mail":{"tags":{"tenant":"7"}}}`, "Successfully",
	} {
		if got, err := delivery.ParseFeedback([]byte(event)); err == nil || got != nil {
			t.Errorf("ParseFeedback(%s) = %+v, %v, want an error", event, got, err)
		}
	}
}

// TestTagsComeBack holds the two ends of the road together: what a mail is sent with, and what its feedback is read by.
func TestTagsComeBack(t *testing.T) {
	for _, i := range []roster.Invitation{
		{Tenant: 7, ID: 815, Purpose: roster.PurposeInvite, Path: roster.OrgPath{7, 9}, User: 4711, Email: "jane@example.com"},
		{Tenant: 7, ID: 9007199254740991, Purpose: roster.PurposeReset, Path: roster.OrgPath{7}, User: roster.MaxUserID, Email: "jane@example.com"},
		{Tenant: 2147483647, ID: 1, Purpose: roster.PurposeSignUp, Path: roster.OrgPath{2147483647}, Email: "Jane@example.com"},
	} {
		tags := make(map[string][]string)
		for _, tag := range delivery.TagsOf(&i) {
			tags[tag.Name] = []string{tag.Value}
			if strings.Trim(tag.Name+tag.Value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" || tag.Value == "" {
				t.Errorf("SES does not take the tag %+v", tag)
			}
		}
		text, err := json.Marshal(tags)
		if err != nil {
			t.Fatal(err)
		}
		event := `{"eventType":"Reject","reject":{"reason":"Bad content"},` + mailPart(string(text), string(i.Email)) + `}`
		got, err := delivery.ParseFeedback([]byte(event))
		want := []roster.Feedback{{Delivery: roster.DeliveryRefused, Email: i.Email, Ref: i.Ref(), ID: i.ID, Reason: "rejected, Bad content"}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("feedback of %s: %v (-want +got)\n%s", i.Purpose, err, diff)
		}
	}
}

func FuzzParseFeedback(f *testing.F) {
	f.Add([]byte(`{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"jane@example.com","status":"5.1.1"}]},` + mailPart(inviteTags, "jane@example.com") + `}`))
	f.Add([]byte(`{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"jane@example.com"}]},` + mailPart(signUpTags) + `}`))
	f.Add([]byte(`{"eventType":"Reject","reject":{"reason":"Bad content"},` + mailPart(inviteTags, "a@example.com", "b@example.com") + `}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		feedback, err := delivery.ParseFeedback(message)
		if err != nil && feedback != nil {
			t.Fatalf("feedback %+v beside the error %v", feedback, err)
		}
		for _, got := range feedback {
			switch got.Delivery {
			case roster.DeliveryBounced, roster.DeliveryComplained, roster.DeliveryRefused:
			default:
				t.Fatalf("the delivery is %d", got.Delivery)
			}
			signUp := got.Ref.Purpose == roster.PurposeSignUp
			if got.ID <= 0 || got.Ref.Tenant <= 0 || (got.Ref.User != 0) == signUp || (got.Ref.Org != 0) != signUp {
				t.Fatalf("the feedback leads nowhere: %+v", got)
			}
			if strings.ContainsAny(got.Reason, "@<>\n") || len(got.Reason) > 400 {
				t.Fatalf("the reason quotes: %q", got.Reason)
			}
		}
	})
}
