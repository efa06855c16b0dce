package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// checkpoint says how far an import is. It is kept beside the input while the import runs and after it was stopped, and
// removed when it is done. Losing it costs time only: what is there already is recognized, line by line.
type checkpoint struct {
	Place  place           `json:"place"`
	Tenant roster.TenantID `json:"tenant"`
	// Done is the position up to which every line is settled.
	Done   position `json:"done"`
	Counts counts   `json:"counts"`
	// RefusedBytes is the length of the file of refused lines that belongs to Done.
	RefusedBytes int64 `json:"refusedBytes"`
}

// counts is what became of lines.
type counts struct {
	Tenants       int64 `json:"tenants"`
	Organizations int64 `json:"organizations"`
	Roles         int64 `json:"roles"`
	Groups        int64 `json:"groups"`
	Warehouses    int64 `json:"warehouses"`
	Users         int64 `json:"users"`
	Clients       int64 `json:"clients"`
	// Existed are the lines of any type that were there already.
	Existed int64 `json:"existed"`
	// Expired are the soft-deleted users whose retention is over.
	Expired int64 `json:"expired"`
	Refused int64 `json:"refused"`
}

// readCheckpoint returns the checkpoint of that name, nil if there is none.
func readCheckpoint(name string) (*checkpoint, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c checkpoint
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("%s is not a checkpoint: remove it to start from the first line", name)
	}
	return &c, nil
}

func (c *checkpoint) save(name string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(name, append(data, '\n'))
}

// refusals is the file of refused lines. It comes into being with the first of them.
type refusals struct {
	name   string
	file   *os.File
	length int64
	buffer []byte
}

// openRefusals returns the file as it was when length bytes of it were good: what is after them belongs to lines that
// will be read again.
func openRefusals(name string, length int64) (*refusals, error) {
	r := &refusals{name: name}
	if length == 0 {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return r, nil
	}
	file, err := os.OpenFile(name, os.O_RDWR, ownerOnly)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() < length {
		err = fmt.Errorf("%s is shorter than it was: start over with --restart", name)
	}
	if err == nil {
		err = file.Truncate(length)
	}
	if err == nil {
		_, err = file.Seek(length, 0)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	r.file, r.length = file, length
	return r, nil
}

// refusal is a line that was refused.
type refusal struct {
	line   int64
	field  string
	reason string
	text   string
}

// add writes a refused line.
func (r *refusals) add(f refusal) error {
	if r.file == nil {
		file, err := os.OpenFile(r.name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, ownerOnly)
		if err != nil {
			return err
		}
		r.file = file
	}
	r.buffer = writeObject(r.buffer[:0], refusalMembers(), &f)
	r.buffer = append(r.buffer, '\n')
	n, err := r.file.Write(r.buffer)
	r.length += int64(n)
	return err
}

func refusalMembers() []member[refusal] {
	return []member[refusal]{
		whole("line", func(f *refusal) *int64 { return &f.line }),
		text("field", func(f *refusal) *string { return &f.field }),
		text("reason", func(f *refusal) *string { return &f.reason }),
		text("text", func(f *refusal) *string { return &f.text }),
	}
}

func (r *refusals) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// refusalOf returns why a line is refused, or false if the error is not about the line.
func refusalOf(err error) (field, reason string, about bool) {
	if e, ok := errors.AsType[*fieldError](err); ok {
		return e.field, e.Error(), true
	}
	e, ok := errors.AsType[*roster.Error](err)
	about = ok && slices.Contains([]roster.Kind{
		roster.KindInvalid, roster.KindNotFound, roster.KindConflict, roster.KindForbidden, roster.KindGone, roster.KindPreconditionFailed,
	}, e.Kind)
	if !about {
		return "", "", false
	}
	if len(e.Fields) > 0 {
		field = e.Fields[0].Field
	}
	return field, e.Message, true
}
