package replica

import (
	"math/bits"
	"sort"
)

// sequence is every row of a state in one order: those of the base as base lists them, with those of the tail in between.
type sequence struct {
	base []uint32 // nil: the rows 0 to size in their own order
	size uint32   // rows of the base
	tail *tailOrder
}

// position is a place between two rows of a sequence: so many rows of the base and of the tail come before it.
type position struct {
	base, tail uint32
}

// at returns the base's row at i.
func (s *sequence) at(i uint32) uint32 {
	if s.base == nil {
		return i
	}
	return s.base[i]
}

// tailRows returns the number of the tail's rows in the sequence.
func (s *sequence) tailRows() uint32 {
	if s.tail == nil {
		return 0
	}
	return uint32(len(s.tail.rows))
}

func (s *sequence) end() position { return position{s.size, s.tailRows()} }

// next returns the row after p and the position behind it; p must not be the end.
func (s *sequence) next(p position) (uint32, position) {
	if p.tail < s.tailRows() && s.tail.before[p.tail] <= p.base {
		return s.tail.rows[p.tail], position{p.base, p.tail + 1}
	}
	return s.at(p.base), position{p.base + 1, p.tail}
}

// baseRun returns how far the rows of the base reach from p before a row of the tail comes, at most to end.
func (s *sequence) baseRun(p, end position) uint32 {
	if p.tail < end.tail {
		return min(s.tail.before[p.tail], end.base)
	}
	return end.base
}

// count returns how many rows between from and to are in rows.
func (s *sequence) count(rows bitset, from, to position) int {
	n := s.countBase(rows, from.base, to.base)
	for i := from.tail; i < to.tail; i++ {
		if rows.has(s.tail.rows[i]) {
			n++
		}
	}
	return n
}

func (s *sequence) countBase(rows bitset, from, to uint32) int {
	if s.base == nil {
		return rows.countRange(from, to)
	}
	n := uint64(0)
	for _, row := range s.base[from:to] {
		n += rows[row>>6] >> (row & 63) & 1
	}
	return int(n)
}

// stride is how many rows of a base skip and skipBack count at once, before looking closer at the stretch in which the
// row they look for lies.
const stride = 4096

// skip returns the position from which n rows of the set lie between from and it, and the next row, if any, is in the
// set. It stops at the end.
func (s *sequence) skip(rows bitset, from, end position, n int) position {
	p := from
	for p != end {
		run := s.baseRun(p, end)
		for p.base < run {
			upTo := min(run, p.base+stride)
			if c := s.countBase(rows, p.base, upTo); c <= n {
				n -= c
				p.base = upTo
				continue
			}
			for {
				if rows.has(s.at(p.base)) {
					if n == 0 {
						return p
					}
					n--
				}
				p.base++
			}
		}
		if p.tail < end.tail {
			if rows.has(s.tail.rows[p.tail]) {
				if n == 0 {
					return p
				}
				n--
			}
			p.tail++
		}
	}
	return p
}

// skipBack returns the position before the row that n rows of the set follow before end. More than n rows of the set must
// lie before end.
func (s *sequence) skipBack(rows bitset, end position, n int) position {
	p := end
	for {
		floor := uint32(0) // the rows of the base from here on come after the last row of the tail before p
		if p.tail > 0 {
			floor = s.tail.before[p.tail-1]
		}
		for p.base > floor {
			downTo := max(floor, p.base-min(p.base, stride))
			if c := s.countBase(rows, downTo, p.base); c <= n {
				n -= c
				p.base = downTo
				continue
			}
			for {
				p.base--
				if rows.has(s.at(p.base)) {
					if n == 0 {
						return p
					}
					n--
				}
			}
		}
		p.tail--
		if rows.has(s.tail.rows[p.tail]) {
			if n == 0 {
				return p
			}
			n--
		}
	}
}

// collect appends to out the next rows of the set between p and end, at most limit of them.
func (s *sequence) collect(out []uint32, rows bitset, p, end position, limit int) []uint32 {
	for limit > 0 && p != end {
		run := s.baseRun(p, end)
		if s.base == nil {
			out, p.base, limit = collectIDs(out, rows, p.base, run, limit)
		} else {
			for ; p.base < run && limit > 0; p.base++ {
				if row := s.base[p.base]; rows.has(row) {
					out = append(out, row)
					limit--
				}
			}
		}
		if limit > 0 && p.base == run && p.tail < end.tail {
			if row := s.tail.rows[p.tail]; rows.has(row) {
				out = append(out, row)
				limit--
			}
			p.tail++
		}
	}
	return out
}

// collectIDs appends the rows of the set in [from, to), at most limit of them, and returns where it stopped and what is
// left of the limit.
func collectIDs(out []uint32, rows bitset, from, to uint32, limit int) ([]uint32, uint32, int) {
	for from < to && limit > 0 {
		word := rows[from>>6] >> (from & 63)
		if word == 0 {
			from = min((from|63)+1, to)
			continue
		}
		from += uint32(bits.TrailingZeros64(word))
		if from >= to {
			return out, to, limit
		}
		out = append(out, from)
		from++
		limit--
	}
	return out, from, limit
}

// equals returns the rows around p that compare as equal, given a comparison of a row with the wanted key: from the first
// that is not less to the first that is greater.
func (s *sequence) equals(compare func(row uint32) int) (from, to position) {
	from.base = uint32(sort.Search(int(s.size), func(i int) bool { return compare(s.at(uint32(i))) >= 0 }))
	to.base = from.base + uint32(sort.Search(int(s.size-from.base), func(i int) bool { return compare(s.at(from.base+uint32(i))) > 0 }))
	tail := int(s.tailRows())
	from.tail = uint32(sort.Search(tail, func(i int) bool { return compare(s.tail.rows[i]) >= 0 }))
	to.tail = from.tail + uint32(sort.Search(tail-int(from.tail), func(i int) bool { return compare(s.tail.rows[int(from.tail)+i]) > 0 }))
	return from, to
}
