package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/infra/local/outbox"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// person is somebody who works with a run, and what must not be found in what the run wrote.
type person struct {
	*running
	published
	dir     string
	client  string // an access token
	secrets map[string]string
}

// begin starts a run and gets a token for its client.
func begin(t *testing.T, dir, table string) *person {
	t.Helper()
	r := start(t, dir, table, "-users", "5")
	p := readPublished(t, dir)
	return &person{running: r, published: p, dir: dir, client: tokenFrom(t, p, "grant_type=client_credentials"), secrets: map[string]string{}}
}

// call calls an operation and returns the body of its answer, which must have that status.
func (p *person) call(t *testing.T, method, path, token, body string, want int) string {
	t.Helper()
	status, text, _ := request(t, method, p.BaseURL+path, body, "Authorization", "Bearer "+token, "Content-Type", "application/json")
	if status != want {
		t.Fatalf("%s %s: %d %s, want %d\n%s", method, path, status, text, want, p.stderr)
	}
	return text
}

// request sends a request and returns the status, the body and the headers of the answer.
func request(t *testing.T, method, url, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

// sent returns what the outbox has, newest first.
func (p *person) sent(t *testing.T, query string) []outbox.Message {
	t.Helper()
	status, body, _ := request(t, http.MethodGet, p.BaseURL+outbox.PagePath+".json"+query, "")
	var answer struct{ Messages []outbox.Message }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	return answer.Messages
}

// mail waits for the mail of that number to an address, keeps what is secret in it, and returns it.
func (p *person) mail(t *testing.T, address string, number int) *outbox.Mail {
	t.Helper()
	var mails []outbox.Message
	await(t, fmt.Sprintf("mail %d to %s", number, address), p.stderr, func() bool {
		mails = p.sent(t, "?kind=mail&to="+url.QueryEscape(address))
		return len(mails) >= number
	})
	if len(mails) != number {
		t.Fatalf("%d mails to %s were sent, want %d", len(mails), address, number)
	}
	mail := mails[0].Mail
	token, ok := strings.CutPrefix(mail.Link, p.BaseURL+"/invitations/")
	if !ok || len(token) != 43 {
		t.Fatalf("the link in the mail to %s is %q", address, mail.Link)
	}
	p.secrets[fmt.Sprintf("the token of mail %d to %s", number, address)] = token
	for line := range strings.Lines(mail.Text) {
		if line = strings.TrimSpace(line); len(line) > 20 && !strings.HasPrefix(line, "http") {
			p.secrets["the text of the mail: "+line] = line
		}
	}
	return mail
}

// logIn returns the access token of a user, empty if the password is not theirs.
func (p *person) logIn(t *testing.T, address, password string) string {
	t.Helper()
	form := url.Values{"grant_type": {"user_credentials"}, "username": {address}, "password": {password}}
	r, err := http.NewRequest(http.MethodPost, p.BaseURL+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(p.Organization.ClientID, p.Organization.ClientSecret)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.AccessToken
}

// wantNoSecrets searches what was printed and logged, and what was told to whom, for secrets.
func (p *person) wantNoSecrets(t *testing.T) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(p.dir, "functions.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "POST /api/v1/organization/users/invite") || len(p.secrets) < 5 {
		t.Fatalf("there is nothing to search, or nothing to search for: %d secrets in\n%s", len(p.secrets), log)
	}
	for where, text := range map[string]string{"functions.log": string(log), "standard output": p.stdout.String(), "standard error": p.stderr.String()} {
		for what, secret := range p.secrets {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s has %s:\n%s", where, what, text[max(0, i-200):min(len(text), i+200)])
			}
		}
	}
}

