package replica

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/rosterhq/roster/internal/roster"
)

// organizationList is the organizations that stand, in id order. It is put together when first asked for.
type organizationList struct {
	once   sync.Once
	sorted []roster.Organization
}

// Organizations returns a page of the organizations of the tree that begins at root, itself included, in id order. Only
// the limit and the offset of page count. It is as new as an answer of SearchUsers, complete but for Revision.Stamp, and
// shares no memory with the replica. A page that breaks a rule is roster.KindInvalid; the other errors are those of
// SearchUsers. A root that is unknown has an empty tree.
//
// It passes over all organizations of the tenant, some nanoseconds for each.
func (r *Replicas) Organizations(ctx context.Context, tenant roster.TenantID, root roster.OrgID, page roster.Page) (roster.OrganizationPage, error) {
	if err := (&roster.Query{Page: roster.Page{Limit: page.Limit, Offset: page.Offset}}).Validate(); err != nil {
		return roster.OrganizationPage{}, err
	}
	f := r.acquire(tenant)
	defer r.release(f)
	s, err := f.fresh(ctx)
	if err != nil {
		return roster.OrganizationPage{}, err
	}
	return s.names.tree(root, page.Limit, page.Offset), nil
}

// organization returns the organization with that id, if it has not been deleted. It shares no memory with n.
func (n *names) organization(id roster.OrgID) (roster.Organization, bool) {
	o, ok := n.organizations[id]
	o.Path = slices.Clone(o.Path)
	return o, ok && o.DeletedAt.IsZero()
}

// tree returns a page of the organizations whose path leads through root.
func (n *names) tree(root roster.OrgID, limit, offset int) roster.OrganizationPage {
	found := roster.OrganizationPage{Organizations: []roster.Organization{}}
	for _, o := range n.standing() {
		if !o.Path.Contains(root) {
			continue
		}
		if found.Total >= offset && len(found.Organizations) < limit {
			o.Path = slices.Clone(o.Path)
			found.Organizations = append(found.Organizations, o)
		}
		found.Total++
	}
	return found
}

// standing returns the organizations that have not been deleted, in id order.
func (n *names) standing() []roster.Organization {
	n.list.once.Do(func() {
		n.list.sorted = make([]roster.Organization, 0, len(n.organizations))
		for _, o := range n.organizations {
			if o.DeletedAt.IsZero() {
				n.list.sorted = append(n.list.sorted, o)
			}
		}
		slices.SortFunc(n.list.sorted, func(a, b roster.Organization) int { return cmp.Compare(a.ID, b.ID) })
	})
	return n.list.sorted
}
