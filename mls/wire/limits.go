package wire

import "github.com/sotto-health/sotto/mls/internal/codec"

// Limits on what is read, in bytes unless named otherwise. They are far above
// what any honest peer sends, and keep a hostile one from being stored.
const (
	maxKey         = 8 << 10 // a public key or KEM output; ML-KEM-1024 with P-384 takes 1,665
	maxSignature   = 8 << 10
	maxIdentity    = 64 << 10
	maxCertificate = 64 << 10
	maxChain       = 16 // certificates
	maxTypes       = 1 << 10
	maxExtensions  = 256      // extensions in one list
	maxExtension   = 32 << 20 // one extension's data; a ratchet tree may be one
	maxNodes       = 1 << 18  // nodes of a tree: blank ones cost a sender one byte and us far more
	maxPathSecret  = 64 << 10 // a path secret, or the secrets of a welcome
	maxHash        = 255
	maxGroupID     = 1 << 10
	maxContent     = 32 << 20 // application data, and as much authenticated beside it
	maxProposals   = 1 << 14
	maxPath        = 31 // nodes of an update path: the height of the largest tree
)

// limited takes a vector of at most most bytes.
func limited(r *codec.Reader, most int, what string) []byte {
	b := r.Vector()
	if len(b) > most {
		r.Fail("%s of %d bytes, at most %d allowed", what, len(b), most)
		return nil
	}
	return b
}

// marshal returns what write writes.
func marshal(write func(*codec.Writer)) []byte {
	var w codec.Writer
	write(&w)
	return w.Bytes()
}

// parse reads one T that takes all of b.
func parse[T any](b []byte, read func(*codec.Reader) T) (T, error) {
	r := codec.NewReader(b)
	v := read(r)
	if err := r.Finish(); err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}
