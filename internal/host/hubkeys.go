package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/control/pack"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/internal/store/sqlstore"
)

// Names of the hub's keys beside that of its database, without ".key".
const (
	AuditKey    = "audit"    // signs the heads of the audit logs
	FactorsKey  = "factors"  // seals the secrets of authenticator apps
	PatientsKey = "patients" // seals what is on file of patients
	EvidenceKey = "evidence" // signs evidence packs; made when first asked for
)

// evidenceMade is in the hub's folder once there is a key of evidence packs: the
// public one. With it there, a key that is not is lost.
const evidenceMade = "evidence.pub"

// hubKeySizes are the sizes of the keys that a hub does not open without, by
// their names.
func hubKeySizes() map[string]int {
	return map[string]int{AuditKey: auditlog.SeedBytes, FactorsKey: hub.FactorKeyBytes, PatientsKey: hub.PatientKeyBytes}
}

// openKeys returns the hub's keys by their names. It makes those of a store that
// is new. One that an earlier hub had is never made anew in silence: what it
// sealed would be lost without a word, or a log go on under another name.
func openKeys(ctx context.Context, c *HubConfig, store *sqlstore.Store) (map[string][]byte, error) {
	practices, err := store.Practices(ctx)
	if err != nil {
		return nil, fmt.Errorf("look whether the store is new: %w", err)
	}
	read := keyfile.Open
	if len(practices) > 0 {
		read = keyfile.Read
	}
	keys := make(map[string][]byte)
	for name, size := range hubKeySizes() {
		keys[name], err = read(c.keyPath(name), "hub-"+name, size)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, lostKey(name)
		} else if err != nil {
			return nil, fmt.Errorf("open the key hub/%s.key: %w", name, err)
		}
	}
	return keys, nil
}

func lostKey(name string) error {
	return fmt.Errorf("the key hub/%s.key is lost: restore it from the copy of the keys, or say: sotto key replace %s", name, name)
}

func keySize(name string) int {
	if name == EvidenceKey {
		return len(pack.Key{})
	}
	return hubKeySizes()[name]
}

func (c *HubConfig) keyPath(name string) string { return filepath.Join(c.keyPart(), name+".key") }

// ReplaceKeys makes new keys in place of those of the hub's that are lost for
// good, and has each in every practice's audit log. It refuses if there is one
// of them: only all that are lost together let the hub be opened again.
func ReplaceKeys(ctx context.Context, c HubConfig, names ...string) (err error) {
	made := make([]string, 0, len(names))
	defer func() {
		if err == nil {
			return
		}
		for _, path := range made { // what cannot be written down is not done
			err = errors.Join(err, os.Remove(path))
		}
	}()
	for _, name := range names {
		path := c.keyPath(name)
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("the key hub/%s.key is there: only one that is lost is replaced", name)
		}
		if _, err := keyfile.Open(path, "hub-"+name, keySize(name)); err != nil {
			return err
		}
		made = append(made, path)
	}
	h, err := Open(ctx, c)
	if err != nil {
		return err
	}
	for _, name := range names {
		err = errors.Join(err, h.NoteKeyReplaced(ctx, name))
	}
	return errors.Join(err, h.Close())
}
