package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rosterhq/roster/internal/roster"
)

// The bounds of request bodies, but where a dialect has another MaxBody. The largest body that any other operation needs has a
// few KB and is three levels deep.
const (
	maxBody   = 64 << 10 // bytes
	maxNested = 16
	// maxBroken bounds the rules that are named as broken, so that an answer does not grow with the request.
	maxBroken = 20
)

// requestBody is a body that is a JSON object, with what is wrong with it by what the document says.
type requestBody struct {
	data   []byte
	broken roster.FieldErrors
}

// Body returns the request's body, for an operation that has one, and what is wrong with it by what the document says of its
// structure: by the core's names of the fields, for the form that the body becomes (roster.NewUserForm and others) to report
// together with the rules of the fields. A field that is wrong is the zero value.
func Body[T any](ctx context.Context) (T, roster.FieldErrors) {
	x := exchangeFrom(ctx)
	return bodyAs[T](x.request), x.fieldNames().ofCore(x.request.broken)
}

// bodyAs returns the body as a T.
func bodyAs[T any](request requestBody) T {
	var body T
	if err := json.Unmarshal(request.data, &body); err != nil {
		// Values of the wrong type are left out, and are noted already. It is one JSON object, so it is nothing else.
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok || len(request.broken) == 0 {
			panic(err)
		}
	}
	return body
}

// readBody reads the request's body and notes what is wrong with it. What is not a JSON object at all is an error.
func (x *exchange) readBody(r *http.Request, schema *huma.Schema) error {
	most := x.api.dialect.MaxBody
	if most == 0 {
		most = maxBody
	}
	body, err := readObject(r, most, bodyReader{schemas: x.api.huma.OpenAPI().Components.Schemas, refuseNull: x.api.dialect.RefuseNull}, schema)
	x.request = body
	return err
}

// readObject reads a body of at most most bytes that is to be a JSON object, and has the reader note where it is not as schema
// says.
func readObject(r *http.Request, most int, reader bodyReader, schema *huma.Schema) (requestBody, error) {
	if err := checkContentType(r.Header, contentType); err != nil {
		return requestBody{}, err
	}
	data, err := readAll(r, most)
	switch {
	case err != nil:
		return requestBody{}, err
	case len(bytes.TrimSpace(data)) == 0:
		return requestBody{}, roster.Invalid("body", "is required")
	case !utf8.Valid(data):
		return requestBody{}, roster.Invalid("body", "must be valid UTF-8")
	case !json.Valid(data):
		return requestBody{}, roster.Invalid("body", "must be valid JSON")
	}
	reader.decoder = json.NewDecoder(bytes.NewReader(data))
	reader.decoder.UseNumber()
	if err := reader.read(schema); err != nil {
		return requestBody{}, err
	}
	return requestBody{data: data, broken: reader.broken}, nil
}

// readAll returns the request's body, which has at most most bytes.
func readAll(r *http.Request, most int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, int64(most)+1))
	if err != nil {
		return nil, roster.Invalid("body", "must arrive whole")
	}
	if len(data) > most {
		return nil, &httpError{status: http.StatusRequestEntityTooLarge, kind: roster.KindInvalid, message: "body must have at most " + strconv.Itoa(most) + " bytes"}
	}
	return data, nil
}

// checkContentType takes the media type wanted in UTF-8, which is also what a body without a Content-Type is.
func checkContentType(header http.Header, wanted string) error {
	unsupported := &httpError{status: http.StatusUnsupportedMediaType, kind: roster.KindInvalid, message: "Content-Type must be " + wanted}
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		unsupported.message = "Content-Encoding must be absent"
		return unsupported
	}
	given := header.Values("Content-Type")
	if len(given) == 0 || len(given) == 1 && given[0] == "" {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(given[0])
	charset, hasCharset := parameters["charset"]
	if err != nil || len(given) > 1 || media != wanted || hasCharset && !strings.EqualFold(charset, "utf-8") {
		return unsupported
	}
	return nil
}

// bodyReader walks through a body and the schema of what it should be at the same time. encoding/json takes a body more
// kindly than an API that changes things should: it takes the last of two fields of one name, names in any case, ignores what it
// does not know, and stops at the first thing that is wrong.
//
// It looks at structure: names, types, presence, the range of numbers and enumerations. How long a text may be and what may be
// in it is for the forms of package roster, which say it for all dialects.
type bodyReader struct {
	decoder    *json.Decoder
	schemas    huma.Registry
	refuseNull bool
	broken     roster.FieldErrors
	nested     int
}

// errTooDeep ends the reading of a body.
var errTooDeep = roster.Invalid("body", "must not be nested deeper than "+strconv.Itoa(maxNested)+" levels")

func (r *bodyReader) read(schema *huma.Schema) error {
	first, err := r.token()
	if err != nil {
		return err
	}
	if first != json.Delim('{') {
		return roster.Invalid("body", "must be a JSON object")
	}
	return r.object(r.resolve(schema), "")
}

