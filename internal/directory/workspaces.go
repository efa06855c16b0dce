package directory

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// Colleague is a user of a workspace, with the organization that the workspace is.
type Colleague struct {
	User      roster.User
	Workspace roster.Organization
}

// ColleaguePage is a page of users of a workspace.
type ColleaguePage struct {
	roster.UserPage
	Workspace roster.Organization
}

// SearchColleagues answers q over the users of the caller's workspace whom the caller sees (see sightOf), whatever q.Scope says: one
// look at the feed, and for a caller that is user-scoped a read of that user.
func (d *Directory) SearchColleagues(ctx context.Context, p *roster.Principal, q roster.Query) (ColleaguePage, error) {
	sight, err := d.sightOf(ctx, p)
	if err != nil {
		return ColleaguePage{}, err
	}
	q.Scope = roster.Scope{Org: p.Org()}
	if !sight.all {
		q.Filters = append(q.Filters[:len(q.Filters):len(q.Filters)], roster.Filter{
			Field: roster.FieldID, Operator: roster.Equal, Values: []roster.Value{{Number: int64(sight.self.ID)}},
		})
	}
	if err := q.Validate(); err != nil {
		return ColleaguePage{}, err
	}
	view, err := d.search.View(ctx, p.Tenant)
	if err != nil {
		return ColleaguePage{}, err
	}
	page, err := view.SearchUsers(ctx, q)
	if err != nil {
		return ColleaguePage{}, err
	}
	workspace, _ := view.Organization(p.Org())
	return ColleaguePage{UserPage: page, Workspace: workspace}, nil
}

// Colleague returns one user of the caller's workspace, as the table has it now. One whom the caller does not see is not found, in the
// words and for the reads of one that does not exist. It takes a read of the organization and one of each user concerned: the caller,
// unless the token speaks for the organization, and the other.
func (d *Directory) Colleague(ctx context.Context, p *roster.Principal, id roster.UserID) (Colleague, error) {
	if err := validUserID(id); err != nil {
		return Colleague{}, err
	}
	sight, err := d.sightOf(ctx, p)
	if err != nil {
		return Colleague{}, err
	}
	user := sight.self
	if id != user.ID {
		if !sight.all {
			return Colleague{}, roster.NotFound("user")
		}
		read, err := d.users.User(ctx, p.Tenant, id)
		if user, err = reachedUser(p, read, err); err != nil {
			return Colleague{}, err
		}
		if err := memberOf(&user, p.Org()); err != nil {
			return Colleague{}, err
		}
	}
	workspace, err := d.organizationOf(ctx, &user)
	if err != nil {
		return Colleague{}, err
	}
	return Colleague{User: user, Workspace: workspace}, nil
}

// Oneself returns the user that the token speaks for, as a user of its workspace: a read of the user and one of the organization. A
// caller that is not user-scoped is forbidden.
func (d *Directory) Oneself(ctx context.Context, p *roster.Principal) (Colleague, error) {
	if err := requireUser(p); err != nil {
		return Colleague{}, err
	}
	return d.Colleague(ctx, p, p.User)
}
