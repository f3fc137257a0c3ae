package practice

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/hub"
)

// Portal is the patient portal of the practice: an OpenID provider, which may
// guard a FHIR server (SMART App Launch 2.2.0). It sends people back to
// /c/SLUG/portal.
type Portal struct {
	Name     string `json:"name"`   // as patients know it: MyRiverside
	Issuer   string `json:"issuer"` // exactly as the portal names itself
	ClientID string `json:"client_id"`
	// The client secret is never in the file, as with SSO.
	SecretFile string   `json:"client_secret_file"`
	SecretEnv  string   `json:"client_secret_env"`
	Scopes     []string `json:"scopes"` // besides openid, and those that fhir needs
	// FHIR is the base URL of the FHIR server that the portal guards. Its
	// .well-known/smart-configuration must name the same issuer.
	FHIR string `json:"fhir"`
	// RecordClaim is the claim that holds the record number, and RecordSystem the
	// system of the FHIR Patient's identifiers that are record numbers. With
	// neither, staff say whose account it is.
	RecordClaim   string `json:"record_claim"`
	RecordSystem  string `json:"record_system"`
	MaxAgeMinutes int    `json:"max_age_minutes"` // since they signed in there; 0 means 60, -1 that the portal does not say
}

func (p *Portal) check() error {
	if p == nil {
		return nil
	}
	switch {
	case p.Name == "" || len(p.Name) > 64 || strings.ContainsAny(p.Name, "\r\n"):
		return errors.New("name: 1 to 64 bytes, as patients know it")
	case !safeAddress(p.Issuer):
		return errors.New("issuer: https://..., exactly as the portal names itself")
	case p.ClientID == "" || !short(p.ClientID):
		return errors.New("client_id: 1 to 255 bytes without spaces")
	case p.SecretFile != "" && p.SecretEnv != "":
		return errors.New("client_secret_file or client_secret_env, not both")
	case len(p.Scopes) > 20 || slices.Contains(p.Scopes, "") || !short(p.Scopes...):
		return errors.New("scopes: at most 20, without spaces")
	case p.FHIR != "" && !safeAddress(p.FHIR):
		return errors.New("fhir: https://..., the base URL of the FHIR server")
	case !short(p.RecordClaim, p.RecordSystem):
		return errors.New("record_claim, record_system: at most 255 bytes without spaces")
	case p.RecordSystem != "" && p.FHIR == "":
		return errors.New("record_system needs fhir")
	case p.MaxAgeMinutes < -1 || p.MaxAgeMinutes > 24*60:
		return errors.New("max_age_minutes: up to 1440, or -1")
	}
	return nil
}

// settings returns what the hub stores of p, without the secret.
func (p *Portal) settings() *hub.Portal {
	if p == nil {
		return nil
	}
	return &hub.Portal{
		Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, Scopes: p.Scopes, FHIR: strings.TrimSuffix(p.FHIR, "/"),
		RecordClaim: p.RecordClaim, RecordSystem: p.RecordSystem, MaxAgeMinutes: p.MaxAgeMinutes,
	}
}

// PortalSecret is ClientSecret for the portal.
func (f *File) PortalSecret(getenv func(string) string, readFile func(string) ([]byte, error)) (string, error) {
	p := f.Identity.Portal
	if p == nil {
		return "", nil
	}
	secret, err := clientSecret(p.SecretFile, p.SecretEnv, getenv, readFile)
	if err != nil {
		return "", fmt.Errorf("identity: portal: %w", err)
	}
	return secret, nil
}
