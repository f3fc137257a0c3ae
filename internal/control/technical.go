package control

import "github.com/sotto-health/sotto/api"

// technical are the technical safeguards, 45 CFR 164.312.
func technical() []api.Control {
	const family, access, transmission = "technical", "SP 800-66r2, 5.3.1 Access Control", "SP 800-66r2, 5.3.5 Transmission Security"
	return []api.Control{
		{
			ID: "312(a)(1)", Family: family, Kind: api.KindRequired, NIST: access, Owner: securityOfficial, Review: 12,
			Title: "Access control", Asks: "Only people and programs that were given access get to health information.",
			HeldBy:   "Every call asks the rules of docs/policy.md; what no rule allows is refused. Reading needs the keys of a conversation, which only its members have.",
			Evidence: []string{"roles", "keeper"},
			Tests:    []string{"TestMatrix", "TestEveryRouteNeedsASession", "TestT22StrangersSeeNothing", "TestT22AnIDOfAnother", "TestEveryRuleHasATest"},
		},
		{
			ID: "312(a)(2)(i)", Family: family, Kind: api.KindRequired, NIST: access, Owner: administrator, Review: 12,
			Title: "Unique user identification", Asks: "Each person has a name or number of their own by which their acts can be told.",
			HeldBy:   "Every person and every device has an id that is never used again; a device speaks for one person.",
			Evidence: []string{"unique-people"},
			Tests:    []string{"TestStaff", "TestIDs", "TestT22NeitherBecomesTheOther"},
		},
		{
			ID: "312(a)(2)(ii)", Family: family, Kind: api.KindRequired, NIST: access, Owner: privacyOfficial, Review: 12,
			Title: "Emergency access", Asks: "There is a way to get to needed health information in an emergency.",
			HeldBy:   "A clinician goes into a chat that is closed to them with a reason and both factors, for an hour. The patient sees it, supervisors of the queue and who has the role compliance are told at once and until somebody else has reviewed it.",
			Evidence: []string{"emergencies"},
			Tests:    []string{"TestT47BreakGlass", "TestT47SupervisorsAreTold", "TestT47EmergencyIsALine", "TestT47ClaimedIsClosed", "e2e/power.test.mjs: T47 a physician goes in with a reason and both factors, and everybody sees it"},
		},
		{
			ID: "312(a)(2)(iii)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: access, Owner: administrator, Review: 12,
			Title: "Automatic logoff", Asks: "A session ends by itself after some time without use.",
			HeldBy:   "The server locks idle staff sessions and closes their connections; screens hide what is on them.",
			Evidence: []string{"idle-limit"},
			Tests:    []string{"TestT43IdleSessionsLock", "TestT54WeakeningIsNamed", "e2e/lock.test.mjs: the console locks by itself after ten minutes without an answer, and what was typed is kept"},
		},
		{
			ID: "312(a)(2)(iv)", Family: family, Kind: api.KindAddressable, Proposed: "required, with few exceptions", NIST: access, Owner: securityOfficial, Review: 12,
			Title: "Encryption at rest", Asks: "Stored health information is encrypted.",
			HeldBy:   "Content is sealed on the devices of members. The database file, the keeper's state and the archive are encrypted under keys of their own.",
			Evidence: []string{"database-encrypted", "keys-guarded", "keys-apart"},
			Tests:    []string{"TestCanaryT01", "TestHubIsBlind", "TestCannotDecrypt", "TestT01LogsHoldNoContent", "TestWrongKey"},
		},
		{
			ID: "312(b)", Family: family, Kind: api.KindRequired, Proposed: "adds alerts in real time", NIST: "SP 800-66r2, 5.3.2 Audit Controls", Owner: privacyOfficial, Review: 3,
			Title: "Audit controls", Asks: "What happens in systems with health information is recorded, and the records are examined.",
			HeldBy:   "Each act, read and refusal leaves an event in the transaction of what it records; events are in a Merkle log with signed heads, and the page proves each in the browser. The log is searched for what looks like curiosity as it grows, and who answers for it is told; each period is looked at and signed off. A SIEM may get each as it comes, and misses none.",
			Evidence: []string{"audit-log", "audit-stream", "activity-reviews", "alerts"},
			Tests:    []string{"TestEveryRouteIsAudited", "TestT41WhatIsSaidIsAudited", "TestT41RepeatsChangeNothing", "TestT41RefusedSignInsAreRecordedFirst", "TestT41CodesAreTriedWhereRecorded", "TestT41KilledAtEachWrite", "TestT41KilledAfterEachStatement", "TestT41CutAfterEachStatement", "TestT40AChangedRowIsNamed", "TestT40TamperedExport", "TestT40TamperedDatabase", "TestT40AWholeLogIsGone", "TestT40LiveKeyAndBackup", "TestT40Watch", "TestT40WatchReadsEntries", "TestT40APartOfALog", "TestT40ALookReadsTheLog", "TestT40VerifyReadsWhatWasPublished", "TestT40AnArchiveIsLookedAt", "TestT40WhatWasLetOutIsGone", "TestT40PublishedHeadsStay", "TestT40TheLastCheckIsSettled", "TestLogPartsAreNoted", "TestT40Clock", "TestAStandingLogIsNamed", "TestT40WatchersCannotBeSwitchedOffUnseen", "TestT40WitnessFindsRewriting", "TestT40WitnessOfAServer", "TestT40CosignedLog", "TestNoSentenceFits", "TestCommitmentHidesAndBinds", "TestExport", "TestAuditFilters", "TestAuditPagesStandStill", "TestT22TheLogIsForAuditors", "TestT22ExportIsForAuditors", "TestABrokenExportIsNoWhole", "TestSyslog", "TestOTLP", "TestNothingIsLost", "TestKillNineLosesNoEntry", "TestT40AChangedEntryIsNotSent", "TestT42Month", "TestT42Watched", "TestT42Reviews", "TestT42Searched"},
		},
		{
			ID: "312(c)(1)", Family: family, Kind: api.KindRequired, NIST: "SP 800-66r2, 5.3.3 Integrity", Owner: securityOfficial, Review: 12,
			Title: "Integrity", Asks: "Health information is not changed or destroyed in a way that nobody meant.",
			HeldBy:   "Each message is signed by its sender's device, positions have no gaps, and the archive's manifest is a chain of hashes.",
			Evidence: []string{"archive-verified"},
			Tests:    []string{"TestT02AlteredFrameIsRefusedAndShown", "TestT02WithheldFrameLeavesAGap", "TestChangedByteByByte", "TestVerifyNamesWhatWasDone", "TestKillNineUnderLoad"},
		},
		{
			ID: "312(c)(2)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: "SP 800-66r2, 5.3.3 Integrity", Owner: securityOfficial, Review: 12,
			Title: "Mechanism to authenticate health information", Asks: "It can be shown that stored health information was not changed.",
			HeldBy:   "sotto record verify names every object that is changed, missing or out of order, also in an archive that was put back to an earlier state.",
			Evidence: []string{"archive-verified"},
			Tests:    []string{"TestVerify", "TestNoted", "TestRollBackChangesTheManifest", "TestTamperedRecord"},
		},
		{
			ID: "312(d)", Family: family, Kind: api.KindRequired, Proposed: "two factors for everybody", NIST: "SP 800-66r2, 5.3.4 Person or Entity Authentication", Owner: administrator, Review: 12,
			Title: "Person or entity authentication", Asks: "Who asks for access is who they say.",
			HeldBy:   "Staff sign in with a passkey, or with a password and an authenticator app; there is no switch. The practice's authority confirms each device.",
			Evidence: []string{"two-factors", "passkeys", "devices-certified"},
			Tests:    []string{"TestSetUpLinks", "TestSSO", "TestSSOSecondFactor", "TestT29fForgedTokens", "TestT27SignInSaysNothing", "TestT28Guessing", "TestT28LookAlikeOrigin", "TestT29CodesWorkOnce", "TestT03PasskeysVouchForDevices", "TestT03EveryAddIsShown", "TestT03EachDeviceIsShownToItsPerson", "TestT03EachPatientsDeviceIsShownToThem"},
		},
		{
			ID: "312(e)(1)", Family: family, Kind: api.KindRequired, NIST: transmission, Owner: securityOfficial, Review: 12,
			Title: "Transmission security", Asks: "Health information is guarded against others while it travels.",
			HeldBy:   "Messages are encrypted from device to device (MLS, RFC 9420); the links are TLS 1.2 or 1.3 beside that.",
			Evidence: []string{"tls", "database-link"},
			Tests:    []string{"TestT24ForeignOrigins", "TestT25WhoMayFrame", "TestT54Doctor", "TestCanaryT01"},
		},
		{
			ID: "312(e)(2)(i)", Family: family, Kind: api.KindAddressable, Proposed: "required", NIST: transmission, Owner: securityOfficial, Review: 12,
			Title: "Integrity controls in transit", Asks: "What travels cannot be changed without notice.",
			HeldBy:   "Each frame is authenticated by its sender; replayed, reordered and dropped ones are noticed and shown.",
			Evidence: []string{"suite"},
			Tests:    []string{"TestT02ReplayedFrameIsShownOnce", "TestT02ReorderedFramesAreShownAsSuch", "TestT02SubstitutedOwnFrameIsNoticed", "TestT04TwoCommitsForOneEpoch"},
		},
		{
			ID: "312(e)(2)(ii)", Family: family, Kind: api.KindAddressable, Proposed: "required, with few exceptions", NIST: transmission, Owner: securityOfficial, Review: 12,
			Title: "Encryption in transit", Asks: "What travels is encrypted.",
			HeldBy:   "There is no unencrypted way to send: the cipher suite stands in the group's signed context.",
			Evidence: []string{"suite", "tls"},
			Tests:    []string{"TestT08WeakSuiteIsRefused", "TestT08WeakGroupInfoIsRefused", "TestT05RemovedDeviceReadsNothingMore"},
		},
		{
			ID: "312(h) proposed", Cite: "proposed 45 CFR 164.312(h), 90 FR 898", Family: family, Kind: api.KindProposed, Proposed: "scan for weaknesses every 6 months, test by attack every 12", Owner: securityOfficial, Review: 6,
			Title: "Vulnerability management", Asks: "The proposed rule would ask for scans and tests of weaknesses on a schedule.",
			HeldBy:   "The project looks for known vulnerabilities in what it links before each change lands.",
			Evidence: []string{"release"},
			Missing:  "No scan or penetration test of this installation is noted anywhere.",
		},
		{
			ID: "312(i) proposed", Cite: "proposed 45 CFR 164.312(i), 90 FR 898", Family: family, Kind: api.KindProposed, Proposed: "backups not older than 48 hours, apart from the systems they are of", Owner: administrator, Review: 1,
			Title: "Data backup and recovery, technical", Asks: "The proposed rule would ask for backups that are never older than 48 hours.",
			HeldBy:   "sotto doctor and this map look at the age of the newest whole backup, by its sealed list of files.",
			Evidence: []string{"backup", "backup-apart"},
			Tests:    []string{"TestT54SeededMistakes"},
		},
		{
			ID: "312(j) proposed", Cite: "proposed 45 CFR 164.312(j), 90 FR 898", Family: family, Kind: api.KindProposed, Proposed: "backups of the systems themselves, apart from them, tried every 6 months", Owner: administrator, Review: 6,
			Title: "Information systems backup and recovery", Asks: "The proposed rule would ask for backups of the systems themselves, apart from what they are of, and for a trial of them every six months.",
			HeldBy:   "The program is one file; the data folder and the database are all of its state. sotto doctor and this map look at whether backups lie apart, and when one was last restored for a trial.",
			Evidence: []string{"backup-apart", "backup-trial"},
			Tests:    []string{"TestBackupOfARunningServerIsRestored", "TestBackupNamesWhatWasChanged", "TestT54SeededMistakes"},
			Missing:  "A trial restores the data, and not a bare machine with its system: that is not noted anywhere.",
		},
		{
			ID: "312(c) proposed", Cite: "proposed 45 CFR 164.312(c), 90 FR 898", Family: family, Kind: api.KindProposed, Proposed: "configuration: no needless software, closed ports", Owner: administrator, Review: 6,
			Title: "Configuration management", Asks: "The proposed rule would ask for systems set up alike, without needless software and open ports.",
			HeldBy:   "One program and one port; sotto doctor finds exposed metrics, profilers, loose file modes and default secrets.",
			Evidence: []string{"doctor"},
			Tests:    []string{"TestT54SeededMistakes", "TestT54Doctor"},
		},
		{
			ID: "312(a)(2)(vi) proposed", Cite: "proposed 45 CFR 164.312(a)(2)(vi), 90 FR 898", Family: family, Kind: api.KindProposed, Proposed: "network segmentation", Owner: securityOfficial, Review: 12,
			Title: "Network segmentation", Asks: "The proposed rule would ask that networks are divided, so that who breaks into one part does not have all.",
			HeldBy:   "The record keeper runs on a machine of its own if the practice wants, and only makes outgoing connections. Staff can be held to networks.",
			Evidence: []string{"networks"},
			Tests:    []string{"TestNetworks"},
		},
	}
}
