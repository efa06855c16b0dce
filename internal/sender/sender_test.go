package sender_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/sender"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestSendMailSaysAllOfTheMail(t *testing.T) {
	service := serve(t, func(w http.ResponseWriter, _ int, _ request) {
		answerJSON(w, http.StatusOK, map[string]string{"MessageId": "0107-1"})
	})
	id, err := sender.NewSES(sesClient(service.url, 1), mailConfig).SendMail(t.Context(), mail)
	if err != nil || id != "0107-1" {
		t.Fatalf("SendMail = %q, %v", id, err)
	}
	calls := service.calls()
	if len(calls) != 1 || calls[0].method != http.MethodPost || calls[0].path != "/v2/email/outbound-emails" || calls[0].contentType != "application/json" {
		t.Fatalf("the calls are %+v, want one of SendEmail", calls)
	}
	wantGolden(t, "mail.json", calls[0].body)
}

func TestSendMailLeavesOutWhatIsNotSet(t *testing.T) {
	service := serve(t, func(w http.ResponseWriter, _ int, _ request) {
		answerJSON(w, http.StatusOK, map[string]string{"MessageId": "0107-1"})
	})
	plain := delivery.Mail{To: "ann@example.com", Subject: "Hello", Text: "Hello", HTML: "<p>Hello</p>"}
	if _, err := sender.NewSES(sesClient(service.url, 1), sender.SESConfig{From: "roster@example.com"}).SendMail(t.Context(), plain); err != nil {
		t.Fatal(err)
	}
	wantGolden(t, "plainmail.json", service.calls()[0].body)
}

// wantGolden compares a JSON body, indented, with a file in testdata.
func wantGolden(t *testing.T, name, body string) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, []byte(body), "", "  "); err != nil {
		t.Fatalf("the body is not JSON: %v", err)
	}
	got.WriteByte('\n')
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the body differs from %s (-want +got):\n%s", file, diff)
	}
}

// endpointOf returns an endpoint of the platform's application.
func endpointOf(platform roster.Platform) string {
	application := map[roster.Platform]string{
		roster.PlatformFCM: applications.FCM, roster.PlatformAPNS: applications.APNS, roster.PlatformAPNSSandbox: applications.APNSSandbox,
	}[platform]
	return strings.Replace(application, ":app/", ":endpoint/", 1) + "/0f7d5971-aa8b-4bd5-b585-0826e9f93a66"
}

func TestPushLeavesOtherApplicationsAlone(t *testing.T) {
	service := serve(t, func(w http.ResponseWriter, _ int, _ request) { snsAnswer(w, "Publish", "<MessageId>m-1</MessageId>") })
	d := device
	d.Endpoint = "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/before/0f7d5971-aa8b-4bd5-b585-0826e9f93a66"
	if _, err := sender.NewSNS(snsClient(service.url, 1), applications).Push(t.Context(), d, delivery.Push{Payload: "{}"}); !errors.Is(err, delivery.ErrEndpointGone) {
		t.Errorf("to an endpoint of an application before this one: %v", err)
	}
	if _, err := sender.NewSNS(snsClient(service.url, 1), sender.Applications{}).Push(t.Context(), device, delivery.Push{Payload: "{}"}); !errors.Is(err, delivery.ErrRefused) {
		t.Errorf("without an application: %v", err)
	}
	if n := len(service.calls()); n > 0 {
		t.Errorf("the service was called %d times", n)
	}
}

