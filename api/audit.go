package api

// An AuditEvent is one event of the practice's log, with its place in it and
// what it takes to check it (docs/api.md, "The audit log").
type AuditEvent struct {
	Number       int64    `json:"number" doc:"its place in the log, from 0"`
	At           int64    `json:"at" doc:"Unix milliseconds"`
	Kind         string   `json:"kind"`
	Outcome      string   `json:"outcome" enum:"done,refused,failed"`
	Role         string   `json:"role" enum:"patient,staff,service,operator,system,nobody"`
	Person       string   `json:"person,omitempty" doc:"who acted; of an operator the account of the machine, with os: before it"`
	Device       string   `json:"device,omitempty"`
	Object       string   `json:"object,omitempty" doc:"id of what was acted upon; see the kind's object"`
	Subject      string   `json:"subject,omitempty" doc:"whom the object belongs to"`
	Conversation string   `json:"conversation,omitempty"`
	Patient      string   `json:"patient,omitempty"`
	Detail       string   `json:"detail,omitempty"`
	Reason       string   `json:"reason,omitempty"`
	Reference    string   `json:"reference,omitempty"`
	Rules        []string `json:"rules,omitempty"`
	Address      string   `json:"address,omitempty"`
	Request      string   `json:"request,omitempty"`

	Encoded string `json:"encoded,omitempty" doc:"the event as it was logged; empty if it was erased"`
	Salt    []byte `json:"salt,omitempty"`
	// Commitment is SHA-256 of "sotto audit event v1\n", salt and encoded; the
	// leaf of the tree is SHA-256 of 0x00 and the commitment.
	Commitment []byte `json:"commitment"`
}

// An AuditPage is one page of the log.
type AuditPage struct {
	Events []AuditEvent `json:"events"`
	Next   string       `json:"next,omitempty" doc:"cursor of the next page; a page may have few events or none and yet another after it: 20,000 entries are looked at for one"`
	// Matching comes with the first page alone.
	Matching *AuditMatching `json:"matching,omitempty" doc:"how many events there are on all pages; with the first page of /v1/admin/audit/events alone"`
	// Names are looked up when the page is made: the log holds none.
	Names map[string]string `json:"names,omitempty" doc:"what the staff in these events are called now, by id"`
}

// AuditMatching is how many events a filter selects.
type AuditMatching struct {
	Count int64 `json:"count" doc:"exact, unless there may be more; of a filter it is at most 10,000"`
	More  bool  `json:"more" doc:"there are more than count, or may be: counting ends once 10,000 entries were looked at"`
}

// An AuditKind says what a kind of event means.
type AuditKind struct {
	Kind     string `json:"kind"`
	Category string `json:"category"`
	Object   string `json:"object,omitempty" doc:"what the event's object is the id of"`
	Says     string `json:"says" doc:"in plain words, with the actor as its subject"`
}

// AuditKinds lists the vocabulary.
type AuditKinds struct {
	Kinds []AuditKind `json:"kinds"`
}

// An AuditWitness is somebody independent who signs heads of the log, having
// seen it only grow (C2SP tlog-cosignature).
type AuditWitness struct {
	Name     string `json:"name"`
	Verifier string `json:"verifier" doc:"its public key (C2SP signed-note)"`
	Size     int64  `json:"size" doc:"of the log when it last signed; 0 if it never did"`
	At       int64  `json:"at" doc:"when, by its clock, Unix milliseconds; 0 if it never did"`
	Signed   string `json:"signed" doc:"the head that it signed"`
	Problem  string `json:"problem,omitempty" enum:"away,refuses,bad-signature,contradicts" doc:"why it did not sign when it was asked last"`
}

// An AuditCheckpoint is the signed head of the log (C2SP tlog-checkpoint).
type AuditCheckpoint struct {
	Witnesses []AuditWitness `json:"witnesses" doc:"what came of asking independent witnesses to sign heads of the log"`
	Signed    string         `json:"signed" doc:"the signed note"`
	Verifier  string         `json:"verifier" doc:"the log's public key (C2SP signed-note)"`
	Size      int64          `json:"size"`
	Root      []byte         `json:"root"`
}

// An AuditProof is a proof by the tree (RFC 9162, section 2.1).
type AuditProof struct {
	Size   int64    `json:"size"`
	Number int64    `json:"number" doc:"of the entry; or the earlier size"`
	Hashes [][]byte `json:"hashes"`
}

// An AuditTile is a tile of the tree (C2SP tlog-tiles).
type AuditTile struct {
	Hashes []byte `json:"hashes" doc:"32 bytes each, at most 256"`
}
