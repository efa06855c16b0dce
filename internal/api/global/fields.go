package global

import "slices"

// allFields stands for every field. Its opposite, basic, asks for nothing that does not come anyway.
const allFields = "all"

// fieldList is what a parameter asks for: names of fields, all or basic. It is nil where the parameter is absent.
type fieldList []string

// has reports whether an optional field is asked for.
func (l fieldList) has(name string) bool {
	return slices.Contains(l, name) || slices.Contains(l, allFields)
}

// selection is which optional fields of users an answer has, and which fields of what they refer to.
type selection struct {
	roles, loginViaBadge, defaultWarehouse, merchant, createdAt, lastLoginAt bool

	// nil where the objects are not included.
	ofRoles, ofDefaultWarehouse, ofMerchant fieldList
}

// selected returns what the parameters ask for. Whoever asks for fields of what a reference leads to gets the reference.
func selected(in *listInput) selection {
	fields := fieldList(in.Fields)
	s := selection{
		loginViaBadge: fields.has("login_via_badge"), createdAt: fields.has("created_at"), lastLoginAt: fields.has("last_login_at"),
		ofRoles: in.FieldsOfRoles, ofDefaultWarehouse: in.FieldsOfDefaultWarehouse, ofMerchant: in.FieldsOfMerchant,
	}
	s.roles = s.ofRoles != nil || fields.has("roles")
	s.defaultWarehouse = s.ofDefaultWarehouse != nil || fields.has("default_warehouse")
	s.merchant = s.ofMerchant != nil || fields.has("merchant")
	return s
}

// includes reports whether any objects that users refer to are included.
func (s *selection) includes() bool {
	return s.ofRoles != nil || s.ofDefaultWarehouse != nil || s.ofMerchant != nil
}
