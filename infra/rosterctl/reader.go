package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// maxLine is the largest length of a line in bytes. The largest user that fits into an item of the table has some 300 KB as JSON.
const maxLine = 512 << 10

// position is a place between two lines of an input.
type position struct {
	// Line is the number of the line before, counted from 1.
	Line int64 `json:"line"`
	// Offset is the number of bytes before.
	Offset int64 `json:"offset"`
	// SHA256 is the hash of those bytes, in hex.
	SHA256 string `json:"sha256"`
}

// lineReader reads an input line by line and knows where it is.
type lineReader struct {
	in     *bufio.Reader
	line   int64
	offset int64
	hash   hash.Hash
	buffer []byte
}

func newLineReader(in io.Reader) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 1<<16), hash: sha256.New()}
}

// errTooLong is the error of a line that is longer than maxLine.
var errTooLong = &fieldError{"", fmt.Sprintf("is longer than %d bytes", maxLine)}

// next returns the next line without its line feed and carriage return, and without the byte order mark that the first
// may have. It is valid until the next call. It returns io.EOF after the last line, and errTooLong for a line that is
// too long; that line is behind the reader then.
func (r *lineReader) next() ([]byte, error) {
	r.buffer = r.buffer[:0]
	tooLong, begun := false, false
	for {
		part, err := r.in.ReadSlice('\n')
		begun = begun || len(part) > 0
		r.offset += int64(len(part))
		r.hash.Write(part)
		if tooLong = tooLong || len(r.buffer)+len(part) > maxLine+len("\r\n"); !tooLong {
			r.buffer = append(r.buffer, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && !begun:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("reading line %d: %w", r.line+1, err)
		}
		break
	}
	r.line++
	if tooLong {
		return nil, errTooLong
	}
	data := bytes.TrimSuffix(r.buffer, []byte("\n"))
	data = bytes.TrimSuffix(data, []byte("\r"))
	if r.line == 1 {
		data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	}
	if len(data) > maxLine {
		return nil, errTooLong
	}
	return data, nil
}

// position returns where the reader is.
func (r *lineReader) position() position {
	return position{Line: r.line, Offset: r.offset, SHA256: hex.EncodeToString(r.hash.Sum(nil))}
}

// resume reads on to a position, and reports whether the input is the same up to there as it was when the position was
// noted.
func (r *lineReader) resume(p position) (bool, error) {
	n, err := io.CopyN(r.hash, r.in, p.Offset)
	r.offset += n
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading what is done already: %w", err)
	}
	r.line = p.Line
	return r.position() == p, nil
}

// countLines returns the number of lines of an input.
func countLines(in io.Reader) (int64, error) {
	buffer := make([]byte, 1<<18)
	lines, open := int64(0), false
	for {
		n, err := in.Read(buffer)
		if n > 0 {
			lines += int64(bytes.Count(buffer[:n], []byte{'\n'}))
			open = buffer[n-1] != '\n'
		}
		if errors.Is(err, io.EOF) {
			if open {
				lines++
			}
			return lines, nil
		}
		if err != nil {
			return 0, err
		}
	}
}
