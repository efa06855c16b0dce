package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"net"
	"sync"
)

// rootsPEM are the certificate authorities that AWS documents for its endpoints (Amazon Trust Services: Amazon Root CA 1 to 4 and
// Starfield Services Root G2). Reading the system's 140 roots costs 2.5 ms of a cold start; reading these five, a tenth of
// that (SEARCH.md, section C).
//
//go:embed roots.pem
var rootsPEM []byte

// amazonRoots returns the pool of rootsPEM.
var amazonRoots = sync.OnceValue(func() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(rootsPEM)
	return pool
})

// dialTLS returns a dialer that trusts Amazon's own roots first. A server whose certificate leads elsewhere, such as one behind a
// company's proxy, or an AWS that has moved on, is tried again with the system's roots; one that neither know is refused.
func dialTLS(dialer *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		conn, err := dialTrusting(ctx, dialer, network, address, &tls.Config{ServerName: host, RootCAs: amazonRoots()})
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
			return conn, err
		}
		return dialTrusting(ctx, dialer, network, address, &tls.Config{ServerName: host})
	}
}

func dialTrusting(ctx context.Context, dialer *net.Dialer, network, address string, config *tls.Config) (net.Conn, error) {
	conn, err := (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err // conn is a nil *tls.Conn in an interface then
	}
	return conn, nil
}
