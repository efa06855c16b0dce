// Command notifications is the Lambda that takes push messages to be sent, and registers devices.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/notifications"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := notifications.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "notifications:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
