package browser

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/rosterhq/roster/internal/rostertest"
)

// axeVariable names the axe.min.js of axe-core, and axeHash is its SHA-256: version 4.14.1, as the Makefile fetches it.
const (
	axeVariable = "ROSTER_AXE"
	axeHash     = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
)

// screenshots is where the pictures go, from this folder.
const screenshots = "../../build/screenshots"

// patience bounds what one page may take, in a machine that does other things besides.
const patience = time.Minute

func TestMain(m *testing.M) { rostertest.Main(m) }

// axeSource returns axe-core.
func axeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(os.Getenv(axeVariable))
	if err != nil {
		t.Fatalf("no axe-core, which `make browser` fetches and names in %s: %v", axeVariable, err)
	}
	if sum := sha256.Sum256(source); hex.EncodeToString(sum[:]) != axeHash {
		t.Fatalf("%s is not the axe-core that was looked at: its SHA-256 is %x", os.Getenv(axeVariable), sum)
	}
	return string(source)
}

// startBrowser starts Chromium, which ends with the test. A tab of its own is for each page, see open.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("no Chromium in PATH: install it (Debian: chromium), then try again")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // it cannot be had by root, nor in most containers; the pages are our own
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", false), // whether there is a horizontal one is tested
		chromedp.WSURLReadTimeout(patience),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return browser
}

// tab is a page that is open in a profile of its own.
type tab struct {
	t      *testing.T
	ctx    context.Context
	axe    string
	name   string // of its screenshots
	script bool
	width  int64

	mu       sync.Mutex
	said     []string // guarded by mu: what went to the console, or was blocked
	asked    []string // guarded by mu: the addresses that were asked for
	statuses []int64  // guarded by mu: of the documents, in order
}

// look is how a page is looked at.
type look struct {
	width, height int64
	script        bool
	language      string // Accept-Language
}

// open opens a tab.
func open(t *testing.T, browser context.Context, name string, l look) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil { // the tab's life is that of the context that opens it
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, axe: axeSource(t), name: name, script: l.script, width: l.width}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !l.script})
	call(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": l.language}})
	if l.width < 600 {
		b.run(chromedp.EmulateViewport(l.width, l.height, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulatePortrait))
	} else {
		b.run(chromedp.EmulateViewport(l.width, l.height))
	}
	return b
}

// call sends a command to the browser.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	result, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// hear notes what the browser tells of the page.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.said = append(b.said, fmt.Sprintf("console.%s: %+v", e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		// The status of a page is no fault of the page.
		if e.Entry.Source != log.EntrySourceNetwork || !strings.Contains(e.Entry.URL, "/invitations/") {
			b.said = append(b.said, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.Method+" "+e.Request.URL)
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.statuses = append(b.statuses, e.Response.Status)
		}
	}
}

func (b *tab) run(action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, action); err != nil {
		b.t.Fatal(err)
	}
}

// visit opens an address.
func (b *tab) visit(address string) {
	b.t.Helper()
	b.run(chromedp.Navigate(address))
}

// press presses keys, or types a text.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.run(chromedp.KeyEvent(keys))
}

// shiftTab presses Tab with Shift held down.
func (b *tab) shiftTab() {
	b.t.Helper()
	b.run(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
}

// enter presses Enter as a keyboard does: chromedp's own key event has a character too many, which goes to whatever has the focus
// by then.
func (b *tab) enter() {
	b.t.Helper()
	b.run(pressEnter)
}

func pressEnter(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
	key := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", UnmodifiedText: "\r", WindowsVirtualKeyCode: 13}
	if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, key); err != nil {
		return chromedp.Void{}, err
	}
	key.Type, key.Text, key.UnmodifiedText = input.DispatchKeyEventTypeKeyUp, "", ""
	_, err := chromedp.Call(ctx, input.DispatchKeyEvent, key)
	return chromedp.Void{}, err
}

// submit presses Enter and waits for the page that follows.
func (b *tab) submit() {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, pressEnter); err != nil {
		b.t.Fatalf("pressing Enter: %v", err)
	}
}

// eval returns the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// focus returns what has the focus: the element's id, or its class or name where it has none.
func (b *tab) focus() string {
	b.t.Helper()
	return eval[string](b, `(e => e.id || e.className || e.getAttribute("href") || e.tagName)(document.activeElement)`)
}

