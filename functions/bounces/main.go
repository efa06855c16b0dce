// Command bounces is the Lambda that marks mail which came back, from the topic of the mail service.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/bounces"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := bounces.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "bounces:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
