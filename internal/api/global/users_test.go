package global_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// The warehouses of the tests. The second is closed, and the third was deleted.
const (
	eastCoast, westCoast, goneCoast roster.WarehouseID = 71, 72, 73
)

// staffed is a stand with warehouses and a user of each sort.
func staffed(t testing.TB) *stand {
	t.Helper()
	s := newStand(
		person(11, world.Acme, func(u *roster.User) {
			u.Name, u.Username, u.Roles, u.LoginViaBadge, u.DefaultWarehouse = "Ann", "ann", []roster.RoleID{world.Auditor, 3, 99}, true, eastCoast
			u.LastLoginAt = world.Now.Add(-time.Minute + 999*time.Millisecond)
		}),
		person(12, world.Acme, func(u *roster.User) { u.Status, u.DefaultWarehouse = roster.StatusPending, westCoast }),
		person(13, world.Acme, func(u *roster.User) { u.Status, u.DefaultWarehouse = roster.StatusSuspended, goneCoast }),
		person(14, world.Birch, func(u *roster.User) {
			u.Roles, u.LoginViaBadge, u.DefaultWarehouse = []roster.RoleID{3}, true, eastCoast
		}),
		person(15, world.Fir, func(u *roster.User) { u.RegisteredAt = world.Now.Add(-400 * 24 * time.Hour) }),
		person(16, world.Dogwood, deleted),
		person(17, world.Acme, deleted),
	)
	for id, w := range map[roster.WarehouseID]roster.Warehouse{
		eastCoast: {Name: "East Coast", Active: true}, westCoast: {Name: "West Coast"}, goneCoast: {Name: "Gone", DeletedAt: world.Now},
	} {
		w.Tenant, w.ID, w.CreatedAt, w.Revision = roster.TenantID(world.Acme), id, world.Now, s.revision(id)
		s.changes = append(s.changes, roster.Change{Warehouse: &w})
	}
	return s
}

// body returns the body of a 200 without what it says of the time it took.
func body(t testing.TB, s *stand, target string) string {
	t.Helper()
	h := serve(t, s.directory())
	answer := get(h, world.Client(world.Acme), target)
	if answer.Code != 200 {
		t.Fatalf("GET %s is answered %d %s", target, answer.Code, answer.Body)
	}
	return strings.TrimSpace(strings.Replace(answer.Body.String(), `"processing_time":0.25,`, "", 1))
}

