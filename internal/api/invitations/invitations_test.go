package invitations_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api/invitations"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/directorytest"
)

var update = flag.Bool("update", false, "write the golden files")

var purposes = []roster.Purpose{roster.PurposeInvite, roster.PurposeSignUp, roster.PurposeReset}

var styleOrScript = regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`)

// golden compares a page, without style and script, with a file.
func golden(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	got := styleOrScript.ReplaceAllString(w.Body.String(), "<$1>...</$2>")
	path := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

func TestPagesAreAsTheirGoldenFiles(t *testing.T) {
	for locale, purposes := range map[string][]roster.Purpose{
		"en_US": purposes, "uk_UA": purposes, "ja_JP": purposes, "de_AT": {roster.PurposeInvite}, "pt_PT": {roster.PurposeSignUp}, "fr_CA": {roster.PurposeReset},
		"es_MX": {roster.PurposeInvite}, "pl_PL": {roster.PurposeSignUp}, "nl_NL": {roster.PurposeReset},
	} {
		for _, purpose := range purposes {
			name := purpose.String() + "-" + locale
			t.Run(name, func(t *testing.T) {
				s := newSite(t)
				path := s.page(t, s.of(t, purpose, locale))
				// The reader's browser wants another language: that of the invitation counts.
				language := []string{"Accept-Language", "it, de;q=0.5"}
				w := s.get(path, language...)
				checkPage(t, w, 200)
				golden(t, name+"-form", w)
				w = s.post(path, "name=5&organizationName=%3Cb%3E&password=short", language...)
				checkPage(t, w, 400)
				golden(t, name+"-problems", w)
				w = s.post(path, "name=Kim+Taylor&password=hidden+rabbit+mountain", language...)
				checkPage(t, w, 200)
				golden(t, name+"-done", w)
				s.Check(t)
			})
		}
	}
}

// checkPage fails the test unless the answer is a page with that status and all that pages have in common.
func checkPage(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("the answer is %d %s %s, want a page with %d", w.Code, w.Header().Get("Content-Type"), w.Body, status)
	}
	checkHeaders(t, w)
	policy := w.Header().Get("Content-Security-Policy")
	elements := 0
	for _, element := range []struct{ name, directive string }{{"style", "style-src"}, {"script", "script-src"}} {
		open, end := "<"+element.name+">", "</"+element.name+">"
		for _, rest := range strings.Split(w.Body.String(), open)[1:] {
			elements++
			text, _, _ := strings.Cut(rest, end)
			sum := sha256.Sum256([]byte(text))
			if want := element.directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
				t.Errorf("the policy %s does not let the page have its %s, by %s", policy, element.name, want)
			}
		}
	}
	wanted := 1
	if strings.Contains(w.Body.String(), "<form") {
		wanted = 2
	}
	if elements != wanted {
		t.Errorf("the page has %d styles and scripts, want %d", elements, wanted)
	}
	for _, outside := range []string{"http://", "https://", " src=", " style=", " onclick", "@import", "url("} {
		if strings.Contains(w.Body.String(), outside) {
			t.Errorf("the page has %q: it must need nothing but itself", outside)
		}
	}
	if strings.Contains(w.Body.String(), password) {
		t.Error("the page repeats the password")
	}
}

// checkHeaders fails the test unless the answer has what every answer of the page has.
func checkHeaders(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex",
	} {
		if got := w.Header().Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	policy := regexp.MustCompile(`^default-src 'none'; style-src 'sha256-[\w+/]{43}='; script-src 'sha256-[\w+/]{43}='; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$`)
	if got := w.Header().Get("Content-Security-Policy"); !policy.MatchString(got) {
		t.Errorf("Content-Security-Policy is %q", got)
	}
}

func TestLookingChangesNothing(t *testing.T) {
	s := newSite(t)
	ref := s.invite(t, "en_US")
	path := s.page(t, ref)
	before, err := s.Table.Invitation(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	got := s.get(path)
	head := s.do(request("HEAD", path, ""))
	checkPage(t, got, 200)
	checkHeaders(t, head)
	if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(got.Body.Len()) {
		t.Errorf("HEAD is answered %d with %d bytes and %v", head.Code, head.Body.Len(), head.Header())
	}
	if again := s.get(path); again.Body.String() != got.Body.String() {
		t.Error("a second look shows another page")
	}
	if !strings.Contains(got.Header().Get("Server-Timing"), "0 WRU") {
		t.Errorf("looking costs %s, want no writes", got.Header().Get("Server-Timing"))
	}
	after, err := s.Table.Invitation(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the invitation has changed by looking (-before +after)\n%s", diff)
	}
}

func TestWithoutALocaleTheReadersLanguageCounts(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.invite(t, ""))
	for wanted, lang := range map[string]string{
		"": "en", "uk": "uk", "nl": "en", "nl, pt-PT;q=0.9, en;q=0.1": "pt-BR", "en;q=0.2, ja-JP": "ja", "de-CH, fr;q=0.9": "de", "de;q=0, pl;q=0.1": "pl",
		"fr;q=x, es;q=0.1": "es", ";;;,,, *": "en", strings.Repeat("nl,", 1000) + "uk": "en", "en-GB,uk": "en", "de;q=0.5,uk;q=0.5": "de", "uk;q=NaN,fr": "uk",
	} {
		if got := s.get(path, "Accept-Language", wanted).Body.String(); !strings.Contains(got, `<html lang="`+lang+`">`) {
			t.Errorf("Accept-Language: %.40s gives %.40s, want %s", wanted, got[len("<!DOCTYPE html>\n"):], lang)
		}
	}
}

func TestAccepting(t *testing.T) {
	for _, test := range []struct {
		name, form, json string
		purpose          roster.Purpose
		email, userName  string
	}{
		{"an invitation", "name=+Kim+Taylor+&password=hidden+rabbit+mountain", `{"name":"Kim Taylor","password":"hidden rabbit mountain"}`, roster.PurposeInvite, newcomer, "Kim Taylor"},
		{"a sign-up", "name=Kim+Owner&password=hidden+rabbit+mountain&organizationName=Owner+and+Sons", `{"name":"Kim Owner","password":"hidden rabbit mountain","organizationName":"Owner and Sons"}`, roster.PurposeSignUp, owner, "Kim Owner"},
		{"a new password", "password=hidden+rabbit+mountain&utm=added+by+an+extension", `{"password":"hidden rabbit mountain"}`, roster.PurposeReset, "Uma@User.example", "Uma User"},
	} {
		for _, program := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, program %v", test.name, program), func(t *testing.T) {
				s := newSite(t)
				path := s.page(t, s.of(t, test.purpose, "en_US"))
				var w *httptest.ResponseRecorder
				if program {
					w = s.postJSON(path, test.json)
				} else {
					w = s.post(path, test.form)
				}
				user := s.accepted(t, test.email)
				if user.Name != test.userName {
					t.Errorf("the user is called %q, want %q", user.Name, test.userName)
				}
				if program {
					want := fmt.Sprintf(`{"userId":%d,"email":"%s","status":"Active"}`, user.ID, test.email)
					if got := w.Body.String(); w.Code != 200 || got != want || w.Header().Get("Content-Type") != "application/json" {
						t.Errorf("the answer is %d %s, want %s", w.Code, got, want)
					}
					checkHeaders(t, w)
				} else {
					checkPage(t, w, 200)
				}
				if test.purpose == roster.PurposeSignUp {
					if o, err := s.Table.Organization(t.Context(), user.Tenant, user.Org()); err != nil || o.Name != "Owner and Sons" {
						t.Errorf("the organization is %q, %v", o.Name, err)
					}
				}
				checkPage(t, s.get(path), 404)
				s.Check(t)
			})
		}
	}
}

// accepted returns the user with that address, who must be Active and have the password.
func (s *site) accepted(t *testing.T, email string) roster.User {
	t.Helper()
	tenant, id, err := s.Table.EmailOwner(t.Context(), roster.Email(email))
	if err != nil {
		t.Fatalf("looking for the owner of %s: %v", email, err)
	}
	user, err := s.Table.User(t.Context(), tenant, id)
	if err != nil || user.Status != roster.StatusActive {
		t.Errorf("the user is %s, %v, want Active", user.Status, err)
	}
	credential, err := s.Table.Credential(t.Context(), tenant, id)
	if err != nil || credential.PasswordHash != directorytest.HashOf(password) {
		t.Errorf("the password is not the one that was sent: %v", err)
	}
	return user
}

func TestAPasswordKeepsItsSpaces(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.reset(t, "en_US"))
	checkPage(t, s.post(path, "password=++two+spaces++"), 200)
	uma := s.User(t, directorytest.UmaUser)
	if c, err := s.Table.Credential(t.Context(), uma.Tenant, uma.ID); err != nil || c.PasswordHash != directorytest.HashOf("  two spaces  ") {
		t.Errorf("the password lost its spaces: %v", err)
	}
}

func TestPressedTwiceAtTheSameMoment(t *testing.T) {
	for _, purpose := range purposes {
		t.Run(purpose.String(), func(t *testing.T) {
			s := newSite(t)
			path := s.page(t, s.of(t, purpose, "en_US"))
			s.handler = invitations.New(s.Directory, invitations.Options{})
			const presses = 4
			answers := make([]*httptest.ResponseRecorder, presses)
			var pressing sync.WaitGroup
			for i := range presses {
				pressing.Go(func() { answers[i] = s.post(path, "name=Kim+Taylor&password=hidden+rabbit+mountain") })
			}
			pressing.Wait()
			done := 0
			for _, w := range answers {
				if w.Code == 200 {
					done++
					continue
				}
				checkPage(t, w, 404)
				if !strings.Contains(w.Body.String(), "This link does not work") {
					t.Errorf("the other press shows %s", w.Body)
				}
			}
			if done != 1 {
				t.Errorf("%d presses of %d succeeded, want 1", done, presses)
			}
			s.Check(t)
		})
	}
}

func TestDeadLinksAllLookTheSame(t *testing.T) {
	s := newSite(t)
	paths := map[string]string{"used": "", "unknown": "", "malformed": "short", "empty": "", "nothing": "%20", "another path": "x/y", "a slash more": ""}
	for name, token := range paths {
		paths[name] = invitations.BasePath + token
	}
	unknown, _ := roster.NewLinkToken()
	paths["unknown"] += unknown
	paths["outside"] = "/"

	ref := s.invite(t, "uk_UA")
	paths["replaced"] = s.page(t, ref)
	s.invite(t, "uk_UA")
	paths["revoked"] = s.page(t, ref)
	i, err := s.Table.Invitation(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Table.RemoveInvitation(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	paths["used"] = s.page(t, s.reset(t, "uk_UA"))
	checkPage(t, s.post(paths["used"], "password=hidden+rabbit+mountain"), 200)
	paths["a slash more"] = s.page(t, s.signUp(t, "uk_UA")) + "/"

	for _, language := range []string{"en", "ja", "pt-BR"} {
		var first *httptest.ResponseRecorder
		for name, path := range paths {
			w := s.get(path, "Accept-Language", language)
			checkPage(t, w, 404)
			if !strings.Contains(w.Body.String(), `<html lang="`+language+`">`) {
				t.Errorf("%s: not in %s: %s", name, language, w.Body)
			}
			posted := s.post(path, "name=x&password=short", "Accept-Language", language)
			for _, w := range []*httptest.ResponseRecorder{w, posted} {
				if first == nil {
					first = w
					golden(t, "dead-"+language, w)
				}
				if diff := cmp.Diff(first.Body.String(), w.Body.String()); diff != "" {
					t.Errorf("%s looks different\n%s", name, diff)
				}
				if !maps.EqualFunc(first.Header(), w.Header(), slices.Equal[[]string]) {
					t.Errorf("%s has other headers: %v, want %v", name, w.Header(), first.Header())
				}
			}
			program := s.postJSON(path, `{"name":"Kim","password":"hidden rabbit mountain"}`)
			if got := program.Body.String(); program.Code != 404 || got != `{"error":{"message":"this link is not valid, or not valid any more"}}` {
				t.Errorf("%s: a program is told %d %s", name, program.Code, got)
			}
		}
	}
}

func TestALinkExpires(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.invite(t, "en_US"))
	unknown := s.get(invitations.BasePath + "x")
	ports := s.Ports
	later := directorytest.Now
	ports.Now = func() time.Time { return later }
	s.serve(directory.New(ports))
	later = directorytest.Now.Add(7*24*time.Hour - time.Second)
	checkPage(t, s.get(path), 200)
	later = directorytest.Now.Add(7 * 24 * time.Hour)
	expired := s.get(path)
	checkPage(t, expired, 404)
	if diff := cmp.Diff(unknown.Body.String(), expired.Body.String()); diff != "" {
		t.Errorf("an expired link looks unlike an unknown one\n%s", diff)
	}
}

func TestAnAddressThatWasTakenMeanwhile(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.signUp(t, "en_US"))
	s.NewUser(t, directorytest.Elm, roster.RoleUser, func(u *roster.User) { u.Email = owner })
	w := s.post(path, "name=Kim+Owner&password=hidden+rabbit+mountain")
	checkPage(t, w, 409)
	golden(t, "taken", w)
	if w := s.postJSON(path, `{"name":"Kim Owner","password":"hidden rabbit mountain"}`); w.Code != 409 || !strings.Contains(w.Body.String(), "is taken") {
		t.Errorf("a program is told %d %s", w.Code, w.Body)
	}
	s.Check(t)
}

// TestHostileNames puts in what an import may have brought: such names break out of nothing.
func TestHostileNames(t *testing.T) {
	s := newSite(t)
	const hostile = `"><script>alert(1)</script><b title='x'>{email}`
	inviter := s.NewUser(t, directorytest.Acme, roster.RoleAdmin, func(u *roster.User) { u.Name = hostile })
	p := s.Principal(&inviter)
	created, err := s.Directory.InviteUser(t.Context(), &p, roster.InvitationForm{Email: newcomer, Name: "Kim", Role: roster.RoleUser, Locale: "en_US"}, roster.Write{})
	if err != nil {
		t.Fatal(err)
	}
	path := s.page(t, roster.InvitationRef{Tenant: p.Tenant, Purpose: roster.PurposeInvite, User: created.User.ID})
	w := s.get(path)
	checkPage(t, w, 200)
	golden(t, "hostile-inviter", w)
	w = s.post(path, "password=short&name=%22%3E%3Cscript%3Ealert(2)%3C%2Fscript%3E")
	checkPage(t, w, 400)
	golden(t, "hostile-name", w)
	if strings.Contains(w.Body.String(), "<script>alert") {
		t.Error("a name is a script")
	}
}

