package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/sotto-health/sotto/internal/backup"
	"github.com/sotto-health/sotto/internal/backuphost"
	"github.com/sotto-health/sotto/internal/host"
)

type backupCommand struct {
	Make    makeBackupCommand    `cmd:"" help:"Copy the installation, while it runs, into a new folder in --backups. Keys are not in it."`
	List    listBackupCommand    `cmd:"" help:"List the backups in --backups."`
	Verify  verifyBackupCommand  `cmd:"" help:"Read all of a backup, restore it for a trial, check what is there, and name what is not as it was made. It is recorded."`
	Restore restoreBackupCommand `cmd:"" help:"Put a backup into a new data folder, with its keys, after checking all of it. It is recorded."`
	Keys    keysBackupCommand    `cmd:"" help:"Copy the keys that backups need into a new folder, to be kept apart from backups."`
}

// backups says what commands about backups work on. The keys are those in the
// data folder, or in a folder that is laid out like it.
func (c *commands) backups(keys string, s streams) backuphost.Config {
	version, _ := built()
	config := backuphost.Config{Hub: c.hubConfig(), Backups: c.Backups, Version: version, Say: func(text string) { fmt.Fprintln(s.err, text) }}
	config.Hub.Keys = host.Folder(keys)
	return config
}

type makeBackupCommand struct {
	DatabaseCopiedBy string `help:"For PostgreSQL: what names the copy of the database that you made with its own tools, while the server was stopped. It is written into the backup." placeholder:"NAME"`
}

func (c makeBackupCommand) Run(ctx context.Context, cli *commands, s streams) error {
	if _, err := cli.installed(); err != nil {
		return err
	}
	config := cli.backups("", s)
	m, hash, err := backuphost.Make(ctx, config, c.DatabaseCopiedBy)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s\n  %d files, %d bytes, manifest %s\n", m.Name, len(m.Files), m.Bytes(), hash)
	for _, l := range m.Logs {
		fmt.Fprintf(s.out, "  %s: audit log of %d entries\n", l.Slug, l.Size)
	}
	if m.Postgres {
		fmt.Fprintf(s.out, "The database is not in it: it belongs to the copy %q.\n", m.CopiedBy)
	}
	_, err = fmt.Fprintf(s.out, "No key is in it. It can be restored with these alone, so keep a copy of them elsewhere (sotto backup keys FOLDER):\n  %s\n", strings.Join(m.Keys, "\n  "))
	return err
}

type listBackupCommand struct {
	Keys string `help:"Folder with a copy of the keys, if they are not in the data folder." placeholder:"FOLDER" type:"existingdir"`
}

func (c listBackupCommand) Run(_ context.Context, cli *commands, s streams) error {
	config := cli.backups(c.Keys, s)
	if cli.Backups == "" {
		return errors.New("say where backups are: --backups FOLDER or SOTTO_BACKUPS")
	}
	key, err := config.Key()
	if err != nil {
		return err
	}
	found, err := backup.List(cli.Backups, key)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, f := range found {
		switch {
		case errors.Is(f.Err, backup.ErrNone):
			fmt.Fprintf(table, "%s\tnot whole: it was not finished; delete it\n", f.Name)
		case f.Err != nil:
			fmt.Fprintf(table, "%s\t%v\n", f.Name, f.Err)
		case !f.Manifest.Present(filepath.Join(cli.Backups, f.Name)):
			fmt.Fprintf(table, "%s\tnot whole: files are missing or cut; sotto backup verify names them\n", f.Name)
		default:
			fmt.Fprintf(table, "%s\t%s\t%d files\t%d bytes\tmanifest %s\n", f.Name, when(f.Manifest.MadeAt), len(f.Manifest.Files), f.Manifest.Bytes(), f.Hash)
		}
	}
	if len(found) == 0 {
		fmt.Fprintln(s.err, "There is no backup yet: sotto backup make.")
	}
	return table.Flush()
}

