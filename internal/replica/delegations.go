package replica

import (
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// delegation says that the user of a row has somebody among their Delegates.
type delegation struct {
	delegate roster.UserID
	row      uint32
}

// delegationBytes is what each delegation takes in a finished list.
const delegationBytes = 8 + 4

// delegations are Delegates the other way round: who has a user among them. They are listed by delegate and then by row,
// each once. A list never changes, so it may name rows that are not live any more; whoever reads it leaves those out.
// Soft-deleted users have none. That a delegate does not exist makes no difference.
type delegations struct {
	delegates []roster.UserID
	rows      []uint32
}

// appendDelegations appends what the user of the row adds to such a list.
func appendDelegations(list []delegation, u *roster.User, row uint32) []delegation {
	if u.Deleted() {
		return list
	}
	for i := range u.Delegates {
		list = append(list, delegation{u.Delegates[i].User, row})
	}
	return list
}

func compareDelegations(a, b delegation) int {
	if a.delegate != b.delegate {
		return compareNumbers(a.delegate, b.delegate)
	}
	return compareNumbers(a.row, b.row)
}

// of returns the rows of those who have the user among their Delegates, in row order. The caller must not change them.
func (d *delegations) of(delegate roster.UserID) []uint32 {
	from, found := slices.BinarySearch(d.delegates, delegate)
	if !found {
		return nil
	}
	to := from + 1
	for to < len(d.delegates) && d.delegates[to] == delegate {
		to++
	}
	return d.rows[from:to:to]
}

// with returns the list with more merged in, in which row r has become newRow(r), or is gone if that is noRow. The rows
// that d lists must keep their order; more, which is used up, has none.
func (d *delegations) with(more []delegation, newRow func(row uint32) uint32) delegations {
	late := more[:0]
	for _, m := range more {
		if row := newRow(m.row); row != noRow {
			late = append(late, delegation{m.delegate, row})
		}
	}
	slices.SortFunc(late, compareDelegations)
	late = slices.Compact(late)
	size := len(late)
	for _, row := range d.rows {
		if newRow(row) != noRow {
			size++
		}
	}
	if size == 0 {
		return delegations{}
	}
	out := delegations{make([]roster.UserID, 0, size), make([]uint32, 0, size)}
	for i, row := range d.rows {
		at := delegation{d.delegates[i], newRow(row)}
		if at.row == noRow {
			continue
		}
		for ; len(late) > 0 && compareDelegations(late[0], at) < 0; late = late[1:] {
			out.append(late[0])
		}
		out.append(at)
	}
	for _, m := range late {
		out.append(m)
	}
	return out
}

// append adds one to a list that is still being made.
func (d *delegations) append(at delegation) {
	d.delegates, d.rows = append(d.delegates, at.delegate), append(d.rows, at.row)
}

// list returns a copy that with can take in.
func (d *delegations) list() []delegation {
	out := make([]delegation, len(d.rows))
	for i, row := range d.rows {
		out[i] = delegation{d.delegates[i], row}
	}
	return out
}

func (d *delegations) bytes() int64 { return 8*int64(cap(d.delegates)) + 4*int64(cap(d.rows)) }
