package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
)

// Creating is the parameters of every operation that creates something.
type Creating struct {
	IdempotencyKey string `header:"Idempotency-Key" minLength:"1" maxLength:"255" pattern:"^[\\x21-\\x7e]*$" patternDescription:"visible ASCII characters" example:"6f2d1c1e-3f0a-4b57-9a55-0d2b7a2f4c11" doc:"A key of the caller's own, different for each request that is meant to create something. Within 24 hours the same request under the same key gets the first answer again, with the header Idempotency-Replayed"`
}

// Once returns what makes the operation happen once for the caller's key, nil if it gave none. body is the decoded body, by
// which the same request is known again whatever its spelling.
func (c Creating) Once(p *roster.Principal, operation string, body any) *roster.Once {
	if c.IdempotencyKey == "" {
		return nil
	}
	canonical, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Errorf("marshalling the body of operation %s: %w", operation, err)) // a struct of texts and numbers
	}
	once := &roster.Once{}
	key := sha256.New()
	for _, part := range []string{p.Tenant.String(), string(p.Client), p.User.String(), operation, c.IdempotencyKey} {
		// The length before each part keeps two lists of parts from being the same text.
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		key.Write(length[:])
		key.Write([]byte(part))
	}
	key.Sum(once.Key[:0])
	fingerprint := hmac.New(sha256.New, []byte(c.IdempotencyKey))
	fingerprint.Write(canonical)
	fingerprint.Sum(once.Fingerprint[:0])
	return once
}

// Created is the headers of every answer of an operation that creates something.
type Created struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true if this is the answer to an earlier request under the same Idempotency-Key"`
}

// CreatedAs returns the headers of an answer, replayed or not.
func CreatedAs(replayed bool) Created {
	if replayed {
		return Created{Replayed: "true"}
	}
	return Created{}
}
