package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/rosterhq/roster/infra/local/outbox"
	"github.com/rosterhq/roster/infra/local/stream"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/bounces"
	"github.com/rosterhq/roster/internal/app/courier"
	"github.com/rosterhq/roster/internal/app/invitations"
	"github.com/rosterhq/roster/internal/app/notifications"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// lockedLog keeps log lines of functions that write at the same time.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *lockedLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// String returns all lines so far.
func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// postOffice is a house with the functions that send messages, the services that they send through, and the stream between them.
type postOffice struct {
	*house
	invitations   lambdaio.Handler
	notifications lambdaio.Handler
	courier       lambdaio.StreamHandler
	bounces       lambdaio.TopicHandler

	services *httptest.Server
	events   chan []byte // what SES tells of mails, as a topic hands it over
	poller   *stream.Poller
	given    []string // what the poller could not deliver
	read     int64    // the newest message of the outbox that was taken
	secrets  []string // what must be in no log
}

func openPostOffice(t *testing.T) *postOffice {
	t.Helper()
	p := &postOffice{events: make(chan []byte, 10), secrets: []string{password, "argon2id"}}
	services, err := outbox.New(outbox.Config{Feedback: func(_ context.Context, message []byte) {
		event, err := outbox.TopicEvent("MailFeedback", message, time.Now())
		if err != nil {
			t.Error(err)
		}
		p.events <- event
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.services = httptest.NewServer(services)
	t.Cleanup(func() {
		p.services.Close()
		if err := services.Close(); err != nil {
			t.Error(err)
		}
	})
	p.house = buildOn(t, time.Now, rostertest.CreateTableWithStream(t),
		"ROSTER_LOG_LEVEL", "DEBUG",
		"ROSTER_MAIL_FROM", "Roster <no-reply@roster.example>", "ROSTER_LINK_BASE", "https://roster.example", "ROSTER_MAIL_CONFIGURATION_SET", outbox.ConfigurationSet,
		"ROSTER_PUSH_FCM", outbox.ApplicationFCM, "ROSTER_PUSH_APNS", outbox.ApplicationAPNS, "ROSTER_REFUSALS_QUEUE", p.services.URL+outbox.QueuePath,
		"ROSTER_SES_ENDPOINT", p.services.URL+outbox.SESPath, "ROSTER_SNS_ENDPOINT", p.services.URL+outbox.SNSPath, "ROSTER_SQS_ENDPOINT", p.services.URL+outbox.SQSPath,
	)
	for _, err := range []error{
		construct(t, invitations.New, p.env, &p.invitations), construct(t, notifications.New, p.env, &p.notifications),
		construct(t, courier.New, p.env, &p.courier), construct(t, bounces.New, p.env, &p.bounces),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p.poller = p.pollerOf(t, "CourierFunction", p.courier)
	t.Cleanup(func() {
		if !strings.Contains(p.log.String(), `"level":"DEBUG"`) && !strings.Contains(p.log.String(), `"level":"INFO"`) || len(p.secrets) < 3 {
			t.Errorf("nothing was logged, or nothing was secret: %d secrets,\n%s", len(p.secrets), p.log)
		}
		for _, secret := range p.secrets {
			if strings.Contains(p.log.String(), secret) {
				t.Errorf("the secret %q is in the log:\n%s", secret, p.log)
			}
		}
	})
	return p
}

// construct calls a function's constructor.
func construct[H any](t *testing.T, constructor func(context.Context, app.Environment) (H, error), env app.Environment, to *H) error {
	t.Helper()
	var err error
	*to, err = constructor(t.Context(), env)
	return err
}

// pollerOf returns what gives the stream of the table to a function as the template says.
func (p *postOffice) pollerOf(t *testing.T, logicalID string, to stream.Function) *stream.Poller {
	t.Helper()
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(template.Streams, func(s samtemplate.Stream) bool { return s.Function == logicalID })
	if i < 0 {
		t.Fatalf("template.yaml gives no stream to %s", logicalID)
	}
	return p.pollerWith(t, to, template.Streams[i], template.Streams[i].Filters)
}

// pollerWith is pollerOf with other filters than those of the mapping.
func (p *postOffice) pollerWith(t *testing.T, to stream.Function, mapping samtemplate.Stream, filters []json.RawMessage) *stream.Poller {
	t.Helper()
	table, err := rostertest.Client(t).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &p.config.Table})
	if err != nil {
		t.Fatal(err)
	}
	poller, err := stream.New(stream.Config{
		API: dynamodbstreams.New(dynamodbstreams.Options{
			Region: "local", BaseEndpoint: aws.String(rostertest.Endpoint(t)), Credentials: credentials.NewStaticCredentialsProvider("roster", "local", ""),
		}),
		Stream: *table.Table.LatestStreamArn, Function: to, BatchSize: int32(mapping.BatchSize), MaxRetries: 0, // a failure is one of the test
		Bisect: mapping.Bisect, PartialFailures: mapping.PartialFailures, Filters: filters,
		Pause:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Report: func(line string) { p.given = append(p.given, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return poller
}

// deliver has the courier send all that is recorded, and returns what the services took, in order.
func (p *postOffice) deliver(t *testing.T) []outbox.Message {
	t.Helper()
	for {
		read, err := p.poller.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if read == 0 {
			break
		}
	}
	if len(p.given) > 0 {
		t.Fatalf("the courier failed: %q\n%s", p.given, p.log)
	}
	response, err := http.Get(p.services.URL + outbox.PagePath + ".json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var box struct{ Messages []outbox.Message }
	if err := json.NewDecoder(response.Body).Decode(&box); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(box.Messages)
	var fresh []outbox.Message
	for _, m := range box.Messages {
		if m.ID > p.read {
			fresh = append(fresh, m)
			p.read = m.ID
		}
		switch {
		case m.Mail != nil:
			p.secrets = append(p.secrets, m.Mail.Subject, m.Mail.To[0], tokenOf(t, m))
			p.secrets = append(p.secrets, lines(m.Mail.Text)...)
			p.secrets = append(p.secrets, lines(m.Mail.HTML)...)
		case m.Push != nil:
			p.secrets = append(p.secrets, m.Push.Token, m.Push.Title, m.Push.Body)
		}
	}
	return fresh
}

// lines returns the lines of a text that say something of their own, as a log in JSON would hold them.
func lines(text string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); len(line) >= 20 {
			var quoted strings.Builder
			encoder := json.NewEncoder(&quoted)
			encoder.SetEscapeHTML(false) // as package slog has it
			if err := encoder.Encode(line); err != nil {
				panic(err)
			}
			found = append(found, strings.Trim(strings.TrimSpace(quoted.String()), `"`))
		}
	}
	return found
}

// mail has the courier send all that is recorded, which must be one mail to that address, and returns its token.
func (p *postOffice) mail(t *testing.T, to string) string {
	t.Helper()
	sent := p.deliver(t)
	if len(sent) != 1 || sent[0].Mail == nil || !slices.Equal(sent[0].Mail.To, []string{to}) || sent[0].Mail.From != "Roster <no-reply@roster.example>" && sent[0].Mail.From != `"Roster" <no-reply@roster.example>` {
		t.Fatalf("%+v was sent, want one mail to %s\n%s", sent, to, p.log)
	}
	return tokenOf(t, sent[0])
}

// tokenOf returns the token of the link in a mail.
func tokenOf(t *testing.T, m outbox.Message) string {
	t.Helper()
	token, ok := strings.CutPrefix(m.Mail.Link, "https://roster.example/invitations/")
	if _, valid := roster.ParseLinkToken(token); !ok || !valid {
		t.Fatalf("the mail's link is %q", m.Mail.Link)
	}
	return token
}

// follow sends a sample of the page with a token in the sample's place, and the pairs of texts in the body replaced.
func (p *postOffice) follow(t *testing.T, file, token string, replace ...string) lambdaio.Response {
	t.Helper()
	text := string(sample(t, file))
	var event struct{ PathParameters map[string]string }
	if err := json.Unmarshal([]byte(text), &event); err != nil || event.PathParameters["token"] == "" {
		t.Fatalf("%s: %v", file, err)
	}
	return invoke(t, p.invitations, strings.NewReplacer(append([]string{event.PathParameters["token"], token}, replace...)...).Replace(text))
}

// grant is an answer of the token endpoint.
type grant struct {
	Status       int
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Error        string `json:"error"`
}

// login asks for the tokens of a user, or with a refresh token in the place of the password for new ones.
func (p *postOffice) login(t *testing.T, form url.Values) grant {
	t.Helper()
	var event lambdaio.Request
	if err := json.Unmarshal(sample(t, "tokens-user-credentials.json"), &event); err != nil {
		t.Fatal(err)
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(string(p.tenant.Client.ID)+":"+p.clientSecret))
	event.MultiValueHeaders["Authorization"], event.Headers["Authorization"] = []string{basic}, basic
	event.Body = form.Encode()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	response := invoke(t, p.tokens, string(payload))
	g := grant{Status: response.StatusCode}
	if err := json.Unmarshal([]byte(response.Body), &g); err != nil {
		t.Fatalf("%d %s: %v", response.StatusCode, response.Body, err)
	}
	for _, secret := range []string{g.AccessToken, g.RefreshToken, form.Get("password")} {
		if secret != "" {
			p.secrets = append(p.secrets, secret)
		}
	}
	return g
}

func (p *postOffice) loginAs(t *testing.T, email, password string) grant {
	t.Helper()
	return p.login(t, url.Values{"grant_type": {"user_credentials"}, "username": {email}, "password": {password}})
}

func (p *postOffice) refresh(t *testing.T, g grant) grant {
	t.Helper()
	return p.login(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken}})
}

// want fails the test unless the answer has that status and holds that text.
func want(t *testing.T, what string, response lambdaio.Response, status int, has string) {
	t.Helper()
	if response.StatusCode != status || !strings.Contains(response.Body, has) {
		t.Fatalf("%s: %d %s, want %d with %s", what, response.StatusCode, response.Body, status, has)
	}
}

func TestFromInvitationToLogin(t *testing.T) {
	p := openPostOffice(t)
	token := p.token(t, "tokens-client-credentials.json")
	p.secrets = append(p.secrets, "a chosen password", "a+chosen+password")
	invite := func(change func(*lambdaio.Request)) lambdaio.Response {
		return p.askOf(t, p.invitations, "invitations-invite.json", token, func(e *lambdaio.Request) {
			p.about(0, "")(e)
			if change != nil {
				change(e)
			}
		})
	}
	want(t, "invite", invite(nil), http.StatusCreated, `"status":"Pending"`)
	want(t, "invite once more under the same key", invite(nil), http.StatusCreated, `"status":"Pending"`)
	first := p.mail(t, "nina.berg@example.com")
	want(t, "list", p.askOf(t, p.invitations, "invitations-list.json", token, func(e *lambdaio.Request) {
		e.MultiValueQueryStringParameters["orgId"] = []string{p.tenant.Organization.ID.String()}
	}), http.StatusOK, `"delivery":"sent"`)

	want(t, "invite again", invite(func(e *lambdaio.Request) {
		delete(e.MultiValueHeaders, "Idempotency-Key")
		delete(e.Headers, "Idempotency-Key")
	}), http.StatusCreated, `"status":"Pending"`)
	second := p.mail(t, "nina.berg@example.com")
	want(t, "the page of the older link", p.follow(t, "invitations-page.json", first), http.StatusNotFound, "<html")
	if g := p.loginAs(t, "nina.berg@example.com", "a chosen password"); g.Status != http.StatusBadRequest {
		t.Fatalf("before accepting, the login is answered %+v", g)
	}
	page := p.follow(t, "invitations-page.json", second)
	want(t, "the page", page, http.StatusOK, `lang="de"`)
	if policy := page.MultiValueHeaders["Referrer-Policy"]; !slices.Equal(policy, []string{"no-referrer"}) {
		t.Errorf("the page has the Referrer-Policy %q", policy)
	}
	want(t, "the form", p.follow(t, "invitations-accept-form.json", second), http.StatusOK, "<html")
	g := p.loginAs(t, "nina.berg@example.com", "a chosen password")
	if g.Status != http.StatusOK {
		t.Fatalf("after accepting, the login is answered %+v", g)
	}
	profile := p.ask(t, "organization-profile.json", g.AccessToken, nil)
	want(t, "her profile", profile, http.StatusOK, `"status":"Active"`)
	// The link is used up, for programs, for people and for those who never had it.
	want(t, "the form again", p.follow(t, "invitations-accept-form.json", second), http.StatusNotFound, "<html")
	want(t, "a program", p.follow(t, "invitations-accept-json.json", second, "a chosen password", "another choice"), http.StatusNotFound, `"message":"this link is not valid, or not valid any more"`)
	want(t, "the sample's own token", invoke(t, p.invitations, string(sample(t, "invitations-page.json"))), http.StatusNotFound, "<html")
	if again := p.loginAs(t, "nina.berg@example.com", "a chosen password"); again.Status != http.StatusOK {
		t.Errorf("the login is answered %+v", again)
	}
	if sent := p.deliver(t); len(sent) != 0 {
		t.Errorf("%+v was sent for nothing", sent)
	}
}

func TestFromSignUpToLogin(t *testing.T) {
	p := openPostOffice(t)
	token := p.token(t, "tokens-client-credentials.json")
	register := func(email string) {
		t.Helper()
		response := p.askOf(t, p.invitations, "invitations-register.json", token, func(e *lambdaio.Request) {
			e.Body = strings.ReplaceAll(e.Body, "olaf.ek@example.com", email)
		})
		want(t, "register", response, http.StatusNoContent, "")
		for name := range response.MultiValueHeaders {
			if strings.EqualFold(name, "Server-Timing") {
				t.Errorf("the answer says what it cost")
			}
		}
	}
	register("ada@example.com") // has an account
	if sent := p.deliver(t); len(sent) != 0 {
		t.Fatalf("%+v was sent to somebody who has an account", sent)
	}
	register("olaf.ek@example.com")
	link := p.mail(t, "olaf.ek@example.com")
	accepted := p.follow(t, "invitations-accept-json.json", link, "Nina Berg", "Olaf Ek")
	want(t, "signing up", accepted, http.StatusOK, `"email":"olaf.ek@example.com"`)
	g := p.loginAs(t, "olaf.ek@example.com", "a chosen password")
	if g.Status != http.StatusOK {
		t.Fatalf("the login is answered %+v", g)
	}
	profile := p.ask(t, "organization-profile.json", g.AccessToken, nil)
	want(t, "his profile", profile, http.StatusOK, `"name":"Admin"`)
	if strings.Contains(profile.Body, `"orgName":"Acme"`) {
		t.Errorf("he is in the organization that he signed up with: %s", profile.Body)
	}
	want(t, "again", p.follow(t, "invitations-accept-json.json", link), http.StatusNotFound, "not valid")
}

func TestANewPasswordEndsRefreshTokens(t *testing.T) {
	p := openPostOffice(t)
	client := p.token(t, "tokens-client-credentials.json")
	before := p.loginAs(t, "ada@example.com", password)
	if again := p.refresh(t, before); again.Status != http.StatusOK {
		t.Fatalf("a refresh token is answered %+v", again)
	}
	before = p.loginAs(t, "ada@example.com", password)
	time.Sleep(2 * time.Millisecond) // what is as old as the password stands
	want(t, "reset", p.askOf(t, p.invitations, "invitations-reset-password.json", client, nil), http.StatusNoContent, "")
	link := p.mail(t, "ada@example.com")
	want(t, "a short password", p.follow(t, "invitations-accept-json.json", link, "a chosen password", "short"), http.StatusBadRequest, "password must have 8 to 128 characters")
	want(t, "the new password", p.follow(t, "invitations-accept-json.json", link), http.StatusOK, `"status":"Active"`)
	if g := p.refresh(t, before); g.Status != http.StatusBadRequest || g.Error != "invalid_grant" {
		t.Errorf("a refresh token of before is answered %+v, want invalid_grant", g)
	}
	if g := p.loginAs(t, "ada@example.com", password); g.Status != http.StatusBadRequest {
		t.Errorf("the old password is answered %+v", g)
	}
	between := p.loginAs(t, "ada@example.com", "a chosen password")
	if between.Status != http.StatusOK {
		t.Fatalf("the new password is answered %+v", between)
	}
	// And now by herself.
	time.Sleep(2 * time.Millisecond)
	p.secrets = append(p.secrets, "another sample password")
	change := func(old string) lambdaio.Response {
		return p.askOf(t, p.invitations, "invitations-change-password.json", between.AccessToken, func(e *lambdaio.Request) {
			e.Body = strings.ReplaceAll(e.Body, `"a sample password"`, `"`+old+`"`)
		})
	}
	want(t, "a wrong old password", change("a guessed password"), http.StatusBadRequest, "oldPassword is not your password")
	want(t, "her own password", change("a chosen password"), http.StatusNoContent, "")
	if g := p.refresh(t, between); g.Status != http.StatusBadRequest || g.Error != "invalid_grant" {
		t.Errorf("a refresh token of before is answered %+v, want invalid_grant", g)
	}
	if g := p.loginAs(t, "ada@example.com", "another sample password"); g.Status != http.StatusOK {
		t.Errorf("the login is answered %+v", g)
	}
}

func TestFromPushToDevice(t *testing.T) {
	p := openPostOffice(t)
	client, ada := p.token(t, "tokens-client-credentials.json"), p.loginAs(t, "ada@example.com", password)
	send := func(key string) lambdaio.Response {
		return p.askOf(t, p.notifications, "notifications-send.json", client, func(e *lambdaio.Request) {
			p.about(p.tenant.Admin.ID, "")(e)
			e.MultiValueHeaders["Idempotency-Key"] = []string{key}
		})
	}
	want(t, "to a user without devices", send("first"), http.StatusNoContent, "")
	if sent := p.deliver(t); len(sent) != 0 {
		t.Fatalf("%+v was sent to nothing", sent)
	}
	for _, file := range []string{"notifications-register-device.json", "notifications-register-device-apns.json", "notifications-register-device.json"} {
		want(t, file, p.askOf(t, p.notifications, file, ada.AccessToken, nil), http.StatusNoContent, "")
	}
	want(t, "a device of a program", p.askOf(t, p.notifications, "notifications-register-device.json", client, nil), http.StatusForbidden, "a user")
	for range 2 {
		want(t, "to two devices", send("second"), http.StatusNoContent, "")
	}
	sent := p.deliver(t)
	var devices []string
	for _, m := range sent {
		if m.Push == nil || m.Push.Title != "Device Alert" || m.Push.Body != "The freezer in hall 3 is above −10 °C" {
			t.Errorf("%+v was sent", m)
			continue
		}
		devices = append(devices, m.Push.Platform+" "+m.Push.Token)
	}
	slices.Sort(devices)
	if wanted := []string{"APNS 740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad", "GCM fGx8Q2mVTkS0sample:APA91bHun4MxP5egoKMwt2KZFBaFUHsample"}; !slices.Equal(devices, wanted) {
		t.Errorf("sent to %q, want %q, each once", devices, wanted)
	}
}

func TestMailThatComesBackIsMarked(t *testing.T) {
	p := openPostOffice(t)
	token := p.token(t, "tokens-client-credentials.json")
	for address, marks := range map[string]struct{ user, delivery string }{
		"bounce@simulator.amazonses.com":    {`"emailBounced":true`, `"delivery":"bounced"`},
		"complaint@simulator.amazonses.com": {`"emailComplained":true`, `"delivery":"complained"`},
	} {
		invited := p.askOf(t, p.invitations, "invitations-invite.json", token, func(e *lambdaio.Request) {
			p.about(0, "")(e)
			e.Body = strings.ReplaceAll(e.Body, "nina.berg@example.com", address)
			e.MultiValueHeaders["Idempotency-Key"] = []string{address}
		})
		want(t, address, invited, http.StatusCreated, address)
		var user struct{ ID roster.UserID }
		if err := json.Unmarshal([]byte(invited.Body), &user); err != nil {
			t.Fatal(err)
		}
		p.mail(t, address)
		event := <-p.events
		for range 2 { // at least once
			if output, err := p.bounces.Invoke(t.Context(), event); err != nil || string(output) != "null" {
				t.Fatalf("%s: %s, %v\n%s", address, output, err, p.log)
			}
		}
		want(t, address, p.ask(t, "organization-user.json", token, p.about(user.ID, "")), http.StatusOK, marks.user)
		want(t, address, p.askOf(t, p.invitations, "invitations-list.json", token, func(e *lambdaio.Request) {
			e.MultiValueQueryStringParameters["orgId"] = []string{p.tenant.Organization.ID.String()}
		}), http.StatusOK, marks.delivery)
	}
}

// TestWhatIsRefusedForGoodIsToldOnce plants an address that the mail service does not understand: it holds up nothing, and the queue is
// told of it.
func TestWhatIsRefusedForGoodIsToldOnce(t *testing.T) {
	p := openPostOffice(t)
	table := p.config.NewTable(time.Now, nil)
	refused := roster.Invitation{
		Tenant: p.tenant.Organization.Tenant, Purpose: roster.PurposeSignUp, Path: p.tenant.Organization.Path, Email: "two@@example.com",
		ValidUntil: time.Now().Add(time.Hour),
	}
	if err := table.PutInvitation(t.Context(), &refused, nil, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	client := p.token(t, "tokens-client-credentials.json")
	want(t, "reset", p.askOf(t, p.invitations, "invitations-reset-password.json", client, nil), http.StatusNoContent, "")
	var kinds []string
	for range 2 {
		for _, m := range p.deliver(t) {
			kinds = append(kinds, m.Kind)
			if m.Refusal != nil && (!strings.Contains(m.Refusal.Body, `"kind":"sign-up"`) || strings.Contains(m.Refusal.Body, "@")) {
				t.Errorf("the queue is told %s", m.Refusal.Body)
			}
		}
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, []string{"mail", "refusal"}) {
		t.Errorf("the services took %q, want a mail and a refusal", kinds)
	}
	marked, err := table.Invitation(t.Context(), refused.Ref())
	if err != nil || marked.Delivery != roster.DeliveryRefused || marked.Reason == "" {
		t.Errorf("the invitation is %+v, %v; want it refused, for a reason", marked, err)
	}
}

// TestSamplesOfMessagesThatAreGone gives the samples to the functions on a table that has nothing of what they tell.
func TestSamplesOfMessagesThatAreGone(t *testing.T) {
	p := openPostOffice(t)
	p.secrets = append(p.secrets, "freezer", "zoe.lind", "example.com")
	for range 2 {
		output, err := p.courier.Invoke(t.Context(), sample(t, "courier-invitation-and-notification.json"))
		if err != nil || string(output) != `{"batchItemFailures":[]}` {
			t.Errorf("the courier answers %s, %v\n%s", output, err, p.log)
		}
	}
	if sent := p.deliver(t); len(sent) != 0 {
		t.Errorf("%+v was sent", sent)
	}
	files, err := filepath.Glob("../../events/bounces-*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		if output, err := p.bounces.Invoke(t.Context(), sample(t, filepath.Base(file))); err != nil || string(output) != "null" {
			t.Errorf("%s: %s, %v\n%s", file, output, err, p.log)
		}
	}
	if lines := strings.Count(p.log.String(), fmt.Sprintf("%q:%q", "msg", "messages")); lines != len(files) {
		t.Errorf("%d messages are logged, want %d:\n%s", lines, len(files), p.log)
	}
}

// collector is a function that keeps the records it is given, by their numbers.
type collector map[string]json.RawMessage

// Invoke keeps the records of a batch.
func (c collector) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event struct{ Records []json.RawMessage }
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	for _, record := range event.Records {
		var head struct {
			DynamoDB struct{ SequenceNumber string }
		}
		if err := json.Unmarshal(record, &head); err != nil {
			return nil, err
		}
		c[head.DynamoDB.SequenceNumber] = record
	}
	return []byte(`{"batchItemFailures":[]}`), nil
}

// TestTheFilterLetsThroughWhatIsToBeSent holds the filter of the courier's stream in template.yaml to what package dynamo makes of the
// records: of everything that happens to messages until they are sent, the courier is given all that it has to send, and nothing that
// is sent already.
func TestTheFilterLetsThroughWhatIsToBeSent(t *testing.T) {
	p := openPostOffice(t)
	client, ada := p.token(t, "tokens-client-credentials.json"), p.loginAs(t, "ada@example.com", password)
	want(t, "a device", p.askOf(t, p.notifications, "notifications-register-device.json", ada.AccessToken, nil), http.StatusNoContent, "")
	want(t, "a push message", p.askOf(t, p.notifications, "notifications-send.json", client, p.about(p.tenant.Admin.ID, "")), http.StatusNoContent, "")
	for range 2 { // the second time in the place of the first
		want(t, "reset", p.askOf(t, p.invitations, "invitations-reset-password.json", client, nil), http.StatusNoContent, "")
		p.deliver(t)
	}
	want(t, "register", p.askOf(t, p.invitations, "invitations-register.json", client, nil), http.StatusNoContent, "")
	want(t, "invite", p.askOf(t, p.invitations, "invitations-invite.json", client, p.about(0, "")), http.StatusCreated, "")
	p.deliver(t)

	given, all := collector{}, collector{}
	for _, poller := range []*stream.Poller{p.pollerOf(t, "CourierFunction", given), p.pollerWith(t, all, samtemplate.Stream{BatchSize: 100, PartialFailures: true}, nil)} {
		for {
			read, err := poller.Poll(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if read == 0 {
				break
			}
		}
	}
	outgoing := 0
	for number, record := range all {
		_, ours, err := dynamo.OutgoingOf(record)
		if err != nil {
			t.Fatal(err)
		}
		if ours {
			outgoing++
		}
		if _, passed := given[number]; ours && !passed {
			t.Errorf("the filter keeps out what is to be sent: %s", record)
		}
	}
	for _, record := range given {
		if image := strings.Index(string(record), `"NewImage"`); image < 0 || !strings.Contains(string(record)[image:], `"delivery":{"S":"queued"}`) {
			t.Errorf("the filter lets through what is not to be sent: %s", record)
		}
	}
	// A push message, two resets, a sign-up and an invitation; and the mark of the one device while the push message was queued.
	if outgoing != 5 || len(given) > 6 || len(all) < 15 {
		t.Errorf("%d records in the stream, %d are to be sent, %d passed the filter", len(all), outgoing, len(given))
	}
}
