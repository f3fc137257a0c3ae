// Package host runs a hub as a program: it opens the hub's store in a data
// folder, serves the API, the web pages and the metrics, sweeps what has
// expired, and stops without dropping anybody's call.
//
// It is the wiring that sotto and sotto-hub share. It holds no rule of its own.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/sotto-health/sotto/internal/blob"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/internal/proofing"
	"github.com/sotto-health/sotto/internal/store/postgres"
	"github.com/sotto-health/sotto/internal/store/sqlite"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/store/sqlstore"
)

// A Folder is where an installation keeps its data and keys. The hub's part is
// in the folder "hub", the keeper's in "keeper", so that each can be moved,
// backed up and guarded apart.
type Folder string

// HubPart is the hub's folder.
func (f Folder) HubPart() string { return filepath.Join(string(f), "hub") }

// KeeperPart is the keeper's folder.
func (f Folder) KeeperPart() string { return filepath.Join(string(f), "keeper") }

// A HubConfig says how to open a hub.
type HubConfig struct {
	Folder Folder
	// Keys is where the hub's keys are, if not in Folder.
	Keys Folder
	// PostgresURL is the database's address; empty means an encrypted SQLite
	// file in the folder.
	PostgresURL string
	Log         *slog.Logger
	Limits      hub.Limits
	// Backups is the folder that backups are put into, to be looked at; empty
	// if nobody said.
	Backups string
	// Messengers send one-time codes to patients, by channel.
	Messengers map[proofing.Channel]hub.Messenger
}

// keyPart is the folder of the hub's keys.
func (c *HubConfig) keyPart() string {
	if c.Keys != "" {
		return c.Keys.HubPart()
	}
	return c.Folder.HubPart()
}

// An OpenHub is a hub and what it stands on.
type OpenHub struct {
	*hub.Hub
	store     *sqlstore.Store
	blobs     *blob.Folder
	broker    *postgres.Broker // nil if no other hub can share the store
	folder    Folder
	inspector *Inspector
	sendsBy   []installation.Messenger // not nil
}

// Open opens the hub's store, makes it if it is not there, and returns a hub.
func Open(ctx context.Context, c HubConfig) (*OpenHub, error) {
	part := c.Folder.HubPart()
	if err := durable.MakeFolder(part, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	store, err := openStore(ctx, c)
	if err != nil {
		return nil, err
	}
	blobs, err := blob.Open(filepath.Join(part, "blobs"), blob.Config{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the blob folder: %w", err), store.Close())
	}
	keys, err := openKeys(ctx, &c, store)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	inspector := &Inspector{config: InspectConfig{Folder: c.Folder, PostgresURL: c.PostgresURL, Backups: c.Backups}}
	config := hub.Config{Store: store, Blobs: blobs, Log: c.Log, Limits: c.Limits, FactorKey: keys[FactorsKey], PatientKey: keys[PatientsKey], Messengers: c.Messengers, Inspector: inspector, AuditSeed: keys[AuditKey]}
	var broker *postgres.Broker
	if c.PostgresURL != "" {
		if broker, err = postgres.OpenBroker(c.PostgresURL, c.Log); err != nil {
			return nil, errors.Join(err, store.Close())
		}
		config.Broker = broker
	}
	h, err := hub.New(config)
	if err != nil {
		if broker != nil {
			broker.Close()
		}
		return nil, errors.Join(err, store.Close())
	}
	open := &OpenHub{Hub: h, store: store, blobs: blobs, broker: broker, folder: c.Folder, inspector: inspector, sendsBy: messengers(c.Messengers)}
	inspector.hub = open
	return open, nil
}

// messengers are the services that messages go out by: hosts alone, for their
// addresses hold passwords.
func messengers(by map[proofing.Channel]hub.Messenger) []installation.Messenger {
	all := []installation.Messenger{}
	for _, channel := range slices.Sorted(maps.Keys(by)) {
		if _, keeps := by[channel].(interface{ Keeps() }); keeps {
			continue // a demo's
		}
		m := installation.Messenger{Channel: string(channel)}
		if placed, ok := by[channel].(interface{ Host() string }); ok {
			m.Host = placed.Host()
		}
		all = append(all, m)
	}
	return all
}

func openStore(ctx context.Context, c HubConfig) (*sqlstore.Store, error) {
	if c.PostgresURL != "" {
		store, err := postgres.Open(ctx, c.PostgresURL, postgres.Config{})
		if err != nil {
			// The driver's text may quote the address, which holds a password.
			return nil, errors.New("the PostgreSQL database cannot be opened: check its address, name and password")
		}
		return store, nil
	}
	part := c.Folder.HubPart()
	database := filepath.Join(part, "hub.db")
	readKey := keyfile.Open
	if _, err := os.Stat(database); err == nil {
		readKey = keyfile.Read // a new key would not open the database that is there
	}
	key, err := readKey(filepath.Join(c.keyPart(), "database.key"), "hub-database", sqlitefile.KeySize)
	if err != nil {
		return nil, fmt.Errorf("open the database key: %w", err)
	}
	return sqlite.Open(ctx, database, sqlitefile.Key(key), sqlitefile.Config{})
}

// Close lets connections go and closes the store.
func (h *OpenHub) Close() error {
	h.Hub.Close()
	if h.broker != nil {
		h.broker.Close()
	}
	return h.store.Close()
}
