package api

// A ConsentForm is a published version of what a patient agrees to:
// GET /v1/practices/{slug}/forms/{form}?version=. Once published it never
// changes.
type ConsentForm struct {
	ID          string                 `json:"id"`
	Kind        string                 `json:"kind" enum:"chat,text,email,assistant,minor,part2"`
	Version     int                    `json:"version"`
	PublishedAt int64                  `json:"published_at"`
	Texts       map[string]ConsentText `json:"texts" doc:"by language"`
}

// A FormHead is a published form without its texts.
type FormHead struct {
	ID         string   `json:"id"`
	Kind       string   `json:"kind" enum:"chat,text,email,assistant,minor,part2"`
	Version    int      `json:"version"`
	Queues     []string `json:"queues" doc:"queues that it stands before; none means all"`
	InAddition bool     `json:"in_addition" doc:"it stands beside the practice's form, not in its place"`
	Needed     bool     `json:"needed" doc:"without it there is no chat; any other may be declined"`
}

// A ConsentText is a form in one language. Its hash is SHA-256 over the UTF-8
// bytes of Title, Points and Full, joined by single line feeds.
type ConsentText struct {
	Title  string   `json:"title"`
	Points []string `json:"points" doc:"the short form"`
	Full   string   `json:"full" doc:"plain paragraphs separated by blank lines"`
	SHA256 []byte   `json:"sha256"`
	Kept   string   `json:"kept,omitempty" doc:"the paragraph of full that says how long it is kept, if it has one"`
}

// A ConsentReceipt ties a person to the exact text agreed to. The device signs
// it with its signature key over the bytes that consent.Receipt.Signed gives.
type ConsentReceipt struct {
	Form      string `json:"form" maxLength:"64"`
	Kind      string `json:"kind" maxLength:"32" doc:"the purpose: the form's kind"`
	Version   int    `json:"version" minimum:"1" maximum:"2147483647"`
	Language  string `json:"language" maxLength:"35"`
	SHA256    []byte `json:"sha256" maxLength:"64"`
	Method    string `json:"method" maxLength:"32" doc:"how it was given: checkbox"`
	At        int64  `json:"at" minimum:"0" maximum:"253402300799999" doc:"the device's clock; what counts is the hub's"`
	Signature []byte `json:"signature" maxLength:"256" doc:"ECDSA P-256, ASN.1"`
}

// GiveConsent is POST /v1/consents: a patient agrees to what has changed in a
// conversation, or, without one, to a form that goes beyond it. The same
// receipt again does no harm; one that was taken back does not come to life.
type GiveConsent struct {
	Conversation string         `json:"conversation,omitempty" maxLength:"64"`
	Receipt      ConsentReceipt `json:"receipt"`
}

// An Agreement is a receipt as the hub keeps it.
type Agreement struct {
	ConsentReceipt
	ID           string `json:"id"`
	Conversation string `json:"conversation,omitempty"`
	Person       string `json:"person"`
	Device       string `json:"device" doc:"whose key signed it"`
	Sequence     uint64 `json:"sequence" doc:"counts the practice's receipts in the order in which the hub took them"`
	ReceivedAt   int64  `json:"received_at" doc:"the hub's clock: this is when it was given"`
	WithdrawnAt  int64  `json:"withdrawn_at,omitempty"`
	Current      bool   `json:"current" doc:"it is of the version that is published now, not taken back and not run out"`
}

// ConsentGiven is the answer to GiveConsent.
type ConsentGiven struct {
	Agreement    Agreement     `json:"agreement"`
	Conversation *Conversation `json:"conversation,omitempty" doc:"how it now stands"`
}

// Agreements are a patient's own: GET /v1/consents. One is taken back by
// POST /v1/consents/{id}/withdraw; what stands before a conversation takes the
// whole conversation with it.
type Agreements struct {
	Agreements []Agreement `json:"agreements" doc:"newest first"`
	Offered    []FormHead  `json:"offered" doc:"forms that the patient may agree to besides, and has not"`
}

// ConsentDeclined is POST /v1/practices/{slug}/declined. It is counted, and
// who declined is not kept.
type ConsentDeclined struct {
	Form    string `json:"form" maxLength:"64"`
	Version int    `json:"version" minimum:"1" maximum:"2147483647"`
}

// A ConversationConsent is what a conversation stands on, for who sees it.
type ConversationConsent struct {
	Kind    string `json:"kind"`
	Form    string `json:"form"`
	Version int    `json:"version"`
	At      int64  `json:"at" doc:"the hub's clock"`
	Until   int64  `json:"until,omitempty" doc:"when it was taken back"`
}

// ConversationConsents is GET /v1/staff/conversations/{id}/consents: what a
// conversation stands on, and what its patient agreed to besides.
type ConversationConsents struct {
	Consent  string                `json:"consent" enum:"given,due,withdrawn"`
	Consents []ConversationConsent `json:"consents"`
}

// FormParts are what an author writes of a form in one language. Who can read
// is no part: the hub says that from the practice's configuration.
type FormParts struct {
	Title     string   `json:"title" maxLength:"200"`
	Points    []string `json:"points" maxItems:"8"`
	Purpose   string   `json:"purpose" maxLength:"4000"`
	Collected string   `json:"collected" maxLength:"4000"`
	Kept      string   `json:"kept" maxLength:"4000"`
	Risks     string   `json:"risks" maxLength:"4000"`
	Withdraw  string   `json:"withdraw" maxLength:"4000"`
	Contact   string   `json:"contact" maxLength:"4000"`
}

