package replica

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// The text of the chunks of names: the values of the dictionary by their numbers, without the empty first ones, and the nouns by
// their ids.
//
//	paths, lists of roles, countries, words, organizations, roles, warehouses: each a uvarint count and as many entries

// appendNames appends that text of a dictionary's values and a tenant's nouns.
func appendNames(dst []byte, v *values, n *names) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(v.places)-1))
	for _, path := range v.places[1:] {
		dst = appendIDs(dst, path)
	}
	dst = binary.AppendUvarint(dst, uint64(len(v.roleSets)-1))
	for _, roles := range v.roleSets[1:] {
		dst = appendIDs(dst, roles)
	}
	for _, texts := range [][]string{v.countries, v.words} {
		dst = binary.AppendUvarint(dst, uint64(len(texts)-1))
		for _, text := range texts[1:] {
			dst = appendString(dst, text)
		}
	}
	organizations := slices.SortedFunc(maps.Values(n.organizations), func(a, b roster.Organization) int { return cmp.Compare(a.ID, b.ID) })
	dst = binary.AppendUvarint(dst, uint64(len(organizations)))
	for i := range organizations {
		dst = appendOrganization(dst, &organizations[i])
	}
	roles := slices.SortedFunc(maps.Values(n.roles), func(a, b roster.Role) int { return cmp.Compare(a.ID, b.ID) })
	dst = binary.AppendUvarint(dst, uint64(len(roles)))
	for i := range roles {
		dst = appendRole(dst, &roles[i])
	}
	warehouses := slices.SortedFunc(maps.Values(n.warehouses), func(a, b roster.Warehouse) int { return cmp.Compare(a.ID, b.ID) })
	dst = binary.AppendUvarint(dst, uint64(len(warehouses)))
	for i := range warehouses {
		dst = appendWarehouse(dst, &warehouses[i])
	}
	return dst
}

func appendIDs[ID ~int32](dst []byte, ids []ID) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ids)))
	for _, id := range ids {
		dst = binary.AppendVarint(dst, int64(id))
	}
	return dst
}

// appendNoun appends what all nouns have.
func appendNoun(dst []byte, name string, created, deleted millis, r roster.Revision) []byte {
	dst = appendString(dst, name)
	dst = binary.AppendUvarint(dst, uint64(created))
	dst = binary.AppendUvarint(dst, uint64(deleted))
	dst = binary.AppendUvarint(dst, uint64(r.Version))
	return binary.AppendUvarint(dst, uint64(millisOf(r.ChangedAt)))
}

func appendOrganization(dst []byte, o *roster.Organization) []byte {
	dst = binary.AppendVarint(dst, int64(o.ID))
	dst = appendIDs(dst, o.Path)
	return appendNoun(dst, o.Name, millisOf(o.CreatedAt), millisOf(o.DeletedAt), o.Revision)
}

// appendRole appends a role. Permissions are stored by their names, which other releases number differently.
func appendRole(dst []byte, r *roster.Role) []byte {
	dst = binary.AppendVarint(dst, int64(r.ID))
	permissions := r.Permissions.Names()
	dst = binary.AppendUvarint(dst, uint64(len(permissions)))
	for _, p := range permissions {
		dst = appendString(dst, p)
	}
	return appendNoun(dst, r.Name, millisOf(r.CreatedAt), millisOf(r.DeletedAt), r.Revision)
}

func appendWarehouse(dst []byte, w *roster.Warehouse) []byte {
	dst = binary.AppendVarint(dst, int64(w.ID))
	var active uint64
	if w.Active {
		active = 1
	}
	dst = binary.AppendUvarint(dst, active)
	return appendNoun(dst, w.Name, millisOf(w.CreatedAt), millisOf(w.DeletedAt), w.Revision)
}

// readNames makes the dictionary and the names of a tenant from the text that appendNames made.
func readNames(tenant roster.TenantID, text []byte) (*dictionary, *names, error) {
	r := &reader{rest: text}
	d := newDictionary()
	for range r.count() {
		d.place(readIDs[roster.OrgID](r))
	}
	for range r.count() {
		d.roleSet(readIDs[roster.RoleID](r))
	}
	for range r.count() {
		d.country(r.text())
	}
	for range r.count() {
		if _, ok := d.word(r.text()); !ok {
			return nil, nil, torn("it has more words than there may be")
		}
	}
	n := &names{
		organizations: map[roster.OrgID]roster.Organization{}, roles: map[roster.RoleID]roster.Role{},
		warehouses: map[roster.WarehouseID]roster.Warehouse{},
	}
	for range r.count() {
		o := roster.Organization{Tenant: tenant, ID: roster.OrgID(r.varint()), Path: roster.OrgPath(readIDs[roster.OrgID](r))}
		readNoun(r, &o.Name, &o.CreatedAt, &o.DeletedAt, &o.Revision)
		n.organizations[o.ID] = o
	}
	for range r.count() {
		role := roster.Role{Tenant: tenant, ID: roster.RoleID(r.varint())}
		permissions := make([]string, r.count())
		for i := range permissions {
			permissions[i] = r.text()
		}
		role.Permissions, _ = roster.ParsePermissions(permissions)
		readNoun(r, &role.Name, &role.CreatedAt, &role.DeletedAt, &role.Revision)
		n.roles[role.ID] = role
	}
	for range r.count() {
		w := roster.Warehouse{Tenant: tenant, ID: roster.WarehouseID(r.varint()), Active: r.uvarint() != 0}
		readNoun(r, &w.Name, &w.CreatedAt, &w.DeletedAt, &w.Revision)
		n.warehouses[w.ID] = w
	}
	if r.short || len(r.rest) > 0 {
		return nil, nil, torn("its names do not add up")
	}
	n.values = d.values
	return d, n, nil
}

func readIDs[ID ~int32](r *reader) []ID {
	ids := make([]ID, r.count())
	for i := range ids {
		ids[i] = ID(r.varint())
	}
	return ids
}

func readNoun(r *reader, name *string, created, deleted *time.Time, revision *roster.Revision) {
	*name = r.text()
	*created, *deleted = millis(r.uvarint()).time(), millis(r.uvarint()).time()
	revision.Version = int64(r.uvarint())
	revision.ChangedAt = millis(r.uvarint()).time()
}
