package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/internal/vectors"
	"github.com/sotto-health/sotto/mls/suite"
)

func TestDeserializationVectors(t *testing.T) {
	var cases []struct {
		Header vectors.Bytes `json:"vlbytes_header"`
		Length int           `json:"length"`
	}
	vectors.Load(t, "deserialization.json", &cases)
	for _, c := range cases {
		if c.Length > 1<<24 {
			// The header alone: its announced length is more than there is.
			if err := func() error { r := codec.NewReader(c.Header); r.Vector(); return r.Err() }(); !errors.Is(err, ErrMalformed) {
				t.Errorf("%x: %v", c.Header, err)
			}
			continue
		}
		r := codec.NewReader(append(bytes.Clone(c.Header), make([]byte, c.Length)...))
		if got := r.Vector(); len(got) != c.Length || r.Finish() != nil {
			t.Errorf("%x: length %d, error %v, want %d", c.Header, len(got), r.Err(), c.Length)
		}
	}
}

// sample returns a signed key package and its signer.
func sample(t *testing.T) (*suite.Suite, suite.Signer, *KeyPackage) {
	t.Helper()
	s, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	leaf := &LeafNode{
		EncryptionKey: []byte("encryption key"),
		SignatureKey:  signer.Public(),
		Credential:    BasicCredential([]byte("a device")),
		Capabilities: Capabilities{
			Versions: []Version{MLS10}, Suites: []suite.ID{s.ID(), 0x0a0a},
			Extensions: []ExtensionType{0x1a1a}, Proposals: []ProposalType{0x2a2a},
			Credentials: []CredentialType{CredentialBasic, 0x3a3a},
		},
		Source:     SourceKeyPackage,
		Lifetime:   Lifetime{1, 2},
		Extensions: Extensions{{0x1a1a, []byte("grease")}},
	}
	if err := leaf.Sign(s, signer, nil, 0); err != nil {
		t.Fatal(err)
	}
	kp := &KeyPackage{Version: MLS10, Suite: s.ID(), InitKey: []byte("init key"), Leaf: leaf}
	if err := kp.Sign(s, signer); err != nil {
		t.Fatal(err)
	}
	return s, signer, kp
}

