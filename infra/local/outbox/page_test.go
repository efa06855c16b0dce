package outbox

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hostile is a text that gets out of every context that does not escape it.
const hostile = `"'></title></textarea><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}`

// fill puts one message of each kind into the outbox; their IDs are 1, 2 and 3.
func (b *bench) fill() {
	b.store.add(Message{Kind: "mail", MessageID: "mail-id", Mail: &Mail{
		From: "Roster <no-reply@roster.example>", To: []string{"zoe@roster.example"}, Subject: "An invitation", Text: "Hello\n  http://127.0.0.1/invitations/x",
		HTML: `<!DOCTYPE html><HTML><HEAD lang="en"><title>x</title></HEAD><body style="color:red"><a href="http://127.0.0.1/invitations/x">Accept</a></body></HTML>`,
		Link: "http://127.0.0.1/invitations/x", Tags: []Pair{{"tenant", "7"}}, Headers: []Pair{{"Auto-Submitted", "auto-generated"}}, ConfigurationSet: ConfigurationSet,
	}})
	b.store.add(Message{Kind: "push", MessageID: "push-id", Push: &Push{
		Platform: platformGCM, Endpoint: "arn:aws:sns:local:000000000000:endpoint/GCM/roster/1", Token: "a-token-of-a-device", Title: "Device alert", Body: "It is hot",
		Image: "https://x.example/i.png", Payload: json.RawMessage(`{"a":{"b":1}}`),
	}})
	b.store.add(Message{Kind: "refusal", MessageID: "refusal-id", Refusal: &Refusal{Title: "invite 123", Reason: "MessageRejected", Body: `{"kind":"invite"}`}})
}

func TestPageOfAnEmptyOutboxSaysWhatToDo(t *testing.T) {
	b := serve(t, Config{})
	response, body := b.get(t, PagePath)
	if response.StatusCode != http.StatusOK || !strings.Contains(body, "Nothing has been sent yet") || !strings.Contains(body, b.url+"/api/v1/organization/users/invite") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if _, body := b.get(t, PagePath+".json"); strings.Join(strings.Fields(body), "") != `{"messages":[]}` {
		t.Errorf("as JSON it is %s", body)
	}
}

func TestPageShowsWhatWasSent(t *testing.T) {
	b := serve(t, Config{})
	b.fill()
	_, list := b.get(t, PagePath)
	at := -1
	for _, want := range []string{"/outbox/3", "MessageRejected", "/outbox/2", "Device alert", "FCM a-toke…device", "/outbox/1", "An invitation", "zoe@roster.example"} { // newest first
		next := strings.Index(list, want)
		if next < at {
			t.Errorf("%q is at %d, what was sent later at %d:\n%s", want, next, at, list)
		}
		at = next
	}
	for id, wants := range map[int][]string{
		1: {
			"<h2 dir=\"auto\">An invitation</h2>", "zoe@roster.example", "Roster &lt;no-reply@roster.example&gt;", `<a class="button" href="http://127.0.0.1/invitations/x" target="_blank" rel="noopener noreferrer">`,
			`<iframe src="/_roster/outbox/1/html"`, `sandbox="allow-popups allow-popups-to-escape-sandbox"`, "Hello\n  http://127.0.0.1/invitations/x", "mail-id", "Auto-Submitted", "Tag <code>tenant</code>", ConfigurationSet,
		},
		2: {"Device alert", "It is hot", "https://x.example/i.png", "{\n  &#34;a&#34;: {\n    &#34;b&#34;: 1\n  }\n}", "arn:aws:sns:local:000000000000:endpoint/GCM/roster/1", "a-token-of-a-device", "push-id"},
		3: {"MessageRejected", "invite 123", "{\n  &#34;kind&#34;: &#34;invite&#34;\n}", "This will never be sent"},
	} {
		response, body := b.get(t, fmt.Sprintf("%s/%d", PagePath, id))
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/html; charset=utf-8" || response.Header.Get("Content-Security-Policy") != pagePolicy {
			t.Errorf("message %d: %d %v", id, response.StatusCode, response.Header)
		}
		for _, want := range append(wants, fmt.Sprintf(`href="/_roster/outbox/%d" aria-current="page"`, id)) {
			if !strings.Contains(body, want) {
				t.Errorf("message %d: the page does not have %s:\n%s", id, want, body)
			}
		}
		if strings.Count(body, "aria-current") != 1 {
			t.Errorf("message %d: %d messages are the one that is shown", id, strings.Count(body, "aria-current"))
		}
	}
}

