package outbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// How much is kept: the newest so many messages, as far as they fit into so many bytes.
const (
	maxMessages = 1000
	maxBytes    = 64 << 20
)

// Message is something that was sent: exactly one of Mail, Push and Refusal is set.
type Message struct {
	// ID counts the messages, from 1.
	ID int64 `json:"id"`
	// Kind is mail, push or refusal.
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
	// MessageID is what the service answered to the sender.
	MessageID string   `json:"messageId"`
	Mail      *Mail    `json:"mail,omitempty"`
	Push      *Push    `json:"push,omitempty"`
	Refusal   *Refusal `json:"refusal,omitempty"`
}

// Mail is a mail that SES took.
type Mail struct {
	From    string   `json:"from"`
	To      []string `json:"to"`
	Cc      []string `json:"cc,omitempty"`
	Bcc     []string `json:"bcc,omitempty"`
	ReplyTo []string `json:"replyTo,omitempty"`
	Subject string   `json:"subject"`
	// Link is the first link of the text, or of the HTML if the text has none; empty for none.
	Link string `json:"link,omitempty"`
	Text string `json:"text,omitempty"`
	HTML string `json:"html,omitempty"`
	// Headers are those that the sender added.
	Headers []Pair `json:"headers,omitempty"`
	// Tags are for what SES tells of the mail later.
	Tags             []Pair `json:"tags,omitempty"`
	ConfigurationSet string `json:"configurationSet,omitempty"`
	// Fate is what SES's mailbox simulator does with the mail: bounce, suppressed or complaint; empty for none of them.
	Fate string `json:"fate,omitempty"`
}

// Pair is a name with a value.
type Pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Push is a push message that SNS took for a device.
type Push struct {
	// Platform is GCM, APNS or APNS_SANDBOX.
	Platform string `json:"platform"`
	Endpoint string `json:"endpoint"`
	// Token is the device's.
	Token string `json:"token"`
	// Title, Body and Image are what the device shows, as far as the payload says so.
	Title string `json:"title,omitempty"`
	Body  string `json:"body,omitempty"`
	Image string `json:"image,omitempty"`
	// Payload is what the platform gets.
	Payload json.RawMessage `json:"payload"`
	// Attributes are the message attributes.
	Attributes []Pair `json:"attributes,omitempty"`
}

// Refusal is a message in the queue of what will never be sent.
type Refusal struct {
	// Title says in a few words what was refused, Reason why, as far as Body says so.
	Title  string `json:"title"`
	Reason string `json:"reason,omitempty"`
	// Body is the queue's message.
	Body string `json:"body"`
}

// store keeps messages, and tells who watches that there is a new one.
type store struct {
	config Config
	path   string // empty for none

	mu       sync.Mutex
	messages []Message               // guarded by mu; the oldest first
	sizes    []int                   // guarded by mu; of the messages, in bytes
	bytes    int                     // guarded by mu; the sum of sizes
	last     int64                   // guarded by mu; the newest message's ID
	file     *os.File                // guarded by mu
	lines    int                     // guarded by mu; how many the file has
	watchers map[chan int64]struct{} // guarded by mu
}

// openStore reads the file and goes on with it. A line that cannot be read, such as the last one of a run that was cut short, is
// passed over.
func openStore(c Config) (*store, error) {
	s := &store{config: c, watchers: map[chan int64]struct{}{}}
	if c.Dir == "" {
		return s, nil
	}
	s.path = filepath.Join(c.Dir, "outbox.jsonl")
	text, err := os.ReadFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	damaged := 0
	for line := range bytes.Lines(text) {
		var m Message
		if err := json.Unmarshal(line, &m); err != nil || m.ID <= s.last || m.Mail == nil && m.Push == nil && m.Refusal == nil {
			damaged++
			continue
		}
		s.keep(m, len(line))
	}
	if damaged > 0 {
		c.Report(fmt.Sprintf("%d lines of %s are damaged and left out", damaged, s.path))
	}
	return s, s.rewrite()
}

// keep adds a message and drops the oldest ones that are too many.
func (s *store) keep(m Message, size int) {
	s.messages, s.sizes = append(s.messages, m), append(s.sizes, size)
	s.bytes += size
	s.last = m.ID
	drop := 0
	for len(s.messages)-drop > maxMessages || s.bytes > maxBytes && len(s.messages)-drop > 1 {
		s.bytes -= s.sizes[drop]
		drop++
	}
	s.messages, s.sizes = slices.Delete(s.messages, 0, drop), slices.Delete(s.sizes, 0, drop)
}

// rewrite writes the file anew with what is kept, and opens it for more. The file is there as it was or as it is to be.
func (s *store) rewrite() error {
	file, err := os.CreateTemp(s.config.Dir, ".outbox-*") // readable by its owner only: mails hold links that let people in
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it is renamed
	buffered := bufio.NewWriter(file)
	for _, m := range s.messages {
		line, err := encode(m)
		if err != nil {
			return errors.Join(err, file.Close())
		}
		_, _ = buffered.Write(line) // Flush says what went wrong
	}
	if err := buffered.Flush(); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := os.Rename(file.Name(), s.path); err != nil {
		return errors.Join(err, file.Close())
	}
	if s.file != nil {
		err = s.file.Close()
	}
	s.file, s.lines = file, len(s.messages)
	return err
}

// add keeps a message, under the next ID, and returns it. That it could not be written to the file is reported, and no reason to tell
// the sender that it was not sent.
func (s *store) add(m Message) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.ID, m.At = s.last+1, s.config.Now().UTC()
	line, err := encode(m)
	s.keep(m, len(line))
	if err == nil && s.file != nil {
		_, err = s.file.Write(line)
		if s.lines++; err == nil && s.lines >= 2*maxMessages {
			err = s.rewrite()
		}
	}
	if err != nil {
		s.config.Report(fmt.Sprintf("what was sent cannot be kept in %s: %v", s.path, err))
	}
	for watcher := range s.watchers {
		select {
		case watcher <- m.ID:
		default: // it has one to look at already
		}
	}
	return m
}

// all returns the messages, the oldest first.
func (s *store) all() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// get returns the message of that ID.
func (s *store) get(id int64) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearchFunc(s.messages, id, func(m Message, id int64) int { return int(m.ID - id) })
	if !found {
		return Message{}, false
	}
	return s.messages[i], true
}

// watch returns a channel that gets the ID of a new message, though perhaps not of each, and what ends that.
func (s *store) watch() (<-chan int64, func()) {
	watcher := make(chan int64, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[watcher] = struct{}{}
	return watcher, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, watcher)
	}
}

// newest returns the ID of the newest message, zero for none.
func (s *store) newest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// encode returns v as a line of JSON.
func encode(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding a message: %w", err)
	}
	return buffer.Bytes(), nil
}
