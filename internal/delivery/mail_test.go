package delivery_test

import (
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
)

const testLink = "https://roster.example.com/invitations/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

var purposes = []roster.Purpose{roster.PurposeInvite, roster.PurposeSignUp, roster.PurposeReset}

// letter returns a letter of that purpose as it usually is.
func letter(purpose roster.Purpose, locale string, changes ...func(*delivery.Letter)) delivery.Letter {
	l := delivery.Letter{Purpose: purpose, Locale: locale, Organization: "Acme Corp", Link: testLink, Validity: 24 * time.Hour}
	if purpose == roster.PurposeInvite {
		l.Inviter, l.Validity = "Jane O’Neil", 7*24*time.Hour
	}
	for _, change := range changes {
		change(&l)
	}
	return l
}

func render(t testing.TB, l delivery.Letter) delivery.Message {
	t.Helper()
	message, err := l.Render()
	if err != nil {
		t.Fatalf("Render(%+v): %v", l, err)
	}
	return message
}

// hostile are names that try to be more than names.
var hostile = map[string]struct{ organization, inviter string }{
	"markup":    {`<script>alert(1)</script>`, `<img src=x onerror=alert(1)> & "quoted" 'twice'`},
	"headers":   {"Acme\r\nBcc: victim@example.com\r\n\r\n<b>Hello</b>", "Jane\nSubject: other\u2028next\u2029last\u0085end"},
	"direction": {"Acme \u202etxet\u202c \u200fend", "שרה כהן"},
	"arabic":    {"شركة أكمي", "محمد"},
	"template":  {"{inviter} {validity} {{.Link}} %s", "{organization}${organization}"},
	"long":      {strings.Repeat("Long Name ", 10), strings.Repeat("ж", 300)},
	"unseen":    {"\u200bAc\u00adme\ufeff\x00 \t  Inc\u2060", "Ja\u200dne\xff\xfe"},
}

func TestMailsReadAsTheyShould(t *testing.T) {
	names := make(map[string]bool)
	compare := func(name string, l delivery.Letter) {
		message := render(t, l)
		names[name+".txt"], names[name+".html"] = true, true
		golden(t, "mail/"+name+".txt", "Subject: "+message.Subject+"\n\n"+message.Text)
		golden(t, "mail/"+name+".html", message.HTML)
	}
	for _, purpose := range purposes {
		for _, locale := range delivery.Locales {
			compare(purpose.String()+"."+locale, letter(purpose, locale))
		}
	}
	for _, locale := range delivery.Locales {
		compare("invite-by-nobody."+locale, letter(roster.PurposeInvite, locale, func(l *delivery.Letter) { l.Inviter = "" }))
	}
	for name, of := range hostile {
		compare("hostile-"+name+".en", letter(roster.PurposeInvite, "en", func(l *delivery.Letter) { l.Organization, l.Inviter = of.organization, of.inviter }))
	}
	wanted(t, "mail", names)
}

func TestOnlyInvitationsNameWhoAsked(t *testing.T) {
	for _, purpose := range purposes {
		message := render(t, letter(purpose, "en", func(l *delivery.Letter) { l.Inviter = "Zaphod" }))
		if got, want := strings.Contains(message.Subject+message.Text+message.HTML, "Zaphod"), purpose == roster.PurposeInvite; got != want {
			t.Errorf("the mail for %s names who asked: %v", purpose, got)
		}
	}
}

func TestUnknownPurposeIsAnError(t *testing.T) {
	for _, purpose := range []roster.Purpose{0, 77} {
		l := letter(purpose, "en")
		if _, err := l.Render(); err == nil {
			t.Errorf("a mail for purpose %d was written", purpose)
		}
	}
}

// textOf returns what a reader sees of HTML, and fails the test if it is not well-formed.
func textOf(t testing.TB, page string) string {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, append([]string{"meta", "br"}, xml.HTMLAutoClose...), xml.HTMLEntity
	var text strings.Builder
	depth := 0
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the HTML is not well-formed: %v\n%s", err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			text.Write(token)
		}
	}
	if depth != 0 {
		t.Errorf("%d elements are left open:\n%s", depth, page)
	}
	return text.String()
}

// tags are all tags of a mail, without what is in them.
func tags(page string) string {
	var b strings.Builder
	for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(page, -1) {
		b.WriteString(strings.ReplaceAll(tag, testLink, "LINK") + "\n")
	}
	return b.String()
}