func TestSimulatedFateIsShown(t *testing.T) {
	b := serve(t, Config{})
	for i, test := range []struct{ fate, set, want string }{
		{fateBounce, ConfigurationSet, "sends this mail back (bounce), and the function"},
		{fateComplaint, ConfigurationSet, "complains about this mail, and the function"},
		{fateBounce, "", "but it was sent without a configuration set"},
	} {
		b.store.add(Message{Kind: "mail", Mail: &Mail{Fate: test.fate, ConfigurationSet: test.set}})
		if _, body := b.get(t, fmt.Sprintf("%s/%d", PagePath, i+1)); !strings.Contains(body, test.want) || !strings.Contains(body, "(no title)") {
			t.Errorf("%+v: the page is\n%s", test, body)
		}
	}
}

func TestHostileTextsStayTexts(t *testing.T) {
	b := serve(t, Config{})
	b.store.add(Message{Kind: "mail", MessageID: hostile, Mail: &Mail{
		From: hostile, To: []string{hostile}, Cc: []string{hostile}, Bcc: []string{hostile}, ReplyTo: []string{hostile}, Subject: hostile, Text: hostile, Link: "javascript:alert(3)",
		HTML: hostile, Headers: []Pair{{hostile, hostile}}, Tags: []Pair{{hostile, hostile}}, ConfigurationSet: hostile,
	}})
	b.store.add(Message{Kind: "push", MessageID: hostile, Push: &Push{
		Platform: hostile, Endpoint: hostile, Token: hostile, Title: hostile, Body: hostile, Image: hostile, Payload: json.RawMessage(`"\u003cscript>alert(1)\u003c/script>"`), Attributes: []Pair{{hostile, hostile}},
	}})
	b.store.add(Message{Kind: "refusal", MessageID: hostile, Refusal: &Refusal{Title: hostile, Reason: hostile, Body: hostile}})
	for _, path := range []string{"", "/1", "/2", "/3", "/list", "/list?current=%22%3E%3Cscript%3Ealert(1)"} {
		_, body := b.get(t, PagePath+path)
		for _, bad := range []string{"<script>", "<img src=x", "javascript:", "</title></textarea>"} {
			if i := strings.Index(body, bad); i >= 0 && !strings.HasPrefix(body[i:], `javascript:alert(3)</code>`) {
				t.Errorf("%s has %q:\n%s", path, bad, body[max(0, i-100):min(len(body), i+100)])
			}
		}
	}
	if _, body := b.get(t, PagePath, "Host", "localhost:1"); strings.Contains(body, "onerror") && !strings.Contains(body, "&lt;img src=x onerror") {
		t.Errorf("the list has\n%s", body)
	}
}

