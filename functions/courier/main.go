// Command courier is the Lambda that sends mail and push messages, from the stream of the table.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/courier"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := courier.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "courier:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
