package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/oauth2/kmssigner"
)

// mintFlags say how tokens are signed and for whom.
type mintFlags struct {
	key, keyFile, issuer, audience string
}

func (t *tool) mintFlags(c *cobra.Command, m *mintFlags) {
	flags := c.Flags()
	flags.StringVar(&m.key, "signing-key", "", "the id, ARN or alias of the KMS key that signs (default $ROSTER_SIGNING_KEY)")
	flags.StringVar(&m.keyFile, "signing-key-file", "", "the file of the key that signs, instead of KMS (default $ROSTER_SIGNING_KEY_FILE)")
	flags.StringVar(&m.issuer, "issuer", "", "the issuer of tokens, as the functions have it (default $ROSTER_ISSUER)")
	flags.StringVar(&m.audience, "audience", "", "the audience of tokens, as the functions have it (default $ROSTER_AUDIENCE, or else the issuer)")
}

// connectToMint returns the operator of the table at p, and what signs tokens for it. It fills in what the flags left to the
// environment, and writes nothing.
func (t *tool) connectToMint(ctx context.Context, p *place, m *mintFlags) (*directory.Operator, directory.MintToken, error) {
	if m.key == "" && m.keyFile == "" {
		m.key, m.keyFile = t.env("ROSTER_SIGNING_KEY"), t.env("ROSTER_SIGNING_KEY_FILE")
	}
	if m.issuer == "" {
		m.issuer = t.env("ROSTER_ISSUER")
	}
	if m.audience == "" {
		m.audience = t.env("ROSTER_AUDIENCE")
	}
	switch {
	case m.key == "" && m.keyFile == "":
		return nil, nil, errors.New("which key signs? give --signing-key or --signing-key-file")
	case m.key != "" && m.keyFile != "":
		return nil, nil, errors.New("which key signs? give --signing-key or --signing-key-file, not both")
	case m.issuer == "":
		return nil, nil, errors.New("who issues the token? give --issuer or set ROSTER_ISSUER")
	}
	table, err := t.open(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	signer, err := t.signer(ctx, p, m)
	if err != nil {
		return nil, nil, err
	}
	integrations, err := oauth2.NewIntegrations(oauth2.IntegrationsConfig{
		Store: table, Signer: signer, Issuer: m.issuer, Audience: m.audience, Now: t.now,
	})
	if err != nil {
		return nil, nil, err
	}
	operator, err := t.operator(table)
	return operator, integrations.Mint, err
}

// signer returns the signer that the flags name. KMS is asked with the operator's own credentials, also where the table is a local
// one.
func (t *tool) signer(ctx context.Context, p *place, m *mintFlags) (oauth2.Signer, error) {
	if m.keyFile != "" {
		return oauth2.NewFileSigner(m.keyFile)
	}
	options := []func(*config.LoadOptions) error{config.WithRegion(p.Region)}
	if p.profile != "" {
		options = append(options, config.WithSharedConfigProfile(p.profile))
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	return kmssigner.New(kms.NewFromConfig(settings, func(o *kms.Options) {
		if t.transport != nil {
			o.HTTPClient = &http.Client{Transport: t.transport}
		}
	}), m.key), nil
}
