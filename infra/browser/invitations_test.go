package browser

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/rosterhq/roster/internal/api/invitations"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// lines is a log that may be written to and read at the same time.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// site is the page served on loopback, in front of a real directory.
type site struct {
	*directorytest.World
	server *httptest.Server
	log    lines
	sent   int // how many people have been invited
}

func serve(t *testing.T) *site {
	t.Helper()
	s := &site{World: directorytest.New(t)}
	s.server = httptest.NewServer(invitations.New(s.Directory, invitations.Options{Log: slog.New(slog.NewJSONHandler(&s.log, nil))}))
	t.Cleanup(s.server.Close)
	return s
}

// address returns the address of the page of a new invitation, and the address that is invited.
func (s *site) address(t *testing.T, purpose roster.Purpose, locale string) (page, email string) {
	t.Helper()
	s.sent++
	ann := s.As(t, directorytest.AnnAdmin)
	ref := roster.InvitationRef{Tenant: ann.Tenant, Purpose: purpose}
	var err error
	switch purpose {
	case roster.PurposeInvite:
		email = "newcomer" + string(rune('a'+s.sent)) + "@example.com"
		form := roster.InvitationForm{Email: roster.Email(email), Name: "Kim Newcomer", Role: roster.RoleUser, Locale: locale}
		created, inviteErr := s.Directory.InviteUser(t.Context(), &ann, form, roster.Write{})
		err, ref.User = inviteErr, created.User.ID
	case roster.PurposeSignUp:
		email = "owner" + string(rune('a'+s.sent)) + "@example.com"
		ref.Org, ref.Email = directorytest.Acme, roster.Email(email)
		err = s.Directory.RequestSignUp(t.Context(), &ann, roster.MailForm{Email: roster.Email(email), Locale: locale}, roster.Write{})
	case roster.PurposeReset:
		user := s.NewUser(t, directorytest.Acme, roster.RoleUser)
		email, ref.User = string(user.Email), user.ID
		err = s.Directory.RequestPasswordReset(t.Context(), &ann, roster.MailForm{Email: user.Email, Locale: locale}, roster.Write{})
	}
	if err != nil {
		t.Fatalf("asking for the mail (%s): %v", purpose, err)
	}
	return s.server.URL + invitations.BasePath + s.Link(t, ref), email
}

const password = "hidden rabbit mountain"

// words are what the tests look for on the pages, by language.
var words = map[string]struct {
	locale, show, hide, short, dead string
	headings, done                  map[roster.Purpose]string
}{
	"en": {
		locale: "en_US", show: "Show", hide: "Hide", short: "A password has 8 to 128 characters.", dead: "This link does not work",
		headings: map[roster.Purpose]string{
			roster.PurposeInvite: "Join Acme", roster.PurposeSignUp: "Create your account", roster.PurposeReset: "Set a new password",
		},
		done: map[roster.Purpose]string{
			roster.PurposeInvite: "Your account is ready", roster.PurposeSignUp: "Your account is ready", roster.PurposeReset: "Your new password is set",
		},
	},
	"uk": {
		locale: "uk_UA", show: "Показати", hide: "Сховати", short: "Пароль має містити від 8 до 128 символів.", dead: "Це посилання не працює",
		headings: map[roster.Purpose]string{
			roster.PurposeInvite: "Приєднайтеся до Acme", roster.PurposeSignUp: "Створіть обліковий запис", roster.PurposeReset: "Встановіть новий пароль",
		},
		done: map[roster.Purpose]string{
			roster.PurposeInvite: "Ваш обліковий запис готовий", roster.PurposeSignUp: "Ваш обліковий запис готовий", roster.PurposeReset: "Новий пароль встановлено",
		},
	},
	"ja": {
		locale: "ja_JP", show: "表示", hide: "非表示", short: "パスワードは8～128文字で入力してください。", dead: "このリンクは使えません",
		headings: map[roster.Purpose]string{
			roster.PurposeInvite: "Acmeへようこそ", roster.PurposeSignUp: "アカウントを作成", roster.PurposeReset: "新しいパスワードの設定",
		},
		done: map[roster.Purpose]string{
			roster.PurposeInvite: "アカウントの準備ができました", roster.PurposeSignUp: "アカウントの準備ができました", roster.PurposeReset: "新しいパスワードを設定しました",
		},
	},
}

