package dynamo

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// groupItem is a group as it is stored. It has no shard, and so no place in the feed: nothing that the feed is for shows
// more of a group than the id that its users have.
type groupItem struct {
	head
	TenantID  int32  `dynamodbav:"tenantId"`
	ID        int64  `dynamodbav:"id"`
	Name      string `dynamodbav:"name"`
	CreatedAt int64  `dynamodbav:"createdAt,omitempty"`
	DeletedAt int64  `dynamodbav:"deletedAt,omitempty"`
}

func toGroupItem(g *roster.Group) *groupItem {
	return &groupItem{
		head:     newHead(groupKey(g.Tenant, g.ID), typeGroup, g.Revision),
		TenantID: int32(g.Tenant), ID: int64(g.ID), Name: g.Name, CreatedAt: millis(g.CreatedAt), DeletedAt: millis(g.DeletedAt),
	}
}

// noun returns the group that the item stores.
func (i *groupItem) noun() (roster.Group, error) {
	if err := i.is(typeGroup); err != nil {
		return roster.Group{}, err
	}
	return roster.Group{
		Tenant: roster.TenantID(i.TenantID), ID: roster.GroupID(i.ID), Name: i.Name,
		CreatedAt: fromMillis(i.CreatedAt), DeletedAt: fromMillis(i.DeletedAt), Revision: i.revision(),
	}, nil
}

// Groups returns all groups of a tenant that stand, in id order. It is strongly consistent and reads all pages.
func (t *Table) Groups(ctx context.Context, tenant roster.TenantID) ([]roster.Group, error) {
	consistent, where := true, "pk = :pk AND begins_with(sk, :prefix)"
	query := &dynamodb.QueryInput{
		ConsistentRead: &consistent, KeyConditionExpression: &where,
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(groupKey(tenant, 0).pk), ":prefix": text(groupPrefix)},
	}
	var groups []roster.Group
	err := t.queryAll(ctx, query, func(attributes map[string]types.AttributeValue) error {
		var item groupItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		group, err := item.noun()
		if err != nil {
			return err
		}
		if group.DeletedAt.IsZero() {
			groups = append(groups, group)
		}
		return nil
	})
	// Sort keys are text, in which 10 is before 4.
	slices.SortFunc(groups, func(a, b roster.Group) int { return cmp.Compare(a.ID, b.ID) })
	return groups, err
}

// CreateGroup writes a new group and returns it as stored. A zero ID is assigned. A tenant that does not stand is a
// KindNotFound error, an id that is taken is KindConflict. A zero CreatedAt becomes now. It costs 1 WRU of the table.
func (t *Table) CreateGroup(ctx context.Context, group roster.Group, stamp roster.Stamp) (roster.Group, error) {
	if err := t.mustStand(ctx, group.Tenant, roster.OrgPath{group.Tenant.Root()}); err != nil {
		return roster.Group{}, err
	}
	assigned := group.ID == 0
	group.Revision = t.firstRevision(stamp)
	if group.CreatedAt.IsZero() {
		group.CreatedAt = group.Revision.ChangedAt
	}
	err := untilFree(func() error {
		if assigned {
			group.ID = t.ids.NewGroupID()
		}
		return t.putAlone(ctx, toGroupItem(&group), ifAbsent(), refusal(idTaken("group", group.ID, assigned)))
	})
	if err != nil {
		return roster.Group{}, err
	}
	return toGroupItem(&group).noun()
}
