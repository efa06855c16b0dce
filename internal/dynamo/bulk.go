package dynamo

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// CreateUsers is CreateUser for many at once, for imports: it writes as many users as fit into each transaction, and what
// became of each is in the result at its place. A user that is refused is refused alone; the others of its transaction
// are written without it. The users may be of several tenants. When ctx ends, the rest is refused with its error.
//
// A soft-deleted user is written as such, without claims, and its credential is left out. It is safe to call from
// several goroutines at once, and worth it with up to eight: one call has one transaction under way at a time. A user
// costs what it costs in CreateUser, but the Admins of a root organization in one transaction are counted by one leg.
func (t *Table) CreateUsers(ctx context.Context, users []roster.NewUser, stamp roster.Stamp) []roster.CreatedUser {
	results := make([]roster.CreatedUser, len(users))
	t.learnAll(ctx, users)
	var group batch
	for i := range users {
		c, err := t.candidate(ctx, users[i], stamp)
		if err != nil {
			results[i].Err = err
			continue
		}
		c.result = &results[i]
		if !group.add(c) {
			t.createGroup(ctx, group.candidates, stamp)
			group = batch{}
			group.add(c)
		}
	}
	t.createGroup(ctx, group.candidates, stamp)
	return results
}

// learnAll reads the organizations of the users, 100 at a time. An error is left to be found again, by the users that it
// concerns.
func (t *Table) learnAll(ctx context.Context, users []roster.NewUser) {
	wanted := make(map[roster.TenantID]map[roster.OrgID]bool)
	for i := range users {
		u := &users[i].User
		if wanted[u.Tenant] == nil {
			wanted[u.Tenant] = make(map[roster.OrgID]bool)
		}
		wanted[u.Tenant][u.Org()] = true
	}
	for tenant, orgs := range wanted {
		ids := make([]roster.OrgID, 0, len(orgs))
		for id := range orgs {
			ids = append(ids, id)
		}
		if err := t.learn(ctx, tenant, ids); err != nil {
			return
		}
	}
}

// candidate is a user on its way into the table.
type candidate struct {
	given      roster.User // as it was given
	user       roster.User // as it will be stored
	credential *roster.Credential
	assigned   bool // its id was assigned here, and may be again
	tries      int
	legs       []leg
	result     *roster.CreatedUser
}

// candidate checks and prepares one user.
func (t *Table) candidate(ctx context.Context, n roster.NewUser, stamp roster.Stamp) (*candidate, error) {
	if err := t.mustStand(ctx, n.User.Tenant, n.User.Path); err != nil {
		return nil, err
	}
	c := &candidate{given: n.User, user: n.User, credential: n.Credential, assigned: n.User.ID == 0}
	if c.user.Deleted() {
		c.credential = nil // which sameUser must not look for
	}
	return c, t.prepare(c, stamp)
}

// prepare makes the legs of a candidate, with a new id if its id is for us to assign.
func (t *Table) prepare(c *candidate, stamp roster.Stamp) error {
	if c.assigned {
		c.user.ID = t.ids.NewUserID()
	}
	user, err := t.newUser(c.user, stamp)
	if err != nil {
		return err
	}
	legs, err := t.createLegs(&user, c.credential, c.assigned)
	if err != nil {
		return err
	}
	c.user, c.legs = user, legs
	return nil
}

// batch is a group of candidates that fits into one transaction.
type batch struct {
	candidates []*candidate
	legs       int
	bytes      int
	keys       map[string]bool
}

// maxBatchBytes keeps a transaction under DynamoDB's 4 MB. sizeOf is near enough, but not exact, so half is left free.
const maxBatchBytes = 2 << 20

// add puts a candidate into the group, unless it does not fit: because there would be too much in it, or because the group
// writes one of its items already. Two who want the same address are thus judged one after the other.
func (b *batch) add(c *candidate) bool {
	size, keys := sizeOf(c.legs), keysOf(c.legs)
	if len(b.candidates) > 0 && b.bytes+size > maxBatchBytes {
		return false
	}
	for _, k := range keys {
		if b.keys[k] {
			return false
		}
	}
	legs := b.legs + len(c.legs)
	admins := ""
	if isRootAdmin(&c.user) {
		// The count of its tenant's Admins is one leg for all of the group.
		if admins = itemName(adminsKey(c.user.Tenant)); !b.keys[admins] {
			legs++
		}
	}
	if len(b.candidates) > 0 && legs > maxLegs {
		return false
	}
	if b.keys == nil {
		b.keys = make(map[string]bool)
	}
	for _, k := range keys {
		b.keys[k] = true
	}
	if admins != "" {
		b.keys[admins] = true
	}
	b.candidates, b.legs, b.bytes = append(b.candidates, c), legs, b.bytes+size
	return true
}

