package dynamo

import (
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
)

// userItem is a user as it is stored. What is empty, false, zero or "never" is left out, which keeps a typical user
// under 1 KB, one WRU; shard alone may be 0 and must be there all the same. scanuser.go reads the same attributes without
// this struct, and a test holds the two together.
type userItem struct {
	head
	TenantID int32 `dynamodbav:"tenantId"`
	Shard    int   `dynamodbav:"shard"`
	OrgID    int32 `dynamodbav:"orgId"`
	// Kind moves a deleted user to a list of its own in the index organization.
	Kind string `dynamodbav:"kind"`
	ID   int64  `dynamodbav:"id"`
	Path string `dynamodbav:"path"`

	Email           string `dynamodbav:"email"`
	EmailBounced    bool   `dynamodbav:"emailBounced,omitempty"`
	EmailComplained bool   `dynamodbav:"emailComplained,omitempty"`
	Name            string `dynamodbav:"name,omitempty"`
	GivenName       string `dynamodbav:"givenName,omitempty"`
	FamilyName      string `dynamodbav:"familyName,omitempty"`
	Nickname        string `dynamodbav:"nickname,omitempty"`
	Username        string `dynamodbav:"username,omitempty"`
	Title           string `dynamodbav:"title,omitempty"`
	PhoneNumber     string `dynamodbav:"phoneNumber,omitempty"`
	Address         string `dynamodbav:"address,omitempty"`
	Country         string `dynamodbav:"country,omitempty"`
	City            string `dynamodbav:"city,omitempty"`
	State           string `dynamodbav:"state,omitempty"`
	Zip             string `dynamodbav:"zip,omitempty"`
	TimeZone        string `dynamodbav:"timeZone,omitempty"`
	Locale          string `dynamodbav:"locale,omitempty"`

	Roles  []int32 `dynamodbav:"roles,omitempty"`
	Status string  `dynamodbav:"status"`

	Developer   bool `dynamodbav:"developer,omitempty"`
	DarkMode    bool `dynamodbav:"darkMode,omitempty"`
	DeviceCount int  `dynamodbav:"deviceCount,omitempty"`

	Seniority                string         `dynamodbav:"seniority,omitempty"`
	Department               string         `dynamodbav:"department,omitempty"`
	Office                   string         `dynamodbav:"office,omitempty"`
	Subdepartment            string         `dynamodbav:"subdepartment,omitempty"`
	Pod                      string         `dynamodbav:"pod,omitempty"`
	Groups                   []int64        `dynamodbav:"groups,omitempty"`
	SuperDelegate            bool           `dynamodbav:"superDelegate,omitempty"`
	SuperDelegatePermissions []string       `dynamodbav:"superDelegatePermissions,omitempty"`
	Delegates                []delegateItem `dynamodbav:"delegates,omitempty"`
	Identities               []identityItem `dynamodbav:"identities,omitempty"`

	DeviceType   string `dynamodbav:"deviceType,omitempty"`
	DeviceUserID string `dynamodbav:"deviceUserId,omitempty"`
	PublicKey    string `dynamodbav:"publicKey,omitempty"`
	ViewAll      bool   `dynamodbav:"viewAll,omitempty"`

	LoginViaBadge    bool  `dynamodbav:"loginViaBadge,omitempty"`
	DefaultWarehouse int64 `dynamodbav:"defaultWarehouse,omitempty"`

	// The times are in Unix milliseconds, but ExpiresAt, the time to live, in Unix seconds.
	CreatedAt    int64 `dynamodbav:"createdAt,omitempty"`
	UpdatedAt    int64 `dynamodbav:"updatedAt,omitempty"`
	RegisteredAt int64 `dynamodbav:"registeredAt,omitempty"`
	LastLoginAt  int64 `dynamodbav:"lastLoginAt,omitempty"`
	DeletedAt    int64 `dynamodbav:"deletedAt,omitempty"`
	ExpiresAt    int64 `dynamodbav:"expiresAt,omitempty"`
}

// delegateItem is a Delegate inside of a user's item.
type delegateItem struct {
	User        int64    `dynamodbav:"user"`
	Permissions []string `dynamodbav:"permissions,omitempty"`
}

// identityItem is an Identity inside of a user's item.
type identityItem struct {
	Type  string `dynamodbav:"type"`
	Value string `dynamodbav:"value"`
}

func toUserItem(u *roster.User) *userItem {
	kind := kindUser
	if u.Deleted() {
		kind = kindDeletedUser
	}
	return &userItem{
		head:     newHead(userKey(u.Tenant, u.ID), typeUser, u.Revision),
		TenantID: int32(u.Tenant), Shard: roster.Shard(u.ID), OrgID: int32(u.Org()), Kind: kind, ID: int64(u.ID), Path: u.Path.String(),
		Email: string(u.Email), Name: u.Name, GivenName: u.GivenName, FamilyName: u.FamilyName, Nickname: u.Nickname,
		Username: u.Username, Title: u.Title, PhoneNumber: u.PhoneNumber,
		Address: u.Address.Full, Country: u.Address.Country, City: u.Address.City, State: u.Address.State, Zip: u.Address.Zip,
		TimeZone: u.TimeZone, Locale: u.Locale,
		Roles: convert[int32](u.Roles), Status: u.Status.String(),
		Developer: u.Developer, DarkMode: u.DarkMode, DeviceCount: u.DeviceCount,
		Seniority: u.Seniority, Department: u.Department, Office: u.Office, Subdepartment: u.Subdepartment, Pod: u.Pod,
		Groups: convert[int64](u.Groups), SuperDelegate: u.SuperDelegate, SuperDelegatePermissions: orNil(u.SuperDelegatePermissions),
		Delegates: toDelegateItems(u.Delegates), Identities: toIdentityItems(u.Identities),
		EmailBounced: u.EmailBounced, EmailComplained: u.EmailComplained,
		DeviceType: u.DeviceType.String(), DeviceUserID: u.DeviceUserID, PublicKey: u.PublicKey, ViewAll: u.ViewAll,
		LoginViaBadge: u.LoginViaBadge, DefaultWarehouse: int64(u.DefaultWarehouse),
		CreatedAt: millis(u.CreatedAt), UpdatedAt: millis(u.UpdatedAt), RegisteredAt: millis(u.RegisteredAt),
		LastLoginAt: millis(u.LastLoginAt), DeletedAt: millis(u.DeletedAt), ExpiresAt: ttl(u.ExpiresAt),
	}
}

