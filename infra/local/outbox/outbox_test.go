package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// bench is an Outbox that is served, and the clients of the services that it stands for.
type bench struct {
	*Outbox
	url string
	ses *sesv2.Client
	sns *sns.Client
	sqs *sqs.Client
}

// serve serves an Outbox until the test ends.
func serve(t *testing.T, c Config) *bench {
	t.Helper()
	o, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(o)
	t.Cleanup(func() {
		o.EndUpdates()
		server.Close()
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	who := credentials.NewStaticCredentialsProvider("roster", "local", "")
	return &bench{
		Outbox: o, url: server.URL,
		ses: sesv2.New(sesv2.Options{Region: "local", BaseEndpoint: aws.String(server.URL + SESPath), Credentials: who, RetryMaxAttempts: 1}),
		sns: sns.New(sns.Options{Region: "local", BaseEndpoint: aws.String(server.URL + SNSPath), Credentials: who, RetryMaxAttempts: 1}),
		sqs: sqs.New(sqs.Options{Region: "local", BaseEndpoint: aws.String(server.URL + SQSPath), Credentials: who, RetryMaxAttempts: 1}),
	}
}

// get asks for a path and returns the answer with its body.
func (b *bench) get(t *testing.T, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	return b.send(t, http.MethodGet, path, "", headers...)
}

func (b *bench) send(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// sent returns what the JSON for scripts has, newest first.
func (b *bench) sent(t *testing.T, query string) []Message {
	t.Helper()
	_, body := b.get(t, PagePath+".json"+query)
	var answer struct{ Messages []Message }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return answer.Messages
}

// wantCode checks that an error of a client is that of the service, as the client knows it by its type, and returns its message.
func wantCode[E error](t *testing.T, what string, err error, code string) string {
	t.Helper()
	var typed E
	var general smithy.APIError
	if !errors.As(err, &typed) || !errors.As(err, &general) || general.ErrorCode() != code {
		t.Errorf("%s: %v (%T), want %s as %T", what, err, err, code, typed)
		return ""
	}
	return general.ErrorMessage()
}

func TestOnlyThisMachineIsServed(t *testing.T) {
	b := serve(t, Config{Address: "roster.test"})
	port := strings.TrimPrefix(b.url, "http://127.0.0.1")
	for _, test := range []struct {
		name    string
		method  string
		path    string
		headers []string
		want    int
	}{
		{"by address", "GET", PagePath, nil, 200},
		{"by name", "GET", PagePath, []string{"Host", "localhost" + port}, 200},
		{"by name in capitals", "GET", PagePath, []string{"Host", "LOCALHOST" + port}, 200},
		{"by IPv6 address", "GET", PagePath, []string{"Host", "[::1]" + port}, 200},
		{"by the address to listen at", "GET", PagePath, []string{"Host", "roster.test" + port}, 200},
		{"name that leads here", "GET", PagePath, []string{"Host", "evil.example" + port}, 403},
		{"name that begins well", "GET", PagePath + ".json", []string{"Host", "127.0.0.1.evil.example"}, 403},
		{"link of another page", "GET", PagePath, []string{"Sec-Fetch-Site", "cross-site"}, 200}, // which cannot read it
		{"form of another page", "POST", SNSPath, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"form of another page, old browser", "POST", SESPath + "/v2/email/outbound-emails", []string{"Origin", "https://evil.example"}, 403},
		{"client of a service", "POST", SESPath + "/v2/email/outbound-emails", []string{"Host", "evil.example"}, 403},
	} {
		response, body := b.send(t, test.method, test.path, "", test.headers...)
		if response.StatusCode != test.want {
			t.Errorf("%s: %d %s, want %d", test.name, response.StatusCode, body, test.want)
		}
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", test.name, name, got, want)
			}
		}
	}
	for remote, want := range map[string]int{"127.0.0.1:5": 200, "[::1]:5": 200, "192.0.2.7:5": 403} {
		request, answer := httptest.NewRequest("GET", "http://localhost"+PagePath, nil), httptest.NewRecorder()
		request.RemoteAddr = remote
		if b.ServeHTTP(answer, request); answer.Code != want {
			t.Errorf("a request from %s to localhost: %d, want %d", remote, answer.Code, want)
		}
	}
}

func TestUnsignedCallsAreRefused(t *testing.T) {
	b := serve(t, Config{})
	for path, want := range map[string]string{SESPath + "/v2/email/outbound-emails": "Missing Authentication Token", SNSPath + "/": "MissingAuthenticationToken", SQSPath + "/": "MissingAuthenticationToken"} {
		if response, body := b.send(t, "POST", path, "{}"); response.StatusCode != http.StatusForbidden || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
	if left := b.sent(t, ""); len(left) > 0 {
		t.Errorf("kept: %+v", left)
	}
}

func TestWhatWasSentOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var arn string
	for round := range 3 {
		var reported []string
		o, err := New(Config{Dir: dir, Now: func() time.Time { return now }, Report: func(line string) { reported = append(reported, line) }})
		if err != nil {
			t.Fatal(err)
		}
		if kept := o.store.all(); len(kept) != 2*round || round > 0 && (kept[0].ID != 1 || kept[0].Mail.Subject != "first" || !kept[0].At.Equal(now)) {
			t.Fatalf("round %d begins with %+v", round, kept)
		}
		if _, there := o.endpoints.get(arn); there != (round > 0) {
			t.Errorf("round %d: the endpoint is there: %v", round, there)
		}
		if visible, _ := o.queue.count(now); visible != round {
			t.Errorf("round %d: %d messages are in the queue", round, visible)
		}
		if (len(reported) > 0) != (round == 2) {
			t.Errorf("round %d: reported %q", round, reported)
		}
		o.store.add(Message{Kind: "mail", MessageID: "m", Mail: &Mail{Subject: "first", HTML: "<p>&</p>"}})
		o.store.add(Message{Kind: "refusal", MessageID: "r", Refusal: &Refusal{Body: "{}"}})
		var problem *snsError
		if arn, problem = o.endpoints.create(ApplicationFCM, "token", nil); problem != nil {
			t.Fatal(problem.message)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		if round == 1 { // a run that was cut short
			appendTo(t, dir+"/outbox.jsonl", `{"id":5,"kind":"mail","ma`)
		}
	}
	for _, name := range []string{"outbox.jsonl", "endpoints.json"} {
		wantPrivate(t, dir+"/"+name)
	}
}

func TestOnlyTheNewestAreKept(t *testing.T) {
	dir := t.TempDir()
	o, err := New(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for range 2*maxMessages + 10 {
		o.store.add(Message{Kind: "mail", Mail: &Mail{Subject: "x"}})
	}
	if kept := o.store.all(); len(kept) != maxMessages || kept[0].ID != maxMessages+11 {
		t.Errorf("%d messages are kept, from %d on", len(kept), kept[0].ID)
	}
	if _, found := o.store.get(maxMessages + 10); found {
		t.Error("a message that is too old is found")
	}
	if lines := linesOf(t, dir+"/outbox.jsonl"); lines > 2*maxMessages {
		t.Errorf("the file has %d lines", lines)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	// What is too large goes before what is too many.
	s, err := openStore(Config{Now: time.Now, Report: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		s.add(Message{Kind: "mail", Mail: &Mail{Text: strings.Repeat("x", maxBytes/4)}})
	}
	if kept := s.all(); len(kept) != 3 || s.bytes > maxBytes {
		t.Errorf("%d messages of %d bytes are kept", len(kept), s.bytes)
	}
}

func TestFilesThatCannotBeUsedAreSaid(t *testing.T) {
	dir := t.TempDir()
	appendTo(t, dir+"/endpoints.json", "{")
	if _, err := New(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "endpoints.json is damaged") {
		t.Errorf("damaged endpoints: %v", err)
	}
	if _, err := New(Config{Dir: dir + "/nowhere"}); err == nil {
		t.Error("a folder that is not there is used")
	}
	var reported []string
	o, err := New(Config{Dir: t.TempDir(), Report: func(line string) { reported = append(reported, line) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.store.file.Close(); err != nil {
		t.Fatal(err)
	}
	o.store.add(Message{Kind: "mail", Mail: &Mail{Subject: "kept all the same"}})
	if len(reported) != 1 || len(o.store.all()) != 1 {
		t.Errorf("reported %q, kept %d", reported, len(o.store.all()))
	}
}

func TestCloseWaitsForFeedback(t *testing.T) {
	began, ended := make(chan struct{}), false
	o, err := New(Config{Feedback: func(ctx context.Context, _ []byte) {
		close(began)
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond)
		ended = true
	}})
	if err != nil {
		t.Fatal(err)
	}
	mail := Message{Mail: &Mail{To: []string{"bounce@simulator.amazonses.com"}, Fate: fateBounce, ConfigurationSet: ConfigurationSet}}
	o.tellFate(mail)
	<-began
	if err := o.Close(); err != nil || !ended {
		t.Errorf("Close = %v, the feedback has ended: %v", err, ended)
	}
	o.tellFate(mail) // would close a channel twice
}
