package wire

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// one is anything with one encoding.
type one interface{ Marshal() []byte }

// encoded is a value that marshals by a function.
type encoded func() []byte

func (e encoded) Marshal() []byte { return e() }

// decoder adapts a Parse function.
func decoder[T one](parse func([]byte) (T, error)) func([]byte) (one, error) {
	return func(b []byte) (one, error) { return parse(b) }
}

// decoders are all of the package's, by the name of what they read.
var decoders = map[string]func([]byte) (one, error){
	"Credential":           decoder(ParseCredential),
	"Capabilities":         decoder(ParseCapabilities),
	"Extensions":           decoder(ParseExtensions),
	"RequiredCapabilities": decoder(ParseRequiredCapabilities),
	"ExternalSenders": func(b []byte) (one, error) {
		s, err := ParseExternalSenders(b)
		return encoded(func() []byte { return ExternalSendersExtension(s).Data }), err
	},
	"ExternalPub": func(b []byte) (one, error) {
		k, err := ParseExternalPub(b)
		return encoded(func() []byte { return ExternalPubExtension(k).Data }), err
	},
	"LeafNode":   decoder(ParseLeafNode),
	"KeyPackage": decoder(ParseKeyPackage),
	"ParentNode": decoder(ParseParentNode),
	"Nodes": func(b []byte) (one, error) {
		n, err := ParseNodes(b)
		return encoded(func() []byte { return MarshalNodes(n) }), err
	},
	"UpdatePath":     decoder(ParseUpdatePath),
	"HPKECiphertext": decoder(ParseHPKECiphertext),
	"Proposal": func(b []byte) (one, error) {
		p, err := ParseProposal(b)
		return encoded(func() []byte { return MarshalProposal(p) }), err
	},
	"Commit":               decoder(ParseCommit),
	"GroupContext":         decoder(ParseGroupContext),
	"GroupInfo":            decoder(ParseGroupInfo),
	"PreSharedKeyID":       decoder(ParsePreSharedKeyID),
	"Message":              decoder(ParseMessage),
	"Welcome":              decoder(ParseWelcome),
	"GroupSecrets":         decoder(ParseGroupSecrets),
	"SenderData":           decoder(ParseSenderData),
	"AuthenticatedContent": decoder(ParseAuthenticatedContent),
	"PrivateContent": func(b []byte) (one, error) {
		a, err := ParsePrivateContent(&PrivateMessage{Type: ContentCommit}, 0, b)
		// What is padding shows in nothing else, so put it back.
		return encoded(func() []byte {
			content := MarshalPrivateContent(a)
			return append(content, make([]byte, max(0, len(b)-len(content)))...)
		}), err
	},
}

// fuzz checks that the decoder called name reads each value from one encoding
// only, and refuses everything else in the documented way.
func fuzz(f *testing.F, name string) {
	for _, seed := range seeds(f, name) {
		f.Add(seed)
	}
	parse := decoders[name]
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := parse(in)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("untyped error %T: %v", err, err)
			}
			return
		}
		if got := v.Marshal(); !bytes.Equal(got, in) {
			t.Errorf("two encodings of one value: %x and %x", in, got)
		}
	})
}

