package roster

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The lengths of names that callers choose, in characters (CONTRACT 1.4). What is stored may be longer, see MaxName: imports
// bring names that nobody can be asked to change.
const (
	MaxPersonName       = 50
	MaxTitle            = 50
	MaxNickname         = 50
	MinOrganizationName = 3
	MaxOrganizationName = 100
)

// alphabet is the rule for one kind of name.
type alphabet struct {
	least, most int
	digits      bool   // whether decimal digits of any script belong to it
	others      string // what else belongs to it beside letters
	says        string // what belongs to it, for the message
}

var (
	personName       = alphabet{1, MaxPersonName, false, " -.'’", "letters, hyphens, spaces, dots and apostrophes"}
	title            = alphabet{1, MaxTitle, false, " -", "letters, hyphens and spaces"}
	nickname         = alphabet{1, MaxNickname, true, " -", "letters, digits, hyphens and spaces"}
	organizationName = alphabet{MinOrganizationName, MaxOrganizationName, true, " -.'’", "letters, digits, spaces, dots, hyphens and apostrophes"}
)

// CheckPersonName notes under field what is wrong with a person's name: it has 1 to 50 letters of any script, hyphens,
// spaces, dots and apostrophes, at least one of them a letter, and plays no tricks (see CheckLookAlikes).
func CheckPersonName(errs *FieldErrors, field, name string) { personName.check(errs, field, name) }

// CheckTitle notes under field what is wrong with a title: 1 to 50 letters, hyphens and spaces, at least one a letter.
func CheckTitle(errs *FieldErrors, field, text string) { title.check(errs, field, text) }

// CheckNickname notes under field what is wrong with a nickname: 1 to 50 letters, digits, hyphens and spaces, at least one
// a letter or digit.
func CheckNickname(errs *FieldErrors, field, text string) { nickname.check(errs, field, text) }

// CheckOrganizationName notes under field what is wrong with an organization's name: 3 to 100 letters, digits, spaces, dots,
// hyphens and apostrophes, at least one of them a letter or digit.
func CheckOrganizationName(errs *FieldErrors, field, name string) {
	organizationName.check(errs, field, name)
}

// maxMarks is how many combining marks a letter may carry. Scripts that are written with marks need up to three; more is
// decoration that runs into the lines above and below.
const maxMarks = 3

func (a *alphabet) check(errs *FieldErrors, field, text string) {
	if !utf8.ValidString(text) {
		errs.Add(field, "must be valid UTF-8")
		return
	}
	if n := utf8.RuneCountInString(text); n < a.least || n > a.most {
		errs.Add(field, "must have "+strconv.Itoa(a.least)+" to "+strconv.Itoa(a.most)+" characters")
	}
	if text == "" {
		return
	}
	CheckLookAlikes(errs, field, text)
	strange, named := a.strange(text)
	if strange {
		errs.Add(field, "must consist of "+a.says)
	}
	if !strange && !named {
		errs.Add(field, "must have at least one letter")
	}
}

// strange reports whether text has a character that is not of the alphabet, and whether it has one that names anything: a
// letter or digit. What CheckLookAlikes refuses anyway is not looked at.
func (a *alphabet) strange(text string) (strange, named bool) {
	marks := maxMarks // there is no letter yet for a mark to stand on
	for _, r := range text {
		switch {
		case invisible(r):
		case lookAlike(r):
			named = true
		case unicode.IsLetter(r), a.digits && unicode.Is(unicode.Nd, r):
			named = true
			marks = 0
		case unicode.IsMark(r) && marks < maxMarks:
			// How many scripts spell: a letter and its marks are one letter.
			marks++
		case strings.ContainsRune(a.others, r):
			marks = maxMarks
		default:
			strange = true
		}
	}
	return strange, named
}

// CheckLine notes under field what is wrong with a line of free text: it may be empty, has at most most characters, and none
// that cannot be seen.
func CheckLine(errs *FieldErrors, field, text string, most int) {
	if !utf8.ValidString(text) {
		errs.Add(field, "must be valid UTF-8")
		return
	}
	if utf8.RuneCountInString(text) > most {
		errs.Add(field, "must have at most "+strconv.Itoa(most)+" characters")
	}
	if strings.ContainsFunc(text, invisible) {
		errs.Add(field, messageInvisible)
	}
}

