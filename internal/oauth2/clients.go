package oauth2

import (
	"context"
	"net/http"
	"net/url"

	"github.com/rosterhq/roster/internal/roster"
)

// maxClientID is the longest client id looked up, in bytes. It keeps the table's key limit out of reach.
const maxClientID = 128

// clientCredentials are what a client proves itself with.
type clientCredentials struct {
	id     string
	secret string
}

// authenticate returns the client that makes the request.
func (s *Server) authenticate(ctx context.Context, r *request) (roster.Client, error) {
	credentials, err := readCredentials(r.Request, r.params)
	if err != nil {
		return roster.Client{}, err
	}
	return s.recognize(ctx, r, credentials, nothingElse)
}

// proof says whether the client, which has shown its secret, has also shown what else an endpoint asks for. It is asked about the zero
// Client where the secret is wrong, so that a wrong one takes the same reads.
type proof func(context.Context, roster.Client) (bool, error)

func nothingElse(context.Context, roster.Client) (bool, error) { return true, nil }

// recognize returns the client with those credentials, once its organization has a request left, and notes which it is.
func (s *Server) recognize(ctx context.Context, r *request, given clientCredentials, also proof) (roster.Client, error) {
	client, err := s.client(ctx, given, also)
	if err != nil {
		return roster.Client{}, err
	}
	r.note("client", client.ID)
	r.note("tenant", client.Tenant)
	if err := s.admit(ctx, r, client); err != nil {
		return roster.Client{}, err
	}
	return client, nil
}

// client returns the client with those credentials. Every way in which they can be wrong reads the same.
func (s *Server) client(ctx context.Context, given clientCredentials, also proof) (roster.Client, error) {
	id := roster.ClientID(given.id)
	if len(id) > maxClientID {
		return roster.Client{}, refuse(InvalidClient, "client authentication failed")
	}
	var (
		attempt roster.Attempt
		client  roster.Client
	)
	err := concurrently(
		func() error {
			var err error
			attempt, err = s.attempts.ClientSecret(ctx, id)
			return err
		},
		func() error {
			var err error
			client, err = s.store.Client(ctx, id)
			return unlessNotFound("reading a client", err)
		})
	if err != nil {
		return roster.Client{}, err
	}
	// An integration has no secret: whatever is stored in its place, it has nothing to prove itself with.
	right := !client.Integration && sameHash(client.SecretHash, HashClientSecret(given.secret)) && client.ID == id && !client.Revoked()
	if !right {
		client = roster.Client{}
	}
	proven, err := also(ctx, client)
	if err != nil {
		return roster.Client{}, err
	}
	if err := s.judge(ctx, attempt, right && proven, refuse(InvalidClient, "client authentication failed")); err != nil {
		return roster.Client{}, err
	}
	return client, nil
}

// readCredentials takes the client's credentials from HTTP Basic or from the parameters (RFC 6749, section 2.3.1). Using both
// is an error (section 2.3); a client_id that only repeats the one in the header is not.
func readCredentials(r *http.Request, params parameters) (clientCredentials, error) {
	id, secret := params["client_id"], params["client_secret"]
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		if id == "" || secret == "" {
			return clientCredentials{}, refuse(InvalidClient, "client_id and client_secret are required, as HTTP Basic or as parameters")
		}
		return clientCredentials{id, secret}, nil
	}
	if len(headers) > 1 {
		return clientCredentials{}, refuse(InvalidRequest, "Authorization occurs more than once")
	}
	if secret != "" {
		return clientCredentials{}, refuse(InvalidRequest, "client credentials are given both as HTTP Basic and as parameters")
	}
	basic, ok := readBasic(r)
	if !ok {
		return clientCredentials{}, refuse(InvalidClient, "the Authorization header must be HTTP Basic with client id and secret")
	}
	if id != "" && id != basic.id {
		return clientCredentials{}, refuse(InvalidRequest, "client_id is not the one of the Authorization header")
	}
	return basic, nil
}

// readBasic reads an HTTP Basic header, whose two parts are form-encoded (RFC 6749, section 2.3.1 and appendix B).
func readBasic(r *http.Request) (clientCredentials, bool) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return clientCredentials{}, false
	}
	id, err := url.QueryUnescape(user)
	if err != nil || id == "" {
		return clientCredentials{}, false
	}
	secret, err := url.QueryUnescape(password)
	if err != nil {
		return clientCredentials{}, false
	}
	return clientCredentials{id, secret}, true
}
