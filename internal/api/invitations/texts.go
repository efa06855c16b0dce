package invitations

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// texts is what the pages say in one language. In braces stand the names that are put in: {organization}, {inviter}, {email}, and
// the numbers {least} and {most}.
type texts struct {
	// Lang is the language's tag (RFC 5646), for the lang attribute.
	Lang string

	// The form of each purpose: its heading, who asks for what, what is to be done, the button, and what to do about a mail that
	// one did not ask for.
	InviteHeading, InviteFrom, InviteFromNobody, InviteTask, InviteSubmit, InviteAside string
	SignUpHeading, SignUpLead, SignUpTask, SignUpSubmit, SignUpAside                   string
	ResetHeading, ResetLead, ResetTask, ResetSubmit, ResetAside                        string

	EmailLabel, NameLabel                         string
	OrganizationLabel, Optional, OrganizationHint string
	PasswordLabel, NewPasswordLabel, PasswordHint string
	// Show and Hide are on the button beside the password, ShowPassword and HidePassword are its names for who cannot see beside
	// what it stands: they contain the former (WCAG 2.5.3).
	Show, Hide, ShowPassword, HidePassword string

	// ProblemsPrefix begins the title of a page that lists what is wrong, ProblemsTitle heads the list.
	ProblemsPrefix, ProblemsTitle string

	// The rules of the fields.
	NameMissing, NameLength, NameSigns, NameLetters, LetterMissing                   string
	OrganizationLength, OrganizationLetters, Invisible, LookAlike, Mixed, NotUnicode string
	PasswordMissing, PasswordLength, Twice                                           string

	// What came of it.
	AccountReadyHeading, InviteDone, SignUpDone string
	ResetDoneHeading, ResetDone                 string
	MayClose                                    string
	TakenHeading, Taken, TakenForgotten         string

	// The one page for links that lead nowhere, and what may help.
	DeadHeading, DeadLead, DeadDone, DeadInvited, DeadAsked, DeadNewest string

	// What went wrong otherwise.
	UnavailableHeading, Unavailable, FailureHeading, Failure, BadRequestHeading, BadRequest string
}

// locales are the names of languages, in the order in which they are looked through, by roster.BestLocale's rules.
var locales = roster.MessageLocales()

// textsOf returns the texts that are nearest to a locale.
func textsOf(locale string) *texts {
	switch roster.BestLocale(locale, locales) {
	case "uk":
		return &ukrainian
	case "de":
		return &german
	case "fr":
		return &french
	case "es":
		return &spanish
	case "pl":
		return &polish
	case "pt_BR":
		return &portuguese
	case "ja":
		return &japanese
	default:
		return &english
	}
}

// maxLanguages bounds how much of Accept-Language is looked at.
const maxLanguages = 20

// localeOf returns the locale of ours that the request's Accept-Language wants most (RFC 9110, section 12.5.4), English where it
// wants none of them.
func localeOf(r *http.Request) string {
	type wish struct {
		locale  string
		quality float64
	}
	var wishes []wish
	for i, part := range strings.SplitN(r.Header.Get("Accept-Language"), ",", maxLanguages+1) {
		if i == maxLanguages {
			break
		}
		tag, parameter, _ := strings.Cut(part, ";")
		tag = strings.TrimSpace(tag)
		w := wish{locale: roster.BestLocale(tag, locales), quality: 1}
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			quality, err := strconv.ParseFloat(q, 64)
			if err != nil {
				continue
			}
			w.quality = quality
		}
		// What is none of ours comes back as English.
		language, _, _ := strings.Cut(tag, "-")
		if w.quality <= 0 || w.locale == roster.DefaultLocale && !strings.EqualFold(language, roster.DefaultLocale) {
			continue
		}
		wishes = append(wishes, w)
	}
	if len(wishes) == 0 {
		return roster.DefaultLocale
	}
	// The first of those wanted most: NaN is more than nothing here, and does no harm.
	return slices.MaxFunc(wishes, func(a, b wish) int {
		switch {
		case a.quality < b.quality:
			return -1
		case a.quality > b.quality:
			return 1
		default:
			return 0
		}
	}).locale
}

// names are what is put into the texts.
type names struct{ Organization, Inviter, Email string }

// plain returns the text with the names in it.
func (n names) plain(text string) string {
	return n.replace(text, func(name string) string { return name })
}

// html returns the text as HTML with the names in it: each set off, and on its own in the direction of writing, so that one
// that is written from right to left leaves the sentence in order.
func (n names) html(text string) template.HTML {
	return template.HTML(n.replace(template.HTMLEscapeString(text), func(name string) string {
		return "<strong><bdi>" + template.HTMLEscapeString(name) + "</bdi></strong>"
	}))
}

// heading is html without setting the names off: a heading is strong already.
func (n names) heading(text string) template.HTML {
	return template.HTML(n.replace(template.HTMLEscapeString(text), func(name string) string {
		return "<bdi>" + template.HTMLEscapeString(name) + "</bdi>"
	}))
}

// replace puts the names in, each as show has it. It goes through the text once: a name in braces stays what it is.
func (n names) replace(text string, show func(string) string) string {
	return strings.NewReplacer(
		"{organization}", show(n.Organization), "{inviter}", show(n.Inviter), "{email}", show(n.Email),
	).Replace(text)
}

// bounds returns the text with the numbers in it.
func bounds(text string, least, most int) string {
	return strings.NewReplacer("{least}", strconv.Itoa(least), "{most}", strconv.Itoa(most)).Replace(text)
}
