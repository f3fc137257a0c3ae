// Package backuphost makes backups of an installation, tries them out and
// restores them: it knows what belongs together, in which order it is copied,
// and what a restored installation must be told. Package backup is their form.
package backuphost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/backup"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/vault"
)

// A Config says what to work on.
type Config struct {
	// Hub says how to open the installation.
	Hub host.HubConfig
	// Backups is the folder that backups are in.
	Backups string
	// Version is this program's.
	Version string
	// Say is told what is being done, for people.
	Say func(string)
}

func (c *Config) say(format string, values ...any) {
	if c.Say != nil {
		c.Say(fmt.Sprintf(format, values...))
	}
}

// keys is the folder of the installation's keys.
func (c *Config) keys() host.Folder {
	if c.Hub.Keys != "" {
		return c.Hub.Keys
	}
	return c.Hub.Folder
}

// Key returns the key that the installation's manifests are sealed with.
func (c *Config) Key() (backup.Key, error) { return host.BackupKey(c.keys()) }

// hubFile and the keepers' are the databases of an installation.
const (
	hubFile   = "hub/hub.db"
	stateFile = "state.db"
)

// Make makes a backup of an installation, whose server may run meanwhile. With a
// PostgreSQL database it must not, and copiedBy names the copy of the database
// that was made apart.
//
// Hub and keeper are copied as they are at one moment, as after a crash of both:
// then the record lacks nothing that the hub has, and is not ahead of it, so
// that no place in it is taken when the hub goes on from there.
func Make(ctx context.Context, c Config, copiedBy string) (m *backup.Manifest, hash string, err error) {
	if err := c.mayMake(ctx, copiedBy); err != nil {
		return nil, "", err
	}
	key, err := c.Key()
	if err != nil {
		return nil, "", err
	}
	h, err := host.Open(ctx, c.Hub)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	now := time.Now().UTC().Truncate(time.Second)
	m = &backup.Manifest{
		Name: now.Format("20060102T150405Z"), MadeAt: now, Version: c.Version, Postgres: c.Hub.PostgresURL != "", CopiedBy: copiedBy,
	}
	whole := filepath.Join(c.Backups, m.Name)
	partial := whole + backup.Partial
	if _, err := os.Lstat(whole); err == nil {
		return nil, "", fmt.Errorf("there is a backup %s already", m.Name)
	}
	if err := durable.MakeFolder(c.Backups, 0o700); err != nil {
		return nil, "", fmt.Errorf("make the folder of backups: %w", err)
	}
	if err := os.Mkdir(partial, 0o700); err != nil {
		return nil, "", fmt.Errorf("make the folder of the backup: %w", err)
	}
	defer func() {
		if err != nil { // half a backup is none
			err = errors.Join(err, os.RemoveAll(partial))
		}
	}()
	if err := c.fill(ctx, h, m, partial); err != nil {
		return nil, "", full(err)
	}
	if hash, err = m.Write(partial, key); err != nil {
		return nil, "", full(err)
	}
	if err := backup.SyncFolders(partial); err != nil {
		return nil, "", err
	}
	if err := h.NoteBackupMade(ctx, m.Name, hash); err != nil {
		return nil, "", fmt.Errorf("that the backup was made could not be written down, so there is none: %w", err)
	}
	if err := os.Rename(partial, whole); err != nil {
		return nil, "", err
	}
	return m, hash, durable.SyncFolder(c.Backups)
}

// mayMake returns why no backup can be made.
func (c *Config) mayMake(ctx context.Context, copiedBy string) error {
	if c.Backups == "" {
		return errors.New("say where backups go: --backups FOLDER or SOTTO_BACKUPS")
	}
	if within(string(c.Hub.Folder), c.Backups) {
		return errors.New("backups cannot be in the folder that they are backups of: give --backups another place, best on another machine")
	}
	switch postgres := c.Hub.PostgresURL != ""; {
	case postgres && copiedBy == "":
		return errors.New("the database is PostgreSQL, which is copied by its own tools (pg_dump, or a base backup): stop the server, copy the database, " +
			"and name that copy here with --database-copied-by NAME; this command copies the keeper, the record and the attachments")
	case postgres && host.Runs(ctx, c.Hub.Folder):
		return errors.New("stop the server while PostgreSQL and the keeper are copied: copies of two moments do not belong together")
	case !postgres && copiedBy != "":
		return errors.New("--database-copied-by is for PostgreSQL: this installation's database is a file, which is in the backup")
	}
	return nil
}

