package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/archive"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/installation"
)

type auditCommand struct {
	List    listAuditCommand    `cmd:"" help:"Print what was done, newest first, a page at a time. It is recorded."`
	Export  exportAuditCommand  `cmd:"" help:"Write the audit log of each practice into a folder: entries, tree, signed checkpoint and key. Continues an earlier export. With --format, write events for other programs instead."`
	Verify  verifyAuditCommand  `cmd:"" help:"Check an exported log, alone and offline, or the live one, also against all heads that were signed before; name each entry and tile that was changed, dropped or added."`
	Witness witnessAuditCommand `cmd:"" help:"Be a witness of other logs: sign their heads as long as they only grow (C2SP tlog-witness)."`
	Stream  streamAuditCommand  `cmd:"" help:"Look at the streams of the log to receivers outside, as a SIEM, which are set up for the server."`
	Settle  settleAuditCommand  `cmd:"" help:"Say why a log contradicts a witness, its published heads, its archive or its last whole check, and end that it is named; or set an event aside that cannot be read and stops a log. It is recorded; keep the evidence first."`
	Watch   watchAuditCommand   `cmd:"" help:"Keep the last checkpoint and the tree of each log, and end with an error when history changes, shrinks or forks."`
}

type exportAuditCommand struct {
	Folder   string `arg:"" optional:"" help:"Where to write; each practice gets a folder in it, or a file. With --format and without a folder, one practice's events are printed." type:"path"`
	Format   string `help:"csv, jsonl, ocsf (1.3) or fhir (R4 AuditEvent, one a line)." enum:",csv,jsonl,ocsf,fhir" default:""`
	Practice string `help:"With --format: the practice's short name; without, each." placeholder:"SLUG"`
	auditSelection
}

