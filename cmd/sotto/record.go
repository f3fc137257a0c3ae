package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	form "github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/keeperhost"
	"github.com/sotto-health/sotto/internal/record"
	"github.com/sotto-health/sotto/internal/vault"
)

type recordCommand struct {
	Practice   string `help:"The practice's short name; needed only if there are several." placeholder:"SLUG"`
	Hub        string `help:"Address of the hub, which keeps the audit log, where it is on another machine: the keeper's device writes down there that the record is read." env:"SOTTO_HUB" placeholder:"URL"`
	Unrecorded bool   `help:"Where that hub is lost or cannot be reached: go on all the same. You write it down by hand."`

	List   listRecordCommand   `cmd:"" help:"List the conversations in the record."`
	Show   showRecordCommand   `cmd:"" help:"Print one conversation's transcript. It is protected health information."`
	Verify verifyRecordCommand `cmd:"" help:"Check all of the record; name what is changed, missing or out of order."`
}

// open opens the archive of the practice, to be read: a keeper may be writing
// it meanwhile, so it is never closed here, which would write.
func (c recordCommand) open(cli *commands) (*record.Archive, *vault.Vault, error) {
	folder, slug := host.Folder(cli.Data), c.Practice
	if slug == "" {
		slugs, err := keeperSlugs(folder)
		if err != nil {
			return nil, nil, err
		}
		if len(slugs) == 0 {
			return nil, nil, fmt.Errorf("there is no practice's record in %s: check --data", cli.Data)
		}
		if len(slugs) != 1 {
			return nil, nil, fmt.Errorf("say which --practice: there are %d (%s)", len(slugs), strings.Join(slugs, ", "))
		}
		slug = slugs[0]
	}
	v, err := vault.Open(keeperFolder(folder, slug))
	if err != nil {
		return nil, nil, err
	}
	archive, err := keeperhost.OpenArchive(v)
	return archive, v, err
}

type listRecordCommand struct{}

func (listRecordCommand) Run(ctx context.Context, cli *commands, s streams) error {
	archive, v, err := cli.Record.open(cli)
	if err != nil {
		return err
	}
	if err := cli.noteRead(ctx, s, v, api.RecordRead{What: api.RecordListed}); err != nil {
		return err
	}
	ids, err := archive.Conversations(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		fmt.Fprintln(s.out, id)
	}
	if len(ids) == 0 {
		fmt.Fprintln(s.err, "The record holds no conversation yet.")
	}
	return nil
}

type showRecordCommand struct {
	ID    string `arg:"" help:"Conversation id, as record list prints it."`
	JSON  bool   `name:"json" help:"Print JSON for programs."`
	Files string `help:"Also open the attachments into this folder." placeholder:"FOLDER" type:"path"`
	UTC   bool   `name:"utc" help:"Print times in UTC and not in this machine's time zone."`

	Purpose string `help:"What for: one of ${enum}. Nobody but you knows, so it is not guessed. It is recorded; what leaves the practice for another purpose than treatment, payment, operations, the patient or their authorization goes into the patient's accounting of disclosures (45 CFR 164.528)." enum:"treatment,payment,operations,patient,authorization,required-by-law,public-health,abuse,oversight,court,police,decedents,research,threat,government,workers-compensation,breach,other" required:"" placeholder:"WHAT-FOR"`
	To      string `help:"Who outside the practice gets it." placeholder:"NAME"`
	Address string `help:"Their address." placeholder:"TEXT"`
}

// note records that the record is opened, before it is.
func (c showRecordCommand) note(ctx context.Context, cli *commands, v *vault.Vault, s streams) error {
	if c.To == "" && !slices.Contains(form.Exempt(), c.Purpose) {
		return errors.New("say with --to who gets it")
	}
	shown := api.RecordRead{What: api.RecordShown, Conversation: c.ID, Purpose: c.Purpose, Recipient: c.To, Address: c.Address}
	err := cli.noteRead(ctx, s, v, shown)
	if !errors.Is(err, hub.ErrNotFound) && !hubclient.IsCode(err, api.CodeNotFound) {
		return err
	}
	// The record outlives a hub that was lost, or brought back from a backup.
	shown.Recipient, shown.Address = "", ""
	if err := cli.noteRead(ctx, s, v, shown); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.err, "The hub does not know whose conversation this is: enter what you give away into the patient's accounting of disclosures by hand.")
	return err
}

