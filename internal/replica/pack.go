package replica

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"unicode"
	"unicode/utf8"

	"github.com/rosterhq/roster/internal/roster"
)

// A packed row holds what the columns and the folded text do not say about a user, so that the user can be shown whole:
//
//	flags      uvarint, see below
//	version    uvarint
//	changedAt  varint, milliseconds after updatedAt
//	then, each only if its flag says so: username, phone number, name, nickname, e-mail, given and family name, the
//	words, the address, the lists, the remaining texts, deletedAt and expiresAt (uvarint, millis)
//
// A text is a uvarint length and its bytes. A word is the uvarint number of a dictionary entry plus one, or 0 and a
// text. A list is a uvarint length and its elements. Rows are read back only in this process and release: the layout can
// change freely.
//
// Name, nickname and e-mail are not stored again when their folded text tells how they are written.

// How a text is written, in two bits of the flags.
const (
	asFolded uint64 = iota // the same as its fold
	asTitle                // like Ann Smith-O'Brien, see appendTitle
	inFull                 // packed
)

// How the user name is written, in two bits of the flags.
const (
	usernameNone uint64 = iota
	usernameInFull
	usernameOfEmail // what stands before the @ of the e-mail
	usernameOfNickname
)

// How the phone number is written, in two bits of the flags.
const (
	phoneNone   uint64 = iota
	phoneNumber        // a plus sign and this number
	phoneInFull
)

// Where those pairs of bits stand in the flags.
const (
	nameShift     = 0
	nicknameShift = 2
	emailShift    = 4
	usernameShift = 6
	phoneShift    = 8
)

// The single bits of the flags. Those that most users have come first, since a uvarint is short for small numbers.
const (
	flagSplitName = 1 << (iota + 10) // given and family name follow from the name by roster.SplitName
	flagTitle
	flagTimeZone
	flagLocale
	flagCity
	flagState
	flagAddress
	flagZip
	flagDeveloper
	flagDarkMode
	flagDepartment
	flagSeniority
	flagOffice
	flagSubdepartment
	flagPod
	flagGroups
	flagDelegates
	flagIdentities
	flagSuperDelegate
	flagSuperPermissions
	flagDeviceUserID
	flagPublicKey
	flagPublicKeyHex // the key is packed as the bytes its hex stands for
	flagViewAll
	flagLoginViaBadge
	flagDefaultWarehouse
	flagEmailBounced
	flagEmailComplained
	flagDeleted
	flagExpires
)

// wordField is a text of a user that has few different values in a tenant.
type wordField struct {
	flag uint64
	text *string
}

// wordFields returns those texts of u, in the order they are packed in.
func wordFields(u *roster.User) [10]wordField {
	return [...]wordField{
		{flagTitle, &u.Title}, {flagTimeZone, &u.TimeZone}, {flagLocale, &u.Locale}, {flagCity, &u.Address.City},
		{flagState, &u.Address.State}, {flagDepartment, &u.Department}, {flagSeniority, &u.Seniority},
		{flagOffice, &u.Office}, {flagSubdepartment, &u.Subdepartment}, {flagPod, &u.Pod},
	}
}

// switchField is a yes or no of a user.
type switchField struct {
	flag uint64
	on   *bool
}

// switchFields returns those of u.
func switchFields(u *roster.User) [7]switchField {
	return [...]switchField{
		{flagDeveloper, &u.Developer}, {flagDarkMode, &u.DarkMode}, {flagSuperDelegate, &u.SuperDelegate},
		{flagViewAll, &u.ViewAll}, {flagLoginViaBadge, &u.LoginViaBadge},
		{flagEmailBounced, &u.EmailBounced}, {flagEmailComplained, &u.EmailComplained},
	}
}

// textFields returns the texts of u that are packed letter by letter, beside those that need a rule of their own.
func textFields(u *roster.User) [3]wordField {
	return [...]wordField{{flagAddress, &u.Address.Full}, {flagZip, &u.Address.Zip}, {flagDeviceUserID, &u.DeviceUserID}}
}

