package workspace

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/rosterhq/roster/internal/roster"
)

// The id of a user is a UUID of version 8, whose content is for the application to choose (RFC 9562, section 5.8): the upper 41 of the
// integer's 53 bits, which are a time, in the place where a UUID of version 7 has its time, the lower 12 behind the version, and in the
// rest zeros and the word user in ASCII. So UUIDs sort as the integers do, one of another origin is practically never one of these, and
// none has to be stored.

const (
	lowBits      = 12
	version      = 8 << lowBits
	variant      = 1 << 63
	kindUser     = 0x75736572 // "user"
	uuidText     = len("00000000-0000-8000-8000-000075736572")
	uuidVersions = 0xf << lowBits
)

// UserID returns the UUID of a user.
func UserID(id roster.UserID) string {
	high := uint64(id)>>lowBits<<16 | version | uint64(id)&(1<<lowBits-1)
	var data [16]byte
	binary.BigEndian.PutUint64(data[:], high)
	binary.BigEndian.PutUint64(data[8:], variant|kindUser)
	text := make([]byte, 0, uuidText)
	for i, part := range [...][]byte{data[:4], data[4:6], data[6:8], data[8:10], data[10:]} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, part)
	}
	return string(text)
}

// ParseUserID returns the user whose UUID that is, with digits in upper or lower case (RFC 9562, section 4). It reports false for every
// other text.
func ParseUserID(text string) (roster.UserID, bool) {
	if len(text) != uuidText {
		return 0, false
	}
	digits := make([]byte, 0, 32)
	for i := range uuidText {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if text[i] != '-' {
				return 0, false
			}
			continue
		}
		digits = append(digits, text[i])
	}
	var data [16]byte
	if _, err := hex.Decode(data[:], digits); err != nil {
		return 0, false
	}
	high := binary.BigEndian.Uint64(data[:])
	if high&uuidVersions != version || binary.BigEndian.Uint64(data[8:]) != variant|kindUser {
		return 0, false
	}
	id := high>>16<<lowBits | high&(1<<lowBits-1)
	if id < 1 || id > uint64(roster.MaxUserID) {
		return 0, false
	}
	return roster.UserID(id), true
}
