package demo

import (
	"fmt"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// credentials is the file in which other programs find how to get in, such as .roster/demo.json.
type credentials struct {
	BaseURL      string                  `json:"baseUrl"`
	Organization organizationCredentials `json:"organization"`
}

// organizationCredentials are those of the organization dialect.
type organizationCredentials struct {
	ClientID      roster.ClientID `json:"clientId"`
	ClientSecret  string          `json:"clientSecret"`
	AdminUsername roster.Email    `json:"adminUsername"`
	AdminPassword string          `json:"adminPassword"`
	OrgID         roster.OrgID    `json:"orgId"`
}

// WriteFile writes how to get in to path, readable by its owner only.
func (t *Tenant) WriteFile(path, baseURL string) error {
	return writeSecret(path, credentials{BaseURL: baseURL, Organization: organizationCredentials{
		ClientID: t.ClientID, ClientSecret: t.ClientSecret,
		AdminUsername: t.AdminEmail, AdminPassword: t.AdminPassword, OrgID: t.ID.Root(),
	}})
}

// Tour returns the commands to try, each a line to copy.
func (t *Tenant) Tour(baseURL string) string {
	token := fmt.Sprintf(`$(curl -s -u '%s:%s' -d grant_type=client_credentials %s/oauth2/token | sed 's/.*"access_token":"//; s/".*//')`, t.ClientID, t.ClientSecret, baseURL)
	login := fmt.Sprintf(`$(curl -s -u '%s:%s' -d grant_type=user_credentials --data-urlencode username=%s --data-urlencode password=%s %s/oauth2/token | sed 's/.*"access_token":"//; s/".*//')`,
		t.ClientID, t.ClientSecret, t.AdminEmail, t.AdminPassword, baseURL)
	api := baseURL + "/api/v1/organization"
	var b strings.Builder
	for _, step := range []struct{ what, command string }{
		{"Search, all in one line", fmt.Sprintf(`curl -s -H "Authorization: Bearer %s" '%s/search/users?query=ann&sortBy=Name&size=5'`, token, api)},
		{"A token to keep, as the client", "TOKEN=" + token},
		{"Page 100 of everybody, newest first", fmt.Sprintf(`curl -s -H "Authorization: Bearer $TOKEN" '%s/search/users?query=@&sortBy=Registered%%20At&sortOrder=DESC&page=99&size=50'`, api)},
		{"The users of the root organization, and of all below it", fmt.Sprintf(`curl -s -H "Authorization: Bearer $TOKEN" '%s/users?includeSubOrgUsers=true&size=3'`, api)},
		{"The profile of the Admin, logged in", fmt.Sprintf(`curl -s -H "Authorization: Bearer %s" %s/user/profile`, login, api)},
		{"Create a user, once however often this is sent with the same key", fmt.Sprintf(`curl -s -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%%s)" -H 'Content-Type: application/json' -d '{"email":"zoe.'$(date +%%s)'@roster.example","password":"a sample password","name":"Zoë Lind","orgId":%d,"roleId":3}' %s/users/create-in-org`, t.ID, api)},
		{"Who did what in the root organization, newest first; what was just done is there after a moment", fmt.Sprintf(`curl -s -H "Authorization: Bearer $TOKEN" '%s/audit?size=3'`, api)},
		{"What is said without a token", fmt.Sprintf(`curl -si %s/users`, api)},
	} {
		fmt.Fprintf(&b, "  # %s\n  %s\n\n", step.what, step.command)
	}
	return b.String()
}
