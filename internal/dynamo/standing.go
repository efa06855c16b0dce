package dynamo

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// standing remembers organizations that this process has seen in the table, and the path of each.
//
// It is why creating a user, transferring one or founding a sub-organization never leaves anything in an organization
// that does not exist, at no cost in the transaction: organizations are never removed and never move, so one that was
// seen to stand, stands for good. A check as a leg of the transaction would cost 2 WRU (DynamoDB bills it like a write),
// and would make all concurrent creations in one organization conflict with each other, since two transactions may not
// even check the same item at once. Whoever lets organizations be removed one day must put that leg in.
type standing struct {
	mu    sync.Mutex
	paths map[place]roster.OrgPath // guarded by mu
}

type place struct {
	tenant roster.TenantID
	org    roster.OrgID
}

// maxStanding bounds what is remembered: at most about 2 MB.
const maxStanding = 10_000

func (s *standing) remember(tenant roster.TenantID, path roster.OrgPath) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paths == nil || len(s.paths) >= maxStanding {
		s.paths = make(map[place]roster.OrgPath)
	}
	s.paths[place{tenant, path.Last()}] = slices.Clone(path)
}

// path returns the path of an organization, nil for one that is not remembered. The caller must not change it.
func (s *standing) path(tenant roster.TenantID, org roster.OrgID) roster.OrgPath {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paths[place{tenant, org}]
}

// mustStand returns nil if the organization at the end of path stands just there, and otherwise a KindNotFound error. It
// costs 1 RRU, but nothing for an organization that this process has seen before.
func (t *Table) mustStand(ctx context.Context, tenant roster.TenantID, path roster.OrgPath) error {
	org := path.Last()
	if org == 0 {
		return roster.Invalid("organization", "is required")
	}
	known := t.standing.path(tenant, org)
	if known == nil {
		o, err := t.Organization(ctx, tenant, org)
		if err != nil {
			return err
		}
		known = o.Path
	}
	return mustBeAt(path, known)
}

// mustBeAt returns nil if path is the path of the organization that it ends in. Anything else was made up.
func mustBeAt(path, known roster.OrgPath) error {
	if known == nil {
		return roster.NotFound("organization")
	}
	if !slices.Equal(path, known) {
		return roster.Invalid("organization", fmt.Sprintf("%s is not at %s", path.Last(), path))
	}
	return nil
}

// learn makes the organizations of all the paths remembered, those that stand. It reads 100 at a time, 1 RRU each.
func (t *Table) learn(ctx context.Context, tenant roster.TenantID, orgs []roster.OrgID) error {
	keys := make([]map[string]types.AttributeValue, 0, len(orgs))
	for _, org := range orgs {
		if t.standing.path(tenant, org) == nil {
			keys = append(keys, organizationKey(tenant, org).attributes())
		}
	}
	return t.batchGet(ctx, keys, true, func(attributes map[string]types.AttributeValue) error {
		var item organizationItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		o, err := nounOf(&item)
		if err != nil {
			return err
		}
		if o.DeletedAt.IsZero() {
			t.standing.remember(o.Tenant, o.Path)
		}
		return nil
	})
}
