package hub

import "context"

// A Portal is where a practice's patients sign in: an OpenID provider, which
// may guard a FHIR server (SMART App Launch 2.2.0).
type Portal struct {
	Name     string // as patients know it
	Issuer   string
	ClientID string
	Secret   []byte // sealed; see [Hub.SealPortalSecret]
	Scopes   []string
	FHIR     string // base URL; empty if it guards none
	// RecordClaim names the claim that holds the record number, and RecordSystem
	// the system of the patient's identifiers that are record numbers. With
	// neither, staff say whose account it is.
	RecordClaim  string
	RecordSystem string
	// MaxAgeMinutes is how long ago they may have signed in there. Zero means
	// 60, and -1 that the portal does not say.
	MaxAgeMinutes int
}

// A PortalAccount is somebody's account at a practice's portal.
type PortalAccount struct {
	Practice string
	Account  []byte // keyed hash of issuer and subject
	Record   string // id in the roster; empty while nobody has said whose it is
	// Person and Device are who last signed in with it here, and At when.
	Person, Device string
	At             int64
	Staff          string // person who said whose it is, or that it is not theirs; empty if a number did
}

// PortalAccounts keeps with which accounts of the practice's portal patients
// signed in.
type PortalAccounts interface {
	// SeePortalAccount stores an account, or replaces what is kept of it: who
	// signed in and, unless empty, Record and Staff. A record has one account:
	// for a second it gives [ErrExists]. One that staff said is not Person's gives
	// [ErrOtherPatient], unless Staff do. What a device has proved by it is stored
	// with it, as PutVerification does, or neither.
	SeePortalAccount(ctx context.Context, a PortalAccount, proved ...Verification) error
	PortalAccount(ctx context.Context, practice string, account []byte) (PortalAccount, error)
	// PortalAccountsOf lists those that a person last signed in with, and those
	// whose record they have proved by signing in, newest first.
	PortalAccountsOf(ctx context.Context, practice, person string) ([]PortalAccount, error)
	// DropPortalAccounts sets the Record of a person's accounts to none and Staff
	// to who said so, deletes what any device has proved with those records by
	// signing in, at the portal or by passkey, and takes the records from passkeys.
	// If no account has a record it gives [ErrNotFound].
	DropPortalAccounts(ctx context.Context, practice, person, staff string) error
}
