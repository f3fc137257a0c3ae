//go:build js && wasm

package main

import (
	"bytes"
	"context"
	"syscall/js"
)

// A store is the browser's sealed store: a device.Store.
type store struct{ host js.Value }

func (s store) Get(_ context.Context, key string) ([]byte, error) {
	value, err := settle(s.host.Call("get", key))
	if err != nil || value.IsUndefined() {
		return nil, err
	}
	return fromArray(value)
}

func (s store) Apply(_ context.Context, puts map[string][]byte, deletes []string) error {
	array := js.Global().Get("Array")
	putList := array.New()
	for key, value := range puts {
		putList.Call("push", array.New(key, toArray(value)))
	}
	deleteList := array.New()
	for _, key := range deletes {
		deleteList.Call("push", key)
	}
	_, err := settle(s.host.Call("apply", putList, deleteList))
	return err
}

func (s store) Keys(_ context.Context, prefix string) ([]string, error) {
	value, err := settle(s.host.Call("keys", prefix))
	if err != nil {
		return nil, err
	}
	keys := make([]string, value.Length())
	for i := range keys {
		keys[i] = value.Index(i).String()
	}
	return keys, nil
}

// A signer is a signature key of WebCrypto, which signs and stays there.
type signer struct {
	host   js.Value
	public []byte
}

func newSigner(host js.Value) (*signer, error) {
	public, err := fromArray(host.Get("publicKey"))
	if err != nil {
		return nil, err
	}
	return &signer{host, public}, nil
}

func (s *signer) Public() []byte { return bytes.Clone(s.public) }

// Sign blocks its goroutine until WebCrypto has signed.
func (s *signer) Sign(message []byte) ([]byte, error) {
	value, err := settle(s.host.Call("sign", toArray(message)))
	if err != nil {
		return nil, err
	}
	return fromArray(value)
}