const (
	messageInvisible = "must not contain control or invisible characters"
	messageLookAlike = "must not contain stylized letters, such as full-width or mathematical ones"
	messageMixed     = "must not mix letters of different scripts in one word"
)

// CheckLookAlikes notes under field the tricks by which a text can look like another one: characters that cannot be seen or
// that turn the writing direction around, letters that are another letter in disguise (full-width, mathematical, ligatures
// and their like), and words that mix letters of scripts that look alike, such as a Cyrillic а in a Latin word. A word wholly
// in another script is no trick but somebody's name.
func CheckLookAlikes(errs *FieldErrors, field, text string) {
	if strings.ContainsFunc(text, invisible) {
		errs.Add(field, messageInvisible)
	}
	if strings.ContainsFunc(text, lookAlike) {
		errs.Add(field, messageLookAlike)
	}
	if mixed(text) {
		errs.Add(field, messageMixed)
	}
}

// invisible reports whether r is not there for a reader: control and format characters (zero-width and bidirectional ones
// among them), fillers and variation selectors, line ends, what no version of Unicode has, and what stands for text that was
// not valid. Spaces of all kinds count as visible.
func invisible(r rune) bool {
	if ' ' <= r && r <= '~' {
		return false
	}
	return r == unicode.ReplacementChar || r == '\u034f' || // combining grapheme joiner
		r == '\u17b4' || r == '\u17b5' || r == '\u2800' || // Khmer inherent vowels, empty Braille pattern
		unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		!unicode.IsGraphic(r)
}

// disguises are the blocks of letters that stand for another letter in a certain dress: their compatibility decomposition
// (Unicode Standard Annex 15) is that letter.
var disguises = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x02b0, 0x02b8, 1}, // superscript modifier letters
		{0x02e0, 0x02e4, 1},
		{0x1d00, 0x1dbf, 1}, // phonetic extensions: small capitals, superscripts, subscripts
		{0x2070, 0x209c, 1}, // superscripts and subscripts
		{0x2100, 0x214f, 1}, // letterlike symbols
		{0x2c7c, 0x2c7d, 1}, // subscript j, modifier capital v
		{0xa730, 0xa731, 1}, // Latin small capitals
		{0xab5c, 0xab5f, 1}, // modifier letters
		{0xfb00, 0xfb06, 1}, // Latin ligatures
		{0xfb13, 0xfb17, 1}, // Armenian ligatures
		{0xfb1d, 0xfdff, 1}, // Hebrew and Arabic presentation forms
		{0xfe70, 0xfefc, 1},
		{0xff00, 0xffef, 1}, // half-width and full-width forms
	},
	R32: []unicode.Range32{
		{0x10780, 0x107ba, 1}, // Latin Extended-F: modifier letters
		{0x1d400, 0x1d7ff, 1}, // mathematical alphanumeric symbols
		{0x1ee00, 0x1eeff, 1}, // Arabic mathematical alphabetic symbols
		{0x1f100, 0x1f1ff, 1}, // enclosed alphanumerics
		{0x1fbf0, 0x1fbf9, 1}, // segmented digits
		{0x2f800, 0x2fa1f, 1}, // CJK compatibility ideographs
	},
}

func lookAlike(r rune) bool { return r >= utf8.RuneSelf && unicode.Is(disguises, r) }

// alike are the scripts whose letters can be taken for each other's (Unicode Technical Standard 39, section 4).
var alike = [...]*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic}

// mixed reports whether a word of the text, which is a run of letters and their marks, has letters of two such scripts.
func mixed(text string) bool {
	script := -1
	for _, r := range text {
		if !unicode.IsLetter(r) {
			if !unicode.IsMark(r) && !invisible(r) {
				script = -1
			}
			continue
		}
		for i, table := range alike {
			if !unicode.Is(table, r) {
				continue
			}
			if script >= 0 && script != i {
				return true
			}
			script = i
		}
	}
	return false
}
