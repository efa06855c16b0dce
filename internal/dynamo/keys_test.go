package dynamo

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// TestSchemaPageShowsTheKeys holds the examples of doc.go and the constructors of keys.go together, both ways.
func TestSchemaPageShowsTheKeys(t *testing.T) {
	want := map[string]key{
		typeOrganization:             organizationKey(7, 9),
		typeRole:                     roleKey(7, 4),
		typeGroup:                    groupKey(7, 5),
		typeWarehouse:                warehouseKey(7, 6),
		typeUser:                     userKey(7, 42),
		typeCredential:               credentialKey(7, 42),
		typeIdentityClaim:            identityKey(7, 9, roster.Identity{Type: "azure", Value: "jane#doe"}),
		typeClientPointer:            clientPointerKey(7, "portal"),
		typeEmailClaim:               emailKey("Jane@Example.com"),
		typeClient:                   clientKey("portal"),
		typeIntegrationToken:         integrationTokenKey("portal", "b7Kq"),
		typeGrant:                    grantKey([32]byte{1, 2, 3}),
		typeRevoked:                  revokedKey("b7Kq"),
		typeSigningKey:               signingKeyKey("NzbLs"),
		typeAdmins:                   adminsKey(7),
		typeOnce:                     onceKey(7, [32]byte{1, 2, 3}),
		typeInvitation:               invitationKey(roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeInvite, User: 42}),
		typeInvitation + ": reset":   invitationKey(roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeReset, User: 42}),
		typeInvitation + ": sign-up": invitationKey(roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeSignUp, Org: 9, Email: "Jane@Example.com"}),
		typeLink:                     linkKey([32]byte{1, 2, 3}),
		typeQuota:                    quotaKey(7, "invitations/9", time.Date(2026, time.January, 2, 23, 59, 59, 0, time.UTC)),
		typeRate:                     rateKey(7, 9, time.Date(2026, time.January, 2, 3, 4, 0, 0, time.UTC)),
		typeAttempts:                 attemptsKey(roster.AttemptKey{1, 2, 3}),
		typeDevice:                   deviceKey(7, 42, [32]byte{1, 2, 3}),
		typeDeviceClaim:              deviceClaimKey([32]byte{1, 2, 3}),
		typeSnapshot:                 snapshotKey(7),
		typeSnapshotChunk:            snapshotChunkKey(7, roster.SlotA, 12),
		typeSnapshotDue:              snapshotDueKey(roster.SnapshotDue{Tenant: 7, At: time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)}),
		typeNotification:             notificationKey(roster.NotificationRef{Tenant: 7, User: 42, ID: 5}),
		typeAudit: auditKey(7, 9, &roster.AuditEntry{
			At: time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC), Subject: "user:42", Version: 3, Action: roster.ActionUserUpdated,
		}),
	}
	got := make(map[string]key)
	for _, row := range schemaRows(t) {
		got[row[0]] = key{row[1], row[2]}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the page says\n%v\nthe constructors\n%v", got, want)
	}
}

// TestSchemaPageNamesWhoWrites checks that each function named on the page as one that writes exists.
func TestSchemaPageNamesWhoWrites(t *testing.T) {
	var sources strings.Builder
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go") {
			source, err := os.ReadFile(f.Name())
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(source)
		}
	}
	for _, row := range schemaRows(t) {
		for name := range strings.SplitSeq(strings.ReplaceAll(row[6], "; removed by ", ", "), ", ") {
			if !strings.HasPrefix(name, "with the ") && !strings.Contains(sources.String(), "func (t *Table) "+name+"(") {
				t.Errorf("the page says that %s is written by %s, which is no method of Table", row[0], name)
			}
		}
	}
}

// schemaRows returns the cells of the table of items in doc.go, without its header.
func schemaRows(t *testing.T) [][]string {
	t.Helper()
	page, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimPrefix(strings.TrimSpace(line), "//\t"), "|")
		if len(cells) != 7 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	if len(rows) < 2 || !slices.Contains(rows[0], "written by") {
		t.Fatalf("doc.go has no table of items, or a new one: %v", rows)
	}
	return rows[1:]
}

func TestKeysOfDifferentThingsDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := roster.Identity{Type: anyText().Draw(t, "type"), Value: anyText().Draw(t, "value")}
		b := roster.Identity{Type: anyText().Draw(t, "type"), Value: anyText().Draw(t, "value")}
		if same := identityKey(1, 2, a) == identityKey(1, 2, b); same != (a == b) {
			t.Errorf("the keys of %q and %q are the same: %v", a, b, same)
		}
	})
	if identityKey(1, 2, roster.Identity{Type: "a", Value: "b#c"}) == identityKey(1, 2, roster.Identity{Type: "a#b", Value: "c"}) {
		t.Error("a # in a value reads like one in the key")
	}
}

func TestKeyOfTooMuchTextIsImpossible(t *testing.T) {
	for _, id := range []string{strings.Repeat("x", maxPartitionKey), strings.Repeat("#", maxPartitionKey/3+1), "\xff"} {
		if clientKey(roster.ClientID(id)).possible() {
			t.Errorf("a client of an id of %d bytes can be stored", len(id))
		}
	}
	if !clientKey("").possible() || !clientKey("portal").possible() {
		t.Error("short ids cannot be looked up")
	}
}
