package wire

import "github.com/sotto-health/sotto/mls/internal/codec"

// A PSKType says where a pre-shared key comes from (RFC 9420, section 8.4).
type PSKType uint8

// The kinds of pre-shared key.
const (
	PSKExternal   PSKType = 1 // agreed outside MLS
	PSKResumption PSKType = 2 // of an earlier epoch
)

// A ResumptionUsage says what a resumption pre-shared key is used for.
type ResumptionUsage uint8

// The uses of resumption keys.
const (
	UsageApplication ResumptionUsage = 1
	UsageReInit      ResumptionUsage = 2
	UsageBranch      ResumptionUsage = 3
)

// A PreSharedKeyID names a pre-shared key (RFC 9420, section 8.4).
type PreSharedKeyID struct {
	Type    PSKType
	ID      []byte          // external only
	Usage   ResumptionUsage // resumption only, as are GroupID and Epoch
	GroupID []byte
	Epoch   uint64
	Nonce   []byte // as long as a hash
}

// Marshal returns p's encoding.
func (p PreSharedKeyID) Marshal() []byte { return marshal(p.write) }

// ParsePreSharedKeyID reads one id and nothing after it.
func ParsePreSharedKeyID(b []byte) (PreSharedKeyID, error) { return parse(b, readPreSharedKeyID) }

// Label returns the PSKLabel of p as number index of count keys (RFC 9420,
// section 8.4).
func (p PreSharedKeyID) Label(index, count uint16) []byte {
	return marshal(func(w *codec.Writer) {
		p.write(w)
		w.Uint16(index)
		w.Uint16(count)
	})
}

// Key returns what tells p's key from others, whatever its nonce.
func (p PreSharedKeyID) Key() string {
	p.Nonce = nil
	return string(p.Marshal())
}

func (p PreSharedKeyID) write(w *codec.Writer) {
	w.Uint8(uint8(p.Type))
	switch p.Type {
	case PSKExternal:
		w.Vector(p.ID)
	case PSKResumption:
		w.Uint8(uint8(p.Usage))
		w.Vector(p.GroupID)
		w.Uint64(p.Epoch)
	}
	w.Vector(p.Nonce)
}

func readPreSharedKeyID(r *codec.Reader) PreSharedKeyID {
	p := PreSharedKeyID{Type: PSKType(r.Uint8())}
	switch p.Type {
	case PSKExternal:
		p.ID = limited(r, maxIdentity, "PSK id")
	case PSKResumption:
		p.Usage = ResumptionUsage(r.Uint8())
		if p.Usage < UsageApplication || p.Usage > UsageBranch {
			r.Fail("resumption PSK usage %d", p.Usage)
		}
		p.GroupID = limited(r, maxGroupID, "PSK group id")
		p.Epoch = r.Uint64()
	default:
		r.Fail("PSK type %d", p.Type)
	}
	p.Nonce = limited(r, maxHash, "PSK nonce")
	return p
}
