package control

import "github.com/sotto-health/sotto/api"

// privacy are the parts of the Privacy Rule that a chat meets, 45 CFR 164
// subpart E.
func privacy() []api.Control {
	const family = "privacy"
	own := func(id, title, asks string, c api.Control) api.Control {
		c.ID, c.Title, c.Asks, c.Family = id, title, asks, family
		if c.Kind == "" {
			c.Kind = api.KindRequired
		}
		if c.Owner == "" {
			c.Owner = privacyOfficial
		}
		if c.Review == 0 {
			c.Review = 12
		}
		return c
	}
	return []api.Control{
		own("502(b), 514(d)", "Minimum necessary", "Beside treatment, people see no more than their work needs.", api.Control{
			HeldBy:   "Roles by purpose; who runs the system cannot read; staff see the chats of their queues.",
			Evidence: []string{"roles", "queues"},
			Tests: []string{
				"internal/policy.TestMatrix",
				"internal/hub.TestStaffHearOfTheirQueues",
				"internal/httpapi.TestAdministratorsDoNotHearOfChats",
			},
			Missing: "Masking of numbers and names by role is not built.",
		}),
		own("502(e), 504(e)", "Business associates", "Others get health information only under contract.", api.Control{
			Missing: "There is no register of contracts.",
		}),
		own("502(g)", "Personal representatives and minors", "Who may act for a patient is treated as the patient, within limits.", api.Control{
			HeldBy: "Who writes for another does so by a grant of the practice, which ends on a day or when a minor comes of age; what is confidential stays from them. A form about minors stands before the chats of whoever writes for one.",
			Tests: []string{
				"internal/httpapi.TestT22ExProxy",
				"internal/httpapi.TestT22GrantLapsesOnTheBirthday",
				"internal/httpapi.TestT22Confidential",
				"internal/httpapi.TestT50FormForMinors",
				"internal/httpapi.TestT50FormForMinorsByGrant",
			},
			Missing: "What a state's law says of minors is for the practice to set, and this map does not look at it yet.",
		}),
		own("506, 508", "Consent and authorization", "Uses beside treatment, payment and operations need a written authorization that can be taken back.", api.Control{
			HeldBy:   "Nobody writes before agreeing to a form whose exact text is signed by their device; consent is taken back in two presses.",
			Evidence: []string{"consent-form"},
			Tests: []string{
				"internal/httpapi.TestConsent",
				"internal/device.TestConsentWithdrawn",
				"internal/consent.TestReceiptBindsEveryField",
				"internal/httpapi.TestT50Receipts",
				"internal/httpapi.TestT50NoConsentNoFrame",
				"internal/httpapi.TestT50NoConsentOtherWays",
				"internal/httpapi.TestT50NoConsentOnSockets",
				"internal/httpapi.TestT50NoConsentForOthers",
				"internal/httpapi.TestT50TakenBackPastTheGrant",
				"internal/device.TestT50TakenBackFromAKeptChat",
				"internal/httpapi.TestT29dOrderOfSteps",
				"internal/httpapi.TestT50FormForPart2",
				"e2e/story.test.mjs: consent is taken back in two presses, and nobody can write any more",
			},
		}),
		own("510(b)", "Family and friends", "The patient may object before others hear of their care.", api.Control{
			Missing: "There is no record of whom the practice may talk with.",
		}),
		own("512", "Uses that need no consent", "Disclosures for law, public health and threats follow their own conditions.", api.Control{
			Kind: api.KindPermitted, Missing: "Such disclosures are written down under Patient reports, but nothing asks whether the conditions of each are met.",
		}),
		own("514(a)-(b)", "De-identification", "Data is de-identified only by one of two methods.", api.Control{
			Kind: api.KindPermitted, Evidence: []string{"no-deidentification"},
		}),
		own("514(h)", "Verifying who asks", "The practice makes sure of who it tells.", api.Control{
			HeldBy: "Patients show who they are in steps: a contact, what is on file, a passkey or the practice's portal. Staff see the step, and the record, beside the chat. " +
				"Members of a chat are on a list that both can open, and can compare a safety code.",
			Evidence: []string{"proofing"},
			Tests: []string{
				"internal/httpapi.TestPatientsAreMatchedWithTheRoster",
				"internal/httpapi.TestStaffConfirmAndAsk",
				"internal/httpapi.TestPortalRaisesTheDevice",
				"internal/httpapi.TestT11NobodyIsMerged",
				"internal/httpapi.TestT28CodesAreNotGuessed",
				"internal/httpapi.TestT28FactsAreNotGuessed",
				"internal/device.TestT11ComeBackWithAPasskey",
				"internal/httpapi.TestT57LevelOfInvitations",
				"e2e/portal.test.mjs: a patient signs in at the portal and is known on both sides",
			},
		}),
		own("520", "Notice of privacy practices", "Patients are given the notice and asked to acknowledge it.", api.Control{
			HeldBy:   "The form that patients agree to is versioned, and its text is kept.",
			Evidence: []string{"consent-form"},
			Missing:  "The notice is no document of its own yet, with an acknowledgement.",
		}),
		own("522(a)", "Requested restrictions", "Patients may ask to restrict what is shared.", api.Control{
			Missing: "There are no restriction flags.",
		}),
		own("522(b)", "Confidential communications", "Patients may ask to be reached in another way or place.", api.Control{
			HeldBy:   "Notices in the browser hold no content. Codes and links that are sent hold how the practice names itself (identity.sender) and nothing of a chat. The chat can stay on one page alone.",
			Evidence: []string{"quiet-notices"},
			Tests:    []string{"e2e/crosssite.test.mjs: kept on this page only, it works from end to end"},
			Missing:  "There is no record of the way a patient wants to be reached.",
		}),
		own("524", "Access by patients", "Patients get a copy of their record within 30 days.", api.Control{
			HeldBy:   "A patient saves a copy of a chat themselves; sotto record show prints a transcript, with files.",
			Evidence: []string{"archive-verified"},
			Tests:    []string{"internal/record.TestShow"},
			Missing:  "There is no clock of requests.",
		}),
		own("526", "Amendment", "Patients may ask to have their record corrected.", api.Control{
			HeldBy:  "Originals are kept when a message is taken back.",
			Missing: "There are no requests for amendment.",
		}),
		own("528", "Accounting of disclosures", "Patients may ask who was told of their care, for six years back.", api.Control{
			HeldBy:   "The account joins what was written down with what the log says left the practice; the page Patient reports shows it and makes a table of it, beside who saw the messages.",
			Evidence: []string{"audit-log"},
			Tests: []string{
				"internal/httpapi.TestAccountingOfDisclosures",
				"internal/audit/export.TestDisclosures",
				"internal/httpapi.TestT22WhoSawMyMessages",
				"cmd/sotto.TestRecord",
				"cmd/sotto.TestT40ALookReadsTheLog",
			},
			Missing: "There is no clock of the 60 days in which a patient who asks is answered, no way to leave out for a time what an agency or official asked to (164.528(a)(2)), and the account that was given and the title of who answers are not kept (164.528(d)).",
		}),
		own("530(c)", "Safeguards", "Health information is guarded from all who should not have it.", api.Control{
			HeldBy:   "End-to-end encryption, roles, locks and the checks of sotto doctor.",
			Evidence: []string{"doctor", "two-factors", "idle-limit"},
			Tests: []string{
				"internal/architecture.TestHubIsBlind",
				"internal/httpapi.TestT01LogsHoldNoContent",
				"cmd/sotto.TestT54Doctor",
			},
		}),
		own("530(d)", "Complaints", "There is a way to complain, and complaints are written down.", api.Control{
			Missing: "There is no register of complaints.",
		}),
		own("530(b), (e), (f), (g), (i), (j)", "Training, sanctions, mitigation, no retaliation, policies", "Staff are trained, breaches have consequences, harm is lessened, nobody is made to pay for a complaint, policies are kept for six years.", api.Control{
			Missing: "There are no registers for these.",
		}),
	}
}