// checkMail checks what must hold whatever the names are.
func checkMail(t testing.TB, l delivery.Letter) {
	t.Helper()
	message := render(t, l)
	usual := l
	usual.Organization, usual.Inviter = "Acme", ""
	if delivery.PlainName(l.Inviter) != "" {
		usual.Inviter = "Jane"
	}
	want := render(t, usual)

	if got := tags(message.HTML); got != tags(want.HTML) {
		t.Errorf("names changed the elements of the mail:\n%s", got)
	}
	if strings.ContainsFunc(message.Subject, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == '\u0085' }) {
		t.Errorf("the subject has control characters: %q", message.Subject)
	}
	if got, want := strings.Count(message.Text, "\n"), strings.Count(want.Text, "\n"); got != want {
		t.Errorf("the text has %d lines, want %d:\n%s", got, want, message.Text)
	}
	for _, form := range []string{message.Subject, message.Text, message.HTML} {
		if !utf8.ValidString(form) {
			t.Errorf("not UTF-8: %q", form)
		}
		if strings.ContainsAny(form, "\u202a\u202b\u202d\u202e\u200e\u200f\u2066\u2067\r") {
			t.Errorf("a name turns the direction around, or ends a line: %q", form)
		}
	}
	if text, name := textOf(t, message.HTML), delivery.PlainName(l.Organization); !strings.Contains(text, name) {
		t.Errorf("the HTML does not show %q as %q:\n%s", l.Organization, name, text)
	}
	if got := strings.Count(html.UnescapeString(message.HTML), `href="`+l.Link+`"`); got != 2 {
		t.Errorf("%d links lead to the page, want 2:\n%s", got, message.HTML)
	}
	if !strings.Contains(message.Text, "\n"+l.Link+"\n") {
		t.Errorf("the text has no line that is the link:\n%s", message.Text)
	}
}

func TestNamesCannotBeMoreThanNames(t *testing.T) {
	for name, of := range hostile {
		t.Run(name, func(t *testing.T) {
			for _, purpose := range purposes {
				for _, locale := range delivery.Locales {
					checkMail(t, letter(purpose, locale, func(l *delivery.Letter) { l.Organization, l.Inviter = of.organization, of.inviter }))
				}
			}
		})
	}
}

func TestNoNameCanBeMoreThanAName(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[<>&"'{}\r\n\t /=a-z\x{2028}\x{202e}\x{5d0}-\x{5d4}]{0,120}`))
		l := letter(rapid.SampledFrom(purposes).Draw(r, "purpose"), rapid.SampledFrom(delivery.Locales).Draw(r, "locale"))
		l.Organization, l.Inviter = name.Draw(r, "organization"), name.Draw(r, "inviter")
		checkMail(t, l)
		if t.Failed() {
			r.FailNow()
		}
	})
}

func TestPlainName(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"Jane Doe", "Jane Doe"},
		{"  Jane \t\r\n Doe  ", "Jane Doe"},
		{"\x00\u202e\u2067", ""},
		{"Åse 李 Ñandú", "Åse 李 Ñandú"},
		{"می\u200cخواهم", "\u2068می\u200cخواهم\u2069"}, // the zero-width non-joiner spells it
		{"Acme שלום", "\u2068Acme שלום\u2069"},
		{strings.Repeat("é", 100), strings.Repeat("é", 100)},
		{strings.Repeat("é", 101), strings.Repeat("é", 100) + "…"},
		{strings.Repeat("é", 100) + "   ", strings.Repeat("é", 100)},
	} {
		if got := delivery.PlainName(test.name); got != test.want {
			t.Errorf("plain(%q) = %q, want %q", test.name, got, test.want)
		}
	}
}

// TestLayoutFetchesNothing holds the promise that opening the mail tells nobody.
func TestLayoutFetchesNothing(t *testing.T) {
	for _, locale := range delivery.Locales {
		page := render(t, letter(roster.PurposeInvite, locale)).HTML
		for _, fetching := range []string{"<img", "<script", "<iframe", "<object", "<form", "<table", "src=", "url(", "@import", "@font-face", "<link ", "background="} {
			if strings.Contains(page, fetching) {
				t.Errorf("%s: the mail has %s", locale, fetching)
			}
		}
		tag := fmt.Sprintf(` lang="%s" dir="ltr"`, delivery.WordsOf(locale)["tag"])
		if got := strings.Count(page, tag); got != 2 {
			t.Errorf("%s: the mail says%s %d times, want 2", locale, tag, got)
		}
		if n := len(page); n > 10_000 {
			t.Errorf("%s: the mail has %d bytes", locale, n)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	l := letter(roster.PurposeInvite, "uk")
	for b.Loop() {
		if _, err := l.Render(); err != nil {
			b.Fatal(err)
		}
	}
}
