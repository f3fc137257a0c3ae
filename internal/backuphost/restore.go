package backuphost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/backup"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/internal/record"
	"github.com/sotto-health/sotto/internal/store/kv"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/vault"
)

// A Report is what a look at a backup found.
type Report struct {
	Manifest *backup.Manifest
	Hash     string
	// Problems are what is not as it was written, in words. Paths and ids are
	// all that they quote.
	Problems      []string
	Entries       int64 // of the audit logs, each checked
	Conversations int   // in the record
	Records       int
}

func (r *Report) add(format string, values ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, values...))
}

// find reads the manifest of a backup.
func (c *Config) find(name string) (folder string, m *backup.Manifest, hash string, err error) {
	if c.Backups == "" {
		return "", nil, "", errors.New("say where backups are: --backups FOLDER or SOTTO_BACKUPS")
	}
	if name == "" || name != filepath.Base(name) || strings.HasSuffix(name, backup.Partial) {
		return "", nil, "", errors.New("not the name of a backup: sotto backup list prints them")
	}
	key, err := c.Key()
	if err != nil {
		return "", nil, "", err
	}
	folder = filepath.Join(c.Backups, name)
	if m, hash, err = backup.Read(folder, key); err != nil {
		return "", nil, "", fmt.Errorf("%s: %w", name, err)
	}
	if m.Name != name {
		return "", nil, "", fmt.Errorf("%s: %w: it is called %s", name, backup.ErrForged, m.Name)
	}
	return folder, m, hash, nil
}

// lost lists the keys of a backup that are not in a folder.
func lost(m *backup.Manifest, keys host.Folder) (missing []string) {
	for _, k := range m.Keys {
		if _, err := os.Stat(filepath.Join(string(keys), filepath.FromSlash(k))); err != nil {
			missing = append(missing, k)
		}
	}
	return missing
}

// Verify reads all of a backup, restores it into a folder that it makes in
// scratch (the system's, if that is empty) and deletes again, and checks what is
// there as if it were to be used. The installation's log says so.
func Verify(ctx context.Context, c Config, name, scratch string) (*Report, error) {
	r, err := c.try(ctx, name, scratch)
	if err != nil {
		return nil, err
	}
	return r, c.noteTrial(ctx, r)
}

// noteTrial writes down what came of a trial, if the installation is here.
func (c *Config) noteTrial(ctx context.Context, r *Report) (err error) {
	if !c.Hub.Folder.There(c.Hub.PostgresURL != "") {
		c.say("There is no installation in %s: write down there that this backup was restored for a trial.", c.Hub.Folder)
		return nil
	}
	h, err := host.Open(ctx, c.Hub)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if err := h.NoteBackupVerified(ctx, r.Manifest.Name, r.Hash, len(r.Problems)); err != nil {
		return fmt.Errorf("that the backup was tried could not be written down: %w", err)
	}
	return host.NoteBackupTrial(c.Hub.Folder, installation.BackupTrial{
		At: time.Now().UTC().Truncate(time.Second), Name: r.Manifest.Name, Manifest: r.Hash, Problems: len(r.Problems),
	})
}

func (c *Config) try(ctx context.Context, name, scratch string) (r *Report, err error) {
	from, m, hash, err := c.find(name)
	if err != nil {
		return nil, err
	}
	r = &Report{Manifest: m, Hash: hash}
	c.say("reading %d files", len(m.Files))
	wrong, err := m.Check(ctx, from)
	if err != nil {
		return nil, err
	}
	for _, p := range wrong {
		r.add("%s", p)
	}
	if missing := lost(m, c.keys()); len(missing) > 0 {
		r.add("without these keys it cannot be restored: %s", strings.Join(missing, ", "))
	}
	if len(r.Problems) > 0 {
		return r, nil
	}
	trial, err := os.MkdirTemp(scratch, "sotto-restore-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(trial)) }()
	c.say("restoring it for a trial")
	if err := m.Restore(ctx, from, trial); err != nil {
		return nil, full(err)
	}
	keys, err := filepath.Abs(string(c.keys()))
	if err != nil {
		return nil, err
	}
	for _, k := range m.Keys { // linked: no copy of a key is left if this is killed
		k = filepath.FromSlash(k)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(trial, k)), 0o700); err != nil {
			return nil, err
		}
		if err := os.Symlink(filepath.Join(keys, k), filepath.Join(trial, k)); err != nil {
			return nil, err
		}
	}
	return r, c.examine(ctx, r, host.Folder(trial), "")
}

