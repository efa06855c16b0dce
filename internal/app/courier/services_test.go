package courier_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/rosterhq/roster/internal/roster"
)

// The wires of the three services: what is known of their protocols is enough to tell what a call is about, and to fail as they
// do. The texts of their errors quote what they must not be logged for.

var sesWire = wire{
	keyOf: func(r *http.Request, body []byte) (string, content, error) {
		var call struct {
			FromEmailAddress     string
			ConfigurationSetName string
			Destination          struct{ ToAddresses []roster.Email }
			Content              struct {
				Simple struct {
					Subject struct{ Data string }
					Body    struct{ Text, HTML struct{ Data string } }
				}
			}
			EmailTags []struct{ Name, Value string }
		}
		if err := json.Unmarshal(body, &call); err != nil {
			return "", content{}, err
		}
		tags := map[string]string{}
		for _, tag := range call.EmailTags {
			tags[tag.Name] = tag.Value
		}
		simple := call.Content.Simple
		text, html := linkPattern.FindStringSubmatch(simple.Body.Text.Data), linkPattern.FindStringSubmatch(simple.Body.HTML.Data)
		switch {
		case r.Method+r.URL.Path != "POST/v2/email/outbound-emails":
			return "", content{}, fmt.Errorf("%s %s", r.Method, r.URL.Path)
		case len(call.Destination.ToAddresses) != 1 || !strings.Contains(call.FromEmailAddress, mailFrom) || simple.Subject.Data == "":
			return "", content{}, errors.New("a mail without sender, subject or one recipient")
		case text == nil || html == nil || text[1] != html[1]:
			return "", content{}, errors.New("a mail without a link, or with several")
		}
		return "mail " + tags["invitation"], content{call.Destination.ToAddresses[0], simple.Subject.Data, simple.Body.Text.Data, text[1]}, nil
	},
	idOf: func(body []byte) string {
		var answer struct {
			MessageID string `json:"MessageId"`
		}
		if json.Unmarshal(body, &answer) != nil {
			return ""
		}
		return answer.MessageID
	},
	busy: func(w http.ResponseWriter) {
		sesError(w, http.StatusTooManyRequests, "TooManyRequestsException", "Maximum sending rate exceeded.")
	},
	fault: func(w http.ResponseWriter) {
		sesError(w, http.StatusInternalServerError, "InternalFailure", "An internal failure occurred.")
	},
}

// mailFrom and linkBase are what the courier is configured with.
const (
	mailFrom = "roster@sender.example"
	linkBase = "https://roster.example/base"
)

var linkPattern = regexp.MustCompile(regexp.QuoteMeta(linkBase+"/invitations/") + `([A-Za-z0-9_-]+)`)

// snsWire takes which device an endpoint is.
func snsWire(devices map[string]roster.DeviceHash) wire {
	return wire{
		keyOf: func(_ *http.Request, body []byte) (string, content, error) {
			form, err := url.ParseQuery(string(body))
			if err != nil {
				return "", content{}, err
			}
			if form.Get("Action") != "Publish" || form.Get("MessageStructure") != "json" {
				return "", content{}, fmt.Errorf("the action %q", form.Get("Action"))
			}
			var texts map[string]string
			if err := json.Unmarshal([]byte(form.Get("Message")), &texts); err != nil {
				return "", content{}, err
			}
			// FCM's version 1 has it in data, APNs beside aps.
			match := notificationPattern.FindStringSubmatch(texts["GCM"] + texts["APNS"] + texts["APNS_SANDBOX"])
			if match == nil {
				return "", content{}, errors.New("a message without the id of its notification")
			}
			device, ok := devices[form.Get("TargetArn")]
			if !ok {
				return "", content{}, errors.New("a message to an endpoint that no device has")
			}
			return "push " + match[1] + " " + hex.EncodeToString(device[:]), content{}, nil
		},
		idOf: func(body []byte) string {
			var answer struct {
				ID string `xml:"PublishResult>MessageId"`
			}
			if xml.Unmarshal(body, &answer) != nil {
				return ""
			}
			return answer.ID
		},
		busy:  func(w http.ResponseWriter) { snsError(w, http.StatusBadRequest, "Throttling", "Rate exceeded") },
		fault: func(w http.ResponseWriter) { snsError(w, http.StatusInternalServerError, "InternalError", "A fault") },
	}
}

var notificationPattern = regexp.MustCompile(`"notificationId":"([0-9]+)"`)

