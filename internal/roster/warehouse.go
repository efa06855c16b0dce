package roster

import "time"

// Warehouse is a place of a tenant's that users work at, across its organizations. Which one is a user's own stands on the
// user, as DefaultWarehouse. Names need not be unique.
type Warehouse struct {
	Tenant TenantID
	ID     WarehouseID
	Name   string
	// Active says whether the warehouse is in use. One that is not stays, with its users.
	Active    bool
	CreatedAt time.Time
	DeletedAt time.Time
	Revision  Revision
}

// Validate reports every field rule that the warehouse breaks, as one KindInvalid error.
func (w *Warehouse) Validate() error {
	var errs FieldErrors
	if w.ID < 1 || w.ID > MaxWarehouseID {
		errs.Add("id", "must be between 1 and "+MaxWarehouseID.String())
	}
	CheckText(&errs, "name", w.Name, 1, MaxName)
	return errs.Err()
}