func TestPushWrapsThePayloadForItsPlatform(t *testing.T) {
	const payload = `{"aps":{"alert":{"title":"<A> & Ä \"quoted\"","body":"日本"}}}`
	alert := url.Values{
		"MessageAttributes.entry.1.Name": {"AWS.SNS.MOBILE.APNS.PRIORITY"}, "MessageAttributes.entry.1.Value.DataType": {"String"},
		"MessageAttributes.entry.1.Value.StringValue": {"10"},
		"MessageAttributes.entry.2.Name":              {"AWS.SNS.MOBILE.APNS.PUSH_TYPE"}, "MessageAttributes.entry.2.Value.DataType": {"String"},
		"MessageAttributes.entry.2.Value.StringValue": {"alert"},
	}
	cases := map[roster.Platform]struct {
		message    map[string]string
		attributes url.Values
	}{
		roster.PlatformFCM:         {map[string]string{"default": "notification", "GCM": `{"fcmV1Message":` + payload + `}`}, nil},
		roster.PlatformAPNS:        {map[string]string{"default": "notification", "APNS": payload}, alert},
		roster.PlatformAPNSSandbox: {map[string]string{"default": "notification", "APNS_SANDBOX": payload}, alert},
	}
	for platform, test := range cases {
		t.Run(platform.String(), func(t *testing.T) {
			service := serve(t, func(w http.ResponseWriter, _ int, _ request) {
				snsAnswer(w, "Publish", "<MessageId>m-1</MessageId>")
			})
			d := device
			d.Platform, d.Endpoint = platform, endpointOf(platform)
			id, err := sender.NewSNS(snsClient(service.url, 1), applications).Push(t.Context(), d, delivery.Push{Payload: payload})
			if err != nil || id != "m-1" {
				t.Fatalf("Push = %q, %v", id, err)
			}
			form := service.calls()[0].form(t)
			var message map[string]string
			if err := json.Unmarshal([]byte(form.Get("Message")), &message); err != nil {
				t.Fatalf("the message %q is no object of texts: %v", form.Get("Message"), err)
			}
			if diff := cmp.Diff(test.message, message); diff != "" {
				t.Errorf("the message (-want +got):\n%s", diff)
			}
			form.Del("Message")
			want := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TargetArn": {d.Endpoint}, "MessageStructure": {"json"}}
			// The client writes the attributes in any order.
			got := inOrder(form)
			for key, value := range test.attributes {
				want[key] = value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the call (-want +got):\n%s", diff)
			}
		})
	}
}

// inOrder swaps two message attributes that are not in the order of their names.
func inOrder(form url.Values) url.Values {
	const one, two = "MessageAttributes.entry.1.", "MessageAttributes.entry.2."
	if form.Get(one+"Name") <= form.Get(two+"Name") {
		return form
	}
	swapped := url.Values{}
	for key, value := range form {
		switch {
		case strings.HasPrefix(key, one):
			key = two + strings.TrimPrefix(key, one)
		case strings.HasPrefix(key, two):
			key = one + strings.TrimPrefix(key, two)
		}
		swapped[key] = value
	}
	return swapped
}

func TestPushRefusesWhatCannotBeWrapped(t *testing.T) {
	pusher := sender.NewSNS(snsClient("http://127.0.0.1:1", 1), applications)
	for name, test := range map[string]struct {
		platform roster.Platform
		payload  string
	}{
		"no JSON":         {roster.PlatformFCM, `{"message":` + plantedText},
		"two values":      {roster.PlatformAPNS, `{},{}`},
		"nothing":         {roster.PlatformAPNS, ``},
		"unknown service": {0, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pusher.Push(t.Context(), roster.Device{Platform: test.platform, Endpoint: device.Endpoint}, delivery.Push{Payload: test.payload})
			wantSafe(t, err)
			if !errors.Is(err, delivery.ErrRefused) {
				t.Errorf("Push = %v, want %v", err, delivery.ErrRefused)
			}
		})
	}
}

func TestRefuseWritesTheRefusal(t *testing.T) {
	cases := map[string]struct {
		refusal delivery.Refusal
		want    string
	}{
		"an invitation": {refused, `{"tenant":"7","kind":"invite","id":"9007199254740991","user":"8","reason":"sending a mail: MessageRejected"}`},
		"a sign-up":     {delivery.Refusal{Tenant: 7, Kind: "sign-up", ID: "9", Reason: "x"}, `{"tenant":"7","kind":"sign-up","id":"9","reason":"x"}`},
		"a device": {delivery.Refusal{Tenant: 7, Kind: "notification", ID: "9", User: 8, Device: "00ff", Reason: "x"},
			`{"tenant":"7","kind":"notification","id":"9","user":"8","device":"00ff","reason":"x"}`},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			service := serve(t, answerQueue)
			queueURL := service.url + "/123456789012/refusals"
			if err := sender.NewQueue(sqsClient(service.url, 1), queueURL).Refuse(t.Context(), test.refusal); err != nil {
				t.Fatal(err)
			}
			call := service.calls()[0]
			var got struct{ QueueUrl, MessageBody string }
			if err := json.Unmarshal([]byte(call.body), &got); err != nil || call.target != "AmazonSQS.SendMessage" {
				t.Fatalf("the call is %s %s (%v), want SendMessage", call.target, call.body, err)
			}
			if got.QueueUrl != queueURL || got.MessageBody != test.want {
				t.Errorf("the queue %s got %s, want %s", got.QueueUrl, got.MessageBody, test.want)
			}
		})
	}
}

