package dynamo

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// roleItem is a custom role as it is stored: with its permissions by name, since their numbers differ between releases.
type roleItem struct {
	head
	TenantID    int32    `dynamodbav:"tenantId"`
	Shard       int      `dynamodbav:"shard"`
	ID          int32    `dynamodbav:"id"`
	Name        string   `dynamodbav:"name"`
	Permissions []string `dynamodbav:"permissions,omitempty"`
	CreatedAt   int64    `dynamodbav:"createdAt,omitempty"`
	DeletedAt   int64    `dynamodbav:"deletedAt,omitempty"`
}

func toRoleItem(r *roster.Role) *roleItem {
	return &roleItem{
		head:     newHead(roleKey(r.Tenant, r.ID), typeRole, r.Revision),
		TenantID: int32(r.Tenant), Shard: roster.Shard(r.ID), ID: int32(r.ID), Name: r.Name, Permissions: orNil(r.Permissions.Names()),
		CreatedAt: millis(r.CreatedAt), DeletedAt: millis(r.DeletedAt),
	}
}

// noun returns the role that the item stores. A permission that this release does not know is left out: nobody can be
// asked for it.
func (i *roleItem) noun() (roster.Role, error) {
	if err := i.is(typeRole); err != nil {
		return roster.Role{}, err
	}
	permissions, _ := roster.ParsePermissions(i.Permissions)
	return roster.Role{
		Tenant: roster.TenantID(i.TenantID), ID: roster.RoleID(i.ID), Name: i.Name, Permissions: permissions,
		CreatedAt: fromMillis(i.CreatedAt), DeletedAt: fromMillis(i.DeletedAt), Revision: i.revision(),
	}, nil
}

// Role returns a role that stands: a built-in one without a read, a custom one by a strongly consistent read of 1 RRU.
// One that is not there is a KindNotFound error.
func (t *Table) Role(ctx context.Context, tenant roster.TenantID, id roster.RoleID) (roster.Role, error) {
	if role, ok := roster.BuiltinRole(id); ok {
		return role, nil
	}
	var item roleItem
	found, err := t.get(ctx, roleKey(tenant, id), true, &item)
	if err != nil {
		return roster.Role{}, err
	}
	if !found || item.DeletedAt != 0 {
		return roster.Role{}, roster.NotFound("role")
	}
	return nounOf(&item)
}

// Roles returns all custom roles of a tenant that stand, in no particular order. The built-in ones are
// roster.BuiltinRoles. It is strongly consistent and reads all pages.
func (t *Table) Roles(ctx context.Context, tenant roster.TenantID) ([]roster.Role, error) {
	all, err := t.rolesEvenDeleted(ctx, tenant)
	if err != nil {
		return nil, err
	}
	var roles []roster.Role
	for _, r := range all {
		if r.DeletedAt.IsZero() {
			roles = append(roles, r)
		}
	}
	return roles, nil
}

func (t *Table) rolesEvenDeleted(ctx context.Context, tenant roster.TenantID) ([]roster.Role, error) {
	consistent, where := true, "pk = :pk AND begins_with(sk, :prefix)"
	query := &dynamodb.QueryInput{
		ConsistentRead: &consistent, KeyConditionExpression: &where,
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(roleKey(tenant, 0).pk), ":prefix": text(rolePrefix)},
	}
	var roles []roster.Role
	err := t.queryAll(ctx, query, func(attributes map[string]types.AttributeValue) error {
		var item roleItem
		if err := decode(attributes, &item); err != nil {
			return err
		}
		role, err := nounOf(&item)
		if err != nil {
			return err
		}
		roles = append(roles, role)
		return nil
	})
	// Sort keys are text, in which 10 is before 4.
	slices.SortFunc(roles, func(a, b roster.Role) int { return cmp.Compare(a.ID, b.ID) })
	return roles, err
}

// CreateRole writes a new custom role and returns it as stored. A zero ID becomes the lowest above all that the tenant
// ever used. A tenant that does not stand is a KindNotFound error, an id that is taken or built in is KindConflict. A zero
// CreatedAt becomes now. It costs 1 WRU of the table.
func (t *Table) CreateRole(ctx context.Context, role roster.Role, stamp roster.Stamp) (roster.Role, error) {
	if _, builtin := roster.BuiltinRole(role.ID); builtin {
		return roster.Role{}, idTaken("role", role.ID, false)
	}
	if err := t.mustStand(ctx, role.Tenant, roster.OrgPath{role.Tenant.Root()}); err != nil {
		return roster.Role{}, err
	}
	assigned := role.ID == 0
	role.Revision = t.firstRevision(stamp)
	if role.CreatedAt.IsZero() {
		role.CreatedAt = role.Revision.ChangedAt
	}
	err := untilFree(func() error {
		if assigned {
			id, err := t.nextRoleID(ctx, role.Tenant)
			if err != nil {
				return err
			}
			role.ID = id
		}
		return t.putAlone(ctx, toRoleItem(&role), ifAbsent(), refusal(idTaken("role", role.ID, assigned)))
	})
	if err != nil {
		return roster.Role{}, err
	}
	return toRoleItem(&role).noun()
}

func (t *Table) nextRoleID(ctx context.Context, tenant roster.TenantID) (roster.RoleID, error) {
	roles, err := t.rolesEvenDeleted(ctx, tenant)
	if err != nil {
		return 0, err
	}
	highest := roster.RoleUser
	for _, r := range roles {
		highest = max(highest, r.ID)
	}
	return highest + 1, nil
}
