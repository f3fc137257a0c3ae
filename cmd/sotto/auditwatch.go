package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/archive"
	"github.com/sotto-health/sotto/internal/durable"
)

type watchAuditCommand struct {
	Seen  string        `arg:"" help:"Folder for what was seen. Keep it where whoever runs the hub cannot write." type:"path"`
	Log   string        `help:"Watch an exported log, or a folder of them, and not the live one." placeholder:"FOLDER" type:"existingdir" xor:"from"`
	Every time.Duration `help:"How often to look." default:"1m"`
	Once  bool          `help:"Look once."`

	Hub     string        `help:"Follow a practice's log at a hub, over the network, and not the live one here. SOTTO_WATCH_TOKEN holds a token: sotto directory token --for watch." placeholder:"URL" xor:"from"`
	CA      string        `name:"ca" help:"Certificates (PEM) to believe the hub by, in place of the system's." placeholder:"FILE" type:"existingfile"`
	Silence time.Duration `help:"How long the hub may give no answer before the watch ends with an error." default:"15m"`
	Still   time.Duration `help:"How long the hub may show a log that does not grow before the watch ends with an error, once for each head: who hides what is done can show an old one for ever. 0 is for ever." default:"24h"`

	Witness   []string      `help:"With --hub: the key of a witness of its log, who must have signed it." placeholder:"KEY"`
	Quorum    int           `help:"Of how many of the witnesses that must be true; of all, unless said." placeholder:"N"`
	Witnessed time.Duration `help:"How long ago they may have signed last." default:"1h"`

	Whole      bool          `help:"Read all entries with each look, as verify does."`
	WholeEvery time.Duration `help:"Read all entries at the first look, and again when the last time was so long ago. In between, new entries are read and some of the others, by chance." default:"24h"`
	Sample     int           `help:"How many times 256 older entries are read by chance with each look." default:"16"`
}

// treeFolder is where the tree of a log is kept, to name the entries that are no
// longer the same.
const treeFolder = "tree"

// wholeFile says when all entries of a log were read last, and nothing was
// wrong.
const wholeFile = "whole"

func (c watchAuditCommand) Run(ctx context.Context, cli *commands, s streams) error {
	if c.Every < time.Second {
		return errors.New("--every is at least 1s")
	}
	if c.Sample < 0 || c.WholeEvery < 0 {
		return errors.New("--sample and --whole-every are not below 0")
	}
	if err := durable.MakeFolder(c.Seen, 0o700); err != nil {
		return err
	}
	required, err := c.witnesses()
	if err != nil {
		return err
	}
	look := func() error { return c.look(ctx, cli, s.out) }
	if c.Hub != "" {
		h, err := c.reach(os.Getenv("SOTTO_WATCH_TOKEN"), required)
		if err != nil {
			return err
		}
		look = func() error { return h.look(ctx, s.out, time.Now()) }
	}
	for {
		if err := look(); err != nil {
			return err
		}
		if c.Once {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(c.Every):
		}
	}
}

// look looks once at each log, and at whether each that was seen is still
// there.
func (c watchAuditCommand) look(ctx context.Context, cli *commands, out io.Writer) error {
	logs, done, err := cli.logs(ctx, c.Log, out)
	if err != nil {
		return err
	}
	defer done()
	wrong := logs.wrong
	here := make(map[string]bool)
	for _, log := range logs.all {
		here[log.Name] = true
		n, err := lookAt(ctx, c.Seen, log, out, func(place, _ string, head auditlog.Head, earlier []auditlog.Checkpoint) (*auditlog.Report, bool, error) {
			part, err := c.part(place, earlier, time.Now())
			if err != nil {
				return nil, false, err
			}
			report, err := auditlog.VerifyPart(ctx, log.Source, head, part, earlier...)
			return report, part.Whole(), err
		})
		if err != nil {
			return err
		}
		wrong += n
	}
	seen, err := filepath.Glob(filepath.Join(c.Seen, "*."+archive.CheckpointFile))
	if err != nil {
		return err
	}
	for _, path := range seen {
		if name := strings.TrimSuffix(filepath.Base(path), "."+archive.CheckpointFile); !here[name] {
			fmt.Fprintf(out, "%s: the log is gone\n", name)
			wrong++
		}
	}
	for _, what := range logs.standing {
		fmt.Fprintln(out, what)
	}
	if wrong > 0 {
		return fmt.Errorf("the audit log's history is not what was seen: %d problems", wrong)
	}
	if len(logs.standing) > 0 {
		return errStanding
	}
	return nil
}

// A compares function compares a log's head with the one that was seen before,
// if there is one, and says whether it read all entries. What was seen is kept
// at the place, and the verifier is the key's that was seen.
type compares func(place, verifier string, head auditlog.Head, earlier []auditlog.Checkpoint) (report *auditlog.Report, whole bool, err error)

