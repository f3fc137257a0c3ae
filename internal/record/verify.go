package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/attachment"
	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/keeper"
)

// What is wrong.
const (
	Changed = "changed" // not what was written, or written with another key
	Missing = "missing"
	Moved   = "moved" // out of its order, or put in beside another
	Stray   = "stray" // an object that the archive did not write
)

// A Problem is one thing that is not as it was written.
type Problem struct {
	What         string `json:"what"`
	Conversation string `json:"conversation,omitempty"`
	Record       uint64 `json:"record,omitempty"` // number within the conversation, the first being 1
	Attachment   string `json:"attachment,omitempty"`
	Object       string `json:"object,omitempty"`
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.What)
	for _, part := range []struct{ name, value string }{
		{"conversation", p.Conversation}, {"record", nonZero(p.Record)}, {"attachment", p.Attachment}, {"object", p.Object},
	} {
		if part.value != "" {
			fmt.Fprintf(&b, " %s %s", part.name, part.value)
		}
	}
	return b.String()
}

func nonZero(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// A Report is what Verify found.
type Report struct {
	Conversations int       `json:"conversations"`
	Records       int       `json:"records"`
	Attachments   int       `json:"attachments"`
	Problems      []Problem `json:"problems"`
	// Manifest and ManifestHash stand for all of the archive up to the newest
	// entry of its manifest. Kept elsewhere, they show an archive that was
	// put back to an earlier state.
	Manifest     uint64 `json:"manifest"`
	ManifestHash string `json:"manifest_hash"`
}

func (r *Report) add(p Problem) { r.Problems = append(r.Problems, p) }

// Verify reads all of the archive and names every record, attachment and
// object that is changed, missing or out of order, against the checkpoint and
// what was noted of it elsewhere. It returns an error only if it could not look.
func (a *Archive) Verify(ctx context.Context, notes ...Noted) (*Report, error) {
	if err := a.WriteManifest(ctx); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	report := &Report{Problems: []Problem{}}
	// First the checkpoint: a keeper at work moves it on after the manifest.
	at, unread := a.readCheckpoint()
	noted, hashes, err := a.readManifest(ctx, report)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if err := a.compareCheckpoint(at, unread, hashes, report); err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	for _, n := range notes {
		hash, err := hex.DecodeString(n.Hash)
		if err != nil || len(hash) != 32 {
			return nil, errors.New("a noted hash has 64 hexadecimal digits")
		}
		report.compareHead(n.Manifest, [32]byte(hash), hashes)
	}
	if _, err := getAll(ctx, a.objects, markName, 1<<10); errors.Is(err, fs.ErrNotExist) {
		report.add(Problem{What: Missing, Object: markName})
	}
	ids, err := a.Conversations(ctx)
	if err != nil {
		return nil, err
	}
	for id := range maps.Keys(noted) {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := a.verifyConversation(ctx, id, noted[id], report); err != nil {
			return nil, fmt.Errorf("verify conversation %s: %w", id, err)
		}
	}
	return report, nil
}

func (a *Archive) verifyConversation(ctx context.Context, conversation string, noted []headline, report *Report) error {
	report.Conversations++
	s, err := a.sealer(ctx, conversation)
	switch {
	case errors.Is(err, ErrUnknown):
		report.add(Problem{What: Missing, Conversation: conversation, Object: keyName(conversation)})
		s = nil
	case errors.Is(err, ErrDamaged):
		report.add(Problem{What: Changed, Conversation: conversation, Object: keyName(conversation)})
		s = nil
	case err != nil:
		return err
	}
	v := &verifier{report: report, sealer: s, chain: newChain(conversation), whole: true, hashes: map[uint64][32]byte{}, bad: map[uint64]int{}}
	if err := a.segments(ctx, conversation, v.segment); err != nil {
		return err
	}
	v.compare(noted)
	return a.verifyObjects(ctx, conversation, v)
}

// A verifier follows one conversation's records.
type verifier struct {
	report *Report
	sealer *sealer // nil if the key is lost
	chain  chain
	whole  bool // chain.hash is that of the record before
	hashes map[uint64][32]byte
	bad    map[uint64]int // records with a problem, and where that is in report
	files  []content.ExternalPart
}

// problem reports a record, once.
func (v *verifier) problem(what string, n uint64) {
	if _, ok := v.bad[n]; !ok {
		v.bad[n] = len(v.report.Problems)
		v.report.add(Problem{What: what, Conversation: v.chain.conversation, Record: n})
	}
}

func (v *verifier) segment(in span, records []sealed, err error) error {
	switch {
	case errors.Is(err, ErrDamaged), errors.Is(err, fs.ErrNotExist):
		v.gap(in.first)
		for n := in.first; n <= in.last && n-in.first < 1<<20; n++ {
			v.problem(Changed, n)
		}
		v.chain.count, v.whole = max(v.chain.count, in.last), false
		return nil
	case err != nil:
		return err
	}
	for _, r := range records {
		v.record(r)
	}
	for n := v.chain.count + 1; n <= in.last && n-in.first < 1<<20; n++ {
		v.problem(Missing, n) // cut off the end of the segment
		v.chain.count, v.whole = n, false
	}
	return nil
}

// gap reports the records before n that did not come.
func (v *verifier) gap(n uint64) {
	for v.chain.count+1 < n {
		v.chain.count++
		v.problem(Missing, v.chain.count)
		v.whole = false
	}
}

func (v *verifier) record(r sealed) {
	v.report.Records++
	if r.number <= v.chain.count { // it, or another of its number, came before
		v.problem(Moved, r.number)
		if p := &v.report.Problems[v.bad[r.number]]; p.What == Missing {
			p.What = Moved // it was only looked for too early
		}
		return
	}
	v.gap(r.number)
	opened, err := keeper.Record{}, error(nil)
	if v.sealer != nil {
		opened, err = v.sealer.open(r)
	}
	switch {
	case err != nil:
		v.problem(Changed, r.number)
	case v.whole && r.before != v.chain.hash:
		// It is genuine and follows another: that one is gone, and what
		// stands before it is not what was there.
		v.problem(Changed, r.number-1)
	case v.sealer != nil:
		if part := fileOf(opened); part != nil {
			v.files = append(v.files, *part)
		}
	}
	v.chain.take(r)
	v.whole = err == nil
	v.hashes[r.number] = v.chain.hash
}

// compare holds the records against what the manifest noted of them.
func (v *verifier) compare(noted []headline) {
	for _, head := range noted {
		hash, there := v.hashes[head.count]
		switch {
		case head.count > v.chain.count:
			v.gap(head.count + 1)
		case there && hash != head.hash:
			v.problem(Changed, head.count)
		}
	}
}

// fileOf returns where a message's file is, or nil.
func fileOf(r keeper.Record) *content.ExternalPart {
	if r.Kind != keeper.KindMessage {
		return nil
	}
	m, err := content.Parse(r.Content)
	if err != nil {
		return nil
	}
	body, err := m.Body()
	if err != nil || body.File == nil {
		return nil
	}
	return &body.File.External
}

// verifyObjects checks a conversation's attachments, and that no other object
// lies about.
func (a *Archive) verifyObjects(ctx context.Context, conversation string, v *verifier) error {
	expected := make(map[string]bool)
	for i := range v.files {
		part := &v.files[i]
		id, err := device.AttachmentID(part)
		if err != nil || !isID(id) || expected[id] {
			continue
		}
		expected[id] = true
		v.report.Attachments++
		switch same, err := a.sameFile(ctx, conversation, id, part); {
		case errors.Is(err, fs.ErrNotExist):
			v.report.add(Problem{What: Missing, Conversation: conversation, Attachment: id})
		case err != nil:
			return err
		case !same:
			v.report.add(Problem{What: Changed, Conversation: conversation, Attachment: id})
		}
	}
	names, err := a.objects.List(ctx, conversationPrefix+conversation+"/")
	if err != nil {
		return err
	}
	for _, name := range names {
		_, isSegment := parseSegmentName(name)
		id, isFile := strings.CutPrefix(name, attachmentName(conversation, ""))
		switch {
		case name == keyName(conversation):
		case isSegment && strings.HasPrefix(name, segmentPrefix(conversation)):
		case isFile && (expected[id] || len(v.bad) > 0): // a lost record may have named it
		default:
			v.report.add(Problem{What: Stray, Conversation: conversation, Object: name})
		}
	}
	return nil
}

// sameFile compares an attachment with the size and hash in its record.
func (a *Archive) sameFile(ctx context.Context, conversation, id string, part *content.ExternalPart) (same bool, err error) {
	r, err := a.objects.Get(ctx, attachmentName(conversation, id))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	hash := sha256.New()
	n, err := io.Copy(hash, r)
	if err != nil {
		return false, err
	}
	return n == attachment.SealedSize(int64(part.Size)) && bytes.Equal(hash.Sum(nil), part.ContentHash), nil
}
