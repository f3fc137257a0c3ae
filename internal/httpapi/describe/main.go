// Command describe writes the API's OpenAPI document, from which the
// TypeScript types are made.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/sotto-health/sotto/internal/httpapi"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "describe:", err)
		os.Exit(1)
	}
}

func run(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("describe", flag.ContinueOnError)
	to := flags.String("o", "", "file to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *to == "" {
		return errors.New("-o is missing")
	}
	b, err := httpapi.Describe()
	if err != nil {
		return err
	}
	return os.WriteFile(*to, b, 0o644)
}
