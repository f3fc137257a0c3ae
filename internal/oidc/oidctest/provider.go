// Package oidctest is an OpenID provider for tests: one that does as it should
// until it is told to lie.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// access is the access token that it gives.
const access = "of-use-at-the-fhir-server"

// A Claims is what a token holds.
type Claims = map[string]any

// A Provider answers discovery, keys and tokens. Its fields may be changed
// between calls.
type Provider struct {
	*httptest.Server
	t      testing.TB
	Now    func() time.Time
	Client string
	Secret string
	// Subject and Claims are who signs in.
	Subject string
	Claims  Claims
	// Describe changes what it says of itself.
	Describe func(Claims)
	// Silent providers do not name themselves in their answers (RFC 9207).
	Silent bool
	// Careless providers do not check the verifier (RFC 7636).
	Careless bool
	// Down providers answer nothing.
	Down bool
	// FHIR is what it says at the FHIR server that it guards, /fhir, of itself
	// (SMART App Launch 2.2.0); nil if it guards none. Patient is whom the person
	// may see, and Resource what it has of them.
	FHIR     Claims
	Patient  string
	Resource Claims
	// Alter changes a token's header and claims before it is signed.
	Alter func(header, claims Claims)
	// Sign replaces the signature over the bytes.
	Sign func(signed []byte) []byte

	key   *ecdsa.PrivateKey
	mu    sync.Mutex // guards codes
	codes map[string]url.Values
}

// New starts one for a client, with a person who has shown two factors.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{
		t: t, Now: now, Client: "sotto", Secret: "s3cret-of-the-client", Subject: "sub-1",
		Claims: Claims{"amr": []string{"pwd", "mfa"}, "sid": "sid-1"}, key: key, codes: map[string]url.Values{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.describe)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /fhir/.well-known/smart-configuration", func(w http.ResponseWriter, _ *http.Request) { p.answer(w, p.FHIR) })
	mux.HandleFunc("GET /fhir/Patient/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+access || r.PathValue("id") != p.Patient {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		p.answer(w, p.Resource)
	})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// Guard has it guard a FHIR server, as the patient of an id with identifiers by
// system. It returns the server's address.
func (p *Provider) Guard(patient string, identifiers ...Claims) string {
	p.Patient = patient
	p.Resource = Claims{"resourceType": "Patient", "id": patient, "identifier": identifiers}
	p.Claims["fhirUser"] = p.URL + "/fhir/Patient/" + patient
	p.FHIR = Claims{
		"issuer": p.Name(), "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"code_challenge_methods_supported": []string{"S256"}, "capabilities": []string{"launch-standalone", "sso-openid-connect", "context-standalone-patient"},
	}
	return p.URL + "/fhir"
}

// Name is the issuer.
func (p *Provider) Name() string { return p.URL }

func (p *Provider) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (p *Provider) describe(w http.ResponseWriter, _ *http.Request) {
	about := Claims{
		"issuer": p.Name(), "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"end_session_endpoint": p.URL + "/end", "authorization_response_iss_parameter_supported": !p.Silent,
		"id_token_signing_alg_values_supported": []string{"ES256", "RS256", "HS256", "none"},
	}
	if p.Describe != nil {
		p.Describe(about)
	}
	p.answer(w, about)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.answer(w, Claims{"keys": []Claims{{
		"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
		"x": encode(p.key.X.FillBytes(make([]byte, 32))), "y": encode(p.key.Y.FillBytes(make([]byte, 32))),
	}}})
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Visit is what happens when the browser comes to the address of an attempt,
// and the person signs in: it returns the parameters it is sent back with.
func (p *Provider) Visit(address string) (redirect string, back url.Values) {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = q
	back = url.Values{"code": {code}, "state": {q.Get("state")}}
	if !p.Silent {
		back.Set("iss", p.Name())
	}
	return q.Get("redirect_uri"), back
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	client, secret, _ := r.BasicAuth()
	p.mu.Lock()
	asked := p.codes[r.Form.Get("code")]
	delete(p.codes, r.Form.Get("code"))
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
	proved := p.Careless || asked.Get("code_challenge") == encode(sum[:]) && asked.Get("code_challenge_method") == "S256"
	if asked == nil || client != p.Client || secret != p.Secret || !proved || r.Form.Get("redirect_uri") != asked.Get("redirect_uri") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":"invalid_grant","error_description":"code %s"}`, r.Form.Get("code"))
		return
	}
	now := p.Now()
	claims := Claims{
		"iss": p.Name(), "sub": p.Subject, "aud": p.Client, "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(),
		"nonce": asked.Get("nonce"), "auth_time": now.Unix(),
	}
	maps.Copy(claims, p.Claims)
	answer := Claims{"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": p.Token("JWT", claims)}
	if p.Patient != "" {
		answer["patient"] = p.Patient
	}
	p.answer(w, answer)
}

// Token signs claims, as Alter and Sign will have it.
func (p *Provider) Token(kind string, claims Claims) string {
	header := Claims{"alg": "ES256", "kid": "k1", "typ": kind}
	if p.Alter != nil {
		p.Alter(header, claims)
	}
	signed := []byte(encode(marshal(header)) + "." + encode(marshal(claims)))
	sign := p.Sign
	if sign == nil {
		sign = p.sign
	}
	return string(signed) + "." + encode(sign(signed))
}

// Logout is a logout token about the person.
func (p *Provider) Logout(change func(header, claims Claims)) string {
	now := p.Now()
	claims := Claims{
		"iss": p.Name(), "aud": p.Client, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": rand.Text(), "sub": p.Subject,
		"events": Claims{"http://schemas.openid.net/event/backchannel-logout": Claims{}},
	}
	before := p.Alter
	p.Alter = change
	defer func() { p.Alter = before }()
	return p.Token("logout+jwt", claims)
}

func (p *Provider) sign(signed []byte) []byte {
	sum := sha256.Sum256(signed)
	r, s, err := ecdsa.Sign(rand.Reader, p.key, sum[:])
	if err != nil {
		p.t.Error(err)
		return nil
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// HMAC signs as whoever knows a shared secret could: with the client's secret,
// or with the public key taken for one.
func HMAC(secret []byte) func([]byte) []byte {
	return func(signed []byte) []byte {
		m := hmac.New(sha256.New, secret)
		m.Write(signed)
		return m.Sum(nil)
	}
}

// PublicKey is the provider's, as bytes that anybody can have.
func (p *Provider) PublicKey() []byte {
	b, err := p.key.PublicKey.Bytes()
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
