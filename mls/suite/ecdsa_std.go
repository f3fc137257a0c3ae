//go:build !js

package suite

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
)

func (sc ecdsaScheme) elliptic() elliptic.Curve {
	switch sc.curve {
	case "P-256":
		return elliptic.P256()
	case "P-384":
		return elliptic.P384()
	default:
		return elliptic.P521()
	}
}

func (sc ecdsaScheme) generate() (*SoftwareSigner, error) {
	key, err := ecdsa.GenerateKey(sc.elliptic(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mls: generate signature key: %w", err)
	}
	return sc.signer(key)
}

func (sc ecdsaScheme) parse(private []byte) (*SoftwareSigner, error) {
	padded, ok := sc.pad(private)
	if !ok {
		return nil, fmt.Errorf("%w: ECDSA scalar of %d bytes", ErrBadKey, len(private))
	}
	key, err := ecdsa.ParseRawPrivateKey(sc.elliptic(), padded)
	if err != nil {
		return nil, fmt.Errorf("%w: ECDSA scalar: %w", ErrBadKey, err)
	}
	return sc.signer(key)
}

func (sc ecdsaScheme) signer(key *ecdsa.PrivateKey) (*SoftwareSigner, error) {
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	private, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	return &SoftwareSigner{scheme: sc, key: key, public: public, private: private}, nil
}

func (sc ecdsaScheme) publicKey(public []byte) (*ecdsa.PublicKey, error) {
	key, err := ecdsa.ParseUncompressedPublicKey(sc.elliptic(), public)
	if err != nil {
		return nil, fmt.Errorf("%w: ECDSA public key: %w", ErrBadKey, err)
	}
	return key, nil
}

func (sc ecdsaScheme) digest(message []byte) []byte {
	h := sc.newHash()
	h.Write(message)
	return h.Sum(nil)
}

func (sc ecdsaScheme) sign(key any, message []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, key.(*ecdsa.PrivateKey), sc.digest(message))
}

func (sc ecdsaScheme) verify(public, message, signature []byte) error {
	key, err := sc.publicKey(public)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(key, sc.digest(message), signature) {
		return ErrBadSignature
	}
	return nil
}
