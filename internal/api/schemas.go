package api

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// schemas is huma's registry of schemas, but one that describes a struct when somebody asks for it rather than when an
// operation names it: the document asks for all of them, a request with a body for that body's. What answers look like is
// never asked while serving, and is most of what a cold start would spend on huma.
type schemas struct {
	mu      sync.Mutex
	inner   huma.Registry                 // guarded by mu
	named   map[string]namedType          // the structs referred to, by the name of their schema; guarded by mu
	aliases map[reflect.Type]reflect.Type // set before use
}

type namedType struct {
	structure reflect.Type
	hint      string
	described bool
}

const schemaPrefix = "#/components/schemas/"

func newSchemas() *schemas {
	return &schemas{
		inner:   huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer),
		named:   map[string]namedType{},
		aliases: map[reflect.Type]reflect.Type{},
	}
}

// Schema returns a reference for a struct, and the schema itself for everything else.
func (s *schemas) Schema(t reflect.Type, allowRef bool, hint string) *huma.Schema {
	structure := t
	for structure.Kind() == reflect.Pointer {
		structure = structure.Elem()
	}
	if alias, ok := s.aliases[structure]; ok {
		return s.Schema(alias, allowRef, hint)
	}
	if !hasName(structure) {
		if structure.Kind() == reflect.Slice || structure.Kind() == reflect.Array {
			t = structure
		}
		return huma.SchemaFromType(s, t)
	}
	name := huma.DefaultSchemaNamer(structure, hint)
	s.mu.Lock()
	if known, ok := s.named[name]; ok && known.structure != structure {
		s.mu.Unlock()
		panic("api: two structs have the schema name " + name)
	} else if !ok {
		s.named[name] = namedType{structure: structure, hint: hint}
	}
	s.mu.Unlock()
	if allowRef {
		return &huma.Schema{Ref: schemaPrefix + name}
	}
	return s.SchemaFromRef(schemaPrefix + name)
}

// hasName reports whether the type has a schema of its own, as huma decides it.
func hasName(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return false
	}
	pointer := reflect.PointerTo(t)
	return !pointer.Implements(reflect.TypeFor[huma.SchemaProvider]()) && !pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// SchemaFromRef returns the schema that a reference refers to.
func (s *schemas) SchemaFromRef(ref string) *huma.Schema {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := strings.CutPrefix(ref, schemaPrefix); ok {
		s.describe(name)
	}
	return s.inner.SchemaFromRef(ref)
}

// TypeFromRef returns the type that a reference refers to.
func (s *schemas) TypeFromRef(ref string) reflect.Type {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.named[strings.TrimPrefix(ref, schemaPrefix)].structure
}

// Map returns every schema by name.
func (s *schemas) Map() map[string]*huma.Schema {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.named {
		s.describe(name)
	}
	return s.inner.Map()
}

// MarshalJSON returns what the document has under components.schemas.
func (s *schemas) MarshalJSON() ([]byte, error) { return json.Marshal(s.Map()) }

// RegisterTypeAlias makes alias stand for t.
func (s *schemas) RegisterTypeAlias(t, alias reflect.Type) { s.aliases[t] = alias }

// describe describes a struct that has been referred to. The caller holds mu.
func (s *schemas) describe(name string) {
	n, ok := s.named[name]
	if !ok || n.described {
		return
	}
	s.inner.Schema(n.structure, true, n.hint)
	n.described = true
	s.named[name] = n
}
