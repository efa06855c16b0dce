package organization

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// Role is a role with what it permits.
type Role struct {
	ID          int32    `json:"id" minimum:"1" doc:"Role id: 1 Admin, 2 Staff, 3 User, or a custom one"`
	Name        string   `json:"name" doc:"Role name"`
	Permissions []string `json:"permissions" nullable:"false" doc:"What the role permits: upper-snake-case names, of which there may be new ones"`
}

func wireRole(r *roster.Role) Role {
	return Role{ID: int32(r.ID), Name: r.Name, Permissions: r.Permissions.Names()}
}

// RoleList is every role there is.
type RoleList struct {
	Content       []Role `json:"content" nullable:"false" doc:"The roles, by role id"`
	TotalElements int64  `json:"totalElements" minimum:"0" doc:"How many roles there are"`
}

type rolesOutput struct{ Body RoleList }

func rolesOperation() api.Operation {
	return api.Operation{
		ID: "listRoles", Method: http.MethodGet, Path: BasePath + "/roles", Tag: tagOrganizations,
		Summary: "List roles",
		Description: "The roles that users can have: those that every organization has, and custom ones. " +
			"A user-scoped caller needs the permission ROLE_VIEW.",
		Success: "List of roles",
		Example: exampleRoles(),
		Errors:  map[int]string{http.StatusForbidden: errForbidden},
	}
}

func (d *dialect) roles(ctx context.Context, p *roster.Principal, _ *struct{}) (*rolesOutput, error) {
	roles, err := d.directory.Roles(ctx, p)
	if err != nil {
		return nil, err
	}
	list := RoleList{Content: make([]Role, len(roles)), TotalElements: int64(len(roles))}
	for i := range roles {
		list.Content[i] = wireRole(&roles[i])
	}
	return &rolesOutput{Body: list}, nil
}
