package workspace_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/api/workspace"
	"github.com/rosterhq/roster/internal/roster"
)

func TestUUIDs(t *testing.T) {
	for id, want := range map[roster.UserID]string{
		1:                "00000000-0000-8001-8000-000075736572",
		1078:             "00000000-0000-8436-8000-000075736572",
		4096:             "00000000-0001-8000-8000-000075736572",
		4810363371520:    "00004600-0000-8000-8000-000075736572",
		roster.MaxUserID: "01ffffff-ffff-8fff-8000-000075736572",
	} {
		if got := workspace.UserID(id); got != want {
			t.Errorf("the UUID of %d is %s, want %s", id, got, want)
		}
	}
}

func TestOnlyUUIDsOfUsersAreParsed(t *testing.T) {
	user := workspace.UserID(1078)
	for _, text := range []string{
		"", "me", "1078", user[:35], user + "0", " " + user[1:], user[:35] + "g", user[:34] + "é", "{" + user[1:35] + "}", "urn:uuid:" + user,
		strings.ReplaceAll(user, "-", ""), strings.ReplaceAll(user, "-", "_"), "0-000000" + user[8:],
		"00000000-0000-8000-8000-000075736572",                                         // zero
		"02000000-0000-8000-8000-000075736572", "ffffffff-ffff-8fff-8000-000075736572", // too large
		"00000000-0000-0436-8000-000075736572", "00000000-0000-7436-8000-000075736572", // other versions
		"00000000-0000-8436-0000-000075736572", "00000000-0000-8436-c000-000075736572", // other variants
		"00000000-0000-8436-8000-00006f72676e", "00000000-0000-8436-8001-000075736572", "00000000-0000-8436-8000-010075736572",
		"00000000-0000-8436-8000-000055534552", // USER, which is another kind
		"0b9f0d3e-6a0e-4d53-9b50-2f7a2f1f4c11",
	} {
		if id, ok := workspace.ParseUserID(text); ok {
			t.Errorf("%q is the user %s, want none", text, id)
		}
	}
}

// TestUUIDsAreTheirOwnInverse holds that in digits of either case, and that UUIDs sort as the integers do.
func TestUUIDsAreTheirOwnInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.Int64Range(1, int64(roster.MaxUserID))
		a, b := roster.UserID(ids.Draw(t, "a")), roster.UserID(ids.Draw(t, "b"))
		spell := rapid.SampledFrom([]func(string) string{strings.ToLower, strings.ToUpper}).Draw(t, "case")
		if id, ok := workspace.ParseUserID(spell(workspace.UserID(a))); !ok || id != a {
			t.Errorf("the user %d comes back as %d, %v", a, id, ok)
		}
		if (a < b) != (workspace.UserID(a) < workspace.UserID(b)) {
			t.Errorf("%d and %d sort otherwise than %s and %s", a, b, workspace.UserID(a), workspace.UserID(b))
		}
	})
}

func FuzzParseUserID(f *testing.F) {
	for _, seed := range []string{
		"", "me", workspace.UserID(1), strings.ToUpper(workspace.UserID(roster.MaxUserID)), "00000000-0000-8000-8000-000075736572",
		"0b9f0d3e-6a0e-4d53-9b50-2f7a2f1f4c11", strings.Repeat("\xff", 36),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, ok := workspace.ParseUserID(text); ok && (id < 1 || id > roster.MaxUserID || workspace.UserID(id) != strings.ToLower(text)) {
			t.Errorf("%q is taken for %d, which is spelled %q", text, id, workspace.UserID(id))
		}
	})
}
