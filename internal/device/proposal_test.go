package device_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// lenient is a delivery service that believes everybody.
var lenient = delivery.Config{Credentials: mls.AnyCredential{}}

// leafOf returns where a person's device is in a group.
func leafOf(t *testing.T, g *delivery.PublicGroup, person string) wire.LeafIndex {
	t.Helper()
	for _, m := range g.Members() {
		if c, err := certificate.Parse(m.Credential.Identity); err == nil && c.Person == person {
			return m.Leaf
		}
	}
	t.Fatalf("%s is not in the group", person)
	return 0
}

// committed returns how many proposals of the hub's are in a log, and how many
// commits refer to a proposal.
func committed(frames []api.Frame) (proposals, byReference int) {
	for _, f := range frames {
		m, err := wire.ParseMessage(f.Payload)
		if err != nil || m.Public == nil {
			continue
		}
		if c := m.Public.Content; c.Type == wire.ContentProposal && c.Sender.Type == wire.SenderExternal {
			proposals++
		} else if c.Type == wire.ContentCommit && slices.ContainsFunc(c.Commit.Proposals, func(p wire.ProposalOrRef) bool { return p.Reference != nil }) {
			byReference++
		}
	}
	return proposals, byReference
}

// TestT03HubProposesOtherThanRemovals has a hub, or somebody in its name,
// propose all that it may not: each is refused and shown. A removal that the
// keeper does not commit removes nobody.
func TestT03HubProposesOtherThanRemovals(t *testing.T) {
	w := devicetest.NewWorldWithoutKeeper(t)
	hub := devicetest.NewSigner(t)
	w.Hub.Practice.RemovalKey = hub.Public()
	w.StartKeeper()
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	sam.Say(id, "hello")
	maria := w.Staff("maria")
	w.Eventually("maria takes it", func() bool { return maria.Act(t.Context(), id, "take") == nil })
	maria.SeesTexts(id, "hello")
	maria.Say(id, "good morning")
	sam.SeesTexts(id, "hello", "good morning")
	w.Eventually("all is settled", func() bool { return outboxEmpty(sam) && outboxEmpty(maria) && outboxEmpty2(w) })

	group, err := delivery.New(lenient, w.Hub.GroupInfo(id))
	if err != nil {
		t.Fatal(err)
	}
	s, err := suite.Lookup(suite.MLKEM768P256)
	if err != nil {
		t.Fatal(err)
	}
	ghost := devicetest.NewSigner(t)
	cert, err := w.Authority.Issue(&certificate.Certificate{Person: "p_ghost", Device: "d_ghost", Kind: certificate.KindStaff, Role: "nurse", PublicKey: ghost.Public()}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	secret, err := mls.NewKeyPackage(mls.Config{Credentials: mls.AnyCredential{}}, s, ghost, wire.BasicCredential(cert), mls.KeyPackageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	refusals := func(p *devicetest.Person) int {
		n := 0
		for _, notice := range p.Notices(id) {
			if containsPrefix([]string{notice}, "refused") {
				n++
			}
		}
		return n
	}
	keeper := leafOf(t, group, "p_keeper")
	for name, p := range map[string]wire.Proposal{
		"an addition": &wire.Add{KeyPackage: secret.Package()},
		"other rules": &wire.GroupContextExtensions{},
		"an end":      &wire.ReInit{GroupID: []byte("c_other"), Version: wire.MLS10, Suite: suite.MLKEM768P256},
	} {
		message, err := group.Propose(hub, 0, p)
		if err != nil {
			t.Fatal(name, err)
		}
		before := refusals(sam)
		w.Hub.Append(id, api.Frame{Kind: api.FrameProposal, Device: "hub", Payload: message})
		w.Eventually(name+" is refused and shown", func() bool { return refusals(sam) > before && refusals(maria) > before })
	}
	if !contains(sam.Notices(id), "refused "+device.RuleProposal) {
		t.Errorf("sam sees %q", sam.Notices(id))
	}
	// In its name, and not by its key: the signature's last bytes are changed.
	genuine, err := group.Propose(hub, 0, &wire.Remove{Removed: keeper})
	if err != nil {
		t.Fatal(err)
	}
	forged := slices.Clone(genuine)
	forged[len(forged)-1] ^= 1
	before := refusals(sam)
	w.Hub.Append(id, api.Frame{Kind: api.FrameProposal, Device: "hub", Payload: forged})
	w.Eventually("a forged one is refused and shown", func() bool { return refusals(sam) > before })
	// A genuine one against the keeper, committed by a member who helps the hub.
	w.Hub.Append(id, api.Frame{Kind: api.FrameProposal, Device: "hub", Payload: genuine})
	sam.Say(id, "is the keeper there?")
	maria.SeesTexts(id, "hello", "good morning", "is the keeper there?")
	pending, err := stolenGroup(t, maria, id).Commit(mls.CommitOptions{Path: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, refers := committed([]api.Frame{{Payload: pending.Commit}}); refers != 1 {
		t.Fatal("the commit does not carry out the removal")
	}
	w.Hub.Append(id, api.Frame{Kind: api.FrameCommit, Device: "d_maria", Person: "p_maria", Payload: pending.Commit})
	sam.SeesNotice(id, "refused "+device.RuleMembership)
	sam.Say(id, "still here")
	w.Eventually("the record goes on", func() bool { return contains(archived(w, id), "still here") })
}

// TestRealHubProposesRemovals: a staff person who is disabled is proposed for
// removal in the log, signed by the hub, and the keeper commits that.
func TestRealHubProposesRemovals(t *testing.T) {
	ctx := t.Context()
	c := newClinic(t)
	client := c.client()
	sam := c.start("sam", device.SurfacePatient, client)
	id := c.begins(sam)
	maria := c.staff("maria")
	c.takes(maria, id)
	staff, err := c.hub.Staff(ctx, c.id)
	if err != nil || len(staff) != 1 {
		t.Fatal(staff, err)
	}
	if err := c.hub.DisablePerson(ctx, c.id, staff[0].ID); err != nil {
		t.Fatal(err)
	}
	c.eventually("sam sees maria go", func() bool {
		lines, _ := sam.Lines(ctx, id, 0, 100)
		return slices.ContainsFunc(lines, func(l device.Line) bool { return l.Notice != nil && l.Notice.Kind == device.NoticeRemoved })
	})
	page, err := client.Frames(ctx, id, 0, 200)
	if err != nil {
		t.Fatal(err)
	}
	if proposals, byReference := committed(page.Frames); proposals != 1 || byReference != 1 {
		t.Errorf("%d proposals, %d commits of one", proposals, byReference)
	}
	lines, _ := sam.Lines(ctx, id, 0, 100)
	for _, l := range lines {
		if l.Notice != nil && l.Notice.Kind == device.NoticeRefused {
			t.Errorf("sam sees a refusal: %s", l.Notice.Rule)
		}
	}
}
