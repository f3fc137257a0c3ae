package vault_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/vault"
)

func newID(prefix string) string { return prefix + "_" + rand.Text() }

func TestVaultOpensAsItWasMade(t *testing.T) {
	folder := t.TempDir()
	if _, err := vault.Open(folder); !errors.Is(err, vault.ErrNone) {
		t.Fatalf("an empty folder: got %v, want ErrNone", err)
	}
	made, err := vault.Create(folder, "riverside", "Riverside Family Clinic", newID)
	if err != nil {
		t.Fatal(err)
	}
	again, err := vault.Create(folder, "riverside", "Riverside Family Clinic", newID)
	if err != nil {
		t.Fatal(err)
	}
	if made.Identity != again.Identity || !bytes.Equal(made.Authority.Public(), again.Authority.Public()) ||
		!bytes.Equal(made.Signer.Public(), again.Signer.Public()) {
		t.Error("a second Create made another keeper")
	}
	if _, err := vault.Create(folder, "lakeside", "Lakeside", newID); err == nil {
		t.Error("the folder of one practice became another's")
	}
}

func TestLostKeyIsNotMadeAnew(t *testing.T) {
	for _, name := range []string{"authority", "device", vault.StateKey, vault.ArchiveKey} {
		folder := t.TempDir()
		if _, err := vault.Create(folder, "riverside", "Riverside Family Clinic", newID); err != nil {
			t.Fatal(err)
		}
		lost := filepath.Join(folder, "keys", name+".key")
		if err := os.Remove(lost); err != nil {
			t.Fatal(err)
		}
		v, err := vault.Create(folder, "riverside", "Riverside Family Clinic", newID)
		if err == nil {
			_, err = v.Key(name)
		}
		if err == nil {
			t.Errorf("the lost %s key was replaced", name)
		}
		if _, err := os.Stat(lost); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a new %s key was written", name)
		}
	}
}

func TestEnrolmentIsCertified(t *testing.T) {
	v, err := vault.Create(t.TempDir(), "riverside", "Riverside Family Clinic", newID)
	if err != nil {
		t.Fatal(err)
	}
	e, err := v.Enrolment()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := certificate.NewVerifier(e.Practice, e.AuthorityKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := verifier.VerifyFor(e.Certificate, e.PublicKey, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !c.Keeper() {
		t.Error("the keeper's certificate does not say that it is one")
	}
}

func TestSecretsAreTheOwnersAlone(t *testing.T) {
	folder := t.TempDir()
	if _, err := vault.Create(folder, "riverside", "Riverside Family Clinic", newID); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", filepath.Base(path), info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
