package replica

import "github.com/rosterhq/roster/internal/roster"

// warehouse returns the warehouse with that id, active or not, if it has not been deleted.
func (n *names) warehouse(id roster.WarehouseID) (roster.Warehouse, bool) {
	w, ok := n.warehouses[id]
	return w, ok && w.DeletedAt.IsZero()
}
