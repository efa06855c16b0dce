package gateway

import (
	"encoding/json"
	"slices"
)

// decision is what a policy says about one method.
type decision int

const (
	silent decision = iota // no statement is about it, which refuses it
	allowed
	denied
)

// policy is an IAM policy as far as an authorizer can use it.
type policy struct {
	Statement []statement `json:"Statement"`
}

type statement struct {
	Effect   string    `json:"Effect"`
	Action   oneOrMany `json:"Action"`
	Resource oneOrMany `json:"Resource"`
}

// oneOrMany is a JSON string, or a list of them.
type oneOrMany []string

// UnmarshalJSON reads a string or a list of strings.
func (o *oneOrMany) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

// decide evaluates the policy for a method's ARN: a matching Deny goes before any Allow.
func (p policy) decide(arn string) decision {
	result := silent
	for _, s := range p.Statement {
		about := slices.ContainsFunc(s.Action, func(pattern string) bool { return matches(pattern, "execute-api:Invoke") }) &&
			slices.ContainsFunc(s.Resource, func(pattern string) bool { return matches(pattern, arn) })
		switch {
		case about && s.Effect == "Deny":
			return denied
		case about && s.Effect == "Allow":
			result = allowed
		}
	}
	return result
}

// matches reports whether text fits pattern, in which * stands for any characters and ? for one, as in IAM.
func matches(pattern, text string) bool {
	star, mark := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
