package moto_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/rostertest/moto"
)

// TestStartGivesAnEmptyServer runs twice what fills the server.
func TestStartGivesAnEmptyServer(t *testing.T) {
	for range 2 {
		t.Run("a queue is made", func(t *testing.T) {
			base := moto.Start(t)
			if kept := moto.Models[queue](t, base, "sqs", "Queue"); len(kept) != 0 {
				t.Fatalf("the server has %v at the start", kept)
			}
			createQueue(t, base, "one")
			if kept := moto.Models[queue](t, base, "sqs", "Queue"); len(kept) != 1 || kept[0].Name != "one" {
				t.Errorf("the server has %v, want the queue one", kept)
			}
		})
	}
}

func TestTestsTakeTurns(t *testing.T) {
	var mu sync.Mutex
	users := 0
	for i := range 3 {
		t.Run(fmt.Sprint("test ", i), func(t *testing.T) {
			t.Parallel()
			base := moto.Start(t)
			count := func(by int) {
				mu.Lock()
				defer mu.Unlock()
				if users += by; users > 1 {
					t.Error("two tests use the server at once")
				}
			}
			count(1)
			defer count(-1)
			createQueue(t, base, "mine")
			time.Sleep(20 * time.Millisecond)
			if kept := moto.Models[queue](t, base, "sqs", "Queue"); len(kept) != 1 {
				t.Errorf("the server has %v, want the test's own queue", kept)
			}
		})
	}
}

// TestServerEndsWithItsParent kills, without a chance to clean up, a process that runs a server.
func TestServerEndsWithItsParent(t *testing.T) {
	if os.Getenv("MOTO_PARENT") != "" {
		fmt.Println("base", moto.Start(t))
		select {}
	}
	moto.Start(t) // skips or fails here rather than in the other process
	parent := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithItsParent$", "-test.v")
	parent.Env = append(os.Environ(), "MOTO_PARENT=1")
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var read bytes.Buffer
	found := regexp.MustCompile(`base (\S+)\n`)
	for buffer := make([]byte, 1024); found.FindSubmatch(read.Bytes()) == nil; {
		n, err := output.Read(buffer)
		read.Write(buffer[:n])
		if err != nil {
			t.Fatalf("the parent ended: %v\n%s", err, read.String())
		}
	}
	base := string(found.FindSubmatch(read.Bytes())[1])
	createQueue(t, base, "one")
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait()
	for { // the test's own time limit bounds this
		response, err := http.Get(base)
		if err != nil {
			return
		}
		response.Body.Close()
		time.Sleep(20 * time.Millisecond)
	}
}

type queue struct {
	Name string `json:"name"`
}

// createQueue speaks the old query protocol, which needs no client.
func createQueue(t *testing.T, base, name string) {
	t.Helper()
	form := url.Values{"Action": {"CreateQueue"}, "QueueName": {name}, "Version": {"2012-11-05"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20240101/eu-central-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("CreateQueue: %s", response.Status)
	}
}
