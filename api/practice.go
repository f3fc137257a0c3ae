package api

// A Practice is what anybody may know of a practice before signing in:
// GET /v1/practices/{slug}.
type Practice struct {
	ID           string      `json:"id"`
	Slug         string      `json:"slug"`
	Name         string      `json:"name"`
	Phone        string      `json:"phone" doc:"shown wherever chat fails"`
	TimeZone     string      `json:"time_zone" doc:"IANA name"`
	Country      string      `json:"country" doc:"ISO 3166-1 alpha-2; decides the emergency numbers shown"`
	Languages    []string    `json:"languages" doc:"BCP 47, the practice's own first"`
	BrandColor   string      `json:"brand_color,omitempty" doc:"#rrggbb"`
	Demo         bool        `json:"demo" doc:"people and messages are synthetic; show a banner"`
	Open         bool        `json:"open" doc:"staff are expected to answer now"`
	OpensAt      int64       `json:"opens_at,omitempty" doc:"while closed: when staff are next expected"`
	Staffed      bool        `json:"staffed" doc:"somebody of the staff is connected now"`
	WaitMinutes  int         `json:"wait_minutes" doc:"usual wait; 0 if not known"`
	AuthorityKey []byte      `json:"authority_key" doc:"public key of the practice's authority: P-256, SEC 1 uncompressed"`
	RemovalKey   []byte      `json:"removal_key,omitempty" doc:"public key by which the hub may propose, to the members, that a device be removed, and nothing else: the one external sender of new conversations' groups (RFC 9420, section 12.1.8.1)"`
	Suite        uint16      `json:"suite" doc:"MLS cipher suite of new conversations"`
	Queues       []Queue     `json:"queues"`
	Consent      ConsentForm `json:"consent" doc:"what stands before a chat of a queue that has no form of its own; without an id there is none, and chat is off"`
	Forms        []FormHead  `json:"forms" doc:"every form that is published now"`
	MaxFileBytes int         `json:"max_file_bytes"`
	ArchiveNote  string      `json:"archive_note" doc:"policy: keeper (the practice's archive is a member)"`

	// StaffSSO names the OpenID provider at which staff can sign in.
	StaffSSO string `json:"staff_sso,omitempty"`

	RecallMinutes      int                 `json:"recall_minutes" doc:"how long after it was sent a message can be taken back"`
	IdleMinutesStaff   int                 `json:"idle_minutes_staff" doc:"after how long without a touch the console locks"`
	IdleMinutesPatient int                 `json:"idle_minutes_patient" doc:"after how long without a touch the chat is hidden"`
	RiskWords          map[string][]string `json:"risk_words,omitempty" doc:"by language: the practice's own words that ask whether the patient is safe; matched on the device"`
	RecordNumbers      []string            `json:"record_numbers,omitempty" doc:"shapes of the practice's record numbers: # is a digit, @ a letter"`
	QuickExit          bool                `json:"quick_exit,omitempty" doc:"offer patients a button that leaves the page at once"`
	Majority           int                 `json:"majority" doc:"age in years at which a minor comes of age"`
}

// A Queue is where new conversations wait. A patient picks one by its reason.
type Queue struct {
	ID      string            `json:"id"`
	Reason  map[string]string `json:"reason" doc:"by language: why a patient writes"`
	Readers []string          `json:"readers" doc:"titles of the staff who work on it, and so can let themselves in and read"`
	Open    bool              `json:"open" doc:"staff are expected to answer now"`
	OpensAt int64             `json:"opens_at,omitempty" doc:"while closed: when staff are next expected"`
	Level   string            `json:"level" enum:"guest,contact,matched,signed-in" doc:"how far a patient must have shown who they are before staff discuss their health here"`
}
