package replica

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/rosterhq/roster/internal/roster"
)

// fields is one more than the largest roster.Field.
const fields = int(roster.FieldLastLoginAt) + 1

// orders are the sort orders of one base: for each field that was ever sorted on, the rows in the order of that field
// and then of the ids. Fields with few different values need none, see ranks.
type orders [fields]struct {
	build sync.Once
	rows  atomic.Pointer[[]uint32]
}

// of returns the base's rows in the order of the field; nil stands for the id order, which is the rows' own.
func (o *orders) of(field roster.Field, base *segment) []uint32 {
	if field == roster.FieldID {
		return nil
	}
	slot := &o[field]
	slot.build.Do(func() {
		rows := sortedRows(base, field)
		slot.rows.Store(&rows)
	})
	return *slot.rows.Load()
}

// built returns the order of the field if it has been built.
func (o *orders) built(field roster.Field) ([]uint32, bool) {
	rows := o[field].rows.Load()
	if rows == nil {
		return nil, false
	}
	return *rows, true
}

// put makes rows the order of the field.
func (o *orders) put(field roster.Field, rows []uint32) {
	o[field].build.Do(func() { o[field].rows.Store(&rows) })
}

func (o *orders) bytes() int64 {
	n := int64(0)
	for f := range o {
		if rows, ok := o.built(roster.Field(f)); ok {
			n += 4 * int64(cap(rows))
		}
	}
	return n
}

// sortedRows sorts the rows of a segment in id order by the field, ties by row.
func sortedRows(s *segment, field roster.Field) []uint32 {
	items := make([]sortItem, s.rows())
	for row := range items {
		items[row].row = uint32(row)
	}
	if field.Type() == roster.TextField {
		sortTexts(items, foldedTexts(s, field), 0)
	} else {
		for i := range items {
			items[i].key = numberOf(s, field, items[i].row)
		}
		slices.SortFunc(items, compareItems)
	}
	rows := make([]uint32, len(items))
	for i := range items {
		rows[i] = items[i].row
	}
	return rows
}

// numberOf returns the sort key of a row for a field that is not text and has an order.
func numberOf(s *segment, field roster.Field, row uint32) uint64 {
	switch field {
	case roster.FieldCreatedAt:
		return uint64(s.created.at(row))
	case roster.FieldUpdatedAt:
		return uint64(s.updated.at(row))
	case roster.FieldRegisteredAt:
		return uint64(s.registered.at(row))
	case roster.FieldLastLoginAt:
		return uint64(s.lastLogin.at(row))
	default: // FieldDevices
		return uint64(s.devices.at(row))
	}
}

// foldedTexts returns a function that tells the folded text of a row, for all rows of s. What it returns is valid as
// long as s is.
func foldedTexts(s *segment, field roster.Field) func(row uint32) []byte {
	switch field {
	case roster.FieldName:
		return func(row uint32) []byte { return firstText(s.text.at(row)) }
	case roster.FieldEmail:
		return func(row uint32) []byte { return lastText(s.text.at(row)) }
	}
	var texts blob
	var scratch []byte
	for row := range s.rows() {
		scratch = s.written(scratch[:0], row, field)
		texts.data = appendFold(texts.data, scratch)
		texts.close()
	}
	return texts.at
}

// sortItem is a row and the part of its sort key under comparison.
type sortItem struct {
	key uint64
	row uint32
}

func compareItems(a, b sortItem) int {
	if a.key != b.key {
		return compareNumbers(a.key, b.key)
	}
	return compareNumbers(a.row, b.row)
}

// sortTexts sorts items, whose texts are equal up to depth, by text and then by row. It compares eight bytes at a time, as
// one number, and looks further only among items that agree so far.
func sortTexts(items []sortItem, text func(row uint32) []byte, depth int) {
	for i := range items {
		items[i].key = eightBytes(text(items[i].row), depth)
	}
	slices.SortFunc(items, compareItems)
	for from := 0; from < len(items); {
		to := from + 1
		for to < len(items) && items[to].key == items[from].key {
			to++
		}
		if same := items[from:to]; len(same) > 1 {
			sortEqual(same, text, depth+8)
		}
		from = to
	}
}

// sortEqual sorts items whose texts, padded with zeros, agree up to depth. They are in row order.
func sortEqual(items []sortItem, text func(row uint32) []byte, depth int) {
	longest, shortest := 0, len(text(items[0].row))
	for _, item := range items {
		n := len(text(item.row))
		longest, shortest = max(longest, n), min(shortest, n)
	}
	switch {
	case longest > depth:
		sortTexts(items, text, depth)
	case longest > shortest: // they differ in zero bytes at their ends
		slices.SortStableFunc(items, func(a, b sortItem) int { return len(text(a.row)) - len(text(b.row)) })
	}
}

// eightBytes returns the bytes of text from depth on as a number that compares like them; zeros stand behind the end.
func eightBytes(text []byte, depth int) uint64 {
	if depth+8 <= len(text) {
		return binary.BigEndian.Uint64(text[depth:])
	}
	var key [8]byte
	if depth < len(text) {
		copy(key[:], text[depth:])
	}
	return binary.BigEndian.Uint64(key[:])
}