// packer writes packed rows. It keeps its scratch buffers between rows.
type packer struct {
	dict *dictionary
	body []byte
	text []byte
}

// appendText appends the searchable text of u to dst: name, nickname and e-mail, folded, each ended by a separator.
func appendText(dst []byte, u *roster.User) []byte {
	dst = append(appendFold(dst, u.Name), separator)
	dst = append(appendFold(dst, u.Nickname), separator)
	return append(appendFold(dst, string(u.Email)), separator)
}

// splitText returns the three parts of a row of folded text.
func splitText(row []byte) (name, nickname, email []byte) {
	i := bytes.IndexByte(row, separator)
	name, row = row[:i:i], row[i+1:]
	i = bytes.IndexByte(row, separator)
	return name, row[:i:i], row[i+1 : len(row)-1 : len(row)-1]
}

// append appends the packed row of u, whose folded text is row.
func (p *packer) append(dst []byte, u *roster.User, row []byte) []byte {
	p.body = p.body[:0]
	var flags uint64
	flags |= p.username(u) << usernameShift
	flags |= p.phone(u.PhoneNumber) << phoneShift
	name, nickname, email := splitText(row)
	flags |= p.written(u.Name, name) << nameShift
	flags |= p.written(u.Nickname, nickname) << nicknameShift
	flags |= p.written(string(u.Email), email) << emailShift
	flags |= p.names(u)
	flags |= p.words(u)
	flags |= p.lists(u)
	flags |= p.rest(u)

	dst = binary.AppendUvarint(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(u.Revision.Version))
	dst = binary.AppendVarint(dst, int64(millisOf(u.Revision.ChangedAt))-int64(millisOf(u.UpdatedAt)))
	return append(dst, p.body...)
}

func (p *packer) username(u *roster.User) uint64 {
	switch {
	case u.Username == "":
		return usernameNone
	case u.Username == localPart(string(u.Email)):
		return usernameOfEmail
	case u.Username == u.Nickname:
		return usernameOfNickname
	}
	p.body = appendString(p.body, u.Username)
	return usernameInFull
}

func (p *packer) phone(phone string) uint64 {
	if phone == "" {
		return phoneNone
	}
	if n, ok := phoneDigits(phone); ok {
		p.body = binary.AppendUvarint(p.body, n)
		return phoneNumber
	}
	p.body = appendString(p.body, phone)
	return phoneInFull
}