func TestWhatIsNoForm(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.invite(t, "en_US"))
	large := "password=" + strings.Repeat("x", 64<<10)
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		says                    string
	}{
		{"a form too large", "application/x-www-form-urlencoded", large, 413, "That did not work"},
		{"a form of bad escapes", "application/x-www-form-urlencoded", "password=%zz", 400, "That did not work"},
		{"a form that is not UTF-8", "application/x-www-form-urlencoded", "name=%ff", 400, "That did not work"},
		{"a form in another charset", "application/x-www-form-urlencoded; charset=latin1", "name=x", 415, "That did not work"},
		{"an empty form", "application/x-www-form-urlencoded", "", 400, "Enter a password."},
		{"a field given twice", "application/x-www-form-urlencoded", "name=a&name=b&password=hidden+rabbit+mountain", 400, "This was sent twice"},
		{"text", "text/plain", "password=x", 415, `{"error":{"message":"Content-Type must be application/json"}}`},
		{"a form of parts", "multipart/form-data; boundary=x", "--x--", 415, "Content-Type must be application/json"},
		{"JSON too large", "application/json", `{"name":"` + large + `"}`, 413, `{"error":{"message":"body must have at most 65536 bytes"}}`},
		{"no JSON", "application/json", "{", 400, "body must be valid JSON"},
		{"a list", "application/json", "[]", 400, "body must be a JSON object"},
		{"nothing", "application/json", "", 400, "body is required"},
		{"nothing at all", "", "", 400, "body is required"},
		{"an unknown field", "application/json", `{"name":"Kim","password":"hidden rabbit mountain","admin":true}`, 400, "admin is not a field that this takes"},
		{"a JSON field given twice", "application/json", `{"name":"Kim","password":"hidden rabbit mountain","name":"Tim"}`, 400, "name must be given once"},
		{"a field in upper case", "application/json", `{"Name":"Kim","name":"Kim","password":"hidden rabbit mountain"}`, 400, "Name is not a field that this takes"},
		{"a number", "application/json", `{"name":5,"password":"short"}`, 400, "name must be a string; password must have 8 to 128 characters"},
		{"half a pair", "application/json", `{"name":"\ud800","password":"hidden rabbit mountain"}`, 400, "name must be valid Unicode text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var headers []string
			if test.contentType != "" {
				headers = []string{"Content-Type", test.contentType}
			}
			w := s.do(request("POST", path, test.body, headers...))
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("the answer is %d %s, want %d with %q", w.Code, w.Body, test.status, test.says)
			}
			checkHeaders(t, w)
		})
	}
	checkPage(t, s.get(path), 200) // it still stands
}