// expectFocus fails the test unless that element has the focus, or gets it soon: autofocus waits until the page is drawn.
func (b *tab) expectFocus(id, why string) {
	b.t.Helper()
	got := ""
	for range 100 {
		if got = b.focus(); got == id {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("%s: the focus is on %q, want %q", why, got, id)
}

// tabTo presses Tab until that element has the focus, which must be in sight then, and returns what had it on the way.
func (b *tab) tabTo(id string) []string {
	b.t.Helper()
	var way []string
	for range 12 {
		b.press(kb.Tab)
		focus := b.focus()
		if focus == id {
			b.checkFocusIsSeen(id)
			return way
		}
		way = append(way, focus)
	}
	b.t.Fatalf("Tab does not lead to %s, but to %v", id, way)
	return nil
}

// checkFocusIsSeen fails the test unless what has the focus has an outline and is in sight.
func (b *tab) checkFocusIsSeen(id string) {
	b.t.Helper()
	type state struct {
		Outline     string
		Inside      bool
		Top, Bottom float64
	}
	var seen state
	for range 20 { // the page scrolls to it in its own time
		seen = eval[state](b, `(() => {
			const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
			return {Outline: s.outlineStyle + " " + s.outlineWidth, Top: r.top, Bottom: r.bottom,
				Inside: r.top > -1 && r.bottom < innerHeight + 1 && r.left >= 0 && r.right <= innerWidth};
		})()`)
		if seen.Inside {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if seen.Outline != "solid 3px" || !seen.Inside {
		b.t.Errorf("%s has the focus, and is seen like this: %+v", id, seen)
	}
}

// heading returns the page's main heading.
func (b *tab) heading() string {
	b.t.Helper()
	return eval[string](b, `document.querySelector("h1").innerText`)
}

// violation is what axe-core complains of.
type violation struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// examine looks for barriers in the page as it is, in light and in dark, at its width, and takes pictures.
func (b *tab) examine(state string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.prefer(scheme)
		b.checkBarriers(state + ", " + scheme)
		b.checkWidth(state)
		b.picture(state + "-" + scheme)
	}
	b.prefer("light")
}

// prefer makes the browser prefer a colour scheme, light or dark.
func (b *tab) prefer(scheme string) {
	b.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}

// checkBarriers runs axe-core with all its rules for WCAG 2.2 up to AA, and its best practices.
func (b *tab) checkBarriers(state string) {
	b.t.Helper()
	// The page has run no script so far, and axe-core needs it.
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
	defer func() {
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !b.script})
	}()
	eval[int](b, b.axe+"; 0")
	result := eval[struct {
		Violations, Incomplete []violation
		Passes                 int
	}](b, `axe.run({resultTypes: ["violations", "incomplete"]}).then(r => ({Violations: r.violations, Incomplete: r.incomplete, Passes: r.passes.length}))`)
	if result.Passes < 10 {
		b.t.Errorf("%s: axe-core passed %d rules: it has not looked at the page", state, result.Passes)
	}
	for _, v := range append(result.Violations, result.Incomplete...) {
		detail, err := json.Marshal(v.Nodes)
		if err != nil {
			b.t.Fatal(err)
		}
		b.t.Errorf("%s: axe-core: %s (%s): %s", state, v.Help, v.ID, detail)
	}
}

// checkWidth fails the test if something sticks out at the side.
func (b *tab) checkWidth(state string) {
	b.t.Helper()
	if wide := eval[[]string](b, `(() => {
		const width = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= width) { return []; }
		return [...document.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > width).map(e => e.tagName + "." + e.className);
	})()`); len(wide) > 0 {
		b.t.Errorf("%s: wider than the window: %v", state, wide)
	}
	// A small screen lays the page out wider instead, and shows it smaller.
	if width := eval[int64](b, `innerWidth`); width != b.width {
		b.t.Errorf("%s: laid out %d wide, want %d", state, width, b.width)
	}
}

// picture writes a screenshot of the whole page.
func (b *tab) picture(state string) {
	b.t.Helper()
	whole := true
	png := call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &whole}).Data
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screenshots, b.name+"-"+state+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// checkQuiet fails the test for everything that the console told, and for every request but those for the page itself.
func (b *tab) checkQuiet(address string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.said {
		b.t.Errorf("the browser says: %s", line)
	}
	for _, request := range b.asked {
		if request != "GET "+address && request != "POST "+address {
			b.t.Errorf("the page asks for %s", request)
		}
	}
}

// lastStatus returns the status of the document that is shown.
func (b *tab) lastStatus() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.statuses) == 0 {
		return 0
	}
	return b.statuses[len(b.statuses)-1]
}
