package stream

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// record is a record of a stream as Lambda delivers it.
type record struct {
	number string
	text   json.RawMessage
}

// wireRecord is the JSON of a record in a Lambda event.
type wireRecord struct {
	EventID      string        `json:"eventID"`
	EventName    string        `json:"eventName"`
	EventVersion string        `json:"eventVersion"`
	EventSource  string        `json:"eventSource"`
	Region       string        `json:"awsRegion"`
	Change       wireChange    `json:"dynamodb"`
	Identity     *wireIdentity `json:"userIdentity,omitempty"`
	SourceARN    string        `json:"eventSourceARN"`
}

type wireChange struct {
	At       float64        `json:"ApproximateCreationDateTime"`
	Keys     map[string]any `json:"Keys"`
	NewImage map[string]any `json:"NewImage,omitempty"`
	OldImage map[string]any `json:"OldImage,omitempty"`
	Number   string         `json:"SequenceNumber"`
	Size     int64          `json:"SizeBytes"`
	View     string         `json:"StreamViewType"`
}

type wireIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

// toRecord returns a record of the streams API in the form in which Lambda delivers it.
func toRecord(r *types.Record, streamARN string) (record, error) {
	if r.Dynamodb == nil || aws.ToString(r.Dynamodb.SequenceNumber) == "" {
		return record{}, fmt.Errorf("the record %s has no SequenceNumber", aws.ToString(r.EventID))
	}
	d := r.Dynamodb
	wire := wireRecord{
		EventID: aws.ToString(r.EventID), EventName: string(r.EventName), EventVersion: aws.ToString(r.EventVersion),
		EventSource: aws.ToString(r.EventSource), Region: aws.ToString(r.AwsRegion), SourceARN: streamARN,
		Change: wireChange{
			At: float64(aws.ToTime(d.ApproximateCreationDateTime).Unix()), Number: *d.SequenceNumber,
			Size: aws.ToInt64(d.SizeBytes), View: string(d.StreamViewType),
		},
	}
	if r.UserIdentity != nil {
		wire.Identity = &wireIdentity{aws.ToString(r.UserIdentity.Type), aws.ToString(r.UserIdentity.PrincipalId)}
	}
	for _, image := range []struct {
		from map[string]types.AttributeValue
		to   *map[string]any
	}{{d.Keys, &wire.Change.Keys}, {d.NewImage, &wire.Change.NewImage}, {d.OldImage, &wire.Change.OldImage}} {
		item, err := wireItem(image.from)
		if err != nil {
			return record{}, err
		}
		*image.to = item
	}
	text, err := json.Marshal(wire)
	if err != nil {
		return record{}, fmt.Errorf("encoding a record: %w", err)
	}
	return record{*d.SequenceNumber, text}, nil
}

// wireItem returns the attributes of an item in DynamoDB's JSON.
func wireItem(item map[string]types.AttributeValue) (map[string]any, error) {
	if item == nil {
		return nil, nil
	}
	wire := make(map[string]any, len(item))
	for name, attribute := range item {
		value, err := wireValue(attribute)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		wire[name] = value
	}
	return wire, nil
}

func wireValue(attribute types.AttributeValue) (map[string]any, error) {
	switch v := attribute.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}, nil
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}, nil
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}, nil
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": true}, nil
	case *types.AttributeValueMemberB:
		return map[string]any{"B": v.Value}, nil // encoding/json writes base64, as DynamoDB does
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}, nil
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": v.Value}, nil
	case *types.AttributeValueMemberBS:
		return map[string]any{"BS": v.Value}, nil
	case *types.AttributeValueMemberM:
		inner, err := wireItem(v.Value)
		return map[string]any{"M": inner}, err
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, item := range v.Value {
			value, err := wireValue(item)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return map[string]any{"L": list}, nil
	default:
		return nil, fmt.Errorf("its type %T is not known", attribute)
	}
}

// eventOf returns the event of a batch.
func eventOf(batch []record) ([]byte, error) {
	texts := make([]json.RawMessage, len(batch))
	for i, r := range batch {
		texts[i] = r.text
	}
	event, err := json.Marshal(struct{ Records []json.RawMessage }{texts})
	if err != nil {
		return nil, fmt.Errorf("encoding a batch: %w", err)
	}
	return event, nil
}