// TestInvitationFromTheMailToTheLogin invites somebody, takes the link from the outbox as a person takes it from the mail, accepts on the
// page, logs in, forgets the password, gets a push message, and looks for what must not have been written down.
func TestInvitationFromTheMailToTheLogin(t *testing.T) {
	dir, table := t.TempDir(), tableName(t)
	p := begin(t, dir, table)
	const address, first, second = "zoe.lind@roster.example", "planted first passphrase", "planted second passphrase"
	const device, body = "planted-device-token-0123456789", "planted body of a push message"
	p.secrets["a password"], p.secrets["a new password"], p.secrets["a device's token"], p.secrets["a push message"] = first, second, device, body

	invited := p.call(t, "POST", "/api/v1/organization/users/invite", p.client, `{"email":"`+address+`","name":"Zoë Lind","roleId":3,"locale":"de_AT"}`, http.StatusCreated)
	mail := p.mail(t, address, 1)
	if len(mail.To) != 1 || mail.To[0] != address || !strings.Contains(mail.From, "no-reply@roster.example") || !strings.Contains(mail.HTML, mail.Link) || mail.ConfigurationSet != outbox.ConfigurationSet {
		t.Errorf("the mail is %+v", mail)
	}
	if status, page, header := request(t, "GET", mail.Link, ""); status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/html") ||
		!strings.Contains(page, `lang="de`) || !strings.Contains(page, "<form") || !strings.Contains(page, "Zoë Lind") {
		t.Errorf("the page of the invitation: %d %v\n%s", status, header, page)
	}
	form := url.Values{"name": {"Zoë Lind"}, "password": {first}}.Encode()
	if status, page, _ := request(t, "POST", mail.Link, form, "Content-Type", "application/x-www-form-urlencoded"); status != http.StatusOK || !strings.Contains(page, "<html") {
		t.Fatalf("accepting: %d\n%s\n%s", status, page, p.stderr)
	}
	for _, method := range []string{"GET", "POST", "PUT"} { // the last has no route
		if status, text, _ := request(t, method, mail.Link, form, "Content-Type", "application/x-www-form-urlencoded"); status != http.StatusNotFound {
			t.Errorf("%s of a link that is used up: %d\n%s", method, status, text)
		}
	}
	user := p.logIn(t, address, first)
	if profile := p.call(t, "GET", "/api/v1/organization/user/profile", user, "", http.StatusOK); !strings.Contains(profile, `"status":"Active"`) || !strings.Contains(profile, "Zoë Lind") {
		t.Errorf("the profile is %s", profile)
	}

	p.call(t, "POST", "/api/v1/organization/users/reset-password", p.client, `{"email":"`+address+`"}`, http.StatusNoContent)
	reset := p.mail(t, address, 2)
	if status, text, _ := request(t, "POST", reset.Link, `{"password":"`+second+`"}`, "Content-Type", "application/json"); status != http.StatusOK {
		t.Fatalf("setting the password: %d %s", status, text)
	}
	if p.logIn(t, address, first) != "" || p.logIn(t, address, second) == "" {
		t.Error("after the reset, the old password gets in, or the new one does not")
	}

	p.call(t, "POST", "/api/v1/organization/users/fcm-token/register", p.logIn(t, address, second), `{"token":"`+device+`","deviceName":"a phone"}`, http.StatusNoContent)
	push := p.notify(t, idIn(t, invited), device, body, 1)
	p.wantNoSecrets(t)
	p.stop(t)

	// What was sent, and the device, are there after a restart.
	secrets := p.secrets
	p = begin(t, dir, table)
	p.secrets = secrets
	if kept := p.sent(t, "?to="+address); len(kept) != 2 || kept[1].Mail.Link != mail.Link {
		t.Errorf("after a restart the mails are %+v", kept)
	}
	if again := p.notify(t, idIn(t, invited), device, body, 2); again.Endpoint != push.Endpoint {
		t.Errorf("after a restart the device is at %s, before at %s", again.Endpoint, push.Endpoint)
	}
	p.call(t, "POST", "/api/v1/organization/users/invite", p.client, `{"email":"asa@roster.example","name":"Åsa","roleId":3}`, http.StatusCreated)
	p.mail(t, "asa@roster.example", 1)
	p.wantNoSecrets(t)
	p.stop(t)
}

// notify sends a push message to a user and returns what the device got, which must have got so many by then.
func (p *person) notify(t *testing.T, user, device, body string, number int) *outbox.Push {
	t.Helper()
	p.call(t, "POST", "/api/v1/organization/users/send-push-notification", p.client, `{"userId":`+user+`,"title":"Device alert","body":"`+body+`"}`, http.StatusNoContent)
	var pushes []outbox.Message
	await(t, "the push message", p.stderr, func() bool {
		pushes = p.sent(t, "?kind=push&to="+device)
		return len(pushes) >= number
	})
	if got := pushes[0].Push; len(pushes) != number || got.Title != "Device alert" || got.Body != body || !strings.Contains(string(got.Payload), "fcmV1Message") {
		t.Fatalf("the push message is %+v, of %d", got, len(pushes))
	}
	return pushes[0].Push
}

var idPattern = regexp.MustCompile(`"id":(\d+)`)

// idIn returns the first id in an answer.
func idIn(t *testing.T, body string) string {
	t.Helper()
	match := idPattern.FindStringSubmatch(body)
	if match == nil {
		t.Fatalf("%s has no id", body)
	}
	return match[1]
}

