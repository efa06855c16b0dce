package lambdaio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// Invoke answers an event given as JSON, which is what the Lambda runtime calls: it decodes only the members that a request
// is made of, which takes half the time and allocations of decoding all of them.
func (h Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	event, err := decodeRequest(payload)
	if err != nil {
		return nil, err
	}
	response, err := h(ctx, event)
	if err != nil {
		return nil, err
	}
	return encode(response)
}

// Invoke answers an authorizer's event given as JSON, as the Lambda runtime calls it.
func (h AuthorizerHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event AuthorizerRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("reading an authorizer event: %w", err)
	}
	response, err := h(ctx, event)
	if err != nil {
		return nil, err
	}
	return encode(response)
}

// wireRequest is the part of a proxy event that HTTP reads. The single-value maps repeat the multi-value ones, so they are
// decoded only where those are missing, as in events made by hand.
type wireRequest struct {
	Resource                        string          `json:"resource"`
	Path                            string          `json:"path"`
	HTTPMethod                      string          `json:"httpMethod"`
	Headers                         json.RawMessage `json:"headers"`
	MultiValueHeaders               lists           `json:"multiValueHeaders"`
	QueryStringParameters           json.RawMessage `json:"queryStringParameters"`
	MultiValueQueryStringParameters lists           `json:"multiValueQueryStringParameters"`
	RequestContext                  struct {
		RequestID  string `json:"requestId"`
		DomainName string `json:"domainName"`
		Identity   struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
		Authorizer attributes `json:"authorizer"`
	} `json:"requestContext"`
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`
}

func decodeRequest(payload []byte) (Request, error) {
	var wire wireRequest
	if err := json.Unmarshal(payload, &wire); err != nil {
		return Request{}, fmt.Errorf("reading a proxy event: %w", err)
	}
	event := Request{
		Resource: wire.Resource, Path: wire.Path, HTTPMethod: wire.HTTPMethod,
		MultiValueHeaders:               wire.MultiValueHeaders,
		MultiValueQueryStringParameters: wire.MultiValueQueryStringParameters,
		Body:                            wire.Body, IsBase64Encoded: wire.IsBase64Encoded,
	}
	event.RequestContext.RequestID = wire.RequestContext.RequestID
	event.RequestContext.DomainName = wire.RequestContext.DomainName
	event.RequestContext.Identity.SourceIP = wire.RequestContext.Identity.SourceIP
	event.RequestContext.Authorizer = wire.RequestContext.Authorizer
	if len(event.MultiValueHeaders) == 0 && len(wire.Headers) > 0 {
		if err := json.Unmarshal(wire.Headers, &event.Headers); err != nil {
			return Request{}, fmt.Errorf("reading a proxy event's headers: %w", err)
		}
	}
	if len(event.MultiValueQueryStringParameters) == 0 && len(wire.QueryStringParameters) > 0 {
		if err := json.Unmarshal(wire.QueryStringParameters, &event.QueryStringParameters); err != nil {
			return Request{}, fmt.Errorf("reading a proxy event's query: %w", err)
		}
	}
	return event, nil
}

// encode returns v as JSON without escaping for HTML, which would make a body full of ampersands larger than encodedSize counts.
func encode(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding an answer: %w", err)
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}