// Restore puts a backup into a new folder, with the keys, checks all of it, and
// tells it that it was restored. published is a folder of checkpoints that the
// server wrote, by which the log's length is known that was; it may be empty.
// Nothing is at to unless all of that is done.
func Restore(ctx context.Context, c Config, name string, to host.Folder, published string) (r *Report, err error) {
	from, m, hash, err := c.find(name)
	if err != nil {
		return nil, err
	}
	if m.Postgres != (c.Hub.PostgresURL != "") {
		return nil, errors.New("the backup and SOTTO_POSTGRES do not fit: restore PostgreSQL by its own tools first, and set it for backups with such a database alone")
	}
	if missing := lost(m, c.keys()); len(missing) > 0 {
		return nil, fmt.Errorf("these keys are not in %s: %s. Backups hold none: name the folder of their copy with --keys", c.keys(), strings.Join(missing, ", "))
	}
	if host.Runs(ctx, to) {
		return nil, errors.New("a server runs in that folder: stop it, and restore into a new folder")
	}
	if entries, err := os.ReadDir(string(to)); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("that folder is not empty: restore into a new one, and keep what is there until you know why it was lost")
	}
	partial := filepath.Clean(string(to)) + backup.Partial
	if err := durable.MakeFolder(filepath.Dir(partial), 0o700); err != nil {
		return nil, err
	}
	if err := os.Mkdir(partial, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(partial))
		}
	}()
	c.say("copying %d files", len(m.Files))
	if err := m.Restore(ctx, from, partial); err != nil {
		return nil, full(err)
	}
	for _, k := range m.Keys {
		if _, err := backup.Copy(ctx, string(c.keys()), partial, k); err != nil {
			return nil, err
		}
	}
	r = &Report{Manifest: m, Hash: hash}
	if err := c.examine(ctx, r, host.Folder(partial), c.Hub.PostgresURL); err != nil {
		return nil, err
	}
	if len(r.Problems) > 0 {
		return r, errors.New("the backup is not as it was made, and was not restored")
	}
	if err := c.goOn(ctx, r, host.Folder(partial), published); err != nil {
		return nil, err
	}
	if err := backup.SyncFolders(partial); err != nil {
		return nil, err
	}
	if err := os.Remove(string(to)); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return nil, err
	}
	if err := os.Rename(partial, string(to)); err != nil {
		return nil, err
	}
	return r, durable.SyncFolder(filepath.Dir(partial))
}

// goOn tells a restored installation that it is one: its keepers seal nothing by
// the keys in the copy, sessions end, and the log says why it is shorter.
func (c *Config) goOn(ctx context.Context, r *Report, folder host.Folder, published string) (err error) {
	restored := Config{Hub: host.HubConfig{Folder: folder}}
	keepers, err := restored.keepers()
	if err != nil {
		return err
	}
	for _, k := range keepers {
		if k.idle {
			continue
		}
		state, err := kv.Open(ctx, filepath.Join(string(folder), filepath.FromSlash(k.path)), k.key)
		if err != nil {
			return err
		}
		if err := errors.Join(device.SetBack(ctx, state), state.Close()); err != nil {
			return err
		}
	}
	there := c.Hub
	there.Folder, there.Keys = folder, ""
	h, err := host.Open(ctx, there)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	known := map[string]int64{}
	for _, l := range r.Manifest.Logs {
		signed, err := os.ReadFile(filepath.Join(published, l.Slug, "checkpoint"))
		if published == "" || err != nil {
			continue
		}
		if head, err := auditlog.ReadUnsigned(signed); err == nil {
			known[l.Practice] = head.Size
			c.say("%s: the audit log had %d entries when it was last published, and has %d in the backup", l.Slug, head.Size, l.Size)
		}
	}
	if err := h.NoteBackupRestored(ctx, r.Manifest.Name, r.Hash, known); err != nil {
		return fmt.Errorf("that the backup is restored could not be written down, so it is not: %w", err)
	}
	return nil
}

