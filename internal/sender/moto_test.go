package sender_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/moto"
	"github.com/rosterhq/roster/internal/sender"
)

// sentMail is a mail as moto keeps it: with one body, the HTML where there is one.
type sentMail struct {
	ID           string              `json:"id"`
	Source       string              `json:"source"`
	Subject      string              `json:"subject"`
	Body         string              `json:"body"`
	Destinations map[string][]string `json:"destinations"`
}

func TestMotoGetsTheMail(t *testing.T) {
	base := moto.Start(t)
	client := sesClient(base, 1)
	if _, err := client.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("roster@example.com")}); err != nil {
		t.Fatal(err)
	}
	id, err := sender.NewSES(client, mailConfig).SendMail(t.Context(), mail)
	if err != nil || id == "" {
		t.Fatalf("SendMail = %q, %v", id, err)
	}
	want := []sentMail{{
		ID: id, Source: "=?utf-8?q?R=C3=B6ster?= <roster@example.com>", Subject: mail.Subject, Body: mail.HTML,
		Destinations: map[string][]string{"ToAddresses": {string(mail.To)}},
	}}
	if diff := cmp.Diff(want, moto.Models[sentMail](t, base, "ses", "Message")); diff != "" {
		t.Errorf("the mails (-want +got):\n%s", diff)
	}
}

func TestMotoRefusesMailFromAnUnverifiedSender(t *testing.T) {
	base := moto.Start(t)
	_, err := sender.NewSES(sesClient(base, 4), mailConfig).SendMail(t.Context(), mail)
	wantSafe(t, err)
	if !errors.Is(err, delivery.ErrRefused) || !strings.Contains(err.Error(), "MessageRejected") {
		t.Errorf("SendMail = %v, want %v for MessageRejected", err, delivery.ErrRefused)
	}
	if sent := moto.Models[sentMail](t, base, "ses", "Message"); len(sent) != 0 {
		t.Errorf("sent %v, want nothing", sent)
	}
}

// endpoint is an endpoint as moto keeps it, with the messages by their ids.
type endpoint struct {
	ARN      string            `json:"arn"`
	Messages map[string]string `json:"messages"`
}

// motoApplications makes the three platform applications.
func motoApplications(t *testing.T, client *sns.Client) sender.Applications {
	t.Helper()
	arns := map[string]string{}
	for _, platform := range []string{"GCM", "APNS", "APNS_SANDBOX"} {
		output, err := client.CreatePlatformApplication(t.Context(), &sns.CreatePlatformApplicationInput{
			Name: aws.String("roster"), Platform: aws.String(platform), Attributes: map[string]string{"PlatformCredential": "none"},
		})
		if err != nil {
			t.Fatal(err)
		}
		arns[platform] = *output.PlatformApplicationArn
	}
	return sender.Applications{FCM: arns["GCM"], APNS: arns["APNS"], APNSSandbox: arns["APNS_SANDBOX"]}
}

