package replica

import "math"

// blob is a list of byte strings, one for each row, end to end in one slice. The zero blob is empty. It only grows at its
// end, so a copy of the struct is a snapshot that stays valid while the original grows.
type blob struct {
	data []byte
	ends []uint32 // ends[i] is where row i ends, and row i+1 begins
}

// maxBlob is how many bytes a blob may hold: offsets have 32 bits, and the last row must still fit.
const maxBlob = math.MaxUint32 - 1<<22

// start returns where the row begins.
func (b *blob) start(row uint32) uint32 {
	if row == 0 {
		return 0
	}
	return b.ends[row-1]
}

// at returns the row's bytes. The caller must not change them.
func (b *blob) at(row uint32) []byte {
	end := b.ends[row]
	return b.data[b.start(row):end:end]
}

// close ends the row whose bytes were appended to data.
func (b *blob) close() { b.ends = append(b.ends, uint32(len(b.data))) }

// append adds a row.
func (b *blob) append(row []byte) {
	b.data = append(b.data, row...)
	b.close()
}

func (b *blob) bytes() int64 { return int64(cap(b.data)) + 4*int64(cap(b.ends)) }
