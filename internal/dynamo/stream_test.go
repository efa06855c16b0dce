package dynamo

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// streamed returns a stream record as Lambda delivers it. An image that is nil is not there.
func streamed(t testing.TB, event string, old, new any) []byte {
	t.Helper()
	change := map[string]any{"ApproximateCreationDateTime": 1767323045, "SequenceNumber": "1", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES"}
	for name, item := range map[string]any{"OldImage": old, "NewImage": new} {
		if item == nil {
			continue
		}
		attributes, err := encode(item)
		if err != nil {
			t.Fatal(err)
		}
		image := wireItem(attributes)
		change[name] = image
		change["Keys"] = map[string]any{"pk": image["pk"], "sk": image["sk"]}
	}
	record := map[string]any{
		"eventID": "1", "eventName": event, "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "eu-central-1",
		"dynamodb": change, "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/roster/stream/x",
	}
	body, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func auditOf(t testing.TB, record []byte) []roster.AuditEntry {
	t.Helper()
	entries, err := AuditOf(record)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// next returns the next writing of a user, changed.
func next(u roster.User, change func(*roster.User)) roster.User {
	n := *u.Clone()
	n.Revision = roster.Revision{
		Version: u.Revision.Version + 1, ChangedAt: u.Revision.ChangedAt.Add(time.Second),
		Stamp: roster.Stamp{By: "user:7", Via: "organization", RequestID: "request-2"},
	}
	n.UpdatedAt = n.Revision.ChangedAt
	change(&n)
	return n
}

// TestAuditOfUsers pins what a change of a user leaves in the trail.
func TestAuditOfUsers(t *testing.T) {
	at := time.Date(2026, time.May, 4, 3, 2, 1, 0, time.UTC)
	u := richUser()
	u.Tenant, u.ID, u.Path = 7, 42, roster.OrgPath{7, 8}
	deleted := next(u, func(u *roster.User) { u.DeletedAt, u.ExpiresAt = at, at.Add(DefaultRetention) })
	expect := func(after *roster.User, action roster.Action, fields ...roster.FieldChange) roster.AuditEntry {
		return roster.AuditEntry{
			Tenant: 7, Org: after.Org(), At: after.Revision.ChangedAt, Stamp: after.Revision.Stamp, Action: action,
			Subject: "user:42", Name: after.Name, Version: after.Revision.Version, Fields: fields,
		}
	}
	for name, tt := range map[string]struct {
		after roster.User
		want  func(after *roster.User) []roster.AuditEntry
	}{
		"an update": {
			next(u, func(u *roster.User) {
				u.Name, u.Developer, u.Roles = "New Name", true, []roster.RoleID{2, 12}
				u.Identities, u.DarkMode = nil, false
			}),
			func(after *roster.User) []roster.AuditEntry {
				return []roster.AuditEntry{expect(after, roster.ActionUserUpdated,
					roster.FieldChange{Field: "name", Old: "Maximiliane Mustermann-Beispiel", New: "New Name"},
					roster.FieldChange{Field: "roles", Old: "3,12", New: "2,12"},
					roster.FieldChange{Field: "developer", New: "true"},
					roster.FieldChange{Field: "darkMode", Old: "true"},
					roster.FieldChange{Field: "identities", Old: "azure:0b1f6a52-6c4e-4d54-9a1c-7f2f6d0c9d11"},
				)}
			},
		},
		"a relayed update": {
			next(u, func(u *roster.User) { u.Pod, u.Revision.Stamp.ForwardedFor = "Z", "client:a customer:b user:c" }),
			func(after *roster.User) []roster.AuditEntry {
				e := expect(after, roster.ActionUserUpdated, roster.FieldChange{Field: "pod", Old: u.Pod, New: "Z"})
				e.Stamp.ForwardedFor = "client:a customer:b user:c"
				return []roster.AuditEntry{e}
			},
		},
		"a transfer": {
			next(u, func(u *roster.User) { u.Path, u.Roles = roster.OrgPath{7}, []roster.RoleID{2} }),
			func(after *roster.User) []roster.AuditEntry {
				e := expect(after, roster.ActionUserTransferred,
					roster.FieldChange{Field: "organization", Old: "8", New: "7"}, roster.FieldChange{Field: "roles", Old: "3,12", New: "2"})
				left := e
				left.Org = 8
				return []roster.AuditEntry{left, e}
			},
		},
		"a login": {
			next(u, func(u *roster.User) { u.LastLoginAt, u.UpdatedAt = at.Add(time.Hour), at }),
			func(*roster.User) []roster.AuditEntry { return nil },
		},
		"a deletion": {
			deleted,
			func(after *roster.User) []roster.AuditEntry {
				return []roster.AuditEntry{expect(after, roster.ActionUserDeleted)}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want(&tt.after), auditOf(t, streamed(t, eventModify, toUserItem(&u), toUserItem(&tt.after)))); diff != "" {
				t.Errorf("it leaves (-want +got):\n%s", diff)
			}
		})
	}

	restored := next(deleted, func(u *roster.User) { u.DeletedAt, u.ExpiresAt = time.Time{}, time.Time{} })
	want := []roster.AuditEntry{expect(&restored, roster.ActionUserRestored)}
	if diff := cmp.Diff(want, auditOf(t, streamed(t, eventModify, toUserItem(&deleted), toUserItem(&restored)))); diff != "" {
		t.Errorf("a restoration leaves (-want +got):\n%s", diff)
	}

	created := auditOf(t, streamed(t, eventInsert, nil, toUserItem(&u)))
	if len(created) != 1 || created[0].Action != roster.ActionUserCreated || created[0].Stamp != u.Revision.Stamp || len(created[0].Fields) < 20 {
		t.Fatalf("a creation leaves %+v", created)
	}
	for _, f := range created[0].Fields {
		if f.Old != "" || f.New == "" {
			t.Errorf("a creation changes %+v", f)
		}
	}

	record := streamed(t, eventRemove, toUserItem(&deleted), nil)
	purged := auditOf(t, record)
	wantPurged := expect(&deleted, roster.ActionUserPurged)
	wantPurged.At, wantPurged.Version, wantPurged.Stamp = time.Unix(1767323045, 0).UTC(), deleted.Revision.Version+1, roster.Stamp{}
	if diff := cmp.Diff([]roster.AuditEntry{wantPurged}, purged); diff != "" {
		t.Errorf("a removal by hand leaves (-want +got):\n%s", diff)
	}
	for _, identity := range []string{`{"type":"Service","principalId":"dynamodb.amazonaws.com"}`, `{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}`} {
		byExpiry := strings.Replace(string(record), `{`, `{"userIdentity":`+identity+`,`, 1)
		wantPurged.Stamp = roster.Stamp{By: "expiry", Via: "expiry"}
		if diff := cmp.Diff([]roster.AuditEntry{wantPurged}, auditOf(t, []byte(byExpiry))); diff != "" {
			t.Errorf("a removal by DynamoDB leaves (-want +got):\n%s", diff)
		}
	}
}

func TestAuditOfTheOthers(t *testing.T) {
	at := time.Date(2026, time.May, 4, 3, 2, 1, 0, time.UTC)
	revision := roster.Revision{Version: 1, ChangedAt: at, Stamp: roster.Stamp{By: "rosterctl", Via: "rosterctl"}}
	second := roster.Revision{Version: 2, ChangedAt: at.Add(time.Minute), Stamp: roster.Stamp{By: "user:42", Via: "password"}}
	entry := func(r roster.Revision, org roster.OrgID, action roster.Action, subject, name string, fields ...roster.FieldChange) []roster.AuditEntry {
		return []roster.AuditEntry{{
			Tenant: 7, Org: org, At: r.ChangedAt, Stamp: r.Stamp, Action: action, Subject: subject, Name: name, Version: r.Version, Fields: fields,
		}}
	}
	organization := roster.Organization{Tenant: 7, ID: 9, Path: roster.OrgPath{7, 8, 9}, Name: "Acme", CreatedAt: at, Revision: revision}
	renamed := organization
	renamed.Name, renamed.Revision = "Acme Inc", second
	role := roster.Role{Tenant: 7, ID: 4, Name: "Auditor", Permissions: roster.Permissions(roster.OrgView, roster.RoleView), CreatedAt: at, Revision: revision}
	more := role
	more.Permissions, more.Revision = role.Permissions|roster.Permissions(roster.OrgEdit), second
	warehouse := roster.Warehouse{Tenant: 7, ID: 6, Name: "East", Active: true, CreatedAt: at, Revision: revision}
	closed := warehouse
	closed.Active, closed.Revision = false, second
	client := roster.Client{ID: "portal", Tenant: 7, Path: roster.OrgPath{7, 8}, Name: "Portal", SecretHash: [32]byte{9, 9, 9}, ServiceUser: 42, CreatedAt: at, Revision: revision}
	revoked := client
	revoked.RevokedAt, revoked.Revision = second.ChangedAt, second
	again := revoked
	again.Revision.Version = 3
	integration := roster.Client{ID: "sync", Tenant: 7, Path: roster.OrgPath{7, 8}, Name: "Sync", Integration: true, CreatedAt: at, Revision: revision}
	token := roster.IntegrationToken{ID: "b7Kq", Tenant: 7, Client: "sync", Name: "2026", CreatedAt: at, ExpiresAt: at.Add(time.Hour), Revision: revision}
	ended := token
	ended.RevokedAt, ended.Revision = second.ChangedAt, second
	owner := roster.User{Tenant: 7, ID: 42, Revision: revision}
	password := *toCredentialItem(&roster.Credential{PasswordHash: "$old-secret$"}, &owner)
	changed := password
	changed.PasswordHash, changed.Version, changed.ChangedAt, changed.ChangedBy, changed.ChangedVia = "$new-secret$", 2, millis(second.ChangedAt), "user:42", "password"
	rehashed := changed
	rehashed.PasswordHash, rehashed.Version = "$newer-secret$", 3
	unknown := *toOrganizationItem(&organization)
	unknown.Type = "somethingNew"

	for name, tt := range map[string]struct {
		event    string
		old, new any
		want     []roster.AuditEntry
	}{
		"organization created": {eventInsert, nil, toOrganizationItem(&organization), entry(revision, 9, roster.ActionOrganizationCreated, "organization:9", "Acme",
			roster.FieldChange{Field: "name", New: "Acme"}, roster.FieldChange{Field: "parent", New: "8"})},
		"organization renamed": {eventModify, toOrganizationItem(&organization), toOrganizationItem(&renamed), entry(second, 9, roster.ActionOrganizationUpdated, "organization:9", "Acme Inc",
			roster.FieldChange{Field: "name", Old: "Acme", New: "Acme Inc"})},
		"organization removed by hand": {eventRemove, toOrganizationItem(&organization), nil, nil},
		"role created": {eventInsert, nil, toRoleItem(&role), entry(revision, 7, roster.ActionRoleCreated, "role:4", "Auditor",
			roster.FieldChange{Field: "name", New: "Auditor"}, roster.FieldChange{Field: "permissions", New: "ORG_VIEW,ROLE_VIEW"})},
		"role changed": {eventModify, toRoleItem(&role), toRoleItem(&more), entry(second, 7, roster.ActionRoleUpdated, "role:4", "Auditor",
			roster.FieldChange{Field: "permissions", Old: "ORG_VIEW,ROLE_VIEW", New: "ORG_VIEW,ORG_EDIT,ROLE_VIEW"})},
		"role written again": {eventModify, toRoleItem(&role), toRoleItem(&role), nil},
		"warehouse created": {eventInsert, nil, toWarehouseItem(&warehouse), entry(revision, 7, roster.ActionWarehouseCreated, "warehouse:6", "East",
			roster.FieldChange{Field: "name", New: "East"}, roster.FieldChange{Field: "active", New: "true"})},
		"warehouse closed": {eventModify, toWarehouseItem(&warehouse), toWarehouseItem(&closed), entry(second, 7, roster.ActionWarehouseUpdated, "warehouse:6", "East",
			roster.FieldChange{Field: "active", Old: "true"})},
		"warehouse written again":   {eventModify, toWarehouseItem(&warehouse), toWarehouseItem(&warehouse), nil},
		"warehouse removed by hand": {eventRemove, toWarehouseItem(&warehouse), nil, nil},
		"client created": {eventInsert, nil, toClientItem(&client), entry(revision, 7, roster.ActionClientCreated, "client:portal", "Portal",
			roster.FieldChange{Field: "name", New: "Portal"}, roster.FieldChange{Field: "organization", New: "8"}, roster.FieldChange{Field: "serviceUser", New: "42"})},
		"client revoked": {eventModify, toClientItem(&client), toClientItem(&revoked), entry(second, 7, roster.ActionClientRevoked, "client:portal", "Portal")},
		"integration created": {eventInsert, nil, toClientItem(&integration), entry(revision, 7, roster.ActionClientCreated, "client:sync", "Sync",
			roster.FieldChange{Field: "name", New: "Sync"}, roster.FieldChange{Field: "organization", New: "8"}, roster.FieldChange{Field: "integration", New: "true"})},
		"token created": {eventInsert, nil, toIntegrationTokenItem(&token), entry(revision, 7, roster.ActionTokenCreated, "token:b7Kq", "2026",
			roster.FieldChange{Field: "name", New: "2026"}, roster.FieldChange{Field: "client", New: "sync"},
			roster.FieldChange{Field: "expiresAt", New: "2026-05-04T04:02:01Z"})},
		"token revoked":                    {eventModify, toIntegrationTokenItem(&token), toIntegrationTokenItem(&ended), entry(second, 7, roster.ActionTokenRevoked, "token:b7Kq", "2026")},
		"token revoked again":              {eventModify, toIntegrationTokenItem(&ended), toIntegrationTokenItem(&ended), nil},
		"token removed by hand":            {eventRemove, toIntegrationTokenItem(&token), nil, nil},
		"client revoked again":             {eventModify, toClientItem(&revoked), toClientItem(&again), nil},
		"password that came with its user": {eventInsert, nil, password, nil},
		"password changed":                 {eventModify, password, changed, entry(second, 0, roster.ActionPasswordChanged, "user:42", "")},
		"password where there was none":    {eventInsert, nil, changed, entry(second, 0, roster.ActionPasswordChanged, "user:42", "")},
		"password hashed anew":             {eventModify, changed, rehashed, nil},
		"password gone":                    {eventRemove, changed, nil, nil},
		"pointer":                          {eventInsert, nil, clientPointerItem{head: newHead(clientPointerKey(7, "portal"), typeClientPointer, revision), ID: "portal"}, nil},
		"claim":                            {eventInsert, nil, claimItem{head: newHead(emailKey("a@example.com"), typeEmailClaim, revision), TenantID: 7, UserID: 42}, nil},
		"type of another release":          {eventInsert, nil, unknown, nil},
	} {
		t.Run(name, func(t *testing.T) {
			record := streamed(t, tt.event, tt.old, tt.new)
			got := auditOf(t, record)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("it leaves (-want +got):\n%s", diff)
			}
			told, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(told), "secret$") || strings.Contains(string(told), "CQkJ") {
				t.Errorf("the trail tells a secret: %s", told)
			}
		})
	}
}

