package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/keeperhost"
)

// keepers are the record keepers of all practices in the data folder.
type keepers []*keeperhost.Keeper

func openKeepers(ctx context.Context, folder host.Folder, log *slog.Logger) (keepers, error) {
	slugs, err := keeperSlugs(folder)
	if err != nil {
		return nil, err
	}
	var all keepers
	for _, slug := range slugs {
		k, err := keeperhost.Open(ctx, keeperFolder(folder, slug), log)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open the keeper of %s: %w", slug, err), all.close())
		}
		all = append(all, k)
	}
	return all, nil
}

func keeperSlugs(folder host.Folder) ([]string, error) {
	entries, err := os.ReadDir(folder.KeeperPart())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var slugs []string
	for _, e := range entries {
		if e.IsDir() {
			slugs = append(slugs, e.Name())
		}
	}
	return slugs, nil
}

// run runs all until ctx ends.
func (ks keepers) run(ctx context.Context, hubURL string) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, k := range ks {
		group.Go(func() error {
			err := k.Run(ctx, hubURL)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // stopped while it started
			}
			return err
		})
	}
	return group.Wait()
}

func (ks keepers) close() error {
	var failed []error
	for _, k := range ks {
		failed = append(failed, k.Close())
	}
	return errors.Join(failed...)
}