func (c exportAuditCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, err := cli.openInstalled(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	if c.Format != "" {
		return c.events(ctx, h, s)
	}
	if c.Folder == "" {
		return errors.New("name a folder, or a --format to print")
	}
	if c.auditSelection != (auditSelection{}) || c.Practice != "" {
		return errors.New("a log that can be checked is whole: --practice and the filters go with --format")
	}
	if err := h.NoteAuditExport(ctx); err != nil {
		return err
	}
	logs, err := h.AuditLogs(ctx, true)
	if err != nil {
		return err
	}
	for _, log := range logs {
		folder := filepath.Join(c.Folder, log.Name)
		head, err := archive.Folder(folder).Write(ctx, log)
		var damage *auditlog.DamageError
		if errors.As(err, &damage) {
			return fmt.Errorf("%s: not exported: %w; sotto audit verify names all that is wrong", log.Name, damage)
		} else if err != nil {
			return err
		}
		if err := exportSetAside(ctx, h, log, folder); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s: %d entries\n  key %s\n", log.Name, head.Size, log.Verifier)
	}
	_, err = fmt.Fprintf(s.out, "Keep the keys apart from the export. Verify with:\n  sotto audit verify %s --key KEY\n", c.Folder)
	return err
}

type verifyAuditCommand struct {
	Folder     string   `arg:"" optional:"" help:"An exported log, or a folder of them. Without one, the live log is checked." type:"existingdir"`
	Checkpoint []string `help:"An earlier checkpoint, which the log must have grown from." placeholder:"FILE" type:"existingfile"`
	Against    []string `help:"An earlier export, an archive, or the folder of a watch: if the log does not go on from what lies there, the first entries that are not the same are named." placeholder:"FOLDER" type:"existingdir"`
	Witness    []string `help:"The key of a witness. Each --checkpoint must have the signature of one of those given." placeholder:"KEY"`
	Proof      []string `help:"A proof of one entry, as the page of the audit log saves it: it alone is checked, and the entry printed. Needs --key." placeholder:"FILE" type:"existingfile"`
	Key        []string `help:"The log's key as export printed it, or a file with it. Each key's log must be there. Without one the key in the folder is believed." placeholder:"KEY"`
}

func (c verifyAuditCommand) Run(ctx context.Context, cli *commands, s streams) error {
	keys, err := readKeys(c.Key)
	if err != nil {
		return err
	}
	if len(c.Proof) > 0 {
		if len(keys) == 0 || c.Folder != "" || len(c.Checkpoint)+len(c.Witness)+len(c.Against) > 0 {
			return errors.New("--proof goes with --key alone: without the log's key, from elsewhere, it proves nothing")
		}
		return verifyProofs(c.Proof, keys, s.out)
	}
	for _, w := range c.Witness {
		if !auditlog.IsWitnessKey(w) {
			return errors.New("--witness is no key of a witness: it printed one when it was started")
		}
	}
	if len(c.Witness) > 0 && len(c.Checkpoint) == 0 {
		return errors.New("--witness goes with --checkpoint: which checkpoint should it have signed?")
	}
	earlier := make(map[string][]byte)
	for _, path := range c.Checkpoint {
		if earlier[path], err = os.ReadFile(path); err != nil {
			return err
		}
	}
	copies, err := earlierCopies(c.Against)
	if err != nil {
		return err
	}
	logs, done, err := cli.logs(ctx, c.Folder, s.out)
	if err != nil {
		return err
	}
	defer done()
	wrong := logs.wrong
	check := logCheck{keys: keys, unused: maps.Clone(keys), earlier: earlier, copies: append(copies, logs.archived...), witnesses: c.Witness, now: time.Now(), out: s.out}
	for _, log := range logs.all {
		n, err := check.of(ctx, log, logs.before[log.Practice])
		if err != nil {
			return err
		}
		wrong += n
		if c.Folder == "" {
			if err := host.NoteLogVerified(ctx, host.Folder(cli.Data), log, n, time.Now()); err != nil {
				return err
			}
		}
		if c.Folder != "" && len(keys) == 0 {
			fmt.Fprintf(s.out, "%s: checked by the key in the folder, %s; compare it with what you noted\n", log.Name, log.Verifier)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(check.unused)) {
		fmt.Fprintf(s.out, "the log of the key %s is not there, or cannot be opened\n", name)
		wrong++
	}
	for path := range earlier {
		fmt.Fprintf(s.out, "%s is of no log that is there, or that can be opened\n", path)
		wrong++
	}
	for _, copied := range copies {
		if !copied.found {
			fmt.Fprintf(s.out, "%s is of no log that is there, or that can be opened\n", copied.folder)
			wrong++
		}
	}
	for _, what := range logs.standing {
		fmt.Fprintln(s.out, what)
	}
	if wrong > 0 {
		return fmt.Errorf("the audit log is not as it was written: %d problems", wrong)
	}
	if len(logs.standing) > 0 {
		return errStanding
	}
	if check.alone {
		_, err = fmt.Fprintln(s.out, "Each entry is what the signed heads say.")
		return err
	}
	_, err = fmt.Fprintln(s.out, "The audit log is as it was written.")
	return err
}

// readKeys reads keys, or the files that hold them, by their names.
func readKeys(given []string) (map[string]string, error) {
	keys := make(map[string]string)
	for _, key := range given {
		if b, err := os.ReadFile(key); err == nil {
			key = string(b)
		}
		key = strings.TrimSpace(key)
		name, _, ok := strings.Cut(key, "+")
		if !ok {
			return nil, errors.New("--key is no key: export prints it, beginning with sotto/audit/")
		}
		keys[name] = key
	}
	return keys, nil
}

// foundLogs are logs to check, and what was wrong before one could look.
type foundLogs struct {
	all   []*auditlog.Log
	wrong int
	// before are the heads of each live log that were signed before, by the
	// practice's id and what became of them.
	before map[string]map[string][]byte
	// archived are the archives of the live logs.
	archived []*earlierCopy
	// standing says of each live log that does not grow what waits.
	standing []string
}

// logs opens the logs in a folder, or the live ones if folder is empty.
func (c *commands) logs(ctx context.Context, folder string, out io.Writer) (found foundLogs, done func(), err error) {
	if folder == "" {
		h, err := c.openInstalled(ctx)
		if err != nil {
			return found, nil, err
		}
		if found.before, err = h.SignedBefore(ctx); err != nil {
			return found, nil, errors.Join(err, h.Close())
		}
		for _, folder := range h.ArchiveFolders() {
			copies, _ := earlierCopies([]string{folder}) // an archive that cannot be read is a finding of doctor's
			for _, copied := range copies {
				copied.live = true
			}
			found.archived = append(found.archived, copies...)
		}
		found.all, err = h.AuditLogs(ctx, false)
		if err != nil {
			return found, nil, errors.Join(err, h.Close())
		}
		if found.standing, err = standing(ctx, h, found.all, time.Now()); err != nil {
			return found, nil, errors.Join(err, h.Close())
		}
		return found, func() { _ = h.Close() }, nil
	}
	folders, err := logFolders(folder)
	if err != nil {
		return found, nil, err
	}
	if len(folders) == 0 {
		return found, nil, fmt.Errorf("there is no exported log in %s", folder)
	}
	for _, f := range folders {
		log, err := archive.Folder(f).Open()
		var damage *auditlog.DamageError
		switch {
		case errors.As(err, &damage):
			fmt.Fprintf(out, "%s: %v\n", filepath.Base(f), damage)
			found.wrong++
		case err != nil:
			return found, nil, err
		default:
			found.all = append(found.all, log)
		}
	}
	return found, func() {}, nil
}

var errStanding = errors.New("the audit log does not grow: nothing is wrong with what is in it; start the server, or look at its log if it runs")

// standing says of each live log that has not grown for minutes what waits for
// its numbers: it is in no tree, and nothing that is checked holds it.
func standing(ctx context.Context, h *host.OpenHub, logs []*auditlog.Log, now time.Time) (all []string, err error) {
	waiting, err := h.LogsWaiting(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range waiting {
		for _, log := range logs {
			if log.Practice != w.Practice {
				continue
			}
			unreadable, err := h.UnreadableEvents(ctx, w.Practice)
			if err != nil {
				return nil, err
			}
			for i := range unreadable {
				u := &unreadable[i]
				all = append(all, fmt.Sprintf("%s: the event in row %d, of %s, cannot be read (SHA-256 %s): keep the database as evidence, find out why, then: sotto audit settle row:%d --reason investigated",
					log.Name, u.Row, when(time.UnixMilli(u.At)), u.Hash(), u.Row))
			}
		}
		oldest := time.UnixMilli(w.Oldest)
		if now.Sub(oldest) <= installation.LogGrowsWithin {
			continue
		}
		for _, log := range logs {
			if log.Practice == w.Practice {
				all = append(all, fmt.Sprintf("%s: the log does not grow: %d events wait for their numbers, the oldest since %s", log.Name, w.Events, when(oldest)))
			}
		}
	}
	return all, nil
}

// A logCheck is what logs are checked with.
type logCheck struct {
	keys   map[string]string // by the log's origin
	unused map[string]string // those of keys whose log was not seen yet
	// earlier are checkpoints by their files, less those that were of a log.
	earlier   map[string][]byte
	copies    []*earlierCopy
	witnesses []string
	now       time.Time
	out       io.Writer
	// alone says that a log was compared with no earlier head: one that was made
	// anew with the hub's key would look the same.
	alone bool
}

// of checks a log, prints what is wrong and returns how much is. Before are the
// heads of it alone that were signed before, by what became of them.
func (l *logCheck) of(ctx context.Context, log *auditlog.Log, before map[string][]byte) (wrong int, err error) {
	say := func(what any) {
		fmt.Fprintf(l.out, "%s: %v\n", log.Name, what)
		wrong++
	}
	verifier := log.Verifier
	if len(l.keys) > 0 {
		name, _, _ := strings.Cut(log.Verifier, "+")
		delete(l.unused, name)
		if given, ok := l.keys[name]; !ok {
			say("no --key is this log's: its key is called " + name)
		} else if given != verifier {
			say("key " + keyPlace(log) + " was changed: it is not the key that was given")
			verifier = given
		}
	}
	c, err := auditlog.OpenCheckpoint(log.Signed, verifier)
	if err != nil {
		say("checkpoint was changed or forged: it is not signed by the log's key")
		// What it says is still looked at, to name what else is wrong.
		if c, err = auditlog.OpenCheckpoint(log.Signed, log.Verifier); err != nil {
			if c, err = auditlog.ReadUnsigned(log.Signed); err != nil {
				l.found(log)
				return wrong, nil
			}
		}
	}
	heads := make(map[auditlog.Checkpoint][]string) // which they are
	for path, signed := range l.earlier {
		unsigned, err := auditlog.ReadUnsigned(signed)
		if err != nil || unsigned.Origin != c.Origin {
			continue
		}
		delete(l.earlier, path)
		e, err := auditlog.OpenCheckpoint(signed, verifier)
		if err != nil {
			say(fmt.Sprintf("checkpoint %s is not signed by the log's key: the key or the checkpoint was changed", path))
			continue
		}
		if w, err := auditlog.OpenCheckpoint(signed, verifier, l.witnesses...); err != nil {
			say(fmt.Sprintf("checkpoint %s is not signed by a witness that was given", path))
		} else {
			e = w
		}
		heads[e] = append(heads[e], path)
	}
	for _, which := range slices.Sorted(maps.Keys(before)) {
		e, err := auditlog.OpenCheckpoint(before[which], verifier)
		if err != nil {
			say(fmt.Sprintf("the checkpoint %s is not signed by the log's key: one of the two was changed", which))
			continue
		}
		heads[e] = append(heads[e], which)
	}
	copies := make(map[*earlierCopy]auditlog.Checkpoint)
	for _, copied := range l.copies {
		if copied.origin != c.Origin {
			continue
		}
		copied.found = true
		e, err := auditlog.OpenCheckpoint(copied.signed, verifier)
		if err != nil && !copied.live {
			say(fmt.Sprintf("the checkpoint in %s is not signed by the log's key: the key or the checkpoint was changed", copied.folder))
		}
		if err != nil {
			continue
		}
		copies[copied] = e
		if !copied.live {
			heads[e] = append(heads[e], "in "+string(copied.folder))
		}
	}
	head := auditlog.Head{Size: c.Size, Root: c.Root}
	report, err := auditlog.Verify(ctx, log.Source, head, slices.Collect(maps.Keys(heads))...)
	if err != nil {
		return wrong, err
	}
	for _, d := range report.Damage {
		if which := ofSize(heads, d); len(which) > 0 {
			say(fmt.Sprintf("%v (%s)", d, strings.Join(which, "; ")))
			continue
		}
		say(d)
	}
	if report.More > 0 {
		say(fmt.Sprintf("and %d more", report.More))
	}
	for _, copied := range l.copies {
		was, is := copies[copied]
		contradicts := func(d *auditlog.DamageError) bool { return d.What == "checkpoint" && d.At == was.Size }
		if !is || report.More == 0 && !slices.ContainsFunc(report.Damage, contradicts) {
			continue // the log begins with all of its entries
		}
		if err := nameEntries(ctx, log, head, copied.folder, was, l.out, say); err != nil {
			return wrong, err
		}
	}
	if report.Until.Sub(l.now) > auditlog.ClockTolerance {
		say(fmt.Sprintf("entries are dated up to %s, which is yet to come: the hub's clock was ahead, or this machine's is behind", when(report.Until)))
	}
	for _, d := range report.Noted {
		fmt.Fprintf(l.out, "%s: note: %v\n", log.Name, d)
	}
	if fmt.Fprintf(l.out, "%s: %d entries were checked", log.Name, report.Head.Size); !report.From.IsZero() {
		fmt.Fprintf(l.out, ", from %s until %s", when(report.From), when(report.Until))
	}
	fmt.Fprintln(l.out)
	if !slices.ContainsFunc(slices.Collect(maps.Keys(heads)), func(e auditlog.Checkpoint) bool { return e.Size > 0 }) {
		l.alone = true
		fmt.Fprintf(l.out, "%s: no earlier head was compared: whoever has the hub's key could have written all of it anew. Give one that was kept elsewhere, as published, signed by a witness or of an older export: --checkpoint FILE\n", log.Name)
	}
	return wrong, nil
}

// found notes that a log is there, by its key's name, though nothing can be
// compared with it.
func (l *logCheck) found(log *auditlog.Log) {
	origin, _, _ := strings.Cut(log.Verifier, "+")
	for path, signed := range l.earlier {
		if c, err := auditlog.ReadUnsigned(signed); err == nil && c.Origin == origin {
			delete(l.earlier, path)
		}
	}
	for _, copied := range l.copies {
		copied.found = copied.found || copied.origin == origin
	}
}

// ofSize says which of the heads damage may be about.
func ofSize(heads map[auditlog.Checkpoint][]string, d *auditlog.DamageError) (which []string) {
	for c, names := range heads {
		if d.What == "checkpoint" && c.Size == d.At {
			which = append(which, names...)
		}
	}
	slices.Sort(which)
	return which
}

// keyPlace is where the key of a log lies: that of one in a folder beside it.
func keyPlace(log *auditlog.Log) string {
	if log.Practice == "" {
		return archive.KeyFile
	}
	return "hub/audit.key"
}

func when(t time.Time) string { return t.UTC().Format(time.RFC3339) }
