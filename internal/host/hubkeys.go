package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/internal/store/sqlstore"
)

// Names of the hub's keys beside that of its database, without ".key".
const (
	AuditKey    = "audit"    // signs the heads of the audit logs
	FactorsKey  = "factors"  // seals the secrets of authenticator apps
	PatientsKey = "patients" // seals what is on file of patients
)

// hubKeySizes are the sizes of the hub's keys, by their names.
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
			return nil, fmt.Errorf("the key hub/%s.key is lost: restore it from the copy of the keys, or say: sotto key replace %s", name, name)
		} else if err != nil {
			return nil, fmt.Errorf("open the key hub/%s.key: %w", name, err)
		}
	}
	return keys, nil
}

func (c *HubConfig) keyPath(name string) string { return filepath.Join(c.keyPart(), name+".key") }

// ReplaceKey makes a new key in place of one of the hub's that is lost for good,
// and has it in each practice's audit log. It refuses if there is a key.
func ReplaceKey(ctx context.Context, c HubConfig, name string) error {
	path, size := c.keyPath(name), hubKeySizes()[name]
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("the key hub/%s.key is there: only one that is lost is replaced", name)
	}
	if _, err := keyfile.Open(path, "hub-"+name, size); err != nil {
		return err
	}
	h, err := Open(ctx, c)
	if err == nil {
		err = errors.Join(h.NoteKeyReplaced(ctx, name), h.Close())
	}
	if err != nil { // what cannot be written down is not done
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
