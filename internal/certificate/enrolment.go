package certificate

// An Enrolment is what a hub has to know of a keeper before it may sign in. It
// holds no secret: the keeper's administrator hands it to the hub's.
type Enrolment struct {
	Practice     string `json:"practice"` // id
	Slug         string `json:"slug"`
	Person       string `json:"person"`
	Device       string `json:"device"`
	Name         string `json:"name"`
	Title        string `json:"title"`
	AuthorityKey []byte `json:"authority_key"` // P-256, SEC 1 uncompressed
	PublicKey    []byte `json:"public_key"`    // of the device
	Certificate  []byte `json:"certificate"`
	NameCard     []byte `json:"name_card"`
}
