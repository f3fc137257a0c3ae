package auditlog

// A Stream is how far the sending of a practice's log to a receiver outside has
// come. Times are Unix milliseconds.
type Stream struct {
	Practice string // id
	Name     string // which receiver: "syslog" or "otlp"
	// Target is the receiver's address, without anything secret.
	Target string
	// Position is the number of the first entry that the receiver has not got for
	// certain. It may have got some after it.
	Position int64
	SentAt   int64 // when it last got an entry; 0 if it never did
	// Problem is the code of what keeps entries back, since ProblemAt; empty if
	// nothing does.
	Problem   string
	ProblemAt int64
	// Rejected is how many entries it took and said it did not keep. They are
	// among those numbered from RejectedFirst to RejectedLast: it does not say
	// which. Both are 0 if nobody noted them.
	Rejected, RejectedFirst, RejectedLast int64

	BegunAt   int64
	StoppedAt int64 // 0 if it is set up
	// Holder is the hub that sends: one at a time.
	Holder string
}

// StreamFigures say how the streams of one receiver fare, over all practices.
type StreamFigures struct {
	Position int64 // entries that it has for certain
	Lag      int64 // entries that it has not
	SentAt   int64 // when it last got one, Unix milliseconds; 0 if it never did
	Failures uint64
	Rejected int64
	Problem  bool
}
