package roster

import (
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Query asks for users of one tenant. Dialects build it from their own parameters; package replica answers it. The zero
// Query with a Limit asks for the tenant's users in id order.
type Query struct {
	// Text, when not empty, keeps the users whose name, nickname or e-mail contains it, compared after Fold.
	Text string
	// Scope keeps the users of one organization, of its whole tree, or of what is below it. The zero Scope is the whole tenant.
	Scope Scope
	// Deleted chooses between users that stand (the default) and soft-deleted ones.
	Deleted Deleted
	// Filters must all hold.
	Filters []Filter
	// Sort lists the keys, most significant first. Ties are always broken by id ascending, or descending when the only
	// key is the id descending; nil means by id ascending.
	Sort []Sort
	Page Page
}

// Scope is a part of the tenant's tree.
type Scope struct {
	Org OrgID
	// Subtree includes everything below Org.
	Subtree bool
	// BelowOnly is everything below Org without Org itself, whatever Subtree says.
	BelowOnly bool
}

// Deleted chooses which users a query sees.
type Deleted uint8

// The choices. A user whose retention is over (User.Expired) is seen by neither.
const (
	NotDeleted Deleted = iota
	OnlyDeleted
)

// Page is the part of the result to return. Either Offset counts, or the cursors Start and End do.
type Page struct {
	// Limit is the largest number of users to return, 1 to MaxLimit.
	Limit int
	// Offset is the number of users to skip, at least 0.
	Offset int
	// Start and End are cursors for a result sorted by id alone, zero for none. The page begins with the first user at
	// or after Start in sort order, and ends before End, which is exclusive. With End alone it holds the Limit users
	// directly before End, still in sort order. The users named by the cursors need not exist.
	Start, End UserID
}

// MaxLimit is the largest page.
const MaxLimit = 1000

// MaxText is the largest length of Query.Text in characters.
const MaxText = 255

// UserPage is the answer to a Query.
type UserPage struct {
	Users []User
	// Total counts every user that matches, on whatever page.
	Total int
	// Before and After report whether matching users exist before and after this page in sort order.
	Before, After bool
	// Next is the id of the first user after this page, zero where there is none.
	Next UserID
}

// Field names a property of a user that can be filtered or sorted on.
type Field uint8

// The fields. Text fields compare by Fold; times compare as instants, "never" being the smallest.
const (
	FieldID Field = iota + 1
	FieldName
	FieldEmail
	FieldUsername
	FieldPhoneNumber
	FieldCountry
	FieldStatus   // as User.StatusAt shows it; sorts by the status's name
	FieldRole     // filters on any of the user's role ids; sorts by the main role's folded name
	FieldMainRole // the main role's id, zero for a user without roles
	FieldOrg      // filters on the organization's id; sorts by its folded name
	FieldDepth    // number of organizations on the user's path, 1 for a user of the root
	FieldDevices  // number of push devices
	FieldDeviceType
	FieldCreatedAt
	FieldUpdatedAt
	FieldRegisteredAt
	FieldLastLoginAt
	fieldCount
)

var fieldNames = [fieldCount]string{
	FieldID: "id", FieldName: "name", FieldEmail: "email", FieldUsername: "username", FieldPhoneNumber: "phoneNumber",
	FieldCountry: "country", FieldStatus: "status", FieldRole: "role", FieldMainRole: "mainRole", FieldOrg: "organization", FieldDepth: "depth",
	FieldDevices: "devices", FieldDeviceType: "deviceType", FieldCreatedAt: "createdAt", FieldUpdatedAt: "updatedAt",
	FieldRegisteredAt: "registeredAt", FieldLastLoginAt: "lastLoginAt",
}

// String returns the field's name.
func (f Field) String() string {
	if f < fieldCount {
		return fieldNames[f]
	}
	return "field " + strconv.Itoa(int(f))
}

// Fields returns every field, for tests that must cover them all.
func Fields() []Field {
	fields := make([]Field, 0, fieldCount-1)
	for f := FieldID; f < fieldCount; f++ {
		fields = append(fields, f)
	}
	return fields
}

// FieldType says what the values of a field are.
type FieldType uint8

// The field types.
const (
	TextField   FieldType = iota // Value.Text
	NumberField                  // Value.Number: an id, a count, a Status or a DeviceType
	TimeField                    // Value.Number: Unix milliseconds; "never" is null
)

// Type returns the type of the field's values.
func (f Field) Type() FieldType {
	switch f {
	case FieldName, FieldEmail, FieldUsername, FieldPhoneNumber, FieldCountry:
		return TextField
	case FieldCreatedAt, FieldUpdatedAt, FieldRegisteredAt, FieldLastLoginAt:
		return TimeField
	default:
		return NumberField
	}
}

// Sort is one sort key.
type Sort struct {
	Field      Field
	Descending bool
	// Ranks, unless nil, takes the place of the field's own order: users sort by the rank of their value, 0 for one that is not
	// in it, and those of one rank are ties. It is for dialects that have one word for several values. Only FieldStatus and
	// FieldMainRole, whose values are few, can have it.
	Ranks map[int64]int
}

// Operator compares a field with values.
type Operator uint8

// The operators.
const (
	Equal          Operator = iota + 1 // text: the same text, letter by letter, but FieldEmail by Email.Key
	NotEqual                           // the opposite of Equal
	Less                               // text: by Fold
	LessOrEqual                        //
	Greater                            //
	GreaterOrEqual                     //
	In                                 // Equal to any of Values
	NotIn                              // Equal to none of Values
	HasPrefix                          // text only, by Fold
	Matches                            // text only: Values[0].Text is an RE2 pattern, unanchored, on the text as written
	IsNull                             // empty text, or a time that is "never"; numbers never are
	IsNotNull                          // the opposite of IsNull
	operatorCount
)

// Value is what a field is compared with: Text or Number, by Field.Type.
type Value struct {
	Text   string
	Number int64
}

// Filter is a condition on a user: exactly one of All (and), Any (or) and a comparison of Field.
type Filter struct {
	All []Filter
	Any []Filter

	Field    Field
	Operator Operator
	Values   []Value
}

// MaxFilterNodes and MaxFilterValues bound a query's work.
const (
	MaxFilterNodes  = 100
	MaxFilterValues = 1000
	maxPattern      = 500 // bytes
	// maxPatternSteps bounds the steps that all patterns of a query are compiled into. Matching takes no longer than the product
	// of the steps and the length of the text, for each user: a few bytes such as .{1000} are a thousand steps. The worst
	// patterns of this size take some 40 microseconds for a name, usual ones a hundredth of that.
	maxPatternSteps = 200
)

// Validate reports everything that is wrong with the query, as one KindInvalid error.
func (q *Query) Validate() error {
	var errs FieldErrors
	if !utf8.ValidString(q.Text) || strings.ContainsRune(q.Text, utf8.RuneError) {
		// An event's JSON cannot carry invalid UTF-8: the gateway has put U+FFFD in its place.
		errs.Add("query", "must be valid UTF-8")
	} else if utf8.RuneCountInString(q.Text) > MaxText {
		errs.Add("query", "must have at most "+strconv.Itoa(MaxText)+" characters")
	}
	if q.Page.Limit < 1 || q.Page.Limit > MaxLimit {
		errs.Add("limit", "must be between 1 and "+strconv.Itoa(MaxLimit))
	}
	if q.Page.Offset < 0 {
		errs.Add("offset", "must not be negative")
	}
	cursor := q.Page.Start != 0 || q.Page.End != 0
	if cursor && q.Page.Offset != 0 {
		errs.Add("offset", "cannot be combined with a cursor")
	}
	if cursor && !q.SortedByID() {
		errs.Add("sort", "must be by id when a cursor is given")
	}
	for _, s := range q.Sort {
		if s.Field == 0 || s.Field >= fieldCount {
			errs.Add("sort", "names an unknown field")
		}
		if s.Ranks != nil && s.Field != FieldStatus && s.Field != FieldMainRole {
			errs.Add("sort", "ranks the values of a field that cannot be ranked")
		}
	}
	var size filterSize
	for i := range q.Filters {
		q.Filters[i].validate(&errs, &size)
	}
	if size.nodes > MaxFilterNodes {
		errs.Add("filter", "must have at most "+strconv.Itoa(MaxFilterNodes)+" conditions")
	}
	if size.values > MaxFilterValues {
		errs.Add("filter", "must have at most "+strconv.Itoa(MaxFilterValues)+" values")
	}
	if size.steps > maxPatternSteps {
		errs.Add("filter", "must have simpler patterns, or fewer")
	}
	return errs.Err()
}

// filterSize is what the filters of a query add up to.
type filterSize struct{ nodes, values, steps int }

// SortedByID reports whether the query's order is that of the ids, ascending or descending.
func (q *Query) SortedByID() bool { return len(q.Sort) == 0 || q.Sort[0].Field == FieldID }

func (f *Filter) validate(errs *FieldErrors, size *filterSize) {
	size.nodes++
	size.values += len(f.Values)
	if size.nodes > MaxFilterNodes {
		return
	}
	if len(f.All) > 0 || len(f.Any) > 0 {
		if len(f.All) > 0 && len(f.Any) > 0 || f.Field != 0 {
			errs.Add("filter", "must be one of all, any and a comparison")
		}
		for i := range f.All {
			f.All[i].validate(errs, size)
		}
		for i := range f.Any {
			f.Any[i].validate(errs, size)
		}
		return
	}
	if f.Field == 0 || f.Field >= fieldCount {
		errs.Add("filter", "names an unknown field")
		return
	}
	name := f.Field.String()
	switch f.Operator {
	case IsNull, IsNotNull:
		if len(f.Values) != 0 {
			errs.Add(name, "takes no value with this operator")
		}
		return
	case In, NotIn:
		// Any number of values, none included: In nothing holds for nobody.
		return
	case HasPrefix, Matches:
		if f.Field.Type() != TextField {
			errs.Add(name, "is not text, so it has no prefix and matches no pattern")
			return
		}
	case Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual:
	default:
		errs.Add(name, "has an unknown operator")
		return
	}
	if len(f.Values) != 1 {
		errs.Add(name, "takes exactly one value with this operator")
		return
	}
	if f.Operator == Matches {
		steps, broken := patternSteps(f.Values[0].Text)
		if broken != "" {
			errs.Add(name, broken)
		}
		size.steps += steps
	}
}

// patternSteps returns how many steps the pattern is compiled into, or what is wrong with it.
func patternSteps(pattern string) (steps int, broken string) {
	if len(pattern) > maxPattern {
		return 0, "must match a pattern of at most " + strconv.Itoa(maxPattern) + " bytes"
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, "must match a valid RE2 pattern"
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, "must match a valid RE2 pattern"
	}
	return len(program.Inst), ""
}
