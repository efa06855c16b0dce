package replica

import (
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// slice appends to out the rows from+1 to from+limit of the set, in the order of keys and then of the ids. count is the
// number of rows in the set.
//
// A sort key divides the set into runs of rows that are equal by it. Runs before the window are counted, runs inside it
// are ordered by the remaining keys; only the first and the last can be larger than the window.
func (q *query) slice(out []uint32, rows bitset, count int, keys []roster.Sort, from, limit int) []uint32 {
	limit = min(limit, count-from)
	if limit <= 0 {
		return out
	}
	if len(keys) == 0 {
		keys = []roster.Sort{{Field: roster.FieldID}}
	}
	key := keys[0]
	if key.Field == roster.FieldID && !key.Descending {
		return q.sliceForward(out, rows, roster.FieldID, from, limit)
	}
	if count <= q.few {
		return append(out, q.sorted(rows, count, keys)[from:from+limit]...)
	}
	switch {
	case ranked(key.Field):
		return q.sliceRanked(out, rows, keys, from, limit)
	case len(keys) == 1 && !key.Descending:
		return q.sliceForward(out, rows, key.Field, from, limit)
	default:
		return q.sliceRuns(out, rows, keys, from, limit)
	}
}

// sorted returns all rows of the set, sorted.
func (q *query) sorted(rows bitset, count int, keys []roster.Sort) []uint32 {
	all := make([]uint32, 0, count)
	rows.each(func(row uint32) { all = append(all, row) })
	slices.SortFunc(all, func(a, b uint32) int { return q.compareSort(keys, a, b) })
	return all
}

// sliceForward cuts the window out of one order, whose ties are already by id.
func (q *query) sliceForward(out []uint32, rows bitset, field roster.Field, from, limit int) []uint32 {
	seq := q.sequence(field)
	end := seq.end()
	return seq.collect(out, rows, seq.skip(rows, position{}, end, from), end, limit)
}

// sliceRuns cuts the window out of an order run by run, for keys whose ties are not as the order has them: the order is
// walked backwards, or other keys follow.
func (q *query) sliceRuns(out []uint32, rows bitset, keys []roster.Sort, from, limit int) []uint32 {
	key, rest := keys[0], keys[1:]
	seq := q.sequence(key.Field)
	start, end := position{}, seq.end() // what lies between has not been passed yet
	for limit > 0 {
		var at position // before the row at which the window begins
		if key.Descending {
			at = seq.skipBack(rows, end, from)
		} else {
			at = seq.skip(rows, start, end, from)
		}
		row, _ := seq.next(at)
		first, last := seq.equals(func(other uint32) int { return q.compareKeys(key.Field, other, row) })
		run, passed := seq.count(rows, first, last), 0 // passed: rows of the run that come before the window
		if key.Descending {
			passed, end = seq.count(rows, at, last)-1, first
		} else {
			passed, start = seq.count(rows, first, at), last
		}
		take := min(limit, run-passed)
		if len(rest) == 0 {
			out = seq.collect(out, rows, seq.skip(rows, first, last, passed), last, take)
		} else {
			out = q.sliceRun(out, seq, rows, first, last, run, rest, passed, take)
		}
		from, limit = 0, limit-take
	}
	return out
}

// sliceRun orders one run by the remaining keys and cuts the window out of it.
func (q *query) sliceRun(out []uint32, seq sequence, rows bitset, first, last position, run int, rest []roster.Sort, skip, take int) []uint32 {
	members := seq.collect(make([]uint32, 0, run), rows, first, last, run)
	if run <= q.few {
		slices.SortFunc(members, func(a, b uint32) int { return q.compareSort(rest, a, b) })
		return append(out, members[skip:skip+take]...)
	}
	set := newBitset(q.end())
	for _, row := range members {
		set.set(row)
	}
	return q.slice(out, set, run, rest, skip, take)
}

// rankRun is a run of rows of one rank, as far as it lies in the window.
type rankRun struct {
	count, skip, take int
	members           []uint32 // the run's rows, if they are few
	set               bitset   // the run's rows, if they are many
}

// sliceRanked cuts the window out of the set by the ranks of the first key: one pass to count, one to fetch the runs
// that lie in the window.
func (q *query) sliceRanked(out []uint32, rows bitset, keys []roster.Sort, from, limit int) []uint32 {
	key, rest := keys[0], keys[1:]
	rank, most := q.ranksOf(key)
	counts := make([]int, most)
	rows.each(func(row uint32) { counts[rank(row)]++ })
	runs := make([]*rankRun, len(counts))
	var order []*rankRun
	for i := range counts {
		r := i
		if key.Descending {
			r = len(counts) - 1 - i
		}
		if skip := min(from, counts[r]); skip < counts[r] && limit > 0 {
			take := min(limit, counts[r]-skip)
			runs[r] = &rankRun{count: counts[r], skip: skip, take: take}
			order = append(order, runs[r])
			from -= skip
			limit -= take
			if runs[r].count > q.few {
				runs[r].set = newBitset(q.end())
			}
			continue
		}
		from -= min(from, counts[r])
	}
	rows.each(func(row uint32) {
		switch run := runs[rank(row)]; {
		case run == nil:
		case run.set != nil:
			run.set.set(row)
		default:
			run.members = append(run.members, row)
		}
	})
	for _, run := range order {
		if run.set != nil {
			out = q.slice(out, run.set, run.count, rest, run.skip, run.take)
			continue
		}
		slices.SortFunc(run.members, func(a, b uint32) int { return q.compareSort(rest, a, b) })
		out = append(out, run.members[run.skip:run.skip+run.take]...)
	}
	return out
}

// rankCount returns a number larger than every rank of the field.
func (q *query) rankCount(f roster.Field) int {
	if f == roster.FieldStatus || f == roster.FieldDeviceType {
		return 256
	}
	most := uint32(0)
	for _, rank := range q.names.ranksOf(f) {
		most = max(most, rank)
	}
	return int(most) + 1
}

// sequence returns all rows, live or not, in the order of the field, which must not be a ranked one.
func (q *query) sequence(f roster.Field) sequence {
	base := q.orders.of(f, q.base)
	seq := sequence{base: base, size: q.base.rows()}
	if q.tail.rows() == 0 {
		return seq
	}
	known := q.tailOrders[f].Load()
	if known == nil {
		known = &tailOrder{}
	}
	if known.upTo < q.tail.rows() {
		known = known.extended(q, f, base)
		q.tailOrders[f].Store(known)
	}
	seq.tail = known
	return seq
}
