package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

func drawText(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.Just(""), rapid.String(), rapid.StringMatching(`[a-zé日"\\/<>&\x00-\x1f\x{2028}\x{1F600}]{0,12}`),
	).Filter(utf8.ValidString).Draw(t, label)
}

func drawTexts(t *rapid.T, label string) []string {
	n := rapid.IntRange(0, 3).Draw(t, label)
	var texts []string
	for range n {
		texts = append(texts, drawText(t, label))
	}
	return texts
}

func drawTime(t *rapid.T, label string) time.Time {
	if rapid.Bool().Draw(t, label+" never") {
		return time.Time{}
	}
	return time.UnixMilli(rapid.Int64Range(1, 253402300799999).Draw(t, label)).UTC()
}

func drawIDs[N ~int32 | ~int64](t *rapid.T, label string) []N {
	n := rapid.IntRange(0, 3).Draw(t, label)
	var ids []N
	for range n {
		ids = append(ids, N(rapid.Int32().Draw(t, label)))
	}
	return ids
}

func drawUser(t *rapid.T) *roster.NewUser {
	text := func(label string) string { return drawText(t, label) }
	at := func(label string) time.Time { return drawTime(t, label) }
	yes := func(label string) bool { return rapid.Bool().Draw(t, label) }
	n := &roster.NewUser{User: roster.User{
		ID: roster.UserID(rapid.Int64().Draw(t, "id")), Path: roster.OrgPath{roster.OrgID(rapid.Int32Range(1, 1<<31-1).Draw(t, "org"))},
		Email: roster.Email(text("email")), Name: text("name"), GivenName: text("given"), FamilyName: text("family"),
		Nickname: text("nickname"), Username: text("username"), Title: text("title"), PhoneNumber: text("phone"),
		Address:  roster.Address{Full: text("full"), Country: text("country"), City: text("city"), State: text("state"), Zip: text("zip")},
		TimeZone: text("zone"), Locale: text("locale"), Roles: drawIDs[roster.RoleID](t, "roles"),
		Status:    rapid.SampledFrom([]roster.Status{0, roster.StatusActive, roster.StatusPending, roster.StatusSuspended}).Draw(t, "status"),
		Developer: yes("developer"), DarkMode: yes("dark"), DeviceCount: rapid.Int().Draw(t, "devices"),
		Seniority: text("seniority"), Department: text("department"), Office: text("office"), Subdepartment: text("sub"), Pod: text("pod"),
		Groups: drawIDs[roster.GroupID](t, "groups"), SuperDelegate: yes("super"), SuperDelegatePermissions: drawTexts(t, "claims"),
		DeviceType:   rapid.SampledFrom([]roster.DeviceType{roster.DeviceTypeNone, roster.DeviceTypeAPI, roster.DeviceTypePSD, roster.DeviceTypeSoftPSD}).Draw(t, "type"),
		DeviceUserID: text("deviceUser"), PublicKey: text("key"), ViewAll: yes("all"), EmailBounced: yes("bounced"), EmailComplained: yes("complained"), LoginViaBadge: yes("badge"),
		DefaultWarehouse: roster.WarehouseID(rapid.Int64().Draw(t, "warehouse")),
		CreatedAt:        at("created"), UpdatedAt: at("updated"), RegisteredAt: at("registered"), LastLoginAt: at("login"),
		DeletedAt: at("deleted"), ExpiresAt: at("expires"),
	}}
	for range rapid.IntRange(0, 2).Draw(t, "delegates") {
		n.User.Delegates = append(n.User.Delegates, roster.Delegate{User: roster.UserID(rapid.Int64().Draw(t, "delegate")), Permissions: drawTexts(t, "permissions")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "identities") {
		n.User.Identities = append(n.User.Identities, roster.Identity{Type: text("type"), Value: text("value")})
	}
	if hash := text("hash"); hash != "" {
		n.Credential = &roster.Credential{PasswordHash: hash, ChangedAt: at("set")}
	}
	return n
}

func drawRecord(t *rapid.T) line {
	id := func(label string) roster.OrgID { return roster.OrgID(rapid.Int32Range(1, 1<<31-1).Draw(t, label)) }
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		root := id("tenant")
		return line{Organization: &roster.Organization{Tenant: roster.TenantID(root), ID: root, Path: roster.OrgPath{root}, Name: drawText(t, "name"), CreatedAt: drawTime(t, "created")}}
	case 1:
		self := id("id")
		return line{Organization: &roster.Organization{ID: self, Path: roster.OrgPath{id("parent"), self}, Name: drawText(t, "name"), CreatedAt: drawTime(t, "created")}}
	case 2:
		return line{Role: &roster.Role{
			ID: roster.RoleID(rapid.Int32().Draw(t, "id")), Name: drawText(t, "name"), CreatedAt: drawTime(t, "created"),
			Permissions: roster.PermissionSet(rapid.Uint64().Draw(t, "permissions")) & roster.AllPermissions,
		}}
	case 3:
		c := &roster.Client{
			ID: roster.ClientID(drawText(t, "id")), Path: roster.OrgPath{id("organization")}, Name: drawText(t, "name"),
			ServiceUser: roster.UserID(rapid.Int64().Draw(t, "user")), CreatedAt: drawTime(t, "created"), RevokedAt: drawTime(t, "revoked"),
		}
		if c.Integration = rapid.Bool().Draw(t, "integration"); c.Integration {
			return line{Client: c}
		}
		copy(c.SecretHash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		return line{Client: c}
	case 4:
		return line{Group: &roster.Group{
			ID: roster.GroupID(rapid.Int64().Draw(t, "id")), Name: drawText(t, "name"), CreatedAt: drawTime(t, "created"),
		}}
	case 5:
		return line{Warehouse: &roster.Warehouse{
			ID: roster.WarehouseID(rapid.Int64().Draw(t, "id")), Name: drawText(t, "name"), Active: rapid.Bool().Draw(t, "active"), CreatedAt: drawTime(t, "created"),
		}}
	default:
		return line{User: drawUser(t)}
	}
}

func TestWhatIsWrittenIsReadAsItWas(t *testing.T) {
	f := newForm()
	rapid.Check(t, func(t *rapid.T) {
		want := drawRecord(t)
		text := f.write(nil, &want)
		if !json.Valid(text) || bytes.Count(text, []byte("\n")) != 1 {
			t.Fatalf("%q is not one line of JSON", text)
		}
		got, err := f.read(bytes.TrimSuffix(text, []byte("\n")))
		if err != nil {
			t.Fatalf("reading %s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-written +read):\n%s", text, diff)
		}
		if again := f.write(nil, &got); !bytes.Equal(again, text) {
			t.Fatalf("written again: %s, want %s", again, text)
		}
	})
}

// fullUser returns a user in which nothing is zero, neither in it nor in what it holds.
func fullUser() *roster.NewUser {
	n := &roster.NewUser{Credential: &roster.Credential{}}
	fill(reflect.ValueOf(&n.User).Elem())
	n.Credential.PasswordHash, n.Credential.ChangedAt = "$hash", now
	n.User.Status = roster.StatusPending
	n.User.Path = roster.OrgPath{7}
	return n
}

// fill makes everything in v something else than zero.
func fill(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(now))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case v.Kind() == reflect.String:
		v.SetString("x")
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(1)
	case v.CanUint():
		v.SetUint(1)
	default:
		panic("a field of a new kind: " + v.Type().String())
	}
}