// DraftForm is PUT /v1/admin/consents/{form}/draft: it saves the draft of a
// form's next version, and begins one if there is none. Base is the Revision
// that the author saw: if somebody saved meanwhile it is a conflict.
type DraftForm struct {
	Kind       string               `json:"kind" enum:"chat,text,email,assistant,minor,part2"`
	Parts      map[string]FormParts `json:"parts" maxProperties:"12" doc:"by language"`
	Queues     []string             `json:"queues,omitempty" maxItems:"200" doc:"queues that it stands before; none means all"`
	InAddition bool                 `json:"in_addition,omitempty"`
	Months     int                  `json:"months,omitempty" minimum:"0" maximum:"1200" doc:"how long an agreement counts; 0 means until it is taken back"`
	Base       int                  `json:"base" minimum:"0" maximum:"2147483647"`
}

// FormAct is POST /v1/admin/consents/{form}/{version}/{act}:
//
//	submit   an author: the draft is done; from now on it does not change
//	return   back to a draft, with a reason
//	approve  somebody who has not written it
//	publish  it replaces the version before, and patients are asked again
//	retire   no chat begins with the form any more
//
// Whatever lets chats begin without a published form that stands before them
// now (fewer queues, or its end) waits for somebody else, who approves or
// returns it here.
type FormAct struct {
	Base   int    `json:"base,omitempty" minimum:"0" maximum:"2147483647" doc:"revision that was looked at; needed to answer a change that waits"`
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"needed to return or retire, and from both people where a text reads above grade 6 or is in a language that is not measured"`
}

// FormWaits is a change of a published version that waits for a second person.
type FormWaits struct {
	Act        string   `json:"act" enum:"queues,retire"`
	Queues     []string `json:"queues" doc:"that it would stand before; none means all"`
	InAddition bool     `json:"in_addition"`
	Reason     string   `json:"reason,omitempty"`
	At         int64    `json:"at"`
	Person     string   `json:"person"`
	Name       string   `json:"name,omitempty"`
}

// FormQueues is PUT /v1/admin/consents/{form}/{version}/queues.
type FormQueues struct {
	Queues     []string `json:"queues" maxItems:"200"`
	InAddition bool     `json:"in_addition"`
}

// FormLanguage is how far a form is in one language.
type FormLanguage struct {
	Language string       `json:"language"`
	Missing  []string     `json:"missing" doc:"parts that are empty; all of them if the language is not there"`
	Text     *ConsentText `json:"text,omitempty" doc:"as patients see it"`
	Reading  ReadingGrade `json:"reading"`
}

// ReadingGrade is how hard a text reads.
type ReadingGrade struct {
	Measured bool     `json:"measured" doc:"false for a language that there is no good formula for"`
	Grade    float64  `json:"grade" doc:"school grade in the United States"`
	Score    float64  `json:"score,omitempty" doc:"Spanish: Fernández-Huerta, more is easier"`
	Scale    string   `json:"scale,omitempty" doc:"Spanish: in the words of INFLESZ"`
	Above    bool     `json:"above" doc:"above grade 6"`
	Vouched  bool     `json:"vouched" doc:"above grade 6, or not measured in this language: it is published only with a reason from both people"`
	Hard     []string `json:"hard" doc:"the sentences that make it so; where nothing is measured, the long ones"`
}

// A FormEvent is a step of a version's life.
type FormEvent struct {
	At     int64  `json:"at"`
	Person string `json:"person,omitempty" doc:"empty for the practice's file"`
	Name   string `json:"name,omitempty"`
	Act    string `json:"act"`
	Reason string `json:"reason,omitempty"`
}

// A FormVersion is one version of a form as those see it who write forms.
type FormVersion struct {
	Form        string               `json:"form"`
	Kind        string               `json:"kind"`
	Version     int                  `json:"version"`
	State       string               `json:"state" enum:"draft,submitted,approved,published,superseded,retired"`
	Queues      []string             `json:"queues"`
	InAddition  bool                 `json:"in_addition"`
	Months      int                  `json:"months"`
	PublishedAt int64                `json:"published_at,omitempty"`
	Revision    int                  `json:"revision" doc:"grows with each change"`
	Readers     []string             `json:"readers" doc:"classes that the text names: staff, archive, assistant"`
	Widened     []string             `json:"widened" doc:"classes that read now and that the text does not name, or not all of"`
	History     []FormEvent          `json:"history"`
	Languages   []FormLanguage       `json:"languages"`
	Parts       map[string]FormParts `json:"parts,omitempty" doc:"none for a form of the practice's file"`
	May         []string             `json:"may" doc:"what the caller may do with it now"`
	Waits       *FormWaits           `json:"waits,omitempty"`
	Agreed      int                  `json:"agreed"`
	Withdrawn   int                  `json:"withdrawn"`
	Declined    int                  `json:"declined"`
}

// ConsentForms is GET /v1/admin/consents.
type ConsentForms struct {
	Forms     []FormVersion `json:"forms" doc:"every version, the newest of each form first"`
	Readers   []string      `json:"readers" doc:"classes that read now"`
	Languages []string      `json:"languages" doc:"the practice's"`
	Queues    []Queue       `json:"queues"`
	Again     AgainCount    `json:"again" doc:"who must agree again at this moment"`
	MayEdit   bool          `json:"may_edit"`
}

// AgainCount is who is asked before their next message.
type AgainCount struct {
	Open   int `json:"open" doc:"conversations that are waiting or open"`
	Closed int `json:"closed" doc:"conversations that could be opened again"`
}

// FormAgain is GET /v1/admin/consents/{form}/{version}/again: who would be
// asked again if that version were published now.
type FormAgain struct {
	AgainCount
}

// ConsentReceipts is GET /v1/admin/consent-receipts: who agreed, by opaque id.
type ConsentReceipts struct {
	Receipts []Agreement `json:"receipts" doc:"oldest first"`
	Next     uint64      `json:"next,omitempty" doc:"after= of the next page"`
}
