package sender

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/sender/fault"
)

// Queue keeps refusals in an SQS queue. It is safe for concurrent use.
type Queue struct {
	client *sqs.Client
	url    string
	within time.Duration // zero: see fault.Within
}

var _ delivery.Refusals = (*Queue)(nil)

// NewQueue returns what writes to the queue at that URL. It makes no call.
func NewQueue(client *sqs.Client, url string) *Queue { return &Queue{client: client, url: url} }

// refusalMessage is a refusal in the queue. Ids are decimal texts, as in the tags of a mail, so that both are found by the same
// text.
type refusalMessage struct {
	Tenant string `json:"tenant"`
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	User   string `json:"user,omitempty"`
	Device string `json:"device,omitempty"`
	Reason string `json:"reason"`
}

// Refuse writes r to the queue. Any error may go away; the refusal may be in the queue all the same, and twice if it is written
// again.
func (q *Queue) Refuse(ctx context.Context, r delivery.Refusal) error {
	const doing = "keeping a refusal"
	message := refusalMessage{Tenant: r.Tenant.String(), Kind: r.Kind, ID: r.ID, Device: r.Device, Reason: r.Reason}
	if r.User != 0 {
		message.User = r.User.String()
	}
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	ctx, cancel := context.WithTimeout(ctx, fault.Within(q.within))
	defer cancel()
	// The client compares SQS's checksum of the body, if there is one, with its own.
	output, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(q.url), MessageBody: aws.String(string(body))})
	if err != nil {
		return fault.Of(ctx, doing, queueOutcomes, err)
	}
	if aws.ToString(output.MessageId) == "" {
		return fault.Garbled(doing)
	}
	return nil
}