// seeds returns the contents of the files testdata/seeds/name*.bin.
func seeds(t testing.TB, name string) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "seeds", name+"-*.bin"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no seeds of %s: %v", name, err)
	}
	var all [][]byte
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func FuzzCredential(f *testing.F)           { fuzz(f, "Credential") }
func FuzzCapabilities(f *testing.F)         { fuzz(f, "Capabilities") }
func FuzzExtensions(f *testing.F)           { fuzz(f, "Extensions") }
func FuzzRequiredCapabilities(f *testing.F) { fuzz(f, "RequiredCapabilities") }
func FuzzExternalSenders(f *testing.F)      { fuzz(f, "ExternalSenders") }
func FuzzExternalPub(f *testing.F)          { fuzz(f, "ExternalPub") }
func FuzzLeafNode(f *testing.F)             { fuzz(f, "LeafNode") }
func FuzzKeyPackage(f *testing.F)           { fuzz(f, "KeyPackage") }
func FuzzParentNode(f *testing.F)           { fuzz(f, "ParentNode") }
func FuzzNodes(f *testing.F)                { fuzz(f, "Nodes") }
func FuzzUpdatePath(f *testing.F)           { fuzz(f, "UpdatePath") }
func FuzzHPKECiphertext(f *testing.F)       { fuzz(f, "HPKECiphertext") }
func FuzzProposal(f *testing.F)             { fuzz(f, "Proposal") }
func FuzzCommit(f *testing.F)               { fuzz(f, "Commit") }
func FuzzGroupContext(f *testing.F)         { fuzz(f, "GroupContext") }
func FuzzGroupInfo(f *testing.F)            { fuzz(f, "GroupInfo") }
func FuzzPreSharedKeyID(f *testing.F)       { fuzz(f, "PreSharedKeyID") }
func FuzzMessage(f *testing.F)              { fuzz(f, "Message") }
func FuzzWelcome(f *testing.F)              { fuzz(f, "Welcome") }
func FuzzGroupSecrets(f *testing.F)         { fuzz(f, "GroupSecrets") }
func FuzzSenderData(f *testing.F)           { fuzz(f, "SenderData") }
func FuzzAuthenticatedContent(f *testing.F) { fuzz(f, "AuthenticatedContent") }
func FuzzPrivateContent(f *testing.F)       { fuzz(f, "PrivateContent") }

// TestSeeds checks that each seed parses and comes back the same, and that no
// part of it does: a decoder that stops early would accept one.
func TestSeeds(t *testing.T) {
	for name, parse := range decoders {
		for _, seed := range seeds(t, name) {
			v, err := parse(seed)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if !bytes.Equal(v.Marshal(), seed) {
				t.Errorf("%s: %x comes back as %x", name, seed, v.Marshal())
			}
			for n := range seed {
				if _, err := parse(seed[:n]); !errors.Is(err, ErrMalformed) && name != "PrivateContent" {
					t.Errorf("%s: first %d of %d bytes: %v", name, n, len(seed), err)
				}
			}
			if name == "PrivateContent" {
				continue // may be followed by zeros
			}
			if _, err := parse(append(bytes.Clone(seed), 0)); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: with a byte after it: %v", name, err)
			}
		}
	}
}