// full says what to do about a full disk.
func full(err error) error {
	if sqlitefile.IsFull(err) {
		return fmt.Errorf("there is no room for the backup; what was copied of it is deleted again, and nothing else was: %w", err)
	}
	return err
}

// fill copies everything into the folder of a backup.
func (c *Config) fill(ctx context.Context, h *host.OpenHub, m *backup.Manifest, into string) error {
	data := string(c.Hub.Folder)
	if _, err := h.AuditLogs(ctx, true); err != nil { // what waits for its number gets it: the root then covers it
		return err
	}
	moment, err := c.take(ctx)
	if err != nil {
		return err
	}
	defer moment.close()
	for _, d := range moment.databases {
		c.say("copying %s", d.path)
		name := filepath.Join(into, filepath.FromSlash(d.path))
		if err := durable.MakeFolder(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := d.snapshot.CopyTo(ctx, name, d.key); err != nil {
			return err
		}
	}
	moment.close()
	for file, b := range moment.small {
		name := filepath.Join(into, filepath.FromSlash(file))
		if err := durable.MakeFolder(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := durable.CreateFile(name, b, 0o600); err != nil {
			return err
		}
	}
	// What the hub has put there since does no harm: it knows what it knows.
	files, err := backup.Files(data, "hub")
	if err != nil {
		return err
	}
	settings, err := filepath.Glob(filepath.Join(data, "*.json"))
	if err != nil {
		return err
	}
	for _, name := range settings {
		if base := filepath.Base(name); base != "demo.json" { // it has passwords
			files = append(files, base)
		}
	}
	files = append(files, moment.files...)
	c.say("copying %d files", len(files))
	for _, file := range files {
		f, err := backup.Copy(ctx, data, into, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		} else if err != nil {
			return err
		}
		m.Files = append(m.Files, f)
	}
	if m.Logs, err = c.logs(ctx, h, into); err != nil {
		return err
	}
	for file := range moment.small {
		moment.copied = append(moment.copied, file)
	}
	for _, file := range moment.copied {
		f, err := backup.Hash(ctx, into, file)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, f)
	}
	slices.SortFunc(m.Files, func(a, b backup.File) int { return strings.Compare(a.Path, b.Path) })
	m.Keys, err = keyFiles(c.keys())
	return err
}

// logs returns how far the audit logs had come: those in the copy of the
// database, which this opens, and so sees that it can be; else the live ones.
func (c *Config) logs(ctx context.Context, h *host.OpenHub, copied string) (logs []backup.Log, err error) {
	if c.Hub.PostgresURL == "" {
		there := c.Hub
		there.Folder, there.Keys = host.Folder(copied), c.keys()
		if h, err = host.Open(ctx, there); err != nil {
			return nil, fmt.Errorf("open the copy of the database: %w", err)
		}
		defer func() {
			err = errors.Join(err, h.Close())
			for _, end := range []string{"-wal", "-shm"} {
				_ = os.Remove(filepath.Join(copied, hubFile+end)) // empty after a close
			}
		}()
	}
	all, err := h.AuditLogs(ctx, false)
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		head, err := auditlog.ReadUnsigned(l.Signed)
		if err != nil {
			return nil, err
		}
		logs = append(logs, backup.Log{
			Slug: l.Name, Practice: l.Practice, Size: head.Size, Root: fmt.Sprintf("%x", head.Root[:]), Checkpoint: string(l.Signed), Verifier: l.Verifier,
		})
	}
	return logs, nil
}

// keyFiles lists the key files of an installation by their paths.
func keyFiles(keys host.Folder) (all []string, err error) {
	err = filepath.WalkDir(string(keys), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "blobs" || d.Name() == "archive") {
			return fs.SkipDir
		}
		if d.Type().IsRegular() && filepath.Ext(name) == ".key" {
			rel, err := filepath.Rel(string(keys), name)
			if err != nil {
				return err
			}
			all = append(all, filepath.ToSlash(rel))
		}
		return nil
	})
	return all, err
}

// A moment is an installation as it is at one.
type moment struct {
	databases []database
	small     map[string][]byte // files that change in place, by path
	files     []string          // files that are written once
	copied    []string          // the databases, by path
}

type database struct {
	path     string // in the data folder
	key      sqlitefile.Key
	file     *sqlitefile.File
	snapshot *sqlitefile.Snapshot
}

