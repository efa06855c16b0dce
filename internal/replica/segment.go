package replica

import (
	"slices"
	"unsafe"

	"github.com/rosterhq/roster/internal/roster"
)

// segment holds users, one row each, column by column. A segment that still grows only grows at its end, so a copy of
// the struct is a snapshot that readers may use while the writer appends.
type segment struct {
	ids     []roster.UserID
	text    blob // name, nickname, e-mail: what Query.Text looks in, see appendText
	packed  blob // what a page shows beyond that, see packer
	place   column
	roleSet column
	country column
	devices column

	status     []uint8 // as stored
	deviceType []uint8

	created, updated, registered, lastLogin timeColumn

	// expiring lists the rows that disappear by themselves, in a finished segment soonest first.
	expiring []expiry

	// frequencies of the bytes of text, in a finished segment.
	frequencies *frequencies
}

// expiry says when a row disappears.
type expiry struct {
	at  millis
	row uint32
}

// rows returns the number of rows.
func (s *segment) rows() uint32 { return uint32(len(s.ids)) }

// append adds a row for u, which is not kept.
func (s *segment) append(p *packer, u *roster.User) {
	row := s.rows()
	s.ids = append(s.ids, u.ID)
	s.text.data = appendText(s.text.data, u)
	s.text.close()
	s.packed.data = p.append(s.packed.data, u, s.text.at(row))
	s.packed.close()
	s.place.append(p.dict.place(u.Path))
	s.roleSet.append(p.dict.roleSet(u.Roles))
	s.country.append(p.dict.country(u.Address.Country))
	s.devices.append(uint32(max(u.DeviceCount, 0)))
	s.status = append(s.status, uint8(u.Status))
	s.deviceType = append(s.deviceType, uint8(u.DeviceType))
	s.created.append(millisOf(u.CreatedAt))
	s.updated.append(millisOf(u.UpdatedAt))
	s.registered.append(millisOf(u.RegisteredAt))
	s.lastLogin.append(millisOf(u.LastLoginAt))
	if !u.ExpiresAt.IsZero() {
		s.expiring = append(s.expiring, expiry{millisOf(u.ExpiresAt), row})
	}
}

// full reports whether offsets could overflow soon.
func (s *segment) full() bool { return len(s.text.data) > maxBlob || len(s.packed.data) > maxBlob }

// find returns the row of the user in a segment that is in id order.
func (s *segment) find(id roster.UserID) (uint32, bool) {
	row, ok := slices.BinarySearch(s.ids, id)
	return uint32(row), ok
}

// version returns the version of the row's user.
func (s *segment) version(row uint32) int64 {
	p := unpacker{rest: s.packed.at(row)}
	return p.head().version
}

// user returns the whole user of the row, except Revision.Stamp. It shares no memory that can change.
func (s *segment) user(row uint32, tenant roster.TenantID, v *values) roster.User {
	var u roster.User
	s.read(&u, &unpacker{}, row, tenant, v)
	return u
}

// read makes u what user returns. For one user after the other it uses the memory of u's Path and Roles, and that of p,
// again.
func (s *segment) read(u *roster.User, p *unpacker, row uint32, tenant roster.TenantID, v *values) {
	p.rest, p.words = s.packed.at(row), v.words
	h := p.head()
	*u = roster.User{
		Tenant:       tenant,
		ID:           s.ids[row],
		Path:         append(u.Path[:0], v.places[s.place.at(row)]...),
		Roles:        append(u.Roles[:0], v.roleSets[s.roleSet.at(row)]...),
		Status:       roster.Status(s.status[row]),
		DeviceCount:  int(s.devices.at(row)),
		DeviceType:   roster.DeviceType(s.deviceType[row]),
		CreatedAt:    s.created.at(row).time(),
		UpdatedAt:    s.updated.at(row).time(),
		RegisteredAt: s.registered.at(row).time(),
		LastLoginAt:  s.lastLogin.at(row).time(),
	}
	u.Address.Country = v.countries[s.country.at(row)]
	u.Revision.Version = h.version
	u.Revision.ChangedAt = millis(int64(s.updated.at(row)) + h.changed).time()
	p.textsOf(u, h.flags, s.text.at(row))
	p.wordsOf(u, h.flags)
	p.listsOf(u, h.flags)
	p.restOf(u, h.flags)
}

// expires reports whether the row's user disappears by itself at some time.
func (s *segment) expires(row uint32) bool {
	p := unpacker{rest: s.packed.at(row)}
	return p.head().flags&flagExpires != 0
}

// written returns one of the texts of the row as its owner writes it, appended to dst: FieldName, FieldEmail,
// FieldUsername or FieldPhoneNumber.
func (s *segment) written(dst []byte, row uint32, field roster.Field) []byte {
	p := unpacker{rest: s.packed.at(row)}
	return p.appendText(dst, p.head().flags, s.text.at(row), field)
}

// bytes returns the memory held.
func (s *segment) bytes() int64 {
	n := 8*int64(cap(s.ids)) + s.text.bytes() + s.packed.bytes()
	n += s.place.bytes() + s.roleSet.bytes() + s.country.bytes() + s.devices.bytes()
	n += int64(cap(s.status)) + int64(cap(s.deviceType))
	n += s.created.bytes() + s.updated.bytes() + s.registered.bytes() + s.lastLogin.bytes()
	return n + int64(unsafe.Sizeof(expiry{}))*int64(cap(s.expiring))
}
