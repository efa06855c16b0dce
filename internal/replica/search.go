package replica

import (
	"bytes"
	"encoding/binary"
)

// separator ends each text of a row of folded text. No folded text contains it, since it is never part of UTF-8, so
// no needle matches across two texts.
const separator = 0xff

// frequencies estimates how often each byte occurs, in parts per 65,536 of the text sampled.
type frequencies [256]uint32

// sampleRows is about how many rows frequenciesOf looks at.
const sampleRows = 1 << 14

// frequenciesOf samples the text. Only speed depends on the outcome.
func frequenciesOf(text *blob) *frequencies {
	var counts, total uint64
	var f [256]uint64
	for row := 0; row < len(text.ends); row += 1 + len(text.ends)/sampleRows {
		for _, c := range text.at(uint32(row)) {
			f[c]++
			counts++
		}
	}
	total = max(counts, 1)
	var out frequencies
	for c := range f {
		out[c] = uint32(f[c] << 16 / total)
	}
	return &out
}

// needle is folded text to look for.
type needle struct {
	text []byte
	// head is its first eight bytes, as far as mask says; little-endian.
	head, mask uint64
	// rare is the position of its rarest byte.
	rare int
}

// newNeedle plans the search for folded text, which must not be empty.
func newNeedle(text []byte, f *frequencies) needle {
	n := needle{text: text, mask: ^uint64(0) >> (64 - 8*min(len(text), 8))}
	var head [8]byte
	copy(head[:], text)
	n.head = binary.LittleEndian.Uint64(head[:])
	for i, c := range text {
		if f[c] < f[text[n.rare]] {
			n.rare = i
		}
	}
	return n
}

// in reports whether row contains the needle.
func (n *needle) in(row []byte) bool { return bytes.Contains(row, n.text) }

// find sets in rows each row of the text that contains the needle. It reads the text once, from front to back, jumping
// from one occurrence of the needle's rarest byte to the next.
func (n *needle) find(text *blob, rows bitset) {
	data, rare, row := text.data, n.text[n.rare], 0
	for at := n.rare; at < len(data); {
		skip := bytes.IndexByte(data[at:], rare)
		if skip < 0 {
			return
		}
		at += skip
		start := at - n.rare
		// Eight bytes in one comparison decide nearly all, without a call.
		near := start+8 <= len(data)
		if near && (binary.LittleEndian.Uint64(data[start:])^n.head)&n.mask != 0 ||
			(!near || len(n.text) > 8) && !bytes.HasPrefix(data[start:], n.text) {
			at++
			continue
		}
		row = text.rowAt(row, uint32(start))
		rows.set(uint32(row))
		at = int(text.ends[row]) + n.rare
		row++
	}
}

// closeBy is how many rows rowAt looks at one after the other before it leaps.
const closeBy = 8

// rowAt returns the row that holds the byte at offset, which must not be before the row from. Hits are near each other or
// far apart, but always ahead.
func (b *blob) rowAt(from int, offset uint32) int {
	ends := b.ends
	for near := min(from+closeBy, len(ends)); from < near; from++ {
		if ends[from] > offset {
			return from
		}
	}
	step := closeBy
	for from+step < len(ends) && ends[from+step] <= offset {
		from += step
		step *= 2
	}
	low, high := from, min(from+step, len(ends)-1)
	for low < high {
		if middle := int(uint(low+high) / 2); ends[middle] > offset {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}