// tailOrder places the tail's rows in an order of the base.
type tailOrder struct {
	rows []uint32 // as the state numbers them, in order
	// before[i] is how many rows of the base, counted in their order, come before rows[i].
	before []uint32
	// upTo is how many rows of the tail this knows.
	upTo uint32
}

// extended returns the order with the tail's newer rows merged in.
func (o *tailOrder) extended(q *query, field roster.Field, base []uint32) *tailOrder {
	fresh := q.sortedTail(field, o.upTo)
	seq := sequence{base: base, size: q.base.rows()}
	first, size := q.first(), int(q.tail.rows())
	out := &tailOrder{rows: make([]uint32, 0, size), before: make([]uint32, 0, size), upTo: q.tail.rows()}
	known, from := 0, 0
	for _, local := range fresh {
		key := q.keyOf(field, &q.tail, local)
		// Both searches go on where the last ones ended, since the fresh rows are in order.
		older := known + sort.Search(len(o.rows)-known, func(i int) bool {
			return q.compareWithKey(field, &q.tail, o.rows[known+i]-first, key) >= 0
		})
		out.rows, out.before = append(out.rows, o.rows[known:older]...), append(out.before, o.before[known:older]...)
		known = older
		from += sort.Search(int(seq.size)-from, func(i int) bool {
			return q.compareWithKey(field, q.base, seq.at(uint32(from+i)), key) >= 0
		})
		out.rows, out.before = append(out.rows, first+local), append(out.before, uint32(from))
	}
	out.rows, out.before = append(out.rows, o.rows[known:]...), append(out.before, o.before[known:]...)
	return out
}

// sortedTail returns the tail's rows from the given one on, by their own numbers, sorted by the field and then by id.
func (q *query) sortedTail(field roster.Field, from uint32) []uint32 {
	byID := make([]uint32, 0, q.tail.rows()-from)
	for row := from; row < q.tail.rows(); row++ {
		byID = append(byID, row)
	}
	slices.SortFunc(byID, func(a, b uint32) int { return compareNumbers(q.tail.ids[a], q.tail.ids[b]) })
	if field == roster.FieldID {
		return byID
	}
	items := make([]sortItem, len(byID)) // of places in byID, so that ties fall into the order of the ids
	for i := range items {
		items[i].row = uint32(i)
	}
	if field.Type() == roster.TextField {
		var texts blob
		for _, row := range byID {
			texts.append(q.keyOf(field, &q.tail, row).text)
		}
		sortTexts(items, texts.at, 0)
	} else {
		for i := range items {
			items[i].key = numberOf(&q.tail, field, byID[i])
		}
		slices.SortFunc(items, compareItems)
	}
	sorted := make([]uint32, len(items))
	for i := range items {
		sorted[i] = byID[items[i].row]
	}
	return sorted
}

// orderKey is the place of a user in the order of a field: by text or number, and then by id.
type orderKey struct {
	text   []byte // valid until the next call of keyOf
	number uint64
	id     roster.UserID
}

// keyOf returns the key of a row of s for a field that has an order.
func (q *query) keyOf(field roster.Field, s *segment, row uint32) orderKey {
	key := orderKey{id: s.ids[row]}
	switch {
	case field == roster.FieldID:
	case field.Type() == roster.TextField:
		key.text, q.a = foldedOf(s, row, field, q.a)
	default:
		key.number = numberOf(s, field, row)
	}
	return key
}

// compareWithKey compares a row of s with a key of the field.
func (q *query) compareWithKey(field roster.Field, s *segment, row uint32, key orderKey) int {
	switch {
	case field == roster.FieldID:
	case field.Type() == roster.TextField:
		var text []byte
		text, q.b = foldedOf(s, row, field, q.b)
		if c := bytes.Compare(text, key.text); c != 0 {
			return c
		}
	default:
		if c := compareNumbers(numberOf(s, field, row), key.number); c != 0 {
			return c
		}
	}
	return compareNumbers(s.ids[row], key.id)
}

// remapped returns the order of a merged base: o and the tail's order t, where row r of the state has become newRow[r],
// or gone if that is noRow. A nil t is an empty tail.
func remapped(o []uint32, t *tailOrder, newRow []uint32, rows int) []uint32 {
	out := make([]uint32, 0, rows)
	next := 0
	for i, row := range o {
		for ; t != nil && next < len(t.rows) && int(t.before[next]) <= i; next++ {
			if n := newRow[t.rows[next]]; n != noRow {
				out = append(out, n)
			}
		}
		if n := newRow[row]; n != noRow {
			out = append(out, n)
		}
	}
	for ; t != nil && next < len(t.rows); next++ {
		if n := newRow[t.rows[next]]; n != noRow {
			out = append(out, n)
		}
	}
	return out
}

// noRow is no row.
const noRow = ^uint32(0)
