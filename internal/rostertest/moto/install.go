package moto

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// errNoTools says that the machine has not got what moto needs; tests are then skipped.
var errNoTools = errors.New("moto needs python3 with pip: install both (Debian: python3, python3-pip), then try again")

// completeMarker is written last into an installed folder, so a folder without it, or with another text in it, is not used.
const completeMarker = "complete"

// installWithin bounds an installation: 110 MB from a registry.
const installWithin = 5 * time.Minute

// install returns the folder that holds moto and what it needs, below the user's cache folder, after installing it there if it is
// not. Processes that install at once wait for the first of them, and an installation that is cut short leaves nothing that is
// used. It says on progress that it installs, for that takes a while.
func install(ctx context.Context, progress io.Writer) (string, error) {
	python, err := pythonVersion(ctx)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("moto has no folder to be kept in: %w", err)
	}
	parent := filepath.Join(cache, "roster")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("moto has no folder to be kept in: %w", err)
	}
	home := filepath.Join(parent, "moto-"+Version)
	// Some of what is installed is compiled for one version of Python.
	marker := strings.Join(requirements, " ") + " for Python " + python + "\n"
	if complete(home, marker) {
		return home, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, installWithin, fmt.Errorf("installing moto took longer than %v", installWithin))
	defer cancel()
	unlock, err := lock(ctx, home+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if complete(home, marker) { // another process has installed it meanwhile
		return home, nil
	}
	fmt.Fprintf(progress, "installing moto %s to %s, once\n", Version, home)
	if err := installInto(ctx, home, marker); err != nil {
		return "", fmt.Errorf("moto %s could not be installed: %w", Version, err)
	}
	return home, nil
}

// Environment returns the environment of a program of Python that uses moto, or the translator of SAM, by itself: python3 finds both.
// Without python3 and pip the test is skipped.
func Environment(t testing.TB) []string {
	t.Helper()
	home, err := install(t.Context(), os.Stderr)
	if errors.Is(err, errNoTools) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "PYTHONPATH="+home)
}

// pythonVersion returns the version of python3 as major and minor number, or errNoTools if it is not there or has no pip.
func pythonVersion(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("python3"); err != nil {
		return "", errNoTools
	}
	output, err := exec.CommandContext(ctx, "python3", "-c", "import pip, sys; print('%d.%d' % sys.version_info[:2])").Output()
	if err != nil {
		return "", errNoTools
	}
	return strings.TrimSpace(string(output)), nil
}

func complete(home, marker string) bool {
	text, err := os.ReadFile(filepath.Join(home, completeMarker))
	if err != nil || string(text) != marker {
		return false
	}
	// Clean-up tools take files out of caches.
	_, err = os.Stat(filepath.Join(home, "moto", "server.py"))
	return err == nil
}

// installInto has pip install into a folder aside and moves that to home.
func installInto(ctx context.Context, home, marker string) error {
	aside, err := os.MkdirTemp(filepath.Dir(home), filepath.Base(home)+".partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside)
	arguments := append([]string{
		"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts", "--root-user-action=ignore",
		"--target", aside,
	}, requirements...)
	output, err := exec.CommandContext(ctx, "python3", arguments...).CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("pip: %s (%w)", lastLine(output), err)
	}
	if err := os.WriteFile(filepath.Join(aside, completeMarker), []byte(marker), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(aside, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(home); err != nil { // what a damaged installation or another Python left
		return err
	}
	if err := os.Rename(aside, home); err != nil && !complete(home, marker) {
		return err
	}
	return nil
}

func lastLine(output []byte) string {
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
