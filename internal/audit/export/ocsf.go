package export

import (
	"strconv"

	"github.com/sotto-health/sotto/internal/audit"
)

// ocsfVersion is the version of the Open Cybersecurity Schema Framework
// (schema.ocsf.io) that we write. What it has of what we use is in
// testdata/ocsf-schema.json, and the tests hold what we write to that.
const ocsfVersion = "1.3.0"

// hostProfile is what adds an actor to classes that have none of their own.
const hostProfile = "host"

// Classes of OCSF that our events are.
const (
	accountChange    = 3001
	authentication   = 3002
	entityManagement = 3004
	lifecycle        = 6002
)

type ocsfEvent struct {
	ActivityID   int          `json:"activity_id"`
	ActivityName string       `json:"activity_name"`
	CategoryUID  int          `json:"category_uid"`
	ClassUID     int          `json:"class_uid"`
	TypeUID      int          `json:"type_uid"`
	Time         int64        `json:"time"`
	SeverityID   int          `json:"severity_id"`
	StatusID     int          `json:"status_id"`
	StatusCode   string       `json:"status_code,omitempty"`
	Message      string       `json:"message"`
	Metadata     ocsfMetadata `json:"metadata"`
	Actor        *ocsfActor   `json:"actor,omitempty"`
	User         *ocsfUser    `json:"user,omitempty"`
	Entity       *ocsfEntity  `json:"entity,omitempty"`
	App          *ocsfProduct `json:"app,omitempty"`
	Service      *ocsfService `json:"service,omitempty"`
	SrcEndpoint  *ocsfPoint   `json:"src_endpoint,omitempty"`
	Unmapped     *plain       `json:"unmapped"`
}

type ocsfMetadata struct {
	Version  string      `json:"version"`
	UID      string      `json:"uid"`
	EventUID string      `json:"event_code"`
	LogName  string      `json:"log_name"`
	Sequence uint64      `json:"sequence"`
	Product  ocsfProduct `json:"product"`
	Tenant   string      `json:"tenant_uid"`
	CorrUID  string      `json:"correlation_uid,omitempty"`
	Profiles []string    `json:"profiles,omitempty"`
}

type ocsfProduct struct {
	Name   string `json:"name"`
	Vendor string `json:"vendor_name"`
}

type ocsfService struct {
	Name string `json:"name"`
}

type ocsfActor struct {
	User ocsfUser `json:"user"`
}

type ocsfUser struct {
	UID    string `json:"uid,omitempty"`
	Name   string `json:"name,omitempty"`
	TypeID int    `json:"type_id"`
}

type ocsfEntity struct {
	UID  string    `json:"uid"`
	Type string    `json:"type"`
	User *ocsfUser `json:"user,omitempty"` // whom it belongs to
}

type ocsfPoint struct {
	IP       string `json:"ip,omitempty"`
	Hostname string `json:"hostname,omitempty"`
	UID      string `json:"uid,omitempty"`
}

func ocsf(e *Entry) ocsfEvent {
	product := ocsfProduct{Name: "Sotto", Vendor: "Sotto"}
	p := plainEntry(e)
	out := ocsfEvent{
		Message: p.Says, Unmapped: &p,
		Metadata: ocsfMetadata{
			Version: ocsfVersion, UID: e.Practice + ":" + strconv.FormatUint(e.Number, 10), LogName: "audit", Sequence: e.Number, Product: product, Tenant: e.Practice,
		},
	}
	if e.State != "" {
		return ocsfState(e, out)
	}
	v := &e.Event
	spec, _ := audit.SpecOf(v.Kind)
	out.Time, out.SeverityID, out.StatusID = v.At, 1, 1 // informational; success
	out.Metadata.EventUID, out.Metadata.CorrUID = string(v.Kind), v.Request
	if v.Outcome != audit.Done {
		out.SeverityID, out.StatusID = 3, 2 // medium; failure
	}
	if v.Purpose() == "" {
		out.StatusCode = v.Reason
	}
	who := ocsfUser{UID: v.Person, TypeID: ocsfUserType(v.Role)}
	if v.Person == "" {
		who.Name = string(v.Role)
	}
	if v.Address != "" || v.Device != "" {
		out.SrcEndpoint = &ocsfPoint{IP: v.Address, UID: v.Device}
		if isMachine(v) {
			out.SrcEndpoint = &ocsfPoint{Hostname: v.Address, UID: v.Device}
		}
	}
	out.ClassUID, out.ActivityID = ocsfClass(spec)
	switch out.ClassUID {
	case authentication:
		out.User, out.Service = &who, &ocsfService{Name: "Sotto"}
		if whose := ocsfWhose(v, spec); whose != nil && (v.Person == "" || v.Subject != "") {
			out.Actor, out.User = &ocsfActor{who}, whose
		}
	case accountChange:
		out.Actor, out.User = &ocsfActor{who}, &who
		if whose := ocsfWhose(v, spec); whose != nil {
			out.User = whose
		}
	case lifecycle:
		out.App, out.SrcEndpoint = &product, nil // the class has none
		out.Actor, out.Metadata.Profiles = &ocsfActor{who}, []string{hostProfile}
	case entityManagement:
		out.Actor, out.Metadata.Profiles = &ocsfActor{who}, []string{hostProfile}
		out.Entity = ocsfAbout(v, spec)
	}
	return out.classified(string(v.Kind))
}

