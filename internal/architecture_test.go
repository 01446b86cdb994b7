// Package internal_test holds the rules of the house that no compiler knows:
// who may import whom, and that every exported name says what it is.
package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "modeldb"

// layer is how far to the left a package stands: cmd -> doors -> {server,
// store, files} -> {search, metric, filter} -> record. A new package gets its
// place here.
var layer = map[string]int{
	"internal/record": 0,
	"internal/search": 1, "internal/metric": 1, "internal/filter": 1,
	"internal/server": 2, "internal/store": 2, "internal/files": 2,
	"internal/api": 3, "internal/mlflow": 3, "internal/pages": 3,
	"cmd/modeldb": 4,
}

// allowed are the imports that do not point from a layer to a lower one: a
// sibling, or a package outside the layers.
var allowed = map[[2]string]bool{
	{"internal/search", "internal/filter"}: true,
	{"cmd/modeldb", "ui"}:                  true,
}

// forTests are packages that only tests import. They may import what stands
// at most where the package stands that they are for.
var forTests = map[string]string{
	"internal/store/storetest": "internal/store",
	"internal/files/filestest": "internal/files",
}

// drivers are modules that talk to a database.
var drivers = []string{"zombiezen.com/go/sqlite", "modernc.org/sqlite", "github.com/jackc/pgx", "github.com/jackc/pgconn", "github.com/mattn/go-sqlite3", "github.com/lib/pq", "database/sql"}

// driverFiles are the only files that import drivers.
var driverFiles = []string{"internal/store/sqlite.go", "internal/store/postgres.go", "internal/store/storetest/postgres.go"}

// source is one Go file that is not a test.
type source struct {
	name string // from the module's root
	dir  string
	*ast.File
}

// sources parses all Go files of the module that are not tests.
func sources(t *testing.T, files *token.FileSet) (all []source) {
	t.Helper()
	const root = ".."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != root && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		rel = filepath.ToSlash(rel)
		all = append(all, source{rel, path.Dir(rel), f})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("found only %d files", len(all))
	}
	return all
}

func imports(f source) (all []string) {
	for _, spec := range f.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		all = append(all, name)
	}
	return all
}

// mayImport says why a package may not import another one, or "".
func mayImport(from, to string) string {
	if allowed[[2]string{from, to}] {
		return ""
	}
	if forTests[to] != "" {
		return "only tests import it"
	}
	place, inside := layer[to]
	if !inside {
		return "it has no place in the layers"
	}
	if of := forTests[from]; of != "" {
		if place > layer[of] || place == layer[of] && to != of {
			return "a package for tests imports what it is for, and what that imports"
		}
		return ""
	}
	if here, inside := layer[from]; inside && place >= here {
		return "imports point to the right"
	}
	return ""
}

func TestImportsPointToTheRight(t *testing.T) {
	for _, f := range sources(t, token.NewFileSet()) {
		_, placed := layer[f.dir]
		if strings.HasPrefix(f.dir, "internal/") && !placed && forTests[f.dir] == "" {
			t.Errorf("%s: the package has no place in the layers of this test", f.name)
		}
		for _, name := range imports(f) {
			to, ours := strings.CutPrefix(name, module+"/")
			if !ours {
				continue
			}
			if why := mayImport(f.dir, to); why != "" {
				t.Errorf("%s imports %s: %s", f.name, to, why)
			}
		}
	}
}

func TestOnlyTheEngineFilesImportDrivers(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range sources(t, token.NewFileSet()) {
		for _, name := range imports(f) {
			driver := slices.ContainsFunc(drivers, func(d string) bool { return name == d || strings.HasPrefix(name, d+"/") })
			if driver && !slices.Contains(driverFiles, f.name) {
				t.Errorf("%s imports the driver %s", f.name, name)
			}
			seen[f.name] = seen[f.name] || driver
		}
	}
	for _, name := range driverFiles {
		if !seen[name] {
			t.Errorf("%s imports no driver that this test knows", name)
		}
	}
}

func TestPackagesAreNamedForWhatTheyKnow(t *testing.T) {
	for _, f := range sources(t, token.NewFileSet()) {
		for _, bad := range []string{"util", "utils", "common", "helper", "helpers", "base", "misc"} {
			if f.Name.Name == bad || path.Base(f.dir) == bad {
				t.Errorf("%s belongs to a package named %s", f.name, bad)
			}
		}
	}
}

func TestEveryPackageAndExportedNameHasAComment(t *testing.T) {
	files := token.NewFileSet()
	packages := map[string]bool{}
	for _, f := range sources(t, files) {
		packages[f.dir] = packages[f.dir] || f.Doc != nil
		missing := func(name *ast.Ident) {
			t.Errorf("%s:%d: %s has no comment", f.name, files.Position(name.Pos()).Line, name.Name)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil {
					missing(d.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					for _, name := range uncommented(d, spec) {
						missing(name)
					}
				}
			}
		}
	}
	for dir, documented := range packages {
		if !documented {
			t.Errorf("the package %s has no comment", dir)
		}
	}
}

// exportedReceiver reports whether a function is one, or a method of an
// exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	exported := false
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if name, is := n.(*ast.Ident); is && !exported {
			exported = name.IsExported()
			return false
		}
		return true
	})
	return exported
}

// uncommented are the exported names of a declaration that no comment stands
// with: not before it, not behind it, and, for constants and variables, not
// before their group.
func uncommented(d *ast.GenDecl, spec ast.Spec) (names []*ast.Ident) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Doc == nil && s.Comment == nil && (d.Doc == nil || len(d.Specs) > 1) {
			names = append(names, s.Name)
		}
	case *ast.ValueSpec:
		if s.Doc == nil && s.Comment == nil && d.Doc == nil {
			names = append(names, s.Names...)
		}
	}
	return slices.DeleteFunc(names, func(name *ast.Ident) bool { return !name.IsExported() })
}
