package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"unicode"

	"github.com/rosterhq/roster/internal/roster"
)

// A snapshot is a state at rest: chunks of at most roster.MaxSnapshotChunk bytes, and an index that says what is in each. It
// holds the parts of a base as they are in memory, so that reading one is little more than inflating and copying into place, chunk by
// chunk and side by side.
//
//	chunk = "RS", the format's number, the kind of chunk, a body in one frame of Zstandard (RFC 8878)
//
// The chunks of names come first, whose bodies make one text when put together: see snapshotnames.go. Those of rows follow, in
// the order of the rows, each complete in itself: see snapshotrows.go. Every byte is under a checksum: that of a chunk is in the
// index, together with the generation, and the index ends in its own.
//
// Zstandard was chosen by measure: for 100,000 users, in one run, 7.9 MB read in 31 ms of CPU and written in 340; compress/flate makes
// 7.6 MB, read in 174 ms and written in 950; S2 9.8 MB, read in 15 ms and written in 55. Each KB costs a write unit, so S2's quarter more
// costs more than it saves.

// snapshotFormat is the number of the format. It must grow with any change in what chunks hold: the layout of packed rows (pack.go),
// what roster.SplitName, appendTitle and appendFold make of a text, and how statuses and device types are numbered. A test keeps a
// snapshot of this format.
const snapshotFormat = 1

// SnapshotFormat names what this release reads and writes. The version of Unicode is part of it, since texts are stored folded.
const SnapshotFormat = "1/" + unicode.Version

// The kinds of chunks.
const (
	chunkOfNames = 'n'
	chunkOfRows  = 'r'
)

// chunkHeader is the length of what stands before the body of a chunk.
const chunkHeader = 4

func appendChunkHeader(dst []byte, kind byte) []byte {
	return append(dst, 'R', 'S', snapshotFormat, kind)
}

// Why a snapshot cannot be used.
var (
	errSnapshotStale = errors.New("it is too old")
	errSnapshotAhead = errors.New("its watermark lies in the future")
	errOtherFormat   = errors.New("it is in another format")
	errSnapshotTorn  = errors.New("it is damaged")
	// errRowTooLarge is of writing: no user that keeps the rules of package roster comes near it.
	errRowTooLarge = errors.New("a user does not fit into a chunk of a snapshot")
)

