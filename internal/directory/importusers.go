package directory

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// UserOutcome is what became of one user of Import.Users: Err is nil if Outcome holds.
type UserOutcome struct {
	Outcome Outcome
	Err     error
}

// Users brings in users, each with everything that belongs to it or not at all, and returns what became of each. Only
// the last id of a path matters, the organization's. What a user lacks is filled in where there is one right answer:
// the id, the full name or its parts from the other, the role User, the status Active, the time it was created and
// updated. The derived path is the organization's.
//
// A user that breaks a field rule is a KindInvalid error; one whose organization, role, group or warehouse is
// unknown is KindNotFound;
// one whose e-mail address, identity or id somebody else has is KindConflict. Of users in one call that claim the same,
// the first gets it.
func (i *Import) Users(ctx context.Context, users []roster.NewUser) []UserOutcome {
	outcomes := make([]UserOutcome, len(users))
	if err := i.readReferences(ctx, users); err != nil {
		for n := range outcomes {
			outcomes[n].Err = err
		}
		return outcomes
	}
	var (
		wanted   []roster.NewUser
		position []int
	)
	for n := range users {
		user := users[n]
		user.User = *user.User.Clone()
		if err := i.complete(ctx, &user); err != nil {
			outcomes[n].Err = err
			continue
		}
		if user.User.Expired(i.now()) {
			outcomes[n].Outcome = Expired
			continue
		}
		wanted, position = append(wanted, user), append(position, n)
	}
	for k, created := range i.store.CreateUsers(ctx, wanted, i.stamp) {
		if created.Existed {
			outcomes[position[k]].Outcome = Existed
			continue
		}
		outcomes[position[k]] = i.outcome(ctx, &wanted[k], &users[position[k]].User, created.Err)
	}
	return outcomes
}