// TestAuditTellsEveryField changes every field of a user there is, one by one, and wants it told: a new field must be listed in
// userFields, or here as one that is not told.
func TestAuditTellsEveryField(t *testing.T) {
	untold := []string{"pk", "sk", "type", "version", "changedAt", "changedBy", "changedVia", "requestId", "tenantId", "shard", "orgId", "kind", "id", "path", // the item's
		"createdAt", "updatedAt", "lastLoginAt", "deletedAt", "expiresAt"}
	told := make(map[string]bool)
	for _, f := range userFields(&roster.User{}) {
		told[f.name] = true
	}
	told["deviceCount"], told["organization"] = told["devices"], true
	full := fullUser()
	attributes, err := encode(toUserItem(&full))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if !told[name] && !slices.Contains(untold, name) {
			t.Errorf("a change of %s is told to nobody", name)
		}
	}
	for i, f := range userFields(&full) {
		if f.text == "" {
			t.Errorf("field %d, %s, of a user who has everything has no text", i, f.name)
		}
	}
}

// fullUser is a user who has everything.
func fullUser() roster.User {
	u := richUser()
	u.Developer, u.SuperDelegate, u.ViewAll, u.LoginViaBadge, u.EmailBounced, u.EmailComplained = true, true, true, true, true, true
	u.SuperDelegatePermissions = []string{"READ"}
	u.Delegates = []roster.Delegate{{User: 5, Permissions: []string{"READ", "WRITE"}}}
	u.DeviceType, u.DeviceUserID, u.PublicKey, u.DefaultWarehouse = roster.DeviceTypePSD, "device", "04aa", 9
	return u
}

