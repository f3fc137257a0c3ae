package stream

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
)

// A field is one part of a record, named as in the other exports of the log.
type field struct{ name, value string }

// fields are the parts that a record has, in a fixed order.
func (r *record) fields() []field {
	all := []field{{"practice", r.practice}, {"number", strconv.FormatInt(r.number, 10)}}
	if r.entry != nil {
		all = append(all, field{"commitment", hex.EncodeToString(r.entry.Commitment[:])})
	}
	if r.event == nil {
		return append(all, field{"state", string(r.state)})
	}
	v := r.event
	spec, _ := audit.SpecOf(v.Kind)
	for _, f := range []field{
		{"kind", string(v.Kind)},
		{"category", string(spec.Category)},
		{"outcome", string(v.Outcome)},
		{"role", string(v.Role)},
		{"person", v.Person},
		{"device", v.Device},
		{"object", v.Object},
		{"objectKind", spec.Object},
		{"subject", v.Subject},
		{"conversation", v.Conversation},
		{"patient", v.Patient},
		{"detail", v.Detail},
		{"reason", v.Reason},
		{"reference", v.Reference},
		{"rules", strings.Join(v.Rules, " ")},
		{"address", v.Address},
		{"request", v.Request},
	} {
		if f.value != "" && (f.name != "objectKind" || v.Object != "") {
			all = append(all, f)
		}
	}
	return all
}

// says is the record in plain words.
func (r *record) says() string {
	if r.event == nil {
		return r.state.Says()
	}
	spec, _ := audit.SpecOf(r.event.Kind)
	if outcome := string(r.event.Outcome); outcome != string(audit.Done) && !strings.HasSuffix(string(spec.Kind), "."+outcome) {
		return outcome + ": " + spec.Says
	}
	return spec.Says
}

// uid is the same for the same entry: who gets it twice can tell.
func (r *record) uid() string { return r.practice + ":" + strconv.FormatInt(r.number, 10) }

// at is when it happened; zero if that is not known.
func (r *record) at() time.Time {
	if r.event == nil {
		return time.Time{}
	}
	return time.UnixMilli(r.event.At).UTC()
}

// alarming reports whether an entry is not what was logged.
func (r *record) alarming() bool { return r.state == audit.Damaged || r.state == audit.Missing }