// TestMailThatComesBackMarksItsUser invites addresses of the mailbox simulator.
func TestMailThatComesBackMarksItsUser(t *testing.T) {
	p := begin(t, t.TempDir(), tableName(t))
	defer p.stop(t)
	for address, want := range map[string][2]string{
		"bounce+zoe@simulator.amazonses.com": {"bounced", "emailBounced"}, "complaint+zoe@simulator.amazonses.com": {"complained", "emailComplained"},
	} {
		invited := p.call(t, "POST", "/api/v1/organization/users/invite", p.client, `{"email":"`+address+`","name":"Zoë Lind","roleId":3}`, http.StatusCreated)
		if strings.Contains(invited, want[1]) {
			t.Fatalf("the user begins as %s", invited)
		}
		p.mail(t, address, 1)
		path := "/api/v1/organization/user?userId=" + idIn(t, invited)
		await(t, want[1], p.stderr, func() bool {
			return strings.Contains(p.call(t, "GET", path, p.client, "", http.StatusOK), `"`+want[1]+`":true`)
		})
		await(t, want[0], p.stderr, func() bool {
			return strings.Contains(p.call(t, "GET", "/api/v1/organization/invitations", p.client, "", http.StatusOK), `"delivery":"`+want[0]+`"`)
		})
	}
	p.wantNoSecrets(t)
}

// TestOutboxIsOnTheServersPort looks at the page where the server says that it is, and as a page of another site would.
func TestOutboxIsOnTheServersPort(t *testing.T) {
	p := begin(t, t.TempDir(), tableName(t))
	defer p.stop(t)
	if page := p.BaseURL + outbox.PagePath; !strings.Contains(p.stdout.String(), page) {
		t.Errorf("%s is not in what is printed:\n%s", page, p.stdout)
	}
	for host, want := range map[string]int{"": http.StatusOK, "evil.example": http.StatusForbidden} {
		var headers []string
		if host != "" {
			headers = []string{"Host", host}
		}
		if status, body, _ := request(t, "GET", p.BaseURL+outbox.PagePath, "", headers...); status != want {
			t.Errorf("Host %q: %d %s, want %d", host, status, body, want)
		}
	}
	for path, want := range map[string]int{"/_roster": http.StatusNotFound, "/_roster/": http.StatusNotFound, "//_roster/outbox": http.StatusNotFound, "/.well-known/jwks.json": http.StatusOK} {
		if status, body, _ := request(t, "GET", p.BaseURL+path, ""); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
	// An open page must not hold up the end.
	response, err := http.Get(p.BaseURL + outbox.PagePath + "/updates")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
}

// invoked is a function that counts its calls and fails at those for which fail says so.
type invoked struct {
	calls int
	fail  func(call int) bool
}

func (f *invoked) Invoke(context.Context, []byte) ([]byte, error) {
	f.calls++
	if f.fail(f.calls) {
		return nil, errors.New("the table is busy")
	}
	return nil, nil
}

func TestTopicIsToldAgainAsLambdaDoes(t *testing.T) {
	for name, test := range map[string]struct {
		fail  func(int) bool
		calls int
		said  string
	}{
		"works":        {func(int) bool { return false }, 1, ""},
		"fails once":   {func(call int) bool { return call == 1 }, 2, ""},
		"fails always": {func(int) bool { return true }, 3, "BouncesFunction: a message of the topic MailFeedback is given up: the table is busy\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stderr, f := &output{}, &invoked{fail: test.fail}
			s := &server{process: process{stderr: stderr, now: time.Now}, template: &samtemplate.Template{}}
			s.tell(t.Context(), samtemplate.Subscription{Function: "BouncesFunction", Topic: "MailFeedback"}, f, []byte("{}"))
			if f.calls != test.calls || stderr.String() != test.said {
				t.Errorf("%d calls, said %q; want %d and %q", f.calls, stderr, test.calls, test.said)
			}
		})
	}
	ctx, end := context.WithCancel(t.Context())
	f := &invoked{fail: func(int) bool { end(); return true }}
	stderr := &output{}
	s := &server{process: process{stderr: stderr, now: time.Now}, template: &samtemplate.Template{}}
	if s.tell(ctx, samtemplate.Subscription{}, f, []byte("{}")); f.calls != 1 || stderr.String() != "" {
		t.Errorf("after the end: %d calls, said %q", f.calls, stderr)
	}
}
