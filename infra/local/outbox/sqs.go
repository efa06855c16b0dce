package outbox

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// maxQueueMessage is how many bytes a message of SQS may have.
const maxQueueMessage = 1 << 20

// visibility is how long a message that was received stays out of sight, unless the receiver says otherwise.
const visibility = 30 * time.Second

// sqsError is an error of SQS.
type sqsError struct {
	status  int
	code    string // of the JSON protocol
	query   string // of the query protocol, which clients may still know errors by
	message string
}

func sqsParameter(code, message string) *sqsError {
	return &sqsError{http.StatusBadRequest, "com.amazonaws.sqs#" + code, code, message}
}

// sqsInput is what the actions of SQS that are known here are called with.
type sqsInput struct {
	QueueURL            string `json:"QueueUrl"`
	MessageBody         *string
	MaxNumberOfMessages *int
	VisibilityTimeout   *int
	AttributeNames      []string
	ReceiptHandle       string
}

// serveSQS answers as SQS does: JSON 1.0.
func (o *Outbox) serveSQS(w http.ResponseWriter, r *http.Request) {
	output, err := o.sqs(w, r)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", newUUID())
	if err != nil {
		w.Header().Set("X-Amzn-Query-Error", err.query+";Sender")
		w.WriteHeader(err.status)
		writeJSON(w, map[string]string{"__type": err.code, "message": err.message})
		return
	}
	writeJSON(w, output)
}

func (o *Outbox) sqs(w http.ResponseWriter, r *http.Request) (any, *sqsError) {
	if !signed(r) {
		return nil, &sqsError{
			http.StatusForbidden, "com.amazon.coral.service#MissingAuthenticationTokenException", "MissingAuthenticationToken",
			"Request is missing Authentication Token",
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2*maxQueueMessage)) // JSON may double a text
	if err != nil {
		return nil, &sqsError{http.StatusRequestEntityTooLarge, "com.amazonaws.sqs#RequestTooLarge", "RequestTooLarge", "the request is too large"}
	}
	action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	run := map[string]func(sqsInput) (any, *sqsError){
		"SendMessage": o.sendMessage, "ReceiveMessage": o.receiveMessage,
		"DeleteMessage": o.deleteMessage, "GetQueueAttributes": o.queueAttributes,
	}[action]
	if run == nil || r.Method != http.MethodPost {
		return nil, sqsParameter("UnsupportedOperation",
			fmt.Sprintf("the stand-in for SQS knows SendMessage, ReceiveMessage, DeleteMessage and GetQueueAttributes, not %q", action))
	}
	var input sqsInput
	if err := json.Unmarshal(body, &input); err != nil {
		return nil, &sqsError{
			http.StatusBadRequest, "com.amazon.coral.service#SerializationException", "MalformedInput", "the body is not the JSON of " + action,
		}
	}
	if u, err := url.Parse(input.QueueURL); err != nil || u.Path != QueuePath {
		return nil, &sqsError{
			http.StatusBadRequest, "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
			"The specified queue does not exist.",
		}
	}
	return run(input)
}

func (o *Outbox) sendMessage(input sqsInput) (any, *sqsError) {
	switch {
	case input.MessageBody == nil || *input.MessageBody == "":
		return nil, sqsParameter("MissingParameter", "The request must contain the parameter MessageBody.")
	case len(*input.MessageBody) > maxQueueMessage:
		return nil, sqsParameter("InvalidParameterValue",
			fmt.Sprintf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", maxQueueMessage))
	case strings.ContainsFunc(*input.MessageBody, notForQueues):
		return nil, sqsParameter("InvalidMessageContents", "Invalid characters found in the message.")
	}
	text := *input.MessageBody
	sent := o.store.add(Message{Kind: "refusal", MessageID: newUUID(), Refusal: readRefusal(text)})
	o.queue.add(sent)
	return map[string]string{"MessageId": sent.MessageID, "MD5OfMessageBody": md5Of(text)}, nil
}

// notForQueues reports whether SQS refuses a character, as XML does.
func notForQueues(r rune) bool {
	return r == utf8.RuneError || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff'
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text)) // for the client, which checks that its message arrived whole
	return hex.EncodeToString(sum[:])
}

