package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/sotto-health/sotto/internal/consent"
)

type consentCommand struct {
	Export consentExportCommand `cmd:"" help:"Write all receipts as FHIR R4 Bundles of Consent resources, one a line. Each signature and hash is checked again; the resource says with what result."`
	Verify consentVerifyCommand `cmd:"" help:"Check the copy of an agreement that a patient kept (the data file): its text, and the signature of their device."`
}

type consentVerifyCommand struct {
	Slug string `arg:"" help:"The practice's short name, as in /c/SLUG."`
	File string `arg:"" help:"The file, as the patient saved it (JSON)." type:"existingfile"`
}

func (c consentVerifyCommand) Run(ctx context.Context, cli *commands, s streams) error {
	b, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	kept, err := consent.ReadCopy(b)
	if err != nil {
		return err
	}
	h, p, err := cli.openPractice(ctx, c.Slug)
	if err != nil {
		return err
	}
	defer h.Close()
	r, err := h.VerifyCopy(ctx, p.ID, kept)
	if err != nil {
		return err
	}
	at := func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
	until := ""
	if r.WithdrawnAt != 0 {
		until = ", taken back " + at(r.WithdrawnAt)
	}
	_, err = fmt.Fprintf(s.out, "%s: form %s, version %d (%s): the text and the signature are right; agreed %s%s\n", r.ID, r.Form, r.Version, r.Language, at(r.ReceivedAt), until)
	return err
}

type consentExportCommand struct {
	Slug string `arg:"" help:"The practice's short name, as in /c/SLUG."`
}

func (c consentExportCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, p, err := cli.openPractice(ctx, c.Slug)
	if err != nil {
		return err
	}
	defer h.Close()
	out := json.NewEncoder(s.out)
	for after := uint64(0); ; {
		bundle, next, err := h.ExportAllReceipts(ctx, p.ID, after)
		if err != nil {
			return err
		}
		if err := out.Encode(bundle); err != nil {
			return err
		}
		if after = next; next == 0 {
			return nil
		}
	}
}
