// Command sotto-hub is the hub alone: it orders, keeps and delivers what it
// cannot read. The practice's keeper runs elsewhere, with its keys.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sotto-hub:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and returns nil after a clean stop. It is all of
// the program but the process: tests call it with their own context and output.
func run(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("sotto-hub", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var c host.ServeConfig
	data := flags.String("data", "data", "`folder` of the hub's data and its storage key")
	flags.StringVar(&c.Listen, "listen", "127.0.0.1:8480", "`address` to serve on")
	flags.StringVar(&c.MetricsListen, "metrics-listen", "", "`address` for metrics, which only the operator should reach")
	flags.StringVar(&c.CertFile, "tls-cert", "", "certificate chain (PEM `file`)")
	flags.StringVar(&c.KeyFile, "tls-key", "", "its private key (PEM `file`)")
	origin := flags.String("origin", "", "`address` that browsers use, such as https://chat.clinic.example")
	proxies := flags.String("proxies", "", "`networks` of proxies in front, such as 10.0.0.0/8, by commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("-tls-cert and -tls-key belong together")
	}
	if *origin != "" {
		c.Origins = []string{*origin}
	}
	for part := range strings.SplitSeq(*proxies, ",") {
		if part == "" {
			continue
		}
		p, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return fmt.Errorf("-proxies: %w", err)
		}
		c.Proxies = append(c.Proxies, p)
	}
	var err error
	if c.Web, err = fs.Sub(web.Dist, "dist"); err != nil {
		return err
	}
	c.Log = slog.New(slog.NewJSONHandler(stderr, nil))
	c.Listening = func(public, _ net.Addr) {
		c.Log.InfoContext(ctx, "serving", slog.String("address", public.String()))
	}
	// The database's address is no flag: other users can read a program's flags.
	h, err := host.Open(ctx, host.HubConfig{Folder: host.Folder(*data), PostgresURL: os.Getenv("SOTTO_POSTGRES"), Log: c.Log})
	if err != nil {
		return err
	}
	defer h.Close()
	return host.Serve(ctx, h, c)
}
