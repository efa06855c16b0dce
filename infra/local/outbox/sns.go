package outbox

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// What SNS takes at most: a message, the payload that a platform gets of it (4,096 bytes for FCM and APNs alike), and, as a bound for
// the form around it, a request.
const (
	maxPublishBytes = 256 << 10
	maxPayloadBytes = 4096
	maxFormBytes    = 1 << 20
)

// snsError is an error of SNS.
type snsError struct {
	status  int
	code    string
	message string
}

// invalidParameter is the error for a parameter that breaks a rule.
func invalidParameter(format string, arguments ...any) *snsError {
	return &snsError{http.StatusBadRequest, "InvalidParameter", "Invalid parameter: " + fmt.Sprintf(format, arguments...)}
}

var noEndpoint = &snsError{http.StatusNotFound, "NotFound", "Endpoint does not exist"}

// snsAction answers one action of SNS with what is inside the element <ActionResult>; nil for actions that answer nothing.
type snsAction func(form url.Values) (result any, err *snsError)

// serveSNS answers as SNS does: a form in, XML out.
func (o *Outbox) serveSNS(w http.ResponseWriter, r *http.Request) {
	action, result, err := o.sns(w, r)
	w.Header().Set("Content-Type", "text/xml")
	if err != nil {
		fault := "Sender"
		if err.status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		w.WriteHeader(err.status)
		writeXML(w, snsFailure{Error: snsFault{fault, err.code, err.message}, RequestID: newUUID()})
		return
	}
	writeXML(w, snsAnswer{XMLName: xml.Name{Local: action + "Response"}, Result: result, RequestID: newUUID()})
}

const snsNamespace = "http://sns.amazonaws.com/doc/2010-03-31/"

type snsAnswer struct {
	XMLName   xml.Name
	Namespace string `xml:"xmlns,attr"`
	Result    any
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

type snsFailure struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Error     snsFault
	RequestID string `xml:"RequestId"`
}

type snsFault struct {
	Type    string
	Code    string
	Message string
}

func writeXML(w io.Writer, v any) {
	switch answer := v.(type) {
	case snsAnswer:
		answer.Namespace = snsNamespace
		v = answer
	case snsFailure:
		answer.Namespace = snsNamespace
		v = answer
	}
	if text, err := xml.Marshal(v); err == nil {
		_, _ = w.Write(text) // a failed write means that the caller is gone
	}
}

func (o *Outbox) sns(w http.ResponseWriter, r *http.Request) (string, any, *snsError) {
	if !signed(r) {
		return "", nil, &snsError{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFormBytes))
	if err != nil {
		message := fmt.Sprintf("the stand-in for SNS takes at most %d bytes", maxFormBytes)
		return "", nil, &snsError{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", message}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost {
		return "", nil, &snsError{http.StatusBadRequest, "MalformedQueryString", "the request must be a POST of a form"}
	}
	action := form.Get("Action")
	run := map[string]snsAction{
		"CreatePlatformEndpoint": o.createEndpoint, "GetEndpointAttributes": o.endpointAttributes,
		"SetEndpointAttributes": o.setEndpointAttributes, "DeleteEndpoint": o.deleteEndpoint, "Publish": o.publish,
	}[action]
	if run == nil {
		message := fmt.Sprintf("the stand-in for SNS knows Publish to endpoints and the actions of platform endpoints, not %q", action)
		return "", nil, &snsError{http.StatusBadRequest, "InvalidAction", message}
	}
	result, problem := run(form)
	return action, result, problem
}

func (o *Outbox) createEndpoint(form url.Values) (any, *snsError) {
	attributes, problem := attributesIn(form)
	if problem != nil {
		return nil, problem
	}
	if data, there := form["CustomUserData"]; there {
		attributes[attributeData] = data[0]
	}
	arn, problem := o.endpoints.create(form.Get("PlatformApplicationArn"), form.Get("Token"), attributes)
	if problem != nil {
		return nil, problem
	}
	return struct {
		XMLName     xml.Name `xml:"CreatePlatformEndpointResult"`
		EndpointArn string
	}{EndpointArn: arn}, nil
}

func (o *Outbox) endpointAttributes(form url.Values) (any, *snsError) {
	e, there := o.endpoints.get(form.Get("EndpointArn"))
	if !there {
		return nil, noEndpoint
	}
	type entry struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}
	entries := []entry{{attributeEnabled, fmt.Sprint(e.Enabled)}, {attributeToken, e.Token}}
	if e.Data != "" {
		entries = append(entries, entry{attributeData, e.Data})
	}
	return struct {
		XMLName xml.Name `xml:"GetEndpointAttributesResult"`
		Entries []entry  `xml:"Attributes>entry"`
	}{Entries: entries}, nil
}