// noteRead has it in the hub's audit log that the record is read, before it is.
// Only where the hub is elsewhere can that be left to the reader.
func (c *commands) noteRead(ctx context.Context, s streams, v *vault.Vault, r api.RecordRead) error {
	var err error
	folder, postgres := host.Folder(c.Data), os.Getenv("SOTTO_POSTGRES") != ""
	here := folder.There(postgres) || folder.NeedsPostgreSQL()
	switch {
	case c.Record.Hub != "":
		err = keeperhost.NoteRead(ctx, v, c.Record.Hub, r)
	case here && !folder.There(postgres):
		err = fmt.Errorf("the hub in %s has its log in PostgreSQL: set SOTTO_POSTGRES", c.Data)
	case here:
		err = c.noteReadHere(ctx, v.Practice, r)
	default:
		err = fmt.Errorf("the hub, which keeps the audit log, is not in %s: say with --hub where it is", c.Data)
	}
	switch {
	case err == nil:
		return nil
	case here || !c.Record.Unrecorded:
		return fmt.Errorf("that the record is read could not be written down, so nothing of it is shown: %w", err)
	}
	_, err = fmt.Fprintf(s.err, "It is not in the audit log: %v.\nWrite down yourself who reads the record, when and what for.\n", err)
	return err
}

func (c *commands) noteReadHere(ctx context.Context, practice string, r api.RecordRead) error {
	h, err := c.openInstalled(ctx)
	if err != nil {
		return err
	}
	return errors.Join(h.NoteOperatorsRecordRead(ctx, practice, r), h.Close())
}

func (c showRecordCommand) Run(ctx context.Context, cli *commands, s streams) error {
	archive, v, err := cli.Record.open(cli)
	if err != nil {
		return err
	}
	if err := c.note(ctx, cli, v, s); err != nil {
		return err
	}
	names, err := certificate.NewVerifier(v.Practice, v.Authority.Public())
	if err != nil {
		return err
	}
	transcript, err := archive.Show(ctx, c.ID, record.ShowOptions{Files: c.Files, Names: names})
	if errors.Is(err, record.ErrUnknown) {
		return errors.New("the record holds no conversation of that id; sotto record list prints all")
	} else if err != nil {
		return err
	}
	zone := time.Local
	if c.UTC {
		zone = time.UTC
	}
	if c.JSON {
		err = transcript.WriteJSON(s.out)
	} else {
		err = transcript.WriteText(s.out, zone)
	}
	if err == nil && transcript.Damaged > 0 {
		return fmt.Errorf("%d records are damaged; sotto record verify names them", transcript.Damaged)
	}
	return err
}

type verifyRecordCommand struct {
	Noted  []string `help:"Manifest number and hash as an earlier verify printed them; the record must still have that entry." placeholder:"NUMBER:HASH"`
	Accept bool     `help:"Take the record's mark and manifest as they are for whole from now on. Only after you know why they changed, as after restoring a backup."`
}

func (c verifyRecordCommand) Run(ctx context.Context, cli *commands, s streams) error {
	archive, v, err := cli.Record.open(cli)
	if err != nil {
		return err
	}
	var notes []record.Noted
	for _, text := range c.Noted {
		number, hash, _ := strings.Cut(text, ":")
		n, err := strconv.ParseUint(number, 10, 63)
		if err != nil {
			return errors.New("--noted is NUMBER:HASH")
		}
		notes = append(notes, record.Noted{Manifest: n, Hash: hash})
	}
	if c.Accept {
		if err := cli.noteRead(ctx, s, v, api.RecordRead{What: api.RecordAccepted}); err != nil {
			return err
		}
		if err := archive.Accept(ctx); err != nil {
			return err
		}
	}
	report, err := archive.Verify(ctx, notes...)
	if err != nil {
		return err
	}
	found := &api.RecordFound{Conversations: report.Conversations, Records: report.Records, Problems: len(report.Problems)}
	if err := cli.noteRead(ctx, s, v, api.RecordRead{What: api.RecordChecked, Found: found}); err != nil {
		return err
	}
	err = host.NoteArchiveCheck(host.Folder(cli.Data), v.Slug, installation.ArchiveCheck{
		At: time.Now().UTC(), Conversations: report.Conversations, Records: report.Records, Problems: len(report.Problems),
		Manifest: fmt.Sprintf("%d:%s", report.Manifest, report.ManifestHash),
	})
	if err != nil {
		return err
	}
	for _, p := range report.Problems {
		fmt.Fprintln(s.out, p)
	}
	fmt.Fprintf(s.out, "%d conversations, %d records, %d attachments; manifest %d:%s\n",
		report.Conversations, report.Records, report.Attachments, report.Manifest, report.ManifestHash)
	if len(report.Problems) > 0 {
		return fmt.Errorf("the record is not as it was written: %d problems", len(report.Problems))
	}
	fmt.Fprintln(s.out, "The record is as it was written.")
	return nil
}
