package replica

import (
	"math/bits"
	"time"
)

// column holds one small number for each row: an index into a dictionary, or a count. It is as wide as its largest value
// needs: exactly one of the slices is used. Columns that still grow are wide.
type column struct {
	narrow []uint8
	middle []uint16
	wide   []uint32
}

// at returns the row's value.
func (c *column) at(row uint32) uint32 {
	switch {
	case c.narrow != nil:
		return uint32(c.narrow[row])
	case c.middle != nil:
		return uint32(c.middle[row])
	default:
		return c.wide[row]
	}
}

// append adds a row to a wide column.
func (c *column) append(value uint32) { c.wide = append(c.wide, value) }

// keep removes from rows those whose value has a zero in table. The rows are the column's own, from 0.
func (c *column) keep(rows bitset, table []uint8) {
	switch {
	case c.narrow != nil:
		keepTable(rows, c.narrow, table)
	case c.middle != nil:
		keepTable(rows, c.middle, table)
	default:
		keepTable(rows, c.wide, table)
	}
}

func (c *column) bytes() int64 {
	return int64(cap(c.narrow)) + 2*int64(cap(c.middle)) + 4*int64(cap(c.wide))
}

// narrowed returns a column of values, as narrow as they allow.
func narrowed(values []uint32) column {
	most := uint32(0)
	for _, v := range values {
		most = max(most, v)
	}
	switch {
	case most < 1<<8:
		return column{narrow: convert[uint8](values)}
	case most < 1<<16:
		return column{middle: convert[uint16](values)}
	default:
		return column{wide: values}
	}
}

func convert[T uint8 | uint16](values []uint32) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = T(v)
	}
	return out
}

// sparse is the number of rows in a word of a bitset up to which it is cheaper to visit them one by one than to test all
// 64 rows without a branch.
const sparse = 12

// keepTable removes from rows those whose value has a zero in table; entries of table are 0 or 1.
func keepTable[T uint8 | uint16 | uint32](rows bitset, values []T, table []uint8) {
	for w, word := range rows {
		if word == 0 {
			continue
		}
		if bits.OnesCount64(word) <= sparse {
			for rest := word; rest != 0; rest &= rest - 1 {
				j := bits.TrailingZeros64(rest)
				word &^= uint64(table[values[w<<6+j]]^1) << j
			}
			rows[w] = word
			continue
		}
		var kept uint64
		for j, v := range values[w<<6 : min(w<<6+64, len(values))] {
			kept |= uint64(table[v]) << (j & 63)
		}
		rows[w] = word & kept
	}
}

// millis is a moment in milliseconds since the zero time.Time, so that "never", the zero time, is 0 and the smallest.
// Moments past the year 8925 are kept as that year's end.
type millis uint64

const (
	// yearOne is the zero time.Time in Unix milliseconds.
	yearOne = -62135596800000
	// maxMillis is the largest value a timeColumn holds.
	maxMillis millis = 1<<48 - 1
)

// millisOf returns t to the millisecond, rounded down.
func millisOf(t time.Time) millis { return millisOfUnix(t.UnixMilli()) }

// millisOfUnix converts from Unix milliseconds, clamping to what millis can say.
func millisOfUnix(unix int64) millis {
	if unix <= yearOne {
		return 0
	}
	if unix > int64(maxMillis)+yearOne {
		return maxMillis
	}
	return millis(unix - yearOne)
}

// time returns the moment in UTC.
func (m millis) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(m.unix()).UTC()
}

// unix returns the moment in Unix milliseconds.
func (m millis) unix() int64 { return int64(m) + yearOne }

// timeColumn holds a moment for each row in 6 bytes: 48 bits of milliseconds.
type timeColumn struct {
	low  []uint32
	high []uint16
}

func (c *timeColumn) at(row uint32) millis {
	return millis(c.high[row])<<32 | millis(c.low[row])
}

func (c *timeColumn) append(m millis) {
	c.low = append(c.low, uint32(m))
	c.high = append(c.high, uint16(m>>32))
}

// keepRange removes from rows those outside [least, most], or, inverted, those inside it.
func (c *timeColumn) keepRange(rows bitset, least, most millis, inverted bool) {
	flip := uint64(0)
	if inverted {
		flip = 1
	}
	for w, word := range rows {
		if word == 0 {
			continue
		}
		low := c.low[w<<6 : min(w<<6+64, len(c.low))]
		high := c.high[w<<6 : w<<6+len(low)]
		var kept uint64
		for j, l := range low {
			v := millis(high[j])<<32 | millis(l)
			inside := uint64(0)
			if v-least <= most-least { // wraps for v < least
				inside = 1
			}
			kept |= (inside ^ flip) << (j & 63)
		}
		rows[w] = word & kept
	}
}

func (c *timeColumn) bytes() int64 { return 4*int64(cap(c.low)) + 2*int64(cap(c.high)) }
