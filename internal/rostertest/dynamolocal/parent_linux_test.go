package dynamolocal_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
)

// TestServerEndsWithItsParent kills, without a chance to clean up, a process that runs a server.
func TestServerEndsWithItsParent(t *testing.T) {
	if os.Getenv("DYNAMOLOCAL_PARENT") != "" {
		server, err := dynamolocal.Start(t.Context(), dynamolocal.Options{Memory: true})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("endpoint", server.Endpoint())
		select {}
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithItsParent$", "-test.v")
	parent.Env = append(os.Environ(), "DYNAMOLOCAL_PARENT=1")
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var read bytes.Buffer
	found := regexp.MustCompile(`endpoint (\S+)\n`)
	for buffer := make([]byte, 1024); found.FindSubmatch(read.Bytes()) == nil; {
		n, err := output.Read(buffer)
		read.Write(buffer[:n])
		if err != nil {
			t.Fatalf("the parent ended: %v\n%s", err, read.String())
		}
	}
	endpoint := string(found.FindSubmatch(read.Bytes())[1])
	call(t, endpoint, "ListTables", `{}`)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait()
	for { // the test's own time limit bounds this
		response, err := http.Get(endpoint)
		if err != nil {
			return
		}
		response.Body.Close()
		time.Sleep(20 * time.Millisecond)
	}
}
