package keeper

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// doWork brings the difference between what policy wants and what is to
// nothing. To do it twice does no harm.
func (k *Keeper) doWork(ctx context.Context) error {
	var work *api.Work
	if err := k.engine.Do(ctx, func(ctx context.Context) (err error) {
		work, err = k.cfg.Hub.Work(ctx)
		return err
	}); err != nil {
		return fmt.Errorf("ask for work: %w", err)
	}
	var failed []error
	for _, request := range work.Certificates {
		if err := k.certify(ctx, request); err != nil {
			failed = append(failed, fmt.Errorf("certify a device: %w", err))
		}
	}
	var (
		mu    sync.Mutex // guards failed
		all   sync.WaitGroup
		slots = make(chan struct{}, k.cfg.AtOnce)
	)
	for _, group := range work.Groups {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := k.change(ctx, group); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, fmt.Errorf("change a group: %w", err))
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// ErrRefused is matched by errors about what the hub asked for and must not
// have.
var ErrRefused = errors.New("keeper: refused")

// certify issues a device's certificate, once it has shown that it holds its
// key. A hub cannot have a keeper made this way.
func (k *Keeper) certify(ctx context.Context, request api.CertificateRequest) error {
	d := request.Device
	if d.Practice != k.cfg.Practice.ID {
		return fmt.Errorf("%w: a device of another practice", ErrRefused)
	}
	patient := d.Kind == certificate.KindPatient && d.Role == certificate.KindPatient
	staff := d.Kind == certificate.KindStaff && d.Role != certificate.RoleKeeper && d.Role != certificate.KindPatient
	if !patient && !staff {
		return fmt.Errorf("%w: a %s with the role %s", ErrRefused, d.Kind, d.Role)
	}
	proof := certificate.Proof{Purpose: certificate.PurposeRegister, Subject: k.cfg.Practice.ID, PublicKey: request.PublicKey, Nonce: request.Proof.Nonce}
	if err := proof.Verify(request.Proof.Signature); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	vouched := k.vouched
	if patient {
		vouched = k.patientVouched
	}
	if err := vouched(ctx, request); errors.Is(err, errWaits) {
		return nil
	} else if err != nil {
		return err
	}
	cert, err := k.cfg.Authority.Issue(&certificate.Certificate{
		Person: d.Person, Device: d.ID, Kind: d.Kind, Role: d.Role, PublicKey: request.PublicKey,
	}, k.cfg.Now())
	if err != nil {
		return err
	}
	readmitted, err := k.cfg.Store.Get(ctx, prefixReadmitted+d.Person)
	if err != nil {
		return err
	}
	put := api.PutCertificate{Certificate: cert, Readmitted: readmitted != nil}
	if staff {
		card := &certificate.Card{Person: d.Person, Name: request.Name, Title: request.Title, Role: d.Role}
		if put.NameCard, err = k.cfg.Authority.IssueCard(card, k.cfg.Now()); err != nil {
			return err
		}
	}
	if err := k.engine.Do(ctx, func(ctx context.Context) error {
		_, err := k.cfg.Hub.PutCertificate(ctx, d.ID, put)
		return err
	}); err != nil || !put.Readmitted {
		return err
	}
	return k.cfg.Store.Apply(ctx, nil, []string{prefixReadmitted + d.Person}) // if this fails, the next certificate says it too
}

// changeTimeout is how long one group may hold up the others. What it wants is
// asked for again.
const changeTimeout = 30 * time.Second

// change makes one group what policy wants.
func (k *Keeper) change(ctx context.Context, group api.GroupWork) error {
	known, err := k.engine.Knows(ctx, group.Conversation)
	if errors.Is(err, device.ErrPending) {
		return nil // its welcome is on the way, and calls for work again
	}
	if !known || err != nil {
		return err
	}
	wanted := map[string][]string{} // devices by person
	for _, d := range group.Add {
		wanted[d.Person] = append(wanted[d.Person], d.ID)
	}
	var add []*wire.KeyPackage
	var failed []error
	for person, devices := range wanted {
		packages, err := k.claim(ctx, person, devices)
		if err != nil { // the others need not wait for this person
			failed = append(failed, fmt.Errorf("claim key packages: %w", err))
			continue
		}
		add = append(add, packages...)
	}
	var remove []string
	for _, d := range group.Remove {
		remove = append(remove, d.ID)
	}
	if len(add)+len(remove) > 0 {
		ctx, cancel := context.WithTimeout(ctx, changeTimeout)
		defer cancel()
		failed = append(failed, k.engine.Change(ctx, group.Conversation, add, remove))
	}
	return errors.Join(failed...)
}

// claim takes key packages of a person's devices and checks them. A package
// that was used before is refused, unless it is for last resort: the hub must
// not give one out twice.
func (k *Keeper) claim(ctx context.Context, person string, devices []string) ([]*wire.KeyPackage, error) {
	var claimed []api.ClaimedKeyPackage
	if err := k.engine.Do(ctx, func(ctx context.Context) (err error) {
		claimed, err = k.cfg.Hub.ClaimKeyPackages(ctx, api.ClaimKeyPackages{Person: person, Devices: devices})
		return err
	}); err != nil {
		return nil, err
	}
	var packages []*wire.KeyPackage
	used := map[string][]byte{}
	for _, c := range claimed {
		p, err := k.engine.CheckKeyPackage(c)
		if err != nil {
			return nil, err
		}
		if c.Person != person {
			return nil, fmt.Errorf("%w: a key package of another person", ErrRefused)
		}
		if !p.LastResort() {
			s, err := suite.Lookup(p.Suite)
			if err != nil {
				return nil, err
			}
			key := prefixUsed + hex.EncodeToString(p.Ref(s))
			kept, err := k.cfg.Store.Get(ctx, key)
			if err != nil {
				return nil, err
			}
			if kept != nil || used[key] != nil {
				return nil, fmt.Errorf("%w: a key package for the second time", ErrRefused)
			}
			used[key] = []byte{1}
		}
		packages = append(packages, p)
	}
	if len(used) > 0 {
		if err := k.cfg.Store.Apply(ctx, used, nil); err != nil {
			return nil, err
		}
	}
	return packages, nil
}

var _ device.Sink = sink{}