// breach are the rules on breaches, 45 CFR 164.400 to 414.
func breach() []api.Control {
	const family = "breach"
	return []api.Control{
		{
			ID: "402", Family: family, Kind: api.KindRequired, Owner: privacyOfficial, Review: 12,
			Title: "What a breach is", Asks: "An impermissible use is a breach unless four factors show that harm is unlikely; what is encrypted and whose keys are safe is no unsecured information.",
			HeldBy:   "Content is encrypted with keys that the hub does not have.",
			Evidence: []string{"database-encrypted", "keys-apart", "suite"},
			Tests:    []string{"e2e/proof.TestCanaryT01", "internal/architecture.TestHubIsBlind"},
			Missing:  "There is no guided assessment by the four factors.",
		},
		{
			ID: "404", Family: family, Kind: api.KindRequired, Owner: privacyOfficial, Review: 12,
			Title: "Notice to patients", Asks: "Patients are told without unreasonable delay, within 60 days of discovery.",
			Missing: "There is no clock and no letters.",
		},
		{
			ID: "406", Family: family, Kind: api.KindRequired, Owner: privacyOfficial, Review: 12,
			Title: "Notice to the media", Asks: "The media are told of a breach of more than 500 residents of a state.",
			Missing: "There is no count by state.",
		},
		{
			ID: "408", Family: family, Kind: api.KindRequired, Owner: privacyOfficial, Review: 12,
			Title: "Notice to the Secretary", Asks: "HHS is told: at once from 500 patients on, else once a year.",
			Missing: "There is no log of breaches for the year.",
		},
		{
			ID: "410", Family: family, Kind: api.KindRequired, Owner: privacyOfficial, Review: 12,
			Title: "Notice by a business associate", Asks: "Who runs systems for the practice tells it of a breach.",
			Missing: "There is no such notice.",
		},
		{
			ID: "412, 414", Family: family, Kind: api.KindRequired, Owner: privacyOfficial, Review: 12,
			Title: "Delay for law enforcement; burden of proof", Asks: "Notices wait if the police ask for it, and the practice can show that it did what was due.",
			Missing: "There is no file of a breach.",
		},
	}
}
