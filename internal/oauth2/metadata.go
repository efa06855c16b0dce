package oauth2

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// publicMaxAge is how long clients and proxies may keep the JWKS and the metadata, in the words of Cache-Control.
const publicMaxAge = "public, max-age=300"

// keysServedFor is how long the JWKS is served from memory, so that a flood of requests does not become one of reads.
const keysServedFor = 15 * time.Second

// metadata is the server's description of itself (RFC 8414, section 2).
type metadata struct {
	Issuer                string   `json:"issuer"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	KeysURI               string   `json:"jwks_uri"`
	GrantTypes            []string `json:"grant_types_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
}

func newMetadata(issuer string) metadata {
	methods := []string{"client_secret_basic", "client_secret_post"}
	return metadata{
		Issuer:             issuer,
		TokenEndpoint:      issuer + tokenPath,
		RevocationEndpoint: issuer + revokePath,
		KeysURI:            issuer + keysPath,
		GrantTypes:         []string{grantClientCredentials, grantRefreshToken, grantUserCredentials},
		// Required, and empty: there is no authorization endpoint.
		ResponseTypes:         []string{},
		TokenAuthMethods:      methods,
		RevocationAuthMethods: methods,
	}
}

// publicKeys returns what GET /.well-known/jwks.json shows: every key that a token which is valid now can be signed with, the
// signer's own included from the start.
func (s *Server) publicKeys(ctx context.Context) (any, error) {
	if err := s.PublishKey(ctx); err != nil {
		return nil, err
	}
	keys, err := s.keys.all(ctx, keysServedFor)
	if err != nil {
		return nil, err
	}
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(keys))}
	for _, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.public, KeyID: key.id, Algorithm: string(jose.RS256), Use: "sig"})
	}
	return set, nil
}
