package outbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// The attributes of an endpoint.
const (
	attributeEnabled = "Enabled"
	attributeToken   = "Token"
	attributeData    = "CustomUserData"
)

// platformGCM is what SNS calls FCM. APNS and APNS_SANDBOX are called so.
const platformGCM = "GCM"

// endpoint is a device that SNS knows.
type endpoint struct {
	ARN     string `json:"arn"`
	Token   string `json:"token"`
	Enabled bool   `json:"enabled"`
	Data    string `json:"data,omitempty"`
}

// platform returns GCM, APNS or APNS_SANDBOX: arn:aws:sns:region:account:endpoint/PLATFORM/application/id.
func (e *endpoint) platform() string { return strings.Split(e.ARN, "/")[1] }

// application returns the ARN of the platform application that the endpoint belongs to.
func (e *endpoint) application() string {
	arn := strings.Replace(e.ARN, ":endpoint/", ":app/", 1)
	return arn[:strings.LastIndex(arn, "/")]
}

// endpoints are the devices that SNS knows. They outlive the program like the messages, since the table, which outlives it too, knows
// them by their ARNs.
type endpoints struct {
	config Config
	path   string // empty for none

	mu    sync.Mutex
	byARN map[string]endpoint // guarded by mu
}

func openEndpoints(c Config) (*endpoints, error) {
	e := &endpoints{config: c, byARN: map[string]endpoint{}}
	if c.Dir == "" {
		return e, nil
	}
	e.path = filepath.Join(c.Dir, "endpoints.json")
	text, err := os.ReadFile(e.path)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &e.byARN); err != nil || e.byARN == nil {
		return nil, fmt.Errorf("%s is damaged: remove it, and devices have to register again", e.path)
	}
	return e, nil
}

// save writes the file, which is there as it was or as it is to be.
func (e *endpoints) save() {
	if e.path == "" {
		return
	}
	if err := e.write(); err != nil {
		e.config.Report(fmt.Sprintf("the endpoints of devices cannot be kept in %s: %v", e.path, err))
	}
}

func (e *endpoints) write() error {
	line, err := encode(e.byARN)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(e.config.Dir, ".endpoints-*") // readable by its owner only
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it is renamed
	_, err = file.Write(line)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), e.path)
}

// apnsToken is what APNs gives to apps, as SNS checks it.
var apnsToken = regexp.MustCompile(`^[0-9A-Fa-f]{1,400}$`)

func checkToken(platform, token string) *snsError {
	switch {
	case token == "":
		return invalidParameter("Token Reason: cannot be empty")
	case len(token) > 4096:
		return invalidParameter("Token Reason: must be at most 4096 bytes long")
	case platform != platformGCM && !apnsToken.MatchString(token):
		return invalidParameter("Token Reason: iOS device tokens must be no more than 400 hexadecimal characters")
	}
	return nil
}

// create returns the ARN of the endpoint of a token: a new one, or the one that is there if it has the attributes asked for.
func (e *endpoints) create(application, token string, attributes map[string]string) (string, *snsError) {
	switch application {
	case ApplicationFCM, ApplicationAPNS, ApplicationAPNSSandbox:
	default:
		return "", &snsError{404, "NotFound", "PlatformApplication does not exist"}
	}
	made := endpoint{
		ARN: strings.Replace(application, ":app/", ":endpoint/", 1) + "/" + newUUID(), Token: token,
		Enabled: !strings.EqualFold(attributes[attributeEnabled], "false"), Data: attributes[attributeData],
	}
	if problem := checkToken(made.platform(), token); problem != nil {
		return "", problem
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if there, found := e.find(application, token); found {
		// An endpoint that was disabled counts as the same if the caller says nothing of that: SNS does not enable it again.
		_, asked := attributes[attributeEnabled]
		if there.Data != made.Data || asked && there.Enabled != made.Enabled {
			return "", invalidParameter("Token Reason: Endpoint %s already exists with the same Token, but different attributes.", there.ARN)
		}
		return there.ARN, nil
	}
	e.byARN[made.ARN] = made
	e.save()
	return made.ARN, nil
}

// find returns the endpoint of a token of an application.
func (e *endpoints) find(application, token string) (endpoint, bool) {
	for _, one := range e.byARN {
		if one.Token == token && one.application() == application {
			return one, true
		}
	}
	return endpoint{}, false
}

func (e *endpoints) get(arn string) (endpoint, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	one, there := e.byARN[arn]
	return one, there
}

// set changes attributes of an endpoint.
func (e *endpoints) set(arn string, attributes map[string]string) *snsError {
	e.mu.Lock()
	defer e.mu.Unlock()
	one, there := e.byARN[arn]
	if !there {
		return noEndpoint
	}
	if token, given := attributes[attributeToken]; given {
		if problem := checkToken(one.platform(), token); problem != nil {
			return problem
		}
		if other, found := e.find(one.application(), token); found && other.ARN != arn {
			return invalidParameter("Token Reason: Endpoint %s already exists with the same Token, but different attributes.", other.ARN)
		}
		one.Token = token
	}
	if enabled, given := attributes[attributeEnabled]; given {
		one.Enabled = strings.EqualFold(enabled, "true")
	}
	if data, given := attributes[attributeData]; given {
		one.Data = data
	}
	e.byARN[arn] = one
	e.save()
	return nil
}

func (e *endpoints) remove(arn string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, there := e.byARN[arn]; there {
		delete(e.byARN, arn)
		e.save()
	}
}
