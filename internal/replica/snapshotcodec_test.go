package replica

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

// written is a snapshot in memory.
type written struct {
	index  snapshotIndex
	chunks [][]byte
	size   int64
}

func write(t testing.TB, s *state, now millis, limit int) *written {
	t.Helper()
	w := &written{}
	var err error
	w.index, w.size, err = s.encode(now, limit, func(number int, chunk []byte) error {
		if number != len(w.chunks) || len(chunk) > limit {
			t.Fatalf("chunk %d of %d bytes comes after %d", number, len(chunk), len(w.chunks))
		}
		w.chunks = append(w.chunks, chunk)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// read reads a snapshot as a cold process does.
func (w *written) read(encoded []byte) (*writer, error) {
	x, err := parseIndex(encoded)
	if err != nil {
		return nil, err
	}
	r := newSnapshotReader(x)
	inflate, err := newInflater()
	if err != nil {
		return nil, err
	}
	defer inflate.close()
	for i := range x.chunks {
		if err := r.read(i, w.chunks[i], inflate); err != nil {
			return nil, err
		}
	}
	return r.finish()
}

// folk returns the state of a tenant of a few hundred, some of whom are deleted, expire, or have delegates, and some in the tail.
func folk(t testing.TB) *state {
	users := withoutDelegates(400)
	delegate(users)
	for i := range users {
		if users[i].Deleted() {
			users[i].ExpiresAt = testStart.Add(testRetention)
		}
	}
	r, _ := loadUsers(t, users)
	r.foldAt = func(uint32) uint32 { return 1000 }
	var changes []roster.Change
	for i := range users[:40] {
		users[i*7].Revision.Version++
		users[i*7].Title, users[i*7].DeviceCount = "Changed", 70_000
		changes = append(changes, roster.Change{User: &users[i*7]})
	}
	changes = append(changes,
		roster.Change{Organization: &roster.Organization{Tenant: testTenant, ID: 9, Name: "Österreich", Path: roster.OrgPath{7, 9}, CreatedAt: testStart, Revision: roster.Revision{Version: 2, ChangedAt: testStart}}},
		roster.Change{Role: &roster.Role{Tenant: testTenant, ID: 12, Name: "Auditor", Permissions: roster.AllPermissions, CreatedAt: testStart, Revision: roster.Revision{Version: 3, ChangedAt: testStart}}},
		roster.Change{Warehouse: &roster.Warehouse{Tenant: testTenant, ID: 13, Name: "Łódź", Active: true, CreatedAt: testStart, Revision: roster.Revision{Version: 4, ChangedAt: testStart}}},
		roster.Change{Warehouse: &roster.Warehouse{Tenant: testTenant, ID: 14, Name: "East", CreatedAt: testStart, DeletedAt: testStart, Revision: roster.Revision{Version: 5, ChangedAt: testStart}}})
	r.Apply(testTenant, changes...)
	return r.followers[testTenant].state.Load()
}

// everybody returns all users of a state in id order, its delegations as pairs of ids, and its nouns.
func everybody(s *state) (users []roster.User, delegators map[roster.UserID][]roster.UserID, orgs map[roster.OrgID]roster.Organization, roles map[roster.RoleID]roster.Role) {
	src := newRowSource(s, 0)
	delegators = map[roster.UserID][]roster.UserID{}
	for _, row := range src.rows {
		part, local := s.locate(row)
		u := part.user(local, s.tenant, &s.values)
		if u.Deleted() != s.live[roster.OnlyDeleted].has(row) {
			panic("a user is among the wrong rows")
		}
		users = append(users, u)
	}
	for _, d := range src.delegations {
		delegators[d.delegate] = append(delegators[d.delegate], users[d.row].ID)
	}
	return users, delegators, s.names.organizations, s.names.roles
}

func wantSame(t *testing.T, want, got *state) {
	t.Helper()
	wantUsers, wantDelegators, wantOrgs, wantRoles := everybody(want)
	users, delegators, orgs, roles := everybody(got)
	for _, diff := range []string{
		cmp.Diff(wantUsers, users), cmp.Diff(wantDelegators, delegators), cmp.Diff(wantOrgs, orgs), cmp.Diff(wantRoles, roles),
		cmp.Diff(want.names.warehouses, got.names.warehouses),
		cmp.Diff(newRowSource(want, 0).expiring, newRowSource(got, 0).expiring, cmp.AllowUnexported(expiry{})),
	} {
		if diff != "" {
			t.Fatalf("what was written and read differs (-written +read):\n%s", diff)
		}
	}
}

func TestASnapshotReadsBackAsItWas(t *testing.T) {
	s := folk(t)
	for _, limit := range []int{400, 5000, roster.MaxSnapshotChunk} {
		w := write(t, s, millisOf(testStart), limit)
		read, err := w.read(w.index.append(nil))
		if err != nil {
			t.Fatalf("in chunks of %d bytes: %v", limit, err)
		}
		wantSame(t, s, read.state)
		// The dictionary must go on where it was: the same values under the same numbers, and new ones after them.
		u := folkUser()
		read.put(&roster.Change{User: &u})
		read.publish()
		if row := read.inTail[u.ID]; !cmp.Equal(read.state.tail.user(row, testTenant, &read.state.values).Path, u.Path) || len(read.state.places) != len(s.places) {
			t.Errorf("a user put after reading is in %v", read.state.places)
		}
	}
	if w := write(t, s, millisOf(testStart.Add(testRetention)), 5000); w.index.rows() >= s.users() {
		t.Errorf("%d of %d users are in a snapshot made after some have expired", w.index.rows(), s.users())
	}
	empty := emptyState(testTenant, newDictionary().values)
	w := write(t, empty, 0, 5000)
	if read, err := w.read(w.index.append(nil)); err != nil || read.state.users() != 0 {
		t.Errorf("a snapshot of nobody gives %v", err)
	}
}

func folkUser() roster.User {
	u := withoutDelegates(1)[0]
	u.Revision.Version += 10
	return u
}

// Every flipped bit and every cut is found before anything is made of the bytes.
func TestEveryDamageIsFound(t *testing.T) {
	w := write(t, folk(t), 0, 3000)
	index := w.index.append(nil)
	r := rand.New(rand.NewPCG(1, 2))
	damage := func(data []byte) []byte {
		data = bytes.Clone(data)
		switch r.IntN(4) {
		case 0:
			return data[:r.IntN(len(data))]
		case 1:
			return append(data, byte(r.Uint32()))
		case 2:
			from := r.IntN(len(data))
			for i := from; i < min(from+1+r.IntN(8), len(data)); i++ {
				data[i] ^= byte(1 + r.IntN(255))
			}
			return data
		default:
			data[r.IntN(len(data))] ^= 1 << r.IntN(8)
			return data
		}
	}
	for range 20_000 {
		x, err := parseIndex(index)
		if err != nil {
			t.Fatal(err)
		}
		if number := r.IntN(len(w.chunks)); r.IntN(2) == 0 {
			_, err = x.body(number, damage(w.chunks[number]))
		} else {
			_, err = parseIndex(damage(index))
		}
		if !errors.Is(err, errSnapshotTorn) {
			t.Fatalf("damage gives %v, want that it is found", err)
		}
	}
	for bit := range 8 * len(index) { // the index in full
		flipped := bytes.Clone(index)
		flipped[bit/8] ^= 1 << (bit % 8)
		if _, err := parseIndex(flipped); !errors.Is(err, errSnapshotTorn) {
			t.Fatalf("bit %d of the index flipped gives %v", bit, err)
		}
	}
}

// Bytes that are no snapshot, though their checksums hold, are refused without a panic.
func FuzzReadSnapshot(f *testing.F) {
	w := write(f, folk(f), 0, 3000)
	inflate, err := newInflater()
	if err != nil {
		f.Fatal(err)
	}
	for i, chunk := range w.chunks {
		body, err := inflate.inflate(chunk[chunkHeader:], w.index.chunks[i].size)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, w.index.chunks[i].rows, w.index.chunks[i].text, w.index.chunks[i].packed)
	}
	f.Fuzz(func(t *testing.T, body []byte, rows, text, packed uint32) {
		_, _, _ = readNames(testTenant, body)
		if rows > 10_000 || text > 1<<20 || packed > 1<<20 {
			return
		}
		c := chunkEntry{rows: rows, text: text, packed: packed}
		_, _ = newRowTarget(&snapshotIndex{most: [4]uint32{9, 300, 9, 70_000}, chunks: []chunkEntry{c}}).read(body, &c, rowPart{})
	})
}

// TestTheFormatIsKept reads a snapshot that was written when format 1 was made. Where this fails because what chunks hold has changed,
// the format must get another number, and the file another name: delete it, and run the test twice.
func TestTheFormatIsKept(t *testing.T) {
	const file = "testdata/snapshot-1.bin"
	s := folk(t)
	w := write(t, s, millisOf(testStart), 30_000)
	kept, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		kept = appendString(nil, string(w.index.append(nil)))
		for _, chunk := range w.chunks {
			kept = appendString(kept, string(chunk))
		}
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(file, kept, 0o644)); err != nil {
			t.Fatal(err)
		}
		t.Fatalf("%s was not there; it is now", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	parts := reader{rest: kept}
	index, old := []byte(parts.text()), &written{}
	for len(parts.rest) > 0 {
		old.chunks = append(old.chunks, []byte(parts.text()))
	}
	read, err := old.read(index)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, s, read.state)
}

func BenchmarkSnapshot(b *testing.B) {
	forSizes(b, func(b *testing.B, size int) {
		m := newBench(b, size)
		s := m.r.followers[m.tenant].state.Load()
		w := write(b, s, millisOf(benchNow), roster.MaxSnapshotChunk)
		index := w.index.append(nil)
		b.Run("write", func(b *testing.B) {
			for b.Loop() {
				write(b, s, millisOf(benchNow), roster.MaxSnapshotChunk)
			}
			b.ReportMetric(float64(w.size)/float64(size), "B/user")
		})
		b.Run("read", func(b *testing.B) {
			for b.Loop() {
				if _, err := w.read(index); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(w.chunks)), "chunks")
			b.ReportMetric(float64(s.bytes())/float64(size), "resident-B/user")
		})
		b.Run("feed", func(b *testing.B) { // without reading pages, which package dynamo's benchmarks measure
			for b.Loop() {
				r := New(Config{Feed: m.feed})
				if _, err := r.SearchUsers(b.Context(), m.tenant, roster.Query{Page: roster.Page{Limit: 1}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}
