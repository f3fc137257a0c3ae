//go:build js

package suite

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"syscall/js"
)

// In a browser WebCrypto signs and verifies: a hundred times as fast as Go
// compiled to WebAssembly, and without a sixth of its size. Its answers come
// by promise, so these block their goroutine, and must not be called from
// within a callback of JavaScript.

var errWebCrypto = errors.New("mls: WebCrypto refused")

func (sc ecdsaScheme) generate() (*SoftwareSigner, error) {
	key, err := sc.keys().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mls: generate signature key: %w", err)
	}
	return sc.parse(key.Bytes())
}

func (sc ecdsaScheme) parse(private []byte) (*SoftwareSigner, error) {
	padded, ok := sc.pad(private)
	if !ok {
		return nil, fmt.Errorf("%w: ECDSA scalar of %d bytes", ErrBadKey, len(private))
	}
	key, err := sc.keys().NewPrivateKey(padded)
	if err != nil {
		return nil, fmt.Errorf("%w: ECDSA scalar: %w", ErrBadKey, err)
	}
	return &SoftwareSigner{scheme: sc, key: key, public: key.PublicKey().Bytes(), private: padded}, nil
}

func (sc ecdsaScheme) sign(key any, message []byte) ([]byte, error) {
	k := key.(*ecdh.PrivateKey)
	point := k.PublicKey().Bytes()[1:]
	base64url := base64.RawURLEncoding.EncodeToString
	private, err := await(webCrypto().Call("importKey", "jwk", map[string]any{
		"kty": "EC", "crv": sc.curve, "d": base64url(k.Bytes()),
		"x": base64url(point[:sc.size()]), "y": base64url(point[sc.size():]),
	}, sc.algorithm(), false, []any{"sign"}))
	if err != nil {
		return nil, err
	}
	signature, err := await(webCrypto().Call("sign", sc.algorithm(), private, toArray(message)))
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 2*sc.size())
	js.CopyBytesToGo(raw, js.Global().Get("Uint8Array").New(signature))
	return appendDER(raw[:sc.size()], raw[sc.size():]), nil
}

func (sc ecdsaScheme) verify(public, message, signature []byte) error {
	if len(public) != 1+2*sc.size() || public[0] != 4 {
		return fmt.Errorf("%w: ECDSA public key of %d bytes", ErrBadKey, len(public))
	}
	r, s, err := sc.split(signature)
	if err != nil {
		return err
	}
	key, err := await(webCrypto().Call("importKey", "raw", toArray(public), sc.algorithm(), false, []any{"verify"}))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	good, err := await(webCrypto().Call("verify", sc.algorithm(), key, toArray(append(r, s...)), toArray(message)))
	if err != nil || !good.Truthy() {
		return ErrBadSignature
	}
	return nil
}

func (sc ecdsaScheme) algorithm() map[string]any {
	return map[string]any{"name": "ECDSA", "namedCurve": sc.curve, "hash": sc.hash}
}

func webCrypto() js.Value { return js.Global().Get("crypto").Get("subtle") }

func toArray(b []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}

// await blocks until a promise settles.
func await(promise js.Value) (js.Value, error) {
	done := make(chan js.Value, 1)
	resolved := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- args[0]
		return nil
	})
	defer resolved.Release()
	rejected := js.FuncOf(func(js.Value, []js.Value) any {
		close(done)
		return nil
	})
	defer rejected.Release()
	promise.Call("then", resolved, rejected)
	value, ok := <-done
	if !ok {
		return js.Value{}, errWebCrypto
	}
	return value, nil
}
