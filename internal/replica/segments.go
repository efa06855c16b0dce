package replica

import (
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// segments are the base and the tail side by side. Their row numbers are the base's, then the tail's, which begin at a
// multiple of 64 so that a bitset over both falls apart at a word. They never change.
type segments struct {
	base *segment // in id order
	tail segment  // in the order of arrival
}

// first returns the number of the tail's first row.
func (s *segments) first() uint32 { return (s.base.rows() + 63) &^ 63 }

// end returns the number after the tail's last row.
func (s *segments) end() uint32 { return s.first() + s.tail.rows() }

// locate returns the segment that holds the row, and the row's number there.
func (s *segments) locate(row uint32) (*segment, uint32) {
	if first := s.first(); row >= first {
		return &s.tail, row - first
	}
	return s.base, row
}

// id returns the id of the row's user.
func (s *segments) id(row uint32) roster.UserID {
	part, local := s.locate(row)
	return part.ids[local]
}

// split returns the parts of a bitset over both that belong to base and tail.
func (s *segments) split(rows bitset) (base, tail bitset) {
	words := s.first() / 64
	return rows[:words], rows[words:]
}

// merged returns a finished segment of the given rows, which must be in id order, and leaves s as it is. With
// consume, it lets go of each of the tail's columns as soon as that is copied, so that no moment needs twice the memory.
func (s *segments) merged(rows []uint32, consume bool) *segment {
	first := s.first()
	tail := &s.tail
	out := &segment{}
	out.ids = gather(s.base.ids, tail.ids, first, rows)
	out.status = gather(s.base.status, tail.status, first, rows)
	out.deviceType = gather(s.base.deviceType, tail.deviceType, first, rows)
	out.place = gatherColumn(&s.base.place, &tail.place, first, rows)
	out.roleSet = gatherColumn(&s.base.roleSet, &tail.roleSet, first, rows)
	out.country = gatherColumn(&s.base.country, &tail.country, first, rows)
	out.devices = gatherColumn(&s.base.devices, &tail.devices, first, rows)
	if consume {
		tail.place, tail.roleSet, tail.country, tail.devices = column{}, column{}, column{}, column{}
	}
	out.created = gatherTimes(&s.base.created, &tail.created, first, rows)
	out.updated = gatherTimes(&s.base.updated, &tail.updated, first, rows)
	out.registered = gatherTimes(&s.base.registered, &tail.registered, first, rows)
	out.lastLogin = gatherTimes(&s.base.lastLogin, &tail.lastLogin, first, rows)
	if consume {
		tail.created, tail.updated, tail.registered, tail.lastLogin = timeColumn{}, timeColumn{}, timeColumn{}, timeColumn{}
	}
	out.expiring = s.mergedExpiring(rows)
	out.text = gatherBlob(&s.base.text, &tail.text, first, rows)
	out.frequencies = frequenciesOf(&out.text)
	if consume {
		tail.text = blob{}
	}
	out.packed = gatherBlob(&s.base.packed, &tail.packed, first, rows)
	return out
}

// mergedExpiring returns the expiring rows among the given ones, under their new numbers, soonest first.
func (s *segments) mergedExpiring(rows []uint32) []expiry {
	if len(s.base.expiring)+len(s.tail.expiring) == 0 {
		return nil
	}
	at := make(map[uint32]millis, len(s.base.expiring)+len(s.tail.expiring))
	for _, e := range s.base.expiring {
		at[e.row] = e.at
	}
	for _, e := range s.tail.expiring {
		at[e.row+s.first()] = e.at
	}
	var out []expiry
	for i, row := range rows {
		if when, ok := at[row]; ok {
			out = append(out, expiry{when, uint32(i)})
		}
	}
	sortExpiring(out)
	return slices.Clip(out)
}

// sortExpiring puts a list of expiring rows in the order of their time, soonest first.
func sortExpiring(list []expiry) {
	slices.SortFunc(list, func(a, b expiry) int { return compareNumbers(a.at, b.at) })
}

func gather[T any](base, tail []T, first uint32, rows []uint32) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		if row < first {
			out[i] = base[row]
		} else {
			out[i] = tail[row-first]
		}
	}
	return out
}

func gatherColumn(base, tail *column, first uint32, rows []uint32) column {
	out := make([]uint32, len(rows))
	for i, row := range rows {
		if row < first {
			out[i] = base.at(row)
		} else {
			out[i] = tail.at(row - first)
		}
	}
	return narrowed(out)
}

func gatherTimes(base, tail *timeColumn, first uint32, rows []uint32) timeColumn {
	return timeColumn{low: gather(base.low, tail.low, first, rows), high: gather(base.high, tail.high, first, rows)}
}

func gatherBlob(base, tail *blob, first uint32, rows []uint32) blob {
	size := 0
	for _, row := range rows {
		if row < first {
			size += int(base.ends[row] - base.start(row))
		} else {
			size += int(tail.ends[row-first] - tail.start(row-first))
		}
	}
	out := blob{data: make([]byte, 0, size), ends: make([]uint32, 0, len(rows))}
	for _, row := range rows {
		if row < first {
			out.append(base.at(row))
		} else {
			out.append(tail.at(row - first))
		}
	}
	return out
}

func compareNumbers[T ~int64 | ~uint64 | ~uint32](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}
