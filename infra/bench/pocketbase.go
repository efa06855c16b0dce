package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rosterhq/roster/infra/bench/gateway"
	"github.com/rosterhq/roster/internal/roster"
)

// pocketBase is a PocketBase in a process of its own: the module in the folder pocketbase.
type pocketBase struct {
	command *exec.Cmd
	exited  chan struct{}
	client  *http.Client
	base    string
	version string
}

// startPocketBase builds PocketBase, fills it with the users that each gives, and starts it. The caller stops it.
func startPocketBase(ctx context.Context, dir string, each func(visit func(*roster.User) error) error) (*pocketBase, error) {
	binary, people := filepath.Join(dir, "pocketbase"), filepath.Join(dir, "people.jsonl")
	if err := writePeople(people, each); err != nil {
		return nil, err
	}
	const module = "github.com/pocketbase/pocketbase"
	version := exec.CommandContext(ctx, "go", "list", "-C", "pocketbase", "-m", "-f", "{{.Version}}", module)
	text, err := version.Output()
	if err != nil {
		return nil, fmt.Errorf("asking for the version: %w", err)
	}
	building := newProgress("building PocketBase", 1)
	build := exec.CommandContext(ctx, "go", "build", "-C", "pocketbase", "-o", binary, ".")
	out, err := build.CombinedOutput()
	building.done()
	if err != nil {
		return nil, fmt.Errorf("building: %w\n%s", err, out)
	}
	address, err := gateway.FreeAddress()
	if err != nil {
		return nil, err
	}
	p := &pocketBase{
		client: &http.Client{}, base: "http://" + address, exited: make(chan struct{}), version: strings.TrimSpace(string(text)),
		command: exec.Command(binary, "-dir", filepath.Join(dir, "pb_data"), "-people", people, "-addr", address),
	}
	p.command.Stderr = os.Stderr                                // its standard output is for people
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, who stop it
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting: %w", err)
	}
	go func() {
		_ = p.command.Wait() // how it ended is on its own standard error
		close(p.exited)
	}()
	filling := newProgress("filling PocketBase", 1)
	defer filling.done()
	for {
		if _, _, err := p.search(ctx, "a", 0); err == nil {
			return p, nil
		}
		select {
		case <-p.exited:
			return nil, errors.New("it ended before it answered")
		case <-ctx.Done():
			p.stop()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// writePeople writes what PocketBase is filled with: a line of JSON for each user.
func writePeople(name string, each func(visit func(*roster.User) error) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	lines := json.NewEncoder(out)
	err = each(func(u *roster.User) error {
		folded := roster.Fold(u.Name)
		return lines.Encode(map[string]string{
			"name": u.Name, "nickname": u.Nickname, "email": string(u.Email), "folded": folded,
			"text": folded + "\x01" + roster.Fold(u.Nickname) + "\x01" + roster.Fold(string(u.Email)),
		})
	})
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// stop ends the process.
func (p *pocketBase) stop() {
	_ = p.command.Process.Signal(os.Interrupt) // fails only if it has ended already
	<-p.exited
}

// search asks for a page of the users with text in them, as Server.Search of package gateway does.
func (p *pocketBase) search(ctx context.Context, text string, page int) (total int, took time.Duration, err error) {
	query := url.Values{"filter": {"text ~ '" + text + "'"}, "sort": {"folded"}, "perPage": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page + 1)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/api/collections/people/records?"+query.Encode(), nil)
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	response, err := p.client.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	took = time.Since(start)
	if err != nil {
		return 0, 0, err
	}
	var found struct {
		TotalItems int `json:"totalItems"`
	}
	if response.StatusCode != http.StatusOK {
		return 0, 0, fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return 0, 0, err
	}
	return found.TotalItems, took, nil
}
