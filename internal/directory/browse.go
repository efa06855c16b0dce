package directory

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// Reach is a part of what a caller reaches: its own organization, and the clients below.
type Reach uint8

// The parts.
const (
	OwnAndBelow Reach = iota // the caller's organization and everything below it
	OwnOnly                  // the caller's organization alone
	BelowOnly                // everything below, and not the caller's organization
)

// scope returns the part of the tenant's tree that it is for the caller.
func (r Reach) scope(p *roster.Principal) roster.Scope {
	return roster.Scope{Org: p.Org(), Subtree: r == OwnAndBelow, BelowOnly: r == BelowOnly}
}

// BrowsedUsers is a page of users, and what is needed to show whatever they refer to.
type BrowsedUsers struct {
	Page roster.UserPage
	// View is what the page was taken from.
	View View
}

// BrowseUsers answers q, which may ask for deleted users, over a part of what the caller reaches, whatever q.Scope says: with one
// look for the page and all that it refers to. It needs the permission ORG_VIEW_USERS.
func (d *Directory) BrowseUsers(ctx context.Context, p *roster.Principal, reach Reach, q roster.Query) (BrowsedUsers, error) {
	if err := require(p, roster.OrgViewUsers); err != nil {
		return BrowsedUsers{}, err
	}
	q.Scope = reach.scope(p)
	if err := q.Validate(); err != nil {
		return BrowsedUsers{}, err
	}
	view, err := d.search.View(ctx, p.Tenant)
	if err != nil {
		return BrowsedUsers{}, err
	}
	page, err := view.SearchUsers(ctx, q)
	if err != nil {
		return BrowsedUsers{}, err
	}
	return BrowsedUsers{Page: page, View: view}, nil
}