// readReferences reads what the users may refer to. Groups and warehouses are read for those who have one.
func (i *Import) readReferences(ctx context.Context, users []roster.NewUser) error {
	if err := i.readRoles(ctx); err != nil {
		return err
	}
	if slices.ContainsFunc(users, func(n roster.NewUser) bool { return len(n.User.Groups) > 0 }) {
		if err := i.readGroups(ctx); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(users, func(n roster.NewUser) bool { return n.User.DefaultWarehouse != 0 }) {
		return i.readWarehouses(ctx)
	}
	return nil
}

// outcome makes sense of what CreateUsers said of a user. asked is the user as it was given, before it was completed.
func (i *Import) outcome(ctx context.Context, user *roster.NewUser, asked *roster.User, err error) UserOutcome {
	if err == nil {
		return UserOutcome{Outcome: Created}
	}
	if roster.KindOf(err) != roster.KindConflict {
		return UserOutcome{Err: err}
	}
	stored, readErr := i.stored(ctx, asked)
	if readErr != nil {
		return UserOutcome{Err: orConflict(readErr, err)}
	}
	outcome, err := existed("user "+stored.ID.String(), differences(asked, &user.User, &stored))
	return UserOutcome{Outcome: outcome, Err: err}
}

// stored returns the user of the tenant that is meant by the one given: the one of its id, or, where it has none, of
// its e-mail address.
func (i *Import) stored(ctx context.Context, asked *roster.User) (roster.User, error) {
	id := asked.ID
	if id == 0 {
		tenant, owner, err := i.store.EmailOwner(ctx, asked.Email)
		if err != nil {
			return roster.User{}, err
		}
		if tenant != i.tenant {
			return roster.User{}, roster.NotFound("user")
		}
		id = owner
	}
	return i.store.UserEvenDeleted(ctx, i.tenant, id)
}

// complete fills in what the user lacks and checks it.
func (i *Import) complete(ctx context.Context, n *roster.NewUser) error {
	u := &n.User
	u.Tenant, u.Revision = i.tenant, roster.Revision{}
	path, err := i.path(ctx, u.Path.Last())
	if err != nil {
		return rename(err, "organization")
	}
	u.Path = slices.Clone(path)
	completeNames(u)
	if u.Status == 0 {
		u.Status = roster.StatusActive
	}
	if len(u.Roles) == 0 {
		u.Roles = []roster.RoleID{roster.RoleUser}
	}
	i.completeTimes(u)
	if err := i.check(u, n.Credential); err != nil {
		return err
	}
	for _, role := range u.Roles {
		if !i.roleExists(role) {
			return rename(&roster.Error{Kind: roster.KindNotFound, Message: "role " + role.String() + " is not in tenant " + i.tenant.String()}, "roles")
		}
	}
	for _, group := range u.Groups {
		if !i.groupExists(group) {
			return rename(&roster.Error{Kind: roster.KindNotFound, Message: "group " + group.String() + " is not in tenant " + i.tenant.String()}, "groups")
		}
	}
	if w := u.DefaultWarehouse; w != 0 && !i.warehouseExists(w) {
		return rename(&roster.Error{Kind: roster.KindNotFound, Message: "warehouse " + w.String() + " is not in tenant " + i.tenant.String()}, "defaultWarehouse")
	}
	if n.Credential != nil {
		c := *n.Credential
		c.Tenant, c.User, c.ChangedAt = u.Tenant, u.ID, i.given(c.ChangedAt)
		n.Credential = &c
	}
	return nil
}

// completeNames derives one form of a user's name from the other, where only one is given.
func completeNames(u *roster.User) {
	switch {
	case u.Name == "":
		u.Name = roster.JoinName(u.GivenName, u.FamilyName)
	case u.GivenName == "" && u.FamilyName == "":
		u.GivenName, u.FamilyName = roster.SplitName(u.Name)
	}
}

func (i *Import) completeTimes(u *roster.User) {
	for _, t := range []*time.Time{&u.UpdatedAt, &u.RegisteredAt, &u.LastLoginAt, &u.DeletedAt} {
		if !t.IsZero() {
			*t = t.UTC().Truncate(time.Millisecond)
		}
	}
	u.CreatedAt = i.given(u.CreatedAt)
	if u.UpdatedAt.IsZero() {
		u.UpdatedAt = u.CreatedAt
	}
	// Whoever is not Pending has taken up the account.
	if u.RegisteredAt.IsZero() && u.Status != roster.StatusPending {
		u.RegisteredAt = u.CreatedAt
	}
}

// check reports every rule that a user breaks, as one error. Its id may be missing.
func (i *Import) check(u *roster.User, credential *roster.Credential) error {
	var errs roster.FieldErrors
	with := *u
	if with.ID == 0 {
		// No delegate is refused for being the user itself, whose id is not known yet.
		with.ID = roster.MaxUserID
	}
	if err := with.Validate(); err != nil {
		e, ok := errors.AsType[*roster.Error](err)
		if !ok {
			return err
		}
		errs = append(errs, e.Fields...)
	}
	if u.Deleted() == u.ExpiresAt.IsZero() {
		errs.Add("expiresAt", "must be there if and only if deletedAt is")
	}
	if credential != nil {
		switch {
		case u.Deleted():
			errs.Add("passwordHash", "must not be there on a deleted user")
		case !i.knownHash(credential.PasswordHash):
			errs.Add("passwordHash", "must be a hash that logins can be checked against")
		}
	}
	return errs.Err()
}

// differences names what the stored user says otherwise than the completed record. What the record did not say, as
// asked shows, is no difference, nor is what changes by itself while somebody uses the account: the last login, the
// devices, the time of the last change.
func differences(asked, completed, stored *roster.User) []string {
	var other []string
	a, b := completed, stored
	note(&other, "id", asked.ID == 0 || a.ID == b.ID)
	note(&other, "organization", a.Org() == b.Org())
	for _, f := range []struct{ field, a, b string }{
		{"email", string(a.Email), string(b.Email)},
		{"name", a.Name, b.Name},
		{"givenName", a.GivenName, b.GivenName},
		{"familyName", a.FamilyName, b.FamilyName},
		{"nickname", a.Nickname, b.Nickname},
		{"username", a.Username, b.Username},
		{"title", a.Title, b.Title},
		{"phoneNumber", a.PhoneNumber, b.PhoneNumber},
		{"timeZone", a.TimeZone, b.TimeZone},
		{"locale", a.Locale, b.Locale},
		{"status", a.Status.String(), b.Status.String()},
		{"seniority", a.Seniority, b.Seniority},
		{"department", a.Department, b.Department},
		{"office", a.Office, b.Office},
		{"subdepartment", a.Subdepartment, b.Subdepartment},
		{"pod", a.Pod, b.Pod},
		{"deviceType", a.DeviceType.String(), b.DeviceType.String()},
		{"deviceUserId", a.DeviceUserID, b.DeviceUserID},
		{"publicKey", a.PublicKey, b.PublicKey},
	} {
		note(&other, f.field, f.a == f.b)
	}
	note(&other, "address", a.Address == b.Address)
	note(&other, "roles", slices.Equal(a.Roles, b.Roles))
	note(&other, "developer", a.Developer == b.Developer)
	note(&other, "darkMode", a.DarkMode == b.DarkMode)
	note(&other, "groups", slices.Equal(a.Groups, b.Groups))
	note(&other, "superDelegate", a.SuperDelegate == b.SuperDelegate)
	note(&other, "superDelegatePermissions", slices.Equal(a.SuperDelegatePermissions, b.SuperDelegatePermissions))
	note(&other, "delegates", slices.EqualFunc(a.Delegates, b.Delegates, roster.Delegate.Same))
	note(&other, "identities", slices.Equal(a.Identities, b.Identities))
	note(&other, "emailBounced", a.EmailBounced == b.EmailBounced)
	note(&other, "emailComplained", a.EmailComplained == b.EmailComplained)
	note(&other, "viewAll", a.ViewAll == b.ViewAll)
	note(&other, "loginViaBadge", a.LoginViaBadge == b.LoginViaBadge)
	note(&other, "defaultWarehouse", a.DefaultWarehouse == b.DefaultWarehouse)
	note(&other, "createdAt", asked.CreatedAt.IsZero() || a.CreatedAt.Equal(b.CreatedAt))
	note(&other, "registeredAt", asked.RegisteredAt.IsZero() || a.RegisteredAt.Equal(b.RegisteredAt))
	note(&other, "deletedAt", a.DeletedAt.Equal(b.DeletedAt))
	return other
}
