// Openapi writes the OpenAPI document of each dialect beside itself, where clients are generated from and a test of the
// dialect pins it: go run ./infra/openapi, or make openapi.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rosterhq/roster/internal/api/customers"
	"github.com/rosterhq/roster/internal/api/global"
	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/api/workspace"
)

func main() {
	dir := flag.String("dir", filepath.Join("infra", "openapi"), "folder to write the documents to")
	flag.Parse()
	if err := write(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	for _, dialect := range []struct {
		name     string
		document func() ([]byte, error)
	}{
		{organization.Name, organization.OpenAPI},
		{customers.Name, customers.OpenAPI},
		{workspace.Name, workspace.OpenAPI},
		{global.Name, global.OpenAPI},
	} {
		document, err := dialect.document()
		if err != nil {
			return err
		}
		file := filepath.Join(dir, dialect.name+".json")
		if err := os.WriteFile(file, document, 0o644); err != nil {
			return fmt.Errorf("writing the document of dialect %s: %w", dialect.name, err)
		}
	}
	return nil
}