var sqsWire = wire{
	keyOf: func(r *http.Request, body []byte) (string, content, error) {
		var call struct{ MessageBody string }
		if err := json.Unmarshal(body, &call); err != nil {
			return "", content{}, err
		}
		if target := r.Header.Get("X-Amz-Target"); target != "AmazonSQS.SendMessage" {
			return "", content{}, fmt.Errorf("the call %q", target)
		}
		m, err := readRefusal(call.MessageBody)
		return m.key(), content{text: call.MessageBody}, err
	},
	idOf: sesWire.idOf,
	busy: func(w http.ResponseWriter) { sqsError(w, http.StatusBadRequest, "RequestThrottled", "Rate exceeded") },
	fault: func(w http.ResponseWriter) {
		sqsError(w, http.StatusInternalServerError, "InternalFailure", "A fault")
	},
}

// refusalMessage is what the queue is told of a message that was refused.
type refusalMessage struct{ Tenant, Kind, ID, User, Device, Reason string }

func readRefusal(text string) (refusalMessage, error) {
	var m refusalMessage
	err := json.Unmarshal([]byte(text), &m)
	return m, err
}

func (m refusalMessage) key() string {
	if m.Kind == "notification" {
		return refusalKey("push " + m.ID + " " + m.Device)
	}
	return refusalKey("mail " + m.ID)
}

func sesError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	answerJSON(w, status, map[string]string{"message": message})
}

func sqsError(w http.ResponseWriter, status int, code, message string) {
	answerJSON(w, status, map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": message})
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // texts always marshal
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}

const snsNamespace = `xmlns="http://sns.amazonaws.com/doc/2010-03-31/"`

func snsError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	var text strings.Builder
	xml.EscapeText(&text, []byte(message))
	fmt.Fprintf(w, `<ErrorResponse %s><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
		snsNamespace, code, text.String())
}

// The services themselves, where moto is not behind the wires. They are always well, and refuse for good what refusedMark is in.

// refusedMark is in the addresses that SES will not mail to, and in the endpoints whose messages SNS does not take; goneMark in
// the endpoints that are disabled, and deletedMark in those that are not there.
const (
	refusedMark = "refused"
	goneMark    = "disabled"
	deletedMark = "deleted"
)

func fakeSES() http.Handler {
	var sent atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // from memory
		var call struct {
			Destination struct{ ToAddresses []string }
		}
		if json.Unmarshal(body, &call) != nil || len(call.Destination.ToAddresses) != 1 {
			sesError(w, http.StatusBadRequest, "BadRequestException", "not a mail: "+string(body))
			return
		}
		if to := call.Destination.ToAddresses[0]; strings.Contains(to, refusedMark) {
			sesError(w, http.StatusBadRequest, "MessageRejected", "Email address "+to+" is on the suppression list")
			return
		}
		answerJSON(w, http.StatusOK, map[string]string{"MessageId": "mail-" + strconv.FormatInt(sent.Add(1), 10)})
	})
}

func fakeSNS() http.Handler {
	var sent atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // from memory
		form, err := url.ParseQuery(string(body))
		endpoint, message := form.Get("TargetArn"), form.Get("Message")
		switch {
		case err != nil || message == "" || endpoint == "":
			snsError(w, http.StatusBadRequest, "InvalidParameter", "Invalid parameter: Empty message")
		case strings.Contains(endpoint, refusedMark):
			snsError(w, http.StatusBadRequest, "InvalidParameter", "Invalid parameter: Message Reason: "+message)
		case strings.Contains(endpoint, goneMark):
			snsError(w, http.StatusBadRequest, "EndpointDisabled", "Endpoint is disabled: "+endpoint)
		case strings.Contains(endpoint, deletedMark):
			snsError(w, http.StatusBadRequest, "InvalidParameter", "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified")
		default:
			w.Header().Set("Content-Type", "text/xml")
			fmt.Fprintf(w, `<PublishResponse %s><PublishResult><MessageId>push-%d</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>`,
				snsNamespace, sent.Add(1))
		}
	})
}

func fakeSQS() http.Handler {
	var sent atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // from memory
		var call struct{ QueueURL, MessageBody string }
		if json.Unmarshal(body, &call) != nil || !strings.HasSuffix(call.QueueURL, "/refusals") {
			sqsError(w, http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist: "+string(body))
			return
		}
		sum := md5.Sum([]byte(call.MessageBody)) // which the client compares
		answerJSON(w, http.StatusOK, map[string]string{
			"MessageId": "refusal-" + strconv.FormatInt(sent.Add(1), 10), "MD5OfMessageBody": hex.EncodeToString(sum[:]),
		})
	})
}
