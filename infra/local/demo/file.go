package demo

import (
	"fmt"
	"strings"

	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/roster"
)

// credentials is the file in which other programs find how to get in, such as .roster/demo.json.
type credentials struct {
	BaseURL      string                  `json:"baseUrl"`
	Organization organizationCredentials `json:"organization"`
	Customers    customersCredentials    `json:"customers"`
	Workspace    workspaceCredentials    `json:"workspace"`
	Global       globalCredentials       `json:"global"`
}

// organizationCredentials are those of the organization dialect.
type organizationCredentials struct {
	ClientID      roster.ClientID `json:"clientId"`
	ClientSecret  string          `json:"clientSecret"`
	AdminUsername roster.Email    `json:"adminUsername"`
	AdminPassword string          `json:"adminPassword"`
	OrgID         roster.OrgID    `json:"orgId"`
}

// customersCredentials are those of the customers dialect: the same client, whose organization is the customer.
type customersCredentials struct {
	ClientID     roster.ClientID `json:"clientId"`
	ClientSecret string          `json:"clientSecret"`
	Audience     string          `json:"audience"`
	CustomerID   string          `json:"customerId"`
}

// workspaceCredentials are those of the workspace dialect: an API key, and the workspace by its name.
type workspaceCredentials struct {
	Workspace    string          `json:"workspace"`
	APIKeyID     roster.ClientID `json:"apiKeyId"`
	APIKeySecret string          `json:"apiKeySecret"`
}

// globalCredentials are those of the global dialect: the token of an integration of the root organization, which never expires.
type globalCredentials struct {
	Token string `json:"token"`
}

// WriteFile writes how to get in to path, readable by its owner only. audience is the one of access tokens.
func (t *Tenant) WriteFile(path, baseURL, audience string) error {
	return writeSecret(path, credentials{
		BaseURL: baseURL,
		Organization: organizationCredentials{
			ClientID: t.ClientID, ClientSecret: t.ClientSecret,
			AdminUsername: t.AdminEmail, AdminPassword: t.AdminPassword, OrgID: t.ID.Root(),
		},
		Customers: customersCredentials{
			ClientID: t.ClientID, ClientSecret: t.ClientSecret, Audience: audience, CustomerID: t.customerID(),
		},
		Workspace: workspaceCredentials{Workspace: t.Name, APIKeyID: t.APIKeyID, APIKeySecret: t.APIKeySecret},
		Global:    globalCredentials{Token: t.Integration.Token},
	})
}

// customerID is the root organization as the customers dialect writes it.
func (t *Tenant) customerID() string { return customers.OrganizationID(t.ID.Root()) }