func TestAPageOnTheWire(t *testing.T) {
	s := staffed(t)
	for _, test := range []struct{ name, target, want string }{
		{"basic fields", ours + "?filter=id:11", `{"collection":[{"type":"OrganizationUser","id":11,"name":"Ann","email":"p11@example.com","username":"ann","is_active":true}],` +
			`"has_more":false,"next":null,"previous":null,"meta":{"cursor_start":11,"cursor_end":11}}`},
		{"all fields of a user of the organization", ours + "?filter=id:11&fields=all&count=1", `{"collection":[{"type":"OrganizationUser","id":11,"name":"Ann","email":"p11@example.com","username":"ann","is_active":true,` +
			`"roles":[{"type":"OrganizationRole","id":50},{"type":"OrganizationRole","id":3}],"login_via_badge":true,"default_warehouse":{"type":"Warehouse","id":71},` +
			`"created_at":"2069-11-21T12:00:11Z","last_login_at":"2070-03-01T11:59:00Z"}],"has_more":false,"next":null,"previous":null,"meta":{"cursor_start":11,"cursor_end":11,"count":1}}`},
		{"all fields of a user of a client", clients + "?filter=id:15&fields=all", `{"collection":[{"type":"ClientUser","id":15,"name":"Person 15","email":"p15@example.com","username":null,"is_active":true,` +
			`"roles":[{"type":"ClientRole","id":3}],"merchant":{"type":"Merchant","id":110},"created_at":"2069-11-21T12:00:15Z","last_login_at":null}],` +
			`"has_more":false,"next":null,"previous":null,"meta":{"cursor_start":15,"cursor_end":15}}`},
		{"everything included", anyone + "?filter=id[{in:[11,14]}]&fields:roles=all&fields:default_warehouse=basic&fields:merchant=all&fields=id", `{"collection":[` +
			`{"type":"ClientUser","id":14,"name":"Person 14","email":"p14@example.com","username":null,"is_active":true,"roles":[{"type":"ClientRole","id":3}],"merchant":{"type":"Merchant","id":110}},` +
			`{"type":"OrganizationUser","id":11,"name":"Ann","email":"p11@example.com","username":"ann","is_active":true,"roles":[{"type":"OrganizationRole","id":50},{"type":"OrganizationRole","id":3}],"default_warehouse":{"type":"Warehouse","id":71}}],` +
			`"included":{"OrganizationRole":[{"type":"OrganizationRole","id":50,"name":"Auditor","permissions":["system/users"]},` +
			`{"type":"OrganizationRole","id":3,"name":"User","permissions":["devices/own/create","devices/own","devices/own/edit","devices/own/delete","devices/own/share"]}],` +
			`"ClientRole":[{"type":"ClientRole","id":3,"name":"User","permissions":["devices/own/create","devices/own","devices/own/edit","devices/own/delete","devices/own/share"]}],` +
			`"Warehouse":[{"type":"Warehouse","id":71,"name":"East Coast","is_active":true}],` +
			`"Merchant":[{"type":"Merchant","id":110,"name":"Birch","is_active":true,"is_deleted":false,"created_at":"2069-01-25T12:00:00Z"}]},` +
			`"has_more":false,"next":null,"previous":null,"meta":{"cursor_start":14,"cursor_end":11}}`},
		{"basic fields included", anyone + "?filter=id:14&fields:roles=basic&fields:merchant=name", `{"collection":[` +
			`{"type":"ClientUser","id":14,"name":"Person 14","email":"p14@example.com","username":null,"is_active":true,"roles":[{"type":"ClientRole","id":3}],"merchant":{"type":"Merchant","id":110}}],` +
			`"included":{"ClientRole":[{"type":"ClientRole","id":3,"name":"User"}],"Merchant":[{"type":"Merchant","id":110,"name":"Birch","is_active":true,"is_deleted":false}]},` +
			`"has_more":false,"next":null,"previous":null,"meta":{"cursor_start":14,"cursor_end":14}}`},
		{"a warehouse that is closed, and one that is gone", ours + "?filter=id{in:[12,13]}&fields:default_warehouse=is_active", `{"collection":[` +
			`{"type":"OrganizationUser","id":13,"name":"Person 13","email":"p13@example.com","username":null,"is_active":false,"default_warehouse":null},` +
			`{"type":"OrganizationUser","id":12,"name":"Person 12","email":"p12@example.com","username":null,"is_active":false,"default_warehouse":{"type":"Warehouse","id":72}}],` +
			`"included":{"Warehouse":[{"type":"Warehouse","id":72,"name":"West Coast","is_active":false}]},"has_more":false,"next":null,"previous":null,"meta":{"cursor_start":13,"cursor_end":12}}`},
		{"nobody", ours + "?filter=id:404&fields:roles=all&count=1", `{"collection":[],"included":{},"has_more":false,"next":null,"previous":null,"meta":{"cursor_start":null,"cursor_end":null,"count":0}}`},
		{"nothing asked for of what is not there", clients + "?filter=id:14&fields=default_warehouse,login_via_badge&fields:default_warehouse=all", `{"collection":[` +
			`{"type":"ClientUser","id":14,"name":"Person 14","email":"p14@example.com","username":null,"is_active":true}],"included":{},"has_more":false,"next":null,"previous":null,"meta":{"cursor_start":14,"cursor_end":14}}`},
		{"the link says it all again", anyone + "?sort=-id&filter=id{gt:11}&filter=name:Person%2012%2B%26%3D&filter=name{starts:'é'}&limit=1&fields%3Aroles=all,id&deleted=true&count=1&cursor_start=3&x=y", `{"collection":[],"included":{},` +
			`"has_more":false,"next":null,"previous":null,"meta":{"cursor_start":null,"cursor_end":null,"count":0}}`},
		{"the link of deleted users", anyone + "?filter=id{gt:11}&filter=name{starts:'Person'}&limit=1&fields%3Aroles=name,id&deleted=true&count=1&x=y&sort=-id", `{"collection":[` +
			`{"type":"OrganizationUser","id":17,"name":"Person 17","email":"p17@example.com","username":null,"is_active":false,"roles":[{"type":"OrganizationRole","id":3}]}],` +
			`"included":{"OrganizationRole":[{"type":"OrganizationRole","id":3,"name":"User"}]},"has_more":true,` +
			`"next":"/api/global/v1/system/users/any?fields%3Aroles=name%2Cid&is_deleted=true&filter=id%7Bgt%3A11%7D&filter=name%7Bstarts%3A%27Person%27%7D&sort=-id&count=1&limit=1&cursor_start=16","previous":null,` +
			`"meta":{"cursor_start":17,"cursor_end":17,"count":2}}`},
	} {
		if diff := cmp.Diff(test.want, body(t, s, test.target)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
	}
}

func TestWhoIsThere(t *testing.T) {
	s := staffed(t)
	for query, want := range map[string][]int64{
		anyone: {15, 14, 13, 12, 11}, ours: {13, 12, 11}, clients: {15, 14},
		anyone + "?is_deleted=true": {17, 16}, anyone + "?deleted=true": {17, 16}, anyone + "?is_deleted=true&deleted=false": {17, 16}, anyone + "?is_deleted=false": {15, 14, 13, 12, 11},
		ours + "?is_deleted=true": {17}, clients + "?deleted=true": {16},
		anyone + "?filter=is_active:true": {15, 14, 11}, anyone + "?filter=is_active:false": {13, 12},
		anyone + "?deleted=true&filter=is_active:true": {}, anyone + "?deleted=true&filter=is_active:false": {17, 16}, anyone + "?deleted=true&filter=is_active{in:[true,false]}": {17, 16},
		anyone + "?sort=id": {11, 12, 13, 14, 15}, anyone + "?sort=-email": {15, 14, 13, 12, 11}, anyone + "?sort=-username,-id": {11, 15, 14, 13, 12}, anyone + "?sort=last_login_at,created_at": {12, 13, 14, 15, 11},
		anyone + "?filter=username:": {}, anyone + "?filter=username{neq:''}": {15, 14, 13, 12, 11}, anyone + "?filter=username{null:true}": {15, 14, 13, 12}, anyone + "?filter=email:P14@EXAMPLE.com": {14},
		anyone + "?filter=email{regex:'^P1[45]@'}": {15, 14}, anyone + "?filter=name{regex:'^person'}": {}, anyone + "?filter=name:Ann&filter=id{gt:11}": {}, anyone + "?filter=created_at{from:'2069-11-21',to:'2069-11-21'}": {15, 14, 13, 12, 11},
		anyone + "?filter=created_at{gt:'2069-11-21'}": {}, anyone + "?filter=created_at:2069-11-21T12:00:13Z": {13}, anyone + "?filter=created_at{lt:'2069-11-21T13:00:13%2B01:00'}": {12, 11}, anyone + "?filter=last_login_at{lt:'2071-01-01'}": {11},
		anyone + "?filter=last_login_at{neq:'2070-03-01'}": {15, 14, 13, 12}, anyone + "?filter=last_login_at:2070-03-01T11:59:00Z": {11}, anyone + "?filter=name:a:b": {},
	} {
		if diff := cmp.Diff(want, ids(s.list(t, query))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", query, diff)
		}
	}
}

// TestWithoutCursorsThereAreNoLinks holds that an order other than that of the ids tells whether there is more, and no more.
func TestWithoutCursorsThereAreNoLinks(t *testing.T) {
	s := staffed(t)
	for query, want := range map[string]bool{"?sort=email&limit=4": true, "?sort=email&limit=5": false, "?sort=-username,id&limit=1": true} {
		if list := s.list(t, anyone+query); list.HasMore != want || list.Next != nil || list.Previous != nil {
			t.Errorf("%s has more: %t, next %v, previous %v; want %t and no links", query, list.HasMore, list.Next, list.Previous, want)
		}
	}
	// What comes behind the id changes nothing.
	if list := s.list(t, anyone+"?sort=id,-email&limit=2&cursor_start=12"); !list.HasMore || list.Next == nil || list.Previous == nil || !cmp.Equal(ids(list), []int64{12, 13}) {
		t.Errorf("sorted by id and more the page is %+v", list)
	}
}
