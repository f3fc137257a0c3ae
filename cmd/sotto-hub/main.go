// Command sotto-hub is the hub alone: it orders, stores and delivers what it
// cannot read. Nothing it links can decrypt; internal/architecture tests that.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog/stream"
	"github.com/sotto-health/sotto/internal/auditlog/witness"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/messenger"
	"github.com/sotto-health/sotto/internal/practice"
	"github.com/sotto-health/sotto/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sotto-hub:", err)
		os.Exit(1)
	}
}

type commands struct {
	Data string `help:"Folder of the hub's data and keys." default:"data" env:"SOTTO_DATA" placeholder:"FOLDER" type:"path"`

	Serve serveCommand `cmd:"" default:"withargs" help:"Serve."`
	Apply applyCommand `cmd:"" help:"Create or change a practice as its file says."`
}

type streams struct{ out, err io.Writer }

// run is the program but for the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cli commands
	parser, err := kong.New(&cli, kong.Name("sotto-hub"), kong.UsageOnError(), kong.Writers(stdout, stderr),
		kong.Description("Sotto's hub alone. SOTTO_POSTGRES holds the address of a PostgreSQL database, if one is used."))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	ctx, command := host.AtConsole(ctx)
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(&cli, streams{stdout, stderr})
	if command.Named() {
		fmt.Fprintf(stderr, "In the audit log this is request %s.\n", command.Request)
	}
	return err
}

func (c *commands) open(ctx context.Context, log *slog.Logger) (*host.OpenHub, error) {
	messengers, err := messenger.FromEnvironment(os.Getenv)
	if err != nil {
		return nil, err
	}
	return host.Open(ctx, host.HubConfig{Folder: host.Folder(c.Data), PostgresURL: os.Getenv("SOTTO_POSTGRES"), Log: log, Backups: os.Getenv("SOTTO_BACKUPS"), Messengers: messengers})
}

type serveCommand struct {
	Listen           string         `help:"Address to serve on." default:"127.0.0.1:8480"`
	MetricsListen    string         `help:"Address for metrics, which only the operator should reach." placeholder:"ADDRESS"`
	TLSCert          string         `name:"tls-cert" help:"Certificate chain (PEM)." type:"existingfile"`
	TLSKey           string         `name:"tls-key" help:"Its private key (PEM)." type:"existingfile"`
	Origin           []string       `help:"Address that browsers use, such as https://chat.clinic.example. Without it no links are sent to patients." placeholder:"URL"`
	Proxies          []netip.Prefix `help:"Networks of proxies in front, whose X-Forwarded-For is believed, such as 10.0.0.0/8." placeholder:"CIDR"`
	AuditCheckpoints string         `help:"Folder for the signed heads of the audit logs, one a minute at most. Best on another machine." placeholder:"FOLDER" type:"path"`
	AuditArchive     string         `help:"Folder for the audit logs themselves, to be kept and checked apart from the database. Best on another machine, where nothing can be changed." placeholder:"FOLDER" env:"SOTTO_AUDIT_ARCHIVE" type:"path"`
	AuditWitness     []string       `help:"A witness that signs the heads of the audit logs: its key, a blank and its address. May be given several times." placeholder:"KEY URL" sep:"none"`
}

func (c serveCommand) Run(ctx context.Context, cli *commands, s streams) error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key belong together")
	}
	witnesses, err := witness.ParseParties(c.AuditWitness)
	if err != nil {
		return err
	}
	streams, err := stream.FromEnvironment(os.Getenv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(s.err, nil))
	h, err := cli.open(ctx, log)
	if err != nil {
		return err
	}
	defer h.Close()
	pages, err := fs.Sub(web.Dist, "dist")
	if err != nil {
		return err
	}
	ctx = audit.WithRequest(ctx, audit.Request{}) // what follows is each its own
	return host.Serve(ctx, h, host.ServeConfig{
		Listen: c.Listen, MetricsListen: c.MetricsListen, CertFile: c.TLSCert, KeyFile: c.TLSKey,
		Origins: c.Origin, Proxies: c.Proxies, Web: pages, Log: log, AuditCheckpoints: c.AuditCheckpoints, AuditArchive: c.AuditArchive, AuditWitnesses: witnesses, AuditStreams: streams,
	})
}

type applyCommand struct {
	File   string   `arg:"" help:"Practice file (JSON)." type:"existingfile"`
	Keeper string   `required:"" help:"The keeper's enrolment, as sotto-keeper init wrote it." type:"existingfile"`
	Weaken []string `help:"Settings that may protect less than before, by name." placeholder:"NAME"`
}

func (c applyCommand) Run(ctx context.Context, cli *commands, s streams) error {
	b, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	file, err := practice.Parse(b)
	if err != nil {
		return err
	}
	if b, err = os.ReadFile(c.Keeper); err != nil {
		return err
	}
	var enrolment certificate.Enrolment
	if err := json.Unmarshal(b, &enrolment); err != nil {
		return fmt.Errorf("read the keeper's enrolment: %w", err)
	}
	h, err := cli.open(ctx, slog.New(slog.NewJSONHandler(s.err, nil)))
	if err != nil {
		return err
	}
	defer h.Close()
	links, err := h.ApplyPractice(ctx, file, &enrolment, c.Weaken)
	if err != nil {
		return err
	}
	return h.Report(ctx, s.out, &enrolment, file, links)
}
