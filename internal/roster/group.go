package roster

import "time"

// Group is a group of users within a tenant, across its organizations. It is a name: who is in it stands on the users.
// Names need not be unique.
type Group struct {
	Tenant    TenantID
	ID        GroupID
	Name      string
	CreatedAt time.Time
	DeletedAt time.Time
	Revision  Revision
}

// Validate reports every field rule that the group breaks, as one KindInvalid error.
func (g *Group) Validate() error {
	var errs FieldErrors
	if g.ID < 1 || g.ID > MaxGroupID {
		errs.Add("id", "must be between 1 and "+MaxGroupID.String())
	}
	CheckText(&errs, "name", g.Name, 1, MaxName)
	return errs.Err()
}
