package oauth2

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// readJSON returns the values of a request's JSON object by name, several where a name occurs more than once. A body of another type is
// refused with the status that the endpoint has for that.
func readJSON(w http.ResponseWriter, r *http.Request, notJSON int) (map[string][]json.RawMessage, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if !isJSON(r.Header.Values("Content-Type")) {
		return nil, &Refusal{Code: InvalidRequest, Description: "Content-Type must be application/json", status: notJSON}
	}
	return readMembers(body)
}

// isJSON reports whether that is the Content-Type of JSON in UTF-8, which a body without one is taken for.
func isJSON(given []string) bool {
	if len(given) == 0 || len(given) == 1 && given[0] == "" {
		return true
	}
	media, params, err := mime.ParseMediaType(given[0])
	charset, has := params["charset"]
	return err == nil && len(given) == 1 && media == "application/json" && (!has || strings.EqualFold(charset, "utf-8"))
}

// readMembers returns the values of a JSON object by name, several where a name occurs more than once. encoding/json alone would take
// the last of them, and names in any case.
func readMembers(body []byte) (map[string][]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if first, err := decoder.Token(); !utf8.Valid(body) || !json.Valid(body) || err != nil || first != json.Delim('{') {
		return nil, refuse(InvalidRequest, "the body must be a JSON object in UTF-8")
	}
	members := map[string][]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, refuse(InvalidRequest, "the body could not be read")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, refuse(InvalidRequest, "the body could not be read")
		}
		key, _ := name.(string) // in valid JSON the name of a member is nothing else
		members[key] = append(members[key], value)
	}
	return members, nil
}

// text returns the value of a member that is to be given once, as a string; or what is wrong with it.
func text(given []json.RawMessage) (string, string) {
	var value string
	switch {
	case len(given) == 0:
		return "", "is required"
	case len(given) > 1:
		return "", "occurs more than once"
	case given[0][0] != '"' || json.Unmarshal(given[0], &value) != nil:
		return "", "must be a string"
	case value == "":
		return "", "must not be empty"
	}
	return value, ""
}
