package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/danielgtaylor/huma/v2"
)

// MaxAnswer is the largest body in bytes, as AnswerSize counts them: Lambda takes 6 MB for an answer with its headers.
const MaxAnswer = 5_500_000

// AnswerSize returns how many bytes a body of that JSON takes in what a function returns. It is a string there, in which each
// quote and each backslash takes two.
func AnswerSize(data []byte) int {
	return len(data) + bytes.Count(data, []byte{'"'}) + bytes.Count(data, []byte{'\\'})
}

// List is the body of an answer that is one JSON array, made element by element while there is room: an array of everything
// that there is has no other bound. Build it with NewList. A dialect embeds it in a type that has a Schema.
type List struct {
	data    bytes.Buffer
	encoder *json.Encoder
	size    int // as Lambda counts, without the bracket that ends it
	most    int
}

// NewList returns an empty list that takes at most most bytes in what a function returns (see AnswerSize).
func NewList(most int) *List {
	l := &List{most: most, size: 1}
	l.data.WriteByte('[')
	l.encoder = json.NewEncoder(&l.data)
	l.encoder.SetEscapeHTML(false)
	return l
}

// Add puts an element, which must be one that JSON has a form for, behind the others. It returns false, and leaves the list as
// it was, where there is no room for it.
func (l *List) Add(element any) bool {
	before := l.data.Len()
	if before > 1 {
		l.data.WriteByte(',')
	}
	if err := l.encoder.Encode(element); err != nil {
		panic(fmt.Errorf("marshalling an element of a list: %w", err))
	}
	l.data.Truncate(l.data.Len() - 1) // the encoder ends a line
	added := l.data.Bytes()[before:]
	size := l.size + AnswerSize(added)
	if size+len("]\\n") > l.most {
		l.data.Truncate(before)
		return false
	}
	l.size = size
	return true
}

// writeTo writes the array as an answer's body.
func (l *List) writeTo(w io.Writer) error {
	if _, err := w.Write(l.data.Bytes()); err != nil {
		return err
	}
	_, err := io.WriteString(w, "]\n")
	return err
}

// verbatimBody is what embeds a List.
type verbatimBody interface{ writeTo(w io.Writer) error }

// format is huma's JSON, but that a List is written as it is.
func format() huma.Format {
	marshal := huma.DefaultJSONFormat.Marshal
	return huma.Format{Unmarshal: huma.DefaultJSONFormat.Unmarshal, Marshal: func(w io.Writer, v any) error {
		if list, ok := v.(verbatimBody); ok {
			return list.writeTo(w)
		}
		return marshal(w, v)
	}}
}
