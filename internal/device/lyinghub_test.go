package device_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// The tests of this file are about a hub that lies, or a member who helps it.
// Their names carry the ids of the threat model.

// talk returns a conversation between sam and maria in which each has said
// something and read the other.
func talk(t *testing.T) (w *devicetest.World, sam, maria *devicetest.Person, id string) {
	t.Helper()
	w = devicetest.NewWorld(t)
	sam = w.Patient("sam")
	id = sam.Open("Sam")
	sam.Say(id, "hello")
	maria = w.Staff("maria")
	w.Eventually("maria takes it", func() bool { return maria.Act(t.Context(), id, "take") == nil })
	maria.SeesTexts(id, "hello")
	maria.Say(id, "good morning")
	sam.SeesTexts(id, "hello", "good morning")
	w.Eventually("all is settled", func() bool { return outboxEmpty(sam) && outboxEmpty(maria) && outboxEmpty2(w) })
	return w, sam, maria, id
}

func outboxEmpty2(w *devicetest.World) bool {
	keys, err := w.KeeperStore.Keys(w.T.Context(), "o/")
	return err == nil && len(keys) == 0
}

// stolenGroup is the group as whoever has the device has it.
func stolenGroup(t *testing.T, p *devicetest.Person, id string) *mls.Group {
	t.Helper()
	state, err := p.Store.Get(t.Context(), "g/"+id)
	if err != nil || state == nil {
		t.Fatal("no group state", err)
	}
	keys, err := p.Store.Get(t.Context(), "e/"+id)
	if err != nil || keys == nil {
		t.Fatal("no keys of messages", err)
	}
	g, err := mls.Restore(mls.Config{Credentials: mls.AnyCredential{}}, p.Signer, mls.JoinState(state, keys))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestT02AlteredFrameIsRefusedAndShown(t *testing.T) {
	w, sam, maria, id := talk(t)
	sam.Say(id, "can you read me?")
	want := []string{"hello", "good morning", "can you read me?"}
	maria.SeesTexts(id, want...)
	for i, where := range []float64{0.02, 0.1, 0.3, 0.5, 0.8, 0.99} {
		altered := false
		maria.Client.Lie(devicetest.Lies{Frames: func(_ string, frames []api.Frame) []api.Frame {
			for n := range frames {
				if !altered && frames[n].Kind == api.FrameApplication && frames[n].Person != "p_maria" {
					altered = true
					frames[n].Payload = bytes.Clone(frames[n].Payload)
					frames[n].Payload[int(where*float64(len(frames[n].Payload)))] ^= 0x40
				}
			}
			return frames
		}})
		before := len(maria.Notices(id))
		sam.Say(id, fmt.Sprint("altered ", i))
		w.Eventually("maria is told", func() bool { return len(maria.Notices(id)) > before })
		if got := maria.Notices(id)[before:]; !containsPrefix(got, "refused") && !contains(got, "gap") {
			t.Errorf("altered at %v: %q", where, got)
		}
		maria.Client.Lie(devicetest.Lies{})
		sam.Say(id, fmt.Sprint("good ", i))
		want = append(want, fmt.Sprint("good ", i))
		maria.SeesTexts(id, want...)
		maria.SeesNotice(id, "gap") // the number of the one that was altered is missing
	}
	for _, f := range w.Hub.Log(id) {
		if m, err := wire.ParseMessage(f.Payload); err == nil && m.Public != nil && m.Public.Content.Sender.Type == wire.SenderNewMemberCommit {
			t.Error("an altered frame makes a device rejoin")
		}
	}
}

func TestT02ReplayedFrameIsShownOnce(t *testing.T) {
	w, sam, maria, id := talk(t)
	for _, f := range w.Hub.Log(id) {
		if f.Kind == api.FrameApplication {
			f.ClientID = "again" + f.ClientID
			w.Hub.Append(id, f)
		}
	}
	sam.Say(id, "after")
	for _, p := range []*devicetest.Person{sam, maria} {
		p.SeesTexts(id, "hello", "good morning", "after")
		p.SeesNotice(id, "refused replayed")
	}
}

func TestT02WithheldFrameLeavesAGap(t *testing.T) {
	w, sam, maria, id := talk(t)
	maria.Client.SetOffline(true)
	sam.Say(id, "one")
	w.Eventually("it is at the hub", func() bool { return outboxEmpty(sam) })
	dropped := uint64(len(w.Hub.Log(id)) + 1)
	sam.Say(id, "two")
	sam.Say(id, "three")
	w.Eventually("all are at the hub", func() bool { return outboxEmpty(sam) && uint64(len(w.Hub.Log(id))) == dropped+1 })
	w.Hub.Drop(id, dropped)
	maria.Client.SetOffline(false)
	maria.SeesTexts(id, "hello", "good morning", "one", "three")
	maria.SeesNotice(id, "gap")
}

func TestT02ReorderedFramesAreShownAsSuch(t *testing.T) {
	w, sam, maria, id := talk(t)
	maria.Client.SetOffline(true)
	sam.Say(id, "one")
	w.Eventually("it is at the hub", func() bool { return outboxEmpty(sam) })
	first := uint64(len(w.Hub.Log(id)) + 1)
	sam.Say(id, "two")
	w.Eventually("both are at the hub", func() bool { return outboxEmpty(sam) })
	w.Hub.Swap(id, first, first-1)
	maria.Client.SetOffline(false)
	maria.SeesTexts(id, "hello", "good morning", "two", "one")
	maria.SeesNotice(id, "refused reordered")
}

func TestT02SubstitutedOwnFrameIsNoticed(t *testing.T) {
	w, sam, maria, id := talk(t)
	sam.Client.Lie(devicetest.Lies{
		Sent:   func(s *api.Sent) *api.Sent { return &api.Sent{Position: s.Position - 1, ReceivedAt: s.ReceivedAt} },
		Frames: func(string, []api.Frame) []api.Frame { return nil },
	})
	sam.Say(id, "where is it?")
	sam.SeesNotice(id, "refused substituted")
	sam.Client.Lie(devicetest.Lies{})
	sam.Say(id, "here?")
	w.Eventually("maria has each once", func() bool {
		return slices.Equal(maria.Texts(id), []string{"hello", "good morning", "where is it?", "here?"})
	})
}

// forged returns a certificate for key from somebody who is not the practice's
// authority but says so.
func forged(t *testing.T, key []byte, person, deviceID, kind, role string) []byte {
	t.Helper()
	a, err := authority.New("pr_1")
	if err != nil {
		t.Fatal(err)
	}
	b, err := a.Issue(&certificate.Certificate{Person: person, Device: deviceID, Kind: kind, Role: role, PublicKey: key}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goesOn checks that everybody has refused for the reason given, and that the
// conversation goes on without the ghost.
func goesOn(w *devicetest.World, sam, maria *devicetest.Person, id, rule string) {
	w.T.Helper()
	sam.SeesNotice(id, "refused "+rule)
	maria.SeesNotice(id, "refused "+rule)
	sam.Say(id, "still here")
	maria.SeesTexts(id, "hello", "good morning", "still here")
	for _, m := range append(sam.View(id).Members, maria.View(id).Members...) {
		if m.Person == "p_ghost" || m.Devices > 1 {
			w.T.Errorf("a ghost is among the members: %+v", m)
		}
	}
}

func TestT03GhostWithForgedCertificateByExternalCommit(t *testing.T) {
	w, sam, maria, id := talk(t)
	ghost := devicetest.NewSigner(t)
	cert := forged(t, ghost.Public(), "p_maria", "d_ghost", certificate.KindStaff, "nurse")
	_, commit, err := mls.JoinExternal(mls.Config{Credentials: mls.AnyCredential{}}, ghost, wire.BasicCredential(cert), w.Hub.GroupInfo(id), mls.ExternalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.Hub.Append(id, api.Frame{Kind: api.FrameCommit, Device: "d_ghost", Payload: commit})
	goesOn(w, sam, maria, id, device.RuleCertificate)
}

func TestT03CertifiedOutsiderByExternalCommit(t *testing.T) {
	w, sam, maria, id := talk(t)
	other := w.Patient("other") // with a genuine certificate of the practice
	elsewhere := other.Open("Other")
	w.Eventually("other is certified", func() bool { return other.Joined(elsewhere) })
	cert := stolenGroup(t, other, elsewhere).Members()[0].Credential
	_, commit, err := mls.JoinExternal(mls.Config{Credentials: mls.AnyCredential{}}, other.Signer, cert, w.Hub.GroupInfo(id), mls.ExternalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.Hub.Append(id, api.Frame{Kind: api.FrameCommit, Device: "d_other", Payload: commit})
	goesOn(w, sam, maria, id, device.RuleMembership)
}

func TestT03GhostAddedByAMember(t *testing.T) {
	w, sam, maria, id := talk(t)
	s, _ := suite.Lookup(suite.MLKEM768P256)
	for _, test := range []struct {
		name, rule string
		cert       func(key []byte) []byte
	}{
		{"forged", device.RuleCertificate, func(key []byte) []byte { return forged(t, key, "p_ghost", "d_ghost", certificate.KindStaff, "nurse") }},
		{"genuine", device.RuleMembership, func(key []byte) []byte {
			b, err := w.Authority.Issue(&certificate.Certificate{Person: "p_ghost", Device: "d_ghost", Kind: certificate.KindStaff, Role: "nurse", PublicKey: key}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return b
		}},
	} {
		ghost := devicetest.NewSigner(t)
		secret, err := mls.NewKeyPackage(mls.Config{Credentials: mls.AnyCredential{}}, s, ghost, wire.BasicCredential(test.cert(ghost.Public())), mls.KeyPackageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		pending, err := stolenGroup(t, maria, id).Commit(mls.CommitOptions{Add: []*wire.KeyPackage{secret.Package()}})
		if err != nil {
			t.Fatal(err)
		}
		w.Hub.Append(id, api.Frame{Kind: api.FrameCommit, Device: "d_maria", Payload: pending.Commit})
		sam.SeesNotice(id, "refused "+test.rule)
	}
	sam.Say(id, "still here")
	maria.SeesTexts(id, "hello", "good morning", "still here")
	for _, m := range sam.View(id).Members {
		if m.Person == "p_ghost" {
			t.Error("a ghost is among the members")
		}
	}
}

func TestT03ForgedKeeperAtTheFounding(t *testing.T) {
	w := devicetest.NewWorld(t)
	s, _ := suite.Lookup(suite.MLKEM768P256)
	sam := w.Patient("sam")
	lied := make(chan bool, 100)
	sam.Client.Lie(devicetest.Lies{Claim: func(claimed []api.ClaimedKeyPackage) []api.ClaimedKeyPackage {
		ghost := devicetest.NewSigner(t)
		cert := forged(t, ghost.Public(), "p_keeper", "d_keeper", certificate.KindService, certificate.RoleKeeper)
		secret, _ := mls.NewKeyPackage(mls.Config{Credentials: mls.AnyCredential{}}, s, ghost, wire.BasicCredential(cert), mls.KeyPackageOptions{})
		lied <- true
		return []api.ClaimedKeyPackage{{Device: "d_keeper", Person: "p_keeper", Package: secret.Message()}}
	}})
	id := sam.Open("Sam")
	sam.Say(id, "secret")
	<-lied
	<-lied
	if log := w.Hub.Log(id); len(log) > 0 {
		t.Error("a conversation was founded with a forged keeper")
	}
	sam.Client.Lie(devicetest.Lies{})
	w.Eventually("it is founded once the hub is honest", func() bool { return slices.Equal(archived(w, id), []string{"secret"}) })
}

func TestT03ForgedCertificateOfOwnDevice(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	sam.Client.Lie(devicetest.Lies{Self: func(d api.Device) api.Device {
		if len(d.Certificate) > 0 {
			d.Certificate = forged(t, sam.Signer.Public(), d.Person, d.ID, d.Kind, d.Role)
		}
		return d
	}})
	sam.Open("Sam")
	w.Eventually("it is refused", func() bool {
		return sam.Heard(func(e device.Event) bool { return e.Kind == device.EventFailed && e.Failure == device.FailureUntrusted })
	})
}

func TestT03ChangedAuthority(t *testing.T) {
	w, sam, _, id := talk(t)
	evil, _ := authority.New("pr_1")
	sam.Client.Lie(devicetest.Lies{Practice: func(p api.Practice) api.Practice { p.AuthorityKey = evil.Public(); return p }})
	if err := sam.Restart(); err != nil {
		t.Fatal(err)
	}
	w.Eventually("it is refused", func() bool {
		return sam.Heard(func(e device.Event) bool { return e.Kind == device.EventFailed && e.Failure == device.FailureUntrusted })
	})
	sam.SeesTexts(id, "hello", "good morning") // what was said stays readable
}

func TestT03EveryAddIsShown(t *testing.T) {
	w, sam, maria, id := talk(t)
	w.Staff("maria") // a second device of the same person
	sam.SeesNotice(id, "device-added p_maria")
	maria.SeesNotice(id, "device-added p_maria")
	before, _ := sam.SafetyCode(t.Context(), id, "p_maria")
	w.Staff("maria")
	w.Eventually("the safety code changes", func() bool {
		after, err := sam.SafetyCode(t.Context(), id, "p_maria")
		return err == nil && after != before
	})
}

func TestT04TwoCommitsForOneEpoch(t *testing.T) {
	w, sam, maria, id := talk(t)
	// The hub shows maria another commit of the epoch than all others.
	branch, err := stolenGroup(t, sam, id).Commit(mls.CommitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	maria.Client.Lie(devicetest.Lies{
		Frames: func(_ string, frames []api.Frame) []api.Frame {
			for i := range frames {
				if frames[i].Kind == api.FrameCommit && frames[i].Person == "p_keeper" {
					frames[i].Payload = branch.Commit
				}
			}
			return frames
		},
		GroupInfo: func(api.GroupInfo) api.GroupInfo { return api.GroupInfo{GroupInfo: branch.GroupInfo} },
	})
	w.Staff("jonas")
	w.Hub.Want(id, api.Person{ID: "p_jonas", Kind: api.KindStaff, Role: "nurse"}, true)
	sam.SeesNotice(id, "joined p_jonas")
	sam.Say(id, "to all three")
	w.Eventually("maria is told that something is wrong", func() bool { return containsPrefix(maria.Notices(id), "refused") })
	if contains(maria.Texts(id), "to all three") || contains(maria.Notices(id), "joined p_jonas") {
		t.Errorf("maria sees %q, %q", maria.Texts(id), maria.Notices(id))
	}
}

func TestT04LateSecondCommitIsRefused(t *testing.T) {
	w, sam, maria, id := talk(t)
	late, err := stolenGroup(t, maria, id).Commit(mls.CommitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.Staff("jonas")
	w.Hub.Want(id, api.Person{ID: "p_jonas", Kind: api.KindStaff, Role: "nurse"}, true)
	sam.SeesNotice(id, "joined p_jonas")
	w.Hub.Append(id, api.Frame{Kind: api.FrameCommit, Device: "d_maria", Person: "p_maria", Payload: late.Commit})
	sam.SeesNotice(id, "refused stale-epoch")
	sam.Say(id, "still here")
	maria.SeesTexts(id, "hello", "good morning", "still here")
}

func TestT04StaleGroupInfoIsRefused(t *testing.T) {
	w, sam, maria, id := talk(t)
	stale := w.Hub.GroupInfo(id)
	w.Staff("jonas")
	w.Hub.Want(id, api.Person{ID: "p_jonas", Kind: api.KindStaff, Role: "nurse"}, true)
	maria.SeesNotice(id, "joined p_jonas")
	maria.Close()
	maria.Store.Put("g/"+id, []byte("spoilt"))
	maria.Client.Lie(devicetest.Lies{GroupInfo: func(g api.GroupInfo) api.GroupInfo { g.GroupInfo = stale; return g }})
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	maria.SeesNotice(id, "refused roll-back")
	maria.Client.Lie(devicetest.Lies{})
	maria.Reconnect()
	maria.SeesTexts(id, "hello", "good morning")
	sam.SeesTexts(id, "hello", "good morning")
	maria.Say(id, "back again")
	sam.SeesTexts(id, "hello", "good morning", "back again")
	sam.Say(id, "welcome back")
	maria.SeesTexts(id, "hello", "good morning", "back again", "welcome back")
}

func TestT04RollBackOfTheLogIsShown(t *testing.T) {
	w, sam, _, id := talk(t)
	sam.Client.Lie(devicetest.Lies{
		Head:   func(string, uint64) uint64 { return 2 },
		Frames: func(string, []api.Frame) []api.Frame { return nil },
	})
	sam.Client.SetOffline(true)
	sam.Client.SetOffline(false)
	sam.SeesNotice(id, "refused roll-back")
	sam.Client.Lie(devicetest.Lies{})
	sam.Say(id, "and on")
	w.Eventually("it goes on", func() bool { return contains(archived(w, id), "and on") })
}

func TestT04OldWelcomeDoesNotRollBack(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	maria := w.Staff("maria")
	w.Eventually("maria takes it", func() bool { return maria.Act(t.Context(), id, "take") == nil })
	w.Eventually("maria is in", func() bool { return maria.Joined(id) })
	sam.Say(id, "hello")
	maria.SeesTexts(id, "hello")
	// A welcome that names a key package that is gone, or none at all.
	w.Hub.Welcome(w.Hub.DevicesOf("p_maria")[0], api.Welcome{Conversation: id, Position: 1, Payload: []byte("old")})
	w.Hub.Welcome(w.Hub.DevicesOf("p_maria")[0], api.Welcome{Conversation: "c_other", Position: 1, Payload: []byte("none")})
	sam.Say(id, "still?")
	maria.SeesTexts(id, "hello", "still?")
}

func TestT05RemovedDeviceReadsNothingMore(t *testing.T) {
	w, sam, maria, id := talk(t)
	stolen := stolenGroup(t, maria, id)
	position := len(w.Hub.Log(id))
	w.Hub.Want(id, api.Person{ID: "p_maria"}, false)
	sam.SeesNotice(id, "removed p_maria")
	sam.Say(id, "behind your back")
	w.Eventually("it is sent", func() bool { return contains(archived(w, id), "behind your back") })
	for _, f := range w.Hub.Log(id)[position:] {
		event, err := stolen.Receive(f.Payload)
		switch event := event.(type) {
		case *mls.Application:
			t.Errorf("a removed device reads %q", event.Data)
		case *mls.Staged:
			if !event.SelfRemoved {
				t.Error("a removed device follows a commit")
			}
			_ = stolen.Merge(event)
		default:
			if err == nil {
				t.Errorf("%T", event)
			}
		}
	}
	w.Eventually("its keys are gone", func() bool {
		b, _ := maria.Store.Get(t.Context(), "g/"+id)
		keys, _ := maria.Store.Get(t.Context(), "e/"+id)
		return b == nil && keys == nil && !maria.Joined(id)
	})
	maria.SeesTexts(id, "hello", "good morning")
	if _, err := maria.SendText(t.Context(), id, "I am still here"); device.FailureOf(err) != device.FailureNotAMember {
		t.Errorf("a removed device writes: %v", err)
	}
}

func TestT07DrainedKeyPackages(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	maria := w.Staff("maria")
	w.Eventually("maria has key packages", func() bool {
		devices := w.Hub.DevicesOf("p_maria")
		return len(devices) == 1 && w.Hub.Unused(devices[0]) == 4
	})
	d := w.Hub.DevicesOf("p_maria")[0]
	stolen := w.Hub.Packages(d)
	maria.Client.SetOffline(true)
	w.Hub.SetPackages(d, nil) // drained: only the last resort is left
	var ids []string
	for range 2 {
		id := sam.Open("Sam")
		sam.Say(id, "hello")
		w.Eventually("it is archived", func() bool { return len(archived(w, id)) == 1 })
		w.Hub.Want(id, api.Person{ID: "p_maria", Kind: api.KindStaff, Role: "nurse"}, true)
		w.Eventually("maria is added by her last resort", func() bool { return contains(w.Hub.Members(id), d) })
		ids = append(ids, id)
	}
	maria.Client.SetOffline(false)
	maria.Reconnect()
	for _, id := range ids {
		maria.SeesTexts(id, "hello")
	}
	w.Eventually("the store is filled again", func() bool { return w.Hub.Unused(d) == 4 })

	// A hub that gives out a package for the second time is refused.
	w.Hub.SetPackages(d, stolen[:1])
	id := sam.Open("Sam")
	w.Hub.Want(wait(w, id), api.Person{ID: "p_maria", Kind: api.KindStaff, Role: "nurse"}, true)
	w.Eventually("maria is added", func() bool { return contains(w.Hub.Members(id), d) })
	w.Eventually("she has filled the store, and is not at it", func() bool { return w.Hub.Unused(d) == 4 })
	maria.Client.SetOffline(true)
	w.Hub.SetPackages(d, stolen[:1])
	again := sam.Open("Sam")
	w.Hub.Want(wait(w, again), api.Person{ID: "p_maria", Kind: api.KindStaff, Role: "nurse"}, true)
	w.Eventually("the hub has given it out", func() bool { return w.Hub.Unused(d) == 0 })
	w.Eventually("maria is added by the last resort instead", func() bool { return contains(w.Hub.Members(again), d) })
}

func wait(w *devicetest.World, id string) string {
	w.Eventually("the hub has it", func() bool { return len(w.Hub.Log(id)) > 0 && len(w.Hub.Members(id)) == 2 })
	return id
}

// TestT04HubThatForgetsCommits: a hub that says the group is at an older epoch
// than it is gets no message sealed again and again.
func TestT04HubThatForgetsCommits(t *testing.T) {
	w, sam, _, id := talk(t)
	w.Hub.SetEpoch(id, 1)
	sam.Say(id, "too late?")
	sam.SeesNotice(id, "refused roll-back")
	w.Hub.SetEpoch(id, stolenGroup(t, sam, id).Epoch())
	w.Eventually("it goes out once the hub is right again", func() bool { return contains(archived(w, id), "too late?") })
}

// TestT04WithheldCommitMakesADeviceRejoin: the hub drops a commit from the log
// and goes on in its epoch; the device asks for the group as it is and comes in
// again, for all to see.
func TestT04WithheldCommitMakesADeviceRejoin(t *testing.T) {
	w, sam, maria, id := talk(t)
	maria.Client.SetOffline(true)
	seen := uint64(len(w.Hub.Log(id)))
	w.Staff("jonas")
	w.Hub.Want(id, api.Person{ID: "p_jonas", Kind: api.KindStaff, Role: "nurse"}, true)
	sam.SeesNotice(id, "joined p_jonas")
	w.Eventually("all is settled", func() bool { return outboxEmpty(sam) && outboxEmpty2(w) })
	for _, f := range w.Hub.Log(id) {
		if f.Kind == api.FrameCommit && f.Position > seen {
			w.Hub.Drop(id, f.Position)
			break
		}
	}
	maria.Client.SetOffline(false)
	maria.SeesNotice(id, "gap")
	back := maria.Say(id, "I am back")
	w.Eventually("maria can write again", func() bool {
		return maria.State(id, back) == device.StateSent || maria.State(id, back) == device.StateDelivered
	})
	w.Eventually("maria sees who is there", func() bool {
		return slices.ContainsFunc(maria.View(id).Members, func(m device.Member) bool { return m.Person == "p_jonas" })
	})
}