func (m *moment) close() {
	for i := range m.databases {
		d := &m.databases[i]
		if d.snapshot != nil {
			_ = d.snapshot.Close() // it was only read
			d.snapshot = nil
		}
		if d.file != nil {
			_ = d.file.Close() // the same
			d.file = nil
		}
	}
}

// take keeps the keepers from moving on, takes them as they are, lists what is
// in their records, and then takes the hub. A keeper has written what it sends
// before it sends it, and has read what it records from the hub: so the hub's
// copy holds all that the keepers' know of, and they know all that they have
// sent.
func (c *Config) take(ctx context.Context) (m *moment, err error) {
	m = &moment{small: map[string][]byte{}}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	keepers, err := c.keepers()
	if err != nil {
		return nil, err
	}
	var letGo []func() error
	defer func() {
		for _, release := range letGo {
			_ = release() // nothing was written
		}
	}()
	for _, k := range keepers {
		if k.idle {
			if err := m.list(string(c.Hub.Folder), path.Dir(k.path)); err != nil {
				return nil, err
			}
			continue
		}
		if err := m.open(ctx, c.Hub.Folder, k.path, k.key); err != nil {
			return nil, err
		}
		d := &m.databases[len(m.databases)-1]
		release, err := d.file.Hold(ctx)
		if err != nil {
			return nil, fmt.Errorf("hold the keeper: %w", err)
		}
		letGo = append(letGo, release)
		if d.snapshot, err = d.file.Snapshot(ctx); err != nil {
			return nil, err
		}
		if err := m.list(string(c.Hub.Folder), path.Dir(k.path)); err != nil {
			return nil, fmt.Errorf("list the record: %w", err)
		}
	}
	if c.Hub.PostgresURL != "" {
		return m, nil
	}
	key, err := keyfile.Read(filepath.Join(c.keys().HubPart(), "database.key"), "hub-database", sqlitefile.KeySize)
	if err != nil {
		return nil, err
	}
	if err := m.open(ctx, c.Hub.Folder, hubFile, sqlitefile.Key(key)); err != nil {
		return nil, err
	}
	d := &m.databases[len(m.databases)-1]
	d.snapshot, err = d.file.Snapshot(ctx)
	return m, err
}

func (m *moment) open(ctx context.Context, data host.Folder, file string, key sqlitefile.Key) error {
	opened, err := sqlitefile.Open(ctx, filepath.Join(string(data), filepath.FromSlash(file)), key, sqlitefile.Config{Readers: 1})
	if err != nil {
		return err
	}
	m.databases = append(m.databases, database{path: file, key: key, file: opened})
	m.copied = append(m.copied, file)
	return nil
}

// list lists a keeper's files. The record's checkpoint is not beyond its
// manifest, nor that beyond the records: each is looked at before what it is
// about.
func (m *moment) list(data, keeper string) error {
	checkpoint := path.Join(keeper, "archive.checkpoint")
	b, err := os.ReadFile(filepath.Join(data, filepath.FromSlash(checkpoint)))
	switch {
	case err == nil:
		m.small[checkpoint] = b
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	manifest := path.Join(keeper, "archive", "manifest")
	first, err := backup.Files(data, manifest)
	if err != nil {
		return err
	}
	all, err := backup.Files(data, keeper)
	if err != nil {
		return err
	}
	m.files = append(m.files, first...)
	for _, file := range all {
		if file != checkpoint && !strings.HasPrefix(file, manifest+"/") {
			m.files = append(m.files, file)
		}
	}
	return nil
}

// A keeper is a keeper's database.
type keeper struct {
	path string
	key  sqlitefile.Key
	idle bool // it has never run
}

// keepers lists the keepers of the installation.
func (c *Config) keepers() (all []keeper, err error) {
	entries, err := os.ReadDir(c.Hub.Folder.KeeperPart())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		v, err := vault.Open(filepath.Join(c.Hub.Folder.KeeperPart(), e.Name()))
		if errors.Is(err, vault.ErrNone) {
			continue
		} else if err != nil {
			return nil, err
		}
		key, err := v.Key(vault.StateKey)
		if err != nil {
			return nil, err
		}
		_, err = os.Stat(v.Path(stateFile))
		all = append(all, keeper{path.Join("keeper", e.Name(), stateFile), sqlitefile.Key(key), errors.Is(err, fs.ErrNotExist)})
	}
	return all, nil
}