// answerQueue takes a message as SQS does.
func answerQueue(w http.ResponseWriter, _ int, r request) {
	var input struct{ MessageBody string }
	if err := json.Unmarshal([]byte(r.body), &input); err != nil {
		sqsError(w, http.StatusBadRequest, "InvalidMessageContents", "")
		return
	}
	sum := md5.Sum([]byte(input.MessageBody))
	answerJSON(w, http.StatusOK, map[string]string{"MessageId": "q-1", "MD5OfMessageBody": hex.EncodeToString(sum[:])})
}

// TestErrorsSayWhatHelps has every line of the tables, and codes that are not in them.
func TestErrorsSayWhatHelps(t *testing.T) {
	const (
		again = iota
		refusedForGood
		gone
	)
	quoting := "Invalid: " + plantedAddress + " " + plantedToken + " " + plantedText
	type line struct {
		status  int
		code    string
		message string
		want    int
	}
	mailLines := []line{
		{400, "MessageRejected", "Email address is not verified: " + plantedAddress, refusedForGood},
		{400, "MessageRejected:http://internal.amazon.com/coral/com.amazonaws.sesv2/", quoting, refusedForGood},
		{400, "BadRequestException", quoting, refusedForGood},
		{400, "ValidationException", quoting, refusedForGood},
		{429, "TooManyRequestsException", "Maximum sending rate exceeded.", again},
		{400, "LimitExceededException", quoting, again},
		{400, "Throttling", "Daily message quota exceeded.", again},
		{400, "ThrottlingException", quoting, again},
		{400, "SendingPausedException", quoting, again},
		{400, "AccountSuspendedException", quoting, again},
		{400, "MailFromDomainNotVerifiedException", quoting, again},
		{404, "NotFoundException", "Configuration set <roster-feedback> does not exist.", again},
		{403, "AccessDeniedException", quoting, again},
		{403, "SignatureDoesNotMatch", quoting, again},
		{403, "ExpiredTokenException", quoting, again},
		{500, "InternalFailure", quoting, again},
		{503, "ServiceUnavailable", quoting, again},
		{400, "SomethingNew", quoting, again},
		{400, plantedToken, quoting, again},
		{400, "", quoting, again},
	}
	pushLines := []line{
		{400, "EndpointDisabled", "Endpoint is disabled", gone},
		{404, "NotFound", "Endpoint does not exist", gone},
		{400, "InvalidParameter", "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified", gone},
		{400, "InvalidParameter", "Invalid parameter: Message too long", refusedForGood},
		{400, "InvalidParameter", quoting, refusedForGood},
		{400, "ParameterValueInvalid", quoting, refusedForGood},
		{400, "ValidationException", quoting, refusedForGood},
		{400, "PlatformApplicationDisabled", quoting, refusedForGood},
		{403, "AuthorizationError", quoting, again},
		{403, "InvalidSecurity", quoting, again},
		{429, "Throttled", quoting, again},
		{400, "Throttling", "Rate exceeded", again},
		{500, "InternalError", quoting, again},
		{503, "ServiceUnavailable", quoting, again},
		{400, "KMSDisabled", quoting, again},
		{400, "SomethingNew", quoting, again},
		{400, plantedToken, quoting, again},
		{400, "", quoting, again},
	}
	queueLines := []line{
		{400, "QueueDoesNotExist", quoting, again},
		{400, "AWS.SimpleQueueService.NonExistentQueue", quoting, again},
		{403, "AccessDeniedException", quoting, again},
		{400, "InvalidMessageContents", quoting, again},
		{400, "MessageRejected", quoting, again},
		{500, "InternalError", quoting, again},
		{503, "ServiceUnavailable", quoting, again},
	}
	run := func(name string, lines []line, fault func(w http.ResponseWriter, status int, code, message string), send func(t *testing.T, base string) error) {
		for _, l := range lines {
			t.Run(fmt.Sprintf("%s/%d %.40s", name, l.status, l.code), func(t *testing.T) {
				service := serve(t, func(w http.ResponseWriter, _ int, _ request) { fault(w, l.status, l.code, l.message) })
				err := send(t, service.url)
				wantSafe(t, err)
				if got := errors.Is(err, delivery.ErrRefused); got != (l.want == refusedForGood) {
					t.Errorf("refused for good: %t; %v", got, err)
				}
				if got := errors.Is(err, delivery.ErrEndpointGone); got != (l.want == gone) {
					t.Errorf("the endpoint is gone: %t; %v", got, err)
				}
				if want := fmt.Sprintf("(HTTP %d, request %s)", l.status, requestID); !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %s: %v", want, err)
				}
				code, _, _ := strings.Cut(l.code, ":")
				if code != plantedToken && !strings.Contains(err.Error(), code) {
					t.Errorf("the error does not say %s: %v", l.code, err)
				}
			})
		}
	}
	run("mail", mailLines, sesError, sendMail)
	run("push", pushLines, snsError, sendPush)
	run("queue", queueLines, sqsError, sendRefusal)

	tested := func(lines []line, code string) bool {
		for _, l := range lines {
			if strings.TrimSuffix(l.code, "Exception") == code {
				return true
			}
		}
		return false
	}
	mailCodes, pushCodes, queueCodes := sender.OutcomeCodes()
	for name, table := range map[string]struct {
		lines []line
		codes []string
	}{"mail": {mailLines, mailCodes}, "push": {pushLines, pushCodes}, "queue": {queueLines, queueCodes}} {
		for _, code := range table.codes {
			if code != "InvalidParameter.TargetArn" && !tested(table.lines, code) {
				t.Errorf("the table of %s has %s, which this test has not", name, code)
			}
		}
	}
}

