package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// position is how far a stream was delivered.
type position struct {
	file string // empty keeps it in memory only

	// Stream is the ARN: another stream begins at its beginning.
	Stream string           `json:"stream"`
	Shards map[string]place `json:"shards"`
}

// place is how far a shard was delivered.
type place struct {
	// After is the number of the last record that is done with; empty before the first.
	After string `json:"after,omitempty"`
	// Ended says that the shard is closed and all of it delivered.
	Ended bool `json:"ended,omitempty"`
}

// readPosition reads a file that save wrote. There need not be one.
func readPosition(file, stream string) (*position, error) {
	p := &position{file: file, Stream: stream, Shards: map[string]place{}}
	if file == "" {
		return p, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	kept := position{}
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w): remove it, and the stream is delivered from its beginning", file, err)
	}
	if kept.Stream == stream && kept.Shards != nil {
		p.Shards = kept.Shards
	}
	return p, nil
}

// set notes how far a shard was delivered.
func (p *position) set(shard string, at place) error {
	if p.Shards[shard] == at {
		return nil
	}
	p.Shards[shard] = at
	return p.save()
}

// keep forgets the shards that the stream does not have any more.
func (p *position) keep(shards map[string]bool) {
	for id := range p.Shards {
		if !shards[id] {
			delete(p.Shards, id)
		}
	}
}

// save writes the file, which is there as it was or as it is to be.
func (p *position) save() error {
	if p.file == "" {
		return nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding the position in the stream: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(p.file), ".stream-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it is renamed
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", p.file, err)
	}
	return os.Rename(file.Name(), p.file)
}
