package delivery

import (
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Locales are the languages that mails can be written in, for roster.BestLocale. The first is the one for whom there is none of
// their own.
var Locales = roster.MessageLocales()

// language is what mails say in one language. Sentences are plain text, complete in themselves, and stand for themselves in
// both forms of a mail: the text form has them as they are, the HTML form escapes them as a whole. In them {organization},
// {inviter} and {validity} stand for names and a time.
type language struct {
	// locale is the language as users have it, such as pt_BR, and tag the same for HTML (RFC 5646).
	locale, tag string
	// greeting addresses nobody by name: the name on an account may be what somebody else wrote there.
	greeting string
	invite   letter
	signUp   letter
	reset    letter
	// valid says how long the link leads anywhere, copyLink what the bare address below the button is for, and sent who
	// has the mail sent.
	valid, copyLink, sent string
	// days, hours and minutes are amounts of time as they stand in valid, one form for each that plural tells apart.
	days, hours, minutes []string
	// plural returns the index of the form for n (CLDR, Language Plural Rules: the cardinals of whole numbers).
	plural func(n int) int
}

// letter is what is said in the mails of one purpose alone.
type letter struct {
	subject, lead string
	// subjectBy and leadBy are the same where somebody is named who invites. Where a language would have to know whether
	// that is a man or a woman, the sentence is another one.
	subjectBy, leadBy string
	ask, button       string
	// unexpected says what to do with a mail that one has not asked for.
	unexpected string
}

// languageFor returns the best language there is for a locale.
func languageFor(locale string) *language {
	best := roster.BestLocale(locale, Locales)
	for i := range languages {
		if languages[i].locale == best {
			return &languages[i]
		}
	}
	return &languages[0]
}

// letter returns what is said for a purpose, false for one that no mail is sent for.
func (l *language) letter(purpose roster.Purpose) (letter, bool) {
	switch purpose {
	case roster.PurposeInvite:
		return l.invite, true
	case roster.PurposeSignUp:
		return l.signUp, true
	case roster.PurposeReset:
		return l.reset, true
	}
	return letter{}, false
}

// The time that a mail is under way is not taken off what it says: seven days are still seven days after a few minutes, and a
// day after one.
const (
	slackOfDays  = time.Hour
	slackOfHours = 5 * time.Minute
)

// validity returns d in words: whole days from two days on, whole hours from one hour on, else minutes, rounded down but for
// the slack, and at least a minute.
func (l *language) validity(d time.Duration) string {
	const day = 24 * time.Hour
	n, forms := max(int(d/time.Minute), 1), l.minutes
	switch {
	case d+slackOfDays >= 2*day:
		n, forms = int((d+slackOfDays)/day), l.days
	case d+slackOfHours >= time.Hour:
		n, forms = int((d+slackOfHours)/time.Hour), l.hours
	}
	return strings.ReplaceAll(forms[l.plural(n)], "{n}", strconv.Itoa(n))
}

// pluralOne is the rule of languages that tell one from all others, pluralNone that of those that tell nothing.
func pluralOne(n int) int {
	if n == 1 {
		return 0
	}
	return 1
}

func pluralNone(int) int { return 0 }

// pluralUkrainian tells 1, 21, 31 ... from 2-4, 22-24 ... from the rest.
func pluralUkrainian(n int) int {
	if n%10 == 1 && n%100 != 11 {
		return 0
	}
	return pluralPolish(n)
}

// pluralPolish tells 1 from 2-4, 22-24 ... from the rest.
func pluralPolish(n int) int {
	switch {
	case n == 1:
		return 0
	case 2 <= n%10 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		return 1
	}
	return 2
}
