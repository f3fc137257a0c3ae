package messenger

import (
	"errors"
	"fmt"
	"os"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/proofing"
)

// FromEnvironment returns the messengers that an operator has set up:
//
//	SOTTO_SMTP       smtps://user:password@host:465, or smtp:// for STARTTLS
//	SOTTO_SMTP_FROM  the sender's address
//	SOTTO_SMS        file with the settings of a [Gateway]
//
// They are no flags, because other users of a machine can read those.
func FromEnvironment(get func(string) string) (map[proofing.Channel]hub.Messenger, error) {
	all := make(map[proofing.Channel]hub.Messenger)
	if address := get("SOTTO_SMTP"); address != "" {
		if get("SOTTO_SMTP_FROM") == "" {
			return nil, errors.New("SOTTO_SMTP needs SOTTO_SMTP_FROM, the address that mails come from")
		}
		by, err := NewSMTP(address, get("SOTTO_SMTP_FROM"), nil)
		if err != nil {
			return nil, err
		}
		all[proofing.Email] = by
	}
	if file := get("SOTTO_SMS"); file != "" {
		settings, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the settings of SOTTO_SMS: %w", err)
		}
		by, err := NewGateway(settings)
		if err != nil {
			return nil, err
		}
		all[proofing.SMS] = by
	}
	return all, nil
}
