package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// organizationItem is an organization as it is stored.
type organizationItem struct {
	head
	TenantID int32 `dynamodbav:"tenantId"`
	Shard    int   `dynamodbav:"shard"`
	// OrgID is the parent's id, under which the index organization lists it; a root has none and is not in that index.
	OrgID     int32  `dynamodbav:"orgId,omitempty"`
	Kind      string `dynamodbav:"kind"`
	ID        int32  `dynamodbav:"id"`
	Path      string `dynamodbav:"path"`
	Name      string `dynamodbav:"name"`
	CreatedAt int64  `dynamodbav:"createdAt,omitempty"`
	DeletedAt int64  `dynamodbav:"deletedAt,omitempty"`
}

func toOrganizationItem(o *roster.Organization) *organizationItem {
	return &organizationItem{
		head:     newHead(organizationKey(o.Tenant, o.ID), typeOrganization, o.Revision),
		TenantID: int32(o.Tenant), Shard: roster.Shard(o.ID), OrgID: int32(o.Parent()), Kind: kindOrganization,
		ID: int32(o.ID), Path: o.Path.String(), Name: o.Name, CreatedAt: millis(o.CreatedAt), DeletedAt: millis(o.DeletedAt),
	}
}

func (i *organizationItem) noun() (roster.Organization, error) {
	if err := i.is(typeOrganization); err != nil {
		return roster.Organization{}, err
	}
	path, err := roster.ParseOrgPath(i.Path)
	if err != nil {
		return roster.Organization{}, fmt.Errorf("item %s: %w", i.PK, err)
	}
	return roster.Organization{
		Tenant: roster.TenantID(i.TenantID), ID: roster.OrgID(i.ID), Name: i.Name, Path: path,
		CreatedAt: fromMillis(i.CreatedAt), DeletedAt: fromMillis(i.DeletedAt), Revision: i.revision(),
	}, nil
}

// Organization returns an organization that stands: a strongly consistent read of 1 RRU. One that is not there is a
// KindNotFound error.
func (t *Table) Organization(ctx context.Context, tenant roster.TenantID, id roster.OrgID) (roster.Organization, error) {
	var item organizationItem
	found, err := t.get(ctx, organizationKey(tenant, id), true, &item)
	if err != nil {
		return roster.Organization{}, err
	}
	if !found {
		return roster.Organization{}, roster.NotFound("organization")
	}
	o, err := nounOf(&item)
	if err != nil {
		return roster.Organization{}, err
	}
	if !o.DeletedAt.IsZero() {
		return roster.Organization{}, roster.NotFound("organization")
	}
	t.standing.remember(o.Tenant, o.Path)
	return o, nil
}

// CreateOrganization writes a new organization and returns it as stored. With a zero ID it is assigned a random one, and
// another when it collides; Path must then be its parent's, and is completed. With an ID, Path must be whole. A tenant's
// root is the organization whose ID is the tenant's and whose Path is just that. A zero CreatedAt becomes now.
//
// For once and the second result, see CreateUser. A parent that does not stand is a KindNotFound error, and a given id that
// is taken is KindConflict. It costs 1 WRU of the table, with a once 4.
func (t *Table) CreateOrganization(ctx context.Context, o roster.Organization, stamp roster.Stamp, once *roster.Once) (roster.Organization, bool, error) {
	var created roster.Organization
	assigned := o.ID == 0
	parent, err := t.parentOf(ctx, &o)
	if err != nil {
		return roster.Organization{}, false, err
	}
	err = untilFree(func() error {
		if assigned {
			o.ID = t.ids.NewOrgID()
			o.Path = parent.Child(o.ID)
		}
		organization, founding, err := t.organizationLeg(o, assigned, stamp)
		if err != nil {
			return err
		}
		created = organization
		if once == nil {
			return t.putAlone(ctx, toOrganizationItem(&organization), ifAbsent(), founding.refused)
		}
		return t.transactOnce(ctx, o.Tenant, once, made{organization: &organization}, organization.Revision, []leg{founding})
	})
	earlier, again := errors.AsType[*replayed](err)
	if again {
		created = *earlier.organization
	} else if err != nil {
		return roster.Organization{}, false, err
	}
	t.standing.remember(created.Tenant, created.Path)
	return created, again, nil
}

