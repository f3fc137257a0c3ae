package main

import (
	"context"
	"fmt"

	"github.com/sotto-health/sotto/internal/host"
)

type keyCommand struct {
	Replace replaceKeyCommand `cmd:"" help:"Make other keys in place of those of the hub's that are lost for good. Look for the copy of the keys first."`
}

type replaceKeyCommand struct {
	Names []string `arg:"" enum:"audit,factors,patients,evidence" help:"Which: audit, factors, patients or evidence; all that are lost."`
}

func (c replaceKeyCommand) Run(ctx context.Context, cli *commands, s streams) error {
	config, err := cli.installed()
	if err != nil {
		return err
	}
	if err := host.ReplaceKeys(ctx, config, c.Names...); err != nil {
		return err
	}
	means := map[string]string{
		host.AuditKey:    "The heads of the audit logs are signed by it from now on; those of before verify with the old public key alone, and sotto audit verify and watch say so: settle what the last whole check kept by sotto audit settle last-check, and what each witness signed by sotto audit settle WITNESS.",
		host.FactorsKey:  "No authenticator app opens anything any more: passkeys and recovery codes do. Make set-up links for the others: sotto staff link.",
		host.EvidenceKey: "Evidence packs are signed by it from now on: give its public part to who verifies them, sotto controls key; those of before verify with the old one.",
		host.PatientsKey: "What was on file of patients, and their PINs, cannot be opened any more: import it again. Whoever was linked with a record or a portal account is refused by both from now on: staff have to confirm who they are. Codes that are open and contacts that were proved are lost.",
	}
	for _, name := range c.Names {
		fmt.Fprintf(s.out, "There is a new hub/%s.key, and the audit log says so. %s\n", name, means[name])
	}
	_, err = fmt.Fprintln(s.out, "Back it up apart from the data: sotto backup keys FOLDER")
	return err
}
