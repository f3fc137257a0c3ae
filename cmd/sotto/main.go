// Command sotto is Sotto in one program: hub, record keeper and web pages, and
// the operator's tools.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sotto-health/sotto/internal/host"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sotto:", err)
		os.Exit(1)
	}
}

// commands is the command line.
type commands struct {
	Data    string `help:"Folder of all data and keys." default:"data" env:"SOTTO_DATA" placeholder:"FOLDER" type:"path"`
	Backups string `help:"Folder that backups are put into, best on another machine." env:"SOTTO_BACKUPS" placeholder:"FOLDER" type:"path"`

	Serve     serveCommand     `cmd:"" help:"Serve the chat: hub, record keeper and web pages."`
	Practice  practiceCommand  `cmd:"" help:"Set up practices."`
	Staff     staffCommand     `cmd:"" help:"Set up staff."`
	Directory directoryCommand `cmd:"" help:"The practice's directory, which keeps its people here by SCIM."`
	Patient   patientCommand   `cmd:"" help:"Set up what is on file of patients, so that they can show who they are."`
	Consent   consentCommand   `cmd:"" help:"Export what patients agreed to, or check a copy of it."`
	Record    recordCommand    `cmd:"" help:"Read and check the practice's record."`
	Audit     auditCommand     `cmd:"" help:"Export, verify and watch the log of who did what."`
	Backup    backupCommand    `cmd:"" help:"Make, try out and restore backups of the installation."`
	Key       keyCommand       `cmd:"" help:"Replace a key of the hub's that is lost."`
	Doctor    doctorCommand    `cmd:"" help:"Look at the running installation for mistakes; say how to mend each."`
	Controls  controlsCommand  `cmd:"" help:"Look at what HIPAA asks and what this installation shows of it; make evidence for auditors."`
	Inventory inventoryCommand `cmd:"" help:"List what this installation consists of and where data flows; draw it."`
	Demo      demoCommand      `cmd:"" help:"Sign in to the demo practice."`
	Bench     benchCommand     `cmd:"" help:"Measure messages a second, latency and memory on this machine."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// again is how this program is called for the same data, as it can be pasted
// where it was started.
func (c *commands) again() string {
	if c.Data == kong.ExpandPath("data") {
		return os.Args[0]
	}
	return fmt.Sprintf("%s --data '%s'", os.Args[0], c.Data)
}

// streams are where a command writes.
type streams struct {
	out, err io.Writer
}

// run is the program but for the process: tests call it with their own context
// and output.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cli commands
	exited := errors.New("exited")
	parser, err := kong.New(&cli,
		kong.Name("sotto"),
		kong.Description("Self-hosted, end-to-end encrypted live chat for healthcare."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { panic(exited) }), // after --help
	)
	if err != nil {
		return err
	}
	parsed, err := parse(parser, args, exited)
	if parsed == nil || err != nil {
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

// parse returns nil if the arguments asked for help, which has been printed.
func parse(parser *kong.Kong, args []string, exited error) (parsed *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil && r != exited { //nolint:errorlint // the very value that Exit panics with
			panic(r)
		}
	}()
	return parser.Parse(args)
}