// Tour returns the commands to try, each a line to copy. audience is the one of access tokens. outbox is the address of the page that
// shows what was sent, without a slash at the end; beside it is the same as JSON.
func (t *Tenant) Tour(baseURL, audience, outbox string) string {
	token := fmt.Sprintf(`$(curl -s -u '%s:%s' -d grant_type=client_credentials %s/oauth2/token | sed 's/.*"access_token":"//; s/".*//')`, t.ClientID, t.ClientSecret, baseURL)
	login := fmt.Sprintf(`$(curl -s -u '%s:%s' -d grant_type=user_credentials --data-urlencode username=%s --data-urlencode password=%s %s/oauth2/token | sed 's/.*"access_token":"//; s/".*//')`,
		t.ClientID, t.ClientSecret, t.AdminEmail, t.AdminPassword, baseURL)
	api, users, global := baseURL+"/api/v1/organization", baseURL+"/api/v1/customers/"+t.customerID()+"/users", baseURL+"/api/global/v1/system/users"
	var b strings.Builder
	for _, step := range []struct{ what, command string }{
		{"Search, all in one line", fmt.Sprintf(`curl -s -H "Authorization: Bearer %s" '%s/search/users?query=ann&sortBy=Name&size=5'`, token, api)},
		{"A token to keep, as the client", "TOKEN=" + token},
		{"Page 100 of everybody, newest first", fmt.Sprintf(`curl -s -H "Authorization: Bearer $TOKEN" '%s/search/users?query=@&sortBy=Registered%%20At&sortOrder=DESC&page=99&size=50'`, api)},
		{"The users of the root organization, and of all below it", fmt.Sprintf(`curl -s -H "Authorization: Bearer $TOKEN" '%s/users?includeSubOrgUsers=true&size=3'`, api)},
		{"The profile of the Admin, logged in", fmt.Sprintf(`curl -s -H "Authorization: Bearer %s" %s/user/profile`, login, api)},
		{"Create a user, once however often this is sent with the same key", fmt.Sprintf(`curl -s -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%%s)" -H 'Content-Type: application/json' -d '{"email":"zoe.'$(date +%%s)'@roster.example","password":"a sample password","name":"Zoë Lind","orgId":%d,"roleId":3}' %s/users/create-in-org`, t.ID, api)},
		{"Invite somebody, in Portuguese; the mail is at " + outbox, fmt.Sprintf(`EMAIL=ana.$(date +%%s)@roster.example; curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"email":"'$EMAIL'","name":"Ana Souza","roleId":3,"locale":"pt_BR"}' %s/users/invite`, api)},
		{"The link in that mail, which leads to a page for a browser", fmt.Sprintf(`until LINK=$(curl -s "%s.json?to=$EMAIL" | sed -n 's/.*"link":"\([^"]*\)".*/\1/p' | head -n 1); test -n "$LINK"; do sleep 1; done; echo "$LINK"`, outbox)},
		{"Accept without a browser", `curl -s -H 'Content-Type: application/json' -d '{"name":"Ana Souza","password":"a sample password"}' "$LINK"`},
		{"A phone for the Admin", fmt.Sprintf(`LOGIN=%s; curl -s -H "Authorization: Bearer $LOGIN" -H 'Content-Type: application/json' -d '{"token":"the-token-of-a-phone","deviceName":"A phone"}' %s/users/fcm-token/register`, login, api)},
		{"A push message to it, which the outbox shows too", fmt.Sprintf(`ME=$(curl -s -H "Authorization: Bearer $LOGIN" %s/user/profile | sed 's/^{"id":\([0-9]*\).*/\1/'); curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"userId":'$ME',"title":"Device alert","body":"The boiler is hot."}' %s/users/send-push-notification`, api, api)},
		{"Forgot the password? Another mail, to " + string(t.AdminEmail), fmt.Sprintf(`curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"email":"%s"}' %s/users/reset-password`, t.AdminEmail, api)},
		{"Who did what in the root organization, newest first; what was just done is there after a moment", fmt.Sprintf(`curl -s -H "Authorization: Bearer $TOKEN" '%s/audit?size=3'`, api)},
		{"The same people in the customers dialect, which has a token call of its own", fmt.Sprintf(`CUSTOMERS=$(curl -s -H 'Content-Type: application/json' -d '{"client_id":"%s","client_secret":"%s","audience":"%s","grant_type":"client_credentials"}' %s/api/v1/oauth/token | sed 's/.*"access_token":"//; s/".*//')`, t.ClientID, t.ClientSecret, audience, baseURL)},
		{"The Admin there", fmt.Sprintf(`curl -s -H "Authorization: Bearer $CUSTOMERS" '%s?search=%s'`, users, t.AdminEmail)},
		{"Whom an integration knows, and by what", fmt.Sprintf(`curl -s -H "Authorization: Bearer $CUSTOMERS" '%s?integration=cloud-assistant-microsoft-teams'`, users)},
		{"A nickname for the Admin", fmt.Sprintf(`WHO=$(curl -s -H "Authorization: Bearer $CUSTOMERS" '%s?search=%s' | sed 's/^[^"]*"_id":"\([^"]*\)".*/\1/'); curl -s -X PATCH -H "Authorization: Bearer $CUSTOMERS" -H 'Content-Type: application/json' -d '{"nickname":"The Countess"}' "%s/$WHO"`, users, t.AdminEmail, users)},
		{"The same people in the workspace dialect, where a program is a user of its own", fmt.Sprintf(`WORKSPACE=$(curl -s -H 'Content-Type: application/json' -d '{"workspace":"%d","apiKeyId":"%s","apiKeySecret":"%s"}' %s/auth/token | sed 's/.*"accessToken":"//; s/".*//')`, t.ID, t.APIKeyID, t.APIKeySecret, baseURL)},
		{"Who that is", fmt.Sprintf(`curl -s -H "Authorization: Bearer $WORKSPACE" %s/users/me`, baseURL)},
		{"The second page of the operators there, by name", fmt.Sprintf(`curl -s -H "Authorization: Bearer $WORKSPACE" '%s/users?role=OPERATOR&sortBy=name&page=2&pageSize=3'`, baseURL)},
		{"A token of an integration, for the global dialect, which has no token call", fmt.Sprintf(`INTEGRATION='%s'`, t.Integration.Token)},
		{"The latest users of the clients there, with their roles and merchants", fmt.Sprintf(`curl -s -G -H "Authorization: Bearer $INTEGRATION" %s/client --data-urlencode fields:roles=basic --data-urlencode fields:merchant=basic -d limit=2 -d count=1`, global)},
		{"Who is active and was created this year, by conditions in JSON5, the next page of them by its link", fmt.Sprintf(`PAGE=$(curl -s -G -H "Authorization: Bearer $INTEGRATION" %s/any --data-urlencode filter=is_active:true --data-urlencode "filter=created_at{from: '$(date +%%Y)-01-01'}" --data-urlencode 'filter=name{regex: "^[A-M]"}' -d limit=2); echo "$PAGE"; curl -s -H "Authorization: Bearer $INTEGRATION" "%s$(echo "$PAGE" | sed 's/.*"next":"\([^"]*\)".*/\1/')"`, global, baseURL)},
		{"What is said without a token", fmt.Sprintf(`curl -si %s/users`, api)},
	} {
		fmt.Fprintf(&b, "  # %s\n  %s\n\n", step.what, step.command)
	}
	return b.String()
}