// readRefusal takes from a message what can be said of it in a line: an object with kind, id and reason, in whatever case.
func readRefusal(text string) *Refusal {
	r := &Refusal{Title: "a message", Body: text}
	var body struct {
		Kind, Reason string
		ID           json.RawMessage
	}
	if json.Unmarshal([]byte(text), &body) != nil {
		return r
	}
	id := strings.Trim(string(body.ID), `"`)
	if title := strings.TrimSpace(body.Kind + " " + id); title != "" {
		r.Title = title
	}
	r.Reason = body.Reason
	return r
}

type receivedMessage struct {
	MessageID     string `json:"MessageId"`
	ReceiptHandle string
	Body          string
	MD5OfBody     string
}

func (o *Outbox) receiveMessage(input sqsInput) (any, *sqsError) {
	most, hidden := 1, visibility
	if input.MaxNumberOfMessages != nil {
		most = *input.MaxNumberOfMessages
	}
	if input.VisibilityTimeout != nil {
		hidden = time.Duration(*input.VisibilityTimeout) * time.Second
	}
	if most < 1 || most > 10 {
		return nil, sqsParameter("InvalidParameterValue",
			fmt.Sprintf("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", most))
	}
	if hidden < 0 || hidden > 12*time.Hour {
		return nil, sqsParameter("InvalidParameterValue",
			"Value for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200.")
	}
	return map[string][]receivedMessage{"Messages": o.queue.receive(most, o.config.Now(), hidden)}, nil
}

func (o *Outbox) deleteMessage(input sqsInput) (any, *sqsError) {
	if !o.queue.remove(input.ReceiptHandle) {
		return nil, sqsParameter("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	}
	return struct{}{}, nil
}

func (o *Outbox) queueAttributes(sqsInput) (any, *sqsError) {
	visible, hidden := o.queue.count(o.config.Now())
	return map[string]map[string]string{"Attributes": {
		"ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"QueueArn": "arn:aws:sqs:local:000000000000:refusals",
	}}, nil
}

// queue is the messages that nobody deleted yet. After a restart all that are kept are in it again: a queue may deliver a message more
// than once.
type queue struct {
	mu       sync.Mutex
	messages []queued // guarded by mu; the oldest first
}

type queued struct {
	id, body string
	handle   string
	hidden   time.Time // until then
}

func newQueue(kept []Message) *queue {
	q := &queue{}
	for _, m := range kept {
		if m.Refusal != nil {
			q.add(m)
		}
	}
	return q
}

func (q *queue) add(m Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = append(q.messages, queued{id: m.MessageID, body: m.Refusal.Body})
	if len(q.messages) > maxMessages {
		q.messages = q.messages[1:]
	}
}

func (q *queue) receive(most int, now time.Time, hidden time.Duration) []receivedMessage {
	q.mu.Lock()
	defer q.mu.Unlock()
	received := []receivedMessage{}
	for i := range q.messages {
		m := &q.messages[i]
		if len(received) < most && !now.Before(m.hidden) {
			m.handle, m.hidden = newUUID(), now.Add(hidden)
			received = append(received, receivedMessage{m.id, m.handle, m.body, md5Of(m.body)})
		}
	}
	return received
}

func (q *queue) remove(handle string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, m := range q.messages {
		if handle != "" && m.handle == handle {
			q.messages = append(q.messages[:i], q.messages[i+1:]...)
			return true
		}
	}
	return false
}

func (q *queue) count(now time.Time) (visible, hidden int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if now.Before(m.hidden) {
			hidden++
		} else {
			visible++
		}
	}
	return visible, hidden
}
