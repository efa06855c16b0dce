package outbox

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

const refusalBody = `{"tenant":7,"kind":"invite","id":"123","reason":"Grüße & <b>"}`

func (b *bench) queueURL() *string { return aws.String(b.url + QueuePath) }

func TestQueueKeepsAMessage(t *testing.T) {
	b := serve(t, Config{})
	out, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: b.queueURL(), MessageBody: aws.String(refusalBody)}) // the client checks the MD5
	if err != nil {
		t.Fatal(err)
	}
	want := &Refusal{Title: "invite 123", Reason: "Grüße & <b>", Body: refusalBody}
	sent := b.sent(t, "?kind=refusal")
	if len(sent) != 1 || sent[0].MessageID != *out.MessageId || aws.ToString(out.MD5OfMessageBody) == "" {
		t.Fatalf("SendMessage = %+v, kept is %+v", out, sent)
	}
	if diff := cmp.Diff(want, sent[0].Refusal); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	for body, want := range map[string]string{"text": "a message", `{"Kind":"reset","Id":7}`: "reset 7", "[]": "a message", "{}": "a message"} {
		if got := readRefusal(body); got.Title != want {
			t.Errorf("%s is called %q, want %q", body, got.Title, want)
		}
	}
}

func TestQueueHandsMessagesOutUntilTheyAreDeleted(t *testing.T) {
	var mu sync.Mutex
	now := time.Unix(1000, 0)
	advance := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	b := serve(t, Config{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	for _, body := range []string{"one", "two", "three"} {
		if _, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: b.queueURL(), MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	receive := func(most int32) []types.Message {
		t.Helper()
		out, err := b.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: b.queueURL(), MaxNumberOfMessages: most})
		if err != nil {
			t.Fatal(err)
		}
		return out.Messages
	}
	count := func() [2]string {
		t.Helper()
		out, err := b.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: b.queueURL(), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
		if err != nil {
			t.Fatal(err)
		}
		return [2]string{out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]}
	}
	first := receive(2)
	if len(first) != 2 || *first[0].Body != "one" || *first[1].Body != "two" || count() != [2]string{"1", "2"} {
		t.Fatalf("received %+v, left are %v", first, count())
	}
	if _, err := b.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: b.queueURL(), ReceiptHandle: first[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	_, err := b.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: b.queueURL(), ReceiptHandle: first[0].ReceiptHandle})
	wantCode[*types.ReceiptHandleIsInvalid](t, "deleting again", err, "ReceiptHandleIsInvalid")
	if rest := receive(10); len(rest) != 1 || *rest[0].Body != "three" {
		t.Errorf("then %+v", rest)
	}
	advance(visibility)
	if again := receive(10); len(again) != 2 || *again[0].Body != "two" {
		t.Errorf("after a while %+v", again)
	}
	if len(b.sent(t, "")) != 3 {
		t.Error("what was deleted from the queue is not shown any more")
	}
}

func TestSQSRefusesWhatSQSRefuses(t *testing.T) {
	b := serve(t, Config{})
	_, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(b.url + QueuePath + "2"), MessageBody: aws.String("x")})
	wantCode[*types.QueueDoesNotExist](t, "another queue", err, "AWS.SimpleQueueService.NonExistentQueue")
	_, err = b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: b.queueURL(), MessageBody: aws.String("a\x00b")})
	wantCode[*types.InvalidMessageContents](t, "a character that XML does not know", err, "InvalidMessageContents")
	_, err = b.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("x")})
	wantCode[*types.UnsupportedOperation](t, "another action", err, "UnsupportedOperation")
	for name, call := range map[string]func() error{
		"an empty message": func() error {
			_, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: b.queueURL(), MessageBody: aws.String("")})
			return err
		},
		"a message that is too long": func() error {
			_, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: b.queueURL(), MessageBody: aws.String(strings.Repeat("x", maxQueueMessage+1))})
			return err
		},
		"a request that is too long": func() error {
			_, err := b.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: b.queueURL(), MessageBody: aws.String(strings.Repeat("x", 3*maxQueueMessage))})
			return err
		},
		"too many at once": func() error {
			_, err := b.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: b.queueURL(), MaxNumberOfMessages: 11})
			return err
		},
		"hidden for too long": func() error {
			_, err := b.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: b.queueURL(), VisibilityTimeout: 43201})
			return err
		},
	} {
		if call() == nil {
			t.Errorf("%s is no error", name)
		}
	}
	response, body := b.send(t, "POST", SQSPath+"/", "{", "Authorization", "AWS4-HMAC-SHA256 x", "X-Amz-Target", "AmazonSQS.SendMessage")
	if response.StatusCode != http.StatusBadRequest || !strings.Contains(body, "SerializationException") {
		t.Errorf("a body that is no JSON: %d %s", response.StatusCode, body)
	}
	if left := b.sent(t, ""); len(left) > 0 {
		t.Errorf("kept: %+v", left)
	}
}
