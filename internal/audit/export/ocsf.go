package export

import (
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/internal/audit"
)

// ocsfVersion is the version of the Open Cybersecurity Schema Framework
// (schema.ocsf.io) that we write.
const ocsfVersion = "1.3.0"

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
	UID  string `json:"uid"`
	Type string `json:"type"`
}

type ocsfPoint struct {
	IP  string `json:"ip,omitempty"`
	UID string `json:"uid,omitempty"`
}

func ocsf(e Entry) ocsfEvent {
	v := &e.Event
	spec, _ := audit.SpecOf(v.Kind)
	product := ocsfProduct{Name: "Sotto", Vendor: "Sotto"}
	p := plainEntry(e)
	out := ocsfEvent{
		Time: v.At, SeverityID: 1, StatusID: 1, StatusCode: v.Reason, Message: spec.Says, ActivityName: string(v.Kind),
		Metadata: ocsfMetadata{
			Version: ocsfVersion, UID: v.Practice + ":" + strconv.FormatUint(e.Number, 10), EventUID: string(v.Kind), LogName: "audit",
			Sequence: e.Number, Product: product, Tenant: v.Practice, CorrUID: v.Request,
		},
		Unmapped: &p,
	}
	if v.Outcome != audit.Done {
		out.SeverityID, out.StatusID = 3, 2 // medium; failure
	}
	who := ocsfUser{UID: v.Person, Name: string(v.Role), TypeID: ocsfUserType(v.Role)}
	if v.Person != "" {
		who.Name = ""
	}
	if v.Address != "" || v.Device != "" {
		out.SrcEndpoint = &ocsfPoint{IP: v.Address, UID: v.Device}
	}
	out.ClassUID, out.ActivityID = ocsfClass(v.Kind, spec)
	switch out.ClassUID {
	case authentication:
		out.User, out.Service = &who, &ocsfService{Name: "Sotto"}
		if who.UID == "" && spec.Object == "person" && v.Object != "" {
			out.User = &ocsfUser{UID: v.Object, TypeID: 1}
		}
	case accountChange:
		out.Actor = &ocsfActor{who}
		out.User = &who
		if spec.Object == "person" && v.Object != "" {
			out.User = &ocsfUser{UID: v.Object, TypeID: 1}
		}
	case lifecycle:
		out.App = &product
		out.Actor = &ocsfActor{who}
	case entityManagement:
		out.Actor = &ocsfActor{who}
		out.Entity = ocsfAbout(v, spec)
	}
	out.CategoryUID, out.TypeUID = out.ClassUID/1000, out.ClassUID*100+out.ActivityID
	return out
}

func ocsfAbout(v *audit.Event, s audit.Spec) *ocsfEntity {
	switch {
	case v.Object != "" && s.Object != "":
		return &ocsfEntity{UID: v.Object, Type: s.Object}
	case v.Conversation != "":
		return &ocsfEntity{UID: v.Conversation, Type: "conversation"}
	}
	return &ocsfEntity{UID: v.Practice, Type: "practice"}
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

// ocsfClass returns the class and the activity of a kind.
func ocsfClass(k audit.Kind, s audit.Spec) (class, activity int) {
	const other = 99
	switch k {
	case audit.SignedIn, audit.SignInRefused, audit.DeviceSignedIn:
		return authentication, 1
	case audit.SignedOut, audit.SessionEnded, audit.DeviceSignedOut:
		return authentication, 2
	case audit.SetUpLinkUsed, audit.PersonAdded:
		return accountChange, 1
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
		return accountChange, other
	case audit.HubStarted:
		return lifecycle, 3
	case audit.HubStopped:
		return lifecycle, 4
	}
	if s.Category == audit.Security && s.Object == "session" {
		return authentication, other
	}
	switch verb(k) {
	case create:
		return entityManagement, 1
	case read:
		return entityManagement, 2
	case change:
		return entityManagement, 3
	case remove:
		return entityManagement, 4
	}
	return entityManagement, other
}

// What an act does to its object.
type doing int

const (
	execute doing = iota
	create
	read
	change
	remove
)

// verb is what a kind does, by the last word of its name: the vocabulary is
// made of a noun and a past participle.
func verb(k audit.Kind) doing {
	_, word, _ := strings.Cut(string(k), ".")
	switch word {
	case "added", "begun", "given", "registered", "issued", "made", "published", "sent", "proposed", "granted", "recorded":
		return create
	case "opened", "listed", "downloaded", "read", "explained", "exported", "verified", "shared", "reviewed", "seen", "looked-at":
		return read
	case "changed", "renamed", "configured", "taken", "taken-over", "joined", "left", "closed", "reopened", "rated", "rejoined", "vouched", "claimed", "linked", "unlinked", "enabled", "hidden", "shown", "confirmed":
		return change
	case "removed", "dropped", "revoked", "withdrawn", "disabled", "ended", "struck", "ended-sessions":
		return remove
	}
	return execute
}
