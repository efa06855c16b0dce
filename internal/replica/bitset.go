package replica

import "math/bits"

// bitset is a set of rows, one bit each. Bits past the last row are never set.
type bitset []uint64

func newBitset(rows uint32) bitset { return make(bitset, (uint64(rows)+63)/64) }

func (b bitset) has(row uint32) bool { return b[row>>6]>>(row&63)&1 != 0 }
func (b bitset) set(row uint32)      { b[row>>6] |= 1 << (row & 63) }
func (b bitset) clear(row uint32)    { b[row>>6] &^= 1 << (row & 63) }

// count returns the number of rows in the set.
func (b bitset) count() int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}

// countRange returns the number of rows of the set in [from, to).
func (b bitset) countRange(from, to uint32) int {
	if from >= to {
		return 0
	}
	first, last := from>>6, (to-1)>>6
	low, high := ^uint64(0)<<(from&63), ^uint64(0)>>(63-(to-1)&63)
	if first == last {
		return bits.OnesCount64(b[first] & low & high)
	}
	n := bits.OnesCount64(b[first] & low)
	for _, word := range b[first+1 : last] {
		n += bits.OnesCount64(word)
	}
	return n + bits.OnesCount64(b[last]&high)
}

// each calls visit for every row of the set, in ascending order.
func (b bitset) each(visit func(row uint32)) {
	for w, word := range b {
		for ; word != 0; word &= word - 1 {
			visit(uint32(w<<6 + bits.TrailingZeros64(word)))
		}
	}
}

// keepFunc removes the rows for which keep is false.
func (b bitset) keepFunc(keep func(row uint32) bool) { b.keepFuncIn(0, len(b), keep) }

// keepFuncIn is keepFunc for the words in [from, to), which are 64 rows each.
func (b bitset) keepFuncIn(from, to int, keep func(row uint32) bool) {
	for w := from; w < to; w++ {
		word := b[w]
		for rest := word; rest != 0; rest &= rest - 1 {
			j := bits.TrailingZeros64(rest)
			if !keep(uint32(w<<6 + j)) {
				word &^= 1 << j
			}
		}
		b[w] = word
	}
}

// intersect removes the rows that are not in other.
func (b bitset) intersect(other bitset) {
	for w := range b {
		b[w] &= other[w]
	}
}

// subtract removes the rows that are in other.
func (b bitset) subtract(other bitset) {
	for w := range b {
		b[w] &^= other[w]
	}
}

// add adds the rows that are in other.
func (b bitset) add(other bitset) {
	for w := range b {
		b[w] |= other[w]
	}
}

// fill sets the rows up to that one.
func (b bitset) fill(rows uint32) {
	for w := range b {
		b[w] = ^uint64(0)
	}
	if rows&63 != 0 {
		b[len(b)-1] = 1<<(rows&63) - 1
	}
}
