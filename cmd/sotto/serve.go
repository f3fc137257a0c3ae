package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog/stream"
	"github.com/sotto-health/sotto/internal/auditlog/witness"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/messenger"
	"github.com/sotto-health/sotto/internal/proofing"
	"github.com/sotto-health/sotto/web"
)

type serveCommand struct {
	Listen           string         `help:"Address to serve on." default:"127.0.0.1:8480"`
	MetricsListen    string         `help:"Address for metrics, which only the operator should reach." placeholder:"ADDRESS"`
	TLSCert          string         `name:"tls-cert" help:"Certificate chain (PEM). Without one, put a TLS proxy in front: browsers need HTTPS on anything but localhost." type:"existingfile"`
	TLSKey           string         `name:"tls-key" help:"Its private key (PEM)." type:"existingfile"`
	Origin           []string       `help:"Address that browsers use, such as https://chat.clinic.example. Without it no links are sent to patients." placeholder:"URL"`
	Proxies          []netip.Prefix `help:"Networks of proxies in front, whose X-Forwarded-For is believed, such as 10.0.0.0/8." placeholder:"CIDR"`
	AuditCheckpoints string         `help:"Folder for the signed heads of the audit logs, one a minute at most. Best on another machine." placeholder:"FOLDER" type:"path"`
	AuditArchive     string         `help:"Folder for the audit logs themselves, to be kept and checked apart from the database. Best on another machine, where nothing can be changed." placeholder:"FOLDER" env:"SOTTO_AUDIT_ARCHIVE" type:"path"`
	AuditWitness     []string       `help:"A witness that signs the heads of the audit logs: its key, a blank and its address. May be given several times." placeholder:"KEY URL" sep:"none"`
	LogLevel         string         `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`

	Demo         bool   `help:"Serve a demo practice of invented people, and a sample clinic page."`
	ClinicListen string `help:"With --demo: address of the sample clinic page." default:"127.0.0.1:8481"`

	// For measurements, by sotto bench.
	Unlimited bool `hidden:""`
	NoKeeper  bool `hidden:""`
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
	log, err := newLog(s, c.LogLevel)
	if err != nil {
		return err
	}
	var sender *messenger.File
	if c.Demo {
		sender = demoMessages(host.Folder(cli.Data))
	}
	h, err := cli.openHubSending(ctx, c.limits(), sender)
	if err != nil {
		return err
	}
	defer h.Close()
	pages, err := fs.Sub(web.Dist, "dist")
	if err != nil {
		return err
	}
	var demo *demonstration
	if c.Demo {
		if demo, err = prepareDemo(ctx, h, host.Folder(cli.Data), c, sender); err != nil {
			return fmt.Errorf("prepare the demo: %w", err)
		}
	}
	var keepers keepers
	if !c.NoKeeper {
		if keepers, err = openKeepers(ctx, host.Folder(cli.Data), log); err != nil {
			return err
		}
	}

	links := ""
	if demo != nil {
		links = demo.chatBase
	}
	ctx, stop := context.WithCancel(audit.WithRequest(ctx, audit.Request{})) // what follows is each its own
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	listening := make(chan net.Addr, 1)
	group.Go(func() error {
		return host.Serve(ctx, h, host.ServeConfig{
			Listen: c.Listen, MetricsListen: c.MetricsListen, CertFile: c.TLSCert, KeyFile: c.TLSKey,
			Origins: c.Origin, Links: links, Proxies: c.Proxies, Web: pages, Log: log, AuditCheckpoints: c.AuditCheckpoints, AuditArchive: c.AuditArchive, AuditWitnesses: witnesses, AuditStreams: streams,
			Listening: func(local net.Addr) { listening <- local },
		})
	})
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case local := <-listening:
			if demo != nil {
				group.Go(func() error { return demo.serveClinic(ctx) })
				demo.print(s, cli.again())
			}
			return keepers.run(ctx, "http://"+local.String())
		}
	})
	return group.Wait()
}

// openHub opens the hub in the data folder. SOTTO_POSTGRES holds the address
// of a PostgreSQL database, if one is used; it is no flag, because other users
// of the machine can read a program's flags.
func (c *commands) openHub(ctx context.Context, limits hub.Limits) (*host.OpenHub, error) {
	return c.openHubSending(ctx, limits, nil)
}

// openHubSending is openHub with a demo's sender, if it is not nil, in place of
// what the operator has set up to send codes by.
func (c *commands) openHubSending(ctx context.Context, limits hub.Limits, sender *messenger.File) (*host.OpenHub, error) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	messengers, err := messenger.FromEnvironment(os.Getenv)
	if err != nil {
		return nil, err
	}
	if sender != nil {
		messengers = map[proofing.Channel]hub.Messenger{proofing.Email: sender, proofing.SMS: sender}
	}
	return host.Open(ctx, host.HubConfig{
		Folder: host.Folder(c.Data), PostgresURL: os.Getenv("SOTTO_POSTGRES"), Log: log, Limits: limits, Backups: c.Backups, Messengers: messengers,
	})
}

func (c serveCommand) limits() hub.Limits {
	if !c.Unlimited {
		return hub.Limits{}
	}
	most := hub.Rate{PerSecond: 1e9, Burst: 1e9}
	return hub.Limits{
		Anonymous: most, Guests: most, SignIns: most, AppCodes: most, Calls: most, Sends: most, Claims: most,
		Uploads: most, Service: most, KeyPackage: 200,
	}
}

func newLog(s streams, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	return slog.New(slog.NewJSONHandler(s.err, &slog.HandlerOptions{Level: l})), nil
}

// pin is what a page pins an authority's public key by.
func pin(publicKey []byte) string {
	sum := sha256.Sum256(publicKey)
	return base64.StdEncoding.EncodeToString(sum[:])
}