// keysOf returns the keys of the items that legs of puts write.
func keysOf(legs []leg) []string {
	keys := make([]string, len(legs))
	for i, l := range legs {
		keys[i] = itemName(keyOf(l.item.Put.Item))
	}
	return keys
}

// itemName returns a key as one text, which names the item and no other.
func itemName(k key) string { return k.pk + "\x00" + k.sk }

func sizeOf(legs []leg) int {
	size := 0
	for _, l := range legs {
		for name, value := range l.item.Put.Item {
			size += len(name) + valueSize(value)
		}
	}
	return size
}

func valueSize(value types.AttributeValue) int {
	const overhead = 3
	size := overhead
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		size += len(v.Value)
	case *types.AttributeValueMemberN:
		size += len(v.Value)
	case *types.AttributeValueMemberB:
		size += len(v.Value)
	case *types.AttributeValueMemberL:
		for _, e := range v.Value {
			size += valueSize(e)
		}
	case *types.AttributeValueMemberM:
		for name, e := range v.Value {
			size += len(name) + valueSize(e)
		}
	}
	return size
}

// createGroup writes the candidates in one transaction. Each time that it is cancelled, those that are refused go, each
// with its own error, and the rest is tried again; so it ends.
func (t *Table) createGroup(ctx context.Context, group []*candidate, stamp roster.Stamp) {
	for len(group) > 0 {
		var legs []leg
		admins := make(map[roster.TenantID]int)
		for _, c := range group {
			legs = append(legs, c.legs...)
			if isRootAdmin(&c.user) {
				admins[c.user.Tenant]++
			}
		}
		// These come last, and never refuse.
		for tenant, n := range admins {
			legs = append(legs, t.moreAdmins(tenant, n))
		}
		reasons, err := t.commit(ctx, legs)
		if err != nil {
			for _, c := range group {
				c.result.Err = err
			}
			return
		}
		if reasons == nil {
			for _, c := range group {
				c.result.User = c.user
			}
			return
		}
		group = t.dropRefused(group, reasons, stamp)
	}
}

// dropRefused settles the candidates of a cancelled group that were refused, and returns the others.
func (t *Table) dropRefused(group []*candidate, reasons []types.CancellationReason, stamp roster.Stamp) []*candidate {
	var rest []*candidate
	for _, c := range group {
		own := reasons[:len(c.legs)]
		reasons = reasons[len(c.legs):]
		switch err := refusalOf(c.legs, own); {
		case err == nil:
			rest = append(rest, c)
		case errors.Is(err, errIDTaken):
			if t.again(c, stamp) {
				rest = append(rest, c)
			}
		default:
			// Who stands under the given id may be the candidate itself.
			standing, same := sameUser(c, own)
			if !errors.Is(err, errGivenIDTaken) || !same {
				c.result.Err = err
				continue
			}
			c.result.User, c.result.Existed = standing, true
		}
	}
	return rest
}

// again gives a candidate another id, and reports whether it may go on.
func (t *Table) again(c *candidate, stamp roster.Stamp) bool {
	c.tries++
	if c.tries == idTries {
		c.result.Err = busy(fmt.Errorf("no free id in %d tries", idTries))
		return false
	}
	if err := t.prepare(c, stamp); err != nil {
		c.result.Err = err
		return false
	}
	return true
}

// refusalOf returns what the first failed condition of the legs means, nil for none.
func refusalOf(legs []leg, reasons []types.CancellationReason) error {
	for i, reason := range reasons {
		if conditionFailed(reason) {
			return legs[i].refused(reason.Item)
		}
	}
	return nil
}

// sameUser reports whether the user that stands in a candidate's place is the candidate, and returns it. Who wrote it, and
// when and how often, does not count; nor do times that were not given.
func sameUser(c *candidate, reasons []types.CancellationReason) (roster.User, bool) {
	if reasons[0].Item == nil {
		return roster.User{}, false
	}
	var item userItem
	if err := decode(reasons[0].Item, &item); err != nil {
		return roster.User{}, false
	}
	standing, err := nounOf(&item)
	if err != nil {
		return roster.User{}, false
	}
	want := c.user
	want.Revision = standing.Revision
	if c.given.CreatedAt.IsZero() {
		want.CreatedAt = standing.CreatedAt
	}
	if c.given.UpdatedAt.IsZero() {
		want.UpdatedAt = standing.UpdatedAt
	}
	if !reflect.DeepEqual(want, standing) {
		return roster.User{}, false
	}
	if c.credential == nil {
		return standing, true
	}
	var credential credentialItem
	if err := decode(reasons[1].Item, &credential); err != nil {
		return roster.User{}, false
	}
	return standing, credential.PasswordHash == c.credential.PasswordHash
}

// FirstError returns the first error among the results, for callers who expect none.
func FirstError(results []roster.CreatedUser) error {
	for i := range results {
		if results[i].Err != nil {
			return fmt.Errorf("user %d of %d: %w", i+1, len(results), results[i].Err)
		}
	}
	return nil
}
