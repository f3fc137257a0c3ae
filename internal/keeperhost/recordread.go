package keeperhost

import (
	"context"
	"fmt"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/vault"
)

// NoteRead has the hub at hubURL write down, by a session of the keeper's
// device that is opened for this alone, how the sealed record is about to be
// read.
func NoteRead(ctx context.Context, v *vault.Vault, hubURL string, r api.RecordRead) error {
	enrolment, err := v.Enrolment()
	if err != nil {
		return err
	}
	client, err := hubclient.New(hubURL, hubclient.Config{})
	if err != nil {
		return err
	}
	if _, err := client.SignInDevice(ctx, v.Signer, enrolment.Device); err != nil {
		return fmt.Errorf("sign in to the hub as the keeper's device: %w", err)
	}
	return client.NoteRecordRead(ctx, r) // signing out would end the running keeper's session too: it is the same device
}
