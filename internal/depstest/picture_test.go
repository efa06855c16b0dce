package depstest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rosterhq/roster"

// pkg is a package as its source has it. Imports of the module are relative to it.
type pkg struct {
	path, name             string
	imports, testImports   []string
	comments, commentFiles []string
}

// readModule reads every package of the module from its source. It asks no go command: the test cache then knows what the
// tests have read.
func readModule(t *testing.T) []pkg {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*pkg{}
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(root, file)
		}
		if filepath.Ext(file) != ".go" {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		if found[dir] == nil {
			found[dir] = &pkg{path: dir}
		}
		return found[dir].read(file)
	})
	if err != nil {
		t.Fatal(err)
	}
	var packages []pkg
	for _, p := range found {
		if p.name != "" { // else there are only tests
			packages = append(packages, *p)
		}
	}
	slices.SortFunc(packages, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	if len(packages) < 5 {
		t.Fatalf("only %d packages below %s", len(packages), root)
	}
	return packages
}

// enter skips the folders that the go command skips, what is built, and modules of their own.
func enter(root, dir string) error {
	name := filepath.Base(dir)
	if dir == root {
		return nil
	}
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "build" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func (p *pkg) read(file string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return err
	}
	test := strings.HasSuffix(file, "_test.go")
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		imported = strings.TrimPrefix(imported, module+"/")
		if test {
			p.testImports = append(p.testImports, imported)
		} else {
			p.imports = append(p.imports, imported)
		}
	}
	if test {
		return nil
	}
	p.name = parsed.Name.Name
	if parsed.Doc.Text() != "" {
		p.comments = append(p.comments, parsed.Doc.Text())
		p.commentFiles = append(p.commentFiles, filepath.Base(file))
	}
	return nil
}

// closure returns what the package at a path imports, and what that imports, through the module.
func closure(packages []pkg, start string) []string {
	seen := map[string]bool{start: true}
	for queue := []string{start}; len(queue) > 0; queue = queue[1:] {
		i := slices.IndexFunc(packages, func(p pkg) bool { return p.path == queue[0] })
		if i < 0 {
			continue
		}
		for _, imported := range packages[i].imports {
			if !seen[imported] {
				seen[imported] = true
				queue = append(queue, imported)
			}
		}
	}
	var all []string
	for imported := range seen {
		all = append(all, imported)
	}
	slices.Sort(all)
	return all
}

func ruleFor(at string) (rule, bool) {
	var best rule
	found := false
	for _, r := range allowed {
		if matches(r.path, at) && (!found || specific(r.path) > specific(best.path)) {
			best, found = r, true
		}
	}
	return best, found
}

// specific orders patterns: a plain path before one with a star, and a longer one before a shorter.
func specific(pattern string) int {
	if strings.Contains(pattern, "*") {
		return len(pattern)
	}
	return 1000 + len(pattern)
}

// matches reports whether a path fits a pattern; dir/** is dir and all below.
func matches(pattern, at string) bool {
	if above, ok := strings.CutSuffix(pattern, "/**"); ok {
		return within(at, above)
	}
	ok, err := path.Match(pattern, at)
	return err == nil && ok
}

// within reports whether a package is at a path or below it.
func within(imported, at string) bool {
	return imported == at || strings.HasPrefix(imported, at+"/")
}

func isInside(imported string) bool {
	for _, top := range []string{"internal", "infra", "functions"} {
		if within(imported, top) {
			first, _, _ := strings.Cut(imported, "/")
			return first != imported
		}
	}
	return false
}

func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func (r rule) allows(imported string) bool {
	switch {
	case isInside(imported):
		return slices.ContainsFunc(r.inside, func(pattern string) bool { return matches(pattern, imported) })
	case imported == "testing" || within(imported, "testing"):
		return r.testing
	case isStandard(imported):
		return true
	}
	return slices.ContainsFunc(r.outside, func(at string) bool { return within(imported, at) }) || r.testing && within(imported, cmp)
}

// allowsInTests lets a test import the package it tests; anything in internal, to put a system together; the modules that
// tests use; all of testing; and what its rule has for tests.
func (r rule) allowsInTests(imported, own string) bool {
	switch {
	case isInside(imported):
		return r.allows(imported) || imported == own || within(imported, "internal") || slices.Contains(r.tests, imported)
	case isStandard(imported):
		return true
	}
	return r.allows(imported) || slices.ContainsFunc(slices.Concat(forTests, r.tests), func(at string) bool { return within(imported, at) })
}

// TestTheAllowListRefuses holds the allow-list against imports that must never come.
func TestTheAllowListRefuses(t *testing.T) {
	for _, c := range []struct{ from, imported string }{
		{"internal/roster", "internal/directory"},
		{"internal/roster", awsDynamoDB},
		{"internal/directory", "internal/dynamo"},
		{"internal/directory", "internal/replica"},
		{"internal/replica", "internal/oauth2"},
		{"internal/directory", huma},
		{"internal/dynamo", "internal/directory"},
		{"internal/api/organization", "internal/api/customers"},
		{"internal/api/organization", "internal/dynamo"},
		{"internal/api/organization", awsLambda + "/events"},
		{"internal/oauth2", awsKMS},
		{"internal/app/organization", awsKMS},
		{"internal/app/organization", "internal/oauth2/kmssigner"},
		{"internal/delivery", "internal/directory"},
		{"internal/delivery", awsSES},
		{"internal/directory", "internal/delivery"},
		{"internal/sender", "internal/dynamo"},
		{"internal/api/invitations", "internal/api/organization"},
		{"internal/api/invitations", "internal/delivery"},
		{"internal/app/invitations", "internal/sender"},
		{"internal/app/organization", awsSNS},
		{"internal/app/bounces", "internal/sender"},
		{"internal/app/customers", "internal/api/organization"},
		{"internal/app/customers", "internal/oauth2"},
		{"internal/api/customers", "internal/replica"},
		{"internal/app/global", "internal/api/customers"},
		{"internal/app/global", "internal/oauth2"},
		{"internal/api/global", "internal/dynamo"},
		{"internal/app", awsSES},
		{"internal/app", awsConfig},
		{"internal/dynamo", "testing"},
		{"internal/rostertest/dynamolocal", "testing"},
		{"internal/app/organization", "internal/rostertest"},
		{"functions/organization", "internal/dynamo"},
		{"infra/rosterctl", "functions/organization"},
	} {
		rule, ok := ruleFor(c.from)
		if !ok || rule.allows(c.imported) {
			t.Errorf("%s may import %s by rule %q, want it refused", c.from, c.imported, rule.path)
		}
	}
}