// TestWriteSeeds writes the seeds anew if SOTTO_WRITE_SEEDS is set. They hold
// made-up bytes: form is all that matters to a decoder.
func TestWriteSeeds(t *testing.T) {
	if os.Getenv("SOTTO_WRITE_SEEDS") == "" {
		t.Skip("SOTTO_WRITE_SEEDS is not set")
	}
	write := func(name, variant string, b []byte) {
		if err := os.MkdirAll(filepath.Join("testdata", "seeds"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("testdata", "seeds", name+"-"+variant+".bin"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, _, kp := sample(t)
	update := kp.Leaf.Clone()
	update.Source = SourceUpdate
	commitLeaf := kp.Leaf.Clone()
	commitLeaf.Source, commitLeaf.ParentHash = SourceCommit, []byte("parent hash")
	sealed := HPKECiphertext{[]byte("kem"), []byte("ciphertext")}
	x509 := X509Credential([][]byte{[]byte("leaf"), []byte("root")})
	parent := &ParentNode{[]byte("key"), []byte("hash"), []LeafIndex{0, 3, MaxLeafIndex}}
	path := &UpdatePath{commitLeaf, []UpdatePathNode{{[]byte("key"), []HPKECiphertext{sealed, sealed}}, {[]byte("k2"), nil}}}
	senders := ExternalSendersExtension([]ExternalSender{{[]byte("key"), x509}, {[]byte("k2"), kp.Leaf.Credential}})
	need := RequiredCapabilities{[]ExtensionType{9}, []ProposalType{9}, []CredentialType{1, 2}}
	extensions := Extensions{need.Extension(), senders, ExternalPubExtension([]byte("key"))}
	context := GroupContext{MLS10, 2, []byte("group"), 7, []byte("tree"), []byte("transcript"), extensions}
	external := PreSharedKeyID{Type: PSKExternal, ID: []byte("id"), Nonce: []byte("nonce")}
	resumption := PreSharedKeyID{Type: PSKResumption, Usage: UsageBranch, GroupID: []byte("g"), Epoch: 3, Nonce: []byte("n")}
	info := &GroupInfo{context, Extensions{{ExtensionRatchetTree, MarshalNodes([]Node{{Leaf: kp.Leaf}})}}, []byte("tag"), 4, []byte("sig")}
	proposals := map[string]Proposal{
		"add": &Add{kp}, "update": &Update{update}, "remove": &Remove{5}, "psk": &PreSharedKey{external},
		"reinit": &ReInit{[]byte("new"), MLS10, 2, extensions}, "init": &ExternalInit{[]byte("kem")},
		"extensions": &GroupContextExtensions{extensions},
	}
	commit := &Commit{Path: path}
	for _, p := range []string{"add", "remove", "psk"} {
		commit.Proposals = append(commit.Proposals, ProposalOrRef{Proposal: proposals[p]})
	}
	commit.Proposals = append(commit.Proposals, ProposalOrRef{Reference: []byte("reference")})

	write("Credential", "basic", kp.Leaf.Credential.Marshal())
	write("Credential", "x509", x509.Marshal())
	write("Credential", "other", Credential{Type: 9, Raw: []byte("raw")}.Marshal())
	write("Capabilities", "some", kp.Leaf.Capabilities.Marshal())
	write("Extensions", "some", extensions.Marshal())
	write("RequiredCapabilities", "some", need.Marshal())
	write("ExternalSenders", "two", senders.Data)
	write("ExternalPub", "some", ExternalPubExtension([]byte("key")).Data)
	write("LeafNode", "keypackage", kp.Leaf.Marshal())
	write("LeafNode", "update", update.Marshal())
	write("LeafNode", "commit", commitLeaf.Marshal())
	write("KeyPackage", "some", kp.Marshal())
	write("ParentNode", "some", parent.Marshal())
	write("Nodes", "three", MarshalNodes([]Node{{Leaf: kp.Leaf}, {Parent: parent}, {}, {}, {Leaf: update}}))
	write("UpdatePath", "some", path.Marshal())
	write("HPKECiphertext", "some", sealed.Marshal())
	for name, p := range proposals {
		write("Proposal", name, MarshalProposal(p))
	}
	write("Commit", "path", commit.Marshal())
	write("Commit", "empty", (&Commit{}).Marshal())
	write("GroupContext", "some", context.Marshal())
	write("GroupInfo", "some", info.Marshal())
	write("PreSharedKeyID", "external", external.Marshal())
	write("PreSharedKeyID", "resumption", resumption.Marshal())
	secrets := []EncryptedGroupSecrets{{[]byte("reference"), sealed}}
	welcome := &Welcome{2, secrets, []byte("info")}
	write("Welcome", "some", welcome.Marshal())
	write("GroupSecrets", "some", (&GroupSecrets{[]byte("joiner"), []byte("path"), []PreSharedKeyID{external}}).Marshal())
	write("SenderData", "some", SenderData{3, 4, [4]byte{1, 2, 3, 4}}.Marshal())
	member := FramedContent{[]byte("group"), 7, Sender{Type: SenderMember, Leaf: 2}, []byte("aad"), ContentCommit, nil, nil, commit}
	authenticated := AuthenticatedContent{FormatPublic, member, []byte("sig"), []byte("tag")}
	write("AuthenticatedContent", "commit", authenticated.Marshal())
	write("PrivateContent", "commit", MarshalPrivateContent(&authenticated))
	from := member
	from.Sender, from.Type, from.Commit, from.Proposal = Sender{Type: SenderExternal, Index: 1}, ContentProposal, nil, proposals["remove"]
	private := &PrivateMessage{[]byte("group"), 7, ContentApplication, []byte("aad"), []byte("sender"), []byte("ciphertext")}
	for name, m := range map[string]*Message{
		"commit":     {Public: &PublicMessage{authenticated, []byte("membership")}},
		"proposal":   {Public: &PublicMessage{AuthenticatedContent{FormatPublic, from, []byte("sig"), nil}, nil}},
		"private":    {Private: private},
		"welcome":    {Welcome: welcome},
		"groupinfo":  {GroupInfo: info},
		"keypackage": {KeyPackage: kp},
	} {
		write("Message", name, m.Marshal())
	}
}
