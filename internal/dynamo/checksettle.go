package dynamo

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// The second part of Check: what did not fit in the walk is read again. The walk meets two items that belong together at
// two moments, between which somebody may have written both. So each doubt reads one item, the other, and the first again:
// if that has not changed, what was read of the other held while the first stood so.

// settleTries bounds how often a doubt is looked at while others go on writing the items that it is about. What they
// leave behind is for the next check to find.
const settleTries = 5

// settle looks at everything that is in doubt after the walk.
func (c *checker) settle(ctx context.Context) error {
	for _, part := range []func(context.Context) error{
		c.settleClaims, c.settleDevices, c.settleStrays, c.settleOrganizations, c.settleClients, c.settleTokens, c.settleAdmins,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lookAgain calls look until it has settled a doubt, but not for ever.
func lookAgain(look func() (settled bool, err error)) error {
	for range settleTries {
		if settled, err := look(); err != nil || settled {
			return err
		}
	}
	return nil
}

// load reads an item, strongly consistent. One that cannot be read is a finding of its own, and none here.
func (c *checker) load(ctx context.Context, k key, item any) (bool, error) {
	attributes, err := c.attributes(ctx, k, true)
	if err != nil || attributes == nil {
		return false, err
	}
	return decode(attributes, item) == nil, nil
}

// userState is what a read of a user found.
type userState struct {
	user  roster.User
	there bool
	// unreadable users are there, but cannot be read. That is a finding of its own, and what belongs to them is in no doubt.
	unreadable bool
}

// userOf reads a user, even one who is deleted or expired.
func (c *checker) userOf(ctx context.Context, who owner) (userState, error) {
	attributes, err := c.attributes(ctx, userKey(who.tenant, who.user), true)
	if err != nil || attributes == nil {
		return userState{}, err
	}
	var item userItem
	if decode(attributes, &item) != nil {
		return userState{there: true, unreadable: true}, nil
	}
	user, err := item.noun()
	return userState{user: user, there: true, unreadable: err != nil}, nil
}

// claims reports whether the user has that claim by rights.
func (s *userState) claims(k key) bool {
	if !s.there || s.unreadable {
		return false
	}
	_, has := claimsOf(&s.user)[k]
	return has
}

// stands reports whether the user is there and not deleted.
func (s *userState) stands() bool { return s.there && !s.user.Deleted() }

// lack says why the user cannot have something.
func (s *userState) lack(otherwise string) string {
	switch {
	case !s.there:
		return "who is not there"
	case s.user.Deleted():
		return "who is deleted"
	default:
		return otherwise
	}
}

func (c *checker) settleClaims(ctx context.Context) error {
	for k, p := range c.claims {
		c.doubtfulClaims = append(c.doubtfulClaims, claimDoubt{k, p})
	}
	for _, d := range c.doubtfulClaims {
		look := c.settleMissingClaim
		if d.other {
			look = c.settleStrayClaim
		}
		if err := lookAgain(func() (bool, error) { return look(ctx, d) }); err != nil {
			return err
		}
	}
	return nil
}

// settleMissingClaim looks at a user whose claim was not met.
func (c *checker) settleMissingClaim(ctx context.Context, d claimDoubt) (bool, error) {
	before, err := c.userOf(ctx, d.owner)
	if err != nil || !before.claims(d.key) {
		return true, err
	}
	var item claimItem
	held, err := c.load(ctx, d.key, &item)
	if err != nil {
		return false, err
	}
	by := owner{roster.TenantID(item.TenantID), roster.UserID(item.UserID)}
	if held && by == d.owner {
		return true, nil
	}
	after, err := c.userOf(ctx, d.owner)
	if err != nil || after.user.Revision.Version != before.user.Revision.Version {
		return false, err
	}
	if held {
		return true, c.find(FindingMissingClaim, userKey(d.tenant, d.user), "does not hold %s, which user %s of tenant %s does", d.key.pk, by.user, by.tenant)
	}
	return true, c.find(FindingMissingClaim, userKey(d.tenant, d.user), "does not hold %s", d.key.pk)
}

// settleStrayClaim looks at a claim whose user was not met, or does not have it.
func (c *checker) settleStrayClaim(ctx context.Context, d claimDoubt) (bool, error) {
	var before, after claimItem
	held, err := c.load(ctx, d.key, &before)
	if err != nil || !held {
		return true, err
	}
	by := owner{roster.TenantID(before.TenantID), roster.UserID(before.UserID)}
	user, err := c.userOf(ctx, by)
	if err != nil || user.unreadable || user.claims(d.key) {
		return true, err
	}
	if _, err := c.load(ctx, d.key, &after); err != nil || before != after {
		return false, err
	}
	return true, c.find(FindingStrayClaim, d.key, "is held by user %s of tenant %s, %s", by.user, by.tenant, user.lack("who does not have it"))
}

func (c *checker) settleOrganizations(ctx context.Context) error {
	for at, state := range c.organizations {
		if state.stands && !c.doubtful[at] {
			continue
		}
		if err := c.settleOrganization(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// settleOrganization looks at an organization that was not met, or that what is in it does not agree about: at the
// organization, and then at all that says to be in it. An organization stands before anything is in it, and never moves, so
// no reading again is needed.
func (c *checker) settleOrganization(ctx context.Context, at place) error {
	var item organizationItem
	there, err := c.load(ctx, organizationKey(at.tenant, at.org), &item)
	if err != nil {
		return err
	}
	var path roster.OrgPath
	if there {
		if o, err := item.noun(); err == nil && o.DeletedAt.IsZero() {
			path = o.Path
		}
	}
	for _, kind := range []string{kindUser, kindDeletedUser, kindOrganization, kindInvitation} {
		if err := c.settleMembers(ctx, at, path, kind); err != nil {
			return err
		}
	}
	for _, other := range c.others[at] {
		if err := c.comparePaths(other.key, other.path, path); err != nil {
			return err
		}
	}
	return nil
}

// settleMembers looks at what of one kind is in an organization, whose path is nil if it does not stand.
func (c *checker) settleMembers(ctx context.Context, at place, path roster.OrgPath, kind string) error {
	query := membersQuery(at.tenant, at.org, kind, 0)
	limit := int32(feedPage)
	query.Limit = &limit
	return c.queryAll(ctx, query, func(attributes map[string]types.AttributeValue) error {
		k := keyOf(attributes)
		var now userItem // organizations and invitations have the same pk, sk, kind, orgId and path
		there, err := c.load(ctx, k, &now)
		if err != nil || !there || now.OrgID != int32(at.org) || now.Kind != kind {
			return err // the index was behind
		}
		own, ok := appendPath(nil, now.Path)
		if !ok {
			return nil // which is a finding of its own
		}
		if kind == kindOrganization {
			own = own[:len(own)-1]
		}
		return c.comparePaths(k, own, path)
	})
}

// comparePaths reports what is at a path that leads to an organization which is elsewhere, or, if that is nil, nowhere.
func (c *checker) comparePaths(k key, own, path roster.OrgPath) error {
	switch {
	case path == nil:
		return c.find(FindingMissingOrganization, k, "is in organization %s, which does not stand", own.Last())
	case !slices.Equal(own, path):
		return c.find(FindingWrongPath, k, "is at %s, where organization %s is not: that is at %s", own, own.Last(), path)
	default:
		return nil
	}
}

func (c *checker) settleClients(ctx context.Context) error {
	for id, p := range c.clients {
		c.doubtfulClients = append(c.doubtfulClients, clientDoubt{id, p})
	}
	for _, d := range c.doubtfulClients {
		if err := c.settleClient(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// settleClient looks at a client, or the pointer to it, whose counterpart was not met. The two are written in one
// transaction and never removed, so no reading again is needed.
func (c *checker) settleClient(ctx context.Context, d clientDoubt) error {
	if d.other {
		var item clientItem
		there, err := c.load(ctx, clientKey(d.id), &item)
		if err != nil || there && item.TenantID == int32(d.tenant) {
			return err
		}
		return c.find(FindingMissingClient, clientPointerKey(d.tenant, d.id), "points to a client that tenant %s does not have", d.tenant)
	}
	var pointer clientPointerItem
	there, err := c.load(ctx, clientPointerKey(d.tenant, d.id), &pointer)
	if err != nil || there {
		return err
	}
	return c.find(FindingMissingPointer, clientKey(d.id), "is unknown to its tenant %s", d.tenant)
}

// settleAdmins looks at the tenants whose count of Admins did not come out right.
func (c *checker) settleAdmins(ctx context.Context) error {
	for tenant, count := range c.admins {
		if count.met == count.stored {
			continue
		}
		if err := c.settleCount(ctx, tenant); err != nil {
			return err
		}
	}
	return nil
}

// settleCount counts the Admins of a root organization. They are counted in the index, which may be behind for a moment,
// so it takes its time before it reports a count that differs.
func (c *checker) settleCount(ctx context.Context, tenant roster.TenantID) error {
	var stored adminsItem
	met := 0
	for try := range settleTries {
		if try > 0 {
			if err := c.pause(ctx, time.Second); err != nil {
				return failed("waiting to count again", err)
			}
		}
		var before, after adminsItem
		if _, err := c.load(ctx, adminsKey(tenant), &before); err != nil {
			return err
		}
		n, err := c.countRootAdmins(ctx, tenant)
		if err != nil {
			return err
		}
		if _, err := c.load(ctx, adminsKey(tenant), &after); err != nil {
			return err
		}
		if n == after.Count {
			return nil
		}
		stored, met = after, n
		if before != after {
			met = -1 // somebody is at it
		}
	}
	if met < 0 {
		return nil
	}
	return c.find(FindingWrongAdmins, adminsKey(tenant), "counts %d, but the root organization has %d", stored.Count, met)
}

func (c *checker) countRootAdmins(ctx context.Context, tenant roster.TenantID) (int, error) {
	n := 0
	query := membersQuery(tenant, tenant.Root(), kindUser, 0)
	limit := int32(feedPage)
	query.Limit = &limit
	err := c.queryAll(ctx, query, func(attributes map[string]types.AttributeValue) error {
		var item userItem
		if err := decode(attributes, &item); err != nil {
			return nil // which is a finding of its own
		}
		if user, err := item.noun(); err == nil && isRootAdmin(&user) {
			n++
		}
		return nil
	})
	return n, err
}