func (o *Outbox) setEndpointAttributes(form url.Values) (any, *snsError) {
	attributes, problem := attributesIn(form)
	if problem != nil {
		return nil, problem
	}
	return nil, o.endpoints.set(form.Get("EndpointArn"), attributes)
}

func (o *Outbox) deleteEndpoint(form url.Values) (any, *snsError) {
	o.endpoints.remove(form.Get("EndpointArn")) // one that is not there is deleted already
	return nil, nil
}

// attributesIn reads Attributes.entry.1.key and so on.
func attributesIn(form url.Values) (map[string]string, *snsError) {
	attributes := map[string]string{}
	for i := 1; ; i++ {
		prefix := fmt.Sprintf("Attributes.entry.%d.", i)
		name, there := form[prefix+"key"]
		if !there {
			return attributes, nil
		}
		value := form.Get(prefix + "value")
		switch {
		case name[0] == attributeEnabled && !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false"):
			return nil, invalidParameter("Attributes Reason: Invalid value for attribute: Enabled: must be true or false")
		case name[0] != attributeEnabled && name[0] != attributeToken && name[0] != attributeData:
			return nil, invalidParameter("Attributes Reason: Invalid attribute name: %s", name[0])
		}
		attributes[name[0]] = value
	}
}

// publish takes a message for an endpoint.
func (o *Outbox) publish(form url.Values) (any, *snsError) {
	arn := form.Get("TargetArn")
	if arn == "" {
		return nil, invalidParameter("TargetArn Reason: the stand-in for SNS publishes to platform endpoints only")
	}
	e, there := o.endpoints.get(arn)
	if !there {
		// Not NotFound: this is what SNS says of an endpoint that was deleted.
		return nil, invalidParameter("TargetArn Reason: No endpoint found for the target arn specified")
	}
	message := form.Get("Message")
	switch {
	case message == "":
		return nil, invalidParameter("Empty message")
	case len(message) > maxPublishBytes:
		return nil, invalidParameter("Message too long")
	}
	payload, problem := payloadFor(e.platform(), message, form.Get("MessageStructure"))
	if problem != nil {
		return nil, problem
	}
	if !e.Enabled {
		return nil, &snsError{http.StatusBadRequest, "EndpointDisabled", "Endpoint is disabled"}
	}
	p := &Push{Platform: e.platform(), Endpoint: arn, Token: e.Token, Payload: payload, Attributes: messageAttributesIn(form)}
	p.readPayload()
	sent := o.store.add(Message{Kind: "push", MessageID: newUUID(), Push: p})
	return struct {
		XMLName   xml.Name `xml:"PublishResult"`
		MessageID string   `xml:"MessageId"`
	}{MessageID: sent.MessageID}, nil
}

func messageAttributesIn(form url.Values) []Pair {
	var attributes []Pair
	for i := 1; ; i++ {
		prefix := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		name, there := form[prefix+"Name"]
		if !there {
			return attributes
		}
		attributes = append(attributes, Pair{name[0], form.Get(prefix + "Value.StringValue")})
	}
}

