package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/archive"
)

// An earlierCopy is a log as it was kept before: its head, and its tiles.
type earlierCopy struct {
	folder archive.Folder
	signed []byte
	origin string
	found  bool // a log that is checked is of it
	live   bool // the server's own archive, whose head is compared anyway
}

// earlierCopies are those in folders that were given: an export, an archive, or
// what a watch keeps.
func earlierCopies(given []string) ([]*earlierCopy, error) {
	var all []*earlierCopy
	for _, folder := range given {
		folders, err := logFolders(folder)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for _, f := range folders {
			signed, err := os.ReadFile(filepath.Join(f, archive.CheckpointFile))
			if errors.Is(err, os.ErrNotExist) {
				continue
			} else if err != nil {
				return nil, err
			}
			c, err := auditlog.ReadUnsigned(signed)
			if err != nil {
				return nil, fmt.Errorf("the checkpoint in %s is none", f)
			}
			all = append(all, &earlierCopy{folder: archive.Folder(f), signed: signed, origin: c.Origin})
		}
		if len(all) == before {
			return nil, fmt.Errorf("there is no copy of a log in %s", folder)
		}
	}
	return all, nil
}

// logFolders are the folders of logs that lie in a folder, or itself if it is of
// one.
func logFolders(folder string) (all []string, err error) {
	if archive.Folder(folder).Is() {
		return []string{folder}, nil
	}
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		if e.IsDir() {
			all = append(all, filepath.Join(folder, e.Name()))
		}
	}
	return all, err
}

// nameEntries says which entries of a log with that head are not those of an
// earlier copy of it in a folder, whose head is was, and prints how many they are.
func nameEntries(ctx context.Context, log *auditlog.Log, head auditlog.Head, folder archive.Folder, was auditlog.Checkpoint, out io.Writer, say func(what any)) error {
	found, err := auditlog.Compare(ctx, log.Source, head, folder, auditlog.Head{Size: was.Size, Root: was.Root})
	for _, d := range found.Damage {
		say(fmt.Sprintf("%v (as %s has it)", d, folder))
	}
	if found.More > 0 {
		say(fmt.Sprintf("and in %d more places", found.More))
	}
	var earlier *auditlog.EarlierError
	var damage *auditlog.DamageError
	switch {
	case errors.As(err, &earlier):
		say(fmt.Sprintf("%s: %v: nothing is compared from there on", folder, earlier))
	case errors.As(err, &damage):
		say(fmt.Sprintf("%v: nothing is compared with %s from there on", damage, folder))
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(out, "%s: of the %d entries in %s that were compared: %d changed, %d dropped, %d added among them\n",
		log.Name, found.Compared, folder, found.Changed, found.Dropped, found.Added)
	return err
}