func TestEveryFieldOfAUserIsInItsLine(t *testing.T) {
	f := newForm()
	want := string(f.write(nil, &line{User: fullUser()}))
	fields := reflect.TypeFor[roster.User]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		n := fullUser()
		reflect.ValueOf(&n.User).Elem().Field(i).SetZero()
		got := string(f.write(nil, &line{User: n}))
		internal := name == "Tenant" || name == "Revision"
		if changes := got != want; changes == internal {
			t.Errorf("without %s the line changes: %v, want %v", name, changes, !internal)
		}
	}
}

func TestFieldsAreReadWhateverTheirOrder(t *testing.T) {
	r, err := newForm().read([]byte(`{"email":"a@b.example","roles":[1,2],"id":5,"organization":7,"address":{"zip":"1","city":"X"},"type":"user"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := roster.User{
		ID: 5, Path: roster.OrgPath{7}, Email: "a@b.example", Roles: []roster.RoleID{1, 2}, Address: roster.Address{City: "X", Zip: "1"},
	}
	if diff := cmp.Diff(want, r.User.User); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTimesAreReadInAnyZoneToTheMillisecond(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-31T08:30:00Z":           "2026-01-31T08:30:00.000Z",
		"2026-01-31T10:30:00.5+02:00":    "2026-01-31T08:30:00.500Z",
		"2026-01-31T08:30:00.123999999Z": "2026-01-31T08:30:00.123Z",
	} {
		r, err := newForm().read([]byte(`{"type":"role","id":9,"name":"X","createdAt":"` + text + `"}`))
		if err != nil || r.Role.CreatedAt.Format(timeLayout) != want {
			t.Errorf("%s is read as %v, %v, want %s", text, r.Role, err, want)
		}
	}
	for _, text := range []string{"", "2026-01-31", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00.0001Z", "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z"} {
		if r, err := newForm().read([]byte(`{"type":"role","id":9,"name":"X","createdAt":"` + text + `"}`)); err == nil {
			t.Errorf("%q is read as %v, want an error", text, r.Role.CreatedAt)
		}
	}
}

func FuzzReadLine(f *testing.F) {
	lines := newForm()
	f.Add([]byte(`{"type":"tenant","id":77,"name":"N\u00e9","createdAt":"2025-01-01T00:00:00.000Z"}`))
	f.Add([]byte(`{"type":"organization","id":80,"parent":77,"name":"X"}`))
	f.Add([]byte(`{"type":"role","id":9,"name":"X","permissions":["ORG_VIEW","ORG_EDIT"]}`))
	f.Add([]byte(`{"type":"warehouse","id":9,"name":"X","inactive":true}`))
	f.Add([]byte(`{"type":"client","id":"c","organization":77,"secretHash":"` + strings.Repeat("0a", 32) + `"}`))
	f.Add(lines.write(nil, &line{User: fullUser()}))
	f.Add([]byte(`{"type":"user","x":[[[[1e5,-0.1,"\ud83d\ude00",null,true,{"a":{}}]]]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := lines.read(data)
		if err != nil {
			if text := err.Error(); text == "" || strings.Contains(text, "\n") || !utf8.ValidString(text) {
				t.Fatalf("the reason %q is not one line of text", text)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q was read, and is not JSON", data)
		}
		text := lines.write(nil, &r)
		again, err := lines.read(bytes.TrimSuffix(text, []byte("\n")))
		if err != nil {
			t.Fatalf("%q was read and written as %q, which is not read: %v", data, text, err)
		}
		if diff := cmp.Diff(lines.write(nil, &again), text); diff != "" {
			t.Fatalf("%q does not settle: %s", data, diff)
		}
	})
}

func BenchmarkReadLine(b *testing.B) {
	lines := newForm()
	text := bytes.TrimSuffix(lines.write(nil, &line{User: fullUser()}), []byte("\n"))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := lines.read(text); err != nil {
			b.Fatal(err)
		}
	}
}