func TestMotoGetsThePushOfEachPlatform(t *testing.T) {
	base := moto.Start(t)
	client := snsClient(base, 1)
	pusher := sender.NewSNS(client, motoApplications(t, client))
	payloads := map[roster.Platform]string{roster.PlatformFCM: push.Payload, roster.PlatformAPNS: `{"aps":{"alert":"Ä"}}`, roster.PlatformAPNSSandbox: `{"aps":{}}`}
	want := map[string]map[string]string{}
	for platform, payload := range payloads {
		// moto takes tokens for the same whatever the application.
		arn, err := pusher.RegisterEndpoint(t.Context(), platform, plantedToken+platform.String(), "")
		if err != nil {
			t.Fatal(err)
		}
		id, err := pusher.Push(t.Context(), roster.Device{Platform: platform, Endpoint: arn}, delivery.Push{Payload: payload})
		if err != nil {
			t.Fatal(err)
		}
		want[arn] = map[string]string{id: payload}
	}
	got := map[string]map[string]string{}
	for _, kept := range moto.Models[endpoint](t, base, "sns", "PlatformEndpoint") {
		got[kept.ARN] = map[string]string{}
		for id, message := range kept.Messages {
			var texts map[string]string
			if err := json.Unmarshal([]byte(message), &texts); err != nil {
				t.Fatalf("the message is no object of texts: %s", message)
			}
			payload := texts["GCM"] + texts["APNS"] + texts["APNS_SANDBOX"]
			payload = strings.Replace(payload, `{"fcmV1Message":`+push.Payload+`}`, push.Payload, 1)
			got[kept.ARN][id] = payload
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the messages (-want +got):\n%s", diff)
	}
}

func TestMotoRegistersADeviceAgainAndAgain(t *testing.T) {
	base := moto.Start(t)
	client := snsClient(base, 1)
	pusher := sender.NewSNS(client, motoApplications(t, client))
	register := func(token, known string) string {
		t.Helper()
		arn, err := pusher.RegisterEndpoint(t.Context(), roster.PlatformFCM, token, known)
		if err != nil {
			t.Fatal(err)
		}
		return arn
	}
	attributes := func(arn string) map[string]string {
		t.Helper()
		output, err := client.GetEndpointAttributes(t.Context(), &sns.GetEndpointAttributesInput{EndpointArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		return output.Attributes
	}

	first := register("token-1", "")
	if again := register("token-1", ""); again != first {
		t.Errorf("the same token, and nothing known: %s, want %s", again, first)
	}
	if again := register("token-1", first); again != first {
		t.Errorf("the same token, and its endpoint known: %s, want %s", again, first)
	}
	if changed := register("token-2", first); changed != first || attributes(first)["Token"] != "token-2" {
		t.Errorf("another token for an endpoint: %s with %v, want %s with token-2", changed, attributes(first), first)
	}
	if other := register("token-3", ""); other == first {
		t.Error("two tokens have one endpoint")
	}
	if _, err := client.DeleteEndpoint(t.Context(), &sns.DeleteEndpointInput{EndpointArn: &first}); err != nil {
		t.Fatal(err)
	}
	made := register("token-2", first)
	if made == first || attributes(made)["Token"] != "token-2" {
		t.Errorf("after it was deleted: %s, want a new one", made)
	}
}

func TestMotoTellsOfADeviceThatIsGone(t *testing.T) {
	base := moto.Start(t)
	client := snsClient(base, 4)
	pusher := sender.NewSNS(client, motoApplications(t, client))
	arn, err := pusher.RegisterEndpoint(t.Context(), roster.PlatformFCM, plantedToken, "")
	if err != nil {
		t.Fatal(err)
	}
	d := roster.Device{Platform: roster.PlatformFCM, Endpoint: arn}
	// This is what SNS does by itself once the platform has said that the token is not in use.
	if _, err := client.SetEndpointAttributes(t.Context(), &sns.SetEndpointAttributesInput{EndpointArn: &arn, Attributes: map[string]string{"Enabled": "false"}}); err != nil {
		t.Fatal(err)
	}
	_, err = pusher.Push(t.Context(), d, push)
	wantSafe(t, err)
	if !errors.Is(err, delivery.ErrEndpointGone) {
		t.Errorf("to a disabled endpoint: %v, want %v", err, delivery.ErrEndpointGone)
	}

	// The app registers with the endpoint known, or with nothing known, when moto refuses to make a second one.
	for _, known := range []string{arn, ""} {
		if _, err := client.SetEndpointAttributes(t.Context(), &sns.SetEndpointAttributesInput{EndpointArn: &arn, Attributes: map[string]string{"Enabled": "false"}}); err != nil {
			t.Fatal(err)
		}
		if again, err := pusher.RegisterEndpoint(t.Context(), roster.PlatformFCM, plantedToken, known); err != nil || again != arn {
			t.Errorf("registered again with %q known: %q, %v, want %q", known, again, err, arn)
		}
		if _, err := pusher.Push(t.Context(), d, push); err != nil {
			t.Errorf("after it was registered again with %q known: %v", known, err)
		}
	}

	if _, err := client.DeleteEndpoint(t.Context(), &sns.DeleteEndpointInput{EndpointArn: &arn}); err != nil {
		t.Fatal(err)
	}
	_, err = pusher.Push(t.Context(), d, push)
	wantSafe(t, err)
	if !errors.Is(err, delivery.ErrEndpointGone) {
		t.Errorf("to a deleted endpoint: %v, want %v", err, delivery.ErrEndpointGone)
	}
}

func TestMotoHasNoSuchApplication(t *testing.T) {
	base := moto.Start(t)
	_, err := sender.NewSNS(snsClient(base, 1), applications).RegisterEndpoint(t.Context(), roster.PlatformFCM, plantedToken, "")
	wantSafe(t, err)
	if roster.KindOf(err) != roster.KindInternal {
		t.Errorf("RegisterEndpoint = %v, want %v", err, roster.KindInternal)
	}
}

func TestMotoKeepsTheRefusal(t *testing.T) {
	base := moto.Start(t)
	client := sqsClient(base, 1)
	queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("refusals")})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.NewQueue(client, *queue.QueueUrl).Refuse(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	received, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"tenant":"7","kind":"invite","id":"9007199254740991","user":"8","reason":"sending a mail: MessageRejected"}`
	if len(received.Messages) != 1 || aws.ToString(received.Messages[0].Body) != want {
		t.Errorf("the queue has %+v, want one message: %s", received.Messages, want)
	}

	gone := base + "/" + moto.Account + "/gone"
	err = sender.NewQueue(client, gone).Refuse(t.Context(), refused)
	wantPassing(t, err)
	if !strings.Contains(err.Error(), "the queue is not there") {
		t.Errorf("to a queue that is not there: %v", err)
	}
}