// TestMailIsShownInACage checks what holds a mail that wants to do harm: the policy that comes with it, whatever shows it.
func TestMailIsShownInACage(t *testing.T) {
	b := serve(t, Config{})
	b.fill()
	response, body := b.get(t, PagePath+"/1/html")
	policy := response.Header.Get("Content-Security-Policy")
	directives := map[string]string{}
	for directive := range strings.SplitSeq(policy, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), " ")
		directives[name] = value
	}
	for name, want := range map[string]string{
		"default-src": "'none'", "style-src": "'unsafe-inline'", "img-src": "data:", "form-action": "'none'", "frame-ancestors": "'self'", "script-src": "",
		"sandbox": "allow-popups allow-popups-to-escape-sandbox",
	} {
		if directives[name] != want {
			t.Errorf("%s is %q, want %q", name, directives[name], want)
		}
	}
	if want := `<HEAD lang="en"><base target="_blank"><title>`; !strings.Contains(body, want) || !strings.Contains(body, `style="color:red"`) {
		t.Errorf("the mail is\n%s", body)
	}
	b.store.add(Message{Kind: "mail", Mail: &Mail{HTML: "<p>no head</p>"}})
	if _, body := b.get(t, PagePath+"/4/html"); body != "<p>no head</p>" {
		t.Errorf("the mail is\n%s", body)
	}
	if _, body := b.get(t, PagePath+"/4"); strings.Contains(body, "Text version") {
		t.Error("a mail without a text has one")
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	b := serve(t, Config{})
	b.fill()
	for _, path := range []string{"/4", "/0", "/-1", "/x", "/99999999999999999999", "/2/html", "/9/html", "/x/html"} {
		response, body := b.get(t, PagePath+path)
		if response.StatusCode != http.StatusNotFound || !strings.Contains(body, "This message is not here") {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
	for _, path := range []string{"/_roster/", "/_roster/other", PagePath + "/1/other"} {
		if response, _ := b.get(t, path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
	if response, _ := b.send(t, http.MethodPost, PagePath, ""); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", response.StatusCode)
	}
}

func TestPageLoadsOnlyItsOwnFiles(t *testing.T) {
	b := serve(t, Config{})
	b.fill()
	for name, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "script.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		response, body := b.get(t, PagePath+"/"+name)
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != kind || body == "" {
			t.Errorf("%s: %d %v", name, response.StatusCode, response.Header)
		}
		if strings.Contains(body, "url(") || strings.Contains(body, "@import") {
			t.Errorf("%s loads something", name)
		}
	}
	_, page := b.get(t, PagePath+"/1")
	for _, bad := range []string{`src="http`, "<style", " style=", " onclick", "<script>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s, which its policy forbids", bad)
		}
	}
	for _, want := range []string{`<html lang="en">`, `name="viewport"`, `role="status"`, "<main", "<nav", "Skip to the message", ">Reload</a>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
}

func TestJSONIsForScripts(t *testing.T) {
	b := serve(t, Config{})
	b.fill()
	response, body := b.get(t, PagePath+".json")
	if response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type is %s", response.Header.Get("Content-Type"))
	}
	lines := strings.Split(body, "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[1], `{"id":3,"kind":"refusal",`) || !strings.Contains(lines[3], `"link":"http://127.0.0.1/invitations/x"`) {
		t.Errorf("no line for each message, newest first:\n%s", body)
	}
	for query, want := range map[string]string{
		"": "[3 2 1]", "?kind=mail": "[1]", "?kind=push": "[2]", "?kind=refusal": "[3]", "?kind=fax": "[]", "?to=Zoe@Roster.Example": "[1]",
		"?to=a-token-of-a-device": "[2]", "?to=nobody@roster.example": "[]", "?kind=push&to=zoe@roster.example": "[]",
	} {
		ids := []int64{}
		for _, m := range b.sent(t, query) {
			ids = append(ids, m.ID)
		}
		if got := fmt.Sprint(ids); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// TestPageHearsOfNewMessages listens as the page does.
func TestPageHearsOfNewMessages(t *testing.T) {
	b := serve(t, Config{})
	b.fill()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+PagePath+"/updates", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type is %q", got)
	}
	lines := make(chan string, 100)
	go func() { // ends with the body
		defer close(lines)
		for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	next := func() string {
		t.Helper()
		for {
			select {
			case line, open := <-lines:
				if data, ok := strings.CutPrefix(line, "data: "); ok || !open {
					return data
				}
			case <-time.After(time.Minute):
				t.Fatal("the page hears nothing")
			}
		}
	}
	if got := next(); got != "3" {
		t.Errorf("at first it hears of %q, want the newest, 3", got)
	}
	b.store.add(Message{Kind: "mail", Mail: &Mail{Subject: "Another one"}})
	if got := next(); got != "4" {
		t.Errorf("then it hears of %q, want 4", got)
	}
	if _, list := b.get(t, PagePath+"/list?current=2"); !strings.Contains(list, "Another one") || !strings.Contains(list, `/2" aria-current="page"`) || strings.Contains(list, "<html") {
		t.Errorf("the new list is\n%s", list)
	}
	b.EndUpdates()
	if got := next(); got != "" {
		t.Errorf("after the end it hears of %q", got)
	}
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	if len(b.store.watchers) > 0 {
		t.Errorf("%d still watch", len(b.store.watchers))
	}
}