func sendMail(t *testing.T, base string) error {
	mailer := sender.NewSES(sesClient(base, 1), mailConfig)
	mailer.SetWithin(time.Second)
	_, err := mailer.SendMail(t.Context(), mail)
	return err
}

func sendPush(t *testing.T, base string) error {
	pusher := sender.NewSNS(snsClient(base, 1), applications)
	pusher.SetWithin(time.Second)
	_, err := pusher.Push(t.Context(), device, push)
	return err
}

func sendRefusal(t *testing.T, base string) error {
	queue := sender.NewQueue(sqsClient(base, 1), base+"/123456789012/refusals")
	queue.SetWithin(time.Second)
	return queue.Refuse(t.Context(), refused)
}

// senders are the three, each with a service that cannot be had.
var senders = map[string]func(t *testing.T, base string) error{"mail": sendMail, "push": sendPush, "queue": sendRefusal}

// TestFaultsOfTheRoadMayGoAway sends to services that are not there, cut the connection, or answer what is no answer: none of it
// is for good, none tells what was sent, though the garbage quotes it.
func TestFaultsOfTheRoadMayGoAway(t *testing.T) {
	html := "<html><body>502 Bad Gateway " + plantedAddress + plantedToken + plantedText + "</body></html>"
	write := func(status int, contentType, body string) func(w http.ResponseWriter, _ int, _ request) {
		return func(w http.ResponseWriter, _ int, _ request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("X-Amzn-Requestid", plantedToken)
			w.WriteHeader(status)
			w.Write([]byte(body))
		}
	}
	echo := func(status int) func(w http.ResponseWriter, _ int, r request) {
		return func(w http.ResponseWriter, _ int, r request) {
			w.Header().Set("X-Amzn-Errortype", plantedToken)
			w.WriteHeader(status)
			w.Write([]byte(r.body))
		}
	}
	raw := func(text string) func(w http.ResponseWriter, _ int, _ request) {
		return func(w http.ResponseWriter, _ int, _ request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer conn.Close()
			conn.Write([]byte(text))
		}
	}
	faults := map[string]func(w http.ResponseWriter, _ int, _ request){
		"HTML with 200":       write(http.StatusOK, "text/html", html),
		"HTML with 400":       write(http.StatusBadRequest, "text/html", html),
		"HTML with 502":       write(http.StatusBadGateway, "text/html", html),
		"nothing with 200":    write(http.StatusOK, "application/json", ""),
		"nothing with 500":    write(http.StatusInternalServerError, "application/json", ""),
		"an empty object":     write(http.StatusOK, "application/json", "{}"),
		"an empty element":    write(http.StatusOK, "text/xml", "<PublishResponse><PublishResult></PublishResult></PublishResponse>"),
		"another object":      write(http.StatusOK, "application/json", `{"`+plantedToken+`":["`+plantedText+`"],"MessageId":7}`),
		"an echo with 200":    echo(http.StatusOK),
		"an echo with 400":    echo(http.StatusBadRequest),
		"an echo with 503":    echo(http.StatusServiceUnavailable),
		"a cut connection":    raw(""),
		"a cut answer":        raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"MessageId\": \"" + plantedText),
		"a line that is none": raw(plantedToken + " " + plantedAddress + "\r\n\r\n"),
	}
	for fault, answer := range faults {
		for name, send := range senders {
			t.Run(fault+" for "+name, func(t *testing.T) {
				service := serve(t, answer)
				wantPassing(t, send(t, service.url))
			})
		}
	}
	t.Run("another checksum for queue", func(t *testing.T) {
		service := serve(t, write(http.StatusOK, "application/json", `{"MessageId":"q-1","MD5OfMessageBody":"d41d8cd98f00b204e9800998ecf8427e"}`))
		wantPassing(t, sendRefusal(t, service.url))
	})
	for name, send := range senders {
		t.Run("nobody there for "+name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			base := "http://" + listener.Addr().String()
			listener.Close()
			err = send(t, base)
			wantPassing(t, err)
			if !strings.Contains(err.Error(), "connection refused") {
				t.Errorf("the error does not say that the connection was refused: %v", err)
			}
		})
		t.Run("no such host for "+name, func(t *testing.T) {
			wantPassing(t, send(t, "http://nowhere.invalid"))
		})
	}
}

