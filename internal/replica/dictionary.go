package replica

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// dictionary numbers the values that many users share, so that a row holds a small number instead. It only grows; a copy
// of the struct embedded as `values` is a snapshot for readers, while the maps belong to the one writer.
type dictionary struct {
	values

	placeOf     map[roster.OrgID]uint32 // the first place seen of each organization
	oddPlaceOf  map[string]uint32       // the others, which only contradictory data has
	roleSetOf   map[string]uint32
	countryOf   map[string]uint32
	wordOf      map[string]uint32
	text        int64  // bytes of all strings and slices held by values
	key, folded []byte // scratch
}

// values are the numbered values; element 0 of each is the empty one.
type values struct {
	places    []roster.OrgPath
	roleSets  [][]roster.RoleID
	countries []string
	words     []string
}

// maxWords bounds the dictionary of words. Texts met after it is full are packed letter by letter.
const maxWords = 1 << 14

func newDictionary() *dictionary {
	return &dictionary{
		values: values{
			places:    []roster.OrgPath{nil},
			roleSets:  [][]roster.RoleID{nil},
			countries: []string{""},
			words:     []string{""},
		},
		placeOf:    map[roster.OrgID]uint32{},
		oddPlaceOf: map[string]uint32{},
		roleSetOf:  map[string]uint32{},
		countryOf:  map[string]uint32{"": 0},
		wordOf:     map[string]uint32{"": 0},
	}
}

// place returns the number of the path.
func (d *dictionary) place(path roster.OrgPath) uint32 {
	if len(path) == 0 {
		return 0
	}
	n, known := d.placeOf[path.Last()]
	if known && slices.Equal(d.places[n], path) {
		return n
	}
	if known {
		if odd, ok := d.oddPlaceOf[path.String()]; ok {
			return odd
		}
	}
	next := uint32(len(d.places))
	d.places = append(d.places, slices.Clone(path))
	d.text += 24 + 4*int64(len(path))
	if known {
		d.oddPlaceOf[path.String()] = next
	} else {
		d.placeOf[path.Last()] = next
	}
	return next
}

// roleSet returns the number of the list of roles.
func (d *dictionary) roleSet(roles []roster.RoleID) uint32 {
	if len(roles) == 0 {
		return 0
	}
	d.key = d.key[:0]
	for _, r := range roles {
		d.key = binary.AppendVarint(d.key, int64(r))
	}
	if n, ok := d.roleSetOf[string(d.key)]; ok {
		return n
	}
	n := uint32(len(d.roleSets))
	d.roleSets = append(d.roleSets, slices.Clone(roles))
	d.roleSetOf[string(d.key)] = n
	d.text += 24 + 64 + 4*int64(len(roles))
	return n
}

// country returns the number of the country's name.
func (d *dictionary) country(name string) uint32 {
	if n, ok := d.countryOf[name]; ok {
		return n
	}
	n := uint32(len(d.countries))
	name = strings.Clone(name)
	d.countries = append(d.countries, name)
	d.countryOf[name] = n
	d.text += wordCost + int64(len(name))
	return n
}

// word returns the number of the text, and false if it has none and the dictionary is full.
func (d *dictionary) word(text string) (uint32, bool) {
	if n, ok := d.wordOf[text]; ok {
		return n, true
	}
	if len(d.words) >= maxWords {
		return 0, false
	}
	n := uint32(len(d.words))
	text = strings.Clone(text)
	d.words = append(d.words, text)
	d.wordOf[text] = n
	d.text += wordCost + int64(len(text))
	return n, true
}

// wordCost is about what one entry takes beside its text: a string header in the list and an entry in the map.
const wordCost = 64

// bytes estimates the memory held.
func (d *dictionary) bytes() int64 {
	return d.text + 64*int64(len(d.placeOf)+len(d.oddPlaceOf)) + int64(cap(d.key)+cap(d.folded))
}
