// Command begun lets the reviews of a practice have begun some days ago, before
// anybody has looked at them: begun DATA SLUG DAYS. Stories have no time to wait
// until a period of the audit log is over.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/internal/store/sqlite"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "begun:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("want DATA SLUG DAYS")
	}
	days, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	hub := filepath.Join(args[0], "hub")
	key, err := keyfile.Read(filepath.Join(hub, "database.key"), "hub-database", sqlitefile.KeySize)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, filepath.Join(hub, "hub.db"), sqlitefile.Key(key), sqlitefile.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	practice, err := store.PracticeBySlug(ctx, args[1])
	if err != nil {
		return err
	}
	want := time.Now().AddDate(0, 0, -days).UnixMilli()
	began, err := store.ReviewsBegan(ctx, practice.ID, want)
	if err == nil && began != want {
		return errors.New("somebody has looked already")
	}
	return err
}
