package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
)

// installed says how to open the installation in the data folder, which must be
// there: opening would make one. It logs nothing.
func (c *commands) installed() (host.HubConfig, error) {
	config := c.hubConfig()
	if !config.Folder.There(config.PostgresURL != "") {
		return host.HubConfig{}, fmt.Errorf("there is no installation in %s: check --data", c.Data)
	}
	return config, nil
}

// hubConfig is installed for an installation that may not be there.
func (c *commands) hubConfig() host.HubConfig {
	return host.HubConfig{Folder: host.Folder(c.Data), PostgresURL: os.Getenv("SOTTO_POSTGRES"), Log: slog.New(slog.DiscardHandler), Backups: c.Backups}
}

// openInstalled opens the installation in the data folder, which must be there.
func (c *commands) openInstalled(ctx context.Context) (*host.OpenHub, error) {
	config, err := c.installed()
	if err != nil {
		return nil, err
	}
	return host.Open(ctx, config)
}

// openPractice opens the hub, which must be there, and finds the practice.
func (c *commands) openPractice(ctx context.Context, slug string) (*host.OpenHub, hub.Practice, error) {
	// To open a hub makes one, which is not wanted of a mistyped folder.
	if _, err := os.Stat(host.Folder(c.Data).HubPart()); errors.Is(err, fs.ErrNotExist) {
		return nil, hub.Practice{}, fmt.Errorf("there is no hub in %s: check --data", c.Data)
	}
	h, err := c.openHub(ctx, hub.Limits{})
	if err != nil {
		return nil, hub.Practice{}, err
	}
	p, err := practiceCalled(ctx, h, slug)
	if err != nil {
		return nil, hub.Practice{}, errors.Join(err, h.Close())
	}
	return h, p, nil
}

// practiceCalled returns the practice of a short name.
func practiceCalled(ctx context.Context, h *host.OpenHub, slug string) (hub.Practice, error) {
	p, err := h.PracticeBySlug(ctx, slug)
	if errors.Is(err, hub.ErrNotFound) {
		err = fmt.Errorf("there is no practice %q", slug)
	}
	return p, err
}

// practicesOf returns the practice of a short name, or each if that is empty.
func practicesOf(ctx context.Context, h *host.OpenHub, slug string) ([]hub.Practice, error) {
	if slug == "" {
		return h.Practices(ctx)
	}
	p, err := practiceCalled(ctx, h, slug)
	if err != nil {
		return nil, err
	}
	return []hub.Practice{p}, nil
}

// onlyPractice returns the practice of a short name, or the only one there is
// if that is empty.
func onlyPractice(ctx context.Context, h *host.OpenHub, slug string) (hub.Practice, error) {
	practices, err := practicesOf(ctx, h, slug)
	if err != nil {
		return hub.Practice{}, err
	}
	switch len(practices) {
	case 0:
		return hub.Practice{}, errors.New("there is no practice yet")
	case 1:
		return practices[0], nil
	}
	slugs := make([]string, len(practices))
	for i := range practices {
		slugs[i] = practices[i].Slug
	}
	return hub.Practice{}, fmt.Errorf("say which --practice: there are %d (%s)", len(slugs), strings.Join(slugs, ", "))
}