func TestAFormThatAsksForJSONIsAnsweredInJSON(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.invite(t, "en_US"))
	w := s.do(request("POST", path, "name=Kim&password=short", "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json"))
	if w.Code != 400 || w.Body.String() != `{"error":{"message":"password must have 8 to 128 characters"}}` {
		t.Errorf("the answer is %d %s", w.Code, w.Body)
	}
}

func TestOtherMethods(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.invite(t, "en_US"))
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "get", "BREW"} {
		w := s.do(request(method, path, ""))
		checkPage(t, w, 405)
		if got := w.Header().Get("Allow"); got != "GET, HEAD, POST" {
			t.Errorf("%s: Allow is %q", method, got)
		}
	}
}

// brokenLinks is where every look for a link fails.
type brokenLinks struct {
	directory.Invitations
	fail func() error
}

func (b brokenLinks) Link(context.Context, roster.LinkHash) (roster.Link, error) {
	return roster.Link{}, b.fail()
}

func TestFailures(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.invite(t, "en_US"))
	for _, test := range []struct {
		name       string
		fail       func() error
		status     int
		retryAfter string
		says, json string
	}{
		{"unavailable", func() error {
			return &roster.Error{Kind: roster.KindUnavailable, Message: "the table does not answer", RetryAfter: 1500 * time.Millisecond, Cause: errors.New("planted-cause")}
		}, 503, "2", "しばらくしてからもう一度お試しください", "the table does not answer"},
		{"internal", func() error { return errors.New("planted-cause") }, 500, "", "問題が発生しました", "internal error"},
		{"a panic", func() error { panic("planted-cause") }, 500, "", "問題が発生しました", "internal error"},
		{"a conflict", func() error { return roster.VersionChanged("user") }, 409, "", "しばらくしてからもう一度お試しください", "the user was changed by somebody else meanwhile"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ports := s.Ports
			ports.Invitations = brokenLinks{Invitations: ports.Invitations, fail: test.fail}
			s.serve(directory.New(ports))
			s.log.Reset()
			w := s.get(path, "Accept-Language", "ja")
			checkPage(t, w, test.status)
			if got := w.Header().Get("Retry-After"); got != test.retryAfter {
				t.Errorf("Retry-After is %q, want %q", got, test.retryAfter)
			}
			if !strings.Contains(w.Body.String(), test.says) || strings.Contains(w.Body.String(), "planted") {
				t.Errorf("the page says %s", w.Body)
			}
			if told := test.status < 500; strings.Contains(s.log.String(), "planted-cause") == told {
				t.Errorf("the log says %s", s.log.String())
			}
			program := s.postJSON(path, `{"name":"Kim","password":"hidden rabbit mountain"}`)
			if want := `{"error":{"message":"` + test.json + `"}}`; program.Code != test.status || program.Body.String() != want {
				t.Errorf("a program is told %d %s, want %s", program.Code, program.Body, want)
			}
		})
	}
}

