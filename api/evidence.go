package api

// What is said of a control. None says "compliant": software helps to meet a
// rule, people meet it.
const (
	ControlMet           = "met"
	ControlDecision      = "needs-decision"
	ControlShort         = "falls-short"
	ControlNotApplicable = "not-applicable"
)

// Kinds of control.
const (
	KindRequired    = "required"
	KindAddressable = "addressable" // 45 CFR 164.306(d)(3): implement, or document why not; never optional
	KindProposed    = "proposed"    // of the proposed rule (90 FR 898) and of no rule in force
	KindPermitted   = "permitted"   // allowed under conditions
)

// A Control is one safeguard that a rule asks for, and what the product has
// for it. It is the same for every installation of a version.
type Control struct {
	ID       string   `json:"id" doc:"as 312(a)(1)"`
	Cite     string   `json:"cite" doc:"45 CFR 164.312(a)(1)"`
	Family   string   `json:"family" enum:"technical,administrative,physical,privacy,breach"`
	Kind     string   `json:"kind" enum:"required,addressable,proposed,permitted"`
	Proposed string   `json:"proposed,omitempty" doc:"what the proposed Security Rule would change; it is not in force"`
	NIST     string   `json:"nist,omitempty" doc:"key activity of NIST SP 800-66r2"`
	Title    string   `json:"title"`
	Asks     string   `json:"asks" doc:"the requirement, in plain words"`
	HeldBy   string   `json:"held_by,omitempty" doc:"what in the product enforces it"`
	Missing  string   `json:"missing,omitempty" doc:"what the product does not do yet"`
	Evidence []string `json:"evidence" doc:"names of the queries that prove it"`
	Tests    []string `json:"tests" doc:"names of the tests that fail if it does not hold"`
	Threats  []string `json:"threats" doc:"cases of the threat model that those tests carry"`
	Owner    string   `json:"owner" doc:"who in the practice answers for it"`
	Review   int      `json:"review_months" doc:"how often people should look at it again"`
}

// A ControlFinding is what one query found.
type ControlFinding struct {
	Evidence string `json:"evidence" maxLength:"64"`
	State    string `json:"state"`
	Says     string `json:"says" doc:"what was found, in a sentence"`
	Fix      string `json:"fix,omitempty" doc:"what to do about it"`
}

// A ControlResult is what was found of one control.
type ControlResult struct {
	ID       string           `json:"id"`
	State    string           `json:"state"`
	Says     string           `json:"says" doc:"why it is in that state"`
	Findings []ControlFinding `json:"findings"`
}

// ControlCounts are how many controls are in each state.
type ControlCounts struct {
	Met           int `json:"met"`
	Decision      int `json:"needs_decision"`
	Short         int `json:"falls_short"`
	NotApplicable int `json:"not_applicable"`
}

// A ControlRun is one look at all controls of a practice.
type ControlRun struct {
	ID       string          `json:"id"`
	Practice string          `json:"practice" doc:"id"`
	At       int64           `json:"at"`
	Version  string          `json:"version" doc:"of the program that looked"`
	Counts   ControlCounts   `json:"counts"`
	Results  []ControlResult `json:"results"`
}