// lookAt compares a log with what was seen of it, and keeps what it sees now.
// If they contradict each other it keeps both: the two signed checkpoints prove
// it to anybody. Of a log with a source it keeps the tree as well, and names by it
// the entries that are no longer those.
func lookAt(ctx context.Context, seen string, log *auditlog.Log, out io.Writer, compare compares) (wrong int, err error) {
	place := filepath.Join(seen, log.Name)
	say := func(what any) {
		fmt.Fprintf(out, "%s: %v\n", log.Name, what)
		wrong++
	}
	key, err := os.ReadFile(place + "." + archive.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		key = []byte(log.Verifier + "\n")
		err = durable.CreateFile(place+"."+archive.KeyFile, key, 0o600)
	}
	if err != nil {
		return 0, err
	}
	verifier := strings.TrimSpace(string(key))
	now, err := auditlog.OpenCheckpoint(log.Signed, verifier)
	if err != nil {
		say("key or checkpoint was changed: the log is no longer signed by the key that was seen")
		return wrong, keepContradiction(place, log.Signed, time.Now())
	}
	head := auditlog.Head{Size: now.Size, Root: now.Root}
	var earlier []auditlog.Checkpoint
	last, err := os.ReadFile(place + "." + archive.CheckpointFile)
	if err == nil {
		e, err := auditlog.OpenCheckpoint(last, verifier)
		if err != nil {
			return 0, fmt.Errorf("%s is not what was kept there", place+"."+archive.CheckpointFile)
		}
		earlier = append(earlier, e)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	report, whole, err := compare(place, verifier, head, earlier)
	if err != nil {
		return 0, err
	}
	for _, d := range report.Damage {
		say(d)
	}
	if report.More > 0 {
		say(fmt.Sprintf("and %d more", report.More))
	}
	if wrong > 0 { // it is kept before anything else is read
		if err := keepWrong(place, log.Signed); err != nil {
			return wrong, err
		}
	}
	var unread error
	if log.Source != nil {
		tree := archive.Folder(place + "." + treeFolder)
		seen := auditlog.Log{Name: log.Name, Signed: log.Signed, Verifier: verifier, Source: log.Source}
		unread = keepTree(ctx, tree, &seen, head, wrong > 0, out, say)
	}
	if wrong > 0 {
		return wrong, errors.Join(unread, keepWrong(place, log.Signed))
	}
	if unread != nil {
		return 0, unread
	}
	if whole {
		if err := durable.WriteFile(place+"."+wholeFile, []byte(when(time.Now())+"\n"), 0o600); err != nil {
			return 0, err
		}
	}
	if len(earlier) > 0 && earlier[0].Size == now.Size {
		return 0, nil
	}
	fmt.Fprintf(out, "%s: %d entries\n", log.Name, now.Size)
	return 0, durable.WriteFile(place+"."+archive.CheckpointFile, log.Signed, 0o600)
}

// keepWrong keeps the checkpoint of a log that something is wrong with, and has
// all of it read at every look from now on, to find what chance has found once.
func keepWrong(place string, signed []byte) error {
	if err := os.Remove(place + "." + wholeFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return keepContradiction(place, signed, time.Now())
}

// keepTree keeps the tree of a log that has grown, or names the entries of one
// that is damaged which are not those of the tree that was kept.
func keepTree(ctx context.Context, tree archive.Folder, log *auditlog.Log, head auditlog.Head, damaged bool, out io.Writer, say func(what any)) error {
	var damage *auditlog.DamageError
	if !damaged {
		if err := tree.GrowTree(ctx, log); !errors.As(err, &damage) {
			return err
		}
		say(fmt.Sprintf("%v (as %s has it)", damage, tree))
	}
	signed, err := os.ReadFile(filepath.Join(string(tree), archive.CheckpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // seen before trees were kept
	} else if err != nil {
		return err
	}
	was, err := auditlog.OpenCheckpoint(signed, log.Verifier)
	if err != nil {
		return fmt.Errorf("%s is not what was kept there", filepath.Join(string(tree), archive.CheckpointFile))
	}
	if err := auditlog.Grown(ctx, log.Source, head, was); !errors.As(err, &damage) {
		return err
	}
	return nameEntries(ctx, log, head, tree, was, out, say)
}

// keepContradiction keeps a checkpoint that contradicts what was seen, beside
// all that did so before: each proves it by itself.
func keepContradiction(place string, signed []byte, at time.Time) error {
	kept, err := filepath.Glob(place + ".contradiction.*")
	if err != nil {
		return err
	}
	for _, path := range kept {
		if b, err := os.ReadFile(path); err != nil {
			return err
		} else if bytes.Equal(b, signed) {
			return nil
		}
	}
	c, err := auditlog.ReadUnsigned(signed)
	if err != nil {
		c.Size = 0 // it says none
	}
	return durable.CreateFile(fmt.Sprintf("%s.contradiction.%d.%s", place, c.Size, at.UTC().Format("20060102T150405.000000000Z")), signed, 0o600)
}

// part is what of a log is read with a look: all with the first, and when all
// was read too long ago.
func (c watchAuditCommand) part(place string, earlier []auditlog.Checkpoint, now time.Time) (auditlog.Part, error) {
	if c.Whole || len(earlier) == 0 {
		return auditlog.Part{}, nil
	}
	last, err := os.ReadFile(place + "." + wholeFile)
	if errors.Is(err, fs.ErrNotExist) {
		return auditlog.Part{}, nil
	} else if err != nil {
		return auditlog.Part{}, err
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(last)))
	if err != nil || now.Sub(at) >= c.WholeEvery || now.Before(at) {
		return auditlog.Part{}, nil //nolint:nilerr // what cannot be read says nothing
	}
	return auditlog.Sample(earlier[0].Size, c.Sample), nil
}
