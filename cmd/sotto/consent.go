package main

import (
	"context"
	"encoding/json"
)

type consentCommand struct {
	Export consentExportCommand `cmd:"" help:"Write all receipts as FHIR R4 Bundles of Consent resources, one a line. Each signature and hash is checked again; the resource says with what result."`
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
