package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// idTries bounds how often ids are made anew because one was taken. Two collisions in a row are unheard of.
const idTries = 8

// The meanings of a failed condition on the key of something new: with an id that was assigned here another one will do,
// one that was given is taken for good.
var (
	errIDTaken      = errors.New("id taken")
	errGivenIDTaken = errors.New("given id taken")
)

// untilFree does create, which assigns ids anew each time, again while one of them turns out to be taken.
func untilFree(create func() error) error {
	for range idTries {
		if err := create(); !errors.Is(err, errIDTaken) {
			return err
		}
	}
	return busy(fmt.Errorf("no free id in %d tries", idTries))
}

// idTaken returns what it means that the id of something new is taken: errIDTaken for one that was assigned here, and a
// conflict for one that was given.
func idTaken(noun string, id fmt.Stringer, assigned bool) error {
	if assigned {
		return errIDTaken
	}
	return &roster.Error{Kind: roster.KindConflict, Message: "the " + noun + " id " + id.String() + " is taken", Cause: errGivenIDTaken}
}

// CreateUser writes a new user with its claims and, unless it is nil, its password, all or nothing, and returns it as
// stored. A zero ID is assigned, and assigned again when it collides; so are zero CreatedAt and UpdatedAt. Its Path must be
// that of an organization that stands.
//
// With a once that was used before it writes nothing: for the same request it returns what was created then, and true,
// and for another one roster.OnceMismatch; where the other has not ended, roster.OnceStillRunning.
//
// An e-mail address or identity that somebody holds is roster.Taken, a given id that is taken is another KindConflict
// error, and a missing organization is KindNotFound. It costs 2 WRU of the table for each KB of the user, 2 for the e-mail
// address, 2 for the credential and 2 for each identity: 6 for a typical user. To those come 2 for an Admin of the root
// organization, and 2 for each KB of the record of a once, which holds the user.
func (t *Table) CreateUser(ctx context.Context, n roster.NewUser, stamp roster.Stamp, once *roster.Once) (roster.User, bool, error) {
	return t.createUser(ctx, n, stamp, once, func(*roster.User) ([]leg, error) { return nil, nil })
}

// createUser is CreateUser with more legs, which beside returns for the user as it will be stored.
func (t *Table) createUser(ctx context.Context, n roster.NewUser, stamp roster.Stamp, once *roster.Once, beside func(*roster.User) ([]leg, error)) (roster.User, bool, error) {
	if err := t.mustStand(ctx, n.User.Tenant, n.User.Path); err != nil {
		return roster.User{}, false, err
	}
	var created roster.User
	assigned := n.User.ID == 0
	err := untilFree(func() error {
		if assigned {
			n.User.ID = t.ids.NewUserID()
		}
		user, legs, err := t.userLegs(n, assigned, stamp)
		if err != nil {
			return err
		}
		more, err := beside(&user)
		if err != nil {
			return err
		}
		created = user
		return t.transactOnce(ctx, user.Tenant, once, made{user: &user}, user.Revision, append(legs, more...))
	})
	if first, ok := errors.AsType[*replayed](err); ok {
		return *first.user, true, nil
	}
	if err != nil {
		return roster.User{}, false, err
	}
	return created, false, nil
}

// CreateUserWithOrganization writes a new organization and its first user in one transaction, and returns both as stored.
// A zero organization ID is assigned a random one, and another when it collides; Path is then the parent's, and is
// completed. The user's organization is the new one, whatever its Path says. For the rest it is CreateUser, and costs 2 WRU
// of the table more.
func (t *Table) CreateUserWithOrganization(ctx context.Context, o roster.Organization, n roster.NewUser, stamp roster.Stamp, once *roster.Once) (roster.Organization, roster.User, bool, error) {
	return t.createUserWithOrganization(ctx, o, n, func(roster.UserID) roster.Stamp { return stamp }, once)
}

// createUserWithOrganization is CreateUserWithOrganization with more legs before its own, and with a stamp that may name the
// user.
func (t *Table) createUserWithOrganization(ctx context.Context, o roster.Organization, n roster.NewUser, stampBy func(roster.UserID) roster.Stamp, once *roster.Once, before ...leg) (roster.Organization, roster.User, bool, error) {
	var first made
	assignedOrg, assignedUser := o.ID == 0, n.User.ID == 0
	parent, err := t.parentOf(ctx, &o)
	if err != nil {
		return roster.Organization{}, roster.User{}, false, err
	}
	err = untilFree(func() error {
		if assignedOrg {
			o.ID = t.ids.NewOrgID()
			o.Path = parent.Child(o.ID)
		}
		if assignedUser {
			n.User.ID = t.ids.NewUserID()
		}
		stamp := stampBy(n.User.ID)
		organization, founding, err := t.organizationLeg(o, assignedOrg, stamp)
		if err != nil {
			return err
		}
		n.User.Tenant, n.User.Path = organization.Tenant, slices.Clone(organization.Path)
		user, legs, err := t.userLegs(n, assignedUser, stamp)
		if err != nil {
			return err
		}
		first = made{user: &user, organization: &organization}
		return t.transactOnce(ctx, user.Tenant, once, first, user.Revision, slices.Concat(before, []leg{founding}, legs))
	})
	earlier, again := errors.AsType[*replayed](err)
	if again {
		first = made(*earlier)
	} else if err != nil {
		return roster.Organization{}, roster.User{}, false, err
	}
	t.standing.remember(first.organization.Tenant, first.organization.Path)
	return *first.organization, *first.user, again, nil
}

// newUser returns the first writing of a user, as it will be stored.
func (t *Table) newUser(user roster.User, stamp roster.Stamp) (roster.User, error) {
	user.Revision = t.firstRevision(stamp)
	if user.CreatedAt.IsZero() {
		user.CreatedAt = user.Revision.ChangedAt
	}
	if user.UpdatedAt.IsZero() {
		user.UpdatedAt = user.CreatedAt
	}
	return asStored(user)
}

// userLegs returns a new user as it will be stored, and all the legs that create it: createLegs, and the count of Admins.
func (t *Table) userLegs(n roster.NewUser, assigned bool, stamp roster.Stamp) (roster.User, []leg, error) {
	user, err := t.newUser(n.User, stamp)
	if err != nil {
		return roster.User{}, nil, err
	}
	legs, err := t.createLegs(&user, n.Credential, assigned)
	if err != nil {
		return roster.User{}, nil, err
	}
	return user, append(legs, t.adminsLegs(nil, &user)...), nil
}

// createLegs returns the legs that create a user but for the count of Admins: the user's own first, then its credential's,
// if any, then its claims'. A deleted user gets neither of those.
func (t *Table) createLegs(user *roster.User, credential *roster.Credential, assigned bool) ([]leg, error) {
	taken := refusal(idTaken("user", user.ID, assigned))
	own, err := t.put(toUserItem(user), ifAbsent(), taken)
	if err != nil {
		return nil, err
	}
	legs := []leg{own}
	if credential != nil && !user.Deleted() {
		c, err := t.put(toCredentialItem(credential, user), ifAbsent(), taken)
		if err != nil {
			return nil, err
		}
		legs = append(legs, c)
	}
	claims, err := t.claimLegs(nil, claimsOf(user), user)
	if err != nil {
		return nil, err
	}
	return append(legs, claims...), nil
}
