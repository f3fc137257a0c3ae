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

	form "github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/keeperhost"
	"github.com/sotto-health/sotto/internal/record"
	"github.com/sotto-health/sotto/internal/vault"
)

type recordCommand struct {
	Practice   string `help:"The practice's short name; needed only if there are several." placeholder:"SLUG"`
	Unrecorded bool   `help:"Where the hub, which keeps the audit log, is on another machine: go on all the same. You have written it down there."`

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
	err = cli.noteInHub(ctx, s, "write down there who listed this record", func(h *host.OpenHub) error {
		return h.NoteRecordListed(ctx, v.Practice)
	})
	if err != nil {
		return fmt.Errorf("that the record is listed could not be written down, so it is not: %w", err)
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

	Purpose string `help:"What for. It is recorded; what leaves the practice for another purpose than treatment, payment, operations, the patient or their authorization goes into the patient's accounting of disclosures (45 CFR 164.528)." enum:"operations,treatment,payment,patient,authorization,required-by-law,public-health,abuse,oversight,court,police,decedents,research,threat,government,workers-compensation,breach,other" default:"operations"`
	To      string `help:"Who outside the practice gets it." placeholder:"NAME"`
	Address string `help:"Their address." placeholder:"TEXT"`
}

// note records that the record is opened, before it is.
func (c showRecordCommand) note(ctx context.Context, cli *commands, practice string, s streams) error {
	if c.To == "" && !slices.Contains(form.Exempt(), c.Purpose) {
		return errors.New("say with --to who gets it")
	}
	err := cli.noteInHub(ctx, s, "write down there who opened this, and if it leaves the practice", func(h *host.OpenHub) error {
		return h.NoteRecordOpened(ctx, practice, hub.RecordOpening{Conversation: c.ID, Purpose: c.Purpose, Recipient: c.To, Address: c.Address})
	})
	if err != nil {
		return fmt.Errorf("that the record is opened could not be written down, so it is not: %w", err)
	}
	return nil
}

// noteInHub writes something down in the hub's audit log. Where the hub is on
// another machine it refuses, unless it was said that this is written down by
// hand.
func (c *commands) noteInHub(ctx context.Context, s streams, instead string, note func(*host.OpenHub) error) error {
	if postgres := os.Getenv("SOTTO_POSTGRES"); !host.Folder(c.Data).There(postgres != "") {
		if !c.Record.Unrecorded {
			return fmt.Errorf("the hub, which keeps the audit log, is not in %s: %s, and then say --unrecorded", c.Data, instead)
		}
		_, err := fmt.Fprintf(s.err, "The hub is on another machine: %s.\n", instead)
		return err
	}
	h, err := c.openInstalled(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	return note(h)
}

func (c showRecordCommand) Run(ctx context.Context, cli *commands, s streams) error {
	archive, v, err := cli.Record.open(cli)
	if err != nil {
		return err
	}
	if ids, err := archive.Conversations(ctx); err == nil && !slices.Contains(ids, c.ID) {
		return errors.New("the record holds no conversation of that id; sotto record list prints all")
	}
	if err := c.note(ctx, cli, v.Practice, s); err != nil {
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

// note records that the record is checked, before anything is shown of it.
func (c verifyRecordCommand) note(ctx context.Context, cli *commands, practice, found string, s streams) error {
	err := cli.noteInHub(ctx, s, "write down there who checked this record", func(h *host.OpenHub) error {
		return h.NoteRecordVerified(ctx, practice, found)
	})
	if err != nil {
		return fmt.Errorf("that the record is checked could not be written down, so nothing is shown: %w", err)
	}
	return nil
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
		if err := c.note(ctx, cli, v.Practice, "accept=yes", s); err != nil {
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
	err = c.note(ctx, cli, v.Practice, fmt.Sprintf("conversations=%d,records=%d,problems=%d", report.Conversations, report.Records, len(report.Problems)), s)
	if err != nil {
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
