package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// sdkFeed reads a change feed as one would who has no scanner: the SDK decodes each page, and its package attributevalue
// makes structs of the items. Users only; a test compares them with those of package dynamo.
type sdkFeed struct{ client *dynamodb.Client }

// sdkUser is a user's item.
type sdkUser struct {
	Type      string `dynamodbav:"type"`
	Version   int64  `dynamodbav:"version"`
	ChangedAt int64  `dynamodbav:"changedAt"`
	ChangedBy string `dynamodbav:"changedBy"`
	TenantID  int32  `dynamodbav:"tenantId"`
	ID        int64  `dynamodbav:"id"`
	Path      string `dynamodbav:"path"`

	Email       string `dynamodbav:"email"`
	Name        string `dynamodbav:"name"`
	GivenName   string `dynamodbav:"givenName"`
	FamilyName  string `dynamodbav:"familyName"`
	Nickname    string `dynamodbav:"nickname"`
	Username    string `dynamodbav:"username"`
	Title       string `dynamodbav:"title"`
	PhoneNumber string `dynamodbav:"phoneNumber"`
	Address     string `dynamodbav:"address"`
	Country     string `dynamodbav:"country"`
	City        string `dynamodbav:"city"`
	State       string `dynamodbav:"state"`
	Zip         string `dynamodbav:"zip"`
	TimeZone    string `dynamodbav:"timeZone"`
	Locale      string `dynamodbav:"locale"`

	Roles  []roster.RoleID `dynamodbav:"roles"`
	Status string          `dynamodbav:"status"`

	Developer   bool `dynamodbav:"developer"`
	DarkMode    bool `dynamodbav:"darkMode"`
	DeviceCount int  `dynamodbav:"deviceCount"`

	Seniority                string           `dynamodbav:"seniority"`
	Department               string           `dynamodbav:"department"`
	Office                   string           `dynamodbav:"office"`
	Subdepartment            string           `dynamodbav:"subdepartment"`
	Pod                      string           `dynamodbav:"pod"`
	Groups                   []roster.GroupID `dynamodbav:"groups"`
	SuperDelegate            bool             `dynamodbav:"superDelegate"`
	SuperDelegatePermissions []string         `dynamodbav:"superDelegatePermissions"`
	Delegates                []sdkDelegate    `dynamodbav:"delegates"`
	Identities               []sdkIdentity    `dynamodbav:"identities"`

	DeviceType   string `dynamodbav:"deviceType"`
	DeviceUserID string `dynamodbav:"deviceUserId"`
	PublicKey    string `dynamodbav:"publicKey"`
	ViewAll      bool   `dynamodbav:"viewAll"`

	LoginViaBadge    bool  `dynamodbav:"loginViaBadge"`
	DefaultWarehouse int64 `dynamodbav:"defaultWarehouse"`

	CreatedAt    int64 `dynamodbav:"createdAt"`
	UpdatedAt    int64 `dynamodbav:"updatedAt"`
	RegisteredAt int64 `dynamodbav:"registeredAt"`
	LastLoginAt  int64 `dynamodbav:"lastLoginAt"`
}

type sdkDelegate struct {
	User        int64    `dynamodbav:"user"`
	Permissions []string `dynamodbav:"permissions"`
}

type sdkIdentity struct {
	Type  string `dynamodbav:"type"`
	Value string `dynamodbav:"value"`
}

// Changes reads the shard's users. It knows no since, as a cold load needs none.
func (f *sdkFeed) Changes(ctx context.Context, tenant roster.TenantID, shard int, _ time.Time, visit func(roster.Change) error) error {
	number := func(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }
	query := &dynamodb.QueryInput{
		TableName: aws.String("canned"), IndexName: aws.String("search"),
		KeyConditionExpression:    aws.String("tenantId = :tenant AND #shard = :shard"),
		ExpressionAttributeNames:  map[string]string{"#shard": "shard"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":tenant": number(int(tenant)), ":shard": number(shard)},
	}
	for pages := dynamodb.NewQueryPaginator(f.client, query); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var items []sdkUser
		if err := attributevalue.UnmarshalListOfMaps(page.Items, &items); err != nil {
			return err
		}
		for i := range items {
			user, err := items[i].noun()
			if err != nil {
				return err
			}
			if err := visit(roster.Change{User: &user}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (i *sdkUser) noun() (roster.User, error) {
	path, err := roster.ParseOrgPath(i.Path)
	if err != nil {
		return roster.User{}, err
	}
	status, ok := roster.ParseStatus(i.Status)
	if !ok {
		return roster.User{}, fmt.Errorf("unknown status %q", i.Status)
	}
	deviceType, ok := roster.ParseDeviceType(i.DeviceType)
	if !ok {
		return roster.User{}, fmt.Errorf("unknown device type %q", i.DeviceType)
	}
	u := roster.User{
		Tenant: roster.TenantID(i.TenantID), ID: roster.UserID(i.ID), Path: path,
		Email: roster.Email(i.Email), Name: i.Name, GivenName: i.GivenName, FamilyName: i.FamilyName, Nickname: i.Nickname,
		Username: i.Username, Title: i.Title, PhoneNumber: i.PhoneNumber,
		Address:  roster.Address{Full: i.Address, Country: i.Country, City: i.City, State: i.State, Zip: i.Zip},
		TimeZone: i.TimeZone, Locale: i.Locale, Roles: i.Roles, Status: status,
		Developer: i.Developer, DarkMode: i.DarkMode, DeviceCount: i.DeviceCount,
		Seniority: i.Seniority, Department: i.Department, Office: i.Office, Subdepartment: i.Subdepartment, Pod: i.Pod,
		Groups: i.Groups, SuperDelegate: i.SuperDelegate, SuperDelegatePermissions: i.SuperDelegatePermissions,
		DeviceType: deviceType, DeviceUserID: i.DeviceUserID, PublicKey: i.PublicKey, ViewAll: i.ViewAll,
		LoginViaBadge: i.LoginViaBadge, DefaultWarehouse: roster.WarehouseID(i.DefaultWarehouse),
		CreatedAt: moment(i.CreatedAt), UpdatedAt: moment(i.UpdatedAt), RegisteredAt: moment(i.RegisteredAt), LastLoginAt: moment(i.LastLoginAt),
	}
	u.Revision.Version, u.Revision.ChangedAt, u.Revision.Stamp.By = i.Version, moment(i.ChangedAt), i.ChangedBy
	for _, d := range i.Delegates {
		u.Delegates = append(u.Delegates, roster.Delegate{User: roster.UserID(d.User), Permissions: d.Permissions})
	}
	for _, identity := range i.Identities {
		u.Identities = append(u.Identities, roster.Identity{Type: identity.Type, Value: identity.Value})
	}
	return u, nil
}

// moment returns the time of Unix milliseconds, the zero time for none.
func moment(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}