// phoneDigits returns the number behind the plus sign of an E.164 phone number, false if the number would not read back
// as it is written.
func phoneDigits(phone string) (uint64, bool) {
	if len(phone) < 2 || len(phone) > 19 || phone[0] != '+' || phone[1] == '0' {
		return 0, false
	}
	n := uint64(0)
	for _, c := range []byte(phone[1:]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// written notes how text is written, given its fold, and packs it where the fold does not tell.
func (p *packer) written(text string, folded []byte) uint64 {
	if text == string(folded) {
		return asFolded
	}
	p.text = appendTitle(p.text[:0], folded)
	if text == string(p.text) {
		return asTitle
	}
	p.body = appendString(p.body, text)
	return inFull
}

// appendTitle appends folded text with a capital at the start of each word and small letters otherwise.
func appendTitle(dst, folded []byte) []byte {
	start := true
	for i := 0; i < len(folded); {
		c := folded[i]
		if c < utf8.RuneSelf {
			if start && 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			start = c == ' ' || c == '-' || c == '\'' || c == '.'
			i++
			continue
		}
		r, size := utf8.DecodeRune(folded[i:])
		if start {
			r = unicode.ToUpper(r)
		} else {
			r = unicode.ToLower(r)
		}
		dst = utf8.AppendRune(dst, r)
		start = false
		i += size
	}
	return dst
}

func (p *packer) names(u *roster.User) uint64 {
	given, family := roster.SplitName(u.Name)
	if given == u.GivenName && family == u.FamilyName {
		return flagSplitName
	}
	p.body = appendString(appendString(p.body, u.GivenName), u.FamilyName)
	return 0
}

func (p *packer) words(u *roster.User) uint64 {
	var flags uint64
	for _, w := range wordFields(u) {
		if *w.text != "" {
			flags |= w.flag
			p.word(*w.text)
		}
	}
	return flags
}

func (p *packer) word(text string) {
	if n, ok := p.dict.word(text); ok {
		p.body = binary.AppendUvarint(p.body, uint64(n)+1)
		return
	}
	p.body = appendString(append(p.body, 0), text)
}

func (p *packer) wordList(words []string) {
	p.body = binary.AppendUvarint(p.body, uint64(len(words)))
	for _, w := range words {
		p.word(w)
	}
}

func (p *packer) lists(u *roster.User) uint64 {
	var flags uint64
	if len(u.Groups) > 0 {
		flags |= flagGroups
		p.body = binary.AppendUvarint(p.body, uint64(len(u.Groups)))
		for _, g := range u.Groups {
			p.body = binary.AppendVarint(p.body, int64(g))
		}
	}
	if len(u.Delegates) > 0 {
		flags |= flagDelegates
		p.body = binary.AppendUvarint(p.body, uint64(len(u.Delegates)))
		for i := range u.Delegates {
			p.body = binary.AppendVarint(p.body, int64(u.Delegates[i].User))
			p.wordList(u.Delegates[i].Permissions)
		}
	}
	if len(u.Identities) > 0 {
		flags |= flagIdentities
		p.body = binary.AppendUvarint(p.body, uint64(len(u.Identities)))
		for _, i := range u.Identities {
			p.word(i.Type)
			p.body = appendString(p.body, i.Value)
		}
	}
	if len(u.SuperDelegatePermissions) > 0 {
		flags |= flagSuperPermissions
		p.wordList(u.SuperDelegatePermissions)
	}
	return flags
}

func (p *packer) rest(u *roster.User) uint64 {
	var flags uint64
	for _, s := range switchFields(u) {
		if *s.on {
			flags |= s.flag
		}
	}
	for _, t := range textFields(u) {
		if *t.text != "" {
			flags |= t.flag
			p.body = appendString(p.body, *t.text)
		}
	}
	flags |= p.publicKey(u.PublicKey)
	if u.DefaultWarehouse != 0 {
		flags |= flagDefaultWarehouse
		p.body = binary.AppendVarint(p.body, int64(u.DefaultWarehouse))
	}
	if !u.DeletedAt.IsZero() {
		flags |= flagDeleted
		p.body = binary.AppendUvarint(p.body, uint64(millisOf(u.DeletedAt)))
	}
	if !u.ExpiresAt.IsZero() {
		flags |= flagExpires
		p.body = binary.AppendUvarint(p.body, uint64(millisOf(u.ExpiresAt)))
	}
	return flags
}

// publicKey packs hex in lower case, which public keys are, as the bytes it stands for.
func (p *packer) publicKey(key string) uint64 {
	if key == "" {
		return 0
	}
	p.text = append(p.text[:0], key...)
	raw := p.text
	n, err := hex.Decode(raw, raw)
	if err != nil || hex.EncodeToString(raw[:n]) != key {
		p.body = appendString(p.body, key)
		return flagPublicKey
	}
	p.body = append(binary.AppendUvarint(p.body, uint64(n)), raw[:n]...)
	return flagPublicKey | flagPublicKeyHex
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// localPart returns what stands before the last @ of an address, the empty string where there is none.
func localPart[T string | []byte](address T) T {
	for i := len(address) - 1; i >= 0; i-- {
		if address[i] == '@' {
			return address[:i]
		}
	}
	return address[:0]
}