func TestSignaturesCoverEverything(t *testing.T) {
	s, signer, kp := sample(t)
	got, err := ParseKeyPackage(kp.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Verify(s); err != nil {
		t.Errorf("key package: %v", err)
	}
	if err := got.Leaf.Verify(s, []byte("any group"), 7); err != nil {
		t.Errorf("leaf of a key package, which no group binds: %v", err)
	}
	for name, change := range map[string]func(*KeyPackage){
		"version":   func(k *KeyPackage) { k.Version++ },
		"suite":     func(k *KeyPackage) { k.Suite++ },
		"init key":  func(k *KeyPackage) { k.InitKey = []byte("x") },
		"leaf":      func(k *KeyPackage) { k.Leaf.EncryptionKey = []byte("x") },
		"extension": func(k *KeyPackage) { k.Extensions = Extensions{{ExtensionLastResort, nil}} },
		"signature": func(k *KeyPackage) { k.Signature = k.Signature[1:] },
	} {
		changed, err := ParseKeyPackage(kp.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		change(changed)
		if changed.Verify(s) == nil {
			t.Errorf("key package verifies with another %s", name)
		}
	}

	leaf := kp.Leaf.Clone()
	leaf.Source, leaf.ParentHash = SourceCommit, []byte("parent hash")
	if err := leaf.Sign(s, signer, []byte("group"), 3); err != nil {
		t.Fatal(err)
	}
	if err := leaf.Verify(s, []byte("group"), 3); err != nil {
		t.Error(err)
	}
	if leaf.Verify(s, []byte("group"), 4) == nil {
		t.Error("leaf verifies at another place")
	}
	if leaf.Verify(s, []byte("other"), 3) == nil {
		t.Error("leaf verifies in another group")
	}
	leaf.ParentHash = []byte("another hash")
	if leaf.Verify(s, []byte("group"), 3) == nil {
		t.Error("leaf verifies with another parent hash")
	}
}

func TestRefused(t *testing.T) {
	_, _, kp := sample(t)
	good := kp.Leaf.Marshal()
	parent := func(b []byte) error { _, err := ParseParentNode(b); return err }
	leaf := func(b []byte) error { _, err := ParseLeafNode(b); return err }
	nodes := func(b []byte) error { _, err := ParseNodes(b); return err }
	extensions := func(b []byte) error { _, err := ParseExtensions(b); return err }
	credential := func(b []byte) error { _, err := ParseCredential(b); return err }
	path := func(b []byte) error { _, err := ParseUpdatePath(b); return err }
	many := marshal(func(w *codec.Writer) {
		kp.Leaf.write(w)
		w.Nest(func(w *codec.Writer) {
			for range maxPath + 1 {
				w.Vector(nil)
				w.Vector(nil)
			}
		})
	})
	tree := MarshalNodes([]Node{{Leaf: kp.Leaf}})
	parentNode := (&ParentNode{}).Marshal()
	for _, c := range []struct {
		name  string
		parse func([]byte) error
		in    []byte
		want  string
	}{
		{"nothing", leaf, nil, "wanted"},
		{"trailing byte", leaf, append(bytes.Clone(good), 0), "trailing"},
		{"one byte short", leaf, good[:len(good)-1], "wanted"},
		{"unknown leaf source", leaf, bytes.Replace(good, []byte{1, 0, 0, 0, 0, 0, 0, 0, 1}, []byte{4, 0, 0, 0, 0, 0, 0, 0, 1}, 1), "source"},
		{"unmerged leaves falling", parent, unhex("00000800000002 00000001"), "increasing"},
		{"unmerged leaf twice", parent, unhex("00000800000001 00000001"), "increasing"},
		{"unmerged leaf index too large", parent, unhex("000004 40000000"), "leaf index"},
		{"unmerged leaf cut", parent, unhex("000003 000000"), "wanted"},
		{"two extensions of one type", extensions, unhex("06 000100 000100"), "two extensions"},
		{"length not minimal", extensions, unhex("4006 000100 000200"), "minimal"},
		{"length prefix 0b11", extensions, unhex("c0"), "prefix"},
		{"extension longer than its list", extensions, unhex("03 000105"), "wanted"},
		{"X.509 credential without a certificate", credential, unhex("0002 00"), "no certificate"},
		{"identity too large", credential, append(unhex("0001 80010001"), make([]byte, 65537)...), "at most"},
		{"path of too many nodes", path, many, "more than"},
		{"tree of nothing", nodes, unhex("00"), "blank"},
		{"tree that ends in a blank", nodes, unhex("01 00"), "blank"},
		{"tree of too many nodes", nodes, marshal(func(w *codec.Writer) { w.Vector(make([]byte, maxNodes+1)) }), "more than"},
		{"presence octet 2", nodes, unhex("01 02"), "presence"},
		{"node type 3", nodes, unhex("02 0103"), "node type"},
		{"parent at a leaf's place", nodes, marshal(func(w *codec.Writer) {
			w.Nest(func(w *codec.Writer) { w.Raw([]byte{1, nodeParent}); w.Raw(parentNode) })
		}), "wrong type"},
		{"tree with a byte after it", nodes, append(bytes.Clone(tree), 0), "trailing"},
	} {
		err := c.parse(c.in)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one about %q", c.name, err, c.want)
		}
	}
}

func TestGREASE(t *testing.T) {
	n := 0
	for v := range 1 << 16 {
		if IsGREASE(uint16(v)) {
			n++
			if v&0xff != v>>8 || v&0xf != 0xa {
				t.Errorf("%#04x is none", v)
			}
		}
	}
	if n != 15 || !IsGREASE(0x0a0a) || !IsGREASE(0xeaea) || IsGREASE(0xfafa) {
		t.Errorf("%d values, want the 15 of section 13.5", n)
	}
}

func TestLifetime(t *testing.T) {
	l := Lifetime{100, 200}
	for at, want := range map[int64]bool{-1: false, 99: false, 100: true, 200: true, 201: false} {
		if got := l.Holds(time.Unix(at, 0)); got != want {
			t.Errorf("at %d: %v", at, got)
		}
	}
	for l, want := range map[Lifetime]bool{{100, 200}: false, {100, 201}: true, {0, 1<<64 - 1}: true, {200, 100}: false} {
		if got := l.LongerThan(100 * time.Second); got != want {
			t.Errorf("%v longer than 100 s: %v", l, got)
		}
	}
}

func TestCapabilitiesMeet(t *testing.T) {
	c := Capabilities{Extensions: []ExtensionType{10}, Proposals: []ProposalType{11}, Credentials: []CredentialType{1}}
	for _, x := range []struct {
		name string
		need RequiredCapabilities
		want bool
	}{
		{"nothing", RequiredCapabilities{}, true},
		{"what is listed", RequiredCapabilities{[]ExtensionType{10}, []ProposalType{11}, []CredentialType{1}}, true},
		{"default ones", RequiredCapabilities{[]ExtensionType{1, 5}, []ProposalType{1, 7}, nil}, true},
		{"another extension", RequiredCapabilities{[]ExtensionType{12}, nil, nil}, false},
		{"another proposal", RequiredCapabilities{nil, []ProposalType{8}, nil}, false},
		{"another credential", RequiredCapabilities{nil, nil, []CredentialType{2}}, false},
	} {
		if got := c.Meets(x.need); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
		back, err := ParseRequiredCapabilities(x.need.Marshal())
		if err != nil || !bytes.Equal(back.Marshal(), x.need.Marshal()) {
			t.Errorf("%s: comes back as %v, %v", x.name, back, err)
		}
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}
