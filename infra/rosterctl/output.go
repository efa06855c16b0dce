package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ownerOnly is the mode of the files that are written: they hold what is known of people.
const ownerOnly = 0o600

// output is where lines go: standard output, or a file that appears under its name only when it is whole.
type output struct {
	*bufio.Writer
	file *os.File // nil for standard output
	name string
}

// create opens the output of that name; empty or - is standard output.
func (t *tool) create(name string) (*output, error) {
	if name == "" || name == "-" {
		return &output{Writer: bufio.NewWriterSize(t.stdout, 1<<16)}, nil
	}
	return createFile(name)
}

func createFile(name string) (*output, error) {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", name, err)
	}
	return &output{Writer: bufio.NewWriterSize(file, 1<<16), file: file, name: name}, nil
}

// finish makes the output whole. A file replaces what had its name.
func (o *output) finish() error {
	err := o.Flush()
	if o.file == nil {
		return err
	}
	err = errors.Join(err, o.file.Chmod(ownerOnly), o.file.Sync(), o.file.Close())
	if err == nil {
		err = os.Rename(o.file.Name(), o.name)
	}
	if err != nil {
		os.Remove(o.file.Name())
		return fmt.Errorf("writing %s: %w", o.name, err)
	}
	return nil
}

// abandon removes a file that was not finished. It does nothing after finish.
func (o *output) abandon() {
	if o.file != nil {
		o.file.Close()
		os.Remove(o.file.Name())
	}
}

// writeFile writes a small file in one step: it is there as it was, or as it is to be.
func writeFile(name string, data []byte) error {
	o, err := createFile(name)
	if err != nil {
		return err
	}
	defer o.abandon()
	if _, err := o.Write(data); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return o.finish()
}