// noun returns the user that the item stores.
func (i *userItem) noun() (roster.User, error) {
	if err := i.is(typeUser); err != nil {
		return roster.User{}, err
	}
	path, err := roster.ParseOrgPath(i.Path)
	if err != nil {
		return roster.User{}, fmt.Errorf("item %s: %w", i.PK, err)
	}
	status, ok := roster.ParseStatus(i.Status)
	if !ok {
		return roster.User{}, fmt.Errorf("item %s has the unknown status %q", i.PK, i.Status)
	}
	deviceType, ok := roster.ParseDeviceType(i.DeviceType)
	if !ok {
		return roster.User{}, fmt.Errorf("item %s has the unknown device type %q", i.PK, i.DeviceType)
	}
	return roster.User{
		Tenant: roster.TenantID(i.TenantID), ID: roster.UserID(i.ID), Path: path,
		Email: roster.Email(i.Email), Name: i.Name, GivenName: i.GivenName, FamilyName: i.FamilyName, Nickname: i.Nickname,
		Username: i.Username, Title: i.Title, PhoneNumber: i.PhoneNumber,
		Address:  roster.Address{Full: i.Address, Country: i.Country, City: i.City, State: i.State, Zip: i.Zip},
		TimeZone: i.TimeZone, Locale: i.Locale,
		Roles: convert[roster.RoleID](i.Roles), Status: status,
		Developer: i.Developer, DarkMode: i.DarkMode, DeviceCount: i.DeviceCount,
		Seniority: i.Seniority, Department: i.Department, Office: i.Office, Subdepartment: i.Subdepartment, Pod: i.Pod,
		Groups: convert[roster.GroupID](i.Groups), SuperDelegate: i.SuperDelegate, SuperDelegatePermissions: i.SuperDelegatePermissions,
		Delegates: fromDelegateItems(i.Delegates), Identities: fromIdentityItems(i.Identities),
		EmailBounced: i.EmailBounced, EmailComplained: i.EmailComplained,
		DeviceType: deviceType, DeviceUserID: i.DeviceUserID, PublicKey: i.PublicKey, ViewAll: i.ViewAll,
		LoginViaBadge: i.LoginViaBadge, DefaultWarehouse: roster.WarehouseID(i.DefaultWarehouse),
		CreatedAt: fromMillis(i.CreatedAt), UpdatedAt: fromMillis(i.UpdatedAt), RegisteredAt: fromMillis(i.RegisteredAt),
		LastLoginAt: fromMillis(i.LastLoginAt), DeletedAt: fromMillis(i.DeletedAt), ExpiresAt: fromTTL(i.ExpiresAt),
		Revision: i.revision(),
	}, nil
}

// asStored returns the user as reading it back would: with its times at the precision that is stored.
func asStored(u roster.User) (roster.User, error) { return toUserItem(&u).noun() }

// convert returns the numbers of one type as numbers of another, nil for none.
func convert[To, From ~int32 | ~int64](from []From) []To {
	if len(from) == 0 {
		return nil
	}
	to := make([]To, len(from))
	for i, n := range from {
		to[i] = To(n)
	}
	return to
}

// orNil returns the list, nil where it is empty: the encoder leaves out a list that is nil, but stores an empty one.
func orNil(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

func toDelegateItems(delegates []roster.Delegate) []delegateItem {
	if len(delegates) == 0 {
		return nil
	}
	items := make([]delegateItem, len(delegates))
	for i, d := range delegates {
		items[i] = delegateItem{User: int64(d.User), Permissions: orNil(d.Permissions)}
	}
	return items
}

func fromDelegateItems(items []delegateItem) []roster.Delegate {
	if len(items) == 0 {
		return nil
	}
	delegates := make([]roster.Delegate, len(items))
	for i, d := range items {
		delegates[i] = roster.Delegate{User: roster.UserID(d.User), Permissions: d.Permissions}
	}
	return delegates
}

func toIdentityItems(identities []roster.Identity) []identityItem {
	if len(identities) == 0 {
		return nil
	}
	items := make([]identityItem, len(identities))
	for i, d := range identities {
		items[i] = identityItem(d)
	}
	return items
}

func fromIdentityItems(items []identityItem) []roster.Identity {
	if len(items) == 0 {
		return nil
	}
	identities := make([]roster.Identity, len(items))
	for i, d := range items {
		identities[i] = roster.Identity(d)
	}
	return identities
}
