package host

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/backup"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/keyfile"
)

// backupTrialFile is in the hub's folder. It is itself never in a backup.
const backupTrialFile = "backup-trial.json"

// BackupKey is the key that manifests of backups are sealed with, by the hub's
// keys in the folder. It is not made here.
func BackupKey(keys Folder) (backup.Key, error) {
	seed, err := keyfile.Read(filepath.Join(keys.HubPart(), "audit.key"), "hub-audit", auditlog.SeedBytes)
	if err != nil {
		return backup.Key{}, fmt.Errorf("backups are sealed with the hub's keys: %w", err)
	}
	return backup.DeriveKey(seed)
}

// NoteBackupTrial keeps what came of the last restore of a backup for a trial.
func NoteBackupTrial(folder Folder, t installation.BackupTrial) error {
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(folder.HubPart(), backupTrialFile), append(b, '\n'), 0o600)
}
