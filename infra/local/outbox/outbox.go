package outbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Prefix is where all of an Outbox is: paths below it are for ServeHTTP.
const Prefix = "/_roster/"

// The paths of the services, which stand for the addresses of AWS, and of the page.
const (
	SESPath  = Prefix + "ses"
	SNSPath  = Prefix + "sns"
	SQSPath  = Prefix + "sqs"
	PagePath = Prefix + "outbox"
)

// What the services know from the beginning.
const (
	// ConfigurationSet is the one that SES has. Only mails that are sent with it are heard of again.
	ConfigurationSet = "roster"
	// QueuePath is the path of the one queue that SQS has.
	QueuePath = SQSPath + "/000000000000/refusals"
	// ApplicationFCM, ApplicationAPNS and ApplicationAPNSSandbox are the platform applications that SNS has.
	ApplicationFCM         = "arn:aws:sns:local:000000000000:app/GCM/roster"
	ApplicationAPNS        = "arn:aws:sns:local:000000000000:app/APNS/roster"
	ApplicationAPNSSandbox = "arn:aws:sns:local:000000000000:app/APNS_SANDBOX/roster"
)

// Config is what an Outbox works with. All of it may be left out.
type Config struct {
	// Dir is the folder of the files outbox.jsonl and endpoints.json, which hold what was sent and the devices' endpoints; empty keeps
	// both in memory only.
	Dir string
	// Address is the host that the server listens at, if that is no loopback address: a request may name it as its Host.
	Address string
	// Feedback is told what SES has to tell of a mail, as SES puts it into a topic, some time after the mail was sent. It runs
	// in a goroutine of its own, and its context ends with the Outbox. Nil tells nobody.
	Feedback func(ctx context.Context, event []byte)
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Report is told of what went wrong with the files, in one line; nil tells nobody.
	Report func(line string)
}

// Outbox is the services and the page. It is safe for concurrent use.
type Outbox struct {
	config    Config
	store     *store
	endpoints *endpoints
	queue     *queue
	mux       *http.ServeMux
	origins   *http.CrossOriginProtection

	ending   context.Context // ends with Close
	end      context.CancelFunc
	mu       sync.Mutex     // guards the start of feedback against Close
	feedback sync.WaitGroup // what is being told
}

// New returns an Outbox with what the last one with this folder had kept.
func New(c Config) (*Outbox, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Report == nil {
		c.Report = func(string) {}
	}
	kept, err := openStore(c)
	if err != nil {
		return nil, fmt.Errorf("what was sent before cannot be read: %w", err)
	}
	endpoints, err := openEndpoints(c)
	if err != nil {
		return nil, errors.Join(err, kept.close())
	}
	o := &Outbox{
		config: c, store: kept, endpoints: endpoints, queue: newQueue(kept.all()),
		mux: http.NewServeMux(), origins: http.NewCrossOriginProtection(),
	}
	o.ending, o.end = context.WithCancel(context.Background())
	o.mux.HandleFunc(SESPath+"/", o.serveSES)
	o.mux.HandleFunc(SNSPath, o.serveSNS)
	o.mux.HandleFunc(SNSPath+"/{$}", o.serveSNS)
	o.mux.HandleFunc(SQSPath, o.serveSQS)
	o.mux.HandleFunc(SQSPath+"/", o.serveSQS)
	o.addPages()
	return o, nil
}

// Close ends live updates and feedback, waits for both, and closes the file.
func (o *Outbox) Close() error {
	o.mu.Lock()
	o.end()
	o.mu.Unlock()
	o.feedback.Wait()
	return o.store.close()
}

// EndUpdates ends the answers that go on for as long as a page is open. http.Server.Shutdown would wait for them.
func (o *Outbox) EndUpdates() { o.end() }

// ServeHTTP answers a request for a path below Prefix. It refuses what did not come from this machine, or from where the developer lets
// it come from: a page of another site must be able neither to read the outbox, by a name of its own that leads here (DNS
// rebinding), nor to put something into it.
func (o *Outbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	if err := o.admit(r); err != nil {
		http.Error(w, "This is for the developer's own machine: "+err.Error()+".", http.StatusForbidden)
		return
	}
	o.mux.ServeHTTP(w, r)
}

// admit returns why a request is not for an Outbox, nil if it is.
func (o *Outbox) admit(r *http.Request) error {
	host := hostOf(r.Host)
	switch {
	case isLoopback(host):
		if !isLoopback(hostOf(r.RemoteAddr)) {
			return errors.New("the request comes from elsewhere")
		}
	case o.config.Address == "" || !strings.EqualFold(host, o.config.Address):
		return errors.New("the request names another host")
	}
	if err := o.origins.Check(r); err != nil {
		return errors.New("the request comes from a page of another site")
	}
	return nil
}

// hostOf returns a host without its port.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return strings.Trim(address, "[]")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// signed reports whether a request carries a signature, which AWS asks for before anything else. The signature is not checked.
func signed(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
}