// examine looks at an installation that was restored, with its keys.
func (c *Config) examine(ctx context.Context, r *Report, folder host.Folder, postgres string) error {
	if r.Manifest.Postgres == (postgres != "") {
		if err := c.examineHub(ctx, r, folder, postgres); err != nil {
			return err
		}
	}
	keepers, err := (&Config{Hub: host.HubConfig{Folder: folder}}).keepers()
	if err != nil {
		r.add("a keeper cannot be opened: %v", err)
		return nil
	}
	for _, k := range keepers {
		if err := c.examineKeeper(ctx, r, folder, k); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) examineHub(ctx context.Context, r *Report, folder host.Folder, postgres string) (err error) {
	if postgres == "" {
		key, err := keyfile.Read(filepath.Join(folder.HubPart(), "database.key"), "hub-database", sqlitefile.KeySize)
		if err != nil {
			r.add("%v", err)
			return nil
		}
		c.say("checking the hub's database")
		if !c.whole(ctx, r, folder, hubFile, sqlitefile.Key(key)) {
			return ctx.Err()
		}
	}
	there := c.Hub
	there.Folder, there.Keys, there.PostgresURL = folder, "", postgres
	h, err := host.Open(ctx, there)
	if err != nil {
		r.add("the hub cannot be opened: %v", err)
		return nil //nolint:nilerr // it is what was found
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	logs, err := h.AuditLogs(ctx, false)
	if err != nil {
		return err
	}
	made := map[string]backup.Log{}
	for _, l := range r.Manifest.Logs {
		made[l.Practice] = l
	}
	for _, l := range logs {
		c.say("%s: checking the audit log", l.Name)
		then, there := made[l.Practice]
		delete(made, l.Practice)
		if !there {
			r.add("%s: the database has a practice that the backup was not made of", l.Name)
			continue
		}
		if err := examineLog(ctx, r, l, then, postgres == ""); err != nil {
			return err
		}
	}
	for _, l := range made {
		r.add("%s: the database does not have the practice", l.Slug)
	}
	return nil
}

// examineLog compares a log with how it was when the backup was made, and checks
// every entry. exactly is not set for a database that was copied apart: its log
// may be a little shorter.
func examineLog(ctx context.Context, r *Report, l *auditlog.Log, then backup.Log, exactly bool) error {
	head, err := auditlog.ReadUnsigned(l.Signed)
	if err != nil {
		return err
	}
	before, err := auditlog.OpenCheckpoint([]byte(then.Checkpoint), l.Verifier)
	switch {
	case err != nil:
		r.add("%s: the checkpoint of the audit log is not signed by its key", l.Name)
		return nil
	case exactly && (head.Size != before.Size || head.Root != before.Root):
		r.add("%s: the audit log is not the one that the backup was made of: %d entries, and %d then", l.Name, head.Size, before.Size)
	case !exactly && head.Size > before.Size:
		r.add("%s: the database goes on after the backup (%d entries, and %d then): its copy and this one do not belong together", l.Name, head.Size, before.Size)
	}
	found, err := auditlog.Verify(ctx, l.Source, auditlog.Head{Size: head.Size, Root: head.Root})
	if err != nil {
		return err
	}
	r.Entries += head.Size
	for _, d := range found.Damage {
		r.add("%s: audit log: %v", l.Name, d)
	}
	if found.More > 0 {
		r.add("%s: audit log: and %d more", l.Name, found.More)
	}
	return nil
}

func (c *Config) examineKeeper(ctx context.Context, r *Report, folder host.Folder, k keeper) error {
	v, err := vault.Open(filepath.Dir(filepath.Join(string(folder), filepath.FromSlash(k.path))))
	if err != nil {
		r.add("a keeper cannot be opened: %v", err)
		return nil //nolint:nilerr // it is what was found
	}
	c.say("%s: checking the keeper and the record", v.Slug)
	if !k.idle {
		c.whole(ctx, r, folder, k.path, k.key)
	}
	if _, err := os.Stat(v.Path("archive")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	key, err := v.Key(vault.ArchiveKey)
	if err != nil {
		r.add("%v", err)
		return nil
	}
	archive, err := record.Open(v.Path("archive"), key, record.Config{Checkpoint: v.Path("archive.checkpoint")})
	if err != nil {
		r.add("%s: the record cannot be opened: %v", v.Slug, err)
		return nil
	}
	found, err := archive.Verify(ctx)
	if err = errors.Join(err, archive.Close()); err != nil {
		return err
	}
	r.Conversations, r.Records = r.Conversations+found.Conversations, r.Records+found.Records
	for _, p := range found.Problems {
		r.add("%s: record: %v", v.Slug, p)
	}
	return nil
}

// whole reports whether a database opens and is whole.
func (c *Config) whole(ctx context.Context, r *Report, folder host.Folder, file string, key sqlitefile.Key) bool {
	opened, err := sqlitefile.Open(ctx, filepath.Join(string(folder), filepath.FromSlash(file)), key, sqlitefile.Config{Readers: 1})
	if err == nil {
		err = errors.Join(opened.Check(ctx), opened.Close())
	}
	if err != nil {
		r.add("%s: %v", file, err)
	}
	return err == nil
}

// CopyKeys copies the keys of an installation into a new folder, which is not
// near its data nor near backups, and returns their paths. The installation's log
// says so, or they are not copied.
func CopyKeys(ctx context.Context, c Config, to string) ([]string, error) {
	for _, near := range []string{string(c.Hub.Folder), c.Backups} {
		if near != "" && within(near, to) {
			return nil, errors.New("keys do not belong beside what they open: give another folder")
		}
	}
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return nil, errors.New("that folder is not empty")
	}
	all, err := keyFiles(c.keys())
	if err != nil {
		return nil, err
	}
	if err := c.noteKeys(ctx, len(all)); err != nil {
		return nil, fmt.Errorf("that the keys are copied could not be written down, so they are not: %w", err)
	}
	if err := durable.MakeFolder(to, 0o700); err != nil {
		return nil, err
	}
	for _, k := range all {
		if _, err := backup.Copy(ctx, string(c.keys()), to, k); err != nil {
			return nil, err
		}
	}
	return all, backup.SyncFolders(to)
}

func (c *Config) noteKeys(ctx context.Context, n int) error {
	h, err := host.Open(ctx, c.Hub)
	if err != nil {
		return err
	}
	return errors.Join(h.NoteKeysCopied(ctx, n), h.Close())
}

// within reports whether a path is a folder, or in it.
func within(folder, name string) bool {
	rel, err := filepath.Rel(folder, name)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
