package moto

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// goodPython is a python3 that says it is version 3.11, has pip, and installs a server of one empty file.
const goodPython = `case "$1" in
-c) echo 3.11 ;;
-m) echo pip >> "$CALLS"; sleep 0.1
	for a in "$@"; do case "$a" in */moto-*) mkdir -p "$a/moto" && : > "$a/moto/server.py" ;; esac; done ;;
esac`

// machine makes up a machine whose PATH holds only a shell and a python3 that is the script, or none if that is empty, and whose
// cache folder is empty. It returns the cache folder, and how often pip was called since.
func machine(t *testing.T, script string) (cache string, calls func() int) {
	t.Helper()
	dir := t.TempDir()
	bin, called := filepath.Join(dir, "bin"), filepath.Join(dir, "calls")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"sh", "mkdir", "sleep"} {
		real, err := exec.LookPath(tool)
		if err != nil {
			t.Fatalf("the fake python is a shell script: %v", err)
		}
		if err := os.Symlink(real, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("CALLS", called)
	if script != "" {
		writePython(t, script)
	}
	return filepath.Join(dir, "cache"), func() int {
		text, err := os.ReadFile(called)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.Count(string(text), "pip")
	}
}

func writePython(t *testing.T, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(os.Getenv("PATH"), "python3"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestInstallNeedsPythonWithPip(t *testing.T) {
	for name, script := range map[string]string{
		"no python3": "",
		"no pip":     `echo "ModuleNotFoundError: No module named 'pip'" >&2; exit 1`,
	} {
		t.Run(name, func(t *testing.T) {
			machine(t, script)
			if _, err := install(t.Context(), io.Discard); !errors.Is(err, errNoTools) {
				t.Errorf("install = %v, want %v", err, errNoTools)
			}
		})
	}
}

func TestInstallSaysWhatPipSaid(t *testing.T) {
	cache, _ := machine(t, `case "$1" in -c) echo 3.11 ;; *) echo one; echo "ERROR: No matching distribution found" >&2; exit 1 ;; esac`)
	_, err := install(t.Context(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "ERROR: No matching distribution found") {
		t.Errorf("install = %v, want what pip said", err)
	}
	wantNothingLeft(t, cache)
}

func TestInstallsAtOnceInstallOnce(t *testing.T) {
	cache, calls := machine(t, goodPython)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := install(t.Context(), io.Discard); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	var progress bytes.Buffer
	home, err := install(t.Context(), &progress)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(cache, "roster", "moto-"+Version); home != want {
		t.Errorf("install = %q, want %q", home, want)
	}
	if calls() != 1 || progress.Len() != 0 {
		t.Errorf("pip was called %d times, and the last install said %q, want one call and no word", calls(), progress.String())
	}
	wantNothingLeft(t, cache)
}

func TestInstallIsDoneAnewForAnotherPythonAndForLostFiles(t *testing.T) {
	_, calls := machine(t, goodPython)
	home, err := install(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	writePython(t, strings.Replace(goodPython, "3.11", "3.12", 1))
	if _, err := install(t.Context(), io.Discard); err != nil || calls() != 2 {
		t.Errorf("with another Python: %v, pip was called %d times, want 2", err, calls())
	}
	if err := os.Remove(filepath.Join(home, "moto", "server.py")); err != nil {
		t.Fatal(err)
	}
	if _, err := install(t.Context(), io.Discard); err != nil || calls() != 3 {
		t.Errorf("without the server's file: %v, pip was called %d times, want 3", err, calls())
	}
}

func TestInstallCutShortLeavesNothing(t *testing.T) {
	cache, _ := machine(t, `case "$1" in -c) echo 3.11 ;; *) exec sleep 60 ;; esac`)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, fmt.Errorf("no patience"))
	defer cancel()
	if _, err := install(ctx, io.Discard); err == nil || !strings.Contains(err.Error(), "no patience") {
		t.Errorf("install = %v, want that it was cut short", err)
	}
	wantNothingLeft(t, cache)
}

// wantNothingLeft fails the test if an unfinished folder is in the cache.
func wantNothingLeft(t *testing.T, cache string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(cache, "roster", "*.partial-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}