func wantPassing(t *testing.T, err error) {
	t.Helper()
	wantSafe(t, err)
	if errors.Is(err, delivery.ErrRefused) || errors.Is(err, delivery.ErrEndpointGone) {
		t.Errorf("the failure is for good: %v", err)
	}
}

func TestCallsEndInTime(t *testing.T) {
	hang := make(chan struct{})
	slow := serve(t, func(http.ResponseWriter, int, request) { <-hang })
	t.Cleanup(func() { close(hang) }) // before the server is closed, which waits for its calls
	const limit = 50 * time.Millisecond
	mailer := sender.NewSES(sesClient(slow.url, 4), mailConfig)
	mailer.SetWithin(limit)
	pusher := sender.NewSNS(snsClient(slow.url, 4), applications)
	pusher.SetWithin(limit)
	queue := sender.NewQueue(sqsClient(slow.url, 4), slow.url+"/123456789012/refusals")
	queue.SetWithin(limit)
	for name, call := range map[string]func(ctx context.Context) error{
		"mail":  func(ctx context.Context) error { _, err := mailer.SendMail(ctx, mail); return err },
		"push":  func(ctx context.Context) error { _, err := pusher.Push(ctx, device, push); return err },
		"queue": func(ctx context.Context) error { return queue.Refuse(ctx, refused) },
		"endpoint": func(ctx context.Context) error {
			_, err := pusher.RegisterEndpoint(ctx, roster.PlatformFCM, plantedToken, "")
			return err
		},
	} {
		t.Run(name+" slow", func(t *testing.T) {
			err := call(t.Context())
			wantPassing(t, err)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer in time") {
				t.Errorf("the call = %v, want %v", err, context.DeadlineExceeded)
			}
		})
		t.Run(name+" given up", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := call(ctx)
			wantPassing(t, err)
			if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the call = %v, want %v", err, context.Canceled)
			}
		})
	}
}

// TestFailuresInPassingAreTriedAgain is about the client's own tries: they must not be in the way of an error's meaning.
func TestFailuresInPassingAreTriedAgain(t *testing.T) {
	busy := serve(t, func(w http.ResponseWriter, call int, _ request) {
		if call < 2 {
			sesError(w, http.StatusTooManyRequests, "TooManyRequestsException", "Maximum sending rate exceeded.")
			return
		}
		answerJSON(w, http.StatusOK, map[string]string{"MessageId": "0107-1"})
	})
	if id, err := sender.NewSES(sesClient(busy.url, 4), mailConfig).SendMail(t.Context(), mail); err != nil || id != "0107-1" || len(busy.calls()) != 3 {
		t.Errorf("SendMail = %q, %v after %d calls, want success after 3", id, err, len(busy.calls()))
	}
	rejecting := serve(t, func(w http.ResponseWriter, _ int, _ request) {
		sesError(w, http.StatusBadRequest, "MessageRejected", "")
	})
	if _, err := sender.NewSES(sesClient(rejecting.url, 4), mailConfig).SendMail(t.Context(), mail); !errors.Is(err, delivery.ErrRefused) || len(rejecting.calls()) != 1 {
		t.Errorf("SendMail = %v after %d calls, want a refusal after 1", err, len(rejecting.calls()))
	}
	down := serve(t, func(w http.ResponseWriter, _ int, _ request) {
		snsError(w, http.StatusServiceUnavailable, "ServiceUnavailable", "")
	})
	_, err := sender.NewSNS(snsClient(down.url, 4), applications).Push(t.Context(), device, push)
	wantPassing(t, err)
	if len(down.calls()) != 4 {
		t.Errorf("Push made %d calls, want 4", len(down.calls()))
	}
}
