package keeperhost

import (
	"fmt"

	"github.com/sotto-health/sotto/internal/record"
	"github.com/sotto-health/sotto/internal/vault"
)

// OpenArchive opens the sealed archive of the keeper with the vault.
func OpenArchive(v *vault.Vault) (*record.Archive, error) {
	key, err := v.Key(vault.ArchiveKey)
	if err != nil {
		return nil, err
	}
	archive, err := record.Open(v.Path("archive"), key, record.Config{Checkpoint: v.Path("archive.checkpoint")})
	if err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	return archive, nil
}
