// Package keeperhost runs a keeper as a program: it opens the keeper's folder
// (keys, state and archive), connects to the hub, and stops cleanly.
//
// It is the wiring that sotto and sotto-keeper share. It holds no rule of its
// own.
package keeperhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/keeper"
	"github.com/sotto-health/sotto/internal/record"
	"github.com/sotto-health/sotto/internal/store/kv"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/vault"
	"github.com/sotto-health/sotto/mls/suite"
)

// A Keeper is an open keeper's folder.
type Keeper struct {
	vault   *vault.Vault
	state   *kv.Store
	archive *record.Archive
	log     *slog.Logger
}

// Open opens the keeper in the folder.
func Open(ctx context.Context, folder string, log *slog.Logger) (*Keeper, error) {
	v, err := vault.Open(folder)
	if err != nil {
		return nil, err
	}
	archive, err := OpenArchive(v)
	if err != nil {
		return nil, err
	}
	key, err := v.Key(vault.StateKey)
	if err != nil {
		return nil, err
	}
	state, err := kv.Open(ctx, v.Path("state.db"), sqlitefile.Key(key))
	if err != nil {
		return nil, fmt.Errorf("open the keeper's state: %w", err)
	}
	return &Keeper{vault: v, state: state, archive: archive, log: log}, nil
}

// Close closes the keeper's files. Call it after Run has returned.
func (k *Keeper) Close() error { return errors.Join(k.archive.Close(), k.state.Close()) }

// Run keeps until ctx ends. A hub that cannot be reached is tried again.
func (k *Keeper) Run(ctx context.Context, hubURL string) error {
	enrolment, err := k.vault.Enrolment()
	if err != nil {
		return err
	}
	client, err := hubclient.New(hubURL, hubclient.Config{})
	if err != nil {
		return err
	}
	running, err := keeper.New(keeper.Config{
		Hub: client, Store: k.state, Signer: k.vault.Signer, Authority: k.vault.Authority, Archive: k.archive,
		Practice: api.Practice{
			ID: enrolment.Practice, Slug: enrolment.Slug, AuthorityKey: enrolment.AuthorityKey, Suite: uint16(suite.MLKEM768P256),
		},
		Device: api.Device{
			ID: enrolment.Device, Practice: enrolment.Practice, Person: enrolment.Person, Kind: api.KindService,
			Role: certificate.RoleKeeper, Certificate: enrolment.Certificate, NameCard: enrolment.NameCard,
			CreatedAt: time.Now().UnixMilli(),
		},
		Readmit: k.readmitted,
		Log: func(what string, err error) {
			k.log.WarnContext(ctx, "keeper", slog.String("what", what), slog.String("failure", reason(err)))
		},
	})
	if err != nil {
		return err
	}
	defer running.Close()
	if err := running.Start(ctx); err != nil {
		return err
	}
	k.log.InfoContext(ctx, "keeper runs", slog.String("practice", k.vault.Practice))
	<-ctx.Done()
	return nil
}

// readmitFolder holds an empty file for each person who may begin anew.
const readmitFolder = "readmit"

// Readmit lets a person begin anew, once, who has lost every passkey that the
// keeper in the folder knows. It is the practice's to decide, not the hub's.
func Readmit(folder, person string) error {
	if person == "" || person != filepath.Base(person) {
		return errors.New("not a person's id")
	}
	in := filepath.Join(folder, readmitFolder)
	if err := durable.MakeFolder(in, 0o700); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(in, person), nil, 0o600)
}

// readmitted reports whether [Readmit] was called for the person, and forgets
// it.
func (k *Keeper) readmitted(person string) bool {
	return person == filepath.Base(person) && os.Remove(k.vault.Path(filepath.Join(readmitFolder, person))) == nil
}

// reason is what a log may know of an error: a refusal's code, or nothing that
// could quote what it was about.
func reason(err error) string {
	var problem *api.Problem
	if errors.As(err, &problem) {
		return string(problem.Code)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	return "other"
}
