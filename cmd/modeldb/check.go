package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"modeldb/internal/files"
	"modeldb/internal/record"
	"modeldb/internal/store"
)

type checkCommand struct {
	Digests bool `help:"Read all files, and compare them with their digests."`
}

// Run names each fault that it finds. It changes nothing.
func (command checkCommand) Run(ctx context.Context, c *Settings) (err error) {
	var objects store.Objects = noFiles{}
	kept, err := files.ViewLocal(c.files())
	switch {
	case err == nil:
		objects = keptFiles{kept, command.Digests}
		defer func() { err = errors.Join(err, kept.Close()) }()
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder of the files: %w", err)
	}
	report, err := store.Check(ctx, c.database(), objects, func(fault string) { fmt.Println("fault:", fault) })
	if err != nil {
		return err
	}
	fmt.Printf("%s: schema %d, %d projects, %d models, %d experiments, %d files: ",
		store.Redacted(c.database()), report.Schema, report.Projects, report.Models, report.Runs, report.Files)
	if report.Faults > 0 {
		fmt.Printf("%d faults\n", report.Faults)
		return errReported
	}
	fmt.Println("no faults")
	return nil
}

// keptFiles are the files of a folder, whose bytes are read only if that is asked
// for.
type keptFiles struct {
	*files.Local
	read bool
}

func (k keptFiles) Sum(ctx context.Context, key string) ([]byte, error) {
	if !k.read {
		return nil, nil
	}
	return k.Local.Sum(ctx, key)
}

// noFiles stands for a folder of files that was never made.
type noFiles struct{}

func (noFiles) Size(_ context.Context, key string) (int64, error) {
	return 0, record.NotFound.Errorf("path", "there is no file at %s", record.Quote(key))
}

func (noFiles) Sum(context.Context, string) ([]byte, error) { return nil, nil }

func (noFiles) Walk(context.Context, func(string, int64, time.Time) error) error { return nil }