var purposes = []roster.Purpose{roster.PurposeInvite, roster.PurposeSignUp, roster.PurposeReset}

// TestPeopleFollowTheirLinksByKeyboard goes the whole way on a small screen: a first try that is refused, the way from the list of
// problems to the field, a second try, and the link once more afterwards.
func TestPeopleFollowTheirLinksByKeyboard(t *testing.T) {
	s, browser := serve(t), startBrowser(t)
	for _, language := range []string{"en", "uk", "ja"} {
		for _, purpose := range purposes {
			for _, script := range []bool{true, false} {
				name := purpose.String() + "-" + language
				if !script {
					name += "-noscript"
				}
				t.Run(name, func(t *testing.T) { s.follow(t, browser, name+"-360", purpose, language, script) })
			}
		}
	}
}

func (s *site) follow(t *testing.T, browser context.Context, name string, purpose roster.Purpose, language string, script bool) {
	address, email := s.address(t, purpose, words[language].locale)
	b := open(t, browser, name, look{width: 360, height: 740, script: script, language: language})
	b.visit(address)
	if got, want := b.heading(), words[language].headings[purpose]; got != want {
		t.Errorf("the heading is %q, want %q", got, want)
	}
	if got := eval[string](b, `document.documentElement.lang`); got != language {
		t.Errorf("the page's language is %q, want %q", got, language)
	}
	checkForPasswordManagers(b, email)
	b.examine("form")

	first := "name"
	if purpose == roster.PurposeReset {
		first = "password"
	}
	if way := b.tabTo(first); !slices.Equal(way, []string{"email"}) {
		t.Errorf("on the way to %s, Tab leads over %v, want the address alone", first, way)
	}
	if purpose != roster.PurposeReset {
		if purpose == roster.PurposeSignUp {
			b.press("Kim Owner")
			b.tabTo("organizationName")
			b.press("Owner & Sons <i>") // which no organization can be called
		}
		b.tabTo("password")
	}
	b.press("short")
	b.submit()
	checkRefusal(b, purpose, language)
	b.examine("problems")

	// From the list of problems straight to the field, with Enter on the link.
	b.tabTo("#password")
	b.enter()
	b.expectFocus("password", "after Enter on the link in the list of problems")
	b.press(password)
	checkShowing(b, language, script)
	if purpose == roster.PurposeSignUp {
		b.shiftTab()
		b.expectFocus("organizationName", "after Shift+Tab")
		b.press("Owner and Sons") // in the place of what was there, which Tab has selected
	}
	b.submit()
	if got, want := b.heading(), words[language].done[purpose]; got != want || b.lastStatus() != 200 {
		t.Fatalf("after the second try the heading is %q (%d), want %q", got, b.lastStatus(), want)
	}
	if got := eval[string](b, `document.querySelector("main").innerText`); !strings.Contains(got, email) || strings.Contains(got, password) {
		t.Errorf("the page says %q, want it to name %s", got, email)
	}
	b.examine("done")

	b.visit(address)
	if got := b.heading(); got != words[language].dead || b.lastStatus() != 404 {
		t.Errorf("the used link shows %q (%d), want %q", got, b.lastStatus(), words[language].dead)
	}
	b.examine("dead")
	b.checkQuiet(address)
	s.checkWritten(t, email)
	token := address[strings.LastIndexByte(address, '/')+1:]
	for _, secret := range []string{token, password, email} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// checkForPasswordManagers looks for what they go by.
func checkForPasswordManagers(b *tab, email string) {
	b.t.Helper()
	type fields struct{ Username, Type, Autocomplete, Shortest, Longest, Method string }
	got := eval[fields](b, `(() => {
		const username = document.querySelector("input[autocomplete=username]"), password = document.querySelector("input[type=password]");
		return {
			Username: username.value + (username.readOnly ? " readonly" : ""), Type: password.type, Autocomplete: password.autocomplete,
			Shortest: password.getAttribute("minlength"), Longest: password.getAttribute("maxlength"), Method: password.form.method,
		};
	})()`)
	want := fields{Username: email + " readonly", Type: "password", Autocomplete: "new-password", Shortest: "8", Longest: "128", Method: "post"}
	if got != want {
		b.t.Errorf("for password managers: %+v, want %+v", got, want)
	}
}

// checkRefusal looks at the page after a first try that was refused.
func checkRefusal(b *tab, purpose roster.Purpose, language string) {
	b.t.Helper()
	if b.lastStatus() != 400 {
		b.t.Fatalf("the first try is answered %d", b.lastStatus())
	}
	b.expectFocus("problems", "after the refusal")
	type state struct {
		Invalid, Described, Said, Value, Title string
		Links                                  []string
	}
	got := eval[state](b, `(() => {
		const p = document.getElementById("password"), ids = p.getAttribute("aria-describedby").split(" ");
		return {
			Invalid: p.getAttribute("aria-invalid"), Described: ids.join(" "), Said: document.getElementById(ids.at(-1)).innerText, Value: p.value,
			Title: document.title, Links: [...document.querySelectorAll("#problems a")].map(a => a.getAttribute("href")),
		};
	})()`)
	links := []string{"#password"}
	if purpose == roster.PurposeSignUp {
		links = []string{"#organizationName", "#password"}
	}
	if got.Invalid != "true" || got.Described != "password-hint password-error" || got.Said != words[language].short || got.Value != "" || !slices.Equal(got.Links, links) {
		b.t.Errorf("after the refusal: %+v", got)
	}
	if purpose == roster.PurposeSignUp {
		if kept := eval[string](b, `document.getElementById("name").value + "|" + document.getElementById("organizationName").value`); kept != "Kim Owner|Owner & Sons <i>" {
			b.t.Errorf("the page has kept %q of what was typed", kept)
		}
	}
}

// checkShowing presses the button that shows the password, which is there with script alone, and ends in the password or on it.
func checkShowing(b *tab, language string, script bool) {
	b.t.Helper()
	if !script {
		if eval[bool](b, `document.getElementById("show").checkVisibility()`) {
			b.t.Error("without script there is a button that needs it")
		}
		return
	}
	b.tabTo("show")
	button := `document.getElementById("password").type + " " + document.getElementById("show").innerText`
	for _, want := range []string{"password " + words[language].show, "text " + words[language].hide, "password " + words[language].show, "text " + words[language].hide} {
		if got := eval[string](b, button); got != want {
			b.t.Errorf("the field and its button are %q, want %q", got, want)
		}
		b.press(" ")
	}
	if got := eval[string](b, `document.getElementById("password").value`); got != password {
		b.t.Errorf("the field shows %q", got)
	}
	// Enter here would press the button: the form is sent from a field.
	b.shiftTab()
}

// checkWritten fails the test unless the account can be used with the password.
func (s *site) checkWritten(t *testing.T, email string) {
	t.Helper()
	tenant, id, err := s.Table.EmailOwner(t.Context(), roster.Email(email))
	if err != nil {
		t.Fatalf("looking for the owner of %s: %v", email, err)
	}
	user, err := s.Table.User(t.Context(), tenant, id)
	if err != nil || user.Status != roster.StatusActive {
		t.Errorf("the user is %s, %v", user.Status, err)
	}
	credential, err := s.Table.Credential(t.Context(), tenant, id)
	if err != nil || credential.PasswordHash != directorytest.HashOf(password) {
		t.Errorf("the password is not the one that was typed: %v", err)
	}
}

// TestOnALargeScreen takes the pictures of the forms there.
func TestOnALargeScreen(t *testing.T) {
	s, browser := serve(t), startBrowser(t)
	for _, language := range []string{"en", "uk", "ja"} {
		for _, purpose := range purposes {
			name := purpose.String() + "-" + language
			t.Run(name, func(t *testing.T) {
				address, _ := s.address(t, purpose, words[language].locale)
				b := open(t, browser, name+"-1280", look{width: 1280, height: 860, script: true, language: language})
				b.visit(address)
				b.examine("form")
				b.visit(address + "x")
				b.examine("dead")
				b.mu.Lock()
				b.asked = nil // of another address, on purpose
				b.mu.Unlock()
				b.checkQuiet(address)
			})
		}
	}
}

// TestNamesStayInTheirPlace shows names as long as there may be, from right to left, and made to break out of the page.
func TestNamesStayInTheirPlace(t *testing.T) {
	s, browser := serve(t), startBrowser(t)
	ann := s.As(t, directorytest.AnnAdmin)
	for name, hostile := range map[string]string{
		"script": `"><script>console.log("out")</script><img src=x onerror=console.log(1)>`,
		"long":   strings.Repeat("Wm", 50),
		"hebrew": "דנה כהן (\"מנהלת\")",
	} {
		t.Run(name, func(t *testing.T) {
			o := roster.Organization{Tenant: ann.Tenant, Path: roster.OrgPath{directorytest.Acme}, Name: hostile}
			o, _, err := s.Table.CreateOrganization(t.Context(), o, roster.Stamp{By: "test", Via: "test"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			inviter := s.NewUser(t, directorytest.Acme, roster.RoleAdmin, func(u *roster.User) { u.Name = hostile })
			p := s.Principal(&inviter)
			email := roster.Email(strings.Repeat("x", 64-len(name)) + name + "@" + strings.Repeat("long.", 8) + "example")
			form := roster.InvitationForm{Email: email, Name: "Kim", Role: roster.RoleUser, Organization: o.ID, Locale: "en_US"}
			created, err := s.Directory.InviteUser(t.Context(), &p, form, roster.Write{})
			if err != nil {
				t.Fatal(err)
			}
			ref := roster.InvitationRef{Tenant: ann.Tenant, Purpose: roster.PurposeInvite, User: created.User.ID}
			address := s.server.URL + invitations.BasePath + s.Link(t, ref)
			b := open(t, browser, "names-"+name+"-360", look{width: 360, height: 740, script: true, language: "en"})
			b.visit(address)
			if got, want := b.heading(), "Join "+hostile; got != want {
				t.Errorf("the heading is %q, want %q", got, want)
			}
			b.examine("form")
			b.tabTo("password")
			b.press(password)
			b.submit()
			b.examine("done")
			b.checkQuiet(address)
		})
	}
}

// TestASecondPressIsHeldBack presses the button twice before the answer is there: it would replace the page that says that all went
// well by the one for a used link.
func TestASecondPressIsHeldBack(t *testing.T) {
	s, browser := serve(t), startBrowser(t)
	address, email := s.address(t, roster.PurposeReset, "en_US")
	b := open(t, browser, "twice", look{width: 360, height: 740, script: true, language: "en"})
	b.visit(address)
	b.tabTo("password")
	b.press(password)
	press := func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](`document.forms[0].requestSubmit(); document.forms[0].requestSubmit()`))
	}
	if _, err := chromedp.RunResponse(b.ctx, press); err != nil {
		t.Fatal(err)
	}
	if got := b.heading(); got != "Your new password is set" {
		t.Errorf("the page says %q", got)
	}
	b.mu.Lock()
	posts := 0
	for _, request := range b.asked {
		if request == "POST "+address {
			posts++
		}
	}
	b.mu.Unlock()
	if posts != 1 {
		t.Errorf("the form was sent %d times, want once", posts)
	}
	b.checkQuiet(address)
	s.checkWritten(t, email)
}
