// Package witness has checkpoints of an audit log signed by somebody else, who
// has seen the log only grow (C2SP tlog-witness), and is such a somebody.
//
// A witness never sees an entry: it gets sizes, hashes and signatures. With its
// signature (C2SP tlog-cosignature) nobody can show one history to the practice
// and another to an auditor, and a backup that was put back is found at once.
package witness

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/internal/auditlog"
)

// mostProof is how many hashes a request may have (C2SP tlog-witness).
const mostProof = 63

// mostBytes bounds a request and an answer.
const mostBytes = 64 << 10

// errRequest says that something is no request to a witness.
var errRequest = errors.New("witness: not a request")

// A request asks for a signature.
type request struct {
	old        int64 // size of the checkpoint that the proof begins with
	proof      []auditlog.Hash
	checkpoint []byte // a signed note
}

func (r *request) format() []byte {
	b := fmt.Appendf(nil, "old %d\n", r.old)
	for _, h := range r.proof {
		b = append(base64.StdEncoding.AppendEncode(b, h[:]), '\n')
	}
	return append(append(b, '\n'), r.checkpoint...)
}

func parseRequest(b []byte) (r request, err error) {
	head, checkpoint, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok || len(b) > mostBytes {
		return r, errRequest
	}
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	if r.old, err = parseSize(size); err != nil || !ok || len(lines)-1 > mostProof {
		return r, errRequest
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != auditlog.HashBytes {
			return r, errRequest
		}
		r.proof = append(r.proof, auditlog.Hash(h))
	}
	r.checkpoint = checkpoint
	return r, nil
}

func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, errRequest
	}
	return n, nil
}

// A Party is a witness as a log knows it.
type Party struct {
	Key string // public, as text (C2SP signed-note)
	URL string // what "/add-checkpoint" is added to
}

// ParseParty reads a key and an address with a blank between.
func ParseParty(s string) (p Party, err error) {
	fields := strings.Fields(s)
	if len(fields) != 2 {
		return p, errors.New("a witness is its key, a blank and its address")
	}
	p = Party{Key: fields[0], URL: strings.TrimSuffix(fields[1], "/")}
	if !auditlog.IsWitnessKey(p.Key) {
		return p, errors.New("the witness's key is no key of a witness: it printed one when it was started")
	}
	u, err := url.Parse(p.URL)
	local := u != nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return p, errors.New("the witness's address is not an https:// address")
	}
	return p, nil
}

// Name is the witness's own name.
func (p Party) Name() string {
	name, _, _ := strings.Cut(p.Key, "+")
	return name
}

// ParseParties reads several, none twice.
func ParseParties(all []string) (parties []Party, err error) {
	seen := make(map[string]bool)
	for _, s := range all {
		p, err := ParseParty(s)
		if err != nil {
			return nil, err
		}
		if seen[p.Key] {
			return nil, fmt.Errorf("the witness %s is named twice", p.Name())
		}
		seen[p.Key] = true
		parties = append(parties, p)
	}
	return parties, nil
}
