package control

import "github.com/sotto-health/sotto/api"

// administrative are the administrative safeguards, 45 CFR 164.308, and the
// contracts of 164.314.
func administrative() []api.Control {
	const (
		family      = "administrative"
		management  = "SP 800-66r2, 5.1.1 Security Management Process"
		workforce   = "SP 800-66r2, 5.1.3 Workforce Security"
		information = "SP 800-66r2, 5.1.4 Information Access Management"
		training    = "SP 800-66r2, 5.1.5 Security Awareness and Training"
		contingency = "SP 800-66r2, 5.1.7 Contingency Plan"
	)
	return []api.Control{
		{
			ID: "308(a)(1)(ii)(A)", Family: family, Kind: api.KindRequired, Proposed: "written, every year, from an inventory and a network map", NIST: management, Owner: securityOfficial, Review: 12,
			Title: "Risk analysis", Asks: "The practice knows what could go wrong with its health information, and how badly.",
			HeldBy:   "sotto inventory lists what there is and where data flows, from the live configuration.",
			Evidence: []string{"inventory"},
			Missing:  "There is no risk register: keep one yourself, from the inventory.",
		},
		{
			ID: "308(a)(1)(ii)(B)", Family: family, Kind: api.KindRequired, Proposed: "patches within 15 and 30 days", NIST: management, Owner: securityOfficial, Review: 6,
			Title: "Risk management", Asks: "Risks are brought down to what is reasonable.",
			Evidence: []string{"doctor", "release"},
			Missing:  "Treatments, owners and dates of risks are not kept here.",
		},
		{
			ID: "308(a)(1)(ii)(C)", Family: family, Kind: api.KindRequired, NIST: management, Owner: privacyOfficial, Review: 12,
			Title: "Sanction policy", Asks: "Staff who break the rules meet consequences, and that is written down.",
			Missing: "There is no register of sanctions.",
		},
		{
			ID: "308(a)(1)(ii)(D)", Family: family, Kind: api.KindRequired, NIST: management, Owner: privacyOfficial, Review: 1,
			Title: "Review of activity", Asks: "Logs and reports of access are looked at regularly.",
			HeldBy:   "Those who answer for the practice read and filter the log in the administrators' page, and sign off each period with what they found; reading it is recorded too. The practice's own SIEM may get it as it grows.",
			Evidence: []string{"audit-log", "audit-stream", "activity-reviews", "alerts"},
			Tests: []string{
				"internal/httpapi.TestT22ActivityReviews",
				"internal/httpapi.TestActivityGaps",
				"internal/audit/alert.TestT42Month",
				"internal/httpapi.TestT42Reviews",
				"internal/auditlog/stream.TestSyslog",
				"internal/auditlog/stream.TestOTLP",
				"internal/auditlog/stream.TestOutage",
			},
		},
		{
			ID: "308(a)(2)", Family: family, Kind: api.KindRequired, NIST: "SP 800-66r2, 5.1.2 Assigned Security Responsibility", Owner: securityOfficial, Review: 12,
			Title: "Security official", Asks: "One named person answers for security.",
			HeldBy:   "Somebody with the role compliance can see this map, and who can read what.",
			Evidence: []string{"official"},
		},
		{
			ID: "308(a)(3)(ii)(A)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: workforce, Owner: administrator, Review: 12,
			Title: "Authorization and supervision", Asks: "Staff work with health information only as somebody has allowed and looks after.",
			HeldBy:   "Administrators alone add people and give roles, and cannot read chats themselves.",
			Evidence: []string{"roles", "administrators"},
			Tests: []string{
				"internal/httpapi.TestPeople",
				"internal/httpapi.TestSCIMUsers",
				"internal/httpapi.TestSCIMGroups",
				"internal/httpapi.TestSSOGroups",
				"internal/httpapi.TestSSOLeftAllGroups",
				"internal/httpapi.TestOwnRole",
				"internal/policy.TestBoundaries",
				"internal/httpapi.TestAdministratorsDoNotHearOfChats",
			},
		},
		{
			ID: "308(a)(3)(ii)(B)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: workforce, Owner: administrator, Review: 12,
			Title: "Workforce clearance", Asks: "Somebody checks that each person's access is right for their work.",
			HeldBy:   "Who has much power was agreed on by two people; what everybody may do is confirmed by somebody else every 90 days, or as often as the practice says.",
			Evidence: []string{"roles", "access-reviews"},
			Tests:    []string{"internal/httpapi.TestT22AccessReviews", "internal/httpapi.TestT22TwoForMuchPower"},
		},
		{
			ID: "308(a)(3)(ii)(C)", Family: family, Kind: api.KindAddressable, Proposed: "required, within one hour; others told within 24 hours", NIST: workforce, Owner: administrator, Review: 3,
			Title: "Termination", Asks: "Who leaves loses access.",
			HeldBy:   "Disabling a person ends sessions, connections and devices within a second; the keeper takes the devices out of every chat.",
			Evidence: []string{"unused-accounts"},
			Tests: []string{
				"internal/httpapi.TestT43DisabledElsewhere",
				"internal/httpapi.TestT43DisabledByTheDirectory",
				"internal/httpapi.TestT43DisabledByAnAdministrator",
				"internal/httpapi.TestT29fBackChannelLogout",
				"internal/httpapi.TestNewRoleEndsAccess",
				"internal/httpapi.TestT44RevokedDeviceLeavesGroups",
				"internal/device.TestT05RemovedDeviceReadsNothingMore",
			},
		},
		{
			ID: "308(a)(4)(ii)(A)", Family: family, Kind: api.KindRequired, NIST: information, Owner: securityOfficial, Review: 12,
			Title: "Isolating clearinghouse functions", Asks: "A health care clearinghouse inside a larger organization keeps its data apart.",
			Evidence: []string{"clearinghouse"},
		},
		{
			ID: "308(a)(4)(ii)(B)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: information, Owner: administrator, Review: 12,
			Title: "Access authorization", Asks: "There is a policy of who gets access to what.",
			HeldBy:   "The rules are sentences that people can read (docs/policy.md), and a decision names the rule that made it.",
			Evidence: []string{"roles"},
			Tests: []string{
				"internal/policy.TestMatrix",
				"internal/policy.TestTable",
				"internal/policy.TestBoundaries",
				"internal/httpapi.TestReaders",
				"internal/policy.TestDocument",
			},
		},
		{
			ID: "308(a)(4)(ii)(C)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: information, Owner: administrator, Review: 3,
			Title: "Access establishment and change", Asks: "Access is given, reviewed and changed by that policy.",
			HeldBy:   "Nobody gives themselves a role; roles with much power are asked for by one and approved by another; a new role ends what the old one had open. What each may do is confirmed again and again; what runs the practice falls if nobody does.",
			Evidence: []string{"roles", "unused-accounts", "access-reviews"},
			Tests: []string{
				"internal/httpapi.TestT22AccessReviews",
				"internal/httpapi.TestUnconfirmedRolesFall",
				"internal/httpapi.TestOwnRole",
				"internal/httpapi.TestT22TwoForMuchPower",
				"internal/httpapi.TestDirectoryAsksToo",
				"internal/httpapi.TestT43NobodyBecomesThem",
				"internal/httpapi.TestNewRoleEndsAccess",
				"internal/httpapi.TestPeople",
			},
		},
		{
			ID: "308(a)(5)(ii)(A)", Family: family, Kind: api.KindAddressable, Proposed: "required, every year and within 30 days for new staff", NIST: training, Owner: privacyOfficial, Review: 12,
			Title: "Security reminders and training", Asks: "Staff are taught, and reminded.",
			Missing: "There is no training register.",
		},
		{
			ID: "308(a)(5)(ii)(B)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: training, Owner: securityOfficial, Review: 12,
			Title: "Protection from malicious software", Asks: "Systems are guarded against malicious software.",
			HeldBy:   "Files are taken by kind, which their first bytes tell, on the devices of members, before they are sent and before they are opened. The pages run no foreign script.",
			Evidence: []string{"release"},
			Tests: []string{
				"web/src/ui/files/check.test.ts: what can run is refused by its first bytes",
				"internal/httpapi.TestT26NoThirdParty",
				"internal/httpapi.TestT25WhoMayFrame",
			},
			Missing: "Scanning of files by an antivirus program is not built.",
		},
		{
			ID: "308(a)(5)(ii)(C)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: training, Owner: securityOfficial, Review: 3,
			Title: "Log-in monitoring", Asks: "Attempts to sign in are watched.",
			HeldBy:   "People see their own sign-ins and unusual ones; guesses slow down, by where they come from.",
			Evidence: []string{"sign-ins"},
			Tests: []string{
				"internal/httpapi.TestSignInsAreShown",
				"internal/httpapi.TestT28Guessing",
				"internal/httpapi.TestRateLimits",
			},
		},
		{
			ID: "308(a)(5)(ii)(D)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: training, Owner: administrator, Review: 12,
			Title: "Password management", Asks: "Passwords are made, changed and guarded by rules.",
			HeldBy:   "30,000 common passwords and what is built from them are refused, each has a second factor, and hashes are Argon2id.",
			Evidence: []string{"two-factors"},
			Tests: []string{
				"internal/password.TestCommonAreRefused",
				"internal/password.TestT28Policy",
				"internal/password.TestExpiry",
				"internal/password.TestHash",
				"internal/httpapi.TestFactorsNeedBothFactorsAgain",
			},
		},
		{
			ID: "308(a)(6)(ii)", Family: family, Kind: api.KindRequired, Proposed: "written plan, tested every year", NIST: "SP 800-66r2, 5.1.6 Security Incident Procedures", Owner: securityOfficial, Review: 12,
			Title: "Response and reporting", Asks: "Incidents are found, answered and written down.",
			Missing: "There is no incident register.",
		},
		{
			ID: "308(a)(7)(ii)(A)", Family: family, Kind: api.KindRequired, Proposed: "not older than 48 hours, restore tested every month", NIST: contingency, Owner: administrator, Review: 1,
			Title: "Data backup plan", Asks: "There are exact copies of health information that can be got back.",
			HeldBy:   "sotto backup make copies hub, keeper and record of one moment, without keys, and seals a list of every file. This map looks at the newest whole one's age and at whether it is on another disk.",
			Evidence: []string{"backup", "backup-apart"},
			Tests: []string{
				"e2e/proof.TestBackupOfARunningServerIsRestored",
				"cmd/sotto.TestBackupNamesWhatWasChanged",
				"e2e/proof.TestBackupBesidePostgreSQL",
				"internal/store/sqlitefile.TestSnapshotIsOfOneMoment",
				"internal/doctor.TestT54SeededMistakes",
			},
		},
		{
			ID: "308(a)(7)(ii)(B)", Family: family, Kind: api.KindRequired, Proposed: "restored within 72 hours", NIST: contingency, Owner: administrator, Review: 12,
			Title: "Disaster recovery plan", Asks: "Lost data can be restored.",
			HeldBy:   "sotto backup restore puts a backup into a new folder and checks all of it first. Conversations go on from the backup's position, under keys that were never used; sessions of staff end; the log says that it was restored.",
			Evidence: []string{"backup-trial"},
			Tests: []string{
				"e2e/proof.TestBackupOfARunningServerIsRestored",
				"internal/device.TestRestoredKeeperSealsWithNewKeysAlone",
				"cmd/sotto.TestRestoreRefuses",
			},
		},
		{
			ID: "308(a)(7)(ii)(C)", Family: family, Kind: api.KindRequired, NIST: contingency, Owner: securityOfficial, Review: 12,
			Title: "Emergency mode operation", Asks: "Critical work goes on, safely, while systems are down.",
			HeldBy:   "Chat itself needs no other service but its database; what is set up beside it may be needed to sign in or to reach patients. Without a network the patient's chat opens with what was said, and what is typed goes out later.",
			Evidence: []string{"stands-alone"},
			Tests: []string{
				"internal/keeper.TestKeeperIsDown",
				"e2e/proof.TestKeeperAway",
				"e2e/offline.test.mjs: the chat opens without a network, with what was said and what waits",
				"e2e/story.test.mjs: a killed server loses nothing",
			},
		},
		{
			ID: "308(a)(7)(ii)(D)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: contingency, Owner: administrator, Review: 12,
			Title: "Testing of the contingency plan", Asks: "The plan is tried and mended.",
			HeldBy:   "sotto backup verify restores a backup for a trial, checks all of it and writes down what came of it. Other parts of the plan are for the practice to try.",
			Evidence: []string{"backup-trial"},
			Tests:    []string{"cmd/sotto.TestBackupNamesWhatWasChanged"},
		},
		{
			ID: "308(a)(7)(ii)(E)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: contingency, Owner: securityOfficial, Review: 12,
			Title: "Criticality analysis", Asks: "It is known which data and programs matter most.",
			HeldBy:   "The inventory says of each asset how much depends on it.",
			Evidence: []string{"inventory"},
			Tests:    []string{"internal/inventory.TestInventory", "cmd/sotto.TestInventoryCommand"},
		},
		{
			ID: "308(a)(8)", Family: family, Kind: api.KindRequired, Proposed: "an audit of compliance every year", NIST: "SP 800-66r2, 5.1.8 Evaluation", Owner: securityOfficial, Review: 12,
			Title: "Evaluation", Asks: "The practice looks at its safeguards regularly and after changes.",
			HeldBy:   "sotto controls and sotto doctor look at the live installation; each look is kept with its date.",
			Evidence: []string{"doctor"},
			Tests:    []string{"cmd/sotto.TestControlsCommand", "cmd/sotto.TestT54Doctor"},
		},
		{
			ID: "308(b)(1)", Family: family, Kind: api.KindRequired, Proposed: "written verification every year; told within 24 hours of a contingency", NIST: "SP 800-66r2, 5.1.9 Business Associate Contracts", Owner: privacyOfficial, Review: 12,
			Title: "Business associate contracts", Asks: "Others who handle health information for the practice are bound by contract.",
			HeldBy:   "This map names the services that are set up here.",
			Evidence: []string{"outside-services"},
			Missing:  "There is no register of contracts. Whoever runs the hub or stores its database and backups for you is a business associate, even without keys.",
		},
		{
			ID: "314(a)", Family: family, Kind: api.KindRequired, NIST: "SP 800-66r2, 5.4.1 Business Associate Contracts or Other Arrangements", Owner: privacyOfficial, Review: 12,
			Title: "Contents of those contracts", Asks: "The contracts say what the rule asks for.",
			Missing: "Contracts are not kept here.",
		},
		{
			ID: "314(b)", Family: family, Kind: api.KindRequired, NIST: "SP 800-66r2, 5.4.2 Requirements for Group Health Plans", Owner: privacyOfficial, Review: 12,
			Title: "Group health plans", Asks: "A group health plan's documents bind its sponsor.",
			Evidence: []string{"group-health-plan"},
		},
	}
}
