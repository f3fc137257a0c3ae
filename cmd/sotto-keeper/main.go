// Command sotto-keeper is a practice's record keeper alone, on the practice's
// own machine, with a hub anywhere.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/keeperhost"
	"github.com/sotto-health/sotto/internal/vault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sotto-keeper:", err)
		os.Exit(1)
	}
}

type commands struct {
	Data     string `help:"Folder of all data and keys." default:"data" env:"SOTTO_DATA" placeholder:"FOLDER" type:"path"`
	Practice string `help:"The practice's short name, as in /c/SLUG." required:"" placeholder:"SLUG"`

	Init initCommand `cmd:"" help:"Make the practice's keys, and write what the hub's administrator needs."`
	Run  runCommand  `cmd:"" help:"Keep."`

	Readmit readmitCommand `cmd:"" help:"Let a staff person begin anew who has lost every passkey."`
}

type streams struct{ out, err io.Writer }

// run is the program but for the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cli commands
	parser, err := kong.New(&cli, kong.Name("sotto-keeper"), kong.UsageOnError(), kong.Writers(stdout, stderr),
		kong.Description("Sotto's record keeper alone. Read its record with: sotto --data FOLDER record"))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(&cli, streams{stdout, stderr})
}

func (c *commands) folder() string { return filepath.Join(c.Data, "keeper", c.Practice) }

type initCommand struct {
	Name      string `required:"" help:"The practice's name."`
	Enrolment string `help:"File to write for the hub's administrator. It holds no secret." default:"enrolment.json" type:"path"`
}

func (c initCommand) Run(cli *commands, s streams) error {
	v, err := vault.Create(cli.folder(), cli.Practice, c.Name, hub.NewID)
	if err != nil {
		return err
	}
	enrolment, err := v.Enrolment()
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(enrolment, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(c.Enrolment, append(b, '\n'), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "Keys are in %s: back them up apart from all else.\nGive %s to the hub's administrator, for: sotto-hub apply\n", v.Path("keys"), c.Enrolment)
	return err
}

type readmitCommand struct {
	Person string `arg:"" help:"The person's id, as the hub's administrator tells it."`
}

func (c readmitCommand) Run(cli *commands) error { return keeperhost.Readmit(cli.folder(), c.Person) }

type runCommand struct {
	Hub string `required:"" help:"The hub's address, such as https://chat.clinic.example." env:"SOTTO_HUB" placeholder:"URL"`
}

func (c runCommand) Run(ctx context.Context, cli *commands, s streams) error {
	k, err := keeperhost.Open(ctx, cli.folder(), slog.New(slog.NewJSONHandler(s.err, nil)))
	if err != nil {
		return err
	}
	return errors.Join(k.Run(ctx, c.Hub), k.Close())
}
