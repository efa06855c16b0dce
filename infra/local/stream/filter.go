package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// filter is an event pattern: an object of objects, down to lists of the values that a field may have.
type filter map[string]any

// parseFilter reads a pattern. Only lists of plain values are known here; a pattern with an operator, such as prefix, is an error.
func parseFilter(pattern []byte) (filter, error) {
	var f filter
	if err := json.Unmarshal(pattern, &f); err != nil {
		return nil, fmt.Errorf("reading the filter %s: %w", bytes.TrimSpace(pattern), err)
	}
	if err := checkFilter(f); err != nil {
		return nil, fmt.Errorf("the filter %s: %w", bytes.TrimSpace(pattern), err)
	}
	return f, nil
}

func checkFilter(f filter) error {
	for name, value := range f {
		switch value := value.(type) {
		case map[string]any:
			if err := checkFilter(value); err != nil {
				return err
			}
		case []any:
			for _, one := range value {
				switch one.(type) {
				case string, bool, nil: // numbers do not work on a table's records
				default:
					return fmt.Errorf("%s has a value that is neither text nor boolean, which is not known here", name)
				}
			}
		default:
			return fmt.Errorf("%s must be an object, or a list of values", name)
		}
	}
	return nil
}

// lets reports whether the pattern fits a record.
func (f filter) lets(record map[string]any) bool {
	for name, wanted := range f {
		value, there := record[name]
		switch wanted := wanted.(type) {
		case map[string]any:
			inner, ok := value.(map[string]any)
			if !ok || !filter(wanted).lets(inner) {
				return false
			}
		case []any:
			if !there || !oneOf(wanted, value) {
				return false
			}
		}
	}
	return true
}

func oneOf(values []any, value any) bool {
	for _, one := range values {
		if reflect.DeepEqual(one, value) {
			return true
		}
	}
	return false
}

// anyLets reports whether one of the filters lets the record pass, or there are none.
func anyLets(filters []filter, record []byte) (bool, error) {
	if len(filters) == 0 {
		return true, nil
	}
	var r map[string]any
	if err := json.Unmarshal(record, &r); err != nil {
		return false, fmt.Errorf("reading a record: %w", err)
	}
	for _, f := range filters {
		if f.lets(r) {
			return true, nil
		}
	}
	return false, nil
}