// parentOf returns the path of the organization that a new one is to be below, which must stand. It is the whole Path of an
// organization whose id is yet to be assigned, and empty for a root.
func (t *Table) parentOf(ctx context.Context, o *roster.Organization) (roster.OrgPath, error) {
	parent := o.Path
	if o.ID != 0 && len(o.Path) > 0 {
		parent = o.Path[:len(o.Path)-1]
	}
	if o.ID != 0 && len(parent) == 0 {
		return nil, nil
	}
	return parent, t.mustStand(ctx, o.Tenant, parent)
}

// organizationLeg returns a new organization as it will be stored, and the leg that creates it.
func (t *Table) organizationLeg(o roster.Organization, assigned bool, stamp roster.Stamp) (roster.Organization, leg, error) {
	o.Revision = t.firstRevision(stamp)
	if o.CreatedAt.IsZero() {
		o.CreatedAt = o.Revision.ChangedAt
	}
	if err := o.Validate(); err != nil {
		return roster.Organization{}, leg{}, err
	}
	item := toOrganizationItem(&o)
	stored, err := item.noun()
	if err != nil {
		return roster.Organization{}, leg{}, err
	}
	l, err := t.put(item, ifAbsent(), refusal(idTaken("organization", o.ID, assigned)))
	return stored, l, err
}

// SubOrganizations returns a page of the organizations directly below parent, in id order: at most limit of those after
// the given id. The second result is the id to go on after, zero when there are no more. It reads the index.
func (t *Table) SubOrganizations(ctx context.Context, tenant roster.TenantID, parent, after roster.OrgID, limit int) ([]roster.Organization, roster.OrgID, error) {
	var organizations []roster.Organization
	last, more, err := t.listIndex(ctx, membersQuery(tenant, parent, kindOrganization, int64(after)), limit, func(attributes map[string]types.AttributeValue) (int64, error) {
		var item organizationItem
		if err := decode(attributes, &item); err != nil {
			return 0, err
		}
		o, err := nounOf(&item)
		if err != nil {
			return 0, err
		}
		if o.DeletedAt.IsZero() {
			organizations = append(organizations, o)
		}
		return int64(o.ID), nil
	})
	if err != nil {
		return nil, 0, err
	}
	if !more {
		last = 0
	}
	return organizations, roster.OrgID(last), nil
}

// treeReaders is how many organizations' children Organizations asks for at a time.
const treeReaders = 8

// Organizations returns all organizations of a tenant, each before those below it, and those below one in id order. It
// walks the tree, one query or more for each organization: for tools, not for requests.
func (t *Table) Organizations(ctx context.Context, tenant roster.TenantID) ([]roster.Organization, error) {
	root, err := t.Organization(ctx, tenant, tenant.Root())
	if err != nil {
		return nil, err
	}
	all := []roster.Organization{root}
	for level := all; len(level) > 0; {
		below, err := t.childrenOf(ctx, tenant, level)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
		level = below
	}
	// A path is longer than that of what is above it, and begins with it.
	slices.SortFunc(all, func(a, b roster.Organization) int { return slices.Compare(a.Path, b.Path) })
	return all, nil
}

// childrenOf returns the organizations directly below any of those given.
func (t *Table) childrenOf(ctx context.Context, tenant roster.TenantID, parents []roster.Organization) ([]roster.Organization, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	children := make([][]roster.Organization, len(parents))
	next := make(chan int)
	var readers sync.WaitGroup
	for range min(treeReaders, len(parents)) {
		readers.Go(func() {
			for i := range next {
				found, err := t.allSubOrganizations(ctx, tenant, parents[i].ID)
				if err != nil {
					cancel(err)
				}
				children[i] = found
			}
		})
	}
	for i := range parents {
		next <- i
	}
	close(next)
	readers.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return slices.Concat(children...), nil
}

func (t *Table) allSubOrganizations(ctx context.Context, tenant roster.TenantID, parent roster.OrgID) ([]roster.Organization, error) {
	var all []roster.Organization
	for after := roster.OrgID(0); ; {
		page, next, err := t.SubOrganizations(ctx, tenant, parent, after, roster.MaxLimit)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next == 0 {
			return all, nil
		}
		after = next
	}
}
