package main

import (
	"context"
	"fmt"

	"modeldb/internal/store"
)

type checkCommand struct{}

// Run names each fault that it finds.
func (checkCommand) Run(ctx context.Context, c *Settings) error {
	report, err := store.Check(ctx, c.database(), func(fault string) { fmt.Println("fault:", fault) })
	if err != nil {
		return err
	}
	fmt.Printf("%s: schema %d, %d projects, %d models, %d experiments: ",
		store.Redacted(c.database()), report.Schema, report.Projects, report.Models, report.Runs)
	if report.Faults > 0 {
		fmt.Printf("%d faults\n", report.Faults)
		return errReported
	}
	fmt.Println("no faults")
	return nil
}