// torn returns an error that says what is damaged.
func torn(format string, arguments ...any) error {
	return fmt.Errorf("%w: %s", errSnapshotTorn, fmt.Sprintf(format, arguments...))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// snapshotIndex says what the chunks of a snapshot hold.
type snapshotIndex struct {
	tenant     roster.TenantID
	generation int64
	watermark  millis
	// most are the largest values of the columns place, roleSet, country and devices.
	most [4]uint32
	// chunks are those of names, then those of rows.
	chunks []chunkEntry
}

// chunkEntry is one chunk in an index. A chunk of names has no rows.
type chunkEntry struct {
	sum          uint32
	size         uint32 // of the body, in bytes
	rows         uint32
	text, packed uint32 // bytes in the two blobs
}

// rows returns the number of rows of all chunks.
func (x *snapshotIndex) rows() int {
	n := 0
	for i := range x.chunks {
		n += int(x.chunks[i].rows)
	}
	return n
}

// bytes estimates, from below, the memory that the base takes.
func (x *snapshotIndex) bytes() int64 {
	n := leastPerRow * int64(x.rows())
	for i := range x.chunks {
		n += int64(x.chunks[i].text) + int64(x.chunks[i].packed)
	}
	return n
}

// append appends the index to dst.
func (x *snapshotIndex) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, 'R', 'S', snapshotFormat, 'x')
	dst = binary.AppendUvarint(dst, uint64(x.tenant))
	dst = binary.AppendUvarint(dst, uint64(x.generation))
	dst = binary.AppendUvarint(dst, uint64(x.watermark))
	for _, most := range x.most {
		dst = binary.AppendUvarint(dst, uint64(most))
	}
	dst = binary.AppendUvarint(dst, uint64(len(x.chunks)))
	for _, c := range x.chunks {
		dst = binary.LittleEndian.AppendUint32(dst, c.sum)
		dst = binary.AppendUvarint(dst, uint64(c.size))
		dst = binary.AppendUvarint(dst, uint64(c.rows))
		if c.rows > 0 {
			dst = binary.AppendUvarint(dst, uint64(c.text))
			dst = binary.AppendUvarint(dst, uint64(c.packed))
		}
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// parseIndex reads what append wrote.
func parseIndex(data []byte) (*snapshotIndex, error) {
	if len(data) < chunkHeader+4 {
		return nil, torn("the index has %d bytes", len(data))
	}
	body, sum := data[:len(data)-4], binary.LittleEndian.Uint32(data[len(data)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, torn("the checksum of the index does not hold")
	}
	if !slices.Equal(body[:chunkHeader], []byte{'R', 'S', snapshotFormat, 'x'}) {
		return nil, torn("the index begins with %q", body[:chunkHeader])
	}
	r := reader{rest: body[chunkHeader:]}
	x := &snapshotIndex{
		tenant: roster.TenantID(r.uvarint()), generation: int64(r.uvarint()), watermark: millis(r.uvarint()),
	}
	for i := range x.most {
		x.most[i] = r.uint32()
	}
	count := r.uvarint()
	if count > uint64(len(r.rest))/6 {
		return nil, torn("the index has %d bytes for %d chunks", len(data), count)
	}
	x.chunks = make([]chunkEntry, count)
	var rows, text, packed uint64
	for i := range x.chunks {
		c := &x.chunks[i]
		if sum := r.take(4); len(sum) == 4 {
			c.sum = binary.LittleEndian.Uint32(sum)
		}
		c.size = r.uint32()
		if c.rows = r.uint32(); c.rows > 0 {
			c.text, c.packed = r.uint32(), r.uint32()
		} else if rows > 0 {
			return nil, torn("names come after rows")
		}
		rows, text, packed = rows+uint64(c.rows), text+uint64(c.text), packed+uint64(c.packed)
	}
	if r.short || len(r.rest) > 0 || max(rows, text, packed) > maxBlob {
		return nil, torn("the index does not add up")
	}
	return x, nil
}

// body checks a chunk and returns its body, compressed as it is.
func (x *snapshotIndex) body(number int, data []byte) ([]byte, error) {
	if len(data) < chunkHeader || crc32.Checksum(data, castagnoli) != x.chunks[number].sum {
		return nil, torn("the checksum of chunk %d does not hold", number)
	}
	kind := byte(chunkOfRows)
	if x.chunks[number].rows == 0 {
		kind = chunkOfNames
	}
	if !slices.Equal(data[:chunkHeader], appendChunkHeader(nil, kind)) {
		return nil, torn("chunk %d begins with %q", number, data[:chunkHeader])
	}
	return data[chunkHeader:], nil
}

// reader reads numbers and texts from bytes that it does not trust: what is not there reads as nothing, and is noted.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 { // most are short
		v := r.rest[0]
		r.rest = r.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.rest, r.short = nil, true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// uint32 reads a uvarint that must fit.
func (r *reader) uint32() uint32 {
	v := r.uvarint()
	if v > 1<<32-1 {
		r.short = true
	}
	return uint32(v)
}

// count reads the number of things that follow, of which each takes at least a byte.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.rest, r.short = nil, true
		return 0
	}
	return int(n)
}

// take returns the next n bytes, which are not copied.
func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.rest, r.short = nil, true
		return nil
	}
	t := r.rest[:n:n]
	r.rest = r.rest[n:]
	return t
}

// text reads a text with its length before it.
func (r *reader) text() string { return string(r.take(r.count())) }
