package replica

import (
	"encoding/binary"
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// The body of a chunk of rows, for n rows, one column after the other:
//
//	ids            uvarint, each the difference from the one before, the first from 0
//	text, packed   uvarint lengths, then the bytes
//	place, roleSet, country, devices    uvarint
//	status, deviceType                  a byte
//	created        varint, after the one before
//	updated, registered, lastLogin      0 for never, or 1 + the zigzag of the difference from created
//	deleted        a uvarint count, and as many uvarint differences between the rows of soft-deleted users
//	expiring       a uvarint count, and as many pairs of such a difference and a uvarint moment
//	delegations    a uvarint count, and as many pairs of such a difference and a varint id

// rowSource is what rows are written from: a state, and those of its rows that count in id order.
type rowSource struct {
	*state
	rows []uint32
	// expiring and delegations are those of the rows by their places in rows, in that order.
	expiring    []expiry
	delegations []delegation
}

// newRowSource leaves out what is not live, or expired at now.
func newRowSource(s *state, now millis) *rowSource {
	kept := newBitset(s.end())
	copy(kept, s.live[roster.NotDeleted])
	for w, word := range s.live[roster.OnlyDeleted][:min(len(kept), len(s.live[roster.OnlyDeleted]))] {
		kept[w] |= word
	}
	s.dropExpired(kept, now)
	src := &rowSource{state: s, rows: s.inIDOrder(kept)}
	src.expiring = s.mergedExpiring(src.rows)
	slices.SortFunc(src.expiring, func(a, b expiry) int { return compareNumbers(a.row, b.row) })
	newRow := renumbered(src.rows, s.end())
	all := s.delegations.with(s.tailDelegations.list(), func(row uint32) uint32 { return newRow[row] })
	src.delegations = all.list()
	slices.SortFunc(src.delegations, func(a, b delegation) int {
		if a.row != b.row {
			return compareNumbers(a.row, b.row)
		}
		return compareNumbers(a.delegate, b.delegate)
	})
	return src
}

// most returns the largest value of each of the columns place, roleSet, country and devices.
func (src *rowSource) most() [4]uint32 {
	var most [4]uint32
	for _, row := range src.rows {
		s, local := src.locate(row)
		for i, value := range [...]uint32{s.place.at(local), s.roleSet.at(local), s.country.at(local), s.devices.at(local)} {
			most[i] = max(most[i], value)
		}
	}
	return most
}

// append appends the body of the rows from one place to another, and says in entry what it holds.
func (src *rowSource) append(dst []byte, from, to int, entry *chunkEntry) []byte {
	rows := src.rows[from:to]
	*entry = chunkEntry{rows: uint32(len(rows))}
	start := len(dst)
	last := roster.UserID(0)
	for _, row := range rows {
		id := src.id(row)
		dst = binary.AppendUvarint(dst, uint64(id-last))
		last = id
	}
	dst, entry.text = src.appendBlob(dst, rows, func(s *segment) *blob { return &s.text })
	dst, entry.packed = src.appendBlob(dst, rows, func(s *segment) *blob { return &s.packed })
	for _, column := range [...]func(*segment) *column{
		func(s *segment) *column { return &s.place }, func(s *segment) *column { return &s.roleSet },
		func(s *segment) *column { return &s.country }, func(s *segment) *column { return &s.devices },
	} {
		for _, row := range rows {
			s, local := src.locate(row)
			dst = binary.AppendUvarint(dst, uint64(column(s).at(local)))
		}
	}
	for _, row := range rows {
		s, local := src.locate(row)
		dst = append(dst, s.status[local])
	}
	for _, row := range rows {
		s, local := src.locate(row)
		dst = append(dst, s.deviceType[local])
	}
	dst = src.appendTimes(dst, rows)
	dst = src.appendLists(dst, from, to)
	entry.size = uint32(len(dst) - start)
	return dst
}

func (src *rowSource) appendBlob(dst []byte, rows []uint32, of func(*segment) *blob) (out []byte, size uint32) {
	for _, row := range rows {
		s, local := src.locate(row)
		n := uint32(len(of(s).at(local)))
		dst = binary.AppendUvarint(dst, uint64(n))
		size += n
	}
	for _, row := range rows {
		s, local := src.locate(row)
		dst = append(dst, of(s).at(local)...)
	}
	return dst, size
}

func (src *rowSource) appendTimes(dst []byte, rows []uint32) []byte {
	last := millis(0)
	for _, row := range rows {
		s, local := src.locate(row)
		at := s.created.at(local)
		dst = binary.AppendVarint(dst, int64(at)-int64(last))
		last = at
	}
	for _, times := range [...]func(*segment) *timeColumn{
		func(s *segment) *timeColumn { return &s.updated }, func(s *segment) *timeColumn { return &s.registered },
		func(s *segment) *timeColumn { return &s.lastLogin },
	} {
		for _, row := range rows {
			s, local := src.locate(row)
			at := times(s).at(local)
			if at == 0 {
				dst = append(dst, 0)
				continue
			}
			after := int64(at) - int64(s.created.at(local))
			dst = binary.AppendUvarint(dst, uint64(after<<1)^uint64(after>>63)+1)
		}
	}
	return dst
}

// appendLists appends what only some of the rows have.
func (src *rowSource) appendLists(dst []byte, from, to int) []byte {
	var deleted []uint32
	for i, row := range src.rows[from:to] {
		if src.live[roster.OnlyDeleted].has(row) {
			deleted = append(deleted, uint32(i))
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(deleted)))
	last := uint32(0)
	for _, row := range deleted {
		dst = binary.AppendUvarint(dst, uint64(row-last))
		last = row
	}

	expiring := between(src.expiring, from, to, func(e expiry) uint32 { return e.row })
	dst = binary.AppendUvarint(dst, uint64(len(expiring)))
	last = uint32(from)
	for _, e := range expiring {
		dst = binary.AppendUvarint(dst, uint64(e.row-last))
		dst = binary.AppendUvarint(dst, uint64(e.at))
		last = e.row
	}

	delegations := between(src.delegations, from, to, func(d delegation) uint32 { return d.row })
	dst = binary.AppendUvarint(dst, uint64(len(delegations)))
	last = uint32(from)
	for _, d := range delegations {
		dst = binary.AppendUvarint(dst, uint64(d.row-last))
		dst = binary.AppendVarint(dst, int64(d.delegate))
		last = d.row
	}
	return dst
}

// between returns the part of a list in row order that is about the rows from one to another.
func between[T any](list []T, from, to int, row func(T) uint32) []T {
	search := func(want int) int {
		i, _ := slices.BinarySearchFunc(list, uint32(want), func(t T, want uint32) int { return compareNumbers(row(t), want) })
		return i
	}
	return list[search(from):search(to)]
}

// rowTarget is a base that is being read from chunks, side by side: each chunk has its own part of every column.
type rowTarget struct {
	base *segment
	most [4]uint32
}

// newRowTarget makes room for all rows.
func newRowTarget(x *snapshotIndex) *rowTarget {
	n := x.rows()
	text, packed := 0, 0
	for _, c := range x.chunks {
		text, packed = text+int(c.text), packed+int(c.packed)
	}
	times := func() timeColumn { return timeColumn{low: make([]uint32, n), high: make([]uint16, n)} }
	return &rowTarget{most: x.most, base: &segment{
		ids:  make([]roster.UserID, n),
		text: blob{make([]byte, text), make([]uint32, n)}, packed: blob{make([]byte, packed), make([]uint32, n)},
		place: newColumn(n, x.most[0]), roleSet: newColumn(n, x.most[1]), country: newColumn(n, x.most[2]), devices: newColumn(n, x.most[3]),
		status: make([]uint8, n), deviceType: make([]uint8, n),
		created: times(), updated: times(), registered: times(), lastLogin: times(),
	}}
}

// rowPart is where a chunk belongs.
type rowPart struct{ row, text, packed uint32 }

// rowLists is what only some rows of a chunk have, by the rows of the base.
type rowLists struct {
	deleted     []uint32
	expiring    []expiry
	delegations []delegation
}

// read puts the body of a chunk in its place.
func (t *rowTarget) read(body []byte, c *chunkEntry, at rowPart) (rowLists, error) {
	r := &reader{rest: body}
	s, n := t.base, int(c.rows)
	first, end := int(at.row), int(at.row)+n
	last := roster.UserID(0)
	ids := s.ids[first:end]
	for i := range ids {
		id := last + roster.UserID(r.uvarint())
		if i > 0 && id <= last {
			r.short = true
		}
		ids[i], last = id, id
	}
	t.readBlob(r, &s.text, first, end, at.text, c.text)
	t.readBlob(r, &s.packed, first, end, at.packed, c.packed)
	for i, column := range [...]*column{&s.place, &s.roleSet, &s.country, &s.devices} {
		column.read(r, first, end, t.most[i])
	}
	copy(s.status[first:end], r.take(n))
	copy(s.deviceType[first:end], r.take(n))
	t.readTimes(r, first, end)
	lists := readLists(r, first, end)
	if r.short || len(r.rest) > 0 {
		return rowLists{}, torn("the rows from %d to %d do not add up", first, end)
	}
	return lists, nil
}

func (t *rowTarget) readBlob(r *reader, b *blob, first, end int, at, size uint32) {
	next, stop := at, uint64(at)+uint64(size)
	ends := b.ends[first:end]
	for i := range ends {
		length := r.uvarint()
		if length > stop-uint64(next) {
			r.short = true
			return
		}
		next += uint32(length)
		ends[i] = next
	}
	if uint64(next) != stop {
		r.short = true
		return
	}
	copy(b.data[at:stop], r.take(int(size)))
}

func (t *rowTarget) readTimes(r *reader, first, end int) {
	s := t.base
	created := s.created
	last := millis(0)
	for row := first; row < end; row++ {
		last += millis(r.varint())
		created.put(row, last)
	}
	for _, times := range [...]*timeColumn{&s.updated, &s.registered, &s.lastLogin} {
		for row := first; row < end; row++ {
			u := r.uvarint()
			if u == 0 {
				continue
			}
			u--
			after := millis(u>>1) ^ -millis(u&1)
			times.put(row, created.at(uint32(row))+after)
		}
	}
}

func readLists(r *reader, first, end int) rowLists {
	var lists rowLists
	row := uint64(first)
	next := func() uint32 {
		if row += r.uvarint(); row >= uint64(end) {
			r.short, row = true, uint64(first)
		}
		return uint32(row)
	}
	for range r.count() {
		lists.deleted = append(lists.deleted, next())
	}
	row = uint64(first)
	for range r.count() {
		lists.expiring = append(lists.expiring, expiry{row: next(), at: millis(r.uvarint())})
	}
	row = uint64(first)
	for range r.count() {
		lists.delegations = append(lists.delegations, delegation{row: next(), delegate: roster.UserID(r.varint())})
	}
	return lists
}

// newColumn returns a column of zeros with room for values up to most.
func newColumn(rows int, most uint32) column {
	switch {
	case most < 1<<8:
		return column{narrow: make([]uint8, rows)}
	case most < 1<<16:
		return column{middle: make([]uint16, rows)}
	default:
		return column{wide: make([]uint32, rows)}
	}
}

// read reads the values of rows, none of which may be larger than most.
func (c *column) read(r *reader, first, end int, most uint32) {
	switch {
	case c.narrow != nil:
		readValues(r, c.narrow[first:end], most)
	case c.middle != nil:
		readValues(r, c.middle[first:end], most)
	default:
		readValues(r, c.wide[first:end], most)
	}
}

func readValues[T uint8 | uint16 | uint32](r *reader, values []T, most uint32) {
	for i := range values {
		v := r.uvarint()
		if v > uint64(most) {
			r.short = true
			return
		}
		values[i] = T(v)
	}
}

func (c *timeColumn) put(row int, m millis) {
	c.low[row] = uint32(m)
	c.high[row] = uint16(m >> 32)
}
