package replica

import (
	"bytes"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"github.com/rosterhq/roster/internal/roster"
)

// snapshotWriter makes the chunks of a snapshot, one after the other, and gives each to emit, which may keep it.
type snapshotWriter struct {
	index snapshotIndex
	emit  func(number int, chunk []byte) error
	limit int // of a chunk, in bytes
	body  []byte
	press *zstd.Encoder
	size  int64
}

// firstRows is how many rows the first chunk of rows is tried with. What comes of it says how many the next one takes.
const firstRows = 4096

// encode writes the state as it is at now, and returns the index without watermark and generation, and the size of all chunks.
func (s *state) encode(now millis, limit int, emit func(number int, chunk []byte) error) (snapshotIndex, int64, error) {
	src := newRowSource(s, now)
	press, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return snapshotIndex{}, 0, err
	}
	defer press.Close()
	w := &snapshotWriter{emit: emit, limit: limit, press: press}
	w.index = snapshotIndex{tenant: s.tenant, most: src.most()}
	if err := w.names(appendNames(nil, &s.values, s.names)); err != nil {
		return snapshotIndex{}, 0, err
	}
	if err := w.rows(src); err != nil {
		return snapshotIndex{}, 0, err
	}
	return w.index, w.size, nil
}

// names writes the chunks of names. There is at least one.
func (w *snapshotWriter) names(text []byte) error {
	for first := true; first || len(text) > 0; first = false {
		part := min(len(text), mostBody)
		chunk := w.chunk(chunkOfNames, text[:part])
		for len(chunk) > w.limit && part > 1 {
			part /= 2
			chunk = w.chunk(chunkOfNames, text[:part])
		}
		if err := w.finish(chunk, chunkEntry{size: uint32(part)}); err != nil {
			return err
		}
		text = text[part:]
	}
	return nil
}

// rows writes the chunks of rows, as few as it can without trying much.
func (w *snapshotWriter) rows(src *rowSource) error {
	take := firstRows
	for from := 0; from < len(src.rows); {
		to := min(from+take, len(src.rows))
		var entry chunkEntry
		w.body = src.append(w.body[:0], from, to, &entry)
		chunk := w.chunk(chunkOfRows, w.body)
		// The next one is to come to 95 % of what fits: rows differ.
		take = max(1, int(int64(to-from)*int64(w.limit)*95/100/int64(len(chunk))))
		if (len(chunk) > w.limit || len(w.body) > mostBody) && to-from > 1 {
			take = min(take, (to-from)/2)
			continue
		}
		if err := w.finish(chunk, entry); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// chunk returns a chunk with that body.
func (w *snapshotWriter) chunk(kind byte, body []byte) []byte {
	return w.press.EncodeAll(body, appendChunkHeader(nil, kind))
}

func (w *snapshotWriter) finish(chunk []byte, entry chunkEntry) error {
	if len(chunk) > w.limit || entry.size > mostBody {
		return errRowTooLarge
	}
	entry.sum = crc32.Checksum(chunk, castagnoli)
	number := len(w.index.chunks)
	w.index.chunks = append(w.index.chunks, entry)
	w.size += int64(len(chunk))
	return w.emit(number, chunk)
}

// mostBody bounds the body of a chunk before it is compressed, so that what a process needs for one is known.
const mostBody = 8 << 20

// inflater makes bodies of chunks again. It keeps its memory between them.
type inflater struct {
	zstd *zstd.Decoder
	body []byte
}

func newInflater() (*inflater, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostBody))
	if err != nil {
		return nil, err
	}
	return &inflater{zstd: decoder}, nil
}

// close lets go of what the decoder holds.
func (i *inflater) close() { i.zstd.Close() }

// inflate returns the body of a chunk, which is valid until the next call.
func (i *inflater) inflate(pressed []byte, size uint32) ([]byte, error) {
	body, err := i.zstd.DecodeAll(pressed, i.body[:0])
	if err != nil {
		return nil, torn("inflating: %v", err)
	}
	i.body = body
	if uint32(len(body)) != size {
		return nil, torn("a chunk holds %d bytes, and the index says %d", len(body), size)
	}
	return body, nil
}

// snapshotReader puts the chunks of a snapshot together, in whatever order and side by side. All of read's calls may be made at
// the same time, each with an inflater of its own; finish comes after them.
type snapshotReader struct {
	index  *snapshotIndex
	target *rowTarget
	parts  []rowPart
	names  [][]byte   // by chunk
	lists  []rowLists // by chunk
}

func newSnapshotReader(x *snapshotIndex) *snapshotReader {
	r := &snapshotReader{
		index: x, target: newRowTarget(x), parts: make([]rowPart, len(x.chunks)),
		names: make([][]byte, len(x.chunks)), lists: make([]rowLists, len(x.chunks)),
	}
	var at rowPart
	for i, c := range x.chunks {
		r.parts[i] = at
		at.row, at.text, at.packed = at.row+c.rows, at.text+c.text, at.packed+c.packed
	}
	return r
}

// read takes in a chunk, which is not kept.
func (r *snapshotReader) read(number int, chunk []byte, inflate *inflater) error {
	pressed, err := r.index.body(number, chunk)
	if err != nil {
		return err
	}
	c := &r.index.chunks[number]
	body, err := inflate.inflate(pressed, c.size)
	if err != nil {
		return err
	}
	if c.rows == 0 {
		r.names[number] = bytes.Clone(body)
		return nil
	}
	r.lists[number], err = r.target.read(body, c, r.parts[number])
	return err
}

// finish returns a writer of the state.
func (r *snapshotReader) finish() (*writer, error) {
	dict, names, err := readNames(r.index.tenant, bytes.Join(r.names, nil))
	if err != nil {
		return nil, err
	}
	v := &dict.values
	for i, known := range [...]int{len(v.places), len(v.roleSets), len(v.countries)} {
		if int64(r.index.most[i]) >= int64(known) {
			return nil, torn("a row refers to what is not in the names")
		}
	}
	base := r.target.base
	for i := 1; i < len(r.parts); i++ {
		if row := r.parts[i].row; row > 0 && int(row) < len(base.ids) && base.ids[row-1] >= base.ids[row] {
			return nil, torn("its rows are not in order")
		}
	}
	f := &folded{base: base, orders: &orders{}}
	f.live[roster.NotDeleted], f.live[roster.OnlyDeleted] = newBitset(base.rows()), newBitset(base.rows())
	var delegations []delegation
	for i := range r.lists {
		for _, row := range r.lists[i].deleted {
			f.live[roster.OnlyDeleted].set(row)
		}
		base.expiring = append(base.expiring, r.lists[i].expiring...)
		delegations = append(delegations, r.lists[i].delegations...)
	}
	f.live[roster.NotDeleted].fill(base.rows())
	for w, word := range f.live[roster.OnlyDeleted] {
		f.live[roster.NotDeleted][w] &^= word
	}
	sortExpiring(base.expiring)
	base.frequencies = frequenciesOf(&base.text)
	f.delegations = f.delegations.with(delegations, func(row uint32) uint32 { return row })
	return newWriter(f.state(r.index.tenant, dict, names), dict), nil
}