// payloadFor returns what a platform gets of a message, as JSON, or why SNS would not take the message. With the structure json, the
// message is an object that has a text of JSON for each platform, and one for those it does not name.
func payloadFor(platform, message, structure string) (json.RawMessage, *snsError) {
	payload := message
	switch structure {
	case "json":
		var byPlatform map[string]json.RawMessage
		if json.Unmarshal([]byte(message), &byPlatform) != nil || byPlatform == nil {
			return nil, invalidParameter("Message Structure - JSON message body failed to parse")
		}
		raw, there := byPlatform[platform]
		if !there {
			if raw, there = byPlatform["default"]; !there {
				return nil, invalidParameter("Message Structure - No default entry in JSON message body")
			}
		}
		for name, value := range byPlatform {
			if json.Unmarshal(value, new(string)) != nil {
				return nil, invalidParameter("Message Structure - the value of %s must be a string", name)
			}
		}
		if err := json.Unmarshal(raw, &payload); err != nil {
			return nil, invalidParameter("Message Structure - JSON message body failed to parse")
		}
		if _, own := byPlatform[platform]; own {
			return checkedPayload(platform, payload)
		}
	case "":
	default:
		return nil, invalidParameter("MessageStructure Reason: must be json")
	}
	return wrapped(platform, payload), nil
}

// checkedPayload returns the payload that a sender made for a platform, if it is one.
func checkedPayload(platform, payload string) (json.RawMessage, *snsError) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(payload), &object) != nil || object == nil {
		return nil, invalidParameter("Message Structure - the value of %s must be a JSON object", platform)
	}
	if len(payload) > maxPayloadBytes {
		return nil, invalidParameter("Message too long: %s takes at most %d bytes", platform, maxPayloadBytes)
	}
	if platform == platformGCM {
		if v1, there := object["fcmV1Message"]; there {
			var wrapper struct{ Message map[string]json.RawMessage }
			if json.Unmarshal(v1, &wrapper) != nil || wrapper.Message == nil {
				return nil, invalidParameter("Message Reason: fcmV1Message must be an object with the object message")
			}
		}
	} else if json.Unmarshal(object["aps"], new(map[string]json.RawMessage)) != nil {
		return nil, invalidParameter("Message Reason: the payload for %s must have the object aps", platform)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(payload)); err != nil {
		return nil, invalidParameter("Message Structure - the value of %s must be a JSON object", platform)
	}
	return compact.Bytes(), nil
}

// wrapped returns what SNS makes of a plain text for a platform.
func wrapped(platform, text string) json.RawMessage {
	var payload any = map[string]any{"aps": map[string]any{"alert": text}}
	if platform == platformGCM {
		payload = map[string]any{"fcmV1Message": map[string]any{"message": map[string]any{"data": map[string]any{"default": text}}}}
	}
	line, err := encode(payload)
	if err != nil {
		panic("outbox: encoding a text: " + err.Error())
	}
	return bytes.TrimSpace(line)
}

// readPayload fills in what the device shows: the notification of FCM, whose wrapper may be left out, or the alert of APNs.
func (p *Push) readPayload() {
	var payload struct {
		FCM struct {
			Message fcmMessage `json:"message"`
		} `json:"fcmV1Message"`
		fcmMessage
		APS struct {
			Alert json.RawMessage `json:"alert"`
		} `json:"aps"`
	}
	_ = json.Unmarshal(p.Payload, &payload) // what does not fit is not shown
	for _, m := range []fcmMessage{payload.FCM.Message, payload.fcmMessage} {
		if n := m.Notification; n != (fcmNotification{}) {
			p.Title, p.Body, p.Image = n.Title, n.Body, n.Image
			return
		}
		if p.Body = m.Data["default"]; p.Body != "" {
			return
		}
	}
	var alert struct{ Title, Body string }
	if json.Unmarshal(payload.APS.Alert, &alert) != nil {
		_ = json.Unmarshal(payload.APS.Alert, &alert.Body) // an alert may be a text
	}
	p.Title, p.Body, p.Image = alert.Title, alert.Body, imageIn(p.Payload)
}

type fcmMessage struct {
	Notification fcmNotification   `json:"notification"`
	Data         map[string]string `json:"data"`
}

type fcmNotification struct {
	Title string `json:"title"`
	Body  string `json:"body"`
	Image string `json:"image"`
}

// imageIn returns the first member beside aps that is a web address: APNs leaves it to apps where an image stands.
func imageIn(payload json.RawMessage) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(payload, &members)
	for name, value := range members {
		var text string
		if name != "aps" && json.Unmarshal(value, &text) == nil && strings.HasPrefix(text, "https://") {
			return text
		}
	}
	return ""
}
