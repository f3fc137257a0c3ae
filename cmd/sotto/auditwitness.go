package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/witness"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/keyfile"
)

type witnessAuditCommand struct {
	Folder  string   `arg:"" help:"Where its key and what it has signed are kept. Who loses it must begin anew with another name." type:"path"`
	Name    string   `required:"" help:"Its name, such as witness.example/sotto: part of its key." placeholder:"NAME"`
	Log     []string `required:"" help:"The key of a log to witness, as sotto audit export printed it, or a file with it." placeholder:"KEY"`
	Listen  string   `help:"Address to serve on." default:"127.0.0.1:8482"`
	TLSCert string   `name:"tls-cert" help:"Certificate chain (PEM). Without one, put a TLS proxy in front." type:"existingfile"`
	TLSKey  string   `name:"tls-key" help:"Its private key (PEM)." type:"existingfile"`
}

func (c witnessAuditCommand) Run(ctx context.Context, s streams) error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key belong together")
	}
	if err := durable.MakeFolder(c.Folder, 0o700); err != nil {
		return err
	}
	seed, err := keyfile.Open(filepath.Join(c.Folder, "witness.key"), "audit-witness", auditlog.SeedBytes)
	if err != nil {
		return err
	}
	signer, err := auditlog.NewWitness(c.Name, seed)
	if err != nil {
		return err
	}
	logs := make([]string, len(c.Log))
	for i, key := range c.Log {
		if b, err := os.ReadFile(key); err == nil {
			key = string(b)
		}
		logs[i] = strings.TrimSpace(key)
	}
	handler, err := witness.NewServer(witness.Config{Signer: signer, Folder: c.Folder, Logs: logs})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	fmt.Fprintf(s.out, "Witness of %d logs. Who runs one starts its server with:\n  --audit-witness '%s %s://%s'\n", len(logs), signer.Verifier(), scheme, listener.Addr())
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	failed := make(chan error, 1)
	go func() {
		if c.TLSCert != "" {
			failed <- server.ServeTLS(listener, c.TLSCert, c.TLSKey)
		} else {
			failed <- server.Serve(listener)
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(stopping)
}