// classified returns e with what follows from its class and activity. named is
// what an activity is called that the class has no name for.
func (e ocsfEvent) classified(named string) ocsfEvent {
	e.CategoryUID, e.TypeUID, e.ActivityName = e.ClassUID/1000, e.ClassUID*100+e.ActivityID, named
	if e.ActivityID != otherActivity {
		e.ActivityName = ocsfActivity(e.ClassUID, e.ActivityID)
	}
	return e
}

// ocsfState is an entry that is not what was logged: that this was found, by us,
// at an export. Its uid is another than the entry's, so that it takes the place
// of nothing that was exported before.
func ocsfState(e *Entry, out ocsfEvent) ocsfEvent {
	out.ClassUID, out.ActivityID = entityManagement, 0 // what was done is not known
	out.Entity = &ocsfEntity{UID: out.Metadata.UID, Type: "audit-entry"}
	out.Metadata.UID += ":" + string(e.State)
	out.Metadata.EventUID = "audit-entry." + string(e.State)
	out.Time, out.SeverityID, out.StatusCode = e.Found, 5, string(e.State) // critical
	if e.State == audit.Erased {
		out.SeverityID = 1
	}
	return out.classified("")
}

// ocsfWhose is the person whom an act was about, beside who acted.
func ocsfWhose(v *audit.Event, s audit.Spec) *ocsfUser {
	switch {
	case v.Subject != "":
		return &ocsfUser{UID: v.Subject, TypeID: 1}
	case s.Object == "person" && v.Object != "":
		return &ocsfUser{UID: v.Object, TypeID: 1}
	}
	return nil
}

func ocsfAbout(v *audit.Event, s audit.Spec) *ocsfEntity {
	out := &ocsfEntity{UID: v.Practice, Type: "practice", User: ocsfWhose(v, s)}
	switch {
	case v.Object != "" && s.Object != "":
		out.UID, out.Type = v.Object, s.Object
	case v.Conversation != "":
		out.UID, out.Type = v.Conversation, "conversation"
	}
	return out
}

func ocsfUserType(r audit.Role) int {
	switch r {
	case audit.Operator:
		return 2 // admin
	case audit.Service, audit.System:
		return 3 // system
	case audit.Nobody:
		return 0 // unknown
	}
	return 1 // user
}

// otherActivity is one that the class has no number for.
const otherActivity = 99

// ocsfClass returns the class and the activity of a kind.
func ocsfClass(s audit.Spec) (class, activity int) {
	switch s.Kind {
	case audit.SignedIn, audit.SignInRefused, audit.DeviceSignedIn:
		return authentication, 1
	case audit.SignedOut, audit.SessionEnded, audit.DeviceSignedOut:
		return authentication, 2
	case audit.SetUpLinkUsed, audit.PersonAdded:
		return accountChange, 1
	case audit.PersonEnabled:
		return accountChange, 2
	case audit.PasswordChanged:
		return accountChange, 3
	case audit.SetUpLinkMade:
		return accountChange, 4
	case audit.PersonDisabled:
		return accountChange, 5
	case audit.FactorAdded:
		return accountChange, 10
	case audit.FactorRemoved:
		return accountChange, 11
	case audit.PersonChanged, audit.FactorRenamed, audit.RecoveryCodes:
		return accountChange, otherActivity
	case audit.HubStarted:
		return lifecycle, 3
	case audit.HubStopped:
		return lifecycle, 4
	}
	if s.Category == audit.Security && s.Object == "session" {
		return authentication, otherActivity
	}
	switch s.Action {
	case audit.Creates:
		return entityManagement, 1
	case audit.Reads:
		return entityManagement, 2
	case audit.Updates:
		return entityManagement, 3
	case audit.Deletes:
		return entityManagement, 4
	case audit.Executes:
	}
	return entityManagement, otherActivity
}

// ocsfActivity is what the schema calls an activity of a class.
func ocsfActivity(class, activity int) string {
	return map[int]map[int]string{
		accountChange: {
			1: "Create", 2: "Enable", 3: "Password Change", 4: "Password Reset", 5: "Disable", 10: "MFA Factor Enable", 11: "MFA Factor Disable",
		},
		authentication:   {1: "Logon", 2: "Logoff"},
		entityManagement: {0: "Unknown", 1: "Create", 2: "Read", 3: "Update", 4: "Delete"},
		lifecycle:        {3: "Start", 4: "Stop"},
	}[class][activity]
}