// token returns the next token of what is known to be valid JSON.
func (r *bodyReader) token() (json.Token, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, roster.Invalid("body", "must be valid JSON")
	}
	switch token {
	case json.Delim('{'), json.Delim('['):
		if r.nested++; r.nested > maxNested {
			return nil, errTooDeep
		}
	case json.Delim('}'), json.Delim(']'):
		r.nested--
	}
	return token, nil
}

func (r *bodyReader) resolve(schema *huma.Schema) *huma.Schema {
	if schema != nil && schema.Ref != "" {
		return r.schemas.SchemaFromRef(schema.Ref)
	}
	return schema
}

// note notes that the value at path breaks a rule.
func (r *bodyReader) note(path, rule string) {
	if len(r.broken) < maxBroken {
		r.broken.Add(path, rule)
	}
}

// object reads an object whose brace has been read. A nil schema says nothing of it.
func (r *bodyReader) object(schema *huma.Schema, path string) error {
	seen := map[string]bool{}
	for r.decoder.More() {
		token, err := r.token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if err := r.field(schema, path, name, seen); err != nil {
			return err
		}
	}
	if _, err := r.token(); err != nil { // the closing brace
		return err
	}
	if schema == nil {
		return nil
	}
	for _, name := range schema.Required {
		if !seen[name] {
			r.note(join(path, name), "is required")
		}
	}
	return nil
}

func (r *bodyReader) field(schema *huma.Schema, path, name string, seen map[string]bool) error {
	var property *huma.Schema
	if schema != nil {
		property = schema.Properties[name]
		if property == nil {
			r.note(join(path, printable(name)), "is not a field that this takes")
		}
	}
	if seen[name] {
		if property != nil {
			r.note(join(path, name), "must be given once")
		}
		property = nil // one complaint is enough
	}
	seen[name] = true
	return r.value(property, join(path, name), schema != nil && slices.Contains(schema.Required, name))
}

// value reads a value. A nil schema says nothing of it.
func (r *bodyReader) value(schema *huma.Schema, path string, required bool) error {
	schema = r.resolve(schema)
	token, err := r.token()
	if err != nil {
		return err
	}
	if schema != nil {
		rule := brokenBy(token, schema, required)
		if token == nil && rule == "" && r.refuseNull && !schema.Nullable {
			rule = "must not be null"
		}
		if rule != "" {
			r.note(path, rule)
			schema = nil
		}
	}
	switch token {
	case json.Delim('{'):
		return r.object(schema, path)
	case json.Delim('['):
		return r.list(schema, path)
	default:
		return nil
	}
}

// list reads an array whose bracket has been read.
func (r *bodyReader) list(schema *huma.Schema, path string) error {
	var items *huma.Schema
	if schema != nil {
		items = schema.Items
	}
	for i := 0; r.decoder.More(); i++ {
		if err := r.value(items, path+"["+strconv.Itoa(i)+"]", true); err != nil {
			return err
		}
	}
	_, err := r.token()
	return err
}

// brokenBy returns the rule that a value breaks whose first token that is, empty for none. A null is an optional field that
// is absent.
func brokenBy(token json.Token, schema *huma.Schema, required bool) string {
	v := valueRuleOf(schema)
	switch value := token.(type) {
	case nil:
		if required {
			return "is required"
		}
		return ""
	case json.Number:
		if schema.Type == huma.TypeInteger || schema.Type == huma.TypeNumber {
			return v.broken(value.String())
		}
	case bool:
		if schema.Type == huma.TypeBoolean {
			return ""
		}
	case string:
		if schema.Type != huma.TypeString {
			break
		}
		if strings.ContainsRune(value, unicode.ReplacementChar) {
			// What encoding/json makes of half a surrogate pair.
			return "must be valid Unicode text"
		}
		if value == "" || v.enum != nil {
			return v.broken(value)
		}
		return ""
	case json.Delim:
		if value == '{' && schema.Type == huma.TypeObject || value == '[' && schema.Type == huma.TypeArray {
			return ""
		}
	}
	return mustBe(schema.Type)
}

func mustBe(kind string) string {
	switch kind {
	case huma.TypeObject, huma.TypeArray, huma.TypeInteger:
		return "must be an " + kind
	default:
		return "must be a " + kind
	}
}

// printable returns a field's name that the caller made up, if it looks like one, to be repeated in a message.
func printable(name string) string {
	const most = 40
	strange := func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if name == "" || len(name) > most || strings.ContainsFunc(name, strange) {
		return "a field"
	}
	return name
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// describeBody returns what the document says of the body of an operation.
func (a *API) describeBody(op Operation) *huma.RequestBody {
	if op.Body == nil {
		return nil
	}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{contentType: {
		Schema:  a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(op.Body), true, ""),
		Example: op.BodyExample,
	}}}
}
