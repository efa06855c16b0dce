package replica

import (
	"bytes"
	"cmp"
	"context"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// query is one evaluation of a roster.Query against one state. It belongs to one goroutine.
type query struct {
	*state
	now millis
	// activeAfter is the largest moment at which a user may have been seen last and be Inactive now.
	activeAfter millis
	// few is the number of rows up to which a page is cut by sorting all of them.
	few int
	// done is closed once nobody waits for the answer any more, and late says that a condition saw that and stopped: what it kept
	// then means nothing.
	done <-chan struct{}
	late bool

	a, b []byte // scratch of text comparisons
}

// fewRows is the default of query.few: sorting that many costs no more than a walk along a sort order of 100,000 rows.
const fewRows = 512

func (s *state) query(now time.Time, few int) *query {
	return &query{state: s, now: millisOf(now), activeAfter: millisOf(now.Add(-roster.InactiveAfter)), few: few}
}

// page answers the query, which must be valid. One that takes until ctx has ended is roster.KindUnavailable, the only error.
func (q *query) page(ctx context.Context, ask *roster.Query) (roster.UserPage, error) {
	q.done = ctx.Done()
	rows := q.matching(ask)
	if q.late {
		return roster.UserPage{}, roster.Unavailable(
			"the search did not end in time: filters that keep fewer users, or simpler patterns, make it faster", context.Cause(ctx))
	}
	total := rows.count()
	from, limit := q.window(ask, rows, total)
	// One row more than the page tells where the next one begins.
	chosen := q.slice(nil, rows, total, ask.Sort, from, limit+1)
	page := roster.UserPage{Total: total, Before: from > 0}
	if from+limit < total {
		page.After = true
	}
	if len(chosen) > limit {
		page.Next = q.id(chosen[limit])
		chosen = chosen[:limit]
	}
	page.Users = make([]roster.User, len(chosen))
	for i, row := range chosen {
		page.Users[i] = q.user(row)
	}
	return page, nil
}

// user returns the row's user.
func (q *query) user(row uint32) roster.User {
	s, local := q.locate(row)
	return s.user(local, q.tenant, &q.values)
}

// window returns the part of the result that is asked for: how many matching rows come before it, and how many it holds
// at most.
func (q *query) window(ask *roster.Query, rows bitset, total int) (from, limit int) {
	p := ask.Page
	if p.Start == 0 && p.End == 0 {
		return min(p.Offset, total), min(p.Limit, total-min(p.Offset, total))
	}
	descending := len(ask.Sort) > 0 && ask.Sort[0].Descending
	end := total
	if p.End != 0 {
		end = q.rowsBefore(rows, p.End, descending)
	}
	if p.Start == 0 {
		from = max(0, end-p.Limit)
		return from, end - from
	}
	from = q.rowsBefore(rows, p.Start, descending)
	return from, max(0, min(p.Limit, end-from))
}

// rowsBefore returns how many rows of the set come before the user with that id, or where it would be, in id order.
func (q *query) rowsBefore(rows bitset, id roster.UserID, descending bool) int {
	seq := q.sequence(roster.FieldID)
	first, last := seq.equals(func(row uint32) int { return compareNumbers(q.id(row), id) })
	if descending {
		return seq.count(rows, last, seq.end())
	}
	return seq.count(rows, position{}, first)
}

// matching returns the rows that the query keeps. It tests cheap conditions first, so that dear ones see few rows.
func (q *query) matching(ask *roster.Query) bitset {
	rows := q.visible(ask.Deleted)
	q.keepScope(rows, ask.Scope)
	filters := q.plan(ask.Filters)
	for _, f := range filters {
		if f.cost <= costColumn {
			f.keep(rows)
		}
	}
	if ask.Text != "" {
		q.keepText(rows, roster.AppendFold(nil, ask.Text))
	}
	for _, f := range filters {
		if f.cost > costColumn {
			f.keep(rows)
		}
	}
	return rows
}

// visible returns a new set of the rows that stand, or are deleted, and have not expired.
func (q *query) visible(deleted roster.Deleted) bitset {
	rows := newBitset(q.end())
	copy(rows, q.live[deleted])
	q.dropExpired(rows, q.now)
	return rows
}

func (q *query) keepScope(rows bitset, scope roster.Scope) {
	if scope.Org == 0 {
		return
	}
	table := make([]uint8, len(q.places))
	for i, path := range q.places {
		own := path.Last() == scope.Org
		if own && !scope.BelowOnly || !own && (scope.Subtree || scope.BelowOnly) && path.Contains(scope.Org) {
			table[i] = 1
		}
	}
	q.keepTable(rows, placeColumn, table)
}

// denseShare is the share of rows, one in so many, from which on reading the whole text is cheaper than looking at the
// remaining rows one by one; measured by BenchmarkFilterFirst.
const denseShare = 3

// keepText removes from rows those whose text does not contain folded.
func (q *query) keepText(rows bitset, folded []byte) {
	n := newNeedle(folded, q.base.frequencies)
	base, tail := q.split(rows)
	for _, part := range [...]struct {
		text *blob
		rows bitset
	}{{&q.base.text, base}, {&q.tail.text, tail}} {
		if part.rows.count() < len(part.text.ends)/denseShare {
			part.rows.keepFunc(func(row uint32) bool { return n.in(part.text.at(row)) })
			continue
		}
		found := newBitset(uint32(len(part.rows) * 64))
		n.find(part.text, found)
		part.rows.intersect(found)
	}
}

// compareKeys compares two rows by any field.
func (q *query) compareKeys(f roster.Field, a, b uint32) int {
	switch {
	case f == roster.FieldID:
		return compareNumbers(q.id(a), q.id(b))
	case ranked(f):
		rank := q.rank(f)
		return compareNumbers(rank(a), rank(b))
	case f.Type() == roster.TextField:
		var left, right []byte
		left, q.a = q.folded(f, a, q.a)
		right, q.b = q.folded(f, b, q.b)
		return bytes.Compare(left, right)
	default:
		sa, la := q.locate(a)
		sb, lb := q.locate(b)
		return compareNumbers(numberOf(sa, f, la), numberOf(sb, f, lb))
	}
}

// compareSort compares two rows by a list of keys, ties by id.
func (q *query) compareSort(keys []roster.Sort, a, b uint32) int {
	for _, k := range keys {
		c := 0
		if k.Ranks != nil {
			c = cmp.Compare(k.Ranks[q.number(k.Field, a)], k.Ranks[q.number(k.Field, b)])
		} else {
			c = q.compareKeys(k.Field, a, b)
		}
		if c != 0 {
			if k.Descending {
				return -c
			}
			return c
		}
	}
	return compareNumbers(q.id(a), q.id(b))
}

// folded returns a text of the row, folded. Texts that are not part of the searchable text are put together in scratch,
// which is returned for the next time.
func (q *query) folded(f roster.Field, row uint32, scratch []byte) (text, buffer []byte) {
	s, local := q.locate(row)
	return foldedOf(s, local, f, scratch)
}

// foldedOf is folded for a row of a segment and any text field but the country.
func foldedOf(s *segment, row uint32, f roster.Field, scratch []byte) (text, buffer []byte) {
	switch f {
	case roster.FieldName:
		return firstText(s.text.at(row)), scratch
	case roster.FieldEmail:
		return lastText(s.text.at(row)), scratch
	}
	scratch = s.written(scratch[:0], row, f)
	n := len(scratch)
	scratch = appendFold(scratch, scratch)
	return scratch[n:], scratch
}

// rank returns a function that tells the rank of a row by a ranked field.
func (q *query) rank(f roster.Field) func(row uint32) uint32 {
	switch f {
	case roster.FieldStatus:
		return func(row uint32) uint32 {
			s, local := q.locate(row)
			return uint32(q.statusOf(s, local))
		}
	case roster.FieldDeviceType:
		return func(row uint32) uint32 {
			s, local := q.locate(row)
			return uint32(s.deviceType[local])
		}
	}
	ranks := q.names.ranksOf(f)
	return func(row uint32) uint32 {
		s, local := q.locate(row)
		switch f {
		case roster.FieldCountry:
			return ranks[s.country.at(local)]
		case roster.FieldRole, roster.FieldMainRole:
			return ranks[s.roleSet.at(local)]
		default:
			return ranks[s.place.at(local)]
		}
	}
}

// number returns a row's value of a field that a sort key can rank.
func (q *query) number(f roster.Field, row uint32) int64 {
	s, local := q.locate(row)
	if f == roster.FieldStatus {
		return int64(q.statusOf(s, local))
	}
	return int64(q.names.mainRole(int(s.roleSet.at(local))))
}

// ranksOf returns a function that tells the rank of a row by a key of a ranked field, and a number larger than every rank.
func (q *query) ranksOf(key roster.Sort) (rank func(row uint32) uint32, count int) {
	if key.Ranks == nil {
		return q.rank(key.Field), q.rankCount(key.Field)
	}
	if key.Field == roster.FieldStatus {
		statuses := make([]int64, 256)
		for i := range statuses {
			statuses[i] = int64(key.Ranks[int64(i)])
		}
		ranks := rankNumbers(statuses)
		return func(row uint32) uint32 { return ranks[q.number(roster.FieldStatus, row)] }, len(ranks)
	}
	ranks := q.names.rankMainRoles(func(id roster.RoleID) int64 { return int64(key.Ranks[int64(id)]) })
	return func(row uint32) uint32 {
		s, local := q.locate(row)
		return ranks[s.roleSet.at(local)]
	}, len(ranks)
}

// statusOf returns the status of a row as User.StatusAt shows it.
func (q *query) statusOf(s *segment, row uint32) roster.Status {
	status := roster.Status(s.status[row])
	if status == roster.StatusActive && max(s.lastLogin.at(row), s.registered.at(row)) <= q.activeAfter {
		return roster.StatusInactive
	}
	return status
}
