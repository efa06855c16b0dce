package sender

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/sender/endpoints"
	"github.com/rosterhq/roster/internal/sender/fault"
)

// SNS sends push messages through SNS, and registers the devices that they are sent to. It is safe for concurrent use.
type SNS struct {
	*endpoints.Endpoints
	client *sns.Client
}

// Applications are the ARNs of the SNS platform applications.
type Applications = endpoints.Applications

var _ delivery.Pusher = (*SNS)(nil)

// NewSNS returns what sends push messages through the client. It makes no call.
func NewSNS(client *sns.Client, applications Applications) *SNS {
	return &SNS{endpoints.New(client, applications), client}
}

// Push sends p to the endpoint of the device and returns what SNS calls the message. See delivery.Pusher for the errors; they hold
// nothing of the message and no endpoint.
func (s *SNS) Push(ctx context.Context, d roster.Device, p delivery.Push) (string, error) {
	const doing = "sending a push message"
	message, err := envelope(d.Platform, p.Payload)
	if err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	switch has, setUp := s.Has(d.Platform, d.Endpoint); {
	case !setUp:
		return "", fmt.Errorf("%s: %w: no application is set up for platform %s", doing, delivery.ErrRefused, d.Platform)
	case !has:
		return "", fmt.Errorf("%s: %w: it is of an application that is not set up any more", doing, delivery.ErrEndpointGone)
	}
	ctx, cancel := context.WithTimeout(ctx, fault.Within(s.Within))
	defer cancel()
	output, err := s.client.Publish(ctx, &sns.PublishInput{
		TargetArn:         aws.String(d.Endpoint),
		Message:           aws.String(message),
		MessageStructure:  aws.String("json"),
		MessageAttributes: attributes(d.Platform),
	})
	if err != nil {
		return "", fault.Of(ctx, doing, pushOutcomes, err)
	}
	if aws.ToString(output.MessageId) == "" {
		return "", fault.Garbled(doing)
	}
	return *output.MessageId, nil
}

// envelope returns a payload in the form that SNS wants for its platform: an object whose values are strings with JSON in them.
// SNS passes the payload of FCM's version 1 on as it is only in fcmV1Message; the key of the platform has kept its old name.
func envelope(platform roster.Platform, payload string) (string, error) {
	if !json.Valid([]byte(payload)) {
		return "", fmt.Errorf("%w: the payload is not JSON", delivery.ErrRefused)
	}
	// SNS wants a default from everybody. No device gets it, for the platform's own text is there too.
	texts := map[string]string{"default": "notification"}
	switch platform {
	case roster.PlatformFCM:
		texts["GCM"] = `{"fcmV1Message":` + payload + `}`
	case roster.PlatformAPNS, roster.PlatformAPNSSandbox:
		texts[platform.String()] = payload
	default:
		return "", fmt.Errorf("%w: no push service takes messages for platform %d", delivery.ErrRefused, platform)
	}
	message, err := json.Marshal(texts)
	return string(message), err
}

// attributes are what APNs wants to be told beside the payload: that it is to be shown, and at once (10). The names are the same
// for its sandbox. FCM's payload says all by itself.
func attributes(platform roster.Platform) map[string]types.MessageAttributeValue {
	if platform == roster.PlatformFCM {
		return nil
	}
	text := func(value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
	}
	return map[string]types.MessageAttributeValue{
		"AWS.SNS.MOBILE.APNS.PUSH_TYPE": text("alert"),
		"AWS.SNS.MOBILE.APNS.PRIORITY":  text("10"),
	}
}