func TestTheLogHasOneLinePerRequestAndNoSecret(t *testing.T) {
	s := newSite(t)
	ref := s.invite(t, "en_US")
	path := s.page(t, ref)
	token := strings.TrimPrefix(path, invitations.BasePath)
	s.get(path)
	s.post(path, "name=Kim+Taylor&password=planted")
	s.postJSON(path, `{"name":"Kim Taylor","password":"planted"}`)
	s.post(path, "name=Kim+Taylor&password=hidden+rabbit+mountain")
	s.get(path)
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	if len(lines) != 5 {
		t.Fatalf("there are %d lines for 5 requests: %s", len(lines), s.log.String())
	}
	want := []map[string]any{
		{"method": "GET", "status": 200.0}, {"method": "POST", "status": 400.0, "kind": "invalid"}, {"method": "POST", "status": 400.0, "kind": "invalid"},
		{"method": "POST", "status": 200.0}, {"method": "GET", "status": 404.0, "kind": "not found"},
	}
	for i, line := range lines {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"time", "duration", "tableTime", "tableReads", "tableWrites", "tableCalls"} {
			if got[name] == nil {
				t.Errorf("line %d has no %s: %s", i, name, line)
			}
			delete(got, name)
		}
		maps.Copy(want[i], map[string]any{"level": "INFO", "msg": "request", "requestId": "request-1", "dialect": "invitations", "route": "/invitations/{token}"})
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("line %d (-want +got)\n%s", i, diff)
		}
	}
	for _, secret := range []string{token, "planted", "rabbit", "newcomer", "Kim", "$test$"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestTheStampSaysWhichWay(t *testing.T) {
	s := newSite(t)
	s.post(s.page(t, s.invite(t, "en_US")), "name=Kim+Taylor&password=hidden+rabbit+mountain")
	user := s.accepted(t, newcomer)
	want := roster.Stamp{By: "user:" + user.ID.String(), Via: "invitations", RequestID: "request-1"}
	if got := user.Revision.Stamp; got != want {
		t.Errorf("the stamp is %+v, want %+v", got, want)
	}
}

// TestLookingCosts holds that looking costs what it must: it reads link, invitation, user, organization and inviter.
func TestLookingCosts(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.invite(t, "en_US"))
	if got := s.get(path).Header().Get("Server-Timing"); !strings.Contains(got, `desc="5 calls,`) {
		t.Errorf("looking at an invitation costs %s, want 5 calls", got)
	}
}