type verifyBackupCommand struct {
	Name    string `arg:"" help:"The backup's name, as list prints it; newest for the newest." default:"newest"`
	Keys    string `help:"Folder with a copy of the keys, to try those out." placeholder:"FOLDER" type:"existingdir"`
	Scratch string `help:"Where to restore it for the trial; it is deleted again. The system's folder for temporary files, unless said." placeholder:"FOLDER" type:"existingdir"`
}

func (c verifyBackupCommand) Run(ctx context.Context, cli *commands, s streams) error {
	config := cli.backups(c.Keys, s)
	if c.Name == "newest" {
		name, err := newest(cli.Backups, config)
		if err != nil {
			return err
		}
		c.Name = name
	}
	r, err := backuphost.Verify(ctx, config, c.Name, c.Scratch)
	if err != nil {
		return err
	}
	for _, p := range r.Problems {
		fmt.Fprintln(s.out, p)
	}
	if n := len(r.Problems); n > 0 {
		return fmt.Errorf("%s is not as it was made: %d problems", c.Name, n)
	}
	fmt.Fprintf(s.out, "%s: %d files, %d entries of the audit log, %d conversations and %d records in the record, each checked after a restore for a trial.\n",
		c.Name, len(r.Manifest.Files), r.Entries, r.Conversations, r.Records)
	if r.Manifest.Postgres {
		fmt.Fprintf(s.out, "The database is not in it: try out the copy %q by its own tools.\n", r.Manifest.CopiedBy)
	}
	_, err = fmt.Fprintln(s.out, "The backup is as it was made.")
	return err
}

// newest names the newest backup that can be read.
func newest(folder string, config backuphost.Config) (string, error) {
	key, err := config.Key()
	if err != nil {
		return "", err
	}
	found, err := backup.List(folder, key)
	if err != nil {
		return "", err
	}
	for i := len(found) - 1; i >= 0; i-- {
		if found[i].Err == nil {
			return found[i].Name, nil
		}
	}
	return "", errors.New("there is no backup in that folder: check --backups")
}

type restoreBackupCommand struct {
	Name        string `arg:"" help:"The backup's name, as list prints it."`
	To          string `help:"The new data folder. It must not be there, or be empty." required:"" placeholder:"FOLDER" type:"path"`
	Keys        string `help:"Folder with the copy of the keys, laid out as the data folder is. The data folder's, unless said." placeholder:"FOLDER" type:"existingdir"`
	Checkpoints string `help:"Folder that sotto serve --audit-checkpoints wrote: it tells how long the log was, which is recorded." placeholder:"FOLDER" type:"existingdir"`
}

func (c restoreBackupCommand) Run(ctx context.Context, cli *commands, s streams) error {
	config := cli.backups(c.Keys, s)
	r, err := backuphost.Restore(ctx, config, c.Name, host.Folder(c.To), c.Checkpoints)
	if r != nil {
		for _, p := range r.Problems {
			fmt.Fprintln(s.out, p)
		}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, `%s is restored in %s, as it was at %s. Everything after that is lost here.
Before you let people in:
  - Whoever was disabled or revoked since then is not any more: disable them again. All staff must sign in anew.
  - Start with: sotto --data %s serve ... Chats go on by themselves; people whose messages were lost are told.
  - sotto audit watch and published checkpoints will say that the log is shorter. That is so: keep them, and write down why.
`, c.Name, c.To, when(r.Manifest.MadeAt), c.To)
	return err
}

type keysBackupCommand struct {
	Folder string `arg:"" help:"The new folder, best on a medium that is then locked away." type:"path"`
}

func (c keysBackupCommand) Run(ctx context.Context, cli *commands, s streams) error {
	if _, err := cli.installed(); err != nil {
		return err
	}
	config := cli.backups("", s)
	copied, err := backuphost.CopyKeys(ctx, config, c.Folder)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%d keys are in %s. With them and a backup all can be read: keep them apart.\n", len(copied), c.Folder)
	return err
}
