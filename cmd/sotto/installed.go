package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/sotto-health/sotto/internal/host"
)

// installed says how to open the installation in the data folder, which must be
// there: opening would make one. It logs nothing.
func (c *commands) installed() (host.HubConfig, error) {
	folder, postgres := host.Folder(c.Data), os.Getenv("SOTTO_POSTGRES")
	if !folder.There(postgres != "") {
		return host.HubConfig{}, fmt.Errorf("there is no installation in %s: check --data", c.Data)
	}
	return host.HubConfig{Folder: folder, PostgresURL: postgres, Log: slog.New(slog.DiscardHandler), Backups: c.Backups}, nil
}

// openInstalled opens the installation in the data folder, which must be there.
func (c *commands) openInstalled(ctx context.Context) (*host.OpenHub, error) {
	config, err := c.installed()
	if err != nil {
		return nil, err
	}
	return host.Open(ctx, config)
}
