package dynamolocal

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// javaVersion matches the first line of `java -version`: `openjdk version "17.0.15" 2025-04-15`, `java version
// "1.8.0_392"`, `openjdk version "22-ea" 2024-03-19`.
var javaVersion = regexp.MustCompile(`version "(?:1\.)?([0-9]+)`)

// FindJava returns the java program to use: the one in JAVA_HOME if that is set, else the first in PATH. The error is one
// line that names the way out when there is none, or it is older than MinJava.
func FindJava(ctx context.Context) (string, error) {
	java, err := lookJava()
	if err != nil {
		return "", fmt.Errorf("DynamoDB Local needs Java %d or newer, and %w: install a Java runtime, or set %s to a table that runs elsewhere",
			MinJava, err, EndpointVariable)
	}
	// The environment may make java print a line of its own first ("Picked up JAVA_TOOL_OPTIONS"), hence the search.
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	match := javaVersion.FindSubmatch(out)
	if match == nil {
		return "", fmt.Errorf("DynamoDB Local needs Java %d or newer, and %s does not tell its version (%s): point JAVA_HOME at a Java runtime, or set %s to a table that runs elsewhere",
			MinJava, java, whyFailed(err, out), EndpointVariable)
	}
	major, err := strconv.Atoi(string(match[1]))
	if err != nil || major < MinJava {
		return "", fmt.Errorf("DynamoDB Local needs Java %d or newer, and %s is Java %s: point JAVA_HOME at a newer one, or set %s to a table that runs elsewhere",
			MinJava, java, match[1], EndpointVariable)
	}
	return java, nil
}

func lookJava() (string, error) {
	home := os.Getenv("JAVA_HOME")
	if home == "" {
		java, err := exec.LookPath("java")
		if err != nil {
			return "", fmt.Errorf("there is no java in PATH and JAVA_HOME is not set")
		}
		return java, nil
	}
	java, err := exec.LookPath(filepath.Join(home, "bin", "java"))
	if err != nil {
		return "", fmt.Errorf("JAVA_HOME (%s) holds no bin/java", home)
	}
	return java, nil
}

// whyFailed puts what a command printed last, or else its error, in one line.
func whyFailed(err error, output []byte) string {
	if line := lastLine(string(output)); line != "" {
		return line
	}
	if err != nil {
		return err.Error()
	}
	return "it printed nothing"
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
