// Command pocketbase serves a PocketBase on loopback with one collection, people, for the benchmark in the folder above
// to search. It is filled from a file with a JSON object per line, and everybody may list it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"
	"github.com/pocketbase/pocketbase/tools/types"
)

func main() {
	dir := flag.String("dir", "", "the folder of its data")
	people := flag.String("people", "", "the file with the people")
	address := flag.String("addr", "127.0.0.1:8090", "the address to listen at")
	flag.Parse()
	if err := run(*dir, *people, *address); err != nil {
		fmt.Fprintln(os.Stderr, "pocketbase:", err)
		os.Exit(1)
	}
}

// person is a line of the file. folded is the name to sort by, text what is searched, both folded.
type person struct {
	Name     string `json:"name"`
	Nickname string `json:"nickname"`
	Email    string `json:"email"`
	Folded   string `json:"folded"`
	Text     string `json:"text"`
}

func run(dir, people, address string) error {
	app := pocketbase.NewWithConfig(pocketbase.Config{DefaultDataDir: dir, HideStartBanner: true})
	if err := app.Bootstrap(); err != nil {
		return fmt.Errorf("making its folder: %w", err)
	}
	if err := app.RunAllMigrations(); err != nil {
		return fmt.Errorf("making its tables: %w", err)
	}
	app.Settings().Logs.MaxDays = 0 // a write per request otherwise
	if err := app.Save(app.Settings()); err != nil {
		return fmt.Errorf("turning off its log: %w", err)
	}
	collection := core.NewBaseCollection("people")
	for _, name := range []string{"name", "nickname", "email", "folded", "text"} {
		collection.Fields.Add(&core.TextField{Name: name, Max: 2000})
	}
	collection.ListRule = types.Pointer("") // everybody may
	collection.AddIndex("people_by_name", false, "folded, id, text", "")
	if err := app.Save(collection); err != nil {
		return fmt.Errorf("making the collection: %w", err)
	}
	if err := fill(app, people); err != nil {
		return fmt.Errorf("filling the collection: %w", err)
	}
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupt
		os.Exit(0) // nothing of it is kept
	}()
	err := apis.Serve(app, apis.ServeConfig{HttpAddr: address})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// fill inserts the people, by SQL: what is measured comes later.
func fill(app core.App, people string) error {
	file, err := os.Open(people)
	if err != nil {
		return err
	}
	defer file.Close()
	err = app.RunInTransaction(func(tx core.App) error {
		insert := tx.DB().NewQuery(`INSERT INTO people (id, name, nickname, email, folded, text) VALUES ({:id}, {:name}, {:nickname}, {:email}, {:folded}, {:text})`).Prepare()
		defer insert.Close()
		for lines := json.NewDecoder(file); ; {
			var p person
			err := lines.Decode(&p)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			_, err = insert.Bind(dbx.Params{
				"id": security.RandomString(15), "name": p.Name, "nickname": p.Nickname, "email": p.Email, "folded": p.Folded, "text": p.Text,
			}).Execute()
			if err != nil {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	_, err = app.DB().NewQuery("ANALYZE").Execute()
	return err
}
