package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// This file is what a patient portal has beyond an OpenID provider: it guards
// a FHIR server, says so there (SMART App Launch 2.2.0), and can tell by which
// numbers its practice knows the patient.

// maxIdentifiers bounds how many numbers of a patient are looked at.
const maxIdentifiers = 100

// smart is what a FHIR server says of who guards it (SMART App Launch 2.2.0,
// section 2.1.5.3).
type smart struct {
	Issuer    string   `json:"issuer"`
	Authorize string   `json:"authorization_endpoint"`
	Token     string   `json:"token_endpoint"`
	Proofs    []string `json:"code_challenge_methods_supported"`
	Can       []string `json:"capabilities"`
}

// discoverAt is discover, with the endpoints that a FHIR server names, if p has
// one. A server that names another issuer, or takes codes without PKCE, is not
// the one that the practice meant.
func (c *Client) discoverAt(ctx context.Context, p Provider) (*discovered, error) {
	d, err := c.discover(ctx, p.Issuer)
	if err != nil || p.FHIR == "" {
		return d, err
	}
	key := p.FHIR + " " + p.Issuer // no address has a blank
	if known, current := c.recall(key); current {
		return known, nil
	}
	var s smart
	if err := c.get(ctx, join(p.FHIR, ".well-known/smart-configuration"), "application/json", "", &s); err != nil {
		return nil, err
	}
	switch {
	case s.Issuer != p.Issuer, !safe(s.Authorize), !safe(s.Token):
		return nil, ErrUnavailable
	case !slices.Contains(s.Proofs, "S256"), !slices.Contains(s.Can, "sso-openid-connect"):
		return nil, ErrUnavailable
	}
	fresh := *d
	fresh.endpoint = oauth2.Endpoint{AuthURL: s.Authorize, TokenURL: s.Token}
	return c.remember(key, &fresh), nil
}

func join(base, path string) string { return strings.TrimSuffix(base, "/") + "/" + path }

// get fetches a JSON document. Whatever goes wrong is [ErrUnavailable]: what
// came is not quoted, for it may be about somebody.
func (c *Client) get(ctx context.Context, address, accept, bearer string, to any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return ErrUnavailable
	}
	r.Header.Set("Accept", accept)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return ErrUnavailable
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK || json.NewDecoder(answer.Body).Decode(to) != nil {
		return ErrUnavailable
	}
	return nil
}

// fhirID is how a FHIR server may call a patient (FHIR R4, section 2.24.0.1).
var fhirID = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)

// Themself reports whether who signed in at a portal is the very patient of
// whom they may see something. A parent or another helper has a sign-in of
// their own, and fhirUser is theirs.
func (i *Identity) Themself(p Provider) bool {
	users := i.Values("fhirUser")
	if len(users) != 1 || !fhirID.MatchString(i.Patient) {
		return false
	}
	reference := "Patient/" + i.Patient
	return users[0] == reference || users[0] == join(p.FHIR, reference)
}

// Numbers are the identifiers of a system, such as the practice's record
// numbers, that the FHIR server has of the patient, read with the patient's own
// access. It is asked about the patient of whom [Identity.Themself] is true.
func (c *Client) Numbers(ctx context.Context, p Provider, who *Identity, system string) ([]string, error) {
	if !who.Themself(p) {
		return nil, nil
	}
	var patient struct {
		Type        string `json:"resourceType"`
		ID          string `json:"id"`
		Identifiers []struct {
			Use    string `json:"use"`
			System string `json:"system"`
			Value  string `json:"value"`
		} `json:"identifier"`
	}
	address := join(p.FHIR, "Patient/"+url.PathEscape(who.Patient))
	if err := c.get(ctx, address, "application/fhir+json", who.access, &patient); err != nil {
		return nil, err
	}
	if patient.Type != "Patient" || patient.ID != who.Patient {
		return nil, ErrUnavailable
	}
	var numbers []string
	for _, n := range patient.Identifiers[:min(len(patient.Identifiers), maxIdentifiers)] {
		if n.System == system && n.Use != "old" && n.Value != "" && !slices.Contains(numbers, n.Value) {
			numbers = append(numbers, n.Value)
		}
	}
	return numbers, nil
}
