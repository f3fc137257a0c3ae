package api

// A Verification is how far the practice knows who a patient is. A level
// belongs to the device that proved it; it lapses by the hub's clock.
type Verification struct {
	Level  string `json:"level" enum:"guest,contact,matched,signed-in" doc:"guest: nothing is known; contact: they read what is sent to an address or number; matched: they know what the practice has on file; signed-in: by a passkey or the practice's portal"`
	Method string `json:"method,omitempty" doc:"email-code, sms-code, invitation, facts, pin, in-person, phone, passkey or portal; more may come"`
	At     int64  `json:"at,omitempty" doc:"when it was proved"`
	Until  int64  `json:"until,omitempty" doc:"when it lapses"`
}

// OwnVerification is GET /v1/verification: the calling patient's device.
type OwnVerification struct {
	Verification Verification `json:"verification"`
}
