package replica

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/rosterhq/roster/internal/roster"
)

// unpacker reads what packer wrote.
type unpacker struct {
	rest  []byte
	words []string
	texts []byte // scratch of textsOf
}

func (p *unpacker) uvarint() uint64 {
	v, n := binary.Uvarint(p.rest)
	p.rest = p.rest[n:]
	return v
}

func (p *unpacker) varint() int64 {
	v, n := binary.Varint(p.rest)
	p.rest = p.rest[n:]
	return v
}

// text returns the next text, which stays part of the packed row.
func (p *unpacker) text() []byte {
	n := p.uvarint()
	t := p.rest[:n:n]
	p.rest = p.rest[n:]
	return t
}

func (p *unpacker) word() string {
	if n := p.uvarint(); n > 0 {
		return p.words[n-1]
	}
	return string(p.text())
}

func (p *unpacker) wordList() []string {
	words := make([]string, p.uvarint())
	for i := range words {
		words[i] = p.word()
	}
	return words
}

// head is the beginning of a packed row.
type head struct {
	flags   uint64
	version int64
	changed int64 // milliseconds after updatedAt
}

func (p *unpacker) head() head {
	return head{flags: p.uvarint(), version: int64(p.uvarint()), changed: p.varint()}
}

// longestPhone is the length of a phone number in E.164 form.
const longestPhone = 16

// textsOf reads the names, e-mail, user name and phone number, where row is the user's folded text.
func (p *unpacker) textsOf(u *roster.User, flags uint64, row []byte) {
	buffer := slices.Grow(p.texts[:0], len(row)+longestPhone)
	if flags>>usernameShift&3 == usernameInFull {
		buffer = append(buffer, p.text()...)
	}
	endUsername := len(buffer)
	buffer = p.appendPhone(buffer, flags)
	endPhone := len(buffer)
	name, nickname, email := splitText(row)
	buffer = p.appendWritten(buffer, flags>>nameShift, name)
	endName := len(buffer)
	buffer = p.appendWritten(buffer, flags>>nicknameShift, nickname)
	endNickname := len(buffer)
	buffer = p.appendWritten(buffer, flags>>emailShift, email)
	p.texts = buffer
	// One allocation for all: none of them outlives the user.
	all := string(buffer)
	u.PhoneNumber, u.Name = all[endUsername:endPhone], all[endPhone:endName]
	u.Nickname, u.Email = all[endName:endNickname], roster.Email(all[endNickname:])
	switch flags >> usernameShift & 3 {
	case usernameInFull:
		u.Username = all[:endUsername]
	case usernameOfEmail:
		u.Username = localPart(string(u.Email))
	case usernameOfNickname:
		u.Username = u.Nickname
	}
	if flags&flagSplitName != 0 {
		u.GivenName, u.FamilyName = roster.SplitName(u.Name)
		return
	}
	u.GivenName = string(p.text())
	u.FamilyName = string(p.text())
}

// appendText appends one text as its owner writes it: FieldName, FieldEmail, FieldUsername or FieldPhoneNumber.
func (p *unpacker) appendText(dst []byte, flags uint64, row []byte, field roster.Field) []byte {
	how := flags >> usernameShift & 3
	var username []byte
	if how == usernameInFull {
		username = p.text()
	}
	if field == roster.FieldUsername && (how == usernameNone || how == usernameInFull) {
		return append(dst, username...)
	}
	if field == roster.FieldPhoneNumber {
		return p.appendPhone(dst, flags)
	}
	if flags>>phoneShift&3 != phoneNone {
		p.skipPhone(flags)
	}
	name, nickname, email := splitText(row)
	start := len(dst)
	dst = p.appendWritten(dst, flags>>nameShift, name)
	if field == roster.FieldName {
		return dst
	}
	dst = p.appendWritten(dst[:start], flags>>nicknameShift, nickname)
	if field == roster.FieldUsername && how == usernameOfNickname {
		return dst
	}
	dst = p.appendWritten(dst[:start], flags>>emailShift, email)
	if field == roster.FieldEmail {
		return dst
	}
	return dst[:start+len(localPart(dst[start:]))]
}

// appendWritten appends the next text as its owner writes it, where its fold is folded and how are bits of the flags.
func (p *unpacker) appendWritten(dst []byte, how uint64, folded []byte) []byte {
	switch how & 3 {
	case asFolded:
		return append(dst, folded...)
	case asTitle:
		return appendTitle(dst, folded)
	default:
		return append(dst, p.text()...)
	}
}

// appendPhone appends the phone number.
func (p *unpacker) appendPhone(dst []byte, flags uint64) []byte {
	switch flags >> phoneShift & 3 {
	case phoneNone:
		return dst
	case phoneNumber:
		return strconv.AppendUint(append(dst, '+'), p.uvarint(), 10)
	default:
		return append(dst, p.text()...)
	}
}

func (p *unpacker) skipPhone(flags uint64) {
	if flags>>phoneShift&3 == phoneNumber {
		p.uvarint()
		return
	}
	p.text()
}

func (p *unpacker) wordsOf(u *roster.User, flags uint64) {
	for _, w := range wordFields(u) {
		if flags&w.flag != 0 {
			*w.text = p.word()
		}
	}
}

func (p *unpacker) listsOf(u *roster.User, flags uint64) {
	if flags&flagGroups != 0 {
		u.Groups = make([]roster.GroupID, p.uvarint())
		for i := range u.Groups {
			u.Groups[i] = roster.GroupID(p.varint())
		}
	}
	if flags&flagDelegates != 0 {
		u.Delegates = make([]roster.Delegate, p.uvarint())
		for i := range u.Delegates {
			u.Delegates[i].User = roster.UserID(p.varint())
			if permissions := p.wordList(); len(permissions) > 0 {
				u.Delegates[i].Permissions = permissions
			}
		}
	}
	if flags&flagIdentities != 0 {
		u.Identities = make([]roster.Identity, p.uvarint())
		for i := range u.Identities {
			u.Identities[i].Type = p.word()
			u.Identities[i].Value = string(p.text())
		}
	}
	if flags&flagSuperPermissions != 0 {
		u.SuperDelegatePermissions = p.wordList()
	}
}

func (p *unpacker) restOf(u *roster.User, flags uint64) {
	for _, s := range switchFields(u) {
		*s.on = flags&s.flag != 0
	}
	for _, t := range textFields(u) {
		if flags&t.flag != 0 {
			*t.text = string(p.text())
		}
	}
	if flags&flagPublicKey != 0 {
		u.PublicKey = string(p.text())
		if flags&flagPublicKeyHex != 0 {
			u.PublicKey = hex.EncodeToString([]byte(u.PublicKey))
		}
	}
	if flags&flagDefaultWarehouse != 0 {
		u.DefaultWarehouse = roster.WarehouseID(p.varint())
	}
	if flags&flagDeleted != 0 {
		u.DeletedAt = millis(p.uvarint()).time()
	}
	if flags&flagExpires != 0 {
		u.ExpiresAt = millis(p.uvarint()).time()
	}
}
