package archive

import (
	"bytes"
	"context"
	"errors"
	"io/fs"

	"github.com/sotto-health/sotto/internal/auditlog"
)

// looks is how often a folder is looked at that grows meanwhile.
const looks = 3

// Look is [auditlog.VerifyPart] of the log of that key, as far as its checkpoint
// here goes, and finds each of its files that is missing or of another length: so
// many tiles of the newest entries and so many others, by chance, are read. A
// server may grow the folder meanwhile. Where there is no checkpoint there is
// nothing to look at.
func (f Folder) Look(ctx context.Context, verifier string, newest, others int64) (damage []*auditlog.DamageError, err error) {
	for range looks {
		signed, err := f.read(CheckpointFile)
		if err != nil || len(signed) == 0 {
			return nil, err
		}
		if damage, err = f.look(ctx, signed, verifier, newest, others); err != nil || len(damage) == 0 {
			return nil, err
		}
		if again, err := f.read(CheckpointFile); err != nil || bytes.Equal(signed, again) {
			return damage, err
		}
	}
	return damage, nil
}

func (f Folder) look(ctx context.Context, signed []byte, verifier string, newest, others int64) ([]*auditlog.DamageError, error) {
	c, err := auditlog.OpenCheckpoint(signed, verifier)
	if err != nil {
		return []*auditlog.DamageError{{What: "file", Name: CheckpointFile, How: "is not signed by the log's key"}}, nil
	}
	damage, err := f.lost(ctx, c.Size)
	if err != nil || len(damage) > 0 {
		return damage, err
	}
	part := auditlog.Sample(c.Size-newest*auditlog.TileWidth, int(others))
	report, err := auditlog.VerifyPart(ctx, growing{f}, auditlog.Head{Size: c.Size, Root: c.Root}, part)
	var one *auditlog.DamageError
	if errors.As(err, &one) {
		return []*auditlog.DamageError{one}, nil
	} else if err != nil {
		return nil, err
	}
	return report.Damage, nil
}

// lost finds files of a log of so many entries that are missing, or of another
// length. It reads none.
func (f Folder) lost(ctx context.Context, size int64) (damage []*auditlog.DamageError, err error) {
	wanted := filesOf(size)
	err = f.files(func(name string, file fs.DirEntry) error {
		length, is := wanted[name]
		if !is {
			return ctx.Err()
		}
		delete(wanted, name)
		info, err := file.Info()
		if errors.Is(err, fs.ErrNotExist) {
			damage = append(damage, &auditlog.DamageError{What: "file", Name: name, How: "is missing"})
			return nil
		} else if err != nil {
			return err
		}
		if info.Size() == 0 || length != anyLength && info.Size() != length {
			damage = append(damage, &auditlog.DamageError{What: "file", Name: name, How: "has another length than was written"})
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	for name := range wanted {
		damage = append(damage, &auditlog.DamageError{What: "file", Name: name, How: "is missing"})
	}
	return damage, nil
}

// growing is a folder that a server may be writing to: what is there beyond its
// checkpoint is no damage yet.
type growing struct{ Folder }

// Beyond implements [auditlog.Source].
func (growing) Beyond(context.Context, int64) ([]*auditlog.DamageError, error) { return nil, nil }
