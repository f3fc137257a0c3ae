// Package vault is the keeper's folder: the practice's authority key, the
// keeper's own device key, the key of the archive, and what ties them to a
// practice. Who can read this folder can read the practice's record and speak
// as its authority: keep it apart from the hub's data, and back it up apart.
package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/mls/suite"
)

// ErrNone reports a folder that holds no vault.
var ErrNone = errors.New("there is no keeper in this folder")

// An Identity ties a vault to a practice and to the keeper's device. It holds
// no secret.
type Identity struct {
	Practice string `json:"practice"` // id
	Slug     string `json:"slug"`
	Person   string `json:"person"`
	Device   string `json:"device"`
	Name     string `json:"name"`
	Title    string `json:"title"`
}

// A Vault is an open keeper's folder.
type Vault struct {
	Identity
	Authority *authority.Authority
	Signer    suite.Signer

	folder string
	now    func() time.Time
}

const identityFile = "practice.json"

// The vault's keys.
const (
	StateKey   = "state"   // encrypts the keeper's state
	ArchiveKey = "archive" // seals the record

	authorityKey = "authority"
	deviceKey    = "device"
)

// keySizes are the lengths of the vault's keys, bytes.
func keySizes() map[string]int {
	return map[string]int{authorityKey: 32, deviceKey: 32, StateKey: 64, ArchiveKey: 32}
}

// deviceSuite is the suite whose signature scheme device keys have: ECDSA
// P-256, that of 0xF001 and of 0x0002 alike.
const deviceSuite = suite.ID(0x0002)

// Create makes a vault in the folder, or opens the one that is there if it is
// for the same practice. newID makes an id with the prefix given.
func Create(folder, slug, practiceName string, newID func(prefix string) string) (*Vault, error) {
	v, err := Open(folder)
	if err == nil {
		if v.Slug != slug {
			return nil, fmt.Errorf("the keeper in this folder is for the practice %q", v.Slug)
		}
		return v, nil
	}
	if !errors.Is(err, ErrNone) {
		return nil, err
	}
	identity := Identity{
		Practice: newID("t"), Slug: slug, Person: newID("p"), Device: newID("d"),
		Name: practiceName, Title: "Record keeper",
	}
	b, err := json.MarshalIndent(identity, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the keeper's identity: %w", err)
	}
	if err := durable.MakeFolder(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the keeper's folder: %w", err)
	}
	// The identity comes last: a folder without one is no vault yet, and one
	// with it that lacks a key has lost it.
	for name, size := range keySizes() {
		if _, err := keyfile.Open(keyPath(folder, name), keyPurpose(name), size); err != nil {
			return nil, fmt.Errorf("make the keeper's %s key: %w", name, err)
		}
	}
	if err := durable.CreateFile(filepath.Join(folder, identityFile), append(b, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("write the keeper's identity: %w", err)
	}
	return Open(folder)
}

// Open opens the vault in the folder. If there is none the error matches
// [ErrNone].
func Open(folder string) (*Vault, error) {
	b, err := os.ReadFile(filepath.Join(folder, identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	} else if err != nil {
		return nil, fmt.Errorf("read the keeper's identity: %w", err)
	}
	v := &Vault{folder: folder, now: time.Now}
	if err := json.Unmarshal(b, &v.Identity); err != nil {
		return nil, fmt.Errorf("read the keeper's identity: %w", err)
	}
	private, err := v.Key(authorityKey)
	if err != nil {
		return nil, err
	}
	if v.Authority, err = authority.Parse(v.Practice, private); err != nil {
		return nil, err
	}
	if private, err = v.Key(deviceKey); err != nil {
		return nil, err
	}
	s, err := suite.Lookup(deviceSuite)
	if err != nil {
		return nil, err
	}
	if v.Signer, err = s.ParseSigner(private); err != nil {
		return nil, fmt.Errorf("read the keeper's device key: %w", err)
	}
	return v, nil
}

// Key returns the vault's key of that name. One that is missing is an error
// and is never made anew: nothing that the lost key signed or sealed would
// belong to the new one.
func (v *Vault) Key(name string) ([]byte, error) {
	key, err := keyfile.Read(keyPath(v.folder, name), keyPurpose(name), keySizes()[name])
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the keeper's %s key is missing: restore keys/%s.key from its backup", name, name)
	} else if err != nil {
		return nil, fmt.Errorf("open the keeper's %s key: %w", name, err)
	}
	return key, nil
}

func keyPath(folder, name string) string { return filepath.Join(folder, "keys", name+".key") }

func keyPurpose(name string) string { return "keeper-" + name }

// Path returns the path of something in the vault's folder.
func (v *Vault) Path(name string) string { return filepath.Join(v.folder, name) }

// Enrolment issues the keeper's own certificate and name card anew, and
// returns them with what a hub needs to know.
func (v *Vault) Enrolment() (*certificate.Enrolment, error) {
	now := v.now()
	cert, err := v.Authority.Issue(&certificate.Certificate{
		Person: v.Person, Device: v.Device, Kind: certificate.KindService, Role: certificate.RoleKeeper,
		PublicKey: v.Signer.Public(),
	}, now)
	if err != nil {
		return nil, err
	}
	card, err := v.Authority.IssueCard(&certificate.Card{
		Person: v.Person, Name: v.Name, Title: v.Title, Role: certificate.RoleKeeper,
	}, now)
	if err != nil {
		return nil, err
	}
	return &certificate.Enrolment{
		Practice: v.Practice, Slug: v.Slug, Person: v.Person, Device: v.Device, Name: v.Name, Title: v.Title,
		AuthorityKey: v.Authority.Public(), PublicKey: v.Signer.Public(),
		Certificate: cert, NameCard: card,
	}, nil
}
