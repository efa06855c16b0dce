package sender

import (
	"context"
	"net/mail"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/sender/fault"
)

// SES sends mail through SES v2. It is safe for concurrent use.
type SES struct {
	client *sesv2.Client
	config SESConfig
	within time.Duration // zero: see fault.Within
}

// SESConfig says how mail goes out.
type SESConfig struct {
	// From is the address that mail comes from, with or without a name before it: Roster <roster@example.com>. SES must have
	// verified the address or its domain.
	From string
	// ReplyTo is where answers go, in the same form; empty for From.
	ReplyTo string
	// ConfigurationSet makes SES tell what becomes of each mail; empty for none.
	ConfigurationSet string
}

var _ delivery.Mailer = (*SES)(nil)

// NewSES returns what sends mail through the client. It makes no call.
func NewSES(client *sesv2.Client, config SESConfig) *SES {
	config.From, config.ReplyTo = encodeName(config.From), encodeName(config.ReplyTo)
	return &SES{client: client, config: config}
}

// encodeName returns an address whose name is in the form that mail headers want (RFC 2047); SES does not encode it. What is not
// an address is left for SES to refuse.
func encodeName(address string) string {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name == "" {
		return address
	}
	return parsed.String()
}

// SendMail sends m and returns what SES calls it. See delivery.Mailer for the errors; they hold nothing of the mail.
func (s *SES) SendMail(ctx context.Context, m delivery.Mail) (string, error) {
	const doing = "sending a mail"
	ctx, cancel := context.WithTimeout(ctx, fault.Within(s.within))
	defer cancel()
	output, err := s.client.SendEmail(ctx, s.input(m))
	if err != nil {
		return "", fault.Of(ctx, doing, mailOutcomes, err)
	}
	if aws.ToString(output.MessageId) == "" {
		return "", fault.Garbled(doing)
	}
	return *output.MessageId, nil
}

// input is m as simple content: SES makes the MIME parts. Nothing is a template of SES's, which would fail only after the call.
func (s *SES) input(m delivery.Mail) *sesv2.SendEmailInput {
	input := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(s.config.From),
		Destination:      &types.Destination{ToAddresses: []string{string(m.To)}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: utf8Content(m.Subject),
			Body:    &types.Body{Text: utf8Content(m.Text), Html: utf8Content(m.HTML)},
		}},
	}
	if s.config.ReplyTo != "" {
		input.ReplyToAddresses = []string{s.config.ReplyTo}
	}
	if s.config.ConfigurationSet != "" {
		input.ConfigurationSetName = aws.String(s.config.ConfigurationSet)
	}
	for _, tag := range m.Tags {
		input.EmailTags = append(input.EmailTags, types.MessageTag{Name: aws.String(tag.Name), Value: aws.String(tag.Value)})
	}
	return input
}

func utf8Content(text string) *types.Content {
	return &types.Content{Data: aws.String(text), Charset: aws.String("UTF-8")}
}
