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
	Tests    []string `json:"tests" doc:"tests that fail if it does not hold: internal/hub.TestX of a package, e2e/x.test.mjs: title of a script"`
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
	// Words and FixWords are what Says and Fix are made of, so that a page can
	// say them in another language. Looks of earlier versions have none.
	Words    []ControlWords `json:"words,omitempty" doc:"sentences of says"`
	FixWords *ControlWords  `json:"fix_words,omitempty"`
}

// ControlWords are one sentence: what is said by its code, of its arguments.
type ControlWords struct {
	Code string   `json:"code" doc:"of the sentence; it keeps its meaning from version to version"`
	Args []string `json:"args,omitempty" doc:"what stands in it for {0}, {1} and so on"`
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

// Controls is the answer of GET /v1/admin/controls: what the rules ask, and
// what the newest look found of it.
type Controls struct {
	Controls []Control    `json:"controls"`
	Run      *ControlRun  `json:"run,omitempty" doc:"the newest look; absent before the first"`
	History  []ControlRun `json:"history" doc:"looks of the last year, newest first, with counts alone"`
}

// An Asset is something that holds or carries health information, or guards it.
type Asset struct {
	ID        string `json:"id"`
	Kind      string `json:"kind" enum:"program,data,key,people,device,link"`
	Zone      string `json:"zone" enum:"patients,staff,hub,keeper,elsewhere" doc:"where it is"`
	Name      string `json:"name"`
	Holds     string `json:"holds" doc:"what it holds of patients"`
	Guarded   string `json:"guarded" doc:"how it is guarded"`
	Weight    string `json:"weight" enum:"high,medium,low" doc:"how much depends on it"`
	Secret    bool   `json:"secret"`
	Count     int    `json:"count,omitempty"`
	Bytes     int64  `json:"bytes,omitempty" doc:"what it takes of a disk, where that is measured"`
	CheckedBy string `json:"checked_by,omitempty" doc:"the check of sotto doctor that looks at it"`
}

// A Flow is data on its way from one asset to another.
type Flow struct {
	From    string `json:"from" doc:"id of an asset"`
	To      string `json:"to"`
	Carries string `json:"carries"`
	Guarded string `json:"guarded"`
	Open    bool   `json:"open" doc:"not guarded as it should be"`
}

// Inventory is the answer of GET /v1/admin/inventory: what there is, and where
// data flows, made from the live configuration.
type Inventory struct {
	At       int64   `json:"at"`
	Practice string  `json:"practice" doc:"its name"`
	Version  string  `json:"version"`
	Assets   []Asset `json:"assets"`
	Flows    []Flow  `json:"flows"`
}
