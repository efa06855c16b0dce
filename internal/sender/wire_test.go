package sender_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/sender"
)

// What is planted in messages, and so in what services may quote of them. No error may hold any of it.
const (
	plantedAddress = "planted.person@example.com"
	plantedToken   = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
	plantedText    = "planted text of a message"
)

var (
	mail = delivery.Mail{
		To: plantedAddress, Subject: "Zażółć: come to <Acme> & Söhne", Text: plantedText + "\n\thttps://example.com/invitations/x\n", HTML: "<p>" + plantedText + " &amp; 日本</p>",
		Tags: []delivery.Tag{{Name: "tenant", Value: "7"}, {Name: "purpose", Value: "sign-up"}, {Name: "user", Value: "9007199254740991"}},
	}
	mailConfig = sender.SESConfig{From: "Röster <roster@example.com>", ReplyTo: "help@example.com", ConfigurationSet: "roster-feedback"}

	applications = sender.Applications{
		FCM:         "arn:aws:sns:eu-central-1:123456789012:app/GCM/roster",
		APNS:        "arn:aws:sns:eu-central-1:123456789012:app/APNS/roster",
		APNSSandbox: "arn:aws:sns:eu-central-1:123456789012:app/APNS_SANDBOX/roster",
	}
	device  = roster.Device{Tenant: 7, User: 8, Platform: roster.PlatformFCM, Endpoint: "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/roster/1"}
	push    = delivery.Push{Payload: `{"message":{"notification":{"title":"<A> & Ä","body":"` + plantedText + `"}}}`}
	refused = delivery.Refusal{Tenant: 7, Kind: "invite", ID: "9007199254740991", User: 8, Reason: "sending a mail: MessageRejected"}
)

// request is what came over the wire.
type request struct {
	method, path, target, contentType string
	body                              string
}

// form returns the body of a call of the query protocol.
func (r request) form(t *testing.T) url.Values {
	t.Helper()
	values, err := url.ParseQuery(r.body)
	if err != nil {
		t.Fatalf("the call is not a form: %v", err)
	}
	return values
}

// wire is a service made up for one test: it keeps the calls and answers them.
type wire struct {
	url string

	mu       sync.Mutex
	requests []request // guarded by mu
}

// serve answers every call, the first of which has the number zero, with answer.
func serve(t *testing.T, answer func(w http.ResponseWriter, call int, r request)) *wire {
	t.Helper()
	s := &wire{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading a call: %v", err)
		}
		got := request{r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"), r.Header.Get("Content-Type"), string(body)}
		s.mu.Lock()
		call := len(s.requests)
		s.requests = append(s.requests, got)
		s.mu.Unlock()
		answer(w, call, got)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *wire) calls() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

var keys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "roster", SecretAccessKey: "local", Source: "test"}, nil
})

const region = "eu-central-1"

// tries returns a retryer that makes that many tries, soon after each other.
func tries(n int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = n, time.Millisecond })
}

func sesClient(base string, n int) *sesv2.Client {
	return sesv2.New(sesv2.Options{Region: region, Credentials: keys, BaseEndpoint: aws.String(base), Retryer: tries(n)})
}

func snsClient(base string, n int) *sns.Client {
	return sns.New(sns.Options{Region: region, Credentials: keys, BaseEndpoint: aws.String(base), Retryer: tries(n)})
}

func sqsClient(base string, n int) *sqs.Client {
	return sqs.New(sqs.Options{Region: region, Credentials: keys, BaseEndpoint: aws.String(base), Retryer: tries(n)})
}

const requestID = "5f3c1c9e-0d5b-4c7b-9a55-2f8f5a6f3b11"

// sesError answers as SES v2 does: the code in a header, the text in JSON.
func sesError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	w.Header().Set("X-Amzn-Requestid", requestID)
	answerJSON(w, status, map[string]string{"message": message})
}

// sqsError answers as SQS does in its JSON protocol: the code in the body.
func sqsError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Requestid", requestID)
	answerJSON(w, status, map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": message})
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}

var xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// snsError answers as SNS does in its query protocol.
func snsError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
		code, xmlText.Replace(message), requestID)
}

// snsAnswer answers a call of SNS that went well; result is XML.
func snsAnswer(w http.ResponseWriter, action, result string) {
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<%[1]sResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>%[3]s</RequestId></ResponseMetadata></%[1]sResponse>`,
		action, result, requestID)
}

// wantSafe fails the test if the error tells what it must not, or is more than a line.
func wantSafe(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err)} {
		for _, planted := range []string{plantedAddress, plantedToken, plantedText, "arn:aws:sns", "127.0.0.1/", "\n"} {
			if strings.Contains(text, planted) {
				t.Errorf("the error holds %q: %s", planted, text)
			}
		}
	}
}
