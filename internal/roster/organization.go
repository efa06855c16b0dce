package roster

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Organization is a node of a tenant's tree. Organizations never move.
type Organization struct {
	Tenant TenantID
	ID     OrgID
	Name   string
	// Path holds the ids from the root organization down to this one, itself included.
	Path      OrgPath
	CreatedAt time.Time
	DeletedAt time.Time
	Revision  Revision
}

// Parent returns the organization above, zero for a root.
func (o *Organization) Parent() OrgID {
	if len(o.Path) < 2 {
		return 0
	}
	return o.Path[len(o.Path)-2]
}

// MaxDepth is the largest number of organizations on a path, the root included. It bounds the path kept on every user.
const MaxDepth = 16

// OrgPath is a road through the tree: organization ids from the root downwards.
type OrgPath []OrgID

// Last returns the organization the path leads to, zero for an empty path.
func (p OrgPath) Last() OrgID {
	if len(p) == 0 {
		return 0
	}
	return p[len(p)-1]
}

// Contains reports whether the path goes through org: whether what stands at its end is inside org's tree.
func (p OrgPath) Contains(org OrgID) bool { return slices.Contains(p, org) }

// Below returns the organization directly below org on the path, zero where the path does not lead on from org.
func (p OrgPath) Below(org OrgID) OrgID {
	if i := slices.Index(p, org); i >= 0 && i+1 < len(p) {
		return p[i+1]
	}
	return 0
}

// Child returns the path of an organization directly below the end of p.
func (p OrgPath) Child(id OrgID) OrgPath { return append(slices.Clone(p), id) }

// String returns the ids in decimal, separated by slashes.
func (p OrgPath) String() string {
	var b strings.Builder
	for i, id := range p {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(id.String())
	}
	return b.String()
}

// ParseOrgPath reads what OrgPath.String writes.
func ParseOrgPath(s string) (OrgPath, error) {
	if s == "" {
		return nil, Invalid("path", "must not be empty")
	}
	parts := strings.Split(s, "/")
	if len(parts) > MaxDepth {
		return nil, Invalid("path", "must hold at most "+strconv.Itoa(MaxDepth)+" organizations")
	}
	path := make(OrgPath, len(parts))
	for i, part := range parts {
		id, err := strconv.ParseInt(part, 10, 32)
		if err != nil || id <= 0 {
			return nil, Invalid("path", "must hold positive organization ids separated by slashes")
		}
		path[i] = OrgID(id)
	}
	return path, nil
}

// OrganizationPage is a page of the organizations of a tree, in id order.
type OrganizationPage struct {
	Organizations []Organization
	// Total counts every organization of the tree, on whatever page.
	Total int
}
