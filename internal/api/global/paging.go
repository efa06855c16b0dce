package global

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// window is which part of the result a request asks for.
type window struct {
	start, end roster.UserID // cursors, zero for none
	// byID says that users come in the order of their ids, as cursors need it, and descending which one.
	byID, descending bool
}

// edges is what lies around a page.
type edges struct {
	// more says that there is more in the direction of the walk: before the page for a walk backwards, and behind it otherwise.
	more bool
	// next is the cursor_start of the page behind, previous the cursor_end of the page before; zero where there is none.
	next, previous roster.UserID
}

// backwards reports whether the request walks towards the front: it says where to end and not where to begin.
func (w window) backwards() bool { return w.start == 0 && w.end != 0 }

// edges returns what lies around the page that the window has.
func (w window) edges(page *roster.UserPage) edges {
	var e edges
	behind := page.After
	if w.start != 0 && w.end != 0 {
		// Half-open: what is behind the page counts up to the end.
		behind = behind && w.before(page.Next, w.end)
	}
	e.more = behind
	if w.backwards() {
		e.more = page.Before
	}
	if !w.byID {
		return e
	}
	if behind {
		e.next = page.Next
	}
	if page.Before {
		e.previous = w.first(page)
	}
	return e
}

// first returns the id at which the page begins, or would begin.
func (w window) first(page *roster.UserPage) roster.UserID {
	if len(page.Users) > 0 {
		return page.Users[0].ID
	}
	return w.start
}

// before reports whether one id comes before another in the order of the page.
func (w window) before(a, b roster.UserID) bool {
	if w.descending {
		return a > b
	}
	return a < b
}

// link returns the resource path of the request's operation with the request's parameters, in one order, but for its cursors: those
// of w. It is nil for a window without cursors.
func (in *listInput) link(w window) *string {
	if w.start == 0 && w.end == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString(usersPath + "/" + in.Type)
	separator := byte('?')
	add := func(name, value string) {
		b.WriteByte(separator)
		b.WriteString(escape(name) + "=" + escape(value))
		separator = '&'
	}
	list := func(name string, values []string) {
		if len(values) > 0 {
			add(name, strings.Join(values, ","))
		}
	}
	list("fields", in.Fields)
	list("fields:roles", in.FieldsOfRoles)
	list("fields:default_warehouse", in.FieldsOfDefaultWarehouse)
	list("fields:merchant", in.FieldsOfMerchant)
	if in.deleted() {
		add("is_deleted", "true")
	}
	for _, filter := range in.Filter {
		add("filter", filter)
	}
	list("sort", in.Sort)
	if in.Count != 0 {
		add("count", strconv.Itoa(in.Count))
	}
	add("limit", strconv.Itoa(in.Limit))
	if w.start != 0 {
		add("cursor_start", w.start.String())
	}
	if w.end != 0 {
		add("cursor_end", w.end.String())
	}
	link := b.String()
	return &link
}

// escape percent-encodes a name or value of a query string. A space becomes %20, which is one to every reader.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
