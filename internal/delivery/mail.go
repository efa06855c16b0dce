package delivery

import (
	_ "embed"
	"fmt"
	"html"
	"strings"
	"time"
	"unicode"

	"github.com/rosterhq/roster/internal/roster"
)

// Letter is what the mail of an invitation is made of. The same Letter always makes the same mail.
type Letter struct {
	Purpose roster.Purpose
	// Locale is the language asked for; the best there is of Locales is taken.
	Locale string
	// Organization is the name of the organization that the mail is sent for.
	Organization string
	// Inviter is the name of who invites, empty where nobody is to be named. Only an invitation to take up an account names them.
	Inviter string
	// Link is the address of the page, the token in it.
	Link string
	// Validity is how long the link will lead there.
	Validity time.Duration
}

// Message is a mail as it is read, without an address on it.
type Message struct {
	Subject string
	// Text and HTML are the same message in two forms.
	Text, HTML string
}

// layout is the HTML form. It asks little of a mail program: blocks that are as wide as there is room, styles on the elements,
// no pictures, nothing fetched. Programs that make light mails dark by themselves find no color that is not set, and the others
// have the few lines for the dark. All languages are written from left to right, and mail programs take html and body away, so
// language and direction are said twice.
//
//go:embed layout.html
var layoutText string

// page is what the layout shows. All of it but Tag and Link is text for people, and escaped as such.
type page struct {
	Tag, Subject, Greeting, Lead, Ask, Link, Button, Valid, CopyLink, Unexpected, Sent string
}

// Render returns the mail. Names come from anybody: in both forms and in the subject they are shown as the text they are, on the
// line where they stand (see plain). The only error is a Purpose that no mail is sent for.
func (l *Letter) Render() (Message, error) {
	language := languageFor(l.Locale)
	say, ok := language.letter(l.Purpose)
	if !ok {
		return Message{}, fmt.Errorf("no mail is sent for purpose %d", l.Purpose)
	}
	organization, inviter := plain(l.Organization), plain(l.Inviter)
	if inviter != "" && say.leadBy != "" {
		say.subject, say.lead = say.subjectBy, say.leadBy
	}
	// One pass: what a name looks like is not filled in again.
	fill := strings.NewReplacer("{organization}", organization, "{inviter}", inviter, "{validity}", language.validity(l.Validity)).Replace
	p := page{
		Tag: language.tag, Subject: fill(say.subject), Greeting: language.greeting, Lead: fill(say.lead), Ask: say.ask,
		Link: l.Link, Button: say.button, Valid: fill(language.valid), CopyLink: language.copyLink,
		Unexpected: say.unexpected, Sent: fill(language.sent),
	}
	return Message{Subject: p.Subject, Text: p.text(), HTML: p.html()}, nil
}

// html returns the HTML form: the layout with each {{.Field}} in it replaced by the field, escaped. All fields stand in text or in quoted
// attributes, where html/template would do no more; but it calls methods by their names, for which the linker keeps every operation
// of SES, SNS and SQS in the courier: a third of its size.
func (p *page) html() string {
	pairs := []string{
		"Tag", p.Tag, "Subject", p.Subject, "Greeting", p.Greeting, "Lead", p.Lead, "Ask", p.Ask, "Link", p.Link, "Button", p.Button,
		"Valid", p.Valid, "CopyLink", p.CopyLink, "Unexpected", p.Unexpected, "Sent", p.Sent,
	}
	for i := 0; i < len(pairs); i += 2 {
		pairs[i], pairs[i+1] = "{{."+pairs[i]+"}}", html.EscapeString(pairs[i+1])
	}
	// One pass: what a text says is not filled in again.
	return strings.NewReplacer(pairs...).Replace(layoutText)
}

// text returns the text form: paragraphs, each on a line, because mail programs break lines to fit. The link has a line of its
// own, so that no program takes a dot for a part of it.
func (p *page) text() string {
	return strings.Join([]string{p.Greeting, p.Lead, p.Ask, p.Link, p.Valid, p.Unexpected, "-- \n" + p.Sent}, "\n\n") + "\n"
}

// maxPlainName is how many characters of a name are shown. No name is longer (roster.MaxOrgName), but a mail should not depend
// on it.
const maxPlainName = 100

// plain returns a name as it can stand in a line of any text. Whatever ends a line or controls one, such as the line breaks by
// which a name would write headers of its own, becomes a space; what cannot be seen, and characters that turn the writing
// direction around for the text behind them, is left out. A name that has letters written from right to left is set apart, so
// that it does not take the punctuation beside it along (Unicode Standard Annex 9, section 2.4).
func plain(name string) string {
	var b strings.Builder
	leftwards, shown := false, 0
	space := false // one is due before the next character
	for _, r := range name {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp):
			space = shown > 0
			continue
		case r != zeroWidthJoiner && r != zeroWidthNonJoiner && unicode.Is(unicode.Cf, r):
			continue // the joiners spell words, as in Persian and in the scripts of India
		}
		if shown == maxPlainName {
			b.WriteString(ellipsis)
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
		shown++
		leftwards = leftwards || unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko)
	}
	if leftwards {
		return firstStrongIsolate + b.String() + popDirectionalIsolate
	}
	return b.String()
}

const (
	ellipsis              = "…"
	zeroWidthNonJoiner    = '\u200c'
	zeroWidthJoiner       = '\u200d'
	firstStrongIsolate    = "\u2068"
	popDirectionalIsolate = "\u2069"
)
