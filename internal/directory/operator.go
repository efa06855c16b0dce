package directory

import (
	"errors"
	"io"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Operator is the use cases of those who run the system: they found tenants, let programs in, and bring whole
// directories in and out. An operator has no principal; who can reach the table with write access is one. Read
// tenants.go first, then clients.go, apikeys.go, operatorroles.go, operatorgroups.go,
// operatorwarehouses.go, operatorintegrations.go, imports.go, exports.go and operatorinvitations.go.
//
// It is safe for concurrent use if its store is.
type Operator struct {
	store  OperatorStore
	now    func() time.Time
	random io.Reader
	stamp  roster.Stamp

	hashPassword    func(password string) (string, error)
	newClientSecret func() (secret string, hash [32]byte)
	knownHash       func(hash string) bool
}

// OperatorStore is the table as an Operator needs it. Package dynamo implements it.
type OperatorStore interface {
	tenantStore
	clientStore
	importStore
	exportStore
	groupStore
	warehouseStore
	integrationStore
	invitationStore
	Audit
}

// OperatorConfig is what an Operator works with. Everything is required.
type OperatorConfig struct {
	Store OperatorStore
	// Now tells the time.
	Now func() time.Time
	// Random yields the random bytes of client ids.
	Random io.Reader
	// Stamp says who the operator is, on everything that it writes.
	Stamp roster.Stamp

	// HashPassword returns the hash to keep of a password, in PHC string format.
	HashPassword func(password string) (string, error)
	// NewClientSecret returns a new client secret and the SHA-256 to keep of it.
	NewClientSecret func() (secret string, hash [32]byte)
	// KnownPasswordHash reports whether logins can be checked against that hash. It decides what an import takes.
	KnownPasswordHash func(hash string) bool
}

// NewOperator returns an Operator, or an error that names what config lacks.
func NewOperator(config OperatorConfig) (*Operator, error) {
	missing := config.Store == nil || config.Now == nil || config.Random == nil || config.Stamp.By == "" ||
		config.HashPassword == nil || config.NewClientSecret == nil || config.KnownPasswordHash == nil
	if missing {
		return nil, errors.New("directory: an Operator needs every field of its configuration")
	}
	return &Operator{
		store: config.Store, now: config.Now, random: config.Random, stamp: config.Stamp,
		hashPassword: config.HashPassword, newClientSecret: config.NewClientSecret, knownHash: config.KnownPasswordHash,
	}, nil
}

// moment returns the time to write on what is created now: UTC, to the millisecond.
func (o *Operator) moment() time.Time { return o.now().UTC().Truncate(time.Millisecond) }
