package control

import "github.com/sotto-health/sotto/api"

// physical are the physical safeguards, 45 CFR 164.310, and the documents of
// 164.316.
func physical() []api.Control {
	const family, media, documents = "physical", "SP 800-66r2, 5.2.4 Device and Media Controls", "SP 800-66r2, 5.5.2 Documentation"
	return []api.Control{
		{
			ID: "310(a)", Family: family, Kind: api.KindRequired, NIST: "SP 800-66r2, 5.2.1 Facility Access Controls", Owner: securityOfficial, Review: 12,
			Title: "Facility access", Asks: "Only those who should get to the machines.",
			HeldBy:   "A stolen disk shows nothing without the keys.",
			Evidence: []string{"facility"},
		},
		{
			ID: "310(b)", Family: family, Kind: api.KindRequired, NIST: "SP 800-66r2, 5.2.2 Workstation Use", Owner: privacyOfficial, Review: 12,
			Title: "Workstation use", Asks: "It is said how and where screens with health information are used.",
			HeldBy:   "Unused screens hide what is on them; notices and titles name nobody.",
			Evidence: []string{"idle-limit"},
			Tests:    []string{"e2e/lock.test.mjs: the console locks on demand, and nothing of a chat is left on the page", "e2e/lock.test.mjs: messages that come while it is locked are not read out"},
		},
		{
			ID: "310(c)", Family: family, Kind: api.KindRequired, NIST: "SP 800-66r2, 5.2.3 Workstation Security", Owner: privacyOfficial, Review: 12,
			Title: "Workstation security", Asks: "Only those who should get to such a screen.",
			HeldBy:   "A locked console needs both factors; a reload does not open it.",
			Evidence: []string{"idle-limit", "two-factors"},
			Tests:    []string{"internal/httpapi.TestT43IdleSessionsLock", "e2e/lock.test.mjs: a reload does not open it, nor does a wrong password"},
		},
		{
			ID: "310(d)(2)(i)", Family: family, Kind: api.KindRequired, NIST: media, Owner: securityOfficial, Review: 12,
			Title: "Disposal", Asks: "Health information is gone from what is thrown away.",
			HeldBy:   "Without its keys a disk shows nothing.",
			Evidence: []string{"database-encrypted", "keys-guarded"},
			Missing:  "There is no command that destroys a key and writes a certificate of it.",
		},
		{
			ID: "310(d)(2)(ii)", Family: family, Kind: api.KindRequired, NIST: media, Owner: securityOfficial, Review: 12,
			Title: "Re-use of media", Asks: "Health information is gone from what is used again.",
			HeldBy:   "Without its keys a disk shows nothing. On a device that others use nothing is kept.",
			Evidence: []string{"database-encrypted", "keys-guarded"},
			Tests:    []string{"e2e/offline.test.mjs: on a device of others nothing is kept", "e2e/crosssite.test.mjs: with the page the chat is gone"},
			Missing:  "There is no command that destroys a key and writes a certificate of it.",
		},
		{
			ID: "310(d)(2)(iii)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: media, Owner: administrator, Review: 6,
			Title: "Accountability of devices", Asks: "It is known who has which device.",
			HeldBy:   "Every device that can read is on a list with its person; nobody can be added unseen.",
			Evidence: []string{"devices-certified"},
			Tests: []string{
				"internal/device.TestT03EveryAddIsShown",
				"internal/device.TestT03GhostAddedByAMember",
				"internal/device.TestT03ForgedCertificateOfOwnDevice",
			},
		},
		{
			ID: "310(d)(2)(iv)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: media, Owner: administrator, Review: 12,
			Title: "Backup before equipment moves", Asks: "There is a copy before a machine is moved.",
			Evidence: []string{"backup"},
			Tests:    []string{"internal/doctor.TestT54SeededMistakes"},
		},
		{
			ID: "316(a)", Family: family, Kind: api.KindRequired, NIST: "SP 800-66r2, 5.5.1 Policies and Procedures", Owner: privacyOfficial, Review: 12,
			Title: "Policies and procedures", Asks: "The practice has written policies for all this.",
			Missing: "There is no library of the practice's policies.",
		},
		{
			ID: "316(b)(1)", Family: family, Kind: api.KindRequired, NIST: documents, Owner: privacyOfficial, Review: 12,
			Title: "Documentation", Asks: "Policies and what is done for them are written down.",
			HeldBy:   "Consent forms are kept by version for ever; each look at these controls is kept with its date.",
			Evidence: []string{"consent-form"},
			Tests:    []string{"cmd/sotto.TestPracticeApply", "cmd/sotto.TestControlsCommand"},
			Missing:  "Documents beside consent forms and these looks are not kept here.",
		},
		{
			ID: "316(b)(2)(i)", Family: family, Kind: api.KindRequired, NIST: documents, Owner: privacyOfficial, Review: 12,
			Title: "Six years", Asks: "Documents are kept for six years.",
			HeldBy:   "Nothing deletes the audit log, consent forms, receipts, the archive or these looks; the audit log can be kept in a second place, as it grows.",
			Evidence: []string{"log-kept"},
			Tests: []string{
				"internal/architecture.TestNothingDeletesTheLog",
				"internal/store/postgres.TestLogKept",
				"internal/store/sqlite.TestLogKept",
				"internal/host.TestT40ArchiveGrows",
				"cmd/sotto.TestArchivedLogs",
			},
			Missing: "There is no retention lock that holds against who runs the machine.",
		},
		{
			ID: "316(b)(2)(ii)", Family: family, Kind: api.KindRequired, NIST: documents, Owner: privacyOfficial, Review: 12,
			Title: "Availability of documents", Asks: "Those who need the documents can get at them.",
			Missing: "There is no library of the practice's policies.",
		},
		{
			ID: "316(b)(2)(iii)", Family: family, Kind: api.KindRequired, Proposed: "every 12 months", NIST: documents, Owner: privacyOfficial, Review: 12,
			Title: "Updates of documents", Asks: "Documents are looked at and renewed.",
			Missing: "There is no library of the practice's policies.",
		},
	}
}