func TestAuditOfAnyUser(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		before, after := AnyUser().Draw(rt, "before"), AnyUser().Draw(rt, "after")
		for _, record := range [][]byte{
			streamed(t, eventInsert, nil, toUserItem(&after)), streamed(t, eventModify, toUserItem(&before), toUserItem(&after)),
			streamed(t, eventRemove, toUserItem(&before), nil),
		} {
			first, err := AuditOf(record)
			if err != nil {
				rt.Fatal(err)
			}
			again, err := AuditOf(record)
			if err != nil || !cmp.Equal(first, again) {
				rt.Fatalf("the same record gives %v, then %v, %v", first, again, err)
			}
		}
	})
}

func TestAuditOfWhatIsNoRecord(t *testing.T) {
	u := richUser()
	whole := string(streamed(t, eventInsert, nil, toUserItem(&u)))
	broken := toUserItem(&u)
	broken.Status = "Asleep"
	for name, record := range map[string]string{
		"nothing": "", "no object": "[]", "cut off": whole[:len(whole)/2], "two": whole + whole, "no images": `{"eventName":"INSERT","dynamodb":{}}`,
		"no old image": strings.Replace(whole, eventInsert, eventModify, 1), "no event": `{}`,
		"unknown event":  strings.Replace(whole, eventInsert, "REPLACE", 1),
		"unknown status": string(streamed(t, eventInsert, nil, broken)),
		"wrong types":    strings.Replace(whole, `"version":{"N":"1234"}`, `"version":{"S":"1234"}`, 1),
	} {
		if entries, err := AuditOf([]byte(record)); err == nil {
			t.Errorf("%s gives %v, want an error", name, entries)
		}
	}
}

func FuzzAuditOf(f *testing.F) {
	u := richUser()
	for _, event := range []string{eventInsert, eventModify, eventRemove} {
		f.Add(streamed(f, event, toUserItem(&u), toUserItem(&u)))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		entries, err := AuditOf(record)
		if err != nil && entries != nil {
			t.Errorf("with an error come %v", entries)
		}
	})
}
